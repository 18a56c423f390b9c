/* station_past.h - how a room stood at an instant that has passed, by what the cloud was told. */
#pragma once

#include "concentrator/station_state.h"

/* Was it cut for money just before that Unix second? 1; 0; -errno of the ledger. By the first notice from then on that
 * says that it was cut or has power again; where there is none it was then as it is now. */
int station_was_cut(const struct station *station, const struct station_room *room, int64_t at_s);
