/* station_debt.c - debts beside the balance: taken from recharges and by date, and what ends them.
 *
 * M1  What is taken is an entry; the debt shrinks in the same transaction.
 * M3, M4  What a recharge pays of the debts is one transaction with it: as often as the recharge, once.
 * M9  By date a debt is taken once for each period of the local calendar, on trusted time, from rooms that
 *     were seen since the start.
 */
#include "concentrator/station_debt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/platform/text.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

struct debts {
	size_t count;
	struct ledger_debt row[STATION_DEBTS_MAX];
};

static int debts_row(const struct ledger_debt *debt, void *userdata)
{
	struct debts *debts = userdata;
	debts->row[debts->count++] = *debt;
	return 0;
}

static int load(struct station *station, const struct station_room *room, struct debts *ret)
{
	ret->count = 0;
	return ledger_debts_each(station->ledger, room->record.account_id, false, 0,
				 STATION_DEBTS_MAX, debts_row, ret);
}

/* ret_seq may be NULL. */
static int append(struct station *station, const struct station_room *room,
		  const struct ledger_debt *debt, int64_t nano, int64_t refers, const char *who,
		  const char *how, int64_t *ret_seq)
{
	struct entry entry = {.kind = ENTRY_DEBT,
			      .account_id = room->record.account_id,
			      .amount_nano = -nano,
			      .refers = refers};
	if (nano == 0)
		return 0;
	station_stamp(station, &entry);
	snprintf(entry.order, sizeof(entry.order), "debt:%" PRId64, debt->id);
	snprintf(entry.who, sizeof(entry.who), "%s", who);
	snprintf(entry.why, sizeof(entry.why), "%s: %s", debt->name, how);
	text_repair(entry.why);
	int r = ledger_entry_append(station->ledger, &entry);
	if (ret_seq != NULL)
		*ret_seq = entry.seq;
	return r;
}

/* What is paid off is ended. */
static int keep(struct station *station, const struct ledger_debt *debt)
{
	int r = ledger_debt_set(station->ledger, debt);
	return r < 0 || debt->debt.left_nano > 0
		       ? r
		       : ledger_debt_end(station->ledger, debt->id, "paid", station->now.s);
}

static int64_t today(const struct station *station)
{
	return calendar_day(&station->settings.zone, station->now.s);
}

/* What a recharge, the entry, pays of a debt, under the key by which it is given back. */
static int pay(struct station *station, const struct station_room *room,
	       const struct ledger_debt *debt, int64_t nano, const struct entry *recharge,
	       const char *how)
{
	struct ledger_debt_payment payment = {
		.debt_id = debt->id, .nano = nano, .week = debt_week(today(station))};
	if (nano == 0)
		return 0;
	snprintf(payment.recharge, sizeof(payment.recharge), "%s", recharge->order);
	snprintf(payment.by, sizeof(payment.by), "%s", recharge->order);
	int r = append(station, room, debt, nano, recharge->seq, recharge->who, how,
		       &payment.entry_seq);
	return r < 0 ? r : ledger_debt_payment_add(station->ledger, &payment);
}

int station_debts_take(struct station *station, struct station_room *room,
		       const struct entry *recharge, struct debt_split *ret)
{
	const int64_t amount_nano = recharge->amount_nano;
	const struct credit_terms terms = station_terms(station, room);
	struct debts debts;
	int64_t rest_nano = amount_nano, balance_nano;
	*ret = (struct debt_split){0};
	int r = load(station, room, &debts);
	if (r == 0)
		r = ledger_balance_nano(station->ledger, room->record.account_id, &balance_nano);
	if (r == 0)
		r = money_subtract(balance_nano, amount_nano, &balance_nano);
	/* Without the date the limit of the week cannot be kept: nothing is taken by share then. */
	for (size_t i = 0; r == 0 && i < debts.count && station->now.trusted; i++) {
		struct debt *debt = &debts.row[i].debt;
		int64_t nano = debt_take_share(debt, amount_nano, debt_week(today(station)),
					       rest_nano);
		rest_nano -= nano;
		ret->share_nano += nano;
		r = pay(station, room, &debts.row[i], nano, recharge, "share of the recharge");
	}
	for (size_t i = 0; r == 0 && i < debts.count; i++) {
		int64_t nano = debt_take_due(&debts.row[i].debt, rest_nano);
		rest_nano -= nano;
		ret->due_nano += nano;
		r = pay(station, room, &debts.row[i], nano, recharge, "was due");
	}
	for (size_t i = 0; r == 0 && i < debts.count; i++)
		r = keep(station, &debts.row[i]);
	debt_split(balance_nano, rest_nano, &terms, (enum emergency_state)room->credit.emergency,
		   ret);
	return r;
}

/* What a recharge has paid of each debt and still does. */
struct paid {
	size_t count;
	struct {
		int64_t debt_id;
		int64_t nano;
		int64_t week;
		int64_t entry_seq;
	} debt[STATION_DEBTS_MAX];
};

static int paid_row(const struct ledger_debt_payment *payment, void *userdata)
{
	struct paid *paid = userdata;
	size_t i = 0;
	while (i < paid->count && paid->debt[i].debt_id != payment->debt_id)
		i++;
	if (i == STATION_DEBTS_MAX)
		return -E2BIG;
	if (i == paid->count) {
		paid->count++;
		paid->debt[i].debt_id = payment->debt_id;
		paid->debt[i].nano = 0;
		paid->debt[i].week = payment->week;
		paid->debt[i].entry_seq = payment->entry_seq;
	}
	paid->debt[i].nano += payment->nano;
	return 0;
}

static int first_row(const struct ledger_debt *debt, void *userdata)
{
	*(struct ledger_debt *)userdata = *debt;
	return 0;
}

/* Of one debt; the order is the one that takes the recharge back. */
static int give_back(struct station *station, const struct station_room *room,
		     struct ledger_debt *debt, int64_t nano, int64_t week, int64_t entry_seq,
		     const char *recharge, const struct entry *order)
{
	struct ledger_debt_payment payment = {.debt_id = debt->id, .nano = -nano, .week = week};
	char how[ENTRY_TEXT_MAX + 1];
	snprintf(payment.recharge, sizeof(payment.recharge), "%s", recharge);
	snprintf(payment.by, sizeof(payment.by), "%s", order->order);
	snprintf(how, sizeof(how), "given back with %.64s", recharge);
	int r = append(station, room, debt, -nano, entry_seq, order->who, how, &payment.entry_seq);
	if (r == 0)
		r = ledger_debt_payment_add(station->ledger, &payment);
	debt_given_back(&debt->debt, nano, week);
	return r < 0 ? r : ledger_debt_back(station->ledger, debt);
}

int station_debts_give_back(struct station *station, const struct station_room *room,
			    const char *recharge, int64_t kept_nano, const struct entry *order,
			    struct debt_split *ret)
{
	struct paid paid = {0};
	int64_t left_nano = kept_nano;
	*ret = (struct debt_split){0};
	int r = ledger_debt_payments_each(station->ledger, recharge, paid_row, &paid);
	for (size_t i = 0; r == 0 && i < paid.count; i++) {
		struct ledger_debt debt = {0};
		r = ledger_debts_each(station->ledger, 0, true, paid.debt[i].debt_id - 1, 1,
				      first_row, &debt);
		if (r < 0 || debt.id != paid.debt[i].debt_id)
			return r < 0 ? r : -EUCLEAN;
		int64_t nano = paid.debt[i].nano -
			       debt_keep(&debt.debt, paid.debt[i].nano, kept_nano, &left_nano);
		if (nano == 0)
			continue;
		if (debt.debt.way == DEBT_BY_SHARE)
			ret->share_nano -= nano;
		else
			ret->due_nano -= nano;
		r = give_back(station, room, &debt, nano, paid.debt[i].week, paid.debt[i].entry_seq,
			      recharge, order);
	}
	ret->balance_nano = order->amount_nano - ret->share_nano - ret->due_nano;
	return r;
}

/* How a room stands, for the policy bits; cut: it is, or was when that counts, cut for money. */
static enum debt_position position_of(const struct station *station,
				      const struct station_room *room, bool cut)
{
	const struct credit_terms terms = station_terms(station, room);
	enum emergency_state emergency = (enum emergency_state)room->credit.emergency;
	if (cut || (!room->money.cut && room->live_nano <= credit_cutoff_nano(&terms, emergency)))
		return DEBT_EXHAUSTED;
	if (emergency == EMERGENCY_ACTIVE &&
	    room->live_nano <= credit_cutoff_nano(&terms, EMERGENCY_NONE))
		return DEBT_IN_EMERGENCY;
	return DEBT_IN_CREDIT;
}

enum debt_answer station_standing_answer(const struct station *station,
					 const struct station_room *room, bool cut)
{
	const struct config_policy *policy = &station->config->policy;
	const struct debt_bits bits = {.halted_when_exhausted = policy->standing_halted,
				       .taken_in_emergency = policy->standing_in_emergency};
	return debt_decide(&bits, position_of(station, room, cut));
}

int station_debt_add(struct station *station, struct station_room *room, struct ledger_debt *debt)
{
	struct debts debts;
	int64_t cap, total = debt->total_nano;
	int r = load(station, room, &debts);
	if (r == 0)
		r = money_from_minor(station->config->policy.debt_max_minor,
				     station->config->site.minor_digits, &cap);
	if (r < 0)
		return r;
	if (debts.count == STATION_DEBTS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < debts.count; i++)
		if (money_add(total, debts.row[i].debt.left_nano, &total) < 0)
			return -EDQUOT;
	if (cap > 0 && total > cap)
		return -EDQUOT;
	debt->account_id = room->record.account_id;
	debt->from_s = station->now.s;
	debt->from_period = debt_is_dated(debt->debt.way)
				    ? debt_period(debt->debt.way, today(station))
				    : 0;
	debt->debt.left_nano = debt->total_nano;
	if (debt->debt.way == DEBT_AT_ONCE)
		debt->debt.due_nano = debt->total_nano;
	return ledger_debt_add(station->ledger, debt);
}

int station_debt_accumulate(struct station *station, struct station_room *room, const char *name,
			    int64_t nano, const char *why)
{
	struct ledger_debt debt = {.total_nano = nano, .debt = {.way = DEBT_AT_ONCE}};
	snprintf(debt.name, sizeof(debt.name), "%s", name);
	snprintf(debt.owner, sizeof(debt.owner), "prepayd");
	snprintf(debt.reason, sizeof(debt.reason), "%s", why);
	return station_debt_add(station, room, &debt);
}

int station_debts_close(struct station *station, struct station_room *room, const char *who,
			int64_t *ret_left_nano)
{
	struct debts debts;
	int64_t balance_nano;
	*ret_left_nano = 0;
	int r = load(station, room, &debts);
	if (r == 0)
		r = ledger_balance_nano(station->ledger, room->record.account_id, &balance_nano);
	for (size_t i = 0; r == 0 && i < debts.count; i++) {
		struct ledger_debt *debt = &debts.row[i];
		int64_t nano = debt->debt.left_nano;
		if (nano > balance_nano)
			nano = balance_nano > 0 ? balance_nano : 0;
		balance_nano -= nano;
		debt->debt.left_nano -= nano;
		if (debt->debt.due_nano > debt->debt.left_nano)
			debt->debt.due_nano = debt->debt.left_nano;
		r = append(station, room, debt, nano, 0, who, "at the end of the tenancy", NULL);
		if (r == 0)
			r = money_add(*ret_left_nano, debt->debt.left_nano, ret_left_nano);
		if (r == 0)
			r = ledger_debt_set(station->ledger, debt);
		if (r == 0)
			r = ledger_debt_end(station->ledger, debt->id,
					    debt->debt.left_nano == 0 ? "paid"
								      : "the end of the tenancy",
					    station->now.s);
	}
	return r;
}

int station_debts_move(struct station *station, struct station_room *from, struct station_room *to)
{
	struct debts debts;
	int r = load(station, from, &debts);
	for (size_t i = 0; r == 0 && i < debts.count; i++) {
		debts.row[i].account_id = to->record.account_id;
		r = ledger_debt_set(station->ledger, &debts.row[i]);
	}
	return r;
}

static struct station_room *room_of(const struct station *station, int64_t account_id)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == account_id)
			return station->rooms[i];
	return NULL;
}

/* One debt in the period of today; 1: its room was not seen yet. */
static int run_debt(struct station *station, struct ledger_debt *debt)
{
	const struct config_policy *policy = &station->config->policy;
	const struct debt_bits bits = {.halted_when_exhausted = policy->debt_halted,
				       .taken_in_emergency = policy->debt_in_emergency};
	struct station_room *room = room_of(station, debt->account_id);
	int64_t period, nano = debt_rate_nano(&debt->debt);
	if (room == NULL || nano == 0)
		return 0;
	period = debt_period(debt->debt.way, today(station));
	if (period <= debt->from_period)
		return 0;
	int r = ledger_debt_period_done(station->ledger, debt->id, period);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!room->money.evaluated)
		return 1;
	enum debt_answer answer = debt_decide(&bits, position_of(station, room, room->money.cut));
	r = ledger_debt_period_add(station->ledger, debt->id, period);
	if (r < 0 || answer == DEBT_HALT)
		return r;
	if (answer == DEBT_ACCUMULATE) {
		debt_deferred(&debt->debt, nano);
		return ledger_debt_set(station->ledger, debt);
	}
	r = station_settle_room(station, room, "debt");
	/* Energy that cannot be charged is alarmed; it is no reason to leave the debt. */
	if (r == -ERANGE || r == -EINVAL)
		r = 0;
	if (r == 0)
		r = append(station, room, debt, nano, 0, "prepayd", debt_way_name(debt->debt.way),
			   NULL);
	debt_taken(&debt->debt, nano);
	return r < 0 ? r : keep(station, debt);
}

/* All rooms are one transaction (D2). */
void station_debts_run(struct station *station)
{
	struct ledger_debt debt = {0};
	bool waits = false;
	if (!station->now.trusted || station->debts_day == today(station))
		return;
	int r = station_begin(station);
	if (r < 0)
		return;
	for (int64_t last = -1; r >= 0 && debt.id != last;) {
		last = debt.id;
		r = ledger_debts_each(station->ledger, 0, false, last, 1, first_row, &debt);
		if (r == 0 && debt.id != last && debt_is_dated(debt.debt.way))
			r = run_debt(station, &debt);
		waits = waits || r == 1;
	}
	if (r < 0) {
		station_rollback(station);
		return;
	}
	if (station_commit(station) == 0 && !waits)
		station->debts_day = today(station);
}
