#include "tests/fault/story_judge.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_event.h"
#include "concentrator/station_figures.h"
#include "concentrator/station_money.h"
#include "tests/fault/raw_ledger.h"

#define TOLD_MINUTES 8 /* at most */

void judge_note(const struct story *story, struct acknowledged *ret)
{
	struct ledger *ledger = story->site->ledger;
	struct ledger_outbox outbox;
	struct ledger_totals totals;
	struct ledger_meta meta;

	ledger_meta_get(ledger, &meta);
	if (ledger_totals_get(ledger, 0, &totals) < 0 || ledger_outbox_get(ledger, &outbox) < 0)
		branch_end(VERDICT_CORRUPT, "no totals after a commit");
	ret->entries = totals.entries;
	ret->events = outbox.last;
	memcpy(ret->head, meta.head, sizeof(ret->head));
}

static void judge_head(sqlite3_stmt *row, void *userdata)
{
	const struct acknowledged *acknowledged = userdata;

	if (memcmp(sqlite3_column_blob(row, 0), acknowledged->head, 32) != 0)
		branch_end(VERDICT_CORRUPT, "entry %lld is another one",
			   (long long)acknowledged->entries);
}

void judge_kept(const struct acknowledged *acknowledged)
{
	struct acknowledged copy = *acknowledged;
	char sql[128];

	if (raw_number("SELECT max(seq) FROM entry") < copy.entries ||
	    raw_number("SELECT max(seq) FROM event") < copy.events)
		branch_end(VERDICT_LOST, "%lld entries and %lld events were acknowledged",
			   (long long)copy.entries, (long long)copy.events);
	(void)snprintf(sql, sizeof(sql), "SELECT hash FROM entry WHERE seq = %lld",
		       (long long)copy.entries);
	raw_each(sql, judge_head, &copy);
}

struct relays_seen judge_look(const struct story *story)
{
	const struct played_building *building = &story->site->building;
	struct relays_seen seen = {.writes = {0}};

	for (size_t i = 0; i < building->meters; i++) {
		seen.closed[i] = building->meter[i].closed;
		seen.writes[i] = building->meter[i].relay_writes;
		seen.stand[i] = story->stand[i];
	}
	return seen;
}

static size_t meter_of(const struct station_supply *supply)
{
	return (size_t)supply->record.relay.address - 1;
}

void judge_moves(const struct story *story, struct relays_seen *before)
{
	const struct station *station = story->site->building.station;
	struct relays_seen now = judge_look(story);

	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		const struct station_room *room = supply->room;
		size_t meter = meter_of(supply);
		/* People may have asked for the one before and for the other since. */
		bool maybe = story->stand[meter] == STAND_MAYBE ||
			     story->stand[meter] != before->stand[meter];
		bool off = story->stand[meter] == STAND_OFF || story->by_hand[meter];

		if (now.writes[meter] == before->writes[meter])
			continue;
		if (now.closed[meter] && !maybe &&
		    (off || room->live_nano < -STORY_SMALL_NANO - judge_line_nano(story, room)))
			branch_end(VERDICT_CORRUPT, "room %s %s was closed; balance %lld, off %d",
				   room->record.name, supply->record.circuit,
				   (long long)room->live_nano, off);
		if (!now.closed[meter] && !maybe && !off && room->live_nano > STORY_SMALL_NANO &&
		    !room->record.vacant)
			branch_end(VERDICT_CORRUPT, "room %s %s was opened; balance %lld",
				   room->record.name, supply->record.circuit,
				   (long long)room->live_nano);
	}
	*before = now;
}

static void judge_restores(const struct story *story)
{
	const struct station *station = story->site->building.station;

	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		const struct station_room *room = supply->room;
		size_t meter = meter_of(supply);

		if (story->stand[meter] == STAND_MAYBE)
			continue;
		if (supply->relay_state.armed && !story->by_hand[meter])
			branch_end(VERDICT_CORRUPT,
				   "room %s %s: our own cut is taken for a stranger's",
				   room->record.name, supply->record.circuit);
		if (!story->site->building.meter[meter].closed &&
		    story->stand[meter] == STAND_FREE && !story->by_hand[meter] &&
		    room->live_nano > STORY_SMALL_NANO)
			branch_end(VERDICT_CORRUPT, "room %s %s has credit (%lld) and no power",
				   room->record.name, supply->record.circuit,
				   (long long)room->live_nano);
	}
}

static void judge_registers(const struct story *story)
{
	const struct station *station = story->site->building.station;

	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		int64_t shown_wh = played_register_wh(
			&story->site->building.meter[meter_of(supply)]);

		if (supply->quarantine_id == 0 && supply->life.id != 0 &&
		    supply->life.settled_wh != shown_wh)
			branch_end(VERDICT_CORRUPT, "room %s %s: settled %lld Wh, shown %lld",
				   supply->room->record.name, supply->record.circuit,
				   (long long)supply->life.settled_wh, (long long)shown_wh);
	}
	int64_t final_wh = raw_number(
		"SELECT max(e.to_wh) FROM entry e JOIN life l ON l.id = e.life_id "
		"JOIN supply s ON s.point_id = l.point_id JOIN room r ON r.id = s.room_id "
		"WHERE r.name = '104' AND l.ended_s IS NOT NULL");
	if (final_wh != 0 && final_wh != story->old_final_wh)
		branch_end(VERDICT_CORRUPT, "the old meter of 104 ended at %lld Wh, not at %lld",
			   (long long)final_wh, (long long)story->old_final_wh);
}

struct prices {
	size_t count;
	struct {
		int64_t from_s;
		int64_t price[MEDIUM_COUNT];
	} of[8];
};

static void keep_price(sqlite3_stmt *row, void *userdata)
{
	struct prices *prices = userdata;

	if (prices->count == sizeof(prices->of) / sizeof(prices->of[0]))
		branch_end(VERDICT_DOUBLED, "more tariffs than were ever applied");
	prices->of[prices->count].from_s = sqlite3_column_int64(row, 0);
	for (int medium = 0; medium < MEDIUM_COUNT; medium++)
		prices->of[prices->count].price[medium] = story_price(
			(const char *)sqlite3_column_text(row, 1), (enum medium)medium);
	prices->count++;
}

/* Was the price in force at some time of it, or within a minute? */
static bool in_force(const struct prices *prices, size_t i, int64_t from_s, int64_t to_s)
{
	bool over = i + 1 < prices->count && prices->of[i + 1].from_s < from_s - 60;

	return prices->of[i].from_s <= to_s + 60 && !over;
}

/* Was this the price then? dear: it may not be the cheapest of that time. */
static bool is_price(const struct prices *prices, int64_t medium, int64_t price, int64_t from_s,
		     int64_t to_s, bool dear)
{
	bool found = false;

	for (size_t i = 0; i < prices->count; i++) {
		/* What changed within a minute of its ends may be in or out. */
		bool within = from_s + 120 < to_s && in_force(prices, i, from_s + 120, to_s - 120);

		found = found ||
			(prices->of[i].price[medium] == price && in_force(prices, i, from_s, to_s));
		if (!dear && within && prices->of[i].price[medium] < price)
			return false;
	}
	return found;
}

static void judge_price(sqlite3_stmt *row, void *userdata)
{
	int64_t seq = sqlite3_column_int64(row, 0), wh = sqlite3_column_int64(row, 1);
	int64_t nano = sqlite3_column_int64(row, 2), price = sqlite3_column_int64(row, 3);
	int64_t kind = sqlite3_column_int64(row, 4);
	int64_t from_s = sqlite3_column_int64(row, 5), to_s = sqlite3_column_int64(row, 6);
	int64_t medium = sqlite3_column_int64(row, 7);
	bool untimed = sqlite3_column_int64(row, 8) & ENTRY_UNTIMED;
	/* M7: what began in another boot, at a time that nobody knew, costs the least that it can: nothing,
	 * where it may be from before the first price. */
	if (kind == ENTRY_CHARGE && from_s == 0 && price == 0)
		return;
	int64_t middle_s = from_s == 0 ? to_s : to_s == 0 ? from_s : (from_s + to_s) / 2;

	if (nano != (kind == ENTRY_CHARGE ? -wh * price : 0))
		branch_end(VERDICT_CORRUPT, "entry %lld: %lld Wh at %lld are not %lld",
			   (long long)seq, (long long)wh, (long long)price, (long long)nano);
	/* M7: whose time is not known costs the least of the gap that it is in. */
	bool gap = untimed && from_s != 0 && to_s != 0;
	if (kind == ENTRY_CHARGE && middle_s != 0 &&
	    !is_price(userdata, medium, price, gap ? from_s : middle_s, gap ? to_s : middle_s,
		      !gap))
		branch_end(VERDICT_CORRUPT, "entry %lld: %lld was not the price at %lld",
			   (long long)seq, (long long)price, (long long)middle_s);
}

static void judge_charges(void)
{
	struct prices prices = {0};

	raw_each("SELECT activation_s, name FROM tariff ORDER BY activation_s", keep_price,
		 &prices);
	raw_each("SELECT seq, energy_wh, amount_nano, price_micro_per_kwh, kind, from_s, to_s, "
		 "medium, entry.flags FROM entry JOIN life ON life.id = life_id WHERE kind IN (5, "
		 "6, 7, 8) AND "
		 "energy_wh > 0",
		 judge_price, &prices);
}

struct credits {
	const struct story *story;
	int64_t found[32];
	int64_t receipts[32];
};

static size_t order_of(const char *mrid)
{
	size_t count;
	const struct story_order *orders = story_orders(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(orders[i].mrid, mrid) == 0)
			return i;
	return count;
}

static void judge_credit(sqlite3_stmt *row, void *userdata)
{
	struct credits *credits = userdata;
	const char *mrid = (const char *)sqlite3_column_text(row, 0);
	int64_t nano = sqlite3_column_int64(row, 1);
	size_t count, order = order_of(mrid);
	const struct story_order *orders = story_orders(&count);

	/* Receipts of people: judge_terms(). */
	if (strncmp(mrid, "cash:", 5) == 0 || strncmp(mrid, "subsidy:", 8) == 0)
		return;
	if (order == count ||
	    (strcmp(orders[order].result, "applied") != 0 &&
	     orders[order].kind != STORY_ACCEPTED) ||
	    nano != orders[order].minor * 10000000)
		branch_end(VERDICT_CORRUPT, "order %s brought %lld", mrid, (long long)nano);
	if (++credits->found[order] > 1)
		branch_end(VERDICT_DOUBLED, "order %s was credited twice", mrid);
}

static void judge_receipt(sqlite3_stmt *row, void *userdata)
{
	struct credits *credits = userdata;
	const char *mrid = (const char *)sqlite3_column_text(row, 0);
	size_t count, order = order_of(mrid);

	(void)story_orders(&count);
	if (order == count)
		branch_end(VERDICT_CORRUPT, "a receipt for %s", mrid);
	if (++credits->receipts[order] > 1)
		branch_end(VERDICT_DOUBLED, "order %s has two receipts", mrid);
}

static void judge_orders(const struct story *story)
{
	struct credits credits = {.story = story};
	size_t count;
	const struct story_order *orders = story_orders(&count);

	raw_each("SELECT order_id, amount_nano FROM entry WHERE kind IN (2, 3, 4)", judge_credit,
		 &credits);
	raw_each("SELECT json_extract(body, '$.mRID') FROM event WHERE type = 'receipt' AND "
		 "json_extract(body, '$.result') = 'applied'",
		 judge_receipt, &credits);
	for (size_t i = 0; i < count; i++) {
		bool due = strcmp(orders[i].result, "applied") == 0 && i < story->sent;

		if (due && (credits.found[i] == 0 || credits.receipts[i] == 0))
			branch_end(VERDICT_LOST, "order %s was answered and is not there",
				   orders[i].mrid);
		if (credits.found[i] != credits.receipts[i])
			branch_end(VERDICT_CORRUPT, "order %s: %lld credits, %lld receipts",
				   orders[i].mrid, (long long)credits.found[i],
				   (long long)credits.receipts[i]);
	}
	if (raw_number("SELECT count(*) FROM (SELECT 1 FROM entry WHERE kind IN (1, 8, 9, 10, 11) "
		       "GROUP BY account_id, kind, why, flags HAVING count(*) > 1)") > 0)
		branch_end(VERDICT_DOUBLED, "what a person asked for once was done twice");
}

static void judge_replay(struct story *story)
{
	struct ledger_totals before, after;

	if (ledger_totals_get(story->site->ledger, 0, &before) < 0)
		branch_end(VERDICT_CORRUPT, "no totals");
	if (story_bring_again(story) > 0)
		branch_end(VERDICT_DOUBLED, "an order is not known any more");
	if (ledger_totals_get(story->site->ledger, 0, &after) < 0 ||
	    before.balance_nano != after.balance_nano || before.entries != after.entries)
		branch_end(VERDICT_DOUBLED, "a replay changed the accounts");
}

/* Has every meter, but those that are silent, said since the last start what it is? Until then its register moves no
 * money. */
static bool all_told(const struct station *station)
{
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_device *meter = station->supplies[i]->meter;

		if (meter != NULL && meter->identity.pending &&
		    strcmp(station_device_state(station, meter), "silent") != 0 &&
		    strcmp(station_device_state(station, meter), "dead") != 0)
			return false;
	}
	return true;
}

static void settle_all(struct story *story)
{
	struct played_building *building = &story->site->building;
	struct station *station = building->station;
	int r;

	for (size_t i = 0; i < building->meters; i++)
		building->meter[i].load_w = 0;
	/* Each meter is read once a minute, and what it is in the place of that. */
	for (int minutes = 0; minutes < TOLD_MINUTES && !all_told(station); minutes++)
		played_run(building, building->now_us + MINUTE_US);
	played_run(building, building->now_us + MINUTE_US + 5000000);
	r = station_begin(station);
	for (size_t i = 0; r == 0 && i < station->room_count; i++)
		r = station_settle_room(station, station->rooms[i], "judged");
	if (r == 0)
		r = station_commit(station);
	if (r < 0)
		branch_end(VERDICT_CORRUPT, "cannot be settled: %s", strerror(-r));
}

void judge_money(struct story *story)
{
	struct ledger_verdict verdict;

	settle_all(story);
	judge_restores(story);
	judge_registers(story);
	judge_charges();
	judge_orders(story);
	judge_terms(story);
	judge_profile(story);
	judge_replay(story);
	if (ledger_verify("/ledger.db", "crash", NULL, NULL, &verdict) < 0 || !verdict.ok)
		branch_end(VERDICT_CORRUPT, "entry %lld: %s", (long long)verdict.first_bad,
			   verdict.detail);
}
