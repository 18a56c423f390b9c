"""A client of the building simulator: starts it, asks it, ends it.

    with Building("build/tests/building/prepay-building", folder, standard=64, factor=600) as building:
        building.run("load A/1 1500")
        building.truth()["A/1"]["register_wh"]

Standard library only. The commands are listed in tests/building/command.h.
"""

import json
import os
import socket
import subprocess
import time


class BuildingError(Exception):
    """The simulator did not start, or refused a command."""


class Building:
    def __init__(self, program, folder, config=None, standard=None, factor=1, seed=1, opening=None,
                 stderr=None):
        """config is the text of a configuration; standard a number of meters. One of them."""
        self.folder = os.path.abspath(folder)
        self.socket = None
        self.pending = b""
        os.makedirs(self.folder, exist_ok=True)
        command = [program, "--dir", self.folder, "--factor", str(factor), "--seed", str(seed),
                   "--with-parent"]
        if config is not None:
            path = os.path.join(self.folder, "given.conf")
            with open(path, "w", encoding="utf-8") as out:
                out.write(config)
            command += ["--config", path]
        else:
            command += ["--standard", str(standard)]
        if opening is not None:
            command += ["--opening", str(opening)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        try:
            if self.process.stdout.readline() != b"ready\n":
                raise BuildingError(f"prepay-building ended with {self.process.wait(5)}")
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(10)
            self.socket.connect(os.path.join(self.folder, "building.sock"))
        except Exception:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def rooms_csv(self):
        return os.path.join(self.folder, "rooms.csv")

    def port(self, line):
        """The path that a daemon opens for a line."""
        return os.path.join(self.folder, "lines", line)

    def run(self, command):
        """One command; its answer as a dict. Raises BuildingError when it is refused."""
        self.socket.sendall(command.encode() + b"\n")
        while b"\n" not in self.pending:
            part = self.socket.recv(65536)
            if not part:
                raise BuildingError("the building has gone")
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise BuildingError(answer["error"])
        return answer

    def status(self):
        return self.run("status")

    def line(self, name):
        """The counters of one line."""
        return next(row for row in self.status()["lines"] if row["line"] == name)

    def truth(self, device=None):
        """All devices by their names; or one device."""
        if device is not None:
            return self.run(f"truth {device}")["devices"][0]
        return {row["device"]: row for row in self.run("truth")["devices"]}

    def meters(self):
        """The devices that count energy, by their names."""
        return {name: row for name, row in self.truth().items() if "energy_uwh" in row}

    def window_start(self):
        self.run("window start")

    def window_stop(self):
        """Ends the window; its figures by line."""
        return {row["line"]: row for row in self.run("window stop")["lines"]}

    def window(self):
        return {row["line"]: row for row in self.run("window")["lines"]}

    def log(self, since=0, **wanted):
        """All events numbered above `since`, those whose fields equal `wanted`."""
        events = []
        while True:
            page = self.run(f"log {since}")
            events += page["events"]
            if not page["events"]:
                break
            since = page["next"]
        return [row for row in events if all(row.get(k) == v for k, v in wanted.items())]

    def wait_event(self, since=0, seconds=5.0, **wanted):
        """The first such event; raises BuildingError when none comes in time."""
        end = time.monotonic() + seconds
        while True:
            events = self.log(since, **wanted)
            if events:
                return events[0]
            if time.monotonic() > end:
                raise BuildingError(f"no event {wanted} in {seconds} s")
            time.sleep(0.02)

    def close(self):
        """Ends the building; its links and its socket go with it. Its exit code: 0 is as it should."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode
