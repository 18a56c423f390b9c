"""What the cloud holds every receipt and event against: the shapes of uplink/api/openapi.yaml.

Written from the contract, not from the box. Each check returns a list of violations, as sentences.
"""

RESULTS = {"applied", "duplicate", "quarantined", "rejected", "expired", "unsupported"}
CREDIT = {"OK", "Low", "Exhausted", "Negative"}
SERVICE = {"Connected", "Disconnected", "ArmedForConnect", "ArmedForDisconnect", "NoContactor", "LoadLimited"}


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_money(value):
    return (isinstance(value, dict) and _is_int(value.get("value")) and value.get("multiplier") == -2
            and _is_int(value.get("monetaryUnit")))


def _is_text(value):
    return isinstance(value, str)


def _is_rows(value):
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


def _is_sections(value):
    return isinstance(value, list) and all(set(row) == {"name", "columns", "rows", "sha256"} for row in value)


def _one_of(*names):
    return lambda value: value in names


def _or_null(check):
    return lambda value: value is None or check(value)


# by type: required fields, fields that may be absent
BODIES = {
    "receipt": ({"mRID": _is_text, "result": _one_of(*RESULTS), "detail": _is_text},
                {"ledgerSeq": _or_null(_is_int), "room": _or_null(_is_text), "balance": _or_null(_is_money)}),
    "relay": ({"room": _is_text, "circuit": _is_text, "position": _one_of("open", "closed", "unknown"),
               "verified": _one_of("yes", "no", "load-only", "unproven"), "reason": _is_text},
              {"mRID": _or_null(_is_text)}),
    "roomStatus": ({"room": _is_text, "balance": _is_money, "creditStatus": _one_of(*CREDIT),
                    "serviceStatus": _one_of(*SERVICE)},
                   {"daysLeft": _or_null(_is_int), "pendingCut": _or_null(_is_int)}),
    "notice": ({"room": _is_text, "level": _one_of("low", "notice", "cut", "restored", "warning", "emergency", "protected-end"), "balance": _is_money},
               {"earliest_s": _or_null(_is_int)}),
    "alarm": ({"kind": _is_text, "subject": _is_text, "severity": _one_of("warning", "critical"),
               "detail": _is_text},
              {"since_s": _is_int, "cleared_s": _or_null(_is_int)}),
    "audit": ({"who": _is_text, "verb": _is_text}, {"reason": _is_text}),
    "quarantine": ({"room": _is_text, "reason": _is_text,
                    "state": _one_of("open", "returned", "accepted", "rejected")},
                   {"circuit": _is_text, "medium": _one_of("electricity", "water")}),
    # A part of a checkpoint has rows, its head has sections.
    "checkpoint": ({"checkpoint": lambda value: _is_int(value) and value >= 1, "section": _is_text},
                   {"part": _is_int, "columns": _is_text, "rows": _is_rows, "site": _is_text, "epoch": _is_int,
                    "at_s": _is_int, "trusted": lambda value: isinstance(value, bool), "entries": _is_int,
                    "head": _is_text, "balance_nano": _is_text, "cash_nano": _is_text, "sections": _is_sections}),
    "entry": ({"room": _is_text, "kind": _is_text, "amount_nano": _is_text},
              {"ledgerSeq": _is_int, "energy_wh": _is_int, "volume_l": _is_int}),
}


def check_event(path, event):
    """path is receipts or events."""
    if not isinstance(event, dict):
        return ["an event is not an object"]
    found = []
    seq, kind, body = event.get("seq"), event.get("type"), event.get("body")
    where = f"{path} seq {seq} ({kind})"
    if not _is_int(seq) or seq < 1:
        found.append(f"{where}: seq is not a number of 1 or more")
    if not _is_int(event.get("at")):
        found.append(f"{where}: at is not a number")
    if not isinstance(event.get("trusted"), bool):
        found.append(f"{where}: trusted is not a boolean")
    if not isinstance(body, dict):
        return found + [f"{where}: body is not an object"]
    if kind not in BODIES:
        return found + [f"{where}: unknown type"]
    if (kind == "receipt") != (path == "receipts"):
        found.append(f"{where}: sent to the wrong path")
    required, optional = BODIES[kind]
    for name, check in required.items():
        if name not in body:
            found.append(f"{where}: {name} is missing")
        elif not check(body[name]):
            found.append(f"{where}: {name} is {body[name]!r}")
    for name, check in optional.items():
        if name in body and not check(body[name]):
            found.append(f"{where}: {name} is {body[name]!r}")
    return found


def check_request(path, content):
    """The frame around the events. Returns (violations, events)."""
    if not isinstance(content, dict) or not _is_int(content.get("epoch")) or content["epoch"] < 1:
        return [f"{path}: no epoch"], []
    events = content.get(path)
    if not isinstance(events, list) or not 1 <= len(events) <= 256:
        return [f"{path}: no list of 1 to 256 events"], []
    return [], events
