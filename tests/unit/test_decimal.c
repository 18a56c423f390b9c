/* test_decimal - what IIO drivers write, as integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "drivers/decimal.h"

static void attributes_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t nano;
	} cases[] = {
		{"0", 0, 0},
		{"4660", 0, 4660000000000},
		{"-17\n", 0, -17000000000},
		{"0.062500000", 0, 62500000},
		{"62.5", 0, 62500000000},
		{"-0.5", 0, -500000000},
		{".25", 0, 250000000},
		{"0.1234567899", 0, 123456789},
		{"9223372036", 0, 9223372036000000000},
		{"9223372037", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"", -EBADMSG, 0},
		{"-", -EBADMSG, 0},
		{".", -EBADMSG, 0},
		{"12 34", -EBADMSG, 0},
		{"1.2.3", -EBADMSG, 0},
		{"1e3", -EBADMSG, 0},
		{"nan", -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t nano = 0;

		assert_int_equal(decimal_parse_nano(cases[i].text, &nano), cases[i].r);
		assert_int_equal(nano, cases[i].nano);
	}
}

static void values_are_scaled_to_the_nearest(void **state)
{
	const int64_t one = DECIMAL_ONE;
	int64_t value = 0;

	(void)state;
	/* An ADS1115 at 0.0625 mV a step behind a divider of 1 : 790. */
	assert_int_equal(decimal_scale(4660 * one, 0, one / 16, 790000000, &value), 0);
	assert_int_equal(value, 230088); /* 291.25 x 790 = 230087.5 */
	assert_int_equal(decimal_scale(-4660 * one, 0, one / 16, 790000000, &value), 0);
	assert_int_equal(value, -230088);
	assert_int_equal(decimal_scale(400 * one, -4 * one, 62 * one + one / 2, 1000000, &value),
			 0);
	assert_int_equal(value, 24750);
	assert_int_equal(decimal_scale(INT64_MAX, 0, INT64_MAX, INT64_MAX, &value), -ERANGE);
	assert_int_equal(decimal_scale(INT64_MAX, 0, one, INT64_MAX, &value), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_parsed),
		cmocka_unit_test(values_are_scaled_to_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
