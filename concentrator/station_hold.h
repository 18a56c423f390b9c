/* station_hold.h - a dispute keeps the supply on (S1). */
#pragma once

#include "concentrator/station_state.h"

/* Is it kept on now? */
bool station_kept(const struct station *station, const struct station_room *room);
/* owner, uid, reason, from_s and until_s are the caller's. One that is open is replaced. */
int station_hold_set(struct station *station, struct station_room *room,
		     const struct ledger_hold *hold);
int station_hold_end(struct station *station, struct station_room *room, const char *by);
/* Once a second: ends those whose time is over. */
void station_holds_check(struct station *station);
