#!/usr/bin/python3
"""The main job before your eyes: a building of 64 meters runs on prepaid power, with the real programs.

    story.py --build DIR [--seconds N]

Each of the ten steps is checked; the first that does not happen ends the story with exit code 1 and says what
was expected and what was seen. The last line is JSON: the figures. On a terminal without --seconds the story
ends in the live view. N is at least 90.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from prepay_site import BuildingError, Problem, Site, SiteError, boottime_us, end_on_signals  # noqa: E402
from reckoning import Reckoning  # noqa: E402

FACTOR = 600            # energy runs this much faster than time
PRICE_MICRO = 600_000   # per kWh
SECONDS_LEAST, SECONDS_USUAL = 90, 120
NOTICE_S = 3

TARIFF = """[tariff]
name = demo
activation = receipt
[energy]
price = 0.60
"""

# Rooms whose money runs out: sockets and air conditioning on one account, every kind of meter and relay.
POOR = {
    "101": "two supplies", "105": "SDM120, contactor NO", "106": "SDM120, contactor NO", "110": "SDM120, contactor NC",
    "113": "DDS238, own relay", "114": "DDS238, own relay", "119": "DDSY1352, own relay, no read-back",
    "125": "SDM630, three-pole contactor", "201": "two supplies", "205": "SDM120, contactor NO",
    "206": "SDM120, contactor NO", "210": "SDM120, contactor NC", "213": "DDS238, own relay",
    "214": "DDS238, own relay", "219": "DDSY1352, own relay, no read-back", "225": "SDM630, three-pole contactor",
}
POOR_LOAD_W = 1500      # of each of their meters; three-phase: twice
DEAD = ("A/7", "B/20")
GLITCHES = {"A/8": "zero", "B/9": "far"}


class Untrue(Exception):
    """A step did not happen."""


def percentile(values, part):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


class Story:
    def __init__(self, site, seconds):
        self.site, self.seconds = site, seconds
        self.begun = time.monotonic()
        self.books = None
        self.busy_us, self.wall_us, self.transactions = {}, {}, {}
        self.latencies, self.overshoots = [], []
        self.orders = 0

    # --- telling ---

    def say(self, text=""):
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}" if text else "", flush=True)

    def step(self, number, title):
        print(f"\n{number:2}. {title}", flush=True)

    def show(self, text, most=8):
        lines = text.rstrip().splitlines()
        for line in lines[:most]:
            print(f"          | {line}", flush=True)
        if len(lines) > most:
            print(f"          | ... {len(lines) - most} lines more", flush=True)

    def expect(self, true, expected, seen):
        if not true:
            raise Untrue(f"expected {expected}; saw {seen}")

    def wait(self, what, condition, seconds=20, every=0.1):
        return self.site.wait(what, condition, seconds, every)

    # --- measuring ---

    def window(self, seconds):
        """Watches the lines undisturbed for that long."""
        self.site.building.window_start()
        time.sleep(seconds)
        for name, row in self.site.building.window_stop().items():
            self.busy_us[name] = self.busy_us.get(name, 0) + row["busy_us"]
            self.wall_us[name] = self.wall_us.get(name, 0) + row["wall_us"]
            self.transactions[name] = self.transactions.get(name, 0) + row["transactions"]

    def shares(self):
        return {name: self.busy_us[name] / self.wall_us[name] for name in self.busy_us}

    def polls_per_s(self):
        return sum(self.transactions[name] / (self.wall_us[name] / 1e6) for name in self.transactions)

    def cloud_events(self):
        return self.site.cloud.state()["events"]

    def notices(self, room):
        return [row["body"]["level"] for row in self.cloud_events()
                if row["type"] == "notice" and row["body"]["room"] == room]

    def contacts(self, room, detail):
        return [event for (name, _), events in self.books.moved().items() if name == room
                for event in events if event["detail"] == detail]

    # --- the ten steps ---

    def tell(self):
        self.building()
        self.daemon()
        self.commissioning()
        self.cloud()
        self.exhaustion()
        self.recharges()
        self.killed()
        self.outages()
        self.glitches()
        return self.reckoning()

    def building(self):
        self.step(1, "A building: 64 meters on two RS-485 lines at 9600 8N1, played by prepay-building")
        site = self.site
        site.start_building()
        status, truth = site.building.status(), site.building.truth()
        models = {}
        for device in truth.values():
            models[device["model"]] = models.get(device["model"], 0) + 1
        self.expect(len(site.building.meters()) == 64, "64 meters", len(site.building.meters()))
        self.expect(all(row["baud"] == 9600 for row in status["lines"]) and len(status["lines"]) == 2,
                    "two lines at 9600", status["lines"])
        self.say(", ".join(f"{count} {name}" for name, count in sorted(models.items())))
        times = [device["turnaround_us"] / 1000 for device in truth.values()]
        self.say(f"they answer after {min(times):.0f} to {max(times):.0f} ms; a character takes "
                 f"{status['lines'][0]['char_ns'] / 1e6:.2f} ms; energy runs {FACTOR} times faster than time")
        site.building.run("loads 0")    # nobody has moved in: registers stand still

    def daemon(self):
        self.step(2, "prepayd starts from a configuration file")
        site = self.site
        site.start_cloud()
        site.write_config()
        found = site.cli("config", "check")
        self.say(f"prepay config check: {found['lines']} lines, {found['models']} meter models, cloud {found['cloud']}")
        site.daemon.start()
        site.wait_daemon()
        applied = site.cli("tariff", "apply", "-", "--reason", "opening of the demo", text=TARIFF)
        self.say(f"prepayd {site.cli('version')['daemon']['version']} runs, process {site.daemon.pid}; "
                 f"tariff {applied['name']}: {applied['price_micro_per_kwh'] / 1e6:.2f} per kWh")

    def commissioning(self):
        self.step(3, "Rooms are commissioned: one by one, and from a CSV file")
        site = self.site
        self.books = books = Reckoning(site, PRICE_MICRO)
        meters = site.building.meters()
        for row in books.table:
            if row["opening_minor"]:
                row["opening_minor"] = str(self.opening(row["room"], meters))
                books.pay(row["room"], int(row["opening_minor"]))
        for row in (row for row in books.table if row["room"] == "101"):
            words = [word for column, value in row.items() if column not in ("room", "circuit") and value
                     for word in ("--" + column.replace("_a", "").replace("_", "-"), value)]
            site.cli("room", "add", row["room"], row["circuit"], *words)
            self.say(f"prepay room add 101 {row['circuit']} {' '.join(words)}")
        rest = [row for row in books.table if row["room"] != "101"]

        bad = [dict(row) for row in rest]
        bad[0]["address"], bad[3]["model"], bad[5]["breaker_a"] = "1", "eastron-sdm999", "lots"
        path = os.path.join(site.folder, "bad.csv")
        self.write_csv(path, bad)
        try:
            site.cli("room", "import", path)
            raise Untrue("expected the file with errors to be refused; it was taken")
        except Problem as problem:
            self.expect(problem.exit_code == 2 and len(problem.errors) >= 3, "exit 2 with three errors", problem)
        self.say("a CSV file with mistakes: every one is told, and nothing is imported")
        self.show(site.screen("room", "import", path))
        self.expect(set(site.rooms()) == {"101"}, "no room but 101", sorted(site.rooms()))

        path = os.path.join(site.folder, "good.csv")
        self.write_csv(path, rest)
        done = site.cli("room", "import", path)
        self.expect(done["rows"] == len(rest), f"{len(rest)} rows", done)
        self.say(f"the file put right: {done['rows']} circuits imported; {len(books.rooms)} rooms")
        self.wait("every meter's first register is accepted", books.begun)
        books.begin()
        self.say("every meter has answered twice alike: its first register is the start of its account")

    def write_csv(self, path, rows):
        with open(path, "w", encoding="utf-8") as out:
            out.write(",".join(rows[0]) + "\n")
            out.writelines(",".join(row.values()) + "\n" for row in rows)

    def load_w(self, meter, room, meters):
        if room not in POOR:
            return None
        return POOR_LOAD_W * (2 if meters[meter]["model"].startswith("eastron-sdm630") else 1)

    def opening(self, room, meters):
        """Opening credit, minor units: the poor rooms' lasts from the end of the first window on, one after
        the other."""
        if room not in POOR:
            return 100_000 + 100 * self.seconds     # more than any load can use
        lasts_s = self.window_s() + 4 + list(POOR).index(room) * 0.8
        watts = sum(self.load_w(supply.meter, room, meters) for supply in self.books.of(room))
        return round(watts * FACTOR / 3600 * lasts_s * PRICE_MICRO / 1e7)

    def window_s(self):
        return min(60.0, max(8.0, 0.35 * (self.seconds - 85)))

    def cloud(self):
        self.step(4, "The cloud, over HTTPS with a client certificate; orders are signed with Ed25519")
        site = self.site
        site.uplink.start()
        site.cloud.offer(site.cloud.keyset())
        state = site.cloud.wait(lambda state: state["receipts"])
        self.expect(state["receipts"][0]["body"]["result"] == "applied", "the key set applied", state["receipts"])
        self.expect(not state["violations"], "a link that keeps the contract", state["violations"])
        status = self.wait("the link is online", lambda: self.online() and site.cli("uplink", "status"))
        self.say(f"prepay-uplinkd is {status['state']} (round trip {status['rtt_ms']} ms); the key set was verified by "
                 "prepayd against the payment root on the box, and its receipt is at the cloud")
        wrong = dict(site.cloud.credit("demo-forged", "105", "T105", "99.00", key=site.cloud.trust("root.key")))
        site.cloud.offer(wrong)
        receipt = self.receipt("demo-forged")
        self.expect(receipt["result"] == "rejected", "an order signed by a wrong key rejected", receipt)
        self.say(f"an order signed by a wrong key: {receipt['result']} ({receipt['detail']})")

    def online(self):
        return self.site.cli("uplink", "status")["state"] == "online"

    def receipt(self, mrid, seconds=10):
        def arrived(state):
            return [row["body"] for row in state["receipts"] if row["body"]["mRID"] == mrid]
        return arrived(self.site.cloud.wait(arrived, seconds))[0]

    def exhaustion(self):
        self.step(5, "People move in; in some rooms the money runs out")
        site, books = self.site, self.books
        meters = site.building.meters()
        site.building.run("loads default")
        for room in POOR:
            for supply in books.of(room):
                site.building.run(f"load {supply.meter} {self.load_w(supply.meter, room, meters)}")
        self.say(f"all loads are on: {sum(row['power_w'] for row in site.building.meters().values()) / 1000:.0f} kW; "
                 f"watching the lines for {self.window_s():.0f} s")
        self.window(self.window_s())
        for name, share in self.shares().items():
            self.say(f"line {name}: {share:.1%} of what 9600 baud and the meters' own turnaround allow")
        self.show(site.screen("room", "list"), most=6)

        supplies = [supply for room in POOR for supply in books.of(room)]
        self.wait("every poor room is cut", lambda: all(
            any(event["detail"] == "open" for event in books.moved().get((supply.room, supply.circuit), []))
            for supply in supplies), seconds=60, every=0.5)
        events = self.wait("every cut is verified at the cloud", lambda: self.all_told("open", supplies), seconds=30,
                           every=0.5)
        delays = []
        for room, kind in POOR.items():
            levels = self.notices(room)
            self.expect([level for level in levels if level in ("notice", "cut")] == ["notice", "cut"] and "low" in levels,
                        f"room {room} warned, told of the cut, cut", levels)
            past_wh, delay_s = self.judge_cut(room, events)
            self.overshoots.append(past_wh)
            delays.append(delay_s)
            self.say(f"room {room} ({kind}): warned, announced, cut; {past_wh:.0f} Wh past zero"
                     f"; due to command {delay_s * 1000:.0f} ms")
        for room in ("101", "201"):
            first, second = (self.first_open(room, circuit) for circuit in ("air", "sockets"))
            self.expect(first["at_us"] < second["at_us"], f"room {room}: air conditioning before sockets",
                        f"{second['at_us'] - first['at_us']} us apart")
        self.say("rooms 101 and 201: air conditioning first, then the sockets; the light is never cut")
        self.say(f"{len(POOR)} rooms cut and verified; past zero at most {max(self.overshoots):.0f} Wh "
                 f"({max(self.overshoots) / FACTOR:.2f} Wh at the pace of a real building); from due to the command "
                 f"on the wire {percentile(delays, 0.5):.2f} s (median), {max(delays):.2f} s (worst)")
        self.show(site.screen("room", "show", "101"), most=12)

    def first_open(self, room, circuit):
        return next(event for event in self.books.moved()[room, circuit] if event["detail"] == "open")

    def all_told(self, position, supplies):
        """The cloud's events, once it was told of a verified relay for each supply."""
        events = self.cloud_events()
        told = self.books.told(events)
        done = all(any(body["position"] == position and body["verified"] in ("yes", "load-only")
                       for body in told.get((supply.room, supply.circuit), [])) for supply in supplies)
        return events if done else None

    def judge_cut(self, room, events):
        """(energy past zero when the first contact opened, Wh; seconds from due to the command on the wire). Loads
        were constant, so the moment of zero follows from the energy at the opening."""
        books = self.books
        opened = min(self.contacts(room, "open"), key=lambda event: event["at_us"])
        supply = next(supply for supply in books.of(room) if supply.meter == opened["feeds"])
        meters = self.site.building.meters()
        watts = {other.meter: self.load_w(other.meter, room, meters) for other in books.of(room)}
        used_uwh = 0
        for other in books.of(room):
            at = opened
            if other is not supply:         # still running then: its own opening is later
                at = self.first_open(room, other.circuit)
            used_uwh += at["energy_uwh"] - books.base[other.meter]["energy_uwh"]
            used_uwh -= watts[other.meter] * FACTOR * (at["at_us"] - opened["at_us"]) // 3600
        past_uwh = used_uwh - self.paid_nano(room) * 1_000_000 // PRICE_MICRO
        zero_us = opened["at_us"] - past_uwh * 3600 // (sum(watts.values()) * FACTOR)
        announced = next(row["body"]["earliest_s"] for row in events if row["type"] == "notice" and
                         row["body"]["room"] == room and row["body"]["level"] == "notice")
        # S2: due is the later of zero and the announced time, which was rounded up to whole seconds.
        boot_us = opened["unix_us"] - opened["at_us"]
        announced_us = (announced - 1) * 1_000_000 - boot_us
        self.expect(opened["at_us"] >= announced_us, f"room {room} cut no sooner than announced",
                    f"{(announced_us - opened['at_us']) / 1e6:.1f} s sooner")
        written = max(event["at_us"] for event in self.site.building.log(
            books.log_base, kind="write", device=supply.relay[0]) if event["at_us"] <= opened["at_us"])
        return past_uwh / 1e6, (written - max(zero_us, announced_us)) / 1e6

    def paid_nano(self, room):
        return self.books.paid_nano[room]

    def pay(self, room, amount, mrid=None):
        """Puts a signed order at the cloud. (mRID, when)."""
        self.orders += 1
        mrid = mrid or f"demo-{self.orders}"
        order = self.site.cloud.credit(mrid, room, f"T{room}", amount)
        self.books.pay(room, round(float(amount) * 100), mrid)
        at_us = boottime_us()
        self.site.cloud.offer(order)
        return mrid, at_us

    def recharges(self):
        self.step(6, "They pay: signed order, cloud, prepay-uplinkd, prepayd, relay, and the results back")
        site, books = self.site, self.books
        seen = {}
        amount = f"{100 + self.seconds}.00"
        for room, kind in POOR.items():
            log = site.building.log()
            mrid, at_us = self.pay(room, amount)
            power = self.wait(f"room {room} has power again", lambda: self.read_back(room, log[-1]["seq"]), seconds=15,
                              every=0.05)
            seen[room] = (mrid, kind, (power["at_us"] - at_us) / 1e6, power["kind"])
            if power["kind"] == "readback":
                self.latencies.append(seen[room][2])
            self.say(f"room {room} ({kind}): paid {amount}, "
                     f"{'closed and read back' if power['kind'] == 'readback' else 'closed (it cannot be read back)'} "
                     f"after {seen[room][2]:.2f} s")
        supplies = [supply for room in POOR for supply in books.of(room)]
        self.wait("every restore is verified at the cloud", lambda: self.all_told("closed", supplies), seconds=30, every=0.5)
        told = books.told(self.cloud_events())
        for room, (mrid, _, _, _) in seen.items():
            receipt = self.receipt(mrid)
            self.expect(receipt["result"] == "applied" and receipt["room"] == room, f"order {mrid} applied", receipt)
            causes = [body["mRID"] for key, bodies in told.items() if key[0] == room for body in bodies
                      if body["position"] == "closed"]
            self.expect(mrid in causes, f"the relay's result names order {mrid}", causes)
        for room in ("119", "219"):
            body = told[room, "sockets"][-1]
            self.expect(body["verified"] == "load-only", f"room {room} verified by load", body)
        self.say("the DDSY1352 has no read-back: position unknown, load agrees")
        self.say(f"{len(seen)} recharges: all receipts and relay results are at the cloud; payment to first read-back of "
                 f"the closed relay {percentile(self.latencies, 0.5):.2f} s (median), "
                 f"{percentile(self.latencies, 0.95):.2f} s (95th percentile), {max(self.latencies):.2f} s (worst)")
        self.show(site.screen("credit", "list"), most=4)

    def read_back(self, room, since):
        """The event that shows the room's power to the daemon: the first reply in which a relay is closed."""
        events = self.site.building.log(since)
        for supply in self.books.of(room):
            closed = [event for event in events if event["kind"] == "contact" and event["feeds"] == supply.meter
                      and event["detail"] == "closed"]
            if not closed:
                continue
            if supply.model == "acrel-ddsy1352":
                return closed[0]
            for event in events:
                if event["kind"] == "readback" and (event["device"], event["channel"]) == supply.relay:
                    return event
        return None

    def killed(self):
        self.step(7, "prepayd is killed (SIGKILL) in the middle, and started again")
        site, books = self.site, self.books
        before, rooms = books.entries(), site.rooms()
        since = site.building.log()[-1]["seq"]
        old = site.daemon.pid
        took_s = site.restart_daemon()
        self.wait("every register goes on from where it was", lambda: all(
            not supply["point"] or supply["register_wh"] >= was["register_wh"]
            for name, row in site.rooms().items() for supply, was in zip(row["supplies"], rooms[name]["supplies"])))
        time.sleep(1)
        moved = [event for event in site.building.log(since) if event["kind"] in ("relay", "contact", "write")]
        self.expect(not moved, "no relay moved, nothing written", moved[:3])
        after = books.entries()
        self.expect(after[:len(before)] == before, "the same entries as before", "others")
        for name, row in site.rooms().items():
            self.expect(row["service_status"] == rooms[name]["service_status"], f"room {name} as it was", row["service_status"])
        self.say(f"process {old} killed, {site.daemon.pid} answers after {took_s:.2f} s; no relay moved, nothing was written "
                 f"to a meter; all {len(before)} entries are as they were")

    def outages(self):
        self.step(8, "The cloud is cut off, two meters die, an adapter is unplugged; all come back")
        site = self.site
        self.window_rest()
        pid, rooms = site.daemon.pid, site.rooms()
        site.cloud.outage(3600)
        for meter in DEAD:
            site.building.run(f"dead {meter} on")
        mrid, _ = self.pay("107", "10.00")
        self.say(f"the cloud is unreachable; meters {' and '.join(DEAD)} are dead; room 107 pays in the meantime")
        self.wait("the link is seen to be down", lambda: not self.online(), seconds=40)
        self.wait("the dead meters are noticed", lambda: all(
            self.supply_at(meter)["meter_state"] != "alive" for meter in DEAD), seconds=30)
        self.show(site.screen("alarm", "list"), most=6)
        site.building.run("unplug B")
        self.wait("line B is seen to be absent", lambda: self.line("B")["state"] != "ok")
        balances = {name: int(row["balance_nano"]) for name, row in site.rooms().items()}
        self.say("the adapter of line B is unplugged; line A goes on: "
                 + site.screen("line", "list").splitlines()[1].strip())
        self.wait("the rooms of line A are charged meanwhile", lambda: all(
            int(row["balance_nano"]) < balances[name] for name, row in site.rooms().items()
            if name.startswith("1") and name != "107"), seconds=15)
        site.building.run("plug B")
        self.wait("line B is back", lambda: self.line("B")["state"] == "ok")
        for meter in DEAD:
            site.building.run(f"dead {meter} off")
        site.cloud.outage(0)
        self.say("the adapter, the meters and the cloud are back")
        receipt = self.receipt(mrid, 30)
        self.expect(receipt["result"] == "applied", "the payment made meanwhile applied", receipt)
        self.wait("the dead meters are alive", lambda: all(
            self.supply_at(meter)["meter_state"] == "alive" and self.supply_at(meter)["age_s"] <= 10 for meter in DEAD),
                  seconds=60)
        self.wait("the whole building is read and charged again", lambda: all(
            all(supply["meter_state"] == "alive" for supply in row["supplies"] if supply["point"])
            and (int(row["balance_nano"]) < int(rooms[name]["balance_nano"]) or name == "107")
            for name, row in site.rooms().items()), seconds=60, every=0.3)
        truth = site.building.meters()
        behind = max(truth[meter]["register_wh"] - self.supply_at(meter)["register_wh"] for meter in DEAD)
        self.say(f"every room was charged through it; the dead meters' registers made up for the gap (the daemon is {behind} "
                 "Wh behind); the payment arrived once")
        self.expect(site.daemon.pid == pid and site.daemon.running, f"process {pid} all the time", site.daemon.pid)
        self.say(f"prepayd is still process {pid}")

    def window_rest(self):
        """Watches the lines again, for as long as the time allows."""
        end = self.begun + self.seconds - 26
        while end - time.monotonic() >= 5:
            self.window(min(end - time.monotonic(), 30))
            self.say("undisturbed: " + ", ".join(f"line {name} {share:.1%}" for name, share in self.shares().items()))

    def supply_at(self, meter):
        line, address = meter.split("/")
        return next(supply for row in self.site.rooms().values() for supply in row["supplies"] if supply["point"]
                    and supply["point"]["line"] == line and str(supply["point"]["address"]) == address)

    def line(self, name):
        return next(row for row in self.site.rows("line", "list") if row["line"] == name)

    def glitches(self):
        self.step(9, "A glitch: one meter answers zero once, another a register from far away")
        site, books = self.site, self.books
        rooms = {next(supply.room for supply in books.supplies if supply.meter == meter): how
                 for meter, how in GLITCHES.items()}
        before = site.rooms()
        for meter, how in GLITCHES.items():
            site.building.run(f"glitch {meter} {how}")
        wanted = {"zero": "fall", "far": "leap"}

        def returned():
            rows = {row["room"]: row for row in site.rows("quarantine", "list", "--all")}
            return rows if all(room in rows and rows[room]["state"] == "returned" for room in rooms) else None
        rows = self.wait("both are quarantined, and the next good register ends it", returned)
        for room, how in rooms.items():
            self.expect(rows[room]["reason"] == wanted[how], f"room {room} quarantined as a {wanted[how]}", rows[room])
        self.expect(set(rows) == set(rooms), "nobody else in quarantine", sorted(rows))
        self.show(site.screen("quarantine", "list", "--all"))
        after = site.rooms()
        for room in rooms:
            cost = int(before[room]["balance_nano"]) - int(after[room]["balance_nano"])
            self.expect(0 <= cost < 20 * 10**9, f"room {room} charged for what it used alone", f"{cost} nano")
        glitched = site.building.log(books.log_base, kind="glitch")
        self.expect(len(glitched) == len(GLITCHES), "each glitch read once", glitched)
        self.say("nobody was charged for them")

    def reckoning(self):
        self.step(10, "Loads stop; everything is settled, and reckoned against the simulator's own registers")
        site, books = self.site, self.books
        site.building.run("loads 0")
        self.wait("the last registers are accepted", books.caught_up, seconds=30, every=0.3)
        settled = site.cli("ledger", "settle", "--reason", "end of the demo")
        self.say(f"settled {settled['rooms']} rooms: {settled['energy_wh']} Wh that had no entry yet")
        verified = site.cli("ledger", "verify")
        self.expect(verified["ok"], "a ledger whose chain is whole", verified)
        self.say(f"prepay ledger verify: {verified['entries']} entries, the chain is whole")
        figures = books.check()
        self.expect(not figures["wrong"], "every room to the Wh and the billionth", "; ".join(figures["wrong"][:5]))
        relays = self.relays()
        self.expect(not relays["wrong"], "every move of a relay reported, and no other", "; ".join(relays["wrong"][:5]))
        wrong = books.compare_positions()
        self.expect(not wrong, "each relay where its balance wants it", "; ".join(wrong[:5]))
        state = site.cloud.state()
        self.expect(not state["violations"], "a link that kept the contract", state["violations"])
        self.expect(relays["cuts"] == relays["cuts_verified"] and relays["restores"] == relays["restores_verified"],
                    "each cut and restore verified", relays)
        self.say(f"{len(books.rooms)} rooms: charged {figures['charged_wh']} Wh + quarantined {figures['quarantined_wh']} Wh = "
                 f"counted by the meters {figures['simulated_wh']} Wh; money differs by {figures['money_difference_nano']} "
                 "billionths")
        return {
            "rooms": len(books.rooms),
            "polls_per_s": round(self.polls_per_s(), 2),
            "line_share": round(min(self.shares().values()), 4),
            "cuts": relays["cuts"], "cuts_verified": relays["cuts_verified"],
            "restores": relays["restores"], "restores_verified": relays["restores_verified"],
            "overshoot_wh_max": round(max(self.overshoots), 1),
            "payment_to_power_p95_s": round(percentile(self.latencies, 0.95), 3),
            "energy_charged_wh": figures["charged_wh"],
            "energy_quarantined_wh": figures["quarantined_wh"],
            "energy_simulated_wh": figures["simulated_wh"],
            "money_difference_nano": figures["money_difference_nano"],
        }

    def relays(self):
        """The comparison, once the last report has reached the cloud."""
        end = time.monotonic() + 15
        while True:
            relays = self.books.compare_relays(self.cloud_events())
            if not relays["wrong"] or time.monotonic() > end:
                return relays
            time.sleep(0.5)


def view(site):
    """The live view, with people at home, until the user leaves it."""
    site.building.run("loads default")
    print("\nThe live view follows; q leaves it.", flush=True)
    time.sleep(2)
    subprocess.run([site.program("prepay"), "--config", site.config, "top"], check=False)


def seconds_of(text):
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if seconds < SECONDS_LEAST:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number of seconds, {SECONDS_LEAST} or more")
    return seconds


def main():
    parser = argparse.ArgumentParser(description="The main job, told with the real programs.")
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--seconds", type=seconds_of, metavar="N",
                        help=f"about how long, {SECONDS_LEAST} or more; without it, on a terminal, the live view follows")
    parser.add_argument("--keep-log", metavar="FILE", help="where prepayd's log goes when a step fails")
    options = parser.parse_args()
    end_on_signals()
    with Site(options.build, standard=64, factor=FACTOR, config={"policy": {"notice_s": NOTICE_S}}) as site:
        story = Story(site, options.seconds or SECONDS_USUAL)
        try:
            figures = story.tell()
        except (Untrue, SiteError, Problem, BuildingError, TimeoutError) as failure:
            print(f"\nThis did not happen: {failure}", flush=True)
            for program in (site.daemon, site.uplink):
                if program.process is not None:
                    print(f"\nthe last lines of {program.name}:\n{program.log_tail()}", flush=True)
            if options.keep_log:
                with open(options.keep_log, "w", encoding="utf-8") as out:
                    out.write(site.daemon.log() + site.uplink.log())
            return 1
        print(f"\nTold in {time.monotonic() - story.begun:.0f} s.", flush=True)
        if options.seconds is None and sys.stdin.isatty() and sys.stdout.isatty():
            view(site)
        print(json.dumps(figures), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
