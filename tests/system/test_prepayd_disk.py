"""prepayd, the real program, on a disk that fills up, turns read-only, or loses the ledger under it.

Usage: test_prepayd_disk.py PREPAYD PREPAY PREPAY-BUILDING PREPAY-SIGN [unittest arguments]

The ledger lies on a small tmpfs in a mount namespace of the test's own. While nothing can be written nobody is cut,
nothing is acknowledged and metering goes on; afterwards everything heals without a restart, and the money agrees
with the registers of the simulated meters to the billionth.
"""

import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "building")]
from box import Box, Refused  # noqa: E402
from building import Building  # noqa: E402

PREPAYD, PREPAY, BUILDING, SIGN = (os.path.abspath(path) for path in sys.argv[1:5])
CONFLICT, DEGRADED = 8, 9
FACTOR = 60
PRICE_MICRO = 1000000  # an account of energy: no first tariff to wait for

PLANT = """
line A baud 9600
meter A 9 dds238 load 900 register 1234560 turnaround 10
meter A 10 dds238 load 600 register 60240 turnaround 10
"""
ROOMS = """room,circuit,line,address,model,relay,breaker_a,tenancy,opening_minor
305,sockets,A,9,hiking-dds238-sr,meter,40,T305,5000
306,sockets,A,10,hiking-dds238-sr,meter,40,T306,OPENING
"""


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


class Case(unittest.TestCase):
    OPENING = 1000

    def setUp(self):
        self.box = Box(PREPAYD, PREPAY)
        self.addCleanup(self.box.close)
        self.folder = self.box.folder
        self.store = os.path.join(self.folder, "store")
        os.mkdir(self.store)
        run("mount", "-t", "tmpfs", "-o", "size=6m,mode=755", "tmpfs", self.store)
        self.addCleanup(run, "umount", "-l", self.store)
        self.filling = threading.Event()
        self.addCleanup(self.filling.set)
        self.building = Building(BUILDING, os.path.join(self.folder, "building"), config=PLANT, factor=FACTOR)
        self.addCleanup(self.building.close)
        self.box.ledger = os.path.join(self.store, "ledger.db")
        self.box.sections["store"] = {"ledger": self.box.ledger, "backup": os.path.join(self.folder, "backup")}
        self.box.sections["line A"] = {"port": self.building.port("A")}
        self.box.sections["policy"]["plausibility_factor"] = FACTOR
        self.box.sections["site"]["account"] = "energy"
        self.box.write()
        self.make_keys()
        self.box.start()
        self.pid = self.box.pid
        self.done(self.box.cli("room", "import", "-", text=ROOMS.replace("OPENING", str(self.OPENING))))
        self.done(self.import_orders(self.keyset()))
        self.box.wait("both meters are read", lambda: all(
            room["supplies"][0]["register_wh"] is not None and room["supplies"][0]["position"] == "closed"
            for room in self.box.rooms().values()))

    def done(self, finished):
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        return finished

    # --- orders ---

    def make_keys(self):
        self.root = os.path.join(self.folder, "root.key")
        self.pay = os.path.join(self.folder, "pay.key")
        run(SIGN, "keygen", self.root, os.path.join(self.box.roots, "root.pem"))
        run(SIGN, "keygen", self.pay, self.pay + ".pub")

    def keyset(self):
        return run(SIGN, "keyset", "--root", self.root, "--version", "1", "--key", f"pay-1={self.pay}.pub:credit")

    def order(self, mrid, room, amount):
        return run(SIGN, "credit", "--key", self.pay, "--kid", "pay-1", "--site", "S-0001", "--mrid", mrid,
                   "--room", room, "--tenancy", f"T{room}", "--amount", amount, "--currency", "156")

    def import_orders(self, *orders):
        return self.box.cli("--json", "credit", "import", "-", text="".join(orders))

    def results(self, *orders):
        done = self.done(self.import_orders(*orders))
        return [row["result"] for row in json.loads(done.stdout)["data"]["results"]]

    # --- the disk ---

    def fill(self):
        """Not a byte is left until free(): what the daemon's own tidying up gives back is taken too."""
        self.filling.clear()
        self.take_all()
        self.filler = threading.Thread(target=self.keep_full, daemon=True)
        self.filler.start()

    def keep_full(self):
        while not self.filling.wait(0.02):
            self.take_all()

    def take_all(self):
        with open(os.path.join(self.store, "ballast"), "ab", buffering=0) as ballast:
            for size in (65536, 4096):
                try:
                    while True:
                        ballast.write(b"\0" * size)
                except OSError:
                    pass

    def free(self):
        self.filling.set()
        self.filler.join()
        os.unlink(os.path.join(self.store, "ballast"))

    def state(self):
        return self.box.ask("status")["store"]["state"]

    def wait_failing(self):
        """The daemon notices when it next writes; it says so in every way there is."""
        self.box.wait("the store is said to fail", lambda: self.state() == "failing")
        self.assertIn("store-failing", self.box.alarms())
        self.assertRegex(self.box.log(), "the ledger cannot be written .*trying again")
        shown = self.box.cli("status")
        self.assertRegex(shown.stdout, "(?i)failing")
        return self.box.ask("status")["store"]["detail"]

    def wait_healed(self):
        self.box.wait("the store works again", lambda: self.state() == "ok")
        self.assertNotIn("store-failing", self.box.alarms())
        self.assertEqual(self.box.pid, self.pid)

    def refuses_what_it_cannot_keep(self, order):
        for words, text in ((["credit", "import", "-"], order),
                            (["room", "add", "307", "light"], None),
                            (["relay", "305", "off", "--reason", "x"], None),
                            (["credit", "add", "305", "20", "--receipt", "R-9", "--reason", "x"], None),
                            (["ledger", "settle", "--reason", "x"], None)):
            with self.subTest(words=words):
                done = self.box.cli(*words, text=text)
                self.assertEqual(done.returncode, DEGRADED, done.stdout + done.stderr)
                self.assertIn(self.box.ledger, done.stderr)
        for verb, args in (("order.deliver", {"cursor": "77", "items": [json.loads(order)]}),
                           ("outbox.acknowledge", {"epoch": 1, "through": 1}), ("link.hello", {"version": "1"})):
            with self.subTest(verb=verb), self.assertRaises(Refused) as caught:
                self.box.ask(verb, **args)
            self.assertEqual(caught.exception.exit, DEGRADED)
            self.assertIn(self.box.ledger, caught.exception.problem["detail"])

    def metering_goes_on(self):
        polls, registers = self.box.ask("status")["polls"], self.registers()
        self.box.wait("meters are read on", lambda: self.box.ask("status")["polls"] > polls + 20)
        self.box.wait("registers move on", lambda: all(
            self.registers()[room] > wh for room, wh in registers.items()))

    def registers(self):
        return {name: room["supplies"][0]["register_wh"] for name, room in self.box.rooms().items()}

    def contact_closed(self, address):
        truth = self.building.truth(f"A/{address}")
        return truth["contacts"][0]["closed"] if truth.get("contacts") else truth["relay"] == "closed"

    # --- the money ---

    def reckon(self, credited_minor):
        """Everything settled: balances are what was paid minus what the meters counted, to the billionth."""
        self.building.run("loads 0")
        true = {"305": self.building.truth("A/9"), "306": self.building.truth("A/10")}
        self.box.wait("the last registers are read", lambda: all(
            self.registers()[name] == row["register_wh"] for name, row in true.items()))
        self.done(self.box.cli("ledger", "settle", "--reason", "reckoning"))
        rows = self.box.rooms()
        first = {"305": self.first_wh("305"), "306": self.first_wh("306")}
        for name, row in true.items():
            charged = row["register_wh"] - first[name]
            self.assertEqual(int(rows[name]["settled_nano"]),
                             credited_minor[name] * 10 ** 7 - charged * PRICE_MICRO, name)
            self.assertEqual(rows[name]["settled_nano"], rows[name]["balance_nano"])
        self.assertEqual(self.box.ask("status")["totals"]["charged_wh"],
                         sum(row["register_wh"] - first[name] for name, row in true.items()))
        self.assertEqual(self.box.ask("status")["quarantine_open"], 0)
        verified = self.box.ask("ledger.verify")
        self.assertTrue(verified["ok"], verified)

    def first_wh(self, room):
        """The register with which the account began; every settlement joins the one before it."""
        rows = [row for row in self.box.pages("ledger.export") if row["room"] == room and row["kind"] == "charge"]
        for before, after in zip(rows, rows[1:]):
            self.assertEqual(before["to_wh"], after["from_wh"])
        return rows[0]["from_wh"] if rows else self.registers()[room]

    def end(self):
        self.assertEqual(self.box.pid, self.pid)
        self.assertEqual(self.box.stop(), 0)


class Full(Case):
    OPENING = 120  # room 306 has money for 1.2 kWh

    def test_a_disk_that_fills_up_while_energy_flows(self):
        self.assertEqual(self.results(self.order("o-1", "305", "10.00")), ["applied"])
        self.building.run("load A/10 7000")  # a tenth of a kWh a second: it runs out while nothing can be kept
        self.fill()
        self.assertIn("full", self.wait_failing())
        second = self.order("o-2", "305", "20.00")
        self.refuses_what_it_cannot_keep(second)
        self.box.wait("room 306 has used up its money",
                      lambda: int(self.box.rooms()["306"]["balance_nano"]) < 0)
        self.metering_goes_on()
        time.sleep(3)  # longer than notice and stage together
        self.assertTrue(self.contact_closed(10))
        self.assertEqual(self.state(), "failing")

        self.free()
        self.wait_healed()
        self.assertEqual(self.orders(), ["o-1"])
        self.assertEqual(set(self.box.rooms()), {"305", "306"})
        self.assertEqual(self.results(second, second), ["applied", "duplicate"])
        self.box.wait("room 306 is cut at last", lambda: not self.contact_closed(10))
        self.reckon({"305": 5000 + 1000 + 2000, "306": 120})
        self.end()

    def orders(self):
        return [row["mRID"] for row in self.box.ask("credit.list")["rows"] if row["mRID"].startswith("o-")]

    def test_full_while_the_log_is_moved_into_the_file(self):
        """The log has its room on the disk already: the commits go on until the file itself has to grow."""
        given = 0
        self.box.wait("the first charge stands before the many receipts", lambda: any(
            row["kind"] == "charge" for row in self.box.ask("ledger.tail", room="305")["rows"]))
        with self.box.client() as client:
            for number in range(300):
                self.cash(client, number)
                given += 1
            self.fill()
            while True:
                try:
                    self.cash(client, given)
                except Refused as refused:
                    self.assertEqual(refused.exit, DEGRADED)
                    break
                given += 1
                self.assertLess(given, 5000)
        self.wait_failing()
        self.free()
        self.wait_healed()
        self.reckon({"305": 5000 + given, "306": 120})
        # Every receipt number that was acknowledged is known, and the one that was not is free.
        with self.box.client() as client:
            for number in (0, 199, given - 1):
                with self.assertRaises(Refused) as caught:
                    self.cash(client, number)
                self.assertEqual(caught.exception.exit, CONFLICT)
            self.cash(client, given)
        self.end()

    @staticmethod
    def cash(client, number):
        client.ask("credit.add", room="305", amount={"value": 1, "multiplier": -2, "monetaryUnit": 156},
                   receipt=f"R-{number}", reason="test")

    def test_full_again_and_again(self):
        credited = 5000
        for turn in range(2):
            self.fill()
            self.wait_failing()
            order = self.order(f"t-{turn}", "305", "1.00")
            self.assertEqual(self.import_orders(order).returncode, DEGRADED)
            self.free()
            self.wait_healed()
            self.assertEqual(self.results(order), ["applied"])
            credited += 100
        self.reckon({"305": credited, "306": 120})
        self.end()

    def test_killed_on_a_full_disk(self):
        self.fill()
        self.wait_failing()
        self.box.kill()
        # A start without room is refused in words, or the daemon runs and says that it cannot write.
        self.box.start(wait=False)
        while self.box.running and not self.box.listens():
            time.sleep(0.05)
        if self.box.running:
            self.wait_failing()
            self.box.kill()
        else:
            self.assertEqual(self.box.process.returncode, 1)
            self.assertRegex(self.box.log().splitlines()[-1], "full|No space")
        self.free()
        self.box.start()
        self.pid = self.box.pid
        self.reckon({"305": 5000, "306": 120})
        self.end()


class ReadOnly(Case):
    def test_read_only_after_an_error_and_back(self):
        self.fill()
        self.wait_failing()
        # As a file system does after an error of its device: whoever opens the file now may only read.
        run("mount", "--bind", self.store, self.store)
        run("mount", "-o", "remount,bind,ro", self.store)
        time.sleep(11)  # one try to open it again
        self.assertEqual(self.state(), "failing")
        self.refuses_what_it_cannot_keep(self.order("o-1", "305", "5.00"))
        self.metering_goes_on()
        run("umount", "-l", self.store)
        self.free()
        self.wait_healed()
        self.assertEqual(self.results(self.order("o-1", "305", "5.00")), ["applied"])
        self.reckon({"305": 5500, "306": 1000})
        self.end()

    def test_read_only_at_the_start(self):
        self.end()
        run("mount", "-o", "remount,ro", self.store)
        code, said = self.box.finish()
        self.assertEqual(code, 1, said)
        self.assertRegex(said, "ledger.db.*Read-only file system")
        run("mount", "-o", "remount,rw", self.store)
        self.box.start()
        self.pid = self.box.pid
        self.reckon({"305": 5000, "306": 1000})
        self.end()


class Gone(Case):
    def files(self):
        return [name for name in os.listdir(self.store) if name.startswith("ledger.db") and name != "ledger.db.lock"]

    def test_a_ledger_that_is_moved_away_and_back(self):
        away = os.path.join(self.store, "away")
        os.mkdir(away)
        for name in self.files():
            os.rename(os.path.join(self.store, name), os.path.join(away, name))
        # The very first answer after it: nothing is acknowledged into a file that nobody will find.
        self.assertEqual(self.import_orders(self.order("o-1", "305", "5.00")).returncode, DEGRADED)
        self.assertRegex(self.wait_failing(), "gone|removed|moved")
        time.sleep(11)
        # No new ledger in its place, with every room at zero.
        self.assertFalse(os.path.exists(self.box.ledger))
        self.assertEqual(set(self.box.rooms()), {"305", "306"})
        self.metering_goes_on()
        for name in os.listdir(away):
            os.rename(os.path.join(away, name), os.path.join(self.store, name))
        self.wait_healed()
        self.assertEqual(self.results(self.order("o-1", "305", "5.00")), ["applied"])
        self.reckon({"305": 5500, "306": 1000})
        self.end()

    def test_a_log_that_is_removed(self):
        """What was acknowledged is still in the hands of the daemon, which moves it into the file."""
        self.assertEqual(self.results(self.order("o-1", "305", "5.00")), ["applied"])
        os.unlink(self.box.ledger + "-wal")
        self.assertEqual(self.import_orders(self.order("o-2", "305", "5.00")).returncode, DEGRADED)
        self.assertRegex(self.wait_failing(), "log was removed")
        self.wait_healed()
        self.assertEqual(self.results(self.order("o-2", "305", "5.00")), ["applied"])
        self.reckon({"305": 6000, "306": 1000})
        self.box.kill()
        self.box.start()
        self.pid = self.box.pid
        self.reckon({"305": 6000, "306": 1000})
        self.end()

    def test_a_ledger_that_is_emptied(self):
        """A file of nothing would be a new ledger for a daemon that starts; not for one that runs."""
        for name in ("ledger.db", "ledger.db-wal"):
            os.truncate(os.path.join(self.store, name), 0)
        self.assertRegex(self.wait_failing(), "cut short.*backup")
        time.sleep(11)
        self.assertEqual(self.state(), "failing")
        self.assertEqual(set(self.box.rooms()), {"305", "306"})
        self.assertEqual(self.import_orders(self.order("o-1", "305", "5.00")).returncode, DEGRADED)
        self.metering_goes_on()
        self.end()

    def test_a_ledger_in_whose_place_another_is_put(self):
        copy = os.path.join(self.folder, "copy.db")
        done = self.box.ask("ledger.backup", file=copy)
        self.assertEqual(done["file"], copy)
        self.assertEqual(self.results(self.order("o-1", "305", "5.00")), ["applied"])
        for name in self.files():
            os.unlink(os.path.join(self.store, name))
        run("cp", copy, self.box.ledger)
        self.assertEqual(self.import_orders(self.order("o-2", "305", "5.00")).returncode, DEGRADED)
        self.assertRegex(self.wait_failing(), "replaced.*restart")
        time.sleep(11)
        self.assertEqual(self.state(), "failing")
        self.assertEqual(self.box.stop(), 0)
        # What was put there is whole and as it was: the backup, without the order behind it.
        self.box.start()
        self.pid = self.box.pid
        self.assertEqual(self.results(self.order("o-2", "305", "5.00")), ["applied"])
        self.reckon({"305": 5500, "306": 1000})
        self.end()


def names(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from names(test)
        else:
            yield test.id().removeprefix("__main__.")


def side_by_side():
    """Every case in a process and a mount namespace of its own: most of a case is waiting for the next try of a
    store that failed. The number of failures."""
    # As an ordinary user a user namespace gives the right to mount.
    words = ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "/usr/bin/python3", *sys.argv[:5]]
    cases = sys.argv[5:] or list(names(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    running = [(case, subprocess.Popen([*words, case], env=dict(os.environ, PREPAY_DISK_TEST="inside"),
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"))
               for case in cases]
    failed = 0
    for case, process in running:
        said = process.communicate()[0]
        failed += process.returncode != 0
        print(f"FAILED: {case}\n{said}" if process.returncode else f"ok: {case}")
    print(f"{len(cases)} cases, {failed} failed")
    return failed


if __name__ == "__main__":
    if os.environ.get("PREPAY_DISK_TEST") == "inside":
        unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=1)
    sys.exit(1 if side_by_side() else 0)
