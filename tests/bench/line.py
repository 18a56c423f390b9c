#!/usr/bin/python3
"""The bench `line`: how near prepayd comes to what the wire allows, and what faults cost it.

    line.py --build DIR [PART...]

Prints one JSON object a line: {"bench","figure","value","unit","goal"}. A part measures some of the figures
(PARTS below); without one all are measured, in about 25 minutes. The line is the building simulator's, which
paces every character and reckons the share of T(N) by itself; the rivals are measured on the same line, in the
same run. Progress goes to stderr, with the load of the machine, because a busy host shows in these figures.
"""

import argparse
import csv
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from control_client import Control  # noqa: E402
from prepay_site import Site, boottime_us, end_on_signals  # noqa: E402

METERS = 64
TARIFF = "[tariff]\nname = bench\nactivation = receipt\n[energy]\nprice = 0.60\n"

# What a bench wants otherwise than a demonstration: nobody is cut but where that is the figure.
QUIET = {"policy": {"stale_s": 120, "settle_s": 3600, "mass_cut_min": 200, "mass_cut_percent": 100,
                    "cash": "yes", "low_minor": 0}}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def note(text):
    print(f"line: load {os.getloadavg()[0]:.1f}: {text}", file=sys.stderr, flush=True)


class Figures:
    """Where a part puts what it measured."""

    def __init__(self, out=None):
        self.out = out or (lambda row: print(json.dumps(row), flush=True))
        self.values = {}

    def put(self, figure, value, unit, goal=None):
        self.values[figure] = value
        self.out({"bench": "line", "figure": figure, "value": value, "unit": unit, "goal": goal})


# --- buildings ---

def equal_line(baud, meters=METERS, lines=1, opening=1_000_000):
    """Nothing but SDM120, so that every rival can ask the same of all."""
    text = []
    for index in range(lines):
        name = chr(ord("A") + index)
        text.append(f"line {name} baud {baud}")
        for address in range(1, meters + 1):
            text.append(f"meter {name} {address} sdm120 load 500")
        for address in range(1, meters + 1):
            text.append(f"room {index + 1}{address:03} sockets meter {name}/{address} breaker 20 opening {opening}")
    return "\n".join(text) + "\n"


def mixed_line(baud=9600, load=1000, opening=1_000_000):
    """64 meters of every kind on one line, each with a relay: meters' own, and boards'."""
    text = [f"line A baud {baud}"]
    kinds = ["sdm120"] * 24 + ["dds238"] * 20 + ["ddsy1352"] * 12 + ["sdm630"] * 8
    for address, kind in enumerate(kinds, 1):
        text.append(f"meter A {address} {kind} load {load}")
    boards, contactors, used = [], [], 0
    for address, kind in enumerate(kinds, 1):
        if not kind.startswith("sdm"):
            continue
        board, channel = 101 + used // 8, used % 8 + 1
        if channel == 1:
            boards.append(f"relay-board A {board} waveshare8 coils 0xFF")
        contactors.append(f"contactor A {board}/{channel} feeds A/{address} no")
        used += 1
    rooms = [f"room {100 + address} sockets meter A/{address} breaker 32 opening {opening}"
             for address in range(1, len(kinds) + 1)]
    return "\n".join(text + boards + contactors + rooms) + "\n"


def start(site, loads=None):
    """The building commissioned and everything read."""
    site.start()
    site.cli("tariff", "apply", "-", "--reason", "bench", text=TARIFF)
    if loads is not None:
        site.building.run(f"loads {loads}")
    site.cli("room", "import", site.building.rooms_csv)
    site.wait("all meters are read", lambda: all(
        supply["register_wh"] is not None for room in site.rooms().values() for supply in room["supplies"]
        if supply["point"]), seconds=240, every=1.0)


def cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def windows(building, seconds, count=3):
    """That many windows, one after the other; their figures by line."""
    rows = []
    for _ in range(count):
        building.window_start()
        time.sleep(seconds)
        rows.append(building.window_stop())
    return rows


def share_of(rows, line="A"):
    return statistics.median(row[line]["busy_us"] / row[line]["wall_us"] for row in rows)


def rate_of(rows, line="A"):
    return sum(row[line]["transactions"] for row in rows) / sum(row[line]["wall_us"] for row in rows) * 1e6


# --- parts ---

SHARES = {2400: (60, 0.98), 9600: (25, 0.98), 19200: (20, 0.98), 115200: (15, 0.94)}


def shares(build, figures):
    """line_share_*, the rivals' on the same line, and what a transaction costs the host."""
    for baud, (seconds, goal) in SHARES.items():
        with Site(build, building=equal_line(baud), factor=1, cloud=False, config=QUIET) as site:
            start(site)
            time.sleep(seconds / 2)
            cpu = cpu_us(site.daemon.pid)
            rows = windows(site.building, seconds)
            cpu = cpu_us(site.daemon.pid) - cpu
            done = sum(row["A"]["transactions"] for row in rows)
            line = site.building.line("A")
            note(f"{baud}: shares {[round(row['A']['share_ppm'] / 1e6, 4) for row in rows]}, gap violations "
                 f"{line['gap_violations']} of {line['requests']}, released late {line['releases_late']}")
            figures.put(f"line_share_{baud}", round(share_of(rows), 4), "of T(N)", goal)
            if baud == 9600:
                figures.put("host_cpu_us_per_transaction", round(cpu / done, 1), "us", 300)
            site.daemon.stop()
            rivals(build, site, baud, min(seconds, 20), figures)


def rivals(build, site, baud, seconds, figures):
    port = site.building.port("A")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = {
        "bare_libmodbus": [os.path.join(build, "tests", "bench", "bare_loop"), port, str(baud), str(seconds + 4),
                           str(METERS), "4", "70", "6"],
        "mbpoll": ["mbpoll", "-m", "rtu", "-a", f"1:{METERS}", "-t", "3", "-r", "71", "-c", "6", "-b", str(baud),
                   "-P", "none", "-l", "11", "-o", "1", port],
    }
    for name, command in commands.items():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **quiet)
        try:
            time.sleep(2)
            rows = windows(site.building, seconds, 1)
        finally:
            process.terminate()
            process.wait()
        figures.put(f"rate_share_{name}_{baud}", round(share_of(rows), 4), "of T(N)")


def dead(build, figures):
    """The others' rate with dead meters, what probing costs, and how soon a revived one is back."""
    with Site(build, building=equal_line(9600), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        time.sleep(15)
        healthy = rate_of(windows(site.building, 20))
        probe_shares = []
        for count in (1, 4, 16):
            gone = [f"A/{2 + index * (METERS // count)}" for index in range(count)]
            for meter in gone:
                site.building.run(f"dead {meter} on")
            site.wait("they are noticed", lambda: site.rows("line", "list")[0]["alive"] == METERS - count, 120, 1.0)
            time.sleep(45)
            rows = windows(site.building, 20)
            figures.put(f"live_rate_{count}_dead", round(rate_of(rows) / healthy, 4), "of the healthy line's", 0.95)
            probe_shares.append(sum(row["A"]["dead_us"] for row in rows) / sum(row["A"]["wall_us"] for row in rows))
            note(f"{count} dead: probing {probe_shares[-1]:.4f} of the line")
            if count == 4:
                figures.put("revive_s", round(revive(site, gone), 1), "s", 60)
                continue
            for meter in gone:
                site.building.run(f"dead {meter} off")
            site.wait("all are back", lambda: site.rows("line", "list")[0]["alive"] == METERS, 200, 1.0)
        figures.put("probe_share", round(max(probe_shares), 4), "of the line", 0.05)


def revive(site, gone):
    """The slowest of the dead to be read again, of three times."""
    slowest = 0.0
    for again in range(3):
        if again > 0:
            for meter in gone:
                site.building.run(f"dead {meter} on")
            time.sleep(100 + 7 * again)
        before = {meter: site.building.truth(meter)["replies"] for meter in gone}
        for meter in gone:
            site.building.run(f"dead {meter} off")
        begun, missing = time.monotonic(), set(gone)
        while missing and time.monotonic() - begun < 200:
            missing -= {meter for meter in missing if site.building.truth(meter)["replies"] > before[meter]}
            time.sleep(0.05)
        slowest = max(slowest, time.monotonic() - begun)
        note(f"4 dead revived after {time.monotonic() - begun:.1f} s")
        site.wait("all are back", lambda: site.rows("line", "list")[0]["alive"] == METERS, 60, 0.5)
    return slowest


def relays_of(site):
    """Of each room: (device, channel) of the relay as the simulator's log names them, and its meter."""
    found = {}
    with open(site.building.rooms_csv, encoding="utf-8", newline="") as rooms:
        for row in csv.DictReader(rooms):
            meter = f"{row['line']}/{row['address']}"
            if row["relay"] == "meter":
                found[row["room"]] = (meter, 1, meter)
            elif row["relay"]:
                board, channel = row["relay"].split("@")[1].split("/")
                found[row["room"]] = (f"{row['line']}/{board}", int(channel), meter)
    return found


def written(events, device, channel, since_us):
    """When the first command to a relay was on the wire."""
    return next((event["at_us"] for event in events if event["kind"] == "write" and event["device"] == device
                 and event["channel"] == channel and event["at_us"] >= since_us), None)


def commands(build, figures, count=200):
    """From an operator's command on the socket to its request on the wire, with 4 dead meters."""
    with Site(build, building=mixed_line(), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        gone = [5, 20, 40, 60]
        for address in gone:
            site.building.run(f"dead A/{address} on")
        site.wait("they are noticed", lambda: site.rows("line", "list")[0]["alive"] <= METERS + 4 - 4, 120, 1.0)
        time.sleep(10)
        relays = {room: relay for room, relay in relays_of(site).items() if int(room) - 100 not in gone}
        rooms, waits, asked = list(relays), [], []
        chance = random.Random(4)
        control = Control(site.socket)
        for index in range(count):
            room = rooms[index % len(rooms)]
            position = "off" if index // len(rooms) % 2 == 0 else "on"
            asked.append((room, boottime_us()))
            control.call("relay.set", room=room, circuit="sockets", position=position, reason="bench")
            time.sleep(chance.uniform(0.3, 0.9))
        time.sleep(1)
        events = site.building.log()
        for room, at_us in asked:
            device, channel, _ = relays[room]
            on_wire = written(events, device, channel, at_us)
            waits.append((on_wire - at_us) / 1000 if on_wire else math.inf)
        note(f"commands: median {statistics.median(waits):.0f} ms, p99 {percentile(waits, 0.99):.0f} ms, "
             f"worst {max(waits):.0f} ms of {count}")
        figures.put("command_p50_ms", round(statistics.median(waits), 1), "ms")
        figures.put("command_p99_ms", round(percentile(waits, 0.99), 1), "ms", 250)


CROSSING_FACTOR = 600
CROSSING_MINOR = 720        # 12 kWh of each room: 16 to 29 s at the loads below
CROSSING_W = (2500, 4500)
NANO_PER_WH = 600_000


def crossing(build, figures, rounds=24):
    """From the register's crossing to the command on the wire: four rooms at a time run out of money, long after
    their notice. Loads are constant, so the moment of the crossing follows from the energy when the contact opened."""
    changes = {"policy": dict(QUIET["policy"], notice_s=1, stage_s=1, restore_min_minor=1)}
    delays, chance, receipt = [], random.Random(5), 0
    with Site(build, building=mixed_line(opening=CROSSING_MINOR), factor=CROSSING_FACTOR, cloud=False,
              config=changes) as site:
        start(site, loads=0)
        relays, control = relays_of(site), Control(site.socket)
        rooms = sorted(relays)
        chance.shuffle(rooms)
        time.sleep(10)
        for index in range(rounds):
            group = [rooms[(4 * index + place) % len(rooms)] for place in range(4)]
            if index * 4 >= len(rooms):
                for room in group:
                    receipt += 1
                    control.call("credit.add", room=room, receipt=f"R{receipt}", reason="bench",
                                 amount={"value": CROSSING_MINOR, "multiplier": -2, "monetaryUnit": 156})
                time.sleep(8)
            delays += run_out(site, control, group, relays, chance)
            note(f"crossing, round {index + 1} of {rounds}: rooms {group} {[round(delay) for delay in delays[-4:]]} ms")
        figures.put("crossing_to_command_p50_ms", round(statistics.median(delays), 1), "ms")
        figures.put("crossing_to_command_p99_ms", round(percentile(delays, 0.99), 1), "ms", 500)
    round_robin(build, figures)


def run_out(site, control, group, relays, chance):
    """These rooms use up their money; ms from each register's crossing to the command on the wire."""
    begun, since = {}, boottime_us()
    before = site.building.log()[-1]["seq"] if site.building.log() else 0
    for room in group:
        meter, watts = relays[room][2], chance.randint(*CROSSING_W)
        balance = int(control.call("room.show", room=room)["balance_nano"])
        limit_wh = site.building.truth(meter)["register_wh"] + -(-balance // NANO_PER_WH)
        begun[room] = (meter, watts, limit_wh)
        site.building.run(f"load {meter} {watts}")
        time.sleep(chance.uniform(0, 0.5))
    site.wait(f"rooms {group} are cut", lambda: {event["feeds"] for event in site.building.log(before, kind="contact")
                                                 if event["detail"] == "open"}
              >= {meter for meter, _, _ in begun.values()}, seconds=60, every=0.5)
    time.sleep(0.5)
    events, delays = site.building.log(before), []
    for room, (meter, watts, limit_wh) in begun.items():
        opened = next(event for event in events if event["kind"] == "contact" and event["feeds"] == meter
                      and event["detail"] == "open")
        past_uwh = opened["energy_uwh"] - limit_wh * 1_000_000
        crossed_us = opened["at_us"] - past_uwh * 3600 // (watts * CROSSING_FACTOR)
        device, channel, _ = relays[room]
        delays.append((written(events, device, channel, since) - crossed_us) / 1000)
        site.building.run(f"load {meter} 0")
    return delays


def round_robin(build, figures, seconds=40):
    """The same for a loop that asks one meter after the other, and for nothing but its energy: a command goes out
    behind the first read that shows the crossing."""
    with Site(build, building=equal_line(9600), factor=1, cloud=False) as site:
        site.start_building()
        done = subprocess.run([os.path.join(build, "tests", "bench", "bare_loop"), site.building.port("A"), "9600",
                               str(seconds), str(METERS), "4", "70", "6"], stdout=subprocess.PIPE, check=True,
                              encoding="ascii")
    reads = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    last_us, chance, waits = reads[-1][2], random.Random(6), []
    while len(waits) < 2000:
        slave = chance.randint(1, METERS)
        crossed_us = chance.uniform(reads[0][1], last_us)
        seen = next((end_us for who, begun_us, end_us, n in reads if who == slave and begun_us >= crossed_us and n > 0),
                    None)
        if seen is not None:
            waits.append((seen - crossed_us) / 1000)
    figures.put("round_robin_crossing_to_command_p99_ms", round(percentile(waits, 0.99), 1), "ms")


OVERLOAD_W, NEAR_W, USUAL_W = 9000, 6300, 1000     # of a breaker of 32 A: 7360 W


def overload(build, figures, rounds=16):
    """From the beginning of an overload to the alarm that follows two readings of it."""
    chance = random.Random(7)
    seen = {"near": [], "idle": []}
    with Site(build, building=mixed_line(), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        control = Control(site.socket)
        single = [address for address in range(1, 57)]      # three-phase meters share a load among three phases
        for index in range(2 * rounds):
            kind = ("near", "idle")[index % 2]
            group = chance.sample(single, 4)
            for address in group:
                site.building.run(f"load A/{address} {NEAR_W if kind == 'near' else USUAL_W}")
            time.sleep(6 + chance.uniform(0, 4) if kind == "near" else chance.uniform(0, 4))
            begun = {}
            for address in group:
                site.building.run(f"load A/{address} {OVERLOAD_W}")
                begun[f"{100 + address} sockets"] = time.monotonic()
                time.sleep(chance.uniform(0, 0.3))
            waits = overloads_seen(control, begun)
            seen[kind] += waits
            note(f"overload from {kind}: {[round(wait, 1) for wait in waits]} s")
            for address in group:
                site.building.run(f"load A/{address} {USUAL_W}")
            site.wait("the overloads are over", lambda: not [
                row for row in control.call("alarm.list")["rows"] if row["kind"] == "overload"], 30, 0.2)
        figures.put("overload_seen_p99_s", round(percentile(seen["near"] + seen["idle"], 0.99), 2), "s", 5)
        figures.put("overload_seen_near_limit_p99_s", round(percentile(seen["near"], 0.99), 2), "s")
        figures.put("overload_seen_from_idle_p99_s", round(percentile(seen["idle"], 0.99), 2), "s")


def overloads_seen(control, begun):
    """Seconds until each of these supplies is alarmed."""
    waits, end = {}, time.monotonic() + 40
    while len(waits) < len(begun) and time.monotonic() < end:
        now = time.monotonic()
        for row in control.call("alarm.list")["rows"]:
            if row["kind"] == "overload" and row["subject"] in begun:
                waits.setdefault(row["subject"], now - begun[row["subject"]])
        time.sleep(0.03)
    return [waits.get(subject, math.inf) for subject in begun]


def size(build, figures):
    """Memory and time at 4 lines of 247 meters."""
    with Site(build, building=equal_line(19200, meters=247, lines=4), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        time.sleep(20)
        cpu, polls = cpu_us(site.daemon.pid), site.cli("status")["polls"]
        time.sleep(30)
        cpu, polls = cpu_us(site.daemon.pid) - cpu, site.cli("status")["polls"] - polls
        figures.put("rss_kib", rss_kib(site.daemon.pid), "KiB")
        figures.put("cost_per_poll_us", round(cpu / polls, 1), "us")


def storm(build, figures):
    """The faults of test_exchange_storm, of test_line_storm over pseudo-terminals, and against libmodbus alone."""
    rows = {}
    for test in ("unit/test_exchange_storm", "system/test_line_storm", "unit/test_bare_storm"):
        done = subprocess.run([os.path.join(build, "tests", test)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              encoding="utf-8", check=False)
        for line in done.stdout.splitlines():
            if line.startswith("storm "):
                row = json.loads(line.split(" ", 1)[1])
                rows[row["name"]] = row
    virtual, real = rows["exchange"], rows["pseudo-terminals"]
    kinds = [kind for kind in virtual if isinstance(virtual[kind], int)
             and kind not in ("reads", "answered", "wrong", "least_kind", "sound")]
    figures.put("storm_reads", virtual["reads"] + real["reads"], "reads", 1_000_000)
    figures.put("storm_reads_on_pseudo_terminals", real["reads"], "reads", 50_000)
    figures.put("storm_faults_least_kind", min(virtual[kind] + real[kind] for kind in kinds), "faults", 10_000)
    figures.put("storm_wrong_accepted", virtual["wrong"] + real["wrong"], "reads", 0)
    figures.put("storm_wrong_accepted_bare_libmodbus", rows["bare_libmodbus"]["wrong"], "reads")
    figures.put("storm_wrong_accepted_libmodbus_flushed", rows["flushing_libmodbus"]["wrong"], "reads")


def models(_build, figures):
    """How many models are shipped."""
    folder = os.path.join(os.path.dirname(os.path.dirname(HERE)), "meters", "models")
    figures.put("models", sum(name.endswith(".meter") for name in os.listdir(folder)), "models", 44)


PARTS = {"models": models, "storm": storm, "shares": shares, "dead": dead, "commands": commands, "crossing": crossing,
         "overload": overload, "size": size}


def main():
    parser = argparse.ArgumentParser(description="The bench `line`.")
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    end_on_signals()
    figures = Figures()
    for part in options.parts or PARTS:
        PARTS[part](os.path.abspath(options.build), figures)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
