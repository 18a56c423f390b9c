/* events.h - what happened in the building, in order, for the tests to read back.
 *
 * Bounded: the newest EVENTS_KEPT are kept. Events carry a number that only grows, from 1.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

enum { EVENTS_KEPT = 16384, EVENTS_PAGE = 1000 };

enum event_kind {
	EVENT_WRITE,    /* a write request addressed to a device; at_us is its arrival */
	EVENT_RELAY,    /* a relay was commanded to another position */
	EVENT_CONTACT,  /* a contact has moved; the energy is the fed meter's at that moment */
	EVENT_READBACK, /* the last byte of the first reply that shows a relay's new position */
	EVENT_HAZARD,   /* a write that erases counters or moves a device's address */
	EVENT_GLITCH,   /* a glitched energy register was read */
	EVENT_UNPLUG,
	EVENT_PLUG,
};

struct event {
	int64_t seq;
	int64_t at_us; /* CLOCK_BOOTTIME */
	int64_t unix_us;
	int64_t energy_uwh;  /* EVENT_CONTACT, EVENT_GLITCH */
	int64_t register_wh; /* as the meter shows it, same events */
	enum event_kind kind;
	char device[16]; /* "A/12" or, for a line, "A" */
	char feeds[16];  /* EVENT_CONTACT: the meter behind the contact */
	char detail[48]; /* "closed", "open", or the words written */
	uint8_t channel; /* from 1; 0 where it means nothing */
};

struct events;

struct events *events_new(void);
struct events *events_free(struct events *events);

/* Adds a copy; seq and unix_us are filled in here (unix_us is that of at_us). */
void events_add(struct events *events, struct event event);

/* The events numbered above `since`, at most EVENTS_PAGE, as an object with "events", "next" (ask
 * again with it) and "oldest" (the lowest number still kept). */
json_t *events_page(const struct events *events, int64_t since);
