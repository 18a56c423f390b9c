/* station_persons.c - how many live in a room: what an allowance gives per person.
 *
 * A change counts from the next period of the allowance on: what was given stays given.
 */
#include "concentrator/station_persons.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_persons.h"
#include "concentrator/station_event.h"

int station_persons_load(struct station *station, struct station_room *room)
{
	struct tariff_persons *persons = &room->persons;
	int64_t from_s[TARIFF_PERSONS_CHANGES];
	int32_t number[TARIFF_PERSONS_CHANGES];
	size_t count;
	int r = ledger_persons_last(station->ledger, room->record.account_id,
				    TARIFF_PERSONS_CHANGES, from_s, number, &count);
	if (r < 0)
		return r;
	persons->count = 0;
	for (size_t i = 0; i < count; i++)
		tariff_persons_add(persons, from_s[i], number[i]);
	return 0;
}

int32_t station_persons(const struct station_room *room)
{
	return tariff_persons_at(&room->persons, INT64_MAX);
}

int station_persons_add(struct station *station, struct station_room *room, int32_t persons,
			const char *who)
{
	int r = ledger_persons_add(station->ledger, room->record.account_id, station->now.s,
				   persons, who);
	if (r == 0)
		tariff_persons_add(&room->persons, station->now.s, persons);
	return r;
}

int station_persons_set(struct station *station, struct station_room *room, int32_t persons,
			const char *who)
{
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	r = ledger_persons_add(station->ledger, room->record.account_id, station->now.s, persons,
			       who);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	return r < 0 ? r : station_persons_load(station, room);
}
