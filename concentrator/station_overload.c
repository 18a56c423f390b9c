/* station_overload.c - is a supply near what its breaker may carry, or above?
 *
 * Near the limit the schedule looks more often; above it the second reading goes before others as soon as it
 * can be a second measurement (rules/load.h), and then it is an alarm. Whether anything is cut for it is no
 * decision of this file.
 */
#include "concentrator/station_overload.h"

#include "concentrator/station_event.h"

/* One device may serve several supplies: it is watched as often as the one that wants it most. */
static void watch(struct station *station, struct station_device *device)
{
	int64_t within_us = 0;
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		int64_t own_us = supply->meter == device ? load_within_us(&supply->load) : 0;
		if (own_us > 0 && (within_us == 0 || own_us < within_us))
			within_us = own_us;
	}
	schedule_watch(&station->lines[device->line].schedule, device->index, within_us,
		       station->now.us);
}

void station_overload(struct station *station, struct station_supply *supply,
		      const struct reading *reading)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	int64_t before_us = load_within_us(&supply->load);
	enum load_event event = load_step(&supply->load, &supply->limits, reading, &supply->latest);
	if (load_within_us(&supply->load) != before_us)
		watch(station, supply->meter);
	if (event == LOAD_EVENT_NONE)
		return;
	station_subject(supply, subject);
	if (event == LOAD_EVENT_OVER)
		station_alarm_clear(station, ALARM_OVERLOAD, subject);
	else
		station_alarm(station, ALARM_OVERLOAD, subject,
			      "the load is above the breaker's %lld A",
			      (long long)supply->limits.breaker_a);
}
