#!/usr/bin/python3
"""What a program can reach from where it runs. Prints one JSON object: an errno's name, or "ok".

usage: sandbox_probe.py PORT        a TCP port that is open on 127.0.0.1
"""

import ctypes
import errno
import json
import os
import socket
import sys


def outcome(action):
    try:
        action()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def opened(path, flags):
    return outcome(lambda: os.close(os.open(path, flags)))


def connected(family, address):
    def connect():
        with socket.socket(family, socket.SOCK_STREAM) as peer:
            peer.settimeout(2)
            peer.connect(address)
    return outcome(connect)


def mapped_executable():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    if libc.mmap(None, 4096, 7, 0x22, -1, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def main():
    with open("/proc/self/status", encoding="ascii") as status:
        rows = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    with open("/proc/net/dev", encoding="ascii") if os.path.exists("/proc/net/dev") else open(os.devnull) as file:
        interfaces = sorted(line.split(":")[0].strip() for line in file if ":" in line)
    print(json.dumps({
        "uid": os.getuid(),
        "capabilities": int(rows["CapEff"], 16) | int(rows["CapBnd"], 16),
        "no_new_privileges": rows["NoNewPrivs"],
        "seccomp": rows["Seccomp"],
        "interfaces": interfaces,
        "internet": connected(socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))),
        "control": connected(socket.AF_UNIX, "/run/prepay/control.sock"),
        "packet": outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
        "ledger": opened("/var/lib/prepay/ledger.db", os.O_RDONLY),
        "ledger_folder": outcome(lambda: os.listdir("/var/lib/prepay")),
        "keys": opened("/var/lib/prepay-uplink/client.key", os.O_RDONLY),
        "line": opened("/dev/rs485-A", os.O_RDWR | os.O_NOCTTY),
        "configuration": opened("/etc/prepay/prepay.conf", os.O_RDONLY),
        "change_configuration": opened("/etc/prepay/prepay.conf", os.O_WRONLY),
        "change_program": opened("/usr/sbin/prepayd", os.O_WRONLY),
        "new_file_in_run": opened("/run/new", os.O_WRONLY | os.O_CREAT),
        "executable_memory": outcome(mapped_executable),
        "new_namespace": outcome(lambda: unshare(0x10000000)),
        "kernel_log": opened("/dev/kmsg", os.O_RDONLY),
    }))


def unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


if __name__ == "__main__":
    main()
