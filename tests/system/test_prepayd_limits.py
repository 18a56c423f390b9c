"""prepayd, the real program, full to its limits: as many rooms as a line carries, names and reasons as long as they may
be, and every answer still fits its line of 64 KiB.

Usage: test_prepayd_limits.py PREPAYD PREPAY PREPAY-BUILDING PREPAY-SIGN [unittest arguments]
"""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from box import Box, Refused  # noqa: E402

PREPAYD, PREPAY = (os.path.abspath(path) for path in sys.argv[1:3])
ADDRESSES = 247


def name(number):
    """32 bytes of UTF-8, the most that a name has."""
    return f"{'房' * 9}{number:05d}"


def row(number, circuit="sockets", **others):
    return {"room": name(number), "circuit": circuit, "line": "A", "address": str(number),
            "model": "hiking-dds238-sr", "relay": "meter", "breaker_a": "16", **others}


class Limits(unittest.TestCase):
    def setUp(self):
        self.box = Box(PREPAYD, PREPAY, {"line A": {"port": "/nowhere/tty"}})
        self.addCleanup(self.box.close)
        self.box.start()

    def test_a_full_line_is_shown_whole(self):
        numbers = range(1, ADDRESSES + 1)
        for first in range(1, ADDRESSES + 1, 100):
            self.box.ask("room.import", rows=[row(n) for n in numbers if first <= n < first + 100])
        self.assertEqual([room["room"] for room in self.box.pages("room.list")], [name(n) for n in numbers])
        devices = self.box.pages("meter.list", line="A")
        self.assertEqual([device["address"] for device in devices], list(numbers))
        self.assertEqual(devices[-1]["rooms"], [name(ADDRESSES)])
        self.box.ask("line.show", line="A")
        self.box.ask("status")

    def test_long_reasons_fit(self):
        self.box.ask("room.add", **row(1))
        why = "因" * 42 + "!!"
        for number in range(100):
            self.box.ask("credit.add", room=name(1), receipt=f"{number:059d}", reason=why,
                         amount={"value": 1, "multiplier": -2, "monetaryUnit": 156})
        rows = self.box.pages("ledger.tail", n=100)
        self.assertEqual(len({entry["seq"] for entry in rows}), 100)
        self.assertEqual(rows[0]["why"], why)

    def test_many_tariffs_are_listed(self):
        for number in range(12):
            text = (f"[tariff]\nname = t{number}\nactivation = 2{number + 100}-01-01 00:00\n[energy]\nprice = 0.5\n"
                    + "# a remark\n" * 1000)
            self.box.ask("tariff.apply", text=text, reason="test")
        self.assertEqual(len(self.box.pages("tariff.show")), 12)

    def test_an_account_is_opened_by_one_row(self):
        with self.assertRaises(Refused) as refused:
            self.box.ask("room.import", rows=[row(1, opening_minor="500"),
                                              row(1, "light", address="2", opening_minor="500")])
        error = refused.exception.problem["errors"][0]
        self.assertEqual((error["row"], error["column"]), (2, "opening_minor"))

    def test_what_cannot_be_read_is_said_at_once(self):
        self.box.ask("room.add", **row(1))
        with self.assertRaises(Refused) as refused:
            self.box.ask("meter.read", line="A", address=1)
        self.assertIn("adapter", json.dumps(refused.exception.problem))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
