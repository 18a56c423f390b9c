/* station_figures.h - the counters of lines and devices. */
#pragma once

#include "concentrator/station_state.h"

/* Counts what became of a job; device NULL: nobody's any more. */
void station_count(struct station *station, size_t line, struct station_device *device,
		   const struct line_result *result);
/* "alive", "silent", "dead"; "unknown" for one that was never asked or cannot be now. */
const char *station_device_state(const struct station *station,
				 const struct station_device *device);
