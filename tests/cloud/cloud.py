#!/usr/bin/python3
"""The property manager's cloud, simulated: serves uplink/api/openapi.yaml over HTTPS with client
certificates, and an administration port (plain HTTP on loopback) through which tests feed it, read what
it received and break it. Everything is in memory. See cloud_client.py for the tests' side.

    cloud.py --dir DIR [--site S-0001] [--port N] [--admin-port N]

Prints one line of JSON when it serves: {"url", "admin", "ca", "certificate", "key"}.
"""

import argparse
import gzip
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import zlib

import pki
from store import Store

PROBLEM = "application/problem+json"
BOMB_BYTES = 64 * 1024 * 1024
WEIRD_DATE = "Thu, 01 Jan 2009 00:00:00 GMT"


def http_date(offset_s=0):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + offset_s))


class Connections:
    """The HTTPS side: may stop listening and drop every connection, and listen again on the same port."""

    def __init__(self, folder, port, store, site):
        self.folder, self.store, self.site = folder, store, site
        self.port = port
        self.lock = threading.Lock()
        self.open = set()
        self.listener = None
        self.reserved = None         # the port while nobody listens at it
        self.certificate = "server"
        self.epoch = 0               # of the outage that is counted
        self.listen()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        base = os.path.join(self.folder, self.certificate)
        context.load_cert_chain(base + ".crt", base + ".key")
        context.load_verify_locations(os.path.join(self.folder, "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def listen(self):
        with self.lock:
            if self.listener is not None:
                return
            listener, self.reserved = self.reserved or self.bind(), None
            listener.listen(32)
            self.listener, self.port = listener, listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def bind(self):
        """A socket at our port that refuses connections until it listens."""
        bound = socket.socket(socket.AF_INET)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        return bound

    def accept(self, listener):
        while True:
            try:
                plain, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain, address), daemon=True).start()

    def serve(self, plain, address):
        connection = plain
        try:
            self.admit(plain)
            self.store.count("connections")
            plain.settimeout(20)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self.context().wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self.admit(connection)
            connection.do_handshake()
            connection.settimeout(None)
            Handler(connection, address, self)
        except (OSError, ValueError):
            self.store.count("broken_connections")
        finally:
            with self.lock:
                self.open.discard(plain)
                self.open.discard(connection)
            try:
                connection.close()
            except OSError:
                pass

    def admit(self, connection):
        """Counts it among those that cut() ends; a cut may have come while it was on its way here."""
        with self.lock:
            self.open.add(connection)
            if self.listener is None:
                raise ConnectionResetError("cut off")

    def cut(self):
        with self.lock:
            listener, self.listener = self.listener, None
            connections = list(self.open)
            if listener is not None:
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
                self.reserved = self.bind()  # or the port, being free, is given to another program
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def outage(self, seconds):
        """Cut off for that long; 0: back at once."""
        with self.lock:
            self.epoch += 1
            epoch = self.epoch
        if seconds > 0:
            self.cut()
            timer = threading.Timer(seconds, lambda: self.listen() if epoch == self.epoch else None)
            timer.daemon = True
            timer.start()
        else:
            self.listen()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. The faults of one request come from the store."""

    protocol_version = "HTTP/1.1"
    server_version = "simulated-cloud"
    sys_version = ""
    date = None

    @property
    def store(self):
        return self.server.store

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return self.date or http_date()

    def send(self, status, content, kind="application/json", headers=(), cut_at=None, pause_s=0):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if pause_s:
            for i in range(len(body)):
                self.wfile.write(body[i:i + 1])
                self.wfile.flush()
                time.sleep(pause_s)
            return
        self.wfile.write(body[:cut_at])
        self.wfile.flush()
        if cut_at is not None:
            self.drop()

    def problem(self, status, title, headers=()):
        self.send(status, {"type": "about:blank", "title": title, "status": status}, PROBLEM, headers)

    def drop(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def parts(self):
        """(path word, query) of this site's paths, or (None, None) after an answer."""
        url = urllib.parse.urlsplit(self.path)
        words = url.path.split("/")
        if words[:3] != ["", "v1", "sites"] or len(words) != 5:
            self.store.count("unknown")
            self.problem(404, "not built here")
            return None, None
        if urllib.parse.unquote(words[3]) != self.server.site:
            self.problem(403, "another site")
            return None, None
        self.store.count(words[4])
        self.store.clocks.append([self.headers.get("Prepay-Clock"), self.headers.get("Prepay-Boot")])
        return words[4], {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}

    def faulty(self, path, answer):
        """Plays the next fault of that path. True when the request is over. answer() makes the good one."""
        fault = self.store.take_fault(path)
        self.date = None
        if fault is None:
            return False
        kind = fault["kind"]
        self.store.count("fault_" + kind)
        if kind == "drop":              # read and acted upon, never answered
            answer()
            self.drop()
        elif kind == "drop-unread":     # read, not acted upon
            self.drop()
        elif kind == "drop-answer":
            body = json.dumps(answer()[1]).encode()
            self.send(200, body, cut_at=len(body) // 2)
        elif kind == "html":
            self.send(200, b"<html><body>Welcome to the network. Please log in.</body></html>", "text/html")
        elif kind == "html-as-json":
            self.send(200, b"<html>log in</html>")
        elif kind == "redirect":
            self.problem(302, "elsewhere", [("Location", f"https://127.0.0.1:{self.server.port}/elsewhere")])
        elif kind == "status":
            headers = []
            if "retry_after_s" in fault:
                headers.append(("Retry-After", str(fault["retry_after_s"])))
            if "retry_at_s" in fault:   # the date form, against a Date that may be wrong
                offset = fault.get("date_offset_s", 0)
                self.date = http_date(offset)
                headers.append(("Retry-After", http_date(offset + fault["retry_at_s"])))
            self.problem(fault["status"], "asked to", headers)
        elif kind == "big":
            self.send(200, b'{"cursor":"' + b"x" * 10_000_000 + b'"}')
        elif kind == "bomb":
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            body = b"".join(packer.compress(b" " * 65536) for _ in range(BOMB_BYTES // 65536)) + packer.flush()
            self.send(200, body, headers=[("Content-Encoding", "gzip")])
        elif kind == "slow":            # one byte a second
            self.send(200, answer()[1], pause_s=1)
        elif kind == "wrong-date":
            self.date = WEIRD_DATE
            status, content = answer()
            self.send(status, content)
        elif kind == "duplicate-keys":
            self.send(200, b'{"cursor":"0","cursor":"1","items":[],"acceptedThrough":1,"results":[]}')
        elif kind == "duplicate":
            status, content = answer()
            content["items"] = [item for item in content["items"] for _ in range(2)]
            self.send(status, content)
        elif kind == "reorder":
            status, content = answer()
            content["items"] = content["items"][::-1]
            self.send(status, content)
        elif kind == "half-rows":       # only every other event is answered
            status, content = answer()
            content["results"] = content["results"][::2]
            self.send(status, content)
        else:
            self.problem(500, "no such fault")
        return True

    def do_GET(self):
        path, query = self.parts()
        if path is None:
            return
        if path == "checkpoint":
            content = self.store.checkpoint()
            if content is None:
                self.problem(404, "no checkpoint")
            else:
                self.send(200, content)
            return
        if path != "feed":
            self.problem(404, "unsupported")
            return

        def answer():
            content = self.store.wait_for_items(query["after"], int(query["limit"]), int(query["wait"]),
                                                lambda: self.server.listener is None)
            if self.server.listener is None:  # cut off: what it would have said must not slip out
                raise ConnectionResetError("cut off")
            return (200, content) if content is not None else (410, {"title": "cursor unknown"})

        if self.faulty(path, answer):
            return
        status, content = answer()
        if status == 410:
            self.store.count("gone")
            self.problem(410, "cursor unknown")
        else:
            self.send(status, content)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path, _ = self.parts()
        if path is None:
            return
        if path not in ("receipts", "events"):
            self.problem(404, "unsupported")
            return
        if self.headers.get("Content-Encoding") == "gzip":
            self.store.count("gzip")
            body = gzip.decompress(body)
        try:
            content = json.loads(body)
        except ValueError:
            self.store.violations.append(f"{path}: not JSON")
            self.problem(400, "not JSON")
            return
        if self.faulty(path, lambda: self.store.take(path, content)):
            return
        status, answer = self.store.take(path, content)
        if status == 200:
            self.send(status, answer)
        else:
            self.problem(status, "refused")


class Admin(http.server.BaseHTTPRequestHandler):
    """The tests' port; verbs are the methods called do_VERB_NAME below."""

    cloud = None

    def log_message(self, *args):
        pass

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.cloud.store.state())

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        store = self.cloud.store
        result = {}
        if self.path == "/items":
            result = {"cursor": store.add_items(asked["items"])}
        elif self.path == "/fault":
            store.add_fault(asked)
        elif self.path == "/clear":
            with store.changed:
                store.faults, store.poison, store.max_events, store.server_wait = [], [], 256, 0
        elif self.path == "/poison":
            with store.changed:
                store.poison.append(asked)
        elif self.path == "/limits":
            with store.changed:
                store.max_events = asked.get("max_events", store.max_events)
                store.server_wait = asked.get("wait", store.server_wait)
        elif self.path == "/checkpoint":
            result = store.checkpoint() or {}
        elif self.path == "/forget":
            store.forget_cursors()
        elif self.path == "/outage":
            self.cloud.outage(asked["seconds"])
        elif self.path == "/certificate":
            self.cloud.certificate = asked["name"]
            self.cloud.cut()
            self.cloud.listen()
        else:
            result = {"error": "no such verb"}
        self.answer(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, help="where the certificates go")
    parser.add_argument("--site", default="S-0001")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    options = parser.parse_args()

    os.makedirs(options.dir, exist_ok=True)
    if not os.path.exists(os.path.join(options.dir, "ca.pem")):
        pki.make_all(options.dir, options.site)
    cloud = Connections(options.dir, options.port, Store(), options.site)
    Admin.cloud = cloud
    admin = http.server.ThreadingHTTPServer(("127.0.0.1", options.admin_port), Admin)
    admin.daemon_threads = True
    print(json.dumps({"url": f"https://127.0.0.1:{cloud.port}/v1",
                      "admin": f"http://127.0.0.1:{admin.server_address[1]}",
                      "ca": os.path.join(options.dir, "ca.pem"),
                      "certificate": os.path.join(options.dir, "client.crt"),
                      "key": os.path.join(options.dir, "client.key")}), flush=True)
    try:
        admin.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
