/* ledger_worth.c - see ledger_worth.h. */
#include "concentrator/ledger_worth.h"

#include "concentrator/rules/debt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an account's entries have come to, and what its row of credit says. */
struct purse {
	int64_t account_id;
	struct credit_purse now;
	int64_t through_seq; /* the last entry that the row counts; negative: none, or it was compared */
	int64_t allowance_nano;
	int64_t subsidy_nano;
};

struct owed {
	int64_t id;
	int64_t way;
	int64_t total_nano, left_nano, taken_nano;
	int64_t periods; /* rows of debt_period, less the entries of periods */
	bool ended;
};

static struct purse *find_purse(const struct worth *worth, int64_t account_id)
{
	size_t low = 0, high = worth->purse_count;

	/* Ids are given one behind the other. */
	if (high > 0 && account_id >= worth->purses[0].account_id &&
	    account_id - worth->purses[0].account_id < (int64_t)high &&
	    worth->purses[account_id - worth->purses[0].account_id].account_id == account_id)
		return &worth->purses[account_id - worth->purses[0].account_id];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (worth->purses[middle].account_id < account_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < worth->purse_count && worth->purses[low].account_id == account_id
		       ? &worth->purses[low]
		       : NULL;
}

static struct owed *find_debt(const struct worth *worth, const char *order)
{
	int64_t id = strncmp(order, "debt:", 5) == 0 ? strtoll(order + 5, NULL, 10) : 0;

	for (size_t i = 0; i < worth->debt_count; i++)
		if (worth->debts[i].id == id)
			return &worth->debts[i];
	return NULL;
}

static int check_purse(struct walk *walk, struct worth *worth, struct purse *purse)
{
	bool said = purse->allowance_nano == purse->now.allowance_nano &&
		    purse->subsidy_nano == purse->now.subsidy_nano;
	int64_t through_seq = purse->through_seq;

	purse->through_seq = -1;
	if (worth->restored) {
		int64_t rest = purse->now.balance_nano > 0 ? purse->now.balance_nano : 0;

		said = purse->allowance_nano <= rest &&
		       purse->subsidy_nano <= rest - purse->allowance_nano;
	}
	if (said)
		return 0;
	return walk_bad(walk, 0,
			"table credit, account %" PRId64 ": it says allowance %" PRId64
			" and subsidy %" PRId64 " after entry %" PRId64
			", the entries come to %" PRId64 " and %" PRId64,
			purse->account_id, purse->allowance_nano, purse->subsidy_nano, through_seq,
			purse->now.allowance_nano, purse->now.subsidy_nano);
}

int worth_credit(struct walk *walk, struct worth *worth, const struct entry *entry)
{
	struct purse *purse = find_purse(worth, entry->account_id);

	/* What is wrong with an entry is said by the walk over the entries. */
	if (!purse)
		return 0;
	if (purse->through_seq >= 0 && entry->seq > purse->through_seq)
		(void)check_purse(walk, worth, purse);
	/* Nor does a balance overflow here alone. */
	if (credit_apply(&purse->now, entry) < 0)
		purse->through_seq = -1;
	return 0;
}

/* Of a period, not of a recharge, nor taken at the end of a tenancy. */
static bool is_period(const struct owed *debt, const struct entry *entry)
{
	const char *how = strrchr(entry->why, ':');

	return entry->refers == 0 && debt_is_dated((enum debt_way)debt->way) && how &&
	       strcmp(entry->who, "prepayd") == 0 && how[1] == ' ' &&
	       strcmp(how + 2, debt_way_name((enum debt_way)debt->way)) == 0;
}

int worth_debt(struct walk *walk, struct worth *worth, const struct entry *entry)
{
	struct owed *debt = find_debt(worth, entry->order);

	if (!debt)
		return walk_bad(walk, 0,
				"table debt: the row of %s is missing, which entry %" PRId64
				" names",
				entry->order, entry->seq);
	if (__builtin_sub_overflow(debt->taken_nano, entry->amount_nano, &debt->taken_nano))
		return -ERANGE;
	debt->periods -= is_period(debt, entry);
	return 0;
}

static int check_debt(struct walk *walk, const struct worth *worth, const struct owed *debt)
{
	int64_t left_nano;

	if (__builtin_sub_overflow(debt->total_nano, debt->taken_nano, &left_nano))
		return -ERANGE;
	/* One that has ended may have been forgiven; a restored one was smaller when it was told. */
	if (debt->ended || worth->restored ? debt->left_nano > left_nano
					   : debt->left_nano != left_nano)
		return walk_bad(walk, 0,
				"table debt, row %" PRId64 ": %" PRId64
				" is left of it, its entries leave %" PRId64,
				debt->id, debt->left_nano, left_nano);
	if (debt->periods < 0)
		return walk_bad(walk, 0,
				"table debt_period, debt %" PRId64 ": %" PRId64
				" periods that were taken are missing",
				debt->id, -debt->periods);
	return 0;
}

static int load_purses(struct walk *walk, struct worth *worth)
{
	sqlite3_stmt *stmt = NULL;
	size_t allocated = 0;
	int code = sqlite3_prepare_v2(
		walk->db,
		"SELECT a.id, coalesce(c.through_seq, -1), c.allowance_nano, c.subsidy_nano FROM "
		"account a LEFT JOIN credit c ON c.account_id = a.id ORDER BY a.id",
		-1, &stmt, NULL);

	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		code = SQLITE_OK;
		if (worth->purse_count == allocated) {
			struct purse *grown;

			allocated = allocated > 0 ? 2 * allocated : 64;
			grown = reallocarray(worth->purses, allocated, sizeof(*grown));
			if (!grown) {
				code = SQLITE_NOMEM;
				break;
			}
			worth->purses = grown;
		}
		worth->purses[worth->purse_count++] = (struct purse){
			.account_id = sqlite3_column_int64(stmt, 0),
			.through_seq = sqlite3_column_int64(stmt, 1),
			.allowance_nano = sqlite3_column_int64(stmt, 2),
			.subsidy_nano = sqlite3_column_int64(stmt, 3),
		};
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_NOMEM ? -ENOMEM : store_errno(walk->db, code);
}

static int load_debts(struct walk *walk, struct worth *worth)
{
	sqlite3_stmt *stmt = NULL;
	size_t allocated = 0;
	int code = sqlite3_prepare_v2(walk->db,
				      "SELECT id, way, total_nano, left_nano, ended_s IS NOT NULL, "
				      "(SELECT count(*) FROM debt_period WHERE debt_id = d.id) "
				      "FROM debt d ORDER BY id",
				      -1, &stmt, NULL);

	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		code = SQLITE_OK;
		if (worth->debt_count == allocated) {
			struct owed *grown;

			allocated = allocated > 0 ? 2 * allocated : 16;
			grown = reallocarray(worth->debts, allocated, sizeof(*grown));
			if (!grown) {
				code = SQLITE_NOMEM;
				break;
			}
			worth->debts = grown;
		}
		worth->debts[worth->debt_count++] = (struct owed){
			.id = sqlite3_column_int64(stmt, 0),
			.way = sqlite3_column_int64(stmt, 1),
			.total_nano = sqlite3_column_int64(stmt, 2),
			.left_nano = sqlite3_column_int64(stmt, 3),
			.ended = sqlite3_column_int(stmt, 4) != 0,
			.periods = sqlite3_column_int64(stmt, 5),
		};
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_NOMEM ? -ENOMEM : store_errno(walk->db, code);
}

int worth_load(struct walk *walk, int64_t until, bool restored, struct worth *ret)
{
	bool there;
	int error;

	*ret = (struct worth){.until = until, .restored = restored};
	error = walk_has_table(walk, "credit", &there);
	if (error == 0 && there)
		error = load_purses(walk, ret);
	if (error == 0)
		error = walk_has_table(walk, "debt", &there);
	return error < 0 || !there ? error : load_debts(walk, ret);
}

void worth_clear(struct worth *worth)
{
	free(worth->purses);
	free(worth->debts);
	*worth = (struct worth){0};
}

int worth_check(struct walk *walk, struct worth *worth)
{
	int error = 0;

	for (size_t i = 0; walk->verdict->ok && i < worth->purse_count; i++) {
		struct purse *purse = &worth->purses[i];

		if (purse->through_seq > worth->until)
			error = walk_bad(walk, 0,
					 "table credit, account %" PRId64
					 ": it counts entry %" PRId64 ", which is not there",
					 purse->account_id, purse->through_seq);
		else if (purse->through_seq >= 0)
			error = check_purse(walk, worth, purse);
	}
	for (size_t i = 0; error == 0 && walk->verdict->ok && i < worth->debt_count; i++)
		error = check_debt(walk, worth, &worth->debts[i]);
	return error;
}
