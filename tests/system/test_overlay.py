#!/usr/bin/python3
"""What `meson install` puts on the box: every file and its mode, and each kind of file in the eyes of the
program that will read it.

usage: test_overlay.py BUILD_FOLDER SOURCE_FOLDER [unittest options]

Needs root, or sudo without a password, for the folders that belong to other users.
"""

import glob
import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
OVERLAY = os.path.join(SOURCE, "rootfs-overlay")
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
UNITS = ("prepayd.service", "prepay-uplinkd.service")
EXPOSURE_MAX = "15"  # tenths

# Written out by hand: what a person should find. Models and man pages follow what the tree holds.
INSTALLED = {
    "etc/prepay/prepay.conf": 0o644,
    "etc/prepay/prepay.conf.d/": 0o755,
    "etc/prepay/meters/": 0o755,
    "etc/prepay/trust/": 0o755,
    "etc/prepay/trust/roots/": 0o755,
    "usr/bin/prepay": 0o755,
    "usr/bin/prepay-sign": 0o755,
    "usr/sbin/prepayd": 0o755,
    "usr/sbin/prepay-uplinkd": 0o755,
    "usr/lib/systemd/system/prepayd.service": 0o644,
    "usr/lib/systemd/system/prepay-uplinkd.service": 0o644,
    "usr/lib/systemd/system-preset/50-prepay.preset": 0o644,
    "usr/lib/sysusers.d/prepay.conf": 0o644,
    "usr/lib/tmpfiles.d/prepay.conf": 0o644,
    "usr/lib/udev/rules.d/61-prepay-serial.rules": 0o644,
    "usr/share/bash-completion/completions/prepay": 0o644,
}

# Owner, group and mode on a running box; None: what was installed.
FOLDERS = {
    "etc/prepay": ("root", "root", 0o755),
    "etc/prepay/trust/roots": ("root", "root", 0o755),
    "var/lib/prepay": ("prepay", "prepay", 0o700),
    "var/lib/prepay/backup": ("prepay", "prepay", 0o700),
    "var/lib/prepay-uplink": ("prepay-uplink", "prepay-uplink", 0o700),
}


def expected():
    files = dict(INSTALLED)
    for model in glob.glob(os.path.join(SOURCE, "meters", "models", "*.meter")):
        files["usr/share/prepay/meters/" + os.path.basename(model)] = 0o644
    for page in glob.glob(os.path.join(OVERLAY, "usr/share/man/man*/*")):
        files[os.path.relpath(page, OVERLAY)] = 0o644
    return files


def run(*words, **options):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
                          **options)


class Overlay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="prepay-overlay-")
        cls.box = os.path.join(cls.folder, "box")
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.box, umask=0o077)
        if done.returncode != 0:
            raise AssertionError(f"meson install: {done.stdout}")

    @classmethod
    def tearDownClass(cls):
        run(*AS_ROOT, "rm", "-rf", cls.folder)

    def passes(self, *words, **options):
        done = run(*words, **options)
        self.assertEqual(done.returncode, 0, f"{' '.join(words)}: {done.stdout}")
        return done.stdout

    def path(self, name):
        return os.path.join(self.box, name)

    def test_every_file_and_nothing_else_with_its_mode(self):
        found = {}
        for folder, folders, files in os.walk(self.box):
            names = files + [name + "/" for name in folders]
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.box) + ("/" if name.endswith("/") else "")
                mode = stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode)
                if not name.endswith("/") or path in INSTALLED:
                    found[path] = mode
        self.assertEqual({name: oct(mode) for name, mode in found.items()},
                         {name: oct(mode) for name, mode in expected().items()})

    def test_nothing_of_the_overlay_folder_is_forgotten(self):
        for folder, _, files in os.walk(OVERLAY):
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), OVERLAY)
                if path != "meson.build":
                    with open(os.path.join(folder, name), "rb") as ours, open(self.path(path), "rb") as theirs:
                        self.assertEqual(ours.read(), theirs.read(), path)

    def test_systemd_understands_both_units_and_finds_their_programs(self):
        for unit in UNITS:
            done = run("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", f"--root={self.box}", unit)
            self.assertEqual((done.returncode, done.stdout), (0, ""), unit)

    def test_the_manual_that_a_unit_names_is_installed(self):
        for unit in UNITS:
            with open(self.path("usr/lib/systemd/system/" + unit), encoding="utf-8") as file:
                for page, section in re.findall(r"man:([\w.-]+)\((\d)\)", file.read()):
                    self.assertTrue(os.path.exists(self.path(f"usr/share/man/man{section}/{page}.{section}")), page)

    def test_both_units_are_well_sandboxed(self):
        for unit in UNITS:
            self.passes("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager",
                        self.path("usr/lib/systemd/system/" + unit))

    def test_the_preset_starts_both_units_at_boot(self):
        copy = self.copy("preset")
        self.passes("systemctl", f"--root={copy}", "preset", *UNITS)
        for unit in UNITS:
            self.assertTrue(os.path.islink(f"{copy}/etc/systemd/system/multi-user.target.wants/{unit}"), unit)

    def copy(self, name):
        copy = os.path.join(self.folder, name)
        shutil.copytree(self.box, copy, symlinks=True)
        return copy

    def test_users_groups_and_folders_are_made(self):
        copy = self.copy("users")
        # What Debian's base-passwd puts there first; dialout is one of them.
        shutil.copy("/usr/share/base-passwd/passwd.master", copy + "/etc/passwd")
        shutil.copy("/usr/share/base-passwd/group.master", copy + "/etc/group")
        self.passes(*AS_ROOT, "systemd-sysusers", f"--root={copy}", "prepay.conf")
        users, groups = {}, {}
        with open(copy + "/etc/passwd", encoding="utf-8") as file:
            for line in file:
                row = line.rstrip("\n").split(":")
                users[row[0]] = pwd.struct_passwd((row[0], row[1], int(row[2]), int(row[3]), *row[4:]))
        with open(copy + "/etc/group", encoding="utf-8") as file:
            for line in file:
                row = line.rstrip("\n").split(":")
                groups[row[0]] = grp.struct_group((row[0], row[1], int(row[2]), row[3].split(",")))
        for name in ("prepay", "prepay-uplink"):
            self.assertNotEqual(users[name].pw_uid, 0)
            self.assertEqual(users[name].pw_shell, "/usr/sbin/nologin")
        for name in ("prepay-viewer", "prepay-operator", "prepay-admin"):
            self.assertEqual(groups[name].gr_mem, [""], f"somebody is {name} already")
        self.assertIn("prepay", groups["dialout"].gr_mem)
        self.assertNotIn("prepay-uplink", groups["dialout"].gr_mem)

        self.passes(*AS_ROOT, "systemd-tmpfiles", f"--root={copy}", "--create", "prepay.conf")
        names = {user.pw_uid: name for name, user in users.items()}
        group_names = {group.gr_gid: name for name, group in groups.items()}
        for name, (owner, group, mode) in FOLDERS.items():
            found = self.passes(*AS_ROOT, "stat", "-c", "%u %g %a", f"{copy}/{name}").split()
            if not AS_ROOT or owner != "root":
                self.assertEqual((names[int(found[0])], group_names[int(found[1])]), (owner, group), name)
            self.assertEqual(int(found[2], 8), mode, name)

    def test_the_default_configuration_is_good_as_installed(self):
        with open(self.path("etc/prepay/prepay.conf"), encoding="utf-8") as file:
            text = file.read()
        config = os.path.join(self.folder, "prepay.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.replace("[meters]", f"[meters]\nmodels = {self.path('usr/share/prepay/meters')}"))
        self.passes(self.path("usr/bin/prepay"), "--config", config, "config", "check")
        # And what it says in its comments is what a person may set.
        with open(config, "w", encoding="utf-8") as file:
            file.write(re.sub(r"^# (\[[a-z]+ \w+\]|[a-z0-9_]+ =)", r"\1", text, flags=re.M)
                       .replace("/usr/share/prepay/meters", self.path("usr/share/prepay/meters")))
        self.passes(self.path("usr/bin/prepay"), "--config", config, "config", "check")

    def test_the_manual_pages_are_well_formed(self):
        for page in glob.glob(self.path("usr/share/man/man*/*")):
            self.passes("mandoc", "-T", "lint", "-W", "warning", page)

    def test_bash_reads_the_completion(self):
        self.passes("bash", "-n", self.path("usr/share/bash-completion/completions/prepay"))


# What a rule may say of a key: the operators that udev(7) lists. "" needs no name in braces.
MATCH, ASSIGN = {"==", "!="}, {"=", "+=", ":=", "-="}
UDEV_KEYS = {
    "ACTION": MATCH, "DEVPATH": MATCH, "KERNEL": MATCH, "KERNELS": MATCH, "SUBSYSTEM": MATCH, "SUBSYSTEMS": MATCH,
    "DRIVER": MATCH, "DRIVERS": MATCH, "ATTR{}": MATCH | {"="}, "ATTRS{}": MATCH, "ENV{}": MATCH | {"=", "+="},
    "TAG": MATCH | ASSIGN, "TEST": MATCH, "PROGRAM": MATCH, "RESULT": MATCH, "NAME": MATCH | {"="},
    "SYMLINK": MATCH | ASSIGN, "OWNER": {"=", ":="}, "GROUP": {"=", ":="}, "MODE": {"=", ":="},
    "RUN{}": ASSIGN, "IMPORT{}": MATCH | {"="}, "GOTO": {"="}, "LABEL": {"="}, "OPTIONS": {"=", "+="},
}


class UdevRules(unittest.TestCase):
    """Their effect is tested in test_nspawn.py, by udev itself; this is about what udev would pass over."""

    def rules(self):
        for path in glob.glob(os.path.join(OVERLAY, "usr/lib/udev/rules.d/*.rules")):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            examples = re.findall(r"^#     (SUBSYSTEM==.*)$", text, flags=re.M)
            self.assertTrue(examples, "no example of a line's own name")
            yield path, [line for line in text.splitlines() if line and line[0] != "#"] + examples

    def test_every_rule_is_a_list_of_known_keys_with_the_right_operators(self):
        token = re.compile(r'([A-Z]+)(?:\{([^}"]+)\})?(==|!=|\+=|-=|:=|=)"([^"]*)"(?:, *|$)')
        for path, rules in self.rules():
            labels, jumps = {}, []
            for number, rule in enumerate(rules):
                at, acts = 0, False
                while at < len(rule):
                    found = token.match(rule, at)
                    self.assertTrue(found, f"{path}: cannot be read from {rule[at:]!r}")
                    key, name, operator, value = found.groups()
                    kind = key + ("{}" if name else "")
                    self.assertIn(kind, UDEV_KEYS, f"{path}: {rule}")
                    self.assertIn(operator, UDEV_KEYS[kind], f"{path}: {rule}")
                    acts = acts or operator not in MATCH or key == "IMPORT"
                    if key == "LABEL":
                        labels[value] = number
                    if key == "GOTO":
                        jumps.append((value, number))
                    at = found.end()
                self.assertTrue(acts, f"{path}: does nothing: {rule}")
            for label, number in jumps:
                self.assertGreater(labels.get(label, -1), number, f"{path}: no way forward to {label}")

    def test_the_rules_run_between_those_they_depend_on_and_those_that_depend_on_them(self):
        for path, _ in self.rules():
            self.assertLess("60-serial.rules", os.path.basename(path))
            self.assertLess(os.path.basename(path), "77-mm-usb-device-blacklist.rules")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
