/* calendar.h - local dates and times of the building, from a table of offsets.
 *
 * platform/zone fills the table from the building's IANA zone; here it is a value, so the rules
 * know no process-wide time zone. Days have 23, 24 or 25 hours, midnight may be skipped or happen
 * twice: a local day begins at the first instant that carries its date.
 *
 * Times are Unix seconds within CALENDAR_S_MIN to CALENDAR_S_MAX (the years 1 to 9999).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_TRANSITIONS_MAX 128
#define CALENDAR_S_MIN           INT64_C(-62135596800)
#define CALENDAR_S_MAX           INT64_C(253402300799)
#define CALENDAR_DAY_S           INT64_C(86400)

struct offset_transition {
	int64_t from_s;   /* Unix; from this second on */
	int32_t offset_s; /* local minus UTC; positive is east */
};

/* Sorted by from_s. Before the first transition its own offset holds; an empty table is UTC. */
struct offset_table {
	uint32_t count;
	struct offset_transition transition[CALENDAR_TRANSITIONS_MAX];
};

struct civil {
	int32_t year;
	int32_t month;   /* 1 to 12 */
	int32_t day;     /* 1 to 31 */
	int32_t hour;    /* 0 to 23 */
	int32_t minute;  /* 0 to 59 */
	int32_t second;  /* 0 to 59 */
	int32_t weekday; /* 1 Monday to 7 Sunday, as ISO 8601 */
};

/* Is at_s within the years that the functions below take? Ask before handing on foreign times. */
bool calendar_covers(int64_t at_s);

/* Local minus UTC in force at at_s, seconds. */
int32_t calendar_offset_s(const struct offset_table *table, int64_t at_s);

/* The same, and the span around at_s in which it holds: from *ret_from_s up to, not including,
 * *ret_to_s (INT64_MIN and INT64_MAX: without end). */
int32_t calendar_offset_span_s(const struct offset_table *table, int64_t at_s, int64_t *ret_from_s,
			       int64_t *ret_to_s);

/* Day number of the local date at at_s; day 0 is 1970-01-01. */
int64_t calendar_day(const struct offset_table *table, int64_t at_s);

/* Local date and time at at_s. */
struct civil calendar_local(const struct offset_table *table, int64_t at_s);

/* The first instant after at_s whose local date is later than at_s's own: the next local midnight,
 * or the instant after a skipped one. */
int64_t calendar_next_midnight_s(const struct offset_table *table, int64_t at_s);

/* The first instant that carries the local date of at_s. */
int64_t calendar_day_start_s(const struct offset_table *table, int64_t at_s);

/* The first instant that carries the local date of that day number, or a later one where the date
 * was skipped. */
int64_t calendar_date_start_s(const struct offset_table *table, int64_t day_number);

/* Day number of a date of the proleptic Gregorian calendar, and the date of a day number (its time
 * of day is 00:00:00). */
int64_t calendar_day_number(int32_t year, int32_t month, int32_t day);
struct civil calendar_date(int64_t day_number);
