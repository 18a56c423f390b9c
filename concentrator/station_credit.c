/* station_credit.c - the credits behind a room's balance, and the lines below it.
 *
 * M1  What a balance is made of follows from the entries: they are counted as they are committed, and the
 *     count is kept with the number of the last one, so a start counts the newest alone.
 * S1  Overdraft and emergency credit lower the cut-off of one room.
 */
#include "concentrator/station_credit.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

#define KEEP_ENTRIES 64 /* so many entries of a room may have to be counted again at a start */

struct credit_terms station_terms(const struct station *station, const struct station_room *room)
{
	const struct config_policy *policy = &station->config->policy;
	int digits = station->config->site.minor_digits;
	struct credit_terms terms = {
		.cutoff_nano = station->policy.cutoff_nano,
		.restore_min_nano = station->policy.restore_min_nano,
		.overdraft_nano = room->credit.overdraft_nano,
	};
	/* The configuration was checked: its numbers fit. */
	if ((!room->credit.own_overdraft &&
	     money_from_minor(policy->overdraft_minor, digits, &terms.overdraft_nano) < 0) ||
	    (policy->emergency != CONFIG_EMERGENCY_NO &&
	     money_from_minor(policy->emergency_minor, digits, &terms.emergency_nano) < 0) ||
	    money_from_minor(policy->emergency_at_minor, digits, &terms.emergency_at_nano) < 0)
		return (struct credit_terms){.cutoff_nano = station->policy.cutoff_nano,
					     .restore_min_nano = 1};
	return terms;
}

struct supply_policy station_policy(const struct station *station, const struct station_room *room)
{
	struct supply_policy policy = station->policy;
	const struct credit_terms terms = station_terms(station, room);
	policy.cutoff_nano = credit_cutoff_nano(&terms,
						(enum emergency_state)room->credit.emergency);
	return policy;
}

static struct credit_emergency emergency_of(const struct station_room *room)
{
	return (struct credit_emergency){.state = (enum emergency_state)room->credit.emergency,
					 .used = room->credit.emergency_used};
}

static int follow_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct station_room *room = userdata;
	struct credit_purse purse = {.allowance_nano = room->credit.allowance_nano,
				     .subsidy_nano = room->credit.subsidy_nano};
	int r = money_subtract(balance_nano, entry->amount_nano, &purse.balance_nano);
	if (r == 0)
		r = credit_apply(&purse, entry);
	if (r < 0)
		return r;
	room->credit.allowance_nano = purse.allowance_nano;
	room->credit.subsidy_nano = purse.subsidy_nano;
	room->credit.through_seq = entry->seq;
	room->credit_behind++;
	/* What a debt gives back comes with a recharge that is taken back. */
	room->recharged = room->recharged || (entry->amount_nano > 0 && entry->kind != ENTRY_DEBT);
	return 0;
}

int station_credit_follow(struct station *station, struct station_room *room)
{
	room->credit.account_id = room->record.account_id;
	return ledger_entries_after(station->ledger, room->record.account_id,
				    room->credit.through_seq, follow_row, room);
}

int station_credit_keep_due(struct station *station, struct station_room *room)
{
	if (room->credit_behind < KEEP_ENTRIES)
		return 0;
	room->credit_behind = 0;
	return ledger_credit_set(station->ledger, &room->credit);
}

static int load_row(const struct ledger_credit *credit, void *userdata)
{
	struct station *station = userdata;
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == credit->account_id)
			station->rooms[i]->credit = *credit;
	return 0;
}

int station_load_credits(struct station *station)
{
	int r = ledger_credits_each(station->ledger, load_row, station);
	for (size_t i = 0; r == 0 && i < station->room_count; i++)
		r = station_credit_follow(station, station->rooms[i]);
	return r;
}

/* Entries of the transaction were counted already: all is counted again from what the ledger keeps. */
void station_credits_rewind(struct station *station)
{
	struct ledger_totals totals;
	bool ahead = false;
	if (ledger_totals_get(station->ledger, 0, &totals) < 0)
		return;
	for (size_t i = 0; i < station->room_count; i++) {
		struct ledger_credit *credit = &station->rooms[i]->credit;
		ahead = ahead || credit->through_seq > totals.entries;
		if (credit->through_seq > totals.entries)
			credit->through_seq = credit->allowance_nano = credit->subsidy_nano = 0;
	}
	if (ahead && station_load_credits(station) < 0)
		journal_log(LOG_ERR, NULL, NULL,
			    "the credits of some rooms cannot be told apart now; balances stand");
}

void station_credit_list(const struct station *station, const struct station_room *room,
			 struct credit_line ret[CREDIT_TYPES])
{
	const struct credit_terms terms = station_terms(station, room);
	const struct credit_emergency emergency = emergency_of(room);
	struct credit_purse purse = {.balance_nano = room->settled_nano,
				     .allowance_nano = room->credit.allowance_nano,
				     .subsidy_nano = room->credit.subsidy_nano};
	int64_t pending;
	if (money_subtract(room->settled_nano, room->live_nano, &pending) == 0 && pending > 0)
		(void)!credit_spend(&purse, pending);
	credit_list(&purse, &terms, &emergency, ret);
}

bool station_emergency_offered(const struct station *station, const struct station_room *room)
{
	const struct credit_terms terms = station_terms(station, room);
	const struct credit_emergency emergency = emergency_of(room);
	return !room->record.vacant && emergency_offered(&emergency, &terms, room->live_nano);
}

/* In the caller's transaction. */
static int tell(struct station *station, const struct station_room *room, const char *state)
{
	return station_event(station, 0, "notice",
			     json_pack("{s:s,s:s,s:s,s:o,s:o}", "room", room->record.name, "level",
				       "emergency", "state", state, "balance",
				       station_money(station, room->live_nano), "earliest_s",
				       json_null()));
}

int station_emergency_activate(struct station *station, struct station_room *room)
{
	room->credit.account_id = room->record.account_id;
	room->credit.emergency = EMERGENCY_ACTIVE;
	room->credit.emergency_used = false;
	room->credit.emergency_s = station->now.s;
	/* What was announced was the end of other money; the end of this is announced anew (S2). */
	room->money.noticed = false;
	int r = ledger_credit_set(station->ledger, &room->credit);
	return r < 0 ? r : tell(station, room, "active");
}

int station_overdraft_set(struct station *station, struct station_room *room, bool own,
			  int64_t limit_nano)
{
	int64_t before_nano = station_policy(station, room).cutoff_nano;
	room->credit.account_id = room->record.account_id;
	room->credit.own_overdraft = own;
	room->credit.overdraft_nano = own ? limit_nano : 0;
	if (station_policy(station, room).cutoff_nano < before_nano)
		room->money.noticed = false;
	return ledger_credit_set(station->ledger, &room->credit);
}

int station_credit_cut(struct station *station, struct station_room *room)
{
	const struct credit_terms terms = station_terms(station, room);
	struct credit_emergency emergency = emergency_of(room);
	if (!emergency_cut(&emergency, &terms, room->best_nano))
		return 0;
	room->credit.emergency = (int32_t)emergency.state;
	room->credit.emergency_used = emergency.used;
	int r = ledger_credit_set(station->ledger, &room->credit);
	return r < 0 ? r : tell(station, room, "spent");
}

static int commit_alone(struct station *station, struct station_room *room, const char *state)
{
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_credit_set(station->ledger, &room->credit);
	if (r == 0 && state != NULL)
		r = tell(station, room, state);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	return station_commit(station);
}

/* 1: something has changed, and is in the ledger; 0: nothing; -errno of the ledger. */
static int activate_by_itself(struct station *station, struct station_room *room)
{
	if (station->config->policy.emergency != CONFIG_EMERGENCY_AUTOMATIC ||
	    !station->now.trusted || !station_emergency_offered(station, room))
		return 0;
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = station_emergency_activate(station, room);
	if (r < 0)
		station_rollback(station);
	else
		r = station_commit(station);
	return r < 0 ? r : 1;
}

/* A register that is old makes the balance look better than it is: nothing is repaid by that. */
static int follow_line(struct station *station, struct station_room *room)
{
	const struct credit_terms terms = station_terms(station, room);
	struct credit_emergency emergency = emergency_of(room);
	bool was_used = emergency.used;
	if (emergency.state == EMERGENCY_NONE)
		return 0;
	bool repaid = emergency_step(&emergency, &terms, room->best_nano) == EMERGENCY_REPAID;
	if ((!repaid && emergency.used == was_used) ||
	    (repaid && station_facts(station, room).evidence != SUPPLY_EVIDENCE_FRESH))
		return 0;
	room->credit.emergency = (int32_t)emergency.state;
	room->credit.emergency_used = emergency.used;
	if (repaid)
		room->credit.emergency_s = 0;
	int r = commit_alone(station, room, repaid ? "repaid" : NULL);
	return r < 0 ? r : 1;
}

void station_credit_review(struct station *station, struct station_room *room)
{
	const struct ledger_credit before = room->credit;
	const struct supply_money money = room->money;
	/* Just after a start the last settlement, hours old, is all that is known. */
	if (!room->money.evaluated)
		return;
	int r = activate_by_itself(station, room);
	if (r == 0)
		r = follow_line(station, room);
	if (r < 0) {
		room->credit = before;
		room->money = money;
	} else if (r > 0 && room->credit.emergency != before.emergency) {
		journal_log(LOG_NOTICE, MESSAGE_ID_EMERGENCY,
			    JOURNAL_FIELDS({"ROOM", room->record.name}),
			    "room %s: emergency credit %s", room->record.name,
			    room->credit.emergency == EMERGENCY_ACTIVE ? "is active" : "is repaid");
	}
}
