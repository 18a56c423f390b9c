/* station_hold.c - a dispute keeps the supply on.
 *
 * S1  A hold has an owner and an end, is kept through restarts, and is no lack of evidence: it uses no cap.
 *     While the time is not known it does not end. It stops cuts to come; a room that is cut already is
 *     restored by a recharge, or by a person.
 */
#include "concentrator/station_hold.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

bool station_kept(const struct station *station, const struct station_room *room)
{
	return room->hold.id != 0 &&
	       !(station->now.trusted && station->now.s >= room->hold.until_s);
}

int station_hold_set(struct station *station, struct station_room *room,
		     const struct ledger_hold *hold)
{
	struct ledger_hold next = *hold;
	next.account_id = room->record.account_id;
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	/* The newer end counts; both are kept. */
	if (room->hold.id != 0)
		r = ledger_hold_end(station->ledger, room->hold.id, hold->owner, station->now.s);
	if (r == 0)
		r = ledger_hold_begin(station->ledger, &next);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	room->hold = next;
	journal_log(LOG_NOTICE, MESSAGE_ID_HOLD_SET, JOURNAL_FIELDS({"ROOM", room->record.name}),
		    "room %s: not cut for money, by %s: %s", room->record.name, hold->owner,
		    hold->reason);
	station_review(station, room);
	return 0;
}

int station_hold_end(struct station *station, struct station_room *room, const char *by)
{
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	r = ledger_hold_end(station->ledger, room->hold.id, by, station->now.s);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	room->hold = (struct ledger_hold){0};
	journal_log(LOG_NOTICE, MESSAGE_ID_HOLD_ENDED, JOURNAL_FIELDS({"ROOM", room->record.name}),
		    "room %s: the hold has ended (%s)", room->record.name, by);
	station_review(station, room);
	return 0;
}

void station_holds_check(struct station *station)
{
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		if (room->hold.id != 0 && !station_kept(station, room))
			(void)station_hold_end(station, room, "its end");
	}
}
