/* test_decode.c - frames seen on wires, and one vector for every type, order and rounding.
 *
 * Expected values are worked out from the bytes by hand, as the comments say. Frames are those that
 * public issues, manuals and driver comments show; their CRC is checked so that a slip in copying
 * would be seen.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meters/decode.h"
#include "meters/model_file.h"
#include "meters/model_parse.h"
#include "meters/quantity.h"

#define FRAME_MAX 260
#define ABSENT    INT64_MIN

static struct model model; /* the one a case works with */

static void load_shipped(const char *name)
{
	char path[512];
	char error[512];

	(void)snprintf(path, sizeof(path), "%s/%s.meter", SHIPPED_MODELS, name);
	if (model_read(&model, path, error, sizeof(error)) < 0)
		fail_msg("%s", error);
}

static void load_text(const char *text)
{
	char error[512];

	if (model_parse(&model, "x.meter", text, strlen(text), error, sizeof(error)) < 0)
		fail_msg("%s", error);
}

/* A model of one value: the row's keys, in a span of count registers. Where the value is not energy a
 * float energy stands beside it, as every meter needs one. */
static void load_row(const char *role, unsigned count, const char *quantity, const char *keys)
{
	char text[2048];
	bool energy = strcmp(quantity, "energy_import") == 0;
	bool has_float = !energy || strstr(keys, "float") != NULL;

	(void)snprintf(
		text, sizeof(text),
		"[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = low\n"
		"source = s\n%s"
		"[span a]\nrole = %s\nfunction = 4\naddress = 0x10\ncount = %u\n"
		"[row %s]\nspan = a\nregister = 0x10\n%s\n%s",
		has_float ? "resolution_wh = 10\n" : "", role, count, quantity, keys,
		energy ? ""
		       : "[span money]\nrole = energy\nfunction = 3\naddress = 0\ncount = 2\n"
			 "[row energy_import]\nspan = money\nregister = 0\ntype = float32\n"
			 "order = msw\nunit = kWh\n");
	load_text(text);
}

static uint16_t crc16(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

/* Registers of a reply "01 04 .. .." with a good CRC, from register skip on. */
static size_t frame_registers(const char *hex, size_t skip, uint16_t *regs)
{
	uint8_t bytes[FRAME_MAX];
	size_t n = 0;
	size_t count = 0;

	for (const char *p = hex; *p != '\0'; p += *p == ' ') {
		char *end;

		bytes[n++] = (uint8_t)strtoul(p, &end, 16);
		p = end;
	}
	assert_int_equal(crc16(bytes, n - 2), bytes[n - 2] | bytes[n - 1] << 8);
	assert_int_equal(bytes[2], n - 5);
	for (size_t i = 3 + 2 * skip; i + 2 < n; i += 2)
		regs[count++] = (uint16_t)(bytes[i] << 8 | bytes[i + 1]);
	return count;
}

static void expect(const struct reading *reading, enum quantity quantity, int64_t value)
{
	if (value == ABSENT) {
		if (reading_has(reading, quantity))
			fail_msg("%s is there: %" PRId64, quantity_name(quantity),
				 reading->value[quantity]);
		return;
	}
	if (!reading_has(reading, quantity))
		fail_msg("%s is absent", quantity_name(quantity));
	if (reading->value[quantity] != value)
		fail_msg("%s is %" PRId64 ", expected %" PRId64, quantity_name(quantity),
			 reading->value[quantity], value);
}

static void crc_helper_agrees_with_the_published_check_value(void **state)
{
	(void)state;
	assert_int_equal(crc16((const uint8_t *)"123456789", 9), 0x4B37);
}

/* Tasmota issue 8634; our block is registers 0x0A to 0x11 of the captured 0x00 to 0x11. */
static void dds238_capture(void **state)
{
	uint16_t regs[FRAME_MAX];
	struct reading reading = {.at_us = 42};

	(void)state;
	load_shipped("hiking-dds238-sr");
	assert_int_equal(frame_registers("01 03 24 00 00 1C 7B 00 00 00 00 00 00 00 00 00 00 00 00 "
					 "00 00 04 F3 00 00 17 88 09 77 01 A6 03 F8 00 70 03 E1 13 "
					 "8A 63 ED",
					 10, regs),
			 8);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 8, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 60240);  /* 0x1788 = 6024 x 10 Wh */
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, 242300);    /* 0x0977 = 2423 x 0.1 V */
	expect(&reading, QUANTITY_CURRENT_L1_MA, 4220);      /* 0x01A6 = 422 x 0.01 A */
	expect(&reading, QUANTITY_POWER_W, 1016);            /* 0x03F8 */
	expect(&reading, QUANTITY_REACTIVE_VAR, 112);        /* 0x0070 */
	expect(&reading, QUANTITY_POWER_FACTOR_PPM, 993000); /* 0x03E1 = 993 */
	expect(&reading, QUANTITY_FREQUENCY_MHZ, 50020);     /* 0x138A = 5002 */
	expect(&reading, QUANTITY_RELAY_CLOSED, ABSENT);
	expect(&reading, QUANTITY_ENERGY_EXPORT_WH, ABSENT);
	assert_int_equal(reading.at_us, 42);
}

/* ESPHome pzemac: every 32-bit value has its low register first. */
static void pzem_capture(void **state)
{
	uint16_t regs[FRAME_MAX];
	struct reading reading = {0};

	(void)state;
	load_shipped("peacefair-pzem004t-v3");
	assert_int_equal(frame_registers("01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 "
					 "00 64 00 00 51 34",
					 0, regs),
			 10);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 10, &reading), 0);
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, 225700);     /* 0x08D1 = 2257 */
	expect(&reading, QUANTITY_CURRENT_L1_MA, 108);        /* 006C 0000 */
	expect(&reading, QUANTITY_POWER_W, 24);               /* 00F4 0000 = 244, 24.4 W floored */
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 38);      /* 0026 0000 */
	expect(&reading, QUANTITY_FREQUENCY_MHZ, 50000);      /* 0x01F4 = 500 */
	expect(&reading, QUANTITY_POWER_FACTOR_PPM, 1000000); /* 0x64 = 100 */
	assert_int_equal(model.resolution_wh, 1);
	assert_int_equal(model.modulus_wh, 10000000);
	assert_int_equal(model.width_wh, INT64_C(4294967296));
}

/* Eastron's protocol example: 43 66 33 34 is 15086388 / 65536 = 230.20001... */
static void sdm_float_example(void **state)
{
	uint16_t regs[FRAME_MAX] = {0};
	struct reading reading = {0};
	int span;

	(void)state;
	load_shipped("eastron-sdm120");
	span = model_span_of(&model, MODEL_ROLE_INSTANT, 0);
	assert_int_equal(frame_registers("01 04 04 43 66 33 34 1B 38", 0, regs), 2);
	assert_int_equal(meter_decode(&model, (unsigned)span, 1, regs, 14, &reading), 0);
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, 230200);
	expect(&reading, QUANTITY_CURRENT_L1_MA, 0);
	expect(&reading, QUANTITY_POWER_W, 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, ABSENT);
}

/* Inepro's example of a serial number reply: the digits of 15 06 00 01 are the number printed. */
static void serial_number_reply(void **state)
{
	uint16_t regs[FRAME_MAX];
	struct reading reading = {0};
	int span;

	(void)state;
	load_shipped("inepro-pro380");
	span = model_span_of(&model, MODEL_ROLE_IDENTITY, 0);
	assert_int_equal(frame_registers("01 03 04 15 06 00 01 DF FE", 0, regs), 2);
	assert_int_equal(meter_decode(&model, (unsigned)span, 1, regs, 2, &reading), 0);
	expect(&reading, QUANTITY_SERIAL_NUMBER, 15060001);
}

/* A unit test of a public driver: 1.30 kWh at 0xA000, all of it in the first band. */
static void orno_we514_registers(void **state)
{
	const uint16_t regs[6] = {0, 130, 0, 130, 0, 0};
	struct reading reading = {0};

	(void)state;
	load_shipped("orno-we514-we515");
	assert_int_equal(meter_decode(&model, 0, 1, regs, 6, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 1300);
	expect(&reading, QUANTITY_ENERGY_BAND_1_WH, 1300);
	expect(&reading, QUANTITY_ENERGY_BAND_2_WH, 0);
	assert_int_equal(model.resolution_wh, 10);
	assert_int_equal(model.width_wh, INT64_C(42949672960));
}

/* T2: what tells bands apart refuses no total. */
static void a_band_that_is_no_number_is_absent(void **state)
{
	static const struct {
		const char *sentence;
		uint16_t first, second; /* of band 1 */
	} cases[] = {
		{"not a number", 0x7FC0, 0},
		{"infinite", 0x7F80, 0},
		{"negative", 0xBF80, 0},
	};

	(void)state;
	load_shipped("inepro-pro1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* 8 kWh of import, 4 kWh of band 2. */
		const uint16_t regs[6] = {0x4100, 0, cases[i].first, cases[i].second, 0x4080, 0};
		struct reading reading = {0};

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(meter_decode(&model, 0, 1, regs, 6, &reading), 0);
		expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 8000);
		assert_false(reading_has(&reading, QUANTITY_ENERGY_BAND_1_WH));
		expect(&reading, QUANTITY_ENERGY_BAND_2_WH, 4000);
	}
}

/* The frames of an integrator's page about the relays of Eastron's LoRa meters. */
static void relay_positions_of_the_lora_meters(void **state)
{
	uint16_t regs[FRAME_MAX];
	struct reading reading = {0};

	(void)state;
	load_shipped("eastron-sdm320-lora");
	assert_int_equal(frame_registers("01 03 02 00 00 B8 44", 0, regs), 1);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 1, &reading), 0);
	expect(&reading, QUANTITY_RELAY_CLOSED, 0);

	load_shipped("eastron-sdm530-lora");
	assert_int_equal(frame_registers("01 03 04 FF FF FF 00 BB E7", 0, regs), 2);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 2, &reading), 0);
	expect(&reading, QUANTITY_RELAY_CLOSED, 1);
	reading = (struct reading){0};
	regs[0] = 0xFF00; /* one phase of three: neither closed nor open */
	regs[1] = 0;
	assert_int_equal(meter_decode(&model, 0, 1, regs, 2, &reading), 0);
	expect(&reading, QUANTITY_RELAY_CLOSED, ABSENT);
}

struct vector {
	const char *name;
	const char *quantity;
	const char *keys;
	unsigned n;
	uint16_t regs[4];
	int result; /* 0 or -errno */
	int64_t value;
};

static const struct vector vectors[] = {
	{"u16 is unsigned", "power", "type = u16\nunit = W", 1, {0xFFFF}, 0, 65535},
	{"s16 is two's complement", "power", "type = s16\nunit = W", 1, {0xFC08}, 0, -1016},
	{"u32 high register first",
	 "power",
	 "type = u32\norder = msw\nunit = W",
	 2,
	 {0x0001, 0x0002},
	 0,
	 65538},
	{"u32 low register first",
	 "power",
	 "type = u32\norder = lsw\nunit = W",
	 2,
	 {0x0001, 0x0002},
	 0,
	 131073},
	{"s32 low register first",
	 "power",
	 "type = s32\norder = lsw\nunit = W",
	 2,
	 {0xFFFE, 0xFFFF},
	 0,
	 -2},
	{"s64 high register first",
	 "power",
	 "type = s64\norder = msw\nunit = W",
	 4,
	 {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFD},
	 0,
	 -3},
	{"u64 that does not fit 63 bits is absent",
	 "power",
	 "type = u64\norder = msw\nunit = W",
	 4,
	 {0x8000, 0, 0, 0},
	 0,
	 ABSENT},
	{"a negative integer is floored: -1.5 is -2",
	 "power",
	 "type = s16\nunit = W\nscale = 0.1",
	 1,
	 {0xFFF1},
	 0,
	 -2},
	{"a positive integer is floored: 1.9 is 1",
	 "power",
	 "type = s16\nunit = W\nscale = 0.1",
	 1,
	 {19},
	 0,
	 1},
	{"the least s64 does not overflow",
	 "power",
	 "type = s64\norder = msw\nunit = W",
	 4,
	 {0x8000, 0, 0, 0},
	 0,
	 ABSENT},
	{"kW are thousands of W",
	 "power",
	 "type = s16\nunit = kW\nscale = 0.001",
	 1,
	 {0x03F8},
	 0,
	 1016},
	{"a fraction with many places: 3000000000 x 0.000000152588 V",
	 "voltage_l1",
	 "type = u32\norder = msw\nunit = V\nscale = 0.000000152588",
	 2,
	 {0xB2D0, 0x5E00},
	 0,
	 457764},
	{"a fraction of two numbers: 300 x 1/256 A",
	 "current_l1",
	 "type = u16\nunit = A\nscale = 1/256",
	 1,
	 {300},
	 0,
	 1171},
	{"bcd of 4 digits", "power", "type = bcd16\nunit = W", 1, {0x1234}, 0, 1234},
	{"bcd of 8 digits",
	 "serial_number",
	 "type = bcd32\norder = msw",
	 2,
	 {0x1234, 0x5678},
	 0,
	 12345678},
	{"bcd of 12 digits",
	 "serial_number",
	 "type = bcd48\norder = msw",
	 3,
	 {0x1234, 0x5678, 0x9012},
	 0,
	 INT64_C(123456789012)},
	{"bcd of 16 digits, low register first",
	 "serial_number",
	 "type = bcd64\norder = lsw",
	 4,
	 {0x3456, 0x9012, 0x5678, 0x1234},
	 0,
	 INT64_C(1234567890123456)},
	{"bcd that is not decimal is absent",
	 "serial_number",
	 "type = bcd48\norder = msw",
	 3,
	 {0x1234, 0x56A8, 0x9012},
	 0,
	 ABSENT},
	{"an error value is absent",
	 "current_l1",
	 "type = s32\norder = lsw\nunit = A\nscale = 0.001\nabsent = 0x7FFFFFFF",
	 2,
	 {0xFFFF, 0x7FFF},
	 0,
	 ABSENT},
	{"zero is absent where the model says so",
	 "serial_number",
	 "type = u32\norder = msw\nabsent = 0 0xFFFFFFFF",
	 2,
	 {0, 0},
	 0,
	 ABSENT},
	{"a float rounds to the nearest: 1234.56 W",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0x449A, 0x51EC},
	 0,
	 1235},
	{"a negative float rounds to the nearest: -1234.56 W",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0xC49A, 0x51EC},
	 0,
	 -1235},
	{"half is rounded away from zero: -2.5 is -3",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0xC020, 0},
	 0,
	 -3},
	{"a float with its low register first",
	 "power",
	 "type = float32\norder = lsw\nunit = W",
	 2,
	 {0x51EC, 0x449A},
	 0,
	 1235},
	{"not a number is absent",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0x7FC0, 0},
	 0,
	 ABSENT},
	{"infinity is absent",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0x7F80, 0},
	 0,
	 ABSENT},
	{"a float past 64 bits is absent: 1e30",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0x7149, 0xF2CA},
	 0,
	 ABSENT},
	{"the least float above zero is zero",
	 "power",
	 "type = float32\norder = msw\nunit = W",
	 2,
	 {0, 1},
	 0,
	 0},
	{"volume in m3 is thousands of litres",
	 "volume",
	 "type = u32\norder = msw\nunit = m3\nscale = 0.001",
	 2,
	 {0, 1234},
	 0,
	 1234},
	{"percent", "power_factor", "type = u16\nunit = percent", 1, {98}, 0, 980000},
	{"a masked bit is set: the relay is closed",
	 "relay_closed",
	 "type = u16\nmask = 0x2000\nclosed = 0x2000\nopen = 0",
	 1,
	 {0x2041},
	 0,
	 1},
	{"a masked bit is clear: the relay is open",
	 "relay_closed",
	 "type = u16\nmask = 0x2000\nclosed = 0x2000\nopen = 0",
	 1,
	 {0xDFFF},
	 0,
	 0},
	{"a position that is neither value is not known",
	 "relay_closed",
	 "type = u16\nclosed = 1\nopen = 0",
	 1,
	 {2},
	 0,
	 ABSENT},

	{"energy of a u64 in hundredths of Wh is floored",
	 "energy_import",
	 "type = u64\norder = lsw\nunit = kWh\nscale = 0.00001",
	 4,
	 {0xCD15, 0x075B, 0, 0},
	 0,
	 1234567},
	{"energy in tenths of kWh",
	 "energy_import",
	 "type = s32\norder = lsw\nunit = kWh\nscale = 0.1",
	 2,
	 {0x3039, 0},
	 0,
	 1234500},
	{"energy under its error value is refused, never zero",
	 "energy_import",
	 "type = s32\norder = lsw\nunit = kWh\nscale = 0.1\nabsent = 0x7FFFFFFF",
	 2,
	 {0xFFFF, 0x7FFF},
	 -ERANGE,
	 ABSENT},
	{"negative energy is refused",
	 "energy_import",
	 "type = s32\norder = lsw\nunit = kWh\nscale = 0.1",
	 2,
	 {0xFFFF, 0xFFFF},
	 -ERANGE,
	 ABSENT},
	{"export counted below zero is turned by the scale",
	 "energy_export",
	 "type = s32\norder = lsw\nunit = kWh\nscale = -0.1",
	 2,
	 {0xFFCE, 0xFFFF},
	 0,
	 5000},
	{"a float below 131072 kWh: step 7.8 Wh",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x47FF, 0xFFFF},
	 0,
	 131071992},
	{"a float at 131072 kWh",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x4800, 0},
	 0,
	 131072000},
	{"one step on: 131072.015625 kWh rounds up",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x4800, 1},
	 0,
	 131072016},
	{"two steps on: 131072.03125 kWh rounds down",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x4800, 2},
	 0,
	 131072031},
	{"four steps on: 131072.0625 kWh is half a Wh, rounds up",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x4800, 4},
	 0,
	 131072063},
	{"a float64 in Wh",
	 "energy_import",
	 "type = float64\norder = msw\nunit = Wh",
	 4,
	 {0x419D, 0x6F34, 0x5600, 0},
	 0,
	 123456790},
	{"energy that is not a number is refused",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x7FC0, 0},
	 -ERANGE,
	 ABSENT},
	{"infinite energy is refused",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x7F80, 0},
	 -ERANGE,
	 ABSENT},
	{"energy of -1 kWh is refused",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0xBF80, 0},
	 -ERANGE,
	 ABSENT},
	{"minus zero is zero",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x8000, 0},
	 0,
	 0},
	{"energy past 64 bits is refused: 1e30 kWh",
	 "energy_import",
	 "type = float32\norder = msw\nunit = kWh",
	 2,
	 {0x7149, 0xF2CA},
	 -ERANGE,
	 ABSENT},
};

static const char *role_of(const char *quantity)
{
	if (strcmp(quantity, "energy_import") == 0)
		return "energy";
	return strcmp(quantity, "relay_closed") == 0 ? "relay" : "instant";
}

static void every_type_order_and_rounding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		struct reading reading = {0};
		enum quantity quantity;
		const char *culprit;
		int r;

		print_message("%s\n", v->name);
		load_row(role_of(v->quantity), v->n, v->quantity, v->keys);
		assert_int_equal(quantity_find(v->quantity, &quantity), 0);
		r = meter_decode(&model, 0, 1, v->regs, v->n, &reading);
		if (r != v->result)
			fail_msg("%s: result %d, expected %d", v->name, r, v->result);
		expect(&reading, quantity, v->value);
		culprit = meter_implausible(&model, 0, 1, v->regs, v->n);
		if (r == 0)
			assert_null(culprit);
		else
			assert_string_equal(culprit, v->quantity);
	}
}

static void an_implausible_witness_refuses_the_whole_answer_and_is_named(void **state)
{
	/* 50.0 Hz, 100 kWh, 0 kWh; then the frequency spoilt. */
	const uint16_t good[6] = {0x4248, 0, 0x42C8, 0, 0, 0};
	static const struct {
		const char *name;
		uint16_t high;
	} spoilt[] = {
		{"frequency zero", 0x0000},
		{"frequency not a number", 0x7FC0},
		{"frequency 44 Hz", 0x4230},
		{"frequency 66 Hz", 0x4284},
		{"a voltage in the frequency's place: 230 V", 0x4366},
	};
	struct reading reading = {0};

	(void)state;
	load_shipped("eastron-sdm120");
	assert_int_equal(meter_decode(&model, 0, 1, good, 6, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 100000);
	expect(&reading, QUANTITY_FREQUENCY_MHZ, 50000);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		uint16_t regs[6];
		struct reading kept = reading;

		print_message("%s\n", spoilt[i].name);
		memcpy(regs, good, sizeof(regs));
		regs[0] = spoilt[i].high;
		regs[2] = 0x43C8;
		assert_int_equal(meter_decode(&model, 0, 1, regs, 6, &kept), -ERANGE);
		assert_memory_equal(&kept, &reading, sizeof(kept));
		assert_string_equal(meter_implausible(&model, 0, 1, regs, 6), "frequency");
	}
}

static void a_voltage_of_zero_refuses_the_energy_beside_it(void **state)
{
	uint16_t regs[17] = {[1] = 12345, [11] = 0, [12] = 100, [13] = 500};
	struct reading reading = {0};

	(void)state;
	load_shipped("acrel-ddsy1352");
	assert_int_equal(meter_decode(&model, 0, 1, regs, 17, &reading), -ERANGE);
	assert_string_equal(meter_implausible(&model, 0, 1, regs, 17), "voltage_l1");
	assert_int_equal(reading.valid, 0);
	regs[11] = 2312;
	assert_int_equal(meter_decode(&model, 0, 1, regs, 17, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 123450);
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, 231200);
	expect(&reading, QUANTITY_CURRENT_L1_MA, 1000);
	expect(&reading, QUANTITY_POWER_W, 500);
}

static void an_answer_of_another_length_is_garbled(void **state)
{
	const uint16_t regs[14] = {0};
	struct reading reading = {0};

	(void)state;
	load_shipped("eastron-sdm120");
	assert_int_equal(meter_decode(&model, 0, 1, regs, 5, &reading), -EBADMSG);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 14, &reading), -EBADMSG);
	assert_int_equal(meter_decode(&model, 99, 1, regs, 6, &reading), -EINVAL);
	assert_int_equal(meter_decode(&model, 0, 0, regs, 6, &reading), -EINVAL);
	assert_int_equal(meter_decode(&model, 0, 2, regs, 6, &reading), -EINVAL);
	assert_null(meter_implausible(&model, 0, 1, regs, 5));
}

/* The block of an EM111, low registers first: 50.0 Hz, 0x3039 = 12345 tenths of a kWh. */
static void em111_block(void **state)
{
	const uint16_t regs[3] = {500, 0x3039, 0};
	const uint16_t overrange[3] = {500, 0xFFFF, 0x7FFF};
	struct reading reading = {0};

	(void)state;
	load_shipped("cg-em111-em112");
	assert_int_equal(meter_decode(&model, 0, 1, regs, 3, &reading), 0);
	expect(&reading, QUANTITY_FREQUENCY_MHZ, 50000);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 1234500);
	assert_int_equal(meter_decode(&model, 0, 1, overrange, 3, &reading), -ERANGE);
	assert_string_equal(meter_implausible(&model, 0, 1, overrange, 3), "energy_import");
}

static void an_answer_adds_to_what_is_known(void **state)
{
	const uint16_t relay[1] = {1};
	const uint16_t energy[8] = {0, 6024, 2423, 0, 0, 0, 0, 5000};
	struct reading reading = {0};

	(void)state;
	load_shipped("hiking-dds238-sr");
	assert_int_equal(meter_decode(&model, 0, 1, energy, 8, &reading), 0);
	assert_int_equal(meter_decode(&model, 1, 1, relay, 1, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 60240);
	expect(&reading, QUANTITY_RELAY_CLOSED, 1);
}

/* Three channels in a block of twelve registers, four blocks: the shape of a 12-channel meter. */
static void channels_in_blocks(void **state)
{
	uint16_t regs[12] = {0};

	(void)state;
	load_text("[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\n"
		  "source = s\nchannels = 12\n"
		  "[span energy]\nrole = energy\nfunction = 4\naddress = 0x1204\ncount = 12\n"
		  "channels = 3\nstride = 0x1000\n"
		  "[span frequency]\nrole = instant\nfunction = 4\naddress = 0x10F8\ncount = 1\n"
		  "[row energy_import]\nspan = energy\nregister = 0x1204\nstride = 4\ntype = u64\n"
		  "order = lsw\nunit = kWh\nscale = 0.00001\n"
		  "[row frequency]\nspan = frequency\nregister = 0x10F8\ntype = u16\nunit = Hz\n");
	for (unsigned channel = 1; channel <= 12; channel++) {
		struct meter_request request;
		struct reading reading = {0};
		unsigned place = (channel - 1) % 3;

		memset(regs, 0, sizeof(regs));
		regs[4 * place] = 100; /* 1 Wh in the right place */
		assert_int_equal(model_span_request(&model, 0, channel, &request), 0);
		assert_int_equal(request.address, 0x1204 + 0x1000 * ((channel - 1) / 3));
		assert_int_equal(request.count, 12);
		assert_int_equal(meter_decode(&model, 0, channel, regs, 12, &reading), 0);
		expect(&reading, QUANTITY_ENERGY_IMPORT_WH, 1);
	}
}

/* A meter behind transformers: energy and power are multiplied, the current is believed at ratio 1
 * alone, the voltage as it is. */
static const char behind_transformers[] =
	"[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\nsource = s\n"
	"[span energy]\nrole = energy\nfunction = 3\naddress = 0x0A\ncount = 6\n"
	"[span ratio]\nrole = ratio\nfunction = 3\naddress = 0x8D\ncount = 2\n"
	"[row energy_import]\nspan = energy\nregister = 0x0A\ntype = u32\norder = msw\n"
	"unit = kWh\nscale = 0.01\nratio = ct pt\n"
	"[row power]\nspan = energy\nregister = 0x0C\ntype = s32\norder = msw\nunit = W\n"
	"ratio = ct pt\n"
	"[row current_l1]\nspan = energy\nregister = 0x0E\ntype = u16\nunit = A\nscale = 0.01\n"
	"ratio_one = ct\n"
	"[row voltage_l1]\nspan = energy\nregister = 0x0F\ntype = u16\nunit = V\nscale = 0.1\n"
	"witness = 100..300\n"
	"[row pt_ratio]\nspan = ratio\nregister = 0x8D\ntype = u16\nscale = 0.1\n"
	"[row ct_ratio]\nspan = ratio\nregister = 0x8E\ntype = u16\n";

static void energy_behind_transformers(void **state)
{
	/* 123.45 kWh, -2 W, 1.00 A, 230.0 V. */
	const uint16_t regs[6] = {0, 12345, 0xFFFF, 0xFFFE, 100, 2300};
	static const struct {
		const char *name;
		uint16_t pt; /* tenths */
		uint16_t ct;
		int64_t energy_wh;
		int64_t power_w;
		int64_t current_ma;
		int64_t modulus; /* of 1000 Wh */
	} cases[] = {
		{"direct: both ratios are 1", 10, 1, 123450, -2, 1000, 1000},
		{"50 to 1", 10, 50, 6172500, -100, ABSENT, 50000},
		{"transformers of voltage, 2.5 to 1, floored once", 25, 3, 925875, -15, ABSENT,
		 7500},
		{"a voltage transformer alone leaves the current", 15, 1, 185175, -3, 1000, 1500},
		{"the largest that fit", 10, 65535, INT64_C(8090295750), -131070, ABSENT, 65535000},
		{"a ratio of zero is not known", 10, 0, ABSENT, ABSENT, ABSENT, ABSENT},
		{"nor is the other", 0, 1, ABSENT, ABSENT, 1000, ABSENT},
	};

	(void)state;
	load_text(behind_transformers);
	assert_true(model_needs_ratios(&model));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint16_t words[2] = {cases[i].pt, cases[i].ct};
		struct meter_ratios ratios = {0};
		struct reading said = {0};
		struct reading reading = {0};
		int64_t modulus = ABSENT;

		print_message("%s\n", cases[i].name);
		assert_int_equal(meter_decode(&model, 1, 1, words, 2, &said), 0);
		meter_ratios_learn(&ratios, &said);
		assert_int_equal(
			meter_decode_scaled(&model, 0, 1, regs, 6, &ratios, &reading, NULL), 0);
		expect(&reading, QUANTITY_ENERGY_IMPORT_WH, cases[i].energy_wh);
		expect(&reading, QUANTITY_POWER_W, cases[i].power_w);
		expect(&reading, QUANTITY_CURRENT_L1_MA, cases[i].current_ma);
		expect(&reading, QUANTITY_VOLTAGE_L1_MV, 230000);
		assert_int_equal(meter_energy_scaled(&model, &ratios, 1000, &modulus),
				 cases[i].modulus == ABSENT ? -ENODATA : 0);
		assert_int_equal(modulus, cases[i].modulus);
	}
}

static void an_unknown_ratio_is_never_taken_as_one(void **state)
{
	const uint16_t regs[6] = {0, 12345, 0, 2, 100, 2300};
	struct reading reading = {0};

	(void)state;
	load_text(behind_transformers);
	assert_int_equal(meter_decode(&model, 0, 1, regs, 6, &reading), 0);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, ABSENT);
	expect(&reading, QUANTITY_POWER_W, ABSENT);
	expect(&reading, QUANTITY_CURRENT_L1_MA, ABSENT);
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, 230000);
	load_shipped("eastron-sdm120");
	assert_false(model_needs_ratios(&model));
}

/* 12345 pulses at 800 a kWh are 15.43125 kWh; the counters have a weight each. */
static void pulses_are_divided_by_the_weight_of_their_channel(void **state)
{
	const uint16_t counters[4] = {0, 12345, 0, 12345};
	const uint16_t weights[2] = {800, 1000};
	const int64_t expected_wh[2] = {15431, 12345};

	(void)state;
	load_text("[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\n"
		  "source = s\nchannels = 2\n"
		  "[span energy]\nrole = energy\nfunction = 3\naddress = 27\ncount = 4\n"
		  "[span ratio]\nrole = ratio\nfunction = 3\naddress = 35\ncount = 2\n"
		  "[row energy_import]\nspan = energy\nregister = 27\nstride = 2\ntype = u32\n"
		  "order = msw\nunit = kWh\nratio = pulses\n"
		  "[row pulses_per_unit]\nspan = ratio\nregister = 35\nstride = 1\ntype = u16\n");
	for (unsigned channel = 1; channel <= 2; channel++) {
		struct meter_ratios ratios = {0};
		struct reading said = {0};
		struct reading reading = {0};

		assert_int_equal(meter_decode(&model, 1, channel, weights, 2, &said), 0);
		meter_ratios_learn(&ratios, &said);
		assert_int_equal(meter_decode_scaled(&model, 0, channel, counters, 4, &ratios,
						     &reading, NULL),
				 0);
		expect(&reading, QUANTITY_ENERGY_IMPORT_WH, expected_wh[channel - 1]);
	}
}

static void a_witness_in_another_span_is_named(void **state)
{
	(void)state;
	load_shipped("eastron-sdm120");
	assert_int_equal(model.spans[0].witness, 0);
	load_text("[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\n"
		  "source = s\n"
		  "[span energy]\nrole = energy\nfunction = 3\naddress = 0\ncount = 2\n"
		  "witness = instant\n"
		  "[span instant]\nrole = instant\nfunction = 3\naddress = 100\ncount = 1\n"
		  "[row energy_import]\nspan = energy\nregister = 0\ntype = u32\norder = msw\n"
		  "unit = kWh\n"
		  "[row voltage_l1]\nspan = instant\nregister = 100\ntype = u16\nunit = V\n"
		  "witness = 100..300\n");
	assert_int_equal(model.spans[0].witness, 1);
	assert_int_equal(model.spans[1].witness, 1);
	load_row("energy", 2, "energy_import", "type = u32\norder = msw\nunit = kWh");
	assert_int_equal(model.spans[0].witness, -1);
}

static void a_mark_tells_a_model(void **state)
{
	const uint16_t b21[2] = {0x4232, 0x3120};
	const uint16_t b23[2] = {0x4232, 0x3320};
	const uint16_t b24[2] = {0x4232, 0x3420};
	struct meter_request request;

	(void)state;
	load_text("[model]\nname = x\nvendor = v\ntitle = t\nkind = meter\nconfidence = high\n"
		  "source = s\nresolution_wh = 10\n"
		  "[span energy]\nrole = energy\nfunction = 3\naddress = 0\ncount = 2\n"
		  "[row energy_import]\nspan = energy\nregister = 0\ntype = float32\n"
		  "order = msw\nunit = kWh\n"
		  "[identify type]\nfunction = 3\naddress = 0x8960\n"
		  "values = 0x4232 0x3320, 0x4232 0x3420\n");
	assert_int_equal(model.marks_count, 1);
	request = model_mark_request(&model.marks[0]);
	assert_int_equal(request.function, 3);
	assert_int_equal(request.address, 0x8960);
	assert_int_equal(request.count, 2);
	assert_false(model_mark_matches(&model.marks[0], b21));
	assert_true(model_mark_matches(&model.marks[0], b23));
	assert_true(model_mark_matches(&model.marks[0], b24));
}

/* Registers 0x0004 to 0x000D of an SDM120: 12.5 A at 0x0006, 2875 W at 0x000C (IEEE 754 by hand). */
static void a_part_of_a_block_shows_what_lies_within_it(void **state)
{
	static const uint16_t part[] = {0, 0, 0x4148, 0, 0, 0, 0, 0, 0x4533, 0xB000};
	struct reading reading = {0};
	int instant;

	(void)state;
	load_shipped("eastron-sdm120");
	instant = model_span_of(&model, MODEL_ROLE_INSTANT, 0);
	assert_int_equal(
		meter_decode_part(&model, (unsigned)instant, 1, 4, part, 10, NULL, &reading), 0);
	expect(&reading, QUANTITY_CURRENT_L1_MA, 12500);
	expect(&reading, QUANTITY_POWER_W, 2875);
	expect(&reading, QUANTITY_VOLTAGE_L1_MV, ABSENT);
	/* The current alone; and half of it, which is none. */
	reading = (struct reading){0};
	assert_int_equal(
		meter_decode_part(&model, (unsigned)instant, 1, 6, &part[2], 2, NULL, &reading), 0);
	expect(&reading, QUANTITY_CURRENT_L1_MA, 12500);
	expect(&reading, QUANTITY_POWER_W, ABSENT);
	reading = (struct reading){0};
	assert_int_equal(
		meter_decode_part(&model, (unsigned)instant, 1, 6, &part[2], 1, NULL, &reading), 0);
	expect(&reading, QUANTITY_CURRENT_L1_MA, ABSENT);
	/* More than the block has. */
	assert_int_equal(
		meter_decode_part(&model, (unsigned)instant, 1, 6, part, 10, NULL, &reading),
		-EBADMSG);
	assert_int_equal(meter_decode_part(&model, 9, 1, 0, part, 2, NULL, &reading), -EINVAL);
	assert_int_equal(
		meter_decode_part(&model, (unsigned)instant, 2, 6, &part[2], 2, NULL, &reading),
		-EINVAL);
}

/* A witness within the part is heard; one without is not missed. */
static void a_part_is_refused_by_the_witness_in_it(void **state)
{
	static const uint16_t well[] = {2300, 500}, dead[] = {0, 500};
	struct reading reading = {0};
	int energy;

	(void)state;
	load_shipped("hiking-dds238-sr");
	energy = model_span_of(&model, MODEL_ROLE_ENERGY, 0);
	assert_int_equal(meter_decode_part(&model, (unsigned)energy, 1, 2, well, 2, NULL, &reading),
			 0);
	expect(&reading, QUANTITY_CURRENT_L1_MA, 5000);
	expect(&reading, QUANTITY_ENERGY_IMPORT_WH, ABSENT);
	assert_int_equal(meter_decode_part(&model, (unsigned)energy, 1, 2, dead, 2, NULL, &reading),
			 -ERANGE);
	assert_int_equal(
		meter_decode_part(&model, (unsigned)energy, 1, 3, &dead[1], 1, NULL, &reading), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_helper_agrees_with_the_published_check_value),
		cmocka_unit_test(dds238_capture),
		cmocka_unit_test(pzem_capture),
		cmocka_unit_test(sdm_float_example),
		cmocka_unit_test(serial_number_reply),
		cmocka_unit_test(orno_we514_registers),
		cmocka_unit_test(a_band_that_is_no_number_is_absent),
		cmocka_unit_test(relay_positions_of_the_lora_meters),
		cmocka_unit_test(every_type_order_and_rounding),
		cmocka_unit_test(an_implausible_witness_refuses_the_whole_answer_and_is_named),
		cmocka_unit_test(a_voltage_of_zero_refuses_the_energy_beside_it),
		cmocka_unit_test(an_answer_of_another_length_is_garbled),
		cmocka_unit_test(em111_block),
		cmocka_unit_test(an_answer_adds_to_what_is_known),
		cmocka_unit_test(channels_in_blocks),
		cmocka_unit_test(energy_behind_transformers),
		cmocka_unit_test(an_unknown_ratio_is_never_taken_as_one),
		cmocka_unit_test(pulses_are_divided_by_the_weight_of_their_channel),
		cmocka_unit_test(a_witness_in_another_span_is_named),
		cmocka_unit_test(a_mark_tells_a_model),
		cmocka_unit_test(a_part_of_a_block_shows_what_lies_within_it),
		cmocka_unit_test(a_part_is_refused_by_the_witness_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
