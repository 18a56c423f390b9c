/* Counters of devices and lines: what an hour is, and what a percentile is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/tally.h"

#define MINUTE_US INT64_C(60000000)

static void nothing_asked_is_unknown_not_zero(void **state)
{
	struct tally tally = {0};
	struct tally_slice hour;
	(void)state;
	tally_hour(&tally, 5 * MINUTE_US, &hour);
	assert_int_equal(tally_quality_ppm(&hour), -1);
	assert_int_equal(tally_turnaround_us(&hour, 500), -1);
	assert_int_equal(tally_requests(&tally.total), 0);
}

static void every_end_is_counted_for_what_it_is(void **state)
{
	struct tally tally = {0};
	struct tally_slice hour;
	(void)state;
	for (int end = 0; end < TALLY_ENDS; end++)
		for (int n = 0; n <= end; n++)
			tally_count(&tally, (enum tally_end)end, 10000, MINUTE_US);
	tally_stray(&tally, 30, MINUTE_US);
	tally_hour(&tally, MINUTE_US, &hour);
	for (unsigned end = 0; end < TALLY_ENDS; end++) {
		assert_int_equal(tally.total.end[end], end + 1);
		assert_int_equal(hour.end[end], end + 1);
	}
	assert_int_equal(tally.total.stray, 30);
	assert_int_equal(hour.stray, 30);
	assert_int_equal(tally_requests(&tally.total), 15);
	/* An exception is an answer: 3 of 15. */
	assert_int_equal(tally_quality_ppm(&hour), 200000);
}

static void an_hour_forgets_by_quarters_and_the_total_never(void **state)
{
	static const struct {
		int64_t at_min;
		uint32_t timeouts; /* one a minute since minute 0 */
	} cases[] = {{14, 15}, {59, 60}, {60, 46}, {74, 60}, {75, 46}};
	struct tally tally = {0};
	struct tally_slice hour;
	int64_t min = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (; min <= cases[i].at_min; min++)
			tally_count(&tally, TALLY_TIMEOUT, -1, min * MINUTE_US);
		tally_hour(&tally, cases[i].at_min * MINUTE_US, &hour);
		assert_int_equal(hour.end[TALLY_TIMEOUT], cases[i].timeouts);
	}
	assert_int_equal(tally.total.end[TALLY_TIMEOUT], 76);
	/* Nothing asked for an hour: nothing is left, though no slice was written over. */
	tally_hour(&tally, 140 * MINUTE_US, &hour);
	assert_int_equal(hour.end[TALLY_TIMEOUT], 0);
	assert_int_equal(tally_quality_ppm(&hour), -1);
}

static void percentiles_are_near_the_exact_ones(void **state)
{
	static const struct {
		int64_t from_us, step_us; /* a thousand answers, evenly spread */
	} cases[] = {{8000, 17}, {2000, 1}, {50000, 200}, {1000, 3}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tally tally = {0};
		struct tally_slice hour;
		for (int64_t n = 1; n <= 1000; n++)
			tally_count(&tally, TALLY_GOOD, cases[i].from_us + n * cases[i].step_us,
				    MINUTE_US);
		tally_hour(&tally, MINUTE_US, &hour);
		for (unsigned permille = 10; permille <= 990; permille += 10) {
			int64_t exact_us = cases[i].from_us + permille * cases[i].step_us;
			int64_t told_us = tally_turnaround_us(&hour, permille);
			assert_in_range(told_us, exact_us * 70 / 100, exact_us * 142 / 100);
		}
		/* Where bins are full, the middle is within a tenth. */
		int64_t middle_us = cases[i].from_us + 500 * cases[i].step_us;
		if (cases[i].step_us == 17)
			assert_in_range(tally_turnaround_us(&hour, 500), middle_us * 9 / 10,
					middle_us * 11 / 10);
	}
}

static void a_slow_hundredth_shows_in_p99_and_not_in_p50(void **state)
{
	struct tally tally = {0};
	struct tally_slice hour;
	(void)state;
	for (int n = 0; n < 980; n++)
		tally_count(&tally, TALLY_GOOD, 12000, MINUTE_US);
	for (int n = 0; n < 20; n++)
		tally_count(&tally, TALLY_EXCEPTION, 300000, MINUTE_US);
	/* A silent one has no turnaround. */
	tally_count(&tally, TALLY_TIMEOUT, 5, MINUTE_US);
	tally_hour(&tally, MINUTE_US, &hour);
	assert_in_range(tally_turnaround_us(&hour, 500), 11314, 16000);
	assert_in_range(tally_turnaround_us(&hour, 990), 256000, 362039);
	assert_true(tally_turnaround_us(&hour, 1) > 11314);
	/* Past a second it is a second. */
	tally_count(&tally, TALLY_GOOD, INT64_C(7000000), MINUTE_US);
	tally_hour(&tally, MINUTE_US, &hour);
	assert_int_equal(tally_turnaround_us(&hour, 1000), 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_is_unknown_not_zero),
		cmocka_unit_test(every_end_is_counted_for_what_it_is),
		cmocka_unit_test(an_hour_forgets_by_quarters_and_the_total_never),
		cmocka_unit_test(percentiles_are_near_the_exact_ones),
		cmocka_unit_test(a_slow_hundredth_shows_in_p99_and_not_in_p50),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
