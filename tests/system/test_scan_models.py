#!/usr/bin/python3
"""Every model of high or medium confidence, played from the table of register maps, is named by a scan.

    test_scan_models.py BUILD

The real prepayd scans lines where one device of each model hangs. What is called sure or likely must be that model; else
it must be among the candidates, but where nothing in its answers proves its energy; and a serial number that is told must
be the device's. Nothing is written.
"""

import collections
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "site")]

from played_table import BAUD, TABLE, read_table  # noqa: E402
from prepay_site import Site, end_on_signals  # noqa: E402

MOST_ON_A_LINE = 8


def plan(models):
    """The building's text, the settings of its lines, and the model at each address."""
    text, lines, devices = [f"table {TABLE}"], {}, {}
    framings = collections.defaultdict(list)
    for model in models.values():
        if model.confidence != "low":
            framings[model.framing].append(model)
    for framing, found in framings.items():
        for first in range(0, len(found), MOST_ON_A_LINE):
            line = chr(ord("A") + len(lines))
            lines[line] = {"parity": framing[0], "stop_bits": framing[1]}
            text.append(f"line {line} baud {BAUD} parity {framing[0]} stop {framing[1]}")
            for address, model in enumerate(found[first:first + MOST_ON_A_LINE], 1):
                devices[line, address] = model
                kind = "relay-board" if model.kind == "relay" else "meter"
                text.append(f"{kind} {line} {address} {model.name} turnaround 2")
    return "\n".join(text) + "\n", lines, devices


def is_blind(model):
    """No voltage and no frequency comes with its energy: any number passes for one, so it is not named."""
    return model.kind == "meter" and not model.quantities & {"voltage_l1", "frequency"} or \
        model.kind == "water" and not model.relay


def judge(row, model, truth):
    """What is wrong with a verdict; None: nothing."""
    named = [row["model"], *row["others"]] if row["model"] else []
    if row["sure"] in ("sure", "likely") and row["model"] != model.name:
        return f"{row['sure']}: {row['model']}"
    if model.name not in named and not is_blind(model):
        return f"{row['sure']}, but not among {named}"
    serials = {device.get("serial") for device in truth}
    if row["serial"] is not None and row["model"] == model.name and "serial_number" in model.quantities \
            and row["serial"] not in serials:
        return f"serial {row['serial']}, it is {serials}"
    return None


def main():
    end_on_signals()
    text, lines, devices = plan(read_table())
    config = {f"line {line}": framing for line, framing in lines.items()}
    wrong, counts = [], collections.Counter()
    with Site(sys.argv[1], building=text, factor=1, cloud=False, config=config) as site:
        site.start()
        scans = {}
        for line in lines:
            last = max(address for at, address in devices if at == line)
            scans[line] = subprocess.Popen(
                [site.program("prepay"), "--config", site.config, "--json", "line", "scan", line, "--addresses",
                 f"1-{last}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line, scan in scans.items():
            out, _ = scan.communicate(timeout=240)
            rows = {row["address"]: row for row in json.loads(out)["data"]["rows"]}
            for (at, address), model in devices.items():
                if at != line:
                    continue
                if address not in rows:
                    wrong.append(f"{model.name}: not found")
                    continue
                row = rows[address]
                counts[row["sure"]] += 1
                truth = [device for name, device in site.building.truth().items()
                         if name.split("/")[:2] == [line, str(address)]]
                fault = judge(row, model, truth)
                print(f"{model.name}: {row['sure']} {row['model']} {' '.join(row['others'])}", flush=True)
                if fault:
                    wrong.append(f"{model.name}: {fault}")
        writes = site.building.log(kind="write") + site.building.log(kind="hazard")
    wrong += [f"written: {event}" for event in writes]
    # What tells itself apart: ABB, Carlo Gavazzi, Schneider, Siemens, Socomec; and three by their serial number.
    if not (counts["sure"] >= 10 and counts["likely"] >= 3 and counts["unknown"] <= 4):
        wrong.append(f"too few named: {counts}")
    print(f"{len(devices)} models: {dict(counts)}")
    for line in wrong:
        print(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
