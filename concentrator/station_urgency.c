/* station_urgency.c - how often a room is read that is near its end.
 *
 * The schedule reads a room often while its register decides about a cut, and ever more often the nearer the end.
 * A register moves in steps, and money ends at one of them: until the power has used up a step nothing is to be
 * seen, however little is left; and a step that is due soon ends what would last longer had it begun with it.
 */
#include "concentrator/station_urgency.h"

#include "concentrator/station_credit.h"

#define URGENT_US INT64_C(60000000) /* a room is read more often this long before its end */
/* ... the nearer its end, the more often: a load may grow so many times between two reads and still
 * not pass zero unseen. */
#define URGENT_PART     8
#define URGENT_LEAST_US INT64_C(150000)
#define URGENT_MOST_US  INT64_C(5000000)

#define US_PER_UWH_AND_W INT64_C(3600) /* a millionth of a Wh lasts so long at 1 W */

/* When is the end to be seen, of money that would last for lasts_us behind the steps read? lasts_us where the
 * registers cannot be foreseen. */
static int64_t seen_in_us(const struct station_room *room, int64_t lasts_us)
{
	int64_t next_us = INT64_MAX, since_uwh = 0, watts = 0;
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		const struct guard_limits *limits = &supply->limits;
		int64_t power_w = load_power_w(&supply->load, limits), left_uwh;
		if (supply->meter == NULL)
			continue;
		if (supply->medium != MEDIUM_ELECTRICITY || limits->plausibility_factor != 1 ||
		    !supply->seen.load_known)
			return lasts_us;
		if (power_w <= 0)
			continue;
		if (!progress_foresees(&supply->progress, limits->resolution_wh, &left_uwh))
			return lasts_us;
		if (left_uwh * US_PER_UWH_AND_W / power_w < next_us)
			next_us = left_uwh * US_PER_UWH_AND_W / power_w;
		since_uwh += supply->progress.expected_uwh;
		watts += power_w;
	}
	if (watts == 0)
		return lasts_us;
	lasts_us -= since_uwh * US_PER_UWH_AND_W / watts;
	return lasts_us > next_us ? lasts_us : next_us;
}

static int64_t within_us(const struct station_room *room, int64_t lasts_us)
{
	int64_t seen_us = seen_in_us(room, lasts_us), part_us = seen_us / URGENT_PART;
	if (seen_us >= URGENT_US)
		return 0;
	if (part_us < URGENT_LEAST_US)
		return URGENT_LEAST_US;
	return part_us < URGENT_MOST_US ? part_us : URGENT_MOST_US;
}

void station_urgency(struct station *station, const struct station_room *room,
		     const struct supply_facts *facts)
{
	enum supply_hold hold = room->money.hold;
	const struct supply_policy policy = station_policy(station, room);
	int64_t lasts_us = supply_lasts_us(&policy, facts), every_us = 0;
	/* What is proven, or held for another reason than its readings, is not hastened by reading. */
	if (!room->money.cut && (hold == SUPPLY_HOLD_NONE || hold == SUPPLY_HOLD_READINGS) &&
	    facts->cost_nano_per_h > 0 && lasts_us > 0 && lasts_us < URGENT_US)
		every_us = within_us(room, lasts_us);
	for (size_t i = 0; i < room->supply_count; i++) {
		struct station_device *meter = room->supplies[i]->meter;
		if (meter != NULL && meter->scheduled)
			schedule_urgent(&station->lines[meter->line].schedule, meter->index,
					every_us, station->now.us);
	}
}
