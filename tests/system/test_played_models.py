#!/usr/bin/python3
"""Every model that may be charged by, played from the table of register maps to the real prepayd.

    test_played_models.py BUILD

One building has a meter of each model of high or medium confidence, and boards of every model whose channels switch the
rooms of meters without a relay. Every metered circuit is a room. Whatever a model says wrongly shows: a read outside the
map is refused by the simulator, a wrong register, type, order, scale, ratio or channel charges another room's energy or
none, a wrong command moves nothing and is told as a hazard.
"""

import collections
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

from box import Client  # noqa: E402
from played_table import BAUD, TABLE, read_table  # noqa: E402
from prepay_site import Site, end_on_signals  # noqa: E402

FACTOR = 600
PRICE_MICRO = {"meter": 500000, "water": 3450000}
OPENING_NANO = 10 ** 13
TARIFF = "[tariff]\nname = flat\nactivation = receipt\n[energy]\nprice = 0.5\n[water]\nprice = 3.45\n"
MOST_ON_A_LINE = 18

# Set on the meters of a model, beyond what a new one has.
SETTINGS = {
    "acrel-adl400": "ct 20 pt 3",
    "chint-dtsu666-20": "ct 7",
    "acrel-ddsy1352": "ct 1",
    "sbc-pcd7-h104d": "pulses 800",
    "sbc-pcd7-h104d-water": "pulses 100",
    "wb-map12e": "ct 3000",
    "peacefair-pzem004t-v3": "load 2400 register 9999400",  # its register starts again from zero during the test
}

Room = collections.namedtuple("Room", "name model point relay")


class Plan:
    """The building's configuration, and what is where."""

    def __init__(self, models):
        self.text, self.rooms, self.lines, self.devices = [f"table {TABLE}"], {}, {}, {}
        framings = collections.defaultdict(list)
        for model in models.values():
            if model.confidence != "low" and model.kind != "relay":
                framings[model.framing].append(model)
        boards = [model for model in models.values() if model.confidence != "low" and model.kind == "relay"]
        for framing, meters in framings.items():
            parts = -(-len(meters) // MOST_ON_A_LINE)
            fitting = [board for board in boards if board.framing == framing]
            for part in range(parts):
                # Every board model is on a line; where there are several lines, not the same one first.
                turned = fitting[part % max(1, len(fitting)):] + fitting[:part % max(1, len(fitting))]
                self.add_line(framing, meters[part::parts], turned)

    def add_line(self, framing, meters, boards):
        line = chr(ord("A") + len(self.lines))
        self.lines[line] = {"parity": framing[0], "stop_bits": framing[1]}
        self.text.append(f"line {line} baud {BAUD} parity {framing[0]} stop {framing[1]}")
        free = [(f"{line}/{100 + i}", channel) for i, board in enumerate(boards)
                for channel in range(1, board.channels + 1)]
        contactors, coils = [], collections.Counter()
        for address, model in enumerate(meters, 1):
            device = f"{line}/{address}"
            self.devices[device] = model
            self.text.append(f"meter {line} {address} {model.name} turnaround 2 {SETTINGS.get(model.name, '')}")
            for channel in range(1, model.channels + 1):
                point = device if model.channels == 1 else f"{device}/{channel}"
                relay = (device, channel) if model.relay else free.pop(0) if free else None
                if relay and not model.relay:
                    normally_closed = len(contactors) % 2
                    board = relay[0].split("/")[1]
                    contactors.append(f"contactor {line} {board}/{relay[1]} feeds {point} "
                                      f"{'nc' if normally_closed else 'no'}")
                    coils[relay[0]] |= (not normally_closed) << (relay[1] - 1)
                self.add_room(model, point, relay)
        for i, board in enumerate(boards):
            device = f"{line}/{100 + i}"
            self.devices[device] = board
            self.text.append(f"relay-board {line} {100 + i} {board.name} turnaround 2 coils {coils[device]:#x}")
        self.text += contactors

    def add_room(self, model, point, relay):
        name = str(101 + len(self.rooms))
        self.rooms[name] = Room(name, model, point, relay)

    def configuration(self):
        rooms = [f"room {room.name} main meter {room.point} breaker 63 opening {OPENING_NANO // 10 ** 7}"
                 for room in self.rooms.values()]
        return "\n".join(self.text + rooms) + "\n"


class Test:
    def __init__(self, site, plan):
        self.site, self.plan, self.building = site, plan, site.building
        self.client = Client(site.socket)

    def supplies(self):
        """{room: its only supply}, and the room's row."""
        rows = {}
        cursor = {}
        while True:
            page = self.client.call("room.list", cursor)
            rows.update({row["room"]: (row, row["supplies"][0]) for row in page["data"]["rows"]})
            if page.get("more") is None:
                return rows
            cursor = {"cursor": page["more"]}

    def electric(self):
        return [room for room in self.plan.rooms.values() if room.model.kind == "meter"]

    @staticmethod
    def register(room, supply):
        """Wh, or litres; the simulator calls both Wh."""
        return supply["register_l" if room.model.kind == "water" else "register_wh"]

    def until(self, what, wrong, seconds=30):
        """Until wrong() finds nothing; else what it found last is told."""
        found = []

        def nothing():
            found[:] = wrong()
            return not found
        try:
            self.site.wait(what, nothing, seconds, 0.2)
        except Exception:
            for line in found[:40]:
                print(f"not so: {what}: {line}", flush=True)
            raise
        print(f"ok: {what}", flush=True)

    # --- what must be so ---

    def registers(self):
        """Each room's register is the simulator's, of its own channel."""
        truth, rows = self.building.truth(), self.supplies()
        return [f"room {room.name}, {room.model.name} {room.point}: register {self.register(room, rows[room.name][1])}, "
                f"the meter shows {truth[room.point]['register_wh']}" for room in self.plan.rooms.values()
                if self.register(room, rows[room.name][1]) != truth[room.point]["register_wh"]]

    def instant(self):
        """Power and voltage are the simulator's where the sources know them."""
        truth, rows, wrong = self.building.truth(), self.supplies(), []
        for room in self.electric():
            said, power = rows[room.name][1], truth[room.point]["power_w"]
            seen = said["power_w"], said["voltage_mv"]
            if "power" in room.model.quantities and not (seen[0] is not None and abs(seen[0] - power) <= power / 50 + 1):
                wrong.append(f"{room.model.name} {room.point}: {seen[0]} W, it is {power} W")
            if "voltage_l1" in room.model.quantities and not (seen[1] is not None and 224000 < seen[1] < 240000):
                wrong.append(f"{room.model.name} {room.point}: {seen[1]} mV")
        return wrong

    def serials(self):
        truth, wrong = self.building.truth(), []
        for device, model in self.plan.devices.items():
            if "serial_number" not in model.quantities:
                continue
            line, address = device.split("/")
            point = device if model.channels == 1 else f"{device}/1"
            said = {row["serial"] for row in
                    self.client.ask("meter.show", line=line, address=int(address))["points"]}
            if said != {str(truth[point]["serial"])}:
                wrong.append(f"{model.name} {device}: serial {said}, it is {truth[point]['serial']}")
        return wrong

    def positions(self, wanted):
        """In the plant, and as read back where the model can."""
        truth, rows, wrong = self.building.truth(), self.supplies(), []
        for room in self.plan.rooms.values():
            if not room.relay:
                continue
            contact = next(row for row in truth[room.point]["contacts"] if row["feeds"] == room.point)
            said = rows[room.name][1]
            readable = "relay_closed" in self.plan.devices[room.relay[0]].quantities
            if contact["closed"] != (wanted == "closed") or contact["moving"]:
                wrong.append(f"{room.model.name} {room.point}: the contact of {room.relay} is not {wanted}")
            elif readable and said["position"] != wanted:
                wrong.append(f"{room.model.name} {room.point}: position {said['position']} of {room.relay}, not {wanted}")
        return wrong

    def charges(self, base):
        """What was charged is the change of the register, to the Wh or the litre."""
        truth, rows, wrong = self.building.truth(), self.supplies(), []
        for room in self.plan.rooms.values():
            row, price_micro = rows[room.name][0], PRICE_MICRO[room.model.kind]
            used_wh = truth[room.point]["register_change_wh"] - base[room.point]["register_change_wh"]
            charged_nano = OPENING_NANO - int(row["balance_nano"])
            if used_wh <= 0 or charged_nano != used_wh * price_micro:
                wrong.append(f"room {room.name}, {room.model.name} {room.point}: charged "
                             f"{charged_nano / price_micro} Wh or litres, the register went {used_wh}")
        return wrong

    def rolled_over(self):
        """The register whose modulus is known has passed it."""
        truth = self.building.truth()
        return [room.model.name for room in self.plan.rooms.values()
                if "modulus" in room.model.facts and truth[room.point]["register_wh"] > 1000000]

    def alarms(self):
        return [f"{row['kind']} {row['subject']}: {row['detail']}" for row in self.site.rows("alarm", "list")
                if row["cleared_s"] is None]

    def refused(self):
        """Requests that the simulator answered with an exception."""
        return [f"{row['model']} {name}: {row['exceptions']} of {row['requests']} requests refused"
                for name, row in self.building.truth().items() if row["exceptions"] > 0]

    def writes(self):
        """Nothing was written but the commands that the sources know; and both of each were."""
        wrong, seen = [], collections.defaultdict(set)
        for event in self.building.log():
            if event["kind"] == "hazard":
                wrong.append(f"{event['device']}: hazard {event['detail']}")
            elif event["kind"] == "write":
                seen[event["device"]].add(event["detail"])
        for name, found in seen.items():
            device = "/".join(name.split("/")[:2])
            wrong += [f"{name}: wrote {detail}" for detail in found - self.plan.devices[device].commands()]
        used = collections.Counter(room.relay[0] for room in self.plan.rooms.values() if room.relay)
        written = {"/".join(name.split("/")[:2]): found for name, found in seen.items()}
        wrong += [f"{self.plan.devices[device].name} {device}: {len(written.get(device, ()))} different commands "
                  f"for {count} relays" for device, count in used.items() if len(written.get(device, ())) != 2 * count]
        return wrong

    def command(self, position):
        for room in self.plan.rooms.values():
            if room.relay:
                self.client.ask("relay.set", room=room.name, circuit="main", position=position, reason="test")


def main():
    end_on_signals()
    plan = Plan(read_table())
    config = {f"line {line}": framing for line, framing in plan.lines.items()}
    config["policy"] = {"notice_s": 1, "settle_s": 1, "stale_s": 60, "close_stagger_ms": 0}
    with Site(sys.argv[1], building=plan.configuration(), factor=FACTOR, cloud=False, config=config) as site:
        site.start()
        site.building.run("loads 0")
        base = site.building.truth()
        site.cli("tariff", "apply", "-", "--reason", "test", text=TARIFF)
        site.cli("room", "import", site.building.rooms_csv)
        test = Test(site, plan)
        test.until("every register is read, and is its own room's", test.registers)
        test.until("serial numbers are read where there are such", test.serials)

        site.building.run("loads default")
        test.until("power and voltage are those of the circuit", test.instant)
        test.command("off")
        test.until("every relay opens", lambda: test.positions("open"))
        test.command("on")
        test.until("every relay closes", lambda: test.positions("closed"))
        test.until("a register has started again from zero", test.rolled_over)
        site.building.run("loads 0")
        test.until("every room is charged what its register went", lambda: test.charges(base))
        test.until("no request was refused", test.refused, 0)
        test.until("nothing was written but relay commands", test.writes, 0)
        test.until("nothing wants a person", test.alarms, 60)

        truth = site.building.truth()
        used = {room.name: truth[room.point]["register_change_wh"] - base[room.point]["register_change_wh"]
                for room in plan.rooms.values()}
        models = {room.model.name for room in plan.rooms.values()}
        print(f"{len(models)} models of meters, {len(plan.rooms)} rooms, "
              f"{sum(1 for room in plan.rooms.values() if room.relay)} relays: "
              f"{sum(used[room.name] for room in test.electric())} Wh charged and "
              f"{sum(used[room.name] for room in plan.rooms.values() if room.model.kind == 'water')} litres, "
              f"as many simulated; the least {min(used.values())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
