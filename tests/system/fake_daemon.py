"""A prepayd that knows its lines by heart: the control protocol on a Unix socket, for tests of the CLI.

It is written from concentrator/control.md. A test can put another answer in the place of any verb's
(`answers`), and reads what was asked (`asked`).
"""

import json
import os
import socket
import threading

NOW_S = 1796212800  # 2026-12-02 12:00:00 UTC
CNY = {"multiplier": -2, "monetaryUnit": 156}


def money(value):
    return {"value": value, **CNY}


def problem(name, detail, code, errors=None):
    body = {"type": "urn:prepay:problem:" + name, "title": name, "detail": detail, "exit": code}
    if errors is not None:
        body["errors"] = errors
    return {"problem": body}


def supply(circuit, line, address, closed=True, stale=False, power=312, silent=False, **more):
    place = {"line": line, "address": address, "channel": 1, "model": "hiking-dds238-sr"}
    row = {
        "circuit": circuit, "point": place, "relay": place,
        "position": "closed" if closed else "open", "position_age_s": 2,
        "wished": "on" if closed else "off", "layer": "money", "reason": "",
        "verified": "yes", "power_w": power if closed else 0, "voltage_mv": 231240,
        "register_wh": 1234567 + address, "settled_wh": 1234500, "age_s": 240 if stale else 2,
        "stale": stale, "meter_state": "silent" if silent else "alive", "cut_order": 2,
        "may_cut": True, "breaker_a": 20, "contact": "no", "lockout": None}
    row.update(more)
    return row


def room(name, number, line, address, two=False):
    """Room 7 is off for want of money, 11 stale, 13 armed, 17 low, 19 never read."""
    off, stale, armed, low, never = (number == n for n in (7, 11, 13, 17, 19))
    nano = -30_000_001 if off else 950_000_000 if low else (number * 1_730_000_000 + 12_345_678_901)
    supplies = [supply("sockets", line, address, closed=not (off or armed), stale=stale,
                       power=100 + 13 * number, silent=stale or never)]
    if two:
        supplies.append(supply("ac", line, address + 100, closed=not off, power=1250))
        supplies.append(supply("light", line, address, relay=None, position="unknown",
                               position_age_s=None, may_cut=False, point=None))
    if never:
        for s in supplies:
            s.update(power_w=None, voltage_mv=None, register_wh=None, age_s=None, stale=True)
    states = {7: "off: balance used up", 11: "meter silent for 4 min, supply held",
              13: "armed: found open, confirm to close", 17: "on, low balance",
              19: "meter never answered"}
    return {
        "room": name, "balance": money(nano // 10_000_000), "balance_nano": str(nano),
        "settled_nano": str(nano + 1), "credit_status":
            "Negative" if off else "Low" if low else "OK",
        "service_status": "Disconnected" if off else "ArmedForConnect" if armed else "Connected",
        "power_w": None if never else sum(s["power_w"] or 0 for s in supplies),
        "age_s": None if never else 240 if stale else 2, "stale": stale or never,
        "days_left": None if never else 0 if off else 1 if low else number,
        "state": states.get(number, "on"), "supplies": supplies}


def rooms(count=64):
    return [room(f"{1 + n // 20}{n % 20 + 1:02d}", n + 1, "A" if n < count // 2 else "B",
                 n % (count // 2) + 1, two=n % 8 == 0) for n in range(count)]


def figures(timeouts=0, polls=40000, quiet=False):
    """The counters of a line or a device."""
    errors = {"timeouts": timeouts, "crc_errors": 2, "garbled": 1, "exceptions": 3}
    hour = {"polls": polls, **errors, "quality_ppm": 999871 - 1000 * timeouts, "p50_us": 14250, "p99_us": 18900}
    if quiet:
        hour.update(polls=0, quality_ppm=None, p50_us=None, p99_us=None)
    return {"polls": 8 * polls, **{name: 8 * count for name, count in errors.items()}, "hour": hour}


LINES = [
    {"line": name, "port": f"/dev/rs485-{i}", "state": "ok", "baud": 9600, "meters": 32,
     "alive": 32 - i, "unknown": 0, "polls_per_s_milli": 13200 + i, "share_ppm": 971000,
     **figures(4 * i), "stray_bytes": 17} for i, name in enumerate("AB")]
for line in LINES:
    line["hour"]["stray_bytes"] = 5

UPLINK = {"configured": True, "state": "online", "last_good_s": NOW_S - 12, "rtt_ms": 120,
          "http": 200, "detail": "", "feed_cursor": "c-1042", "waiting": [0, 2, 0, 0], "refused": 0,
          "bytes_up": 1234567, "bytes_down": 76543}

STATUS = {
    "site": "S-0042", "version": "0.1.0", "uptime_s": 273600,
    "clock": {"now_s": NOW_S, "trusted": True, "source": "ntp"}, "zone": "Asia/Shanghai",
    "money": {**CNY, "account": "money"},
    "rooms": {"total": 64, "connected": 62, "disconnected": 1, "armed": 1, "low": 1,
              "exhausted": 1, "stale": 2},
    "lines": LINES,
    "sensors": [{"name": "incomer", "value_milli": 231200, "unit": "V", "age_s": 3,
                 "stale": False, "detail": ""},
                {"name": "cabinet", "value_milli": 31400, "unit": "degC", "age_s": 900,
                 "stale": True, "detail": "device gone"}],
    "uplink": UPLINK,
    "store": {"entries": 12345, "ledger_bytes": 4404019, "commit_p99_us": 8400, "state": "ok",
              "detail": ""},
    "alarms": {"critical": 1, "warning": 2}, "quarantine_open": 1, "cuts_held": False,
    "totals": {"charged_wh": 1234567, "quarantined_wh": 30, "balance_nano": "1234567890123",
               "cash_nano": "0"}, "polls": 8_000_000, "polls_per_s_milli": 26401}

WELL = {**STATUS, "alarms": {"critical": 0, "warning": 0}, "quarantine_open": 0,
        "sensors": STATUS["sensors"][:1], "lines": LINES[:1],
        "rooms": {**STATUS["rooms"], "stale": 0}}

ENTRIES = [
    {"seq": 12340 + i, "at_s": NOW_S - 3600 + 60 * i, "room": "305",
     "kind": ["charge", "recharge", "charge"][i % 3],
     "circuit": "" if i % 3 == 1 else "sockets", "energy_wh": 0 if i % 3 == 1 else 1250,
     "from_wh": 0 if i % 3 == 1 else 1000000 + 1250 * i,
     "to_wh": 0 if i % 3 == 1 else 1001250 + 1250 * i,
     "price_micro_per_kwh": 0 if i % 3 == 1 else 538000,
     "amount": money(5000 if i % 3 == 1 else -68),
     "amount_nano": "50000000000" if i % 3 == 1 else "-672500000",
     "balance_nano": str(20_000_000_000 - 672_500_000 * i),
     "order": "ord-2026-12-02-000123" if i % 3 == 1 else "", "who": "" if i % 3 != 1 else "cloud",
     "why": "6 h" if i % 3 == 0 else ""} for i in reversed(range(5))]

MOVED = {"room": "101", "amount": money(1382), "amount_nano": "13827500000",
         "rounded_nano": "7500000", "dry_run": False, "rooms": [
             {"room": "101", "tenancy": None, "balance": money(0), "balance_nano": "0"}]}

STATEMENT = {
    "room": "305", "month": "2026-11", "account": 7, "opened_s": NOW_S - 9_000_000, "closed_s": None,
    "account_before": None, "over": True, "credits": None, "from_s": NOW_S - 2_700_000, "to_s": NOW_S - 100_000,
    "opening": money(1000), "opening_nano": "10000000001", "closing": money(5932),
    "closing_nano": "59327500001", "rows": [
        {"kind": "recharge", "entries": 1, "seq": 12341, "from_s": NOW_S - 900_000,
         "to_s": NOW_S - 900_000, "energy_wh": 0, "price_micro_per_kwh": 0, "tariff": "",
         "amount": money(5000), "amount_nano": "50000000000", "order": "ord-1", "who": "cloud",
         "why": "=1+1, \"so\""},
        {"kind": "charge", "entries": 31, "seq": 12342, "from_s": NOW_S - 2_700_000,
         "to_s": NOW_S - 100_000, "energy_wh": 1250, "price_micro_per_kwh": 538000,
         "tariff": "flat 2026", "amount": money(-68), "amount_nano": "-672500000", "order": "",
         "who": "prepayd", "why": "midnight"}]}

def of_water(row):
    """The row as the daemon tells it of a supply of water."""
    names = {"energy_wh": "volume_l", "price_micro_per_kwh": "price_micro_per_m3"}
    return {**{names.get(name, name[:-3] + "_l" if name.endswith("_wh") else name): value
               for name, value in row.items()}, "circuit": "water", "medium": "water"}


# Every kind of entry; the balance goes on from 0, the time once goes back.
EXPORT, _balance = [], 0
for _n, (_kind, _nano, _wh) in enumerate([
        ("opening", 20_000_000_000, 0), ("recharge", 50_000_000_001, 0), ("charge", -672_500_000, 1250),
        ("reversal", -1_000_000_000, 0), ("cash", 5_000_000_000, 0), ("house", 0, 10),
        ("quarantine", 0, 77), ("write-off", 0, 5), ("adjustment", 1, 0), ("charge", -538_000_000, 1000),
        ("rounding", -2, 0), ("standing", -1_130_000_000, 0), ("tax", -87_000_000, 0),
        ("closing", -71_789_500_000 - 1_000_000_000 + 1_217_000_000, 0)]):
    _balance += _nano
    EXPORT.append({
        "seq": _n + 1, "at_s": NOW_S + 86400 * (_n if _n != 7 else 2), "trusted": True, "account": 1,
        "room": "305 a:b", "kind": _kind, "circuit": "sockets" if _wh else "", "energy_wh": _wh,
        "from_wh": 0, "to_wh": _wh, "price_micro_per_kwh": 538000 if _kind == "charge" else 0,
        "tariff": "flat; 2026" if _kind == "charge" else "", "amount_nano": str(_nano),
        "tax_nano": {"standing": "-130000000", "tax": "-87000000"}.get(_kind, "0"),
        "balance_nano": str(_balance), "refers": 0, "order": f"ord-{_n}) x" if _kind == "recharge" else "",
        "who": "li", "why": "date:no [2026/99/99] ; = @ * (so)" if _n % 2 else ""})

ORDERS = [
    {"mRID": f"ord-2026-12-02-00012{i}", "room": "305", "type": "CreditRegister",
     "amount": money(5000), "amount_nano": "50000000000", "result": result, "detail": detail,
     "received_s": NOW_S - 60 * i, "seq": 12341 if result == "applied" else None}
    for i, (result, detail) in enumerate([("applied", ""), ("rejected", "bad signature"),
                                          ("duplicate", "known already")])]

DEVICES = [
    {"line": "A", "address": n, "model": "eastron-sdm120", "rooms": [f"1{n:02d}"],
     "state": {5: "dead", 6: "unknown"}.get(n, "alive"), "age_s": {5: 4000, 6: None}.get(n, 2),
     **figures(40 if n == 5 else 0, quiet=n == 6), "turnaround_us": 14250 if n != 6 else None}
    for n in range(1, 9)]

METER = {
    **DEVICES[4], "title": "SDM120-Modbus", "vendor": "Eastron", "confidence": "high", "line_state": "ok",
    "points": [{"room": "105", "circuit": "sockets", "channel": 1, "relay": None, "register_wh": 1234567,
                "age_s": 4000, "serial": "19010203", "quarantine": None},
               {"room": "105", "circuit": "ac", "channel": None, "relay": 1, "register_wh": None,
                "age_s": None, "serial": None, "quarantine": "leap"}]}

MODELS = [
    {"name": "dzt6001", "vendor": "DZT", "title": "6001", "kind": "meter", "confidence": "low", "phases": 1,
     "channels": 1, "relay": False},
    {"name": "wb-mr6c-v3", "vendor": "Wiren Board", "title": "WB-MR6C v.3", "kind": "relay", "confidence": "high",
     "phases": None, "channels": 6, "relay": True}]


def found(address, sure, model=None, **more):
    return {"address": address, "settings": "9600 8N1", "clash": False, "sure": sure, "model": model,
            "kind": "meter" if model else "unknown", "others": [], "serial": None, "channels": 1, "relay": False,
            **more}


RUNNING = {"line": "A", "kind": "scan", "state": "running", "detail": "", "done": 100, "total": 741, "elapsed_s": 20,
           "remaining_s": 128, "found": 1, "settings": "9600 8N1", "rows": []}
SCAN = {**RUNNING, "state": "done", "done": 741, "remaining_s": 0, "found": 6, "rows": [
    found(4, "likely", "eastron-sdm120", serial=19010203),
    found(5, "weak", "hiking-dds238", others=["hiking-dds238-sr"], relay=True),
    found(6, "unknown", settings="2400 8N1"), found(7, "unknown", clash=True),
    found(8, "sure", "wb-map3e", channels=3), found(9, "weak", "wb-mr6c-v3", kind="relay", channels=6, relay=True)]}
TEST = {**RUNNING, "kind": "test", "state": "done", "grade": "watch", "noise_bytes": 3, "echo": False, "findings": [
    {"fault": "noise", "grade": "watch", "address": None, "count": 3, "of": 0, "text": "bytes are heard",
     "advice": "Put bias resistors at the adapter, one 120 ohm terminator at each end and at no other place. " * 3},
    {"fault": "absent", "grade": "bad", "address": 5, "count": 20, "of": 20, "text": "it never answers",
     "advice": "Is it powered?"}], "rows": [
    {"address": n, "rooms": [f"1{n:02d}"], "good": 20 if n != 5 else 0, "exceptions": 0,
     "timeouts": 0 if n != 5 else 20, "crc_errors": 0, "garbled": 0, "fastest_us": 8000 if n != 5 else None,
     "slowest_us": 25000 if n != 5 else None} for n in range(3, 7)]}


def trial_row(room, energy_wh, charged_nano, trial_nano, shared_wh):
    return {"room": room, "energy_wh": energy_wh, "shared_wh": shared_wh,
            "charged": money(charged_nano // 10**7), "charged_nano": str(charged_nano),
            "trial": money(trial_nano // 10**7), "trial_nano": str(trial_nano),
            "difference": money((trial_nano - charged_nano) // 10**7),
            "difference_nano": str(trial_nano - charged_nano)}


TARIFFS = [
    {"id": 1, "name": "flat 2026", "state": "current", "activation_s": NOW_S - 8_000_000,
     "price_micro_per_kwh": 538000, "text": "[tariff]\nname = flat 2026\n[energy]\nprice = 0.538\nmove-in = whole\n[tax]\nrate = 13\n"},
    {"id": 2, "name": "flat 2027", "state": "staged", "activation_s": NOW_S + 2_500_000,
     "price_micro_per_kwh": 550000,
     "text": "# as decided\n[energy]\nblocks = 100, 200   ; kWh\nprice = 0.55\n[tariff]\nname = flat 2027\n"}]

ALARMS = [
    {"id": 7, "kind": "meter-silent", "subject": "room 111", "severity": "warning",
     "since_s": NOW_S - 240, "cleared_s": None, "acknowledged_by": None,
     "detail": "no answer in 3 polls; supply held"},
    {"id": 6, "kind": "relay-armed", "subject": "room 113 sockets", "severity": "critical",
     "since_s": NOW_S - 7200, "cleared_s": None, "acknowledged_by": "li",
     "detail": "found open, nobody here opened it; a person confirms"}]

QUARANTINE = [
    {"id": 3, "room": "112", "circuit": "sockets", "reason": "register fell",
     "baseline_wh": 1234567, "reading_wh": 0, "opened_s": NOW_S - 600, "closed_s": None,
     "state": "open", "pending_wh": 30, "decided_by": ""}]

DECISION = {"room": "112", "circuit": "sockets", "kind": "charge", "from_wh": 1234567, "to_wh": 1246912,
            "energy_wh": 12345, "amount": money(-618), "amount_nano": "-6172500000",
            "life_ended": False, "baseline_wh": 1246912, "balance": money(1382),
            "balance_nano": "13827500000", "dry_run": False}


def default(verb, args):
    """The answer to a verb, as {data...} or {problem...}."""
    if verb == "room.list":
        return {"data": {"rows": rooms()}}
    if verb in ("room.show", "relay.set", "relay.connect", "relay.lockout", "relay.release"):
        found = [r for r in rooms() if r["room"] == args["room"]]
        if not found:
            return problem("not-found", f"room {args['room']}: no such room", 4)
        if verb == "room.show":
            return {"data": {**found[0], "tenancy": "T-77",
                             "notice": {"earliest_s": NOW_S + 600} if args["room"] == "107" else None,
                             "hold": {"reason": "clock", "running_s": 3600}
                             if args["room"] == "107" else None,
                             "last_entries": ENTRIES}}
        return {"data": {"supplies": found[0]["supplies"]}}
    simple = {
        "version": {"version": "0.1.0", "protocol": 1, "schema": 1},
        "status": STATUS, "uplink.status": UPLINK,
        "line.list": {"rows": LINES}, "line.show": LINES[0],
        "line.scan": {**SCAN, "rows": SCAN["rows"][:1]}, "line.test": TEST, "line.survey": SCAN, "line.cancel": SCAN,
        "model.list": {"rows": MODELS}, "meter.list": {"rows": DEVICES}, "meter.show": METER,
        "meter.read": {"values": {"energy_import_wh": 1234567, "power_w": 312,
                                  "voltage_l1_mv": 231240, "relay_closed": 1},
                       "raw": [0, 18, 54919, 312], "turnaround_us": 14250},
        "credit.list": {"rows": ORDERS},
        "credit.show": {**ORDERS[0], "kid": "k1", "payload": "{}", "receipt": {"seq": 12341}},
        "credit.import": {"results": [{"mRID": o.get("mRID", "?"), "result": "applied",
                                       "detail": ""} for o in args.get("orders", [])]},
        "credit.add": {"room": "101", "balance": money(3407), "balance_nano": "34075678901"}, "room.add": {}, "room.remove": {},
        "room.import": {"rows": len(args.get("rows", []))},
        "ledger.tail": {"rows": ENTRIES},
        "ledger.settle": {"rooms": 64, "energy_wh": 51234, "amount": money(-2757),
                          "amount_nano": "-27563892000"},
        "hold.list": {"rows": [{"room": "107", "owner": "li", "reason": "reading disputed",
                                "from_s": NOW_S, "until_s": NOW_S + 86400}]},
        "hold.set": {}, "hold.release": {},
        "room.persons": {"room": "305", "persons": 4},
        "dated.list": {"rows": [{"room": "107", "rule": "standing", "first": "2026-11-01",
                                 "last": "2026-11-05", "days": 5, "amount": money(250),
                                 "amount_nano": "2500000000", "held": True}]},
        "dated.confirm": {"days": 5}, "dated.waive": {"days": 5},
        **{verb: MOVED for verb in ("tenancy.begin", "tenancy.end", "tenancy.transfer", "adjust",
                                    "write_off")},
        "explain": {"room": "305", "balance": money(1382), "balance_nano": "13827500000",
                    "pending": {"energy_wh": 120, "amount": money(-7), "amount_nano": "-64560000"},
                    "rows": [{**entry, "from_s": entry["at_s"] - 21600, "to_s": entry["at_s"],
                              "band": None, "block": 1, "tariff_id": 1, "tariff": "flat 2026",
                              "rule": "metered"}
                             for entry in ENTRIES if entry["kind"] == "charge"]},
        "statement": STATEMENT,
        "ledger.export": {"site": "S-0042", "monetaryUnit": 156, "digits": 2, "energy": False,
                          "rows": EXPORT},
        "ledger.verify": {"entries": 12345, "ok": True, "first_bad": None, "detail": "",
                          "head": "ab" * 32},
        "ledger.backup": {"file": "/var/lib/prepay/backup/ledger-2026-12-02.db",
                          "bytes": 4404019, "sha256": "cd" * 32},
        "quarantine.list": {"rows": QUARANTINE},
        "quarantine.show": {**QUARANTINE[0], "register_wh": 1240000, "age_s": 3, "serial": None},
        "quarantine.accept": DECISION, "quarantine.reject": {**DECISION, "kind": "write-off"},
        "meter.exchange": {**DECISION, "life_ended": True},
        "tariff.trial": {
            "name": "flat 2027", "month": "2026-10", "from_s": NOW_S - 4_000_000, "to_s": NOW_S - 1_300_000,
            "total": trial_row("", 131_072, 70_516_736_000, 73_400_320_000, 1024),
            "rows": [trial_row("305", 100_000, 53_800_000_000, 56_000_000_000, 0),
                     trial_row("=306", 31_072, 16_716_736_000, 17_400_320_000, 1024)]},
        "tariff.show": {"rows": TARIFFS}, "tariff.check": TARIFFS[1], "tariff.apply": TARIFFS[1],
        "audit.list": {"rows": [{"id": 9, "at_s": NOW_S, "trusted": True, "uid": 1000, "who": "li", "verb": "credit.add",
                                 "what": '{"room":"305"}', "why": "cash"}]},
        "alarm.list": {"rows": ALARMS}, "alarm.acknowledge": {},
        "cuts.list": {"held": True, "reason": "12 rooms newly due in 10 min", "since_s": NOW_S - 60,
                      "rows": [{"room": "107", "balance": money(-4), "balance_nano": "-30000001",
                                "due_s": NOW_S + 600}]},
        "cuts.confirm": {},
    }
    if verb in simple:
        return {"data": simple[verb]}
    return problem("usage", f"verb {verb}: unknown", 2)


class Daemon:
    """answers[verb]: an answer, or a function of args; None: never answers. page: rows a page."""

    def __init__(self, path, page=20):
        self.path, self.page = path, page
        self.answers, self.asked, self.clients = {}, [], []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(path)
        self.server.listen(8)
        self.running = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.running:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client.makefile("rb") as lines:
                for line in lines:
                    self.answer(client, json.loads(line))
        except OSError:
            pass

    def answer(self, client, request):
        verb, args = request["verb"], request.get("args", {})
        self.asked.append((verb, args))
        answer = self.answers[verb] if verb in self.answers else default(verb, args)
        if callable(answer):
            answer = answer(args)
        if answer is None:
            return
        if isinstance(answer, bytes):
            client.sendall(answer)
            return
        reply = {"v": 1, "id": request["id"], **answer}
        rows = reply.get("data", {}).get("rows")
        if isinstance(rows, list) and len(rows) > self.page:
            start = int(args.get("cursor", "0"))
            reply["data"] = {**reply["data"], "rows": rows[start:start + self.page]}
            if start + self.page < len(rows):
                reply["more"] = str(start + self.page)
        client.sendall(json.dumps(reply, ensure_ascii=False).encode() + b"\n")

    def close(self):
        self.running = False
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for client in self.clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            client.close()
        os.unlink(self.path)


if __name__ == "__main__":
    import sys

    Daemon(sys.argv[1])
    threading.Event().wait()
