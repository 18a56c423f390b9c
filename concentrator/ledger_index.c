/* ledger_index.c - do the indexes of the entries hold what the entries say, and nothing else?
 *
 * Balances and registers are looked up in them (M1, M2), and SQLite's quick check does not compare them
 * with their table. Each row is mixed into one number, and the numbers are added: the walk does that in the
 * order of the entries, this in the order of the index. It finds damage, not malice: who can choose both sides
 * of it can write the ledger anyway, and the hashes are what proves an entry.
 */
#include "concentrator/ledger_walk.h"

#include <errno.h>
#include <string.h>

#define PAGE 16384

static const struct {
	const char *name;
	int columns;
	/* Rows behind the key of the two parameters, by the index alone where it covers them. */
	const char *sql;
} indexes[WALK_INDEXES] = {
	{"entry_account", 4,
	 "SELECT account_id, seq, amount_nano, balance_nano FROM entry INDEXED BY entry_account "
	 "WHERE (account_id, seq) > (?1, ?2) ORDER BY account_id, seq LIMIT ?3"},
	{"entry_life", 7,
	 "SELECT life_id, seq, kind, energy_wh, from_wh, to_wh, to_s FROM entry INDEXED BY "
	 "entry_life WHERE life_id IS NOT NULL AND (life_id, seq) > (?1, ?2) ORDER BY life_id, seq "
	 "LIMIT ?3"},
	{"entry_order", 2,
	 "SELECT order_id, seq FROM entry INDEXED BY entry_order WHERE kind IN (2, 3, 4) AND "
	 "order_id > ?1 AND ?2 >= 0 ORDER BY order_id LIMIT ?3"},
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = mix(hash, (unsigned char)*text);
	return hash;
}

static void add(struct index_sum *index, const int64_t values[], int count)
{
	uint64_t hash = (uint64_t)count;

	for (int i = 0; i < count; i++)
		hash = mix(hash, (uint64_t)values[i]);
	index->rows++;
	index->sum += hash;
}

static void add_order(struct index_sum *index, const char *order, int64_t seq)
{
	index->rows++;
	index->sum += mix(mix_text(2, order), (uint64_t)seq);
}

void walk_index_add(struct walk *walk, const struct entry *entry, int64_t balance_nano)
{
	add(&walk->indexes[0],
	    (const int64_t[]){entry->account_id, entry->seq, entry->amount_nano, balance_nano}, 4);
	if (entry->life_id != 0)
		add(&walk->indexes[1],
		    (const int64_t[]){entry->life_id, entry->seq, entry->kind, entry->energy_wh,
				      entry->from_wh, entry->to_wh, entry->to_s},
		    7);
	if (entry->kind == ENTRY_RECHARGE || entry->kind == ENTRY_REVERSAL ||
	    entry->kind == ENTRY_CASH)
		add_order(&walk->indexes[2], entry->order, entry->seq);
}

/* Where a page ended. */
struct place {
	int64_t key;
	int64_t seq;
	char order[ENTRY_ORDER_MAX + 1];
};

static void add_row(struct walk *walk, sqlite3_stmt *stmt, int number, struct place *place)
{
	int64_t values[7] = {0};

	if (number == 2) {
		const char *order = (const char *)sqlite3_column_text(stmt, 0);

		place->seq = sqlite3_column_int64(stmt, 1);
		(void)strncpy(place->order, order ? order : "", sizeof(place->order) - 1);
		if (place->seq <= walk->until)
			add_order(&walk->indexes[2], place->order, place->seq);
		return;
	}
	for (int i = 0; i < indexes[number].columns; i++)
		values[i] = sqlite3_column_int64(stmt, i);
	place->key = values[0];
	place->seq = values[1];
	if (place->seq <= walk->until)
		add(&walk->indexes[number], values, indexes[number].columns);
}

static int walk_index(struct walk *walk, int number)
{
	sqlite3_stmt *stmt = NULL;
	struct place place = {.key = INT64_MIN};
	int rows = PAGE, code = sqlite3_prepare_v2(walk->db, indexes[number].sql, -1, &stmt, NULL);

	while (code == SQLITE_OK && rows == PAGE) {
		rows = 0;
		if (number == 2)
			(void)sqlite3_bind_text(stmt, 1, place.order, -1, SQLITE_TRANSIENT);
		else
			(void)sqlite3_bind_int64(stmt, 1, place.key);
		(void)sqlite3_bind_int64(stmt, 2, place.seq);
		(void)sqlite3_bind_int(stmt, 3, PAGE);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
			add_row(walk, stmt, number, &place);
			rows++;
		}
		(void)sqlite3_reset(stmt);
		code = code == SQLITE_DONE ? SQLITE_OK : code;
		if (code == SQLITE_OK && walk_tick(walk))
			code = SQLITE_INTERRUPT;
	}
	(void)sqlite3_finalize(stmt);
	return store_errno(walk->db, code);
}

int walk_indexes(struct walk *walk)
{
	int error = 0;

	for (int i = 0; error == 0 && i < WALK_INDEXES; i++)
		error = walk_index(walk, i);
	return error;
}

bool walk_indexes_agree(struct walk *walk, const struct walk *other)
{
	for (int i = 0; i < WALK_INDEXES; i++) {
		if (walk->indexes[i].rows == other->indexes[i].rows &&
		    walk->indexes[i].sum == other->indexes[i].sum)
			continue;
		(void)walk_bad(walk, 0,
			       "the index %s does not hold what the entries say; restore a "
			       "backup",
			       indexes[i].name);
		return false;
	}
	return true;
}
