/* station_protect.c - protected hours: nobody is cut for money, and who will be is told before they end.
 *
 * S1  While the time is not known no hour is protected; nobody is cut for money then either.
 */
#include "concentrator/station_protect.h"

#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_hold.h"

bool station_protected(const struct station *station)
{
	return station->now.trusted && station->now.s < station->protected_s;
}

/* Is the room's cut waiting for the end alone? */
static bool waits(const struct station *station, const struct station_room *room)
{
	return !room->money.cut && room->money.hold == SUPPLY_HOLD_KEPT &&
	       !station_kept(station, room);
}

static void warn(struct station *station, struct station_room *room)
{
	int r = station_event(station, 0, "notice",
			      json_pack("{s:s,s:s,s:o,s:I}", "room", room->record.name, "level",
					"protected-end", "balance",
					station_money(station, room->live_nano), "earliest_s",
					(json_int_t)station->protected_s));
	if (r < 0)
		return;
	room->protect_told_s = station->protected_s;
	journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_WARNED, JOURNAL_FIELDS({"ROOM", room->record.name}),
		    "room %s: to be cut when the protected hours end, in %lld s", room->record.name,
		    (long long)(station->protected_s - station->now.s));
}

void station_protect_check(struct station *station)
{
	const struct config_policy *policy = &station->config->policy;
	int64_t minute = station->now.s / 60;
	if (!station->now.trusted || station->config->protect.count == 0)
		return;
	/* An end that is known holds, unless the clock went back, or it was as far as was looked. */
	bool known = minute >= station->protect_minute &&
		     station->now.s < station->protected_s - 3600;
	if (minute != station->protect_minute && !known)
		station->protected_s = protect_until_s(&station->config->protect,
						       &station->settings.zone, station->now.s);
	station->protect_minute = minute;
	if (!station_protected(station) ||
	    station->protected_s - station->now.s > policy->protected_warn_s)
		return;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		if (waits(station, room) && room->protect_told_s != station->protected_s)
			warn(station, room);
	}
}
