/* station_request.c - see station_request.h. */
#include "concentrator/station_request.h"

#include "concentrator/station_identity.h"
#include "concentrator/station_merge.h"

static bool reads_positions_alone(const struct station_device *device)
{
	return device->reads[SCHEDULE_ENERGY].count == 0 &&
	       device->reads[SCHEDULE_INSTANT].count == 0;
}

/* What the device is, in the place of the schedule's read, where that is its turn. */
static bool build_once(const struct station *station, struct station_device *device,
		       struct station_job *slot, struct meter_request *ret)
{
	struct meter_request request;
	/* A position is waited for; of a board it is all that is ever read. At a boundary the register is,
	 * unless it moves no money before that. */
	slot->once = (!slot->job.boundary || device->identity.pending) &&
		     (slot->job.span != SCHEDULE_POSITION || reads_positions_alone(device)) &&
		     station_identity_next(station, device, &slot->span, &slot->channel);
	if (slot->once &&
	    (model_span_request(device->model, slot->span, slot->channel, &request) < 0 ||
	     read_apart_mistakes(&device->apart, &request))) {
		device->identity.asked_us = 0;
		slot->once = false;
	}
	device->once_last = slot->once;
	if (slot->once)
		*ret = request;
	return slot->once;
}

/* The n-th read of a kind in the device's turn. */
static bool build_turn(struct station_device *device, struct station_job *slot, size_t n,
		       struct meter_request *ret)
{
	const struct station_reads *reads = &device->reads[slot->job.span];
	size_t at = (reads->next + 1U + n) % reads->count;
	slot->span = reads->at[at].span;
	slot->channel = reads->at[at].channel;
	return (slot->job.span == SCHEDULE_LOAD
			? read_load_request(device->model, &device->load, slot->channel, ret)
			: model_span_request(device->model, slot->span, slot->channel, ret)) == 0;
}

/* The n-th in turn has come: those before it are next. */
static void advance(struct station_reads *reads, size_t n)
{
	size_t first = (reads->next + 1U) % reads->count;
	for (; n > 0; n--) {
		size_t to = (first + n) % reads->count, from = (first + n - 1) % reads->count;
		__typeof__(reads->at[0]) moved = reads->at[to];
		reads->at[to] = reads->at[from];
		reads->at[from] = moved;
	}
	reads->next = (uint8_t)first;
}

/* The first read of the job's kind in turn whose answer can be no other's (T1c). */
static bool build_kind(const struct station *station, struct station_device *device,
		       struct station_job *slot, struct meter_request *ret)
{
	struct station_reads *reads = &device->reads[slot->job.span];
	for (size_t n = 0; n < reads->count; n++) {
		struct meter_request own, request;
		if (!build_turn(device, slot, n, &own))
			continue;
		request = own;
		if (!slot->job.boundary)
			station_merge(station, device, slot, &request);
		if (slot->merged && read_apart_mistakes(&device->apart, &request)) {
			slot->merged = false;
			request = own;
		}
		/* Out of turn the block that was read just now would be read for ever. */
		if (read_apart_mistakes(&device->apart, &request) ||
		    (n > 0 && read_apart_has(&device->apart, &request)))
			continue;
		advance(reads, n);
		*ret = request;
		return true;
	}
	return false;
}

/* T1c: where a read of the job's kind could be answered by what was asked before, another kind goes between;
 * and where there is none, that read itself, whose answer is not believed: it is asked for again, and the
 * one before is then the same. */
static bool build_read(struct station *station, struct station_device *device,
		       struct station_job *slot, struct meter_request *ret)
{
	struct schedule *schedule = &station->lines[device->line].schedule;
	enum schedule_span wanted = slot->job.span;
	if (build_kind(station, device, slot, ret))
		return true;
	for (int kind = SCHEDULE_READS - 1; kind >= 0; kind--) {
		if (kind == (int)wanted ||
		    schedule->device[device->index].traits.cost_us[kind] == 0)
			continue;
		struct schedule_job job = slot->job;
		slot->job.span = (enum schedule_span)kind;
		slot->job.boundary = false;
		if (build_kind(station, device, slot, ret)) {
			slot->job = job;
			schedule_instead(schedule, &slot->job, (enum schedule_span)kind);
			return true;
		}
		slot->job = job;
	}
	slot->mute = true;
	return device->reads[wanted].count > 0 && build_turn(device, slot, 0, ret);
}

bool station_request_read(struct station *station, struct station_device *device,
			  struct station_job *slot, struct meter_request *ret)
{
	return build_once(station, device, slot, ret) || build_read(station, device, slot, ret);
}

void station_request_sent(struct station_device *device, const struct line_request *request)
{
	if (frame_is_read(request))
		read_apart_sent(&device->apart,
				&(struct meter_request){.function = request->function,
							.address = request->address,
							.count = request->count});
}
