/* Protected hours: by the local clock, with special days, staged, and with extra time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/protect.h"

#define HOUR 3600

/* Shanghai. */
static const struct offset_table shanghai = {.count = 1,
					     .transition = {{.from_s = 0, .offset_s = 8 * HOUR}}};

static int64_t local_s(int32_t month, int32_t day, int32_t hour, int32_t minute)
{
	return calendar_day_number(2026, month, day) * CALENDAR_DAY_S + hour * HOUR + minute * 60 -
	       8 * HOUR;
}

/* Weekday evenings and nights; the Sunday whole; Christmas Eve too, and not on 1 May or one Monday. */
static const struct protect_rules rules = {
	.extra_s = 0,
	.count = 2,
	.rule = {{.first_day = INT64_MIN,
		  .last_day = INT64_MAX,
		  .weekdays = 0x1f,
		  .hours_count = 1,
		  .hours = {{20 * 60, 8 * 60}},
		  .date_count = 3,
		  .date = {{0, 12, 24, false}, {0, 5, 1, true}, {2026, 3, 2, true}}},
		 {.first_day = INT64_MIN,
		  .last_day = INT64_MAX,
		  .weekdays = 0x40,
		  .hours_count = 1,
		  .hours = {{0, 1440}}}}};

static void hours_protect_by_the_local_clock(void **state)
{
	static const struct {
		const char *sentence;
		int32_t month, day, hour, minute;
		int32_t until_day, until_hour; /* 0: not protected */
	} cases[] = {
		{"a Monday at noon", 1, 5, 12, 0, 0, 0},
		{"a minute before the evening", 1, 5, 19, 59, 0, 0},
		{"the evening", 1, 5, 20, 0, 6, 8},
		{"past midnight", 1, 6, 3, 0, 6, 8},
		{"its last minute", 1, 6, 7, 59, 6, 8},
		{"its end", 1, 6, 8, 0, 0, 0},
		{"Friday night ends on Saturday", 1, 9, 23, 0, 10, 8},
		{"Saturday evening is not", 1, 10, 21, 0, 0, 0},
		{"Sunday, up to Monday", 1, 11, 9, 0, 12, 0},
		{"early on Monday: Sunday evening was none of its", 1, 12, 5, 0, 0, 0},
		{"1 May, a Friday, is an exception", 5, 1, 21, 0, 0, 0},
		{"and the night before it protects its morning", 5, 1, 7, 0, 1, 8},
		{"the one Monday", 3, 2, 22, 0, 0, 0},
		{"the next one", 3, 9, 22, 0, 10, 8},
		{"Christmas Eve, a Thursday anyway", 12, 24, 21, 0, 25, 8},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t at = local_s(cases[i].month, cases[i].day, cases[i].hour, cases[i].minute);
		int64_t got = protect_until_s(&rules, &shanghai, at);
		int64_t wanted = cases[i].until_day == 0
					 ? 0
					 : local_s(cases[i].month, cases[i].until_day,
						   cases[i].until_hour, 0);
		if (got != wanted)
			fail_msg("%s: %lld", cases[i].sentence, (long long)(got - at));
		if (got != 0)
			assert_int_equal(protect_until_s(&rules, &shanghai, at + 59), got);
	}
}

static void extra_time_follows_and_joins_what_is_near(void **state)
{
	struct protect_rules extra = rules;
	(void)state;
	extra.extra_s = 2 * HOUR;
	assert_int_equal(protect_until_s(&extra, &shanghai, local_s(1, 6, 3, 0)),
			 local_s(1, 6, 10, 0));
	assert_int_equal(protect_until_s(&extra, &shanghai, local_s(1, 6, 9, 59)),
			 local_s(1, 6, 10, 0));
	assert_int_equal(protect_until_s(&extra, &shanghai, local_s(1, 6, 10, 0)), 0);
	assert_int_equal(protect_until_s(&extra, &shanghai, local_s(1, 6, 19, 0)), 0);
	/* Twelve hours of it: one night reaches the next. */
	extra.extra_s = 12 * HOUR;
	assert_int_equal(protect_until_s(&extra, &shanghai, local_s(1, 8, 21, 0)),
			 local_s(1, 10, 20, 0));
}

static void a_calendar_is_staged_by_its_days(void **state)
{
	struct protect_rules staged = {.count = 2, .rule = {rules.rule[0], rules.rule[1]}};
	(void)state;
	staged.rule[0].last_day = calendar_day_number(2026, 1, 6);
	staged.rule[1].first_day = calendar_day_number(2026, 1, 12);
	assert_int_equal(protect_until_s(&staged, &shanghai, local_s(1, 6, 21, 0)),
			 local_s(1, 7, 8, 0));
	assert_int_equal(protect_until_s(&staged, &shanghai, local_s(1, 7, 21, 0)), 0);
	assert_int_equal(protect_until_s(&staged, &shanghai, local_s(1, 11, 9, 0)), 0);
	assert_int_equal(protect_until_s(&staged, &shanghai, local_s(1, 18, 9, 0)),
			 local_s(1, 19, 0, 0));
}

/* London, 2026-10-25: 02:00 comes again; 2026-03-29: 01:00 to 02:00 is skipped. */
static void an_hour_that_comes_twice_protects_twice(void **state)
{
	static const struct offset_table london = {
		.count = 3,
		.transition = {{.from_s = 0, .offset_s = 0},
			       {.from_s = 1774746000, .offset_s = HOUR},
			       {.from_s = 1792890000, .offset_s = 0}}};
	static const struct protect_rules night = {.count = 1,
						   .rule = {{.first_day = INT64_MIN,
							     .last_day = INT64_MAX,
							     .weekdays = 0x7f,
							     .hours_count = 1,
							     .hours = {{60, 120}}}}};
	(void)state;
	assert_int_equal(protect_until_s(&night, &london, 1792890000 - HOUR), 1792890000 + HOUR);
	assert_int_equal(protect_until_s(&night, &london, 1792890000 - HOUR - 1), 0);
	assert_int_equal(protect_until_s(&night, &london, 1774746000), 0);
	assert_int_equal(protect_until_s(&night, &london, 1774746000 - 1), 0);
}

static void what_never_ends_is_looked_at_eight_days_ahead(void **state)
{
	static const struct protect_rules always = {.count = 1,
						    .rule = {{.first_day = INT64_MIN,
							      .last_day = INT64_MAX,
							      .weekdays = 0x7f,
							      .hours_count = 1,
							      .hours = {{0, 1440}}}}};
	static const struct protect_rules never = {0};
	int64_t at = local_s(1, 5, 12, 0);
	(void)state;
	assert_in_range(protect_until_s(&always, &shanghai, at) - at, 7 * CALENDAR_DAY_S,
			PROTECT_LOOK_AHEAD_S + 60);
	assert_int_equal(protect_until_s(&never, &shanghai, at), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hours_protect_by_the_local_clock),
		cmocka_unit_test(extra_time_follows_and_joins_what_is_near),
		cmocka_unit_test(a_calendar_is_staged_by_its_days),
		cmocka_unit_test(an_hour_that_comes_twice_protects_twice),
		cmocka_unit_test(what_never_ends_is_looked_at_eight_days_ahead),
	};
	return cmocka_run_group_tests_name("protect", tests, NULL, NULL);
}
