/* station_overload.c - is a supply near what its breaker may carry, or above?
 *
 * Near the limit the schedule looks more often; above it the next read is at once, and two in a row are an alarm.
 * Whether anything is cut for it is no decision of this file.
 */
#include "concentrator/station_state.h"

#define NEAR_PERCENT   80
#define WATCH_US       INT64_C(1500000)
#define OVERLOAD_READS 2

/* The load of this reading in percent of the breaker's rating; -1: the reading does not say. */
static int64_t percent_of_limit(const struct station_supply *supply, const struct reading *reading)
{
	const struct guard_limits *limits = &supply->limits;
	int64_t most = -1;
	for (int q = QUANTITY_CURRENT_L1_MA; q <= QUANTITY_CURRENT_L3_MA; q++)
		if (reading_has(reading, (enum quantity)q) && reading->value[q] / 10 > most)
			most = reading->value[q] / 10;
	if (most >= 0)
		return most / limits->breaker_a;
	if (!reading_has(reading, QUANTITY_POWER_W))
		return -1;
	most = reading->value[QUANTITY_POWER_W] * 100 /
	       (limits->breaker_a * limits->nominal_voltage_v * limits->phases);
	return most < 0 ? 0 : most;
}

/* One device may serve several supplies: it is watched while any of them is near its limit. */
static void watch(struct station *station, struct station_device *device)
{
	bool near = false;
	for (size_t i = 0; i < station->supply_count; i++)
		near = near ||
		       (station->supplies[i]->meter == device && station->supplies[i]->near_limit);
	schedule_watch(&station->lines[device->line].schedule, device->index, near ? WATCH_US : 0,
		       station->now.us);
}

void station_overload(struct station *station, struct station_supply *supply,
		      const struct reading *reading)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	struct station_device *device = supply->meter;
	int64_t percent = percent_of_limit(supply, reading);
	if (percent < 0)
		return;
	if ((percent >= NEAR_PERCENT) != supply->near_limit) {
		supply->near_limit = percent >= NEAR_PERCENT;
		watch(station, device);
	}
	if (percent <= 100) {
		if (supply->overloads >= OVERLOAD_READS) {
			station_subject(supply, subject);
			station_alarm_clear(station, ALARM_OVERLOAD, subject);
		}
		supply->overloads = 0;
		return;
	}
	if (supply->overloads == OVERLOAD_READS)
		return;
	if (++supply->overloads < OVERLOAD_READS) {
		struct schedule *schedule = &station->lines[device->line].schedule;
		schedule_ask(schedule, device->index, schedule_load_span(schedule, device->index));
		return;
	}
	station_subject(supply, subject);
	station_alarm(station, ALARM_OVERLOAD, subject, "the load is above the breaker's %lld A",
		      (long long)supply->limits.breaker_a);
}
