/* station_money.c - the room's money: live balance, settlements, and whether it may have power.
 *
 * M1  Live balance = entries minus the priced step since.
 * S1, S2  The decision is supply.h's; here its facts are gathered and its answer carried out.
 */
#include "concentrator/station_money.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_supply.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/rules/settle.h"
#include "concentrator/station_bands.h"
#include "concentrator/station_boundary.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_cuts.h"
#include "concentrator/station_event.h"
#include "concentrator/station_freeze.h"
#include "concentrator/station_hold.h"
#include "concentrator/station_link.h"
#include "concentrator/station_protect.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_tariff.h"
#include "concentrator/station_tax.h"
#include "concentrator/station_urgency.h"
#include "concentrator/station_warning.h"

#define WEEK_S           INT64_C(604800)
#define WEEK_ENTRIES_MAX 2048
#define KEEP_NOTICE_US   INT64_C(60000000)  /* how often a running notice is kept ... */
#define KEEP_HOLD_US     INT64_C(600000000) /* ... and a hold, which may last a day (D2) */

struct week {
	const struct station *station;
	struct station_room *room;
	int seen;
};

static int week_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct week *week = userdata;
	(void)balance_nano;
	/* What those before used says nothing of this tenant. */
	if (entry->seq <= week->room->record.after_seq ||
	    (entry->to_s != 0 && entry->to_s < week->station->now.s - WEEK_S))
		return 1;
	if (entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_STANDING ||
	    entry->kind == ENTRY_TAX) {
		week->room->week_nano -= entry->amount_nano;
		week->room->week_from_s = entry->from_s;
	}
	return 0;
}

void station_week(struct station *station, struct station_room *room)
{
	struct week week = {.station = station, .room = room};
	room->week_nano = 0;
	room->week_from_s = 0;
	int r = ledger_entries_tail(station->ledger, room->record.account_id, 0, WEEK_ENTRIES_MAX,
				    week_row, &week);
	if (r < 0)
		room->week_nano = 0;
}

/* The figures do not fit: nothing is proven about this room any more. */
static void overflow(struct station *station, struct station_room *room)
{
	room->overflowed = true;
	station_alarm(station, ALARM_AMOUNT_OVERFLOW, room->record.name,
		      "what was used since the last settlement cannot be priced");
}

/* Adds what is priced and not settled of one medium. */
static int add_cost(struct station *station, struct station_room *room, enum medium medium,
		    struct settle_cost *cost)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		struct station_supply *supply = room->supplies[i];
		/* What a meter counts up to its first reading in a tenancy is not the tenant's. */
		if (supply->life.id == 0 || supply->medium != medium || supply->unread)
			continue;
		settle_date(&supply->settled, &station->now);
		settle_date(&supply->guard.accepted, &station->now);
		struct bands_step bands;
		int r = settle_cost_add(cost, &supply->settled, &supply->guard.accepted,
					station_book(station, supply), &station->settings.zone,
					&station->now, station_bands_step(supply, &bands));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where an account stands in what water has no blocks of. */
static struct tariff_use water_use(const struct station_room *room)
{
	return (struct tariff_use){.opened_s = room->use.opened_s};
}

void station_balance(struct station *station, struct station_room *room)
{
	struct settle_cost cost = {.use = room->use,
				   .least_use = room->use,
				   .tax_rest = room->tax_rest,
				   .least_tax_rest = room->tax_rest};
	int64_t live, best;
	/* Nobody pays for what is used in a vacant room. */
	int r = room->record.vacant ? 0 : add_cost(station, room, MEDIUM_ELECTRICITY, &cost);
	const struct tariff_use use = cost.use, least_use = cost.least_use;
	cost.use = cost.least_use = water_use(room);
	if (r == 0 && !room->record.vacant)
		r = add_cost(station, room, MEDIUM_WATER, &cost);
	if (r < 0) {
		overflow(station, room);
		return;
	}
	if (money_subtract(room->settled_nano, cost.cost_nano, &live) < 0 ||
	    money_subtract(room->settled_nano, cost.least_nano, &best) < 0) {
		overflow(station, room);
		return;
	}
	room->live_nano = live;
	room->best_nano = best;
	if (station->now.trusted && !room->record.vacant) {
		int64_t free_wh = tariff_free_wh(&station->book, &station->settings.zone, &use,
						 station->now.s);
		room->free_wh = tariff_free_wh(&station->book, &station->settings.zone, &least_use,
					       station->now.s);
		if (free_wh > room->free_wh)
			room->free_wh = free_wh;
	}
	if (room->overflowed)
		station_alarm_clear(station, ALARM_AMOUNT_OVERFLOW, room->record.name);
	room->overflowed = false;
}

static int settle_supply(struct station *station, struct station_supply *supply, const char *why)
{
	struct station_room *room = supply->room;
	const struct mark *accepted = &supply->guard.accepted;
	bool water = supply->medium == MEDIUM_WATER;
	struct tariff_use use = water ? water_use(room) : room->use_after;
	struct settlement settlement;
	struct bands_step bands;
	struct entry entry;
	bool any = false;
	int r = settle_begin(&settlement, &supply->settled, accepted, station_book(station, supply),
			     &station->settings.zone, &use,
			     room->record.vacant || supply->unread ? ENTRY_HOUSE : ENTRY_CHARGE,
			     &station->now, station_bands_step(supply, &bands));
	while (r == 0 && (r = settle_next(&settlement, &entry)) > 0) {
		entry.account_id = room->record.account_id;
		entry.point_id = supply->record.point_id;
		entry.life_id = supply->life.id;
		/* The price of an account of energy is no tariff of the ledger. */
		if (station->config->site.account == CONFIG_ACCOUNT_ENERGY)
			entry.tariff_id = 0;
		station_stamp(station, &entry);
		snprintf(entry.who, sizeof(entry.who), "prepayd");
		snprintf(entry.why, sizeof(entry.why), "%s", why);
		r = ledger_entry_append(station->ledger, &entry);
		if (r == 0)
			r = station_tax_note(station, room, &entry);
		if (r < 0)
			break;
		any = true;
		if (!water)
			room->use_after = use;
		supply->settling_in = station->transaction;
		supply->settling = entry.to_wh == accepted->wh
					   ? *accepted
					   : (struct mark){.wh = entry.to_wh,
							   .at_s = entry.to_s,
							   .dated = entry.to_s != 0,
							   .since_s = entry.from_s};
		/* Read just before a boundary that has passed: it is at it, as the entry says. */
		if (supply->settling.dated && entry.to_s > supply->settling.at_s &&
		    entry.to_s <= station->now.s)
			supply->settling.at_s = entry.to_s;
	}
	if (r == 0 && any)
		r = station_bands_keep(station, supply, settlement.verdict);
	return r;
}

int station_settle_room(struct station *station, struct station_room *room, const char *why)
{
	int worst = 0;
	/* The marks move with the commit: once in a transaction is enough, and twice would be wrong. */
	if (room->settled_in == station->transaction)
		return 0;
	int kept = station_credit_keep_due(station, room);
	if (kept < 0)
		return kept;
	room->use_after = room->use;
	room->settled_in = station->transaction;
	for (size_t i = 0; i < room->supply_count; i++) {
		if (room->supplies[i]->life.id == 0)
			continue;
		int r = settle_supply(station, room->supplies[i], why);
		if (r < 0 && r != -ERANGE && r != -EINVAL)
			return r;
		if (r < 0)
			worst = r;
	}
	int r = station_tax_take(station, room, "prepayd");
	if (r < 0 && r != -ERANGE)
		return r;
	if (r < 0)
		worst = r;
	if (worst < 0)
		station_alarm(station, ALARM_AMOUNT_OVERFLOW, room->record.name,
			      "what was used since the last settlement cannot be charged: %s",
			      worst == -ERANGE ? "the amount does not fit"
					       : "its times contradict");
	return worst;
}

void station_stamp(const struct station *station, struct entry *entry)
{
	entry->at_s = station->now.s;
	entry->at_trusted = station->now.trusted;
	entry->at_us = station->now.us;
	memcpy(entry->boot, station->settings.boot, sizeof(entry->boot));
}

/* What the commit has moved. Balance and marks move together, or not at all: where the ledger has failed just
 * behind the commit, both stay until it is read anew. */
static void move_marks(struct station *station, struct station_room *room, uint64_t transaction)
{
	if (ledger_balance_nano(station->ledger, room->record.account_id, &room->settled_nano) < 0)
		return;
	room->use = room->use_after;
	if (room->freezing_in == transaction)
		station_frozen(room);
	if (room->taxing.in == transaction)
		room->tax_rest = room->taxing.carry.rest;
	for (size_t i = 0; i < room->supply_count; i++) {
		struct station_supply *supply = room->supplies[i];
		if (supply->settling_in != transaction)
			continue;
		supply->settled = supply->settling;
		station_bands_kept(supply);
		supply->life.settled_wh = supply->settled.wh;
		supply->life.settled_s = supply->settled.at_s;
	}
}

/* Reads the ledger, which may fail in the middle. */
static void follow(struct station *station, struct station_room *room)
{
	if (station_credit_follow(station, room) < 0)
		journal_log(LOG_ERR, NULL, JOURNAL_FIELDS({"ROOM", room->record.name}),
			    "room %s: its credits cannot be told apart now; the balance stands",
			    room->record.name);
	station_week(station, room);
	station_balance(station, room);
}

void station_settled(struct station *station, uint64_t transaction)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->settled_in == transaction)
			move_marks(station, station->rooms[i], transaction);
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->settled_in == transaction)
			follow(station, station->rooms[i]);
}

static enum settle_due room_due(const struct station *station, const struct station_room *room)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->life.id == 0)
			continue;
		enum settle_due due = settle_due(
			&supply->settled, &supply->guard.accepted, station_book(station, supply),
			&station->settings.zone, station->config->policy.settle_s, &station->now);
		if (due == SETTLE_NOT_DUE)
			continue;
		/* A nearer reading is on its way, or those of others are. */
		if ((due == SETTLE_AT_BOUNDARY || due == SETTLE_AT_MIDNIGHT) &&
		    station_boundary_awaited(station, room))
			return SETTLE_NOT_DUE;
		return due;
	}
	return SETTLE_NOT_DUE;
}

/* All rooms that are due are one transaction: flash is spent on money (D2). */
void station_settle_due(struct station *station)
{
	static const char *const why[] = {
		[SETTLE_AT_BOUNDARY] = "price boundary",
		[SETTLE_AT_MIDNIGHT] = "midnight",
		[SETTLE_AT_PERIOD] = "period",
	};
	bool begun = false;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		enum settle_due due = room_due(station, room);
		if (due == SETTLE_NOT_DUE)
			continue;
		if (!begun && station_begin(station) < 0)
			return;
		begun = true;
		int r = station_settle_room(station, room, why[due]);
		int frozen = station_freeze_room(station, room);
		if (frozen < 0)
			r = frozen;
		/* What one room cannot be charged keeps no other from being settled. */
		if (r < 0 && r != -ERANGE && r != -EINVAL) {
			station_rollback(station);
			return;
		}
	}
	if (begun)
		(void)station_commit(station);
}

/* What the room costs an hour: by power and by the register, whichever is more, since a notice that
 * comes early harms nobody. */
static int64_t cost_per_h(const struct station *station, const struct station_room *room)
{
	int64_t total = 0;
	const struct tariff_use water = water_use(room);
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		int64_t rate = tariff_rate(station_book(station, supply), &station->settings.zone,
					   supply->medium == MEDIUM_WATER ? &water : &room->use,
					   station->now.s);
		int64_t wh = supply->rate.wh_per_h, nano;
		/* Switched off, unless the register has moved since. */
		if (supply->seen.load_known && supply->seen.load_w == 0 &&
		    supply->seen.load_us >= supply->rate.mark_us)
			wh = 0;
		/* Where energy runs faster than time (a demonstration), so does its cost. */
		int64_t load_w = load_power_w(&supply->load, &supply->limits) *
				 supply->limits.plausibility_factor;
		if (load_w > wh)
			wh = load_w;
		if (money_energy_nano(wh, rate, &nano) < 0 || money_add(total, nano, &total) < 0)
			return 0;
	}
	return total;
}

/* S1: energy that is free is no money, but nobody is cut while there is any, not even in debt. It is worth
 * what it would cost, so that its end is foreseen. */
static int64_t best_with_allowance(const struct station *station, const struct station_room *room)
{
	int64_t best = room->best_nano, worth;
	if (room->free_wh == 0 || room->record.vacant)
		return best;
	int64_t cutoff = station_policy(station, room).cutoff_nano;
	int64_t rate = tariff_rate(&station->book, &station->settings.zone, &room->use,
				   station->now.s);
	if (best < cutoff)
		best = cutoff;
	if (money_energy_nano(room->free_wh, rate, &worth) < 0 ||
	    money_add(best, worth + (worth == 0), &best) < 0)
		return INT64_MAX;
	return best;
}

struct supply_facts station_facts(const struct station *station, const struct station_room *room)
{
	struct supply_facts facts = {
		.best_nano = room->best_nano,
		.evidence = SUPPLY_EVIDENCE_FRESH,
		.cost_nano_per_h = room->cost_nano_per_h,
		.kept = station_kept(station, room) || station_protected(station),
	};
	int64_t stale_us = station->config->policy.stale_s * 1000000;
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (supply->meter == NULL)
			continue;
		if (supply->life.id == 0) {
			facts.evidence = SUPPLY_EVIDENCE_NONE;
			continue;
		}
		int64_t age = guard_elapsed_us(&supply->guard.accepted, &station->now);
		if (age > facts.evidence_age_us)
			facts.evidence_age_us = age;
		if ((age > stale_us || supply->guard.quarantined) &&
		    facts.evidence == SUPPLY_EVIDENCE_FRESH)
			facts.evidence = SUPPLY_EVIDENCE_STALE;
	}
	facts.cloud_away_us = station_link_away_us(station);
	facts.best_nano = best_with_allowance(station, room);
	return facts;
}

static int keep_money(struct station *station, struct station_room *room)
{
	const struct supply_money *money = &room->money;
	const struct ledger_money record = {
		.account_id = room->record.account_id,
		.low = money->low,
		.noticed = money->noticed,
		.notice_run_us = money->notice_run_us,
		.notice_wait_us = money->notice_wait_us,
		.notice_nano = money->notice_nano,
		.hold = (int32_t)money->hold,
		.hold_run_us = money->hold_run_us,
		.hold_from_nano = money->hold_from_nano,
		.hold_begun = money->hold_begun,
		.hold_spent = money->hold_spent,
		.cut = money->cut,
		.cut_run_us = money->cut_run_us,
	};
	room->money_kept_us = station->now.us;
	return ledger_money_set(station->ledger, &record);
}

int64_t station_earliest_s(const struct station *station, const struct station_room *room)
{
	if (room->answer.earliest_us == 0)
		return 0;
	int64_t ahead = room->answer.earliest_us - station->now.us;
	return station->now.s + (ahead > 0 ? (ahead + 999999) / 1000000 : 0);
}

static int notice(struct station *station, struct station_room *room, const char *level)
{
	int64_t earliest_s = station_earliest_s(station, room);
	bool cut_ahead = strcmp(level, "notice") == 0;
	return station_event(station, 0, "notice",
			     json_pack("{s:s,s:s,s:o,s:o}", "room", room->record.name, "level",
				       level, "balance", station_money(station, room->live_nano),
				       "earliest_s",
				       cut_ahead ? json_integer(earliest_s) : json_null()));
}

/* Everything announced in one step is one transaction, with the state that it follows from. */
static int tell(struct station *station, struct station_room *room)
{
	uint32_t events = room->answer.events;
	int r = station_begin(station);
	if (r < 0)
		return r;
	if (events & (SUPPLY_EVENT_CUT | SUPPLY_EVENT_RESTORE))
		r = station_settle_room(station, room,
					events & SUPPLY_EVENT_CUT ? "cut" : "restore");
	if (r == -ERANGE || r == -EINVAL)
		r = 0;
	if (r == 0)
		r = keep_money(station, room);
	if (r == 0 && (events & SUPPLY_EVENT_CUT))
		r = station_credit_cut(station, room);
	if (r == 0 && (events & SUPPLY_EVENT_LOW))
		r = notice(station, room, "low");
	if (r == 0 && (events & SUPPLY_EVENT_NOTICE))
		r = notice(station, room, "notice");
	if (r == 0 && (events & SUPPLY_EVENT_CUT))
		r = notice(station, room, "cut");
	if (r == 0 && (events & SUPPLY_EVENT_RESTORE))
		r = notice(station, room, "restored");
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	return station_commit(station);
}

static void say(struct station *station, struct station_room *room)
{
	char balance[48];
	uint32_t events = room->answer.events;
	const char *name = room->record.name;
	station_amount(station, room->live_nano, balance);
	if (events & SUPPLY_EVENT_LOW)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_WARNED, JOURNAL_FIELDS({"ROOM", name}),
			    "room %s: balance %s is low", name, balance);
	if (events & SUPPLY_EVENT_NOTICE)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_WARNED, JOURNAL_FIELDS({"ROOM", name}),
			    "room %s: balance %s; cut announced, in %lld s at the earliest", name,
			    balance,
			    (long long)((room->answer.earliest_us - station->now.us) / 1000000));
	if (events & SUPPLY_EVENT_CUT)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_CUT, JOURNAL_FIELDS({"ROOM", name}),
			    "room %s: cut for money; balance %s", name, balance);
	if (events & SUPPLY_EVENT_RESTORE)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_RESTORED, JOURNAL_FIELDS({"ROOM", name}),
			    "room %s: restored; balance %s", name, balance);
	if (events & SUPPLY_EVENT_HOLD_BEGUN)
		station_alarm(station, ALARM_CUT_HELD, name, "balance %s; the cut is held (%s)",
			      balance, supply_hold_name(room->money.hold));
	if (events & SUPPLY_EVENT_HOLD_ENDED)
		station_alarm_clear(station, ALARM_CUT_HELD, name);
	if (events & SUPPLY_EVENT_HOLD_SPENT)
		station_alarm(station, ALARM_HOLD_SPENT, name,
			      "the hold's limit is used up; the building's choice: %s",
			      station->policy.hold_then == SUPPLY_THEN_CUT ? "cut" : "keep");
	if (!room->money.hold_spent)
		station_alarm_clear(station, ALARM_HOLD_SPENT, name);
}

/* What the money layer, and never-cut, wish of each supply. */
static void spread_wish(struct station *station, struct station_room *room)
{
	struct supply_circuit circuits[LAYERS_SUPPLIES_MAX];
	enum supply_wish wishes[LAYERS_SUPPLIES_MAX];
	for (size_t i = 0; i < room->supply_count; i++)
		circuits[i] = (struct supply_circuit){
			.cut_order = room->supplies[i]->record.cut_order,
			.may_cut = room->supplies[i]->record.may_cut};
	supply_money_wishes(&room->money, circuits, room->supply_count,
			    station->config->policy.stage_s * 1000000, wishes);
	for (size_t i = 0; i < room->supply_count; i++) {
		struct layers *layers = &room->supplies[i]->layers;
		layers->wish[LAYER_MONEY] = wishes[i];
		layers->wish[LAYER_KEEP] = circuits[i].may_cut ? SUPPLY_NO_WISH : SUPPLY_ON;
	}
}

/* Running time since this long is kept: a restart makes a notice or hold at most that much longer. */
static int64_t keep_after_us(const struct supply_money *money)
{
	if (money->cut)
		return INT64_MAX;
	if (money->hold != SUPPLY_HOLD_NONE)
		return KEEP_HOLD_US;
	return money->noticed ? KEEP_NOTICE_US : INT64_MAX;
}

/* S8: nothing is decided without facts since the start. The last settlement is hours old: by it alone a
 * notice and a hold would be taken back at every start. A meter that stays silent is not waited for. */
bool station_room_known(const struct station *station, const struct station_room *room)
{
	bool waited = station->now.us - station->started_us >
		      station->config->policy.stale_s * 1000000;
	for (size_t i = 0; i < room->supply_count && !waited; i++)
		if (room->supplies[i]->meter != NULL && !room->supplies[i]->judged)
			return false;
	return true;
}

void station_review(struct station *station, struct station_room *room)
{
	/* A store that fails keeps no decision: nothing is cut, nothing is promised. */
	if (station->store_failing)
		return;

	station_credit_review(station, room);
	room->cost_nano_per_h = cost_per_h(station, room);
	const struct supply_policy policy = station_policy(station, room);
	struct supply_facts facts = station_facts(station, room);
	if (room->money.evaluated ||
	    (facts.evidence != SUPPLY_EVIDENCE_NONE && station_room_known(station, room))) {
		facts.cuts_held = station_cuts_held(station, room, &facts);
		const struct supply_money before = room->money;
		const struct ledger_credit credit = room->credit;
		room->answer = supply_step(&room->money, &policy, &facts, &station->now);
		bool keep = room->answer.events != 0 ||
			    station->now.us - room->money_kept_us > keep_after_us(&room->money);
		if (keep && tell(station, room) < 0) {
			room->money = before;
			room->credit = credit;
			room->answer.events = 0;
			return;
		}
		if (room->answer.events != 0)
			say(station, room);
		station_urgency(station, room, &facts);
		station_warn(station, room);
	}
	spread_wish(station, room);
	for (size_t i = 0; i < room->supply_count; i++)
		station_relay_review(station, room->supplies[i]);
	station_room_status(station, room);
}
