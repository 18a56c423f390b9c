/* Settlement: M1, M2, M7. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/settle.h"
#include "tests/unit/random.h"

#define MIDNIGHT    INT64_C(1767225600)
#define NOON        (MIDNIGHT + 43200)
#define ENTRIES_MAX 16

static const struct offset_table zone = {0};
static const struct tariff_book book = {
	.count = 2,
	.tariff = {{.id = 1, .activation_s = MIDNIGHT, .price_micro_per_kwh = {{538000}}},
		   {.id = 2, .activation_s = NOON, .price_micro_per_kwh = {{588000}}}}};

static struct mark dated(int64_t wh, int64_t at_s)
{
	return (struct mark){.wh = wh, .at_s = at_s, .dated = true};
}

static struct instant at(int64_t s)
{
	return (struct instant){.us = s * 1000000, .s = s, .trusted = true};
}

/* A whole settlement of an account without blocks. */
static int settle_entries(const struct mark *settled, const struct mark *accepted,
			  enum entry_kind kind, const struct instant *now,
			  struct entry ret_entries[static ENTRIES_MAX], size_t *ret_count)
{
	struct settlement settlement;
	struct tariff_use use = {0};
	size_t count = 0;
	int r = settle_begin(&settlement, settled, accepted, &book, &zone, &use, kind, now, NULL);

	while (r == 0 && (r = settle_next(&settlement, &ret_entries[count])) > 0) {
		count++;
		assert_true(count < ENTRIES_MAX);
		r = 0;
	}
	if (r == 0)
		*ret_count = count;
	return r;
}

static void settlement_falls_due(void **state)
{
	static const struct {
		const char *sentence;
		struct mark settled, accepted;
		enum settle_due due;
		int64_t later_s; /* now, after the accepted mark */
	} cases[] = {
		{"no energy since: never",
		 {.wh = 5, .at_s = MIDNIGHT, .dated = true},
		 {.wh = 5, .at_s = NOON + 90000, .dated = true},
		 SETTLE_NOT_DUE,
		 0},
		{"an hour of energy: not yet",
		 {.wh = 5, .at_s = MIDNIGHT, .dated = true},
		 {.wh = 6, .at_s = MIDNIGHT + 3600, .dated = true},
		 SETTLE_NOT_DUE,
		 0},
		{"six hours of energy: due",
		 {.wh = 5, .at_s = MIDNIGHT, .dated = true},
		 {.wh = 6, .at_s = MIDNIGHT + 21600, .dated = true},
		 SETTLE_AT_PERIOD,
		 0},
		{"the price changes: due",
		 {.wh = 5, .at_s = NOON - 60, .dated = true},
		 {.wh = 6, .at_s = NOON, .dated = true},
		 SETTLE_AT_BOUNDARY,
		 0},
		{"the price changes, and a reading just before counts: due when it has changed",
		 {.wh = 5, .at_s = NOON - 60, .dated = true},
		 {.wh = 6, .at_s = NOON - 30, .dated = true},
		 SETTLE_AT_BOUNDARY,
		 30},
		{"not before it has changed: a nearer reading may come",
		 {.wh = 5, .at_s = NOON - 60, .dated = true},
		 {.wh = 6, .at_s = NOON - 30, .dated = true},
		 SETTLE_NOT_DUE,
		 29},
		{"a reading 31 s before does not count as taken at it",
		 {.wh = 5, .at_s = NOON - 60, .dated = true},
		 {.wh = 6, .at_s = NOON - 31, .dated = true},
		 SETTLE_NOT_DUE,
		 40},
		{"settled by a reading just before: the boundary is behind it",
		 {.wh = 5, .at_s = NOON - 30, .dated = true},
		 {.wh = 6, .at_s = NOON + 30, .dated = true},
		 SETTLE_NOT_DUE,
		 0},
		{"a local midnight: due",
		 {.wh = 5, .at_s = MIDNIGHT + 86399, .dated = true},
		 {.wh = 6, .at_s = MIDNIGHT + 86400, .dated = true},
		 SETTLE_AT_MIDNIGHT,
		 0},
		{"the clock is not trusted: the register keeps the energy",
		 {.wh = 5, .at_s = MIDNIGHT, .dated = true},
		 {.wh = 6, .this_boot = true},
		 SETTLE_NOT_DUE,
		 0},
		{"read before the clock was trusted: dated first",
		 {.wh = 5, .this_boot = true},
		 {.wh = 6, .at_s = NOON, .dated = true},
		 SETTLE_NOT_DUE,
		 0},
		{"read in another boot without a clock: due as soon as time is known",
		 {.wh = 5},
		 {.wh = 6, .at_s = NOON, .dated = true},
		 SETTLE_AT_PERIOD,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].sentence);
		struct instant now = at(cases[i].accepted.at_s + cases[i].later_s);

		assert_int_equal(settle_due(&cases[i].settled, &cases[i].accepted, &book, &zone,
					    21600, &now),
				 cases[i].due);
	}
}

static void a_step_becomes_entries(void **state)
{
	struct mark settled = dated(1000, NOON - 300);
	struct mark accepted = dated(2001, NOON + 700);
	struct entry entries[ENTRIES_MAX];
	struct instant now = at(NOON + 701);
	struct settle_cost cost = {0};
	size_t count;

	(void)state;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 0);
	assert_int_equal(count, 2);
	assert_int_equal(entries[0].format, ENTRY_FORMAT);
	assert_int_equal(entries[0].kind, ENTRY_CHARGE);
	assert_int_equal(entries[0].energy_wh, 300);
	assert_int_equal(entries[0].from_wh, 1000);
	assert_int_equal(entries[0].to_wh, 1300);
	assert_int_equal(entries[0].amount_nano, -161400000);
	assert_int_equal(entries[0].tariff_id, 1);
	assert_int_equal(entries[0].flags, ENTRY_SPLIT_BY_TIME);
	assert_int_equal(entries[1].energy_wh, 701);
	assert_int_equal(entries[1].from_wh, 1300);
	assert_int_equal(entries[1].to_wh, 2001);
	assert_int_equal(entries[1].from_s, NOON);
	assert_int_equal(entries[1].amount_nano, -412188000);
	assert_int_equal(entries[1].tariff_id, 2);

	assert_int_equal(settle_cost_add(&cost, &settled, &accepted, &book, &zone, &now, NULL), 0);
	assert_int_equal(cost.cost_nano, 161400000 + 412188000);
	/* Most favourable: all of it before noon. */
	assert_int_equal(cost.least_nano, 1001 * 538000);
}

static void a_vacant_room_costs_nobody(void **state)
{
	struct mark settled = dated(1000, NOON);
	struct mark accepted = dated(2000, NOON + 700);
	struct entry entries[ENTRIES_MAX];
	struct instant now = at(NOON + 701);
	size_t count;

	(void)state;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_HOUSE, &now, entries, &count),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].kind, ENTRY_HOUSE);
	assert_int_equal(entries[0].energy_wh, 1000);
	assert_int_equal(entries[0].amount_nano, 0);
}

static void unknown_times_are_priced_cheapest_and_say_so(void **state)
{
	struct mark settled = {.wh = 1000};
	struct mark accepted = dated(2000, NOON + 700);
	struct entry entries[ENTRIES_MAX];
	struct instant now = at(NOON + 701);
	size_t count;

	(void)state;
	settled = (struct mark){.wh = 1000, .at_s = NOON - 500, .dated = true};
	accepted.dated = false;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].flags, ENTRY_UNTIMED);
	assert_int_equal(entries[0].price_micro_per_kwh, 538000);
	assert_int_equal(entries[0].from_s, NOON - 500);
	assert_int_equal(entries[0].to_s, NOON + 701);
	settled.at_s = NOON;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 0);
	assert_int_equal(entries[0].price_micro_per_kwh, 588000);
	/* The clock was stepped back between the two: neither time is believed to order them. */
	accepted = dated(2000, NOON - 1);
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 0);
	assert_int_equal(entries[0].flags, ENTRY_UNTIMED);
	accepted.wh = 999;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 -EINVAL);
}

/* M7: the book is 0.538 from midnight, 0.588 from noon. */
static void a_mark_without_a_time_was_read_no_earlier_than_was_known(void **state)
{
	static const struct {
		const char *sentence;
		struct mark settled;
		int64_t accepted_s; /* 0: not dated either */
		int64_t from_s, to_s, price;
	} cases[] = {
		{"read in another boot after noon was known: the dearer price",
		 {.wh = 5, .since_s = NOON},
		 NOON + 700,
		 NOON,
		 NOON + 700,
		 588000},
		{"read in another boot, a second earlier known: the cheaper one",
		 {.wh = 5, .since_s = NOON - 1},
		 NOON + 700,
		 NOON - 1,
		 NOON + 700,
		 538000},
		{"nothing says so: the cheapest since there is a tariff",
		 {.wh = 5},
		 NOON + 700,
		 MIDNIGHT,
		 NOON + 700,
		 538000},
		{"still not known when it is settled",
		 {.wh = 5, .this_boot = true, .since_s = NOON},
		 0,
		 NOON,
		 NOON + 9000,
		 588000},
		{"the clock went back behind it: it says nothing",
		 {.wh = 5, .since_s = NOON + 701},
		 NOON + 700,
		 MIDNIGHT,
		 NOON + 700,
		 538000},
		{"so it is with a mark that has a time",
		 {.wh = 5, .at_s = NOON + 701, .dated = true},
		 NOON + 700,
		 MIDNIGHT,
		 NOON + 700,
		 538000},
		{"a mark with a time asks for no other",
		 {.wh = 5, .at_s = NOON + 1, .dated = true, .since_s = MIDNIGHT},
		 0,
		 NOON + 1,
		 NOON + 9000,
		 588000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mark accepted = {
			.wh = 1005, .at_s = cases[i].accepted_s, .dated = cases[i].accepted_s != 0};
		struct instant now = at(NOON + 9000);
		struct entry entries[ENTRIES_MAX];
		struct settle_cost cost = {0};
		size_t count;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(settle_entries(&cases[i].settled, &accepted, ENTRY_CHARGE, &now,
						entries, &count),
				 0);
		assert_int_equal(count, 1);
		assert_int_equal(entries[0].flags, ENTRY_UNTIMED);
		assert_int_equal(entries[0].from_s, cases[i].from_s);
		assert_int_equal(entries[0].to_s, cases[i].to_s);
		assert_int_equal(entries[0].price_micro_per_kwh, cases[i].price);
		assert_int_equal(settle_cost_add(&cost, &cases[i].settled, &accepted, &book, &zone,
						 &now, NULL),
				 0);
		assert_int_equal(cost.cost_nano, 1000 * cases[i].price);
		assert_int_equal(cost.least_nano, 1000 * cases[i].price);
	}
}

static void marks_of_this_boot_are_dated_exactly(void **state)
{
	struct mark mark = {.wh = 5, .at_us = 4000000, .this_boot = true};
	struct instant untrusted = {.us = 64000000, .s = 77, .trusted = false};
	struct instant trusted = {.us = 64000000, .s = NOON, .trusted = true};

	(void)state;
	settle_date(&mark, &untrusted);
	assert_false(mark.dated);
	settle_date(&mark, &trusted);
	assert_true(mark.dated);
	assert_int_equal(mark.at_s, NOON - 60);
	mark = (struct mark){.wh = 5};
	settle_date(&mark, &trusted);
	assert_false(mark.dated);
}

static void idle_hours_are_no_part_of_a_step(void **state)
{
	struct mark settled = dated(1000, MIDNIGHT + 60);
	struct mark idle = dated(1000, NOON + 60);
	struct mark accepted = dated(1100, NOON + 600);
	struct entry entries[ENTRIES_MAX];
	struct instant now = at(NOON + 600);
	size_t count;

	(void)state;
	settle_idle(&settled, &idle);
	settle_idle(&settled, &accepted);
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].price_micro_per_kwh, 588000);
	assert_int_equal(entries[0].flags, 0);
}

/* However the way is cut into settlements, entries tile the register, and the live balance just
 * before each settlement is the settled balance just after it. */
static void settlements_tile_the_register(void **state)
{
	struct random random = random_start("settlements", 51);
	long rounds = random_rounds(5000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		struct mark settled = dated(random_between(&random, 0, 100000), NOON - 4000);
		struct mark accepted = settled;
		int64_t first = settled.wh, covered = settled.wh, balance = 0, energy = 0;

		for (int step = 0; step < 40; step++) {
			struct entry entries[ENTRIES_MAX];
			struct instant now;
			struct settle_cost cost = {0};
			int64_t amount = 0;
			size_t count;

			accepted.wh += random_between(&random, 0, 30);
			accepted.at_s += random_between(&random, 0, 400);
			now = at(accepted.at_s);
			settle_idle(&settled, &accepted);
			assert_int_equal(settle_cost_add(&cost, &settled, &accepted, &book, &zone,
							 &now, NULL),
					 0);
			assert_true(cost.least_nano <= cost.cost_nano);
			if (random_between(&random, 0, 3) != 0)
				continue;
			assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now,
							entries, &count),
					 0);
			for (size_t k = 0; k < count; k++) {
				assert_int_equal(entries[k].from_wh, covered);
				assert_int_equal(entries[k].to_wh - entries[k].from_wh,
						 entries[k].energy_wh);
				assert_int_equal(entries[k].amount_nano,
						 -entries[k].energy_wh *
							 entries[k].price_micro_per_kwh);
				covered = entries[k].to_wh;
				amount += entries[k].amount_nano;
				energy += entries[k].energy_wh;
			}
			assert_int_equal(covered, accepted.wh);
			assert_int_equal(balance - cost.cost_nano, balance + amount);
			balance += amount;
			settled = accepted;
		}
		assert_int_equal(energy, settled.wh - first);
	}
}

/* What is shown is what will be charged: with the tax, and with what the tax of the last step left over. */
static void the_live_cost_bears_the_tax_of_its_entries(void **state)
{
	static const struct tariff_book taxed = {
		.count = 2,
		.tariff = {{.id = 1,
			    .activation_s = MIDNIGHT,
			    .price_micro_per_kwh = {{538001}},
			    .tax = {.rate_ppm = 133333, .added = true}},
			   {.id = 2,
			    .activation_s = NOON,
			    .price_micro_per_kwh = {{588000}},
			    .tax = {.rate_ppm = 200000, .added = true}}}};
	const struct mark settled = dated(0, NOON - 3600), accepted = dated(2000, NOON + 3600);
	const struct mark later = dated(2007, NOON + 7200);
	struct instant now = at(NOON + 7200);
	struct settle_cost cost = {.tax_rest = 999999};

	(void)state;
	/* 1,000 Wh on each side. 538001000 x 0.133333 = 71733287.333000, and with the rest of almost one nano
	 * 71733288.332999; 588000000 x 0.2 = 117600000. */
	assert_int_equal(settle_cost_add(&cost, &settled, &accepted, &taxed, &zone, &now, NULL), 0);
	assert_int_equal(cost.cost_nano, 538001000 + 588000000 + 71733288 + 117600000);
	assert_int_equal(cost.tax_rest, 332999);
	/* At the least all of it was used at the lower price: 1076002000 x 0.133333 = 143466574.666000. */
	assert_int_equal(cost.least_nano, 1076002000 + 143466574);
	assert_int_equal(cost.least_tax_rest, 666000);
	/* 7 Wh more are 4116000, and 823200 of tax. */
	assert_int_equal(settle_cost_add(&cost, &accepted, &later, &taxed, &zone, &now, NULL), 0);
	assert_int_equal(cost.cost_nano,
			 538001000 + 588000000 + 71733288 + 117600000 + 4116000 + 823200);
	assert_int_equal(cost.tax_rest, 332999);
}

static void a_register_that_fell_is_no_step(void **state)
{
	const struct mark settled = dated(100, MIDNIGHT), accepted = dated(99, MIDNIGHT + 60);
	const struct mark far = dated(INT64_MIN, MIDNIGHT);
	struct instant now = at(NOON);
	struct settle_cost cost = {.cost_nano = 7, .least_nano = 5, .tax_rest = 3};
	const struct settle_cost before = cost;
	struct entry entries[ENTRIES_MAX];
	size_t count;

	(void)state;
	assert_int_equal(settle_entries(&settled, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 -EINVAL);
	assert_int_equal(settle_entries(&far, &accepted, ENTRY_CHARGE, &now, entries, &count),
			 -ERANGE);
	assert_int_equal(settle_cost_add(&cost, &settled, &accepted, &book, &zone, &now, NULL),
			 -EINVAL);
	assert_memory_equal(&cost, &before, sizeof(cost));
}

static void energy_of_the_house_counts_in_nobodys_blocks(void **state)
{
	static const struct tariff_book blocks = {
		.count = 1,
		.tariff = {{.id = 1,
			    .activation_s = MIDNIGHT,
			    .block_count = 2,
			    .blocks = {.edge_wh = {500}, .cycle = {TARIFF_RESET_MONTH, 1, {1}}},
			    .price_micro_per_kwh = {{500000, 900000}}}}};
	const struct mark settled = dated(0, MIDNIGHT), accepted = dated(700, MIDNIGHT + 3600);
	struct instant now = at(MIDNIGHT + 3600);
	struct tariff_use use = {0};
	const struct tariff_use none = {0};
	struct settlement settlement;
	struct entry entry;
	int64_t wh = 0;

	(void)state;
	assert_int_equal(settle_begin(&settlement, &settled, &accepted, &blocks, &zone, &use,
				      ENTRY_HOUSE, &now, NULL),
			 0);
	while (settle_next(&settlement, &entry) == 1) {
		assert_int_equal(entry.amount_nano, 0);
		assert_int_equal(entry.price_micro_per_kwh, 0);
		wh += entry.energy_wh;
	}
	assert_int_equal(wh, 700);
	assert_memory_equal(&use, &none, sizeof(use));
	/* The same of a tenant does. */
	assert_int_equal(settle_begin(&settlement, &settled, &accepted, &blocks, &zone, &use,
				      ENTRY_CHARGE, &now, NULL),
			 0);
	while (settle_next(&settlement, &entry) == 1)
		;
	assert_int_equal(use.now.wh, 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settlement_falls_due),
		cmocka_unit_test(a_step_becomes_entries),
		cmocka_unit_test(a_vacant_room_costs_nobody),
		cmocka_unit_test(unknown_times_are_priced_cheapest_and_say_so),
		cmocka_unit_test(a_mark_without_a_time_was_read_no_earlier_than_was_known),
		cmocka_unit_test(marks_of_this_boot_are_dated_exactly),
		cmocka_unit_test(idle_hours_are_no_part_of_a_step),
		cmocka_unit_test(settlements_tile_the_register),
		cmocka_unit_test(the_live_cost_bears_the_tax_of_its_entries),
		cmocka_unit_test(a_register_that_fell_is_no_step),
		cmocka_unit_test(energy_of_the_house_counts_in_nobodys_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
