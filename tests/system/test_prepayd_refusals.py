"""prepayd, the real program, given what it must refuse: it says what, where and what to do, and ends with the
documented exit code; or it is no reason to end, and it says so in its state.

Usage: test_prepayd_refusals.py PREPAYD PREPAY PREPAY-BUILDING PREPAY-SIGN [unittest arguments]
"""

import fcntl
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "building")]
from box import SOURCE, Box, Refused, check_words  # noqa: E402
from building import Building  # noqa: E402

PREPAYD, PREPAY, BUILDING = (os.path.abspath(path) for path in sys.argv[1:4])
USAGE, REFUSED, CONFLICT = 2, 7, 8

PLANT = """
line A baud 9600
meter A 9 dds238 load 800 register 1234560 turnaround 12
room 305 sockets meter A/9 cut-order 1 breaker 16
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.box = self.new_box()

    def new_box(self, **options):
        box = Box(PREPAYD, PREPAY, **options)
        self.addCleanup(box.close)
        return box

    def plant(self):
        building = Building(BUILDING, os.path.join(self.box.folder, "building"), config=PLANT)
        self.addCleanup(building.close)
        return building

    def refused(self, code, *patterns, box=None, **options):
        """Ends with this code, having said something that matches every pattern; returns it."""
        got, said = (box or self.box).finish(**options)
        self.assertEqual(got, code, said)
        for pattern in patterns:
            self.assertRegex(said, pattern)
        self.assertLess(len(said.splitlines()), 20)
        return said

    def without_configuration(self, code, *patterns, words):
        done = subprocess.run([PREPAYD, *words], capture_output=True, text=True, check=False, timeout=30)
        check_words(done.stderr)
        self.assertEqual(done.returncode, code, done.stderr)
        for pattern in patterns:
            self.assertRegex(done.stderr + done.stdout, pattern)


class Arguments(Case):
    def test_what_is_no_option_is_shown_the_usage(self):
        for words in (["--nonsense"], ["--config"], ["-x"]):
            with self.subTest(words=words):
                self.without_configuration(USAGE, "usage: prepayd", words=words)
        self.without_configuration(USAGE, "unexpected argument start", "usage: prepayd", words=["start"])

    def test_help_and_version_need_nothing(self):
        self.without_configuration(0, "usage: prepayd", words=["--help"])
        self.without_configuration(0, r"^prepayd \d+\.\d+", words=["--version"])


class Configuration(Case):
    # What is added or put in place, and what must be said: file:line: what; what to do.
    FAULTS = [
        ("an unknown key", "[policy]\nnotise_s = 5\n", 2, "notise_s"),
        ("an unknown section", "[polizy]\nnotice_s = 5\n", 1, "polizy"),
        ("a key without a section", "notice_s = 5\n", 1, "before the first section"),
        ("a value that is no number", "[policy]\nnotice_s = soon\n", 2, "notice_s.*soon"),
        ("a value out of range", "[policy]\nnotice_s = -1\n", 2, "notice_s"),
        ("a number beyond 64 bits", "[policy]\nnotice_s = 99999999999999999999\n", 2, "notice_s"),
        ("a fraction", "[policy]\nnotice_s = 1.5\n", 2, "notice_s"),
        ("an unknown choice", "[clock]\ntrust = never\n", 2, "trust.*never"),
        ("an unknown zone", "[site]\nid = S-1\nzone = Mars/Olympus\n", 3, "Mars/Olympus.*IANA"),
        ("a relative path", "[store]\nledger = ledger.db\n", 2, "ledger"),
        ("a line without a port", "[line A]\nbaud = 9600\n", 1, "port"),
        ("a line without a name", "[line]\nport = /dev/null\n", 1, "name"),
        ("an unusual rate", "[line A]\nport = /dev/x\nbaud = 9601\n", 3, "9601"),
        ("one port twice", "[line A]\nport = /dev/x\n[line B]\nport = /dev/x\n", 4, "line A has the port"),
        ("a section twice", "[policy]\nnotice_s = 5\n[clock]\n[policy]\nstage_s = 5\n", 4, "policy"),
        ("a key twice", "[policy]\nnotice_s = 5\nnotice_s = 6\n", 3, "notice_s.*line 2"),
        ("a line that is nothing", "[policy]\nnotice_s\n", 2, "key = value"),
        ("a broken header", "[policy\nnotice_s = 5\n", 1, ""),
        ("bytes that are no text", "[site]\nid = \x00\x01\n", 2, ""),
        ("a warning below the cut-off", "[policy]\nlow_minor = -5\n", 2, "low_minor.*raise"),
        ("a sensor that is stale between two readings",
         "[sensor x]\ndevice = a\nchannel = b\nperiod_s = 9\nstale_s = 9\n", 5, "stale_s"),
        ("an address of a cloud without TLS", "[cloud]\nurl = http://a/v1\n", 2, "https://"),
        ("a socket path that no socket can have", "[control]\nsocket = /" + "s" * 110 + "\n", 2, "socket.*107"),
        ("a site with an empty name", "[site]\nid =\n", 2, "id"),
    ]

    def test_every_fault_is_told_with_file_and_line(self):
        for name, text, line, what in self.FAULTS:
            with self.subTest(name=name):
                self.box.write(text)
                place = re.escape(self.box.config) + (f":{line}: " if line else "")
                said = self.refused(USAGE, f"(?m)^{place}.*{what}")
                self.assertNotIn("\x00", said)
                checked = self.box.cli("config", "check", self.box.config)
                self.assertEqual(checked.returncode, USAGE, checked.stdout + checked.stderr)
        self.assertFalse(os.path.exists(self.box.ledger))

    def test_all_faults_are_told_at_once(self):
        self.box.write("[policy]\nnotise_s = 5\nstage_s = x\n[clok]\ntrust = always\n[site]\nzone = Nowhere\n")
        said = self.refused(USAGE)
        for line in (2, 3, 4, 7):
            self.assertRegex(said, rf"(?m)^{re.escape(self.box.config)}:{line}: .*; ")

    def test_a_fault_in_a_file_of_the_folder_names_that_file(self):
        folder = self.box.config + ".d"
        os.mkdir(folder)
        path = os.path.join(folder, "50-local.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write("# local\n[policy]\nnotise_s = 1\n")
        self.refused(USAGE, rf"(?m)^{re.escape(path)}:3: .*notise_s")

    def test_a_file_that_cannot_be_read_is_named(self):
        os.unlink(self.box.config)
        self.refused(USAGE, re.escape(self.box.config) + ".*No such file")
        os.mkdir(self.box.config)
        self.refused(USAGE, re.escape(self.box.config) + ".*directory")

    def test_a_file_that_is_no_text_ends_in_few_words(self):
        for data in (os.urandom(3000), b"\0" * 5000, b"[" * 70000, b"x" * 2000000):
            with open(self.box.config, "wb") as out:
                out.write(data)
            got, said = self.box.finish()
            self.assertEqual(got, USAGE)
            self.assertLess(len(said), 20000)


class Models(Case):
    def model(self, name, text):
        path = os.path.join(self.box.models, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return re.escape(path)

    def test_a_wrong_model_file_is_told_with_file_and_line(self):
        with open(os.path.join(SOURCE, "meters/models/eastron-sdm120.meter"), encoding="utf-8") as file:
            good = file.read()
        lines = good.splitlines()
        for old, new in (("type = float32", "type = float48"), ("function = 4", "function = 44"),
                         ("unit = kWh", "unit = furlong"), ("count = 6", "count = 600"),
                         ("register = 0x0048", "register = 0x9999"), ("[span energy]", "[spam energy]")):
            with self.subTest(new=new):
                path = self.model("broken.meter", good.replace(old, new, 1).replace("eastron-sdm120", "broken"))
                at = next(i for i, line in enumerate(lines, 1) if line == old)
                said = self.refused(USAGE, rf"(?m)^{path}:\d+: .+")
                if new.startswith(("type", "unit", "function")):
                    self.assertRegex(said, rf"(?m)^{path}:{at}: ")

    def test_a_missing_folder_of_shipped_models_is_named(self):
        self.box.sections["meters"]["models"] = "/nonexistent/meters"
        self.box.write()
        self.refused(USAGE, "/nonexistent/meters")


class Ledger(Case):
    def make(self, box=None):
        box = box or self.box
        box.start()
        self.assertEqual(box.stop(), 0)

    def test_a_ledger_of_a_newer_schema_is_refused_and_left_alone(self):
        self.make()
        with sqlite3.connect(self.box.ledger) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {version + 41}")
        db.close()
        before = self.contents()
        self.refused(REFUSED, rf"{re.escape(self.box.ledger)}: .*schema {version + 41}.*knows {version}", "install")
        self.assertEqual(self.contents(), before)

    def contents(self):
        with open(self.box.ledger, "rb") as file:
            return file.read()

    def test_a_file_that_is_no_ledger_is_refused_and_left_alone(self):
        for name, data in (("text", b"hello, this is a letter\n" * 300), ("short", b"hi"), ("noise", os.urandom(9000))):
            with self.subTest(name=name):
                with open(self.box.ledger, "wb") as out:
                    out.write(data)
                self.refused(REFUSED, re.escape(self.box.ledger), r"\[store\] ledger")
                self.assertEqual(self.contents(), data)

    def test_another_database_is_refused_and_left_alone(self):
        with sqlite3.connect(self.box.ledger) as db:
            db.execute("CREATE TABLE letters(text)")
        db.close()
        before = self.contents()
        self.refused(REFUSED, "no ledger", r"\[store\] ledger")
        self.assertEqual(self.contents(), before)

    def test_the_ledger_of_another_site_is_refused(self):
        self.make()
        self.box.sections["site"]["id"] = "S-0002"
        self.box.write()
        self.refused(REFUSED, "S-0001", "S-0002", r"\[site\] id")

    def test_a_damaged_ledger_is_told_as_such(self):
        self.make()
        size = os.path.getsize(self.box.ledger)
        with open(self.box.ledger, "r+b") as file:
            for page in range(1, size // 4096):
                file.seek(page * 4096)
                file.write(b"\xa5" * 4096)
        got, said = self.box.finish()
        self.assertIn(got, (1, REFUSED), said)
        self.assertRegex(said, re.escape(self.box.ledger) + ".*(damaged|malformed)")

    def test_a_folder_where_nothing_can_be_written_is_named(self):
        self.box.sections["store"]["ledger"] = "/nonexistent/folder/ledger.db"
        self.box.write()
        self.refused(1, "/nonexistent/folder/ledger.db.*No such file.*folder")
        self.box.sections["store"]["ledger"] = "/proc/ledger.db"
        self.box.write()
        self.refused(1, "/proc/ledger.db")
        os.mkdir(self.box.ledger)
        self.box.sections["store"]["ledger"] = self.box.ledger
        self.box.write()
        self.refused(1, re.escape(self.box.ledger) + ".*directory")

    def test_a_line_or_model_that_the_configuration_has_no_more_is_named(self):
        shutil.copy(os.path.join(SOURCE, "meters/models/eastron-sdm120.meter"),
                    os.path.join(self.box.models, "own.meter"))
        with open(os.path.join(self.box.models, "own.meter"), "r+", encoding="utf-8") as file:
            text = file.read().replace("eastron-sdm120", "own")
            file.seek(0)
            file.truncate()
            file.write(text)
        lines = {"line A": {"port": "/nonexistent/a"}, "line B": {"port": "/nonexistent/b"}}
        self.box.sections.update(lines)
        self.box.write()
        self.box.start()
        self.box.ask("room.add", room="305", circuit="sockets", line="B", address="7", model="own",
                     breaker_a="20")
        self.assertEqual(self.box.stop(), 0)
        del self.box.sections["line B"]
        self.box.write()
        self.refused(USAGE, "own at address 7 of line B", "no such line")
        self.box.sections.update(lines)
        self.box.write()
        os.unlink(os.path.join(self.box.models, "own.meter"))
        self.refused(USAGE, "own at address 7 of line B", "no such model")


class Trust(Case):
    def test_roots_that_others_could_write_are_refused(self):
        path = os.path.join(self.box.roots, "root.pem")
        with open(path, "w", encoding="ascii") as out:
            out.write("nothing\n")
        self.refused(USAGE, re.escape(path))
        os.chmod(path, 0o664)
        self.refused(USAGE, re.escape(path) + ".*ch(own|mod)")
        os.unlink(path)
        os.chmod(self.box.roots, 0o775)
        self.refused(USAGE, re.escape(self.box.roots) + ".*chmod")


class Neighbours(Case):
    def second(self, **changes):
        """Another instance beside self.box; changes are sections."""
        box = self.new_box()
        for name, keys in changes.items():
            box.sections.setdefault(name, {}).update(keys)
        box.write()
        return box

    def test_a_second_instance_on_the_same_ledger_is_sent_away(self):
        self.box.start()
        other = self.second(store={"ledger": self.box.ledger})
        self.refused(CONFLICT, re.escape(self.box.ledger), rf"process {self.box.pid}", r"stop it|\[store\] ledger",
                     box=other)
        self.assertFalse(os.path.exists(other.socket))
        self.box.ask("status")
        self.assertEqual(self.box.stop(), 0)
        other.start()
        self.assertEqual(other.stop(), 0)

    def test_a_socket_that_is_in_use_is_not_taken_away(self):
        self.box.start()
        other = self.second(control={"socket": self.box.socket})
        self.refused(CONFLICT, re.escape(self.box.socket), r"\[control\] socket", box=other)
        self.assertEqual(self.box.ask("status")["site"], "S-0001")
        self.box.kill()
        # What a killed daemon left behind is no obstacle.
        self.assertTrue(os.path.exists(self.box.socket))
        other.socket = self.box.socket
        other.start()
        self.assertEqual(other.stop(), 0)
        self.assertFalse(os.path.exists(other.socket))

    def test_a_file_in_the_place_of_the_socket_is_left_alone(self):
        with open(self.box.socket, "w", encoding="ascii") as out:
            out.write("a letter")
        self.refused(1, re.escape(self.box.socket), "remove|another")
        with open(self.box.socket, encoding="ascii") as file:
            self.assertEqual(file.read(), "a letter")

    def test_a_second_instance_on_the_same_serial_line_waits_for_it(self):
        building = self.plant()
        port = {"line A": {"port": building.port("A")}}
        self.box.sections.update(port)
        self.box.write()
        self.box.start()
        self.box.wait("the line is in use", lambda: self.state(self.box) == "ok")
        other = self.second(**port)
        other.start()
        other.wait("it is told that the line is locked", lambda: self.state(other) == "locked")
        row = next(row for row in other.ask("alarm.list")["rows"] if row["cleared_s"] is None)
        self.assertEqual((row["kind"], row["subject"].split()[-1]), ("adapter-absent", "A"))
        self.assertIn("another program holds the port", row["detail"])
        shown = other.cli("line", "list")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("locked", shown.stdout)
        self.assertEqual(self.state(self.box), "ok")
        self.assertEqual(self.box.stop(), 0)
        other.wait("it has the line", lambda: self.state(other) == "ok")
        other.wait("the alarm is over", lambda: "adapter-absent" not in other.alarms())
        self.assertEqual(other.stop(), 0)

    @staticmethod
    def state(box):
        return box.ask("line.list")["rows"][0]["state"]

    def test_a_lock_left_by_the_dead_is_no_lock(self):
        with open(self.box.ledger + ".lock", "w", encoding="ascii") as lock:
            lock.write("1")
        self.box.start()
        self.box.kill()
        self.box.start()
        with open(self.box.ledger + ".lock", encoding="ascii") as lock:
            with self.assertRaises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.assertEqual(self.box.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=1)
