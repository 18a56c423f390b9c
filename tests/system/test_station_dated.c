/* Dated events in the station: once a day, over jumps of the clock, outages, restarts and kills. */
#include "tests/system/station_call.h"

#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

#define DAY_US INT64_C(86400000000)
#define CENT   INT64_C(10000000)

static void restart(struct site *site, int64_t off_us)
{
	site_close(site);
	site->building.now_us += off_us;
	site_open(site);
}

struct days {
	int count;
	int64_t nano;
	int64_t last_from_s;
};

static int day_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct days *days = userdata;

	(void)balance_nano;
	if (entry->kind != ENTRY_STANDING)
		return 0;
	/* Newest first, none twice. */
	assert_true(days->count == 0 || entry->from_s < days->last_from_s);
	days->last_from_s = entry->from_s;
	days->count++;
	days->nano -= entry->amount_nano;
	return 0;
}

static struct days days_of(struct site *site, const char *room)
{
	struct days days = {0};

	assert_int_equal(ledger_entries_tail(site->ledger, site_room(site, room)->record.account_id,
					     0, INT32_MAX, day_row, &days),
			 0);
	return days;
}

static bool is_held(struct site *site)
{
	return alarms_find(&site->building.station->alarms, ALARM_DATED_HELD, "building") != NULL;
}

static void a_day_is_charged_when_it_has_ended(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 0.5137\nper-month = 3.1\n");
	played_run(building, DAY_US - MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 0);
	played_run(building, DAY_US + 2 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 1);
	assert_int_equal(days_of(site, "101").nano, INT64_C(513700000) + 10 * CENT);
	assert_int_equal(site_room(site, "101")->live_nano,
			 10000 * CENT - INT64_C(513700000) - 10 * CENT);
	site_pass_days(site, 3);
	assert_int_equal(days_of(site, "101").count, 4);
	assert_false(is_held(site));
}

static void the_clock_may_jump_both_ways(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 1\n");
	site_pass_days(site, 1);
	assert_int_equal(days_of(site, "101").count, 1);
	building->base_s += 2 * CALENDAR_DAY_S; /* 2026-01-04 */
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 3);
	building->base_s -= 2 * CALENDAR_DAY_S;
	site_pass_days(site, 2); /* truly the 4th */
	assert_int_equal(days_of(site, "101").count, 3);
	restart(site, 45 * 1000000);
	site_pass_days(site, 1);
	assert_int_equal(days_of(site, "101").count, 4);

	/* Untrusted, it may say what it likes. */
	building->trusted = false;
	building->base_s += 2 * CALENDAR_DAY_S;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 4);
	building->base_s -= 2 * CALENDAR_DAY_S;
	building->trusted = true;

	/* To 2038 and back: nobody pays for twelve years. */
	building->base_s += INT64_C(12) * 366 * CALENDAR_DAY_S;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_true(is_held(site));
	assert_int_equal(days_of(site, "101").count, 4);
	site_refused(site, "dated.confirm", json_pack("{s:s}", "reason", "x"), PROBLEM_REFUSED);
	building->base_s -= INT64_C(12) * 366 * CALENDAR_DAY_S;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_false(is_held(site));
	assert_int_equal(days_of(site, "101").count, 4);
	site_pass_days(site, 1);
	assert_int_equal(days_of(site, "101").count, 5);
}

static void a_month_without_power_waits_for_a_person(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 0.10\nwhile-unread = halted\n");
	site_pass_days(site, 1);
	restart(site, 3 * DAY_US); /* three missed days are charged by themselves */
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 4);
	restart(site, 31 * DAY_US);
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_true(is_held(site));
	assert_int_equal(days_of(site, "101").count, 4);

	struct site_answer list = site_ask(site, "dated.list", NULL);
	assert_int_equal(json_array_size(json_object_get(list.data, "rows")), 2);
	json_t *row = json_array_get(json_object_get(list.data, "rows"), 1);
	assert_string_equal(json_string_value(json_object_get(row, "room")), "102");
	assert_string_equal(json_string_value(json_object_get(row, "first")), "2026-01-05");
	assert_string_equal(json_string_value(json_object_get(row, "last")), "2026-02-04");
	assert_int_equal(json_integer_value(json_object_get(row, "days")), 31);
	assert_string_equal(json_string_value(json_object_get(row, "amount_nano")), "3100000000");
	assert_true(json_is_true(json_object_get(row, "held")));
	site_forget(&list);

	/* Nobody leaves in between without them. */
	site_refused(site, "room.remove",
		     json_pack("{s:s,s:s,s:b}", "room", "102", "reason", "x", "write_off", true),
		     PROBLEM_CONFLICT);
	assert_int_equal(
		site_ask_int(site, "dated.confirm", json_pack("{s:s}", "reason", "x"), "days"), 62);
	assert_false(is_held(site));
	assert_int_equal(days_of(site, "101").count, 35);
	assert_int_equal(site_room(site, "101")->live_nano, 10000 * CENT - 35 * 10 * CENT);
	site_refused(site, "dated.confirm", json_pack("{s:s}", "reason", "x"), PROBLEM_CONFLICT);

	restart(site, 10 * DAY_US);
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(
		site_ask_int(site, "dated.waive", json_pack("{s:s}", "reason", "x"), "days"), 20);
	assert_int_equal(days_of(site, "101").count, 35);
	site_pass_days(site, 1);
	assert_int_equal(days_of(site, "101").count, 36);
}

static void a_kill_before_the_commit_is_no_charge(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 1\n");
	building->now_us = DAY_US - MINUTE_US;
	played_run(building, DAY_US);
	for (int i = 0; i < 5; i++) {
		/* Killed in the middle of the transaction that would take the day. */
		struct station *station = building->station;

		building->now_us = DAY_US + (i + 1) * MINUTE_US;
		station->now = played_now(building);
		assert_int_equal(station_begin(station), 0);
		assert_int_equal(station_dated_close(station, site_room(site, "101"), false, "x"),
				 0);
		assert_int_equal(days_of(site, "101").count, 1);
		restart(site, 1000000);
		assert_int_equal(days_of(site, "101").count, 0);
	}
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 1);
	restart(site, 1000000);
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(days_of(site, "101").count, 1);
}

static void days_while_cut_or_unread_are_charged_or_not(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);

	site_add_room(site, 101, 500, "sockets", true, 1); /* cut after ten hours */
	site_tariff(site, "[standing]\nper-day = 1\nwhile-cut = halted\n");
	played_run(building, 11 * HOUR_US);
	site_pass_days(site, 3);
	assert_false(meter->closed);
	assert_int_equal(days_of(site, "101").count, 0);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 10000), "7"),
			    "applied");
	meter->load_w = 0;
	site_pass_days(site, 1);
	assert_true(meter->closed);
	assert_int_equal(days_of(site, "101").count, 1); /* and not the days before */

	site_tariff(site, "[standing]\nper-day = 1\nwhile-unread = halted\n");
	meter->dead = true;
	site_pass_days(site, 3);
	/* It was read on the morning of the first of the three. */
	assert_int_equal(days_of(site, "101").count, 2);
	meter->dead = false;
	site_pass_days(site, 1);
	assert_int_equal(days_of(site, "101").count, 3);
}

/* The days of a box that was off are judged by how the room stood then, not when a person confirms them. */
static void missed_days_go_by_how_the_room_stood_then(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *rich = NULL;
	int64_t count;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1); /* cut after ten hours */
	rich = site_add_meter(site, 10);
	site_add_room(site, 102, 1000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 1\nwhile-cut = halted\n");
	played_run(building, 11 * HOUR_US);
	assert_true(site_room(site, "101")->money.cut);
	site_close(site);
	building->now_us += 6 * DAY_US;
	site_open(site);
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_true(is_held(site));
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 10000), "7"),
			    "applied");
	rich->load_w = 6000;
	played_run(building, building->now_us + 5 * HOUR_US);
	assert_false(site_room(site, "101")->money.cut);
	assert_true(site_room(site, "102")->money.cut);
	assert_int_equal(station_dated_decide(building->station, "anna", false, &count), 0);
	assert_int_equal(days_of(site, "101").count, 0);
	assert_int_equal(days_of(site, "102").count, 6);
}

static void exhaustion_by_a_standing_charge_is_announced_then_cut(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 10);

	site_add_room(site, 101, 300, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 4\n");
	building->now_us = DAY_US - HOUR_US;
	played_run(building, DAY_US - MINUTE_US);
	assert_false(site_room(site, "101")->money.noticed);
	played_run(building, DAY_US + 5 * MINUTE_US);
	assert_true(site_room(site, "101")->best_nano < 0);
	assert_true(site_room(site, "101")->money.noticed);
	assert_true(meter->closed); /* not before the notice has run */
	played_run(building, DAY_US + 13 * MINUTE_US);
	assert_false(meter->closed);
}

static void many_exhausted_at_midnight_are_no_mass_cut(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	for (int i = 0; i < 6; i++) {
		site_add_meter(site, 10);
		site_add_room(site, 101 + i, 300, "sockets", true, 1);
	}
	site_tariff(site, "[standing]\nper-day = 4\n");
	building->now_us = DAY_US - HOUR_US;
	played_run(building, DAY_US + HOUR_US);
	assert_int_equal(building->station->mass.held, MASS_CUT_MANY);
	for (int i = 0; i < 6; i++)
		assert_true(building->meter[i].closed);
	mass_cut_confirm(&building->station->mass);
	played_run(building, DAY_US + 2 * HOUR_US);
	for (int i = 0; i < 6; i++)
		assert_false(building->meter[i].closed);
}

static void tenants_that_follow_each_other_pay_each_day_once(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-day = 1\n");
	site_ask_int(site, "tenancy.begin",
		     json_pack("{s:s,s:s,s:s}", "room", "101", "tenancy", "T-1", "reason", "x"),
		     "amount_nano");
	site_pass_days(site, 2);
	/* The dry run takes nothing, the real one is true to it. */
	for (int dry = 1; dry >= 0; dry--)
		assert_int_equal(site_ask_int(site, "tenancy.end",
					      json_pack("{s:s,s:s,s:b}", "room", "101", "reason",
							"x", "dry_run", dry),
					      "amount_nano"),
				 9800 * CENT);
	played_run(building, building->now_us + 5 * MINUTE_US);
	site_ask_int(site, "tenancy.begin",
		     json_pack("{s:s,s:s,s:s}", "room", "101", "tenancy", "T-2", "reason", "x"),
		     "amount_nano");
	site_pass_days(site, 2);
	site_ask_int(site, "tenancy.end", json_pack("{s:s,s:s}", "room", "101", "reason", "x"),
		     "amount_nano");
	site_pass_days(site, 4); /* vacant: nobody pays */
	assert_int_equal(days_of(site, "101").count, 4);
	assert_int_equal(site_room(site, "101")->live_nano, 0);
}

static void explain_and_statement_show_each_day(void **state)
{
	struct site *site = *state;
	struct site_answer answer;
	json_t *row;

	site->building.base_s += 28 * CALENDAR_DAY_S;
	played_run(&site->building, MINUTE_US);
	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[standing]\nper-month = 10\n");
	site_pass_days(site, 3);
	answer = site_ask(site, "explain", json_pack("{s:s}", "room", "101"));
	row = json_array_get(json_object_get(answer.data, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "kind")), "standing");
	assert_string_equal(json_string_value(json_object_get(row, "rule")), "by-date");
	assert_string_equal(json_string_value(json_object_get(row, "why")),
			    "standing charge of 2026-01-31");
	site_forget(&answer);
	/* The month's last days in one line, the very last one too, which takes the rest: 322580645 twice
	 * and 322580650. */
	answer = site_ask(site, "statement",
			  json_pack("{s:s,s:s}", "room", "101", "month", "2026-01"));
	row = json_array_get(json_object_get(answer.data, "rows"), 1);
	assert_string_equal(json_string_value(json_object_get(row, "kind")), "standing");
	assert_int_equal(json_integer_value(json_object_get(row, "entries")), 3);
	assert_string_equal(json_string_value(json_object_get(row, "amount_nano")), "-967741940");
	site_forget(&answer);
}

struct sums {
	int64_t base_nano;
	int64_t tax_nano;
	int taxes;
};

static int sums_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct sums *sums = userdata;

	(void)balance_nano;
	if (entry->kind == ENTRY_TAX) {
		sums->tax_nano -= entry->amount_nano;
		sums->taxes++;
	} else if (entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_STANDING) {
		sums->base_nano -= entry->amount_nano;
	}
	return 0;
}

static struct sums sums_of(struct site *site, const char *room)
{
	struct sums sums = {0};

	assert_int_equal(ledger_entries_tail(site->ledger, site_room(site, room)->record.account_id,
					     0, INT32_MAX, sums_row, &sums),
			 0);
	return sums;
}

static void tax_that_is_added_follows_every_charge_to_the_nano(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct station *station;
	struct sums sums;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	site_tariff(site, "[tax]\nrate = 13.3333\nis = added\n[standing]\nper-day = 0.123456789\n");
	for (int i = 1; i <= 50; i++) {
		int64_t live_nano;

		played_run(building, building->now_us + 11 * MINUTE_US + 7);
		if (i % 10 == 0) {
			restart(site, 1000000);
			site_pass_days(site, 1);
		}
		/* A settlement moves no live balance, the tax on it included. */
		station = building->station;
		station_balance(station, site_room(site, "101"));
		live_nano = site_room(site, "101")->live_nano;
		station->now = played_now(building);
		assert_int_equal(station_begin(station), 0);
		assert_int_equal(station_settle_room(station, site_room(site, "101"), "test"), 0);
		assert_int_equal(station_commit(station), 0);
		assert_int_equal(site_room(site, "101")->live_nano, live_nano);
	}
	sums = sums_of(site, "101");
	assert_in_range(sums.taxes, 50, 70);
	assert_int_equal(sums.tax_nano, sums.base_nano * 133333 / 1000000);
	assert_int_equal(site_room(site, "101")->settled_nano,
			 100000 * CENT - sums.base_nano - sums.tax_nano);
}

static void tax_that_is_included_is_told_and_moves_nothing(void **state)
{
	struct site *site = *state;
	struct site_answer answer;
	json_t *row;

	site_add_meter(site, 0);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[tax]\nrate = 13\nis = included\n[standing]\nper-day = 1.13\n");
	site_pass_days(site, 1);
	assert_int_equal(site_room(site, "101")->live_nano, 10000 * CENT - 113 * CENT);
	answer = site_ask(site, "explain", json_pack("{s:s}", "room", "101"));
	row = json_array_get(json_object_get(answer.data, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "tax_nano")), "-130000000");
	site_forget(&answer);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_day_is_charged_when_it_has_ended),
		CASE(the_clock_may_jump_both_ways),
		CASE(a_month_without_power_waits_for_a_person),
		CASE(a_kill_before_the_commit_is_no_charge),
		CASE(days_while_cut_or_unread_are_charged_or_not),
		CASE(missed_days_go_by_how_the_room_stood_then),
		CASE(exhaustion_by_a_standing_charge_is_announced_then_cut),
		CASE(many_exhausted_at_midnight_are_no_mass_cut),
		CASE(tenants_that_follow_each_other_pay_each_day_once),
		CASE(explain_and_statement_show_each_day),
		CASE(tax_that_is_added_follows_every_charge_to_the_nano),
		CASE(tax_that_is_included_is_told_and_moves_nothing),
	};

	return cmocka_run_group_tests_name("station_dated", tests, NULL, NULL);
}
