#!/usr/bin/python3
"""Holds the programs to the libraries of their side of the split (design.md, "Three programs").

Usage: links.py NAME PROGRAM          fails when PROGRAM needs a library that NAME must not have, or lacks one that
                                      proves that it was looked at
       links.py --self-test PROGRAM   proves that it can fail, on a program that needs libjansson

Reads DT_NEEDED, so a library that comes with another one (libssl with libcurl) is not the program's own.
"""

import re
import subprocess
import sys

# Name -> libraries it must never need, libraries it is made of.
PROGRAMS = {
    "prepayd": (["libcurl", "libssl", "libgnutls", "libncurses"], ["libmodbus", "libiio", "libsqlite3"]),
    "prepay-uplinkd": (["libmodbus", "libiio", "libsqlite3", "libncurses"], ["libcurl"]),
    "prepay": (["libcurl", "libssl", "libgnutls", "libmodbus", "libiio", "libsqlite3"], ["libjansson"]),
}


def needed(program):
    text = subprocess.run(["readelf", "--dynamic", "--wide", program], check=True, env={"LC_ALL": "C", "PATH":
                          "/usr/bin:/bin"}, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def check(program, never, made_of):
    libraries = needed(program)

    def has(name):
        return any(re.match(re.escape(name) + r"[\w-]*\.so", library) for library in libraries)

    return (["%s needs %s, which it must never touch" % (program, name) for name in never if has(name)] +
            ["%s does not need %s: is this the right program?" % (program, name) for name in made_of if not has(name)])


def self_test(program):
    wrong = []
    if check(program, [], ["libjansson"]):
        wrong.append("libjansson is not seen in %s" % program)
    if not check(program, ["libjansson"], []):
        wrong.append("a forbidden library is not told")
    if not check(program, [], ["libnothing"]):
        wrong.append("a missing library is not told")
    if check(program, ["libjan"], []) == []:
        wrong.append("a library with a longer name is not told")
    return wrong


def main(arguments):
    if len(arguments) != 3 or (arguments[1] != "--self-test" and arguments[1] not in PROGRAMS):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[1] == "--self-test":
        found = self_test(arguments[2])
    else:
        found = check(arguments[2], *PROGRAMS[arguments[1]])
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
