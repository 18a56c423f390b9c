/* model_sdm.c - Eastron SDM120 and SDM630 V2: FC04, float32, most significant word first.
 *
 * Input registers up to 0x004F answer as one block, zero where a model has nothing: the facts know
 * reads of 80 registers across the holes.
 */
#include "tests/building/model_maps.h"

#include <math.h>
#include <string.h>

static float sdm_energy_kwh(int64_t energy_uwh)
{
	return (float)((double)(energy_uwh / UWH_PER_COUNT) / 100.0);
}

static int64_t sdm_shown_wh(const struct device *device, int64_t energy_uwh)
{
	(void)device;
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
static enum modbus_exception sdm_write(struct plant *plant, struct device *device, uint8_t function,
				       uint16_t address, uint16_t count, const uint16_t *words,
				       int64_t now_us)
{
	bool known = address == 0x000C || address == 0x000E || address == 0x0012 ||
		     address == 0x0014 || address == 0x0016 || address == 0x0018 ||
		     address == 0x001C || address == 0xF010 || address == 0xF920;

	if (function != 16)
		return EXCEPTION_FUNCTION;
	if (!known)
		return EXCEPTION_ADDRESS;
	if (count != 2)
		return EXCEPTION_VALUE;
	model_hazard(plant, device, address, words[0], now_us);
	return EXCEPTION_NONE;
}

#define SDM_PARAMETERS                                                                             \
	{3, 0x000C, 2}, {3, 0x0012, 4}, {3, 0x0018, 2}, {3, 0x001C, 2},                            \
	{                                                                                          \
		3, 0xFC00, 4                                                                       \
	}

const struct model model_sdm120 = {
	.name = "sdm120",
	.product = "eastron-sdm120",
	.meters = 1,
	.phases = 1,
	.max_registers = 80,
	.spans = (const struct span[]){{4, 0x0000, 80}, {4, 0x0156, 4}, SDM_PARAMETERS, {0}},
	.energy = {4, 0x0048, 2},
	.word = sdm120_word,
	.write = sdm_write,
	.shown_wh = sdm_shown_wh,
};

const struct model model_sdm630 = {
	.name = "sdm630",
	.product = "eastron-sdm630-v2",
	.meters = 1,
	.phases = 3,
	.max_registers = 80,
	.spans = (const struct span[]){{4, 0x0000, 80},
				       {4, 0x00C8, 6},
				       {4, 0x00E0, 2},
				       {4, 0x0156, 22},
				       SDM_PARAMETERS,
				       {0}},
	.energy = {4, 0x0048, 2},
	.word = sdm630_word,
	.write = sdm_write,
	.shown_wh = sdm_shown_wh,
};
