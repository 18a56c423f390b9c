/* test_cli_amount.c - amounts are read exactly and shown rounded toward minus infinity; so are ages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"

static void reads_amounts_exactly(void **state)
{
	static const struct {
		const char *sentence;
		const char *text;
		unsigned digits;
		int r;
		int64_t minor;
	} cases[] = {
		{"a whole amount", "20", 2, 0, 2000},
		{"both decimals", "20.00", 2, 0, 2000},
		{"one decimal of two", "20.5", 2, 0, 2050},
		{"a cent", "0.01", 2, 0, 1},
		{"nothing", "0", 2, 0, 0},
		{"a currency without decimals", "1500", 0, 0, 1500},
		{"a currency of three decimals", "1.234", 3, 0, 1234},
		{"leading zeros", "0020.10", 2, 0, 2010},
		{"the largest that fits", "92233720368547758.07", 2, 0, INT64_MAX},
		{"one more than fits", "92233720368547758.08", 2, -ERANGE, 0},
		{"far more than fits", "99999999999999999999999", 2, -ERANGE, 0},
		{"more decimals than the currency has", "20.001", 2, -EDOM, 0},
		{"more decimals, even zeros", "20.000", 2, -EDOM, 0},
		{"a decimal of a currency without", "20.0", 0, -EDOM, 0},
		{"a point without decimals", "20.", 2, -EINVAL, 0},
		{"a point without a whole", ".50", 2, -EINVAL, 0},
		{"a comma", "20,50", 2, -EINVAL, 0},
		{"a negative amount", "-20", 2, -EINVAL, 0},
		{"a sign", "+20", 2, -EINVAL, 0},
		{"blanks", " 20", 2, -EINVAL, 0},
		{"a unit behind", "20CNY", 2, -EINVAL, 0},
		{"an exponent", "2e3", 2, -EINVAL, 0},
		{"two points", "2.0.0", 2, -EINVAL, 0},
		{"nothing typed", "", 2, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t minor = 0;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(amount_parse(cases[i].text, cases[i].digits, &minor), cases[i].r);
		assert_true(minor == cases[i].minor);
	}
}

static void shows_amounts_rounded_down(void **state)
{
	static const struct {
		int64_t nano;
		unsigned digits;
		const char *text;
	} cases[] = {
		{0, 2, "0.00"},
		{1, 2, "0.00"},
		{-1, 2, "-0.01"},
		{9999999, 2, "0.00"},
		{10000000, 2, "0.01"},
		{-10000000, 2, "-0.01"},
		{-10000001, 2, "-0.02"},
		{19999999999, 2, "19.99"},
		{-1, 0, "-1"},
		{-1, 9, "-0.000000001"},
		{INT64_MAX, 2, "9223372036.85"},
		{INT64_MIN, 2, "-9223372036.86"},
		{INT64_MIN, 9, "-9223372036.854775808"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[AMOUNT_TEXT_MAX];

		amount_format(amount_floor(cases[i].nano, cases[i].digits), -(int)cases[i].digits,
			      buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void shows_prices_whole(void **state)
{
	char buf[AMOUNT_TEXT_MAX];

	(void)state;
	amount_format_price(538000, buf);
	assert_string_equal(buf, "0.538");
	amount_format_price(550000, buf);
	assert_string_equal(buf, "0.55");
	amount_format_price(1000000, buf);
	assert_string_equal(buf, "1.00");
	amount_format_price(123457, buf);
	assert_string_equal(buf, "0.123457");
}

static void shows_figures(void **state)
{
	char buf[FIGURE_SIZE];

	(void)state;
	assert_string_equal(figure_age(0, buf), "0s");
	assert_string_equal(figure_age(119, buf), "119s");
	assert_string_equal(figure_age(120, buf), "2m");
	assert_string_equal(figure_age(240, buf), "4m");
	assert_string_equal(figure_age(7199, buf), "119m");
	assert_string_equal(figure_age(7200, buf), "2h");
	assert_string_equal(figure_age(172800, buf), "2d");
	assert_string_equal(figure_duration(273600, buf), "3d 4h");
	assert_string_equal(figure_milli(231240, buf), "231.2");
	assert_string_equal(figure_milli(231250, buf), "231.3");
	assert_string_equal(figure_milli(-49, buf), "0.0");
	assert_string_equal(figure_milli(-50, buf), "-0.1");
	assert_string_equal(figure_bytes(1023, buf), "1023 bytes");
	assert_string_equal(figure_bytes(4404019, buf), "4.1 MiB");
}

/* What is not there is shown as not known, never as zero. */
static void shows_absent_fields_as_unknown(void **state)
{
	json_t *row = json_pack("{s:n,s:s,s:s,s:f}", "null", "text", "x", "nano", "12x", "real",
				1.5);
	char buf[FIGURE_SIZE];
	int64_t value = 7;

	(void)state;
	assert_string_equal(figure_money(row, "null", buf), "-");
	assert_string_equal(figure_money(row, "absent", buf), "-");
	assert_string_equal(figure_nano(row, "nano", 2, buf), "-");
	assert_string_equal(figure_energy(row, "real", buf), "-");
	assert_string_equal(figure_field_time(row, "null", buf), "-");
	assert_false(field_int(row, "real", &value));
	assert_true(value == 7);
	json_decref(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_amounts_exactly),
		cmocka_unit_test(shows_amounts_rounded_down),
		cmocka_unit_test(shows_prices_whole),
		cmocka_unit_test(shows_figures),
		cmocka_unit_test(shows_absent_fields_as_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
