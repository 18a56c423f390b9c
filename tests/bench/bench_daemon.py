"""What prepayd takes of the box while it runs a building of 64 meters at full pace, cloud and all, for an undisturbed
minute. All three want to be low.
"""

import os
import time

from prepay_site import Site

WARM_S, MEASURE_S = 15, 60
TARIFF = "[tariff]\nname = bench\nactivation = receipt\n[energy]\nprice = 0.60\n"


def cpu_us(pid):
    """Time on a processor, of all threads."""
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as stat:
            total_ns += int(stat.read().split()[0])
    return total_ns / 1000


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def replies(site):
    return sum(row["replies"] for row in site.building.status()["lines"])


def measure(build):
    with Site(build, standard=64, opening=1_000_000, config={"policy": {"settle_s": 21600}}) as site:
        site.start()
        site.cli("tariff", "apply", "-", "--reason", "bench", text=TARIFF)
        site.cli("room", "import", site.building.rooms_csv)
        site.cloud.offer(site.cloud.keyset())
        site.wait("every meter is read", lambda: all(
            supply["register_wh"] is not None for row in site.rooms().values() for supply in row["supplies"]
            if supply["point"]))
        time.sleep(WARM_S)
        pid = site.daemon.pid
        before_us, before, begun = cpu_us(pid), replies(site), time.monotonic()
        time.sleep(MEASURE_S)
        took_s = time.monotonic() - begun
        used_us, polls = cpu_us(pid) - before_us, replies(site) - before
        yield "rss_kib", rss_kib(pid), "KiB", 16384
        yield "cpu_percent", round(used_us / took_s / 1e4, 2), "%", 3
        yield "cost_per_poll_us", round(used_us / polls, 1), "us", None
        yield "polls_per_s", round(polls / took_s, 2), "1/s", None
