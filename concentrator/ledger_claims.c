/* ledger_claims.c - see ledger_claims.h. */
#include "concentrator/ledger_claims.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_snapshot_bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int claims_genesis(struct walk *walk, uint8_t ret[static 32])
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, "SELECT genesis, site FROM meta WHERE id = 1", -1,
				      &stmt, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	error = store_errno(walk->db, code);
	if (code == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == 32) {
		uint8_t genesis[32];
		const char *site = (const char *)sqlite3_column_text(stmt, 1);

		memcpy(ret, sqlite3_column_blob(stmt, 0), 32);
		error = chain_genesis(site ? site : "", genesis);
		if (error == 0 && (memcmp(genesis, ret, 32) != 0 ||
				   (size_t)sqlite3_column_bytes(stmt, 1) != strlen(site)))
			(void)walk_bad(walk, 0, "the chain does not begin with this site");
	} else if (error == 0) {
		(void)walk_bad(walk, 0, "the ledger does not say whose it is");
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

int claims_snapshot(struct walk *walk, struct ledger_snapshot **ret)
{
	sqlite3_stmt *stmt = NULL;
	bool there;
	int code, error = walk_has_table(walk, "snapshot", &there);

	if (error < 0 || !there)
		return error;
	code = sqlite3_prepare_v2(walk->db,
				  "SELECT body, sha256, (SELECT coalesce(max(seq), 0) FROM "
				  "entry), s.seq FROM snapshot s WHERE id = 1",
				  -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	error = store_errno(walk->db, code);
	if (code == SQLITE_ROW) {
		const void *body = sqlite3_column_blob(stmt, 0);
		size_t size = (size_t)sqlite3_column_bytes(stmt, 0);

		error = snapshot_decode(body, size, sqlite3_column_blob(stmt, 1), ret);
		if (error == -EUCLEAN)
			error = walk_bad(walk, 0, "the snapshot's bytes do not have its hash");
		else if (error == 0 && ((*ret)->seq > sqlite3_column_int64(stmt, 2) ||
					(*ret)->seq != sqlite3_column_int64(stmt, 3)))
			error = walk_bad(walk, 0,
					 "the snapshot stands on entry %" PRId64
					 ", which is not there",
					 (*ret)->seq);
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

/* One number of the snapshot with what the entries have come to. */
static int compare(struct walk *walk, const struct ledger_snapshot *snapshot, const char *what,
		   int64_t id, int64_t said, const struct numbered *rows)
{
	int64_t sum = running_total(rows, id);

	if (said == sum)
		return 0;
	return walk_bad(walk, 0,
			"the snapshot after entry %" PRId64 ": %s %" PRId64 ": it says %" PRId64
			", the entries sum to %" PRId64,
			snapshot->seq, what, id, said, sum);
}

int claims_prove(struct walk *walk, const struct stretch *all,
		 const struct ledger_snapshot *snapshot)
{
	const struct ledger_totals *said = &snapshot->totals, *sum = &all->totals;

	if (memcmp(snapshot->head, all->verdict.head, sizeof(snapshot->head)) != 0)
		return walk_bad(walk, 0,
				"the snapshot after entry %" PRId64 " has another hash of it",
				snapshot->seq);
	for (size_t i = 0; walk->verdict->ok && i < snapshot->account_count; i++) {
		const struct ledger_snapshot_account *account = &snapshot->accounts[i];

		(void)compare(walk, snapshot, "account", account->id, account->balance_nano,
			      &all->accounts);
	}
	for (size_t i = 0; walk->verdict->ok && i < snapshot->life_count; i++) {
		const struct ledger_snapshot_life *life = &snapshot->lives[i];

		(void)compare(walk, snapshot, "meter life", life->id, life->energy_wh, &all->lives);
	}
	if (!walk->verdict->ok)
		return 0;
	if (said->charged_wh != sum->charged_wh || said->house_wh != sum->house_wh ||
	    said->quarantined_wh != sum->quarantined_wh ||
	    said->written_off_wh != sum->written_off_wh || said->charged_l != sum->charged_l ||
	    said->house_l != sum->house_l || said->quarantined_l != sum->quarantined_l ||
	    said->written_off_l != sum->written_off_l || said->balance_nano != sum->balance_nano)
		return walk_bad(walk, 0,
				"the snapshot after entry %" PRId64
				": the building's sums are not those of the entries",
				snapshot->seq);
	return 0;
}
