/* Money that a tariff gives for a period, and the least that a period costs. */
#include "tests/system/station_call.h"

#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/station_persons.h"

#define CENT INT64_C(10000000)

struct sums {
	int64_t nano[ENTRY_KIND_END];
	int count[ENTRY_KIND_END];
};

static int sums_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct sums *sums = userdata;

	(void)balance_nano;
	sums->nano[entry->kind] += entry->amount_nano;
	sums->count[entry->kind]++;
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

static void restart(struct site *site)
{
	site_close(site);
	site->building.now_us += 45 * 1000000;
	site_open(site);
}

/* To some minutes after the first of the next month. */
static void pass_month(struct site *site)
{
	struct station *station = site->building.station;
	struct civil today;

	do {
		struct instant now;

		site_pass_days(site, 1);
		now = played_now(&site->building);
		today = calendar_local(&station->settings.zone, now.s);
	} while (today.day != 1);
}

static void begin(struct site *site, const char *room, const char *tenancy)
{
	site_ask_int(site, "tenancy.begin",
		     json_pack("{s:s,s:s,s:s}", "room", room, "tenancy", tenancy, "reason", "x"),
		     "amount_nano");
}

static int64_t end(struct site *site, const char *room)
{
	return site_ask_int(site, "tenancy.end",
			    json_pack("{s:s,s:s}", "room", room, "reason", "x"), "amount_nano");
}

static void what_is_left_ends_with_the_month(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = site_add_meter(site, 1000);
	struct sums sums;

	site_add_room(site, 101, 1000, "sockets", true, 1);
	site_tariff(site, "[allowance]\nmoney = 3\nevery = month 1\n");
	played_run(&site->building, 2 * HOUR_US); /* of 3.00 it uses 1.00 */
	meter->load_w = 0;
	assert_int_equal(sums_of(site, "101").nano[ENTRY_ALLOWANCE], 300 * CENT);
	restart(site);
	played_run(&site->building, site->building.now_us + 5 * MINUTE_US);
	assert_int_equal(sums_of(site, "101").count[ENTRY_ALLOWANCE], 1);
	pass_month(site);
	sums = sums_of(site, "101");
	assert_int_equal(sums.count[ENTRY_ALLOWANCE], 2);
	assert_int_equal(sums.nano[ENTRY_FORFEIT], -300 * CENT - sums.nano[ENTRY_CHARGE]);
	assert_in_range(-sums.nano[ENTRY_CHARGE], 98 * CENT, 102 * CENT);
	/* What was paid is whole. */
	assert_int_equal(site_room(site, "101")->live_nano, 1000 * CENT + 300 * CENT);
	assert_int_equal(site_room(site, "101")->credit.allowance_nano, 300 * CENT);
}

static void what_is_carried_ends_with_the_year(void **state)
{
	struct site *site = *state;

	site->building.base_s += 304 * CALENDAR_DAY_S; /* 2026-11-01 */
	played_run(&site->building, MINUTE_US);
	site_add_meter(site, 0);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	assert_int_equal(
		station_persons_set(site->building.station, site_room(site, "101"), 2, "x"), 0);
	site_tariff(site, "[allowance]\nmoney = 1.50\nevery = month 1\ncarried-to = year 01-01\n"
			  "per = person\n");
	site_pass_days(site, 1);
	assert_int_equal(site_room(site, "101")->credit.allowance_nano, 300 * CENT);
	pass_month(site);
	assert_int_equal(site_room(site, "101")->credit.allowance_nano, 600 * CENT);
	struct site_answer shown = site_ask(site, "room.show", json_pack("{s:s}", "room", "101"));
	const json_t *line = json_array_get(json_object_get(shown.data, "credits"), 0);
	assert_string_equal(json_string_value(json_object_get(line, "type")), "allowance");
	assert_int_equal(json_integer_value(json_object_get(line, "until_s")),
			 START_S + 365 * CALENDAR_DAY_S);
	site_forget(&shown);
	pass_month(site);
	assert_int_equal(site_room(site, "101")->credit.allowance_nano, 300 * CENT);
	assert_int_equal(sums_of(site, "101").nano[ENTRY_FORFEIT], -600 * CENT);
	assert_int_equal(sums_of(site, "101").count[ENTRY_FORFEIT], 1);
}

static void it_is_not_paid_out_and_not_given_twice(void **state)
{
	struct site *site = *state;

	site_add_meter(site, 0);
	site_add_room(site, 101, 0, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 0, "sockets", true, 1);
	begin(site, "101", "T-1");
	begin(site, "102", "T-0");
	played_run(&site->building, MINUTE_US);
	assert_int_equal(end(site, "102"), 0); /* vacant: nothing is given there */
	site_tariff(site, "[allowance]\nmoney = 3\nevery = month 1\n");
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "T-1", 2000), "7"),
		"applied");
	site_pass_days(site, 1);
	assert_int_equal(site_room(site, "101")->live_nano, 2300 * CENT);
	/* It moves with the tenant, who is not given more for this month in the other room. */
	site_ask_int(site, "tenancy.transfer",
		     json_pack("{s:s,s:s,s:s}", "room", "101", "to", "102", "reason", "x"),
		     "amount_nano");
	restart(site);
	site_pass_days(site, 1);
	assert_int_equal(site_room(site, "102")->live_nano, 2300 * CENT);
	assert_int_equal(end(site, "102"), 2000 * CENT);
	assert_int_equal(site_room(site, "102")->live_nano, 0);
	/* Another tenant, even on that day, is given it. */
	begin(site, "102", "T-2");
	played_run(&site->building, site->building.now_us + 5 * MINUTE_US);
	assert_int_equal(site_room(site, "102")->live_nano, 300 * CENT);
}

static void a_period_costs_its_minimum(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = site_add_meter(site, 1000);
	struct sums sums;

	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[minimum]\namount = 10\nevery = month 1\n[tax]\nrate = 20\n"
			  "is = added\n");
	played_run(&site->building, 4 * HOUR_US); /* 2.00 */
	meter->load_w = 0;
	pass_month(site);
	sums = sums_of(site, "101");
	assert_int_equal(sums.count[ENTRY_MINIMUM], 1);
	assert_int_equal(sums.nano[ENTRY_MINIMUM] + sums.nano[ENTRY_CHARGE], -1000 * CENT);
	assert_int_equal(site_room(site, "101")->live_nano, 10000 * CENT - 1200 * CENT);
	/* A month that costs more owes nothing beside. */
	meter->load_w = 3000;
	played_run(&site->building, site->building.now_us + 8 * HOUR_US);
	meter->load_w = 0;
	pass_month(site);
	restart(site);
	site_pass_days(site, 1);
	assert_int_equal(sums_of(site, "101").count[ENTRY_MINIMUM], 1);
}

static void the_minimum_falls_due_at_closing_too(void **state)
{
	struct site *site = *state;

	site_add_meter(site, 0);
	site_add_room(site, 101, 0, "sockets", true, 1);
	site_tariff(site, "[minimum]\namount = 31\nevery = month 1\nmove-in = prorated\n");
	site_pass_days(site, 9);
	begin(site, "101", "T-1"); /* on the 10th */
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "T-1", 10000), "7"),
		"applied");
	site_pass_days(site, 4);
	/* The 10th to the 14th. */
	assert_int_equal(end(site, "101"), 9500 * CENT);
	begin(site, "101", "T-2");
	pass_month(site);
	/* The 14th to the 31st. */
	assert_int_equal(site_room(site, "101")->live_nano, -1800 * CENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_is_left_ends_with_the_month),
		CASE(what_is_carried_ends_with_the_year),
		CASE(it_is_not_paid_out_and_not_given_twice),
		CASE(a_period_costs_its_minimum),
		CASE(the_minimum_falls_due_at_closing_too),
	};

	return cmocka_run_group_tests_name("station_allowance", tests, NULL, NULL);
}
