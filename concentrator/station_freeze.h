/* station_freeze.h - what every circuit stood at when the local day, and the month, ended. */
#pragma once

#include "concentrator/station_state.h"

/* After loading supplies: what is frozen already. */
int station_freeze_load(struct station *station);
/* Freezes the day that has ended, unless that is done; inside the caller's transaction, after the room's
 * settlement. */
int station_freeze_room(struct station *station, struct station_room *room);
/* That transaction is on the disk. */
void station_frozen(struct station_room *room);
/* Once a second: those that no settlement at midnight has frozen. */
void station_freeze_check(struct station *station);
