/* played_line.h - a line in virtual time, for the tests of the exchange.
 *
 * Bytes are put on it with the times at which they arrive; played_run() does what line.c does with
 * a port, and takes frames as libmodbus does: by the length that the frame itself announces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/exchange.h"

#define PLAYED_MAX 2048

struct played {
	int64_t now_us;
	int64_t at_us[PLAYED_MAX]; /* in order of arrival */
	uint8_t byte[PLAYED_MAX];
	size_t n;
	int64_t last_us;                /* arrival of the last byte of all */
	int64_t (*lateness_us)(void *); /* of the host at each wake-up; NULL: none */
	void *lateness_arg;
};

void played_byte(struct played *line, int64_t at_us, uint8_t byte);

/* A frame whose first bit is on the wire at start_us. */
void played_put(struct played *line, const struct wire *wire, int64_t start_us,
		const uint8_t *bytes, size_t n);

/* Runs a begun exchange, sent now, to its end. */
void played_run(struct played *line, struct exchange *x);

/* Throws away what is there until the line may be used again; returns how much. */
size_t played_drain(struct played *line, const struct exchange_line *memory);

/* "01 84 02" to bytes; returns how many. */
size_t played_hex(const char *hex, uint8_t *ret);

/* Adds the checksum; returns the new length. */
size_t played_seal(uint8_t *bytes, size_t n);
