/* Another meter behind the same address, and another ratio in the same meter: neither moves money. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_quarantine.h"
#include "concentrator/station_room.h"
#include "tests/system/station_call.h"

#define DAY_US (24 * HOUR_US)

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

/* Room 301 with an Acrel meter of that serial number, 1 kW and a ratio of 1. */
static struct played_meter *populate(struct site *site, uint64_t serial)
{
	struct played_meter *meter = site_add_meter(site, 1000);
	meter->acrel = true;
	meter->serial = serial;
	meter->ct = 1;
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "301", "circuit",
				 "sockets", "line", "A", "address", "1", "model", "acrel-ddsy1352",
				 "breaker_a", "16", "opening_minor", "10000");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
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

static void the_serial_number_is_bound_to_the_life(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 123456789012);
	wait_us(site, 5 * MINUTE_US);
	assert_string_equal(supply_of(site)->life.serial, "123456789012");
	assert_false(alarmed(site, ALARM_SERIAL_MISMATCH));
	/* Seldom: at the start, and once a day. */
	int64_t reads = meter->identity_reads;
	assert_int_equal(reads, 1);
	wait_us(site, 23 * HOUR_US);
	assert_int_equal(meter->identity_reads, reads);
	wait_us(site, 2 * HOUR_US);
	assert_int_equal(meter->identity_reads, reads + 1);
	site_close(site);
	site_open(site);
	wait_us(site, 5 * MINUTE_US);
	assert_string_equal(supply_of(site)->life.serial, "123456789012");
	assert_int_equal(meter->identity_reads, reads + 2);
	assert_false(supply_of(site)->guard.quarantined);
}

static void a_meter_exchanged_unannounced_is_not_charged(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 111111111111);
	wait_us(site, 30 * MINUTE_US);
	int64_t accepted_wh = supply_of(site)->guard.accepted.wh;
	/* Power off, another meter in its place that shows a little more, power on. */
	meter->dead = true;
	wait_us(site, 5 * MINUTE_US);
	accepted_wh = supply_of(site)->guard.accepted.wh;
	int64_t balance = site_room(site, "301")->live_nano;
	meter->serial = 222222222222;
	meter->energy_uwh += INT64_C(50) * 1000000;
	meter->dead = false;
	wait_us(site, 30 * MINUTE_US);
	assert_true(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_true(supply_of(site)->guard.quarantined);
	assert_int_equal(supply_of(site)->guard.reason, GUARD_SERIAL);
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
	assert_int_equal(site_room(site, "301")->live_nano, balance);
	/* A restart changes nothing of it. */
	site_close(site);
	site_open(site);
	wait_us(site, 10 * MINUTE_US);
	assert_true(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_true(supply_of(site)->guard.quarantined);
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
	/* The old meter comes back by itself: all is as it was. */
	meter->dead = true;
	wait_us(site, 5 * MINUTE_US);
	meter->serial = 111111111111;
	meter->dead = false;
	wait_us(site, 10 * MINUTE_US);
	assert_false(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_false(supply_of(site)->guard.quarantined);
	assert_true(supply_of(site)->guard.accepted.wh > accepted_wh);
}

static void a_meter_that_tells_no_serial_number_any_more_is_another_one(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 111111111111);
	wait_us(site, 30 * MINUTE_US);
	meter->dead = true;
	wait_us(site, 5 * MINUTE_US);
	int64_t accepted_wh = supply_of(site)->guard.accepted.wh;
	meter->serial = 0;
	meter->dead = false;
	wait_us(site, 30 * MINUTE_US);
	assert_true(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
}

static void a_meter_without_a_serial_number_is_charged_all_the_same(void **state)
{
	struct site *site = *state;
	populate(site, 0);
	wait_us(site, 30 * MINUTE_US);
	assert_string_equal(supply_of(site)->life.serial, "");
	assert_false(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_true(supply_of(site)->guard.accepted.wh > supply_of(site)->life.first_wh);
}

static void a_changed_ratio_freezes_charging_until_a_person_decides(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 111111111111);
	wait_us(site, 30 * MINUTE_US);
	assert_false(alarmed(site, ALARM_RATIO_CHANGED));
	meter->ct = 2;
	wait_us(site, 25 * HOUR_US);
	assert_true(alarmed(site, ALARM_RATIO_CHANGED));
	assert_true(supply_of(site)->guard.quarantined);
	assert_int_equal(supply_of(site)->guard.reason, GUARD_RATIO);
	int64_t accepted_wh = supply_of(site)->guard.accepted.wh;
	int64_t balance = site_room(site, "301")->live_nano;
	wait_us(site, 2 * HOUR_US);
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
	assert_int_equal(site_room(site, "301")->live_nano, balance);
	/* It goes back by itself, and the box is restarted: still frozen. */
	meter->ct = 1;
	site_close(site);
	site_open(site);
	wait_us(site, 25 * HOUR_US);
	assert_true(supply_of(site)->guard.quarantined);
	assert_true(alarmed(site, ALARM_RATIO_CHANGED));
	assert_int_equal(supply_of(site)->guard.accepted.wh, accepted_wh);
}

static void a_person_takes_the_new_ratio(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 111111111111);
	wait_us(site, 30 * MINUTE_US);
	meter->ct = 2;
	wait_us(site, 25 * HOUR_US);
	assert_true(supply_of(site)->guard.quarantined);
	int64_t accepted_wh = supply_of(site)->guard.accepted.wh;
	struct site_answer answer = site_ask(
		site, "quarantine.accept",
		json_pack("{s:I,s:s,s:s}", "id", (json_int_t)supply_of(site)->quarantine_id, "as",
			  "charge", "reason", "the electrician changed the transformer"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	wait_us(site, 26 * HOUR_US);
	assert_false(supply_of(site)->guard.quarantined);
	assert_false(alarmed(site, ALARM_RATIO_CHANGED));
	/* A day at 1 kW and more, none of it lost but what was used since the last reading, a minute ago. */
	assert_in_range(played_register_wh(meter) - supply_of(site)->guard.accepted.wh, 0, 20);
	assert_true(supply_of(site)->guard.accepted.wh > accepted_wh + 24000);
	site_close(site);
	site_open(site);
	wait_us(site, 10 * MINUTE_US);
	assert_false(supply_of(site)->guard.quarantined);
	assert_false(alarmed(site, ALARM_RATIO_CHANGED));
}

static void a_declared_exchange_binds_the_new_serial_number(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = populate(site, 111111111111);
	char final[32];
	wait_us(site, 30 * MINUTE_US);
	meter->dead = true;
	wait_us(site, 5 * MINUTE_US);
	snprintf(final, sizeof(final), "%lld", (long long)supply_of(site)->guard.accepted.wh);
	meter->serial = 222222222222;
	meter->energy_uwh = INT64_C(5000) * 1000000;
	meter->dead = false;
	wait_us(site, 10 * MINUTE_US);
	assert_true(alarmed(site, ALARM_SERIAL_MISMATCH));
	struct site_answer answer = site_ask(
		site, "meter.exchange",
		json_pack("{s:s,s:I,s:I,s:s}", "room", "301", "final_wh",
			  (json_int_t)strtoll(final, NULL, 10), "initial_wh", (json_int_t)5000,
			  "reason", "the old one was broken"));
	if (answer.problem != PROBLEM_NONE)
		fail_msg("%s", answer.detail);
	site_forget(&answer);
	assert_string_equal(supply_of(site)->life.serial, "222222222222");
	wait_us(site, 30 * MINUTE_US);
	assert_false(alarmed(site, ALARM_SERIAL_MISMATCH));
	assert_false(supply_of(site)->guard.quarantined);
	assert_true(supply_of(site)->guard.accepted.wh > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IDENTITY_TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)
		IDENTITY_TEST(the_serial_number_is_bound_to_the_life),
		IDENTITY_TEST(a_meter_exchanged_unannounced_is_not_charged),
		IDENTITY_TEST(a_meter_that_tells_no_serial_number_any_more_is_another_one),
		IDENTITY_TEST(a_meter_without_a_serial_number_is_charged_all_the_same),
		IDENTITY_TEST(a_changed_ratio_freezes_charging_until_a_person_decides),
		IDENTITY_TEST(a_person_takes_the_new_ratio),
		IDENTITY_TEST(a_declared_exchange_binds_the_new_serial_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
