"""A prepayd in a folder of its own, its control socket spoken raw, and what it must never say.

    with Box(PROGRAMS, {"line A": {"port": building.port("A")}}) as box:
        box.start()
        box.ask("room.show", room="305")        the data, or Refused with the problem
        box.cli("room", "list")                 the finished process of the CLI
        box.stop()                              its exit code

Every path lies in the folder; nothing of the machine's own installation is read. A program built with a sanitizer
ends with another exit code and a report when it finds something: stop() and finish() look for both.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 30  # for what takes a moment; several times that much under a sanitizer is still in time

# What a crash looks like on the standard error.
CRASHES = ("Sanitizer", "runtime error", "Assertion", "assert", "Traceback", "core dumped", "Segmentation",
           "stack smashing", "double free", "corrupted", "buffer overflow")

POLICY = {
    "low_minor": 200, "notice_s": 1, "stage_s": 1, "settle_s": 2, "stale_s": 15, "mass_cut_min": 20,
    "change_hold_s": 0, "close_stagger_ms": 0, "cash": "yes",
}


class Refused(Exception):
    """A problem came instead of data."""

    def __init__(self, verb, problem):
        self.problem = problem
        self.exit = problem["exit"]
        super().__init__(f"{verb}: {problem}")


class BoxError(Exception):
    """prepayd did not do what the test waits for."""


class Client:
    """One connection, with no opinion about what is sent over it."""

    def __init__(self, path, seconds=PATIENCE_S):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.pending = b""
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next line as JSON; None at the end of the connection."""
        while b"\n" not in self.pending:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def call(self, verb, args):
        """The whole answer to one request."""
        self.id += 1
        self.send(json.dumps({"v": 1, "id": self.id, "verb": verb, "args": args}).encode() + b"\n")
        try:
            return self.receive()
        except TimeoutError:
            raise BoxError(f"{verb}: no answer in time to {args!r:.500}") from None

    def ask(self, verb, **args):
        answer = self.call(verb, args)
        if answer is None:
            raise BoxError(f"{verb}: the connection ended without an answer")
        if "problem" in answer:
            raise Refused(verb, answer["problem"])
        return answer["data"]


class Box:
    def __init__(self, prepayd, prepay, sections=None, folder=None, store=None, wrapper=()):
        """sections: {section: {key: value}} beside the ordinary ones; store: another folder for the ledger;
        wrapper: words before the program."""
        self.prepayd, self.prepay = prepayd, prepay
        self.folder = folder or tempfile.mkdtemp(prefix="prepay-box-")
        self.store = store or self.folder
        self.wrapper = list(wrapper)
        self.config = os.path.join(self.folder, "prepay.conf")
        self.socket = os.path.join(self.folder, "s")
        self.ledger = os.path.join(self.store, "ledger.db")
        self.roots = os.path.join(self.folder, "roots")
        self.models = os.path.join(self.folder, "meters")
        for path in (self.roots, self.models):
            os.makedirs(path, mode=0o755, exist_ok=True)
        self.sections = {
            "site": {"id": "S-0001", "zone": "Asia/Shanghai", "currency": 156},
            "store": {"ledger": self.ledger, "backup": os.path.join(self.store, "backup")},
            "control": {"socket": self.socket},
            "meters": {"models": os.path.join(SOURCE, "meters", "models"), "models_local": self.models},
            "trust": {"roots": self.roots},
            "clock": {"trust": "always"},
            "policy": dict(POLICY),
        }
        for name, keys in (sections or {}).items():
            self.sections.setdefault(name, {}).update(keys)
        self.write()
        self.process = None
        self.log_path = os.path.join(self.folder, "log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- the configuration ---

    def text(self):
        return "".join(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) + "\n"
                       for name, keys in self.sections.items())

    def write(self, text=None):
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(self.text() if text is None else text)
        return self.config

    # --- life ---

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, self.prepayd, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait("prepayd listens", self.listens)
        return self

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(self.socket)
                return True
            except OSError:
                return False

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        """SIGTERM. The exit code: 0 is as it should; a report of a crash is an error."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self.process = None
        check_words(self.log())
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.running:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, what, condition, seconds=PATIENCE_S, every=0.05):
        """Until condition() is true; returns what it returned."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if not self.running:
                raise BoxError(f"prepayd ended with {self.process.returncode} while waiting until {what}\n{self.log()}")
            if time.monotonic() > end:
                raise BoxError(f"not within {seconds} s: {what}\n{self.log()[-3000:]}")
            time.sleep(every)

    def finish(self, *words, config=None, env=None):
        """Runs prepayd that is expected to end by itself: (exit code, what it said)."""
        done = subprocess.run([self.prepayd, "--config", config or self.config, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                              timeout=PATIENCE_S, check=False, env=env)
        check_words(done.stdout)
        return done.returncode, done.stdout

    # --- asking ---

    def client(self):
        return Client(self.socket)

    def ask(self, verb, **args):
        with self.client() as client:
            return client.ask(verb, **args)

    def pages(self, verb, **args):
        """All rows of a list verb, however many pages they come in."""
        rows = []
        with self.client() as client:
            while True:
                answer = client.call(verb, args)
                if "problem" in answer:
                    raise Refused(verb, answer["problem"])
                rows += answer["data"]["rows"]
                if answer.get("more") is None:
                    return rows
                args["cursor"] = answer["more"]

    def cli(self, *words, text=None):
        """prepay --config FILE WORDS, finished. text is its standard input."""
        done = subprocess.run([self.prepay, "--config", self.config, *map(str, words)], input=text or "",
                              capture_output=True, encoding="utf-8", timeout=PATIENCE_S * 2, check=False)
        check_words(done.stderr)
        return done

    def json(self, *words, text=None):
        done = self.cli("--json", *words, text=text)
        if done.returncode != 0:
            raise BoxError(f"prepay {' '.join(map(str, words))}: {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)["data"]

    def rooms(self):
        return {row["room"]: row for row in self.ask("room.list")["rows"]}

    def alarms(self):
        """The kinds of the alarms that are on."""
        return {row["kind"] for row in self.ask("alarm.list")["rows"] if row["cleared_s"] is None}


def check_words(text):
    for word in CRASHES:
        if word in text:
            raise BoxError(f"`{word}` in what the program said:\n{text[-6000:]}")
