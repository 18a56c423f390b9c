"""One connection to prepayd's control socket, for benches that ask often: no process a question."""

import json
import socket


class ControlProblem(Exception):
    """prepayd answered with a problem."""


class Control:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.pending = b""
        self.number = 0

    def call(self, verb, **args):
        """The answer's data."""
        self.number += 1
        request = {"v": 1, "id": self.number, "verb": verb, "args": args}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while b"\n" not in self.pending:
            part = self.socket.recv(65536)
            if not part:
                raise ControlProblem("prepayd has gone")
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        answer = json.loads(line)
        if "problem" in answer:
            raise ControlProblem(answer["problem"].get("detail"))
        return answer["data"]
