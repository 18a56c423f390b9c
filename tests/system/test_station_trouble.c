/* The station in trouble: what people and machines do to it that a good day does not. */
#include "tests/system/station_site.h"

#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_tariff.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

static void remove_room(struct site *site, const char *name)
{
	site->building.station->now = played_now(&site->building);
	assert_int_equal(station_room_remove(site->building.station, site_room(site, name), true,
					     "test", "tester"),
			 0);
}

static void a_room_with_a_dead_meter_can_be_removed(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	struct played_meter *dead = site_add_meter(site, 100);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	dead->dead = true;
	played_run(building, 2 * HOUR_US);
	assert_non_null(
		alarms_find(&building->station->alarms, ALARM_METER_DEAD, "line A address 2"));
	remove_room(site, "102");
	played_run(building, 3 * HOUR_US);
	assert_null(alarms_find(&building->station->alarms, ALARM_METER_DEAD, "line A address 2"));
	assert_null(
		alarms_find(&building->station->alarms, ALARM_METER_SILENT, "line A address 2"));
}

static void seventeen_tariffs_and_a_restart(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	for (int i = 1; i <= 20; i++) {
		char text[128];
		struct ledger_tariff tariff = {
			.name = "more", .activation_s = START_S + i * 3600, .text = text};
		snprintf(text, sizeof(text),
			 "[tariff]\nname = more\nactivation = receipt\n[energy]\nprice = 0.5%02d\n",
			 i);
		assert_int_equal(ledger_begin(site->ledger), 0);
		assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
		assert_int_equal(ledger_commit(site->ledger), 0);
		building->station->now = played_now(building);
		assert_int_equal(station_load_tariffs(building->station), 0);
		played_run(building, i * HOUR_US + 30 * MINUTE_US);
	}
	assert_int_equal(
		tariff_at(&building->station->book, building->station->now.s)->price_micro_per_kwh,
		520000);
	site_close(site);
	site_open(site);
	assert_int_equal(
		tariff_at(&building->station->book, building->station->now.s)->price_micro_per_kwh,
		520000);
	/* An hour at each price, the first at 0.50. */
	played_run(building, 21 * HOUR_US);
	int64_t expected_nano = 0;
	for (int i = 0; i <= 20; i++)
		expected_nano += (500000 + i * INT64_C(1000)) * 1000;
	int64_t live_nano = site_room(site, "101")->live_nano;
	assert_in_range(played_register_wh(meter) - first_wh, 20970, 21010);
	assert_in_range(INT64_C(1000000000000) - live_nano, expected_nano - 25000000,
			expected_nano + 25000000);
}

static void an_account_of_energy_settles(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;
	site_close(site);
	site->config.site.account = CONFIG_ACCOUNT_ENERGY;
	site_open(site);
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1); /* 100.00 kWh */
	played_run(&site->building, 25 * HOUR_US);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_wh, 23000, 24100);
	assert_int_equal(totals.balance_nano, INT64_C(100000000000) - totals.charged_wh * 1000000);
}

static int count_findings;

static void count_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)row;
	(void)userdata;
	print_message("%s %s\n", column, detail);
	count_findings++;
}

static void another_model_takes_the_place_of_a_removed_one(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	remove_room(site, "101");
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "101", "circuit", "sockets",
				 "line", "A", "address", "1", "model", "eastron-sdm120",
				 "breaker_a", "16");
	building->station->now = played_now(building);
	assert_int_equal(station_rooms_add(building->station, rows, false, count_finding, NULL), 0);
	json_decref(rows);
	played_run(building, 2 * HOUR_US);
	assert_string_equal(site_room(site, "101")->supplies[0]->meter->model->name,
			    "eastron-sdm120");
	site_close(site);
	site_open(site);
}

static void an_order_that_does_not_fit_leaves_the_room_chargeable(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site->config.policy.order_max_minor = 0;
	site->config.policy.order_room_day_max_minor = 0;
	site->config.policy.order_day_max_minor = 0;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	played_run(building, HOUR_US);
	/* 9 thousand million twice is more than an account holds. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 900000000000), "1"),
			    "applied");
	played_run(building, 2 * HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 900000000000), "2"),
			    "quarantined");
	played_run(building, 9 * HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-3", "101", 100), "3"),
			    "applied");
	site_assert_conserved(site, &first_wh,
			      INT64_C(50000000000) + INT64_C(9000000000000000000) +
				      INT64_C(1000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_room_with_a_dead_meter_can_be_removed),
		CASE(seventeen_tariffs_and_a_restart),
		CASE(an_account_of_energy_settles),
		CASE(another_model_takes_the_place_of_a_removed_one),
		CASE(an_order_that_does_not_fit_leaves_the_room_chargeable),
	};
	return cmocka_run_group_tests_name("station_trouble", tests, NULL, NULL);
}
