/* ledger_walk.c - every entry in order: the chain (M8), what it comes to (M1, M2), the snapshot on the way.
 *
 * The walk reads PAGE entries a transaction, so that the log can be checkpointed in between; entries never
 * change (M5), so the pages fit together. The first entry that does not follow is named.
 */
#include "concentrator/ledger_walk.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_snapshot_bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define PAGE 4096

int walk_tick(void *userdata)
{
	struct walk *walk = userdata;

	if (walk->progress)
		atomic_fetch_add_explicit(walk->progress, 1, memory_order_relaxed);
	return (walk->cancel && atomic_load_explicit(walk->cancel, memory_order_relaxed)) ||
	       (walk->stop && atomic_load_explicit(walk->stop, memory_order_relaxed));
}

int walk_bad(struct walk *walk, int64_t seq, const char *format, ...)
{
	va_list args;

	walk->verdict->ok = false;
	walk->verdict->first_bad = seq;
	va_start(args, format);
	(void)vsnprintf(walk->verdict->detail, sizeof(walk->verdict->detail), format, args);
	va_end(args);
	return 0;
}

static struct running *running_find(struct runnings *runnings, int64_t id)
{
	size_t low = 0, high = runnings->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runnings->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runnings->count && runnings->rows[low].id == id ? &runnings->rows[low] : NULL;
}

/* sql: id, start value, point, by rising id. */
static int running_load(struct walk *walk, struct runnings *runnings, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	size_t allocated = runnings->count;
	int code = sqlite3_prepare_v2(walk->db, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1,
					  allocated > 0 ? runnings->rows[allocated - 1].id : 0);
	while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		code = SQLITE_OK;
		if (runnings->count == allocated) {
			struct running *grown;

			allocated = allocated > 0 ? 2 * allocated : 64;
			grown = reallocarray(runnings->rows, allocated, sizeof(*grown));
			if (!grown) {
				code = SQLITE_NOMEM;
				break;
			}
			runnings->rows = grown;
		}
		runnings->rows[runnings->count++] = (struct running){
			.id = sqlite3_column_int64(stmt, 0),
			.value = sqlite3_column_int64(stmt, 1),
			.first = sqlite3_column_int64(stmt, 1),
			.point_id = sqlite3_column_int64(stmt, 2),
		};
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : store_errno(walk->db, code);
}

/* Both grow while the walk goes on; entries name only what was there before them. */
static int load_more(struct walk *walk)
{
	int error = running_load(walk, &walk->accounts,
				 "SELECT id, 0, 0 FROM account WHERE id > ? ORDER BY id");

	if (error == 0)
		error = running_load(
			walk, &walk->lives,
			"SELECT id, first_wh, point_id FROM life WHERE id > ? ORDER BY id");
	return error;
}

static int check_energy(struct walk *walk, const struct entry *entry)
{
	struct running *life;
	int64_t to_wh;

	if (entry->life_id == 0) {
		if (entry->energy_wh != 0 || entry->from_wh != entry->to_wh)
			return walk_bad(walk, entry->seq,
					"entry %" PRId64 ": energy without a meter life",
					entry->seq);
		return 0;
	}
	life = running_find(&walk->lives, entry->life_id);
	if (!life)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": meter life %" PRId64 " is not there",
				entry->seq, entry->life_id);
	if (life->point_id != entry->point_id)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": meter life %" PRId64 " is of another point",
				entry->seq, entry->life_id);
	if (entry->from_wh != life->value)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": begins at %" PRId64
				" Wh, the meter life was settled to %" PRId64,
				entry->seq, entry->from_wh, life->value);
	if (entry->energy_wh < 0 ||
	    __builtin_add_overflow(entry->from_wh, entry->energy_wh, &to_wh) ||
	    to_wh != entry->to_wh)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": %" PRId64 " Wh from %" PRId64
				" do not reach %" PRId64,
				entry->seq, entry->energy_wh, entry->from_wh, entry->to_wh);
	life->value = to_wh;
	return 0;
}

static int check_balance(struct walk *walk, const struct entry *entry, int64_t balance_nano)
{
	struct running *account = running_find(&walk->accounts, entry->account_id);

	if (!account)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": account %" PRId64 " is not there", entry->seq,
				entry->account_id);
	if (__builtin_add_overflow(account->value, entry->amount_nano, &account->value) ||
	    __builtin_add_overflow(walk->verdict->balance_nano, entry->amount_nano,
				   &walk->verdict->balance_nano))
		return walk_bad(walk, entry->seq, "entry %" PRId64 ": the balance overflows",
				entry->seq);
	if (account->value != balance_nano)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": its account's entries sum to %" PRId64
				", kept is %" PRId64,
				entry->seq, account->value, balance_nano);
	return 0;
}

/* As chain_hash(), with one context for all entries. */
static int walk_hash(struct walk *walk, const struct entry *entry, uint8_t ret[static 32])
{
	uint8_t bytes[CHAIN_BYTES_MAX], digest[EVP_MAX_MD_SIZE];
	size_t size = chain_bytes(entry, bytes);

	int ok = 1;

	if (!walk->digest) {
		walk->digest = EVP_MD_CTX_new();
		ok = walk->digest ? EVP_DigestInit_ex(walk->digest, EVP_sha256(), NULL) : 0;
	} else {
		ok = EVP_DigestInit_ex(walk->digest, NULL, NULL);
	}
	if (ok != 1 || EVP_DigestUpdate(walk->digest, bytes, size) != 1 ||
	    EVP_DigestFinal_ex(walk->digest, digest, NULL) != 1)
		return -ENOMEM;
	memcpy(ret, digest, 32);
	return 0;
}

static int64_t running_total(struct runnings *runnings, int64_t id)
{
	const struct running *row = running_find(runnings, id);

	return row ? row->value - row->first : 0;
}

/* The walk stands behind the snapshot's own entry. */
static int check_snapshot(struct walk *walk)
{
	const struct ledger_snapshot *snapshot = walk->snapshot;
	const struct ledger_totals *said = &snapshot->totals, *sum = &walk->totals;

	if (memcmp(snapshot->head, walk->verdict->head, sizeof(snapshot->head)) != 0)
		return walk_bad(walk, 0,
				"the snapshot after entry %" PRId64 " has another hash of it",
				snapshot->seq);
	for (size_t i = 0; i < snapshot->account_count; i++) {
		int64_t id = snapshot->accounts[i].id,
			sum_nano = running_total(&walk->accounts, id);

		if (snapshot->accounts[i].balance_nano != sum_nano)
			return walk_bad(walk, 0,
					"the snapshot after entry %" PRId64 ": account %" PRId64
					": it says %" PRId64 ", the entries sum to %" PRId64,
					snapshot->seq, id, snapshot->accounts[i].balance_nano,
					sum_nano);
	}
	for (size_t i = 0; i < snapshot->life_count; i++) {
		int64_t id = snapshot->lives[i].id, sum_wh = running_total(&walk->lives, id);

		if (snapshot->lives[i].energy_wh != sum_wh)
			return walk_bad(walk, 0,
					"the snapshot after entry %" PRId64 ": meter life %" PRId64
					": it says %" PRId64 " Wh, the entries sum to %" PRId64,
					snapshot->seq, id, snapshot->lives[i].energy_wh, sum_wh);
	}
	if (said->charged_wh != sum->charged_wh || said->house_wh != sum->house_wh ||
	    said->quarantined_wh != sum->quarantined_wh ||
	    said->written_off_wh != sum->written_off_wh ||
	    said->balance_nano != walk->verdict->balance_nano)
		return walk_bad(walk, 0,
				"the snapshot after entry %" PRId64
				": the building's sums are not those of the entries",
				snapshot->seq);
	return 0;
}

static int check_entry(struct walk *walk, const struct entry *entry, int64_t balance_nano)
{
	uint8_t hash[32];
	int error;

	if (entry->seq != walk->verdict->entries + 1)
		return walk_bad(walk, walk->verdict->entries + 1, "entry %" PRId64 " is missing",
				walk->verdict->entries + 1);
	if (entry->format != ENTRY_FORMAT)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": format %" PRId32 " is unknown", entry->seq,
				entry->format);
	if (memcmp(entry->previous, walk->verdict->head, sizeof(entry->previous)) != 0)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": does not follow the hash before it",
				entry->seq);
	error = walk_hash(walk, entry, hash);
	if (error < 0)
		return error;
	if (memcmp(entry->hash, hash, sizeof(hash)) != 0)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": its bytes do not have its hash", entry->seq);
	if (entry->refers < 0 || entry->refers >= entry->seq)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": refers to %" PRId64 ", which is not before it",
				entry->seq, entry->refers);
	error = check_energy(walk, entry);
	if (error == 0 && walk->verdict->ok)
		error = check_balance(walk, entry, balance_nano);
	if (error < 0 || !walk->verdict->ok)
		return error;
	if (totals_add(&walk->totals, entry->kind, entry->energy_wh) < 0)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": energy of a kind that has none, or too much",
				entry->seq);
	memcpy(walk->verdict->head, entry->hash, sizeof(entry->hash));
	walk->verdict->entries = entry->seq;
	if (entry->seq <= walk->until)
		walk_index_add(walk, entry, balance_nano);
	if (walk->snapshot && walk->snapshot->seq == entry->seq)
		return check_snapshot(walk);
	return 0;
}

/* One page in one transaction. */
static int check_page(struct walk *walk, sqlite3_stmt *stmt, size_t *ret_rows)
{
	struct entry entry;
	int64_t balance_nano;
	size_t rows = 0;
	int code = sqlite3_bind_int64(stmt, 1, walk->verdict->entries);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_bind_int(stmt, 2, PAGE);
	error = code == SQLITE_OK ? load_more(walk) : store_errno(walk->db, code);

	while (error == 0 && walk->verdict->ok && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		rows++;
		entry_from_row(stmt, &entry, &balance_nano);
		error = check_entry(walk, &entry, balance_nano);
	}
	if (error == 0 && walk->verdict->ok && code != SQLITE_DONE)
		error = store_errno(walk->db, code);
	(void)sqlite3_reset(stmt);
	*ret_rows = rows;
	return error;
}

static int check_pages(struct walk *walk)
{
	sqlite3_stmt *stmt = NULL;
	size_t rows = 1;
	int code = sqlite3_prepare_v2(
		walk->db, "SELECT " ENTRY_COLUMNS " FROM entry WHERE seq > ? ORDER BY seq LIMIT ?2",
		-1, &stmt, NULL);
	int error = store_errno(walk->db, code);

	while (error == 0 && walk->verdict->ok && rows > 0) {
		/* Accounts and lives are read in the page's own transaction, before its entries. */
		code = sqlite3_exec(walk->db, "BEGIN", NULL, NULL, NULL);
		error = store_errno(walk->db, code);
		if (error < 0)
			break;
		error = check_page(walk, stmt, &rows);
		(void)sqlite3_exec(walk->db, "COMMIT", NULL, NULL, NULL);
		if (error == 0 && walk_tick(walk))
			error = -ECANCELED;
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

static int read_head(struct walk *walk)
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

		memcpy(walk->verdict->head, sqlite3_column_blob(stmt, 0), 32);
		error = chain_genesis(site ? site : "", genesis);
		if (error == 0 && memcmp(genesis, walk->verdict->head, 32) != 0)
			(void)walk_bad(walk, 0, "the chain does not begin with this site");
	} else if (error == 0) {
		(void)walk_bad(walk, 0, "the ledger does not say whose it is");
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

/* The snapshot of the moment; one that is replaced during the walk is held against the entries as well. */
static int read_snapshot(struct walk *walk)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db,
				      "SELECT body, sha256, (SELECT coalesce(max(seq), 0) FROM "
				      "entry), s.seq FROM snapshot s WHERE id = 1",
				      -1, &stmt, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	error = store_errno(walk->db, code);
	if (code == SQLITE_ROW) {
		const void *body = sqlite3_column_blob(stmt, 0);
		size_t size = (size_t)sqlite3_column_bytes(stmt, 0);

		error = snapshot_decode(body, size, sqlite3_column_blob(stmt, 1), &walk->snapshot);
		if (error == -EUCLEAN)
			error = walk_bad(walk, 0, "the snapshot's bytes do not have its hash");
		else if (error == 0 && (walk->snapshot->seq > sqlite3_column_int64(stmt, 2) ||
					walk->snapshot->seq != sqlite3_column_int64(stmt, 3)))
			error = walk_bad(walk, 0,
					 "the snapshot stands on entry %" PRId64
					 ", which is not there",
					 walk->snapshot->seq);
		else if (error == 0 && walk->snapshot->seq == 0)
			error = load_more(walk) < 0 ? -EIO : check_snapshot(walk);
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

static int read_last(struct walk *walk)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, "SELECT coalesce(max(seq), 0) FROM entry", -1,
				      &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && walk->until < 0)
		walk->until = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return store_errno(walk->db, code);
}

int walk_open(struct walk *walk, const char *path, const char *vfs)
{
	int error = store_open_reading(&walk->db, path, vfs);

	if (error < 0)
		return error;
	sqlite3_progress_handler(walk->db, 4096, walk_tick, walk);
	error = store_errno(walk->db,
			    sqlite3_exec(walk->db, "PRAGMA query_only = ON", NULL, NULL, NULL));
	return error < 0 ? error : read_last(walk);
}

void walk_close(struct walk *walk)
{
	(void)sqlite3_close(walk->db);
	free(walk->accounts.rows);
	free(walk->lives.rows);
	free(walk->snapshot);
	EVP_MD_CTX_free(walk->digest);
}

int walk_entries(struct walk *walk)
{
	int error = read_head(walk);

	if (error == 0 && walk->verdict->ok)
		error = read_snapshot(walk);
	if (error == 0 && walk->verdict->ok)
		error = check_pages(walk);
	return error;
}
