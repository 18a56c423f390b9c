/* station_link.h - is the cloud there? */
#pragma once

#include "concentrator/station_state.h"

/* How long the cloud has been away, restarts and a dead messenger included. */
int station_link_load(struct station *station);
/* 0: it is there, or there is none. */
int64_t station_link_away_us(const struct station *station);
/* Once a second: alarm, and what a restart must not forget. */
void station_link_check(struct station *station);
