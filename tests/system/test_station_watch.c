/* The station beside a limit: of money, whose notice ends at a moment, and of power. */
#include "tests/system/station_site.h"

#include "concentrator/station_load_read.h"
#include "concentrator/station_model.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

#define SECOND_US INT64_C(1000000)

static bool overload_stands(const struct site *site)
{
	return alarms_find(&site->building.station->alarms, ALARM_OVERLOAD, "101 sockets") != NULL;
}

/* The breaker is rated 16 A, which is 3680 W; the building's own readings are a minute apart. */
static void an_overload_is_alarmed_by_two_readings(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	const struct schedule *schedule = &building->station->lines[0].schedule;
	played_run(building, HOUR_US);
	assert_int_equal(schedule->device[0].load_us, 0);

	/* Near the limit it is looked at often, and there is no alarm. */
	meter->load_w = 3500;
	played_run(building, building->now_us + 2 * MINUTE_US);
	assert_true(schedule->device[0].load_us > 0);
	assert_false(overload_stands(site));

	/* Above it two readings do. */
	meter->load_w = 5000;
	int64_t began_us = building->now_us;
	while (!overload_stands(site)) {
		played_run(building, building->now_us + SECOND_US / 10);
		assert_true(building->now_us < began_us + 5 * SECOND_US);
	}
	assert_int_equal(site_room(site, "101")->supplies[0]->load.above, LOAD_READINGS);
	/* The second was another measurement. */
	assert_true(building->now_us >= began_us + SECOND_US);

	meter->load_w = 1000;
	played_run(building, building->now_us + 2 * MINUTE_US);
	assert_false(overload_stands(site));
	assert_int_equal(schedule->device[0].load_us, 0);
}

/* One reading above the limit is an inrush, or noise. */
static void one_reading_above_the_limit_is_no_overload(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	struct station_supply *supply = site_room(site, "101")->supplies[0];
	played_run(building, HOUR_US);
	meter->load_w = 5000;
	while (supply->load.above == 0)
		played_run(building, building->now_us + SECOND_US / 100);
	meter->load_w = 1000;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_int_equal(supply->load.above, 0);
	assert_false(overload_stands(site));
}

/* A unit that answers its blocks alone is asked for these: neither its load nor its register is missed, and
 * nobody is told that it was another model. */
static void a_unit_that_refuses_the_load_alone_is_asked_for_the_whole(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	const struct station_device *device = building->station->devices[0];
	/* As on a line that is asked as fast as it goes, not with the building's one period for all. */
	building->station->lines[0].schedule.policy.period_us[SCHEDULE_LOAD] = 3 * SECOND_US;
	assert_int_equal(device->load.count, 2);
	assert_true(station_load_read_used(device));
	meter->whole = true;
	played_run(building, HOUR_US);
	assert_false(station_load_read_used(device));
	assert_int_equal(schedule_load_span(&building->station->lines[0].schedule, 0),
			 SCHEDULE_ENERGY);
	assert_false(station_model_doubted(device));
	assert_int_equal(site_room(site, "101")->supplies[0]->guard.accepted.wh,
			 played_register_wh(meter));

	meter->load_w = 5000;
	int64_t began_us = building->now_us;
	while (!overload_stands(site)) {
		played_run(building, building->now_us + SECOND_US / 10);
		assert_true(building->now_us < began_us + 2 * MINUTE_US);
	}

	/* After it was away it may be another unit. */
	meter->dead = true;
	played_run(building, building->now_us + 5 * MINUTE_US);
	meter->dead = meter->whole = false;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_true(station_load_read_used(device));
	assert_int_equal(device->load_failures, 0);
}

/* Noise is no refusal: what is lost now and then is asked for again. */
static void a_dead_meter_keeps_the_read_of_its_load(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	const struct station_device *device = building->station->devices[0];
	building->station->lines[0].schedule.policy.period_us[SCHEDULE_LOAD] = 3 * SECOND_US;
	played_run(building, HOUR_US);
	meter->dead = true;
	played_run(building, building->now_us + HOUR_US);
	assert_int_equal(device->load_failures, 0);
	assert_true(station_load_read_used(device));
}

/* S2: the cut comes when the notice has run, not when the next second's work looks. */
static void a_notice_is_acted_on_when_it_has_run(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 3000);
	site_add_room(site, 101, 500, "sockets", true, 1);
	struct station_room *room = site_room(site, "101");
	while (!room->money.noticed)
		played_run(building, building->now_us + SECOND_US);
	/* Much is switched on: the money is gone long before the notice has run. */
	meter->load_w = 30000;
	while (room->best_nano > 0)
		played_run(building, building->now_us + SECOND_US);
	assert_true(meter->closed);
	int64_t wait_us = room->money.notice_wait_us - room->money.notice_run_us;
	int64_t end_us = room->money.last_us + wait_us;
	assert_true(wait_us > MINUTE_US);
	played_run(building, end_us - SECOND_US / 20);
	assert_false(room->money.cut);
	played_run(building, end_us + SECOND_US / 20);
	assert_true(room->money.cut);
}

/* A register moves in steps, here of 10 Wh or 20 to 30 s: its crossing is one of them, and that is foreseen. */
static void a_crossing_at_a_step_of_the_register_is_commanded_in_time(void **state)
{
	enum { ROOMS = 3 }; /* S7: more at once would be held */
	struct site *site = *state;
	struct played_building *building = &site->building;
	int64_t before_wh[ROOMS] = {0}, step_us[ROOMS] = {0}, worst_us = 0;
	bool cut[ROOMS] = {false};
	int cuts = 0;

	building->station->policy.notice_us = MINUTE_US;
	/* No spare time, as on a full line. */
	building->station->lines[0].schedule.policy = schedule_policy_default();
	building->station->lines[0].schedule.policy.continuous = false;
	for (int i = 0; i < ROOMS; i++) {
		site_add_meter(site, 2500);
		site_add_room(site, 101 + i, 5 + i, "sockets", true, 1);
	}
	while (cuts < ROOMS) {
		played_run(building, building->now_us + 10000);
		for (int i = 0; i < ROOMS; i++) {
			const struct station_supply *supply = building->station->supplies[i];
			struct played_meter *meter = &building->meter[i];
			int64_t wh = played_register_wh(meter);

			if (cut[i])
				continue;
			/* Less is used from the notice on, so that it has run before the crossing. */
			if (supply->room->money.noticed)
				meter->load_w = 1300 + 100 * i;
			if (wh != before_wh[i])
				step_us[i] = building->now_us;
			before_wh[i] = wh;
			if (meter->closed)
				continue;
			cut[i] = true;
			cuts++;
			if (building->now_us - step_us[i] > worst_us)
				worst_us = building->now_us - step_us[i];
		}
	}
	print_message("commanded at most %d ms behind the step\n", (int)(worst_us / 1000));
	assert_true(worst_us <= SECOND_US / 2);
}

/* S5: one reading of a position is none. The second does not wait for its turn: after a start no cut is
 * commanded before it. */
static void a_position_that_is_news_is_read_twice_at_once(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	struct station_supply *supply = site_room(site, "101")->supplies[0];
	played_run(building, building->now_us + 2 * SECOND_US);
	assert_int_equal(supply->relay_state.believed, RELAY_CLOSED);

	played_run(building, building->now_us + HOUR_US);
	meter->closed = false;
	int64_t began_us = building->now_us;
	while (supply->seen.position != RELAY_OPEN)
		played_run(building, building->now_us + SECOND_US / 10);
	assert_false(supply->relay_state.armed);
	assert_true(building->now_us > began_us);
	played_run(building, building->now_us + SECOND_US);
	assert_true(supply->relay_state.armed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_overload_is_alarmed_by_two_readings),
		CASE(one_reading_above_the_limit_is_no_overload),
		CASE(a_unit_that_refuses_the_load_alone_is_asked_for_the_whole),
		CASE(a_dead_meter_keeps_the_read_of_its_load),
		CASE(a_notice_is_acted_on_when_it_has_run),
		CASE(a_crossing_at_a_step_of_the_register_is_commanded_in_time),
		CASE(a_position_that_is_news_is_read_twice_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
