/* station_silence.c - one alarm for what has one cause: a meter, a line, or the building's power. */
#include "concentrator/station_silence.h"

#include <string.h>

#include "concentrator/rules/silence.h"
#include "concentrator/station_event.h"

#define INCOMER       "incomer" /* the sensor's name */
#define LIVE_MILLI    INT64_C(50000)
#define US_PER_SECOND INT64_C(1000000)

bool station_incomer_lives(int64_t value_milli)
{
	return value_milli >= LIVE_MILLI;
}

/* One that never showed live mains may be scaled to something else: it says nothing. */
static enum silence_incomer incomer_of(const struct station *station)
{
	for (size_t i = 0; i < station->config->sensor_count; i++) {
		const struct config_sensor *config = &station->config->sensors[i];
		const struct station_sensor *sensor = &station->sensors[i];
		if (strcmp(config->name, INCOMER) != 0 || config->unit != CONFIG_UNIT_MV)
			continue;
		if (!sensor->lived || sensor->error != 0 ||
		    station->now.us - sensor->at_us > config->stale_s * US_PER_SECOND)
			return SILENCE_INCOMER_UNKNOWN;
		return station_incomer_lives(sensor->value_milli) ? SILENCE_INCOMER_LIVE
								  : SILENCE_INCOMER_DEAD;
	}
	return SILENCE_INCOMER_UNKNOWN;
}

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
	ret.silent = ret.silent && !schedule_is_garbled(schedule);
	return ret;
}

static const char *cause_of(const struct station_line *line, enum silence_incomer incomer)
{
	if (schedule_is_garbled(&line->schedule))
		return "more than half of the meters give no whole answer any more: wires, noise, "
		       "or another master on the line";
	if (incomer == SILENCE_INCOMER_LIVE)
		return "more than half of the meters fell silent at once, and the incomer has "
		       "voltage: adapter, wires, or the fuse of these meters";
	return "more than half of the meters fell silent at once: the line (adapter, wires) or its "
	       "meters' power";
}

static void tell_line(struct station *station, const struct station_line *line,
		      enum silence_incomer incomer)
{
	if (line->schedule.fault && !station->power_out)
		station_alarm(station, ALARM_LINE_FAULT, line->config->name, "%s",
			      cause_of(line, incomer));
	else
		station_alarm_clear(station, ALARM_LINE_FAULT, line->config->name);
}

void station_silence(struct station *station)
{
	struct silence_line lines[CONFIG_LINES_MAX];
	for (size_t i = 0; i < station->line_count; i++)
		lines[i] = look(&station->lines[i]);
	enum silence_incomer incomer = incomer_of(station);
	bool out = silence_is_outage(lines, station->line_count, incomer, station->power_out);
	if (out && !station->power_out)
		station_alarm(station, ALARM_POWER_OUTAGE, "building",
			      "%s: the meters have no power",
			      incomer == SILENCE_INCOMER_DEAD
				      ? "every line is silent, and the incomer has no voltage"
				      : "every line fell silent at about the same time");
	else if (!out && station->power_out)
		station_alarm_clear(station, ALARM_POWER_OUTAGE, "building");
	station->power_out = out;
	for (size_t i = 0; i < station->line_count; i++)
		tell_line(station, &station->lines[i], incomer);
}
