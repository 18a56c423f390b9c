#!/usr/bin/python3
"""The real prepay-uplinkd between a simulated cloud and a simulated prepayd: whatever breaks, nothing is
lost, nothing is doubled, and nobody is asked in a busy loop.

    test_uplink.py PREPAY_UPLINKD PREPAY_SIGN [unittest options]
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cloud"))
sys.path.insert(0, HERE)
from cloud_client import Cloud  # noqa: E402
from fake_prepayd import FakePrepayd  # noqa: E402

UPLINKD, SIGN = sys.argv[1], sys.argv[2]
ENVIRONMENT = dict(os.environ, https_proxy="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")
SEED = int(os.environ.get("PREPAY_TEST_SEED", "20240611"))
NOTICE = {"room": "305", "level": "low", "balance": {"value": 100, "multiplier": -2, "monetaryUnit": 156}}


class Uplinkd:
    """One prepay-uplinkd with its configuration."""

    def __init__(self, folder, cloud, hold=2, **cloud_keys):
        self.folder, self.process = folder, None
        self.socket = os.path.join(folder, "control.sock")
        self.config = os.path.join(folder, "prepay.conf")
        self.log = os.path.join(folder, "uplinkd.log")
        keys = {"url": cloud.url, "ca": cloud.ca, "certificate": cloud.certificate, "key": cloud.key,
                "hold_s": hold, "backoff_base_s": 1, "backoff_cap_s": 2, **cloud_keys}
        with open(self.config, "w") as file:
            file.write(f"[site]\nid = {cloud.site}\n[control]\nsocket = {self.socket}\n[cloud]\n")
            file.writelines(f"{name} = {value}\n" for name, value in keys.items())

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([UPLINKD, "--config", self.config], stderr=log, env=ENVIRONMENT)
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(10)

    def said(self):
        with open(self.log) as log:
            return log.read()


class Building(unittest.TestCase):
    """Cloud, prepayd and messenger, running and online."""

    hold = 2

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.cloud = Cloud(os.path.join(self.folder.name, "cloud"), sign=SIGN).start()
        self.uplinkd = Uplinkd(self.folder.name, self.cloud, self.hold)
        self.prepayd = FakePrepayd(self.uplinkd.socket).start()
        self.uplinkd.start()
        self.orders = 0
        self.wait_state("online")

    def tearDown(self):
        try:
            code = self.uplinkd.kill(signal.SIGTERM)
            state = self.cloud.state()
        finally:
            self.cloud.stop()
            self.prepayd.stop()
            said = self.uplinkd.said()
            self.folder.cleanup()
        self.assertEqual(code, 0, said)
        self.assertEqual(self.prepayd.violations, [])
        self.assertEqual(state["violations"], [])
        self.assertNotIn("unknown", state["requests"], "a redirect was followed")
        self.assertNotIn("ERROR: AddressSanitizer", said)
        self.assertNotIn("runtime error", said)

    def wait_state(self, state, seconds=10):
        self.prepayd.wait(lambda: self.prepayd.reports and self.prepayd.reports[-1]["state"] == state, seconds)

    def order(self):
        """Pays at the cloud; returns the order's id."""
        self.orders += 1
        item = self.cloud.credit(f"r-{self.orders}", "305", "T-305", "20.00")
        self.cloud.offer(item)
        return item["mRID"]

    def settle(self, seconds=15):
        """Waits until everything went both ways, and checks that it went exactly once."""
        self.prepayd.wait(lambda: self.prepayd.acknowledged == len(self.prepayd.outbox), seconds)
        state = self.cloud.state()
        refused = {row["seq"] for row in self.prepayd.refused}
        arrived = sorted(row["seq"] for row in state["receipts"] + state["events"])
        self.assertEqual(arrived, [row["seq"] for row in self.prepayd.outbox if row["seq"] not in refused])
        applied = [row["body"]["mRID"] for row in state["receipts"] if row["body"]["result"] == "applied"]
        self.assertEqual(sorted(applied), sorted(self.prepayd.orders))
        return state

    def asked(self):
        return sum(n for name, n in self.cloud.state()["requests"].items() if name in ("feed", "receipts", "events"))


class Delivery(Building):
    def test_a_quiet_link_is_a_few_long_polls(self):
        before = self.asked()
        time.sleep(3 * self.hold)
        self.assertLessEqual(self.asked() - before, 5)

    def test_a_backlog_of_events_leaves_in_batches(self):
        with self.prepayd.changed:
            for _ in range(1000):
                self.prepayd._append(1, "notice", dict(NOTICE))
            self.prepayd.changed.notify_all()
        before = self.asked()
        state = self.settle(20)
        self.assertEqual(len(state["events"]), 1000)
        self.assertLessEqual(self.asked() - before, 20)
        self.assertGreater(state["requests"]["gzip"], 5)

    def test_many_items_at_once_are_cut_to_lines_that_prepayd_takes(self):
        item = self.cloud.credit("big", "305", "T-305", "20.00")
        items = [dict(item, mRID=f"big-{i}", p="A" * 12000) for i in range(20)]
        self.cloud.offer(*items, dict(item, mRID="huge", p="A" * 20000), {"no": "item"}, dict(item, mRID="last"))
        self.prepayd.wait(lambda: "last" in self.prepayd.orders, 15)
        self.assertEqual(len(self.prepayd.orders), 21)
        state = self.settle()
        self.assertIn("unsupported", {row["body"]["result"] for row in state["receipts"]
                                      if row["body"]["mRID"] == "huge"})

    def test_an_unknown_cursor_replays_everything_and_changes_nothing(self):
        first = self.order()
        self.prepayd.wait(lambda: first in self.prepayd.orders)
        self.cloud.ask("forget")
        second = self.order()
        self.prepayd.wait(lambda: second in self.prepayd.orders)
        state = self.settle()
        self.assertEqual(state["requests"]["gone"], 1)
        self.assertEqual(len(self.prepayd.orders), 2)


class Faults(Building):
    """Each fault of the simulated cloud, once on its path, with an order and an event under way."""

    def one(self, kind, path, most=12, **parameters):
        with self.subTest(kind=kind, path=path):
            before = self.asked()
            self.cloud.fault(kind, path=path, **parameters)
            order = self.order()
            self.prepayd.emit("notice", dict(NOTICE))
            self.prepayd.wait(lambda: order in self.prepayd.orders, 15)
            self.settle()
            self.cloud.wait(lambda state: state["faults_left"] == 0)
            self.assertLessEqual(self.asked() - before, most, "asked too often")

    def test_the_feed(self):
        for kind in ("drop", "drop-unread", "drop-answer", "html", "html-as-json", "redirect", "big", "bomb",
                     "duplicate-keys", "wrong-date", "duplicate", "reorder"):
            self.one(kind, "feed")
        self.one("status", "feed", status=503, retry_after_s=1)
        self.one("status", "feed", status=418)
        self.one("status", "feed", status=403)
        self.one("slow", "feed")

    def test_receipts_and_events(self):
        for path in ("receipts", "events"):
            for kind in ("drop", "drop-unread", "drop-answer", "html", "redirect", "big", "bomb", "half-rows"):
                self.one(kind, path)
            for status in (401, 408, 500, 503):
                self.one("status", path, status=status)

    def test_retry_after_is_honoured_in_both_forms(self):
        for fault in ({"status": 429, "retry_after_s": 3},
                      {"status": 503, "retry_at_s": 3, "date_offset_s": -400_000_000}):
            self.cloud.fault("status", path="events", **fault)
            before = self.cloud.state()["requests"].get("events", 0)
            start = time.monotonic()
            self.prepayd.emit("notice", dict(NOTICE))
            self.settle()
            self.assertGreaterEqual(time.monotonic() - start, 2.9)
            self.assertEqual(self.cloud.state()["requests"]["events"] - before, 2)


class Poison(Building):
    """A bad event is set aside; the ones around it go on."""

    def poisoned(self, refused, most=25, **rule):
        self.cloud.poison("poison", **rule)
        for i in range(40):
            self.prepayd.emit("notice", dict(NOTICE, room="poison" if i == 17 else "305"))
        before = self.asked()
        self.settle(30)
        self.assertEqual([row["status"] for row in self.prepayd.refused], [refused])
        self.assertLessEqual(self.asked() - before, most)

    def test_refused_by_its_row(self):
        self.poisoned(422, how="row")

    def test_refused_with_its_whole_batch(self):
        self.poisoned(400, how="batch", status=400)

    def test_the_cloud_fails_over_it(self):
        self.poisoned(500, most=45, how="batch", status=500)

    def test_too_many_at_once_are_halved(self):
        self.cloud.ask("limits", max_events=7)
        for _ in range(60):
            self.prepayd.emit("notice", dict(NOTICE))
        self.settle()
        self.assertEqual(self.prepayd.refused, [])


class Away(Building):
    def test_the_cloud_is_cut_off_for_a_while(self):
        self.cloud.outage(4)
        self.wait_state("away")
        before = self.cloud.state()["requests"].get("connections", 0)
        order = self.order()
        self.prepayd.emit("notice", dict(NOTICE))
        self.prepayd.wait(lambda: order in self.prepayd.orders, 15)
        self.settle()
        self.wait_state("online")
        self.assertLessEqual(self.cloud.state()["requests"]["connections"] - before, 6)

    def test_a_wrong_certificate_is_never_accepted_and_named(self):
        order = None
        for name, word in (("server-host", "certificate"), ("server-expired", "certificate"),
                           ("server-early", "certificate"), ("server-stranger", "certificate")):
            with self.subTest(name):
                self.cloud.ask("certificate", name=name)
                self.wait_state("away")
                before = self.asked()   # what was on its way before the change may have come till now
                if order is None:
                    order = self.order()
                self.prepayd.wait(lambda: word in self.prepayd.reports[-1].get("detail", ""))
                time.sleep(1)
                self.assertNotIn(order, self.prepayd.orders)
                self.assertEqual(self.asked(), before)
        self.cloud.ask("certificate", name="server")
        self.prepayd.wait(lambda: order in self.prepayd.orders)
        self.settle()

    def test_our_certificate_is_not_accepted(self):
        self.uplinkd.kill(signal.SIGTERM)
        stranger = os.path.join(self.cloud.folder, "stranger")
        for pair in ({"certificate": stranger + ".crt", "key": stranger + ".key"},
                     {"certificate": "/nonexistent", "key": "/nonexistent"}):
            self.prepayd.reports.clear()
            self.uplinkd = Uplinkd(self.folder.name, self.cloud, self.hold, **pair).start()
            self.wait_state("away")
            self.assertNotEqual(self.prepayd.reports[-1]["detail"], "")
            time.sleep(1)
            self.assertLessEqual(len(self.prepayd.reports), 10)
            self.uplinkd.kill(signal.SIGTERM)
        self.uplinkd = Uplinkd(self.folder.name, self.cloud, self.hold).start()
        self.wait_state("online")


class Kills(Building):
    def test_prepayd_restarts(self):
        for _ in range(3):
            order = self.order()
            self.prepayd.emit("notice", dict(NOTICE))
            self.prepayd.stop()
            time.sleep(0.3)
            self.prepayd.start()
            self.prepayd.wait(lambda order=order: order in self.prepayd.orders)
        self.settle()

    def test_prepayd_cannot_take_orders_for_a_while(self):
        self.prepayd.refuse_next = ["degraded"]
        order = self.order()
        self.prepayd.wait(lambda: order in self.prepayd.orders)
        self.settle()

    def test_prepayd_finds_a_request_malformed(self):
        self.prepayd.refuse_next = ["usage"] * 3
        bad, good = (self.cloud.credit(mrid, "305", "T-305", "20.00") for mrid in ("bad", "good"))
        self.cloud.offer(bad, good)
        self.prepayd.wait(lambda: "good" in self.prepayd.orders or self.prepayd.cursor == "g1-2")
        self.settle()

    def test_the_messenger_is_killed_at_random_moments(self):
        print(f"seed {SEED}", file=sys.stderr)
        moments = random.Random(SEED)
        for i in range(12):
            self.order()
            for _ in range(moments.randrange(4)):
                self.prepayd.emit("notice", dict(NOTICE))
            time.sleep(moments.random() * 0.15)
            self.uplinkd.kill()
            self.prepayd.reports.clear()
            self.uplinkd.start()
        self.wait_state("online")
        self.prepayd.wait(lambda: len(self.prepayd.orders) == self.orders)
        self.settle()
        self.assertEqual(len(self.prepayd.orders), self.orders)


class Start(unittest.TestCase):
    def run_with(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "prepay.conf")
            with open(config, "w") as file:
                file.write(text)
            return subprocess.run([UPLINKD, "--config", config, *options], stderr=subprocess.PIPE, text=True, timeout=10)

    def test_a_wrong_configuration_is_named_by_file_and_line(self):
        for text, line in (("[site]\nid = S\n[cloud]\nurl = http://x/v1\n", 4),
                           ("[cloud]\nurl = https://x/v1\n", 2),
                           ("[site]\nid = S\n[cloud]\nurl = https://x/v1\nhold_s = 0\n", 5),
                           ("[cloud]\nbackoff_base_s = 30\nbackoff_cap_s = 5\n", 3)):
            result = self.run_with(text)
            self.assertEqual(result.returncode, 2, text)
            self.assertIn(f"prepay.conf:{line}: ", result.stderr)

    def test_wrong_options_and_a_missing_file(self):
        self.assertEqual(self.run_with("", "extra").returncode, 2)
        self.assertEqual(self.run_with("", "--insecure").returncode, 2)
        missing = subprocess.run([UPLINKD, "--config", "/nonexistent.conf"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("/nonexistent.conf", missing.stderr)

    def test_without_a_cloud_it_says_so_and_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            config, path = os.path.join(folder, "prepay.conf"), os.path.join(folder, "s")
            with open(config, "w") as file:
                file.write(f"[control]\nsocket = {path}\n")
            prepayd = FakePrepayd(path).start()
            with subprocess.Popen([UPLINKD, "--config", config], stderr=subprocess.DEVNULL) as process:
                prepayd.wait(lambda: prepayd.reports)
                process.terminate()
            prepayd.stop()
            self.assertEqual(prepayd.reports[0]["state"], "off")
            self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
