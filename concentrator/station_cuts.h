/* station_cuts.h - no mass cut by mistake: the count of rooms due, and what holds them (S7). */
#pragma once

#include "concentrator/station_state.h"

/* Reads back what was held when the daemon ended. */
int station_cuts_load(struct station *station);
/* Is the cut of this room held with all others? */
bool station_cuts_held(struct station *station, struct station_room *room,
		       const struct supply_facts *facts);
/* Once a second: keeps in the ledger what a restart must not forget. */
void station_cuts_keep(struct station *station);
/* A person lets held cuts go: kept in the ledger before it is answered, so that no restart holds them again. -EIO
 * the store fails: they stay held. */
int station_cuts_confirm(struct station *station);
