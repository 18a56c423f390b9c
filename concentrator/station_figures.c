/* station_figures.c - the counters of lines and devices. */
#include "concentrator/station_figures.h"

#include <errno.h>

static enum tally_end end_of(const struct line_result *result)
{
	switch (result->error) {
	case 0:
		return TALLY_GOOD;
	case -EREMOTEIO:
		return TALLY_EXCEPTION;
	case -ETIMEDOUT:
		return TALLY_TIMEOUT;
	default:
		return result->reason == EXCHANGE_CRC ? TALLY_CRC : TALLY_GARBLED;
	}
}

void station_count(struct station *station, size_t index, struct station_device *device,
		   const struct line_result *result)
{
	struct station_line *line = &station->lines[index];
	int64_t now_us = station->now.us;
	tally_stray(&line->tally, result->stray, now_us);
	/* What was never sent, or was cut short by the adapter, says nothing about the wire. */
	if (result->sent_us == 0 || (result->error != 0 && result->error != -EREMOTEIO &&
				     result->error != -ETIMEDOUT && result->error != -EBADMSG))
		return;
	tally_count(&line->tally, end_of(result), result->turnaround_us, now_us);
	if (device != NULL)
		tally_count(&device->tally, end_of(result), result->turnaround_us, now_us);
}

const char *station_device_state(const struct station *station, const struct station_device *device)
{
	const struct station_line *line = &station->lines[device->line];
	if (!device->scheduled || line->state != LINE_OK)
		return "unknown";
	enum schedule_device_state state = schedule_state(&line->schedule, device->index,
							  station->now.us);
	if (state == SCHEDULE_ALIVE && line->schedule.device[device->index].answered_us == 0)
		return "unknown";
	return schedule_state_name(state);
}
