/* station_unread.c - see station_unread.h. */
#include "concentrator/station_unread.h"

#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_unread.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

#define WHY "first reading of the tenancy"

int station_unread_again(struct station *station, struct station_supply *supply)
{
	int r = ledger_unread_add(station->ledger, supply->room->record.account_id,
				  supply->life.id);
	if (r == 0)
		supply->unread = true;
	return r;
}

int station_unread_note(struct station *station, struct station_room *room)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		struct station_supply *supply = room->supplies[i];
		if (supply->meter == NULL || supply->life.id == 0)
			continue;
		supply->unread = false;
		if (!supply->guard.quarantined &&
		    guard_elapsed_us(&supply->guard.accepted, &station->now) <=
			    TARIFF_NEAR_S * 1000000)
			continue;
		int r = station_unread_again(station, supply);
		if (r < 0)
			return r;
	}
	return 0;
}

/* It counted nothing: an entry all the same, which says that it was read. */
static int append_idle(struct station *station, const struct station_supply *supply)
{
	const struct mark *read = &supply->guard.accepted;
	struct entry entry = {
		.kind = ENTRY_HOUSE,
		.account_id = supply->room->record.account_id,
		.point_id = supply->record.point_id,
		.life_id = supply->life.id,
		.from_wh = read->wh,
		.to_wh = read->wh,
		.from_s = read->dated ? read->at_s : 0,
		.to_s = read->dated ? read->at_s : 0,
	};
	station_stamp(station, &entry);
	snprintf(entry.who, sizeof(entry.who), "prepayd");
	snprintf(entry.why, sizeof(entry.why), WHY);
	return ledger_entry_append(station->ledger, &entry);
}

void station_unread_read(struct station *station, struct station_supply *supply)
{
	bool idle = supply->settled.wh == supply->guard.accepted.wh;
	/* One that fails is tried again with the next reading. */
	if (!supply->unread || station_begin(station) < 0)
		return;
	int r = station_settle_room(station, supply->room, WHY);
	if (r == 0 && idle)
		r = append_idle(station, supply);
	if (r < 0) {
		station_rollback(station);
		return;
	}
	if (station_commit(station) == 0)
		supply->unread = false;
}

static int load_row(int64_t life_id, void *userdata)
{
	struct station *station = userdata;
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->life.id == life_id)
			station->supplies[i]->unread = true;
	return 0;
}

int station_unread_load(struct station *station)
{
	return ledger_unread_each(station->ledger, load_row, station);
}
