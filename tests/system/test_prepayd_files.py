"""Commissioning and tariff files through the real CLI to the real prepayd: all or nothing, every mistake with its place.

Usage: test_prepayd_files.py PREPAYD PREPAY PREPAY-BUILDING PREPAY-SIGN [unittest arguments]
"""

import contextlib
import os
import sqlite3
import sys
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from box import Box  # noqa: E402

PREPAYD, PREPAY = (os.path.abspath(path) for path in sys.argv[1:3])
USAGE, REFUSED, CONFLICT = 2, 7, 8

HEAD = "room,circuit,line,address,model,channel,relay,contact,cut_order,may_cut,breaker_a,tenancy,opening_minor\n"
GOOD = "305,sockets,A,9,hiking-dds238-sr,1,meter,no,1,yes,40,T305,5000\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.box = Box(PREPAYD, PREPAY, {"line A": {"port": "/nonexistent/a"}, "line B": {"port": "/nonexistent/b"}})
        self.addCleanup(self.box.close)
        self.box.start()

    def tearDown(self):
        self.assertEqual(self.box.stop(), 0)

    def write(self, name, text):
        path = os.path.join(self.box.folder, name)
        with open(path, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        return path

    def told(self, done, code, *places):
        """Ended with this code, naming each place ("FILE:line..."); one line a mistake, nothing on the output."""
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        for place in places:
            self.assertIn(place, done.stderr)


class Rooms(Case):
    def imported(self, text, *options):
        self.path = self.write("rooms.csv", text)
        return self.box.cli("room", "import", self.path, *options)

    def nothing_changed(self):
        self.assertEqual(self.box.rooms(), {})
        self.assertEqual(self.box.ask("status")["store"]["entries"], 0)

    # The line (the header is 1) and column of each mistake, and a word of what is said.
    MISTAKES = [
        ("306,sockets,Z,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 3, "line", "Z"),
        ("306,sockets,A,999,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 4, "address", "247"),
        ("306,sockets,A,ten,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 4, "address", "ten"),
        ("306,sockets,A,10,no-such-model,1,,no,1,yes,40,T306,0", 5, "model", "no-such-model"),
        ("306,sockets,A,10,hiking-dds238-sr,7,meter,no,1,yes,40,T306,0", 6, "channel", "7"),
        ("306,sockets,A,10,hiking-dds238-sr,1,metre,no,1,yes,40,T306,0", 7, "relay", "metre"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,off,1,yes,40,T306,0", 8, "contact", "off"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,0,yes,40,T306,0", 9, "cut_order", "0"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,1,maybe,40,T306,0", 10, "may_cut", "maybe"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,,T306,0", 11, "breaker_a", "missing"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40," + "T" * 65 + ",0", 12, "tenancy", "64"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,1.50", 13, "opening_minor", "1.50"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,1000001", 13, "opening_minor", "order_max_minor"),
        (",sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 1, "room", "empty"),
        ("306,,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 2, "circuit", "empty"),
        ("305,sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T305,0", 2, "circuit", "already"),
        ("306,sockets,A,9,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 4, "address", "already"),
        ("306,sockets,A,9,eastron-sdm120,1,,no,1,yes,40,T306,0", 4, "address", "already"),
        ("房" * 20 + ",sockets,A,10,hiking-dds238-sr,1,meter,no,1,yes,40,T306,0", 1, "room", "longer"),
        ("306,sockets,A,10," + "房" * 20 + ",1,meter,no,1,yes,40,T306,0", 5, "model", "no model"),
        ("306,sockets,A,10,hiking-dds238-sr,1,meter," + "房" * 20 + ",1,yes,40,T306,0", 8, "contact", "is not"),
    ]

    def test_every_mistake_has_its_line_and_column_and_nothing_is_done(self):
        for row, column, name, word in self.MISTAKES:
            with self.subTest(row=row):
                done = self.imported(HEAD + GOOD + row + "\n")
                self.told(done, USAGE, f"{self.path}:3: column {column} ({name}): ", word)
                self.nothing_changed()

    def test_all_mistakes_of_a_file_are_told_at_once(self):
        done = self.imported(HEAD + GOOD + "".join(row + "\n" for row, *_ in self.MISTAKES))
        self.told(done, USAGE, *(f"{self.path}:{line}: column " for line, _ in enumerate(self.MISTAKES, 3)))
        self.nothing_changed()

    def test_what_is_no_table_is_told_with_its_line(self):
        for text, place in ((HEAD.replace("address", "adress") + GOOD, ":1"), (HEAD.replace("line,", "line,line,") + GOOD, ":1"),
                            (HEAD + GOOD + "306,sockets\n", ":3"), (HEAD + GOOD + "306,sockets" + ",x" * 40 + "\n", ":3"),
                            (HEAD + '305,"sockets,A\n', ":2"), (HEAD + '305,so"ck"ets,A\n', ":2"), ("", ""), (HEAD, ""),
                            (HEAD.encode() + b"305,\xff\xfe,A,9,x,1,,no,1,yes,40,T,0\n", ":2"),
                            (HEAD.encode() + b"305,a\x00b,A,9,x,1,,no,1,yes,40,T,0\n", ""), (os.urandom(5000), ""),
                            ("x" * 300000, ":1"), (HEAD + "x" * 300000 + "\n", ":2")):
            with self.subTest(text=text[:150]):
                done = self.imported(text)
                self.told(done, USAGE, self.path + place)
                self.assertLess(len(done.stderr), 4000)
                self.nothing_changed()

    def test_a_file_that_cannot_be_read_is_named(self):
        for path in ("/nonexistent/rooms.csv", self.box.folder):
            done = self.box.cli("room", "import", path)
            self.assertIn(done.returncode, (1, USAGE))
            self.assertIn(path, done.stderr)

    def test_an_opening_balance_says_who_brought_it_and_why(self):
        done = self.imported(HEAD + GOOD, "--reason", "taken over from the paper ledger")
        self.assertEqual(done.returncode, 0, done.stderr)
        [entry] = [row for row in self.box.ask("ledger.tail")["rows"] if row["kind"] == "opening"]
        self.assertEqual(entry["why"], "taken over from the paper ledger")
        self.assertNotEqual(entry["who"], "")

    def test_a_ledger_that_was_altered_is_an_alarm_once_somebody_looks(self):
        self.assertEqual(self.imported(HEAD + GOOD).returncode, 0)
        self.assertTrue(self.box.ask("ledger.verify")["ok"])
        self.assertEqual(self.alarms("ledger-wrong"), [])
        self.box.stop()
        with contextlib.closing(sqlite3.connect(self.box.ledger)) as ledger:
            [(kept,)] = ledger.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_fixed'")
            ledger.execute("DROP TRIGGER audit_fixed")
            ledger.execute("PRAGMA ignore_check_constraints = 1")
            ledger.execute("UPDATE audit SET trusted = 7")
            ledger.execute(kept)
            ledger.commit()
        self.box.start()
        verdict = self.box.ask("ledger.verify")
        self.assertFalse(verdict["ok"])
        [alarm] = self.alarms("ledger-wrong")
        self.assertEqual((alarm["severity"], alarm["detail"]), ("critical", verdict["detail"][:127]))

    def alarms(self, kind):
        return [row for row in self.box.ask("alarm.list")["rows"] if row["kind"] == kind]

    def test_a_dry_run_finds_the_same_and_does_nothing(self):
        done = self.imported(HEAD + GOOD, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.nothing_changed()
        self.told(self.imported(HEAD + GOOD + self.MISTAKES[0][0] + "\n", "--dry-run"), USAGE, f"{self.path}:3: column 3 (line)")

    def test_a_good_file_in_the_dress_of_a_spreadsheet(self):
        """A byte order mark, carriage returns, quotes, columns in another order and left out."""
        text = ('\ufeff"tenancy",room,circuit,line,address,model,relay,breaker_a\r\n'
                '"T305","305","sockets","A","9","hiking-dds238-sr","meter","40"\r\n'
                'T306,三〇六,插座,A,10,hiking-dds238-sr,meter,40\r\n')
        done = self.imported(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.box.rooms()), {"305", "三〇六"})
        # A second time each row is there already, and nothing is doubled.
        self.told(self.imported(text), USAGE, f"{self.path}:2: ", f"{self.path}:3: ", "already")
        self.assertEqual(len(self.box.rooms()), 2)

    def test_a_building_of_many_rows(self):
        rows = "".join(f"{floor}{room:02},light,,,,,,no,1,no,,T{floor}{room:02},100\n" for floor in range(1, 9) for room in range(1, 33))
        done = self.imported(HEAD + rows)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("256 rows", done.stdout)
        self.assertEqual(len(self.box.json("room", "list")["rows"]), 256)


class Tariffs(Case):
    GOOD = "[tariff]\nname = flat\nactivation = receipt\n[energy]\nprice = 0.5\n"
    MISTAKES = [
        ("", 1, "[tariff]"), ("[tariff]\nname = x\nactivation = receipt\n", 3, "[energy]"),
        (GOOD.replace("price = 0.5", "price = cheap"), 5, "cheap"), (GOOD.replace("0.5", "0.1234567"), 5, "0.1234567"),
        (GOOD.replace("0.5", "-1"), 5, "price"), (GOOD.replace("0.5", "1e3"), 5, "1e3"),
        (GOOD.replace("receipt", "2026-02-30 00:00"), 3, "2026-02-30"), (GOOD.replace("receipt", "tomorrow"), 3, "tomorrow"),
        (GOOD.replace("name = flat\n", ""), 1, "name"), (GOOD + "prize = 1\n", 6, "prize"), (GOOD + "[watter]\nprice = 1\n", 6, "watter"),
        (GOOD.replace("flat", "x" * 33), 2, "name"), (GOOD + "[energy]\nprice = 1\n", 6, "energy"), ("nonsense\n" + GOOD, 1, ""),
        (GOOD + "x" * 400 + "\n", 6, ""),
    ]

    def test_every_mistake_has_its_line_and_nothing_is_done(self):
        for text, line, word in self.MISTAKES:
            with self.subTest(text=text[:200]):
                path = self.write("a.tariff", text)
                for words in (["check", path], ["apply", path, "--reason", "test"]):
                    self.told(self.box.cli("tariff", *words), USAGE, f"{path}:{line}: ", word)
        self.assertEqual(self.box.ask("tariff.show")["rows"], [])

    def test_what_is_no_text_or_too_much_is_refused_in_words(self):
        for data in (os.urandom(3000), b"\x00" * 100, b"#\n" * 20000, b"\xff\xfe"):
            path = self.write("a.tariff", data)
            done = self.box.cli("tariff", "apply", path, "--reason", "test")
            self.told(done, USAGE, path)
            self.assertLess(len(done.stderr), 8000)
        done = self.box.cli("tariff", "check", "/nonexistent/a.tariff")
        self.assertIn(done.returncode, (1, USAGE))
        self.assertIn("/nonexistent/a.tariff", done.stderr)

    def test_an_activation_that_is_past_is_refused_unless_it_is_said(self):
        path = self.write("a.tariff", self.GOOD.replace("receipt", "2020-01-01 00:00"))
        self.told(self.box.cli("tariff", "apply", path, "--reason", "test"), REFUSED, "past")
        self.assertEqual(self.box.ask("tariff.show")["rows"], [])
        done = self.box.cli("tariff", "apply", path, "--from-receipt", "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["state"] for row in self.box.ask("tariff.show")["rows"]], ["current"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=1)
