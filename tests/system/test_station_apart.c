/* One device, twelve rooms, and a gateway that hands out answers it has kept (B1, T1c).
 *
 * A WB-MAP12E has four groups of clamps, whose registers lie a stride apart and are read by requests of one
 * length: an old answer to one group is a perfect answer to another. Group g shows 3 Wh less than the group before
 * it, a step that no plausibility limit sees, and no energy flows.
 */
#include "concentrator/station_room.h"
#include "tests/system/station_call.h"

#define ROOMS    12
#define GROUP_OF 3

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

static struct played_meter *populate(struct site *site)
{
	site->read_period_us = -1;
	site_close(site);
	site_open(site);
	struct played_meter *meter = site_add_meter(site, 0);
	meter->map12 = true;
	for (int channel = 1; channel <= ROOMS; channel++) {
		char room[16], number[16];
		snprintf(room, sizeof(room), "%d", 300 + channel);
		snprintf(number, sizeof(number), "%d", channel);
		json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", room,
					 "circuit", "sockets", "line", "A", "address", "1", "model",
					 "wb-map12e", "channel", number, "breaker_a", "16",
					 "opening_minor", "10000");
		assert_int_equal(station_rooms_add(site->building.station, rows, false, "", "",
						   no_finding, NULL),
				 0);
		json_decref(rows);
	}
	played_run(&site->building, site->building.now_us + MINUTE_US);
	return meter;
}

static struct station_supply *supply_of(struct site *site, int channel)
{
	char room[16];
	snprintf(room, sizeof(room), "%d", 300 + channel);
	return site_room(site, room)->supplies[0];
}

static void each_has_its_own(struct site *site, const struct played_meter *meter)
{
	for (int channel = 1; channel <= ROOMS; channel++) {
		const struct station_supply *supply = supply_of(site, channel);
		int64_t group = (channel - 1) / GROUP_OF;
		assert_int_equal(supply->guard.accepted.wh, played_register_wh(meter) - 3 * group);
		assert_int_equal(supply->room->live_nano, INT64_C(100000000000));
		assert_in_range(supply->latest.value[QUANTITY_CURRENT_L1_MA],
				1000 * (group + 1) - 1, 1000 * (group + 1) + 1);
		assert_int_equal(supply->latest.value[QUANTITY_POWER_W], group + 1);
		assert_false(supply->guard.quarantined);
	}
}

/* How often a register was read, and a load, in a minute; of the oldest of the rooms. */
static void are_read(struct site *site, int64_t within_us)
{
	for (int channel = 1; channel <= ROOMS; channel++) {
		const struct station_supply *supply = supply_of(site, channel);
		int64_t now_us = site->building.now_us;
		assert_true(now_us - supply->seen.register_us <= within_us);
		assert_true(now_us - supply->value_us[QUANTITY_CURRENT_L1_MA] <= within_us);
		assert_true(now_us - supply->value_us[QUANTITY_POWER_W] <= within_us);
	}
}

static void storm(struct site *site, size_t by)
{
	const struct played_meter *meter = populate(site);
	struct played_building *building = &site->building;
	each_has_its_own(site, meter);
	building->shifted_by = by;
	building->shifted_every = 7; /* not in step with a round of twelve */
	for (int i = 0; i < 10; i++) {
		played_run(building, building->now_us + MINUTE_US);
		each_has_its_own(site, meter);
		are_read(site, 20 * INT64_C(1000000));
	}
	assert_true(building->answers > 5000);
	assert_int_equal(building->passed, 0);
}

static void the_answer_before_is_never_taken_for_another_rooms(void **state)
{
	storm(*state, 1);
}

static void nor_is_the_one_before_that(void **state)
{
	storm(*state, 2);
}

/* What goes between costs no room its turn. */
static void a_well_device_is_read_in_short_rounds(void **state)
{
	struct site *site = *state;
	(void)populate(site);
	for (int i = 0; i < 100; i++) {
		played_run(&site->building, site->building.now_us + 100000);
		are_read(site, 4 * INT64_C(1000000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define APART_TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)
		APART_TEST(the_answer_before_is_never_taken_for_another_rooms),
		APART_TEST(nor_is_the_one_before_that),
		APART_TEST(a_well_device_is_read_in_short_rounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
