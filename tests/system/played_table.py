"""The table of register maps as a building: which devices it plays, on which lines, in which rooms.

Reads tests/models/registers.table alone, never the product's models.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(os.path.dirname(HERE), "models", "registers.table")
BAUD = 115200


def options(words):
    return dict(word.split("=", 1) for word in words if "=" in word)


class Model:
    """One model of the table, its facts as its own line changes them."""

    def __init__(self, name, given, facts, rows):
        self.name, self.facts = name, {**facts, **given}
        variant = given.get("variant")
        self.rows = [row for row in rows if options(row).get("variant", variant) == variant]
        without = given.get("without", "").split(",")
        self.quantities = {row[1] for row in self.rows if row[0] in ("reg", "state")} - set(without)
        self.relay = next((row for row in self.rows if row[0] == "relay"), None)

    def fact(self, key, missing):
        value = self.facts.get(key, "-")
        return missing if value == "-" else value

    @property
    def kind(self):
        return self.facts["kind"]

    @property
    def confidence(self):
        return self.facts["confidence"]

    @property
    def channels(self):
        return int(self.fact("channels", 1))

    @property
    def framing(self):
        return self.fact("parity", "none"), int(self.fact("stop", 1))

    def commands(self):
        """The writes that the sources know, as the simulator's log tells them: function, address, values."""
        found = set()
        if self.relay:
            given = options(self.relay)
            for channel in range(self.channels):
                for action in ("open", "close"):
                    values = [int(value, 0) for value in given[action].split(",")]
                    address = int(self.relay[2], 0) + channel * int(given.get("each", "0"), 0)
                    found.add(frame(int(self.relay[1]), address, values))
        return found


def frame(function, address, values):
    words = "".join(f"{value:04X}" for value in values)
    if function == 16:
        return f"10{address:04X}{len(values):04X}{2 * len(values):02X}{words}"
    return f"{function:02X}{address:04X}{words}"


def read_table(path=TABLE):
    """{name: Model}, in the table's order."""
    maps, models, current = {}, {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "map":
                current = maps[words[1]] = {"facts": {}, "rows": []}
            elif words[0] == "facts":
                current["facts"] = options(words)
            elif words[0] == "model":
                table = maps[words[2]]
                models[words[1]] = Model(words[1], options(words[3:]), table["facts"], table["rows"])
            else:
                current["rows"].append(words)
    return models
