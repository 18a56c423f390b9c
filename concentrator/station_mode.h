/* station_mode.h - what switches a supply beside us. */
#pragma once

#include "concentrator/station_state.h"

/* An answer about a mode or a safe state has come. */
void station_mode_read(struct station *station, struct station_device *device, unsigned span,
		       const struct line_request *request, const struct line_result *result);
/* The device was away: what it said counts no more. */
void station_mode_forget(struct station *station, const struct station_device *device);
/* At least once a second: is there still something that switches beside us? */
void station_mode_review(struct station *station, struct station_supply *supply);
