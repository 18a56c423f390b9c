/* station_stay.c - see station_stay.h. */
#include "concentrator/station_stay.h"

#include <stdio.h>

#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_persons.h"
#include "concentrator/station_dated.h"

int station_stay_of(struct station *station, const struct station_room *room,
		    struct station_stay *ret)
{
	*ret = (struct station_stay){.stay.opened_s = room->use.opened_s,
				     .use = room->use,
				     .dated = room->dated,
				     .persons = room->persons};
	return station_dated_spent(station, room, &ret->stay.minimum_from_s,
				   &ret->stay.minimum_nano);
}

static int keep_period(struct station *station, const struct station_room *to,
		       const struct tariff_period *period, uint32_t flags)
{
	int64_t since_s = period->since_s > to->use.opened_s ? period->since_s : to->use.opened_s;
	return period->wh == 0 ? 0
			       : ledger_stay_use_add(station->ledger, to->record.account_id,
						     since_s, period->wh, flags);
}

static int move_use(struct station *station, const struct station_stay *taken,
		    struct station_room *to)
{
	const uint32_t covered = ENTRY_FREE | ENTRY_UNCOUNTED;
	to->use = taken->use;
	to->use.persons = &to->persons;
	to->use_after = to->use;
	int r = keep_period(station, to, &to->use.before, 0);
	if (r == 0)
		r = keep_period(station, to, &to->use.now, 0);
	if (r == 0)
		r = keep_period(station, to, &to->use.free_before, covered);
	return r < 0 ? r : keep_period(station, to, &to->use.free_now, covered);
}

/* M9: a day that was charged in the one room is not charged in the other. */
static int move_dated(struct station *station, const struct station_stay *taken,
		      struct station_room *to)
{
	int r = 0;
	to->dated.opened_s = taken->dated.opened_s;
	for (int32_t rule = DATED_STANDING; r == 0 && rule < DATED_RULES; rule++) {
		const struct ledger_dated done = {.account_id = to->record.account_id,
						  .rule = rule,
						  .day = taken->dated.last_day[rule],
						  .opened_s = to->record.tenancy_s,
						  .by = "transfer"};
		/* DATED_NEVER is the least. */
		if (done.day <= to->dated.last_day[rule])
			continue;
		to->dated.last_day[rule] = done.day;
		r = ledger_dated_add(station->ledger, &done);
	}
	return r;
}

/* As many as there were at each time since the tenant first moved in. */
static int move_persons(struct station *station, const struct station_stay *taken,
			struct station_room *to, const char *who)
{
	int64_t opened_s = taken->stay.opened_s;
	int32_t number = tariff_persons_at(&taken->persons, opened_s);
	int r = ledger_persons_add(station->ledger, to->record.account_id, opened_s, number, who);
	tariff_persons_add(&to->persons, opened_s, number);
	for (uint32_t i = 0; r == 0 && i < taken->persons.count; i++) {
		int64_t from_s = taken->persons.change[i].from_s;
		if (from_s <= opened_s)
			continue;
		number = taken->persons.change[i].persons;
		r = ledger_persons_add(station->ledger, to->record.account_id, from_s, number, who);
		tariff_persons_add(&to->persons, from_s, number);
	}
	return r;
}

int station_stay_move(struct station *station, const struct station_stay *taken,
		      struct station_room *to, const char *who)
{
	int r = ledger_stay_add(station->ledger, to->record.account_id, &taken->stay);
	to->record.stay = taken->stay;
	if (r == 0)
		r = move_persons(station, taken, to, who);
	if (r == 0)
		r = move_use(station, taken, to);
	return r < 0 ? r : move_dated(station, taken, to);
}
