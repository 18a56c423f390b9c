"""The buildings of the bench `line`, and what is asked of them."""

import csv
import math
import os
import statistics
import sys
import time

METERS = 64
IMPORT_ROWS = 200           # what one import takes is bounded by the length of a line of the protocol
TARIFF = "[tariff]\nname = bench\nactivation = receipt\n[energy]\nprice = 0.60\n"
# What a bench wants otherwise than a demonstration: nobody is cut but where that is the figure.
QUIET = {"policy": {"stale_s": 120, "settle_s": 3600, "mass_cut_min": 200, "mass_cut_percent": 100,
                    "cash": "yes", "low_minor": 0}}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def note(text):
    print(f"line: load {os.getloadavg()[0]:.1f}: {text}", file=sys.stderr, flush=True)


def line_names(count):
    return [chr(ord("A") + index) for index in range(count)]


def equal_lines(bauds, meters=METERS, opening=1_000_000):
    """A line for each rate; nothing but SDM120, so that every rival can ask the same of all."""
    text = []
    for name, baud in zip(line_names(len(bauds)), bauds):
        text.append(f"line {name} baud {baud}")
        for address in range(1, meters + 1):
            text.append(f"meter {name} {address} sdm120 load 500")
        for address in range(1, meters + 1):
            text.append(f"room {name}{address:03} sockets meter {name}/{address} breaker 20 opening {opening}")
    return "\n".join(text) + "\n"


def mixed_lines(lines, baud=9600, load=1000, opening=1_000_000):
    """On each line 64 meters of every kind, each with a relay: meters' own, and boards'."""
    text = []
    kinds = ["sdm120"] * 24 + ["dds238"] * 20 + ["ddsy1352"] * 12 + ["sdm630"] * 8
    for name in line_names(lines):
        boards, contactors = [], []
        text.append(f"line {name} baud {baud}")
        text += [f"meter {name} {address} {kind} load {load}" for address, kind in enumerate(kinds, 1)]
        for used, address in enumerate(address for address, kind in enumerate(kinds, 1) if kind.startswith("sdm")):
            board, channel = 101 + used // 8, used % 8 + 1
            if channel == 1:
                boards.append(f"relay-board {name} {board} waveshare8 coils 0xFF")
            contactors.append(f"contactor {name} {board}/{channel} feeds {name}/{address} no")
        text += boards + contactors
        text += [f"room {name}{address:03} sockets meter {name}/{address} breaker 32 opening {opening}"
                 for address in range(1, len(kinds) + 1)]
    return "\n".join(text) + "\n"


def start(site, loads=None):
    """The building commissioned and everything read."""
    site.start()
    site.cli("tariff", "apply", "-", "--reason", "bench", text=TARIFF)
    if loads is not None:
        site.building.run(f"loads {loads}")
    with open(site.building.rooms_csv, encoding="utf-8") as rooms:
        head, *rows = rooms.readlines()
    for first in range(0, len(rows), IMPORT_ROWS):
        site.cli("room", "import", "-", text=head + "".join(rows[first:first + IMPORT_ROWS]))
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


def windows(building, seconds, count):
    """That many windows, one after the other; their figures by line."""
    rows = []
    for _ in range(count):
        building.window_start()
        time.sleep(seconds)
        rows.append(building.window_stop())
    return rows


def share_of(rows, line):
    return statistics.median(row[line]["busy_us"] / row[line]["wall_us"] for row in rows)


def rate_of(rows, line):
    return sum(row[line]["transactions"] for row in rows) / sum(row[line]["wall_us"] for row in rows) * 1e6


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
