/* station_unread.h - meters that were not read when a tenancy began.
 *
 * M2  What a meter counts up to its first reading in a tenancy is the house's, where the one before was not taken
 *     with the move: nobody can tell whether it was used before it.
 */
#pragma once

#include "concentrator/station_state.h"

/* Notes those of a room whose tenancy begins, in its transaction: not read within TARIFF_NEAR_S, or in
 * quarantine. */
int station_unread_note(struct station *station, struct station_room *room);
/* The same of one, whatever it says. */
int station_unread_again(struct station *station, struct station_supply *supply);
/* A register was believed: if it is the first of the tenancy, what it counted is settled as the house's. */
void station_unread_read(struct station *station, struct station_supply *supply);
/* What the ledger knows of them. */
int station_unread_load(struct station *station);
