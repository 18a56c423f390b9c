/* ledger_worth.c - see ledger_worth.h. */
#include "concentrator/ledger_worth.h"

#include "concentrator/rules/debt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What an account's entries have come to, and what its row of credit says. */
struct purse {
	int64_t id; /* of the account */
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

static struct owed *find_debt(const struct worth *worth, const char *order)
{
	int64_t id = strncmp(order, "debt:", 5) == 0 ? strtoll(order + 5, NULL, 10) : 0;

	return numbered_find(&worth->debts, id);
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
			purse->id, purse->allowance_nano, purse->subsidy_nano, through_seq,
			purse->now.allowance_nano, purse->now.subsidy_nano);
}

int worth_credit(struct walk *walk, struct worth *worth, const struct entry *entry)
{
	struct purse *purse = numbered_find(&worth->purses, entry->account_id);

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

static void fill_purse(sqlite3_stmt *stmt, void *row)
{
	struct purse *purse = row;

	purse->through_seq = sqlite3_column_int64(stmt, 1);
	purse->allowance_nano = sqlite3_column_int64(stmt, 2);
	purse->subsidy_nano = sqlite3_column_int64(stmt, 3);
}

static void fill_debt(sqlite3_stmt *stmt, void *row)
{
	struct owed *debt = row;

	debt->way = sqlite3_column_int64(stmt, 1);
	debt->total_nano = sqlite3_column_int64(stmt, 2);
	debt->left_nano = sqlite3_column_int64(stmt, 3);
	debt->ended = sqlite3_column_int(stmt, 4) != 0;
	debt->periods = sqlite3_column_int64(stmt, 5);
}

int worth_load(struct walk *walk, int64_t until, bool restored, struct worth *ret)
{
	bool there;
	int error;

	*ret = (struct worth){.until = until,
			      .restored = restored,
			      .purses = {.size = sizeof(struct purse)},
			      .debts = {.size = sizeof(struct owed)}};
	error = walk_has_table(walk, "credit", &there);
	if (error == 0 && there)
		error = numbered_load(walk, &ret->purses,
				      "SELECT a.id, coalesce(c.through_seq, -1), c.allowance_nano, "
				      "c.subsidy_nano FROM account a LEFT JOIN credit c ON "
				      "c.account_id = a.id WHERE a.id > ? ORDER BY a.id",
				      fill_purse);
	if (error == 0)
		error = walk_has_table(walk, "debt", &there);
	if (error == 0 && there)
		error = numbered_load(walk, &ret->debts,
				      "SELECT id, way, total_nano, left_nano, ended_s IS NOT NULL, "
				      "(SELECT count(*) FROM debt_period WHERE debt_id = d.id) "
				      "FROM debt d WHERE id > ? ORDER BY id",
				      fill_debt);
	return error;
}

void worth_clear(struct worth *worth)
{
	numbered_clear(&worth->purses);
	numbered_clear(&worth->debts);
}

int worth_check(struct walk *walk, struct worth *worth)
{
	int error = 0;

	for (size_t i = 0; walk->verdict->ok && i < worth->purses.count; i++) {
		struct purse *purse = numbered_at(&worth->purses, i);

		if (purse->through_seq > worth->until)
			error = walk_bad(walk, 0,
					 "table credit, account %" PRId64
					 ": it counts entry %" PRId64 ", which is not there",
					 purse->id, purse->through_seq);
		else if (purse->through_seq >= 0)
			error = check_purse(walk, worth, purse);
	}
	for (size_t i = 0; error == 0 && walk->verdict->ok && i < worth->debts.count; i++)
		error = check_debt(walk, worth, numbered_at(&worth->debts, i));
	return error;
}
