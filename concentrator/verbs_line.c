/* verbs_line.c - the lines, what hangs on them, and reading a meter now. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/station_state.h"
#include "meters/quantity.h"

#define READ_WAIT_US INT64_C(20000000)

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

json_t *verbs_line_row(struct station *station, size_t index)
{
	const struct station_line *line = &station->lines[index];
	const struct schedule *schedule = &line->schedule;
	uint64_t timeouts = 0, garbled = 0, exceptions = 0;
	for (size_t i = 0; i < schedule->devices; i++) {
		timeouts += schedule->device[i].timeouts;
		garbled += schedule->device[i].garbled;
		exceptions += schedule->device[i].exceptions;
	}
	return json_pack("{s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "line",
			 line->config->name, "port", line->config->port, "state",
			 line->state == LINE_OK && schedule->fault ? "fault"
								   : state_name(line->state),
			 "baud", line->config->baud, "meters", (json_int_t)schedule->devices,
			 "alive", (json_int_t)schedule_alive(schedule), "polls_per_s_milli",
			 (json_int_t)line->polls_per_s_milli, "share_ppm",
			 (json_int_t)line->share_ppm, "timeouts", (json_int_t)timeouts, "garbled",
			 (json_int_t)garbled, "exceptions", (json_int_t)exceptions);
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

static json_t *rooms_of(const struct station *station, const struct station_device *device)
{
	json_t *rooms = json_array();
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		if (supply->meter != device && supply->relay != device)
			continue;
		size_t n = json_array_size(rooms);
		const char *name = supply->room->record.name;
		if (n > 0 && strcmp(json_string_value(json_array_get(rooms, n - 1)), name) == 0)
			continue;
		json_array_append_new(rooms, json_string(name));
	}
	return rooms;
}

static json_t *device_row(struct station *station, const struct station_device *device)
{
	struct schedule *schedule = &station->lines[device->line].schedule;
	const struct schedule_device *figures = &schedule->device[device->index];
	json_t *age = figures->answered_us == 0
			      ? json_null()
			      : json_integer((station->now.us - figures->answered_us) / 1000000);
	return json_pack(
		"{s:i,s:s,s:o,s:s,s:o,s:I,s:I,s:I,s:I,s:I}", "address", device->address, "model",
		device->model->name, "rooms", rooms_of(station, device), "state",
		schedule_state_name(schedule_state(schedule, device->index, station->now.us)),
		"age_s", age, "polls", (json_int_t)figures->polls, "timeouts",
		(json_int_t)figures->timeouts, "garbled", (json_int_t)figures->garbled,
		"exceptions", (json_int_t)figures->exceptions, "turnaround_us",
		(json_int_t)figures->turnaround_us);
}

int verb_line_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *name = message_arg_string(call->args, "line");
	size_t line = station_line_find(station, name);
	if (line == station->line_count) {
		control_fail(call, PROBLEM_NOT_FOUND,
			     "there is no line %s; `prepay line list` shows them", name);
		return 0;
	}
	json_t *row = verbs_line_row(station, line), *devices = json_array();
	const struct station_device *by_address[UINT8_MAX + 1] = {NULL};
	for (size_t i = 0; i < station->device_count; i++)
		if (station->devices[i]->line == line && station->devices[i]->scheduled)
			by_address[station->devices[i]->address] = station->devices[i];
	for (size_t i = 0; i <= UINT8_MAX; i++)
		if (by_address[i] != NULL)
			json_array_append_new(devices, device_row(station, by_address[i]));
	json_object_set_new(row, "devices", devices);
	control_reply(call, row, NULL);
	return 0;
}

void station_read_done(struct station *station, struct station_read *read)
{
	struct control_call *call = read->call;
	(void)station;
	read->call = NULL;
	if (read->error == -ETIMEDOUT) {
		control_fail(call, PROBLEM_TIME_OUT, "%s at address %u does not answer",
			     read->device->model->name, read->device->address);
		return;
	}
	if (read->error < 0) {
		control_fail(call, PROBLEM_FAILED, "%s at address %u: %s",
			     read->device->model->name, read->device->address,
			     read->error == -EREMOTEIO ? "it refused the request"
			     : read->error == -ENODEV  ? "the line's adapter is absent"
						       : "the answer was garbled");
		return;
	}
	json_t *values = json_object(), *raw = json_array();
	for (int q = 0; q < QUANTITY_COUNT; q++)
		if (reading_has(&read->reading, (enum quantity)q))
			json_object_set_new(values, quantity_name((enum quantity)q),
					    json_integer(read->reading.value[q]));
	for (size_t i = 0; i < read->result.count; i++)
		json_array_append_new(raw, json_integer(read->result.values[i]));
	control_reply(call,
		      json_pack("{s:o,s:o,s:I}", "values", values, "raw", raw, "turnaround_us",
				(json_int_t)read->result.turnaround_us),
		      NULL);
}

static struct station_device *named_device(struct station *station, struct control_call *call,
					   uint8_t *ret_channel)
{
	*ret_channel = 1;
	const char *name = message_arg_string(call->args, "line");
	if (message_arg_string(call->args, "room") != NULL) {
		struct station_supply *supply = verbs_supply(station, call);
		if (supply == NULL)
			return NULL;
		if (supply->meter == NULL) {
			control_fail(call, PROBLEM_NOT_FOUND, "%s of room %s has no meter",
				     supply->record.circuit, supply->room->record.name);
			return NULL;
		}
		*ret_channel = (uint8_t)supply->record.point.channel;
		return supply->meter;
	}
	int64_t address = message_arg_int64(call->args, "address", 0);
	size_t line = name == NULL ? station->line_count : station_line_find(station, name);
	for (size_t i = 0; i < station->device_count; i++)
		if (station->devices[i]->line == line && station->devices[i]->address == address)
			return station->devices[i];
	control_fail(call, name == NULL ? PROBLEM_USAGE : PROBLEM_NOT_FOUND, "%s",
		     name == NULL ? "name a room, or a line and an address"
				  : "no commissioned meter has that line and address");
	return NULL;
}

int verb_meter_read(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	uint8_t channel, wanted = 0;
	struct station_device *device = named_device(station, call, &channel);
	if (device == NULL)
		return 0;
	if (station->lines[device->line].state != LINE_OK) {
		control_fail(call, PROBLEM_FAILED, "the adapter of line %s is %s",
			     station->lines[device->line].config->name,
			     state_name(station->lines[device->line].state));
		return 0;
	}
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_read *read = &station->asked[i];
		if (read->call != NULL)
			continue;
		for (int kind = 0; kind < SCHEDULE_READS; kind++)
			if (device->reads[kind].count > 0) {
				wanted = (uint8_t)(wanted | (1U << kind));
				schedule_ask(&station->lines[device->line].schedule, device->index,
					     (enum schedule_span)kind);
			}
		*read = (struct station_read){.call = call,
					      .device = device,
					      .channel = channel,
					      .wanted = wanted,
					      .until_us = station->now.us + READ_WAIT_US};
		station->lines[device->line].wait_us = station->now.us;
		return 0;
	}
	control_fail(call, PROBLEM_REFUSED, "too many reads wait already");
	return 0;
}
