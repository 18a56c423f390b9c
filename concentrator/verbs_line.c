/* verbs_line.c - the lines and how well they go. */
#include "concentrator/verbs.h"

#include <string.h>

#include "concentrator/station_figures.h"
#include "concentrator/station_load.h"
#include "concentrator/station_state.h"

static const char *state_name(enum line_state state)
{
	switch (state) {
	case LINE_OK:
		return "ok";
	case LINE_ABSENT:
		return "absent";
	case LINE_LOCKED:
		return "locked";
	case LINE_FAULT:
		return "fault";
	}
	return "fault";
}

const char *verbs_line_state(const struct station_line *line)
{
	return line->state == LINE_OK && line->schedule.fault ? "fault" : state_name(line->state);
}

static void put_known(json_t *object, const char *name, int64_t value)
{
	json_object_set_new(object, name, value < 0 ? json_null() : json_integer(value));
}

void verbs_tally(json_t *object, const struct tally *tally, int64_t now_us)
{
	struct tally_slice hour;
	tally_hour(tally, now_us, &hour);
	const struct {
		const char *name;
		enum tally_end end;
	} ends[] = {{"timeouts", TALLY_TIMEOUT},
		    {"crc_errors", TALLY_CRC},
		    {"garbled", TALLY_GARBLED},
		    {"exceptions", TALLY_EXCEPTION}};
	json_t *last = json_object();
	json_object_set_new(object, "polls",
			    json_integer((json_int_t)tally_requests(&tally->total)));
	json_object_set_new(last, "polls", json_integer((json_int_t)tally_slice_requests(&hour)));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		json_object_set_new(object, ends[i].name,
				    json_integer((json_int_t)tally->total.end[ends[i].end]));
		json_object_set_new(last, ends[i].name, json_integer(hour.end[ends[i].end]));
	}
	put_known(last, "quality_ppm", tally_quality_ppm(&hour));
	put_known(last, "p50_us", tally_turnaround_us(&hour, 500));
	put_known(last, "p99_us", tally_turnaround_us(&hour, 990));
	json_object_set_new(object, "hour", last);
}

json_t *verbs_line_row(struct station *station, size_t index)
{
	const struct station_line *line = &station->lines[index];
	int64_t meters = 0, alive = 0, unknown = 0;
	struct tally_slice hour;
	for (size_t i = 0; i < station->device_count; i++) {
		const struct station_device *device = station->devices[i];
		if (device->line != index || !device->scheduled ||
		    !station_device_used(station, device))
			continue;
		const char *state = station_device_state(station, device);
		meters++;
		alive += strcmp(state, "alive") == 0;
		unknown += strcmp(state, "unknown") == 0;
	}
	json_t *row = json_pack("{s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:I}", "line", line->config->name,
				"port", line->config->port, "state", verbs_line_state(line), "baud",
				line->config->baud, "meters", (json_int_t)meters, "alive",
				(json_int_t)alive, "unknown", (json_int_t)unknown,
				"polls_per_s_milli", (json_int_t)line->polls_per_s_milli,
				"share_ppm", (json_int_t)line->share_ppm);
	verbs_tally(row, &line->tally, station->now.us);
	tally_hour(&line->tally, station->now.us, &hour);
	json_object_set_new(row, "stray_bytes", json_integer((json_int_t)line->tally.total.stray));
	json_object_set_new(json_object_get(row, "hour"), "stray_bytes", json_integer(hour.stray));
	return row;
}

int verb_line_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	json_t *rows = json_array();
	for (size_t i = 0; i < station->line_count; i++)
		json_array_append_new(rows, verbs_line_row(station, i));
	verbs_page(call, rows, -1);
	return 0;
}

size_t verbs_line(struct station *station, struct control_call *call)
{
	const char *name = message_arg_string(call->args, "line");
	size_t line = station_line_find(station, name);
	if (line == station->line_count)
		control_fail(call, PROBLEM_NOT_FOUND,
			     "there is no line %s; `prepay line list` shows them", name);
	return line;
}

int verb_line_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	size_t line = verbs_line(station, call);
	if (line < station->line_count)
		control_reply(call, verbs_line_row(station, line), NULL);
	return 0;
}
