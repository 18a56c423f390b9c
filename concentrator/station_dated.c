/* station_dated.c - dated events carried out: decided by rules/dated.h, written once.
 *
 * M9  An event, its entry and its key are one transaction: killed before the commit it never was, and the
 *     table refuses a second one. Nothing happens while the time is not known, or before the room was seen
 *     since the start. More than three missed days wait for a person.
 */
#include "concentrator/station_dated.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_boundary.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_debt.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_past.h"
#include "concentrator/station_tax.h"

/* By which the events of a tenancy in this room are known. */
static int64_t key_of(const struct station_room *room)
{
	return room->record.tenancy_s != 0 ? room->record.tenancy_s : room->record.opened_s;
}

int station_dated_load(struct station *station, struct station_room *room)
{
	struct dated_account *dated = &room->dated;
	dated->opened_s = room->record.stay.opened_s != 0 ? room->record.stay.opened_s
							  : room->record.opened_s;
	for (int32_t rule = 0; rule < DATED_RULES; rule++)
		dated->last_day[rule] = DATED_NEVER;
	dated->persons = &room->persons;
	/* A day is the room's, whoever lived there; what a tariff gives and demands for a period is the
	 * tenancy's. */
	for (int32_t rule = DATED_STANDING; rule < DATED_RULES; rule++) {
		int r = ledger_dated_last(station->ledger, room->record.account_id, rule,
					  rule == DATED_STANDING ? INT64_MIN : key_of(room),
					  &dated->last_day[rule]);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
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

/* What becomes of a standing charge, by how the room stood when it fell due. */
static int answer_of(const struct station *station, const struct station_room *room,
		     const struct dated_event *event, enum debt_answer *ret)
{
	const struct tariff_standing *standing = &event->tariff->standing;
	int cut = station_was_cut(station, room, event->due_s);
	if (cut < 0)
		return cut;
	*ret = station_standing_answer(station, room, cut != 0);
	if ((standing->not_cut && cut != 0) || (standing->not_unread && is_unread(room, event)))
		*ret = DEBT_HALT;
	return 0;
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

struct spent {
	struct ledger *ledger;
	const struct dated_event *event;
	const struct station_room *room;
	int64_t nano;
};

static int spent_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct spent *spent = userdata;
	enum medium medium = MEDIUM_ELECTRICITY;
	/* Where the interval begins with the tenancy its first charge may begin at the reading before. */
	bool whole = spent->event->from_s == spent->room->dated.opened_s;
	(void)balance_nano;
	if (entry->seq <= spent->room->record.after_seq)
		return 1;
	if (entry->kind == ENTRY_CHARGE && (whole || entry->from_s >= spent->event->from_s) &&
	    entry->from_s < spent->event->to_s) {
		int r = entry->life_id == 0
				? 0
				: ledger_life_medium(spent->ledger, entry->life_id, &medium);
		if (r == 0 && medium == MEDIUM_ELECTRICITY)
			r = money_subtract(spent->nano, entry->amount_nano, &spent->nano);
		if (r < 0)
			return r;
	}
	return entry->at_trusted && entry->at_s < spent->event->from_s;
}

/* Energy of the interval, also in the room that the tenant came from. */
static int spent_of(struct station *station, const struct station_room *room,
		    const struct dated_event *event, int64_t *ret_nano)
{
	const struct ledger_stay *stay = &room->record.stay;
	struct spent spent = {.ledger = station->ledger,
			      .event = event,
			      .room = room,
			      .nano = stay->minimum_from_s == event->from_s ? stay->minimum_nano
									    : 0};
	int r = ledger_entries_tail(station->ledger, room->record.account_id, 0, INT32_MAX,
				    spent_row, &spent);
	*ret_nano = spent.nano;
	return r < 0 ? r : 0;
}

/* What an event moves, to be added to the balance; answer is that of a standing charge. */
static int amount_of(struct station *station, struct station_room *room,
		     const struct dated_event *event, enum debt_answer answer, int64_t *ret_nano)
{
	int64_t due;
	int r;
	switch (event->rule) {
	case DATED_ALLOWANCE:
		*ret_nano = event->amount_nano;
		return 0;
	case DATED_EXPIRY:
		/* With the entries of this very transaction. */
		r = station_credit_follow(station, room);
		*ret_nano = -room->credit.allowance_nano;
		return r;
	case DATED_MINIMUM:
		r = spent_of(station, room, event, &due);
		if (r == 0)
			r = money_subtract(due, event->amount_nano, &due);
		if (r == 0)
			*ret_nano = due < 0 ? due : 0;
		return r;
	case DATED_STANDING:
		break;
	}
	*ret_nano = answer == DEBT_HALT ? 0 : -event->amount_nano;
	return 0;
}

/* The entry of an event; seq 0: nothing was moved. */
static int append(struct station *station, struct station_room *room,
		  const struct dated_event *event, const char *who, int64_t *ret_seq)
{
	static const struct {
		enum entry_kind kind;
		uint32_t flags;
	} as[DATED_RULES] = {
		[DATED_STANDING] = {ENTRY_STANDING, 0},
		[DATED_MINIMUM] = {ENTRY_MINIMUM, 0},
		[DATED_EXPIRY] = {ENTRY_FORFEIT, ENTRY_OF_ALLOWANCE},
		[DATED_ALLOWANCE] = {ENTRY_ALLOWANCE, ENTRY_OF_ALLOWANCE},
	};
	struct entry entry = {
		.kind = as[event->rule].kind,
		.flags = as[event->rule].flags,
		.account_id = room->record.account_id,
		.from_s = event->from_s,
		.to_s = event->to_s,
		.tariff_id = event->tariff->id,
	};
	enum debt_answer answer = DEBT_TAKE;
	*ret_seq = 0;
	int r = event->rule == DATED_STANDING ? answer_of(station, room, event, &answer) : 0;
	if (r == 0)
		r = amount_of(station, room, event, answer, &entry.amount_nano);
	if (r < 0 || entry.amount_nano == 0)
		return r;
	/* What is given or lost now is no matter of the period that it is for. */
	if (event->rule == DATED_ALLOWANCE || event->rule == DATED_EXPIRY)
		entry.from_s = entry.to_s = 0;
	station_stamp(station, &entry);
	snprintf(entry.who, sizeof(entry.who), "%s", who);
	ledger_dated_why(event->rule, event->day, entry.why);
	/* Where there is no place for one more debt it is taken at once. */
	r = answer == DEBT_ACCUMULATE ? accumulate(station, room, event, entry.why) : -E2BIG;
	if (r != -E2BIG && r != -EDQUOT)
		return r;
	r = ledger_entry_append(station->ledger, &entry);
	if (r == 0 && entry.amount_nano < 0 && event->rule != DATED_EXPIRY)
		r = station_tax_note(station, room, &entry);
	if (r == 0)
		*ret_seq = entry.seq;
	return r;
}

/* Does it depend on the energy of the time before it? */
static bool needs_energy(const struct dated_event *event)
{
	return event->rule == DATED_MINIMUM || event->rule == DATED_EXPIRY;
}

/* Were the meters read since it fell due? One that stays silent is not waited for. */
static bool is_read(const struct station *station, const struct station_room *room,
		    const struct dated_event *event)
{
	if (station->now.s - event->due_s >= station->config->policy.settle_s)
		return true;
	if (station_boundary_awaited(station, room))
		return false;
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->life.id != 0 &&
		    (!supply->guard.accepted.dated ||
		     supply->guard.accepted.at_s < event->due_s - TARIFF_NEAR_S))
			return false;
	}
	return true;
}

/* Inside a transaction, which moves the balance with its commit. Memory is ahead of the disk until then. */
static int carry_out(struct station *station, struct station_room *room,
		     const struct dated_event *event, const char *who, bool waive)
{
	struct ledger_dated done = {
		.account_id = room->record.account_id,
		.rule = (int32_t)event->rule,
		.day = event->day,
		.opened_s = key_of(room),
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

/* Energy goes before what depends on it, once in a transaction. */
static int settle_before(struct station *station, struct station_room *room)
{
	struct station_room ahead = *room;
	struct dated_event event;
	while (station_dated_next(station, &ahead, &event)) {
		if (needs_energy(&event)) {
			int r = station_settle_room(station, room, "end of a period");
			return r == -ERANGE || r == -EINVAL ? 0 : r;
		}
		dated_done(&ahead.dated, &event);
	}
	return 0;
}

/* now: a person is there who wants it done: nothing waits for a reading. */
static int carry_out_all(struct station *station, struct station_room *room, const char *who,
			 bool held_too, bool now, int64_t *count)
{
	struct dated_event event;
	int r = settle_before(station, room);
	while (r == 0 && station_dated_next(station, room, &event)) {
		if (!held_too && station_dated_held(station, &event))
			return -EBUSY;
		if (!now && needs_energy(&event) && !is_read(station, room, &event))
			break;
		r = carry_out(station, room, &event, who, false);
		++*count;
	}
	return r < 0 ? r : station_tax_take(station, room, who);
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

int station_dated_close(struct station *station, struct station_room *room, bool moves,
			const char *who)
{
	struct dated_event event;
	int64_t count = 0;
	int r = carry_out_all(station, room, who, false, true, &count);
	if (r == 0 && !room->record.vacant && !moves &&
	    dated_closing_minimum(&room->dated, &station->book, &station->settings.zone,
				  &station->now, &event))
		r = carry_out(station, room, &event, who, false);
	return r < 0 ? r : station_tax_take(station, room, who);
}

int station_dated_spent(struct station *station, const struct station_room *room,
			int64_t *ret_from_s, int64_t *ret_nano)
{
	struct dated_event event;
	*ret_from_s = *ret_nano = 0;
	if (!dated_closing_minimum(&room->dated, &station->book, &station->settings.zone,
				   &station->now, &event))
		return 0;
	*ret_from_s = event.from_s;
	return spent_of(station, room, &event, ret_nano);
}

/* Takes back what memory is ahead by. */
static void forget(struct station *station)
{
	station_rollback(station);
	for (size_t i = 0; i < station->room_count && !station->store_failing; i++) {
		station->rooms[i]->credit = (struct ledger_credit){0};
		(void)station_dated_load(station, station->rooms[i]);
	}
	if (!station->store_failing)
		(void)station_load_credits(station);
}

int station_dated_decide(struct station *station, const char *who, bool waive, int64_t *ret_count)
{
	int64_t count = 0;
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < station->room_count; i++)
		r = waive ? waive_all(station, station->rooms[i], who, &count)
			  : carry_out_all(station, station->rooms[i], who, true, true, &count);
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
		if (needs_energy(&event) && !is_read(station, room, &event))
			continue;
		if (!begun && station_begin(station) < 0)
			return;
		begun = true;
		int r = carry_out_all(station, room, "prepayd", false, false, &count);
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
