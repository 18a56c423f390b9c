"""A whole site in a folder of its own: building, cloud, prepayd and prepay-uplinkd, all the real programs.

    with Site("build", standard=64, factor=600) as site:
        site.start()
        site.cli("room", "import", site.building.rooms_csv)
        site.building.run("load A/1 1500")
        site.daemon.kill()
        site.daemon.start()

Everything runs as the present user, and every path lies in the folder, so several sites run beside each
other. Leaving the block ends what was started and removes the folder; so do an exception, and SIGTERM or
SIGHUP after end_on_signals(). A test that wants only parts calls start_building(), start_cloud(),
write_config() and the programs' start() itself.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path += [os.path.join(SOURCE, "tests", "building"), os.path.join(SOURCE, "tests", "cloud")]

from building import Building, BuildingError  # noqa: E402
from cloud_client import Cloud  # noqa: E402

PROGRAMS = {
    "prepay-building": "tests/building/prepay-building",
    "prepayd": "concentrator/prepayd",
    "prepay": "concentrator/cli/prepay",
    "prepay-uplinkd": "uplink/prepay-uplinkd",
    "prepay-sign": "uplink/sign/prepay-sign",
}

# What a demonstration wants otherwise than a building does: short times, and a clock that is believed.
CONFIG = {
    "site": {"id": "S-0001", "zone": "Asia/Shanghai", "currency": 156},
    "clock": {"trust": "always"},
    "cloud": {"hold_s": 20, "backoff_base_s": 1, "backoff_cap_s": 2},
    "policy": {
        "low_minor": 200, "notice_s": 2, "stage_s": 2, "settle_s": 20, "stale_s": 15,
        "mass_cut_min": 20, "mass_cut_percent": 40, "mass_cut_window_s": 5, "change_hold_s": 1,
        "close_stagger_ms": 100, "hold_max_s": 3600, "hold_max_minor": 100000,
    },
}

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def boottime_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class SiteError(Exception):
    """A program did not start, or ended when it should not have."""


class Problem(Exception):
    """prepay ended with an exit code other than 0."""

    def __init__(self, words, exit_code, problem, errors):
        self.exit_code, self.problem = exit_code, problem
        super().__init__(f"prepay {' '.join(words)}: exit {exit_code}: {errors.strip()[:2000]}")

    @property
    def errors(self):
        """The rows of a problem that has several."""
        return (self.problem or {}).get("errors", [])


class Program:
    """One process: started, killed and started again. Its output is added to one log file."""

    def __init__(self, site, name, *words):
        self.site, self.name, self.words = site, name, words
        self.process = None
        self.environment = {}
        self.log_path = os.path.join(site.folder, f"{name}.log")

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if self.running:
            raise SiteError(f"{self.name} runs already")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.site.program(self.name), *self.words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=die_with_parent,
                                            env=dict(os.environ, **self.environment))
        return self

    def signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def kill(self):
        """SIGKILL; returns when the process is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=10):
        """SIGTERM, as a service manager stops it. Returns the exit code; 0 is as it should."""
        if self.process is None:
            return 0
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SiteError(f"{self.name} did not end within {seconds} s of SIGTERM\n{self.log_tail()}") from None

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def log_tail(self, lines=15):
        return "\n".join(self.log().splitlines()[-lines:])


class Site:
    def __init__(self, build, standard=None, building=None, factor=600, seed=1, opening=None, config=None,
                 cloud=True, folder=None):
        """standard: meters of the standard building; building: the text of another one. config: sections of
        prepay.conf over CONFIG; a value None leaves a key out."""
        self.build = os.path.abspath(build)
        self.folder = os.path.abspath(folder) if folder else tempfile.mkdtemp(prefix="prepay-site-")
        os.makedirs(self.folder, exist_ok=True)
        self.arguments = {"standard": standard, "config": building, "factor": factor, "seed": seed, "opening": opening}
        self.changes = config or {}
        self.with_cloud = cloud
        self.building = self.cloud = None
        self.config = os.path.join(self.folder, "prepay.conf")
        self.socket = os.path.join(self.folder, "control.sock")
        self.daemon = Program(self, "prepayd", "--config", self.config)
        self.uplink = Program(self, "prepay-uplinkd", "--config", self.config)

    def program(self, name):
        return os.path.join(self.build, PROGRAMS[name])

    # --- life ---

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """All parts, until the daemon answers."""
        self.start_building()
        if self.with_cloud:
            self.start_cloud()
        self.write_config()
        self.daemon.start()
        self.wait_daemon()
        if self.with_cloud:
            self.uplink.start()
        return self

    def start_building(self):
        self.building = Building(self.program("prepay-building"), os.path.join(self.folder, "building"),
                                 **self.arguments)

    def start_cloud(self):
        self.cloud = Cloud(os.path.join(self.folder, "cloud"), sign=self.program("prepay-sign"))
        self.cloud.start()

    def sections(self):
        """What prepay.conf says, as {section: {key: value}}."""
        base = {name: dict(keys) for name, keys in CONFIG.items()}
        base["store"] = {"ledger": os.path.join(self.folder, "ledger.db"), "backup": os.path.join(self.folder, "backup")}
        base["control"] = {"socket": self.socket}
        base["meters"] = {"models": os.path.join(SOURCE, "meters", "models"),
                          "models_local": os.path.join(self.folder, "meters")}
        base["policy"]["plausibility_factor"] = self.arguments["factor"]
        if self.building is not None:
            for row in self.building.status()["lines"]:
                base[f"line {row['line']}"] = {"port": self.building.port(row["line"]), "baud": row["baud"]}
        if self.cloud is not None:
            base["cloud"].update(url=self.cloud.url, ca=self.cloud.ca, certificate=self.cloud.certificate,
                                 key=self.cloud.key)
            base["trust"] = {"roots": self.cloud.roots}
        else:
            base["trust"] = {"roots": os.path.join(self.folder, "roots")}
            os.makedirs(base["trust"]["roots"], exist_ok=True)
        for name, keys in self.changes.items():
            base.setdefault(name, {}).update(keys)
        return base

    def write_config(self):
        os.makedirs(os.path.join(self.folder, "meters"), exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as out:
            for name, keys in self.sections().items():
                out.write(f"[{name}]\n")
                out.writelines(f"{key} = {value}\n" for key, value in keys.items() if value is not None)
                out.write("\n")
        return self.config

    def wait_daemon(self, seconds=20):
        """Until prepayd listens."""
        end = time.monotonic() + seconds
        while True:
            if not self.daemon.running:
                raise SiteError(f"prepayd ended with {self.daemon.process.returncode}\n{self.daemon.log_tail()}")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                try:
                    probe.connect(self.socket)
                    return
                except OSError:
                    pass
            if time.monotonic() > end:
                raise SiteError(f"prepayd does not listen after {seconds} s\n{self.daemon.log_tail()}")
            time.sleep(0.02)

    def restart_daemon(self):
        """Kills prepayd, and starts it again at once. Seconds until it listens again."""
        self.daemon.kill()
        begun = time.monotonic()
        self.daemon.start()
        self.wait_daemon()
        return time.monotonic() - begun

    def close(self):
        """Ends everything and removes the folder."""
        for program in (self.uplink, self.daemon):
            if program.running:
                program.kill()
        if self.cloud is not None:
            self.cloud.stop()
            self.cloud = None
        if self.building is not None:
            self.building.close()
            self.building = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the CLI ---

    def cli(self, *words, text=None, timeout=60):
        """Runs `prepay --json WORDS`; text is its standard input. The answer's data, or Problem."""
        done = subprocess.run([self.program("prepay"), "--config", self.config, "--json", *map(str, words)],
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                              timeout=timeout, check=False, **({} if text is not None else {"stdin": subprocess.DEVNULL}))
        if done.returncode != 0:
            raise Problem([str(word) for word in words], done.returncode, self._problem(done.stderr), done.stderr)
        return json.loads(done.stdout)["data"] if done.stdout.strip() else None

    @staticmethod
    def _problem(errors):
        for line in errors.splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                continue
            return found.get("problem", found) if isinstance(found, dict) else None
        return None

    def screen(self, *words):
        """What a person sees: the text of `prepay WORDS`, without colour."""
        done = subprocess.run([self.program("prepay"), "--config", self.config, *map(str, words)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", timeout=60, check=False)
        return done.stdout

    def rows(self, *words):
        """The rows of a verb that lists."""
        return self.cli(*words)["rows"]

    def rooms(self):
        return {row["room"]: row for row in self.rows("room", "list")}

    # --- waiting ---

    def wait(self, what, condition, seconds=20, every=0.1):
        """Until condition() is true; returns what it returned. SiteError says what was waited for."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if not self.daemon.running and self.daemon.process is not None:
                raise SiteError(f"prepayd ended with {self.daemon.process.returncode} while waiting until {what}\n"
                                f"{self.daemon.log_tail()}")
            if time.monotonic() > end:
                raise SiteError(f"waited {seconds} s until {what}")
            time.sleep(every)


def end_on_signals():
    """SIGTERM and SIGHUP end the program like an exception, so that every `with Site` cleans up."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
