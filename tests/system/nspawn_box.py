"""A box with Prepay installed, booted: systemd as PID 1 in a container, without another machine or image.

The container's /usr is this machine's own, read-only, with the tree of `meson install` laid over it; its
/etc and /var are made anew and hold what Debian's base-passwd, systemd-sysusers and systemd-tmpfiles put
there. The building's adapters are pseudo-terminals inside it.

    enter_private_namespace()       once, before anything else: nothing of this is left on the machine
    with Box(build) as box:
        box.boot()
        box.run("systemctl", "is-active", "prepayd")

Needs root and systemd-nspawn; raises BoxError with one sentence when something is missing.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [os.path.join(SOURCE, "tests", "building"), os.path.join(SOURCE, "tests", "cloud")]

from building import Building  # noqa: E402

LEDGER_DISK_MIB = 64
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
# Read where they lie on this machine: how names are looked up, how users change.
ETC_COPIED = ("alternatives", "default", "ld.so.cache", "ld.so.conf", "login.defs", "nsswitch.conf", "os-release",
              "pam.d", "security", "ssl")
libc = ctypes.CDLL(None, use_errno=True)


class BoxError(Exception):
    """The box cannot be made, or does not come up."""


def enter_private_namespace():
    """Starts this program again in a mount namespace of its own, as root."""
    marker = "PREPAY_TEST_NAMESPACE"
    if os.environ.pop(marker, None) == "entered":
        return
    words = ["unshare", "--mount", "--propagation", "private", "env", f"{marker}=entered", "/usr/bin/python3", "-B",
             *sys.argv]
    if os.geteuid() != 0:
        words = ["sudo", "-n", *words]
    try:
        os.execvp(words[0], words)
    except OSError as error:
        raise BoxError(f"{words[0]}: {error.strerror}; this test needs root") from None


def wait_for(condition, seconds, what):
    """The first true value of condition(). BoxError naming `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise BoxError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def cgroups():
    """Where this process is in the hierarchies that systemd uses, as folders."""
    here = {}
    with open("/proc/self/cgroup", encoding="ascii") as file:
        for line in file:
            number, name, path = line.rstrip("\n").split(":", 2)
            if number == "0" or name == "name=systemd":
                here[name] = path
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            mount, kind = line.split(" - ")
            _, _, _, root, point = mount.split()[:5]
            name = "" if kind.startswith("cgroup2 ") else "name=systemd" if "name=systemd" in kind else None
            if name in here:
                found.append(os.path.normpath(point + "/" + os.path.relpath(here[name], root)))
    return found


class Box:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        # Not /tmp: the units have one of their own. The same path inside and outside.
        self.folder = tempfile.mkdtemp(prefix="prepay-box-", dir="/run")
        self.root = os.path.join(self.folder, "root")
        self.shared = os.path.join(self.folder, "shared")
        self.console = os.path.join(self.folder, "console")
        self.nspawn = self.leader = self.building = None
        self.cgroups = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- the folders ---

    def make(self):
        for command in ("systemd-nspawn", "mkfs.ext4", "fsfreeze", "runuser", "useradd", "umockdev-run"):
            if shutil.which(command) is None:
                raise BoxError(f"{command} is not installed; see tests/packages/install.sh")
        installed = os.path.join(self.folder, "installed")
        self.host("meson", "install", "-C", self.build, "--no-rebuild", "--quiet", "--destdir", installed)
        owner = os.stat(self.build)
        os.chown(os.path.join(self.build, "meson-logs", "install-log.txt"), owner.st_uid, owner.st_gid)
        for name in ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var/lib/prepay",
                     "var/log/journal"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        os.makedirs(self.shared)
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            if os.path.islink("/" + name):
                os.symlink("usr/" + name, os.path.join(self.root, name))
        self.mount("-t", "overlay", "overlay", "-o", f"ro,lowerdir={installed}/usr:/usr", self.path("usr"))
        self.make_etc(installed)
        self.make_ledger_disk()
        shutil.copy(os.path.join(self.build, "tests/building/prepay-building"), self.path("opt"))
        self.host("systemctl", f"--root={self.root}", "preset", "prepayd.service", "prepay-uplinkd.service")

    def make_etc(self, installed):
        etc = self.path("etc")
        for name in ETC_COPIED:
            if os.path.isdir("/etc/" + name):
                shutil.copytree("/etc/" + name, f"{etc}/{name}", symlinks=True)
            elif os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, etc)
        shutil.copytree(installed + "/etc", etc, symlinks=True, dirs_exist_ok=True)
        for name in ("passwd", "group"):
            shutil.copy(f"/usr/share/base-passwd/{name}.master", f"{etc}/{name}")
        with open("/proc/sys/kernel/random/uuid", encoding="ascii") as uuid:
            self.write("etc/machine-id", uuid.read().replace("-", ""))
        os.symlink("/usr/share/zoneinfo/UTC", etc + "/localtime")
        # The one thing that is otherwise than on a box with adapters: its lines are pseudo-terminals.
        self.write("etc/systemd/system/prepayd.service.d/lines.conf", "[Service]\nDeviceAllow=char-pts rw\n")

    def make_ledger_disk(self):
        """The ledger's folder is a disk of its own, which can be stalled."""
        image = os.path.join(self.folder, "disk")
        with open(image, "wb") as file:
            file.truncate(LEDGER_DISK_MIB << 20)
        self.host("mkfs.ext4", "-q", image)
        self.mount("-o", "loop", image, self.path("var/lib/prepay"))

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text, mode=0o644, owner=(0, 0)):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, *owner)

    @staticmethod
    def host(*words):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise BoxError(f"{' '.join(words)}: {done.stdout.strip()}")

    def mount(self, *words):
        self.host("mount", *words)

    # --- its life ---

    def boot(self):
        """Until systemd has started everything but what must wait for the building."""
        environment = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")
        # Where systemd runs already, it makes a scope for the container; else there is nobody to ask, and we
        # make a control group for it, so that two boxes do not get into each other's way.
        scope = []
        if not os.path.isdir("/run/systemd/system"):
            scope = ["--keep-unit"]
            self.cgroups = [os.path.join(folder, os.path.basename(self.folder)) for folder in cgroups()]
            for folder in self.cgroups:
                os.mkdir(folder)
        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--register=no", *scope, "--private-network",
                 "--settings=no", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
                 f"--machine=prepay-{os.getpid()}", f"--bind={self.shared}", "--boot"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment,
                preexec_fn=self.begin_nspawn)
        self.leader = wait_for(self.find_leader, 20, "PID 1 of the container")
        wait_for(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in
                 ("running", "degraded"), 60, "the container's boot")

    def begin_nspawn(self):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for folder in self.cgroups:
            with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    def find_leader(self):
        if self.nspawn.poll() is not None:
            with open(self.console, encoding="utf-8", errors="replace") as console:
                raise BoxError(f"systemd-nspawn ended with {self.nspawn.returncode}: {console.read().strip()[-2000:]}")
        try:
            with open(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children", encoding="ascii") as file:
                for pid in file.read().split():
                    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                        if comm.read().strip() == "systemd":
                            return int(pid)
        except OSError:
            pass
        return None

    def start_building(self, config, **options):
        """The simulator, where the container's pseudo-terminals are. They are what udev makes of an adapter:
        the group dialout may use them, and /dev/rs485-LINE leads to them."""
        with open(self.path("etc/group"), encoding="utf-8") as file:
            dialout = next(line.split(":")[2] for line in file if line.startswith("dialout:"))
        self.run("mount", "-o", f"remount,gid={dialout},mode=660", "/dev/pts")
        program = os.path.join(self.folder, "prepay-building")
        with open(program, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nexec nsenter -t {self.leader} -m -- /opt/prepay-building "$@"\n')
        os.chmod(program, 0o755)
        self.building = Building(program, os.path.join(self.shared, "building"), config=config, **options)
        for row in self.building.status()["lines"]:
            self.run("ln", "-s", self.building.port(row["line"]), f"/dev/rs485-{row['line']}")

    def enter_network(self):
        """From here on this process, and what it starts, has the container's network."""
        with open(f"/proc/{self.leader}/ns/net", "rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise BoxError(f"the container's network: {os.strerror(ctypes.get_errno())}")

    def power_off(self, seconds=40):
        """In order; what systemd-nspawn ends with."""
        self.run("systemctl", "poweroff", check=False)
        try:
            return self.nspawn.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        if self.building is not None:
            self.building.close()
        if self.nspawn is not None and self.nspawn.poll() is None:
            self.thaw()
            if self.leader is not None:
                os.kill(self.leader, signal.SIGKILL)
            try:
                self.nspawn.wait(10)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        for top in self.cgroups:
            for folder, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
        for name in ("var/lib/prepay", "usr"):
            subprocess.run(["umount", self.path(name)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- inside ---

    def run(self, *words, user=None, check=True, text=None, timeout=60):
        """A command inside the container, as root or as that user. Its CompletedProcess."""
        if user is not None:
            words = ("runuser", "-u", user, "--", *words)
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", "--", *words], input=text, encoding="utf-8",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False,
                              **({} if text is not None else {"stdin": subprocess.DEVNULL}))
        if check and done.returncode != 0:
            raise BoxError(f"{' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done

    def prepay(self, *words, **options):
        """`prepay --json WORDS`: its data."""
        return json.loads(self.run("prepay", "--json", *map(str, words), **options).stdout)["data"]

    def unit(self, unit, *names):
        """Properties of a unit as text, in the order asked for; one alone as it is."""
        shown = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names)).stdout
        rows = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        values = [rows[name] for name in names]
        return values[0] if len(values) == 1 else values

    def journal(self, *matches):
        """Rows of the journal as dicts."""
        self.run("journalctl", "--sync")
        text = self.run("journalctl", "-o", "json", "--all", "--no-pager", *matches).stdout
        return [json.loads(line) for line in text.splitlines()]

    def outside_pid(self, pid):
        """A process of the container as it is numbered outside."""
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/status", encoding="utf-8") as status:
                        numbers = next(line.split()[1:] for line in status if line.startswith("NSpid:"))
                    same = os.readlink(f"/proc/{name}/ns/pid") == os.readlink(f"/proc/{self.leader}/ns/pid")
                except (OSError, StopIteration):
                    continue
                if same and len(numbers) > 1 and numbers[-1] == str(pid):
                    return int(name)
        raise BoxError(f"no process {pid} in the container")

    def freeze(self):
        """The ledger's disk stops answering: who writes waits."""
        self.host("fsfreeze", "--freeze", self.path("var/lib/prepay"))

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", self.path("var/lib/prepay")], stderr=subprocess.DEVNULL, check=False)
