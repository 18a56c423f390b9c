/* station_boundary.h - has every meter read where its price may change. */
#pragma once

#include "concentrator/station_state.h"

/* Once a second: tells the lines of the next boundary. */
void station_boundary_check(struct station *station);
/* Are readings at a boundary still to come on a line of this room? */
bool station_boundary_awaited(const struct station *station, const struct station_room *room);
