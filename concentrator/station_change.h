/* station_change.h - a change that a person makes to one room, or two.
 *
 * Everything is done in one transaction and in memory; a dry run does the same and takes both back.
 */
#pragma once

#include "concentrator/station_state.h"

#define STATION_CHANGE_ROOMS 2

struct station_change {
	const char *who;
	const char *why;
	bool dry_run;
	size_t room_count;
	struct {
		struct station_room *room;
		struct station_room saved;
		struct station_supply saved_supplies[LAYERS_SUPPLIES_MAX];
	} rooms[STATION_CHANGE_ROOMS];
};

/* who, why and dry_run are the caller's; other may be NULL. -errno: nothing is open. */
int station_change_begin(struct station *station, struct station_change *change,
			 struct station_room *room, struct station_room *other);
/* Settles a room; memory follows at once, so that what comes next stands on it, and it may be settled
 * again. Unlike station_settle_room() a part that cannot be priced (-ERANGE, -EINVAL) ends the change. */
int station_change_settle(struct station *station, struct station_room *room, const char *why);
/* Appends an entry with the change's time, author and reason, and tells the cloud. */
int station_change_append(struct station *station, const struct station_change *change,
			  const struct station_room *room, struct entry *entry);
/* error 0: commits, or takes a dry run back; else takes back. Returns error, or the commit's. */
int station_change_end(struct station *station, struct station_change *change, int error);
