"""Starts the simulated cloud as a process of its own, speaks to its administration port, and signs orders
with the shipped prepay-sign.

    with Cloud(folder, site="S-0001", sign="build/uplink/sign/prepay-sign") as cloud:
        cloud.offer(cloud.keyset(), cloud.credit(mrid="r-1", room="305", tenancy="T-305", amount="20.00"))
        cloud.wait(lambda state: len(state["receipts"]) == 2)

Payment keys are made in FOLDER/trust: roots/root.pem (what the box is given), root.key, pay.key, pay.pub.
"""

import json
import os
import subprocess
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


class Cloud:
    def __init__(self, folder, site="S-0001", sign=None, port=0):
        self.folder, self.site, self.sign, self.port = os.path.abspath(folder), site, sign, port
        self.process = None
        self.url = self.admin = self.ca = self.certificate = self.key = None
        self.roots = os.path.join(self.folder, "trust", "roots")
        self.keyset_version = 0

    # --- life ---

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", os.path.join(HERE, "cloud.py"), "--dir", self.folder, "--site", self.site,
             "--port", str(self.port)], stdout=subprocess.PIPE, text=True)
        for name, value in json.loads(self.process.stdout.readline()).items():
            setattr(self, name, value)
        if self.sign and not os.path.isdir(self.roots):
            os.makedirs(self.roots)
            trust = os.path.dirname(self.roots)
            self._sign("keygen", os.path.join(trust, "root.key"), os.path.join(self.roots, "root.pem"))
            self._sign("keygen", os.path.join(trust, "pay.key"), os.path.join(trust, "pay.pub"))
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- administration ---

    def ask(self, verb, **content):
        request = urllib.request.Request(f"{self.admin}/{verb}", json.dumps(content).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def state(self):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.admin, timeout=10) as answer:
            return json.load(answer)

    def wait(self, condition, seconds=10):
        """Waits until condition(state) holds; returns the state. TimeoutError otherwise."""
        end = time.monotonic() + seconds
        while True:
            state = self.state()
            if condition(state):
                return state
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds} s; state: {json.dumps(state)[:2000]}")
            time.sleep(0.02)

    def offer(self, *items):
        return self.ask("items", items=list(items))

    def fault(self, kind, **parameters):
        """kind: see Handler.faulty in cloud.py; path=feed|receipts|events and times=N narrow it."""
        self.ask("fault", kind=kind, **parameters)

    def poison(self, match, how="row", status=422):
        """Refuses every event whose JSON contains match: how=row alone, how=batch the whole request."""
        self.ask("poison", match=match, how=how, status=status)

    def outage(self, seconds):
        self.ask("outage", seconds=seconds)

    # --- signing ---

    def _sign(self, *words, text=None):
        return subprocess.run([self.sign, *words], check=True, input=text, stdout=subprocess.PIPE, text=True).stdout

    def checkpoint(self):
        """The last checkpoint, as the cloud hands it out; {} when it has none."""
        return self.ask("checkpoint")

    def signed_checkpoint(self, document=None, root=None):
        """As the one who holds the payment root makes it for `prepay ledger restore`: text."""
        return self._sign("checkpoint", "--root", root or self.trust("root.key"),
                          text=json.dumps(document or self.checkpoint()))

    def trust(self, name):
        return os.path.join(os.path.dirname(self.roots), name)

    def keyset(self, version=None, limits=""):
        """A KeysetOffer with the payment key pay-1."""
        self.keyset_version = version or self.keyset_version + 1
        return json.loads(self._sign("keyset", "--root", self.trust("root.key"),
                                     "--version", str(self.keyset_version),
                                     "--key", f"pay-1={self.trust('pay.pub')}:credit{limits}"))

    def credit(self, mrid, room, tenancy, amount, currency="156", key=None, kid="pay-1", site=None, **more):
        """A CreditRegister; more: reverses=, exp=, type=, description=..., as the options of prepay-sign."""
        options = [word for name, value in more.items() for word in (f"--{name}", str(value))]
        return json.loads(self._sign("credit", "--key", key or self.trust("pay.key"), "--kid", kid,
                                     "--site", site or self.site, "--mrid", mrid, "--room", room,
                                     "--tenancy", tenancy, "--amount", amount, "--currency", str(currency),
                                     *options))
