/* slave.h - one Modbus RTU slave: a request in, the bytes of its reply out.
 *
 * Knows frames, function codes and exceptions; not when the bytes are on the wire. Function codes
 * follow the Modbus application protocol V1.1b3: exception 1 for a function the device lacks, 2 for
 * an address outside its map, 3 for a count or value that is not allowed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/building/plant.h"

enum { SLAVE_FRAME_MAX = 256 };

/* CRC-16/MODBUS; on the wire its low byte goes first. */
uint16_t slave_crc(const uint8_t *bytes, size_t n);

/* Writes the CRC behind n bytes; returns n + 2. */
size_t slave_seal(uint8_t *bytes, size_t n);

struct answer {
	uint8_t bytes[2 * SLAVE_FRAME_MAX]; /* twice: an echo may go in front */
	size_t n;                           /* 0: silence */
	bool spoilt;                        /* a fault made it other than the device means it */
	int64_t late_ns;
	int64_t step_ns; /* from byte to byte; 0: as the line's baud rate says */
	uint16_t shows;  /* channels whose new position this reply is the first to show */
};

/* request holds n bytes with a good CRC. arrived_us is when it came, for the log; now_us when the
 * device acts. With broadcast set it is obeyed by relay boards, and never answered. */
void slave_answer(struct plant *plant, struct device *device, const uint8_t *request, size_t n,
		  bool broadcast, int64_t arrived_us, int64_t now_us, struct answer *ret_answer);
