#!/usr/bin/python3
"""Both units under the real systemd: installed, booted, used by people of every role, and mistreated.

usage: test_nspawn.py BUILD_FOLDER [unittest options]

One box (nspawn_box.py) is booted for all cases; each leaves it working, and checks what it did alone. The
cloud is simulated inside the box's network, the building on pseudo-terminals inside the box.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from nspawn_box import Box, BoxError, enter_private_namespace, wait_for  # noqa: E402
from cloud_client import Cloud  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
FACTOR = 600
BUILDING = """
line A baud 9600
line B baud 9600
relay-board A 101 waveshare8 coils 0x03 turnaround 8
meter A 1 sdm120 load 1000 register 1000000 turnaround 10
meter A 2 sdm120 load 800 register 2000000 turnaround 12
meter A 3 dds238 load 1500 register 3000000 turnaround 12
meter B 1 dds238 load 500 register 4000000 turnaround 12
contactor A 101/1 feeds A/1 no
contactor A 101/2 feeds A/2 no
room 101 sockets meter A/1 breaker 20 tenancy T-101 opening 500000
room 102 sockets meter A/2 breaker 20 tenancy T-102 opening 500000
room 103 sockets meter A/3 breaker 20 tenancy T-103 opening 20
room 201 sockets meter B/1 breaker 20 tenancy T-201 opening 500000
"""
CONFIG = """
[site]
id = S-0001
zone = Asia/Shanghai

[clock]
trust = always

[line A]
port = /dev/rs485-A

[line B]
port = /dev/rs485-B

[cloud]
url = {url}
hold_s = 5
backoff_base_s = 1
backoff_cap_s = 2

[policy]
low_minor = 50
notice_s = 2
stage_s = 1
settle_s = 20
stale_s = 15
mass_cut_min = 20
change_hold_s = 1
plausibility_factor = {factor}
cash = no
"""
TARIFF = "[tariff]\nname = test\nactivation = receipt\n[energy]\nprice = 0.60\n"
PEOPLE = {"vera": "prepay-viewer", "otto": "prepay-operator", "ada": "prepay-admin", "stranger": None}
WATCHDOG_S = 180        # what the unit says
STUCK_S = 10 + 5        # prepayd's own limit for a thread, and how often it looks
STALL_S = 25            # longer than a thread may be stuck
MESSAGES = {name: number for name, number in re.findall(
    r'#define MESSAGE_ID_(\w+) "([0-9a-f]{32})"',
    open(os.path.join(HERE, "..", "..", "concentrator", "platform", "message_ids.h"), encoding="utf-8").read())}

box = cloud = None


def told(text):
    print(text, file=sys.stderr, flush=True)


def setUpModule():
    global box, cloud
    box = Box(BUILD)
    try:
        box.make()
        box.boot()
    except BaseException:
        box.close()
        raise


def tearDownModule():
    if cloud is not None:
        cloud.stop()
    box.close()


class Fresh(unittest.TestCase):
    """A box as it comes out of the installation: the default configuration, nothing attached."""

    def test_1_both_daemons_run_and_the_box_is_well(self):
        for unit in ("prepayd", "prepay-uplinkd"):
            wait_for(lambda unit=unit: box.unit(unit, "ActiveState") == "active", 10, f"{unit} active")
            self.assertEqual(box.unit(unit, "Type", "UnitFileState", "NRestarts"), ["notify", "enabled", "0"])
        self.assertEqual(box.run("systemctl", "is-system-running").stdout.strip(), "running")

    def test_2_users_and_folders_are_there_and_belong_to_the_daemons(self):
        self.assertIn("dialout", box.run("id", "-nG", "prepay").stdout.split())
        for path, expected in {"/var/lib/prepay": "prepay prepay 700", "/var/lib/prepay/ledger.db": "prepay prepay 640",
                               "/var/lib/prepay-uplink": "prepay-uplink prepay-uplink 700",
                               "/run/prepay/control.sock": "prepay prepay 666"}.items():
            self.assertEqual(box.run("stat", "-c", "%U %G %a", path).stdout.strip(), expected, path)

    def test_3_wrong_configuration_is_said_once_and_not_tried_again(self):
        box.write("etc/prepay/prepay.conf.d/99-wrong.conf", "[policy]\ncutof_minor = 1\n")
        try:
            box.run("systemctl", "restart", "prepayd", check=False)
            wait_for(lambda: box.unit("prepayd", "ActiveState") == "failed", 10, "prepayd failed")
            time.sleep(3)
            self.assertEqual(box.unit("prepayd", "ExecMainStatus", "NRestarts"), ["2", "0"])
            said = [row["MESSAGE"] for row in box.journal("-u", "prepayd", "-p", "err")]
            self.assertTrue(any("99-wrong.conf:2" in line for line in said), said)
        finally:
            os.unlink(box.path("etc/prepay/prepay.conf.d/99-wrong.conf"))
        box.run("systemctl", "restart", "prepayd")


class Udev(unittest.TestCase):
    """udev itself, with its own rules around ours, on adapters of umockdev's."""

    def ask(self, device):
        """What udev makes of the device's appearance: its properties, links, attributes written; and all it said."""
        shutil.copy(os.path.join(HERE, "adapters.umockdev"), box.shared)
        text = box.run("umockdev-run", "-d", os.path.join(box.shared, "adapters.umockdev"), "--", "sh", "-c",
                       f"udevadm test --action=add /sys/devices/platform/soc/usb1/{device} 2>&1").stdout
        properties = dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.M))
        links = re.findall(r"LINK '([^']+)'", text)
        written = {path.rsplit(f"{device}/", 1)[-1]: value
                   for path, value in re.findall(r"ATTR '([^']+)' writing '([^']*)'", text)}
        return properties, links, written, text

    def test_an_adapter_is_named_by_its_socket_and_kept_from_the_modem_manager(self):
        properties, links, _, text = self.ask("1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0")
        self.assertEqual(properties.get("ID_MM_PORT_IGNORE"), "1", text)
        self.assertIn("rs485-by-path/platform-soc-usb-0:1:1.0", links, text)

    def test_an_adapter_is_quick_and_stays_awake(self):
        _, _, written, text = self.ask("1-1/1-1:1.0/ttyUSB0")
        self.assertEqual(written, {"latency_timer": "1"}, text)
        properties, _, written, text = self.ask("1-1")
        self.assertEqual(written, {"power/control": "on"}, text)
        self.assertEqual(properties.get("ID_MM_DEVICE_IGNORE"), "1", text)

    def test_a_4g_modem_is_left_to_the_modem_manager(self):
        properties, links, _, text = self.ask("1-2/1-2:1.2/ttyUSB1/tty/ttyUSB1")
        self.assertEqual(properties["DEVNAME"], "/dev/ttyUSB1", text)
        self.assertNotIn("ID_MM_PORT_IGNORE", properties, text)
        self.assertFalse([link for link in links if "rs485" in link], text)
        self.assertNotIn("ID_MM_DEVICE_IGNORE", self.ask("1-2")[0])


class Running(unittest.TestCase):
    """A building is attached, the cloud is there, people use the CLI."""

    @classmethod
    def setUpClass(cls):
        global cloud
        box.start_building(BUILDING, factor=FACTOR, seed=3)
        box.enter_network()
        cloud = Cloud(os.path.join(box.folder, "cloud"), sign=os.path.join(BUILD, "uplink/sign/prepay-sign")).start()
        cls.configure()
        for name, group in PEOPLE.items():
            box.run("useradd", "--no-create-home", *(["-G", group] if group else []), name)
        box.run("systemctl", "restart", "prepayd", "prepay-uplinkd")
        cls.wait_answer()
        box.prepay("tariff", "apply", "-", "--reason", "test", text=TARIFF)
        with open(box.building.rooms_csv, encoding="utf-8") as rooms:
            box.prepay("room", "import", "-", text=rooms.read())
        cls.wait_power({"101", "102", "201"})

    @staticmethod
    def configure():
        """As an installer does: everything at the places that the default configuration names."""
        uid, gid = (int(box.run("id", flag, "prepay-uplink").stdout) for flag in ("-u", "-g"))
        for name, source, mode in (("client.crt", cloud.certificate, 0o644), ("client.key", cloud.key, 0o600)):
            with open(source, encoding="ascii") as file:
                box.write("var/lib/prepay-uplink/" + name, file.read(), mode, (uid, gid))
        with open(cloud.ca, encoding="ascii") as file:
            box.write("etc/prepay/trust/cloud-ca.pem", file.read())
        for root in os.listdir(cloud.roots):
            shutil.copy(os.path.join(cloud.roots, root), box.path("etc/prepay/trust/roots"))
        box.write("etc/prepay/prepay.conf.d/50-site.conf", CONFIG.format(url=cloud.url, factor=FACTOR))

    @staticmethod
    def wait_answer(seconds=20):
        wait_for(lambda: box.run("prepay", "status", check=False).returncode in (0, 9), seconds, "an answer to status")

    @staticmethod
    def rooms():
        return {row["room"]: row for row in box.prepay("room", "list")["rows"]}

    @classmethod
    def wait_power(cls, names, seconds=40):
        """Those rooms are read again and supplied."""
        def good():
            rooms = cls.rooms()
            return all(rooms[name]["service_status"] == "Connected" and not rooms[name]["stale"] for name in names)
        wait_for(good, seconds, f"rooms {sorted(names)} read and connected")

    def setUp(self):
        # A case that failed spoils no other.
        self.wait_answer()
        self.wait_power({"101", "102", "201"})
        self.pid, self.restarts = box.unit("prepayd", "MainPID", "NRestarts")
        self.since = self.last_event()

    @staticmethod
    def last_event():
        events = box.building.log()
        return events[-1]["seq"] if events else 0

    def moved(self):
        """Relays commanded and contacts moved since the case began, but for those of the poor room."""
        return [row for row in box.building.log(self.since) if row["kind"] in ("relay", "contact", "write")
                and row["device"] != "A/3"]

    def assert_nothing_moved(self):
        self.assertEqual(self.moved(), [])

    def assert_never_restarted(self):
        self.assertEqual(box.unit("prepayd", "MainPID", "NRestarts"), [self.pid, self.restarts])

    def wait_restarted(self, seconds):
        wait_for(lambda: box.unit("prepayd", "NRestarts") != self.restarts
                 and box.unit("prepayd", "ActiveState") == "active", seconds, "prepayd started again")
        self.assertEqual(int(box.unit("prepayd", "NRestarts")), int(self.restarts) + 1)
        self.wait_answer()
        self.wait_power({"101", "102", "201"})

    def exit_code(self, user, *words, **options):
        done = box.run("prepay", *words, user=user, check=False, **options)
        return done.returncode

    # --- roles ---

    def test_each_role_may_do_what_it_may_and_nothing_more(self):
        looks, works, rules = (("room", "list"),), (
            ("meter", "read", "201"), ("ledger", "settle", "201", "--reason", "test"),
            ("relay", "201", "auto", "--reason", "test")), (
            ("room", "import", "-", "--dry-run"), ("tariff", "check", "-"))
        files = {"room": "room,circuit\n900,light\n", "tariff": TARIFF}
        expected = {"vera": (0, 3, 3), "otto": (0, 0, 3), "ada": (0, 0, 0), "root": (0, 0, 0), "stranger": (3, 3, 3),
                    "prepay-uplink": (3, 3, 3)}
        for user, codes in expected.items():
            for verbs, code in zip((looks, works, rules), codes):
                for words in verbs:
                    with self.subTest(user=user, words=words):
                        done = box.run("prepay", *words, user=user, check=False, text=files.get(words[0]
                                       if "-" in words else None))
                        self.assertEqual(done.returncode, code, done.stderr or done.stdout)
        # Local cash is off: the role of an admin does not reach around the configuration.
        cash = ("credit", "add", "101", "1.00", "--receipt", "1", "--reason", "test", "-y")
        self.assertEqual(self.exit_code("ada", *cash), 7)
        self.assertEqual(self.exit_code("otto", *cash), 3)

    def test_what_a_person_changes_is_in_the_journal_under_their_name(self):
        self.assertEqual(self.exit_code("otto", "ledger", "settle", "102", "--reason", "monthly bill"), 0)
        rows = box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['AUDIT']}")
        self.assertTrue(any("otto" in row["MESSAGE"] and "monthly bill" in row["MESSAGE"] for row in rows),
                        [row["MESSAGE"] for row in rows][-5:])

    # --- sandbox ---

    def probe(self, unit):
        """What a program can reach in that unit's place: the unit as installed, another program in it."""
        shutil.copy(os.path.join(HERE, "sandbox_probe.py"), box.path("opt/probe"))
        with open(box.path(f"usr/lib/systemd/system/{unit}.service"), encoding="utf-8") as file:
            text = file.read()
        keys = "Type|ExecStart|Restart|RestartSec|RestartPreventExitStatus|WatchdogSec|RuntimeDirectory|" \
               "RuntimeDirectoryMode"
        text = re.sub(rf"^({keys})=.*$", "", text, flags=re.M)
        port = cloud.url.split(":")[2].split("/")[0]
        text = text.replace("[Service]", "[Service]\nType=oneshot\n"
                            f"ExecStart=/usr/bin/python3 -I /opt/probe {port}")
        box.write(f"etc/systemd/system/probe-{unit}.service", text)
        dropins = box.path(f"etc/systemd/system/{unit}.service.d")
        if os.path.isdir(dropins):
            shutil.copytree(dropins, box.path(f"etc/systemd/system/probe-{unit}.service.d"), dirs_exist_ok=True)
        box.run("systemctl", "daemon-reload")
        done = box.run("systemctl", "start", f"probe-{unit}", check=False)
        rows = box.journal("-u", f"probe-{unit}", "_COMM=python3")
        self.assertTrue(rows, done.stderr)
        return json.loads(rows[-1]["MESSAGE"])

    def assert_confined(self, found):
        self.assertNotEqual(found["uid"], 0)
        self.assertEqual((found["capabilities"], found["no_new_privileges"], found["seccomp"]), (0, "1", "2"))
        self.assertEqual(found["control"], "ok")
        self.assertEqual(found["configuration"], "ok")
        for name in ("change_configuration", "change_program", "new_file_in_run", "executable_memory", "new_namespace",
                     "packet", "kernel_log"):
            self.assertNotEqual(found[name], "ok", name)

    def test_in_the_place_of_prepayd_nobody_reaches_the_network(self):
        found = self.probe("prepayd")
        self.assert_confined(found)
        self.assertEqual(found["internet"], "EAFNOSUPPORT")
        self.assertEqual(found["interfaces"], ["lo"])
        self.assertEqual(found["ledger"], "ok")
        self.assertIn(found["line"], ("ok", "EBUSY"))  # prepayd has it
        self.assertIn(found["keys"], ("EACCES", "EPERM"))

    def test_in_the_place_of_the_messenger_nobody_reaches_ledger_or_line(self):
        found = self.probe("prepay-uplinkd")
        self.assert_confined(found)
        self.assertEqual(found["internet"], "ok")
        self.assertEqual(found["keys"], "ok")
        self.assertNotEqual(found["ledger"], "ok")
        self.assertNotEqual(found["ledger_folder"], "ok")
        self.assertNotEqual(found["line"], "ok")

    # --- mistreated ---

    def test_a_restart_moves_no_relay(self):
        box.run("systemctl", "restart", "prepayd")
        self.assertNotEqual(box.unit("prepayd", "MainPID"), self.pid)
        self.wait_answer()
        self.wait_power({"101", "102", "201"})
        time.sleep(3)
        self.assert_nothing_moved()

    def test_killed_it_is_started_again_and_no_relay_moves(self):
        before = self.rooms()
        box.run("systemctl", "kill", "--signal=SIGKILL", "prepayd")
        self.wait_restarted(20)
        self.assert_nothing_moved()
        after = self.rooms()
        for name, row in before.items():
            self.assertEqual(after[name]["service_status"], row["service_status"], name)

    def test_an_adapter_that_is_away_for_a_while_is_a_state_and_not_a_restart(self):
        box.building.run("unplug A")
        try:
            wait_for(lambda: self.line("A")["state"] == "absent", 10, "line A absent")
            time.sleep(STUCK_S + 3)
            self.assertEqual(self.line("B")["state"], "ok")
            self.assertTrue(self.rooms()["101"]["stale"])
            self.assertTrue(any(row["kind"] == "adapter-absent" for row in box.prepay("alarm", "list")["rows"]))
        finally:
            box.building.run("plug A")
        wait_for(lambda: self.line("A")["state"] == "ok", 20, "line A back")
        self.wait_power({"101", "102", "201"})
        self.assert_never_restarted()
        self.assert_nothing_moved()

    @staticmethod
    def line(name):
        return next(row for row in box.prepay("line", "list")["rows"] if row["line"] == name)

    def test_a_stalled_disk_is_a_state_and_not_a_restart(self):
        answers = []
        begun = time.monotonic()
        box.freeze()
        try:
            # A commit that has to wait for the disk, and somebody who waits for that commit.
            asking = threading.Thread(target=lambda: answers.append(box.run(
                "prepay", "--timeout", "120", "ledger", "settle", "--reason", "during the stall", check=False,
                timeout=150).returncode))
            asking.start()
            time.sleep(STALL_S)
            self.assertEqual(answers, [], "the disk did not stall")
            self.assert_never_restarted()
        finally:
            box.thaw()
        asking.join()
        told(f"a disk stalled for {time.monotonic() - begun:.0f} s, of {WATCHDOG_S} s that the watchdog allows")
        self.assertEqual(answers, [0])
        self.wait_power({"101", "102", "201"})
        self.assert_never_restarted()
        self.assert_nothing_moved()
        self.assertTrue(box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['STORE_SLOW']}"))
        self.assertEqual(box.prepay("ledger", "verify")["ok"], True)

    def test_a_thread_stuck_in_a_call_is_restarted_by_the_watchdog_and_no_relay_moves(self):
        outside = box.outside_pid(int(self.pid))
        begun = time.monotonic()
        with subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "hold_thread.py"), str(self.thread(outside))],
                              stdout=subprocess.PIPE, encoding="ascii") as holder:
            self.assertEqual(holder.stdout.readline(), "held\n")
            try:
                self.wait_restarted(STUCK_S + 30)
                told(f"a stuck thread: metering again after {time.monotonic() - begun:.0f} s")
            finally:
                holder.terminate()
        rows = wait_for(lambda: box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['WORKER_STUCK']}"), 10,
                        "the stuck thread in the journal")
        self.assertEqual(rows[-1]["LINE"], "A")
        self.assertTrue(any("watchdog" in row["MESSAGE"].lower() for row in box.journal("-u", "prepayd", "_PID=1")))
        self.assert_nothing_moved()

    @staticmethod
    def thread(pid):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as comm:
                if comm.read().strip() == "line A":
                    return int(tid)
        raise BoxError("no thread named line A")

    # --- the whole way of a payment ---

    def test_a_payment_at_the_cloud_brings_the_power_back(self):
        wait_for(lambda: self.rooms()["103"]["service_status"] == "Disconnected", 60, "room 103 cut for money")
        begun = time.monotonic()
        cloud.offer(cloud.keyset(), cloud.credit("r-103", "103", "T-103", "1000.00"))
        closed = box.building.wait_event(self.since, 20, kind="contact", feeds="A/3", detail="closed")
        self.assertTrue(closed)
        told(f"from payment to power: {time.monotonic() - begun:.1f} s")
        cloud.wait(lambda state: any(row["body"]["mRID"] == "r-103" and row["body"]["result"] == "applied"
                                     for row in state["receipts"]), 20)
        self.wait_power({"103"})
        self.assertEqual(box.prepay("uplink", "status")["state"], "online")

    def test_the_journal_has_fields_for_programs(self):
        rows = box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['START']}")
        self.assertTrue(rows)
        self.assertEqual(rows[-1]["_SYSTEMD_UNIT"], "prepayd.service")
        self.assertTrue(box.journal("-u", "prepay-uplinkd", f"MESSAGE_ID={MESSAGES['START']}"))
        cut = box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['ROOM_CUT']}", "ROOM=103")
        wait_for(lambda: cut or box.journal("-u", "prepayd", f"MESSAGE_ID={MESSAGES['ROOM_CUT']}", "ROOM=103"), 60,
                 "the cut of room 103 in the journal")


class ZEnd(unittest.TestCase):
    """Last of all, by its name."""

    def test_the_box_is_well_and_powers_off_in_order(self):
        for unit in ("prepayd", "prepay-uplinkd"):
            self.assertEqual(box.unit(unit, "ActiveState"), "active")
        self.assertEqual(box.run("systemctl", "is-system-running").stdout.strip(), "running")
        since = Running.last_event()
        self.assertEqual(box.power_off(), 0)
        self.assertEqual([row for row in box.building.log(since) if row["kind"] in ("relay", "contact")], [])


if __name__ == "__main__":
    try:
        enter_private_namespace()
    except BoxError as error:
        sys.exit(f"test_nspawn: {error}")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
