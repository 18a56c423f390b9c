/* model_ddsy1352.c - Acrel DDSY1352: FC03, uint32 in 0.01 kWh, forced relay control at 0x0057.
 *
 * Where its status word can be read is not evidenced, so the relay has no read-back here: what shows
 * its position is the power.
 */
#include "tests/building/model_maps.h"

#include <string.h>

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
	uint32_t counts = counted(sample->energy_uwh);

	(void)function;
	switch (address) {
	case 0x0000:
	case 0x0001:
	case 0x0006: /* spike, peak, flat, valley from 0x0002: a flat tariff counts everything here */
	case 0x0007:
		return counted_word(counts, address & 1);
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
					    uint8_t function, uint16_t address, uint16_t count,
					    const uint16_t *words, int64_t now_us)
{
	if (function != 16)
		return EXCEPTION_FUNCTION;
	if (address != 0x0057)
		return EXCEPTION_ADDRESS;
	if (count != 2 || words[0] > 1 || words[1] > 1)
		return EXCEPTION_VALUE;
	memcpy(device->words, words, sizeof(device->words));
	/* Returned to automatic the meter has no reason to trip: it is not in prepaid mode. */
	plant_set_coil(plant, device, 1, !(words[0] == 1 && words[1] == 1), "wire", now_us);
	return EXCEPTION_NONE;
}

const struct model model_ddsy1352 = {
	.name = "ddsy1352",
	.product = "acrel-ddsy1352",
	.meters = 1,
	.phases = 1,
	.channels = 1,
	.max_registers = 125,
	.spans = (const struct span[]){{3, 0x0000, 18},
				       {3, 0x0022, 1},
				       {3, 0x0038, 1},
				       {3, 0x0046, 28},
				       {3, 0x0360, 5},
				       {3, 0x5030, 2},
				       {0}},
	.energy = {3, 0x0000, 2},
	.position = {3, 0x000D, 1},
	.word = ddsy1352_word,
	.write = ddsy1352_write,
	.shown_wh = counted_shown_wh,
};
