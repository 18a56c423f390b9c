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

# What programs say by themselves.
GOALS = {"settlement_commit_ms": ("ms", None), "settlement_commit_p99_ms": ("ms", None),
         "settlement_commit_all_ms": ("ms", None), "ledger_open_s": ("s", 0.5), "ledger_open_cold_s": ("s", 0.5),
         "statement_month_ms": ("ms", 20), "verify_entries_per_s": ("1/s", 1000000), "verify_cpu_s": ("s", None),
         "entries": ("entries", 3700000),
         "disk_bytes_per_day": ("B", 10000000), "disk_bytes_per_day_commit_per_cycle": ("B", None),
         "disk_bytes_per_day_commit_per_poll": ("B", None), "disk_polls_per_room_hour": ("1/h", None)}


def figures_of(text):
    """What a bench program said: "figure value", one a line, among others."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name in GOALS:
            number = float(value)
            yield name, int(number) if number.is_integer() else number, *GOALS[name]


def said_by(text, *defaults):
    """Figures that must be among what a program said; one that is not is as bad as can be."""
    told = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    for name, worst, unit, goal in defaults:
        yield name, int(told.get(name, worst)), unit, goal


def side_by_side(commands, at_once, judged):
    """Runs programs, so many at once; what each said, by its name. Those judged by their figures may fail."""
    waiting, running, said = list(commands.items()), {}, {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                name, words = waiting.pop(0)
                output = tempfile.TemporaryFile("w+")
                running[name] = subprocess.Popen(words, stdout=output, stderr=subprocess.DEVNULL), output
            time.sleep(0.1)
            for name, (process, output) in list(running.items()):
                if process.poll() is not None:
                    output.seek(0)
                    said[name] = output.read()
                    output.close()
                    del running[name]
                    if process.returncode != 0 and name not in judged:
                        raise subprocess.CalledProcessError(process.returncode, process.args)
    finally:
        for process, _ in running.values():
            process.kill()
            process.wait()
    return said


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


def measure(build):
    build = os.path.abspath(build)  # prepayd takes no other path

    def program(*path):
        return os.path.join(build, "tests", *path)

    price = subprocess.run([program("bench", "price_interval")], check=True, text=True, stdout=subprocess.PIPE)
    yield "price_interval_ns", int(price.stdout), "ns", 200
    years = program("bench", "ledger_years")
    folder = tempfile.mkdtemp(prefix="money-", dir=build)
    ledger = os.path.join(folder, "ledger.db")
    try:
        # None of these measures a time; the longest first.
        said = side_by_side({
            "crash": [program("fault", "test_station_crash")],
            "oracle": [sys.executable, ORACLE, program("oracle", "tariff_play")],
            "write": [years, "write", ledger, str(ROOMS), str(DAYS), str(int(time.time()) - 86400)],
            "storm": [program("fault", "test_order_storm")],
            "disk": [program("bench", "disk_day")]},
            at_once=os.cpu_count(), judged=("crash", "oracle", "storm"))
        yield from said_by(said["oracle"], ("oracle_cases", 0, "cases", 100000), ("oracle_mismatches", 1, "cases", 0))
        yield from said_by(said["storm"], ("replay_deliveries", 0, "orders", 1000000),
                           ("replay_doubled", 1, "orders", 0), ("replay_lost", 1, "orders", 0))
        yield from said_by(said["crash"], ("crash_points", 0, "cuts", 10000), ("crash_lost", 1, "cuts", 0),
                           ("crash_doubled", 1, "cuts", 0), ("crash_corrupt", 1, "cuts", 0))
        yield from figures_of(said["disk"])
        yield from daemon_with(build, ledger, [line.split() for line in said["write"].splitlines()])
        timed = subprocess.run([years, "measure", ledger], check=True, text=True, stdout=subprocess.PIPE)
        yield from figures_of(timed.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
