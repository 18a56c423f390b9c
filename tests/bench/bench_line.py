#!/usr/bin/python3
"""The bench `line`: how near prepayd comes to what the wire allows, and what faults cost it.

    tests/bench/run line
    tests/bench/bench_line.py --build DIR PART...

The line is the building simulator's, which paces every character and reckons the share of T(N) by itself; the
rivals are measured on the same line, in the same run. All parts take about 45 minutes; PART measures some of the
figures. Progress goes to stderr with the load of the machine, because a busy host shows in these figures. More is
better in line_share_*, live_rate_*, storm_reads, storm_faults_least_kind and models, less in all others; a share
above what is possible (rate_share_bare_libmodbus_*) comes from leaving out the silence between frames.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

import line_decisions  # noqa: E402
import line_wire  # noqa: E402
from prepay_site import end_on_signals  # noqa: E402

PARTS = {"models": line_wire.models, "storm": line_wire.storm, "shares": line_wire.shares, "dead": line_wire.dead,
         "size": line_wire.size, "commands": line_decisions.commands, "crossing": line_decisions.crossing,
         "overload": line_decisions.overload}


def measure(build, parts=PARTS):
    for part in parts:
        yield from PARTS[part](os.path.abspath(build))


def main():
    parser = argparse.ArgumentParser(description="Parts of the bench `line`.")
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    end_on_signals()
    for figure, value, unit, goal in measure(options.build, options.parts):
        print(json.dumps({"bench": "line", "figure": figure, "value": value, "unit": unit, "goal": goal},
                         separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
