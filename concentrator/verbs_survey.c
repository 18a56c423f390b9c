/* verbs_survey.c - line.scan, line.test, and how far they are. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/station_load.h"
#include "concentrator/station_state.h"
#include "concentrator/survey.h"

#define ROUNDS_DEFAULT 20
#define ROUNDS_MAX     200
#define PAGE_ROWS      96

static json_t *rooms_at(const struct station *station, size_t line, unsigned address)
{
	json_t *rooms = json_array();
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		const struct station_device *devices[] = {supply->meter, supply->relay};
		for (size_t n = 0; n < 2; n++)
			if (devices[n] != NULL && devices[n]->line == line &&
			    devices[n]->address == address && (n == 0 || devices[1] != devices[0]))
				json_array_append_new(rooms,
						      json_string(supply->room->record.name));
	}
	return rooms;
}

static struct station_device *used_at(const struct station *station, size_t line, unsigned address)
{
	for (size_t i = 0; i < station->device_count; i++)
		if (station->devices[i]->line == line && station->devices[i]->address == address &&
		    station_device_used(station, station->devices[i]))
			return station->devices[i];
	return NULL;
}

static json_t *settings_json(const struct scan_settings *settings)
{
	return json_sprintf("%d 8%c%d", (int)settings->baud, settings->parity,
			    (int)settings->stop_bits);
}

static json_t *scan_row(const struct scan *scan, const struct scan_device *device)
{
	static const char *const kinds[] = {
		[MODEL_METER] = "meter", [MODEL_RELAY_BOARD] = "relay", [MODEL_WATER] = "water"};
	const struct identify_verdict *verdict = &device->verdict;
	const struct model *model = verdict->model;
	json_t *others = json_array();
	for (size_t i = 0; i < verdict->others_count; i++)
		json_array_append_new(others, json_string(verdict->others[i]->name));
	return json_pack("{s:i,s:o,s:b,s:s,s:o,s:s,s:o,s:o,s:i,s:b}", "address", device->address,
			 "settings", settings_json(&scan_plan(scan)->settings[device->setting]),
			 "clash", device->clash, "sure", identify_sure_name(verdict->sure), "model",
			 model == NULL ? json_null() : json_string(model->name), "kind",
			 model == NULL ? "unknown" : kinds[model->kind], "others", others, "serial",
			 verdict->has_serial ? json_integer((json_int_t)verdict->serial)
					     : json_null(),
			 "channels", model == NULL ? 1 : model->channels, "relay",
			 model != NULL && model->relay.present);
}

static bool was_heard(const struct check_device *device)
{
	for (unsigned end = 0; end < TALLY_ENDS; end++)
		if (end != TALLY_TIMEOUT && device->end[end] > 0)
			return true;
	return device->expected;
}

static json_t *test_row(const struct station *station, size_t line,
			const struct check_device *device)
{
	bool answered = device->end[TALLY_GOOD] + device->end[TALLY_EXCEPTION] > 0;
	return json_pack("{s:i,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "address", device->address,
			 "rooms", rooms_at(station, line, device->address), "good",
			 (json_int_t)device->end[TALLY_GOOD], "exceptions",
			 (json_int_t)device->end[TALLY_EXCEPTION], "timeouts",
			 (json_int_t)device->end[TALLY_TIMEOUT], "crc_errors",
			 (json_int_t)device->end[TALLY_CRC], "garbled",
			 (json_int_t)device->end[TALLY_GARBLED], "fastest_us",
			 answered ? json_integer(device->fastest_us) : json_null(), "slowest_us",
			 answered ? json_integer(device->slowest_us) : json_null());
}

static void put_findings(json_t *data, const struct check_figures *figures)
{
	struct check_finding found[CHECK_FINDINGS_MAX];
	size_t count = line_check(figures, found);
	json_t *rows = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:s,s:s,s:o,s:I,s:I,s:s,s:s}", "fault",
						      check_fault_name(found[i].fault), "grade",
						      check_grade_name(found[i].grade), "address",
						      found[i].address == 0
							      ? json_null()
							      : json_integer(found[i].address),
						      "count", (json_int_t)found[i].count, "of",
						      (json_int_t)found[i].of, "text",
						      check_fault_text(found[i].fault), "advice",
						      check_fault_advice(found[i].fault)));
	json_object_set_new(data, "findings", rows);
	json_object_set_new(data, "grade",
			    json_string(check_grade_name(line_check_grade(found, count))));
	json_object_set_new(data, "noise_bytes", json_integer(figures->noise));
	json_object_set_new(data, "echo", json_boolean(figures->echo));
}

/* Rows from the cursor on; -1: those were the last. */
static int64_t put_rows(const struct station *station, size_t line, const struct survey *survey,
			int64_t from, json_t *rows)
{
	const struct scan *scan = survey_scan(survey);
	const struct line_test *test = survey_test(survey);
	size_t count = scan != NULL ? scan_count(scan) : test->figures.count;
	for (size_t i = (size_t)from; i < count; i++) {
		if (json_array_size(rows) == PAGE_ROWS)
			return (int64_t)i;
		if (scan != NULL)
			json_array_append_new(rows, scan_row(scan, scan_at(scan, i)));
		else if (was_heard(&test->figures.device[i]))
			json_array_append_new(rows,
					      test_row(station, line, &test->figures.device[i]));
	}
	return -1;
}

static void answer_survey(void *userdata, struct control_call *call)
{
	struct station *station = userdata;
	size_t line = station_line_find(station, message_arg_string(call->args, "line"));
	const struct survey *survey = station->lines[line].survey;
	const struct scan *scan = survey_scan(survey);
	int64_t done, total, elapsed_s, remaining_s, next = -1, cursor = verbs_cursor(call);
	json_t *rows = json_array();
	char more[24];
	survey_progress(survey, station->now.us, &done, &total, &elapsed_s, &remaining_s);
	json_t *data = json_pack(
		"{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:o}", "line", station->lines[line].config->name,
		"kind", scan != NULL ? "scan" : "test", "state",
		survey_state_name(survey_state(survey)), "detail", survey_detail(survey), "done",
		(json_int_t)done, "total", (json_int_t)total, "elapsed_s", (json_int_t)elapsed_s,
		"remaining_s", remaining_s < 0 ? json_null() : json_integer(remaining_s), "rows",
		rows);
	if (scan != NULL) {
		json_object_set_new(data, "found", json_integer((json_int_t)scan_count(scan)));
		json_object_set_new(data, "settings", settings_json(&scan_plan(scan)->settings[0]));
	}
	if (survey_state(survey) != SURVEY_RUNNING) {
		next = put_rows(station, line, survey, cursor < 0 ? 0 : cursor, rows);
		if (scan == NULL)
			put_findings(data, &survey_test(survey)->figures);
	}
	snprintf(more, sizeof(more), "%lld", (long long)next);
	control_reply(call, data, next < 0 ? NULL : more);
}

/* The line, when a survey may begin on it; else the call is answered and it is line_count. */
static size_t free_line(struct station *station, struct control_call *call)
{
	size_t index = verbs_line(station, call);
	if (index == station->line_count)
		return index;
	struct station_line *line = &station->lines[index];
	if (line->state != LINE_OK)
		control_fail(call, PROBLEM_FAILED, "line %s is %s", line->config->name,
			     verbs_line_state(line));
	else if (line->survey != NULL && survey_state(line->survey) == SURVEY_RUNNING)
		control_fail(call, PROBLEM_CONFLICT,
			     "a %s of line %s is under way; `prepay line cancel %s` ends it",
			     survey_scan(line->survey) != NULL ? "scan" : "test",
			     line->config->name, line->config->name);
	else
		return index;
	return station->line_count;
}

static bool addresses(struct control_call *call, int64_t *ret_first, int64_t *ret_last)
{
	*ret_first = message_arg_int64(call->args, "first", 1);
	*ret_last = message_arg_int64(call->args, "last", SCAN_ADDRESSES_MAX);
	if (*ret_first >= 1 && *ret_first <= *ret_last && *ret_last <= SCAN_ADDRESSES_MAX)
		return true;
	control_fail(call, PROBLEM_USAGE, "first, last: addresses go from 1 to %d",
		     SCAN_ADDRESSES_MAX);
	return false;
}

static void begin(struct station *station, size_t index, struct survey *survey,
		  struct control_call *call)
{
	struct station_line *line = &station->lines[index];
	/* A job of the one before may still be out: its end is nobody's. */
	for (size_t i = 0; i < 2; i++)
		if (line->jobs[i].used && line->jobs[i].survey)
			survey_hold(survey);
	survey_close(line->survey);
	line->survey = survey;
	line->wait_us = station->now.us;
	answer_survey(station, call);
}

static struct scan_settings own_settings(const struct config_line *config)
{
	static const char letters[] = {
		[CONFIG_PARITY_NONE] = 'N', [CONFIG_PARITY_EVEN] = 'E', [CONFIG_PARITY_ODD] = 'O'};
	return (struct scan_settings){.baud = config->baud,
				      .parity = letters[config->parity],
				      .stop_bits = config->stop_bits};
}

static bool same_settings(const struct scan_settings *a, const struct scan_settings *b)
{
	return a->baud == b->baud && a->parity == b->parity && a->stop_bits == b->stop_bits;
}

int verb_line_scan(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *settings = message_arg_string(call->args, "settings");
	size_t index = free_line(station, call), used = 0;
	int64_t first, last;
	if (index == station->line_count || !addresses(call, &first, &last))
		return 0;
	if (settings != NULL && strcmp(settings, "own") != 0 && strcmp(settings, "all") != 0) {
		control_fail(call, PROBLEM_USAGE, "settings: `own` or `all`");
		return 0;
	}
	struct scan_plan plan = {
		.first = (uint8_t)first, .last = (uint8_t)last, .settings_count = 1};
	plan.settings[0] = own_settings(station->lines[index].config);
	for (unsigned i = 1; i <= SCAN_ADDRESSES_MAX; i++) {
		plan.skip[i] = used_at(station, index, i) != NULL;
		used += plan.skip[i];
	}
	if (settings != NULL && strcmp(settings, "all") == 0) {
		bool disturb = json_is_true(json_object_get(call->args, "disturb"));
		if (used > 0 && !disturb) {
			control_fail(
				call, PROBLEM_REFUSED,
				"line %s has %zu commissioned device%s, which would hear other "
				"baud rates; --disturb does it all the same",
				station->lines[index].config->name, used, used == 1 ? "" : "s");
			return 0;
		}
		for (size_t i = 0; i < scan_usual_count; i++)
			if (!same_settings(&scan_usual[i], &plan.settings[0]) &&
			    plan.settings_count < SCAN_SETTINGS_MAX)
				plan.settings[plan.settings_count++] = scan_usual[i];
	}
	struct scan *scan = NULL;
	struct survey *survey = NULL;
	int r = scan_open(&scan, &plan, station->settings.models);
	if (r == 0)
		r = survey_open(&survey, scan, NULL, station->now.us);
	if (r < 0)
		return r;
	begin(station, index, survey, call);
	return 0;
}

int verb_line_test(void *userdata, struct control_call *call)
{
	static const char no_targets[] =
		"line %s has no commissioned device; name addresses to be asked";
	struct station *station = verbs_station(userdata);
	size_t index = free_line(station, call);
	int64_t first, last, rounds = message_arg_int64(call->args, "rounds", ROUNDS_DEFAULT);
	bool named = json_object_get(call->args, "first") != NULL;
	if (index == station->line_count || !addresses(call, &first, &last))
		return 0;
	if (rounds < 2 || rounds > ROUNDS_MAX) {
		control_fail(call, PROBLEM_USAGE, "rounds: from 2 to %d", ROUNDS_MAX);
		return 0;
	}
	struct line_test *test = calloc(1, sizeof(*test));
	if (test == NULL)
		return -ENOMEM;
	test->rounds = (unsigned)rounds;
	for (unsigned i = (unsigned)first; i <= (unsigned)last; i++) {
		struct station_device *device = used_at(station, index, i);
		struct line_test_target target = {.address = (uint8_t)i};
		struct meter_request request;
		int span = device == NULL ? -1 : model_span_of(device->model, MODEL_ROLE_ENERGY, 0);
		if (device != NULL && span < 0)
			span = model_relay_readback_span(device->model);
		if (span >= 0 &&
		    model_span_request(device->model, (unsigned)span, 1, &request) == 0) {
			target.expected = true;
			target.read = (struct scan_read){.function = request.function,
							 .start = request.address,
							 .count = request.count};
		} else if (!named) {
			continue;
		}
		test->target[test->count++] = target;
	}
	if (test->count == 0) {
		free(test);
		control_fail(call, PROBLEM_USAGE, no_targets, station->lines[index].config->name);
		return 0;
	}
	struct survey *survey = NULL;
	int r = survey_open(&survey, NULL, test, station->now.us);
	free(test);
	if (r < 0)
		return r;
	begin(station, index, survey, call);
	return 0;
}

int verb_line_survey(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t wait_ms = message_arg_int64(call->args, "wait_ms", 0);
	size_t index = verbs_line(station, call);
	if (index == station->line_count)
		return 0;
	struct survey *survey = station->lines[index].survey;
	if (survey == NULL || wait_ms < 0 || wait_ms > SURVEY_WAIT_MAX_MS) {
		control_fail(call, survey == NULL ? PROBLEM_NOT_FOUND : PROBLEM_USAGE,
			     survey == NULL
				     ? "line %s was neither scanned nor tested since the start"
				     : "wait_ms is out of range for line %s",
			     station->lines[index].config->name);
		return 0;
	}
	survey_watched(survey, station->now.us);
	if (survey_state(survey) != SURVEY_RUNNING || wait_ms == 0 ||
	    survey_wait(survey, call, station->now.us + wait_ms * 1000, answer_survey, station) < 0)
		answer_survey(station, call);
	return 0;
}

int verb_line_cancel(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	size_t index = verbs_line(station, call);
	char why[CONTROL_USER_SIZE + 16];
	if (index == station->line_count)
		return 0;
	struct survey *survey = station->lines[index].survey;
	if (survey == NULL || survey_state(survey) != SURVEY_RUNNING) {
		control_fail(call, PROBLEM_NOT_FOUND, "nothing runs on line %s",
			     station->lines[index].config->name);
		return 0;
	}
	snprintf(why, sizeof(why), "cancelled by %s", call->peer.user);
	survey_cancel(survey, why, station->now.us);
	answer_survey(station, call);
	return 0;
}
