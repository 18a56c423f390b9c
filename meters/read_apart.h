/* read_apart.h - what a device may be asked next, so that no old answer passes for the new one.
 *
 * Pure. An answer names neither register nor request: two of one slave, function and length are told apart
 * by nothing. So no read follows another one of the same device that could be answered alike, before
 * READ_APART others of the device have gone between them: a gateway that hands out the answer before, or
 * the one before that, is found out by the length. The very same read may follow itself: what is old then
 * is the same register a little earlier.
 *
 * B1 (part, T1c)  Blocks of one length lie a stride apart in devices that carry many rooms; there it is
 *                 the order of the reads alone that keeps one room's register from another's.
 */
#pragma once

#include <stdbool.h>

#include "meters/model.h"

#define READ_APART 2

/* The reads sent to a device last, newest first; function 0: none. Begins zeroed. */
struct read_apart {
	struct {
		uint8_t function;
		uint16_t address;
		uint16_t count;
	} last[READ_APART];
};

/* Bytes of values in the answer: registers have two, bits are packed. */
unsigned read_apart_bytes(uint8_t function, unsigned count);

/* Could an answer to one of the reads sent last be taken for the answer to this one? */
bool read_apart_mistakes(const struct read_apart *apart, const struct meter_request *request);

/* Is this read itself one of those sent last? */
bool read_apart_has(const struct read_apart *apart, const struct meter_request *request);

/* This read was sent, answered or not. */
void read_apart_sent(struct read_apart *apart, const struct meter_request *request);
