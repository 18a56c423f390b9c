/* test_exchange_storm - B1: whatever happens on the line, a wrong value is never accepted.
 *
 * A million reads in virtual time, on a host that is late now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "drivers/exchange.h"
#include "tests/unit/storm.h"

#define READS        300000 /* of each of the four */
#define LEAST_KIND   10000  /* strikes of each fault, in all four together */
#define FEW_SLAVES   3
#define DEFAULT_SEED 20260315
#define MS           1000
#define LATE_HOST_MS 30

struct played_storm {
	struct storm storm;
	struct exchange_line memory;
	struct played line;
	long answered, refused, wrong;
};

static uint64_t struck_in_all[STORM_FAULT_COUNT];
static long reads_in_all, answered_in_all, wrong_in_all;

static int64_t host_lateness_us(void *arg)
{
	struct storm *storm = arg;

	if (storm_below(storm, 100) == 0)
		return storm_below(storm, LATE_HOST_MS * MS);
	return storm_below(storm, 300);
}

static void ask(struct played_storm *play)
{
	const struct line_request *request = storm_request(&play->storm);
	struct exchange x;

	if (exchange_begin(&x, &play->memory, request, play->storm.turnaround_us,
			   play->line.now_us) == -EBUSY)
		return;
	(void)played_drain(&play->line, &play->memory);
	storm_strike(&play->storm, &play->line, x.frame, x.frame_len, play->line.now_us);
	played_run(&play->line, &x);
	if (x.outcome.error != 0) {
		play->refused++;
		return;
	}
	play->answered++;
	play->wrong += !storm_right(request, x.outcome.values, x.outcome.count);
}

static void rage(const char *name, bool equal_lengths, bool echo, struct wire wire)
{
	struct played_storm *play = calloc(1, sizeof(*play));
	long reads = storm_reads(READS);

	assert_non_null(play);
	play->storm = (struct storm){
		.wire = wire,
		.random = storm_seed(name, DEFAULT_SEED),
		.slaves = equal_lengths ? FEW_SLAVES : STORM_SLAVES,
		.equal_lengths = equal_lengths,
		.echo = echo,
		.sound_of = 10,
		.turnaround_least_us = 5 * MS,
		.turnaround_most_us = 35 * MS,
	};
	play->memory.wire = wire;
	play->memory.unlearnt_us = EXCHANGE_UNLEARNT_US;
	play->line.now_us = 1000000;
	play->line.lateness_us = host_lateness_us;
	play->line.lateness_arg = &play->storm;
	while (play->answered + play->refused < reads)
		ask(play);
	storm_print(name, reads, play->answered, play->wrong, play->storm.struck);
	for (int fault = 0; fault < STORM_FAULT_COUNT; fault++)
		struck_in_all[fault] += play->storm.struck[fault];
	reads_in_all += reads;
	answered_in_all += play->answered;
	wrong_in_all += play->wrong;
	assert_int_equal(play->wrong, 0);
	/* The storm must let enough through to mean something. */
	assert_true(play->answered * 100 > reads * 25);
	free(play);
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

/* Blocks of one length: silence and another slave keep a late answer away, and what the product asks in
 * between one that a gateway has kept. */
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

static void every_kind_struck_often_enough(void **state)
{
	(void)state;
	storm_print("exchange", reads_in_all, answered_in_all, wrong_in_all, struck_in_all);
	assert_true(reads_in_all >= storm_reads(1000000));
	assert_true(storm_least(struck_in_all) >= (uint64_t)storm_reads(LEAST_KIND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wrong_value_at_9600),
		cmocka_unit_test(no_wrong_value_through_an_echo),
		cmocka_unit_test(no_wrong_value_where_all_blocks_are_of_one_length),
		cmocka_unit_test(no_wrong_value_at_115200),
		cmocka_unit_test(every_kind_struck_often_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
