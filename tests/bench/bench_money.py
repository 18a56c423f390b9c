"""What the money costs in time, and whether it is right.

price_interval_ns: one step between two readings, priced by 3 blocks and 4 bands. oracle_cases: random tariffs and
readings that the second implementation of tests/oracle has priced too; oracle_mismatches: how many were not equal
to the billionth. replay_deliveries: signed orders delivered again, out of order, changed and forged, through power cuts
and older ledgers put back; replay_doubled and replay_lost: how many gave money twice, or never.

On a ledger of 128 rooms, ten years and 8 settlements a day and room, in the folder of the build: settlement_commit_ms,
one room's settlement begun and committed, the median (p99, and all rooms at once, beside it); ledger_open_s, and
ledger_open_cold_s with nothing of the file in memory; statement_month_ms, one room's; verify_entries_per_s, all that
`prepay ledger verify` proves, with the file in memory, in two threads (verify_cpu_s, of both, is what it costs
whatever else the machine does); rss_kib and daemon_start_s, of prepayd with that ledger and
its 128 meters. disk_bytes_per_day: the blocks of 4 KiB that a day of the station writes to all its files (disk_day.c),
polls every 2 s, beside what committing each reading, or each round of readings, would write.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from bench_daemon import rss_kib
from prepay_site import Site

ROOMS, DAYS = 128, 3653
WARM_S = 15
ORACLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "oracle", "tariff_oracle.py")


GOALS = {"settlement_commit_ms": ("ms", None), "settlement_commit_p99_ms": ("ms", None),
         "settlement_commit_all_ms": ("ms", None), "ledger_open_s": ("s", 0.5), "ledger_open_cold_s": ("s", 0.5),
         "statement_month_ms": ("ms", 20), "verify_entries_per_s": ("1/s", 1000000), "verify_cpu_s": ("s", None),
         "entries": ("entries", 3700000),
         "disk_bytes_per_day": ("B", 10000000), "disk_bytes_per_day_commit_per_cycle": ("B", None),
         "disk_bytes_per_day_commit_per_poll": ("B", None), "disk_polls_per_room_hour": ("1/h", None)}


def figures_of(*words):
    """What a bench program says: "figure value", one a line, among others."""
    told = subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in told.stdout.splitlines():
        name, _, value = line.partition(" ")
        if name in GOALS:
            number = float(value)
            yield name, int(number) if number.is_integer() else number, *GOALS[name]


def daemon_with(build, ledger, registers):
    """The real prepayd on that ledger, reading the meters that it names."""
    lines = ["line A", "line B"]
    for place, register in registers:
        line, address = place.split("/")
        lines.append(f"meter {line} {address} sdm120 load 100 register {register}")
    with Site(build, building="\n".join(lines) + "\n", factor=1, cloud=False,
              config={"store": {"ledger": ledger}}) as site:
        site.start()
        yield "daemon_start_s", round(site.restart_daemon(), 3), "s", None
        site.wait("every meter is read", lambda: all(
            supply["register_wh"] is not None for row in site.rooms().values() for supply in row["supplies"]), seconds=60)
        time.sleep(WARM_S)
        yield "rss_kib", rss_kib(site.daemon.pid), "KiB", 16384


def ten_years(build):
    program = os.path.join(build, "tests", "bench", "ledger_years")
    folder = tempfile.mkdtemp(prefix="money-", dir=build)
    ledger = os.path.join(folder, "ledger.db")
    try:
        written = subprocess.run([program, "write", ledger, str(ROOMS), str(DAYS), str(int(time.time()) - 86400)],
                                 check=True, text=True, stdout=subprocess.PIPE)
        yield from daemon_with(build, ledger, [line.split() for line in written.stdout.splitlines()])
        yield from figures_of(program, "measure", ledger)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(build):
    priced = subprocess.run([os.path.join(build, "tests", "bench", "price_interval")], check=True, text=True,
                            stdout=subprocess.PIPE)
    yield "price_interval_ns", int(priced.stdout), "ns", 200
    compared = subprocess.run([sys.executable, ORACLE, os.path.join(build, "tests", "oracle", "tariff_play")], text=True,
                              stdout=subprocess.PIPE, check=False)
    figures = dict(line.split() for line in compared.stdout.splitlines() if line.startswith("oracle_"))
    yield "oracle_cases", int(figures.get("oracle_cases", 0)), "cases", 100000
    yield "oracle_mismatches", int(figures.get("oracle_mismatches", 1)), "cases", 0
    storm = subprocess.run([os.path.join(build, "tests", "fault", "test_order_storm")], text=True, stdout=subprocess.PIPE,
                           check=False)
    figures = dict(line.split() for line in storm.stdout.splitlines() if line.startswith("replay_"))
    yield "replay_deliveries", int(figures.get("replay_deliveries", 0)), "orders", 1000000
    yield "replay_doubled", int(figures.get("replay_doubled", 1)), "orders", 0
    yield "replay_lost", int(figures.get("replay_lost", 1)), "orders", 0
    cuts = subprocess.run([os.path.join(build, "tests", "fault", "test_station_crash")], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    figures = dict(line.split() for line in cuts.stdout.splitlines() if line.startswith("crash_"))
    yield "crash_points", int(figures.get("crash_points", 0)), "cuts", 10000
    for figure in ("crash_lost", "crash_doubled", "crash_corrupt"):
        yield figure, int(figures.get(figure, 1)), "cuts", 0
    yield from figures_of(os.path.join(build, "tests", "bench", "disk_day"))
    yield from ten_years(build)
