#!/usr/bin/python3
"""test_models.py DECODE_MODEL MODELS TABLE [MODEL...] - every shipped model against registers.table.

Register images with known values are built from the table alone and decoded by the product
(decode_model.c). A wrong address, type, order, scale, function, channel step, ratio, relay command or
setting of a model shows, as does a value that the table does not know or that the model forgot.
"""

import os
import random
import struct
import subprocess
import sys
from fractions import Fraction

ROUNDS = 8
UNITS = {"kWh": 1000, "Wh": 1, "V": 1000, "A": 1000, "W": 1, "kW": 1000, "var": 1, "kvar": 1000,
         "Hz": 1000, "m3": 1000, "L": 1}
NAMES = {"energy": "wh", "power": "w", "reactive": "var", "voltage": "mv", "current": "ma",
         "frequency": "mhz", "volume": "l"}
ELEMENTS = {"bit": 1, "u16": 1, "s16": 1, "u32": 2, "s32": 2, "float32": 2, "u64": 4, "s64": 4,
            "float64": 4, "bcd32": 2, "bcd48": 3}
RATIOS = {"ct": "ct_ratio", "pt": "pt_ratio", "pulses": "pulses_per_unit"}
THOUSANDTHS = {*RATIOS.values(), "ct_ratio_l2", "ct_ratio_l3", "pulse_weight"}


def options(words):
    return dict(word.split("=", 1) for word in words)


def read_table(path):
    """maps: name to what was written down; models: name to (map, options)."""
    maps, models, current = {}, {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            kind = words[0]
            if kind == "map":
                current = {"reg": [], "state": [], "relay": [], "mark": [], "text": [],
                           "source": []}
                maps[words[1]] = current
            elif kind == "facts":
                current["facts"] = options(words[1:])
            elif kind == "source":
                current["source"].append(words[1:])
            elif kind == "reg":
                current["reg"].append({
                    "quantity": words[1], "functions": words[2].split("/"),
                    "address": int(words[3], 0), "type": words[4], "order": words[5],
                    "scale": Fraction(words[6]), "unit": words[7], **options(words[8:])})
            elif kind == "state":
                current["state"].append({
                    "quantity": words[1], "functions": [words[2]], "address": int(words[3], 0),
                    "type": words[4], "order": "msw", **options(words[5:])})
            elif kind == "relay":
                current["relay"].append({"function": int(words[1]), "address": int(words[2], 0),
                                         **options(words[3:])})
            elif kind == "mark":
                values = [word for word in words[1:] if "=" not in word]
                current["mark"].append({"values": [int(word, 0) for word in values],
                                        **options(words[1 + len(values):])})
            elif kind in ("also", "block"):
                pass  # for the building simulator
            elif kind == "text":
                current["text"] += [{"values": [*(str(int(word, 0)) for word in words[1:4]), text],
                                     **options(word for word in words[4:] if "=" in word)}
                                    for text in words[4:] if "=" not in text]
            elif kind == "model":
                models[words[1]] = (words[2], options(words[3:]))
            else:
                sys.exit(f"{path}: not understood: {line}")
    return maps, models


def place(row, channel):
    """The address for a channel, numbered from 1."""
    index, address = channel - 1, row["address"]
    if "group" in row:
        size, step = (int(word, 0) for word in row["group"].split(":"))
        address += index // size * step
        index %= size
    return address + index * int(row.get("each", "0"), 0)


def words_of(raw, row):
    count = ELEMENTS[row["type"]]
    words = [raw >> 16 * i & 0xFFFF for i in range(count)]
    return words if row["order"] == "lsw" else words[::-1]


def round_away(value):
    """To the nearest, half away from zero."""
    sign = -1 if value < 0 else 1
    return sign * int((2 * abs(value) + 1) // 2)


def plausible(row, chance):
    """A value in the row's unit, within what a witness lets pass."""
    quantity = row["quantity"]
    if quantity.startswith("voltage"):
        return Fraction(chance.randrange(180000, 260000), 1000)
    if quantity == "frequency":
        return Fraction(chance.randrange(46000, 64000), 1000)
    return None


def draw(row, chance):
    """(raw bits, exact value before the unit's factor, is it a float)"""
    kind, scale = row["type"], row["scale"]
    wanted = plausible(row, chance)
    if kind in ("float32", "float64"):
        if wanted is None:
            wanted = Fraction(chance.randrange(1, 10 ** 9), 1000) / 10 ** chance.randrange(4)
            wanted /= scale
            if row["quantity"] in ("power", "reactive") and chance.random() < 0.4:
                wanted = -wanted
        else:
            wanted /= scale
        code = ">f" if kind == "float32" else ">d"
        packed = struct.pack(code, float(wanted))
        return int.from_bytes(packed, "big"), Fraction(struct.unpack(code, packed)[0]) * scale, True
    if kind.startswith("bcd"):
        digits = "".join(chance.choice("0123456789") for _ in range(4 * ELEMENTS[kind]))
        digits = "1" + digits[1:]
        return int(digits, 16), Fraction(int(digits)), False
    bits = 16 * ELEMENTS[kind]
    if wanted is not None:
        raw = int(wanted / scale)
    elif "offset" in row:
        raw = int(row["offset"], 0) + chance.randrange(1, 1 << 24)
    elif kind.startswith("s") and not row["quantity"].startswith("energy"):
        raw = chance.randrange(-(1 << bits - 1), (1 << bits - 1) - 1)
    elif kind.startswith("s"):
        raw = chance.randrange(1, 1 << min(chance.randrange(2, bits), 40))
    else:
        raw = chance.randrange(1, 1 << min(chance.randrange(2, bits + 1), 40))
        raw |= chance.randrange(2) << bits - 1 if bits <= 32 else 0
    value = Fraction(raw - int(row.get("offset", "0"), 0)) * scale
    return raw & ((1 << bits) - 1), value, False


def full_name(quantity):
    if quantity in ("relay_closed", "safe_closed", "own_prepaid", "link_loss_moves",
                    "power_on_moves", "power_factor", "serial_number", "ct_phase_shift",
                    "ct_phase_shift_l2", "ct_phase_shift_l3"):
        return quantity + ("_ppm" if quantity == "power_factor" else "")
    if quantity in THOUSANDTHS:
        return quantity + "_milli"
    return quantity + "_" + NAMES[quantity.split("_")[0]]


def factor(row):
    if row["quantity"] == "power_factor":
        return 1000000
    return 1000 if row["quantity"] in THOUSANDTHS else UNITS.get(row["unit"], 1)


class Failure(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Model:
    def __init__(self, program, folder, name, table, given):
        self.name, self.given = name, given
        self.facts = {key: given.get(key, value) for key, value in table["facts"].items()}
        self.rows = [self.row(row) for row in table["reg"] if self.wanted(row)]
        self.states = [dict(row) for row in table["state"] if self.wanted(row)]
        self.relays = [row for row in table["relay"] if self.wanted(row)]
        self.marks = [row for row in table["mark"] if self.wanted(row)]
        self.texts = [row["values"] for row in table["text"] if self.wanted(row)]
        self.without = set(filter(None, given.get("without", "").split(",")))
        self.process = subprocess.Popen(
            [program, os.path.join(folder, name + ".meter")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, encoding="ascii")
        self.said = self.answer()

    def wanted(self, row):
        return row.get("variant", self.given.get("variant")) == self.given.get("variant")

    def row(self, row):
        row = dict(row)
        if "function" in self.given:
            row["functions"] = [self.given["function"]]
        if row["quantity"] == "counter":
            row["quantity"], row["unit"] = self.given["counter"].split(":")
        return row

    def answer(self):
        lines = []
        while (line := self.process.stdout.readline()) != "end\n":
            expect(line, "decode_model ended")
            lines.append(line.split())
        return lines

    def check_facts(self):
        said = {words[1]: words[2] for words in self.said if words[0] == "fact"}
        wanted = dict(self.facts, modulus=self.given.get("modulus", "-"))
        if wanted["kind"] == "relay":
            wanted["phases"] = "-"
        for key, value in wanted.items():
            expect(said[key] == ("0" if value == "-" else value),
                   f"{key} is {said[key]}, the sources say {value}")
        self.channels = int(said["channels"])

    def check_coverage(self):
        decoded = {}
        for words in self.said:
            if words[0] == "row":
                decoded.setdefault(words[1], set()).add(words[2])
        known = {full_name(row["quantity"]): row for row in self.rows + self.states}
        for quantity, functions in decoded.items():
            expect(quantity in known, f"{quantity} is decoded, but no source has it")
            expect(functions <= set(known[quantity]["functions"]),
                   f"{quantity} is read by function {functions}")
        left_out = {full_name(quantity) for quantity in self.without}
        expect(not left_out & set(decoded), f"decoded after all: {left_out & set(decoded)}")
        missing = set(known) - set(decoded) - left_out
        expect(not missing, f"not decoded: {missing}")

    def check_relays(self):
        said = [words[1:] for words in self.said if words[0] == "relay"]
        wanted = [[str(channel), action, str(relay["function"]),
                   str(place(relay, channel))] + [str(int(value, 0)) for value in
                                                  relay[action].split(",")]
                  for relay in self.relays for channel in range(1, self.channels + 1)
                  for action in ("open", "close")]
        expect(sorted(said) == sorted(wanted), f"relay commands {said}, expected {wanted}")

    def check_marks(self):
        said = sorted([int(word) for word in words[1:]] for words in self.said
                      if words[0] == "mark")
        wanted = sorted(mark["values"] for mark in self.marks)
        expect(said == wanted, f"marks {said}, expected {wanted}")
        texts = sorted(words[1:] for words in self.said if words[0] == "text")
        expect(texts == sorted(self.texts), f"texts {texts}, expected {self.texts}")

    def decode(self, image):
        lines = [f"{function} {address} {value}\n" for (function, address), value in image.items()]
        self.process.stdin.write("".join(lines) + "decode\n")
        self.process.stdin.flush()
        return self.answer()

    def put(self, image, row, channel, raw):
        for function in row["functions"]:
            for i, word in enumerate(words_of(raw, row)):
                image[int(function), place(row, channel) + i] = word

    def ratio_raw(self, row, mode, chance):
        """Ratios are 1, or one of them is not, or none is, or (0) they are not known."""
        if mode == "one" or mode in ("ct_ratio", "pt_ratio") and row["quantity"] != mode:
            return int(1 / row["scale"])
        if mode == "unknown":
            return 0
        return chance.randrange(int(2 / row["scale"]), 60 if row["quantity"] == "pt_ratio" else 65536)

    def value_of(self, row, value, is_float, ratios):
        """What the product must say; None where it must say nothing."""
        for name in filter(None, row.get("one", "").split(",")):
            if ratios[RATIOS[name]] != 1:
                return None
        names = row.get("ratio", "").split(",") + row.get("per", "").split(",")
        for name in filter(None, names):
            ratio = ratios[RATIOS[name]]
            if ratio == 0:
                return None
            value = value / ratio if name == "pulses" else value * ratio
        value *= factor(row)
        return round_away(value) if is_float else value.numerator // value.denominator

    def junk(self, image, chance):
        """What lies between the registers that are known must not matter."""
        for row in self.rows + self.states:
            for channel in range(1, self.channels + 1):
                for function in row["functions"]:
                    for address in range(max(0, place(row, channel) - 24),
                                         min(65535, place(row, channel) + 24)):
                        image[int(function), address] = chance.randrange(
                            2 if function in "12" else 65536)

    def build(self, mode, chance):
        """(image, {(channel, quantity): value})"""
        image, wanted = {}, {}
        self.junk(image, chance)
        for channel in range(1, self.channels + 1):
            ratios = {}
            rows = sorted(self.rows, key=lambda row: row["quantity"] not in RATIOS.values())
            for row in rows:
                if row["quantity"] in self.without:
                    continue
                if row["quantity"] in RATIOS.values():
                    raw = self.ratio_raw(row, mode, chance)
                    value, is_float = raw * row["scale"], False
                    ratios[row["quantity"]] = value
                else:
                    raw, value, is_float = draw(row, chance)
                if "each" not in row and "group" not in row and channel > 1:
                    wanted[channel, row["quantity"]] = wanted[1, row["quantity"]]
                    if row["quantity"] in RATIOS.values():
                        ratios[row["quantity"]] = ratios_of_first[row["quantity"]]
                    continue
                self.put(image, row, channel, raw)
                wanted[channel, row["quantity"]] = self.value_of(row, value, is_float, ratios)
            if channel == 1:
                ratios_of_first = dict(ratios)
            for row in self.states:
                if "each" not in row and channel > 1:
                    wanted[channel, row["quantity"]] = wanted[1, row["quantity"]]
                    continue
                mask = int(row.get("mask", "0xFFFF"), 0)
                values = [[int(word, 0) for word in row[word].split(",")] for word in ("no", "yes")]
                # What a mask leaves of a single bit is always one of the two.
                state = chance.randrange(2 if row["type"] == "bit" or mask & (mask - 1) == 0 else 3)
                raw = chance.choice(values[state]) if state < 2 else 0x2A55
                if state < 2 and "mask" in row:
                    raw |= chance.randrange(65536) & ~mask
                self.put(image, row, channel, raw)
                wanted[channel, row["quantity"]] = (0, 1, None)[state]
        return image, wanted

    def check_round(self, mode, chance):
        image, wanted = self.build(mode, chance)
        said = {}
        for channel, quantity, *value in self.decode(image):
            expect(quantity != "refused", f"channel {channel}: refused {value}")
            said[int(channel), quantity] = int(value[0])
        for (channel, quantity), value in wanted.items():
            got = said.get((channel, full_name(quantity)))
            expect(got == value, f"ratios {mode}, channel {channel}: {quantity} is {got}, "
                                 f"expected {value}")

    def check_errors(self, chance):
        """A value that means none is never shown; with it falls the answer, where it is money."""
        for row in self.rows:
            if "error" not in row or row["quantity"] in self.without:
                continue
            image, _ = self.build("one", chance)
            self.put(image, row, 1, int(row["error"], 0))
            said = {(channel, quantity) for channel, quantity, *_ in self.decode(image)}
            expect(("1", full_name(row["quantity"])) not in said,
                   f"{row['quantity']} shows its error value")

    def check(self, seed):
        chance = random.Random(f"{seed} {self.name}")
        self.check_facts()
        self.check_coverage()
        self.check_relays()
        self.check_marks()
        for _ in range(ROUNDS):
            for mode in ("one", "ct_ratio", "pt_ratio", "more", "unknown"):
                self.check_round(mode, chance)
        self.check_errors(chance)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def main(program, folder, table_path, only):
    maps, models = read_table(table_path)
    seed = os.environ.get("PREPAY_TEST_SEED", "1")
    failed = 0
    shipped = {name[:-6] for name in os.listdir(folder) if name.endswith(".meter")}
    if shipped != set(models):
        print(f"models and table differ: {sorted(shipped ^ set(models))}")
        failed += 1
    for name in sorted(shipped & set(models)):
        if only and name not in only:
            continue
        table, given = models[name]
        try:
            expect(maps[table]["source"], "no source")
            model = Model(program, folder, name, maps[table], given)
            try:
                model.check(seed)
            finally:
                model.close()
        except Failure as failure:
            print(f"{name}: {failure}")
            failed += 1
    print(f"{len(shipped)} models, {len(maps)} maps, seed {seed}: {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
