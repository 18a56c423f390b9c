/* station_use.c - where each account stands in the blocks of its tariff.
 *
 * M7  Nothing is kept for it: the position is the energy that the account's entries charge since the
 *     period began, added up at the start and after a new tariff; settlements carry it on from there.
 */
#include "concentrator/station_state.h"

#include "concentrator/ledger_entry.h"

struct use_walk {
	const struct station *station;
	struct station_room *room;
	int64_t since_s; /* entries written before this count no more */
};

static int use_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct use_walk *walk = userdata;
	struct tariff_use *use = &walk->room->use;
	const struct tariff_book *book = &walk->station->book;
	const struct offset_table *zone = &walk->station->settings.zone;
	(void)balance_nano;
	if (entry->at_trusted && entry->at_s < walk->since_s)
		return 1;
	if (entry->kind == ENTRY_CHARGE && entry->from_s != 0) {
		tariff_use_add(use, book, zone, entry->from_s, entry->energy_wh);
		int64_t since_s = tariff_use_since_s(use, book, zone);
		if (since_s > walk->since_s)
			walk->since_s = since_s;
	}
	return 0;
}

int station_load_use(struct station *station)
{
	int64_t first_s = INT64_MAX;
	for (size_t i = 0; i < station->book.count; i++) {
		const struct tariff *tariff = &station->book.tariff[i];
		if (tariff_block_count(tariff) > 1 && tariff->periods_since_s < first_s)
			first_s = tariff->periods_since_s;
	}
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		struct use_walk walk = {.station = station, .room = room, .since_s = first_s};
		/* A tenancy begins its own use. */
		if (room->record.tenancy_s > walk.since_s)
			walk.since_s = room->record.tenancy_s;
		room->use = (struct tariff_use){.opened_s = room->record.tenancy_s != 0
								    ? room->record.tenancy_s
								    : room->record.opened_s};
		int r = first_s == INT64_MAX
				? 0
				: ledger_entries_tail(station->ledger, room->record.account_id, 0,
						      INT32_MAX, use_row, &walk);
		if (r < 0)
			return r;
		room->use_after = room->use;
	}
	return 0;
}
