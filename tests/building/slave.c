/* slave.c - see slave.h. */
#include "tests/building/slave.h"

#include <stdio.h>
#include <string.h>

#include "tests/building/model.h"

enum {
	READ_COILS = 1,
	READ_DISCRETE = 2,
	READ_HOLDING = 3,
	READ_INPUT = 4,
	WRITE_COIL = 5,
	WRITE_REGISTER = 6,
	WRITE_COILS = 15,
	WRITE_REGISTERS = 16,
	WRITE_REGISTERS_MAX = 123, /* protocol V1.1b3, 6.12 */
	READ_BITS_MAX = 2000,      /* 6.1 */
	BOARD_ADDRESS_REGISTER = 0x4000,
};

uint16_t slave_crc(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

size_t slave_seal(uint8_t *bytes, size_t n)
{
	uint16_t crc = slave_crc(bytes, n);

	bytes[n] = (uint8_t)crc;
	bytes[n + 1] = (uint8_t)(crc >> 8);
	return n + 2;
}

static uint16_t word_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static size_t exception(const uint8_t *request, unsigned code, uint8_t *reply)
{
	reply[0] = request[0];
	reply[1] = request[1] | 0x80;
	reply[2] = (uint8_t)code;
	return slave_seal(reply, 3);
}

/* FC05, 06, 15 and 16 answer with the request's first six bytes. */
static size_t confirm(const uint8_t *request, uint8_t *reply)
{
	memcpy(reply, request, 6);
	return slave_seal(reply, 6);
}

static void apply_glitch(struct plant *plant, struct device *device, struct sample *sample,
			 int64_t now_us)
{
	char name[16];
	struct event event = {.kind = EVENT_GLITCH, .at_us = now_us};

	if (device->glitch.kind == GLITCH_NONE)
		return;
	if (device->glitch.kind == GLITCH_ZERO)
		sample->energy_uwh = 0;
	else if (device->glitch.kind == GLITCH_FAR)
		sample->energy_uwh += device->glitch.by_wh * 1000000;
	if (--device->glitch.left == 0)
		device->glitch.kind = GLITCH_NONE;
	(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
	(void)snprintf(event.detail, sizeof(event.detail), "answered");
	event.energy_uwh = sample->energy_uwh;
	event.register_wh = device_register_wh(device, sample->energy_uwh);
	events_add(plant->events, event);
}

static void note_position(struct device *device, uint8_t function, uint16_t address, uint16_t count,
			  struct answer *answer)
{
	if (!device->readback_wanted ||
	    !span_touches(&device->model->position, function, address, count))
		return;
	unsigned first = device->model->position.first, channels = 1;

	if (device->model->channels > 1)
		channels = address >= first ? ((1u << count) - 1) << (address - first)
					    : ((1u << count) - 1) >> (first - address);
	answer->shows = (uint16_t)(device->readback_wanted & channels);
	device->readback_wanted &= (uint16_t)~answer->shows;
}

/* Registers, or bits. */
static size_t read_values(struct plant *plant, struct device *device, const uint8_t *request,
			  size_t n, int64_t now_us, struct answer *answer)
{
	const struct model *model = device->model;
	uint16_t address = word_at(request + 2), count = word_at(request + 4);
	uint8_t *reply = answer->bytes;
	struct sample samples[PLANT_METERS] = {0};
	bool bits = request[1] == READ_COILS || request[1] == READ_DISCRETE;
	size_t at = 3;

	if (!model_reads(model, request[1]))
		return exception(request, EXCEPTION_FUNCTION, reply);
	if (n != 8 || count == 0 || count > (bits ? READ_BITS_MAX : model->max_registers))
		return exception(request, EXCEPTION_VALUE, reply);
	if (!model_covers(model, request[1], address, count))
		return exception(request, EXCEPTION_ADDRESS, reply);

	for (unsigned i = 0; i < model->meters; i++)
		plant_sample(plant, device + i, now_us, &samples[i]);
	if (span_touches(&model->energy, request[1], address, count)) {
		if (device->glitch.kind == GLITCH_OTHER)
			address = 0;
		apply_glitch(plant, device, &samples[0], now_us);
	}
	reply[0] = request[0];
	reply[1] = request[1];
	reply[2] = (uint8_t)(bits ? (count + 7) / 8 : 2 * count);
	memset(reply + at, 0, reply[2]);
	for (uint16_t i = 0; i < count; i++) {
		uint16_t word = model->word(device, samples, request[1], (uint16_t)(address + i));

		if (bits) {
			reply[at + i / 8] |= (uint8_t)((word & 1) << i % 8);
		} else {
			reply[at + 2 * i] = (uint8_t)(word >> 8);
			reply[at + 2 * i + 1] = (uint8_t)word;
		}
	}
	at += reply[2];
	note_position(device, request[1], address, count, answer);
	return slave_seal(reply, at);
}

static size_t write_registers(struct plant *plant, struct device *device, const uint8_t *request,
			      size_t n, int64_t now_us, uint8_t *reply)
{
	uint16_t address = word_at(request + 2), count = word_at(request + 4);
	uint16_t words[WRITE_REGISTERS_MAX];

	if (!device->model->write)
		return exception(request, EXCEPTION_FUNCTION, reply);
	if (n < 11 || count == 0 || count > WRITE_REGISTERS_MAX || request[6] != 2 * count ||
	    n != 9 + 2 * (size_t)count)
		return exception(request, EXCEPTION_VALUE, reply);
	for (uint16_t i = 0; i < count; i++)
		words[i] = word_at(request + 7 + 2 * i);
	enum modbus_exception refused = device->model->write(plant, device, request[1], address,
							     count, words, now_us);
	return refused ? exception(request, refused, reply) : confirm(request, reply);
}

/* One coil or register. */
static size_t write_one(struct plant *plant, struct device *device, const uint8_t *request,
			size_t n, int64_t now_us, uint8_t *reply)
{
	uint16_t address = word_at(request + 2), value = word_at(request + 4);

	if (!device->model->write)
		return exception(request, EXCEPTION_FUNCTION, reply);
	if (n != 8)
		return exception(request, EXCEPTION_VALUE, reply);
	enum modbus_exception refused = device->model->write(plant, device, request[1], address, 1,
							     &value, now_us);
	return refused ? exception(request, refused, reply) : confirm(request, reply);
}

/* A relay board (Waveshare, hardware V2): FC01, 05, 15, and FC06 for its own address. */
static size_t board(struct plant *plant, struct device *device, const uint8_t *request, size_t n,
		    int64_t now_us, struct answer *answer)
{
	uint8_t *reply = answer->bytes;
	uint16_t address = word_at(request + 2), value = word_at(request + 4);
	unsigned channels = device->model->channels;
	bool several = request[1] == READ_COILS || request[1] == WRITE_COILS;

	if (several && (value == 0 || value > 2000))
		return exception(request, EXCEPTION_VALUE, reply);
	if (several && address + value > (int)channels)
		return exception(request, EXCEPTION_ADDRESS, reply);

	switch (request[1]) {
	case READ_COILS:
		reply[0] = request[0];
		reply[1] = request[1];
		reply[2] = 1;
		reply[3] = (uint8_t)((unsigned)device->coils >> address & ((1u << value) - 1));
		note_position(device, request[1], address, value, answer);
		return slave_seal(reply, 4);
	case WRITE_COIL:
		if (address >= channels)
			return exception(request, EXCEPTION_ADDRESS, reply);
		if (n != 8 || (value != 0xFF00 && value != 0x0000))
			return exception(request, EXCEPTION_VALUE, reply);
		plant_set_coil(plant, device, address + 1u, value == 0xFF00, "wire", now_us);
		return confirm(request, reply);
	case WRITE_COILS:
		if (n != 10 || request[6] != 1)
			return exception(request, EXCEPTION_VALUE, reply);
		for (unsigned i = 0; i < value; i++)
			plant_set_coil(plant, device, address + i + 1, request[7] >> i & 1, "wire",
				       now_us);
		return confirm(request, reply);
	case WRITE_REGISTER: {
		char name[16];
		struct event event = {.kind = EVENT_HAZARD, .at_us = now_us};

		if (address != BOARD_ADDRESS_REGISTER)
			return exception(request, EXCEPTION_ADDRESS, reply);
		(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
		(void)snprintf(event.detail, sizeof(event.detail), "address = %u", (unsigned)value);
		events_add(plant->events, event);
		return confirm(request, reply);
	}
	default:
		return exception(request, EXCEPTION_FUNCTION, reply);
	}
}

static void log_write(struct plant *plant, struct device *device, const uint8_t *request, size_t n,
		      int64_t arrived_us)
{
	char name[16];
	struct event event = {.kind = EVENT_WRITE, .at_us = arrived_us};
	size_t at = 0;

	device->writes++;
	(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
	for (size_t i = 1; i + 2 < n && at + 3 < sizeof(event.detail); i++)
		at += (size_t)snprintf(event.detail + at, sizeof(event.detail) - at, "%02X",
				       (unsigned)request[i]);
	if (device->model->meters == 0 && (request[1] == WRITE_COIL || request[1] == WRITE_COILS))
		event.channel = (uint8_t)(request[3] + 1);
	else if (device->model->channels == 1)
		event.channel = 1;
	events_add(plant->events, event);
}

/* The bytes as the device means them. */
static void obey(struct plant *plant, struct device *device, const uint8_t *request, size_t n,
		 int64_t now_us, struct answer *answer)
{
	if (n < 8)
		answer->n = exception(request, EXCEPTION_VALUE, answer->bytes);
	else if (!device->model->word)
		answer->n = board(plant, device, request, n, now_us, answer);
	else if (request[1] >= READ_COILS && request[1] <= READ_INPUT)
		answer->n = read_values(plant, device, request, n, now_us, answer);
	else if (request[1] == WRITE_COIL || request[1] == WRITE_REGISTER)
		answer->n = write_one(plant, device, request, n, now_us, answer->bytes);
	else if (request[1] == WRITE_REGISTERS)
		answer->n = write_registers(plant, device, request, n, now_us, answer->bytes);
	else
		answer->n = exception(request, EXCEPTION_FUNCTION, answer->bytes);
}

/* What a fault makes of the reply. */
static void spoil(struct device *device, const uint8_t *request, size_t n, enum fault_kind kind,
		  const uint8_t *previous, size_t previous_n, struct answer *answer)
{
	int64_t value = device->fault.value;
	uint8_t *reply = answer->bytes;

	answer->spoilt = true;
	switch (kind) {
	case FAULT_NONE:
	case FAULT_EXCEPTION:
		break;
	case FAULT_DEAF:
	case FAULT_SILENT:
		answer->n = 0;
		break;
	case FAULT_LATE:
		answer->late_ns = value * 1000000;
		break;
	case FAULT_BAD_CRC:
		reply[answer->n - 1] ^= 0x55;
		break;
	case FAULT_TRUNCATE:
		if ((size_t)value < answer->n)
			answer->n = (size_t)value;
		break;
	case FAULT_TRICKLE:
		answer->step_ns = value * 1000000;
		break;
	case FAULT_SHORT:
		if (reply[1] == READ_HOLDING || reply[1] == READ_INPUT) {
			reply[2] = (uint8_t)(reply[2] - 2);
			answer->n = slave_seal(reply, answer->n - 4);
		} else {
			answer->n = slave_seal(reply, answer->n - 3);
		}
		break;
	case FAULT_WRONG_SLAVE:
		reply[0]++;
		(void)slave_seal(reply, answer->n - 2);
		break;
	case FAULT_WRONG_FUNCTION:
		reply[1] = reply[1] == READ_HOLDING ? READ_INPUT : READ_HOLDING;
		(void)slave_seal(reply, answer->n - 2);
		break;
	case FAULT_ECHO:
		memmove(reply + n, reply, answer->n);
		memcpy(reply, request, n);
		answer->n += n;
		break;
	case FAULT_PREVIOUS:
		memcpy(reply, previous, previous_n);
		answer->n = previous_n;
		break;
	}
}

static bool writes(uint8_t function)
{
	return function == WRITE_COIL || function == WRITE_REGISTER || function == WRITE_COILS ||
	       function == WRITE_REGISTERS;
}

void slave_answer(struct plant *plant, struct device *device, const uint8_t *request, size_t n,
		  bool broadcast, int64_t arrived_us, int64_t now_us, struct answer *ret_answer)
{
	struct answer *answer = ret_answer;
	enum fault_kind kind = FAULT_NONE;
	uint8_t previous[SLAVE_FRAME_MAX];
	size_t previous_n = device->previous_n;

	memset(answer, 0, sizeof(*answer));
	if (device->dead || (broadcast && device->model->meters > 0))
		return;
	device->requests++;
	if (device->fault.kind != FAULT_NONE) {
		kind = device->fault.kind;
		device->spoilt++;
	}
	plant_advance(plant, device, now_us);

	if (kind == FAULT_EXCEPTION) {
		answer->n = exception(request, (unsigned)device->fault.value, answer->bytes);
	} else if (kind != FAULT_DEAF) {
		if (writes(request[1]))
			log_write(plant, device, request, n, arrived_us);
		obey(plant, device, request, n, now_us, answer);
	}
	if (broadcast) {
		answer->n = 0;
	} else if (answer->n > 0) {
		memcpy(previous, device->previous, previous_n);
		memcpy(device->previous, answer->bytes, answer->n);
		device->previous_n = (uint16_t)answer->n;
		device->exceptions += (answer->bytes[1] & 0x80) != 0;
	}
	if (kind != FAULT_NONE) {
		if (answer->n > 0 || kind == FAULT_DEAF)
			spoil(device, request, n, kind, previous, previous_n, answer);
		/* Nobody can be sure to have seen the position in a spoilt reply. */
		device->readback_wanted |= answer->shows;
		answer->shows = 0;
		if (--device->fault.left == 0)
			device->fault.kind = FAULT_NONE;
	}
}
