/* test_exchange_storm - B1: whatever happens on the line, a wrong value is never accepted.
 *
 * Eight slaves, every fault at random, a host that is late now and then. Each register's value
 * says which slave, function and address it belongs to, so a reply taken for the answer to
 * another request shows. PREPAY_TEST_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/exchange.h"
#include "tests/unit/played_line.h"

#define SLAVES         8
#define FEW_SLAVES     3
#define BLOCKS         3
#define EXCHANGES      250000
#define DEFAULT_SEED   20260315
#define MS             1000
#define LATE_HOST_MS   30
#define LATE_REPLY_MS  400
#define SHORT_LATE_US  24000
#define TRICKLE_MAX_US 30000

struct storm {
	uint64_t random;
	struct exchange_line memory;
	struct played line;
	bool equal_lengths; /* all blocks of all slaves are of one length */
	bool echo;
	int slaves;
	int64_t now_turnaround_us;
	long answered, refused, rested;
};

static uint64_t any(struct storm *storm)
{
	/* splitmix64 */
	uint64_t z = storm->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static int64_t below(struct storm *storm, int64_t n)
{
	return (int64_t)(any(storm) % (uint64_t)n);
}

static int64_t host_lateness_us(void *arg)
{
	struct storm *storm = arg;

	if (below(storm, 100) == 0)
		return below(storm, LATE_HOST_MS * MS);
	return below(storm, 300);
}

static uint16_t value_of(uint8_t slave, uint8_t function, unsigned int address)
{
	return (uint16_t)((slave * 40503U) ^ (function * 7919U) ^ (address * 60493U));
}

static struct line_request any_request(struct storm *storm)
{
	struct line_request request = {
		.slave = (uint8_t)(1 + below(storm, storm->slaves)),
		.function = (uint8_t)(3 + below(storm, 2)),
	};
	unsigned int block = (unsigned int)below(storm, BLOCKS);

	/* T1 (c): no two blocks of one meter are of the same length, functions included. */
	request.address = (uint16_t)(block * 100 + request.function * 1000U);
	request.count = storm->equal_lengths
				? 6
				: (uint16_t)(1 + 3 * block + 10U * (request.function - 3U));
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
	int64_t flips = 1 + below(storm, 3);

	while (flips-- > 0) {
		int64_t bit = below(storm, (int64_t)n * 8);

		bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
}

/* What the line does to one request; the frames go on it, now or later. */
static void strike(struct storm *storm, const struct line_request *request,
		   const struct exchange *x)
{
	const struct wire *wire = &storm->memory.wire;
	int64_t sent_us = storm->line.now_us;
	int64_t request_end_us = sent_us + wire_chars_us(wire, (int64_t)x->frame_len);
	int64_t limit_us = 2 * storm->now_turnaround_us + 25 * MS + wire_gap_us(wire);
	int64_t start_us = request_end_us + wire_gap_us(wire) +
			   below(storm, storm->now_turnaround_us);
	struct line_request other = *request;
	uint8_t bytes[2 * FRAME_MAX];
	size_t n = make_reply(request, bytes);

	if (storm->echo)
		played_put(&storm->line, wire, sent_us, x->frame, x->frame_len);
	switch (below(storm, 24)) {
	case 0: /* silent */
		return;
	case 1: /* late: while others are asked, or far later */
	case 2:
		start_us = request_end_us + limit_us +
			   below(storm, storm->equal_lengths ? SHORT_LATE_US : LATE_REPLY_MS * MS);
		break;
	case 3:
		flip_bits(storm, bytes, n);
		if (bytes[n - 1] == 0 && bytes[n - 2] == 0)
			bytes[n - 1] = 1;
		break;
	case 4:
		for (size_t i = 0; i < n; i++)
			played_byte(&storm->line, start_us += below(storm, TRICKLE_MAX_US),
				    bytes[i]);
		return;
	case 5:
		other.slave = (uint8_t)(1 + request->slave % storm->slaves);
		n = make_reply(&other, bytes);
		break;
	case 6:
		other.function = request->function == 3 ? 4 : 3;
		n = make_reply(&other, bytes);
		break;
	case 7:
		other.count = (uint16_t)(1 + below(storm, LINE_VALUES_MAX));
		if (other.count == request->count)
			other.count++;
		other.address++;
		n = make_reply(&other, bytes);
		break;
	case 8: /* an exception, and sometimes of another slave */
		bytes[0] = below(storm, 4) == 0 ? (uint8_t)(request->slave ^ 1U) : request->slave;
		bytes[1] = request->function | 0x80;
		bytes[2] = 2;
		n = played_seal(bytes, 3);
		break;
	case 9: /* an older answer of the same slave and length comes while we ask */
		other.address += 1;
		n = make_reply(&other, bytes);
		start_us = sent_us - wire_chars_us(wire, 1) +
			   below(storm, request_end_us + wire_gap_us(wire) - sent_us);
		break;
	case 10: /* queued behind each other, the older one first */
		other.address += 1;
		n = make_reply(&other, bytes);
		n += make_reply(request, bytes + n);
		break;
	case 11: /* a repetition within the gap */
		played_put(&storm->line, wire,
			   start_us + wire_chars_us(wire, (int64_t)n) +
				   below(storm, wire_gap_us(wire) / 2),
			   bytes, n);
		bytes[4] ^= 0xFF;
		n = played_seal(bytes, n - 2);
		break;
	case 12: /* cut short */
		n = (size_t)below(storm, (int64_t)n);
		break;
	case 13: /* noise before it, at any time */
		bytes[0] = (uint8_t)any(storm);
		played_put(&storm->line, wire, sent_us + below(storm, 60 * MS), bytes, 1);
		bytes[0] = request->slave;
		break;
	default:
		break;
	}
	played_put(&storm->line, wire, start_us, bytes, n);
}

static void ask(struct storm *storm)
{
	struct line_request request = any_request(storm);
	struct exchange x;

	storm->now_turnaround_us = 5 * MS + below(storm, 30 * MS);
	if (exchange_begin(&x, &storm->memory, &request, storm->now_turnaround_us,
			   storm->line.now_us) == -EBUSY) {
		storm->rested++;
		return;
	}
	(void)played_drain(&storm->line, &storm->memory);
	strike(storm, &request, &x);
	played_run(&storm->line, &x);
	if (x.outcome.error != 0) {
		storm->refused++;
		return;
	}
	storm->answered++;
	assert_int_equal(x.outcome.count, request.count);
	for (unsigned int i = 0; i < request.count; i++)
		assert_int_equal(x.outcome.values[i],
				 value_of(request.slave, request.function, request.address + i));
}

static long exchanges(void)
{
	const char *divisor = getenv("PREPAY_TEST_DIVISOR");

	return EXCHANGES / (divisor != NULL && atol(divisor) > 0 ? atol(divisor) : 1);
}

static void rage(const char *name, bool equal_lengths, bool echo, struct wire wire)
{
	const char *seed = getenv("PREPAY_TEST_SEED");
	struct storm *storm = calloc(1, sizeof(*storm));

	assert_non_null(storm);
	storm->random = seed != NULL ? strtoull(seed, NULL, 10) : DEFAULT_SEED;
	print_message("%s: seed %llu\n", name, (unsigned long long)storm->random);
	storm->memory.wire = wire;
	storm->memory.unlearnt_us = EXCHANGE_UNLEARNT_US;
	storm->equal_lengths = equal_lengths;
	storm->slaves = equal_lengths ? FEW_SLAVES : SLAVES;
	storm->echo = echo;
	storm->line.now_us = 1000000;
	storm->line.lateness_us = host_lateness_us;
	storm->line.lateness_arg = storm;
	while (storm->answered + storm->refused < exchanges())
		ask(storm);
	print_message("%ld answered, %ld refused, %ld rested\n", storm->answered, storm->refused,
		      storm->rested);
	/* The storm must let enough through to mean something: ten cases in 24 are sound. */
	assert_true(storm->answered * 100 > exchanges() * 25);
	free(storm);
}

static void no_wrong_value_at_9600(void **state)
{
	(void)state;
	rage("9600 8N1", false, false, (struct wire){9600, 10});
}

static void no_wrong_value_through_an_echo(void **state)
{
	(void)state;
	rage("9600 8E1 with echo", false, true, (struct wire){9600, 11});
}

/* Blocks of one length: silence and the other slave in between keep a late answer away. */
static void no_wrong_value_where_all_blocks_are_of_one_length(void **state)
{
	(void)state;
	rage("9600 8N1, equal blocks", true, false, (struct wire){9600, 10});
}

static void no_wrong_value_at_115200(void **state)
{
	(void)state;
	rage("115200 8N1", false, false, (struct wire){115200, 10});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wrong_value_at_9600),
		cmocka_unit_test(no_wrong_value_through_an_echo),
		cmocka_unit_test(no_wrong_value_where_all_blocks_are_of_one_length),
		cmocka_unit_test(no_wrong_value_at_115200),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
