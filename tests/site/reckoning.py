"""What a building's rooms must have been charged, reckoned from the simulator alone, against what prepayd says.

Energy is the change of each meter's register as the meter shows it, from begin() on, which wants standing
registers (loads 0) so that the first reading of prepayd is the same. Money is that energy times the price, in
billionths of the currency (micro per kWh x Wh is nano exactly), from what was paid in.
"""

import csv


class Supply:
    """One row of rooms.csv."""

    def __init__(self, row):
        self.room, self.circuit = row["room"], row["circuit"]
        self.meter = f"{row['line']}/{row['address']}" if row["address"] else None
        self.model = row["model"]
        self.may_cut = row["may_cut"] != "no"
        self.relay = None       # (device, channel) that drives the contact
        if row["relay"] == "meter":
            self.relay = (self.meter, 1)
        elif row["relay"]:
            board, channel = row["relay"].split("@")[1].split("/")
            self.relay = (f"{row['line']}/{board}", int(channel))


class Reckoning:
    def __init__(self, site, price_micro):
        self.site, self.price_micro = site, price_micro
        with open(site.building.rooms_csv, encoding="utf-8", newline="") as rooms:
            self.table = list(csv.DictReader(rooms))
        self.supplies = [Supply(row) for row in self.table]
        self.rooms = list(dict.fromkeys(supply.room for supply in self.supplies))
        self.paid_nano = dict.fromkeys(self.rooms, 0)
        self.orders = {}        # mRID: room, of all that must be credited
        self.base = {}          # meter: its truth at begin()
        self.log_base = 0

    def of(self, room):
        """The supplies of a room that have a meter."""
        return [supply for supply in self.supplies if supply.room == room and supply.meter]

    def pay(self, room, minor, mrid=None):
        """Notes what was paid in: an opening credit, or an order."""
        self.paid_nano[room] += minor * 10_000_000
        if mrid is not None:
            self.orders[mrid] = room

    # --- energy ---

    def begun(self):
        """Has prepayd accepted a register of every meter?"""
        rows = self.site.rooms()
        metered = [supply for row in rows.values() for supply in row["supplies"] if supply["point"]]
        return len(metered) == len(self.site.building.meters()) and all(
            supply["register_wh"] is not None for supply in metered)

    def begin(self):
        self.base = self.site.building.meters()
        events = self.site.building.log()
        self.log_base = events[-1]["seq"] if events else 0

    def simulated_wh(self):
        """The change of every room's registers."""
        now = self.site.building.meters()
        changes = dict.fromkeys(self.rooms, 0)
        for supply in self.supplies:
            if supply.meter:
                changes[supply.room] += now[supply.meter]["register_wh"] - self.base[supply.meter]["register_wh"]
        return changes

    def caught_up(self):
        """Has prepayd accepted what the registers show now? (Loads are off.)"""
        now = self.site.building.meters()
        points = {f"{supply['point']['line']}/{supply['point']['address']}": supply["register_wh"]
                  for row in self.site.rooms().values() for supply in row["supplies"] if supply["point"]}
        return all(points[name] == meter["register_wh"] for name, meter in now.items())

    def entries(self):
        """All entries, oldest first."""
        return sorted(self.site.rows("ledger", "tail", "-n", 10000), key=lambda entry: entry["seq"])

    def check(self):
        """Every room's figures against the truth, after loads are off and everything is settled. Figures of the
        building, with `wrong`: a sentence for each thing that is not as it must be."""
        simulated, rows, entries = self.simulated_wh(), self.site.rooms(), self.entries()
        open_wh = dict.fromkeys(self.rooms, 0)
        for row in self.site.rows("quarantine", "list"):
            open_wh[row["room"]] += row["pending_wh"]
        charged = dict.fromkeys(self.rooms, 0)
        credited = {}
        wrong = []
        for entry in entries:
            if entry["kind"] == "charge":
                charged[entry["room"]] += entry["energy_wh"]
                if int(entry["amount_nano"]) != -entry["energy_wh"] * self.price_micro:
                    wrong.append(f"entry {entry['seq']}: {entry['energy_wh']} Wh for {entry['amount_nano']} nano")
            if entry["order"]:
                credited[entry["order"]] = credited.get(entry["order"], 0) + 1
        difference = 0
        for room in self.rooms:
            if charged[room] + open_wh[room] != simulated[room]:
                wrong.append(f"room {room}: charged {charged[room]} + quarantined {open_wh[room]} Wh, "
                             f"the meters counted {simulated[room]} Wh")
            nano = int(rows[room]["settled_nano"])
            expected = self.paid_nano[room] - (simulated[room] - open_wh[room]) * self.price_micro
            difference += abs(nano - expected)
            if nano != expected:
                wrong.append(f"room {room}: balance {nano} nano, expected {expected}")
        for mrid in self.orders:
            if credited.get(mrid, 0) != 1:
                wrong.append(f"order {mrid}: credited {credited.get(mrid, 0)} times")
        for mrid in set(credited) - set(self.orders):
            wrong.append(f"order {mrid}: credited, but nobody paid it")
        return {"charged_wh": sum(charged.values()), "quarantined_wh": sum(open_wh.values()),
                "simulated_wh": sum(simulated.values()), "money_difference_nano": difference,
                "entries": len(entries), "wrong": wrong}

    # --- relays ---

    def moved(self):
        """What the contacts did: {(room, circuit): [event, ...]}."""
        by_meter = {supply.meter: (supply.room, supply.circuit) for supply in self.supplies if supply.meter}
        moves = {}
        for event in self.site.building.log(self.log_base, kind="contact"):
            moves.setdefault(by_meter[event["feeds"]], []).append(event)
        return moves

    def told(self, events):
        """What the cloud was told about the relays: {(room, circuit): [body, ...]}, in order."""
        told = {}
        for event in sorted((row for row in events if row["type"] == "relay"),
                            key=lambda row: (row["epoch"], row["seq"])):
            body = event["body"]
            told.setdefault((body["room"], body["circuit"]), []).append(body)
        return told

    def compare_relays(self, events):
        """Every move of a contact was reported, verified, and nothing else was. Figures, with `wrong`."""
        moves, told = self.moved(), self.told(events)
        figures = {"cuts": 0, "restores": 0, "cuts_verified": 0, "restores_verified": 0, "wrong": []}
        for key in sorted(set(moves) | set(told)):
            seen = [event["detail"] for event in moves.get(key, [])]
            said = []       # consecutive reports of one position are one result, the last the best known
            for body in told.get(key, []):
                if said and said[-1][0] == body["position"]:
                    said[-1] = (body["position"], body["verified"])
                else:
                    said.append((body["position"], body["verified"]))
            figures["cuts"] += seen.count("open")
            figures["restores"] += seen.count("closed")
            for position, verified in said:
                if verified in ("yes", "load-only"):
                    figures["cuts_verified" if position == "open" else "restores_verified"] += 1
            if seen != [position for position, _ in said]:
                figures["wrong"].append(f"room {key[0]} {key[1]}: the contact went {', '.join(seen) or 'nowhere'}; "
                                        f"the cloud was told {said}")
        return figures

    def compare_positions(self):
        """Every relay stands where its balance demands. A list of what is wrong."""
        rows, truth = self.site.rooms(), self.site.building.truth()
        wrong = []
        for supply in self.supplies:
            if supply.relay is None:
                continue
            closed = next(contact["closed"] for contact in truth[supply.relay[0]]["contacts"]
                          if contact["feeds"] == supply.meter and contact["channel"] == supply.relay[1])
            wanted = int(rows[supply.room]["balance_nano"]) > 0 or not supply.may_cut
            if closed != wanted:
                wrong.append(f"room {supply.room} {supply.circuit}: balance {rows[supply.room]['balance_nano']} nano, "
                             f"but the relay is {'closed' if closed else 'open'}")
        return wrong
