/* What people ask about the past: each charge explained, months that follow each other to the nano. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_tariff.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)

static int64_t field(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);
	int64_t nano;
	if (!json_is_string(value))
		return json_integer_value(value);
	assert_int_equal(message_parse_nano(value, &nano), 0);
	return nano;
}

/* Opening, lines, closing: they add up. Returns the closing balance. */
static int64_t month(struct site *site, const char *room, const char *name, int64_t opening_nano,
		     size_t *ret_lines)
{
	struct site_answer answer = site_ask(site, "statement",
					     json_pack("{s:s,s:s}", "room", room, "month", name));
	const json_t *row;
	size_t i;
	int64_t sum = site_int(&answer, "opening_nano"),
		closing = site_int(&answer, "closing_nano");
	assert_int_equal(sum, opening_nano);
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		sum += field(row, "amount_nano");
		if (strcmp(json_string_value(json_object_get(row, "kind")), "charge") == 0)
			assert_int_equal(field(row, "amount_nano"),
					 -field(row, "energy_wh") *
						 field(row, "price_micro_per_kwh"));
	}
	assert_int_equal(sum, closing);
	*ret_lines = json_array_size(json_object_get(answer.data, "rows"));
	site_forget(&answer);
	return closing;
}

/* The box is off until then, and so is everything behind it. */
static void sleep_until(struct site *site, int64_t until_us)
{
	site_close(site);
	site->building.now_us = site->building.moved_us = until_us;
	site_open(site);
}

static void months_follow_each_other(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	size_t lines;
	site_add_meter(site, 700);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	site_add_meter(site, 300);
	site_add_room(site, 102, 500000, "sockets", true, 1);
	played_run(building, DAY_US);
	site_deliver(site, site_credit(site, "r-1", "101", 2500), "1");
	sleep_until(site, 30 * DAY_US);
	played_run(building, 32 * DAY_US);
	site_deliver(site, site_credit(site, "r-2", "101", 333), "2");
	sleep_until(site, 58 * DAY_US);
	played_run(building, 60 * DAY_US);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");

	assert_int_equal(month(site, "101", "2025-12", 0, &lines), 0);
	assert_int_equal(lines, 0);
	int64_t january = month(site, "101", "2026-01", 0, &lines);
	assert_int_equal(lines, 3); /* opening, all charges at one price, a recharge */
	int64_t february = month(site, "101", "2026-02", january, &lines);
	assert_int_equal(lines, 2);
	int64_t march = month(site, "101", "2026-03", february, &lines);
	assert_int_equal(march, site_room(site, "101")->settled_nano);
	/* Two days of 0.7 kW at 0.5 in January, to a register's step and a minute or two. */
	assert_in_range(INT64_C(5000000000000) + INT64_C(25000000000) - january,
			INT64_C(16800000000) - 30000000, INT64_C(16800000000) + 30000000);
	site_refused(site, "statement", json_pack("{s:s,s:s}", "room", "101", "month", "2026-13"),
		     PROBLEM_USAGE);
	site_refused(site, "statement", json_pack("{s:s,s:s}", "room", "9", "month", "2026-01"),
		     PROBLEM_NOT_FOUND);
}

static void each_charge_explains_itself(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 700);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	played_run(building, 3 * DAY_US + HOUR_US);
	struct site_answer all = site_ask(site, "explain",
					  json_pack("{s:s,s:i}", "room", "101", "last", 1000));
	const json_t *rows = json_object_get(all.data, "rows"), *row;
	size_t i, count = json_array_size(rows);
	assert_in_range(count, 9, 16);
	int64_t to_wh = site_room(site, "101")->supplies[0]->settled.wh, to_s = 0;
	int64_t balance = site_room(site, "101")->settled_nano;
	/* Newest first: registers, intervals and balances join backwards to the first. */
	json_array_foreach(rows, i, row)
	{
		assert_int_equal(field(row, "to_wh"), to_wh);
		assert_int_equal(field(row, "to_wh") - field(row, "from_wh"),
				 field(row, "energy_wh"));
		assert_int_equal(field(row, "amount_nano"),
				 -field(row, "energy_wh") * field(row, "price_micro_per_kwh"));
		assert_int_equal(field(row, "balance_nano"), balance);
		assert_true(i == 0 || field(row, "to_s") == to_s);
		assert_string_equal(json_string_value(json_object_get(row, "rule")), "metered");
		assert_string_equal(json_string_value(json_object_get(row, "tariff")), "test");
		to_wh = field(row, "from_wh");
		to_s = field(row, "from_s");
		balance -= field(row, "amount_nano");
	}
	assert_int_equal(to_wh, first_wh);
	const json_t *pending = json_object_get(all.data, "pending");
	assert_int_equal(site_room(site, "101")->settled_nano + field(pending, "amount_nano"),
			 site_int(&all, "balance_nano"));
	site_forget(&all);

	struct site_answer some = site_ask(site, "explain",
					   json_pack("{s:s,s:I}", "room", "101", "since_s",
						     (json_int_t)(START_S + 2 * 86400)));
	assert_in_range(json_array_size(json_object_get(some.data, "rows")), 2, 6);
	site_forget(&some);
	assert_int_equal(json_array_size(json_object_get(
				 (some = site_ask(site, "explain",
						  json_pack("{s:s,s:i}", "room", "101", "last", 3)))
					 .data,
				 "rows")),
			 3);
	site_forget(&some);
}

static void apply(struct site *site, const char *text, int64_t activation_s)
{
	struct ledger_tariff tariff = {.name = "t", .activation_s = activation_s, .text = text};
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

static bool is_text(const json_t *row, const char *name, const char *text)
{
	return strcmp(json_string_value(json_object_get(row, name)), text) == 0;
}

/* Told from the hour of the interval, and from what the day had used before it. */
static void assert_band_and_block(struct site *site, size_t *ret_split)
{
	struct site_answer all = site_ask(site, "explain",
					  json_pack("{s:s,s:i}", "room", "101", "last", 1000));
	const json_t *rows = json_object_get(all.data, "rows");
	int64_t used_wh = 0;
	*ret_split = 0;
	assert_true(json_array_size(rows) > 4);
	for (size_t i = json_array_size(rows); i-- > 0;) {
		const json_t *row = json_array_get(rows, i);
		int64_t hour = (field(row, "from_s") - START_S) / 3600;
		assert_int_equal(hour / 24, 0);
		assert_string_equal(json_string_value(json_object_get(row, "band")),
				    hour < 8 || hour >= 22 ? "valley" : "peak");
		assert_int_equal(field(row, "block"), used_wh < 10000 ? 1 : 2);
		used_wh += field(row, "energy_wh");
		*ret_split += is_text(row, "rule", "split-by-time");
	}
	site_forget(&all);
}

static void a_charge_tells_its_band_and_block(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	size_t split;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	apply(site,
	      "[tariff]\nname = t\nactivation = receipt\n[energy]\nblocks = 10\nreset = day\n"
	      "[band peak]\nprice = 0.5 1\n[band valley]\nprice = 0.25 0.5\n"
	      "[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n",
	      START_S);
	played_run(building, 8 * HOUR_US - 5 * MINUTE_US);
	building->meter[0].dead = true;
	played_run(building, 8 * HOUR_US + 5 * MINUTE_US);
	building->meter[0].dead = false;
	played_run(building, 23 * HOUR_US);
	building->meter[0].load_w = 0;
	played_run(building, building->now_us + 2 * MINUTE_US);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");
	assert_band_and_block(site, &split);
	/* Before 08:00 and behind it: nobody was there to read. */
	assert_int_equal(split, 2);
	/* The book lets go of it; the ledger does not. */
	for (int n = 0; n < TARIFF_BOOK_MAX + 2; n++) {
		char text[128];
		snprintf(text, sizeof(text),
			 "[tariff]\nname = n%d\nactivation = receipt\n[energy]\nprice = 0.%d\n", n,
			 n + 1);
		apply(site, text, START_S + 24 * 3600 + n);
	}
	building->base_s += 26 * 3600 - 23 * 3600;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(station_load_tariffs(building->station), 0);
	assert_int_not_equal(building->station->book.tariff[0].id, 2);
	assert_band_and_block(site, &split);
}

static void a_flat_price_has_neither_band_nor_block(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	played_run(&site->building, 7 * HOUR_US);
	struct site_answer all = site_ask(site, "explain", json_pack("{s:s}", "room", "101"));
	const json_t *row = json_array_get(json_object_get(all.data, "rows"), 0);
	assert_true(json_is_null(json_object_get(row, "band")));
	assert_true(json_is_null(json_object_get(row, "block")));
	site_forget(&all);
}

static void the_export_holds_every_entry_once(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;
	const json_t *row;
	size_t i;
	int64_t seq = 0, sum = 0;
	struct played_building *building = &site->building;
	for (int n = 0; n < 2; n++) {
		site_add_meter(site, 500);
		site_add_room(site, 101 + n, 500000, "sockets", true, 1);
	}
	while (building->now_us < 12 * HOUR_US) {
		played_run(building, building->now_us + 2 * MINUTE_US);
		(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"),
				   "rooms");
	}
	struct site_answer all = site_ask(site, "ledger.export", NULL);
	json_array_foreach(json_object_get(all.data, "rows"), i, row)
	{
		assert_int_equal(field(row, "seq"), ++seq);
		sum += field(row, "amount_nano");
	}
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_true(totals.entries > 600); /* several pages */
	assert_int_equal(seq, totals.entries);
	assert_int_equal(sum, totals.balance_nano);
	site_forget(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(months_follow_each_other),
		CASE(each_charge_explains_itself),
		CASE(a_charge_tells_its_band_and_block),
		CASE(a_flat_price_has_neither_band_nor_block),
		CASE(the_export_holds_every_entry_once),
	};
	return cmocka_run_group_tests_name("station_history", tests, NULL, NULL);
}
