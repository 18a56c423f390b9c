/* frame.h - the bytes of a Modbus RTU request, and what shape its answer has.
 *
 * Pure. Modbus Application Protocol V1.1b3, chapter 6, and Modbus over Serial Line V1.02, 2.5.1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_VALUES_MAX 125 /* registers of one read; also the most bits of one request */
#define FRAME_MAX       256
#define FRAME_CRC_LEN   2
#define FRAME_EXCEPTION 5 /* bytes of an exception reply */

enum frame_function {
	FRAME_READ_COILS = 1,
	FRAME_READ_DISCRETE_INPUTS = 2,
	FRAME_READ_HOLDING_REGISTERS = 3,
	FRAME_READ_INPUT_REGISTERS = 4,
	FRAME_WRITE_COIL = 5,
	FRAME_WRITE_REGISTER = 6,
	FRAME_WRITE_COILS = 15,
	FRAME_WRITE_REGISTERS = 16,
};

/* What is asked. `values` are what is written: registers, or bits as 0 (off) and anything else
 * (on). */
struct line_request {
	uint8_t slave;    /* 1 to 247; a broadcast (0) has no reply and is refused */
	uint8_t function; /* enum frame_function */
	uint16_t address;
	uint16_t count; /* 1 to LINE_VALUES_MAX, 123 to write registers; unused for 5 and 6 */
	uint16_t values[LINE_VALUES_MAX];
};

/* 0, or -EINVAL when the request cannot be sent: slave, function, count or address out of range. */
int frame_check(const struct line_request *request);

bool frame_is_read(const struct line_request *request);

/* Writes a checked request with its CRC; returns its length. */
size_t frame_encode(const struct line_request *request, uint8_t frame[static FRAME_MAX]);

/* Lengths of the request and of a reply that is no exception, CRC included. */
size_t frame_request_len(const struct line_request *request);
size_t frame_reply_len(const struct line_request *request);

/* Does the CRC at the end of these n bytes fit? */
bool frame_intact(const uint8_t *frame, size_t n);

/* The data of a read's reply, verified before: registers, or bits as 0 and 1. */
void frame_values(const struct line_request *request, const uint8_t *frame,
		  uint16_t ret_values[static LINE_VALUES_MAX]);
