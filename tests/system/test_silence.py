#!/usr/bin/python3
"""A dead meter, a silent line and a power outage are told apart: one alarm for what has one cause.

    test_silence.py BUILD
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from prepay_site import Site, end_on_signals  # noqa: E402

METERS = 5


def building():
    text = []
    for name in "AB":
        text.append(f"line {name} baud 19200")
        for address in range(1, METERS + 1):
            text.append(f"meter {name} {address} dds238 load 500")
        for address in range(1, METERS + 1):
            text.append(f"room {name}{address} sockets meter {name}/{address} breaker 20 opening 100000")
    return "\n".join(text) + "\n"


def dead(site, meters, on):
    for meter in meters:
        site.building.run(f"dead {meter} {'on' if on else 'off'}")


def alarms(site):
    wanted = ("meter-silent", "meter-dead", "line-fault", "power-outage", "adapter-absent")
    return {(row["kind"], row["subject"]) for row in site.rows("alarm", "list") if row["kind"] in wanted}


def expect(site, what, wanted, seconds=60):
    try:
        site.wait(what, lambda: alarms(site) == wanted, seconds, 0.3)
    except Exception:
        print(f"{what}: wanted {wanted}, saw {alarms(site)}", flush=True)
        raise
    print(f"ok: {what}", flush=True)


def main():
    end_on_signals()
    a_line = [f"A/{address}" for address in range(1, METERS + 1)]
    b_line = [f"B/{address}" for address in range(1, METERS + 1)]
    with Site(sys.argv[1], building=building(), factor=1, cloud=False, config={"policy": {"stale_s": 120}}) as site:
        site.start()
        site.cli("room", "import", site.building.rooms_csv)
        site.wait("all meters are read", lambda: all(
            supply["register_wh"] is not None for room in site.rooms().values() for supply in room["supplies"]))
        expect(site, "nothing is wrong", set())

        dead(site, ["A/2"], True)
        expect(site, "a dead meter is that meter's alarm", {("meter-silent", "line A address 2")})
        dead(site, ["A/2"], False)
        expect(site, "... and is over when it answers", set())

        dead(site, a_line, True)
        expect(site, "a silent line is one alarm, and none of its meters'", {("line-fault", "A")})
        dead(site, a_line, False)
        expect(site, "... and is over when it speaks", set())

        site.building.run("unplug B")
        expect(site, "an adapter that is gone is neither", {("adapter-absent", "B")})
        site.building.run("plug B")
        expect(site, "... and comes back", set())

        dead(site, a_line + b_line, True)
        expect(site, "all lines at once are the power", {("power-outage", "building")})
        dead(site, a_line, False)
        expect(site, "one line speaks: the other one is at fault", {("line-fault", "B")})
        dead(site, b_line, False)
        expect(site, "everything answers", set())
    return 0


if __name__ == "__main__":
    sys.exit(main())
