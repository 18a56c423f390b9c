#include "tests/unit/storm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS             1000
#define BLOCKS         3
#define EQUAL_COUNT    6
#define LATE_REPLY_US  (400 * MS)
#define SHORT_LATE_US  24000
#define TRICKLE_MAX_US 30000
#define NOISE_US       (60 * MS)

_Static_assert(READ_APART == 2, "the gateway keeps two answers");

/* splitmix64 */
static uint64_t any(struct storm *storm)
{
	uint64_t z = storm->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

int64_t storm_below(struct storm *storm, int64_t n)
{
	return (int64_t)(any(storm) % (uint64_t)n);
}

uint64_t storm_seed(const char *name, uint64_t seed)
{
	const char *text = getenv("PREPAY_TEST_SEED");

	seed = text != NULL ? strtoull(text, NULL, 10) : seed;
	(void)printf("%s: seed %llu\n", name, (unsigned long long)seed);
	return seed;
}

long storm_reads(long count)
{
	const char *divisor = getenv("PREPAY_TEST_DIVISOR");

	return count / (divisor != NULL && atol(divisor) > 0 ? atol(divisor) : 1);
}

static uint16_t value_of(uint8_t slave, uint8_t function, unsigned int address)
{
	return (uint16_t)((slave * 40503U) ^ (function * 7919U) ^ (address * 60493U));
}

bool storm_right(const struct line_request *request, const uint16_t *values, size_t count)
{
	if (count != request->count)
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (values[i] != value_of(request->slave, request->function, request->address + i))
			return false;
	return true;
}

static struct meter_request read_of(const struct line_request *request)
{
	return (struct meter_request){.function = request->function,
				      .address = request->address,
				      .count = request->count};
}

static uint16_t count_of(const struct storm *storm, unsigned int block, uint8_t function)
{
	if (storm->equal_lengths)
		return block == BLOCKS - 1 ? 1 : EQUAL_COUNT;
	/* T1 (c): no two blocks of one meter are of the same length, functions included. */
	return (uint16_t)(1 + 3 * block + 10U * (function - 3U));
}

const struct line_request *storm_request(struct storm *storm)
{
	struct line_request *request = &storm->request;
	struct meter_request read;

	do {
		unsigned int block = (unsigned int)storm_below(storm, BLOCKS);
		uint8_t slave = (uint8_t)(1 + storm_below(storm, storm->slaves));
		uint8_t function = (uint8_t)(3 + storm_below(storm, 2));

		*request = (struct line_request){
			.slave = slave,
			.function = function,
			.address = (uint16_t)(block * 100 + function * 1000U),
			.count = count_of(storm, block, function),
		};
		read = read_of(request);
	} while (read_apart_mistakes(&storm->apart[request->slave], &read));
	storm->turnaround_us = storm->turnaround_least_us +
			       storm_below(storm, storm->turnaround_most_us -
							  storm->turnaround_least_us + 1);
	return request;
}

static size_t make_reply(const struct line_request *request, uint8_t *ret)
{
	size_t n = 0;

	ret[n++] = request->slave;
	ret[n++] = request->function;
	ret[n++] = (uint8_t)(2 * request->count);
	for (unsigned int i = 0; i < request->count; i++) {
		uint16_t value = value_of(request->slave, request->function, request->address + i);

		ret[n++] = (uint8_t)(value >> 8);
		ret[n++] = (uint8_t)(value & 0xFF);
	}
	return played_seal(ret, n);
}

static void flip_bits(struct storm *storm, uint8_t *bytes, size_t n)
{
	/* The checksum always sees three flips in a frame, so one accepted is our fault. */
	int64_t flips = 1 + storm_below(storm, 3);
	int64_t bit = storm_below(storm, (int64_t)n * 8);

	/* Neighbours differ: no flip takes another one back. */
	for (int64_t i = 0; i < flips; i++, bit = (bit + 1) % ((int64_t)n * 8))
		bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
}

static enum storm_fault any_fault(struct storm *storm)
{
	int64_t drawn = storm_below(storm, STORM_FAULT_COUNT - 1 + (int64_t)storm->sound_of);
	enum storm_fault fault = drawn < STORM_FAULT_COUNT - 1 ? (enum storm_fault)(drawn + 1)
							       : STORM_SOUND;

	if (fault == STORM_SHIFTED && storm->previous_len[READ_APART - 1] == 0)
		return STORM_SOUND;
	return fault;
}

/* Two frames with less than the gap between them. */
static void put_pair(const struct storm *storm, struct played *line, int64_t start_us,
		     const uint8_t *first, size_t first_len, int64_t between_us,
		     const uint8_t *second, size_t second_len)
{
	const struct wire *wire = &storm->wire;
	int64_t second_us = start_us + wire_chars_us(wire, (int64_t)first_len) + between_us;

	if (storm->late_player) {
		played_put(line, wire, start_us, first, first_len - 1);
		played_byte(line, second_us + wire_chars_us(wire, 1), first[first_len - 1]);
	} else {
		played_put(line, wire, start_us, first, first_len);
	}
	played_put(line, wire, second_us, second, second_len);
}

static void put_trickle(struct storm *storm, struct played *line, int64_t at_us,
			const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		played_byte(line, at_us += storm_below(storm, TRICKLE_MAX_US), bytes[i]);
}

void storm_strike(struct storm *storm, struct played *line, const uint8_t *frame, size_t frame_len,
		  int64_t sent_us)
{
	const struct line_request *request = &storm->request;
	const struct wire *wire = &storm->wire;
	int64_t gap_us = wire_gap_us(wire);
	int64_t request_end_us = sent_us + wire_chars_us(wire, (int64_t)frame_len);
	int64_t limit_us = 2 * storm->turnaround_us + 25 * MS + gap_us;
	int64_t start_us = request_end_us + gap_us + storm_below(storm, storm->turnaround_us);
	struct line_request other = *request;
	uint8_t bytes[3 * FRAME_MAX], right[FRAME_MAX];
	size_t right_len = make_reply(request, right), n = right_len;
	enum storm_fault fault = any_fault(storm);
	struct meter_request read = read_of(request);
	size_t before;

	memcpy(bytes, right, n);
	storm->fault = fault;
	storm->struck[fault]++;
	if (storm->echo)
		played_put(line, wire, sent_us, frame, frame_len);
	switch (fault) {
	case STORM_SILENT:
		n = 0;
		break;
	case STORM_LATE:
		start_us = request_end_us + limit_us +
			   storm_below(storm, storm->equal_lengths ? SHORT_LATE_US : LATE_REPLY_US);
		break;
	case STORM_EARLIER:
		other.address += 1;
		n = make_reply(&other, bytes);
		start_us = sent_us - wire_chars_us(wire, 1);
		if (!storm->late_player) {
			start_us += storm_below(storm, request_end_us + gap_us - sent_us);
			break;
		}
		for (size_t i = 0; i < n; i++)
			played_byte(line, sent_us, bytes[i]);
		n = 0;
		break;
	case STORM_SHIFTED:
		before = (size_t)storm_below(storm, READ_APART);
		n = storm->previous_len[before];
		memcpy(bytes, storm->previous[before], n);
		break;
	case STORM_QUEUED:
		other.address += 1;
		n = make_reply(&other, bytes);
		put_pair(storm, line, start_us, bytes, n, 0, right, right_len);
		n = 0;
		break;
	case STORM_DUPLICATED:
		bytes[4] ^= 0xFF;
		n = played_seal(bytes, n - FRAME_CRC_LEN);
		put_pair(storm, line, start_us, bytes, n, storm_below(storm, gap_us / 2), right,
			 right_len);
		n = 0;
		break;
	case STORM_ECHOED:
		memcpy(bytes, frame, frame_len);
		memcpy(bytes + frame_len, right, right_len);
		n = frame_len + right_len;
		break;
	case STORM_TRUNCATED:
		n = (size_t)storm_below(storm, (int64_t)n);
		break;
	case STORM_TRICKLING:
		put_trickle(storm, line, start_us, bytes, n);
		n = 0;
		break;
	case STORM_CORRUPTED:
		flip_bits(storm, bytes, n);
		break;
	case STORM_SHORT:
		other.count = (uint16_t)(1 + storm_below(storm, LINE_VALUES_MAX - 1));
		other.count = (uint16_t)(other.count + (other.count >= request->count));
		other.address++;
		n = make_reply(&other, bytes);
		break;
	case STORM_WRONG_SLAVE:
		other.slave = (uint8_t)(1 + request->slave % storm->slaves);
		n = make_reply(&other, bytes);
		break;
	case STORM_WRONG_FUNCTION:
		other.function = request->function == 3 ? 4 : 3;
		n = make_reply(&other, bytes);
		break;
	case STORM_EXCEPTION:
		bytes[0] = storm_below(storm, 4) == 0 ? (uint8_t)(request->slave ^ 1U)
						      : request->slave;
		bytes[1] = request->function | 0x80;
		bytes[2] = 2;
		n = played_seal(bytes, 3);
		break;
	case STORM_NOISE:
		bytes[0] = (uint8_t)any(storm);
		played_put(line, wire, sent_us + storm_below(storm, NOISE_US), bytes, 1);
		bytes[0] = request->slave;
		break;
	case STORM_SOUND:
	case STORM_FAULT_COUNT:
		break;
	}
	if (n > 0)
		played_put(line, wire, start_us, bytes, n);
	memmove(storm->previous[1], storm->previous[0], sizeof(storm->previous[0]));
	storm->previous_len[1] = storm->previous_len[0];
	memcpy(storm->previous[0], right, right_len);
	storm->previous_len[0] = right_len;
	read_apart_sent(&storm->apart[request->slave], &read);
}

uint64_t storm_least(const uint64_t struck[static STORM_FAULT_COUNT])
{
	uint64_t least = UINT64_MAX;

	for (int fault = STORM_SOUND + 1; fault < STORM_FAULT_COUNT; fault++)
		if (struck[fault] < least)
			least = struck[fault];
	return least;
}

const char *storm_fault_name(enum storm_fault fault)
{
	static const char *const names[STORM_FAULT_COUNT] = {
		"sound",       "silent",         "late",      "earlier",   "shifted",   "queued",
		"duplicated",  "echoed",         "truncated", "trickling", "corrupted", "short",
		"wrong_slave", "wrong_function", "exception", "noise",
	};

	return names[fault];
}

void storm_print(const char *name, long reads, long answered, long wrong,
		 const uint64_t struck[static STORM_FAULT_COUNT])
{
	(void)printf("storm {\"name\":\"%s\",\"reads\":%ld,\"answered\":%ld,\"wrong\":%ld,"
		     "\"least_kind\":%llu",
		     name, reads, answered, wrong, (unsigned long long)storm_least(struck));
	for (int fault = 0; fault < STORM_FAULT_COUNT; fault++)
		(void)printf(",\"%s\":%llu", storm_fault_name((enum storm_fault)fault),
			     (unsigned long long)struck[fault]);
	(void)printf("}\n");
	(void)fflush(stdout);
}
