#include "drivers/frame.h"

#include <errno.h>
#include <string.h>

#define SLAVE_MAX           247
#define WRITE_REGISTERS_MAX 123
#define ADDRESSES           65536
#define COIL_ON             0xFF00

/* CRC-16/MODBUS: polynomial 0xA001 reflected, all ones at first, low byte first on the wire. */
static uint16_t crc16(const uint8_t *bytes, size_t n)
{
	unsigned int crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0xA001U : crc >> 1;
	}
	return (uint16_t)crc;
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)(value & 0xFFU);
}

static size_t bytes_of_bits(size_t bits)
{
	return (bits + 7) / 8;
}

static bool is_single(const struct line_request *request)
{
	return request->function == FRAME_WRITE_COIL || request->function == FRAME_WRITE_REGISTER;
}

bool frame_is_read(const struct line_request *request)
{
	return request->function >= FRAME_READ_COILS &&
	       request->function <= FRAME_READ_INPUT_REGISTERS;
}

int frame_check(const struct line_request *request)
{
	unsigned int most = LINE_VALUES_MAX;

	if (request->slave < 1 || request->slave > SLAVE_MAX)
		return -EINVAL;
	if (is_single(request))
		return 0;
	if (request->function == FRAME_WRITE_REGISTERS)
		most = WRITE_REGISTERS_MAX;
	else if (!frame_is_read(request) && request->function != FRAME_WRITE_COILS)
		return -EINVAL;
	if (request->count < 1 || request->count > most)
		return -EINVAL;
	if ((unsigned int)request->address + request->count > ADDRESSES)
		return -EINVAL;
	return 0;
}

static size_t data_len(const struct line_request *request)
{
	switch ((enum frame_function)request->function) {
	case FRAME_READ_COILS:
	case FRAME_READ_DISCRETE_INPUTS:
	case FRAME_WRITE_COILS:
		return bytes_of_bits(request->count);
	case FRAME_READ_HOLDING_REGISTERS:
	case FRAME_READ_INPUT_REGISTERS:
	case FRAME_WRITE_REGISTERS:
		return (size_t)request->count * 2;
	case FRAME_WRITE_COIL:
	case FRAME_WRITE_REGISTER:
		break;
	}
	return 0;
}

size_t frame_request_len(const struct line_request *request)
{
	if (frame_is_read(request) || is_single(request))
		return 8;
	return 9 + data_len(request);
}

size_t frame_reply_len(const struct line_request *request)
{
	return frame_is_read(request) ? 5 + data_len(request) : 8;
}

size_t frame_encode(const struct line_request *request, uint8_t frame[static FRAME_MAX])
{
	size_t len = frame_request_len(request);
	size_t n_data = data_len(request);
	uint16_t crc;

	memset(frame, 0, len);
	frame[0] = request->slave;
	frame[1] = request->function;
	put16(frame + 2, request->address);
	put16(frame + 4, request->count);
	if (request->function == FRAME_WRITE_COIL)
		put16(frame + 4, request->values[0] != 0 ? COIL_ON : 0);
	else if (request->function == FRAME_WRITE_REGISTER)
		put16(frame + 4, request->values[0]);
	else if (!frame_is_read(request))
		frame[6] = (uint8_t)n_data;
	if (request->function == FRAME_WRITE_REGISTERS)
		for (size_t i = 0; i < request->count; i++)
			put16(frame + 7 + 2 * i, request->values[i]);
	if (request->function == FRAME_WRITE_COILS)
		for (size_t i = 0; i < request->count; i++)
			if (request->values[i] != 0)
				frame[7 + i / 8] |= (uint8_t)(1U << (i % 8));
	crc = crc16(frame, len - FRAME_CRC_LEN);
	frame[len - 2] = (uint8_t)(crc & 0xFFU);
	frame[len - 1] = (uint8_t)(crc >> 8);
	return len;
}

bool frame_intact(const uint8_t *frame, size_t n)
{
	uint16_t crc;

	if (n <= FRAME_CRC_LEN)
		return false;
	crc = crc16(frame, n - FRAME_CRC_LEN);
	return frame[n - 2] == (crc & 0xFFU) && frame[n - 1] == crc >> 8;
}

void frame_values(const struct line_request *request, const uint8_t *frame,
		  uint16_t ret_values[static LINE_VALUES_MAX])
{
	const uint8_t *data = frame + 3;

	if (request->function <= FRAME_READ_DISCRETE_INPUTS)
		for (size_t i = 0; i < request->count; i++)
			ret_values[i] = (uint16_t)((unsigned int)data[i / 8] >> (i % 8) & 1U);
	else
		for (size_t i = 0; i < request->count; i++)
			ret_values[i] = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
}
