/* station_merge.h - fetches the register and the load of a meter by one request, where that pays. */
#pragma once

#include "concentrator/station_state.h"

/* Widens the request of a job in the slot, and notes what comes along; or leaves both alone. */
void station_merge(const struct station *station, struct station_device *device,
		   struct station_job *slot, struct meter_request *request);
/* The job in the slot has ended. true: its answer brings the other kind as well. */
bool station_merge_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error);
/* The job and its answer as if this kind alone had been asked for. */
void station_merge_part(const struct station_job *slot, const struct line_result *result,
			enum schedule_span kind, struct station_job *ret_slot,
			struct line_result *ret_result);
