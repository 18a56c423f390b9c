/* model_dds238.c - Hiking DDS238-2 ZN/SR: FC03, uint32 in 0.01 kWh, relay at 0x001A.
 *
 * The block 0x0000 to 0x0011 is captured whole. Only FC16 writes; zero written at 0x0000 erases the
 * counters without any password.
 */
#include "tests/building/model_maps.h"

static uint16_t dds238_word(const struct device *device, const struct sample *sample,
			    uint8_t function, uint16_t address)
{
	uint32_t counts = counted(sample->energy_uwh);

	(void)function;
	switch (address) {
	case 0x0000: /* total: import and export together */
	case 0x0001:
	case 0x000A: /* import */
	case 0x000B:
		return counted_word(counts, address & 1);
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
					  uint8_t function, uint16_t address, uint16_t count,
					  const uint16_t *words, int64_t now_us)
{
	if (function != 16)
		return EXCEPTION_FUNCTION;
	if (address == 0x001A && count == 1) {
		if (words[0] > 1)
			return EXCEPTION_VALUE;
		plant_set_coil(plant, device, 1, words[0] == 1, "wire", now_us);
		return EXCEPTION_NONE;
	}
	if (address == 0x0000 && words[0] == 0) {
		plant_set_register(plant, device, 0, now_us);
		model_hazard(plant, device, address, 0, now_us);
		return EXCEPTION_NONE;
	}
	if (address == 0x0015 && count == 1) {
		model_hazard(plant, device, address, words[0], now_us);
		return EXCEPTION_NONE;
	}
	return EXCEPTION_ADDRESS;
}

const struct model model_dds238 = {
	.name = "dds238",
	.product = "hiking-dds238-sr",
	.meters = 1,
	.phases = 1,
	.channels = 1,
	.max_registers = 125,
	.spans = (const struct span[]){{3, 0x0000, 18}, {3, 0x0015, 1}, {3, 0x001A, 1}, {0}},
	.energy = {3, 0x000A, 2},
	.position = {3, 0x001A, 1},
	.word = dds238_word,
	.write = dds238_write,
	.shown_wh = counted_shown_wh,
};
