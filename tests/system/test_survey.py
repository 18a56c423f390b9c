#!/usr/bin/python3
"""The real prepayd scans and tests the line of the simulated building, and writes nothing; and it takes
no model of low confidence unasked.

    test_survey.py BUILD

What is there is the simulator's word: its devices, their relays, and every write that any of them heard.
"""

import os
import pty
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "site"))

from prepay_site import Problem, Site, end_on_signals  # noqa: E402

BUILDING = """
line A baud 57600
meter A 1 sdm120 load 500 turnaround 6
meter A 2 dds238 load 500 turnaround 6
meter A 3 ddsy1352 load 500 turnaround 6
meter A 4 sdm630 load 3000 turnaround 6
relay-board A 5 waveshare8 turnaround 6
meter A 7 dds238 load 400 turnaround 6
room 107 sockets meter A/7 breaker 20 may-cut no opening 100000
"""
ADDRESSES = "1-8"

# Model, how sure, and what fits as well: what no document tells apart is named as several.
FOUND = {
    1: ("eastron-sdm120", "weak", {"eastron-sdm220", "eastron-sdm230"}),
    2: ("hiking-dds238-sr", "weak", {"hiking-dds238"}),
    3: ("acrel-ddsy1352", "likely", set()),
    4: ("eastron-sdm630-v2", "weak", {"eastron-sdm54", "eastron-sdm72d-m-2"}),
}


def check(what, good, seen=None):
    if not good:
        raise SystemExit(f"{what}: saw {seen!r}")
    print(f"ok: {what}", flush=True)


def untouched(building, before):
    """Nobody was written to, no contact moved, and nothing was done that the simulator calls a hazard."""
    devices = building.truth()
    return (all(row["writes"] == 0 for row in devices.values())
            and {name: row["relays"] for name, row in devices.items()} == before
            and not building.log(kind="write") and not building.log(kind="hazard")
            and not building.log(kind="relay"))


def watched(site, *words):
    """Runs prepay with a terminal for its progress: (exit code, standard output, what the terminal saw)."""
    master, slave = pty.openpty()
    seen = []

    def listen():
        try:
            while True:
                seen.append(os.read(master, 4096))
        except OSError:  # the other end is closed
            pass
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    done = subprocess.run([site.program("prepay"), "--config", site.config, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=slave, encoding="utf-8", timeout=120, check=False)
    os.close(slave)
    thread.join(10)
    os.close(master)
    return done.returncode, done.stdout, b"".join(seen).decode()


def evidence(site):
    rows = site.rows("model", "list")
    low = {row["name"] for row in rows if row["confidence"] == "low"}
    check("all shipped models are listed, the experimental ones as such",
          len(rows) >= 44 + len(low) and low == {"dzt6001", "eastron-sdm320-lora", "eastron-sdm530-lora"}, low)
    csv = "room,circuit,line,address,model,breaker_a\n108,sockets,A,8,dzt6001,20\n"
    try:
        site.cli("room", "import", "-", text=csv)
        raise SystemExit("a room takes a badly evidenced model unasked")
    except Problem as problem:
        check("a room does not take one unasked", problem.exit_code == 2 and "experimental" in str(problem), problem)
    site.cli("room", "import", "-", "--dry-run", "--experimental", text=csv)
    check("... and does when somebody says so", True)


def look(site, before):
    rows = {row["address"]: row for row in site.cli("line", "scan", "A", "--addresses", ADDRESSES)["rows"]}
    check("every device that is not commissioned is found, and no other", set(rows) == {1, 2, 3, 4, 5}, rows.keys())
    for address, (model, sure, others) in FOUND.items():
        row = rows[address]
        check(f"address {address} is {model}, {sure}", (row["model"], row["sure"]) == (model, sure), row)
        check(f"address {address}: what fits as well is said", others == set(row["others"]), row)
    check("a board is no meter", rows[5]["model"] is None or rows[5]["kind"] == "relay", rows[5])
    check("no write was heard", untouched(site.building, before), site.building.log(kind="write"))


def propose(site, before):
    code, csv, seen = watched(site, "line", "scan", "A", "--addresses", ADDRESSES, "--csv", "--breaker", "20")
    check("the scan comes to its end", code == 0, (code, seen))
    shares = [int(share) for share in re.findall(r"(\d+) %, \d+ of \d+ asked", seen)]
    check("it shows how far it is", len(shares) >= 2 and shares[0] < shares[-1] <= 100, seen)
    check("... and how long it still takes", re.search(r"about \S+( \S+)? left", seen), seen)
    check("... and says what to look at", "look at the device" in " ".join(seen.split()), seen)
    check("no write was heard", untouched(site.building, before), site.building.log(kind="write"))
    check("it proposes a room for each meter", len(csv.splitlines()) == 1 + len(FOUND), csv)
    site.cli("room", "import", "-", text=csv)
    check("its rows are imported unchanged", set(site.rooms()) >= {
        "check-A-1", "check-A-2", "new-A-3", "check-A-4"}, site.rooms().keys())
    rows = site.wait("all of them are read", lambda: (lambda rooms: rooms if all(
        supply["register_wh"] is not None for room in rooms.values() for supply in room["supplies"]) else None)(
            site.rooms()))
    for room, device in (("check-A-1", "A/1"), ("check-A-2", "A/2"), ("new-A-3", "A/3"), ("check-A-4", "A/4")):
        shown = site.building.truth(device)["register_wh"]
        read = rows[room]["supplies"][0]["register_wh"]
        check(f"{room} is the register of {device}", 0 <= shown - read < 500, (shown, read))
    check("nobody is cut, and nothing written, because of a scan", untouched(site.building, before))


def try_line(site, before):
    answer = site.cli("line", "test", "A", "--rounds", "3")
    rows = {row["address"]: row for row in answer["rows"]}
    check("the test asks every commissioned device", set(rows) == {1, 2, 3, 4, 7}, rows.keys())
    # A busy machine may make an answer late; it makes none wrong.
    check("a healthy line is fit for use", answer["grade"] in ("good", "watch"), answer)
    check("... by the turnaround that the simulator has", all(
        4000 < row["fastest_us"] <= row["slowest_us"] for row in rows.values()), rows)
    site.building.run("dead A/2 on")
    try:
        site.cli("line", "test", "A", "--rounds", "3")
        raise SystemExit("a dead device is no fault")
    except Problem as problem:
        check("a dead device makes it unfit: exit 9", problem.exit_code == 9, problem)
    screen = site.screen("line", "test", "A", "--rounds", "3")
    check("... and is named", re.search(r"address 2: ", screen), screen)
    site.building.run("dead A/2 off")
    check("a test writes nothing", untouched(site.building, before))
    site.cli("relay", "check-A-2", "off", "--reason", "to see that a write is heard")
    site.wait("the relay is written to", lambda: not untouched(site.building, before))
    check("a write would have been heard", [row["device"] for row in site.building.log(kind="write")] == ["A/2"])


def main():
    end_on_signals()
    with Site(sys.argv[1], building=BUILDING, factor=1, cloud=False, config={"policy": {"stale_s": 120}}) as site:
        site.start()
        site.cli("room", "import", site.building.rooms_csv)
        site.wait("room 107 is read", lambda: site.rooms()["107"]["supplies"][0]["register_wh"] is not None)
        before = {name: row["relays"] for name, row in site.building.truth().items()}
        polls = site.building.truth("A/7")["requests"]
        evidence(site)
        look(site, before)
        check("metering went on beside it", site.building.truth("A/7")["requests"] > polls + 5)
        propose(site, before)
        try_line(site, before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
