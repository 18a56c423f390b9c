#!/usr/bin/python3
"""Holds every source file to the one direction of the folders (design.md, "Folders").

Usage: includes.py ROOT         fails on a forbidden include or call, each with file and line
       includes.py --self-test  proves that it can fail: breaks every rule once in a made-up tree

A folder may include what its row says and nothing else. Libraries are bound to folders in the same way, because a
layer that must not touch the network, the ledger or a serial line cannot do so without their headers.
"""

import os
import re
import sys
import tempfile

PLATFORM = "concentrator/platform/"

# Folder (the longest that fits counts) -> what of ours it may include: folders end in a slash, files do not.
OURS = {
    "drivers/": ["drivers/", PLATFORM + "clock.h"],
    "meters/": ["meters/"],
    "uplink/": ["uplink/", PLATFORM],
    # Shipped for integrators: a second implementation that shares no code with the one that verifies.
    "uplink/sign/": ["uplink/sign/"],
    "concentrator/rules/": ["concentrator/rules/", "meters/reading.h"],
    "concentrator/platform/": [PLATFORM],
    "concentrator/cli/": ["concentrator/cli/", "concentrator/config.h", PLATFORM, "meters/"],
    "concentrator/": ["concentrator/", "drivers/", "meters/"],
    # The building is written from the facts, not from the code that it is to test.
    "tests/building/": ["tests/building/"],
}

# What a wider row above would let through.
NEVER = {
    "concentrator/": ["concentrator/cli/"],
}

# Header of a library -> the folders that may include it.
LIBRARIES = {
    "modbus": ["drivers/"],
    "iio.h": ["drivers/"],
    "sqlite3.h": ["concentrator/"],
    "curl/": ["uplink/"],
    "openssl/ssl.h": ["uplink/"],
    "openssl/": [PLATFORM, "concentrator/", "uplink/", "uplink/sign/"],
    "systemd/": [PLATFORM, "concentrator/", "uplink/"],
    "jansson.h": [PLATFORM, "concentrator/", "concentrator/cli/", "uplink/", "uplink/sign/", "tests/building/"],
    "ini.h": [PLATFORM, "meters/"],
    "zlib.h": [PLATFORM, "concentrator/", "uplink/"],
    "curses.h": ["concentrator/cli/"],
    "ncurses": ["concentrator/cli/"],
    "cmocka.h": [],
}

# The rules are pure: no clock, no log, no heap, no file. These headers cannot give them one.
RULES_LIBC = {"assert.h", "errno.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}

# Calls that belong to one place: pattern, where it is allowed, what to use instead.
CALLS = [
    (r"\b(clock_gettime|gettimeofday|adjtimex|ntp_gettime|time)\s*\(", [PLATFORM + "clock.c", "uplink/sign/"],
     "clocks are read through concentrator/platform/clock.h"),
    (r"\b(sleep|usleep|nanosleep|clock_nanosleep)\s*\(", ["drivers/"], "nothing outside drivers/ sleeps"),
    (r"\b(sd_journal_\w+|syslog|vsyslog)\s*\(", [PLATFORM + "journal.c"],
     "lines go to concentrator/platform/journal.h"),
    (r"\bjournal_log\s*\(", ["concentrator/", "uplink/"], "leaves and rules return, the shell logs"),
]
SILENT = ["drivers/", "meters/", "concentrator/rules/"]

SOURCES = ["drivers", "meters", "uplink", "concentrator", "tests/building"]

COMMENT_OR_STRING = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>|(.+))', re.M)


def blank(text, strings):
    """The text without comments (and strings), every line where it was."""
    def replace(match):
        if match.group("string") is not None and not strings:
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return COMMENT_OR_STRING.sub(replace, text)


def row(table, path):
    """The row of the longest folder that path is in."""
    fits = [folder for folder in table if path.startswith(folder)]
    return max(fits, key=len) if fits else None


def allows(allowed, name):
    return any(name.startswith(a) if a.endswith("/") else name == a for a in allowed)


def within(folders, path):
    """Is the folder that rules over path among these (or is it that very file)?"""
    return path in folders or row(OURS, path) in folders


def check_ours(path, folder, name, root):
    if not os.path.isfile(os.path.join(root, name)):
        return "\"%s\" is no file from the root; write the whole path" % name
    if not allows(OURS[folder], name) or allows(NEVER.get(folder, []), name):
        return "%s may not include \"%s\"" % (folder, name)
    return None


def check_library(folder, name):
    if folder == "concentrator/rules/" and name not in RULES_LIBC:
        return "the rules are pure and may not include <%s>" % name
    fits = [header for header in LIBRARIES if name.startswith(header)]
    if fits and folder not in LIBRARIES[max(fits, key=len)]:
        return "%s may not include <%s>" % (folder, name)
    return None


def check_file(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    folder = row(OURS, path)
    found = []

    def tell(offset, what):
        found.append("%s:%d: %s" % (path, text.count("\n", 0, offset) + 1, what))

    for match in INCLUDE.finditer(blank(text, strings=False)):
        ours, library, other = match.groups()
        if other is not None:
            what = "an include that cannot be read; write its name"
        elif ours is not None:
            what = check_ours(path, folder, ours, root)
        else:
            what = check_library(folder, library)
        if what is not None:
            tell(match.start(), what)
    if path.startswith("tests/"):
        return found
    code = blank(text, strings=True)
    for pattern, allowed, what in CALLS:
        for match in re.finditer(pattern, code):
            if not any(path.startswith(a) for a in allowed) or (
                    "journal_log" in pattern and within(SILENT, path)):
                tell(match.start(), what)
    return found


def check_tree(root):
    found, count = [], 0
    for source in SOURCES:
        for folder, folders, files in os.walk(os.path.join(root, source)):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(folder, name), root)
                    found += check_file(root, path)
                    count += 1
    return found, count


# Path, content, and what must be said about it; None: nothing.
SELF_TEST = [
    ("drivers/a.c", '#include "drivers/a.h"\n#include "concentrator/platform/clock.h"\n#include <modbus.h>\n', None),
    ("drivers/b.c", '#include "meters/reading.h"\n', "drivers/b.c:1: drivers/ may not include"),
    ("drivers/c.c", '\n#include "concentrator/platform/journal.h"\n', "drivers/c.c:2: drivers/ may not include"),
    ("drivers/d.c", '#include "concentrator/station.h"\n', "drivers/d.c:1: drivers/ may not include"),
    ("drivers/e.c", '#include <sqlite3.h>\n', "drivers/e.c:1: drivers/ may not include <sqlite3.h>"),
    ("drivers/f.c", 'void f(void)\n{\n\tjournal_log(1);\n}\n', "drivers/f.c:3: leaves and rules return"),
    ("drivers/g.c", 'void f(void)\n{\n\tnanosleep(0, 0);\n}\n', None),
    ("meters/a.c", '#include "meters/reading.h"\n#include <ini.h>\n', None),
    ("meters/b.c", '#include "concentrator/platform/clock.h"\n', "meters/b.c:1: meters/ may not include"),
    ("meters/c.c", '#include "drivers/a.h"\n', "meters/c.c:1: meters/ may not include"),
    ("uplink/a.c", '#include "concentrator/platform/journal.h"\n#include <curl/curl.h>\n', None),
    ("uplink/sign/a.c", '#include "uplink/sign/a.h"\n#include <openssl/evp.h>\n', None),
    ("uplink/sign/b.c", '#include "concentrator/platform/signature.h"\n', "b.c:1: uplink/sign/ may not"),
    ("uplink/sign/c.c", '#include "uplink/a.h"\n', "c.c:1: uplink/sign/ may not"),
    ("uplink/b.c", '#include "concentrator/station.h"\n', "uplink/b.c:1: uplink/ may not include"),
    ("uplink/c.c", '#include "concentrator/rules/money.h"\n', "uplink/c.c:1: uplink/ may not include"),
    ("uplink/d.c", '#include <modbus.h>\n', "uplink/d.c:1: uplink/ may not include <modbus.h>"),
    ("uplink/e.c", '#include <sqlite3.h>\n', "uplink/e.c:1: uplink/ may not include <sqlite3.h>"),
    ("uplink/sub/f.c", '#include "drivers/a.h"\n', "uplink/sub/f.c:1: uplink/ may not include"),
    ("concentrator/rules/a.c", '#include "meters/reading.h"\n#include <stdint.h>\n', None),
    ("concentrator/rules/b.c", '#include <stdlib.h>\n', "b.c:1: the rules are pure"),
    ("concentrator/rules/c.c", '#include <time.h>\n', "c.c:1: the rules are pure"),
    ("concentrator/rules/d.c", '#include "concentrator/platform/clock.h"\n', "d.c:1: concentrator/rules/ may not"),
    ("concentrator/rules/e.c", '#include "meters/decode.h"\n', "e.c:1: concentrator/rules/ may not"),
    ("concentrator/rules/f.c", '#include "concentrator/station.h"\n', "f.c:1: concentrator/rules/ may not"),
    ("concentrator/platform/a.c", '#include "concentrator/platform/clock.h"\n#include <systemd/sd-journal.h>\n', None),
    ("concentrator/platform/b.c", '#include "concentrator/station.h"\n', "b.c:1: concentrator/platform/ may not"),
    ("concentrator/platform/c.c", '#include "meters/reading.h"\n', "c.c:1: concentrator/platform/ may not"),
    ("concentrator/platform/d.c", '#include <sqlite3.h>\n', "d.c:1: concentrator/platform/ may not"),
    ("concentrator/cli/a.c", '#include "concentrator/config.h"\n#include <curses.h>\n', None),
    ("concentrator/cli/b.c", '#include "concentrator/station.h"\n', "b.c:1: concentrator/cli/ may not"),
    ("concentrator/cli/c.c", '#include "drivers/a.h"\n', "c.c:1: concentrator/cli/ may not"),
    ("concentrator/cli/d.c", '#include <sqlite3.h>\n', "d.c:1: concentrator/cli/ may not"),
    ("concentrator/a.c", '#include "drivers/a.h"\n#include "concentrator/rules/money.h"\n#include <sqlite3.h>\n', None),
    ("concentrator/b.c", '#include "uplink/a.h"\n', "concentrator/b.c:1: concentrator/ may not"),
    ("concentrator/c.c", '#include "concentrator/cli/a.h"\n', "concentrator/c.c:1: concentrator/ may not"),
    ("concentrator/d.c", '#include <curl/curl.h>\n', "concentrator/d.c:1: concentrator/ may not"),
    ("concentrator/e.c", '#include <openssl/ssl.h>\n', "concentrator/e.c:1: concentrator/ may not"),
    ("concentrator/f.c", '#include "station.h"\n', "concentrator/f.c:1: \"station.h\" is no file from the root"),
    ("concentrator/g.c", '#include HEADER\n', "concentrator/g.c:1: an include that cannot be read"),
    ("concentrator/h.c", 'int f(void)\n{\n\treturn time(0);\n}\n', "concentrator/h.c:3: clocks are read"),
    ("concentrator/i.c", '/* time (0), #include "uplink/a.h"\n#include "uplink/a.h" */\nchar *c = "time(0)";\n', None),
    ("concentrator/j.c", 'void f(void)\n{\n\tusleep(1);\n}\n', "concentrator/j.c:3: nothing outside drivers/ sleeps"),
    ("concentrator/k.c", 'void f(void)\n{\n\tsd_journal_print(1, "");\n}\n', "concentrator/k.c:3: lines go to"),
    ("concentrator/l.c", 'void f(void)\n{\n\tjournal_log(1);\n}\n', None),
    ("concentrator/m.c", '#include <curses.h>\n', "concentrator/m.c:1: concentrator/ may not"),
    ("tests/building/a.c", '#include "tests/building/a.h"\n', None),
    ("tests/building/b.c", '#include "meters/reading.h"\n', "tests/building/b.c:1: tests/building/ may not"),
]

# Headers that the self-test includes.
SELF_TEST_HEADERS = [
    "drivers/a.h", "meters/reading.h", "meters/decode.h", "uplink/a.h", "uplink/sign/a.h", "concentrator/station.h",
    "concentrator/config.h", "concentrator/rules/money.h", "concentrator/platform/clock.h",
    "concentrator/platform/journal.h", "concentrator/platform/signature.h", "concentrator/cli/a.h", "tests/building/a.h"]


def self_test():
    wrong = []
    with tempfile.TemporaryDirectory() as root:
        def write(path, text):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)

        for header in SELF_TEST_HEADERS:
            write(header, "#pragma once\n")
        for path, text, _ in SELF_TEST:
            write(path, text)
        found, _ = check_tree(root)
        for path, _, wanted in SELF_TEST:
            said = [line for line in found if line.startswith(path + ":")]
            if wanted is None and said:
                wrong.append("refused though allowed: %s" % said[0])
            if wanted is not None and not (len(said) == 1 and wanted in said[0]):
                wrong.append("%s: expected %r, found %r" % (path, wanted, said))
    return wrong, len(SELF_TEST)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found, count = self_test() if arguments[1] == "--self-test" else check_tree(arguments[1])
    for line in found:
        print(line)
    print("%d checked, %d wrong" % (count, len(found)))
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
