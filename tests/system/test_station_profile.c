/* The 15-minute profile: what the meter showed, gaps where nobody knows, and nothing that money notices. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "concentrator/ledger_event.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

static void keep_a_profile(struct site *site)
{
	site->config.store.profile_days = 2;
	snprintf(site->config.store.ledger, sizeof(site->config.store.ledger), "%s/ledger.db",
		 site->folder);
}

/* Lives on, with the reader's thread doing what it is handed. */
static void live(struct site *site, int64_t until_us)
{
	while (site->building.now_us < until_us) {
		int64_t next_us = site->building.now_us + 5 * MINUTE_US;
		played_run(&site->building, next_us < until_us ? next_us : until_us);
		played_read_ledger(&site->building);
	}
}

static struct site_answer ask(struct site *site, const char *day)
{
	return site_ask(
		site, "profile",
		json_pack("{s:s,s:s,s:s}", "room", "101", "day", day, "reason", "the tenant asks"));
}

static int64_t number(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);
	return json_is_null(value) ? -1 : json_integer_value(value);
}

static void quarters_add_up_to_the_day_and_gaps_are_not_zero(void **state)
{
	struct site *site = *state;
	const json_t *row;
	size_t i, known = 0;
	int64_t sum = 0;

	keep_a_profile(site);
	struct played_meter *meter = site_add_meter(site, 1200);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	live(site, 10 * HOUR_US);
	meter->dead = true;
	live(site, 12 * HOUR_US);
	meter->dead = false;
	live(site, 25 * HOUR_US);
	struct site_answer answer = ask(site, "2026-01-01");
	assert_int_equal(site_int(&answer, "to_s"), START_S + 86400);
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		int64_t wh = number(row, "energy_wh");
		assert_int_equal(number(row, "to_s") - number(row, "from_s"), PROFILE_SLOT_S);
		assert_true(number(row, "from_s") >= START_S);
		if (wh < 0)
			continue;
		/* 1.2 kW: 300 Wh, a reading a minute either way. */
		assert_in_range(wh, 270, 330);
		sum += wh;
		known++;
	}
	/* Two hours nobody was heard, and the first quarter has no beginning. */
	assert_in_range(known, 84, 88);
	assert_in_range(sum, 24900, 26500);
	site_forget(&answer);
}

static int audit_row(const struct ledger_audit *audit, void *userdata)
{
	int *looks = userdata;
	if (strcmp(audit->verb, "profile") == 0 && strcmp(audit->why, "the tenant asks") == 0)
		(*looks)++;
	return 0;
}

static void each_look_is_audited_and_old_days_are_gone(void **state)
{
	struct site *site = *state;
	int looks = 0;

	keep_a_profile(site);
	site_add_meter(site, 1200);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	live(site, 4 * 24 * HOUR_US);
	struct site_answer answer = ask(site, "2026-01-01");
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 0);
	site_forget(&answer);
	answer = ask(site, "2026-01-03");
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 96);
	site_forget(&answer);
	assert_int_equal(ledger_audits_tail(site->ledger, 0, 100, audit_row, &looks), 0);
	assert_int_equal(looks, 2);
}

static void a_profile_that_fails_is_an_alarm_and_nothing_more(void **state)
{
	struct site *site = *state;
	struct alarms *alarms = &site->building.station->alarms;
	char path[128];

	keep_a_profile(site);
	/* A folder stands where the file must go. */
	snprintf(path, sizeof(path), "%s/profile.db", site->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	site_add_meter(site, 1200);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	live(site, 3 * HOUR_US);
	const struct alarm *alarm = alarms_next(alarms, 0, false);
	assert_non_null(alarm);
	assert_int_equal(alarm->kind, ALARM_PROFILE_FAILING);
	assert_false(site->building.station->store_failing);
	assert_in_range(site->building.station->profile.count, 1, 16);
	live(site, 7 * HOUR_US);
	int64_t first_wh[] = {played_register_wh(
		&(struct played_meter){.energy_uwh = INT64_C(1234560) * 1000000})};
	site_assert_conserved(site, first_wh, 500000 * INT64_C(10000000));

	assert_int_equal(rmdir(path), 0);
	live(site, 8 * HOUR_US);
	for (alarm = alarms_next(alarms, 0, false); alarm != NULL;
	     alarm = alarms_next(alarms, alarm->id, false))
		assert_int_not_equal(alarm->kind, ALARM_PROFILE_FAILING);
	/* What waited is in the file, as far back as there was room. */
	struct site_answer answer = ask(site, "2026-01-01");
	assert_true(json_array_size(json_object_get(answer.data, "rows")) >= 8);
	site_forget(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(quarters_add_up_to_the_day_and_gaps_are_not_zero),
		CASE(each_look_is_audited_and_old_days_are_gone),
		CASE(a_profile_that_fails_is_an_alarm_and_nothing_more),
	};

	return cmocka_run_group_tests_name("station_profile", tests, NULL, NULL);
}
