"""What the money costs in time, and whether it is right.

price_interval_ns: one step between two readings, priced by 3 blocks and 4 bands. oracle_cases: random tariffs and
readings that the second implementation of tests/oracle has priced too; oracle_mismatches: how many were not equal
to the billionth. replay_deliveries: signed orders delivered again, out of order, changed and forged, through power cuts
and older ledgers put back; replay_doubled and replay_lost: how many gave money twice, or never.
"""

import os
import subprocess
import sys

ORACLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "oracle", "tariff_oracle.py")


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
