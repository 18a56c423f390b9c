/* station_freeze.c - what every circuit stood at when the local day, and the month, ended.
 *
 * A room is frozen in the transaction of its settlement at midnight; one that used nothing, or whose meter
 * does not answer, a quarter of an hour later with all that are left. Only on trusted time. A day that the box
 * was off is left out: the next one's energy covers it and says since when. A month is never left out.
 */
#include "concentrator/station_freeze.h"

#include <errno.h>

#include "concentrator/ledger_freeze.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

#define GRACE_S 900

/* The last local day that has ended; 0: the time is not known. */
static int64_t ended_day(const struct station *station)
{
	return station->now.trusted ? calendar_day(&station->settings.zone, station->now.s) - 1 : 0;
}

static int64_t month_end_before(int64_t day)
{
	struct civil next = calendar_date(day + 1);
	return calendar_day_number(next.year, next.month, 1) - 1;
}

static int put(struct station *station, const struct station_supply *supply, bool monthly,
	       int64_t day)
{
	bool moved = supply->settling_in == station->transaction;
	const struct mark *mark = moved ? &supply->settling : &supply->settled;
	struct ledger_freeze freeze = {
		.supply_id = supply->record.id,
		.monthly = monthly,
		.day = day,
		.at_s = calendar_date_start_s(&station->settings.zone, day + 1),
		.read_s = mark->dated ? mark->at_s : 0,
		.register_wh = mark->wh,
	};
	/* There was nobody in it yet. */
	if (supply->room->record.opened_s >= freeze.at_s)
		return 0;
	int r = ledger_balance_nano(station->ledger, supply->room->record.account_id,
				    &freeze.balance_nano);
	if (r == 0)
		r = ledger_freeze_put(station->ledger, &freeze);
	return r == -EEXIST ? 0 : r;
}

int station_freeze_room(struct station *station, struct station_room *room)
{
	int64_t day = ended_day(station);
	if (day == 0 || room->frozen_day >= day)
		return 0;
	int64_t month_end = month_end_before(day);
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->life.id == 0)
			continue;
		int r = put(station, supply, false, day);
		if (r == 0 && room->frozen_month < month_end)
			r = put(station, supply, true, month_end);
		if (r < 0)
			return r;
	}
	room->freezing_day = day;
	room->freezing_in = station->transaction;
	return 0;
}

void station_frozen(struct station_room *room)
{
	room->frozen_day = room->freezing_day;
	room->frozen_month = month_end_before(room->freezing_day);
}

/* Settles and freezes one of those that are left. */
static int freeze_late(struct station *station, struct station_room *room)
{
	int r = station_settle_room(station, room, "end of the day");
	if (r < 0 && r != -ERANGE && r != -EINVAL)
		return r;
	return station_freeze_room(station, room);
}

void station_freeze_check(struct station *station)
{
	int64_t day = ended_day(station);
	bool begun = false;
	if (day == 0 || station->store_failing ||
	    station->now.s - calendar_date_start_s(&station->settings.zone, day + 1) < GRACE_S)
		return;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		if (room->frozen_day >= day)
			continue;
		if (!begun && station_begin(station) < 0)
			return;
		begun = true;
		int r = freeze_late(station, room);
		if (r < 0) {
			station_rollback(station);
			return;
		}
	}
	if (begun)
		(void)station_commit(station);
}

int station_freeze_load(struct station *station)
{
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		struct station_room *room = supply->room;
		for (int monthly = 0; monthly < 2; monthly++) {
			int64_t *kept = monthly ? &room->frozen_month : &room->frozen_day, day;
			int r = ledger_freeze_last(station->ledger, supply->record.id, monthly != 0,
						   &day);
			if (r < 0 && r != -ENOENT)
				return r;
			if (r == 0 && day > *kept)
				*kept = day;
		}
	}
	return 0;
}
