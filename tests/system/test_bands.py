#!/usr/bin/python3
"""Two meters with band registers of their own, and prepayd down while the band changes: all the real programs.

One meter's clock is right: what it used meanwhile is charged by its registers, to the billionth. The other one's is
hours off: its total is charged all the same, split by time, marked, and there is an alarm.

    test_bands.py BUILD
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from prepay_site import SOURCE, Site, end_on_signals  # noqa: E402

HOUR = 3600
FLAT, PEAK = 250000, 1000000
TARIFF = """[tariff]
name = two
activation = receipt
[energy]
[band flat]
price = 0.25
[band peak]
price = 1
[days all]
on = mon-sun
bands = 00:00 flat 08:00 peak 20:00 flat
"""
BUILDING = f"""table {SOURCE}/tests/models/registers.table
line A baud 19200
line B baud 19200
meter A 1 orno-we514-we515 load 0 register 1234560
meter B 1 acrel-adl400 load 0 register 7654320
room 101 sockets meter A/1 breaker 63 opening 100000
room 102 sockets meter B/1 breaker 63 opening 100000
"""
CONFIG = {
    "policy": {"settle_s": 3, "stale_s": 60, "nominal_voltage": 230},
    "bands rates": {"meters": "orno-we514-we515", "band_1": "peak", "band_2": "flat"},
    "bands acrel": {"meters": "102/sockets", "band_2": "peak", "band_3": "flat"},
}
METERS = {"101": "A/1", "102": "B/1"}


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got}, wanted {wanted}")
    print(f"ok: {what}", flush=True)


def run_at(site, at_s):
    """prepayd runs, and it is at_s."""
    site.daemon.environment = {"LD_PRELOAD": os.path.join(site.build, "tests", "system", "libshifted_clock.so"),
                               "PREPAY_TEST_AHEAD_S": str(at_s - int(time.time()))}
    site.daemon.start()
    site.wait_daemon()


def register_wh(site, room):
    return site.building.truth()[METERS[room]]["register_wh"]


def settled(site, room):
    """What is charged of a room up to the register that its meter shows; None: not yet all."""
    rows = [row for row in site.rows("explain", room, "--last", "50") if row["kind"] == "charge"]
    return rows if rows and rows[0]["to_wh"] == register_wh(site, room) else None


def use(site, room, wh):
    """So much is used at the band that counts now; then nothing. What the register shows."""
    begun = register_wh(site, room)
    site.building.run(f"load {METERS[room]} 2000")
    while register_wh(site, room) - begun < wh:
        time.sleep(0.02)
    site.building.run(f"load {METERS[room]} 0")
    return register_wh(site, room)


def main():
    end_on_signals()
    # 8 in the morning in Shanghai, the day after tomorrow.
    morning = int(time.time()) // 86400 * 86400 + 2 * 86400
    with Site(sys.argv[1], building=BUILDING, factor=1800, cloud=False, config=CONFIG) as site:
        site.start_building()
        site.write_config()
        # Both count flat at first: T2 of the one, register 3 of the other.
        site.building.run("band A/1 2")
        site.building.run("band B/1 3")
        run_at(site, morning - 2 * HOUR)  # 6 in the morning
        site.cli("tariff", "apply", "-", "--reason", "test", text=TARIFF)
        site.cli("room", "import", site.building.rooms_csv)
        site.wait("both meters are read", lambda: all(
            supply["register_wh"] is not None for room in site.rooms().values() for supply in room["supplies"]))
        for room in METERS:
            use(site, room, 500)
            equal(f"room {room} is charged while it is flat",
                  {row["rule"] for row in site.wait("all of it is settled", lambda: settled(site, room))}, {"metered"})
        before = {room: register_wh(site, room) for room in METERS}

        site.daemon.kill()
        at_edge = {room: use(site, room, 3000) for room in METERS}
        site.building.run("band A/1 1")
        site.building.run("band B/1 1")  # which is no band that was declared: a wrong timetable
        after = {room: use(site, room, 200) for room in METERS}
        run_at(site, morning + 4 * HOUR)

        peak, flat = site.wait("room 101 is settled", lambda: settled(site, "101"))[:2]
        equal("by its registers", [peak["rule"], flat["rule"]], ["by-register", "by-register"])
        equal("... each band its own", [peak["band"], flat["band"]], ["peak", "flat"])
        equal("... cut at the boundary", [flat["to_s"], peak["from_s"]], [morning, morning])
        equal("... flat what was used while it was", flat["energy_wh"], at_edge["101"] - before["101"])
        equal("... peak the rest", peak["energy_wh"], after["101"] - at_edge["101"])
        equal("... to the billionth", [int(flat["amount_nano"]), int(peak["amount_nano"])],
              [-flat["energy_wh"] * FLAT, -peak["energy_wh"] * PEAK])
        assert "by-register" in site.screen("explain", "101")

        peak, flat = site.wait("room 102 is settled", lambda: settled(site, "102"))[:2]
        equal("a wrong timetable: by time", [peak["rule"], flat["rule"]], ["split-by-time", "split-by-time"])
        equal("... all that the total says", flat["energy_wh"] + peak["energy_wh"], after["102"] - before["102"])
        equal("... and that meter's alarm",
              [row["subject"] for row in site.rows("alarm", "list") if row["kind"] == "band-registers"],
              ["102 sockets"])
        verdict = site.cli("ledger", "verify")
        equal("the ledger is whole", verdict["ok"], True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
