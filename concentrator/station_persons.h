/* station_persons.h - how many live in a room: what an allowance gives per person. */
#pragma once

#include "concentrator/station_state.h"

/* Reads what the ledger has. */
int station_persons_load(struct station *station, struct station_room *room);
/* As was said last; 1 where nobody did. */
int32_t station_persons(const struct station_room *room);
/* In the caller's transaction; memory is ahead of the disk until its commit. */
int station_persons_add(struct station *station, struct station_room *room, int32_t persons,
			const char *who);
int station_persons_set(struct station *station, struct station_room *room, int32_t persons,
			const char *who);
