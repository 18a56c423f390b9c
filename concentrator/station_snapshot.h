/* station_snapshot.h - when the ledger's snapshot is taken anew, and what the station adds to it. */
#pragma once

#include "concentrator/station_state.h"

/* Takes one now, in a transaction of its own. -errno of the ledger. */
int station_snapshot_take(struct station *station);
/* Once a second: is one due? */
void station_snapshot_check(struct station *station);
/* After the ledger was opened or reopened: was the snapshot refused? */
void station_snapshot_told(struct station *station);
