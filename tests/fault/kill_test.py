#!/usr/bin/python3
"""prepayd and prepay-uplinkd are killed at random moments, and nothing that matters changes.

usage: kill_test.py BUILD [--seed N] [--seconds N]

A small building lives fast: rooms run out, are cut, pay, come back, are settled, while SIGKILL hits one daemon or
the other, often right behind an order or a command. At the end, loads off and all settled:

    S8, M2   every room's charged + quarantined energy is what its meters counted, to the Wh
    M1, M3   every order is credited exactly once, the money is exact
    S2, S8   every move of a contact follows from a cut or a restore that the cloud was told of, none from a kill
    S3       every relay stands where its balance wants it
    M5, M8   the ledger's chain is whole
    U1, U3   what the cloud was told keeps the contract, and nothing is told twice with other words
"""

import argparse
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "site"))

from prepay_site import Site, end_on_signals  # noqa: E402
from reckoning import Reckoning  # noqa: E402

BUILDING = """
line A baud 9600
line B baud 19200
meter A 1 sdm120 load 1200 register 12345670
meter A 2 sdm120 load 900 register 765430
meter A 3 dds238 load 1500 register 1234560
meter A 4 dds238 load 1100 register 88770
meter A 5 ddsy1352 load 1000 register 500000
meter A 6 sdm630 load 2400 register 987650
meter B 1 sdm120 load 1300 register 4445550
meter B 2 dds238 load 800 register 60240
meter B 3 ddsy1352 load 1400 register 7000
relay-board A 101 waveshare8 coils 0x05
relay-board B 101 waveshare8 coils 0x01
contactor A 101/1 feeds A/1 no
contactor A 101/2 feeds A/2 nc
contactor A 101/3 feeds A/6 no
contactor B 101/1 feeds B/1 no
room 101 sockets meter A/1 cut-order 2 breaker 20 tenancy T101 opening 120
room 101 air meter A/3 cut-order 1 breaker 20
room 101 light may-cut no
room 102 sockets meter A/2 cut-order 1 breaker 20 tenancy T102 opening 60
room 103 sockets meter A/4 cut-order 1 breaker 20 tenancy T103 opening 40
room 104 sockets meter A/5 cut-order 1 breaker 20 tenancy T104 opening 50
room 105 sockets meter A/6 cut-order 1 breaker 32 tenancy T105 opening 90
room 201 sockets meter B/1 cut-order 1 breaker 20 tenancy T201 opening 80
room 202 sockets meter B/2 cut-order 1 breaker 20 tenancy T202 opening 30
room 203 sockets meter B/3 cut-order 1 breaker 20 tenancy T203 opening 70
"""
FACTOR = 600
PRICE_MICRO = 600_000
TARIFF = "[tariff]\nname = kill\nactivation = receipt\n[energy]\nprice = 0.60\n"
POLICY = {"notice_s": 1, "stage_s": 1, "settle_s": 3, "low_minor": 50, "mass_cut_min": 1000, "change_hold_s": 0,
          "close_stagger_ms": 0}
REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")

OPTIONS = None


class Killing:
    """Does things to a site at random until the time is over."""

    def __init__(self, site, books, chance):
        self.site, self.books, self.chance = site, books, chance
        self.paid = 0
        self.kills = {"prepayd": 0, "prepay-uplinkd": 0}

    def kill(self, program):
        program.kill()
        self.kills[program.name] += 1
        time.sleep(self.chance.choice((0, 0, 0.05, 0.4)))
        program.start()

    def kill_daemon(self):
        self.kill(self.site.daemon)

    def kill_uplink(self):
        self.kill(self.site.uplink)

    def kill_both(self):
        self.site.uplink.kill()
        self.kills["prepay-uplinkd"] += 1
        self.kill_daemon()
        self.site.uplink.start()

    def cut_rooms(self):
        return sorted({room for (room, _), moves in self.books.moved().items() if moves[-1]["detail"] == "open"})

    def pay(self, room=None, minor=None):
        """Mostly for a room that is cut."""
        cut = self.cut_rooms()
        room = room or self.chance.choice(cut if cut and self.chance.random() < 0.8 else self.books.rooms)
        minor = minor or self.chance.randint(10, 100)
        self.paid += 1
        mrid = f"kill-{self.paid}"
        order = self.site.cloud.credit(mrid, room, f"T{room}", f"{minor / 100:.2f}")
        self.books.pay(room, minor, mrid)
        self.site.cloud.offer(*[order] * self.chance.choice((1, 1, 2)))

    def pay_and_kill(self):
        """The order, its commit, its receipt, its relay command: within a tenth of a second."""
        self.pay()
        time.sleep(self.chance.uniform(0, 0.12))
        self.chance.choice((self.kill_daemon, self.kill_daemon, self.kill_uplink))()

    def kill_at_command(self):
        """Right behind a relay command on the wire."""
        log = self.site.building.log()
        since = log[-1]["seq"] if log else 0
        self.pay()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            if self.site.building.log(since, kind="write"):
                time.sleep(self.chance.uniform(0, 0.15))
                self.kill_daemon()
                return
            time.sleep(0.01)

    def settle(self):
        self.site.wait_daemon()
        self.site.cli("ledger", "settle", "--reason", "in between")

    def load(self):
        supply = self.chance.choice([supply for supply in self.books.supplies if supply.meter])
        self.site.building.run(f"load {supply.meter} {self.chance.choice((400, 1000, 2000))}")

    def rest(self):
        time.sleep(self.chance.uniform(0.5, 2))

    def run(self, seconds):
        acts = [(self.kill_daemon, 2), (self.kill_uplink, 3), (self.kill_both, 1), (self.pay, 3), (self.pay_and_kill, 4),
                (self.kill_at_command, 4), (self.settle, 2), (self.load, 1), (self.rest, 4)]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.chance.choices([act for act, _ in acts], [weight for _, weight in acts])[0]()
            time.sleep(self.chance.choice((0.02, 0.1, 0.3, 0.8)))


def unexplained(books, events):
    """Moves of contacts for which no cut or restore was in force, by what the cloud was told of the rooms. Times of
    events are whole seconds, and a relay follows within a transaction or two."""
    told = {}
    for event in sorted((row for row in events if row["type"] == "notice"), key=lambda row: row["seq"]):
        if event["body"]["level"] in ("cut", "restored"):
            told.setdefault(event["body"]["room"], []).append((event["at"], event["body"]["level"]))
    wrong = []
    for (room, circuit), moves in books.moved().items():
        notices = [(0, "restored")] + told.get(room, [])
        for move in moves:
            at_s = move["unix_us"] / 1e6
            wanted = "cut" if move["detail"] == "open" else "restored"
            around = [level for (from_s, level), (to_s, _) in zip(notices, notices[1:] + [(10**12, "")])
                      if from_s <= at_s + 0.1 and to_s + 2.5 >= at_s]
            if wanted not in around:
                wrong.append(f"room {room} {circuit}: {move['detail']} at {at_s:.2f}, the cloud was told {told.get(room)}")
    return wrong


class Kill(unittest.TestCase):
    maxDiff = None

    def test_killing_either_daemon_changes_no_energy_money_or_relay(self):
        chance = random.Random(OPTIONS.seed)
        site = Site(OPTIONS.build, building=BUILDING, factor=FACTOR, seed=OPTIONS.seed, config={"policy": POLICY})
        with site:
            site.start()
            site.building.run("loads 0")
            site.cli("tariff", "apply", "-", "--reason", "test", text=TARIFF)
            site.cli("room", "import", site.building.rooms_csv)
            books = Reckoning(site, PRICE_MICRO)
            for row in books.table:
                if row["opening_minor"]:
                    books.pay(row["room"], int(row["opening_minor"]))
            site.wait("every meter's first register is accepted", books.begun)
            books.begin()
            site.cloud.offer(site.cloud.keyset())
            site.cloud.wait(lambda state: state["receipts"])
            site.building.run("loads default")

            killing = Killing(site, books, chance)
            killing.run(OPTIONS.seconds)
            site.wait_daemon()

            # Every other room gets rich, the others run out; loads stay on until that is proven and reported.
            site.building.run("loads default")
            rich = books.rooms[::2]
            for room in rich:
                killing.pay(room, 100_000)
            site.wait("the rich have power, the others are cut", lambda: set(killing.cut_rooms()).isdisjoint(rich)
                      and set(killing.cut_rooms()) | set(rich) == set(books.rooms), 60, 0.5)
            site.wait("the last move of every contact is reported",
                      lambda: not self.last_told(books, site.cloud.state()["events"]), 60, 0.5)
            site.building.run("loads 0")
            site.cloud.wait(lambda state: set(books.orders) <= {row["body"]["mRID"] for row in state["receipts"]}, 60)
            site.wait("the last registers are accepted", books.caught_up, 60)
            site.cli("ledger", "settle", "--reason", "the end")
            site.wait("the relays stand where the balances want them", lambda: not books.compare_positions(), 90, 0.5)
            site.wait("everything is at the cloud", lambda: not self.waiting(site), 60, 0.5)

            events = site.cloud.state()["events"]
            figures = books.check()
            moves = sum(len(moves) for moves in books.moved().values())
            print(f"seed {OPTIONS.seed}: {killing.kills}, {killing.paid} orders, {moves} moves of contacts, "
                  f"{figures['entries']} entries, {figures['charged_wh']} Wh", flush=True)
            log = site.daemon.log() + site.uplink.log()
            self.assertEqual([line for line in log.splitlines() if any(word in line for word in REPORTS)], [], log[-4000:])
            self.assertEqual(figures["wrong"], [])
            self.assertEqual(figures["money_difference_nano"], 0)
            self.assertEqual(unexplained(books, events), [])
            self.assertEqual(site.cloud.state()["violations"], [])
            self.assertTrue(site.cli("ledger", "verify")["ok"])
            self.assertEqual({row["kind"] for row in site.rows("alarm", "list")} - {"relay-unproven"}, set())
            self.assertGreater(sum(killing.kills.values()), 3)
            if OPTIONS.seconds >= 50:
                self.assertGreater(moves, 15)
            self.assertEqual(site.uplink.stop(20), 0)
            self.assertEqual(site.daemon.stop(20), 0)

    @staticmethod
    def waiting(site):
        return sum(site.cli("uplink", "status")["waiting"])

    @staticmethod
    def last_told(books, events):
        """Contacts whose last reported position is not the last one they took."""
        told = books.told(events)
        return [f"{key}: {moves[-1]['detail']}, told {told.get(key, ['nothing'])[-1]}" for key, moves in books.moved().items()
                if told.get(key, [{}])[-1].get("position") != moves[-1]["detail"]]


def main():
    global OPTIONS
    divisor = int(os.environ.get("PREPAY_TEST_DIVISOR", "1"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1_000_000_000))
    parser.add_argument("--seconds", type=float, default=max(60 / divisor, 12))
    OPTIONS = parser.parse_args()
    print(f"seed {OPTIONS.seed}", flush=True)
    end_on_signals()
    unittest.main(argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main()
