/* verbs_meter.c - what hangs on the lines: each device's figures, and reading one now. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/station_figures.h"
#include "concentrator/station_load.h"
#include "concentrator/verbs_meter.h"
#include "meters/quantity.h"

#define READ_WAIT_US INT64_C(20000000)
/* A page of meter.list stays well within a line of the protocol. */
#define PAGE_BYTES   49152
#define DEVICE_BYTES 640
#define ROOM_BYTES   40

static json_t *age_json(const struct station *station, int64_t at_us)
{
	return at_us == 0 ? json_null() : json_integer((station->now.us - at_us) / 1000000);
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
	const struct station_line *line = &station->lines[device->line];
	int64_t answered_us = 0, learnt_us = 0;
	if (device->scheduled) {
		answered_us = line->schedule.device[device->index].answered_us;
		learnt_us = line->schedule.device[device->index].turnaround_us;
	}
	json_t *row = json_pack(
		"{s:s,s:i,s:s,s:o,s:s,s:o}", "line", line->config->name, "address", device->address,
		"model", device->model->name, "rooms", rooms_of(station, device), "state",
		station_device_state(station, device), "age_s", age_json(station, answered_us));
	verbs_tally(row, &device->tally, station->now.us);
	json_object_set_new(row, "turnaround_us",
			    learnt_us == 0 ? json_null() : json_integer(learnt_us));
	return row;
}

/* The device at an address that somebody uses. */
static struct station_device *device_at(const struct station *station, size_t line, int64_t address)
{
	for (size_t i = 0; i < station->device_count; i++) {
		struct station_device *device = station->devices[i];
		if (device->line == line && device->address == address &&
		    station_device_used(station, device))
			return device;
	}
	return NULL;
}

/* The cursor is line x 256 + address of the row before. */
int verb_meter_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t after = verbs_cursor(call);
	size_t only = station->line_count, bytes = 0;
	if (after < 0) {
		control_fail(call, PROBLEM_USAGE, "cursor: not one that meter.list gave");
		return 0;
	}
	if (message_arg_string(call->args, "line") != NULL) {
		only = verbs_line(station, call);
		if (only == station->line_count)
			return 0;
	}
	json_t *rows = json_array();
	int64_t end = (int64_t)station->line_count * 256;
	for (int64_t at = after < end ? after + 1 : end; at < end; at++) {
		size_t line = (size_t)(at / 256);
		if (only < station->line_count && line != only)
			continue;
		const struct station_device *device = device_at(station, line, at % 256);
		if (device == NULL)
			continue;
		json_t *row = device_row(station, device);
		json_array_append_new(rows, row);
		bytes += DEVICE_BYTES + ROOM_BYTES * json_array_size(json_object_get(row, "rooms"));
		if (bytes > PAGE_BYTES) {
			verbs_page(call, rows, at);
			return 0;
		}
	}
	verbs_page(call, rows, -1);
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

/* A channel of the device that somebody uses. */
static uint8_t first_channel(const struct station_device *device)
{
	for (int kind = 0; kind < SCHEDULE_READS; kind++)
		if (device->reads[kind].count > 0)
			return device->reads[kind].at[0].channel;
	return 1;
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
	struct station_device *device = device_at(station, line, address);
	if (device != NULL) {
		*ret_channel = first_channel(device);
		return device;
	}
	control_fail(call, name == NULL ? PROBLEM_USAGE : PROBLEM_NOT_FOUND, "%s",
		     name == NULL ? "name a room, or a line and an address"
				  : "no commissioned meter has that line and address");
	return NULL;
}

static json_t *says_json(enum station_says says, const char *yes, const char *no)
{
	switch (says) {
	case SAYS_YES:
		return json_string(yes);
	case SAYS_NO:
		return json_string(no);
	case SAYS_OTHER:
		return json_string("unknown");
	case SAYS_NOTHING:
		break;
	}
	return json_null();
}

/* What the device said of itself, where it is that supply's. */
static void put_mode(json_t *point, const struct station_supply *supply,
		     const struct station_device *device)
{
	const struct station_mode *mode = &supply->mode;
	bool own = (mode->of_relay ? supply->relay : supply->meter) == device;
	bool relay = supply->relay == device;
	json_object_set_new(point, "mode",
			    says_json(own ? mode->own : SAYS_NOTHING, "prepaid", "metering"));
	json_object_set_new(point, "line_loss",
			    says_json(relay ? mode->loss : SAYS_NOTHING, "moves", "stays"));
	json_object_set_new(point, "power_on",
			    says_json(relay ? mode->power_on : SAYS_NOTHING, "moves", "stays"));
}

static json_t *points_of(const struct station *station, const struct station_device *device)
{
	json_t *points = json_array();
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		if (supply->meter != device && supply->relay != device)
			continue;
		bool metered = supply->meter == device, life = metered && supply->life.id != 0;
		json_t *point = json_pack(
			"{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "room", supply->room->record.name,
			"circuit", supply->record.circuit, "channel",
			metered ? json_integer(supply->record.point.channel) : json_null(), "relay",
			supply->relay == device ? json_integer(supply->record.relay.channel)
						: json_null(),
			"register_wh", life ? json_integer(supply->guard.accepted.wh) : json_null(),
			"age_s", metered ? age_json(station, supply->latest.at_us) : json_null(),
			"serial",
			life && supply->life.serial[0] != '\0' ? json_string(supply->life.serial)
							       : json_null(),
			"quarantine",
			metered && supply->guard.quarantined
				? json_string(guard_reason_name(supply->guard.reason))
				: json_null());
		put_mode(point, supply, device);
		json_array_append_new(points, verbs_measured(point, supply->medium));
	}
	return points;
}

int verb_meter_show(void *userdata, struct control_call *call)
{
	static const char *const confidence[] = {[MODEL_CONFIDENCE_LOW] = "low",
						 [MODEL_CONFIDENCE_MEDIUM] = "medium",
						 [MODEL_CONFIDENCE_HIGH] = "high"};
	struct station *station = verbs_station(userdata);
	uint8_t channel;
	struct station_device *device = named_device(station, call, &channel);
	if (device == NULL)
		return 0;
	json_t *row = device_row(station, device);
	json_object_set_new(row, "title", json_string(device->model->title));
	json_object_set_new(row, "vendor", json_string(device->model->vendor));
	json_object_set_new(row, "confidence", json_string(confidence[device->model->confidence]));
	json_object_set_new(row, "line_state",
			    json_string(verbs_line_state(&station->lines[device->line])));
	json_object_set_new(row, "points", points_of(station, device));
	control_reply(call, row, NULL);
	return 0;
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
			     verbs_line_state(&station->lines[device->line]));
		return 0;
	}
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_read *read = &station->asked[i];
		if (read->call != NULL)
			continue;
		for (int kind = 0; kind < SCHEDULE_READS; kind++)
			/* The load is a part of another. */
			if (kind != SCHEDULE_LOAD && device->reads[kind].count > 0) {
				wanted = (uint8_t)(wanted | (1U << kind));
				schedule_ask(&station->lines[device->line].schedule, device->index,
					     (enum schedule_span)kind);
			}
		if (wanted == 0) {
			control_fail(
				call, PROBLEM_REFUSED,
				"nothing can be read from %s at address %u: it only takes commands",
				device->model->name, device->address);
			return 0;
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
