"""The wire: its share of the physical limit, dead meters, the storm, and what it costs the host."""

import json
import os
import subprocess
import time

from line_building import (METERS, QUIET, cpu_us, equal_line, note, rate_of, rss_kib, share_of, start, windows)
from prepay_site import Site

HERE = os.path.dirname(os.path.abspath(__file__))
SHARES = {2400: (60, 0.98), 9600: (25, 0.98), 19200: (20, 0.98), 115200: (15, 0.94)}


def shares(build):
    """line_share_*, the rivals' on the same line, and what a transaction costs the host."""
    for baud, (seconds, goal) in SHARES.items():
        with Site(build, building=equal_line(baud), factor=1, cloud=False, config=QUIET) as site:
            start(site)
            time.sleep(seconds / 2)
            cpu = cpu_us(site.daemon.pid)
            rows = windows(site.building, seconds)
            cpu = cpu_us(site.daemon.pid) - cpu
            done = sum(row["A"]["transactions"] for row in rows)
            line = site.building.line("A")
            note(f"{baud}: shares {[round(row['A']['share_ppm'] / 1e6, 4) for row in rows]}, gap violations "
                 f"{line['gap_violations']} of {line['requests']}, released late {line['releases_late']}")
            yield f"line_share_{baud}", round(share_of(rows), 4), "of T(N)", goal
            if baud == 9600:
                yield "host_cpu_us_per_transaction", round(cpu / done, 1), "us", 300
            site.daemon.stop()
            yield from rivals(build, site, baud, min(seconds, 20))


def rivals(build, site, baud, seconds):
    port = site.building.port("A")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = {
        "bare_libmodbus": [os.path.join(build, "tests", "bench", "bare_loop"), port, str(baud), str(seconds + 4),
                           str(METERS), "4", "70", "6"],
        "mbpoll": ["mbpoll", "-m", "rtu", "-a", f"1:{METERS}", "-t", "3", "-r", "71", "-c", "6", "-b", str(baud),
                   "-P", "none", "-l", "11", "-o", "1", port],
    }
    for name, command in commands.items():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **quiet)
        try:
            time.sleep(2)
            rows = windows(site.building, seconds, 1)
        finally:
            process.terminate()
            process.wait()
        yield f"rate_share_{name}_{baud}", round(share_of(rows), 4), "of T(N)", None


def dead(build):
    """The others' rate with dead meters, what probing costs, and how soon a revived one is back."""
    with Site(build, building=equal_line(9600), factor=1, cloud=False, config=QUIET) as site:
        start(site)
        time.sleep(15)
        healthy = rate_of(windows(site.building, 20))
        probe_shares = []
        for count in (1, 4, 16):
            gone = [f"A/{2 + index * (METERS // count)}" for index in range(count)]
            for meter in gone:
                site.building.run(f"dead {meter} on")
            site.wait("they are noticed", lambda: site.rows("line", "list")[0]["alive"] == METERS - count, 120, 1.0)
            time.sleep(45)
            rows = windows(site.building, 20)
            yield f"live_rate_{count}_dead", round(rate_of(rows) / healthy, 4), "of the healthy line's", 0.95
            probe_shares.append(sum(row["A"]["dead_us"] for row in rows) / sum(row["A"]["wall_us"] for row in rows))
            note(f"{count} dead: probing {probe_shares[-1]:.4f} of the line")
            if count == 4:
                yield "revive_s", round(revive(site, gone), 1), "s", 60
                continue
            for meter in gone:
                site.building.run(f"dead {meter} off")
            site.wait("all are back", lambda: site.rows("line", "list")[0]["alive"] == METERS, 200, 1.0)
        yield "probe_share", round(max(probe_shares), 4), "of the line", 0.05


def revive(site, gone):
    """The slowest of the dead to be read again, of three times."""
    slowest = 0.0
    for again in range(3):
        if again > 0:
            for meter in gone:
                site.building.run(f"dead {meter} on")
            time.sleep(100 + 7 * again)
        before = {meter: site.building.truth(meter)["replies"] for meter in gone}
        for meter in gone:
            site.building.run(f"dead {meter} off")
        begun, missing = time.monotonic(), set(gone)
        while missing and time.monotonic() - begun < 200:
            missing -= {meter for meter in missing if site.building.truth(meter)["replies"] > before[meter]}
            time.sleep(0.05)
        slowest = max(slowest, time.monotonic() - begun)
        note(f"4 dead revived after {time.monotonic() - begun:.1f} s")
        site.wait("all are back", lambda: site.rows("line", "list")[0]["alive"] == METERS, 60, 0.5)
    return slowest


def size(build):
    """Memory and time at 4 lines of 247 meters."""
    with Site(build, building=equal_line(19200, meters=247, lines=4), factor=1, cloud=False, config=QUIET) as site:
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
