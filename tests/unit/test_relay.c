/* test_relay.c - relay commands, read-back, and the writes that can never be sent (B3). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "meters/decode.h"
#include "meters/model_file.h"
#include "tests/unit/random.h"
#include "meters/model_parse.h"

static struct models *models;

static int open_models(void **state)
{
	static const char *const dirs[] = {SHIPPED_MODELS};
	char error[512];

	(void)state;
	if (models_read(&models, dirs, 1, error, sizeof(error)) < 0) {
		print_error("%s\n", error);
		return -1;
	}
	return 0;
}

static int close_models(void **state)
{
	(void)state;
	models = models_close(models);
	return 0;
}

static const struct model *find(const char *name)
{
	const struct model *model = models_find(models, name);

	if (model == NULL)
		fail_msg("no model %s", name);
	return model;
}

/* Relay commands as the frames of public sources have them, slave address and CRC aside. */
static const struct {
	const char *name;
	const char *model;
	unsigned channel;
	bool close;
	struct meter_request request;
} commands[] = {
	{"05 00 00 FF 00", "waveshare-rtu-relay-8ch", 1, true, {5, 0, 1, {0xFF00}}},
	{"05 00 00 00 00", "waveshare-rtu-relay-8ch", 1, false, {5, 0, 1, {0}}},
	{"05 00 01 FF 00", "waveshare-rtu-relay-8ch", 2, true, {5, 1, 1, {0xFF00}}},
	{"05 00 01 00 00", "waveshare-rtu-relay-8ch", 2, false, {5, 1, 1, {0}}},
	{"05 00 02 FF 00", "waveshare-rtu-relay-8ch", 3, true, {5, 2, 1, {0xFF00}}},
	{"05 00 07 FF 00", "waveshare-rtu-relay-8ch", 8, true, {5, 7, 1, {0xFF00}}},
	{"05 00 07 00 00", "waveshare-rtu-relay-8ch", 8, false, {5, 7, 1, {0}}},
	{"05 00 00 FF 00", "wb-mr6c-v3", 1, true, {5, 0, 1, {0xFF00}}},
	{"05 00 05 00 00", "wb-mr6c-v3", 6, false, {5, 5, 1, {0}}},
	{"10 00 57 00 02 04 00 01 00 01", "acrel-ddsy1352", 1, false, {16, 0x57, 2, {1, 1}}},
	{"10 00 57 00 02 04 00 01 00 00", "acrel-ddsy1352", 1, true, {16, 0x57, 2, {1, 0}}},
	{"10 FD 00 00 01 02 FF 00", "eastron-sdm320-lora", 1, true, {16, 0xFD00, 1, {0xFF00}}},
	{"10 FD 00 00 01 02 00 00", "eastron-sdm320-lora", 1, false, {16, 0xFD00, 1, {0}}},
	{"10 FD 00 00 01 02 FF 00", "eastron-sdm530-lora", 1, true, {16, 0xFD00, 1, {0xFF00}}},
	{"06 00 01 01 00", "eletechsup-r4d3b16", 1, true, {6, 1, 1, {0x0100}}},
	{"06 00 10 02 00", "eletechsup-r4d3b16", 16, false, {6, 16, 1, {0x0200}}},
	{"05 00 07 FF 00", "kmtronic-8ch", 8, true, {5, 7, 1, {0xFF00}}},
	{"05 00 01 00 00", "wb-mwac-v2", 2, false, {5, 1, 1, {0}}},
	{"10 00 1A 00 01 02 00 01", "hiking-dds238-sr", 1, true, {16, 0x1A, 1, {1}}},
	{"10 00 1A 00 01 02 00 00", "hiking-dds238-sr", 1, false, {16, 0x1A, 1, {0}}},
};

static void commands_are_the_documented_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct meter_request *expected = &commands[i].request;
		struct meter_request request;

		print_message("%s channel %u: %s\n", commands[i].model, commands[i].channel,
			      commands[i].name);
		assert_int_equal(model_relay_request(find(commands[i].model), commands[i].channel,
						     commands[i].close, &request),
				 0);
		assert_int_equal(request.function, expected->function);
		assert_int_equal(request.address, expected->address);
		assert_int_equal(request.count, expected->count);
		assert_memory_equal(request.value, expected->value, sizeof(request.value));
		assert_true(model_may_write(find(commands[i].model), &request));
	}
}

static void a_model_without_relay_has_no_command(void **state)
{
	struct meter_request request;

	(void)state;
	assert_int_equal(model_relay_request(find("eastron-sdm120"), 1, true, &request), -ENOTSUP);
	assert_int_equal(model_relay_request(find("eastron-sdm630-v2"), 1, false, &request),
			 -ENOTSUP);
	assert_int_equal(model_relay_request(find("waveshare-rtu-relay-8ch"), 0, true, &request),
			 -EINVAL);
	assert_int_equal(model_relay_request(find("waveshare-rtu-relay-8ch"), 9, true, &request),
			 -EINVAL);
}

static void the_board_reads_all_channels_at_once(void **state)
{
	const struct model *model = find("waveshare-rtu-relay-8ch");
	const uint16_t coils[8] = {1, 0, 0, 1, 1, 0, 1, 0};
	int span = model_relay_readback_span(model);

	(void)state;
	assert_int_equal(span, 0);
	for (unsigned channel = 1; channel <= 8; channel++) {
		struct meter_request request;
		struct reading reading = {0};

		assert_int_equal(model_span_request(model, (unsigned)span, channel, &request), 0);
		assert_int_equal(request.function, 1);
		assert_int_equal(request.address, 0);
		assert_int_equal(request.count, 8);
		assert_int_equal(meter_decode(model, (unsigned)span, channel, coils, 8, &reading),
				 0);
		assert_true(reading_has(&reading, QUANTITY_RELAY_CLOSED));
		assert_int_equal(reading.value[QUANTITY_RELAY_CLOSED], coils[channel - 1]);
	}
}

static void the_relay_in_the_meter_is_read_back_where_that_is_evidenced(void **state)
{
	const struct model *model = find("hiking-dds238-sr");
	int span = model_relay_readback_span(model);
	struct meter_request request;
	struct reading reading = {0};
	uint16_t position = 0;

	(void)state;
	assert_true(span >= 0);
	assert_int_equal(model_span_request(model, (unsigned)span, 1, &request), 0);
	assert_int_equal(request.function, 3);
	assert_int_equal(request.address, 0x1A);
	assert_int_equal(request.count, 1);
	assert_int_equal(meter_decode(model, (unsigned)span, 1, &position, 1, &reading), 0);
	assert_true(reading_has(&reading, QUANTITY_RELAY_CLOSED));
	assert_int_equal(reading.value[QUANTITY_RELAY_CLOSED], 0);

	position = 7;
	reading = (struct reading){0};
	assert_int_equal(meter_decode(model, (unsigned)span, 1, &position, 1, &reading), 0);
	assert_false(reading_has(&reading, QUANTITY_RELAY_CLOSED));

	assert_int_equal(model_relay_readback_span(find("acrel-ddsy1352")), -1);
	assert_int_equal(model_relay_readback_span(find("eastron-sdm120")), -1);
}

/* Every write that destroys billing data, moves an address or changes what a register means, and some
 * that are only a slip away from an allowed one. None may pass for any model that is shipped. */
static const struct {
	const char *name;
	struct meter_request request;
	const char *model; /* of this one; NULL: of every one */
} refused[] = {
	{"DDS238: 0 at 0x0000 erases the counters, function 16", {16, 0x0000, 1, {0}}, NULL},
	{"DDS238: 0 at 0x0000, two registers", {16, 0x0000, 2, {0, 0}}, NULL},
	{"DDS238: 0 at 0x0000, function 6", {6, 0x0000, 1, {0}}, NULL},
	{"DDS238: 0 at the import register", {16, 0x000A, 2, {0, 0}}, NULL},
	{"DDS238: address and baud at 0x0015", {16, 0x0015, 1, {0x0201}}, NULL},
	{"DDS238: relay by function 6", {6, 0x001A, 1, {1}}, NULL},
	{"DDS238: relay value 2", {16, 0x001A, 1, {2}}, NULL},
	{"DDS238: relay value 0xFF00", {16, 0x001A, 1, {0xFF00}}, NULL},
	{"DDS238: one register past the relay", {16, 0x001B, 1, {1}}, NULL},
	{"DDS238: relay and the register behind it", {16, 0x001A, 2, {1, 0}}, NULL},
	{"PZEM: function 0x42 clears energy", {0x42, 0, 0, {0}}, NULL},
	{"PZEM: function 0x41 calibrates", {0x41, 0, 1, {0x3721}}, NULL},
	{"PZEM: address at holding 2", {6, 0x0002, 1, {2}}, NULL},
	{"DTSU666: 1 at 0x0002 clears energy, function 16", {16, 0x0002, 1, {1}}, NULL},
	{"DTSU666: 1 at 0x0002, function 6", {6, 0x0002, 1, {1}}, NULL},
	{"DTSU666: CT ratio at 6", {16, 0x0006, 1, {1}}, NULL},
	{"DTSU666: PT ratio at 7", {16, 0x0007, 1, {10}}, NULL},
	{"Eastron: 0xF010 resets demand and history", {16, 0xF010, 1, {0}}, NULL},
	{"Eastron: 0xF010, two registers", {16, 0xF010, 2, {0, 0}}, NULL},
	{"Eastron: 0xF010, function 6", {6, 0xF010, 1, {0}}, NULL},
	{"Eastron: measurement mode at 0xF920", {16, 0xF920, 1, {2}}, NULL},
	{"Eastron: measurement mode, function 6", {6, 0xF920, 1, {2}}, NULL},
	{"Eastron: pulse parameter at 0x0016", {16, 0x0016, 2, {0x3F80, 0}}, NULL},
	{"Eastron: baud at 0x001C", {16, 0x001C, 2, {0x4000, 0}}, NULL},
	{"Eastron: address at 0x0014", {16, 0x0014, 2, {0x4000, 0}}, NULL},
	{"Eastron: parity at 0x0012", {16, 0x0012, 2, {0, 0}}, NULL},
	{"Siemens PAC2200: 60004 resets energy", {6, 60004, 1, {1}}, NULL},
	{"Siemens PAC2200: 60008 switches an output", {6, 60008, 1, {1}}, NULL},
	{"SDM530-LoRa: one phase alone, which opens the others",
	 {16, 0xFD02, 2, {0xFF00, 0}},
	 NULL},
	{"SDM530-LoRa: another phase alone", {16, 0xFD02, 2, {0, 0xFF00}}, NULL},
	{"SDM530-LoRa: all open through the register of the phases", {16, 0xFD02, 2, {0, 0}}, NULL},
	{"SDM320-LoRa: the register it is read from", {16, 0xFCB0, 1, {0}}, NULL},
	{"WB-MR6C: what it does on a silent line", {6, 938, 1, {1}}, NULL},
	{"WB-MR6C: its safe state", {6, 930, 1, {0}}, NULL},
	{"WB-MR6C: its power-on state", {6, 6, 1, {0}}, NULL},
	{"WB-MR6C: a coil that toggles", {5, 116, 1, {0xFF00}}, NULL},
	{"WB: baud at 110", {6, 110, 1, {192}}, NULL},
	{"WB: into the bootloader", {6, 129, 1, {1}}, NULL},
	{"WB-MWAC: the end of a leak alarm", {5, 2, 1, {0}}, "wb-mwac-v2"},
	{"WB-MWAC: cleaning", {5, 3, 1, {0xFF00}}, "wb-mwac-v2"},
	{"WB-MWAC: the buzzer", {5, 4, 1, {0xFF00}}, "wb-mwac-v2"},
	{"WB-MWAC: the weight of a pulse", {6, 0x042A, 1, {10}}, NULL},
	{"WB-MWAC: the offset of a counter", {16, 0x0434, 4, {0, 0, 0, 0}}, NULL},
	{"R4D3B16: toggles", {6, 1, 1, {0x0300}}, NULL},
	{"R4D3B16: all relays on", {6, 0, 1, {0x0700}}, NULL},
	{"R4D3B16: a seventeenth relay", {6, 17, 1, {0x0100}}, NULL},
	{"ADF400L: forced control, ambiguously documented", {16, 0x0801, 1, {0x0100}}, NULL},
	{"ADF400L: forced control of three phases", {16, 0x0804, 1, {0x0100}}, NULL},
	{"ADF400L: back into prepaid mode", {16, 0x0908, 1, {0}}, NULL},
	{"iEM3155: its command interface", {16, 5249, 2, {1, 1}}, NULL},
	{"Acrel: serial settings", {16, 0x0022, 1, {0}}, NULL},
	{"DTSU666: baud or address, by the variant", {16, 0x002D, 1, {3}}, NULL},
	{"WB-MWAC: coil 10 resets a pulse counter", {5, 10, 1, {0xFF00}}, NULL},
	{"WB-MWAC: coil 11 resets a pulse counter", {5, 11, 1, {0xFF00}}, NULL},
	{"Acrel: 0x8D current ratio", {16, 0x008D, 1, {1}}, NULL},
	{"Acrel: 0x8E voltage ratio", {16, 0x008E, 1, {1}}, NULL},
	{"Acrel: ratio at 0x0038", {16, 0x0038, 1, {1}}, NULL},
	{"Acrel: vendor function 0xAA", {0xAA, 0x0046, 2, {0, 100}}, NULL},
	{"Acrel: balance block", {16, 0x004F, 2, {0, 0}}, NULL},
	{"Acrel relay: first word 2", {16, 0x0057, 2, {2, 1}}, NULL},
	{"Acrel relay: second word 2", {16, 0x0057, 2, {1, 2}}, NULL},
	{"Acrel relay: [0, 1] is no documented command", {16, 0x0057, 2, {0, 1}}, NULL},
	{"Acrel relay: back to automatic, which may close by itself",
	 {16, 0x0057, 2, {0, 0}},
	 NULL},
	{"Acrel relay: one register only", {16, 0x0057, 1, {1}}, NULL},
	{"Acrel relay: three registers", {16, 0x0057, 3, {1, 1, 0}}, NULL},
	{"Acrel relay: one register on", {16, 0x0058, 2, {1, 1}}, NULL},
	{"Acrel relay: function 6", {6, 0x0057, 1, {1}}, NULL},
	{"ADF400L: 0x0951 voltage ratio", {16, 0x0951, 1, {1}}, NULL},
	{"ADF400L: 0x0952 current ratio", {16, 0x0952, 1, {1}}, NULL},
	{"ADF400L: new purchase at 0x050D", {16, 0x050D, 2, {0, 100}}, NULL},
	{"WB-MAP: CT turns at 0x1460", {6, 0x1460, 1, {1500}}, NULL},
	{"WB-MAP: phase shift at 0x1465", {6, 0x1465, 1, {1}}, NULL},
	{"WB: address at 128", {6, 128, 1, {2}}, NULL},
	{"Waveshare: address at 0x4000", {6, 0x4000, 1, {3}}, NULL},
	{"Waveshare: a ninth coil", {5, 8, 1, {0xFF00}}, NULL},
	{"Waveshare: coil 0x00FF", {5, 0x00FF, 1, {0xFF00}}, NULL},
	{"Waveshare: coil value 0x5500", {5, 0, 1, {0x5500}}, NULL},
	{"Waveshare: coil value 1", {5, 0, 1, {1}}, NULL},
	{"Waveshare: all coils by function 15", {15, 0, 8, {0xFF}}, NULL},
	{"Waveshare: a count of two with function 5", {5, 0, 2, {0xFF00, 0xFF00}}, NULL},
	{"a write of no value", {16, 0x001A, 0, {0}}, NULL},
	{"a count past every buffer", {16, 0x001A, 0xFFFF, {1}}, NULL},
	{"read-write of function 23", {23, 0x001A, 1, {1}}, NULL},
	{"mask write of function 22", {22, 0x001A, 1, {1}}, NULL},
	{"a read of coils", {1, 0, 8, {0}}, NULL},
	{"a read of registers", {3, 0x001A, 1, {0}}, NULL},
	{"a read of input registers", {4, 0x0046, 6, {0}}, NULL},
};

static void destructive_writes_pass_for_no_model(void **state)
{
	(void)state;
	assert_true(models_count(models) >= 44);
	for (size_t m = 0; m < models_count(models); m++) {
		const struct model *model = models_at(models, m);

		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			if ((refused[i].model == NULL ||
			     strcmp(refused[i].model, model->name) == 0) &&
			    model_may_write(model, &refused[i].request))
				fail_msg("%s may write: %s", model->name, refused[i].name);
	}
}

/* Not a list but everything: of all single-value writes only the relay's own pass. */
static void nothing_but_the_relay_can_be_written(void **state)
{
	static const uint16_t values[] = {0, 1, 2, 0x0100, 0x0200, 0x5500, 0x5AA5, 0xFF00, 0xFFFF};
	static const uint8_t functions[] = {5, 6, 15, 16};
	/* Under the sanitizers one address in so many, others for each model. */
	const unsigned step = (unsigned)(65536 / random_rounds(65536));

	(void)state;
	for (size_t m = 0; m < models_count(models); m++) {
		const struct model *model = models_at(models, m);

		for (size_t f = 0; f < sizeof(functions); f++)
			for (unsigned address = (unsigned)m % step; address <= UINT16_MAX;
			     address += step)
				for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
					const struct model_relay *relay = &model->relay;
					struct meter_request request = {
						functions[f], (uint16_t)address, 1, {values[v]}};
					unsigned last = relay->address +
							(model->channels - 1U) * relay->stride;

					if (!model_may_write(model, &request))
						continue;
					assert_true(relay->present);
					assert_int_equal(request.function, relay->function);
					assert_in_range(address, relay->address, last);
					assert_true(values[v] == relay->close[0] ||
						    values[v] == relay->open[0]);
				}
	}
}

/* A board driven by holding registers, 16 of them from 1: 0x0100 energises, 0x0200 releases. */
static void a_board_of_holding_registers(void **state)
{
	static const char text[] =
		"[model]\nname = x\nvendor = eletechsup\ntitle = R4D3B16\nkind = relay\n"
		"confidence = medium\nsource = manual\nchannels = 16\n"
		"[span relay]\nrole = relay\nfunction = 3\naddress = 1\ncount = 16\n"
		"[row relay_closed]\nspan = relay\nregister = 1\nstride = 1\ntype = u16\n"
		"closed = 1\nopen = 0\n"
		"[relay]\nfunction = 6\naddress = 1\nstride = 1\nclose = 0x0100\nopen = 0x0200\n"
		"[write relays]\nfunction = 6\naddress = 1..16\nallow = 0x0100, 0x0200\n";
	struct model model;
	struct meter_request request;
	struct reading reading = {0};
	uint16_t regs[16] = {[15] = 1};
	char error[512];

	(void)state;
	assert_int_equal(
		model_parse(&model, "x.meter", text, sizeof(text) - 1, error, sizeof(error)), 0);
	assert_int_equal(model_relay_request(&model, 16, false, &request), 0);
	assert_int_equal(request.function, 6);
	assert_int_equal(request.address, 16);
	assert_int_equal(request.value[0], 0x0200);
	assert_int_equal(meter_decode(&model, 0, 16, regs, 16, &reading), 0);
	assert_int_equal(reading.value[QUANTITY_RELAY_CLOSED], 1);
	assert_int_equal(meter_decode(&model, 0, 15, regs, 16, &reading), 0);
	assert_int_equal(reading.value[QUANTITY_RELAY_CLOSED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_the_documented_frames),
		cmocka_unit_test(a_model_without_relay_has_no_command),
		cmocka_unit_test(the_board_reads_all_channels_at_once),
		cmocka_unit_test(the_relay_in_the_meter_is_read_back_where_that_is_evidenced),
		cmocka_unit_test(destructive_writes_pass_for_no_model),
		cmocka_unit_test(nothing_but_the_relay_can_be_written),
		cmocka_unit_test(a_board_of_holding_registers),
	};

	return cmocka_run_group_tests(tests, open_models, close_models);
}
