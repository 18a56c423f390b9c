/* What the station tells of lines and devices: it never makes up what it has not seen. */
#include <errno.h>
#include <string.h>

#include "tests/system/station_site.h"

static const char *state_of(struct site *site, size_t device)
{
	struct station *station = site->building.station;
	station->now = played_now(&site->building);
	return station_device_state(station, station->devices[device]);
}

static void a_meter_that_was_never_asked_is_not_alive(void **state)
{
	struct site *site = *state;
	struct instant now;
	site_add_meter(site, 1000);
	site_add_room(site, 301, 5000, "sockets", true, 1);
	assert_string_equal(state_of(site, 0), "unknown");
	played_run(&site->building, site->building.now_us + MINUTE_US);
	assert_string_equal(state_of(site, 0), "alive");
	/* Its adapter is pulled: nothing is known of it any more. */
	now = played_now(&site->building);
	station_line_state(site->building.station, 0, LINE_ABSENT, -ENOENT, &now);
	assert_string_equal(state_of(site, 0), "unknown");
	station_line_state(site->building.station, 0, LINE_OK, 0, &now);
	assert_string_equal(state_of(site, 0), "alive");
	/* A restart with a dead meter: unknown until three polls were not answered. */
	site->building.meter[0].dead = true;
	site_close(site);
	site_open(site);
	assert_string_equal(state_of(site, 0), "unknown");
	played_run(&site->building, site->building.now_us + 10 * MINUTE_US);
	assert_string_not_equal(state_of(site, 0), "unknown");
	assert_string_not_equal(state_of(site, 0), "alive");
}

static void figures_of_the_line_are_those_of_its_meters(void **state)
{
	struct site *site = *state;
	struct station *station = site->building.station;
	struct tally_slice hour, both;
	uint64_t requests = 0;
	for (int n = 0; n < 3; n++) {
		site_add_meter(site, 1000);
		site_add_room(site, 301 + n, 5000, "sockets", true, 1);
	}
	played_run(&site->building, 30 * MINUTE_US);
	site->building.meter[1].dead = true;
	played_run(&site->building, 45 * MINUTE_US);
	for (size_t i = 0; i < 3; i++) {
		const struct tally *tally = &station->devices[i]->tally;
		tally_hour(tally, site->building.now_us, &hour);
		requests += tally_requests(&tally->total);
		/* All played meters take 15 ms. */
		assert_in_range(tally_turnaround_us(&hour, 500), 11314, 16000);
		assert_int_equal(tally->total.end[TALLY_TIMEOUT] > 0, i == 1);
		assert_int_equal(tally_quality_ppm(&hour) == 1000000, i != 1);
	}
	tally_hour(&station->lines[0].tally, site->building.now_us, &both);
	assert_int_equal(tally_requests(&station->lines[0].tally.total), requests);
	assert_int_equal(both.end[TALLY_TIMEOUT],
			 station->devices[1]->tally.total.end[TALLY_TIMEOUT]);
	assert_true(requests > 3 * 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_meter_that_was_never_asked_is_not_alive,
						site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(figures_of_the_line_are_those_of_its_meters,
						site_setup, site_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
