/* station_load_read.h - the short read that shows what flows, apart from the rest of its block. */
#pragma once

#include "concentrator/station_state.h"

/* A device's load is read by itself from now on, where its model allows that. */
void station_load_read_begin(struct station_device *device);
/* It is so again, for one that has been away: it may be another unit. */
void station_load_read_again(struct station *station, struct station_device *device);
/* Is it so now? */
bool station_load_read_used(const struct station_device *device);
/* A read of it has ended: of the load alone, or another that may have brought it along. */
void station_load_read_ended(struct station *station, struct station_device *device,
			     const struct station_job *slot, int error);
/* Its answer. */
void station_load_read_spread(struct station *station, struct station_device *device,
			      const struct station_job *slot, const struct line_result *result);
