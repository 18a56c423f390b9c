/* station_load_read.c - the short read that shows what flows, apart from the rest of its block.
 *
 * It is asked for often, its block seldom. A unit that does not answer it though it answers others is asked for
 * the whole block from then on, until it has been away.
 */
#include "concentrator/station_load_read.h"

#include <errno.h>

#include "concentrator/station_load.h"
#include "concentrator/station_meter.h"

/* In a row, with an answer to another read behind each. Noise on a bad line does not get here. */
#define LOAD_TRIES 8

void station_load_read_begin(struct station_device *device)
{
	device->load = read_load(device->model);
	device->load_failures = 0;
	device->load_failed = false;
}

bool station_load_read_used(const struct station_device *device)
{
	return device->load.count > 0 && device->load_failures < LOAD_TRIES;
}

void station_load_read_again(struct station *station, struct station_device *device)
{
	bool used = station_load_read_used(device);
	device->load_failures = 0;
	device->load_failed = false;
	if (!used)
		(void)station_device_traits(station, device);
}

/* Does this answer show the load of all that the device measures? */
static bool brings_load(const struct station_device *device, const struct station_job *slot)
{
	return slot->job.span <= SCHEDULE_INSTANT && device->reads[SCHEDULE_LOAD].count == 1 &&
	       (slot->span == device->load.span ||
		(slot->merged && slot->other_span == device->load.span));
}

void station_load_read_ended(struct station *station, struct station_device *device,
			     const struct station_job *slot, int error)
{
	if (!station_load_read_used(device) || slot->job.span == SCHEDULE_RELAY)
		return;
	if (slot->job.span == SCHEDULE_LOAD && !slot->once) {
		device->load_failed = error == -EREMOTEIO || error == -ETIMEDOUT ||
				      error == -EBADMSG;
		if (error == 0)
			device->load_failures = 0;
		return;
	}
	if (error != 0)
		return;
	if (device->load_failed) {
		device->load_failed = false;
		if (++device->load_failures == LOAD_TRIES)
			(void)station_device_traits(station, device);
	}
	if (!slot->once && brings_load(device, slot))
		schedule_came_along(&station->lines[device->line].schedule, device->index,
				    SCHEDULE_LOAD, station->now.us);
}

void station_load_read_spread(struct station *station, struct station_device *device,
			      const struct station_job *slot, const struct line_result *result)
{
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		struct reading reading = {.at_us = result->done_us};
		struct meter_request own;
		unsigned channel = (unsigned)supply->record.point.channel;
		if (supply->meter == device &&
		    read_load_request(device->model, &device->load, channel, &own) == 0 &&
		    own.address == slot->request.address &&
		    meter_decode_part(device->model, device->load.span, channel, device->load.first,
				      result->values, result->count, &supply->ratios,
				      &reading) == 0)
			station_load_reading(station, supply, &reading);
	}
}
