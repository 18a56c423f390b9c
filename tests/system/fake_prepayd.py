"""prepayd as the messenger sees it: the messenger verbs of concentrator/control.md on a Unix socket.

Its ledger outlives it: stop() and start() are a restart. Arguments are held against the protocol.
"""

import json
import os
import socket
import threading
import time

ARGUMENTS = {
    "link.hello": {"version": str},
    "link.report": {"state": str, "http": int, "rtt_ms": int, "detail": str, "bytes_up": int, "bytes_down": int},
    "link.known": {"epoch": int, "through": int},
    "order.deliver": {"cursor": str, "items": list},
    "outbox.fetch": {"after": int, "limit": int, "wait_ms": int, "lane": int},
    "outbox.acknowledge": {"epoch": int, "through": int, "refused": list},
}
REQUIRED = {
    "link.hello": {"version"},
    "link.report": {"state", "bytes_up", "bytes_down"},
    "link.known": {"epoch", "through"},
    "order.deliver": {"cursor", "items"},
    "outbox.fetch": {"after", "limit", "wait_ms"},
    "outbox.acknowledge": {"epoch", "through"},
}
LINE_MAX = 64 * 1024


class FakePrepayd:
    def __init__(self, path, site="S-0001"):
        self.path, self.site = path, site
        self.changed = threading.Condition()
        self.cursor = ""
        self.orders = {}             # mRID -> (type, p): applied once
        self.applied_at = {}         # mRID -> monotonic
        self.outbox = []             # rows; seq is the index + 1
        self.acknowledged = 0
        self.refused = []
        self.reports = []
        self.violations = []
        self.delivers = 0
        self.refuse_next = []        # problem types for the next order.deliver
        self.listener = None
        self.connections = set()
        self.running = False

    # --- life ---

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.running = True
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        with self.changed:
            self.running = False
            self.changed.notify_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        lock = threading.Lock()
        try:
            for line in connection.makefile("rb"):
                request = json.loads(line)
                if len(line) > LINE_MAX:
                    self.violations.append(f"a line of {len(line)} bytes")
                if request["verb"] == "outbox.fetch":
                    threading.Thread(target=self._answer, args=(connection, lock, request), daemon=True).start()
                else:
                    self._answer(connection, lock, request)
        except (OSError, ValueError):
            pass
        self.connections.discard(connection)
        connection.close()

    def _answer(self, connection, lock, request):
        verb, args = request["verb"], request.get("args", {})
        answer = {"v": 1, "id": request["id"]}
        known = ARGUMENTS.get(verb, {})
        for name, value in args.items():
            if not isinstance(value, known.get(name, ())):
                self.violations.append(f"{verb}: argument {name}={value!r}")
        for name in REQUIRED.get(verb, {"?"}) - set(args):
            self.violations.append(f"{verb}: {name} is missing")
        result = getattr(self, "_" + verb.replace(".", "_"))(args)
        answer["problem" if "type" in result else "data"] = result
        line = json.dumps(answer).encode() + b"\n"
        assert len(line) <= LINE_MAX
        with lock:
            try:
                if self.running:
                    connection.sendall(line)
            except OSError:
                pass

    # --- verbs ---

    def _link_hello(self, args):
        return {"site": self.site, "epoch": 1, "feed_cursor": self.cursor, "outbox_cursor": self.acknowledged,
                "boot": "0" * 32, "clock": {"now_s": int(time.time()), "trusted": True}}

    def _link_report(self, args):
        if len(args.get("detail", "x")) > 128:
            self.violations.append("link.report: detail is longer than 128")
        with self.changed:
            self.reports.append(args)
            self.changed.notify_all()
        return {}

    def _link_known(self, args):
        if args["epoch"] != 1 or args["through"] > len(self.outbox):
            self.violations.append(f"link.known: {args}")
        return {"again": False}

    def _order_deliver(self, args):
        results = []
        with self.changed:
            if self.refuse_next:
                return {"type": "urn:prepay:problem:" + self.refuse_next.pop(0), "title": "asked to", "exit": 9}
            self.delivers += 1
            for item in args["items"]:
                if set(item) != {"type", "mRID", "kid", "p", "sig"}:
                    self.violations.append(f"an item with {sorted(item)}")
                results.append({"mRID": item["mRID"], "result": self._take(item), "detail": ""})
            self.cursor = args["cursor"]
            self.changed.notify_all()
        return {"results": results}

    def _take(self, item):
        known = self.orders.get(item["mRID"])
        if item["type"] not in ("CreditRegister", "KeysetOffer"):
            result = "unsupported"
        elif known is None:
            self.orders[item["mRID"]] = (item["type"], item["p"])
            self.applied_at[item["mRID"]] = time.monotonic()
            result = "applied"
        else:
            result = "duplicate" if known == (item["type"], item["p"]) else "rejected"
        self._append(0, "receipt", {"mRID": item["mRID"], "result": result, "detail": ""})
        return result

    def _append(self, lane, kind, body):
        self.outbox.append({"seq": len(self.outbox) + 1, "lane": lane, "type": kind, "at_s": int(time.time()),
                            "trusted": True, "body": body})

    def _outbox_fetch(self, args):
        end = time.monotonic() + args["wait_ms"] / 1000
        with self.changed:
            while self.running and len(self.outbox) <= args["after"] and time.monotonic() < end:
                self.changed.wait(0.2)
            rows, size = [], 0
            for row in self.outbox[args["after"]:args["after"] + args["limit"]]:
                size += len(json.dumps(row)) + 2
                if size > LINE_MAX - 1024:
                    break
                rows.append(row)
            return {"epoch": 1, "rows": rows}

    def _outbox_acknowledge(self, args):
        with self.changed:
            if not self.acknowledged <= args["through"] <= len(self.outbox):
                self.violations.append(f"acknowledged {args['through']} after {self.acknowledged}")
            self.acknowledged = args["through"]
            self.refused += args.get("refused", [])
            self.changed.notify_all()
        return {}

    # --- for the tests ---

    def emit(self, kind, body, lane=1):
        """Commits an event; returns its seq."""
        with self.changed:
            self._append(lane, kind, body)
            self.changed.notify_all()
            return len(self.outbox)

    def wait(self, condition, seconds=10):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"not within {seconds} s; acknowledged {self.acknowledged} of {len(self.outbox)}, "
                                   f"cursor {self.cursor}, last report {self.reports[-1:]}")
