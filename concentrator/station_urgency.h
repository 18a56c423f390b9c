/* station_urgency.h - how often a room is read that is near its end. */
#pragma once

#include "concentrator/station_state.h"

/* Behind each decision about the room's money, by the same facts. */
void station_urgency(struct station *station, const struct station_room *room,
		     const struct supply_facts *facts);
