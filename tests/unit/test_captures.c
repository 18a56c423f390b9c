/* test_captures.c - every frame seen or documented of these devices, against what we send and take.
 *
 * Each request must be what frame_encode() makes of its meaning, each reply must pass the exchange as
 * the answer to its request and yield the registers that its bytes say. Where the frame belongs to a
 * shipped model, the model must send just that frame; a frame that writes a parameter must be refused
 * to every shipped model. What the registers mean is held against the same captures elsewhere:
 *
 *     PZEM-016, DDS238, Eastron 0x0156, Inepro serial, LoRa relays, WE-514 block   test_decode.c
 *     PZEM-016, Inepro, Acrel event record, Eastron write reply, as faulty replies  test_exchange.c
 *     Waveshare, DDSY1352, DDS238 block, Eastron 0x000C, as the simulator answers   test_building.py
 *     WE-514 block and all models, as values drawn at random                        test_models.py
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/exchange.h"
#include "meters/model_file.h"
#include "tests/unit/played_line.h"

#define REGISTERS_MAX 20
#define TURNAROUND_US 15000

enum owner {
	OWNER_NONE, /* of no shipped model, or of a part of it that is not read */
	OWNER_SPAN, /* the model reads just this */
	OWNER_CLOSE,
	OWNER_OPEN,
	OWNER_FORBIDDEN, /* no shipped model may send it */
};

struct capture {
	const char *name;
	const char *source;
	struct line_request request;
	const char *asked;    /* NULL: only the reply was shown */
	const char *answered; /* NULL: only the request was shown */
	size_t n;
	uint16_t registers[REGISTERS_MAX];
	enum owner owner;
	const char *model;
	unsigned channel;
};

#define READ(slave_, function_, address_, count_)                                                  \
	{                                                                                          \
		.slave = (slave_), .function = (function_), .address = (address_),                 \
		.count = (count_)                                                                  \
	}
#define WRITE(slave_, address_, count_, ...)                                                       \
	{                                                                                          \
		.slave = (slave_), .function = 16, .address = (address_), .count = (count_),       \
		.values = {                                                                        \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define COIL(address_, on_)                                                                        \
	{                                                                                          \
		.slave = 1, .function = 5, .address = (address_), .values = {(on_) }               \
	}

static const struct capture captures[] = {
	{.name = "PZEM-016, all ten registers",
	 .source = "esphome pzemac, comments",
	 .request = READ(1, 4, 0, 10),
	 .asked = "01 04 00 00 00 0A 70 0D",
	 .answered = "01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51 34",
	 .n = 10,
	 .registers = {2257, 108, 0, 244, 0, 38, 0, 500, 100, 0},
	 .owner = OWNER_SPAN,
	 .model = "peacefair-pzem004t-v3",
	 .channel = 1},
	{.name = "DDS238, the block from 0x0000",
	 .source = "Tasmota issue 8634",
	 .request = READ(1, 3, 0, 18),
	 .answered = "01 03 24 00 00 1C 7B 00 00 00 00 00 00 00 00 00 00 00 00 00 00 04 F3 00 00 "
		     "17 88 09 77 01 A6 03 F8 00 70 03 E1 13 8A 63 ED",
	 .n = 18,
	 .registers = {0, 7291, 0, 0, 0, 0, 0, 0, 0, 1267, 0, 6024, 2423, 422, 1016, 112, 993,
		       5002}},
	{.name = "Eastron, total energy as a float",
	 .source = "SolarNetwork wiki, Eastron protocol examples",
	 .request = READ(1, 4, 0x0156, 2),
	 .asked = "01 04 01 56 00 02 90 27",
	 .answered = "01 04 04 43 66 33 34 1B 38",
	 .n = 2,
	 .registers = {0x4366, 0x3334}},
	{.name = "Eastron, pulse width 100.0",
	 .source = "Eastron protocol examples",
	 .request = READ(1, 3, 0x000C, 2),
	 .asked = "01 03 00 0C 00 02 04 08",
	 .answered = "01 03 04 42 C8 00 00 6F B5",
	 .n = 2,
	 .registers = {0x42C8, 0}},
	{.name = "Eastron, a parameter is written",
	 .source = "SolarNetwork wiki",
	 .request = WRITE(1, 0x0016, 2, 0x3F80, 0),
	 .asked = "01 10 00 16 00 02 04 3F 80 00 00 7F 75",
	 .owner = OWNER_FORBIDDEN},
	{.name = "Eastron, the baud code is written",
	 .source = "SolarNetwork wiki",
	 .request = WRITE(1, 0x001C, 2, 0x4000, 0),
	 .asked = "01 10 00 1C 00 02 04 40 00 00 00 E7 36",
	 .answered = "01 10 00 1C 00 02 80 0E",
	 .owner = OWNER_FORBIDDEN},
	{.name = "SDM320-LoRa, position of the relay",
	 .source = "support.cthings.io",
	 .request = READ(1, 3, 0xFCB0, 1),
	 .asked = "01 03 FC B0 00 01 B5 BD",
	 .answered = "01 03 02 00 00 B8 44",
	 .n = 1,
	 .registers = {0},
	 .owner = OWNER_SPAN,
	 .model = "eastron-sdm320-lora",
	 .channel = 1},
	{.name = "SDM320-LoRa, close",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD00, 1, 0xFF00),
	 .asked = "01 10 FD 00 00 01 02 FF 00 CB 6F",
	 .owner = OWNER_CLOSE,
	 .model = "eastron-sdm320-lora",
	 .channel = 1},
	{.name = "SDM320-LoRa, open",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD00, 1, 0x0000),
	 .asked = "01 10 FD 00 00 01 02 00 00 8A 9F",
	 .owner = OWNER_OPEN,
	 .model = "eastron-sdm320-lora",
	 .channel = 1},
	{.name = "SDM530-LoRa, positions of the relays",
	 .source = "support.cthings.io",
	 .request = READ(1, 3, 0xFD02, 2),
	 .asked = "01 03 FD 02 00 02 54 67",
	 .answered = "01 03 04 FF FF FF 00 BB E7",
	 .n = 2,
	 .registers = {0xFFFF, 0xFF00},
	 .owner = OWNER_SPAN,
	 .model = "eastron-sdm530-lora",
	 .channel = 1},
	/* One phase of a three-phase room is never switched alone. */
	{.name = "SDM530-LoRa, L1 alone",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD02, 2, 0xFF00, 0),
	 .asked = "01 10 FD 02 00 02 04 FF 00 00 00 1E F6",
	 .owner = OWNER_FORBIDDEN},
	{.name = "SDM530-LoRa, all open",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD02, 2, 0, 0),
	 .asked = "01 10 FD 02 00 02 04 00 00 00 00 2E E2",
	 .owner = OWNER_FORBIDDEN},
	{.name = "SDM530-LoRa, L2 alone",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD02, 2, 0x00FF, 0),
	 .asked = "01 10 FD 02 00 02 04 00 FF 00 00 1E D2",
	 .owner = OWNER_FORBIDDEN},
	{.name = "SDM530-LoRa, L3 alone",
	 .source = "support.cthings.io",
	 .request = WRITE(1, 0xFD02, 2, 0, 0xFF00),
	 .asked = "01 10 FD 02 00 02 04 00 00 FF 00 6F 12",
	 .owner = OWNER_FORBIDDEN},
	{.name = "Acrel, an event record",
	 .source = "Acrel manual",
	 .request = READ(1, 3, 0x3001, 6),
	 .asked = "01 03 30 01 00 06 9B 08",
	 .answered = "01 03 0C 12 01 08 0A 01 01 01 00 00 00 00 00 80 23",
	 .n = 6,
	 .registers = {0x1201, 0x080A, 0x0101, 0x0100, 0, 0}},
	{.name = "Inepro, serial number",
	 .source = "Inepro -Mod manual",
	 .request = READ(1, 3, 0x1000, 2),
	 .answered = "01 03 04 15 06 00 01 DF FE",
	 .n = 2,
	 .registers = {0x1506, 0x0001},
	 .owner = OWNER_SPAN,
	 .model = "inepro-pro380",
	 .channel = 1},
	{.name = "AcuRev 1312, slave 17: framing alone",
	 .source = "public manual",
	 .request = READ(17, 3, 0x0900, 6),
	 .asked = "11 03 09 00 00 06 C4 C4",
	 .answered = "11 03 0C 00 00 00 7F 00 00 00 64 00 00 00 1B 96 8D",
	 .n = 6,
	 .registers = {0, 0x7F, 0, 0x64, 0, 0x1B}},
	{.name = "Waveshare, coil 0 on",
	 .source = "Waveshare wiki",
	 .request = COIL(0, 1),
	 .asked = "01 05 00 00 FF 00 8C 3A",
	 .answered = "01 05 00 00 FF 00 8C 3A",
	 .owner = OWNER_CLOSE,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 1},
	{.name = "Waveshare, coil 0 off",
	 .source = "Waveshare wiki",
	 .request = COIL(0, 0),
	 .asked = "01 05 00 00 00 00 CD CA",
	 .owner = OWNER_OPEN,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 1},
	{.name = "Waveshare, coil 1 on",
	 .source = "Waveshare wiki",
	 .request = COIL(1, 1),
	 .asked = "01 05 00 01 FF 00 DD FA",
	 .owner = OWNER_CLOSE,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 2},
	{.name = "Waveshare, coil 1 off",
	 .source = "Waveshare wiki",
	 .request = COIL(1, 0),
	 .asked = "01 05 00 01 00 00 9C 0A",
	 .owner = OWNER_OPEN,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 2},
	{.name = "Waveshare, coil 2 on",
	 .source = "Waveshare wiki",
	 .request = COIL(2, 1),
	 .asked = "01 05 00 02 FF 00 2D FA",
	 .owner = OWNER_CLOSE,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 3},
	{.name = "Waveshare, coil 7 on",
	 .source = "Waveshare wiki",
	 .request = COIL(7, 1),
	 .asked = "01 05 00 07 FF 00 3D FB",
	 .owner = OWNER_CLOSE,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 8},
	{.name = "Waveshare, coil 7 off",
	 .source = "Waveshare wiki",
	 .request = COIL(7, 0),
	 .asked = "01 05 00 07 00 00 7C 0B",
	 .owner = OWNER_OPEN,
	 .model = "waveshare-rtu-relay-8ch",
	 .channel = 8},
	{.name = "Waveshare, coils 0 to 3 are read",
	 .source = "Waveshare wiki",
	 .request = READ(1, 1, 0, 4),
	 .asked = "01 01 00 00 00 04 3D C9"},
	{.name = "Waveshare, the board's address is written",
	 .source = "Waveshare wiki",
	 .request = {.slave = 1, .function = 6, .address = 0x4000, .values = {3}},
	 .asked = "01 06 40 00 00 03 DC 0B",
	 .owner = OWNER_FORBIDDEN},
	{.name = "DDSY1352, slave 5, trip",
	 .source = "zhihui EMS plugin, unit test",
	 .request = WRITE(5, 0x0057, 2, 1, 1),
	 .asked = "05 10 00 57 00 02 04 00 01 00 01 32 45",
	 .owner = OWNER_OPEN,
	 .model = "acrel-ddsy1352",
	 .channel = 1},
	{.name = "DDSY1352, slave 5, close",
	 .source = "zhihui EMS plugin, unit test",
	 .request = WRITE(5, 0x0057, 2, 1, 0),
	 .asked = "05 10 00 57 00 02 04 00 01 00 00 F3 85",
	 .owner = OWNER_CLOSE,
	 .model = "acrel-ddsy1352",
	 .channel = 1},
};
#define CAPTURES (sizeof(captures) / sizeof(captures[0]))

static struct models *models;

static int load_models(void **state)
{
	static const char *const folders[] = {SHIPPED_MODELS};
	char error[512];

	(void)state;
	if (models_read(&models, folders, 1, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return 0;
}

static int free_models(void **state)
{
	(void)state;
	models = models_close(models);
	return 0;
}

static void each_request_is_encoded_as_it_was_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		const struct capture *capture = &captures[i];
		uint8_t seen[FRAME_MAX], made[FRAME_MAX];

		assert_int_equal(frame_check(&capture->request), 0);
		size_t n = frame_encode(&capture->request, made);
		if (capture->asked == NULL)
			continue;
		size_t seen_n = played_hex(capture->asked, seen);
		if (n != seen_n || memcmp(made, seen, n) != 0)
			fail_msg("%s (%s): the request differs", capture->name, capture->source);
		assert_true(frame_intact(seen, seen_n));
	}
}

static void each_reply_is_taken_for_the_answer_that_it_is(void **state)
{
	unsigned replies = 0;

	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		const struct capture *capture = &captures[i];
		struct exchange_line memory = {.wire = {.baud = 9600, .bits_per_char = 10},
					       .echo = EXCHANGE_ECHO_NONE};
		static struct played line;
		struct exchange x;
		uint8_t bytes[FRAME_MAX];

		if (capture->answered == NULL)
			continue;
		replies++;
		line = (struct played){.now_us = 1000000};
		assert_int_equal(
			exchange_begin(&x, &memory, &capture->request, TURNAROUND_US, line.now_us),
			0);
		size_t n = played_hex(capture->answered, bytes);
		played_put(&line, &memory.wire,
			   line.now_us + wire_chars_us(&memory.wire, (int64_t)x.frame_len) +
				   TURNAROUND_US,
			   bytes, n);
		played_run(&line, &x);
		if (x.outcome.error != 0)
			fail_msg("%s (%s): %s", capture->name, capture->source,
				 exchange_reason_text(x.outcome.reason));
		assert_int_equal(x.outcome.count, capture->n);
		for (size_t at = 0; at < capture->n; at++)
			if (x.outcome.values[at] != capture->registers[at])
				fail_msg("%s: register %zu is %u", capture->name, at,
					 (unsigned)x.outcome.values[at]);
	}
	assert_int_equal(replies, 11);
}

static struct meter_request as_meter(const struct line_request *from)
{
	struct meter_request request = {
		.function = from->function,
		.address = from->address,
		.count = from->function == 5 || from->function == 6 ? 1 : from->count};

	for (size_t i = 0; i < request.count && i < REQUEST_VALUE_MAX; i++)
		request.value[i] = from->function == 5 ? (from->values[i] ? 0xFF00 : 0)
						       : from->values[i];
	return request;
}

static bool same(const struct meter_request *a, const struct meter_request *b)
{
	bool write = a->function >= FUNCTION_WRITE_COIL;

	return a->function == b->function && a->address == b->address && a->count == b->count &&
	       (!write || memcmp(a->value, b->value, a->count * sizeof(a->value[0])) == 0);
}

static bool reads(const struct model *model, const struct capture *capture)
{
	struct meter_request wanted = as_meter(&capture->request), own;

	for (unsigned span = 0; span < model->spans_count; span++)
		if (model_span_request(model, span, capture->channel, &own) == 0 &&
		    same(&own, &wanted))
			return true;
	return false;
}

static void each_model_sends_the_frame_that_was_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		const struct capture *capture = &captures[i];
		struct meter_request wanted = as_meter(&capture->request), own;
		const struct model *model = NULL;

		if (capture->model != NULL) {
			model = models_find(models, capture->model);
			assert_non_null(model);
		}
		switch (capture->owner) {
		case OWNER_SPAN:
			if (!reads(model, capture))
				fail_msg("%s: the model reads otherwise", capture->name);
			break;
		case OWNER_CLOSE:
		case OWNER_OPEN:
			assert_int_equal(model_relay_request(model, capture->channel,
							     capture->owner == OWNER_CLOSE, &own),
					 0);
			if (!same(&own, &wanted) || !model_may_write(model, &wanted))
				fail_msg("%s: the model writes otherwise", capture->name);
			break;
		case OWNER_NONE:
		case OWNER_FORBIDDEN:
			break;
		}
	}
}

static void no_model_may_send_a_frame_that_sets_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURES; i++) {
		struct meter_request request = as_meter(&captures[i].request);

		for (size_t k = 0; captures[i].owner == OWNER_FORBIDDEN && k < models_count(models);
		     k++)
			if (model_may_write(models_at(models, k), &request))
				fail_msg("%s: %s may send it", captures[i].name,
					 models_at(models, k)->name);
	}
}

/* The published check value of CRC-16/MODBUS is that of the text "123456789". */
static void the_checksum_is_the_published_one(void **state)
{
	const uint8_t text[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9', 0x37, 0x4B};
	const uint8_t other[] = {'1', '2', '3', '4', '5', '6', '7', '8', '8', 0x37, 0x4B};

	(void)state;
	assert_true(frame_intact(text, sizeof(text)));
	assert_false(frame_intact(other, sizeof(other)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_encoded_as_it_was_seen),
		cmocka_unit_test(each_reply_is_taken_for_the_answer_that_it_is),
		cmocka_unit_test(each_model_sends_the_frame_that_was_seen),
		cmocka_unit_test(no_model_may_send_a_frame_that_sets_something),
		cmocka_unit_test(the_checksum_is_the_published_one),
	};

	return cmocka_run_group_tests(tests, load_models, free_models);
}
