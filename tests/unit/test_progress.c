/* What the power says of the register's next step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/progress.h"

#define SECOND INT64_C(1000000)

/* A register of 10 Wh that was seen at 5000 Wh; what flows then is read every so many seconds. */
static void the_next_step_is_foreseen_by_the_power(void **state)
{
	static const struct {
		const char *sentence;
		int64_t power_w, every_s;
		int reads;
		int64_t last_wh;
		bool known;
		int64_t left_uwh;
	} cases[] = {
		{"just seen: all of it", 1800, 4, 0, 5000, true, 10000000},
		{"1800 W for 4 s are 2 Wh", 1800, 4, 1, 5000, true, 8000000},
		{"for 12 s 6", 1800, 4, 3, 5000, true, 4000000},
		{"for 20 s 10: now", 1800, 4, 5, 5000, true, 0},
		{"for 36 s 18: still", 1800, 4, 9, 5000, true, 0},
		{"for 40 s 20: it does not follow the power", 1800, 4, 10, 5000, false, 0},
		{"it has moved: from the beginning", 1800, 4, 6, 5010, true, 10000000},
		{"nothing flows: nothing comes", 0, 4, 9, 5000, true, 10000000},
		{"what flows backward counts for nothing", -1800, 4, 9, 5000, true, 10000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct progress progress = {0};
		int64_t at_us = SECOND, left_uwh = -1;

		print_message("%s\n", cases[i].sentence);
		assert_false(progress_foresees(&progress, 10, &left_uwh));
		(void)progress_step(&progress, 5000, true, cases[i].power_w, 10, at_us);
		for (int n = 1; n <= cases[i].reads; n++) {
			at_us += cases[i].every_s * SECOND;
			(void)progress_step(&progress,
					    n == cases[i].reads ? cases[i].last_wh : 5000, true,
					    cases[i].power_w, 10, at_us);
		}
		assert_int_equal(progress_foresees(&progress, 10, &left_uwh), cases[i].known);
		if (cases[i].known)
			assert_int_equal(left_uwh, cases[i].left_uwh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_step_is_foreseen_by_the_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
