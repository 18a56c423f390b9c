/* S7: no mass cut by mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/mass_cut.h"

#define SECOND INT64_C(1000000)

static const struct mass_cut_policy policy = {
	.minimum = 3, .percent = 10, .window_us = 600 * SECOND, .change_hold_us = 3600 * SECOND};

static void three_rooms_go_the_fourth_waits(void **state)
{
	struct mass_cut guard = {0};

	(void)state;
	for (int64_t i = 0; i < 3; i++)
		assert_false(mass_cut_held(&guard, &policy, 20, 1, 1, i * SECOND));
	assert_true(mass_cut_held(&guard, &policy, 20, 1, 1, 4 * SECOND));
	assert_int_equal(guard.held, MASS_CUT_MANY);
	assert_int_equal(guard.held_us, 4 * SECOND);
	/* Long after the window it still waits for a person. */
	assert_true(mass_cut_held(&guard, &policy, 20, 1, 0, 100000 * SECOND));
	mass_cut_confirm(&guard);
	assert_false(mass_cut_held(&guard, &policy, 20, 1, 0, 100000 * SECOND));
}

static void ten_percent_of_a_large_building_may_go(void **state)
{
	struct mass_cut guard = {0};

	(void)state;
	assert_false(mass_cut_held(&guard, &policy, 64, 6, 6, 0));
	assert_true(mass_cut_held(&guard, &policy, 64, 7, 1, 1));
}

static void rooms_spread_over_time_go(void **state)
{
	struct mass_cut guard = {0};

	(void)state;
	for (int64_t i = 0; i < 1000; i++)
		assert_false(mass_cut_held(&guard, &policy, 20, 1, 1, i * 200 * SECOND));
	/* 200 s apart a window of 600 s holds three; 199 s apart it holds four. */
	guard = (struct mass_cut){0};
	for (int64_t i = 0; i < 3; i++)
		assert_false(mass_cut_held(&guard, &policy, 20, 1, 1, i * 199 * SECOND));
	assert_true(mass_cut_held(&guard, &policy, 20, 1, 1, 3 * 199 * SECOND));
}

static void after_a_change_any_cut_waits(void **state)
{
	struct mass_cut guard = {0};

	(void)state;
	mass_cut_change(&guard, 0);
	assert_false(mass_cut_held(&guard, &policy, 20, 0, 0, SECOND));
	assert_true(mass_cut_held(&guard, &policy, 20, 1, 1, 2 * SECOND));
	assert_int_equal(guard.held, MASS_CUT_CHANGE);
	/* Recharged: nobody is due, the guard lets go. */
	assert_false(mass_cut_held(&guard, &policy, 20, 0, 0, 3 * SECOND));
	assert_int_equal(guard.held, MASS_CUT_NONE);
	/* An hour after the change cuts go again. */
	assert_true(mass_cut_held(&guard, &policy, 20, 1, 1, 3599 * SECOND));
	guard.held = MASS_CUT_NONE;
	assert_false(mass_cut_held(&guard, &policy, 20, 1, 0, 3600 * SECOND));
}

static void more_rooms_than_the_window_holds_are_many(void **state)
{
	struct mass_cut guard = {0};

	(void)state;
	assert_false(mass_cut_held(&guard, &policy, 100000, MASS_CUT_WINDOW_MAX,
				   MASS_CUT_WINDOW_MAX, 0));
	assert_true(mass_cut_held(&guard, &policy, 100000, 1, 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_rooms_go_the_fourth_waits),
		cmocka_unit_test(ten_percent_of_a_large_building_may_go),
		cmocka_unit_test(rooms_spread_over_time_go),
		cmocka_unit_test(after_a_change_any_cut_waits),
		cmocka_unit_test(more_rooms_than_the_window_holds_are_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
