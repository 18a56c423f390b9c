#!/usr/bin/python3
"""A meter commissioned as a model that it is not, and ratios that change under way: never a wrong charge, and an alarm.

    test_wrong_models.py BUILD

The devices are played from the table of register maps (tests/models/registers.table), so each answers what the sources
say of it, and refuses the rest.
"""

import collections
import csv
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

from played_table import BAUD, TABLE  # noqa: E402
from prepay_site import Site, end_on_signals  # noqa: E402

FACTOR = 300
PRICE_MICRO = 500000
OPENING_NANO = 10 ** 13
TARIFF = "[tariff]\nname = flat\nactivation = receipt\n[energy]\nprice = 0.5\n"
TOLD = {"meter-model", "meter-silent", "register-quarantined", "serial-mismatch"}

# What is there, what it was taken for; its load, W.
WRONG = [
    ("hiking-dds238-sr", "eastron-sdm120", 2000),
    ("hiking-dds238-sr", "acrel-ddsy1352", 2000),
    ("acrel-ddsy1352", "hiking-dds238-sr", 2000),
    ("acrel-ddsy1352", "hiking-dds238-sr", 4600),       # its current looks like a voltage
    ("acrel-ddsd1352", "acrel-adl400", 2000),
    ("chint-dtsu666-h", "chint-dtsu666", 2000),
    ("chint-dtsu666", "chint-dtsu666-h", 2000),
    ("chint-dtsu666-20", "chint-dtsu666", 2000),
    ("chint-ddsu666", "chint-dtsu666", 2000),
    ("cg-em330-em340", "cg-em24", 3000),                # what is read is the energy of one phase
    ("cg-em330-em340", "cg-em111-em112", 3000),         # ... a current
    ("cg-em111-em112", "cg-em330-em340", 2000),
    ("cg-em24", "cg-em24-e1", 2000),
    ("dzt6001", "orno-we504", 2000),
    ("orno-we516-we517", "orno-we514-we515", 3000),
    ("orno-we516-we517", "bg-ds100", 3000),             # ... a float as an integer
    ("eastron-sdm120", "peacefair-pzem004t-v3", 2000),
    ("janitza-b23", "abb-b23-b24", 2000),
    ("eastron-sdm630-v2", "finder-7m38", 2000),
    ("wb-map3e", "xtm35sc-ddm18sd", 2000),
]

# A device, how it was set, and what somebody sets while the meter answers, or while it was away.
RATIOS = [
    ("acrel-adl400", "ct 20 pt 2", "ct 7", False),
    ("acrel-adl400", "ct 20 pt 2", "ct 200", False),
    ("acrel-adl400", "ct 20 pt 2", "pt 3", True),
    ("chint-dtsu666-20", "ct 20", "ct 21", True),
    ("sbc-pcd7-h104d", "pulses 1000", "pulses 500", False),
    ("sbc-pcd7-h104d", "pulses 1000", "pulses 990", True),
    ("wb-map12e", "ct 3000", "ct 3001", True),
    ("chint-dtsu666", "ct 1", "ct 2", True),
]

Case = collections.namedtuple("Case", "room device point there taken setting away")


def plan():
    """(the building's configuration, the cases)"""
    text, cases = [f"table {TABLE}"], []
    text += [f"line {line} baud {BAUD}" for line in "ABC"]
    lines = collections.Counter()
    rows = [(there, taken, load, "", None, False) for there, taken, load in WRONG]
    rows += [(there, there, 3000, given, setting, away) for there, given, setting, away in RATIOS]
    for i, (there, taken, load, given, setting, away) in enumerate(rows):
        line = "ABC"[i % 3]
        lines[line] += 1
        device = f"{line}/{lines[line]}"
        point = f"{device}/1" if there.startswith(("wb-", "sbc-")) else device
        text.append(f"meter {line} {lines[line]} {there} load {load} turnaround 2 {given}")
        text.append(f"room {101 + i} main meter {point} breaker 63 opening {OPENING_NANO // 10 ** 7}")
        cases.append(Case(str(101 + i), device, point, there, taken, setting, away))
    return "\n".join(text) + "\n", cases


class Test:
    def __init__(self, site, cases):
        self.site, self.building = site, site.building
        self.wrong = [case for case in cases if case.setting is None]
        self.changed = [case for case in cases if case.setting is not None]
        self.base = self.building.truth()

    def commission(self, cases):
        """What is there is told as what it was taken for."""
        taken = {case.room: case for case in cases}
        with open(self.building.rooms_csv, encoding="utf-8", newline="") as rooms:
            rows = list(csv.DictReader(rooms))
        path = os.path.join(self.site.folder, "taken.csv")
        with open(path, "w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, rows[0].keys())
            writer.writeheader()
            for row in rows:
                case = taken[row["room"]]
                # The relay in the meter is one that the model commissioned has.
                if case.taken not in ("acrel-ddsy1352", "hiking-dds238-sr"):
                    row["relay"] = row["contact"] = ""
                elif case.there != case.taken:
                    row["relay"], row["contact"] = "meter", ""
                writer.writerow({**row, "model": case.taken})
        self.site.cli("room", "import", path)

    def charged(self):
        """{room: Wh charged}"""
        return {name: (OPENING_NANO - int(row["balance_nano"])) / PRICE_MICRO for name, row in self.site.rooms().items()}

    def used(self):
        truth = self.building.truth()
        return {case.room: truth[case.point]["register_change_wh"] - self.base[case.point]["register_change_wh"]
                for case in self.changed}

    def delivered_wh(self):
        """What flowed, whatever a register makes of it."""
        truth = self.building.truth()
        return {case.room: truth[case.point]["delivered_uwh"] // 1000000 for case in self.changed}

    def told(self):
        """The alarms that speak of each case's room or device."""
        kinds = collections.defaultdict(set)
        for row in self.site.rows("alarm", "list"):
            if row["cleared_s"] is None:
                kinds[row["subject"]].add(row["kind"])
        return {case: kinds[f"{case.room} main"] | kinds["line {} address {}".format(*case.device.split("/"))]
                for case in self.wrong + self.changed}

    def until(self, what, wrong, seconds=30):
        found = []

        def nothing():
            found[:] = wrong()
            return not found
        try:
            self.site.wait(what, nothing, seconds, 0.2)
        except Exception:
            for line in found:
                print(f"not so: {what}: {line}", flush=True)
            raise
        print(f"ok: {what}", flush=True)

    def untold(self):
        told = self.told()
        return [f"{case.there} taken for {case.taken}: {told[case]}" for case in self.wrong if not told[case] & TOLD]

    def charges_of_wrong(self):
        charged = self.charged()
        return [f"{case.there} taken for {case.taken}: {charged[case.room]} Wh charged" for case in self.wrong
                if charged[case.room] != 0]

    def charges_of_changed(self, wanted):
        charged = self.charged()
        return [f"{case.there}, {case.setting}: {charged[case.room]} Wh charged, not {wanted[case.room]}"
                for case in self.changed if charged[case.room] != wanted[case.room]]

    def unread(self):
        rows = self.site.rooms()
        return [f"{case.there} {case.device}" for case in self.changed
                if rows[case.room]["supplies"][0]["register_wh"] is None]

    def change(self):
        for case in self.changed:
            if case.away:
                self.building.run(f"dead {case.device} on")
        self.site.wait("those that are switched off are silent", lambda: all(
            "meter-silent" in kinds for case, kinds in self.told().items() if case.away), 60)
        for case in self.changed:
            self.building.run(f"ratio {case.point} {case.setting}")
            if case.away:
                self.building.run(f"dead {case.device} off")

    def unquarantined(self):
        """A ratio that was read anew is told as such; one that was not, by the register that it makes."""
        rows = {row["room"]: row for row in self.site.rows("quarantine", "list")}
        wrong, all_told = [], self.told()
        for case in self.changed:
            told = all_told[case]
            if case.away and "ratio-changed" not in told:
                wrong.append(f"{case.there}, {case.setting}: {told}")
            # A register that nobody believes while its ratio is not 1 is no reading at all.
            elif case.there != "chint-dtsu666" and (case.room not in rows or "register-quarantined" not in told):
                wrong.append(f"{case.there}, {case.setting}: not in quarantine, {told}")
        return wrong


def main():
    end_on_signals()
    text, cases = plan()
    config = {"policy": {"stale_s": 3}}
    with Site(sys.argv[1], building=text, factor=FACTOR, cloud=False, config=config) as site:
        site.start()
        site.building.run("loads 0")
        test = Test(site, cases)
        site.cli("tariff", "apply", "-", "--reason", "test", text=TARIFF)
        test.commission(cases)
        test.until("registers are read where the model is right", test.unread)
        site.building.run("loads default")
        test.until("each wrong model is told", test.untold)

        site.wait("something flows", lambda: all(wh > 300 for wh in test.used().values()))
        # The loads stop for a moment, so that what is charged by then is known.
        for case in test.changed:
            site.building.run(f"load {case.point} 0")
        used = test.used()
        test.until("what flowed by the old ratio is charged", lambda: test.charges_of_changed(used))
        assert all(wh > 0 for wh in used.values()), used
        test.change()
        test.until("each change of a ratio is told, and its register is set aside", test.unquarantined)
        for case in test.changed:
            site.building.run(f"load {case.point} default")
        before = test.delivered_wh()
        site.wait("more flows", lambda: all(wh > before[room] + 500 for room, wh in test.delivered_wh().items()))
        test.until("nothing more is charged by a changed ratio", lambda: test.charges_of_changed(used), 0)
        test.until("nothing was ever charged by a wrong model", test.charges_of_wrong, 0)
        test.until("and each of them is told still", test.untold, 5)
        hazards = [event for event in site.building.log() if event["kind"] in ("hazard", "write")]
        test.until("nothing was written", lambda: hazards, 0)
        print(f"{len(test.wrong)} wrong models, {len(test.changed)} changes of a ratio: "
              f"{sum(used.values())} Wh charged before, 0 after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
