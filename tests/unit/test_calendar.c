/* Calendar: local dates, 23- and 25-hour days, skipped midnights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "concentrator/rules/calendar.h"
#include "tests/unit/random.h"

static const struct offset_table utc = {0};
static const struct offset_table shanghai = {.count = 1, .transition = {{INT64_MIN, 28800}}};

/* Berlin: 2026-03-29 01:00 UTC to summer, 2026-10-25 01:00 UTC back. */
#define BERLIN_SPRING INT64_C(1774746000)
#define BERLIN_AUTUMN INT64_C(1792890000)
static const struct offset_table berlin = {
	.count = 3,
	.transition = {{INT64_MIN, 3600}, {BERLIN_SPRING, 7200}, {BERLIN_AUTUMN, 3600}}};

/* Sao Paulo 2018-11-04: at midnight, 03:00 UTC, clocks went to 01:00; the day began at 01:00. */
#define SAO_PAULO_SPRING INT64_C(1541300400)
static const struct offset_table sao_paulo = {
	.count = 2, .transition = {{INT64_MIN, -10800}, {SAO_PAULO_SPRING, -7200}}};

/* Apia left out 2011-12-30: at 2011-12-30 10:00 UTC from -10 to +14. */
#define APIA_JUMP INT64_C(1325239200)
static const struct offset_table apia = {.count = 2,
					 .transition = {{INT64_MIN, -36000}, {APIA_JUMP, 50400}}};

static void dates_agree_with_the_c_library(void **state)
{
	struct random random = random_start("dates", 21);
	long rounds = random_rounds(200000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		int64_t at_s = random_between(&random, CALENDAR_S_MIN, CALENDAR_S_MAX);
		struct civil civil = calendar_local(&utc, at_s);
		time_t t = at_s;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(civil.year, tm.tm_year + 1900);
		assert_int_equal(civil.month, tm.tm_mon + 1);
		assert_int_equal(civil.day, tm.tm_mday);
		assert_int_equal(civil.hour, tm.tm_hour);
		assert_int_equal(civil.minute, tm.tm_min);
		assert_int_equal(civil.second, tm.tm_sec);
		assert_int_equal(civil.weekday, tm.tm_wday == 0 ? 7 : tm.tm_wday);
		assert_int_equal(calendar_day_number(civil.year, civil.month, civil.day),
				 calendar_day(&utc, at_s));
	}
}

static void days_begin_where_the_zone_says(void **state)
{
	static const struct {
		const char *sentence;
		const struct offset_table *zone;
		int64_t at_s, start_s, next_s;
	} cases[] = {
		{"an ordinary day in Shanghai begins at 16:00 UTC", &shanghai, 1767225600,
		 1767196800, 1767283200},
		{"midnight itself belongs to the day it begins", &shanghai, 1767196800, 1767196800,
		 1767283200},
		{"the second before midnight belongs to the day before", &shanghai, 1767196799,
		 1767110400, 1767196800},
		{"the spring day in Berlin has 23 hours", &berlin, BERLIN_SPRING,
		 BERLIN_SPRING - 7200, BERLIN_SPRING - 7200 + 23 * 3600},
		{"the autumn day in Berlin has 25 hours", &berlin, BERLIN_AUTUMN,
		 BERLIN_AUTUMN - 10800, BERLIN_AUTUMN - 10800 + 25 * 3600},
		{"before the autumn hour is repeated the next midnight is 25 hours off too",
		 &berlin, BERLIN_AUTUMN - 10800, BERLIN_AUTUMN - 10800,
		 BERLIN_AUTUMN - 10800 + 25 * 3600},
		{"where midnight is skipped the day begins at 01:00", &sao_paulo,
		 SAO_PAULO_SPRING + 3600, SAO_PAULO_SPRING, SAO_PAULO_SPRING + 23 * 3600},
		{"the evening before ends at the skipped midnight", &sao_paulo,
		 SAO_PAULO_SPRING - 60, SAO_PAULO_SPRING - 86400, SAO_PAULO_SPRING},
		{"a date left out by its country never begins", &apia, APIA_JUMP - 60,
		 APIA_JUMP - 86400, APIA_JUMP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(calendar_day_start_s(cases[i].zone, cases[i].at_s),
				 cases[i].start_s);
		assert_int_equal(calendar_next_midnight_s(cases[i].zone, cases[i].at_s),
				 cases[i].next_s);
	}
}

static void clocks_show_the_repeated_hour_twice(void **state)
{
	struct civil first = calendar_local(&berlin, BERLIN_AUTUMN - 1800);
	struct civil second = calendar_local(&berlin, BERLIN_AUTUMN + 1800);

	(void)state;
	assert_int_equal(first.hour, 2);
	assert_int_equal(second.hour, 2);
	assert_int_equal(first.minute, 30);
	assert_int_equal(second.minute, 30);
	assert_int_equal(calendar_local(&berlin, BERLIN_SPRING - 1).hour, 1);
	assert_int_equal(calendar_local(&berlin, BERLIN_SPRING).hour, 3);
}

static void days_tile_time(void **state)
{
	static const struct offset_table *const zones[] = {&utc, &shanghai, &berlin, &sao_paulo,
							   &apia};
	struct random random = random_start("days", 22);
	long rounds = random_rounds(20000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		const struct offset_table *zone = zones[i % 5];
		int64_t at_s = random_between(&random, 1300000000, 1800000000);
		int64_t start_s = calendar_day_start_s(zone, at_s);
		int64_t next_s = calendar_next_midnight_s(zone, at_s);

		assert_true(start_s <= at_s && at_s < next_s);
		assert_int_equal(calendar_day(zone, start_s), calendar_day(zone, at_s));
		assert_int_equal(calendar_day(zone, next_s - 1), calendar_day(zone, at_s));
		assert_true(calendar_day(zone, next_s) > calendar_day(zone, at_s));
		assert_true(calendar_day(zone, start_s - 1) < calendar_day(zone, at_s));
		assert_int_equal(calendar_day_start_s(zone, next_s), next_s);
	}
}

static void foreign_times_can_be_asked_about(void **state)
{
	(void)state;
	assert_true(calendar_covers(0));
	assert_true(calendar_covers(CALENDAR_S_MIN));
	assert_true(calendar_covers(CALENDAR_S_MAX));
	assert_false(calendar_covers(CALENDAR_S_MAX + 1));
	assert_false(calendar_covers(INT64_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_agree_with_the_c_library),
		cmocka_unit_test(days_begin_where_the_zone_says),
		cmocka_unit_test(clocks_show_the_repeated_hour_twice),
		cmocka_unit_test(days_tile_time),
		cmocka_unit_test(foreign_times_can_be_asked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
