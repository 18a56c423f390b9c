/* What people ask about the past: each charge explained, months that follow each other to the nano. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"

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
		CASE(the_export_holds_every_entry_once),
	};
	return cmocka_run_group_tests_name("station_history", tests, NULL, NULL);
}
