/* How long the messenger waits: full jitter, and Retry-After in both forms. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uplink/backoff.h"
#include "uplink/retry_after.h"

#define S INT64_C(1000000)

/* The ceilings of base 30 s and cap 300 s, drawn at their upper end. */
static void the_ceiling_doubles_to_the_cap_and_starts_again(void **state)
{
	static const int64_t ceilings_s[] = {30, 60, 120, 240, 300, 300, 300};
	struct backoff backoff = {.base_us = 30 * S, .cap_us = 300 * S};

	(void)state;
	for (size_t i = 0; i < sizeof(ceilings_s) / sizeof(ceilings_s[0]); i++)
		assert_int_equal(backoff_next_us(&backoff, UINT64_MAX), ceilings_s[i] * S);
	backoff_reset(&backoff);
	assert_int_equal(backoff_next_us(&backoff, UINT64_MAX), 30 * S);
}

static void the_wait_is_drawn_evenly_from_nothing(void **state)
{
	struct backoff backoff = {.base_us = 100 * S, .cap_us = 100 * S};

	(void)state;
	assert_int_equal(backoff_next_us(&backoff, 0), BACKOFF_LEAST_US);
	for (uint64_t tenth = 1; tenth < 10; tenth++) {
		int64_t wait_us = backoff_next_us(&backoff, UINT64_MAX / 10 * tenth);

		assert_in_range(wait_us, (uint64_t)(tenth * 10 * S) - 2,
				(uint64_t)(tenth * 10 * S) + 2);
	}
}

static void failures_without_end_stay_at_the_cap(void **state)
{
	struct backoff backoff = {
		.base_us = 1 * S, .cap_us = INT64_C(86400) * S, .failures = UINT32_MAX};

	(void)state;
	assert_int_equal(backoff_next_us(&backoff, UINT64_MAX), 86400 * S);
	assert_int_equal(backoff.failures, UINT32_MAX);
}

static void unwelcome_waits_between_half_the_cap_and_the_cap(void **state)
{
	struct backoff backoff = {.base_us = 30 * S, .cap_us = 300 * S};

	(void)state;
	assert_int_equal(backoff_slow_us(&backoff, 0), 150 * S);
	assert_int_equal(backoff_slow_us(&backoff, UINT64_MAX), 300 * S);
}

static void a_named_time_is_kept_up_to_an_hour(void **state)
{
	struct backoff backoff = {.base_us = 30 * S, .cap_us = 300 * S};

	(void)state;
	assert_int_equal(backoff_named_us(&backoff, 120, 0), 120 * S);
	assert_int_equal(backoff_named_us(&backoff, 120, UINT64_MAX), 150 * S);
	assert_int_equal(backoff_named_us(&backoff, INT64_MAX, 0), 3600 * S);
	assert_int_equal(backoff_named_us(&backoff, -5, 0), BACKOFF_LEAST_US);
}

static void retry_after_is_read_in_both_forms(void **state)
{
	static const struct {
		const char *sentence, *retry_after, *date;
		int r;
		int64_t s;
	} rows[] = {
		{"no header", NULL, "Sun, 06 Nov 1994 08:49:37 GMT", -ENODATA, 0},
		{"seconds need no date", "120", NULL, 0, 120},
		{"nothing to wait for", "0", NULL, 0, 0},
		{"blanks around", " 7 ", NULL, 0, 7},
		{"more than a number can hold", "99999999999999999999", NULL, -EBADMSG, 0},
		{"a unit", "120s", NULL, -EBADMSG, 0},
		{"negative", "-1", NULL, -EBADMSG, 0},
		{"a fraction", "1.5", NULL, -EBADMSG, 0},
		{"empty", "", "Sun, 06 Nov 1994 08:49:37 GMT", -EBADMSG, 0},
		{"a date against the answer's own", "Sun, 06 Nov 1994 08:51:37 GMT",
		 "Sun, 06 Nov 1994 08:49:37 GMT", 0, 120},
		{"a date across the new year", "Sun, 01 Jan 1995 00:00:30 GMT",
		 "Sat, 31 Dec 1994 23:59:30 GMT", 0, 60},
		{"a date gone by", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:51:37 GMT",
		 0, 0},
		{"a date without one to measure it against", "Sun, 06 Nov 1994 08:51:37 GMT", NULL,
		 -EBADMSG, 0},
		{"a date that is none", "tomorrow", "Sun, 06 Nov 1994 08:49:37 GMT", -EBADMSG, 0},
		{"measured against what is no date", "Sun, 06 Nov 1994 08:51:37 GMT", "now",
		 -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t s = 0;
		int r = retry_after_parse(rows[i].retry_after, rows[i].date, &s);

		if (r != rows[i].r || s != rows[i].s)
			fail_msg("%s: %d, %lld s", rows[i].sentence, r, (long long)s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ceiling_doubles_to_the_cap_and_starts_again),
		cmocka_unit_test(the_wait_is_drawn_evenly_from_nothing),
		cmocka_unit_test(failures_without_end_stay_at_the_cap),
		cmocka_unit_test(unwelcome_waits_between_half_the_cap_and_the_cap),
		cmocka_unit_test(a_named_time_is_kept_up_to_an_hour),
		cmocka_unit_test(retry_after_is_read_in_both_forms),
	};

	return cmocka_run_group_tests_name("uplink_backoff", tests, NULL, NULL);
}
