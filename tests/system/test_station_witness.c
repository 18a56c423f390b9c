/* A register whose witness lies in another answer (T1e): the meter's other answer must be well, and a
 * small step is suspicious already (T1f).
 *
 * An ADF400L, played from the register facts: import at 0x0319, the voltage at 0x0300.
 */
#include "tests/system/station_call.h"

#include "concentrator/station_room.h"

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

static struct played_meter *populate(struct site *site)
{
	struct played_meter *meter = site_add_meter(site, 1000);
	meter->adf = true;
	meter->adf_mode = 0x0100;
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "301", "circuit",
				 "sockets", "line", "A", "address", "1", "model",
				 "acrel-adf400l-1ph", "breaker_a", "16", "opening_minor", "10000");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
	played_run(&site->building, site->building.now_us + 30 * MINUTE_US);
	return meter;
}

static void wait_us(struct site *site, int64_t us)
{
	played_run(&site->building, site->building.now_us + us);
}

static const struct station_supply *supply_of(struct site *site)
{
	return site_room(site, "301")->supplies[0];
}

static bool alarmed(struct site *site, enum alarm_kind kind)
{
	return alarms_find(&site->building.station->alarms, kind, "301 sockets") != NULL;
}

static void a_well_meter_is_charged(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site);
	assert_int_equal(supply_of(site)->limits.witness, GUARD_WITNESS_BESIDE);
	assert_in_range(played_register_wh(meter) - supply_of(site)->guard.accepted.wh, 0, 30);
	assert_false(supply_of(site)->guard.quarantined);
}

/* 20 Wh more than is true, beside the one or two steps of a minute: with its witness in the same answer a step of that size would be taken. */
static void one_possible_wrong_answer_is_not_charged(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site);
	for (int i = 0; i < 200; i++) {
		wait_us(site, MINUTE_US);
		meter->glitch_raw = (uint32_t)(played_register_wh(meter) / 10 + 2);
		meter->glitch_count = 1;
		wait_us(site, MINUTE_US);
		assert_int_equal(meter->glitch_count, 0);
		assert_true(supply_of(site)->guard.accepted.wh <= played_register_wh(meter));
		assert_false(supply_of(site)->guard.quarantined);
	}
	assert_in_range(played_register_wh(meter) - supply_of(site)->guard.accepted.wh, 0, 30);
}

static void while_the_witness_is_impossible_nothing_is_charged(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site);
	meter->volts_gone = true;
	wait_us(site, 5 * MINUTE_US);
	int64_t accepted_wh = supply_of(site)->guard.accepted.wh;
	int64_t balance = site_room(site, "301")->live_nano;
	wait_us(site, HOUR_US);
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
	assert_int_equal(site_room(site, "301")->live_nano, balance);
	assert_true(alarmed(site, ALARM_METER_SILENT));
	/* It is well again: all of it is charged, after two readings that agree. */
	meter->volts_gone = false;
	wait_us(site, 5 * MINUTE_US);
	assert_false(alarmed(site, ALARM_METER_SILENT));
	assert_in_range(played_register_wh(meter) - supply_of(site)->guard.accepted.wh, 0, 30);
	assert_true(supply_of(site)->guard.accepted.wh > accepted_wh + 900);
	assert_false(supply_of(site)->guard.quarantined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITNESS_TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)
		WITNESS_TEST(a_well_meter_is_charged),
		WITNESS_TEST(one_possible_wrong_answer_is_not_charged),
		WITNESS_TEST(while_the_witness_is_impossible_nothing_is_charged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
