/* ledger_derive.c - what the ledger keeps in memory, computed from its tables and proven on the way.
 *
 * M1  The sum of an account's entries is the balance written with its last entry.
 * M2  The sum of a meter life's energy is the way from its first register to the last settled.
 * D1  Nothing else feeds the cache: a reopened ledger forgets what a failed transaction had done.
 */
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unclean(struct ledger_failure *ret_failure, const struct ledger *ledger,
		   const char *what, int64_t id, int64_t sum, int64_t kept)
{
	(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
		       "%s: %s %" PRId64 ": the entries say %" PRId64 ", kept is %" PRId64
		       "; run prepay ledger verify and restore a backup",
		       ledger->path, what, id, sum, kept);
	return -EUCLEAN;
}

static int derive_meta(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	QUERY meta = query_begin(ledger, STATEMENT_META,
				 "SELECT site, epoch, created_s, genesis FROM meta WHERE id = 1");
	int row = query_row(&meta);

	if (row <= 0) {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: the ledger does not say whose it is; restore a backup",
			       ledger->path);
		return row < 0 ? row : -EMEDIUMTYPE;
	}
	if (strcmp(row_borrow_text(&meta, 0), ledger->site) != 0) {
		(void)snprintf(
			ret_failure->text, sizeof(ret_failure->text),
			"%s: the ledger belongs to site %s, the configuration says %s; put in the "
			"right disk, or correct [site] id",
			ledger->path, row_borrow_text(&meta, 0), ledger->site);
		return -EMEDIUMTYPE;
	}
	ledger->epoch = row_integer(&meta, 1);
	ledger->created_s = row_integer(&meta, 2);
	row_hash(&meta, 3, ledger->tally.head);
	return 0;
}

static int derive_accounts(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	QUERY query = query_begin(
		ledger, STATEMENT_ACCOUNT_SUMS,
		"SELECT id, closed_s IS NOT NULL, coalesce((SELECT sum(amount_nano) FROM entry "
		"WHERE account_id = a.id), 0), coalesce((SELECT balance_nano FROM entry "
		"WHERE account_id = a.id ORDER BY seq DESC LIMIT 1), 0) FROM account a ORDER BY "
		"id");
	int row, error;

	while ((row = query_row(&query)) == 1) {
		int64_t id = row_integer(&query, 0);
		int64_t sum = row_integer(&query, 2), kept = row_integer(&query, 3);

		if (sum != kept)
			return unclean(ret_failure, ledger, "account", id, sum, kept);
		if (__builtin_add_overflow(ledger->tally.totals.balance_nano, sum,
					   &ledger->tally.totals.balance_nano))
			return unclean(ret_failure, ledger, "the building's total at account", id,
				       sum, 0);
		error = store_account_add(ledger, id, row_integer(&query, 1) != 0, sum);
		if (error < 0)
			return error;
	}
	return row;
}

static int derive_lives(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	QUERY query = query_begin(ledger, STATEMENT_LIFE_SUMS,
				  "SELECT id, first_wh, coalesce((SELECT sum(energy_wh) FROM entry "
				  "WHERE life_id = l.id), 0), "
				  "coalesce((SELECT to_wh FROM entry WHERE life_id = l.id ORDER BY "
				  "seq DESC LIMIT 1), "
				  "first_wh) FROM life l ORDER BY id");
	int row;

	while ((row = query_row(&query)) == 1) {
		int64_t sum = row_integer(&query, 2);
		int64_t way = row_integer(&query, 3) - row_integer(&query, 1);

		if (sum != way)
			return unclean(ret_failure, ledger, "meter life", row_integer(&query, 0),
				       sum, way);
	}
	return row;
}

static int derive_energy(struct ledger *ledger)
{
	QUERY query = query_begin(ledger, STATEMENT_ENTRY_TOTALS,
				  "SELECT " ENTRY_ENERGY_SUMS " FROM entry INDEXED BY entry_life "
				  "WHERE life_id IS NOT NULL");
	struct ledger_totals *totals = &ledger->tally.totals;
	int row = query_row(&query);

	if (row < 0)
		return row;
	totals_from_row(&query, MEDIUM_ELECTRICITY, totals);
	QUERY water = query_begin(ledger, STATEMENT_ENTRY_TOTALS_WATER,
				  "SELECT " ENTRY_ENERGY_SUMS " FROM life l JOIN entry e "
				  "ON e.life_id = l.id WHERE l.medium = 1");

	row = query_row(&water);
	if (row < 0)
		return row;
	totals_from_row(&water, MEDIUM_WATER, totals);
	totals->charged_wh -= totals->charged_l;
	totals->house_wh -= totals->house_l;
	totals->quarantined_wh -= totals->quarantined_l;
	totals->written_off_wh -= totals->written_off_l;
	return 0;
}

static int derive_cash(struct ledger *ledger)
{
	QUERY cash = query_begin(ledger, STATEMENT_CASH_SUM,
				 "SELECT coalesce(sum(amount_nano), 0) FROM cash");
	int row = query_row(&cash);

	if (row == 1)
		ledger->tally.totals.cash_nano = row_integer(&cash, 0);
	return row < 0 ? row : 0;
}

static int derive_scalars(struct ledger *ledger)
{
	struct tally *tally = &ledger->tally;
	int row;
	{
		QUERY last = query_begin(ledger, STATEMENT_ENTRY_LAST,
					 "SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1");

		row = query_row(&last);
		if (row < 0)
			return row;
		if (row == 1) {
			tally->totals.entries = row_integer(&last, 0);
			row_hash(&last, 1, tally->head);
		}
	}
	{
		QUERY outbox = query_begin(
			ledger, STATEMENT_OUTBOX_GET,
			"SELECT through, (SELECT coalesce(max(seq), 0) FROM event), "
			"(SELECT count(*) FROM event_refused) FROM outbox");

		row = query_row(&outbox);
		if (row < 0)
			return row;
		tally->outbox.epoch = ledger->epoch;
		tally->outbox.through = row_integer(&outbox, 0);
		tally->outbox.last = row_integer(&outbox, 1);
		tally->outbox.refused = row_integer(&outbox, 2);
		tally->outbox_stale = true;
	}
	QUERY floor = query_begin(ledger, STATEMENT_FLOOR,
				  "SELECT max(coalesce((SELECT at_s FROM entry WHERE at_trusted = "
				  "1 ORDER BY seq DESC LIMIT 1),"
				  " 0), coalesce((SELECT at_s FROM event WHERE trusted = 1 ORDER "
				  "BY seq DESC LIMIT 1), 0),"
				  " coalesce((SELECT at_s FROM audit WHERE trusted = 1 ORDER BY id "
				  "DESC LIMIT 1), 0))");

	row = query_row(&floor);
	if (row == 1)
		store_seen(ledger, row_integer(&floor, 0), true);
	return row < 0 ? row : 0;
}

/* From every entry there is. */
static int derive_sums(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	int error = derive_accounts(ledger, ret_failure);

	if (error == 0)
		error = derive_lives(ledger, ret_failure);
	if (error == 0)
		error = derive_energy(ledger);
	if (error == 0)
		error = derive_cash(ledger);
	return error;
}

int store_derive(struct ledger *ledger, bool whole, struct ledger_failure *ret_failure)
{
	int error;

	ret_failure->text[0] = '\0';
	memset(&ledger->tally, 0, sizeof(ledger->tally));
	ledger->tally.floor_s = ledger->built_s;
	error = derive_meta(ledger, ret_failure);
	if (error == 0 && !whole)
		error = store_resume(ledger);
	if (error == 0)
		error = derive_sums(ledger, ret_failure);
	/* 1: the snapshot has said the sums. */
	if (error >= 0)
		error = derive_scalars(ledger);
	if (error == -ERANGE)
		return unclean(ret_failure, ledger, "a sum overflows: entries up to",
			       ledger->tally.totals.entries, 0, 0);
	if (error < 0 && ret_failure->text[0] == '\0') {
		if (ledger->failed)
			(void)snprintf(ret_failure->text, sizeof(ret_failure->text), "%s",
				       ledger->failure);
		else
			(void)snprintf(ret_failure->text, sizeof(ret_failure->text), "%s: %s",
				       ledger->path, strerror(-error));
	}
	return error;
}

/* Has deriving once more come to what was there before? */
static int compare(const struct ledger *ledger, const struct tally *old,
		   const struct cached_account accounts[], struct ledger_failure *ret_failure)
{
	for (size_t i = 0; i < old->account_count; i++) {
		const struct cached_account *now = &ledger->accounts[i];

		if (i >= ledger->tally.account_count || now->id != accounts[i].id ||
		    now->balance_nano != accounts[i].balance_nano)
			return unclean(ret_failure, ledger, "account", accounts[i].id,
				       i < ledger->tally.account_count ? now->balance_nano : 0,
				       accounts[i].balance_nano);
	}
	if (memcmp(&old->totals, &ledger->tally.totals, sizeof(old->totals)) != 0)
		return unclean(ret_failure, ledger, "the building's totals after entry",
			       ledger->tally.totals.entries, ledger->tally.totals.charged_wh,
			       old->totals.charged_wh);
	return 0;
}

int ledger_check(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	const struct tally old = ledger->tally;
	struct cached_account *accounts = calloc(old.account_count + 1, sizeof(*accounts));
	int error;

	if (!accounts)
		return -ENOMEM;
	if (old.account_count > 0)
		memcpy(accounts, ledger->accounts, old.account_count * sizeof(*accounts));
	error = store_derive(ledger, true, ret_failure);
	if (error == 0)
		error = compare(ledger, &old, accounts, ret_failure);
	if (error == 0)
		error = store_derive(ledger, false, ret_failure);
	if (error == 0)
		error = compare(ledger, &old, accounts, ret_failure);
	if (error == 0 && ledger->snapshot_refusal[0] != '\0') {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: the snapshot does not agree with the entries: %s", ledger->path,
			       ledger->snapshot_refusal);
		error = -EUCLEAN;
	}
	free(accounts);
	return error;
}
