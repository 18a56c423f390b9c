/* Midnights of the station: every circuit is frozen in its settlement's transaction, idle and silent ones a
 * little later, months too, once each, whatever happens in between. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)

static int64_t number(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);
	int64_t nano;

	if (!json_is_string(value))
		return json_is_null(value) ? -1 : json_integer_value(value);
	assert_int_equal(message_parse_nano(value, &nano), 0);
	return nano;
}

static struct site_answer list(struct site *site, const char *room, bool monthly)
{
	return site_ask(site, "freeze.list",
			json_pack("{s:s,s:b}", "room", room, "monthly", monthly));
}

static const json_t *row_of(const struct site_answer *answer, size_t i)
{
	return json_array_get(json_object_get(answer->data, "rows"), i);
}

static size_t rows_of(const struct site_answer *answer)
{
	return json_array_size(json_object_get(answer->data, "rows"));
}

static void every_midnight_freezes_what_the_entries_say(void **state)
{
	struct site *site = *state;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 500000, "sockets", true, 1);
	played_run(&site->building, 4 * DAY_US + HOUR_US);
	struct site_answer answer = list(site, "101", false);
	assert_int_equal(rows_of(&answer), 4);
	assert_string_equal(json_string_value(json_object_get(row_of(&answer, 0), "period")),
			    "2026-01-04");
	for (size_t i = 0; i < 4; i++) {
		const json_t *row = row_of(&answer, i);
		assert_int_equal(number(row, "at_s"), START_S + (int64_t)(4 - i) * 86400);
		/* The reading that ended the day. */
		assert_in_range(number(row, "read_s"), number(row, "at_s") - 60,
				number(row, "at_s") + 120);
		assert_int_equal(500000 * INT64_C(10000000) - number(row, "balance_nano"),
				 number(row, "total_wh") * PRICE_MICRO);
		assert_in_range(number(row, "energy_wh"), 23900, 24100);
	}
	assert_int_equal(number(row_of(&answer, 0), "total_wh") -
				 number(row_of(&answer, 1), "total_wh"),
			 number(row_of(&answer, 0), "energy_wh"));
	site_forget(&answer);
	/* A restart freezes nothing twice. */
	site_close(site);
	site_open(site);
	played_run(&site->building, 4 * DAY_US + 2 * HOUR_US);
	answer = list(site, "101", false);
	assert_int_equal(rows_of(&answer), 4);
	site_forget(&answer);
}

static void idle_and_silent_circuits_are_frozen_too(void **state)
{
	struct site *site = *state;

	site_add_meter(site, 0);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	struct played_meter *meter = site_add_meter(site, 500);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	played_run(&site->building, 20 * HOUR_US);
	meter->dead = true;
	played_run(&site->building, DAY_US + 10 * MINUTE_US);
	struct site_answer idle = list(site, "101", false);
	assert_int_equal(rows_of(&idle), 0);
	site_forget(&idle);
	played_run(&site->building, DAY_US + 16 * MINUTE_US);
	idle = list(site, "101", false);
	assert_int_equal(rows_of(&idle), 1);
	assert_int_equal(number(row_of(&idle, 0), "total_wh"), 0);
	site_forget(&idle);
	struct site_answer silent = list(site, "102", false);
	assert_int_equal(rows_of(&silent), 1);
	/* What it stood at when it was heard last, and when that was. */
	assert_in_range(number(row_of(&silent, 0), "read_s"), START_S + 20 * 3600 - 120,
			START_S + 20 * 3600 + 120);
	site_forget(&silent);
}

static void a_month_is_frozen_even_when_the_box_was_off_at_its_end(void **state)
{
	struct site *site = *state;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 1000000, "sockets", true, 1);
	played_run(&site->building, 2 * DAY_US);
	struct site_answer answer = list(site, "101", true);
	assert_int_equal(rows_of(&answer), 0);
	site_forget(&answer);
	site_close(site);
	site->building.now_us = site->building.moved_us = 33 * DAY_US + HOUR_US;
	site_open(site);
	played_run(&site->building, 34 * DAY_US + HOUR_US);
	answer = list(site, "101", true);
	assert_int_equal(rows_of(&answer), 1);
	assert_string_equal(json_string_value(json_object_get(row_of(&answer, 0), "period")),
			    "2026-01");
	assert_int_equal(number(row_of(&answer, 0), "at_s"), START_S + 31 * 86400);
	site_forget(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_midnight_freezes_what_the_entries_say),
		CASE(idle_and_silent_circuits_are_frozen_too),
		CASE(a_month_is_frozen_even_when_the_box_was_off_at_its_end),
	};

	return cmocka_run_group_tests_name("station_freeze", tests, NULL, NULL);
}
