/* The meter's own band registers, M7: when they split a step, and when they are not believed. The second
 * implementation (tests/oracle) covers the combinations; here each rule has its own sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/bands.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/tariff_price.h"

#define PARTS     4
#define DAY       INT64_C(86400)
#define DAY_0     (INT64_C(20000) * DAY) /* 2024-10-04, a Friday */
#define AT(h, m)  (DAY_0 + (h)*INT64_C(3600) + (m)*INT64_C(60))
#define TIME_ONLY ((uint32_t)ENTRY_SPLIT_BY_TIME)
#define REGISTERS ((uint32_t)ENTRY_BY_REGISTER)
#define SHARED    ((uint32_t)(ENTRY_BY_REGISTER | ENTRY_SPLIT_BY_TIME))

enum { VALLEY, PEAK, FLAT, BANDS };

static const struct offset_table zone = {0};
static const struct bands_names in_order = {{"valley", "peak", "flat"}};
static const struct bands_names turned = {{"flat", "valley", "", "peak"}};
static const struct bands_names two_only = {{"valley", "peak"}};

/* Each day: valley, peak from 8, flat from 12, peak from 18, valley from 22. */
static struct tariff banded(int64_t id, int64_t activation_s, uint32_t blocks)
{
	struct tariff tariff = {
		.id = id,
		.activation_s = activation_s,
		.band_count = BANDS,
		.block_count = blocks,
		.price_micro_per_kwh = {{300000, 400000}, {900000, 950000}, {600000, 650000}},
		.blocks = {.edge_wh = {1000},
			   .cycle = {.reset = TARIFF_RESET_MONTH, .count = 1, .mmdd = {1}}},
		.schedule = {.plan_count = 1,
			     .plan = {{.change_count = 5,
				       .change = {{0, VALLEY},
						  {8 * 60, PEAK},
						  {12 * 60, FLAT},
						  {18 * 60, PEAK},
						  {22 * 60, VALLEY}}}}},
		.band_name = {"valley", "peak", "flat"},
	};
	return tariff;
}

struct share {
	int64_t wh;
	int64_t price;
	uint32_t flags;
};

struct row {
	const char *sentence;
	int64_t from_s, to_s, wh;
	const struct bands_names *names;
	uint32_t count;
	int64_t moved[BANDS_MAX];
	int64_t resolution_wh;
	int64_t doubted_s;
	enum bands_verdict verdict;
	struct share parts[PARTS];
};

static void check(const struct tariff_book *book, const struct row *row)
{
	const struct tariff_step step = {
		.wh = row->wh, .from_s = row->from_s, .to_s = row->to_s, .timed = true};
	struct bands_step bands = {.names = row->names,
				   .count = row->count,
				   .resolution_wh = row->resolution_wh,
				   .doubted_s = row->doubted_s};
	struct tariff_use use = {0};
	struct tariff_pricing pricing;
	struct tariff_part part;
	enum bands_verdict verdict;
	size_t n = 0;
	int r;

	print_message("%s\n", row->sentence);
	memcpy(bands.wh, row->moved, sizeof(bands.wh));
	assert_int_equal(
		tariff_price_begin_bands(&pricing, book, &zone, &use, &step, &bands, &verdict), 0);
	assert_int_equal(verdict, row->verdict);
	while ((r = tariff_price_next(&pricing, &part)) > 0) {
		assert_true(n < PARTS);
		assert_int_equal(part.wh, row->parts[n].wh);
		assert_int_equal(part.price_micro_per_kwh, row->parts[n].price);
		assert_int_equal(part.flags, row->parts[n].flags);
		n++;
	}
	assert_int_equal(r, 0);
	assert_true(n == PARTS || row->parts[n].wh == 0);
}

static void registers_split_a_step_where_they_can_be_believed(void **state)
{
	static const struct row rows[] = {
		{"a boundary was missed: each band has what its register moved",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {50, 950},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{50, 300000, REGISTERS}, {950, 900000, REGISTERS}}},
		{"the order of the registers is the declaration's, not the tariff's",
		 AT(6, 0),
		 AT(13, 0),
		 1000,
		 &turned,
		 4,
		 {300, 500, 0, 200},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{500, 300000, REGISTERS}, {200, 900000, REGISTERS}, {300, 600000, REGISTERS}}},
		{"a band that did not move has no part",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {0, 1000},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{1000, 900000, REGISTERS}}},
		{"a band that holds twice is shared by time; what it costs does not depend on it",
		 AT(9, 0),
		 AT(21, 0),
		 1000,
		 &in_order,
		 3,
		 {0, 601, 399},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{300, 900000, REGISTERS}, {399, 600000, REGISTERS}, {301, 900000, REGISTERS}}},
		{"within half a minute of the boundary there is nothing to split",
		 AT(8, 0) - 30,
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {20, 980},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{1000, 900000, 0}}},
		{"what counted before the reading's boundary goes with the first stretch",
		 AT(22, 0) - 30,
		 AT(24 + 9, 0),
		 1000,
		 &turned,
		 4,
		 {0, 400, 0, 600},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{400, 300000, REGISTERS}, {600, 900000, REGISTERS}}},
		{"flat counted five minutes before: it is the first peak's",
		 AT(18, 0) + 20,
		 AT(23, 0),
		 1000,
		 &in_order,
		 3,
		 {100, 870, 30},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{900, 900000, REGISTERS}, {100, 300000, REGISTERS}}},
		{"a whole resolution of each is left to the total: the last stretch takes the rest",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {20, 950},
		 10,
		 0,
		 BANDS_BELIEVED,
		 {{20, 300000, REGISTERS}, {980, 900000, REGISTERS}}},
		{"they say more than the total: the total wins, and the last stretch has less",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {1010, 20},
		 10,
		 0,
		 BANDS_BELIEVED,
		 {{1000, 300000, REGISTERS}}},
		{"a unit in a band that does not hold is the register's graininess",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {500, 490, 10},
		 10,
		 0,
		 BANDS_BELIEVED,
		 {{500, 300000, REGISTERS}, {500, 900000, REGISTERS}}},
	};
	struct tariff_book book = {0};
	struct tariff tariff = banded(1, DAY_0 - 10 * DAY, 1);

	(void)state;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&book, &rows[i]);
}

#define BY_TIME                                                                                    \
	{                                                                                          \
		{400, 300000, TIME_ONLY},                                                          \
		{                                                                                  \
			600, 900000, TIME_ONLY                                                     \
		}                                                                                  \
	}

static void doubtful_registers_leave_it_to_time_marked(void **state)
{
	static const struct row rows[] = {
		{"one fell",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {1001, -1},
		 1,
		 0,
		 BANDS_FALL,
		 BY_TIME},
		{"together more than a unit each off the total: below",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {19, 950},
		 10,
		 0,
		 BANDS_SUM,
		 BY_TIME},
		{"and above",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {81, 950},
		 10,
		 0,
		 BANDS_SUM,
		 BY_TIME},
		{"one counted when its band did not hold: a wrong clock",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {500, 489, 11},
		 10,
		 0,
		 BANDS_CLOCK,
		 BY_TIME},
		{"a register without a band counted",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &turned,
		 4,
		 {0, 500, 100, 400},
		 10,
		 0,
		 BANDS_CLOCK,
		 BY_TIME},
		{"a band of the tariff has no register",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &two_only,
		 2,
		 {50, 950},
		 10,
		 0,
		 BANDS_UNNAMED,
		 BY_TIME},
		{"a band's register is one that the meter does not have",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 2,
		 {50, 950},
		 10,
		 0,
		 BANDS_UNNAMED,
		 BY_TIME},
		{"the clock was wrong less than eight days ago",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {50, 950},
		 1,
		 AT(11, 0) - 8 * DAY + 1,
		 BANDS_DOUBTED,
		 BY_TIME},
		{"eight days without: believed again",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {50, 950},
		 1,
		 AT(11, 0) - 8 * DAY,
		 BANDS_BELIEVED,
		 {{50, 300000, REGISTERS}, {950, 900000, REGISTERS}}},
		{"overflow is a sum that does not match",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {INT64_MAX, INT64_MAX},
		 1,
		 0,
		 BANDS_SUM,
		 BY_TIME},
		{"valley ended a second less than five minutes ago: the meter's clock may be that "
		 "late",
		 AT(8, 5) - 1,
		 AT(11, 50),
		 1000,
		 &in_order,
		 3,
		 {100, 900, 0},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{1000, 900000, 0}}},
		{"five minutes ago: it may not",
		 AT(8, 5),
		 AT(11, 50),
		 1000,
		 &in_order,
		 3,
		 {100, 900, 0},
		 1,
		 0,
		 BANDS_CLOCK,
		 {{1000, 900000, 0}}},
		{"flat begins in five minutes: the meter's clock may be ahead",
		 AT(9, 0),
		 AT(11, 55),
		 1000,
		 &in_order,
		 3,
		 {0, 900, 100},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{1000, 900000, 0}}},
		{"a second later than that: it may not",
		 AT(9, 0),
		 AT(11, 55) - 1,
		 1000,
		 &in_order,
		 3,
		 {0, 900, 100},
		 1,
		 0,
		 BANDS_CLOCK,
		 {{1000, 900000, 0}}},
		{"flat is ten minutes away: it cannot have counted",
		 AT(8, 10),
		 AT(11, 50),
		 1000,
		 &in_order,
		 3,
		 {0, 900, 100},
		 1,
		 0,
		 BANDS_CLOCK,
		 {{1000, 900000, 0}}},
		{"valley held ten minutes before: a wrong clock shows where nothing is to be split",
		 AT(8, 10),
		 AT(11, 50),
		 1000,
		 &in_order,
		 3,
		 {100, 900, 0},
		 1,
		 0,
		 BANDS_CLOCK,
		 {{1000, 900000, 0}}},
	};
	struct tariff_book book = {0};
	struct tariff tariff = banded(1, DAY_0 - 10 * DAY, 1);

	(void)state;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&book, &rows[i]);
}

static void order_in_time_fills_the_blocks(void **state)
{
	static const struct row rows[] = {
		{"one stretch of each band: exact, and not marked as guessed",
		 AT(6, 0),
		 AT(11, 0),
		 1500,
		 &in_order,
		 3,
		 {900, 600},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{900, 300000, REGISTERS}, {100, 900000, REGISTERS}, {500, 950000, REGISTERS}}},
		{"peak before and behind flat: how it is shared decides its block, and says so",
		 AT(9, 0),
		 AT(21, 0),
		 1200,
		 &in_order,
		 3,
		 {0, 600, 600},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{300, 900000, SHARED},
		  {600, 600000, REGISTERS},
		  {100, 900000, SHARED},
		  {200, 950000, SHARED}}},
	};
	struct tariff_book book = {0};
	struct tariff tariff = banded(1, DAY_0 - 10 * DAY, 2);

	(void)state;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&book, &rows[i]);
}

static void a_new_price_within_the_step_needs_time_as_well(void **state)
{
	static const struct row rows[] = {
		{"the peak's register is shared between the old price and the new",
		 AT(6, 0),
		 AT(12, 0),
		 1000,
		 &in_order,
		 3,
		 {200, 800},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{200, 300000, REGISTERS}, {400, 900000, SHARED}, {400, 1000000, SHARED}}},
		{"where the same name goes on over the new price's beginning nothing is lost",
		 AT(9, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {0, 1000},
		 1,
		 0,
		 BANDS_BELIEVED,
		 {{500, 900000, TIME_ONLY}, {500, 1000000, TIME_ONLY}}},
	};
	struct tariff_book book = {0};
	struct tariff tariff = banded(1, DAY_0 - 10 * DAY, 1);
	struct tariff dearer = banded(2, AT(10, 0), 1);

	(void)state;
	dearer.price_micro_per_kwh[PEAK][0] = 1000000;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	assert_int_equal(tariff_book_add(&book, &dearer), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&book, &rows[i]);
}

static void a_tariff_without_bands_has_nothing_to_split(void **state)
{
	static const struct row rows[] = {
		{"a flat price came within the step",
		 AT(6, 0),
		 AT(11, 0),
		 1000,
		 &in_order,
		 3,
		 {50, 950},
		 1,
		 0,
		 BANDS_NOTHING,
		 {{400, 300000, TIME_ONLY}, {400, 900000, TIME_ONLY}, {200, 700000, TIME_ONLY}}},
		{"before the first tariff",
		 AT(6, 0) - 20 * DAY,
		 AT(11, 0) - 20 * DAY,
		 1000,
		 &in_order,
		 3,
		 {50, 950},
		 1,
		 0,
		 BANDS_NOTHING,
		 {{1000, 0, 0}}},
	};
	struct tariff_book book = {0};
	struct tariff tariff = banded(1, DAY_0 - 10 * DAY, 1);
	struct tariff flat = {
		.id = 2, .activation_s = AT(10, 0), .price_micro_per_kwh = {{700000}}};

	(void)state;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	assert_int_equal(tariff_book_add(&book, &flat), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&book, &rows[i]);
}

static void every_doubt_has_its_words(void **state)
{
	(void)state;
	for (int verdict = BANDS_NOTHING; verdict <= BANDS_DOUBTED; verdict++)
		assert_int_equal(bands_doubt((enum bands_verdict)verdict)[0] == '\0',
				 verdict == BANDS_NOTHING || verdict == BANDS_BELIEVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_split_a_step_where_they_can_be_believed),
		cmocka_unit_test(doubtful_registers_leave_it_to_time_marked),
		cmocka_unit_test(order_in_time_fills_the_blocks),
		cmocka_unit_test(a_new_price_within_the_step_needs_time_as_well),
		cmocka_unit_test(a_tariff_without_bands_has_nothing_to_split),
		cmocka_unit_test(every_doubt_has_its_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
