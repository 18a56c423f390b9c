/* The station in trouble: what people and machines do to it that a good day does not. */
#include "tests/system/station_site.h"

#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"

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
	assert_non_null(alarms_find(&building->station->alarms, ALARM_METER_DEAD,
				    "line A address 2"));
	remove_room(site, "102");
	played_run(building, 3 * HOUR_US);
	assert_null(alarms_find(&building->station->alarms, ALARM_METER_DEAD, "line A address 2"));
	assert_null(
		alarms_find(&building->station->alarms, ALARM_METER_SILENT, "line A address 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_room_with_a_dead_meter_can_be_removed),
	};
	return cmocka_run_group_tests_name("station_trouble", tests, NULL, NULL);
}
