#!/usr/bin/python3
"""B1 by value: what fits a request in every byte of its frame, and is another block's or no register at all, is not
charged (facts T1 e and f; a to d are test_defences.c).

    test_defences.py BUILD
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from prepay_site import Site, end_on_signals  # noqa: E402

BUILDING = """line A baud 19200
meter A 1 sdm120 load 0 register 2000000
meter A 2 dds238 load 0 register 3000000
meter A 3 sdm630 load 0 register 4000000
room 1 sockets meter A/1 breaker 32 opening 100000
room 2 sockets meter A/2 breaker 32 opening 100000
room 3 sockets meter A/3 breaker 32 opening 100000
"""
# Above a quarter of what 32 A allow in the 31 s that are granted (92 Wh a phase), and below all of it.
STEPS_WH = {"A/2": 40, "A/3": 120}


def check(what, true, seen):
    print(f"{'ok' if true else 'FAILED'}: {what}", flush=True)
    if not true:
        raise SystemExit(f"saw {seen}")


def registers(site):
    return {row["room"]: row["supplies"][0]["register_wh"] for row in site.rooms().values()}


def balances(site):
    return {row["room"]: row["balance_nano"] for row in site.rooms().values()}


def glitched(site, meter, how, *words):
    """The next energy answer of the meter is glitched, and three sound ones follow it."""
    seen = len(site.building.log(kind="glitch", device=meter))
    site.building.run(" ".join(["glitch", meter, how, "1", *words]))
    site.wait("the glitch was answered", lambda: len(site.building.log(kind="glitch", device=meter)) > seen)
    answered = site.building.truth(meter)["replies"]
    site.wait("sound answers follow", lambda: site.building.truth(meter)["replies"] >= answered + 6)


def main():
    end_on_signals()
    with Site(sys.argv[1], building=BUILDING, factor=1, cloud=False, config={"policy": {"stale_s": 120}}) as site:
        site.start()
        site.cli("tariff", "apply", "-", "--reason", "test",
                 text="[tariff]\nname = test\nactivation = receipt\n[energy]\nprice = 0.60\n")
        site.cli("room", "import", site.building.rooms_csv)
        site.wait("all meters are read", lambda: None not in registers(site).values())
        before, money = registers(site), balances(site)

        # T1 e: perfect in its frame; the witness beside the energy cannot be what is there.
        for meter in ("A/1", "A/2", "A/3"):
            glitched(site, meter, "other")
        rows = site.rows("quarantine", "list", "--all")
        check("another block's answer is refused by its witness, before it is a register", not rows, rows)
        check("... and nothing of it was taken", registers(site) == before, registers(site))

        # T1 f: a step that could be, and is only seen once.
        for meter, step_wh in STEPS_WH.items():
            glitched(site, meter, "far", str(step_wh))
        check("a large step is read again, and not taken without agreement", registers(site) == before, registers(site))
        check("nobody was charged", balances(site) == money, balances(site))
        site.building.run("load A/2 3000")
        site.wait("a step that is true is taken", lambda: registers(site)["2"] > before["2"], 60)
        print("ok: a step that is true is taken", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
