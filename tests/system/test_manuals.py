#!/usr/bin/python3
"""Holds the man pages to the programs: what is listed is there, and what is there is listed.

Usage: test_manuals.py SOURCE PREPAY

prepay.conf(5): every key of the shipped file under its section, with the same default, and with the range or the
choices that the program itself names when the value is wrong. prepayd(8): every MESSAGE_ID, those that no program
writes under "Reserved", and every kind of alarm. A page of ours that is referred to is there.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, PREPAY = (os.path.abspath(word) for word in sys.argv[1:3])
MAN = os.path.join(SOURCE, "rootfs-overlay/usr/share/man")
# What cannot be read as one number, or is one in the shipped file's words.
NO_RANGE = {"baud"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def shipped_keys():
    """(section kind, key) -> default of the shipped file, in its order."""
    keys, section = {}, None
    for line in read(SOURCE, "rootfs-overlay/etc/prepay/prepay.conf").splitlines():
        title = re.match(r"(?:# )?\[(\w+)(?: \w+)?\]$", line)
        key = re.match(r"# (\w+) = ?(.*)", line)
        if title:
            section = title[1]
        elif key and section:
            keys[section, key[1]] = re.split(r"(?:^|\s+)#", key[2])[0].strip()
    return keys


def documented_keys():
    """(section kind, key) -> (default, text of the item, or of the next one that has any)."""
    keys, waiting, section = {}, [], None
    for line in read(MAN, "man5/prepay.conf.5").splitlines():
        title = re.match(r"\.S[sh] (?:\[(\w+)(?: \w+)?\])?", line)
        item = re.match(r"\.It Cm (\w+) =(?: (.*))?$", line)
        if title:
            section, waiting = title[1], []
        elif item and section:
            waiting = [entry for entry in waiting if not keys[entry][1]] + [(section, item[1])]
            keys[section, item[1]] = (item[2] or "", "")
        elif line == ".El":
            waiting = []
        else:
            for entry in waiting:
                keys[entry] = (keys[entry][0], f"{keys[entry][1]} {line}".strip())
    return keys


def complaints(keys, value):
    """(section kind, key) -> what the program says should be written, when every key has that value."""
    text, at, section = "", {}, None
    for number, (kind, key) in enumerate(keys):
        if kind != section:
            section = kind
            text += f"[{kind}{' one' if kind in ('line', 'sensor', 'protected', 'bands') else ''}]\n"
        text += f"{key} = {value}\n"
        at[text.count("\n")] = (kind, key)
    with tempfile.TemporaryDirectory(prefix="prepay-manuals-") as folder:
        file = os.path.join(folder, "all.conf")
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
        done = subprocess.run([PREPAY, "--config", file, "config", "check"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
        found = re.findall(re.escape(file) + r":(\d+): .*; write (.*)", done.stdout)
    return {at[int(number)]: wanted for number, wanted in found}


def message_ids():
    """name -> id"""
    return dict(re.findall(r'#define (MESSAGE_ID_\w+) "([0-9a-f]{32})"',
                           read(SOURCE, "concentrator/platform/message_ids.h")))


def written_ids():
    """The names that some program uses."""
    used = set()
    for folder in ("concentrator", "uplink"):
        for path in glob.glob(os.path.join(SOURCE, folder, "**", "*.c"), recursive=True):
            used |= set(re.findall(r"\bMESSAGE_ID_\w+", read(path)))
    return used


class Configuration(unittest.TestCase):
    def test_every_key_has_its_section_and_default(self):
        documented = {key: default for key, (default, _) in documented_keys().items()}
        self.assertEqual(shipped_keys(), documented)
        self.assertGreater(len(documented), 50)

    def test_every_range_and_choice_is_the_program_s_own(self):
        keys, checked = documented_keys(), 0
        # A word is no number and no choice; nothing at all is too short for a text.
        for value in ("x y", ""):
            for entry, wanted in complaints(shipped_keys(), value).items():
                text = keys[entry][1]
                numbers = re.match(r"(?:one from )?(-?\d+) to (-?\d+)", wanted)
                choices = re.findall(r"`(\w+)`", wanted)
                if entry[1] in NO_RANGE or "'/'" in wanted:
                    continue
                if numbers:
                    self.assertIn(f"{numbers[1]} to {numbers[2]}", text, entry)
                for choice in choices:
                    self.assertRegex(text, rf"\b{choice}\b", entry)
                checked += bool(numbers or choices)
        self.assertGreater(checked, 70)


class Daemon(unittest.TestCase):
    def setUp(self):
        page = read(MAN, "man8/prepayd.8")
        self.page = page
        self.written, self.reserved = page.split(".Ss Reserved")

    def test_every_message_id_is_listed_once(self):
        listed = re.findall(r"^\.It Li ([0-9a-f]{32}) Ta", self.page, re.M)
        self.assertEqual(sorted(message_ids().values()), sorted(listed))

    def test_reserved_are_those_that_no_program_writes(self):
        used = written_ids()
        for name, number in message_ids().items():
            part, where = (self.written, "JOURNAL") if name in used else (self.reserved, "Reserved")
            self.assertIn(f".It Li {number} Ta", part, f"{name} belongs under {where} in prepayd(8)")

    def test_every_alarm_is_explained(self):
        kinds = re.findall(r'\{"([a-z-]+)", ALARM_', read(SOURCE, "concentrator/rules/alarms.c"))
        part = self.page.split(".Sh ALARMS")[1].split(".Sh ")[0]
        listed = [word for line in re.findall(r"^\.It Cm (.*)", part, re.M) for word in line.split(" , ")]
        self.assertEqual(sorted(kinds), sorted(listed))
        self.assertGreater(len(kinds), 20)


class Pages(unittest.TestCase):
    def test_every_page_of_ours_that_is_referred_to_is_there(self):
        for page in glob.glob(os.path.join(MAN, "man?", "*")):
            for name, section in re.findall(r"^\.Xr (prepay\S*) (\d)", read(page), re.M):
                self.assertTrue(os.path.exists(os.path.join(MAN, f"man{section}", f"{name}.{section}")),
                                f"{page}: {name}({section})")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
