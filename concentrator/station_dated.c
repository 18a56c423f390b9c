/* station_dated.c - dated events carried out: decided by rules/dated.h, written once.
 *
 * M9  An event, its entry and its key are one transaction: killed before the commit it never was, and the
 *     table refuses a second one. Nothing happens while the time is not known, or before the room was seen
 *     since the start. More than three missed days wait for a person.
 */
#include "concentrator/station_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"

int station_dated_load(struct station *station, struct station_room *room)
{
	struct dated_account *dated = &room->dated;
	dated->opened_s = room->record.tenancy_s != 0 ? room->record.tenancy_s
						      : room->record.opened_s;
	for (int32_t rule = 0; rule < DATED_RULES; rule++)
		dated->last_day[rule] = DATED_NEVER;
	int r = ledger_dated_last(station->ledger, room->record.account_id, DATED_STANDING,
				  INT64_MIN, &dated->last_day[DATED_STANDING]);
	return r == -ENOENT ? 0 : r;
}

bool station_dated_next(const struct station *station, const struct station_room *room,
			struct dated_event *ret)
{
	return !room->record.vacant && dated_next(&room->dated, &station->book,
						  &station->settings.zone, &station->now, ret);
}

bool station_dated_held(const struct station *station, const struct dated_event *event)
{
	return dated_missed(event, &station->settings.zone, &station->now) > DATED_MISSED_MAX;
}

/* No meter of the room was read in the interval, nor later. */
static bool is_unread(const struct station_room *room, const struct dated_event *event)
{
	bool metered = false;
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->meter == NULL)
			continue;
		metered = true;
		if (supply->life.id != 0 && supply->guard.accepted.dated &&
		    supply->guard.accepted.at_s >= event->from_s)
			return false;
	}
	return metered;
}

static bool is_exempt(const struct station *station, const struct station_room *room,
		      const struct dated_event *event)
{
	const struct tariff_standing *standing = &event->tariff->standing;
	return station_standing_answer(station, room) == DEBT_HALT ||
	       (standing->not_cut && room->money.cut) ||
	       (standing->not_unread && is_unread(room, event));
}

/* It is taken from the next recharge, with the tax that would have been added. */
static int accumulate(struct station *station, struct station_room *room,
		      const struct dated_event *event, const char *name)
{
	const struct tariff_tax *tax = &event->tariff->tax;
	int64_t added = 0, nano;
	int r = tax->added ? money_share(event->amount_nano, tax->rate_ppm, 1000000, &added) : 0;
	if (r == 0)
		r = money_add(event->amount_nano, added, &nano);
	return r < 0 ? r
		     : station_debt_accumulate(station, room, name, nano,
					       "not taken in emergency credit");
}

/* The entry of an event; seq 0: nothing was taken. */
static int append(struct station *station, struct station_room *room,
		  const struct dated_event *event, const char *who, int64_t *ret_seq)
{
	struct civil date = calendar_date(event->day);
	struct entry entry = {
		.kind = ENTRY_STANDING,
		.account_id = room->record.account_id,
		.from_s = event->from_s,
		.to_s = event->to_s,
		.tariff_id = event->tariff->id,
	};
	*ret_seq = 0;
	if (event->amount_nano == 0 || is_exempt(station, room, event))
		return 0;
	station_stamp(station, &entry);
	snprintf(entry.who, sizeof(entry.who), "%s", who);
	snprintf(entry.why, sizeof(entry.why), "standing charge of %04d-%02d-%02d", (int)date.year,
		 (int)date.month, (int)date.day);
	/* Where there is no place for one more debt it is taken at once. */
	int r = station_standing_answer(station, room) == DEBT_ACCUMULATE
			? accumulate(station, room, event, entry.why)
			: -E2BIG;
	if (r != -E2BIG && r != -EDQUOT)
		return r;
	r = money_subtract(0, event->amount_nano, &entry.amount_nano);
	if (r == 0)
		r = ledger_entry_append(station->ledger, &entry);
	if (r == 0)
		r = station_tax_note(station, room, &entry);
	if (r == 0)
		*ret_seq = entry.seq;
	return r;
}

/* Inside a transaction, which moves the balance with its commit. Memory is ahead of the disk until then. */
static int carry_out(struct station *station, struct station_room *room,
		     const struct dated_event *event, const char *who, bool waive)
{
	struct ledger_dated done = {
		.account_id = room->record.account_id,
		.rule = (int32_t)event->rule,
		.day = event->day,
		.opened_s = room->dated.opened_s,
	};
	int r = waive ? 0 : append(station, room, event, who, &done.entry_seq);
	if (r < 0)
		return r;
	snprintf(done.by, sizeof(done.by), "%s", who);
	r = ledger_dated_add(station->ledger, &done);
	if (r < 0)
		return r;
	dated_done(&room->dated, event);
	if (room->settled_in != station->transaction) {
		room->use_after = room->use;
		room->settled_in = station->transaction;
	}
	return 0;
}

static int carry_out_all(struct station *station, struct station_room *room, const char *who,
			 bool held_too, int64_t *count)
{
	struct dated_event event;
	while (station_dated_next(station, room, &event)) {
		if (!held_too && station_dated_held(station, &event))
			return -EBUSY;
		int r = carry_out(station, room, &event, who, false);
		if (r < 0)
			return r;
		++*count;
	}
	return station_tax_take(station, room, who);
}

/* One row stands for all days that are waived. */
static int waive_all(struct station *station, struct station_room *room, const char *who,
		     int64_t *count)
{
	struct dated_event event;
	while (station_dated_next(station, room, &event)) {
		int64_t first = event.day;
		event.day = dated_last_due(&event, &station->settings.zone, &station->now);
		int r = carry_out(station, room, &event, who, true);
		if (r < 0)
			return r;
		*count += event.day - first + 1;
	}
	return 0;
}

int station_dated_close(struct station *station, struct station_room *room, const char *who)
{
	int64_t count = 0;
	return carry_out_all(station, room, who, false, &count);
}

/* Takes back what memory is ahead by. */
static void forget(struct station *station)
{
	station_rollback(station);
	for (size_t i = 0; i < station->room_count && !station->store_failing; i++)
		(void)station_dated_load(station, station->rooms[i]);
}

int station_dated_decide(struct station *station, const char *who, bool waive, int64_t *ret_count)
{
	int64_t count = 0;
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < station->room_count; i++)
		r = waive ? waive_all(station, station->rooms[i], who, &count)
			  : carry_out_all(station, station->rooms[i], who, true, &count);
	if (r < 0) {
		forget(station);
		return r;
	}
	r = station_commit(station);
	if (r == 0)
		*ret_count = count;
	return r;
}

static void tell_held(struct station *station, int64_t rooms, const struct dated_event *oldest)
{
	if (rooms == 0) {
		station_alarm_clear(station, ALARM_DATED_HELD, "building");
		return;
	}
	struct civil date = calendar_date(oldest->day);
	station_alarm(station, ALARM_DATED_HELD, "building",
		      "charges of %" PRId64 " rooms since %04d-%02d-%02d wait for `prepay dated "
		      "confirm` (or waive)",
		      rooms, (int)date.year, (int)date.month, (int)date.day);
}

/* All rooms are one transaction (D2). */
void station_dated_run(struct station *station)
{
	struct dated_event event, oldest = {0};
	int64_t held = 0, count = 0;
	bool begun = false;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		if (!station_room_known(station, room) ||
		    !station_dated_next(station, room, &event))
			continue;
		if (station_dated_held(station, &event)) {
			if (held++ == 0 || event.day < oldest.day)
				oldest = event;
			continue;
		}
		if (!begun && station_begin(station) < 0)
			return;
		begun = true;
		int r = carry_out_all(station, room, "prepayd", false, &count);
		if (r < 0 && r != -ERANGE) {
			forget(station);
			return;
		}
		if (r == -ERANGE)
			station_alarm(station, ALARM_AMOUNT_OVERFLOW, room->record.name,
				      "a dated charge does not fit the balance");
	}
	if (begun && station_commit(station) < 0)
		return;
	if (count > 0)
		journal_log(LOG_INFO, NULL, NULL, "%" PRId64 " dated charges of rooms", count);
	tell_held(station, held, &oldest);
}
