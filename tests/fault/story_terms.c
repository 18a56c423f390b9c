/* story_terms.c - what the tariff's terms, credits, debts and people's words must have left. See story_judge.h.
 *
 * The numbers are those of station_story.h; the arithmetic is here once more, or in SQL.
 */
#include "tests/fault/story_judge.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_snapshot.h"
#include "tests/fault/raw_ledger.h"

#define TEXT_OF(x)    #x
#define TEXT(x)       TEXT_OF(x)
#define LAST_DAY      20604 /* 31 May 2026, counted from 1970 */
#define DATED_MIN     125   /* by then the night's events are done */
#define EMERGENCY_MIN 118
#define FREEZE_MIN    140
#define RECENT_S      180 /* what is younger may be under way */
#define ACCOUNTS_MAX  64

_Static_assert((LAST_DAY + 1) * CALENDAR_DAY_S - 8 * 3600 == STORY_MIDNIGHT_S, "the same midnight");

static long long number(sqlite3_stmt *row, int column)
{
	return (long long)sqlite3_column_int64(row, column);
}

static bool was_asked(const struct story *story, const char *args)
{
	for (size_t i = 0; i < story_steps(); i++) {
		struct story_trace trace = story_trace(story, i);

		if (trace.args != NULL && strstr(trace.args, args) != NULL)
			return trace.answered || trace.doubt;
	}
	return false;
}

int64_t judge_line_nano(const struct story *story, const struct station_room *room)
{
	if (strcmp(room->record.name, "110") == 0 && was_asked(story, "'asks for it'"))
		return STORY_EMERGENCY_MINOR * INT64_C(10000000);
	if (strcmp(room->record.name, "101") == 0 && was_asked(story, "'limit'"))
		return INT64_C(3000000000);
	return 0;
}

/* What people asked for is there once it was answered, never twice, and not before. */
static void judge_words(const struct story *story)
{
	for (size_t i = 0; i < story_steps(); i++) {
		struct story_trace trace = story_trace(story, i);
		int64_t count = trace.sql == NULL ? 0 : raw_number(trace.sql);

		if (trace.sql == NULL)
			continue;
		if (trace.answered && count == 0)
			branch_end(VERDICT_LOST, "it was answered and is not there: %s",
				   trace.args);
		if (count > 1)
			branch_end(VERDICT_DOUBLED, "done %lld times: %s", (long long)count,
				   trace.args);
		if (!trace.answered && !trace.doubt && count > 0)
			branch_end(VERDICT_CORRUPT, "nobody asked for it yet: %s", trace.args);
	}
}

/* Of the accounts that somebody lived in at midnight: since when. */
#define AT_MIDNIGHT                                                                                \
	"WITH lived(account_id, name, since_s) AS (SELECT a.id, r.name, "                          \
	"coalesce(t.from_s, a.opened_s) FROM account a JOIN room r ON r.id = a.room_id LEFT JOIN " \
	"tenancy t ON t.account_id = a.id AND t.from_s < 1780243200 AND (t.to_s IS NULL OR "       \
	"t.to_s >= 1780243200) "                                                                   \
	"WHERE a.opened_s < 1780243200 AND (a.closed_s IS NULL OR a.closed_s >= 1780243200) AND "  \
	"(t.id NOT NULL "                                                                          \
	"OR NOT EXISTS (SELECT 1 FROM tenancy u WHERE u.account_id = a.id AND u.from_s < "         \
	"1780243200))) "

struct dated {
	bool over;   /* the night's events must be there */
	bool frozen; /* and the freezes */
};

/* The day that ended: as an entry, or as a debt where emergency credit was in use. A tenant who comes from another
 * room brings its key along. */
static void judge_standing(sqlite3_stmt *row, void *userdata)
{
	const struct dated *dated = userdata;
	const char *room = (const char *)sqlite3_column_text(row, 0);
	long long entries = number(row, 1), exact = number(row, 2), debts = number(row, 3);
	long long keys = number(row, 4);
	bool lived = number(row, 5) > 0;

	if (entries + debts > 1)
		branch_end(VERDICT_DOUBLED, "room %s: the day is charged %lld times", room,
			   entries + debts);
	if (entries != exact || keys != entries + debts || (!lived && keys > 0))
		branch_end(VERDICT_CORRUPT, "room %s: %lld standing charges, %lld right, %lld keys",
			   room, entries, exact, keys);
	if (dated->over && lived && keys == 0)
		branch_end(VERDICT_LOST, "room %s: the day is not charged", room);
}

/* What begins and ends with the day, of each who lived there. */
static void judge_night(sqlite3_stmt *row, void *userdata)
{
	const struct dated *dated = userdata;
	const char *room = (const char *)sqlite3_column_text(row, 0);
	static const char *const names[] = {"minimum", "expiry", "allowance"};

	for (int i = 0; i < 3 && dated->over; i++)
		if (number(row, 1 + i) != 1)
			branch_end(number(row, 1 + i) == 0 ? VERDICT_LOST : VERDICT_DOUBLED,
				   "room %s: %s of the night %lld times", room, names[i],
				   number(row, 1 + i));
	if (dated->over && number(row, 4) == 0 && number(row, 5) < STORY_MINIMUM_NANO)
		branch_end(VERDICT_LOST, "room %s: no minimum, and %lld spent", room,
			   number(row, 5));
}

static void judge_wrong(sqlite3_stmt *row, void *userdata)
{
	branch_end(VERDICT_CORRUPT, "entry %lld: %lld for %s, it should be %lld", number(row, 0),
		   number(row, 1), (const char *)userdata, number(row, 2));
}

static void judge_twice(sqlite3_stmt *row, void *userdata)
{
	branch_end(VERDICT_DOUBLED, "account %lld: %lld entries of the same %s", number(row, 0),
		   number(row, 1), (const char *)userdata);
}

static void judge_missing(sqlite3_stmt *row, void *userdata)
{
	branch_end(VERDICT_LOST, "account %lld: no %s", number(row, 0), (const char *)userdata);
}

/* Charges of electricity: a minimum is of these alone. */
#define OF_ENERGY "kind = 5 AND life_id IN (SELECT id FROM life WHERE medium = 0)"
#define MIDNIGHT  "1780243200"
#define DAY_BEGIN "1780156800"
_Static_assert(STORY_MIDNIGHT_S == 1780243200, "as the SQL says");

static void judge_dated(const struct story *story, const struct dated *dated)
{
	char sql[1024];
	int64_t now_s = story->site->building.base_s + story->site->building.now_us / 1000000;

	raw_each(AT_MIDNIGHT
		 "SELECT r.name, (SELECT count(*) FROM entry e WHERE e.account_id = a.id AND kind "
		 "= 12), (SELECT count(*) FROM entry e WHERE e.account_id = a.id AND kind = 12 "
		 "AND amount_nano = -120000000 AND from_s = " DAY_BEGIN " AND to_s = " MIDNIGHT
		 "), (SELECT count(*) FROM debt d WHERE d.account_id = a.id AND d.name = "
		 "'standing charge of 2026-05-31' AND d.total_nano = 135999960), (SELECT count(*) "
		 "FROM dated WHERE account_id = a.id AND rule = 1 AND by <> 'transfer'), (SELECT "
		 "count(*) FROM lived "
		 "WHERE account_id = a.id) FROM account a JOIN room r ON r.id = a.room_id",
		 judge_standing, (void *)(uintptr_t)dated);
	raw_each(AT_MIDNIGHT
		 "SELECT name, (SELECT count(*) FROM dated d WHERE d.account_id = "
		 "lived.account_id AND rule = 2 AND day = 20604 AND opened_s = since_s), (SELECT "
		 "count(*) FROM dated d WHERE d.account_id = lived.account_id AND rule = 3 AND "
		 "day = 20605 AND opened_s = since_s), (SELECT count(*) FROM dated d JOIN entry e "
		 "ON e.seq = d.entry_seq WHERE d.account_id = lived.account_id AND rule = 4 AND "
		 "day = 20605 AND opened_s = since_s AND e.kind = 16), (SELECT count(entry_seq) "
		 "FROM dated d WHERE d.account_id = lived.account_id AND rule = 2 AND day = 20604 "
		 "AND opened_s = since_s), (SELECT coalesce(-sum(amount_nano), 0) FROM entry e "
		 "WHERE e.account_id = lived.account_id AND " OF_ENERGY
		 " AND from_s BETWEEN " DAY_BEGIN " AND " MIDNIGHT " - 1) FROM lived",
		 judge_night, (void *)(uintptr_t)dated);
	/* M9: one key, one entry. */
	raw_each("SELECT account_id, count(*) FROM entry WHERE kind IN (12, 16, 17) OR (kind = 14 "
		 "AND why LIKE 'allowance left on %') GROUP BY account_id HAVING count(*) > "
		 "(SELECT count(entry_seq) "
		 "FROM dated d WHERE d.account_id = entry.account_id)",
		 judge_twice, (void *)(uintptr_t) "dated event");
	raw_each("SELECT e.seq, e.amount_nano, 200000000 * coalesce((SELECT persons FROM persons p "
		 "WHERE p.account_id = e.account_id AND p.from_s <= max(d.opened_s, d.day * 86400 "
		 "- 28800) ORDER BY p.id DESC LIMIT 1), 1) AS due FROM dated d JOIN entry e ON "
		 "e.seq = d.entry_seq WHERE d.rule = 4 AND e.amount_nano <> due",
		 judge_wrong, (void *)(uintptr_t) "an allowance");
	raw_each("SELECT e.seq, e.amount_nano, -300000000 - coalesce((SELECT sum(c.amount_nano) "
		 "FROM entry c WHERE c.account_id = e.account_id AND " OF_ENERGY
		 " AND c.seq < e.seq AND c.from_s >= e.from_s AND c.from_s < e.to_s), 0) + "
		 "coalesce((SELECT s.minimum_nano FROM stay s JOIN tenancy t ON t.id = "
		 "s.tenancy_id WHERE t.account_id = e.account_id AND s.minimum_from_s = "
		 "e.from_s), 0) AS due "
		 "FROM entry e WHERE "
		 "e.kind = 17 AND e.amount_nano <> due",
		 judge_wrong, (void *)(uintptr_t) "a minimum charge");
	/* Who lives there now has been given something for today. */
	(void)snprintf(sql, sizeof(sql),
		       "SELECT a.id FROM account a LEFT JOIN tenancy t ON t.account_id = a.id AND "
		       "t.to_s IS NULL WHERE a.closed_s IS NULL AND coalesce(t.from_s, a.opened_s) "
		       "< %lld AND (t.id NOT NULL OR NOT EXISTS (SELECT 1 FROM tenancy u WHERE "
		       "u.account_id = a.id)) AND NOT EXISTS (SELECT 1 FROM dated d WHERE "
		       "d.account_id = a.id AND rule = 4 AND d.opened_s = coalesce(t.from_s, "
		       "a.opened_s))",
		       (long long)now_s - RECENT_S);
	raw_each(sql, judge_missing, (void *)(uintptr_t) "allowance");
}

static void judge_tax(void)
{
	raw_each("SELECT max(seq), sum(amount_nano) FILTER (WHERE kind = 13), -((-sum(amount_nano) "
		 "FILTER (WHERE kind IN (5, 12, 17))) * " TEXT(
			 STORY_TAX_PPM) " / 1000000) AS due FROM entry WHERE kind IN (5, 12, 13, "
					"17) GROUP BY account_id "
					"HAVING coalesce(sum(amount_nano) FILTER (WHERE kind = "
					"13), 0) <> coalesce(due, "
					"0)",
		 judge_wrong, (void *)(uintptr_t) "the tax on all charges before it");
}

/* rules/credit.h once more: what is not paid, counted through all entries of an account. */
struct purse {
	const struct story *story;
	int64_t account;
	int64_t balance;
	int64_t allowance;
	int64_t subsidy;
};

static int64_t take(int64_t *from, int64_t nano)
{
	int64_t part = *from < nano ? *from : nano;

	*from -= part;
	return nano - part;
}

static void end_account(const struct purse *purse)
{
	const struct station *station = purse->story->site->building.station;

	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];

		if (room->record.account_id == purse->account &&
		    (room->credit.allowance_nano != purse->allowance ||
		     room->credit.subsidy_nano != purse->subsidy))
			branch_end(VERDICT_CORRUPT,
				   "room %s: %lld of an allowance and %lld of a subsidy; the "
				   "entries say %lld and %lld",
				   room->record.name, (long long)room->credit.allowance_nano,
				   (long long)room->credit.subsidy_nano,
				   (long long)purse->allowance, (long long)purse->subsidy);
	}
}

static void count_credit(sqlite3_stmt *row, void *userdata)
{
	struct purse *purse = userdata;
	int64_t account = sqlite3_column_int64(row, 0), nano = sqlite3_column_int64(row, 2);
	int64_t kind = sqlite3_column_int64(row, 3), flags = sqlite3_column_int64(row, 4);
	bool back = kind == ENTRY_REVERSAL || kind == ENTRY_FORFEIT || kind == ENTRY_CLOSING ||
		    kind == ENTRY_ROUNDING || kind == ENTRY_DEBT;

	if (account != purse->account) {
		end_account(purse);
		*purse = (struct purse){.story = purse->story, .account = account};
	}
	int64_t *held = flags & ENTRY_OF_ALLOWANCE ? &purse->allowance
			: flags & ENTRY_OF_SUBSIDY ? &purse->subsidy
						   : NULL;
	int64_t paid = purse->balance - purse->allowance - purse->subsidy;
	int64_t rest = -nano;

	if (nano > 0 && held != NULL)
		*held += purse->balance >= 0         ? nano
			 : nano + purse->balance > 0 ? nano + purse->balance
						     : 0;
	if (rest > 0 && back && held != NULL)
		rest = take(held, rest);
	else if (rest > 0 && back && paid > 0)
		rest = take(&paid, rest);
	if (rest > 0)
		(void)take(&purse->subsidy, take(&purse->allowance, rest));
	purse->balance += nano;
	if (kind == ENTRY_FORFEIT && held != NULL && *held != 0)
		branch_end(VERDICT_CORRUPT, "entry %lld: %lld are left of what ended",
			   number(row, 1), (long long)*held);
}

static void judge_credits(const struct story *story)
{
	struct purse purse = {.story = story};

	raw_each("SELECT account_id, seq, amount_nano, kind, flags FROM entry ORDER BY account_id, "
		 "seq",
		 count_credit, &purse);
	end_account(&purse);
}

/* From the word of a person on the line stands, until it is repaid. */
static void judge_emergency(const struct story *story)
{
	bool answered = false;

	for (size_t i = 0; i < story_steps(); i++) {
		struct story_trace trace = story_trace(story, i);

		if (trace.args != NULL && strstr(trace.args, "'asks for it'") != NULL)
			answered = trace.answered;
	}
	/* What the new day gives may repay it. */
	if (answered && story_now(story) < EMERGENCY_MIN &&
	    raw_number("SELECT c.emergency FROM credit c JOIN account a ON a.id = c.account_id "
		       "JOIN room r ON r.id = a.room_id WHERE r.name = '110'") == 0)
		branch_end(VERDICT_LOST, "the emergency credit of room 110 is gone");
}

static void judge_debt_sum(sqlite3_stmt *row, void *userdata)
{
	(void)userdata;
	branch_end(VERDICT_CORRUPT, "debt %s: %lld were taken, %lld of %lld are left",
		   (const char *)sqlite3_column_text(row, 0), number(row, 1), number(row, 2),
		   number(row, 3));
}

static void judge_payment(sqlite3_stmt *row, void *userdata)
{
	(void)userdata;
	branch_end(VERDICT_CORRUPT, "entry %lld: paid from entry %lld, which is no recharge of it",
		   number(row, 0), number(row, 1));
}

/* What must have been taken of each debt: by the midnight, or from an order. */
static const struct {
	const char *name;
	const char *order; /* NULL: at midnight */
	int64_t nano;
} payments[] = {
	{"deposit", "r-13", INT64_C(2750000000)}, {"heater", NULL, INT64_C(1500000000)},
	{"loan", NULL, INT64_C(2000000000)},      {"stove", NULL, INT64_C(3000000000)},
	{"course", NULL, INT64_C(3333333333)},    {"key", "r-15", INT64_C(7000000000)},
	{"fine", "r-12", INT64_C(500000000)},     {"mistake", NULL, 0},
};

static void judge_debts(const struct dated *dated)
{
	raw_each("SELECT d.name, (SELECT coalesce(-sum(amount_nano), 0) FROM entry e WHERE "
		 "e.order_id = 'debt:' || d.id) AS taken, left_nano, total_nano FROM debt d WHERE "
		 "taken + left_nano <> total_nano AND NOT (ended_by IS 'li' AND left_nano = 0 AND "
		 "taken < total_nano)",
		 judge_debt_sum, NULL);
	raw_each("SELECT e.seq, e.refers FROM entry e LEFT JOIN entry p ON p.seq = e.refers WHERE "
		 "e.kind = 15 AND e.refers IS NOT NULL AND (p.seq IS NULL OR p.kind NOT IN (2, 4) "
		 "OR p.account_id <> e.account_id OR p.amount_nano < -e.amount_nano)",
		 judge_payment, NULL);
	for (size_t i = 0; i < sizeof(payments) / sizeof(payments[0]); i++) {
		const char *name = payments[i].name, *order = payments[i].order;
		char sql[256];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT -sum(amount_nano) FROM entry WHERE order_id = (SELECT "
			       "'debt:' || id FROM debt WHERE name = '%s')",
			       name);
		int64_t taken = raw_number(sql);
		/* Without the date no share is taken. */
		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*) FROM entry WHERE order_id = '%s' AND (at_trusted "
			       "OR '%s' <> 'r-13')",
			       order != NULL ? order : "", order != NULL ? order : "");
		bool due = order != NULL ? raw_number(sql) > 0 : dated->over;

		if (taken > payments[i].nano)
			branch_end(VERDICT_DOUBLED, "debt %s: %lld were taken, not %lld", name,
				   (long long)taken, (long long)payments[i].nano);
		if (due && taken != payments[i].nano)
			branch_end(VERDICT_LOST, "debt %s: %lld were taken, not %lld", name,
				   (long long)taken, (long long)payments[i].nano);
	}
}

static void judge_frozen(sqlite3_stmt *row, void *userdata)
{
	const struct dated *dated = userdata;

	if (dated->frozen && (number(row, 1) != 1 || number(row, 2) != 1))
		branch_end(VERDICT_LOST, "supply %lld: %lld freezes of the day, %lld of the month",
			   number(row, 0), number(row, 1), number(row, 2));
}

static void judge_freeze(sqlite3_stmt *row, void *userdata)
{
	(void)userdata;
	branch_end(VERDICT_CORRUPT,
		   "supply %lld: frozen at %lld Wh and %lld; the entries until then say %lld and "
		   "%lld",
		   number(row, 0), number(row, 1), number(row, 2), number(row, 3), number(row, 4));
}

static void judge_freezes(const struct dated *dated)
{
	raw_each("SELECT s.id, (SELECT count(*) FROM freeze f WHERE f.supply_id = s.id AND NOT "
		 "monthly AND day = 20604 AND at_s = " MIDNIGHT "), (SELECT count(*) FROM freeze f "
		 "WHERE f.supply_id = s.id AND monthly AND day = 20604 AND at_s = " MIDNIGHT
		 ") FROM supply s JOIN room r ON r.id = s.room_id WHERE r.opened_s < " MIDNIGHT
		 " AND s.point_id IS NOT NULL",
		 judge_frozen, (void *)(uintptr_t)dated);
	raw_each("SELECT f.supply_id, f.total_wh, f.balance_nano, (SELECT coalesce(sum(energy_wh), "
		 "0) FROM entry e WHERE e.point_id = s.point_id AND e.seq <= f.entry_seq) AS wh, "
		 "(SELECT e.balance_nano FROM entry e JOIN account a ON a.id = e.account_id WHERE "
		 "a.room_id = s.room_id AND e.seq <= f.entry_seq ORDER BY e.seq DESC LIMIT 1) AS "
		 "nano FROM freeze f JOIN supply s ON s.id = f.supply_id WHERE wh <> f.total_wh OR "
		 "nano <> f.balance_nano",
		 judge_freeze, NULL);
}

/* M8: each says the chain and the balance as they were. */
static void judge_checkpoint(sqlite3_stmt *row, void *userdata)
{
	(void)userdata;
	branch_end(VERDICT_CORRUPT, "checkpoint %lld of %lld entries says %s, and the ledger %s",
		   number(row, 0), number(row, 1), (const char *)sqlite3_column_text(row, 2),
		   (const char *)sqlite3_column_text(row, 3));
}

static void judge_checkpoints(void)
{
	raw_each("SELECT body ->> 'checkpoint', body ->> 'entries' AS entries, (body ->> 'head') "
		 "|| ' ' || (body ->> 'balance_nano') AS told, (SELECT lower(hex(hash)) FROM "
		 "entry WHERE seq = body ->> 'entries') || ' ' || (SELECT sum(amount_nano) FROM "
		 "entry WHERE seq <= body ->> 'entries') AS true FROM event WHERE type = "
		 "'checkpoint' AND body ->> 'section' = 'head' AND true IS NOT told",
		 judge_checkpoint, NULL);
}

void judge_terms(const struct story *story)
{
	bool trusted = story->site->building.trusted;
	struct dated dated = {.over = trusted && story_now(story) >= DATED_MIN,
			      .frozen = trusted && story_now(story) >= FREEZE_MIN};
	const char *refusal = ledger_snapshot_refusal(story->site->ledger);

	if (refusal[0] != '\0')
		branch_end(VERDICT_CORRUPT, "the snapshot: %s", refusal);
	judge_words(story);
	judge_dated(story, &dated);
	judge_tax();
	judge_credits(story);
	judge_emergency(story);
	judge_debts(&dated);
	judge_freezes(&dated);
	judge_checkpoints();
}
