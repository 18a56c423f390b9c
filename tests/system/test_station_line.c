/* What the station tells of lines and devices: it never makes up what it has not seen. */
#include <errno.h>
#include <string.h>

#include "concentrator/station_figures.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_poll.h"
#include "concentrator/station_room.h"
#include "concentrator/survey.h"
#include "tests/system/station_call.h"

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

static void incomer_shows(struct site *site, int64_t value_milli)
{
	station_sensor_sample(site->building.station, 0, value_milli, site->building.now_us, 0);
}

/* What the station says half an hour later, the incomer read all the while (below zero: not); of another kind:
 * neither of both. */
static void after_half_an_hour(struct site *site, int64_t value_milli, enum alarm_kind kind,
			       const char *subject, const char *word)
{
	static const enum alarm_kind kinds[] = {ALARM_LINE_FAULT, ALARM_POWER_OUTAGE};
	const struct alarms *alarms = &site->building.station->alarms;
	for (int i = 0; i < 180; i++) {
		if (value_milli >= 0)
			incomer_shows(site, value_milli);
		played_run(&site->building, site->building.now_us + 10000000);
	}
	for (size_t i = 0; i < 2; i++) {
		const struct alarm *alarm = alarms_find(
			alarms, kinds[i], kinds[i] == ALARM_LINE_FAULT ? "A" : "building");
		if (kinds[i] != kind) {
			assert_null(alarm);
			continue;
		}
		assert_non_null(alarm);
		assert_string_equal(alarm->subject, subject);
		assert_non_null(strstr(alarm->detail, word));
	}
}

/* One line alone cannot tell a dead line from dead mains; the incomer's sensor can. */
static void the_incomer_tells_a_dead_line_from_dead_mains(void **state)
{
	struct site *site = *state;
	site->config.sensor_count = 1;
	site->config.sensors[0] = (struct config_sensor){
		.name = "incomer", .unit = CONFIG_UNIT_MV, .period_s = 10, .stale_s = 60};
	for (int i = 0; i < 4; i++) {
		site_add_meter(site, 100);
		site_add_room(site, 301 + i, 50000, "sockets", true, 1);
	}
	played_run(&site->building, site->building.now_us + 5 * MINUTE_US);
	for (int i = 0; i < 4; i++)
		site->building.meter[i].dead = true;
	/* Never seen alive, a sensor may be scaled to anything. */
	after_half_an_hour(site, 3300, ALARM_LINE_FAULT, "A", "meters' power");
	after_half_an_hour(site, 230000, ALARM_LINE_FAULT, "A", "incomer has voltage");
	after_half_an_hour(site, 200, ALARM_POWER_OUTAGE, "building", "incomer has no voltage");
	/* The sensor fails as well: it stays known. */
	after_half_an_hour(site, -1, ALARM_POWER_OUTAGE, "building", "no power");
	/* Who answers, be it in pieces, has power. */
	for (int i = 0; i < 4; i++) {
		site->building.meter[i].dead = false;
		site->building.meter[i].garbles = true;
	}
	after_half_an_hour(site, 200, ALARM_LINE_FAULT, "A", "no whole answer");
	for (int i = 0; i < 4; i++)
		site->building.meter[i].garbles = false;
	after_half_an_hour(site, 200, ALARM_METER_SILENT, "", "");
	site->config.sensor_count = 0;
}

/* min_gap_us of a model: so many requests and no more reach the meter. */
static void a_meter_whose_model_wants_rest_has_it(void **state)
{
	struct site *site = *state;
	struct station_device *device;
	struct model slow;
	int64_t answers;
	site->read_period_us = -1;
	site_close(site);
	site_open(site);
	site_add_meter(site, 1000);
	site_add_room(site, 301, 5000, "sockets", true, 1);
	played_run(&site->building, site->building.now_us + MINUTE_US);
	answers = site->building.answers;
	played_run(&site->building, site->building.now_us + MINUTE_US);
	assert_true(site->building.answers - answers > 600);
	device = site->building.station->devices[0];
	slow = *device->model;
	slow.min_gap_us = 500000;
	device->model = &slow;
	assert_int_equal(station_device_traits(site->building.station, device), 0);
	played_run(&site->building, site->building.now_us + MINUTE_US);
	answers = site->building.answers;
	played_run(&site->building, site->building.now_us + MINUTE_US);
	assert_in_range(site->building.answers - answers, 80, 120);
	site_close(site); /* before the model goes */
	site_open(site);
}

/* B3: what the daemon's lines ask before a write goes out. */
static void nothing_is_written_but_what_the_model_there_allows(void **state)
{
	static const struct {
		const char *sentence;
		struct line_request request;
		bool allowed;
	} cases[] = {
		{"the relay of the meter closes",
		 {.slave = 1, .function = 16, .address = 0x1A, .count = 1, .values = {1}},
		 true},
		{"and opens",
		 {.slave = 1, .function = 16, .address = 0x1A, .count = 1, .values = {0}},
		 true},
		{"its counters are not cleared",
		 {.slave = 1, .function = 16, .address = 0, .count = 1, .values = {0}},
		 false},
		{"nor by another function", {.slave = 1, .function = 6, .address = 0}, false},
		{"a value that is no position",
		 {.slave = 1, .function = 16, .address = 0x1A, .count = 1, .values = {2}},
		 false},
		{"the register behind it",
		 {.slave = 1, .function = 16, .address = 0x1B, .count = 1, .values = {1}},
		 false},
		{"two registers",
		 {.slave = 1, .function = 16, .address = 0x1A, .count = 2, .values = {1, 1}},
		 false},
		{"more values than any command has",
		 {.slave = 1, .function = 16, .address = 0x1A, .count = 123, .values = {1}},
		 false},
		{"a coil of a meter that has none",
		 {.slave = 1, .function = 5, .address = 0, .values = {0xFF00}},
		 false},
		{"a board's coil",
		 {.slave = 2, .function = 5, .address = 5, .values = {0xFF00}},
		 true},
		{"a coil past its last",
		 {.slave = 2, .function = 5, .address = 6, .values = {0xFF00}},
		 false},
		{"its safe state",
		 {.slave = 2, .function = 6, .address = 930, .values = {1}},
		 false},
		{"nobody's address",
		 {.slave = 3, .function = 16, .address = 0x1A, .count = 1, .values = {1}},
		 false},
		{"everybody's address",
		 {.slave = 0, .function = 16, .address = 0x1A, .count = 1, .values = {1}},
		 false},
	};
	struct site *site = *state;
	site_add_meter(site, 1000);
	site_add_room(site, 301, 5000, "sockets", true, 1);
	site_add_meter(site, 0)->board = true;
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s}]", "room", "302", "circuit", "light", "line",
				 "A", "relay", "wb-mr6c-v3@2/1");
	struct site_answer answer = site_ask(site, "room.import", json_pack("{s:o}", "rows", rows));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(station_may_write(site->building.station, 0, &cases[i].request),
				 cases[i].allowed);
	}
	/* On another line the same address is somebody else. */
	assert_false(station_may_write(site->building.station, 1, &cases[0].request));
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

/* Four rooms at addresses 1 to 4, asked as fast as the line goes; meters 5 and 6 belong to nobody. */
static void populate(struct site *site)
{
	for (int n = 0; n < 4; n++) {
		site_add_meter(site, 1000);
		site_add_room(site, 301 + n, 5000, "sockets", true, 1);
	}
	site_add_meter(site, 0);
	site_add_meter(site, 0);
	struct schedule *schedule = &site->building.station->lines[0].schedule;
	schedule->policy.continuous = true;
	played_run(&site->building, site->building.now_us + 3 * MINUTE_US);
}

static struct survey *begin_scan(struct site *site, size_t settings)
{
	struct scan_plan plan = {.first = 1, .last = 40, .settings_count = settings};
	struct scan *scan;
	struct survey *survey;
	memcpy(plan.settings, scan_usual, settings * sizeof(plan.settings[0]));
	for (unsigned i = 1; i <= 4; i++)
		plan.skip[i] = true;
	assert_int_equal(scan_open(&scan, &plan, site->models), 0);
	assert_int_equal(survey_open(&survey, scan, NULL, site->building.now_us), 0);
	survey_close(site->building.station->lines[0].survey);
	site->building.station->lines[0].survey = survey;
	return survey;
}

static int64_t watch(struct site *site, struct survey *survey)
{
	int64_t begun_us = site->building.now_us;
	while (survey_state(survey) == SURVEY_RUNNING) {
		assert_true(site->building.now_us - begun_us < HOUR_US);
		survey_watched(survey, site->building.now_us);
		played_run(&site->building, site->building.now_us + 1000000);
	}
	return site->building.now_us - begun_us;
}

static int64_t writes(const struct site *site)
{
	int64_t sum = site->building.lost_writes;
	for (size_t i = 0; i < site->building.meters; i++)
		sum += site->building.meter[i].relay_writes;
	return sum;
}

static void a_scan_finds_what_is_new_while_metering_goes_on(void **state)
{
	struct site *site = *state;
	populate(site);
	int64_t before = site->building.station->polls, from_us = site->building.now_us;
	played_run(&site->building, from_us + MINUTE_US);
	int64_t alone_per_min = site->building.station->polls - before;

	before = site->building.station->polls;
	int64_t written = writes(site);
	struct survey *survey = begin_scan(site, scan_usual_count);
	int64_t took_us = watch(site, survey);
	assert_int_equal(survey_state(survey), SURVEY_DONE);
	const struct scan *scan = survey_scan(survey);
	assert_int_equal(scan_count(scan), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct scan_device *device = scan_at(scan, i);
		assert_int_equal(device->address, 5 + i);
		assert_int_equal(device->setting, 0);
		assert_non_null(device->verdict.model);
		assert_memory_equal(device->verdict.model->name, "hiking-dds238", 13);
	}
	/* Vacant addresses are no time-outs of this line. */
	assert_int_equal(site->building.station->lines[0].tally.total.end[TALLY_TIMEOUT], 0);
	/* Half of the line stayed with the meters, less what a request at a time rounds off. */
	int64_t per_min = (site->building.station->polls - before) * MINUTE_US / took_us;
	print_message("scan of %lld s: %lld polls a minute beside it, %lld without\n",
		      (long long)(took_us / 1000000), (long long)per_min, (long long)alone_per_min);
	assert_true(per_min * 100 >= alone_per_min * 45);
	assert_true(took_us < 10 * MINUTE_US);
	assert_int_equal(writes(site), written);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(state_of(site, i), "alive");
}

static void a_relay_command_does_not_wait_for_a_scan(void **state)
{
	struct site *site = *state;
	populate(site);
	struct survey *survey = begin_scan(site, scan_usual_count);
	played_run(&site->building, site->building.now_us + 5000000);
	struct station_supply *supply = site_room(site, "301")->supplies[0];
	supply->layers.wish[LAYER_OPERATOR] = SUPPLY_OFF;
	station_review(site->building.station, supply->room);
	for (int n = 0; n < 10 && site->building.meter[0].closed; n++)
		played_run(&site->building, site->building.now_us + 50000);
	assert_false(site->building.meter[0].closed);
	assert_int_equal(survey_state(survey), SURVEY_RUNNING);
	assert_int_equal(site->building.lost_writes, 0);
	watch(site, survey);
	assert_int_equal(scan_count(survey_scan(survey)), 2);
}

/* B3: ready behind another meter's read, it is not sent to what is not ours any more. */
static void a_command_that_is_ready_ends_with_its_room(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct station_closing closing;
	populate(site);
	struct station_supply *supply = site_room(site, "301")->supplies[0];
	/* The line has a job in its hand, of another meter. */
	for (int n = 0; n < 1000 && (building->held == 0 || building->job[0].request.slave == 1);
	     n++)
		played_run(building, building->now_us + 10000);
	supply->layers.wish[LAYER_OPERATOR] = SUPPLY_OFF;
	station_review(building->station, supply->room);
	station_feed(building->station, 0);
	assert_int_equal(building->held, 2);
	assert_int_equal(building->job[1].request.function, 16);
	assert_int_equal(station_room_remove(building->station, supply->room, true, false, "gone",
					     "test", &closing),
			 0);
	for (size_t i = 0; i < building->held; i++)
		assert_int_not_equal(building->job[i].request.function, 16);
	played_run(building, building->now_us + MINUTE_US);
	assert_true(building->meter[0].closed);
	assert_int_equal(building->meter[0].relay_writes, 0);
	/* The others are read on. */
	assert_string_equal(state_of(site, 1), "alive");
}

static void a_scan_that_nobody_watches_ends(void **state)
{
	struct site *site = *state;
	populate(site);
	struct survey *survey = begin_scan(site, scan_usual_count);
	played_run(&site->building, site->building.now_us + SURVEY_UNWATCHED_US / 2);
	assert_int_equal(survey_state(survey), SURVEY_RUNNING);
	played_run(&site->building, site->building.now_us + SURVEY_UNWATCHED_US);
	assert_int_equal(survey_state(survey), SURVEY_CANCELLED);
	/* Nothing is left of it on the line. */
	played_run(&site->building, site->building.now_us + MINUTE_US);
	for (size_t i = 0; i < 2; i++)
		assert_false(site->building.station->lines[0].jobs[i].survey &&
			     site->building.station->lines[0].jobs[i].used);
	/* The adapter is pulled under the next one. */
	survey = begin_scan(site, 1);
	played_run(&site->building, site->building.now_us + 1000000);
	struct instant now = played_now(&site->building);
	station_line_state(site->building.station, 0, LINE_ABSENT, -ENOENT, &now);
	assert_int_equal(survey_state(survey), SURVEY_FAILED);
}

static void a_test_tells_the_dead_meter_from_the_line(void **state)
{
	struct site *site = *state;
	struct line_test test = {.rounds = 10};
	struct survey *survey;
	struct check_finding found[CHECK_FINDINGS_MAX];
	populate(site);
	site->building.meter[2].dead = true;
	for (uint8_t i = 1; i <= 8; i++)
		test.target[test.count++] = (struct line_test_target){
			.address = i,
			.expected = i <= 4,
			.read = {.function = 3, .start = 0x000A, .count = 8}};
	assert_int_equal(survey_open(&survey, NULL, &test, site->building.now_us), 0);
	site->building.station->lines[0].survey = survey;
	watch(site, survey);
	assert_int_equal(survey_state(survey), SURVEY_DONE);
	const struct check_figures *figures = &survey_test(survey)->figures;
	size_t count = line_check(figures, found);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].fault, CHECK_ABSENT);
	assert_int_equal(found[0].address, 3);
	assert_int_equal(figures->noise, 0);
	for (size_t i = 0; i < 8; i++) {
		bool there = i < 6 && i != 2;
		assert_int_equal(figures->device[i].end[TALLY_GOOD], there ? 10 : 0);
		assert_int_equal(figures->device[i].fastest_us, there ? 15000 : 0);
	}
	assert_int_equal(survey_test(survey)->pauses, 2);
	assert_string_equal(state_of(site, 0), "alive");
}

static void noise_in_the_pauses_is_heard(void **state)
{
	struct site *site = *state;
	struct line_test test = {.rounds = 5, .count = 1, .target = {{.address = 5}}};
	struct survey *survey;
	populate(site);
	site->building.noise_per_s = 7;
	assert_int_equal(survey_open(&survey, NULL, &test, site->building.now_us), 0);
	site->building.station->lines[0].survey = survey;
	watch(site, survey);
	/* Two pauses of a second; the line is silent otherwise for milliseconds at a time. */
	assert_in_range(survey_test(survey)->figures.noise, 14, 16);
	assert_int_equal(survey_test(survey)->figures.device[0].end[TALLY_GOOD], 5);
}

static void the_verbs_start_tell_and_end_a_scan(void **state)
{
	struct site *site = *state;
	populate(site);
	site_refused(site, "line.survey", json_pack("{s:s}", "line", "A"), PROBLEM_NOT_FOUND);
	site_refused(site, "line.scan", json_pack("{s:s}", "line", "Z"), PROBLEM_NOT_FOUND);
	site_refused(site, "line.scan", json_pack("{s:s,s:i}", "line", "A", "first", 0),
		     PROBLEM_USAGE);
	/* Other baud rates would be heard by the four commissioned meters. */
	site_refused(site, "line.scan", json_pack("{s:s,s:s}", "line", "A", "settings", "all"),
		     PROBLEM_REFUSED);
	assert_int_equal(site_ask_int(site, "line.scan",
				      json_pack("{s:s,s:i}", "line", "A", "last", 10), "done"),
			 0);
	site_refused(site, "line.test", json_pack("{s:s}", "line", "A"), PROBLEM_CONFLICT);
	watch(site, site->building.station->lines[0].survey);
	struct site_answer answer = site_ask(site, "line.survey", json_pack("{s:s}", "line", "A"));
	assert_string_equal(json_string_value(json_object_get(answer.data, "state")), "done");
	const json_t *rows = json_object_get(answer.data, "rows");
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "address")),
			 5);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "settings")),
			    "9600 8N1");
	site_forget(&answer);
	site_refused(site, "line.cancel", json_pack("{s:s}", "line", "A"), PROBLEM_NOT_FOUND);

	assert_int_equal(site_ask_int(site, "line.test",
				      json_pack("{s:s,s:i}", "line", "A", "rounds", 3), "done"),
			 0);
	played_run(&site->building, site->building.now_us + 100000);
	answer = site_ask(site, "line.cancel", json_pack("{s:s}", "line", "A"));
	assert_string_equal(json_string_value(json_object_get(answer.data, "state")), "cancelled");
	site_forget(&answer);
	assert_int_equal(site_ask_int(site, "line.test",
				      json_pack("{s:s,s:i}", "line", "A", "rounds", 3), "done"),
			 0);
	watch(site, site->building.station->lines[0].survey);
	answer = site_ask(site, "line.survey", json_pack("{s:s}", "line", "A"));
	assert_string_equal(json_string_value(json_object_get(answer.data, "grade")), "good");
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 4);
	site_forget(&answer);
}

#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(a_meter_that_was_never_asked_is_not_alive),
		LINE_TEST(the_incomer_tells_a_dead_line_from_dead_mains),
		LINE_TEST(a_meter_whose_model_wants_rest_has_it),
		LINE_TEST(figures_of_the_line_are_those_of_its_meters),
		LINE_TEST(nothing_is_written_but_what_the_model_there_allows),
		LINE_TEST(a_scan_finds_what_is_new_while_metering_goes_on),
		LINE_TEST(a_relay_command_does_not_wait_for_a_scan),
		LINE_TEST(a_command_that_is_ready_ends_with_its_room),
		LINE_TEST(a_scan_that_nobody_watches_ends),
		LINE_TEST(a_test_tells_the_dead_meter_from_the_line),
		LINE_TEST(noise_in_the_pauses_is_heard),
		LINE_TEST(the_verbs_start_tell_and_end_a_scan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
