/* station_warning.h - warns a room of levels of its money and of the days it lasts, each once, through restarts. */
#pragma once

#include "concentrator/station_state.h"

/* Tells of warning levels that are crossed. */
void station_warn(struct station *station, struct station_room *room);
