/* Money: exact, floored, never wrapped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/money.h"
#include "tests/unit/random.h"

static void energy_is_priced_exactly(void **state)
{
	/* Public price sheets (facts/prepaid.md): kWh, price, what it must come to. */
	static const struct {
		const char *sentence;
		int64_t wh, price_micro, nano;
	} cases[] = {
		{"Zhejiang, first block whole: 2,760 kWh at 0.538 is 1,484.88", 2760000, 538000,
		 INT64_C(1484880000000)},
		{"Zhejiang, one kWh of the second block: 0.588", 1000, 588000, 588000000},
		{"Zhejiang, second block whole: 2,040 kWh at 0.588 is 1,199.52", 2040000, 588000,
		 INT64_C(1199520000000)},
		{"GB cap: 300 kWh at 24.92 p is 74.76 GBP", 300000, 249200, INT64_C(74760000000)},
		{"STEG: 200 kWh at 0.195 DT is 39 DT", 200000, 195000, INT64_C(39000000000)},
		{"one Wh at a millionth per kWh is a billionth", 1, 1, 1},
		{"nothing used costs nothing", 0, 538000, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t nano = -1;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(money_energy_nano(cases[i].wh, cases[i].price_micro, &nano), 0);
		assert_int_equal(nano, cases[i].nano);
	}
}

static void minor_units_are_floored(void **state)
{
	static const struct {
		const char *sentence;
		int64_t nano;
		int digits;
		int64_t minor;
	} cases[] = {
		{"1.999 is 1.99", 1999000000, 2, 199},
		{"a billionth is nothing to show", 1, 2, 0},
		{"a billionth owed is a cent owed", -1, 2, -1},
		{"-1.00 exactly stays", -1000000000, 2, -100},
		{"-1.000000001 is -1.01", -1000000001, 2, -101},
		{"a currency without cents", 1999000000, 0, 1},
		{"three digits", 1999900000, 3, 1999},
		{"the least amount there is", INT64_MIN, 9, INT64_MIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(money_floor_minor(cases[i].nano, cases[i].digits), cases[i].minor);
	}
}

static void overflow_is_refused(void **state)
{
	int64_t nano = 77;

	(void)state;
	assert_int_equal(money_add(INT64_MAX, 1, &nano), -ERANGE);
	assert_int_equal(money_subtract(INT64_MIN, 1, &nano), -ERANGE);
	assert_int_equal(money_energy_nano(INT64_MAX / 2, 3, &nano), -ERANGE);
	assert_int_equal(money_from_minor(INT64_MAX / 10000000 + 1, 2, &nano), -ERANGE);
	assert_int_equal(money_share(INT64_MAX, 2, 1, &nano), -ERANGE);
	assert_int_equal(money_share(1, 1, 0, &nano), -EINVAL);
	assert_int_equal(nano, 77);
	assert_int_equal(money_from_minor(INT64_MAX / 10000000, 2, &nano), 0);
	assert_int_equal(money_add(INT64_MAX, -1, &nano), 0);
	assert_int_equal(nano, INT64_MAX - 1);
}

static void shares_floor_and_leave_a_rest(void **state)
{
	struct random random = random_start("shares", 11);
	long rounds = random_rounds(200000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		int64_t total = random_between(&random, -1000000000, 1000000000);
		int64_t whole = random_between(&random, 1, 100000);
		int64_t part = random_between(&random, 0, whole);
		int64_t share;

		assert_int_equal(money_share(total, part, whole, &share), 0);
		/* The definition of a floor, without dividing. */
		assert_true(share * whole <= total * part);
		assert_true((share + 1) * whole > total * part);
	}
}

static void minor_units_go_there_and_back(void **state)
{
	struct random random = random_start("minor units", 12);
	long rounds = random_rounds(100000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		int digits = (int)random_between(&random, 0, 4);
		int64_t minor = random_between(&random, -1000000000, 1000000000);
		int64_t nano;

		assert_int_equal(money_from_minor(minor, digits, &nano), 0);
		assert_int_equal(money_floor_minor(nano, digits), minor);
		assert_int_equal(money_floor_minor(nano - 1, digits), minor - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(energy_is_priced_exactly),
		cmocka_unit_test(minor_units_are_floored),
		cmocka_unit_test(overflow_is_refused),
		cmocka_unit_test(shares_floor_and_leave_a_rest),
		cmocka_unit_test(minor_units_go_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
