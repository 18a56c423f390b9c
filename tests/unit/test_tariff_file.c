/* Tariffs as people write them: every mistake at its line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/tariff_file.h"

/* Berlin around 2026: summer time from 2026-03-29 01:00 UTC to 2026-10-25 01:00 UTC. */
static const struct offset_table berlin = {
	.count = 3,
	.transition = {{.from_s = 0, .offset_s = 3600},
		       {.from_s = 1774746000, .offset_s = 7200},
		       {.from_s = 1792890000, .offset_s = 3600}},
};

static void a_tariff_is_read_to_the_millionth(void **state)
{
	static const char text[] =
		"# the landlord's\n[tariff]\nname = dorm\nactivation = 2026-09-01 00:00\n"
		"[energy]\nprice = 0.538001\n";
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	(void)state;
	assert_int_equal(
		tariff_file_parse(text, strlen(text), &berlin, &tariff, &from_receipt, &errors), 0);
	assert_string_equal(tariff.name, "dorm");
	assert_int_equal(tariff.price_micro_per_kwh[0][0], 538001);
	assert_int_equal(tariff.activation_s, 1788213600); /* 2026-08-31 22:00 UTC */
	assert_false(from_receipt);
}

static void water_has_a_price_beside_it(void **state)
{
	static const char text[] =
		"[tariff]\nname = dorm\nactivation = 2026-09-01 00:00\n[energy]\nprice = 0.538\n"
		"blocks = 10\nreset = day\n[tax]\nrate = 6\nis = included\n[water]\n"
		"price = 3.450001 # a m3\n";
	char prices[sizeof(text) + 16];
	struct tariff tariff, water;
	struct tariff_book book = {0};
	bool from_receipt;
	json_t *errors = NULL;
	(void)state;
	snprintf(prices, sizeof(prices), "%s", text);
	memcpy(strstr(prices, "0.538\n"), "1 2  \n", 6);
	assert_int_equal(
		tariff_file_parse(prices, strlen(prices), &berlin, &tariff, &from_receipt, &errors),
		0);
	assert_true(tariff.water.priced);
	tariff.id = 7;
	tariff_of_water(&tariff, &water);
	assert_int_equal(water.id, 7);
	assert_int_equal(water.activation_s, tariff.activation_s);
	assert_string_equal(water.name, "dorm");
	assert_int_equal(water.price_micro_per_kwh[0][0], 3450001);
	assert_int_equal(tariff_block_count(&water), 1);
	assert_int_equal(water.tax.rate_ppm, 60000);
	assert_int_equal(tariff_book_add(&book, &water), 0);
	/* Left out, it costs nothing. */
	*strstr(prices, "[water]") = '\0';
	assert_int_equal(
		tariff_file_parse(prices, strlen(prices), &berlin, &tariff, &from_receipt, &errors),
		0);
	assert_false(tariff.water.priced);
	tariff_of_water(&tariff, &water);
	assert_int_equal(water.price_micro_per_kwh[0][0], 0);
	tariff.id = 8;
	tariff.water.price_micro_per_m3 = -1;
	assert_int_equal(tariff_book_add(&book, &tariff), -EINVAL);
}

static void activation_follows_the_building_s_clock(void **state)
{
	static const struct {
		const char *written;
		int64_t at_s; /* 0: refused */
	} cases[] = {
		{"2026-01-15 12:00", 1768474800},
		{"2026-07-15 12:00", 1784109600},
		{"2026-03-29 02:30", 0},          /* skipped by summer time */
		{"2026-10-25 02:30", 1792888200}, /* happens twice: the first */
		{"2026-02-30 00:00", 0},
		{"2026-9-1 00:00", 0},
		{"2026-09-01", 0},
		{"tomorrow", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[160];
		struct tariff tariff;
		bool from_receipt;
		json_t *errors = NULL;
		snprintf(text, sizeof(text),
			 "[tariff]\nname = x\nactivation = %s\n[energy]\nprice = 1\n",
			 cases[i].written);
		int r = tariff_file_parse(text, strlen(text), &berlin, &tariff, &from_receipt,
					  &errors);
		if (r != (cases[i].at_s == 0 ? -EINVAL : 0))
			fail_msg("%s: %d", cases[i].written, r);
		if (r == 0)
			assert_int_equal(tariff.activation_s, cases[i].at_s);
		json_decref(errors);
	}
}

#define ENERGY    "[tariff]\nname = x\nactivation = receipt\n[energy]\n"
#define BAND      ENERGY "[band a]\nprice = 1\n"
#define EVERY_DAY "[days x]\non = mon-sun\nbands = 00:00 a\n"

static void mistakes_are_told_once_and_in_the_order_of_the_lines(void **state)
{
	static const char text[] = "[tax]\nrate = x\nis = free\n" ENERGY
				   "price = 1\ncolour = red\n[band a]\nprice = -1\n" EVERY_DAY;
	static const int lines[] = {2, 3, 8, 9, 11};
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	(void)state;
	assert_int_equal(
		tariff_file_parse(text, strlen(text), &berlin, &tariff, &from_receipt, &errors),
		-EINVAL);
	assert_int_equal(json_array_size(errors), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			json_integer_value(json_object_get(json_array_get(errors, i), "line")),
			lines[i]);
	assert_non_null(
		strstr(json_string_value(json_object_get(json_array_get(errors, 4), "message")),
		       "-1 is no price"));
	json_decref(errors);
}

static void bands_need_no_section_energy(void **state)
{
	static const char text[] = "[tariff]\nname = x\nactivation = receipt\n"
				   "[band a]\nprice = 1\n" EVERY_DAY;
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	(void)state;
	assert_int_equal(
		tariff_file_parse(text, strlen(text), &berlin, &tariff, &from_receipt, &errors), 0);
	assert_int_equal(tariff.price_micro_per_kwh[0][0], 1000000);
}

static void every_mistake_has_its_line(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *message;
	} cases[] = {
		{"", 1, "[tariff]"},
		{"[tariff]\nname = x\nactivation = receipt\n", 3, "[energy]"},
		{"[tariff]\nactivation = receipt\n[energy]\nprice = 1\n", 1, "name"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\n", 4, "price"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = -1\n", 5, "price"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 1.0000001\n", 5,
		 "price"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = cheap\n", 5, "price"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 1\ncolour = red\n", 6,
		 "colour"},
		{"[tariff]\nname = x\nname = y\nactivation = receipt\n[energy]\nprice = 1\n", 3,
		 "name"},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 1\n[gas]\n", 6,
		 "gas"},
		{ENERGY "price = 1\n[water]\n", 6, "price"},
		{ENERGY "price = 1\n[water]\nprice = dear\n", 7, "dear"},
		{ENERGY "price = 1\n[water]\nprice = -1\n", 7, "-1"},
		{ENERGY "price = 1\n[water]\nprice = 1.0000001\n", 7, "6 decimals"},
		{ENERGY "price = 1\n[water]\nprice = 1000001\n", 7, "1000000"},
		{ENERGY "price = 1\n[water]\nprice = 1 2\n", 7, "not 2"},
		{ENERGY "price = 1\n[water]\nprice = 1\nblocks = 3\n", 8, "blocks"},
		{ENERGY "price = 1\n[water]\nprice = 1\n[water]\nprice = 2\n", 8, "water"},
		{ENERGY "price = 1 2\n", 5, "not 2"},
		{ENERGY "blocks = 10 20\nreset = day\nprice = 1 2\n", 7, "3 blocks"},
		{ENERGY "blocks = 10\nprice = 1 2\n", 4, "reset"},
		{ENERGY "blocks = 10 10\nreset = day\nprice = 1 2 3\n", 5, "10 does not rise"},
		{ENERGY "blocks = 0\nreset = day\nprice = 1 2\n", 5, "0 does not rise"},
		{ENERGY "blocks = 1.0001\nreset = day\nprice = 1 2\n", 5, "3 decimals"},
		{ENERGY "blocks = 10\nreset = month 29\nprice = 1 2\n", 6, "1 to 28"},
		{ENERGY "blocks = 10\nreset = month\nprice = 1 2\n", 6, "month 1"},
		{ENERGY "blocks = 10\nreset = year 02-29\nprice = 1 2\n", 6, "02-29"},
		{ENERGY "blocks = 10\nreset = term 09-01 02-20\nprice = 1 2\n", 6, "02-20"},
		{ENERGY "blocks = 10\nreset = day\nmove-in = half\nprice = 1 2\n", 7, "move-in"},
		{ENERGY "price = 1\nreset = day\n", 6, "reset"},
		{ENERGY "price = 1\n[band a]\nprice = 1\n" EVERY_DAY, 5, "take this one out"},
		{ENERGY "[band a]\n" EVERY_DAY, 5, "price"},
		{ENERGY "price = 1\n[standing]\n", 6, "per-day"},
		{ENERGY "price = 1\n[standing]\nper-day = x\n", 7, "no amount"},
		{ENERGY "price = 1\n[standing]\nper-day = 0.0000000001\n", 7, "9 decimals"},
		{ENERGY "price = 1\n[standing]\nper-month = 1000001\n", 7, "1000000"},
		{ENERGY "price = 1\n[standing]\nper-day = 1\nwhile-cut = no\n", 8, "halted"},
		{ENERGY "price = 1\n[allowance]\nevery = day\n", 6, "energy"},
		{ENERGY "price = 1\n[allowance]\nevery = day\nenergy = 1\nmoney = 1\n", 6,
		 "or money"},
		{ENERGY "price = 1\n[allowance]\nevery = day\nmoney = x\n", 8, "no amount"},
		{ENERGY "price = 1\n[minimum]\nevery = day\n", 6, "amount"},
		{ENERGY "price = 1\n[minimum]\namount = 1\n", 6, "every"},
		{ENERGY "price = 1\n[allowance]\nenergy = 0\nevery = day\n", 7, "no energy"},
		{ENERGY "price = 1\n[allowance]\nenergy = 8\n", 6, "every"},
		{ENERGY "price = 1\n[allowance]\nenergy = 8\nevery = month 31\n", 8, "1 to 28"},
		{ENERGY "price = 1\n[allowance]\nenergy = 8\nevery = day\ncarried-to = x\n", 9,
		 "month 1"},
		{ENERGY "price = 1\n[allowance]\nenergy = 8\nevery = day\nper = bed\n", 9,
		 "person"},
		{ENERGY "price = 1\n[tax]\nis = added\n", 6, "rate"},
		{ENERGY "price = 1\n[tax]\nrate = 13\n", 6, "is"},
		{ENERGY "price = 1\n[tax]\nrate = 100.1\nis = added\n", 7, "rate"},
		{ENERGY "price = 1\n[tax]\nrate = 13\nis = free\n", 8, "included"},
		{ENERGY "[band a]\nprice = 1\n", 6, "Monday"},
		{BAND "[days x]\non = mon-sat\nbands = 00:00 a\n", 9, "Sunday"},
		{BAND "[days x]\non = sun-mon\nbands = 00:00 a\n", 8, "sun-mon"},
		{BAND "[days x]\non = mon-sun\nbands = 00:00 b\n", 9, "[band b]"},
		{BAND "[days x]\non = mon-sun\nbands = 01:00 a\n", 9, "00:00"},
		{BAND "[days x]\non = mon-sun\nbands = 00:00 a 24:00 a\n", 9, "24:00"},
		{BAND "[days x]\non = mon-sun\nbands = 00:00 a 08:00 a 08:00 a\n", 9, "follow"},
		{BAND "[days x]\non = mon-sun\nbands = 00:00\n", 9, "no band behind"},
		{BAND "[days x]\non = mon-sun\nbands = 00:00 a\nbands_2 = 08:00 c\n", 10, "c"},
		{BAND EVERY_DAY "[days y]\non = wed\nbands = 00:00 a\n", 11, "Wednesday"},
		{BAND EVERY_DAY "[special x]\ndays = 10-01\n", 11, "bands of x"},
		{BAND EVERY_DAY "[special x]\ndays = 02-30\n", 11, "02-30"},
		{BAND EVERY_DAY "[special x]\ndays = 2026-02-29\n", 11, "2026-02-29"},
		{BAND EVERY_DAY "[special x]\ndays = 10-01 10-01\n", 11, "already"},
		{BAND EVERY_DAY "[special mon]\ndays = 10-01\n", 10, "weekday"},
		{BAND EVERY_DAY "[season s]\n", 10, "from"},
		{BAND EVERY_DAY "[season s]\nfrom = 13-01\n", 11, "13-01"},
		{BAND EVERY_DAY "[season s]\nfrom = 05-01\n[season t]\nfrom = 05-01\n", 13, "s"},
		{BAND EVERY_DAY "[days y]\non = wed\nbands = 00:00 a\nseason = s\n", 13, "s"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff tariff;
		bool from_receipt, found = false;
		json_t *errors = NULL, *row;
		size_t index;
		int r = tariff_file_parse(cases[i].text, strlen(cases[i].text), &berlin, &tariff,
					  &from_receipt, &errors);
		assert_int_equal(r, -EINVAL);
		json_array_foreach(errors, index, row)
		{
			found = found || (json_integer_value(json_object_get(row, "line")) ==
						  cases[i].line &&
					  strstr(json_string_value(json_object_get(row, "message")),
						 cases[i].message) != NULL);
		}
		if (!found) {
			char *dump = json_dumps(errors, 0);
			fail_msg("%s -> %s", cases[i].text, dump);
		}
		json_decref(errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tariff_is_read_to_the_millionth),
		cmocka_unit_test(water_has_a_price_beside_it),
		cmocka_unit_test(activation_follows_the_building_s_clock),
		cmocka_unit_test(mistakes_are_told_once_and_in_the_order_of_the_lines),
		cmocka_unit_test(bands_need_no_section_energy),
		cmocka_unit_test(every_mistake_has_its_line),
	};
	return cmocka_run_group_tests_name("tariff_file", tests, NULL, NULL);
}
