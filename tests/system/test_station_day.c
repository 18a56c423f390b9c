/* The station over a simulated day: meters, money, relays and a restart, on a real ledger file. */
#include "tests/system/station_site.h"

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/station_relay.h"

static void a_room_is_warned_cut_and_restored(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1); /* 5.00 at 0.5: 10 kWh, 10 hours */
	struct played_meter *rich = site_add_meter(site, 700);
	site_add_room(site, 102, 100000, "sockets", true, 1);
	int64_t first[2] = {played_register_wh(meter), played_register_wh(rich)};

	played_run(building, 9 * HOUR_US);
	assert_true(meter->closed);
	assert_int_equal(site_room(site, "101")->money.cut, false);
	played_run(building, 9 * HOUR_US + 55 * MINUTE_US);
	assert_true(site_room(site, "101")->money.noticed);
	assert_true(meter->closed);
	played_run(building, 10 * HOUR_US + 5 * MINUTE_US);
	assert_false(meter->closed);
	assert_true(rich->closed);
	/* A reading a minute: at most a minute's energy beyond, and a register step. */
	int64_t over_wh = played_register_wh(meter) - first[0] - 10000;
	assert_in_range(over_wh, 0, 40);
	assert_int_equal(site_room(site, "101")->supplies[0]->relay_state.verify, RELAY_VERIFIED);
	assert_int_equal(meter->relay_writes, 1);

	/* The daemon is killed and started again: nothing moves. */
	site_close(site);
	building->now_us += 90 * 1000000;
	site_open(site);
	played_run(building, 15 * HOUR_US);
	assert_false(meter->closed);
	assert_int_equal(meter->relay_writes, 1);
	assert_int_equal(rich->relay_writes, 0);

	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 200), "7"),
			    "applied");
	played_run(building, building->now_us + 2000000);
	assert_true(meter->closed);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 200), "7"),
			    "duplicate");
	played_run(building, 24 * HOUR_US);
	assert_false(meter->closed); /* 2.00 lasted less than 4 h */
	site_assert_conserved(site, first,
			      INT64_C(5000000000) + INT64_C(1000000000000) + INT64_C(2000000000));
	/* D2: flash is spent on money: dozens of commits for a thousand readings. */
	assert_in_range(building->commits, 1, 100);
}

static void glitches_charge_nobody(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *zero = site_add_meter(site, 500), *far = site_add_meter(site, 500);
	building->meters = 1;
	site_add_room(site, 101, 10000, "sockets", true, 1);
	building->meters = 2;
	site_add_room(site, 102, 10000, "sockets", true, 1);
	int64_t first[2] = {played_register_wh(zero), played_register_wh(far)}, open = 0;
	played_run(building, HOUR_US);
	zero->glitch_count = 1;
	zero->glitch_raw = 0;
	far->glitch_count = 1;
	far->glitch_raw = 0x00ABCDEF;
	played_run(building, 2 * HOUR_US);
	assert_int_equal(ledger_quarantines_open_count(site->ledger, &open), 0);
	assert_int_equal(open, 0); /* both came back by themselves */
	site_assert_conserved(site, first, INT64_C(200000000000));

	/* A register that stays far away is not charged, and the room is not cut for it. */
	far->load_w = 500;
	far->glitch_count = INT64_MAX;
	played_run(building, 4 * HOUR_US);
	assert_int_equal(ledger_quarantines_open_count(site->ledger, &open), 0);
	assert_int_equal(open, 1);
	assert_true(far->closed);
}

static void a_dead_meter_holds_the_cut(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1);
	played_run(building, 9 * HOUR_US);
	meter->dead = true; /* the balance would be used up at 10 h, but nobody can prove it */
	played_run(building, 12 * HOUR_US);
	assert_false(site_room(site, "101")->money.cut);
	meter->dead = false;
	played_run(building, 12 * HOUR_US + 30 * MINUTE_US);
	assert_true(site_room(site, "101")->money.cut);
	assert_false(meter->closed);
}

static void a_wrong_clock_cuts_nobody(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1);
	building->trusted = false;
	played_run(building, 14 * HOUR_US);
	assert_true(meter->closed);
	assert_false(site_room(site, "101")->money.cut);
}

static void a_room_is_cut_in_stages(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *first = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "aircon", true, 1);
	struct played_meter *second = site_add_meter(site, 1000);
	site_add_room(site, 101, 0, "sockets", true, 2);
	struct played_meter *never = site_add_meter(site, 10);
	site_add_room(site, 101, 0, "light", false, 1);
	int64_t opened_us[2] = {0, 0};
	while (building->now_us < 6 * HOUR_US && (opened_us[0] == 0 || opened_us[1] == 0)) {
		played_run(building, building->now_us + 1000000);
		if (!first->closed && opened_us[0] == 0)
			opened_us[0] = building->now_us;
		if (!second->closed && opened_us[1] == 0)
			opened_us[1] = building->now_us;
	}
	assert_true(opened_us[0] > 0);
	assert_in_range(opened_us[1] - opened_us[0], 58 * 1000000, 64 * 1000000);
	played_run(building, 8 * HOUR_US);
	assert_true(never->closed);
}

static void many_rooms_at_once_are_held_until_a_person_confirms(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	for (int i = 0; i < 5; i++) {
		site_add_meter(site, 1000);
		site_add_room(site, 101 + i, 500, "sockets", true, 1);
	}
	played_run(building, 11 * HOUR_US);
	/* One reading shows one room exhausted: up to three go before it is a mass cut. */
	int open = 0;
	for (int i = 0; i < 5; i++)
		open += !building->meter[i].closed;
	assert_in_range(open, 0, 3);
	assert_int_equal(building->station->mass.held, MASS_CUT_MANY);
	mass_cut_confirm(&building->station->mass);
	played_run(building, 12 * HOUR_US);
	for (int i = 0; i < 5; i++)
		assert_false(building->meter[i].closed);
}

static void a_stranger_s_open_relay_waits_for_a_person(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	meter->closed = false; /* somebody presses the button */
	played_run(building, 3 * HOUR_US);
	assert_false(meter->closed);
	assert_int_equal(station_service(site_room(site, "101")), SERVICE_ARMED_FOR_CONNECT);
	const struct alarms *alarms = &building->station->alarms;
	assert_non_null(alarms_find(alarms, ALARM_ARMED_FOR_CONNECT, "101 sockets"));
	assert_int_equal(
		station_relay_connect(building->station, site_room(site, "101")->supplies[0]), 1);
	assert_null(alarms_find(alarms, ALARM_ARMED_FOR_CONNECT, "101 sockets"));
	played_run(building, 3 * HOUR_US + 5 * MINUTE_US);
	assert_true(meter->closed);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_room_is_warned_cut_and_restored),
		CASE(glitches_charge_nobody),
		CASE(a_dead_meter_holds_the_cut),
		CASE(a_wrong_clock_cuts_nobody),
		CASE(a_room_is_cut_in_stages),
		CASE(many_rooms_at_once_are_held_until_a_person_confirms),
		CASE(a_stranger_s_open_relay_waits_for_a_person),
	};
	return cmocka_run_group_tests_name("station_day", tests, NULL, NULL);
}
