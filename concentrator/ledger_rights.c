/* ledger_rights.c - see ledger_rights.h.
 *
 * What the other tables claim is read in one transaction with the number of the last entry; then the entries up
 * to that one are read page by page, as they never change, and rows that belong to an entry were committed with it.
 */
#include "concentrator/ledger_rights.h"

#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_worth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 8192

/* Rows that say which entry made them. */
enum claim { CLAIM_ORDER, CLAIM_CASH, CLAIM_DATED, CLAIMS };

static const struct {
	const char *table;
	/* How many rows name an entry up to ?1. */
	const char *count;
	/* The row of entry ?1, of account ?2, whose order is ?3, of the event's rule ?4 and day ?5; nothing
	 * where it is missing or says otherwise. ?6 is the entry's amount. */
	const char *row;
} claims[CLAIMS] = {
	[CLAIM_ORDER] = {"orders", "SELECT count(*) FROM orders WHERE entry_seq <= ?",
			 "SELECT 1 FROM orders WHERE mrid = ?3 AND entry_seq = ?1 AND account_id = "
			 "?2 AND result = 'applied' AND amount_nano = ?6"},
	[CLAIM_CASH] = {"cash", "SELECT count(*) FROM cash WHERE entry_seq <= ?",
			"SELECT 1 FROM cash WHERE entry_seq = ?1 AND account_id = ?2 AND 'cash:' "
			"|| receipt = ?3 AND amount_nano = ?6 AND (at_s, who) = (SELECT at_s, who "
			"FROM entry WHERE seq = ?1)"},
	[CLAIM_DATED] = {"dated", "SELECT count(*) FROM dated WHERE entry_seq <= ?",
			 "SELECT 1 FROM dated WHERE entry_seq = ?1 AND account_id = ?2 AND rule = "
			 "?4 AND day = ?5"},
};

struct rights {
	struct walk *walk;
	int64_t until;
	struct worth worth;
	int64_t claimed[CLAIMS]; /* rows, less the entries that have one */
	sqlite3_stmt *rows[CLAIMS];
	sqlite3_stmt *texts;
	int count; /* entries of the page */
	int error;
};

/* Is it what is left of an allowance at its end, or the end of a tenancy? */
static bool is_expiry(const struct entry *entry)
{
	enum dated_rule rule;
	int64_t day;

	return ledger_dated_read_why(entry->why, &rule, &day) && rule == DATED_EXPIRY;
}

/* Which row an entry must have; CLAIMS: none. */
static enum claim claim_of(const struct entry *entry)
{
	switch ((int)entry->kind) {
	case ENTRY_RECHARGE:
		/* A subsidy by hand is known by its entry alone. */
		return strncmp(entry->order, "subsidy:", 8) == 0 ? CLAIMS : CLAIM_ORDER;
	case ENTRY_REVERSAL:
		return CLAIM_ORDER;
	case ENTRY_CASH:
		return CLAIM_CASH;
	case ENTRY_STANDING:
	case ENTRY_MINIMUM:
	case ENTRY_ALLOWANCE:
		return CLAIM_DATED;
	case ENTRY_FORFEIT:
		return is_expiry(entry) ? CLAIM_DATED : CLAIMS;
	default:
		return CLAIMS;
	}
}

/* The rule that the entry is kept under; 0: its words name another one, or none. */
static enum dated_rule dated_rule_of(const struct entry *entry, int64_t *ret_day)
{
	static const enum entry_kind kinds[DATED_RULES] = {
		[DATED_STANDING] = ENTRY_STANDING,
		[DATED_MINIMUM] = ENTRY_MINIMUM,
		[DATED_EXPIRY] = ENTRY_FORFEIT,
		[DATED_ALLOWANCE] = ENTRY_ALLOWANCE,
	};
	enum dated_rule rule;

	return ledger_dated_read_why(entry->why, &rule, ret_day) && kinds[rule] == entry->kind
		       ? rule
		       : (enum dated_rule)0;
}

static int check_claim(struct rights *rights, const struct entry *entry)
{
	enum claim claim = claim_of(entry);
	sqlite3_stmt *stmt;
	int64_t day = 0;
	int code;

	if (claim == CLAIMS || !rights->rows[claim])
		return 0;
	stmt = rights->rows[claim];
	(void)sqlite3_bind_int64(stmt, 1, entry->seq);
	(void)sqlite3_bind_int64(stmt, 2, entry->account_id);
	if (claim == CLAIM_DATED) {
		(void)sqlite3_bind_int(stmt, 4, (int)dated_rule_of(entry, &day));
		(void)sqlite3_bind_int64(stmt, 5, day);
	} else {
		(void)sqlite3_bind_text(stmt, 3, entry->order, -1, SQLITE_TRANSIENT);
		(void)sqlite3_bind_int64(stmt, 6, entry->amount_nano);
	}
	code = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	rights->claimed[claim]--;
	if (code == SQLITE_DONE)
		return walk_bad(rights->walk, 0,
				"table %s: the row of entry %" PRId64
				" is missing, or says otherwise",
				claims[claim].table, entry->seq);
	return store_errno(rights->walk->db, code);
}

static void copy_text(sqlite3_stmt *stmt, int column, char *ret, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	(void)snprintf(ret, size, "%s", text ? text : "");
}

/* Few kinds need them. */
static int read_texts(const struct rights *rights, struct entry *entry)
{
	int code = sqlite3_bind_int64(rights->texts, 1, entry->seq);

	if (code == SQLITE_OK)
		code = sqlite3_step(rights->texts);
	if (code == SQLITE_ROW) {
		entry->refers = sqlite3_column_int64(rights->texts, 0);
		copy_text(rights->texts, 1, entry->order, sizeof(entry->order));
		copy_text(rights->texts, 2, entry->who, sizeof(entry->who));
		copy_text(rights->texts, 3, entry->why, sizeof(entry->why));
	}
	(void)sqlite3_reset(rights->texts);
	return store_errno(rights->walk->db, code);
}

static int check_entry(struct rights *rights, struct entry *entry)
{
	int error = worth_credit(rights->walk, &rights->worth, entry);

	if (error < 0 || entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_TAX)
		return error;
	error = read_texts(rights, entry);
	if (error == 0 && entry->kind == ENTRY_DEBT)
		return worth_debt(rights->walk, &rights->worth, entry);
	return error < 0 ? error : check_claim(rights, entry);
}

/* right_of(): an aggregate over the entries of a page. */
static void add_entry(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct rights *rights = sqlite3_user_data(context);
	struct entry entry;

	(void)count;
	rights->count++;
	if (rights->error < 0 || !rights->walk->verdict->ok)
		return;
	entry.seq = sqlite3_value_int64(values[0]);
	entry.kind = (enum entry_kind)sqlite3_value_int(values[1]);
	entry.account_id = sqlite3_value_int64(values[2]);
	entry.amount_nano = sqlite3_value_int64(values[3]);
	entry.flags = (uint32_t)sqlite3_value_int64(values[4]);
	rights->error = check_entry(rights, &entry);
}

static void end_entries(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

static int check_pages(struct rights *rights)
{
	struct walk *walk = rights->walk;
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_create_function_v2(walk->db, "right_of", 5,
					      SQLITE_UTF8 | SQLITE_DIRECTONLY, rights, NULL,
					      add_entry, end_entries, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(
			walk->db,
			"SELECT right_of(seq, kind, account_id, amount_nano, "
			"flags) FROM entry NOT INDEXED WHERE seq > ? AND seq <= ?",
			-1, &stmt, NULL);
	error = store_errno(walk->db, code);
	for (int64_t after = 0; error == 0 && walk->verdict->ok && after < rights->until;
	     after += PAGE) {
		(void)sqlite3_bind_int64(stmt, 1, after);
		(void)sqlite3_bind_int64(
			stmt, 2, rights->until - after > PAGE ? after + PAGE : rights->until);
		error = store_errno(walk->db, sqlite3_step(stmt));
		(void)sqlite3_reset(stmt);
		if (error == 0)
			error = rights->error;
		if (error == 0 && walk_tick(walk))
			error = -ECANCELED;
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

/* What the last entries leave. */
static int check_rest(struct rights *rights)
{
	struct walk *walk = rights->walk;
	int error = worth_check(walk, &rights->worth);

	for (size_t i = 0; error == 0 && walk->verdict->ok && i < CLAIMS; i++)
		if (rights->claimed[i] != 0)
			error = walk_bad(walk, 0,
					 "table %s: %" PRId64
					 " rows more name an entry than there are such entries",
					 claims[i].table, rights->claimed[i]);
	return error;
}

static int count_claims(struct rights *rights, enum claim claim)
{
	struct walk *walk = rights->walk;
	sqlite3_stmt *stmt = NULL;
	bool there;
	int code, error = walk_has_table(walk, claims[claim].table, &there);

	if (error < 0 || !there)
		return error;
	code = sqlite3_prepare_v2(walk->db, claims[claim].count, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, rights->until);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		rights->claimed[claim] = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	if (code == SQLITE_ROW)
		code = sqlite3_prepare_v2(walk->db, claims[claim].row, -1, &rights->rows[claim],
					  NULL);
	return store_errno(walk->db, code);
}

/* In one transaction: what is said, and up to which entry it is said. */
static int load(struct rights *rights)
{
	struct walk *walk = rights->walk;
	int64_t restored = 0;
	int error = walk_integer(walk, "SELECT coalesce(max(seq), 0) FROM entry", &rights->until);

	if (error == 0)
		error = walk_integer(walk, LEDGER_RESTORED, &restored);
	if (error == 0)
		error = worth_load(walk, rights->until, restored > 0, &rights->worth);
	for (int i = 0; error == 0 && i < CLAIMS; i++)
		error = count_claims(rights, (enum claim)i);
	if (error == 0)
		error = store_errno(
			walk->db,
			sqlite3_prepare_v2(walk->db,
					   "SELECT refers, order_id, who, why FROM entry WHERE seq "
					   "= ?",
					   -1, &rights->texts, NULL));
	return error;
}

int rights_check(struct walk *walk)
{
	struct rights rights = {.walk = walk};
	int error = walk_begin(walk);

	if (error == 0)
		error = walk_end(walk, load(&rights));
	if (error == 0)
		error = check_pages(&rights);
	if (error == 0 && walk->verdict->ok)
		error = check_rest(&rights);
	for (int i = 0; i < CLAIMS; i++)
		(void)sqlite3_finalize(rights.rows[i]);
	(void)sqlite3_finalize(rights.texts);
	worth_clear(&rights.worth);
	return error;
}
