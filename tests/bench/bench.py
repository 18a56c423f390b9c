#!/usr/bin/python3
"""Runs benches and prints their figures, one JSON object a line.

A bench is a file bench_NAME.py in this folder. Its docstring says what it measures; its function measure(build)
yields (figure, value, unit, goal) as it goes. A goal of None is no goal. One that takes long has PARTS, which can be
asked for by themselves as NAME:PART: measure(build, parts). Whether more or less is better is told by
the figure's name in the documentation of the bench.
"""

import argparse
import glob
import importlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

from prepay_site import end_on_signals  # noqa: E402


def names():
    return sorted(os.path.basename(path)[len("bench_"):-len(".py")] for path in glob.glob(os.path.join(HERE, "bench_*.py")))


def parts_of(name):
    return list(getattr(importlib.import_module(f"bench_{name}"), "PARTS", ()))


def known():
    """Everything that can be asked for."""
    return [word for name in names() for word in [name] + [f"{name}:{part}" for part in parts_of(name)]]


def measure(build, asked):
    """The figures of what was asked for, in that order, with the name of their bench."""
    for word in asked:
        name, _, part = word.partition(":")
        bench = importlib.import_module(f"bench_{name}")
        for figure in bench.measure(build, [part]) if part else bench.measure(build):
            yield name, figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME[:PART]")
    options = parser.parse_args()
    if options.list:
        print("\n".join(known()))
        return 0
    unknown = sorted(set(options.names) - set(known()))
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}; there are {', '.join(known())}", file=sys.stderr)
        return 2
    end_on_signals()
    for name, (figure, value, unit, goal) in measure(options.build, options.names or names()):
        print(json.dumps({"bench": name, "figure": figure, "value": value, "unit": unit, "goal": goal},
                         separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
