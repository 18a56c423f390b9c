/* verbs_meter.h - calls of meter.read that wait for an answer. */
#pragma once

#include "concentrator/station_state.h"

/* Everything a meter.read waited for has come, or failed. Answers the call. */
void station_read_done(struct station *station, struct station_read *read);
