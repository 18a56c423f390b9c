#!/usr/bin/python3
"""The bench `line`: how near prepayd comes to what the wire allows, and what faults cost it.

    tests/bench/run line            all of it, about 12 minutes
    tests/bench/run line:PART...    some of the figures; `run --list` names the parts

The line is the building simulator's, which paces every character and reckons the share of T(N) by itself; the
rivals are measured on the same line, in the same run. Progress goes to stderr with the load of the machine, because
a busy host shows in these figures. More is better in line_share_*, live_rate_*, storm_reads, storm_faults_least_kind and models, less in all others; a share
above what is possible (rate_share_bare_libmodbus_*) comes from leaving out the silence between frames.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

import line_decisions  # noqa: E402
import line_wire  # noqa: E402

PARTS = {"models": line_wire.models, "storm": line_wire.storm, "shares": line_wire.shares, "dead": line_wire.dead,
         "size": line_wire.size, "commands": line_decisions.commands, "crossing": line_decisions.crossing,
         "overload": line_decisions.overload}


def measure(build, parts=PARTS):
    for part in parts:
        yield from PARTS[part](os.path.abspath(build))
