/* station_dated.h - dated events carried out: decided by rules/dated.h, written once (M9). */
#pragma once

#include "concentrator/station_state.h"

/* Reads what was done last. */
int station_dated_load(struct station *station, struct station_room *room);
/* Once a second: does what is due. */
void station_dated_run(struct station *station);
/* The next event that is due; false: none. */
bool station_dated_next(const struct station *station, const struct station_room *room,
			struct dated_event *ret);
/* Does it wait for a person? */
bool station_dated_held(const struct station *station, const struct dated_event *event);
/* A person decides about all that is due: it is done, or waived. ret_count: days. */
int station_dated_decide(struct station *station, const char *who, bool waive, int64_t *ret_count);
/* In the caller's transaction, before an account closes: does what is due, and, unless the tenant moves to
 * another room, takes the minimum charge of the period under way. -EBUSY: it waits for a person.
 * What memory is ahead by is the caller's to take back with room->dated. */
int station_dated_close(struct station *station, struct station_room *room, bool moves,
			const char *who);
/* What was spent toward the minimum charge of the period under way, and when that began; 0: there is none. */
int station_dated_spent(struct station *station, const struct station_room *room,
			int64_t *ret_from_s, int64_t *ret_nano);
