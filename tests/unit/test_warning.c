/* Warning levels: each crossing is told once, and again after a recharge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/warning.h"

static const struct warning_levels levels = {.count = 3, .at = {20, 10, 5}};

static void a_crossing_is_told_once_until_a_recharge(void **state)
{
	static const struct {
		const char *sentence;
		int64_t value;
		bool recharged;
		size_t said;
	} steps[] = {
		{"above all", 21, false, 0},
		{"at the first", 20, false, 1},
		{"below it, told already", 15, false, 0},
		{"above it without a recharge: it stays told", 25, false, 0},
		{"so it is not told again", 19, false, 0},
		{"two at once say the lower one", 4, false, 3},
		{"still there", 1, false, 0},
		{"a recharge above the lowest alone", 7, true, 0},
		{"the lowest is told again, the others are not", 5, false, 3},
		{"a recharge above all", 30, true, 0},
		{"all may be told again", 20, false, 1},
		{"the next", 10, false, 2},
		{"a recharge that does not reach", 9, true, 0},
	};
	uint32_t told = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].recharged)
			(void)warning_rearm(&told, &levels, steps[i].value);
		size_t said = warning_step(&told, &levels, steps[i].value);
		if (said != steps[i].said)
			fail_msg("%s: %zu", steps[i].sentence, said);
	}
}

static void without_levels_nothing_is_told(void **state)
{
	static const struct warning_levels none = {0};
	uint32_t told = 0;
	(void)state;
	assert_int_equal(warning_step(&told, &none, INT64_MIN), 0);
	assert_false(warning_rearm(&told, &none, INT64_MAX));
	assert_int_equal(told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crossing_is_told_once_until_a_recharge),
		cmocka_unit_test(without_levels_nothing_is_told),
	};
	return cmocka_run_group_tests_name("warning", tests, NULL, NULL);
}
