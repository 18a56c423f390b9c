/* station_tenancy.c - tenants come and go, and balances with them, where no cloud does it.
 *
 * M1  What closes closes at exactly zero: what can be paid in coins is carried out by a closing entry, what
 *     is less than the smallest coin is left in a rounding entry of its own name.
 * M3  An order names the tenancy that paid: one that is still under way when its tenancy has ended is
 *     quarantined (station_order.c), and never reaches the next tenant.
 *
 * M2  A tenancy is charged from the reading that was taken with its beginning; where there was none, from its
 *     first one, and what was used up to that is the house's (station_unread.h).
 *
 * A room that had a tenancy and has none is vacant: nobody pays for what is used there.
 */
#include "concentrator/station_tenancy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_debt.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_stay.h"
#include "concentrator/station_unread.h"

static int balance_of(struct station *station, const struct station_room *room, int64_t *ret)
{
	return ledger_balance_nano(station->ledger, room->record.account_id, ret);
}

static int append(struct station *station, const struct station_change *change,
		  const struct station_room *room, enum entry_kind kind, int64_t amount_nano,
		  int64_t refers, int64_t *ret_seq)
{
	struct entry entry = {.kind = kind, .amount_nano = amount_nano, .refers = refers};
	int r = station_change_append(station, change, room, &entry);
	if (r == 0 && ret_seq != NULL)
		*ret_seq = entry.seq;
	return r;
}

/* Takes an amount out of the balance. */
static int take_out(struct station *station, const struct station_change *change,
		    const struct station_room *room, enum entry_kind kind, int64_t amount_nano,
		    int64_t *ret_seq)
{
	int64_t negative;
	int r = money_subtract(0, amount_nano, &negative);
	return r < 0 || amount_nano == 0
		       ? r
		       : append(station, change, room, kind, negative, 0, ret_seq);
}

/* Are the last registers good enough to close an account by? */
static bool final_reading(const struct station *station, const struct station_room *room)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->meter == NULL || supply->life.id == 0)
			continue;
		if (supply->guard.quarantined ||
		    guard_elapsed_us(&supply->guard.accepted, &station->now) >
			    station->config->policy.stale_s * 1000000)
			return false;
	}
	return true;
}

/* The tenancy in the ledger and in memory. The blocks of a tariff begin anew with it. */
static int set_tenancy(struct station *station, struct station_room *room, const char *tenancy,
		       const char *who)
{
	struct ledger_totals totals;
	int r = ledger_totals_get(station->ledger, 0, &totals);
	if (r == 0)
		r = ledger_tenancy_set(station->ledger, room->record.account_id, tenancy,
				       station->now.s);
	/* A dispute was the old tenant's. */
	if (r == 0 && tenancy[0] == '\0' && room->hold.id != 0) {
		r = ledger_hold_end(station->ledger, room->hold.id, "the end of the tenancy",
				    station->now.s);
		room->hold = (struct ledger_hold){0};
	}
	if (r < 0)
		return r;
	snprintf(room->record.tenancy, sizeof(room->record.tenancy), "%s", tenancy);
	room->record.vacant = tenancy[0] == '\0';
	room->record.tenancy_s = room->record.vacant ? 0 : station->now.s;
	room->record.stay = (struct ledger_stay){.opened_s = room->record.tenancy_s};
	room->record.after_seq = room->record.vacant ? INT64_MAX : totals.entries;
	room->use = (struct tariff_use){.opened_s = station->now.s, .persons = &room->persons};
	room->use_after = room->use;
	room->dated.opened_s = station->now.s;
	room->dated.last_day[DATED_MINIMUM] = DATED_NEVER;
	room->dated.last_day[DATED_EXPIRY] = DATED_NEVER;
	room->dated.last_day[DATED_ALLOWANCE] = DATED_NEVER;
	/* Who lives there, and what lines were agreed, goes with the tenant. */
	if (room->record.vacant && station_persons(room) != 1) {
		r = station_persons_add(station, room, 1, who);
		if (r < 0)
			return r;
	}
	room->credit.account_id = room->record.account_id;
	room->credit.emergency = EMERGENCY_NONE;
	room->credit.emergency_used = false;
	room->credit.emergency_s = 0;
	room->credit.own_overdraft = false;
	room->credit.overdraft_nano = 0;
	return ledger_credit_set(station->ledger, &room->credit);
}

/* What was not paid for ends with the tenancy: it is no money to be carried out. */
static int forfeit(struct station *station, const struct station_change *change,
		   struct station_room *room, enum credit_type type, struct station_closing *ret)
{
	struct entry entry = {.kind = ENTRY_FORFEIT,
			      .flags = type == CREDIT_SUBSIDY ? ENTRY_OF_SUBSIDY
							      : ENTRY_OF_ALLOWANCE};
	/* With the entries of this very change. */
	int r = station_credit_follow(station, room);
	int64_t left_nano = type == CREDIT_SUBSIDY ? room->credit.subsidy_nano
						   : room->credit.allowance_nano;
	if (r < 0 || left_nano == 0)
		return r;
	entry.amount_nano = -left_nano;
	r = station_change_append(station, change, room, &entry);
	return r < 0 ? r : money_add(ret->forfeited_nano, left_nano, &ret->forfeited_nano);
}

/* A room that was never let has an account too. What its tariff gave, and what it owes, is not the new tenant's;
 * money that was paid in, and a subsidy, wait for him. */
static int begin_clear(struct station *station, const struct station_change *change,
		       struct station_room *room, struct station_closing *ret, int64_t *ret_nano)
{
	int r = forfeit(station, change, room, CREDIT_ALLOWANCE, ret);
	if (r == 0)
		r = balance_of(station, room, ret_nano);
	if (r < 0 || *ret_nano >= 0)
		return r;
	ret->paid_nano = *ret_nano;
	r = take_out(station, change, room, ENTRY_WRITE_OFF, *ret_nano, NULL);
	*ret_nano = 0;
	return r;
}

int station_move_in(struct station *station, const struct station_change *change,
		    struct station_room *room, const char *tenancy, bool last_reading,
		    struct station_closing *ret)
{
	*ret = (struct station_closing){0};
	if (room->record.tenancy[0] != '\0')
		return -EEXIST;
	if (!last_reading && !final_reading(station, room))
		return -ESTALE;
	int64_t there;
	int r = station_change_settle(station, room, "move-in");
	if (r == 0)
		r = begin_clear(station, change, room, ret, &there);
	if (r == 0)
		r = set_tenancy(station, room, tenancy, change->who);
	return r < 0 ? r : station_unread_note(station, room);
}

int station_pay_out(struct station *station, const struct station_change *change,
		    struct station_room *room, bool give_up, struct station_closing *ret)
{
	int digits = station->config->site.minor_digits;
	int64_t balance, minor, paid, rest;
	int r = forfeit(station, change, room, CREDIT_ALLOWANCE, ret);
	if (r == 0)
		r = forfeit(station, change, room, CREDIT_SUBSIDY, ret);
	if (r == 0)
		r = station_debts_close(station, room, change->who, &ret->debts_nano);
	if (r == 0)
		r = balance_of(station, room, &balance);
	if (r < 0)
		return r;
	if (give_up && balance < 0) {
		ret->given_up_nano = -balance;
		return take_out(station, change, room, ENTRY_WRITE_OFF, balance, NULL);
	}
	/* Toward zero: neither side is asked for more than there is. */
	minor = money_floor_minor(balance, digits);
	r = money_from_minor(minor, digits, &paid);
	if (r == 0 && balance < 0 && paid != balance)
		r = money_from_minor(minor + 1, digits, &paid);
	if (r == 0)
		r = money_subtract(balance, paid, &rest);
	if (r < 0)
		return r;
	r = take_out(station, change, room, ENTRY_CLOSING, paid, NULL);
	if (r == 0)
		r = take_out(station, change, room, ENTRY_ROUNDING, rest, NULL);
	ret->paid_nano = paid;
	ret->rounded_nano = rest;
	return r;
}

int station_move_out(struct station *station, const struct station_change *change,
		     struct station_room *room, bool last_reading, struct station_closing *ret)
{
	*ret = (struct station_closing){0};
	if (room->record.tenancy[0] == '\0')
		return -ENOENT;
	if (!last_reading && !final_reading(station, room))
		return -ESTALE;
	int r = station_change_settle(station, room, "move-out");
	if (r == 0)
		r = station_dated_close(station, room, false, change->who);
	if (r == 0)
		r = station_pay_out(station, change, room, false, ret);
	return r < 0 ? r : set_tenancy(station, room, "", change->who);
}

/* The balance, each credit as what it is. */
static int move(struct station *station, const struct station_change *change,
		struct station_room *from, struct station_room *to, int64_t *ret_nano)
{
	int r = station_credit_follow(station, from);
	if (r == 0)
		r = balance_of(station, from, ret_nano);
	if (r < 0)
		return r;
	const struct {
		uint32_t flags;
		int64_t nano;
	} parts[] = {{ENTRY_OF_ALLOWANCE, from->credit.allowance_nano},
		     {ENTRY_OF_SUBSIDY, from->credit.subsidy_nano},
		     {0, *ret_nano - from->credit.allowance_nano - from->credit.subsidy_nano}};
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct entry out = {.kind = ENTRY_CLOSING, .flags = parts[i].flags};
		struct entry in = {.kind = ENTRY_OPENING,
				   .flags = parts[i].flags,
				   .amount_nano = parts[i].nano};
		if (parts[i].nano == 0)
			continue;
		r = money_subtract(0, parts[i].nano, &out.amount_nano);
		if (r == 0)
			r = station_change_append(station, change, from, &out);
		in.refers = out.seq;
		if (r == 0)
			r = station_change_append(station, change, to, &in);
	}
	return r;
}

int station_transfer(struct station *station, const struct station_change *change,
		     struct station_room *from, struct station_room *to, bool last_reading,
		     struct station_closing *ret)
{
	char tenancy[LEDGER_ID_MAX + 1];
	int64_t there;
	*ret = (struct station_closing){0};
	if (from->record.tenancy[0] == '\0')
		return -ENOENT;
	if (to->record.tenancy[0] != '\0')
		return -EEXIST;
	if (!last_reading && (!final_reading(station, from) || !final_reading(station, to)))
		return -ESTALE;
	int r = station_change_settle(station, from, "transfer");
	if (r == 0)
		r = station_change_settle(station, to, "transfer");
	if (r == 0)
		r = station_dated_close(station, from, true, change->who);
	if (r == 0)
		r = begin_clear(station, change, to, ret, &there);
	if (r < 0)
		return r;
	if (there != 0)
		return -ENOTEMPTY;
	memcpy(tenancy, from->record.tenancy, sizeof(tenancy));
	const struct ledger_credit lines = from->credit;
	struct station_stay taken;
	r = station_stay_of(station, from, &taken);
	if (r == 0)
		r = move(station, change, from, to, &ret->paid_nano);
	if (r == 0)
		r = station_debts_move(station, from, to);
	if (r == 0)
		r = set_tenancy(station, from, "", change->who);
	if (r == 0)
		r = set_tenancy(station, to, tenancy, change->who);
	if (r == 0)
		r = station_unread_note(station, to);
	if (r == 0)
		r = station_stay_move(station, &taken, to, change->who);
	if (r < 0)
		return r;
	/* The lines go along: what is used of them is repaid from the new room. */
	to->credit.emergency = lines.emergency;
	to->credit.emergency_used = lines.emergency_used;
	to->credit.emergency_s = lines.emergency_s;
	to->credit.own_overdraft = lines.own_overdraft;
	to->credit.overdraft_nano = lines.overdraft_nano;
	return ledger_credit_set(station->ledger, &to->credit);
}

int station_adjust(struct station *station, const struct station_change *change,
		   struct station_room *room, int64_t amount_nano, int64_t refers)
{
	int r = station_change_settle(station, room, "adjustment");
	return r < 0 ? r
		     : append(station, change, room, ENTRY_ADJUSTMENT, amount_nano, refers, NULL);
}

int station_write_off(struct station *station, const struct station_change *change,
		      struct station_room *room, struct station_closing *ret)
{
	int64_t balance;
	*ret = (struct station_closing){0};
	int r = station_change_settle(station, room, "write-off");
	if (r == 0)
		r = balance_of(station, room, &balance);
	if (r < 0)
		return r;
	if (balance >= 0)
		return -ENOTEMPTY;
	ret->paid_nano = balance;
	return take_out(station, change, room, ENTRY_WRITE_OFF, balance, NULL);
}
