/* station_stay.h - what a tenant takes along into another room, beside the balance.
 *
 * M7  Where the tenant stands in blocks and free energy, what was spent toward the minimum charge, which dated
 *     events are done, and how many live there: a room change gives nothing again and takes nothing again.
 */
#pragma once

#include "concentrator/ledger_stay.h"
#include "concentrator/station_state.h"

struct station_stay {
	struct ledger_stay stay;
	struct tariff_use use;
	struct dated_account dated;
	struct tariff_persons persons;
};

/* Of a room that is settled, and whose dated events are done. */
int station_stay_of(struct station *station, const struct station_room *room,
		    struct station_stay *ret);
/* To the room whose tenancy has just begun. In the caller's transaction. */
int station_stay_move(struct station *station, const struct station_stay *taken,
		      struct station_room *to, const char *who);
