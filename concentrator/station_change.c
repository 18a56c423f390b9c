/* station_change.c - a change that a person makes: one transaction, or for a dry run none.
 *
 * A dry run takes the very way of the real one and is rolled back at its end, so its figures are those that
 * the real one would have.
 */
#include "concentrator/station_change.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

static void save(struct station_change *change, struct station_room *room)
{
	size_t n = change->room_count++;
	/* A settlement that was rolled back may have left it behind. */
	room->use_after = room->use;
	change->rooms[n].room = room;
	change->rooms[n].saved = *room;
	for (size_t i = 0; i < room->supply_count; i++)
		change->rooms[n].saved_supplies[i] = *room->supplies[i];
}

static void put_back(struct station_change *change)
{
	for (size_t n = 0; n < change->room_count; n++) {
		struct station_room *room = change->rooms[n].room;
		*room = change->rooms[n].saved;
		for (size_t i = 0; i < room->supply_count; i++)
			*room->supplies[i] = change->rooms[n].saved_supplies[i];
	}
}

int station_change_begin(struct station *station, struct station_change *change,
			 struct station_room *room, struct station_room *other)
{
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	change->room_count = 0;
	save(change, room);
	if (other != NULL)
		save(change, other);
	return 0;
}

int station_change_settle(struct station *station, struct station_room *room, const char *why)
{
	int r = station_settle_room(station, room, why);
	if (r < 0)
		return r;
	station_settled(station, station->transaction);
	/* Free to be settled again, and not to be moved once more by the commit. */
	room->settled_in = 0;
	for (size_t i = 0; i < room->supply_count; i++)
		room->supplies[i]->settling_in = 0;
	return 0;
}

int station_change_append(struct station *station, const struct station_change *change,
			  const struct station_room *room, struct entry *entry)
{
	entry->account_id = room->record.account_id;
	station_stamp(station, entry);
	snprintf(entry->who, sizeof(entry->who), "%s", change->who);
	snprintf(entry->why, sizeof(entry->why), "%s", change->why);
	enum medium medium = MEDIUM_ELECTRICITY;
	int r = ledger_entry_append(station->ledger, entry);
	if (r == 0 && entry->life_id != 0)
		r = ledger_life_medium(station->ledger, entry->life_id, &medium);
	if (r < 0)
		return r;
	return station_event(station, 1, "entry",
			     json_pack("{s:I,s:s,s:s,s:o,s:I}", "ledgerSeq", (json_int_t)entry->seq,
				       "room", room->record.name, "kind",
				       entry_kind_name(entry->kind), "amount_nano",
				       message_nano(entry->amount_nano),
				       medium == MEDIUM_WATER ? "volume_l" : "energy_wh",
				       (json_int_t)entry->energy_wh));
}

int station_change_end(struct station *station, struct station_change *change, int error)
{
	if (error < 0 || change->dry_run) {
		station_rollback(station);
		put_back(change);
		return error;
	}
	/* The commit reads the balances again. */
	for (size_t n = 0; n < change->room_count; n++)
		change->rooms[n].room->settled_in = station->transaction;
	int r = station_commit(station);
	if (r < 0)
		put_back(change);
	return r;
}
