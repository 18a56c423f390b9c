#!/usr/bin/python3
"""prepay-building playing devices of the table of register maps (tests/models/registers.table), by raw frames.

usage: test_described.py PREPAY-BUILDING
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # a check leaves nothing behind in the tree
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_building  # noqa: E402
from test_building import Case, float_of, read_request, seal, uint32_of  # noqa: E402

TABLE = os.path.join(HERE, "..", "models", "registers.table")

DEVICES = f"""
table {TABLE}
line A baud 9600
meter A 1 peacefair-pzem004t-v3 load 1000 register 9999990 turnaround 8
meter A 2 acrel-adl400 load 3000 register 600000 ct 20 pt 3 turnaround 8
meter A 3 wb-map12e load 500 register 1234 turnaround 8
meter A 4 hiking-dds238-sr load 800 register 60240 turnaround 8
meter A 5 cg-em330-em340 load 3000 register 1000050 turnaround 8
meter A 6 sbc-pcd7-h104d-water load 60 register 7000 pulses 100 turnaround 8
meter A 7 wb-mwac-v2 load 60 register 7000 turnaround 8
meter A 8 inepro-pro380 load 3000 register 5005 turnaround 8
meter A 9 bg-ws100 load 500 register 777770 turnaround 8
relay-board A 100 eletechsup-r4d3b16 coils 0x8001 turnaround 8
relay-board A 101 wb-mr6c-v3 coils 0x00 turnaround 8
contactor A 100/16 feeds A/3/12 no
contactor A 101/6 feeds A/1 nc
"""


def write_register(slave, address, value):
    return seal(slave, 6, address >> 8, address & 0xFF, value >> 8, value & 0xFF)


class Described(Case):
    CONFIG = DEVICES

    def still(self):
        self.building.run("loads 0")

    def test_least_word_first_and_a_register_that_starts_again(self):
        self.still()
        self.building.run("register A/1 9999995")
        self.assertEqual(self.serial.read(1, 4, 5, 2), [9999995 & 0xFFFF, 9999995 >> 16])
        self.building.run("register A/1 10000007")
        self.assertEqual(self.serial.read(1, 4, 5, 2), [7, 0])
        truth = self.building.truth("A/1")
        self.assertEqual((truth["register_wh"], truth["register_change_wh"]), (7, 17))

    def test_a_register_behind_transformers_is_what_flowed_by_the_ratios(self):
        self.still()
        self.building.run("register A/2 600599")
        self.assertEqual(self.serial.read(2, 3, 0x8D, 2), [3, 20])
        self.assertEqual(uint32_of(self.serial.read(2, 3, 0x0A, 2)), 1000)  # 10 kWh, by 60
        self.assertEqual(self.building.truth("A/2")["register_wh"], 600000)
        self.building.run("ratio A/2 ct 200")
        self.assertEqual(self.serial.read(2, 3, 0x8D, 2), [3, 200])
        self.assertEqual(uint32_of(self.serial.read(2, 3, 0x0A, 2)), 100)

    def test_each_circuit_has_a_load_and_a_register_of_its_own(self):
        self.still()
        for channel in range(1, 13):
            self.building.run(f"register A/3/{channel} {1000 * channel}")
        for group in range(4):
            words = self.serial.read(3, 4, 0x1204 + 0x1000 * group, 12)
            for i in range(3):  # 0.01 Wh, the lowest register first
                raw = sum(word << 16 * at for at, word in enumerate(words[4 * i:4 * i + 4]))
                self.assertEqual(raw, 100000 * (3 * group + i + 1))
        self.building.run("load A/3/12 700")
        self.assertEqual(self.building.truth("A/3/12")["power_w"], 700)
        self.assertEqual(self.building.truth("A/3/11")["power_w"], 0)
        power = self.serial.read(3, 4, 0x4306, 2)
        self.assertAlmostEqual(uint32_of(power) * 0.00512, 700, delta=5)
        self.assertEqual(self.serial.read(3, 4, 200, 6), [77, 65, 80, 49, 50, 69])

    def test_what_no_source_has_is_refused(self):
        self.exception(read_request(1, 3, 0, 2), 1)      # parameters of the PZEM are not in the table
        self.exception(read_request(1, 4, 0x0A, 1), 2)
        self.exception(read_request(1, 4, 0x09, 2), 2)   # one of the two
        self.exception(read_request(3, 4, 0x1200, 61), 3)
        self.exception(read_request(9, 4, 0x010E, 2), 1)  # the brand's other function
        self.assertEqual(uint32_of(self.serial.read(9, 3, 0x010E, 2)), 77777)

    def test_a_mark_that_is_read_alone(self):
        self.assertEqual(self.serial.read(5, 4, 0x0B, 1), [331])
        self.exception(read_request(5, 4, 0x0B, 2), 2)
        self.exception(read_request(5, 4, 0x0A, 2), 2)

    def test_a_tenth_of_a_kwh_in_two_words_the_low_one_first(self):
        self.still()
        self.building.run("register A/5 6553699")
        self.assertEqual(self.serial.read(5, 3, 0x34, 2), [0, 1])
        self.assertEqual(self.building.truth("A/5")["register_wh"], 6553600)

    def test_floats_and_serial_numbers_in_decimals(self):
        self.still()
        self.building.run("register A/8 5005")
        self.assertAlmostEqual(float_of(self.serial.read(8, 3, 0x600C, 2)), 5.005, delta=1e-6)
        digits = f"{self.building.truth('A/8')['serial']:08d}"
        self.assertEqual(self.serial.read(8, 3, 0x1000, 2), [int(digits[:4], 16), int(digits[4:], 16)])

    def test_water_is_counted_in_pulses_and_litres(self):
        self.still()
        self.building.run("register A/6/1 7009")
        self.building.run("register A/6/2 12340")
        self.assertEqual(self.serial.read(6, 3, 0x1B, 4), [0, 700, 0, 1234])
        self.assertEqual(self.building.truth("A/6/1")["register_wh"], 7000)
        self.building.run("register A/7/2 4321")
        self.assertEqual(self.serial.read(7, 4, 0x430, 4), [0, 0, 0, 4321])

    def test_the_relay_of_the_meter_stops_the_load_and_no_other_write_is_obeyed(self):
        self.assertEqual(self.serial.ask(seal(4, 16, 0, 0x1A, 0, 1, 2, 0, 0), 8), seal(4, 16, 0, 0x1A, 0, 1))
        self.building.wait_event(kind="contact", device="A/4", detail="open")
        self.assertEqual(self.serial.read(4, 3, 0x1A, 1), [0])
        self.assertEqual(self.building.truth("A/4")["power_w"], 0)
        self.exception(write_register(4, 0x1A, 1), 1)
        self.exception(seal(4, 16, 0, 0, 0, 2, 4, 0, 0, 0, 0), 2)
        self.assertEqual(self.building.truth("A/4")["register_wh"] // 10, 6024)
        self.assertEqual(len(self.building.log(kind="hazard")), 2)
        self.assertEqual(len(self.building.log(kind="write")), 3)

    def test_valves_stop_their_own_water(self):
        self.assertEqual(self.serial.ask(seal(7, 5, 0, 1, 0, 0), 8), seal(7, 5, 0, 1, 0, 0))
        self.building.wait_event(kind="contact", feeds="A/7/2", detail="open")
        self.assertEqual(self.building.truth("A/7/1")["power_w"], 60)
        self.assertEqual(self.building.truth("A/7/2")["power_w"], 0)
        self.assertEqual(self.serial.ask(read_request(7, 1, 0, 2), 6), seal(7, 1, 1, 1))
        self.exception(seal(7, 5, 0, 10, 0xFF, 0), 2)  # resets a counter

    def test_a_board_of_registers(self):
        self.assertEqual(self.serial.read(100, 3, 1, 16), [1] + [0] * 14 + [1])
        self.assertEqual(self.serial.ask(write_register(100, 16, 0x0200), 8), write_register(100, 16, 0x0200))
        self.building.wait_event(kind="contact", feeds="A/3/12", detail="open")
        self.assertEqual(self.serial.read(100, 3, 16, 1), [0])
        self.building.wait_event(kind="readback", device="A/100", channel=16)
        self.exception(write_register(100, 16, 0x0300), 2)
        self.exception(write_register(100, 17, 0x0100), 2)

    def test_a_board_of_coils(self):
        self.assertEqual(self.serial.ask(seal(101, 5, 0, 5, 0xFF, 0), 8), seal(101, 5, 0, 5, 0xFF, 0))
        self.building.wait_event(kind="contact", feeds="A/1", detail="open")
        self.assertEqual(self.serial.ask(read_request(101, 1, 0, 6), 6), seal(101, 1, 1, 0x20))
        self.exception(seal(101, 5, 0, 6, 0xFF, 0), 2)

    def test_a_model_that_the_table_does_not_have(self):
        with tempfile.TemporaryDirectory(prefix="building-") as folder:
            path = os.path.join(folder, "bad.conf")
            with open(path, "w", encoding="utf-8") as out:
                out.write(f"table {TABLE}\nline A\nmeter A 1 nobodys-meter\n")
            run = subprocess.run([test_building.PROGRAM, "--dir", folder, "--config", path, "--check"],
                                 capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 1)
            self.assertIn(f"{path}:3: ", run.stderr)
            self.assertIn("nobodys-meter", run.stderr)


if __name__ == "__main__":
    test_building.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
