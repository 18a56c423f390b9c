#!/usr/bin/python3
"""prepay-building against raw frames: its registers, relays, pace, faults and figures.

usage: test_building.py PREPAY-BUILDING

Frames are written out as captured or documented, or sealed with the CRC below; nothing of the
simulator's own code is used to check it. Times are asserted with 5 ms of slack on the late side and
none (but the clock's grain) on the early side.
"""

import fcntl
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "building"))
from building import Building, BuildingError  # noqa: E402

PROGRAM = None
CHARACTER_S = 10 / 9600
GAP_S = 3.5 * CHARACTER_S
SLACK_S = 0.005
EARLY_S = 0.0002
TIOCGEXCL = 0x80045440  # asm-generic/ioctls.h

PLAIN = """
line A baud 9600
line B baud 9600
meter A 1 sdm120 load 1000 register 12345670 turnaround 10
meter A 2 sdm630 load 3000 register 98765 turnaround 20
meter A 9 dds238 load 800 register 1234560 turnaround 12
meter A 5 ddsy1352 load 600 register 500000 turnaround 12
meter A 3 sdm120 load 400 register 1000 turnaround 15
meter B 1 dds238 load 100 register 60240 turnaround 8 open
relay-board A 101 waveshare8 coils 0x01 turnaround 8
contactor A 101/1 feeds A/1 no
contactor A 101/2 feeds A/3 nc
room 305 sockets meter A/1 cut-order 2 breaker 20 tenancy T305 opening 5000
room 305 air meter A/9 cut-order 1 breaker 16
room 305 light may-cut no
room 306 sockets meter A/3
"""


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def seal(*words):
    frame = bytes(words)
    return frame + crc(frame)


def read_request(slave, function, address, count):
    frame = struct.pack(">BBHH", slave, function, address, count)
    return frame + crc(frame)


class Serial:
    """A port as a daemon opens it, and when each byte came."""

    def __init__(self, path, speed=termios.B9600):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        settings = termios.tcgetattr(self.fd)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self.fd, termios.TCSANOW, settings)
        self.sent = self.first = self.last = None
        self.ready = 0.0

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def send(self, frame):
        time.sleep(max(0.0, self.ready - time.monotonic()))
        self.sent = time.monotonic()
        os.write(self.fd, frame)

    def receive(self, expected, seconds=0.25, silence=None):
        """Up to `expected` bytes; fewer when the time is over."""
        data, end = b"", time.monotonic() + seconds
        self.first = self.last = None
        while len(data) < expected:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                break
            part = os.read(self.fd, 512)
            self.last = time.monotonic()
            if self.first is None:
                self.first = self.last
            data += part
            if not part:
                break
            if silence:
                end = self.last + silence
        self.ready = time.monotonic() + GAP_S
        return data

    def ask(self, frame, expected, seconds=0.25):
        self.send(frame)
        return self.receive(expected, seconds)

    def read(self, slave, function, address, count):
        """The words of a good reply."""
        reply = self.ask(read_request(slave, function, address, count), 5 + 2 * count)
        assert len(reply) == 5 + 2 * count, reply.hex(" ")
        assert crc(reply[:-2]) == reply[-2:], reply.hex(" ")
        assert reply[:3] == bytes((slave, function, 2 * count)), reply.hex(" ")
        return list(struct.unpack(f">{count}H", reply[3:-2]))


def float_of(words):
    return struct.unpack(">f", struct.pack(">HH", *words))[0]


def uint32_of(words):
    return words[0] << 16 | words[1]


class Case(unittest.TestCase):
    CONFIG = PLAIN
    FACTOR = 1

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="building-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.building = Building(PROGRAM, self.folder, config=self.CONFIG, factor=self.FACTOR,
                                 seed=7)
        self.addCleanup(lambda: self.assertEqual(self.building.close(), 0))
        self.serial = Serial(self.building.port("A"))
        self.addCleanup(self.serial.close)

    def silence(self, frame):
        self.assertEqual(self.serial.ask(frame, 1, 0.12), b"")

    def exception(self, frame, code):
        reply = self.serial.ask(frame, 5)
        self.assertEqual(reply, seal(frame[0], frame[1] | 0x80, code), reply.hex(" "))


class Registers(Case):
    def test_crc_has_the_published_check_value(self):
        self.assertEqual(crc(b"123456789"), struct.pack("<H", 0x4B37))

    def test_sdm120_shows_plausible_floats_in_one_block_of_80(self):
        words = self.serial.read(1, 4, 0, 80)
        value = {at: float_of(words[at:at + 2]) for at in range(0, 80, 2)}
        self.assertTrue(220 < value[0x00] < 240)
        self.assertTrue(990 < value[0x0C] < 1010)
        self.assertAlmostEqual(value[0x06], value[0x12] / value[0x00], delta=0.05)
        self.assertTrue(0.9 < value[0x1E] < 1.0)
        self.assertTrue(49.9 < value[0x46] < 50.1)
        self.assertAlmostEqual(value[0x48], 12345.67, delta=0.02)
        self.assertEqual(value[0x34], 0)
        self.assertEqual(value[0x4A], 0)
        self.assertEqual(self.serial.read(1, 4, 0x156, 2), words[0x48:0x4A])

    def test_sdm630_adds_its_phases(self):
        words = self.serial.read(2, 4, 0, 80)
        value = {at: float_of(words[at:at + 2]) for at in range(0, 80, 2)}
        self.assertAlmostEqual(value[0x0C] + value[0x0E] + value[0x10], value[0x34], delta=0.01)
        self.assertTrue(2980 < value[0x34] < 3020)
        self.assertTrue(all(220 < value[at] < 240 for at in (0, 2, 4, 0x2A)))
        self.assertAlmostEqual(float_of(self.serial.read(2, 4, 0xC8, 2)), 230 * 3 ** 0.5, delta=12)

    def test_eastron_parameter_frame_is_the_documented_one(self):
        reply = self.serial.ask(bytes.fromhex("01 03 00 0C 00 02 04 08"), 9)
        self.assertEqual(reply, bytes.fromhex("01 03 04 42 C8 00 00 6F B5"))

    def test_dds238_block_has_the_captured_layout(self):
        words = self.serial.read(9, 3, 0, 18)
        self.assertEqual(words[0:2], words[10:12])
        self.assertEqual(words[2:10], [0] * 8)
        self.assertAlmostEqual(uint32_of(words[10:12]), 123456, delta=2)
        self.assertTrue(2200 < words[12] < 2400)
        self.assertTrue(790 < words[14] < 810)
        self.assertTrue(900 < words[16] < 1000)
        self.assertTrue(4990 < words[17] < 5010)
        self.assertEqual(self.serial.read(9, 3, 0x15, 1), [0x0901])
        self.assertEqual(self.serial.read(9, 3, 0x1A, 1), [1])

    def test_ddsy1352_block(self):
        words = self.serial.read(5, 3, 0, 18)
        self.assertAlmostEqual(uint32_of(words[0:2]), 50000, delta=2)
        self.assertTrue(2200 < words[11] < 2400)
        self.assertTrue(590 < words[13] < 610)
        self.assertEqual(self.serial.read(5, 3, 0x38, 1), [1])
        identity = self.serial.read(5, 3, 0x360, 5)
        self.assertEqual(identity[0] >> 8, 5)

    def test_exceptions_name_function_address_and_count(self):
        self.exception(seal(1, 2, 0, 0, 0, 1), 1)
        self.exception(read_request(9, 4, 0, 2), 1)
        self.exception(seal(9, 6, 0, 0x1A, 0, 0), 1)
        self.exception(read_request(1, 4, 0x50, 2), 2)
        self.exception(read_request(9, 3, 0x11, 2), 2)
        self.exception(read_request(9, 3, 0x1A, 2), 2)
        self.exception(read_request(1, 4, 0, 81), 3)
        self.exception(read_request(1, 4, 0, 0), 3)
        self.exception(read_request(101, 1, 0, 9), 2)
        self.exception(read_request(101, 3, 0, 1), 1)
        self.exception(seal(101, 5, 0, 0, 0x12, 0x34), 3)
        self.exception(seal(101, 5, 0, 8, 0xFF, 0), 2)

    def test_what_is_not_for_a_slave_is_answered_by_silence(self):
        self.silence(read_request(77, 4, 0, 2))
        self.silence(read_request(1, 4, 0, 2)[:-1] + b"\x00")
        self.silence(read_request(0, 4, 0, 2))
        line = self.building.line("A")
        self.assertEqual((line["unknown"], line["garbled"], line["broadcasts"]), (1, 1, 1))

    def test_wrong_speed_is_not_understood(self):
        self.serial.close()
        self.serial = Serial(self.building.port("A"), termios.B2400)
        self.silence(read_request(1, 4, 0, 2))
        self.assertEqual(self.building.line("A")["wrong_speed"], 1)

    def test_another_program_reads_it_too(self):
        if not shutil.which("mbpoll"):
            self.skipTest("mbpoll is not installed")
        self.serial.close()
        out = subprocess.run(["mbpoll", "-m", "rtu", "-b", "9600", "-P", "none", "-0", "-1", "-q",
                              "-a", "9", "-r", "10", "-c", "1", "-t", "4:int", "-B",
                              self.building.port("A")], capture_output=True, text=True, check=True)
        self.assertRegex(out.stdout, r"\[10\]:\s+12345[678]")


class Energy(Case):
    FACTOR = 600
    POWER = {"A/1": 1000, "A/2": 3000, "A/9": 800, "A/5": 600, "A/3": 400, "B/1": 0}

    def test_energy_is_load_times_time_times_factor(self):
        before = self.building.run("truth")
        for _ in range(200):
            time.sleep(0.003)
            after = self.building.run("truth")
        us = after["boot_us"] - before["boot_us"]
        first = {row["device"]: row for row in before["devices"]}
        for row in after["devices"]:
            if "energy_uwh" in row:
                grown = row["energy_uwh"] - first[row["device"]]["energy_uwh"]
                exact = self.POWER[row["device"]] * us * 600 / 3600
                self.assertAlmostEqual(grown, exact, delta=1, msg=row["device"])

    def test_registers_step_by_a_hundredth_of_a_kwh(self):
        for _ in range(5):
            truth = self.building.truth()
            for slave, function, at in ((1, 4, 0x48), (2, 4, 0x48), (9, 3, 10), (5, 3, 0)):
                before = self.building.truth(f"A/{slave}")["energy_uwh"] // 10 ** 7
                words = self.serial.read(slave, function, at, 2)
                after = self.building.truth(f"A/{slave}")["energy_uwh"] // 10 ** 7
                if function == 4:
                    shown = float_of(words)
                    counts = round(shown * 100)
                    self.assertEqual(struct.unpack("f", struct.pack("f", counts / 100))[0], shown)
                else:
                    counts = uint32_of(words)
                self.assertTrue(before <= counts <= after, (slave, before, counts, after))
            self.assertEqual(truth["A/9"]["register_wh"] % 10, 0)

    def test_loads_stop_and_start(self):
        self.building.run("loads 0")
        first = self.building.meters()
        time.sleep(0.1)
        for name, row in self.building.meters().items():
            self.assertEqual(row["energy_uwh"], first[name]["energy_uwh"])
            self.assertEqual(row["power_w"], 0)
        self.building.run("load A/1 1500")
        self.building.run("loads default")
        self.assertEqual(self.building.truth("A/1")["power_w"], 1000)
        self.building.run("load A/1 1500")
        self.assertEqual(self.building.truth("A/1")["power_w"], 1500)
        self.building.run("factor 0")
        first = self.building.truth("A/1")["energy_uwh"]
        time.sleep(0.05)
        self.assertEqual(self.building.truth("A/1")["energy_uwh"], first)

    def test_float_register_loses_steps_above_131072_kwh_and_says_so(self):
        self.building.run("loads 0")
        self.building.run("register A/1 131072010")
        shown = float_of(self.serial.read(1, 4, 0x48, 2))
        self.assertEqual(shown, 131072.015625)
        self.assertEqual(self.building.truth("A/1")["register_wh"], 131072016)

    def test_integer_register_wraps_at_its_type(self):
        self.building.run("loads 0")
        self.building.run("register A/9 42949672960")
        self.assertEqual(self.serial.read(9, 3, 10, 2), [0, 0])

    def test_glitches_touch_energy_reads_only_and_pass(self):
        self.building.run("loads 0")
        self.building.run("glitch A/1 zero")
        self.building.run("glitch A/9 far 2 5000")
        self.assertGreater(float_of(self.serial.read(1, 4, 0, 2)), 200)
        self.assertEqual(self.serial.read(1, 4, 0x48, 2), [0, 0])
        self.assertGreater(float_of(self.serial.read(1, 4, 0x48, 2)), 12345)
        true = self.building.truth("A/9")["register_wh"]
        for by in (5000, 5000, 0):
            self.assertEqual(uint32_of(self.serial.read(9, 3, 0, 18)[10:12]) * 10, true + by)
        self.assertEqual(len(self.building.log(kind="glitch")), 3)


class Relays(Case):
    FACTOR = 60

    def test_waveshare_documented_frames_drive_contactors(self):
        on, off = seal(101, 5, 0, 0, 0xFF, 0), seal(101, 5, 0, 0, 0, 0)
        self.assertEqual(seal(1, 5, 0, 0, 0xFF, 0), bytes.fromhex("01 05 00 00 FF 00 8C 3A"))
        self.assertEqual(self.serial.ask(off, 8), off)
        time.sleep(0.03)
        truth = self.building.truth("A/1")
        self.assertEqual(truth["power_w"], 0)
        self.assertFalse(truth["contacts"][0]["closed"])
        self.assertEqual(self.serial.ask(seal(101, 1, 0, 0, 0, 8), 6), seal(101, 1, 1, 0))
        self.assertEqual(self.serial.ask(on, 8), on)
        time.sleep(0.03)
        self.assertEqual(self.building.truth("A/1")["power_w"], 1000)
        self.assertEqual(self.serial.ask(seal(101, 1, 0, 0, 0, 4), 6), seal(101, 1, 1, 1))

    def test_normally_closed_contactor_opens_with_current(self):
        self.assertEqual(self.building.truth("A/3")["power_w"], 400)
        frame = seal(101, 15, 0, 0, 0, 2, 1, 3)
        self.assertEqual(self.serial.ask(frame, 8), seal(101, 15, 0, 0, 0, 2))
        time.sleep(0.03)
        self.assertEqual(self.building.truth("A/3")["power_w"], 0)
        self.assertEqual(self.building.truth("A/1")["power_w"], 1000)

    def test_board_obeys_broadcast_in_silence(self):
        self.silence(seal(0, 5, 0, 1, 0xFF, 0))
        self.assertEqual(self.building.truth("A/101")["relays"][:3], [True, True, False])

    def test_dds238_relay_takes_function_16_only(self):
        off = seal(9, 16, 0, 0x1A, 0, 1, 2, 0, 0)
        self.assertEqual(self.serial.ask(off, 8), seal(9, 16, 0, 0x1A, 0, 1))
        time.sleep(0.03)
        self.assertEqual(self.building.truth("A/9")["power_w"], 0)
        self.assertEqual(self.serial.read(9, 3, 0x1A, 1), [0])
        self.assertEqual(self.serial.read(9, 3, 0, 18)[14], 0)
        self.exception(seal(9, 6, 0, 0x1A, 0, 1), 1)

    def test_ddsy1352_documented_frames_force_its_relay(self):
        cut = bytes.fromhex("05 10 00 57 00 02 04 00 01 00 01 32 45")
        close = bytes.fromhex("05 10 00 57 00 02 04 00 01 00 00 F3 85")
        for frame, power in ((cut, 0), (close, 600), (cut, 0),
                             (seal(5, 16, 0, 0x57, 0, 2, 4, 0, 0, 0, 0), 600)):
            self.assertEqual(self.serial.ask(frame, 8), seal(5, 16, 0, 0x57, 0, 2))
            time.sleep(0.03)
            self.assertEqual(self.building.truth("A/5")["power_w"], power)
        self.assertEqual(self.serial.read(5, 3, 0x57, 2), [0, 0])
        self.exception(seal(5, 16, 0, 0x57, 0, 1, 2, 0, 1), 3)

    def test_log_tells_write_relay_contact_and_readback(self):
        before_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        self.serial.ask(seal(9, 16, 0, 0x1A, 0, 1, 2, 0, 0), 8)
        self.serial.read(9, 3, 0x1A, 1)
        rows = self.building.log(device="A/9")
        self.assertEqual([row["kind"] for row in rows],
                         ["write", "relay", "contact", "readback"])
        write, relay, contact, readback = rows
        self.assertTrue(0 <= write["at_us"] - before_us < 5000)
        self.assertTrue(write["at_us"] + 11 * 1e6 * CHARACTER_S < relay["at_us"])
        self.assertTrue(4000 <= contact["at_us"] - relay["at_us"] <= 20000)
        self.assertEqual((contact["detail"], contact["feeds"]), ("open", "A/9"))
        self.assertEqual(readback["detail"], "off")
        self.assertEqual(contact["energy_uwh"], self.building.truth("A/9")["energy_uwh"])
        self.assertAlmostEqual(write["unix_us"] / 1e6, time.time(), delta=2)
        self.assertEqual(self.building.log(rows[-1]["seq"]), [])

    def test_welded_contact_stays_while_its_relay_reads_open(self):
        self.building.run("weld A/9 on")
        self.serial.ask(seal(9, 16, 0, 0x1A, 0, 1, 2, 0, 0), 8)
        time.sleep(0.03)
        self.assertEqual(self.serial.read(9, 3, 0x1A, 1), [0])
        self.assertEqual(self.building.truth("A/9")["power_w"], 800)
        self.building.run("weld A/9 off")
        time.sleep(0.03)
        self.assertEqual(self.building.truth("A/9")["power_w"], 0)

    def test_relay_moved_by_hand(self):
        self.building.run("open A/9")
        time.sleep(0.03)
        self.assertEqual(self.serial.read(9, 3, 0x1A, 1), [0])
        self.building.run("close A/101/3")
        self.assertTrue(self.building.truth("A/101")["relays"][2])
        self.assertEqual(self.building.log(kind="relay")[0]["detail"], "off local")
        self.assertEqual(self.building.truth("B/1")["relays"], [False])

    def test_erasing_write_erases_and_is_told(self):
        self.serial.ask(seal(9, 16, 0, 0, 0, 2, 4, 0, 0, 0, 0), 8)
        self.assertLess(self.building.truth("A/9")["register_wh"], 100)
        self.serial.ask(seal(101, 6, 0x40, 0, 0, 3), 8)
        self.assertEqual(len(self.building.log(kind="hazard")), 2)


class Pace(Case):
    def expect(self, count, turnaround_s):
        """When the first and the last byte of a read are due after it was sent: least, most."""
        start = 8 * CHARACTER_S
        least, most = start + 0.9 * turnaround_s, start + 1.1 * turnaround_s
        reply = (5 + 2 * count) * CHARACTER_S
        return ((least + CHARACTER_S, most + CHARACTER_S), (least + reply, most + reply))

    def test_first_and_last_byte_come_when_the_wire_brings_them(self):
        late = 0
        for slave, turnaround_s, count in 6 * [(1, 0.010, 40), (2, 0.020, 40), (1, 0.010, 2)]:
            reply = self.serial.ask(read_request(slave, 4, 0, count), 5 + 2 * count)
            self.assertEqual(len(reply), 5 + 2 * count)
            first, last = self.expect(count, turnaround_s)
            for came, (least, most) in ((self.serial.first, first), (self.serial.last, last)):
                after = came - self.serial.sent
                self.assertGreaterEqual(after, least - EARLY_S)
                late += after > most + SLACK_S
        self.assertLess(late, 18)  # of 36: a busy machine may wake us late, but not as a rule

    def test_no_turnaround_is_shorter_than_the_gap(self):
        self.building.run("turnaround A/1 0")
        for _ in range(5):
            self.serial.ask(read_request(1, 4, 0, 2), 9)
            self.assertGreaterEqual(self.serial.first - self.serial.sent,
                                    8 * CHARACTER_S + GAP_S + CHARACTER_S - EARLY_S)

    def test_request_on_a_reply_garbles_both(self):
        self.serial.send(read_request(1, 4, 0, 40))
        self.assertEqual(len(self.serial.receive(1)) >= 1, True)
        os.write(self.serial.fd, read_request(2, 4, 0, 2))
        rest = self.serial.receive(200, 0.3, silence=0.1)
        self.assertEqual(len(rest), 84)
        self.assertEqual(self.building.line("A")["collisions"], 1)
        self.assertEqual(self.building.line("A")["garbled"], 1)

    def test_gap_violations_are_counted(self):
        for _ in range(3):
            self.assertEqual(len(self.serial.ask(read_request(1, 4, 0, 2), 9)), 9)
        self.assertEqual(self.building.line("A")["gap_violations"], 0)
        for _ in range(10):  # a busy machine may make us slow enough to be polite
            self.serial.ready = 0.0
            self.assertEqual(len(self.serial.ask(read_request(1, 4, 0, 2), 9)), 9)
        self.assertGreater(self.building.line("A")["gap_violations"], 0)

    def test_share_of_the_limit_is_what_the_formula_says(self):
        self.building.window_start()
        start, busy_s = time.monotonic(), 0.0
        while time.monotonic() - start < 2.0:
            for slave, turnaround_s, count in ((1, 0.010, 40), (2, 0.020, 2), (3, 0.015, 20)):
                self.serial.read(slave, 4, 0, count)
                busy_s += (13 + 2 * count) * CHARACTER_S + turnaround_s + GAP_S
        window = self.building.window_stop()
        wall_s = time.monotonic() - start
        share = window["A"]["share_ppm"] / 1e6
        self.assertAlmostEqual(share, busy_s / wall_s, delta=0.02)
        self.assertTrue(share <= 1.0)
        self.assertEqual(window["B"]["share_ppm"], 0)
        self.assertEqual(window["A"]["transactions"] % 3, 0)
        time.sleep(0.3)
        self.assertEqual(self.building.window()["A"], window["A"])

    def test_window_takes_its_part_of_a_transaction_under_way(self):
        self.serial.send(read_request(1, 4, 0, 40))
        self.serial.receive(1)
        self.building.window_start()
        self.serial.receive(84)
        window = self.building.window_stop()
        self.assertEqual(window["A"]["transactions"], 1)
        self.assertTrue(0.9 < window["A"]["busy_us"] / window["A"]["wall_us"] <= 1.0)

    def test_idle_time_is_no_share(self):
        self.building.window_start()
        self.serial.read(1, 4, 0, 40)
        time.sleep(0.9)
        window = self.building.window_stop()
        self.assertAlmostEqual(window["A"]["share_ppm"] / 1e6,
                               ((13 + 80) * CHARACTER_S + 0.010 + GAP_S) /
                               (window["A"]["wall_us"] / 1e6), delta=0.01)


class Faults(Case):
    ASK = read_request(1, 4, 0x48, 2)

    def one(self, fault, expected=9, seconds=0.25):
        self.building.run(f"fault A/1 {fault}")
        return self.serial.ask(self.ASK, expected, seconds)

    def tearDown(self):
        self.assertEqual(len(self.serial.ask(self.ASK, 9, 1.0)), 9, "the fault did not pass")

    def test_silent_and_deaf(self):
        self.assertEqual(self.one("silent", seconds=0.12), b"")
        self.assertEqual(self.one("deaf", seconds=0.12), b"")

    def test_silent_obeys_and_deaf_does_not(self):
        for fault, relays in (("deaf", True), ("silent", False)):
            self.building.run(f"fault A/101 {fault}")
            self.silence(seal(101, 5, 0, 0, 0, 0))
            self.assertEqual(self.building.truth("A/101")["relays"][0], relays)

    def test_late(self):
        reply = self.one("late 1 300", seconds=0.6)
        self.assertEqual(len(reply), 9)
        self.assertGreater(self.serial.first - self.serial.sent, 0.3)

    def test_late_reply_meets_the_next_request(self):
        self.building.run("fault A/1 late 1 200")
        self.silence(self.ASK)
        reply = self.serial.ask(read_request(3, 4, 0, 2), 9)
        self.assertEqual(reply[0], 3)
        self.assertEqual(self.serial.receive(9, 0.3)[0], 1)

    def test_bad_crc(self):
        reply = self.one("badcrc")
        self.assertEqual(len(reply), 9)
        self.assertNotEqual(crc(reply[:-2]), reply[-2:])

    def test_truncate(self):
        self.assertEqual(len(self.one("truncate 1 5")), 5)

    def test_trickle(self):
        self.assertEqual(len(self.one("trickle 1 40", seconds=1.0)), 9)
        self.assertGreater(self.serial.last - self.serial.sent, 9 * 0.04)

    def test_valid_frames_that_are_not_the_answer(self):
        for fault, n, head in (("wrongslave", 9, b"\x02\x04\x04"), ("wrongfunction", 9, b"\x01\x03\x04"),
                               ("short", 7, b"\x01\x04\x02"), ("exception 1 6", 5, b"\x01\x84\x06")):
            reply = self.one(fault, n)
            self.assertEqual((len(reply), reply[:3]), (n, head), fault)
            self.assertEqual(crc(reply[:-2]), reply[-2:], fault)

    def test_echo_of_a_device_and_of_an_adapter(self):
        reply = self.one("echo", 17)
        self.assertEqual(reply[:8], self.ASK)
        self.assertEqual(crc(reply[8:15]), reply[15:])
        self.building.run("echo A on")
        reply = self.serial.ask(self.ASK, 17)
        self.assertEqual(reply[:8], self.ASK)
        self.assertEqual(len(reply), 17)
        self.building.run("echo A off")

    def test_previous_reply_of_a_queueing_gateway(self):
        voltage = self.serial.ask(read_request(1, 4, 0, 2), 9)
        self.assertEqual(self.one("previous"), voltage)

    def test_fault_lasts_as_often_as_asked(self):
        self.building.run("fault A/1 badcrc 2")
        good = [crc(reply[:-2]) == reply[-2:]
                for reply in (self.serial.ask(self.ASK, 9) for _ in range(3))]
        self.assertEqual(good, [False, False, True])
        self.building.run("fault A/1 silent 0")
        for _ in range(3):
            self.silence(self.ASK)
        self.building.run("fault A/1 off")

    def test_noise_is_heard_and_spoils_a_request(self):
        self.building.run("noise A 20")
        self.assertEqual(len(self.serial.receive(20, 0.3)), 20)
        self.building.run("noise A 200")
        reply = self.serial.ask(self.ASK, 209, 0.4)
        self.assertEqual(len(reply), 200)
        self.assertEqual(self.building.line("A")["garbled"], 1)

    def test_corrupt_bytes(self):
        self.building.run("corrupt A 1000000")
        reply = self.serial.ask(self.ASK, 9)
        self.assertNotEqual(crc(reply[:-2]), reply[-2:])
        self.building.run("corrupt A 0")

    def test_dead_meter_goes_on_counting(self):
        self.building.run("factor 600")
        self.building.run("dead A/1 on")
        first = self.building.truth("A/1")["energy_uwh"]
        self.silence(self.ASK)
        self.assertGreater(self.building.truth("A/1")["energy_uwh"], first)
        self.building.run("dead A/1 off")


class Adapter(Case):
    def test_unplugged_adapter_is_gone_and_comes_back(self):
        path = self.building.port("A")
        self.assertEqual(len(self.serial.read(1, 4, 0, 2)), 2)
        self.building.run("unplug A")
        self.assertFalse(os.path.lexists(path))
        try:
            self.assertEqual(os.read(self.serial.fd, 1), b"")
        except OSError:
            pass
        self.serial.close()
        self.building.run("plug A")
        self.assertTrue(os.path.exists(path))
        self.serial = Serial(path)
        self.assertEqual(len(self.serial.read(1, 4, 0, 2)), 2)
        self.assertEqual([row["kind"] for row in self.building.log(device="A")],
                         ["plug", "unplug", "plug"])

    def test_port_forgets_its_user(self):
        for _ in range(3):
            fcntl.ioctl(self.serial.fd, termios.TIOCEXCL)
            self.serial.send(read_request(1, 4, 0, 2))
            time.sleep(0.1)
            self.serial.close()
            time.sleep(0.05)
            fd = os.open(self.building.port("A"), os.O_RDWR | os.O_NOCTTY)
            unread = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"    "))[0]
            exclusive = struct.unpack("i", fcntl.ioctl(fd, TIOCGEXCL, b"    "))[0]
            os.close(fd)
            self.assertEqual((unread, exclusive), (0, 0))
            self.serial = Serial(self.building.port("A"))
            self.assertEqual(len(self.serial.read(1, 4, 0, 2)), 2)

    def test_lines_do_not_disturb_each_other(self):
        other = Serial(self.building.port("B"))
        try:
            other.send(read_request(1, 3, 0, 18))
            self.serial.send(read_request(1, 4, 0, 40))
            self.assertEqual(len(other.receive(41)), 41)
            self.assertEqual(len(self.serial.receive(85)), 85)
        finally:
            other.close()


class Whole(Case):
    def test_rooms_are_written_as_commissioning_rows(self):
        with open(self.building.rooms_csv, encoding="utf-8") as rows:
            self.assertEqual(rows.read(), (
                "room,circuit,line,address,model,channel,relay,contact,cut_order,may_cut,breaker_a,"
                "tenancy,opening_minor\n"
                "305,sockets,A,1,eastron-sdm120,1,waveshare-rtu-relay-8ch@101/1,no,2,yes,20,T305,5000\n"
                "305,air,A,9,hiking-dds238-sr,1,meter,,1,yes,16,,\n"
                "305,light,,,,,,,,no,,,\n"
                "306,sockets,A,3,eastron-sdm120,1,waveshare-rtu-relay-8ch@101/2,nc,,yes,,,\n"))

    def test_commands_that_make_no_sense_are_refused(self):
        for command in ("jump", "load A/77 1", "load A/1 lots", "weld A/101/9 on", "unplug Z",
                        "fault A/1 hiccup", "dead A/1 perhaps", "load A/1", "glitch A/101 zero", ""):
            with self.assertRaises(BuildingError, msg=command):
                self.building.run(command)

    def test_configuration_errors_name_file_and_line(self):
        folder = tempfile.mkdtemp(prefix="building-")
        self.addCleanup(shutil.rmtree, folder)
        for text, message in (("line A\nmeter A 1 sdm999\n", ':2: no such model: "sdm999"'),
                              ("line A\nmeter A 1 sdm120\nmeter A 1 sdm120\n", ":3: address taken"),
                              ("line A baud much\n", ':1: not a number'),
                              ("lime A\n", ':1: unknown thing: "lime"'),
                              ("line A\nmeter A 1 sdm120\ncontactor A 9/1 feeds A/1\n", ":3: no such relay"),
                              ("line A\nroom 1 sockets meter A/4\n", ":2: no such meter")):
            path = os.path.join(folder, "bad.conf")
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            run = subprocess.run([PROGRAM, "--dir", folder, "--config", path, "--check"],
                                 capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 1, text)
            self.assertIn(f"{path}{message}", run.stderr)

    def test_one_building_a_folder(self):
        second = subprocess.run([PROGRAM, "--dir", self.folder, "--standard", "2"],
                                capture_output=True, text=True, check=False, timeout=5)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use", second.stderr)

    def test_nothing_is_left_behind(self):
        self.building.close()
        self.assertEqual(os.listdir(os.path.join(self.folder, "lines")), [])
        self.assertFalse(os.path.exists(os.path.join(self.folder, "building.sock")))


class Standard(unittest.TestCase):
    def test_64_meters_live_in_56_rooms_and_everybody_has_power(self):
        with tempfile.TemporaryDirectory(prefix="building-") as folder:
            with Building(PROGRAM, folder, standard=64, seed=3) as building:
                meters = building.meters()
                self.assertEqual(len(meters), 64)
                self.assertEqual(len(building.truth()), 68)
                self.assertTrue(all(row["power_w"] == row["load_w"] > 0 and row["contacts"]
                                    for row in meters.values()))
                with open(building.rooms_csv, encoding="utf-8") as rows:
                    lines = rows.read().splitlines()[1:]
                self.assertEqual(len({line.split(",")[0] for line in lines}), 56)
                self.assertEqual(sum(",light," in line for line in lines), 8)
                first = {name: row["load_w"] for name, row in meters.items()}
            with Building(PROGRAM, folder, standard=64, seed=3) as building:
                self.assertEqual({name: row["load_w"]
                                  for name, row in building.meters().items()}, first)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    try:  # below the simulator's priority, above everybody else's
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(49))
    except PermissionError:
        pass
    unittest.main(verbosity=1)
