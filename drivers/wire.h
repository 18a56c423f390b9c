/* wire.h - how long characters take on one RS-485 line.
 *
 * Pure arithmetic on the baud rate. A line carries one character after the other, and nothing
 * may be sent sooner than the inter-frame gap after the last one (Modbus over Serial Line V1.02,
 * 2.5.1.1). */
#pragma once

#include <stdint.h>

struct wire {
	int32_t baud;          /* 300 to 4,000,000 */
	int32_t bits_per_char; /* with start, parity and stop bits: 10 for 8N1, 11 for 8E1, 8N2 */
};

/* Microseconds that `chars` characters take, rounded up. */
int64_t wire_chars_us(const struct wire *wire, int64_t chars);

/* The inter-frame gap: 3.5 characters, and 1,750 us above 19,200 baud. */
int64_t wire_gap_us(const struct wire *wire);
