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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_room_with_a_dead_meter_can_be_removed),
		CASE(an_account_of_energy_settles),
		CASE(another_model_takes_the_place_of_a_removed_one),
	};
	return cmocka_run_group_tests_name("station_trouble", tests, NULL, NULL);
}
