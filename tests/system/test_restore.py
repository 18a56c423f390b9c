#!/usr/bin/python3
"""The card of the box is lost, or an old one is put back: the real programs, from the cloud's checkpoint to the nano.

    test_restore.py BUILD [unittest options]

M1, M3, M8, U3: every balance is what was paid less what the meters counted, exactly; no order is credited twice, none is
lost, and what was not signed by the payment root is refused.
"""

import decimal
import glob
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "site"))

from prepay_site import Problem, Site, end_on_signals  # noqa: E402
from reckoning import Reckoning  # noqa: E402

BUILD = sys.argv[1]
BUILDING = """
line A baud 19200
meter A 1 sdm120 load 1200 register 12345670
meter A 2 dds238 load 900 register 765430
meter A 3 dds238 load 1500 register 1234560
room 101 sockets meter A/1 cut-order 1 breaker 20 tenancy T101 opening 120
room 102 sockets meter A/2 cut-order 1 breaker 20 tenancy T102 opening 60
room 103 sockets meter A/3 cut-order 1 breaker 20 tenancy T103 opening 40
"""
PRICE_MICRO = 600_000
TARIFF = "[tariff]\nname = t\nactivation = receipt\n[energy]\nprice = 0.60\n"
POLICY = {"settle_s": 3, "low_minor": 50, "mass_cut_min": 1000, "change_hold_s": 0, "cash": "yes"}
WHY = ("--reason", "the card is lost")


class Restore(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.site = Site(BUILD, building=BUILDING, factor=600, config={"policy": POLICY})
        self.addCleanup(self.site.close)
        site = self.site.start()
        self.cloud = site.cloud
        site.building.run("loads 0")
        site.cli("tariff", "apply", "-", "--reason", "test", text=TARIFF)
        site.cli("room", "import", site.building.rooms_csv)
        self.books = Reckoning(site, PRICE_MICRO)
        for row in self.books.table:
            self.books.pay(row["room"], int(row["opening_minor"]))
        site.wait("every meter's first register is accepted", self.books.begun)
        self.books.begin()
        self.paid = []
        self.cloud.offer(self.cloud.keyset())
        site.building.run("loads default")

    def pay(self, room, minor, **more):
        mrid = f"r-{len(self.paid) + 1}"
        self.cloud.offer(self.cloud.credit(mrid, room, f"T{room}", f"{minor / 100:.2f}", **more))
        self.books.pay(room, minor)
        self.paid.append(mrid)
        return mrid

    def answered(self, epoch):
        """{mRID: results} that the cloud was told in an epoch."""
        told = {}
        for row in self.cloud.state()["receipts"]:
            if row["epoch"] == epoch:
                told.setdefault(row["body"]["mRID"], set()).add(row["body"]["result"])
        return told

    def wait_applied(self, *mrids, epoch=1):
        self.site.wait(f"{mrids} are answered",
                       lambda: all(self.answered(epoch).get(mrid) for mrid in mrids))

    def meter_for_a_while(self, seconds=1.5):
        moved = self.books.simulated_wh()
        self.site.wait("the meters count", lambda: min(now - moved[room] for room, now in
                                                       self.books.simulated_wh().items()) > 100 * seconds)

    def tell_checkpoint(self):
        before = len([row for row in self.cloud.state()["events"] if row["body"].get("section") == "head"])
        self.site.cli("ledger", "checkpoint", "--reason", "test")
        self.cloud.wait(lambda state: len([row for row in state["events"]
                                           if row["body"].get("section") == "head"]) > before)

    def file(self, text):
        path = os.path.join(self.site.folder, "checkpoint.json")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def refused(self, exit_code, *words):
        with self.assertRaises(Problem) as caught:
            self.site.cli("ledger", "restore", *words, *WHY)
        self.assertEqual(caught.exception.exit_code, exit_code, caught.exception)

    def lose_the_card(self):
        """Another card, with nothing on it."""
        self.site.uplink.stop()
        self.site.daemon.kill()
        for path in glob.glob(os.path.join(self.site.folder, "ledger.db*")):
            os.unlink(path)
        self.site.daemon.start()
        self.site.wait_daemon()

    def start_again(self):
        self.assertEqual(self.site.daemon.stop(), 0)
        self.site.daemon.start()
        self.site.wait_daemon()
        if not self.site.uplink.running:
            self.site.uplink.start()

    def check_money(self):
        """Loads off, all settled: every balance to the nano, and the chain whole."""
        site = self.site
        site.building.run("loads 0")
        site.wait("prepayd has seen the last registers", self.books.caught_up)
        site.cli("ledger", "settle", "--reason", "test")
        moved, rooms = self.books.simulated_wh(), site.rooms()
        for room, paid in self.books.paid_nano.items():
            self.assertEqual(int(rooms[room]["balance_nano"]), paid - moved[room] * PRICE_MICRO, room)
        self.assertTrue(site.cli("ledger", "verify")["ok"])
        self.check_journal(sum(paid - moved[room] * PRICE_MICRO for room, paid in self.books.paid_nano.items()))

    def check_journal(self, owed_nano):
        """The whole ledger as bookkeepers' programs read it: balanced, and all rooms together to the nano."""
        done = subprocess.run([self.site.program("prepay"), "--config", self.site.config, "ledger", "export", "--hledger"],
                              capture_output=True, encoding="utf-8", timeout=60, check=True)
        total = decimal.Decimal(-owed_nano).scaleb(-9)
        for words in (["hledger", "-f", "-", "check"], ["hledger", "-f", "-", "check", "ordereddates"],
                      ["hledger", "-f", "-", "bal", "-N", "liabilities:rooms", "--depth", "2"],
                      ["ledger", "-f", "-", "bal", "--no-total", "--depth", "2", "liabilities:rooms"]):
            read = subprocess.run(words, input=done.stdout, capture_output=True, encoding="utf-8", timeout=60,
                                  check=False, env={"LANG": "C.UTF-8", "PATH": os.environ["PATH"]})
            self.assertEqual((read.returncode, read.stderr), (0, ""), words)
            if "bal" in words:
                amounts = re.findall(r"(-?[0-9.]+) CNY", read.stdout)
                self.assertEqual({decimal.Decimal(amount) for amount in amounts}, {total}, read.stdout)

    def test_a_lost_card_costs_nobody_anything(self):
        site = self.site
        self.wait_applied(self.pay("101", 500), self.pay("102", 700),
                          self.pay("101", -200, reverses="r-1"))
        site.cli("credit", "add", "103", "3.00", "--receipt", "K-1", "--reason", "cash")
        self.books.pay("103", 300)
        self.meter_for_a_while()
        self.tell_checkpoint()
        self.wait_applied(self.pay("103", 900))
        self.meter_for_a_while()

        self.lose_the_card()
        document = self.cloud.checkpoint()
        self.refused(7, self.file(json.dumps(document)))
        forged = json.loads(self.cloud.signed_checkpoint(document))
        forged["sections"]["accounts"][0][3] = "1000000000000"
        self.refused(7, self.file(json.dumps(forged)))
        self.refused(7, self.file(self.cloud.signed_checkpoint(document, root=self.cloud.trust("pay.key"))))
        path = self.file(self.cloud.signed_checkpoint(document))
        dry = site.cli("ledger", "restore", path, *WHY, "--dry-run")
        self.assertEqual((dry["rooms"], dry["orders"], dry["receipts"], dry["epoch"]), (3, 3, 1, 2))
        self.assertFalse(os.path.exists(os.path.join(site.folder, "ledger.db.restored")))
        self.assertEqual(site.cli("ledger", "restore", path, *WHY)["epoch"], 2)
        self.start_again()
        self.assertEqual(set(site.rooms()), {"101", "102", "103"})
        self.assertEqual(len(glob.glob(os.path.join(site.folder, "ledger.db.before-restore-*"))), 1)

        # The whole feed comes again by itself, since the cursor is gone with the card.
        self.wait_applied(*self.paid, epoch=2)
        self.assertEqual(self.answered(2)["r-1"], {"duplicate"})
        self.assertEqual(self.answered(2)["r-4"], {"applied"})
        self.wait_applied(self.pay("102", 111), epoch=2)
        self.cloud.ask("forget")
        self.wait_applied(self.pay("101", 222), epoch=2)
        with self.assertRaises(Problem) as caught:
            site.cli("credit", "add", "103", "3.00", "--receipt", "K-1", "--reason", "cash")
        self.assertEqual(caught.exception.exit_code, 8)
        self.refused(8, path)
        self.check_money()
        self.assertEqual(self.cloud.state()["violations"], [])

    def test_an_older_backup_goes_on_in_the_next_epoch(self):
        site = self.site
        self.wait_applied(self.pay("101", 500))
        self.meter_for_a_while()
        os.mkdir(os.path.join(site.folder, "backup"))
        first = site.cli("ledger", "backup")
        self.assertRegex(first["file"], f"^{site.folder}/backup/ledger-1-[0-9]+.db$")
        backup = site.cli("ledger", "backup", os.path.join(site.folder, "old.db"))["file"]
        self.wait_applied(self.pay("101", 600), self.pay("103", 50))
        self.meter_for_a_while()
        second = site.cli("ledger", "backup")
        self.assertEqual(second["file"], first["file"])
        self.assertNotEqual(second["sha256"], first["sha256"])
        self.refused(8, backup, "--backup")
        self.refused(7, self.program_file(), "--backup", "--replace")
        self.assertEqual(site.cli("ledger", "restore", backup, "--backup", "--replace", *WHY)["epoch"], 2)
        self.start_again()
        self.wait_applied(*self.paid, epoch=2)
        self.assertEqual({mrid: self.answered(2)[mrid] for mrid in self.paid},
                         {"r-1": {"duplicate"}, "r-2": {"applied"}, "r-3": {"applied"}})
        self.assertRegex(site.cli("ledger", "backup")["file"], "/ledger-2-[0-9]+.db$")
        self.assertEqual(len(os.listdir(os.path.join(site.folder, "backup"))), 2)
        self.check_money()
        self.assertEqual(self.cloud.state()["violations"], [])

    def test_an_older_ledger_put_back_by_hand_is_told_and_harmless(self):
        site = self.site
        self.wait_applied(self.pay("101", 500))
        backup = site.cli("ledger", "backup", os.path.join(site.folder, "old.db"))["file"]
        self.wait_applied(self.pay("101", 600), self.pay("103", 50))
        self.meter_for_a_while()
        site.uplink.stop()
        self.assertEqual(site.daemon.stop(), 0)
        for path in glob.glob(os.path.join(site.folder, "ledger.db*")):
            os.unlink(path)
        os.rename(backup, os.path.join(site.folder, "ledger.db"))
        self.site.daemon.start()
        self.site.wait_daemon()
        self.site.uplink.start()
        site.wait("the alarm stands", lambda: [row for row in site.rows("alarm", "list") if row["kind"] == "ledger-old"])
        self.wait_applied("r-2", "r-3", self.pay("102", 70), epoch=2)
        self.assertEqual({mrid: "applied" in self.answered(2)[mrid] for mrid in ("r-2", "r-3", "r-4")},
                         {"r-2": True, "r-3": True, "r-4": True})
        self.cloud.ask("forget")
        self.wait_applied(self.pay("103", 80), epoch=2)
        self.assertEqual(self.answered(2)["r-1"], {"duplicate"})
        self.check_money()

    def program_file(self):
        """A file that is no ledger."""
        return self.file("this is no ledger at all, but it has some length" * 100)


if __name__ == "__main__":
    end_on_signals()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
