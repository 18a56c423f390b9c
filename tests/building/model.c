/* model.c - see model.h. Addresses are as on the wire, from 0.
 *
 * The step of every energy register here is 0.01 kWh. The Acrel and Hiking registers are uint32 in
 * units of 0.01 kWh. The Eastron ones are float32 in kWh; the facts speak of "the 0.01 kWh step",
 * which float32 keeps up to 131,072 kWh, and no finer step is evidenced. Counters wrap at the width
 * of their type (uint32): no earlier rollover is evidenced.
 */
#include "tests/building/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { UWH_PER_COUNT = 10000000, UWH_PER_WH = 1000000, WH_PER_COUNT = 10 };

static int64_t counts_of(int64_t energy_uwh)
{
	return energy_uwh / UWH_PER_COUNT;
}

static void hazard(struct plant *plant, const struct device *device, uint16_t address,
		   uint16_t value, int64_t now_us)
{
	char name[16];
	struct event event = {.kind = EVENT_HAZARD, .at_us = now_us};

	(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
	(void)snprintf(event.detail, sizeof(event.detail), "0x%04X = 0x%04X", (unsigned)address,
		       (unsigned)value);
	events_add(plant->events, event);
}

/* ---- Eastron SDM120 and SDM630 V2: FC04 float32, most significant word first ---- */

static float sdm_energy_kwh(int64_t energy_uwh)
{
	return (float)((double)counts_of(energy_uwh) / 100.0);
}

static int64_t sdm_shown_wh(int64_t energy_uwh)
{
	return llround((double)sdm_energy_kwh(energy_uwh) * 1000.0);
}

static float milli(int64_t value)
{
	return (float)((double)value / 1000.0);
}

static int64_t sum(const int64_t values[static 3])
{
	return values[0] + values[1] + values[2];
}

static float degrees(int64_t power_factor_milli)
{
	return (float)(acos((double)power_factor_milli / 1000.0) * 180.0 / 3.14159265358979);
}

/* FC03: parameters, each a float over two registers but for the identity at 0xFC00. The meter code
 * and the software version are not evidenced and read 0, as half of the meters seen do. */
static float sdm_parameter(const struct device *device, uint16_t address)
{
	switch (address) {
	case 0x000C: /* pulse width, ms */
		return 100.0F;
	case 0x0014:
		return (float)device->address;
	case 0x0018: /* password */
		return 1000.0F;
	case 0x001C: /* baud code: 9600 */
		return 2.0F;
	default: /* 0x0012, parity code: one stop bit, none */
		return 0.0F;
	}
}

static uint16_t half(float value, uint16_t address)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return (uint16_t)(address & 1 ? bits : bits >> 16);
}

static uint16_t sdm_holding(const struct device *device, uint16_t address)
{
	if (address >= 0xFC00)
		return (uint16_t)(address == 0xFC00   ? device->serial >> 16
				  : address == 0xFC01 ? device->serial
						      : 0);
	return half(sdm_parameter(device, address & 0xFFFE), address);
}

static float sdm120_input(const struct sample *sample, uint16_t address)
{
	switch (address) {
	case 0x0000:
		return milli(sample->voltage_mv[0]);
	case 0x0006:
		return milli(sample->current_ma[0]);
	case 0x000C:
		return milli(sample->power_mw[0]);
	case 0x0012:
		return milli(sample->apparent_mva[0]);
	case 0x0018:
		return milli(sample->reactive_mvar[0]);
	case 0x001E:
		return milli(sample->power_factor_milli);
	case 0x0024:
		return degrees(sample->power_factor_milli);
	case 0x0046:
		return milli(sample->frequency_mhz);
	case 0x0048:
	case 0x0156:
		return sdm_energy_kwh(sample->energy_uwh);
	default: /* export, reactive energy and holes */
		return 0.0F;
	}
}

static uint16_t sdm120_word(const struct device *device, const struct sample *sample,
			    uint8_t function, uint16_t address)
{
	if (function == 3)
		return sdm_holding(device, address);
	return half(sdm120_input(sample, address & 0xFFFE), address);
}

static float sdm630_line_voltage(const struct sample *sample, unsigned from, unsigned to)
{
	double mean = (double)(sample->voltage_mv[from] + sample->voltage_mv[to]) / 2000.0;

	return (float)(mean * 1.7320508075688772);
}

static float sdm630_input(const struct sample *sample, uint16_t address)
{
	unsigned phase = address / 2 % 3;

	if (address < 0x002A) {
		const int64_t values[7] = {
			sample->voltage_mv[phase],
			sample->current_ma[phase],
			sample->power_mw[phase],
			sample->apparent_mva[phase],
			sample->reactive_mvar[phase],
			sample->power_factor_milli,
			0,
		};
		return address < 0x0024 ? milli(values[address / 6])
					: degrees(sample->power_factor_milli);
	}
	switch (address) {
	case 0x002A:
		return milli(sum(sample->voltage_mv) / 3);
	case 0x0030:
		return milli(sum(sample->current_ma));
	case 0x0034:
		return milli(sum(sample->power_mw));
	case 0x0038:
		return milli(sum(sample->apparent_mva));
	case 0x003C:
		return milli(sum(sample->reactive_mvar));
	case 0x003E:
		return milli(sample->power_factor_milli);
	case 0x0042:
		return degrees(sample->power_factor_milli);
	case 0x0046:
		return milli(sample->frequency_mhz);
	case 0x0048:
	case 0x0156:
		return sdm_energy_kwh(sample->energy_uwh);
	case 0x00C8:
		return sdm630_line_voltage(sample, 0, 1);
	case 0x00CA:
		return sdm630_line_voltage(sample, 1, 2);
	case 0x00CC:
		return sdm630_line_voltage(sample, 2, 0);
	case 0x015A: /* import by phase */
	case 0x015C:
	case 0x015E:
	case 0x0166: /* total by phase */
	case 0x0168:
	case 0x016A:
		return sdm_energy_kwh(sample->energy_uwh / 3);
	default: /* export, neutral, reactive energy and holes */
		return 0.0F;
	}
}

static uint16_t sdm630_word(const struct device *device, const struct sample *sample,
			    uint8_t function, uint16_t address)
{
	if (function == 3)
		return sdm_holding(device, address);
	return half(sdm630_input(sample, address & 0xFFFE), address);
}

/* A parameter write is answered as documented and changes nothing here: the product has no business
 * writing any, and the event says that it did. */
static enum modbus_exception sdm_write(struct plant *plant, struct device *device, uint16_t address,
				       uint16_t count, const uint16_t *words, int64_t now_us)
{
	bool known = address == 0x000C || address == 0x000E || address == 0x0012 ||
		     address == 0x0014 || address == 0x0016 || address == 0x0018 ||
		     address == 0x001C || address == 0xF010 || address == 0xF920;

	if (!known)
		return EXCEPTION_ADDRESS;
	if (count != 2)
		return EXCEPTION_VALUE;
	hazard(plant, device, address, words[0], now_us);
	return EXCEPTION_NONE;
}

/* ---- Hiking DDS238-2 ZN/SR: FC03, uint32 in 0.01 kWh, relay at 0x001A ---- */

static int64_t counted_shown_wh(int64_t energy_uwh)
{
	return (int64_t)(uint32_t)counts_of(energy_uwh) * WH_PER_COUNT;
}

static uint16_t word_of(uint32_t value, bool low)
{
	return (uint16_t)(low ? value : value >> 16);
}

static uint16_t dds238_word(const struct device *device, const struct sample *sample,
			    uint8_t function, uint16_t address)
{
	uint32_t counts = (uint32_t)counts_of(sample->energy_uwh);

	(void)function;
	switch (address) {
	case 0x0000: /* total: import and export together */
	case 0x0001:
	case 0x000A: /* import */
	case 0x000B:
		return word_of(counts, address & 1);
	case 0x000C:
		return (uint16_t)(sample->voltage_mv[0] / 100);
	case 0x000D:
		return (uint16_t)(sample->current_ma[0] / 10);
	case 0x000E:
		return (uint16_t)(int16_t)(sample->power_mw[0] / 1000);
	case 0x000F:
		return (uint16_t)(int16_t)(sample->reactive_mvar[0] / 1000);
	case 0x0010:
		return (uint16_t)sample->power_factor_milli;
	case 0x0011:
		return (uint16_t)(sample->frequency_mhz / 10);
	case 0x0015: /* high byte address, low byte 1 for 9600 */
		return (uint16_t)(device->address << 8 | 1);
	case 0x001A:
		return device->coils & 1;
	default: /* export and the reserved registers of the captured block */
		return 0;
	}
}

static enum modbus_exception dds238_write(struct plant *plant, struct device *device,
					  uint16_t address, uint16_t count, const uint16_t *words,
					  int64_t now_us)
{
	if (address == 0x001A && count == 1) {
		if (words[0] > 1)
			return EXCEPTION_VALUE;
		plant_set_coil(plant, device, 1, words[0] == 1, "wire", now_us);
		return EXCEPTION_NONE;
	}
	if (address == 0x0000 && words[0] == 0) {
		plant_set_register(plant, device, 0, now_us);
		hazard(plant, device, address, 0, now_us);
		return EXCEPTION_NONE;
	}
	if (address == 0x0015 && count == 1) {
		hazard(plant, device, address, words[0], now_us);
		return EXCEPTION_NONE;
	}
	return EXCEPTION_ADDRESS;
}

/* ---- Acrel DDSY1352: FC03, uint32 in 0.01 kWh, forced relay control at 0x0057 ---- */

static uint16_t bcd_pair(uint32_t number, unsigned from)
{
	uint16_t bcd = 0;

	for (unsigned i = 0; i < from; i++)
		number /= 10;
	for (unsigned i = 0; i < 4; i++, number /= 10)
		bcd |= (uint16_t)((number % 10) << (4 * i));
	return bcd;
}

/* The prepaid block at 0x0046 reads as zeros: the balance is not kept in the meter here, and what the
 * control words read back as is not evidenced. The run word at 0x0022 says: no extras, not prepaid. */
static uint16_t ddsy1352_word(const struct device *device, const struct sample *sample,
			      uint8_t function, uint16_t address)
{
	uint32_t counts = (uint32_t)counts_of(sample->energy_uwh);

	(void)function;
	switch (address) {
	case 0x0000:
	case 0x0001:
	case 0x0006: /* spike, peak, flat, valley from 0x0002: a flat tariff counts everything here */
	case 0x0007:
		return word_of(counts, address & 1);
	case 0x000B:
		return (uint16_t)(sample->voltage_mv[0] / 100);
	case 0x000C:
		return (uint16_t)(sample->current_ma[0] / 10);
	case 0x000D: /* 0.001 kW */
		return (uint16_t)(int16_t)(sample->power_mw[0] / 1000);
	case 0x000E:
		return (uint16_t)(int16_t)(sample->reactive_mvar[0] / 1000);
	case 0x000F:
		return (uint16_t)(sample->apparent_mva[0] / 1000);
	case 0x0010:
		return (uint16_t)sample->power_factor_milli;
	case 0x0011:
		return (uint16_t)(sample->frequency_mhz / 10);
	case 0x0038: /* current transformer ratio */
		return 1;
	case 0x0360: /* address, baud index */
		return (uint16_t)(device->address << 8);
	case 0x0363: /* six bytes of BCD meter number from 0x0362 */
		return bcd_pair(device->serial, 4);
	case 0x0364:
		return bcd_pair(device->serial, 0);
	default:
		return 0;
	}
}

static enum modbus_exception ddsy1352_write(struct plant *plant, struct device *device,
					    uint16_t address, uint16_t count, const uint16_t *words,
					    int64_t now_us)
{
	if (address != 0x0057)
		return EXCEPTION_ADDRESS;
	if (count != 2 || words[0] > 1 || words[1] > 1)
		return EXCEPTION_VALUE;
	memcpy(device->words, words, sizeof(device->words));
	/* Returned to automatic the meter has no reason to trip: it is not in prepaid mode. */
	plant_set_coil(plant, device, 1, !(words[0] == 1 && words[1] == 1), "wire", now_us);
	return EXCEPTION_NONE;
}

static int64_t board_shown_wh(int64_t energy_uwh)
{
	(void)energy_uwh;
	return 0;
}

#define SDM_PARAMETERS                                                                             \
	{3, 0x000C, 2}, {3, 0x0012, 4}, {3, 0x0018, 2}, {3, 0x001C, 2},                            \
	{                                                                                          \
		3, 0xFC00, 4                                                                       \
	}

static const struct model models[] = {
	{
		.name = "sdm120",
		.product = "eastron-sdm120",
		.phases = 1,
		.max_registers = 80,
		.spans = {{4, 0x0000, 80}, {4, 0x0156, 4}, SDM_PARAMETERS},
		.energy = {4, 0x0048, 2},
		.word = sdm120_word,
		.write = sdm_write,
		.shown_wh = sdm_shown_wh,
	},
	{
		.name = "sdm630",
		.product = "eastron-sdm630-v2",
		.phases = 3,
		.max_registers = 80,
		.spans = {{4, 0x0000, 80},
			  {4, 0x00C8, 6},
			  {4, 0x00E0, 2},
			  {4, 0x0156, 22},
			  SDM_PARAMETERS},
		.energy = {4, 0x0048, 2},
		.word = sdm630_word,
		.write = sdm_write,
		.shown_wh = sdm_shown_wh,
	},
	{
		.name = "dds238",
		.product = "hiking-dds238-sr",
		.phases = 1,
		.channels = 1,
		.max_registers = 125,
		.spans = {{3, 0x0000, 18}, {3, 0x0015, 1}, {3, 0x001A, 1}},
		.energy = {3, 0x000A, 2},
		.position = {3, 0x001A, 1},
		.word = dds238_word,
		.write = dds238_write,
		.shown_wh = counted_shown_wh,
	},
	{
		.name = "ddsy1352",
		.product = "acrel-ddsy1352",
		.phases = 1,
		.channels = 1,
		.max_registers = 125,
		.spans = {{3, 0x0000, 18},
			  {3, 0x0022, 1},
			  {3, 0x0038, 1},
			  {3, 0x0046, 28},
			  {3, 0x0360, 5},
			  {3, 0x5030, 2}},
		.energy = {3, 0x0000, 2},
		.position = {3, 0x000D, 1},
		.word = ddsy1352_word,
		.write = ddsy1352_write,
		.shown_wh = counted_shown_wh,
	},
	{
		.name = "waveshare8",
		.product = "waveshare-rtu-relay-8ch",
		.channels = 8,
		.position = {1, 0x0000, 8},
		.shown_wh = board_shown_wh,
	},
};

const struct model *model_find(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	return NULL;
}

bool span_touches(const struct span *span, uint8_t function, uint16_t address, uint16_t count)
{
	return span->function == function && address < span->first + span->count &&
	       address + count > span->first;
}

bool model_covers(const struct model *model, uint8_t function, uint16_t address, uint16_t count)
{
	for (unsigned i = 0; i < MODEL_SPANS && model->spans[i].function; i++) {
		const struct span *span = &model->spans[i];

		if (span->function == function && address >= span->first &&
		    address + count <= span->first + span->count)
			return true;
	}
	return false;
}

bool model_reads(const struct model *model, uint8_t function)
{
	for (unsigned i = 0; i < MODEL_SPANS && model->spans[i].function; i++)
		if (model->spans[i].function == function)
			return true;
	return false;
}
