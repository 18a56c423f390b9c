/* ledger_resume.c - the cache from a snapshot and the entries behind it.
 *
 * M1, M2  The snapshot is believed only whole: its hash, the entry it stands on, and for every account and
 *         life that it and the entries behind it come to what was written with the last entry. At the first
 *         difference it is refused, and says nothing more: all entries are added up instead.
 */
#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one meter life has come to. */
struct way {
	int64_t id;
	int64_t energy_wh; /* by the snapshot, then with the entries behind it */
	int64_t kept_wh;   /* by the register of its last entry */
	enum medium medium;
};

struct resume {
	struct ledger *ledger;
	const struct ledger_snapshot *snapshot;
	struct way *ways; /* by id, rising */
	size_t way_count;
};

/* 1: taken for "not believed" by all functions here. */
__attribute__((format(printf, 2, 3))) static int refuse(struct ledger *ledger, const char *format,
							...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ledger->snapshot_refusal, sizeof(ledger->snapshot_refusal), format, args);
	va_end(args);
	return 1;
}

static int own_hash(struct ledger *ledger, const struct ledger_snapshot *snapshot)
{
	uint8_t hash[32];
	int row;

	memcpy(hash, ledger->tally.head, sizeof(hash)); /* the genesis hash, before any entry */
	if (snapshot->seq > 0) {
		QUERY query = query_begin(ledger, STATEMENT_ENTRY_HASH,
					  "SELECT hash FROM entry WHERE seq = ?");

		query_integer(&query, snapshot->seq);
		row = query_row(&query);
		if (row < 0)
			return row;
		if (row == 0)
			return refuse(ledger, "it stands on entry %" PRId64 ", which is not there",
				      snapshot->seq);
		row_hash(&query, 0, hash);
	}
	if (memcmp(hash, snapshot->head, sizeof(hash)) != 0)
		return refuse(ledger, "entry %" PRId64 " has another hash than it says",
			      snapshot->seq);
	return 0;
}

/* All accounts that there are, with the balances of the snapshot; younger ones begin at nothing. */
static int load_accounts(const struct resume *resume)
{
	struct ledger *ledger = resume->ledger;
	const struct ledger_snapshot *snapshot = resume->snapshot;
	size_t next = 0;
	int row, error;
	QUERY query = query_begin(ledger, STATEMENT_RESUME_ACCOUNTS,
				  "SELECT id, closed_s IS NOT NULL FROM account ORDER BY id");

	while ((row = query_row(&query)) == 1) {
		int64_t id = row_integer(&query, 0), balance_nano = 0;

		if (next < snapshot->account_count) {
			if (snapshot->accounts[next].id != id)
				break;
			balance_nano = snapshot->accounts[next++].balance_nano;
		}
		error = store_account_add(ledger, id, row_integer(&query, 1) != 0, balance_nano);
		if (error < 0)
			return error;
	}
	if (row < 0)
		return row;
	if (row == 1 || next < snapshot->account_count)
		return refuse(ledger, "it has account %" PRId64 ", which is not there",
			      snapshot->accounts[next].id);
	return 0;
}

static int add_way(struct resume *resume, int64_t id, int64_t energy_wh, int64_t kept_wh,
		   enum medium medium)
{
	size_t count = resume->way_count;

	if ((count & (count - 1)) == 0) {
		struct way *more = reallocarray(resume->ways, count == 0 ? 1 : 2 * count,
						sizeof(*more));

		if (!more)
			return -ENOMEM;
		resume->ways = more;
	}
	resume->ways[resume->way_count++] = (struct way){
		.id = id, .energy_wh = energy_wh, .kept_wh = kept_wh, .medium = medium};
	return 0;
}

static int load_lives(struct resume *resume)
{
	const struct ledger_snapshot *snapshot = resume->snapshot;
	size_t next = 0;
	int row, error;
	QUERY query = query_begin(resume->ledger, STATEMENT_LIFE_WAYS, LIFE_WAYS);

	while ((row = query_row(&query)) == 1) {
		int64_t id = row_integer(&query, 0), energy_wh = 0;

		if (next < snapshot->life_count) {
			if (snapshot->lives[next].id != id)
				break;
			energy_wh = snapshot->lives[next++].energy_wh;
		}
		error = add_way(resume, id, energy_wh, row_integer(&query, 1),
				(enum medium)row_integer(&query, 2));
		if (error < 0)
			return error;
	}
	if (row < 0)
		return row;
	if (row == 1 || next < snapshot->life_count)
		return refuse(resume->ledger, "it has meter life %" PRId64 ", which is not there",
			      snapshot->lives[next].id);
	return 0;
}

static struct way *find_way(struct resume *resume, int64_t id)
{
	size_t low = 0, high = resume->way_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (resume->ways[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < resume->way_count && resume->ways[low].id == id ? &resume->ways[low] : NULL;
}

/* One entry behind the snapshot: account, amount, life, kind, energy, balance. */
static int add_entry(struct resume *resume, const struct query *query)
{
	struct ledger *ledger = resume->ledger;
	struct ledger_totals *totals = &ledger->tally.totals;
	int64_t seq = row_integer(query, 6), amount_nano = row_integer(query, 1);
	int64_t life_id = row_integer(query, 2), energy_wh = row_integer(query, 4);
	struct cached_account *account = store_account(ledger, row_integer(query, 0));
	struct way *way = life_id != 0 ? find_way(resume, life_id) : NULL;

	if (!account || (life_id != 0 && !way) ||
	    __builtin_add_overflow(account->balance_nano, amount_nano, &account->balance_nano) ||
	    __builtin_add_overflow(totals->balance_nano, amount_nano, &totals->balance_nano) ||
	    (way && __builtin_add_overflow(way->energy_wh, energy_wh, &way->energy_wh)) ||
	    totals_add(totals, (enum entry_kind)row_integer(query, 3),
		       way ? way->medium : MEDIUM_ELECTRICITY, energy_wh) < 0)
		return refuse(ledger, "entry %" PRId64 " behind it cannot be added", seq);
	account->saved_nano = account->balance_nano;
	if (account->balance_nano != row_integer(query, 5))
		return refuse(ledger,
			      "account %" PRId64 ": with the entries behind it %" PRId64
			      ", entry %" PRId64 " says %" PRId64,
			      account->id, account->balance_nano, seq, row_integer(query, 5));
	return 0;
}

static int add_entries(struct resume *resume)
{
	QUERY query = query_begin(resume->ledger, STATEMENT_RESUME_ENTRIES,
				  "SELECT account_id, amount_nano, life_id, kind, energy_wh, "
				  "balance_nano, seq FROM entry WHERE seq > ? ORDER BY seq");
	int row, error = 0;

	query_integer(&query, resume->snapshot->seq);
	while (error == 0 && (row = query_row(&query)) != 0)
		error = row < 0 ? row : add_entry(resume, &query);
	return error;
}

/* What the last entry of each says, also where none is behind the snapshot. */
static int compare(struct resume *resume)
{
	struct ledger *ledger = resume->ledger;

	for (size_t i = 0; i < resume->way_count; i++) {
		const struct way *way = &resume->ways[i];

		if (way->energy_wh != way->kept_wh)
			return refuse(ledger,
				      "meter life %" PRId64 ": with the entries behind it %" PRId64
				      " Wh, its registers say %" PRId64,
				      way->id, way->energy_wh, way->kept_wh);
	}
	for (size_t i = 0; i < ledger->tally.account_count; i++) {
		const struct cached_account *account = &ledger->accounts[i];
		int64_t kept_nano = 0;
		int row;
		QUERY query = query_begin(ledger, STATEMENT_ACCOUNT_LAST,
					  "SELECT balance_nano FROM entry WHERE account_id = ? "
					  "ORDER BY seq DESC LIMIT 1");

		query_integer(&query, account->id);
		row = query_row(&query);
		if (row < 0)
			return row;
		if (row == 1)
			kept_nano = row_integer(&query, 0);
		if (account->balance_nano != kept_nano)
			return refuse(ledger,
				      "account %" PRId64 ": with the entries behind it %" PRId64
				      ", its last entry says %" PRId64,
				      account->id, account->balance_nano, kept_nano);
	}
	return 0;
}

/* M1, M2 for the building: its sums are those of its accounts and lives. */
static int compare_sums(const struct resume *resume)
{
	struct ledger *ledger = resume->ledger;
	const struct ledger_totals *totals = &ledger->tally.totals;
	int64_t nano = totals->balance_nano, wh = 0;
	const int64_t sums[] = {totals->charged_wh,     totals->house_wh,
				totals->quarantined_wh, totals->written_off_wh,
				totals->charged_l,      totals->house_l,
				totals->quarantined_l,  totals->written_off_l};
	bool over = false;

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		over |= __builtin_add_overflow(wh, sums[i], &wh);
	for (size_t i = 0; i < resume->way_count; i++)
		over |= __builtin_sub_overflow(wh, resume->ways[i].energy_wh, &wh);
	for (size_t i = 0; i < ledger->tally.account_count; i++)
		over |= __builtin_sub_overflow(nano, ledger->accounts[i].balance_nano, &nano);
	if (over || nano != 0 || wh != 0)
		return refuse(ledger, "the building's sums are not those of its accounts and "
				      "meter lives");
	return 0;
}

static int add_cash(struct resume *resume)
{
	QUERY query = query_begin(resume->ledger, STATEMENT_CASH_SINCE,
				  "SELECT coalesce(sum(amount_nano), 0) FROM cash WHERE id > ?");
	int64_t *cash_nano = &resume->ledger->tally.totals.cash_nano;
	int row;

	query_integer(&query, resume->snapshot->cash_id);
	row = query_row(&query);
	if (row < 0)
		return row;
	return __builtin_add_overflow(*cash_nano, row_integer(&query, 0), cash_nano) ? -ERANGE : 0;
}

static int resume_from(struct resume *resume)
{
	struct ledger *ledger = resume->ledger;
	int error = own_hash(ledger, resume->snapshot);

	ledger->tally.totals = resume->snapshot->totals;
	if (error == 0)
		error = load_accounts(resume);
	if (error == 0)
		error = load_lives(resume);
	if (error == 0)
		error = add_entries(resume);
	if (error == 0)
		error = compare(resume);
	if (error == 0)
		error = compare_sums(resume);
	if (error == 0)
		error = add_cash(resume);
	return error;
}

int store_resume(struct ledger *ledger)
{
	const struct tally before = ledger->tally;
	struct ledger_snapshot *snapshot;
	struct resume resume = {.ledger = ledger};
	int error = ledger_snapshot_read(ledger, &snapshot);

	ledger->snapshot_refusal[0] = '\0';
	if (error == -ENODATA)
		return 0;
	if (error == -EUCLEAN)
		(void)refuse(ledger, "its bytes do not have its hash");
	if (error < 0)
		return error == -EUCLEAN ? 0 : error;
	resume.snapshot = snapshot;
	error = resume_from(&resume);
	if (error == 0)
		ledger->tally.snapshot_seq = snapshot->seq;
	else
		ledger->tally = before;
	free(resume.ways);
	free(snapshot);
	return error < 0 ? error : error == 0;
}
