"""prepayd, the real program, with two sensors on libiio's own local backend over a sysfs tree of the test's.

Usage: test_prepayd_sensors.py PREPAYD PREPAY PREPAY-BUILDING PREPAY-SIGN [unittest arguments]

The kernel of a test machine has no IIO, so the test runs in a mount namespace of its own with a tree over /sys/bus.
Files are replaced by rename(), as a reader of sysfs never sees half a value.
"""

import os
import shutil
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
if os.environ.get("PREPAY_SENSORS_TEST") != "inside":
    # As an ordinary user a user namespace gives the right to mount.
    os.execvpe("unshare", ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "/usr/bin/python3", *sys.argv],
               dict(os.environ, PREPAY_SENSORS_TEST="inside"))

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from box import Box  # noqa: E402

PREPAYD, PREPAY = (os.path.abspath(path) for path in sys.argv[1:3])
DEVICES = "/sys/bus/iio/devices"
ADC, CABINET = DEVICES + "/iio:device0", DEVICES + "/iio:device1"
STALE_S = 3
TREE = {
    # 4660 x 0.0625 mV x 790 (divider and transformer) = 230.0875 V, at most a thousandth beside it
    ADC: {"name": "ads1015", "in_voltage0_raw": "4660", "in_voltage0_scale": "0.062500000"},
    # (400 - 4) x 62.5 = 24750 thousandths of a degree
    CABINET: {"name": "tmp", "in_temp_raw": "400", "in_temp_offset": "-4", "in_temp_scale": "62.5"},
}
VOLTS, DEGREES = (230087, 230088), (24750,)


def put(path, text):
    with open("/sys/bus/new", "w", encoding="ascii") as out:
        out.write(text + "\n")
    os.rename("/sys/bus/new", path)


def make(device):
    os.makedirs(device, exist_ok=True)
    for name, text in TREE[device].items():
        put(os.path.join(device, name), text)


class Sensors(unittest.TestCase):
    def setUp(self):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/sys/bus"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "/sys/bus"], check=True)
        self.box = Box(PREPAYD, PREPAY, {
            "sensor incomer": {"device": "ads1015", "channel": "voltage0", "unit": "mV", "ratio_ppm": 790000000,
                               "period_s": 1, "stale_s": STALE_S},
            "sensor cabinet": {"device": "tmp", "channel": "temp", "unit": "mC", "period_s": 1, "stale_s": STALE_S}})
        self.addCleanup(self.box.close)

    def start(self):
        self.box.start()
        self.pid = self.box.pid

    def end(self):
        self.assertEqual(self.box.pid, self.pid)
        self.assertEqual(self.box.stop(), 0)

    def row(self, name):
        row = next(row for row in self.box.ask("status")["sensors"] if row["name"] == name)
        self.assertIn(row["value_milli"], (None, *VOLTS, *DEGREES, 232063))  # never a zero, nor a mixture
        return row

    def wait_fresh(self, name, values):
        row = self.box.wait(f"{name} is fresh", lambda: self.fresh(name))
        self.assertIn(row["value_milli"], values)
        self.box.wait("the alarm is over", lambda: not any(row["kind"] == "sensor-stale" and row["cleared_s"] is None and
                                                           name in row["subject"] for row in self.alarms()))

    def fresh(self, name):
        row = self.row(name)
        return row if not row["stale"] and row["detail"] == "" else None

    def alarms(self):
        return self.box.ask("alarm.list")["rows"]

    def wait_stale(self, name, values):
        """The last good value stays, with its age and why there is no newer one."""
        row = self.box.wait(f"{name} is stale", lambda: self.stale(name))
        self.assertIn(row["value_milli"], values)
        self.assertGreater(row["age_s"], STALE_S)
        self.assertNotEqual(row["detail"], "")
        alarm = self.box.wait("an alarm says so", lambda: next((
            row for row in self.alarms() if row["kind"] == "sensor-stale" and row["cleared_s"] is None and
            name in row["subject"]), None))
        self.assertRegex(alarm["detail"], "no value for")
        shown = next(line for line in self.box.cli("status").stdout.splitlines() if f"{name} " in line and "STALE" in line)
        self.assertRegex(shown, r"\d+s ago: .")
        return row

    def stale(self, name):
        row = self.row(name)
        return row if row["stale"] else None

    def test_values_follow_and_errors_make_them_stale(self):
        make(ADC)
        make(CABINET)
        self.start()
        self.wait_fresh("incomer", VOLTS)
        self.wait_fresh("cabinet", DEGREES)
        self.assertEqual([self.row(name)["unit"] for name in ("incomer", "cabinet")], ["V", "degC"])
        self.assertRegex(self.box.cli("status").stdout, r"incomer +230\.0?8?")
        put(ADC + "/in_voltage0_raw", "4700")
        self.box.wait("the new value is there", lambda: self.row("incomer")["value_milli"] == 232063)

        # One at a time: what is no number, nothing, no file, a folder.
        os.unlink(ADC + "/in_voltage0_raw")
        self.wait_stale("incomer", (232063,))
        self.assertFalse(self.row("cabinet")["stale"])
        for text in ("nonsense", ""):
            put(ADC + "/in_voltage0_raw", text)
            time.sleep(1.5)
            self.assertEqual(self.row("incomer")["value_milli"], 232063)
            self.assertTrue(self.row("incomer")["stale"])
        os.unlink(ADC + "/in_voltage0_raw")
        os.mkdir(ADC + "/in_voltage0_raw")
        time.sleep(1.5)
        self.assertTrue(self.row("incomer")["stale"])
        os.rmdir(ADC + "/in_voltage0_raw")
        make(ADC)
        self.wait_fresh("incomer", VOLTS)
        self.end()

    def test_a_device_that_vanishes_and_returns(self):
        make(ADC)
        make(CABINET)
        self.start()
        self.wait_fresh("incomer", VOLTS)
        self.wait_fresh("cabinet", DEGREES)
        shutil.rmtree("/sys/bus/iio")
        self.wait_stale("incomer", VOLTS)
        self.wait_stale("cabinet", DEGREES)
        # Back under another number, as after plugging it in again.
        os.makedirs(DEVICES)
        make(CABINET)
        os.rename(CABINET, DEVICES + "/iio:device7")
        self.wait_fresh("cabinet", DEGREES)
        self.assertTrue(self.row("incomer")["stale"])
        make(ADC)
        self.wait_fresh("incomer", VOLTS)
        self.end()

    def test_devices_that_appear_late(self):
        self.start()
        row = self.row("incomer")
        self.assertEqual((row["value_milli"], row["age_s"], row["stale"]), (None, None, True))
        self.box.wait("alarms say so", lambda: len([row for row in self.alarms() if row["kind"] == "sensor-stale"]) == 2)
        self.assertNotRegex(self.box.cli("status").stdout, r"(incomer|cabinet) +0")
        make(ADC)
        self.wait_fresh("incomer", VOLTS)
        self.assertIsNone(self.row("cabinet")["value_milli"])
        make(CABINET)
        self.wait_fresh("cabinet", DEGREES)
        self.end()

    def test_a_driver_that_hangs_holds_up_nothing_else(self):
        make(ADC)
        make(CABINET)
        self.start()
        self.wait_fresh("incomer", VOLTS)
        os.mkfifo("/sys/bus/pipe")
        os.link("/sys/bus/pipe", "/sys/bus/other")
        os.rename("/sys/bus/pipe", ADC + "/in_voltage0_raw")  # whoever opens it waits for a writer
        self.box.wait("it is stale", lambda: self.stale("incomer"))
        for _ in range(5):
            begun = time.monotonic()
            self.box.ask("status")
            self.assertLess(time.monotonic() - begun, 5)
        make(ADC)
        with open("/sys/bus/other", "w", encoding="ascii") as pipe:
            pipe.write("4660\n")
        self.wait_fresh("incomer", VOLTS)
        self.wait_fresh("cabinet", DEGREES)
        self.end()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=1)
