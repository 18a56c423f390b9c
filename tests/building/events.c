/* events.c - see events.h. */
#include "tests/building/events.h"

#include <stdlib.h>

#include "tests/building/moment.h"

struct events {
	struct event ring[EVENTS_KEPT];
	int64_t next; /* the number of the next event */
};

struct events *events_new(void)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		events->next = 1;
	return events;
}

struct events *events_free(struct events *events)
{
	free(events);
	return NULL;
}

void events_add(struct events *events, struct event event)
{
	event.seq = events->next++;
	event.unix_us = moment_unix_us() - (moment_ns() / 1000 - event.at_us);
	events->ring[event.seq % EVENTS_KEPT] = event;
}

static const char *kind_name(enum event_kind kind)
{
	switch (kind) {
	case EVENT_WRITE:
		return "write";
	case EVENT_RELAY:
		return "relay";
	case EVENT_CONTACT:
		return "contact";
	case EVENT_READBACK:
		return "readback";
	case EVENT_HAZARD:
		return "hazard";
	case EVENT_GLITCH:
		return "glitch";
	case EVENT_UNPLUG:
		return "unplug";
	case EVENT_PLUG:
		return "plug";
	}
	return "?";
}

static json_t *event_json(const struct event *event)
{
	json_t *row = json_pack("{s:I, s:s, s:I, s:I, s:s, s:i, s:s}", "seq",
				(json_int_t)event->seq, "kind", kind_name(event->kind), "at_us",
				(json_int_t)event->at_us, "unix_us", (json_int_t)event->unix_us,
				"device", event->device, "channel", (int)event->channel, "detail",
				event->detail);

	if (row && (event->kind == EVENT_CONTACT || event->kind == EVENT_GLITCH)) {
		json_object_set_new(row, "energy_uwh", json_integer(event->energy_uwh));
		json_object_set_new(row, "register_wh", json_integer(event->register_wh));
	}
	if (row && event->kind == EVENT_CONTACT)
		json_object_set_new(row, "feeds", json_string(event->feeds));
	return row;
}

json_t *events_page(const struct events *events, int64_t since)
{
	int64_t oldest = events->next > EVENTS_KEPT ? events->next - EVENTS_KEPT : 1;
	int64_t seq = since < 0 || since + 1 < oldest ? oldest : since + 1;
	int64_t end = seq + EVENTS_PAGE < events->next ? seq + EVENTS_PAGE : events->next;
	json_t *rows = json_array();

	for (; seq < end; seq++)
		json_array_append_new(rows, event_json(&events->ring[seq % EVENTS_KEPT]));
	return json_pack("{s:o, s:I, s:I}", "events", rows, "next", (json_int_t)(seq - 1), "oldest",
			 (json_int_t)oldest);
}
