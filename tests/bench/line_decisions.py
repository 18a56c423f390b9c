"""Decisions: from a command, a crossing or an overload to what the daemon does about it."""

import math
import os
import random
import statistics
import subprocess
import time

from control_client import Control
from line_building import (METERS, QUIET, equal_lines, line_names, mixed_lines, note, percentile, relays_of, start,
                           written)
from prepay_site import Site, boottime_us

LINES = 4                   # of 64 meters each: what is measured happens on all of them at the same time
CROSSING_FACTOR = 600
CROSSING_MINOR = 900        # 15 kWh of each room: 20 s at the first of the loads below
NOTICED_W, CROSSING_W = 4500, (1800, 2600)   # until the cut is announced; behind that
NANO_PER_WH = 600_000
NOTICE_S = 3
OVERLOAD_W, NEAR_W, USUAL_W = 9000, 6300, 1000     # of a breaker of 32 A: 7360 W


def commands(build, count=200):
    """From an operator's command on the socket to its request on the wire, with 4 dead meters on each line."""
    with Site(build, building=mixed_lines(LINES), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        before = {row["line"]: row["alive"] for row in site.rows("line", "list")}
        gone = {f"{name}{address:03}" for name in line_names(LINES) for address in (5, 20, 40, 60)}
        for room in gone:
            site.building.run(f"dead {room[0]}/{int(room[1:])} on")
        site.wait("they are noticed", lambda: {row["line"]: row["alive"] + 4 for row in site.rows("line", "list")}
                  == before, 120, 1.0)
        time.sleep(10)
        relays = {room: relay for room, relay in relays_of(site).items() if room not in gone}
        rooms, waits, asked = sorted(relays, key=lambda room: (room[1:], room[0])), [], []
        chance = random.Random(4)
        control = Control(site.socket)
        for index in range(count):
            room = rooms[index % len(rooms)]
            position = "off" if index // len(rooms) % 2 == 0 else "on"
            asked.append((room, boottime_us()))
            control.call("relay.set", room=room, circuit="sockets", position=position, reason="bench")
            time.sleep(chance.uniform(0.6, 1.2) / LINES)
        time.sleep(1)
        events = site.building.log()
        for room, at_us in asked:
            device, channel, _ = relays[room]
            on_wire = written(events, device, channel, at_us)
            waits.append((on_wire - at_us) / 1000 if on_wire else math.inf)
        note(f"commands: median {statistics.median(waits):.0f} ms, p99 {percentile(waits, 0.99):.0f} ms, "
             f"worst {max(waits):.0f} ms of {count}")
        yield "command_p50_ms", round(statistics.median(waits), 1), "ms", None
        yield "command_p99_ms", round(percentile(waits, 0.99), 1), "ms", 250


def crossing(build, rounds=6):
    """From the register's crossing to the command on the wire: on each line four rooms at a time run out of money,
    long after their notice. Loads are constant, so the moment of the crossing follows from the energy when the
    contact opened."""
    changes = {"policy": dict(QUIET["policy"], notice_s=NOTICE_S, stage_s=1, restore_min_minor=1)}
    delays, chance = [], random.Random(5)
    with Site(build, building=mixed_lines(LINES, opening=CROSSING_MINOR), factor=CROSSING_FACTOR, cloud=False,
              config=changes) as site:
        start(site, loads=0)
        relays, control = relays_of(site), Control(site.socket)
        rooms = {name: [room for room in sorted(relays) if room[0] == name] for name in line_names(LINES)}
        for name in rooms:
            chance.shuffle(rooms[name])
        time.sleep(10)
        for index in range(rounds):
            group = [room for name in rooms for room in rooms[name][4 * index:4 * index + 4]]
            found = run_out(site, control, group, relays, chance)
            delays += found
            note(f"crossing, round {index + 1} of {rounds}: {sorted(round(delay) for delay in found)} ms")
        yield "crossing_to_command_p50_ms", round(statistics.median(delays), 1), "ms", None
        yield "crossing_to_command_p99_ms", round(percentile(delays, 0.99), 1), "ms", 500
    yield from round_robin(build)


def run_out(site, control, group, relays, chance):
    """These rooms use up their money; ms from each register's crossing to the command on the wire. A notice is given
    when the money lasts as long as it; then people switch something off, so that it has run before the crossing."""
    begun, since = {}, boottime_us()
    before = site.building.log()[-1]["seq"] if site.building.log() else 0
    for room in group:
        meter = relays[room][2]
        balance = int(control.call("room.show", room=room)["balance_nano"])
        limit_wh = site.building.truth(meter)["register_wh"] + -(-balance // NANO_PER_WH)
        begun[room] = (meter, chance.randint(*CROSSING_W), limit_wh)
        site.building.run(f"load {meter} {NOTICED_W}")
        time.sleep(chance.uniform(0, 0.5))
    waiting = set(group)
    while waiting:
        for room in sorted(waiting):
            if control.call("room.show", room=room)["notice"]:
                site.building.run(f"load {begun[room][0]} {begun[room][1]}")
                waiting.discard(room)
        time.sleep(0.05)
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


def round_robin(build, seconds=20):
    """The same for a loop that asks one meter after the other, and for nothing but its energy: a command goes out
    behind the first read that shows the crossing."""
    with Site(build, building=equal_lines([9600]), factor=1, cloud=False) as site:
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
    yield "round_robin_crossing_to_command_p99_ms", round(percentile(waits, 0.99), 1), "ms", None


def overload(build, rounds=4):
    """From the beginning of an overload, of four meters of each line, to the alarm that follows two readings of it."""
    chance = random.Random(7)
    seen = {"near": [], "idle": []}
    with Site(build, building=mixed_lines(LINES), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        control = Control(site.socket)
        single = range(1, 57)      # three-phase meters share a load among three phases
        for index in range(2 * rounds):
            kind = ("near", "idle")[index % 2]
            group = [(name, address) for name in line_names(LINES) for address in chance.sample(single, 4)]
            chance.shuffle(group)
            for name, address in group:
                site.building.run(f"load {name}/{address} {NEAR_W if kind == 'near' else USUAL_W}")
            time.sleep(6 + chance.uniform(0, 4) if kind == "near" else chance.uniform(0, 4))
            begun = {}
            for name, address in group:
                site.building.run(f"load {name}/{address} {OVERLOAD_W}")
                begun[f"{name}{address:03} sockets"] = time.monotonic()
                time.sleep(chance.uniform(0, 0.3 / LINES))
            waits = overloads_seen(control, begun)
            seen[kind] += waits
            note(f"overload from {kind}: {sorted(round(wait, 1) for wait in waits)} s")
            for name, address in group:
                site.building.run(f"load {name}/{address} {USUAL_W}")
            site.wait("the overloads are over", lambda: not [
                row for row in control.call("alarm.list")["rows"] if row["kind"] == "overload"], 30, 0.2)
        yield "overload_seen_p99_s", round(percentile(seen["near"] + seen["idle"], 0.99), 2), "s", 5
        yield "overload_seen_near_limit_p99_s", round(percentile(seen["near"], 0.99), 2), "s", None
        yield "overload_seen_from_idle_p99_s", round(percentile(seen["idle"], 0.99), 2), "s", None


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
