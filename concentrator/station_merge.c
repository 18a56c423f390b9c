/* station_merge.c - fetches the register and the load of a meter by one request, where that pays.
 *
 * What pays follows from the line's rate and the device's learnt turnaround, what the device bears from its
 * model (meters/read_plan.h). A unit that does not bear it after all is asked block by block from then on.
 */
#include "concentrator/station_merge.h"

#include <errno.h>
#include <string.h>

#include "concentrator/station_poll.h"
#include "meters/read_plan.h"

#define MERGE_TRIES 3 /* merged reads that fail in a row */

static struct read_cost cost_of(const struct station_line *line,
				const struct station_device *device)
{
	struct wire wire = station_wire(line->config);
	int64_t learnt_us = line->schedule.device[device->index].turnaround_us;
	return read_cost(wire_chars_us(&wire, 1000), learnt_us, wire_gap_us(&wire));
}

void station_merge(const struct station *station, struct station_device *device,
		   struct station_job *slot, struct meter_request *request)
{
	const struct station_line *line = &station->lines[device->line];
	enum schedule_span other = slot->job.span == SCHEDULE_ENERGY ? SCHEDULE_INSTANT
								     : SCHEDULE_ENERGY;
	const struct station_reads *reads = &device->reads[other];
	struct read_group groups[MODEL_SPANS_MAX];
	slot->merged = false;
	if (slot->once || slot->job.probe ||
	    (slot->job.span != SCHEDULE_ENERGY && slot->job.span != SCHEDULE_INSTANT) ||
	    device->merge_failures >= MERGE_TRIES || reads->count == 0 ||
	    !schedule_welcome(&line->schedule, device->index, other, station->now.us))
		return;
	uint8_t next = (uint8_t)((reads->next + 1) % reads->count);
	struct read_cost cost = cost_of(line, device);
	uint8_t wanted = (uint8_t)(1U << slot->span | 1U << reads->at[next].span);
	if (reads->at[next].channel != slot->channel ||
	    read_plan(device->model, slot->channel, wanted, &cost, groups) != 1 ||
	    groups[0].spans != wanted)
		return;
	slot->merged = true;
	slot->other = other;
	slot->other_span = reads->at[next].span;
	*request = groups[0].request;
}

bool station_merge_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error)
{
	struct schedule *schedule = &station->lines[device->line].schedule;
	struct station_reads *reads = &device->reads[slot->other];
	if (!slot->merged)
		return false;
	if (error == -EREMOTEIO)
		device->merge_failures = MERGE_TRIES;
	else if (error == -ETIMEDOUT || error == -EBADMSG)
		device->merge_failures++;
	if (error != 0)
		return false;
	device->merge_failures = 0;
	if (reads->count > 0)
		reads->next = (uint8_t)((reads->next + 1) % reads->count);
	schedule_came_along(schedule, device->index, slot->other, station->now.us);
	return true;
}

void station_merge_part(const struct station_job *slot, const struct line_result *result,
			enum schedule_span kind, struct station_job *ret_slot,
			struct line_result *ret_result)
{
	struct meter_request own;
	*ret_slot = *slot;
	*ret_result = *result;
	if (!slot->merged || result->error != 0)
		return;
	ret_slot->job.span = kind;
	ret_slot->span = kind == slot->job.span ? slot->span : slot->other_span;
	if (model_span_request(slot->model, ret_slot->span, slot->channel, &own) < 0)
		return;
	ret_slot->request.address = own.address;
	ret_slot->request.count = own.count;
	ret_result->count = own.count;
	memcpy(ret_result->values, &result->values[own.address - slot->request.address],
	       own.count * sizeof(own.value[0]));
}
