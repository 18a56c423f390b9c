"""prepay, the real program, against a daemon that knows its lines by heart.

Usage: test_cli.py PREPAY [unittest arguments]
"""

import csv
import decimal
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import fake_daemon
from fake_daemon import Daemon, money, problem

PREPAY = os.path.abspath(sys.argv[1])
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
REASON = ["--reason", "test"]

# Every verb once, with arguments that make sense, and what it asks the daemon for.
USES = [
    (["status"], "status"), (["status", "--brief"], "status"), (["top", "--once"], "room.list"),
    (["version"], "version"), (["room", "list"], "room.list"),
    (["room", "show", "101"], "room.show"),
    (["room", "add", "305", "ac", "--line", "A", "--address", "17"], "room.add"),
    (["room", "import", "-"], "room.import"),
    (["room", "remove", "305", *REASON], "room.remove"),
    (["room", "persons", "305", "4", *REASON], "room.persons"),
    (["meter", "read", "101"], "meter.read"), (["meter", "list"], "meter.list"),
    (["model", "list"], "model.list"),
    (["meter", "list", "--line", "A"], "meter.list"), (["meter", "show", "A/5"], "meter.show"),
    (["meter", "show", "101/ac"], "meter.show"), (["line", "list"], "line.list"),
    (["line", "show", "A"], "line.show"),
    (["line", "scan", "A", "--addresses", "1-32"], "line.scan"), (["line", "test", "A"], "line.test"),
    (["line", "cancel", "A"], "line.cancel"),
    (["relay", "101", "on", *REASON], "relay.set"),
    (["relay", "101", "off", *REASON], "relay.set"),
    (["relay", "101/ac", "auto", *REASON], "relay.set"),
    (["relay", "101", "connect", *REASON], "relay.connect"),
    (["relay", "101", "lockout", *REASON], "relay.lockout"),
    (["relay", "101", "release", *REASON], "relay.release"),
    (["credit", "list"], "credit.list"), (["credit", "show", "ord-1"], "credit.show"),
    (["credit", "add", "101", "20", "--receipt", "9", *REASON], "credit.add"),
    (["ledger", "tail"], "ledger.tail"), (["ledger", "settle", *REASON], "ledger.settle"),
    (["ledger", "verify"], "ledger.verify"),
    (["ledger", "export", "--hledger", "--since", "2026-11-01"], "ledger.export"),
    (["dated", "list"], "dated.list"), (["dated", "confirm", *REASON], "dated.confirm"),
    (["dated", "waive", *REASON], "dated.waive"),
    (["hold", "list"], "hold.list"), (["hold", "release", "107", *REASON], "hold.release"),
    (["hold", "107", "--until", "2026-12-24 18:00", *REASON], "hold.set"),
    (["tenancy", "move-in", "101", "T-9", *REASON], "tenancy.begin"),
    (["tenancy", "move-out", "101", "--last-reading", *REASON], "tenancy.end"),
    (["tenancy", "transfer", "101", "102", "--dry-run", *REASON], "tenancy.transfer"),
    (["adjust", "101", "-5.00", "--entry", "7", *REASON], "adjust"),
    (["write-off", "101", *REASON], "write_off"),
    (["explain", "305", "--last", "5", "--since", "2026-11-01 08:30"], "explain"),
    (["statement", "305", "--month", "2026-11", "--csv"], "statement"),
    (["ledger", "backup"], "ledger.backup"),
    (["quarantine", "list"], "quarantine.list"), (["quarantine", "show", "3"], "quarantine.show"),
    (["quarantine", "accept", "3", "--as", "charge", *REASON], "quarantine.accept"),
    (["quarantine", "reject", "3", "--dry-run", *REASON], "quarantine.reject"),
    (["meter", "exchange", "112", "--final", "1246.912", "--initial", "0", *REASON],
     "meter.exchange"),
    (["tariff", "show"], "tariff.show"), (["tariff", "show", "2"], "tariff.show"),
    (["audit", "list", "-n", "5", "--who", "li", "--verb", "credit.add"], "audit.list"),
    (["tariff", "check", "-"], "tariff.check"),
    (["tariff", "diff", "-"], "tariff.check"),
    (["tariff", "trial", "-", "--month", "2026-10"], "tariff.trial"),
    (["tariff", "apply", "-", *REASON], "tariff.apply"), (["alarm", "list"], "alarm.list"),
    (["alarm", "ack", "7", *REASON], "alarm.acknowledge"), (["cuts", "list"], "cuts.list"),
    (["cuts", "confirm", *REASON], "cuts.confirm"), (["uplink", "status"], "uplink.status"),
]
CSV = "room,circuit,line,address\n305,sockets,A,17\n306,sockets,A,18\n"


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="prepay-cli-")
        self.socket = os.path.join(self.folder, "s")
        self.daemon = Daemon(self.socket)
        self.environment = {"LANG": "C", "PATH": os.environ["PATH"], "TZ": "UTC",
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def tearDown(self):
        self.daemon.close()
        shutil.rmtree(self.folder)

    def run_bare(self, arguments, stdin="", **environment):
        return subprocess.run([PREPAY, *arguments], input=stdin, text=True, capture_output=True,
                              timeout=60, env={**self.environment, **environment}, check=False)

    def run_cli(self, *arguments, stdin=CSV, **environment):
        return self.run_bare(["--socket", self.socket, *arguments], stdin, **environment)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    WATER_ROWS = {
        "explain": {"room": "305", "balance": money(1382), "balance_nano": "13827500000", "pending": {
            "energy_wh": 120, "volume_l": 34, "amount": money(-7), "amount_nano": "-64560000"}},
        "statement": fake_daemon.STATEMENT, "freeze.list": {"room": "305"}, "profile": {"room": "305"}}

    def answer_water(self):
        """Rows of both media for every view of the past."""
        charge = {**fake_daemon.ENTRIES[1], "from_s": 1796204400, "to_s": 1796212800, "tariff_id": 1,
                  "tariff": "flat 2026", "rule": "metered", "read_s": 1796212800, "period": "2026-12-02",
                  "register_wh": 1234567, "total_wh": 5000, "seq": 12344, "balance": money(1382)}
        for verb, data in self.WATER_ROWS.items():
            rows = data["rows"] if verb == "statement" else [charge]
            water = {**rows[-1], "energy_wh": 34567, "price_micro_per_kwh": 3450000, "register_wh": 9876543}
            self.daemon.answers[verb] = {"data": {**data, "rows": [*rows, fake_daemon.of_water(water)]}}
        self.daemon.answers["ledger.tail"] = {"data": {"rows": [charge, fake_daemon.of_water(charge)]}}


class Verbs(CliTest):
    def test_every_verb_asks_and_succeeds(self):
        for arguments, verb in USES:
            with self.subTest(arguments=arguments):
                self.daemon.asked.clear()
                done = self.run_cli(*arguments)
                self.assertEqual((done.returncode, done.stderr.replace(
                    "warning: a relay is no isolator: switch off the breaker, lock it and prove it "
                    "dead before work\n", "")), (0, ""))
                self.assertIn(verb, [asked for asked, _ in self.daemon.asked])
                self.assertNotEqual(done.stdout, "")
                self.assertNotIn("\033", done.stdout)

    def test_json_is_one_object_of_one_shape(self):
        for arguments, _ in USES:
            with self.subTest(arguments=arguments):
                done = self.run_cli("--json", *arguments)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                answer = json.loads(done.stdout)
                self.assertEqual(list(answer), ["v", "data", "warnings"])
                self.assertEqual(answer["v"], 1)
                self.assertIsInstance(answer["data"], dict)
                self.assertIsInstance(answer["warnings"], list)

    def test_a_problem_of_the_daemon_is_told_with_its_exit_code(self):
        kinds = [("failed", 1), ("usage", 2), ("not-authorised", 3), ("not-found", 4),
                 ("refused", 7), ("conflict", 8), ("degraded", 9)]
        for name, code in kinds:
            with self.subTest(name=name):
                self.daemon.answers["room.show"] = problem(name, "room 9: because", code)
                done = self.run_cli("room", "show", "9")
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertTrue(done.stderr.startswith("prepay: "))
                self.assertIn("room 9: because", done.stderr)
                done = self.run_cli("room", "show", "9", "--json")
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                told = json.loads(done.stderr)
                self.assertEqual(list(told), ["v", "problem"])
                self.assertEqual(told["problem"]["type"], "urn:prepay:problem:" + name)
                self.assertEqual(told["problem"]["detail"], "room 9: because")
                self.assertEqual(told["problem"]["exit"], code)

    def test_every_verb_passes_a_wrong_role_on(self):
        for arguments, verb in USES:
            if verb == "version":
                continue
            with self.subTest(arguments=arguments):
                self.daemon.answers[verb] = problem("not-authorised", "needs the role admin", 3)
                done = self.run_cli(*arguments)
                self.assertEqual(done.returncode, 3)
                self.assertIn("needs the role admin", done.stderr)
                self.assertIn("ROLES in prepay(1)", done.stderr)

    def test_no_daemon_is_5(self):
        for socket in ("/nonexistent/prepay.sock", self.write("file", "")):
            done = self.run_bare(["--socket", socket, "status"])
            self.assertEqual(done.returncode, 5)
            self.assertIn(socket, done.stderr)
            self.assertIn("systemctl status prepayd", done.stderr)

    def test_time_out_is_6(self):
        self.daemon.answers["status"] = None
        begun = time.monotonic()
        done = self.run_cli("status", "--timeout", "1")
        self.assertEqual(done.returncode, 6)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("Ask again", done.stderr)
        done = self.run_cli("--json", "status", "--timeout", "1")
        self.assertEqual(json.loads(done.stderr)["problem"]["exit"], 6)

    def test_a_daemon_that_talks_nonsense_is_a_problem(self):
        for answer in (b"nonsense\n", b'{"v":1,"id":999,"data":{}}\n', b"x" * 70000 + b"\n",
                       b'{"v":1,"id":1,"data":{"a":1.5}}\n'):
            with self.subTest(answer=answer[:20]):
                self.daemon.answers["status"] = answer
                done = self.run_cli("status", "--timeout", "1")
                self.assertIn(done.returncode, (1, 6))
                self.assertIn("prepay: ", done.stderr)

    def test_pages_are_put_together(self):
        answer = json.loads(self.run_cli("room", "list", "--json").stdout)
        self.assertEqual(len(answer["data"]["rows"]), 64)
        asked = [args.get("cursor") for verb, args in self.daemon.asked]
        self.assertEqual(asked, [None, "20", "40", "60"])

    def test_quiet_prints_names_or_nothing(self):
        done = self.run_cli("-q", "room", "list")
        self.assertEqual(done.stdout.split(), [r["room"] for r in fake_daemon.rooms()])
        self.assertEqual(self.run_cli("line", "list", "--quiet").stdout, "A\nB\n")
        self.assertEqual(self.run_cli("-q", "relay", "101", "off", *REASON).stdout, "")

    def test_usage_is_2(self):
        for arguments in (["nonsense"], ["room"], ["room", "show"], ["relay", "101", "off"],
                          ["status", "--nonsense"], ["ledger", "tail", "-n", "0"],
                          ["alarm", "ack", "x", *REASON], []):
            with self.subTest(arguments=arguments):
                done = self.run_cli(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertEqual(self.daemon.asked, [])
                done = self.run_cli("--json", *arguments)
                self.assertEqual(json.loads(done.stderr)["problem"]["exit"], 2)

    def test_configuration_says_where_the_socket_is(self):
        file = self.write("prepay.conf", f"[control]\nsocket = {self.socket}\n")
        self.assertEqual(self.run_bare(["--config", file, "status"]).returncode, 0)
        done = self.run_bare(["--config", file + ".missing", "status"])
        self.assertEqual(done.returncode, 2)
        self.assertIn(file + ".missing", done.stderr)
        # A fault elsewhere in the file keeps nobody from asking.
        file = self.write("prepay.conf", f"[nonsense]\nx=1\n[control]\nsocket = {self.socket}\n")
        self.assertEqual(self.run_bare(["--config", file, "status"]).returncode, 0)

    def test_colour_only_where_it_is_wanted(self):
        self.assertIn("\033[", self.run_cli("status", "--color", "yes").stdout)
        self.assertNotIn("\033[", self.run_cli("status").stdout)


class Answers(CliTest):
    def test_a_stale_value_is_never_shown_as_current(self):
        shown = self.run_cli("room", "list").stdout
        self.assertRegex(shown, r"\n111 .* 243 W +231\.2 +4m ago ")
        self.assertRegex(shown, r"\n119 .* - +- +never ")
        self.assertRegex(shown, r"\n64 rooms, 1 off, 1 armed, 2 low, 2 stale\n$")
        self.assertIn("STALE: 243 W", self.run_cli("room", "show", "111").stdout)
        self.assertIn("cabinet 31.4 degC, STALE, 15m ago: device gone", self.run_cli("status").stdout)

    def test_check_is_for_a_monitor(self):
        done = self.run_cli("status", "--check")
        self.assertEqual(done.returncode, 10)
        self.assertTrue(done.stdout.startswith("CRITICAL - 1 critical alarm; "))
        self.daemon.answers["status"] = {"data": fake_daemon.WELL}
        done = self.run_cli("status", "--check")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "OK - 64 rooms, 62 on, 1 off, 1 armed, 1 low, 1 out of credit\n"))
        away = {**fake_daemon.WELL, "uplink": {**fake_daemon.UPLINK, "state": "away"}}
        self.daemon.answers["status"] = {"data": away}
        done = self.run_cli("status", "--check")
        self.assertEqual((done.returncode, done.stdout), (9, "WARNING - cloud away\n"))

    def test_utf8_marks_fall_back_to_ascii(self):
        self.assertTrue(self.run_cli("status", "--brief").stdout.startswith("x S-0042: 64 rooms"))
        done = self.run_cli("status", "--brief", LANG="C.UTF-8")
        self.assertTrue(done.stdout.startswith("\u2717 S-0042: 64 rooms"))

    def test_control_characters_of_others_never_reach_the_terminal(self):
        row = {**fake_daemon.ALARMS[0], "detail": "\x1b]0;owned\x07"}
        self.daemon.answers["alarm.list"] = {"data": {"rows": [row]}}
        self.assertIn("?]0;owned?", self.run_cli("alarm", "list").stdout)
        self.daemon.answers["room.show"] = problem("failed", "\x1b[2J\ngone", 1)
        self.assertNotIn("\x1b", self.run_cli("room", "show", "1").stderr)

    def test_a_room_says_what_is_coming(self):
        shown = self.run_cli("room", "show", "107").stdout
        self.assertIn("to be cut for money, not before 2026-12-02 12:10:00", shown)
        self.assertIn("not cut: clock, for 1h 0m so far", shown)
        # The last entry is the lowest, as on a statement.
        self.assertRegex(shown, r"(?s)\n12340 .*\n12344 .*\n5 entries\n$")
        row = fake_daemon.supply("ac", "A", 5, lockout={"owner": "li", "reason": "new wiring"})
        self.daemon.answers["room.show"] = {"data": {**fake_daemon.rooms()[0], "supplies": [row]}}
        self.assertIn("locked out by li: new wiring", self.run_cli("room", "show", "101").stdout)

    def test_a_position_that_was_not_read_is_not_shown_as_read(self):
        row = fake_daemon.supply("ac", "A", 5, position_age_s=None, verified="load-only")
        self.daemon.answers["relay.set"] = {"data": {"supplies": [row]}}
        self.assertIn("now on?, position not read, verified: load-only",
                      self.run_cli("relay", "101", "on", *REASON).stdout)

    def test_relay_asks_for_what_was_typed(self):
        self.run_cli("relay", "101/ac", "off", "--reason", "too hot")
        self.assertEqual(self.daemon.asked, [("relay.set", {
            "room": "101", "circuit": "ac", "reason": "too hot", "position": "off"})])

    def test_meter_read_takes_rooms_and_addresses(self):
        for arguments, wanted in ((["305"], {"room": "305"}),
                                  (["305", "ac"], {"room": "305", "circuit": "ac"}),
                                  (["305/ac"], {"room": "305", "circuit": "ac"}),
                                  (["A/17"], {"line": "A", "address": 17})):
            self.daemon.asked.clear()
            self.run_cli("meter", "read", *arguments)
            self.assertEqual(self.daemon.asked, [("meter.read", wanted)])

    def test_cash_is_exact(self):
        self.run_cli("credit", "add", "101", "20.5", "--receipt", "9", *REASON)
        self.assertEqual(self.daemon.asked[-1], ("credit.add", {
            "room": "101", "amount": {"value": 2050, "multiplier": -2, "monetaryUnit": 156},
            "receipt": "9", "reason": "test"}))
        for amount in ("20.501", "-5", "0", "1e3", "99999999999999999999"):
            self.daemon.asked.clear()
            done = self.run_cli("credit", "add", "101", amount, "--receipt", "9", *REASON)
            self.assertEqual(done.returncode, 2)
            self.assertIn("AMOUNT " + amount, done.stderr)
            self.assertNotIn("credit.add", [verb for verb, _ in self.daemon.asked])

    def test_orders_are_delivered_as_they_stand(self):
        order = {"type": "CreditRegister", "mRID": "a", "kid": "k", "p": "cGF5", "sig": "c2ln"}
        for text in (order, [order], {"cursor": "c", "items": [order]}):
            self.daemon.asked.clear()
            done = self.run_cli("credit", "import", "-", stdin=json.dumps(text))
            self.assertEqual(done.returncode, 0)
            self.assertEqual(self.daemon.asked, [("credit.import", {"orders": [order]})])
        big = [{**order, "mRID": str(n), "p": "x" * 900} for n in range(200)]
        done = self.run_cli("--json", "credit", "import", "-",
                            stdin="\n".join(json.dumps(o) for o in big))
        self.assertEqual(len(json.loads(done.stdout)["data"]["results"]), 200)
        sent = [o["mRID"] for verb, args in self.daemon.asked[1:] for o in args["orders"]]
        self.assertEqual(sent, [o["mRID"] for o in big])
        self.daemon.answers["credit.import"] = {"data": {"results": [
            {"mRID": "a", "result": "rejected", "detail": "bad signature"}]}}
        done = self.run_cli("credit", "import", "-", stdin=json.dumps(order))
        self.assertEqual(done.returncode, 7)
        self.assertRegex(done.stdout, r"a +rejected +bad signature")
        for text in ("", "[", "1", '{"a":1,"a":2}', "[1]"):
            done = self.run_cli("credit", "import", "-", stdin=text)
            self.assertEqual(done.returncode, 2)
            self.assertIn("standard input", done.stderr)

    def journal(self, *options):
        done = self.run_cli("ledger", "export", "--hledger", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_the_journal_balances_in_both_readers(self):
        for options, rows in (((), None), (("--since", "2026-11-01"), fake_daemon.EXPORT[4:])):
            if rows is not None:
                self.daemon.answers["ledger.export"] = {"data": {
                    "site": "S-1", "monetaryUnit": 156, "digits": 2, "energy": False, "rows": rows}}
            journal = self.journal(*options)
            for words in (["hledger", "-f", "-", "check"], ["hledger", "-f", "-", "check", "ordereddates"],
                          ["ledger", "-f", "-", "bal"]):
                with self.subTest(words=words, options=options):
                    done = subprocess.run(words, input=journal, text=True, capture_output=True,
                                          check=False, timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn("rror", done.stderr)
        self.daemon.answers.clear()
        journal = self.journal()
        for words in (["hledger", "-f", "-", "bal", "-N", "recharges", "--flat"],
                      ["ledger", "-f", "-", "bal", "--no-total", "--flat", "recharges"]):
            done = subprocess.run(words, input=journal, text=True, capture_output=True, check=True,
                                  timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
            self.assertIn("49.000000001 CNY", done.stdout)
        # Tax that a charge includes, and tax that was added.
        for words in (["hledger", "-f", "-", "bal", "-N", "liabilities:tax", "income:standing", "--flat"],
                      ["ledger", "-f", "-", "bal", "--no-total", "--flat", "liabilities:tax", "income:standing"]):
            done = subprocess.run(words, input=journal, text=True, capture_output=True, check=True,
                                  timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
            self.assertRegex(done.stdout, r"-0\.2170+ CNY +liabilities:tax")
            self.assertRegex(done.stdout, r"-1\.0+ CNY +income:standing")
        # An assertion that is wrong must be found: else nothing was proven.
        wrong = journal.replace("= -20.000000000 CNY", "= -20.000000001 CNY")
        self.assertNotEqual(wrong, journal)
        for words in (["hledger", "-f", "-", "check"], ["ledger", "-f", "-", "bal"]):
            done = subprocess.run(words, input=wrong, text=True, capture_output=True, check=False,
                                  timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
            self.assertNotEqual(done.returncode, 0, words)

    def test_a_part_of_the_journal_has_every_room_s_balance(self):
        rows = fake_daemon.EXPORT[4:]
        for part in (rows, []):
            self.daemon.answers["ledger.export"] = {"data": {
                "site": "S-1", "monetaryUnit": 156, "digits": 2, "energy": False, "rows": part}}
            self.daemon.answers["ledger.tail"] = {"data": {"rows": [
                {**rows[0], "account": 1}, {**rows[0], "account": 2, "room": "306", "balance_nano": "5000000001"},
                {**rows[0], "account": 3, "room": "307", "balance_nano": "0"}]}}
            journal = self.journal("--since", "2026-11-01")
            for words in (["hledger", "-f", "-", "check", "ordereddates"],
                          ["hledger", "-f", "-", "bal", "-N", "liabilities:rooms:306", "--flat"],
                          ["ledger", "-f", "-", "bal", "--no-total", "--flat", "liabilities:rooms:306"]):
                done = subprocess.run(words, input=journal, text=True, capture_output=True, check=False,
                                      timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                if "bal" in words:
                    self.assertIn("-5.000000001 CNY", done.stdout)
            self.assertNotIn("rooms:307", journal)
            self.assertEqual(journal.count("carried forward"), 2)

    def test_the_journal_counts_water_beside_energy(self):
        rows = [fake_daemon.of_water(row) if row["kind"] in ("charge", "quarantine") and row["energy_wh"] != 1000 else row
                for row in fake_daemon.EXPORT]
        self.daemon.answers["ledger.export"] = {"data": {
            "site": "S-1", "monetaryUnit": 156, "digits": 2, "energy": False, "rows": rows}}
        journal = self.journal()
        for words in (["hledger", "-f", "-", "bal", "-N", "--flat"], ["ledger", "-f", "-", "bal", "--no-total", "--flat"]):
            with self.subTest(words=words):
                done = subprocess.run(words, input=journal, text=True, capture_output=True, check=True,
                                      timeout=60, env={**self.environment, "LANG": "C.UTF-8"})
                self.assertRegex(done.stdout, r'[^-]1\.250 "?m3"? +water:charge')
                self.assertRegex(done.stdout, r'[^-]0\.077 "?m3"? +water:quarantine')
                self.assertRegex(done.stdout, r"[^-]1\.000 kWh +energy:charge")
                self.assertRegex(done.stdout, r"-0\.6725[0-9]* CNY +income:water")
                self.assertRegex(done.stdout, r"-0\.538[0-9]* CNY +income:energy")

    def test_water_is_told_in_cubic_metres(self):
        self.answer_water()
        shown = self.run_cli("explain", "305").stdout
        self.assertRegex(shown, r"water .* 34\.567 m3 +3\.45 ")
        self.assertRegex(shown, r"sockets .* 1\.250 +0\.538 ")
        self.assertIn("0.120 kWh, 0.034 m3", shown)
        self.assertRegex(self.run_cli("statement", "305", "--month", "2026-11").stdout, r"34\.567 m3 +3\.45 ")
        self.assertRegex(self.run_cli("freeze", "list", "305").stdout, r"9876\.543 m3 .* 34\.567 m3 ")
        self.assertRegex(self.run_cli("profile", "305", *REASON).stdout, r"34\.567 m3 +9876\.543 m3")
        self.assertRegex(self.run_cli("ledger", "tail").stdout, r"1\.250 m3 +1005\.000 m3 +0\.538")
        for arguments in (["statement", "305", "--month", "2026-11"], ["freeze", "list", "305"],
                          ["profile", "305", *REASON]):
            rows = list(csv.DictReader(self.run_cli(*arguments, "--csv").stdout.splitlines()))
            self.assertEqual([(row["kwh"], row["m3"]) for row in rows if row["kwh"] or row["m3"]],
                             [("1.250", ""), ("", "34.567")])
            self.assertNotIn(None, rows[-1])

    def test_a_room_with_water_and_its_price_are_shown(self):
        row = {**fake_daemon.supply("water", "A", 5), "medium": "water", "register_l": 345678}
        del row["register_wh"], row["settled_wh"]
        self.daemon.answers["room.show"] = {"data": {**fake_daemon.rooms()[0], "supplies": [row]}}
        shown = self.run_cli("room", "show", "101").stdout
        self.assertIn("register 345.678 m3", shown)
        self.assertRegex(shown, r"valve +A/")
        self.assertNotIn(" V, register", shown)
        self.assertNotIn("breaker", shown)
        tariff = {**fake_daemon.TARIFFS[0], "water": {"price_micro_per_m3": 3450000}}
        self.daemon.answers["tariff.check"] = {"data": tariff}
        self.assertIn("\n  water: 3.45 per m3\n",
                      self.run_cli("tariff", "check", self.write("t.conf", "[tariff]\n")).stdout)
        status = {**fake_daemon.STATUS, "totals": {**fake_daemon.STATUS["totals"], "charged_l": 4321, "quarantined_l": 5}}
        self.daemon.answers["status"] = {"data": status}
        self.assertRegex(self.run_cli("status").stdout, r"water +charged 4\.321 m3, in quarantine 0\.005 m3")

    def test_the_register_of_a_water_meter_is_typed_as_it_shows(self):
        for text, litres in (("123.456m3", 123456), ("123456L", 123456), ("123.4", 123400)):
            self.run_cli("meter", "exchange", "305/water", "--final", text, "--initial", "0", *REASON, "--yes")
            self.assertEqual([args["final_wh"] for verb, args in self.daemon.asked if verb == "meter.exchange"][-1], litres)

    def test_a_new_tariff_is_compared_key_by_key(self):
        done = self.run_cli("--json", "tariff", "diff", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {(row["section"], row["key"]): (row["now"], row["new"]) for row in json.loads(done.stdout)["data"]["rows"]}
        self.assertEqual(rows, {
            ("tariff", "name"): ("flat 2026", "flat 2027"), ("energy", "price"): ("0.538", "0.55"),
            ("energy", "blocks"): (None, "100 200"), ("energy", "move-in"): ("whole", None), ("tax", "rate"): ("13", None)})
        self.assertRegex(self.run_cli("tariff", "diff", "-").stdout, r"energy +price +0\.538 +0\.55\n")

    def test_a_trial_adds_up_and_tells_what_is_shared_out(self):
        done = self.run_cli("tariff", "trial", "-", "--csv")
        self.assertEqual(done.stdout.splitlines(), [
            "room,kwh,charged,trial,difference,kwh_shared", '"305",100.000,53.80,56.00,2.20,0.000',
            '"\'=306",31.072,16.716736,17.40032,0.683584,1.024'])
        done = self.run_cli("tariff", "trial", "-")
        self.assertIn('2026-10, as if tariff "flat 2027" had been in force', done.stdout)
        self.assertRegex(done.stdout, r"under it +73\.40032 \(difference 2\.883584\)")
        self.assertRegex(done.stdout, r"shared out +1\.024 kWh by time")

    def test_a_statement_is_exact_and_no_formula(self):
        done = self.run_cli("statement", "305", "--month", "2026-11", "--csv")
        self.assertEqual(done.returncode, 0)
        rows = list(csv.DictReader(done.stdout.splitlines()))
        amounts = [decimal.Decimal(row["amount"]) for row in rows]
        self.assertEqual(sum(amounts[:-1]), amounts[-1])
        self.assertEqual(rows[1]["why"], "'=1+1, \"so\"")

    def test_a_statement_says_whose_each_row_is_and_its_tax(self):
        rows = fake_daemon.STATEMENT["rows"]
        rows = [{**rows[0], "part": 0, "tenancy": "T-1", "tax_nano": "0", "credit": "subsidy"},
                {**rows[1], "part": 0, "tenancy": "T-1", "tax_nano": "-50000000"},
                {**rows[1], "part": 1, "tenancy": "T-2", "tax_nano": "-25000000"}]
        self.daemon.answers["statement"] = {"data": {**fake_daemon.STATEMENT, "rows": rows, "account_before": 3}}
        asked = ["statement", "305", "--month", "2026-11"]
        for columns in ("80", "200"):
            done = self.run_cli(*asked, COLUMNS=columns)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertLess(done.stdout.index("T-1"), done.stdout.index("T-2"))
            self.assertEqual(done.stdout.count("KIND"), 2)
            self.assertRegex(done.stdout, r"tax +-0\.075 included")
            self.assertIn("--account 3", done.stdout)
            self.assertIn("closing ", done.stdout)
            self.assertNotIn("left", done.stdout)
        csv_rows = list(csv.DictReader(self.run_cli(*asked, "--csv").stdout.splitlines()))
        self.assertEqual([(row["credit"], row["tax_included"], row["tenancy"]) for row in csv_rows], [
            ("", "", ""), ("subsidy", "", "T-1"), ("", "-0.05", "T-1"), ("", "-0.025", "T-2"), ("", "", "")])
        credit = [{"type": "paid", "left": money(7000), "left_nano": "70000000000", "used_nano": "0", "limit_nano": "0"}]
        self.daemon.answers["statement"] = {"data": {**fake_daemon.STATEMENT, "over": False, "credits": credit}}
        done = self.run_cli(*asked)
        self.assertRegex(done.stdout, r"2026-11, not over yet")
        self.assertRegex(done.stdout, r"so far +59\.3275")
        self.assertRegex(done.stdout, r"paid +70\.00 left")
        self.assertNotIn("TAX", done.stdout)
        self.run_cli(*asked, "--account", "3")
        self.assertEqual(self.daemon.asked[-1][1]["account"], 3)
        self.assertEqual(self.run_cli(*asked, "--account", "x").returncode, 2)

    def test_a_closed_account_says_what_became_of_its_money(self):
        for amount, given_up, words in ((15_000_000_000, 0, r"refund +15\.00, to be paid to the tenant"),
                                        (-3_500_000_000, 0, r"owed +3\.50, by the tenant"),
                                        (0, 3_500_000_000, r"given up +3\.50, which the room owed"),
                                        (0, 0, r"refund +none")):
            for arguments, verb in ((["room", "remove", "101", "--write-off", *REASON, "--yes"], "room.remove"),
                                    (["tenancy", "move-out", "101", *REASON, "--yes"], "tenancy.end")):
                self.daemon.answers[verb] = {"data": {
                    "room": "101", "amount": money(amount // 10_000_000), "amount_nano": str(amount),
                    "given_up_nano": str(given_up), "rounded_nano": "0", "dry_run": False}}
                done = self.run_cli(*arguments)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, words)

    def test_a_broken_chain_is_a_failure(self):
        self.daemon.answers["ledger.verify"] = {"data": {
            "entries": 9, "ok": False, "first_bad": 5, "detail": "hash differs", "head": ""}}
        done = self.run_cli("ledger", "verify")
        self.assertEqual(done.returncode, 1)
        self.assertIn("at entry 5: hash differs", done.stderr)

    def test_a_tariff_of_bands_and_blocks_is_shown_whole(self):
        row = {"id": 2, "name": "zhejiang", "state": "checked", "activation_s": 1788192000,
               "price_micro_per_kwh": 288000, "most_micro_per_kwh": 868000,
               "edges_wh": [2760000, 4800500],
               "bands": [{"name": "peak", "price_micro_per_kwh": [568000, 618000, 868000]},
                         {"name": "valley", "price_micro_per_kwh": [288000, 338000, 588000]}]}
        self.daemon.answers["tariff.check"] = {"data": row}
        done = self.run_cli("tariff", "check", self.write("t.conf", "[tariff]\n"))
        self.assertEqual(done.stdout.splitlines()[1:], [
            "  peak: 0.568 to 2760 kWh, 0.618 to 4800500 Wh, 0.868",
            "  valley: 0.288 to 2760 kWh, 0.338 to 4800500 Wh, 0.588"])
        self.assertIn("0.288 to 0.868 per kWh", done.stdout)
        self.daemon.answers["tariff.show"] = {"data": {"rows": [dict(row, state="current")]}}
        done = self.run_cli("tariff", "show")
        self.assertRegex(done.stdout, r"zhejiang +current +2026-08-31 16:00:00 +0\.288 to 0\.868 +2 +3")

    def test_one_tariff_is_shown_in_full(self):
        text = ("[tariff]\nname = z\n[energy]\nblocks = 100\nreset = month 1\n[band peak]\nprice = 1, 2\n"
                "[days all]\non = mon-sun\nbands = 00:00 peak   # always\n")
        row = {**fake_daemon.TARIFFS[0], "id": 7, "text": text}
        self.daemon.answers["tariff.show"] = {"data": {"rows": [fake_daemon.TARIFFS[1], row]}}
        done = self.run_cli("tariff", "show", "7")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('tariff 7 "flat 2026", current', done.stdout)
        self.assertIn("\n  energy: reset month 1\n", done.stdout)
        self.assertIn("\n  days all: on mon-sun, bands 00:00 peak\n", done.stdout)
        self.assertIn("\n    bands = 00:00 peak   # always\n", done.stdout)
        self.assertEqual(self.run_cli("tariff", "show", "8").returncode, 4)
        self.daemon.answers["tariff.check"] = {"data": {**row, "state": "checked"}}
        self.assertIn("\n  days all: on mon-sun, bands 00:00 peak\n", self.run_cli("tariff", "check", "-").stdout)

    def test_the_audit_says_who_what_and_why(self):
        done = self.run_cli("audit", "list", COLUMNS="80")
        self.assertRegex(done.stdout, r"li +credit\.add .* cash")

    def test_tariff_errors_name_file_and_line(self):
        file = self.write("t.conf", "[tariff]\nprice = x\n")
        self.daemon.answers["tariff.check"] = problem(
            "usage", "the tariff has 1 error", 2, [{"line": 2, "message": "x is no price"}])
        done = self.run_cli("tariff", "check", file)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{file}:2: x is no price\n", done.stderr)


class Import(CliTest):
    def test_all_rows_go_at_once_after_a_check(self):
        rows = [{"room": "305", "circuit": "sockets", "line": "A", "address": "17"},
                {"room": "306", "circuit": "sockets", "line": "A", "address": "18"}]
        done = self.run_cli("room", "import", self.write("r.csv", CSV))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.daemon.asked, [
            ("room.import", {"rows": rows, "dry_run": True}),
            ("room.import", {"rows": rows, "dry_run": False})])

    def test_a_dry_run_changes_nothing(self):
        self.run_cli("room", "import", "--dry-run", self.write("r.csv", CSV))
        self.assertEqual([args["dry_run"] for _, args in self.daemon.asked], [True, True])

    def test_every_error_is_listed_and_nothing_imported(self):
        self.daemon.answers["room.import"] = problem("usage", "1 error", 2, [
            {"row": 1, "column": "line", "message": "there is no line Z"}])
        file = self.write("r.csv", "room,circuit,line,address\r\n305,sockets,Z,17\r\n"
                                   "306,sockets,A,300\r\n307,sockets,A,1,2\r\n")
        done = self.run_cli("room", "import", file)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, f"""prepay: {file}: 3 errors; nothing was imported
{file}:2: column 3 (line): there is no line Z
{file}:3: column 4 (address): "300" is not a number from 1 to 247
{file}:4: column 5: 5 fields where the header has 4
""")
        self.assertEqual([args["dry_run"] for _, args in self.daemon.asked], [True])
        told = json.loads(self.run_cli("--json", "room", "import", file).stderr)["problem"]
        self.assertEqual([(e["line"], e["column_number"]) for e in told["errors"]],
                         [(2, 3), (3, 4), (4, 5)])

    def test_errors_of_the_daemon_keep_its_kind(self):
        self.daemon.answers["room.import"] = problem("conflict", "1 error", 8, [
            {"row": 2, "column": "room", "message": "is there already"}])
        done = self.run_cli("room", "import", self.write("r.csv", CSV))
        self.assertEqual(done.returncode, 8)
        self.assertIn("r.csv:3: column 1 (room): is there already", done.stderr)

    def test_local_errors_need_no_daemon(self):
        done = self.run_bare(["--socket", "/nonexistent", "room", "import", "-"], "room\n305\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn('standard input:1: the header line has no column "circuit"', done.stderr)

    def test_what_is_no_text_is_refused(self):
        for text in ("room,circuit\n3\0,a\n", "x" * 1100000):
            done = self.run_cli("room", "import", "-", stdin=text)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(self.daemon.asked, [])
        self.assertEqual(self.run_cli("room", "import", "/nonexistent.csv").returncode, 2)

    def test_too_many_rows_for_a_line_say_so(self):
        rows = "".join(f"room-{n},{'sockets' * 9},A,\n" for n in range(1500))
        done = self.run_cli("room", "import", "-", stdin="room,circuit,line,address\n" + rows)
        self.assertEqual(done.returncode, 2)
        self.assertIn("split the file", done.stderr)


class Login(CliTest):
    """As a login shell only our own tokenizer reads the line, and no program is run."""

    def run_login(self, command, **environment):
        return self.run_bare(["-c", command], **environment)

    def test_a_line_is_split_and_not_expanded(self):
        marker = os.path.join(self.folder, "marker")
        for line in (f"status; touch {marker}", f"status $(touch {marker})",
                     f"status `touch {marker}`", f"status | tee {marker}", f"status > {marker}",
                     f"!touch {marker}", f"/bin/sh -c 'touch {marker}'", f"sh\ntouch {marker}"):
            with self.subTest(line=line):
                self.assertEqual(self.run_login(line).returncode, 2)
                self.assertEqual(self.run_bare(["--login"], SSH_ORIGINAL_COMMAND=line).returncode, 2)
                self.assertFalse(os.path.exists(marker))

    def test_what_sshd_runs_is_understood(self):
        for arguments, environment in ((["-c", "help room show"], {}),
                                       (["-c", "prepay help room show"], {}),
                                       (["-c", "/usr/bin/prepay --login"],
                                        {"SSH_ORIGINAL_COMMAND": "prepay help room show"}),
                                       (["--login"], {"SSH_ORIGINAL_COMMAND": "help room 'show'"})):
            done = self.run_bare(arguments, **environment)
            self.assertEqual((done.returncode, done.stdout.splitlines()[0]),
                             (0, "prepay room show ROOM"))

    def test_the_original_command_counts_under_login_alone(self):
        done = self.run_bare(["help", "version"], SSH_ORIGINAL_COMMAND="room list")
        self.assertTrue(done.stdout.startswith("prepay version"))

    def test_a_login_session_reads_no_files_and_chooses_no_socket(self):
        file = self.write("secret", "room,circuit\n")
        for line in (f"room import {file}", f"tariff check {file}", f"credit import {file}",
                     f"--socket {self.socket} status", f"--config {file} status"):
            with self.subTest(line=line):
                done = self.run_login(line)
                self.assertEqual((done.returncode, done.stdout), (7, ""))
                self.assertEqual(self.daemon.asked, [])

    def test_an_open_quote_is_refused(self):
        done = self.run_login("room show 'x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("a quote is not closed", done.stderr)

    def test_without_terminal_and_verb_it_ends(self):
        done = self.run_bare(["--login"])
        self.assertEqual(done.returncode, 2)
        self.assertIn("no terminal", done.stderr)


class Surveys(CliTest):
    def test_it_is_watched_to_its_end(self):
        left = [3]

        def survey(args):
            self.assertEqual(args, {"line": "A", "wait_ms": 1000})
            left[0] -= 1
            return {"data": fake_daemon.SCAN if left[0] == 0 else fake_daemon.RUNNING}
        self.daemon.answers.update({"line.scan": {"data": fake_daemon.RUNNING}, "line.survey": survey})
        done = self.run_cli("line", "scan", "A", "--addresses", "1-32", "--settings", "all", "--disturb")
        self.assertEqual((done.returncode, left), (0, [0]))
        self.assertEqual(self.daemon.asked[0], ("line.scan", {
            "line": "A", "first": 1, "last": 32, "settings": "all", "disturb": True}))
        for word in ("eastron-sdm120", "likely", "hiking-dds238", "weak", "unknown", "clash", "2400 8N1"):
            self.assertIn(word, done.stdout)
        for word in ("weak evidence: hiking-dds238, or hiking-dds238-sr", "answers at 2400 8N1, and the line has 9600",
                     "two devices with this address", "relay as wb-mr6c-v3@9/CHANNEL"):
            self.assertIn(word, done.stderr)

    def test_csv_is_what_import_reads(self):
        self.daemon.answers["line.scan"] = {"data": fake_daemon.SCAN}
        done = self.run_cli("line", "scan", "A", "--csv")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.splitlines(), [
            "room,circuit,line,address,model,channel,relay,may_cut,breaker_a",
            "new-A-4,sockets,A,4,eastron-sdm120,1,,no,", "check-A-5,sockets,A,5,hiking-dds238,1,meter,no,",
            "new-A-8-1,sockets,A,8,wb-map3e,1,,no,", "new-A-8-2,sockets,A,8,wb-map3e,2,,no,",
            "new-A-8-3,sockets,A,8,wb-map3e,3,,no,"])
        self.assertIn("address 6 answers, but as no model that prepay knows", done.stderr)
        given = self.run_cli("line", "scan", "A", "--csv", "--breaker", "20")
        self.assertEqual(given.stdout, done.stdout.replace(",no,\n", ",no,20\n"))
        self.daemon.asked.clear()
        self.assertEqual(self.run_cli("room", "import", "-", "--dry-run", stdin=done.stdout).returncode, 0)
        self.assertEqual(len(self.daemon.asked[0][1]["rows"]), 5)

    def test_one_that_was_cancelled_fails_with_what_it_found(self):
        self.daemon.answers["line.scan"] = {"data": {**fake_daemon.SCAN, "state": "cancelled",
                                                     "detail": "cancelled by li"}}
        done = self.run_cli("line", "scan", "A")
        self.assertEqual(done.returncode, 1)
        self.assertIn("eastron-sdm120", done.stdout)
        self.assertIn("the scan of line A was cancelled: cancelled by li", done.stderr)

    def test_a_bad_line_is_9_and_says_what_to_do(self):
        self.daemon.answers["line.test"] = {"data": {**fake_daemon.TEST, "grade": "bad"}}
        done = self.run_cli("line", "test", "A", "--rounds", "5")
        self.assertEqual(self.daemon.asked[0], ("line.test", {"line": "A", "rounds": 5}))
        self.assertEqual(done.returncode, 9)
        self.assertIn("address 5: it never answers (20 of 20 requests)", done.stdout)
        self.assertIn("120 ohm", done.stdout)
        self.assertLess(max(map(len, done.stdout.splitlines())), 81)
        self.daemon.answers["line.test"] = {"data": {**fake_daemon.TEST, "grade": "good", "findings": []}}
        self.assertEqual(self.run_cli("line", "test", "A").returncode, 0)

    def test_addresses_that_are_none_are_refused(self):
        for word in ("0", "248", "5-4", "x", "1-", "-3", "1-999", "7,8", ""):
            with self.subTest(word=word):
                done = self.run_cli("line", "scan", "A", f"--addresses={word}")
                self.assertEqual(done.returncode, 2)
        self.assertEqual(self.daemon.asked, [])


class Models(CliTest):
    def test_what_is_experimental_is_told(self):
        done = self.run_cli("model", "list")
        self.assertEqual(done.returncode, 0)
        self.assertIn("low, experimental", done.stdout)
        self.assertIn("2 models, 1 experimental", done.stdout)
        self.assertEqual(self.run_cli("--quiet", "model", "list").stdout, "dzt6001\nwb-mr6c-v3\n")
        done = self.run_cli("meter", "check", os.path.join(ROOT, "meters", "models", "dzt6001.meter"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("experimental", done.stderr)

    def test_it_is_taken_when_somebody_says_so(self):
        self.assertEqual(self.run_cli("room", "add", "305", "sockets", "--experimental").returncode, 0)
        self.assertEqual(self.daemon.asked[-1], ("room.add", {"room": "305", "circuit": "sockets",
                                                              "experimental": "yes"}))
        rows = "room,circuit,experimental\n305,sockets,\n306,sockets,no\n"
        self.assertEqual(self.run_cli("room", "import", "-", stdin=rows).returncode, 0)
        self.assertEqual([row.get("experimental") for row in self.daemon.asked[-1][1]["rows"]], [None, "no"])
        self.assertEqual(self.run_cli("room", "import", "-", "--experimental", stdin=rows).returncode, 0)
        self.assertEqual([row.get("experimental") for row in self.daemon.asked[-1][1]["rows"]], ["yes", "no"])


class Local(CliTest):
    def test_shipped_completion_is_what_the_program_writes(self):
        with open(os.path.join(ROOT, "rootfs-overlay/usr/share/bash-completion/completions/prepay"),
                  encoding="utf-8") as file:
            self.assertEqual(self.run_bare(["completion", "bash"]).stdout, file.read())

    def test_completion_works_in_bash(self):
        script = r"""
            prepay() { %s --socket %s "$@"; }
            . %s/rootfs-overlay/usr/share/bash-completion/completions/prepay
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _prepay; echo "${COMPREPLY[*]}"
            """ % (PREPAY, self.socket, ROOT)
        for words, wanted in ((["prepay", "roo"], "room"), (["prepay", "room", ""],
                                                            "add import list persons remove show"),
                              (["prepay", "room", "show", "40"], "401 402 403 404"),
                              (["prepay", "relay", "101", "o"], "off on"),
                              (["prepay", "--json", "relay", "101", "off", "--re"], "--reason"),
                              (["prepay", "line", "show", ""], "A B"),
                              (["prepay", "--color", ""], "auto no yes")):
            done = subprocess.run(["bash", "-c", script, "bash", *words], text=True, check=False,
                                  capture_output=True, env=self.environment, timeout=60)
            self.assertEqual(done.stderr, "")
            got = " ".join(sorted(done.stdout.split()))
            self.assertEqual(got, wanted)

    def test_help_names_every_verb(self):
        shown = self.run_bare(["help"]).stdout
        for arguments, _ in USES:
            self.assertIn("  " + arguments[0], shown)
        for arguments in (["help", "relay"], ["relay", "--help"]):
            self.assertEqual(self.run_bare(arguments).stdout.count("prepay relay"), 6)
        self.assertEqual(self.run_bare(["help", "nonsense"]).returncode, 2)

    def test_version_needs_no_daemon(self):
        done = self.run_bare(["--socket", "/nonexistent", "version"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^prepay \d+\.\d+\.\d+\n$")
        self.assertRegex(self.run_cli("--version").stdout,
                         r"^prepay .*\nprepayd .*, protocol 1, ledger schema 1\n$")

    def test_config_check_needs_no_daemon(self):
        models = os.path.join(ROOT, "meters", "models")
        good = self.write("good.conf", f"[site]\nid = S-1\n[meters]\nmodels = {models}\n"
                                       "[line A]\nport = /dev/ttyS0\n")
        done = self.run_bare(["--config", good, "config", "check"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("good.conf is good: 1 line, 0 sensors", done.stdout)
        bad = self.write("bad.conf", "[site]\nid = S-1\nnonsense = 1\n[line A]\nbaud = 7\n")
        done = self.run_bare(["--config", bad, "config", "check"])
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("bad.conf:3:", done.stderr)
        self.assertIn("bad.conf:5:", done.stderr)
        done = self.run_bare(["--config", bad, "--json", "config", "check"])
        self.assertGreaterEqual(len(json.loads(done.stderr)["problem"]["errors"]), 2)
        os.mkdir(os.path.join(self.folder, "models"))
        self.write("models/x.meter", "nonsense\n")
        bad = self.write("bad.conf", f"[site]\nid = S-1\n[meters]\nmodels = {self.folder}/models\n")
        done = self.run_bare(["--config", bad, "config", "check"])
        self.assertEqual(done.returncode, 2)
        self.assertIn("x.meter", done.stderr)

    def test_meter_check_needs_no_daemon(self):
        models = os.path.join(ROOT, "meters", "models")
        done = self.run_bare(["meter", "check", f"{models}/acrel-adl400.meter"])
        self.assertEqual(done.returncode, 0)
        self.assertIn("is good: Acrel ADL400", done.stdout)
        self.assertIn("energy: function 3, 12 from 0x000A: energy_import_wh", done.stdout)
        self.assertRegex(done.stdout, r"writes +none")
        self.assertIn("ratios", done.stderr)
        self.assertIn("weaker proof", done.stderr)
        done = self.run_bare(["--json", "meter", "check", f"{models}/wb-mr6c-v3.meter"])
        said = json.loads(done.stdout)["data"]
        self.assertEqual((said["name"], said["channels"], said["relay"], said["writes"]),
                         ("wb-mr6c-v3", 6, True, 1))
        self.assertEqual([span["role"] for span in said["spans"]], ["relay", "safe", "safe", "safe"])
        for name in os.listdir(models):
            done = self.run_bare(["-q", "meter", "check", os.path.join(models, name)])
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), name)
        bad = self.write("x.meter", "[model]\nname = y\n")
        done = self.run_bare(["meter", "check", bad])
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("x.meter:2:", done.stderr)
        self.assertEqual(self.run_bare(["meter", "check", "/nonexistent.meter"]).returncode, 2)

    def test_the_manual_is_clean_and_whole(self):
        page = os.path.join(ROOT, "rootfs-overlay/usr/share/man/man1/prepay.1")
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True,
                                  text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""))
        with open(page, encoding="utf-8") as file:
            text = re.sub(r"\n\.(Ar|Fl|Cm|Op|Pq|It|Ic|Oo|Oc) ?", " ", file.read())
        for arguments, _ in USES:
            self.assertIn(arguments[0], text)
        for group in ("viewer", "operator", "admin"):
            self.assertIn(group, text)


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
class Terminal(CliTest):
    """On a real terminal: tmux with a server of its own."""

    def setUp(self):
        super().setUp()
        self.servers = 0
        self.tmux_socket = ""

    def tearDown(self):
        self.tmux("kill-server")
        super().tearDown()

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.tmux_socket, "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, timeout=30, check=False,
                              env={**self.environment, "LANG": "C.UTF-8", "TERM": "xterm",
                                   "SHELL": "/bin/sh"})
        return done.stdout

    def start(self, width, height, *arguments):
        if self.servers > 0:
            self.tmux("kill-server")
        self.servers += 1
        self.tmux_socket = os.path.join(self.folder, f"tmux{self.servers}")
        command = " ".join(["LANG=C.UTF-8", PREPAY, "--socket", self.socket, *arguments,
                            ";", "echo", "ended $?", ";", "sleep", "60"])
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), command)

    def wait(self, pattern, seconds=15):
        """The screen once it shows the pattern."""
        end = time.monotonic() + seconds
        while True:
            screen = self.tmux("capture-pane", "-p")
            if re.search(pattern, screen):
                return screen
            if time.monotonic() > end:
                self.fail(f"{pattern} is not on the screen:\n{screen}")
            time.sleep(0.05)

    def keys(self, *keys):
        self.tmux("send-keys", "--", *keys)

    def test_top_at_both_sizes(self):
        for width, height, rows in ((80, 24, 19), (200, 50, 45)):
            with self.subTest(width=width):
                self.start(width, height, "top")
                screen = self.wait(rf"rows 1-{rows} of 64")
                lines = screen.splitlines()
                self.assertRegex(lines[0], r"^S-0042  12:00:00  64 rooms, 1 off, 1 armed, 2 low, "
                                           r"2 stale; cloud online$")
                self.assertRegex(lines[1], "^line A ok 32/32 alive 13.2/s 97.1 %")
                self.assertTrue(lines[3].startswith("ROOM  BALANCE"))
                self.assertEqual("CIRCUITS" in lines[3], width == 200)
                for word in ("BALANCE", "POWER", "VOLT", "AGE", "STATE"):
                    self.assertIn(word, lines[3])
                self.assertRegex(screen, r"\n111 .* 243 W +231\.2 +4m ago ")
                self.assertLessEqual(max(map(len, lines)), width)
                self.keys("s")
                self.assertRegex(self.wait("sort: balance").splitlines()[4], r"^107 +-0\.04")
                self.keys("/", "armed", "Enter")
                self.wait("1 room, 1 armed")
                self.keys("Escape")
                self.wait("of 64")
                self.keys("q")
                self.wait("ended 0")

    def test_top_follows_the_size_of_the_terminal(self):
        self.start(80, 24, "top")
        self.wait("rows 1-19 of 64")
        self.tmux("resize-window", "-x", "200", "-y", "50")
        self.assertIn("CIRCUITS", self.wait("rows 1-45 of 64"))

    def test_top_says_that_the_daemon_is_gone_and_goes_on(self):
        self.start(80, 24, "top")
        self.wait("rows 1-19")
        self.daemon.close()
        self.wait("asking again: prepayd is not running")
        self.daemon = Daemon(self.socket)
        deadline = time.monotonic() + 15
        while "asking again" in self.wait("rows 1-19"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_top_without_daemon_is_5(self):
        self.daemon.close()
        self.start(80, 24, "top")
        self.wait("ended 5")
        self.daemon = Daemon(self.socket)

    def test_tables_fit_the_terminal(self):
        for width, circuits in ((80, False), (200, True)):
            self.start(width, 80, "room", "list")
            screen = self.wait("64 rooms, 1 off")
            self.assertEqual("CIRCUITS" in screen, circuits)
            self.assertTrue(all(len(line) <= width for line in screen.splitlines()))

    def test_tables_of_two_media_fit_the_terminal(self):
        self.answer_water()
        for arguments in (["explain", "305"], ["statement", "305", "--month", "2026-11"], ["freeze", "list", "305"],
                          ["profile", "305", "--reason", "x"], ["ledger", "tail"]):
            with self.subTest(arguments=arguments):
                self.start(80, 40, *arguments)
                screen = self.wait("ended 0")
                shown = {"explain": "1005.000 m3", "ledger": "1.250 m3"}.get(arguments[0], "34.567 m3")
                self.assertIn(shown, screen)
                self.assertTrue(all(len(line) <= 80 for line in screen.splitlines()))

    def test_the_prompt(self):
        self.start(100, 40)
        self.wait("(?m)^prepay S-0042> *$")
        self.keys("ro", "Tab", "?")
        self.wait("show +one room in full")
        self.keys("sh", "Tab", "99", "Enter")
        self.wait("prepay: room 99: no such room")
        self.keys("relay 101 off", "Enter")
        self.wait("Reason:")
        self.keys("ladder", "Enter")
        self.wait("room 101 sockets: wished")
        self.assertEqual(self.daemon.asked[-1], ("relay.set", {
            "room": "101", "reason": "ladder", "position": "off"}))
        self.keys("Up", "Up", "Home", "Delete", "Delete", "Delete", "Delete", "room", "C-e",
                  "BSpace", "9", "Enter")
        self.wait("room show 99")
        self.keys("C-u", "what?", "C-c")
        self.wait(r"nothing begins with what(.|\n)*\^C")
        self.keys("--socket /x status", "Enter")
        self.wait("are given when prepay starts")
        self.keys("!sh", "Enter")
        self.wait("unknown verb !sh")
        self.keys("quit", "Enter")
        self.wait("ended 2")

    def test_a_change_is_confirmed_by_a_person(self):
        self.start(100, 40, "cuts", "confirm", *REASON)
        self.wait(r"go ahead\? \[y/N\]")
        self.keys("n", "Enter")
        self.wait("Nothing was changed.[^e]*ended 1")
        self.assertEqual(self.daemon.asked, [])
        self.start(100, 40, "cuts", "confirm", "--yes", *REASON)
        self.wait("ended 0")
        self.assertEqual([verb for verb, _ in self.daemon.asked], ["cuts.confirm"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
