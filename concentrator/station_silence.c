/* station_silence.c - one alarm for what has one cause: a meter, a line, or the building's power. */
#include "concentrator/station_silence.h"

#include "concentrator/rules/silence.h"
#include "concentrator/station_event.h"

static struct silence_line look(const struct station_line *line)
{
	const struct schedule *schedule = &line->schedule;
	struct silence_line ret = {.counts = line->state == LINE_OK && schedule->devices > 0,
				   .silent = schedule->fault,
				   .since_us = schedule->fault_us};
	if (schedule->devices == 1) {
		ret.silent = schedule->device[0].state != SCHEDULE_ALIVE;
		ret.since_us = schedule->device[0].silent_us;
	}
	return ret;
}

static void tell_line(struct station *station, const struct station_line *line)
{
	if (line->schedule.fault && !station->power_out)
		station_alarm(station, ALARM_LINE_FAULT, line->config->name,
			      "more than half of the meters fell silent at once: adapter, power or "
			      "wires");
	else
		station_alarm_clear(station, ALARM_LINE_FAULT, line->config->name);
}

void station_silence(struct station *station)
{
	struct silence_line lines[CONFIG_LINES_MAX];
	for (size_t i = 0; i < station->line_count; i++)
		lines[i] = look(&station->lines[i]);
	bool out = silence_is_outage(lines, station->line_count, station->power_out);
	if (out && !station->power_out)
		station_alarm(station, ALARM_POWER_OUTAGE, "building",
			      "every line fell silent at about the same time: the meters have no "
			      "power");
	else if (!out && station->power_out)
		station_alarm_clear(station, ALARM_POWER_OUTAGE, "building");
	station->power_out = out;
	for (size_t i = 0; i < station->line_count; i++)
		tell_line(station, &station->lines[i]);
}
