"""What the simulated cloud knows, in memory: the feed it offers and what the box reported."""

import json
import threading
import time

import contract

HISTORIES = {"orders", "decisions", "receipts", "grants"}


class Store:
    """All methods are thread-safe; `changed` is notified when the feed grows or a fault is set."""

    def __init__(self):
        self.changed = threading.Condition()
        self.items = []
        self.generation = 1          # part of every cursor; a new one makes old cursors unknown
        self.received = {"receipts": [], "events": []}
        self.by_key = {}
        self.violations = []
        self.requests = {}           # by path or status word: how many
        self.faults = []             # one-shot faults, first match wins
        self.poison = []             # rules that refuse events for good
        self.max_events = 256
        self.server_wait = 0
        self.tells_known = True
        self.clocks = []             # (Prepay-Clock, Prepay-Boot) of the last requests

    # --- feed ---

    def add_items(self, items):
        with self.changed:
            self.items += items
            self.changed.notify_all()
            return self._cursor(len(self.items))

    def _cursor(self, position):
        return f"g{self.generation}-{position}"

    def forget_cursors(self):
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    def position(self, cursor):
        """Where a cursor points, or None when it is not known."""
        if cursor == "0":
            return 0
        generation, _, position = cursor.partition("-")
        if generation != f"g{self.generation}" or not position.isdigit() or int(position) > len(self.items):
            return None
        return int(position)

    def wait_for_items(self, cursor, limit, wait_s, stopped):
        """The answer of the contract, or None for an unknown cursor."""
        end = time.monotonic() + wait_s
        with self.changed:
            while True:
                start = self.position(cursor)
                if start is None:
                    return None
                left = end - time.monotonic()
                if start < len(self.items) or left <= 0 or stopped():
                    break
                self.changed.wait(min(left, 0.2))
            items = self.items[start:start + limit]
            answer = {"cursor": self._cursor(start + len(items)), "more": start + len(items) < len(self.items),
                      "items": items, "unknownField": {"ignored": True}}
            if self.by_key and self.tells_known:
                answer["known"] = dict(zip(("epoch", "through"), max(self.by_key)))
            if self.server_wait:
                answer["wait"] = self.server_wait
            return answer

    # --- receipts and events ---

    def _poisoned(self, event):
        text = json.dumps(event)
        for rule in self.poison:
            if rule["match"] in text:
                return rule
        return None

    def take(self, path, content):
        """Stores what the box reports. Returns (HTTP status, answer)."""
        with self.changed:
            found, events = contract.check_request(path, content)
            self.violations += found
            if found:
                return 400, None
            if len(events) > self.max_events:
                return 413, None
            rules = [self._poisoned(event) for event in events]
            for rule in rules:
                if rule and rule["how"] == "batch":
                    return rule["status"], None
            rows = [self._take_one(path, content["epoch"], event, rule) for event, rule in zip(events, rules)]
            done = [row["seq"] for row in rows if row["status"] < 300]
            return 200, {"acceptedThrough": max(done, default=0), "results": rows}

    def _take_one(self, path, epoch, event, rule):
        if rule:
            return {"seq": event["seq"], "status": rule["status"], "type": "urn:prepay:problem:poison"}
        key, text = (epoch, event.get("seq")), json.dumps([path, event], sort_keys=True)
        if key in self.by_key:
            known = self.by_key[key]
            known["repeats"] += 1
            if known["text"] != text:
                self.violations.append(f"{path} {key}: other content than the first time")
            return {"seq": event["seq"], "status": 208}
        self.violations += contract.check_event(path, event)
        known = {"epoch": epoch, "seq": event.get("seq"), "type": event.get("type"), "at": event.get("at"),
                 "body": event.get("body"), "arrived": time.time(), "repeats": 0, "text": text}
        self.by_key[key] = known
        self.received[path].append(known)
        return {"seq": event["seq"], "status": 200}

    # --- checkpoints ---

    def checkpoint(self):
        """The last whole one of the latest epoch, put together as the contract says; None: there is none."""
        with self.changed:
            told = sorted((row for row in self.received["events"] if row["type"] == "checkpoint"),
                          key=lambda row: (row["epoch"], row["seq"]))
            heads = [row for row in told if row["body"]["section"] == "head"]
            seen = max((epoch for epoch, _ in self.by_key), default=0)
        if not heads:
            return None
        last = heads[-1]
        sections = {about["name"]: {} for about in last["body"]["sections"]}
        for row in told:
            if row["epoch"] == last["epoch"] and row["seq"] < last["seq"]:
                parts = sections.setdefault(row["body"]["section"], {})
                if row["body"]["section"] != "head":
                    parts.setdefault(row["body"]["checkpoint"], []).extend(row["body"]["rows"])
        sections.pop("head", None)
        wanted = {about["name"]: about["rows"] for about in last["body"]["sections"]}
        rows = {name: self._section(name, parts, wanted.get(name, 0)) for name, parts in sections.items()}
        return {"head": last["body"], "epoch": seen, "sections": rows}

    @staticmethod
    def _section(name, parts, wanted):
        """A history is everything in order; a state is what was told of it last."""
        if name in HISTORIES:
            return [row for number in sorted(parts) for row in parts[number]]
        return parts[max(parts)] if parts and wanted else []

    # --- faults ---

    def count(self, name):
        with self.changed:
            self.requests[name] = self.requests.get(name, 0) + 1

    def add_fault(self, fault):
        with self.changed:
            self.faults.append(dict(fault, times=fault.get("times", 1)))
            self.changed.notify_all()

    def take_fault(self, path):
        with self.changed:
            for fault in self.faults:
                if fault.get("path", path) == path and fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None

    def state(self):
        with self.changed:
            kept = {path: [{k: v for k, v in row.items() if k != "text"} for row in rows]
                    for path, rows in self.received.items()}
            return {"items": len(self.items), "cursor": self._cursor(len(self.items)), "requests": dict(self.requests),
                    "receipts": kept["receipts"], "events": kept["events"], "violations": list(self.violations),
                    "faults_left": sum(fault["times"] for fault in self.faults), "clocks": self.clocks[-5:]}
