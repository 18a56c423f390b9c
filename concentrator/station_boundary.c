/* station_boundary.c - has every meter read where its price may change.
 *
 * M7  The lines' schedules are told of each boundary ahead, and read around it. Settlement waits until they
 *     are through, so that each register is priced by the reading nearest to the boundary, and all of them
 *     are one transaction (D2).
 *
 * At a midnight that changes no price the day's registers are frozen: there only readings behind it count.
 */
#include "concentrator/station_boundary.h"

#include "concentrator/rules/tariff_time.h"

#define SECOND_US INT64_C(1000000)
#define AHEAD_S   90 /* the longest round is half of this, begun half of itself ahead */
/* Behind a boundary this long its round may still be under way. */
#define BEHIND_S (SCHEDULE_BOUNDARY_US / SECOND_US)
/* The seconds of the clock and the running time move against each other: so much is no step. */
#define STEP_US (2 * SECOND_US)

static bool find(const struct station *station, int64_t *ret_s, bool *ret_behind)
{
	const struct offset_table *zone = &station->settings.zone;
	int64_t after_s = station->now.s - BEHIND_S, until_s = station->now.s + AHEAD_S;
	int64_t midnight_s = calendar_next_midnight_s(zone, after_s);
	bool found = tariff_boundary(&station->book, zone, after_s, until_s, ret_s);
	*ret_behind = midnight_s <= until_s && (!found || midnight_s < *ret_s);
	if (*ret_behind)
		*ret_s = midnight_s;
	return found || *ret_behind;
}

void station_boundary_check(struct station *station)
{
	int64_t at_s = 0, at_us = 0;
	bool behind = false;
	if (station->now.trusted && find(station, &at_s, &behind))
		/* The second that now.s counts has been running for half of one, on average; where
		 * nothing may be read before, it may just have begun. */
		at_us = station->now.us + (at_s - station->now.s) * SECOND_US -
			(behind ? 0 : SECOND_US / 2);
	int64_t moved_us = at_us - station->boundary_us;
	if (at_s == station->boundary_s && moved_us <= STEP_US && moved_us >= -STEP_US)
		return;
	station->boundary_s = at_s;
	station->boundary_us = at_us;
	for (size_t i = 0; i < station->line_count; i++)
		schedule_boundary(&station->lines[i].schedule, at_us, behind);
}

bool station_boundary_awaited(const struct station *station, const struct station_room *room)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_device *meter = room->supplies[i]->meter;
		const struct station_line *line = meter != NULL ? &station->lines[meter->line]
								: NULL;
		if (line != NULL && meter->scheduled && line->state == LINE_OK &&
		    schedule_boundary_runs(&line->schedule, station->now.us))
			return true;
	}
	return false;
}
