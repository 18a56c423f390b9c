/* station_request.h - which read of a device a job becomes.
 *
 * B1 (part, T1c)  No read goes out whose answer could be that to one of the device's reads before
 *                 (meters/read_apart.h): another block's turn comes first, or another kind of read goes
 *                 between. Where there is neither, the answer is not believed.
 */
#pragma once

#include "concentrator/station_state.h"

/* The read of the job in the slot, which may become one of another kind of the same device (then what it was
 * to read is wanted as before), and what it is of. false: it cannot be sent (any more). */
bool station_request_read(struct station *station, struct station_device *device,
			  struct station_job *slot, struct meter_request *ret);

/* This was sent to the device, by whomever. */
void station_request_sent(struct station_device *device, const struct line_request *request);
