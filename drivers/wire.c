#include "drivers/wire.h"

#define US_PER_S 1000000

/* Modbus over Serial Line V1.02, 2.5.1.1: a fixed gap for baud rates above 19,200. */
#define FAST_BAUD   19200
#define FAST_GAP_US 1750

static int64_t bits_us(const struct wire *wire, int64_t bits)
{
	return (bits * US_PER_S + wire->baud - 1) / wire->baud;
}

int64_t wire_chars_us(const struct wire *wire, int64_t chars)
{
	return bits_us(wire, chars * wire->bits_per_char);
}

int64_t wire_gap_us(const struct wire *wire)
{
	if (wire->baud > FAST_BAUD)
		return FAST_GAP_US;
	return (bits_us(wire, 7 * wire->bits_per_char) + 1) / 2;
}
