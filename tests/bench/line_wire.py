"""The wire: its share of the physical limit, dead meters, the storm, and what it costs the host."""

import json
import math
import os
import statistics
import subprocess
import time

from line_building import (METERS, QUIET, cpu_us, equal_lines, line_names, note, rate_of, rss_kib, share_of, start,
                           windows)
from prepay_site import Site

HERE = os.path.dirname(os.path.abspath(__file__))
# What runs at the same time: three slow lines of one daemon; the fast one alone, because it asks most of the host.
SHARES = ({2400: 0.98, 9600: 0.98, 19200: 0.98}, {115200: 0.94})
WINDOW_S, WINDOWS, RIVAL_S = 12, 5, 12
DEAD = (1, 4, 16, 4, 4)     # of 64 on each line; 4 three times, for the time until they are back
SETTLED_S = 45


def shares(build):
    """line_share_*, the rivals' on the same lines, and what a transaction costs the host."""
    for goals in SHARES:
        with Site(build, building=equal_lines(goals), factor=1, cloud=False, config=QUIET) as site:
            lines = dict(zip(line_names(len(goals)), goals))
            start(site)
            time.sleep(8)
            cpu = cpu_us(site.daemon.pid)
            rows = windows(site.building, WINDOW_S, WINDOWS)
            cpu = cpu_us(site.daemon.pid) - cpu
            for name, baud in lines.items():
                line = site.building.line(name)
                note(f"{baud}: shares {[round(row[name]['share_ppm'] / 1e6, 4) for row in rows]}, gap violations "
                     f"{line['gap_violations']} of {line['requests']}, least gap {line['gap_least_us']} of "
                     f"{line['gap_ns'] // 1000} us, released late {line['releases_late']}")
                yield f"line_share_{baud}", round(share_of(rows, name), 4), "of T(N)", goals[baud]
            if 9600 in goals:
                done = sum(row[name]["transactions"] for row in rows for name in lines)
                yield "host_cpu_us_per_transaction", round(cpu / done, 1), "us", 300
            site.daemon.stop()
            yield from rivals(build, site, lines)


def rivals(build, site, lines):
    """The same reads by programs that ask one meter after the other, on all lines at the same time."""
    def commands(name, baud):
        port = site.building.port(name)
        return {"bare_libmodbus": [os.path.join(build, "tests", "bench", "bare_loop"), port, str(baud),
                                   str(RIVAL_S + 4), str(METERS), "4", "70", "6"],
                "mbpoll": ["mbpoll", "-m", "rtu", "-a", f"1:{METERS}", "-t", "3", "-r", "71", "-c", "6", "-b", str(baud),
                           "-P", "none", "-l", "11", "-o", "1", port]}

    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for rival in ("bare_libmodbus", "mbpoll"):
        running = [subprocess.Popen(commands(name, baud)[rival], **quiet) for name, baud in lines.items()]
        try:
            time.sleep(2)
            rows = windows(site.building, RIVAL_S, 1)
        finally:
            for process in running:
                process.terminate()
                process.wait()
        for name, baud in lines.items():
            yield f"rate_share_{rival}_{baud}", round(share_of(rows, name), 4), "of T(N)", None


def dead(build):
    """The others' rate with dead meters, what probing costs, and how soon revived ones are back: a line for each
    number of dead meters, all at the same time."""
    with Site(build, building=equal_lines([9600] * len(DEAD)), factor=1, cloud=False, config=QUIET) as site:
        lines = dict(zip(line_names(len(DEAD)), DEAD))
        gone = {name: [f"{name}/{2 + index * (METERS // count)}" for index in range(count)]
                for name, count in lines.items()}

        def alive(expected):
            return {row["line"]: row["alive"] for row in site.rows("line", "list")} == expected

        start(site)
        time.sleep(15)
        healthy = windows(site.building, 20, 1)
        for meter in sum(gone.values(), []):
            site.building.run(f"dead {meter} on")
        site.wait("they are noticed", lambda: alive({name: METERS - count for name, count in lines.items()}), 120, 1.0)
        time.sleep(SETTLED_S)
        rows = windows(site.building, 20, 1)
        rates, probes = {}, []
        for name, count in lines.items():
            rates.setdefault(count, []).append(rate_of(rows, name) / rate_of(healthy, name))
            probes.append(rows[0][name]["dead_us"] / rows[0][name]["wall_us"])
            note(f"{count} dead of {METERS}: live rate {rates[count][-1]:.4f}, probing {probes[-1]:.4f} of the line")
        for count, found in rates.items():
            yield f"live_rate_{count}_dead", round(statistics.median(found), 4), "of the healthy line's", 0.95
        yield "probe_share", round(max(probes), 4), "of the line", 0.05
        yield "revive_s", round(revive(site, sum((gone[name] for name, count in lines.items() if count == 4), [])), 1), \
            "s", 60


def revive(site, gone):
    """Seconds until the last of the dead is read again."""
    begun, waits = {}, {}
    before = {meter: site.building.truth(meter)["replies"] for meter in gone}
    for meter in gone:
        site.building.run(f"dead {meter} off")
        begun[meter] = time.monotonic()
        time.sleep(0.5)
    while len(waits) < len(gone) and time.monotonic() - begun[gone[0]] < 200:
        for meter in set(gone) - set(waits):
            if site.building.truth(meter)["replies"] > before[meter]:
                waits[meter] = time.monotonic() - begun[meter]
        time.sleep(0.05)
    note(f"revived after {sorted(round(wait, 1) for wait in waits.values())} s")
    return max(waits.get(meter, math.inf) for meter in gone)


def size(build):
    """Memory and time at 4 lines of 247 meters."""
    with Site(build, building=equal_lines([19200] * 4, meters=247), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        time.sleep(20)
        cpu, polls = cpu_us(site.daemon.pid), site.cli("status")["polls"]
        time.sleep(30)
        cpu, polls = cpu_us(site.daemon.pid) - cpu, site.cli("status")["polls"] - polls
        yield "rss_kib", rss_kib(site.daemon.pid), "KiB", None
        yield "cost_per_poll_us", round(cpu / polls, 1), "us", None


def storm(build):
    """The faults of test_exchange_storm, of test_line_storm over pseudo-terminals, and against libmodbus alone."""
    rows, early_taken = {}, None
    for test in ("unit/test_exchange_storm", "system/test_line_storm", "unit/test_bare_storm"):
        done = subprocess.run([os.path.join(build, "tests", test)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              encoding="utf-8", check=False)
        for line in done.stdout.splitlines():
            if line.startswith("early_taken "):
                early_taken = int(line.split()[1])
            if line.startswith("storm "):
                row = json.loads(line.split(" ", 1)[1])
                rows[row["name"]] = row
    virtual, real = rows["exchange"], rows["pseudo-terminals"]
    kinds = [kind for kind in virtual if isinstance(virtual[kind], int)
             and kind not in ("reads", "answered", "wrong", "least_kind", "sound")]
    yield "storm_reads", virtual["reads"] + real["reads"], "reads", 1_000_000
    yield "storm_reads_on_pseudo_terminals", real["reads"], "reads", 50_000
    yield "storm_faults_least_kind", min(virtual[kind] + real[kind] for kind in kinds), "faults", 10_000
    yield "storm_wrong_accepted", virtual["wrong"] + real["wrong"], "reads", 0
    yield "storm_early_answers_that_terminals_delayed", early_taken, "reads", None
    yield "storm_wrong_accepted_bare_libmodbus", rows["bare_libmodbus"]["wrong"], "reads", None
    yield "storm_wrong_accepted_libmodbus_flushed", rows["flushing_libmodbus"]["wrong"], "reads", None


def models(_build):
    """How many models are shipped."""
    folder = os.path.join(os.path.dirname(os.path.dirname(HERE)), "meters", "models")
    yield "models", sum(name.endswith(".meter") for name in os.listdir(folder)), "models", 44
