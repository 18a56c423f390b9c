#!/usr/bin/python3
"""Holds one thread of a process, and that one alone: as if it were stuck in a call.

usage: hold_thread.py TID

Says "held" and ends when the thread is gone. Stopped by SIGTERM it lets the thread go.
"""

import ctypes
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000  # __WALL: threads, too

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        sys.exit(f"hold_thread: {os.strerror(ctypes.get_errno())}")


def main():
    tid = int(sys.argv[1])
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    held = False
    while True:
        _, status = os.waitpid(tid, WALL)
        if not os.WIFSTOPPED(status):
            return
        if not held:
            print("held", flush=True)
        held = True


if __name__ == "__main__":
    main()
