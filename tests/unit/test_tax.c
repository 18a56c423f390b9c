/* Tax: to the nano, however finely it is settled. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "concentrator/rules/tax.h"
#include "tests/unit/random.h"

static void a_day_of_minutes_bears_the_tax_of_a_day(void **state)
{
	struct tax_carry minutes = {0}, day = {0};

	(void)state;
	/* 7 Wh a minute at 0.538001: 3766007 nano, 13 % of which is 489580.91. */
	for (int i = 0; i < 1440; i++)
		assert_int_equal(tax_add(&minutes, 3766007, 130000), 0);
	assert_int_equal(tax_add(&day, INT64_C(1440) * 3766007, 130000), 0);
	assert_int_equal(minutes.nano, 704996510); /* 704996510.4 */
	assert_int_equal(minutes.rest, 400000);
	assert_int_equal(minutes.nano, day.nano);
	assert_int_equal(minutes.rest, day.rest);
}

static void the_parts_bear_the_tax_of_the_whole_over_a_change_of_rate(void **state)
{
	struct random random = random_start("tax", 41);

	(void)state;
	for (long round = 0; round < random_rounds(2000); round++) {
		struct tax_carry parts = {0}, whole = {0};

		for (int rate = 0; rate < 3; rate++) {
			int32_t ppm = (int32_t)random_between(&random, 0, TAX_RATE_MAX);
			int64_t sum = 0;

			for (int i = 0; i < 20; i++) {
				int64_t amount = random_between(&random, -1000, 1000000000);

				sum += amount;
				assert_int_equal(tax_add(&parts, amount, ppm), 0);
				assert_in_range(parts.rest, 0, TAX_PPM - 1);
			}
			assert_int_equal(tax_add(&whole, sum, ppm), 0);
		}
		assert_int_equal(parts.nano, whole.nano);
		assert_int_equal(parts.rest, whole.rest);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	struct tax_carry carry = {.nano = INT64_MAX - 5, .rest = 7};

	(void)state;
	assert_int_equal(tax_add(&carry, 100, TAX_RATE_MAX), -ERANGE);
	assert_int_equal(carry.nano, INT64_MAX - 5);
	assert_int_equal(carry.rest, 7);
	assert_int_equal(tax_add(&carry, 5, TAX_RATE_MAX), 0);
	assert_int_equal(carry.nano, INT64_MAX);
}

static void of_a_gross_amount_net_is_rounded_down(void **state)
{
	static const struct {
		int64_t gross, net;
		int32_t ppm;
	} cases[] = {
		{113, 100, 130000},
		{112, 99, 130000},
		{1, 0, 130000},
		{0, 0, 130000},
		{100, 100, 0},
		{7, 3, 1000000},
		{INT64_MAX, 4611686018427387903, 1000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(tax_net_nano(cases[i].gross, cases[i].ppm), cases[i].net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_of_minutes_bears_the_tax_of_a_day),
		cmocka_unit_test(the_parts_bear_the_tax_of_the_whole_over_a_change_of_rate),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(of_a_gross_amount_net_is_rounded_down),
	};

	return cmocka_run_group_tests_name("tax", tests, NULL, NULL);
}
