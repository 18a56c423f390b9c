/* test_zone.c - offset tables against the published dates of daylight saving time. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/platform/zone.h"

#define ROWS_MAX 8
#define HOUR_S   3600

struct zone_case {
	const char *sentence;
	const char *zone;
	int64_t from_s;
	int64_t to_s;
	size_t count;
	struct zone_transition expected[ROWS_MAX];
};

/* Years begin at 00:00 UTC. The instants of change are those of the laws: EU directive 2000/84/EC (01:00 UTC on the
 * last Sundays of March and October), US Energy Policy Act of 2005 (02:00 local), China 1991. */
static const struct zone_case zone_cases[] = {
	{"Berlin 2026: an hour forward on 29 March, back on 25 October",
	 "Europe/Berlin",
	 1767225600,
	 1798761600,
	 3,
	 {{1767225600, 3600}, {1774746000, 7200}, {1792890000, 3600}}},
	{"Shanghai 2026: one offset all year",
	 "Asia/Shanghai",
	 1767225600,
	 1798761600,
	 1,
	 {{1767225600, 28800}}},
	{"Shanghai 1991: the last summer time",
	 "Asia/Shanghai",
	 662688000,
	 694224000,
	 3,
	 {{662688000, 28800}, {671565600, 32400}, {684867600, 28800}}},
	{"New York 2026: forward on 8 March, back on 1 November",
	 "America/New_York",
	 1767225600,
	 1798761600,
	 3,
	 {{1767225600, -18000}, {1772953200, -14400}, {1793512800, -18000}}},
	{"Lord Howe 2026: half an hour is a change too",
	 "Australia/Lord_Howe",
	 1767225600,
	 1798761600,
	 3,
	 {{1767225600, 39600}, {1775314800, 37800}, {1791041400, 39600}}},
	{"a period that ends at the change does not see it",
	 "Europe/Berlin",
	 1774746000 - 10,
	 1774746000,
	 1,
	 {{1774746000 - 10, 3600}}},
	{"a period that ends a second later does",
	 "Europe/Berlin",
	 1774746000 - 10,
	 1774746001,
	 2,
	 {{1774746000 - 10, 3600}, {1774746000, 7200}}},
	{"a period that begins at the change has the new offset alone",
	 "Europe/Berlin",
	 1774746000,
	 1774746000 + 86400,
	 1,
	 {{1774746000, 7200}}},
};

static void test_transitions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(zone_cases) / sizeof(zone_cases[0]); i++) {
		const struct zone_case *c = &zone_cases[i];
		struct zone_transition rows[ROWS_MAX];
		size_t count = 0;

		print_message("%s\n", c->sentence);
		assert_int_equal(zone_set(c->zone), 0);
		assert_int_equal(zone_transitions(c->from_s, c->to_s, ROWS_MAX, rows, &count), 0);
		assert_int_equal(count, c->count);
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(rows[k].from_s, c->expected[k].from_s);
			assert_int_equal(rows[k].offset_s, c->expected[k].offset_s);
		}
	}
}

/* The change is looked for by halves, which must meet it wherever they begin. */
static void test_change_is_found_to_the_second(void **state)
{
	(void)state;
	assert_int_equal(zone_set("Europe/Berlin"), 0);
	for (int64_t before_s = 1; before_s <= 1000; before_s++) {
		struct zone_transition rows[2];
		size_t count = 0;

		assert_int_equal(
			zone_transitions(1774746000 - before_s, 1774746000 + 1000, 2, rows, &count),
			0);
		assert_int_equal(count, 2);
		assert_int_equal(rows[1].from_s, 1774746000);
	}
}

static int64_t local_s(const struct zone_transition *rows, size_t count, int64_t at_s)
{
	int32_t offset_s = 0;

	for (size_t i = 0; i < count && rows[i].from_s <= at_s; i++)
		offset_s = rows[i].offset_s;
	return at_s + offset_s;
}

/* Two instants that are local midnights one date apart. */
static void test_long_and_short_days(void **state)
{
	static const struct {
		const char *sentence;
		const char *zone;
		int64_t midnight_s;
		int64_t next_midnight_s;
		int hours;
	} cases[] = {
		{"Berlin, 29 March 2026 has 23 hours", "Europe/Berlin", 1774738800, 1774821600, 23},
		{"Berlin, 25 October 2026 has 25 hours", "Europe/Berlin", 1792879200, 1792969200,
		 25},
		{"New York, 8 March 2026 has 23 hours", "America/New_York", 1772946000, 1773028800,
		 23},
		{"New York, 1 November 2026 has 25 hours", "America/New_York", 1793505600,
		 1793595600, 25},
		{"Shanghai, 29 March 2026 has 24 hours", "Asia/Shanghai", 1774713600, 1774800000,
		 24},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct zone_transition rows[ROWS_MAX];
		size_t count = 0;
		int64_t first_s, second_s;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(zone_set(cases[i].zone), 0);
		assert_int_equal(zone_transitions(1767225600, 1798761600, ROWS_MAX, rows, &count),
				 0);
		first_s = local_s(rows, count, cases[i].midnight_s);
		second_s = local_s(rows, count, cases[i].next_midnight_s);
		assert_int_equal(first_s % 86400, 0);
		assert_int_equal(second_s - first_s, 86400);
		assert_int_equal(cases[i].next_midnight_s - cases[i].midnight_s,
				 cases[i].hours * HOUR_S);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *sentence;
		const char *name;
		int result;
	} cases[] = {
		{"a zone of the system", "Asia/Shanghai", 0},
		{"a zone in two folders", "America/Argentina/Buenos_Aires", 0},
		{"a zone with a plus", "Etc/GMT+8", 0},
		{"a zone that nobody has", "Asia/Atlantis", -ENOENT},
		{"glibc would quietly take UTC", "Nonsense", -ENOENT},
		{"a folder is no zone", "Europe", -ENOENT},
		{"a table is no zone", "tzdata.zi", -EINVAL},
		{"another file of the folder", "leapseconds", -ENOENT},
		{"a way out of the folder", "../../../etc/passwd", -EINVAL},
		{"an absolute path", "/etc/localtime", -EINVAL},
		{"a POSIX rule", "CET-1CEST,M3.5.0,M10.5.0/3", -EINVAL},
		{"nothing", "", -EINVAL},
		{"a slash at the end", "Europe/", -EINVAL},
		{"two slashes", "Europe//Berlin", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s: %s\n", cases[i].sentence, cases[i].name);
		assert_int_equal(zone_check(cases[i].name), cases[i].result);
	}
}

static void test_refused_zone_changes_nothing(void **state)
{
	struct zone_transition row;
	size_t count;

	(void)state;
	assert_int_equal(zone_set("Asia/Shanghai"), 0);
	assert_int_equal(zone_set("Asia/Atlantis"), -ENOENT);
	assert_int_equal(zone_transitions(1767225600, 1767225601, 1, &row, &count), 0);
	assert_int_equal(row.offset_s, 28800);
}

static void test_periods(void **state)
{
	struct zone_transition rows[ROWS_MAX];
	size_t count = 77;

	(void)state;
	assert_int_equal(zone_set("Europe/Berlin"), 0);
	assert_int_equal(zone_transitions(10, 10, ROWS_MAX, rows, &count), -EINVAL);
	assert_int_equal(zone_transitions(10, 9, ROWS_MAX, rows, &count), -EINVAL);
	assert_int_equal(zone_transitions(INT64_MIN, INT64_MAX, ROWS_MAX, rows, &count), -EINVAL);
	assert_int_equal(zone_transitions(0, INT64_C(101) * 366 * 86400, ROWS_MAX, rows, &count),
			 -EINVAL);
	assert_int_equal(zone_transitions(1767225600, 1798761600, 2, rows, &count), -ENOBUFS);
	assert_int_equal(zone_transitions(1767225600, 1798761600, 0, rows, &count), -ENOBUFS);
	assert_int_equal(count, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_change_is_found_to_the_second),
		cmocka_unit_test(test_long_and_short_days),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused_zone_changes_nothing),
		cmocka_unit_test(test_periods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
