/* ledger_index.c - do the indexes of the entries hold what the entries say, and nothing else?
 *
 * Balances and registers are looked up in them (M1, M2), and SQLite's quick check does not compare them
 * with their table. Each row is mixed into one number, and the numbers are added: the walk does that in the
 * order of the entries, this in the order of the index. It finds damage, not malice: who can choose both sides
 * of it can write the ledger anyway, and the hashes are what proves an entry.
 */
#include "concentrator/ledger_index.h"

#include <errno.h>
#include <string.h>

#define WINDOW INT64_C(1048576) /* entries whose rows of one key are read in one transaction */
#define PAGE   16384            /* orders, which have no key but themselves */

#define INDEX_ORDER 2

static const struct {
	const char *name;
	/* The next key there is. */
	const char *key;
	/* The rows of key ?1 behind entry ?2 up to entry ?3, by the index alone where it covers them; orders
	 * behind order ?1. */
	const char *rows;
} indexes[LEDGER_INDEXES] = {
	{"entry_account",
	 "SELECT min(account_id) FROM entry INDEXED BY entry_account WHERE account_id > ?",
	 "SELECT index_rows(account_id, seq, amount_nano, balance_nano) FROM entry INDEXED BY "
	 "entry_account WHERE account_id = ? AND seq > ? AND seq <= ?"},
	{"entry_life",
	 "SELECT min(life_id) FROM entry INDEXED BY entry_life WHERE life_id IS NOT NULL AND "
	 "life_id > ?",
	 "SELECT index_rows(life_id, seq, kind, energy_wh, from_wh, to_wh, to_s) FROM entry "
	 "INDEXED "
	 "BY entry_life WHERE life_id IS NOT NULL AND life_id = ? AND seq > ? AND seq <= ?"},
	{"entry_order", NULL,
	 "SELECT order_id, seq FROM entry INDEXED BY entry_order WHERE kind IN (2, 3, 4) AND "
	 "order_id > ? ORDER BY order_id LIMIT ?"},
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

void index_add(struct index_sum sums[static LEDGER_INDEXES], const struct entry *entry,
	       int64_t balance_nano)
{
	add(&sums[0],
	    (const int64_t[]){entry->account_id, entry->seq, entry->amount_nano, balance_nano}, 4);
	if (entry->life_id != 0)
		add(&sums[1],
		    (const int64_t[]){entry->life_id, entry->seq, entry->kind, entry->energy_wh,
				      entry->from_wh, entry->to_wh, entry->to_s},
		    7);
	if (entry->kind == ENTRY_RECHARGE || entry->kind == ENTRY_REVERSAL ||
	    entry->kind == ENTRY_CASH)
		add_order(&sums[INDEX_ORDER], entry->order, entry->seq);
}

/* index_rows(): an aggregate, because a row given out one by one costs as much again. */
static void add_values(sqlite3_context *context, int count, sqlite3_value **values)
{
	int64_t row[7];

	for (int i = 0; i < count; i++)
		row[i] = sqlite3_value_int64(values[i]);
	add(sqlite3_user_data(context), row, count);
}

static void end_values(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

/* 0 there is none left. */
static int next_key(struct walk *walk, sqlite3_stmt *stmt, int64_t *key)
{
	int code = sqlite3_bind_int64(stmt, 1, *key);
	bool found = false;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		*key = sqlite3_column_int64(stmt, 0);
		found = true;
	}
	(void)sqlite3_reset(stmt);
	return code == SQLITE_ROW ? found : store_errno(walk->db, code);
}

static int walk_key(struct walk *walk, sqlite3_stmt *stmt, int64_t key, int64_t until)
{
	int64_t after = INT64_MIN, through = 0;
	int code = SQLITE_OK, error = 0;

	while (error == 0 && after < until) {
		through = until - through > WINDOW ? through + WINDOW : until;
		(void)sqlite3_bind_int64(stmt, 1, key);
		(void)sqlite3_bind_int64(stmt, 2, after);
		(void)sqlite3_bind_int64(stmt, 3, through);
		code = sqlite3_step(stmt);
		error = store_errno(walk->db, code);
		(void)sqlite3_reset(stmt);
		if (error == 0 && walk_tick(walk))
			error = -ECANCELED;
		after = through;
	}
	return error;
}

static int walk_keys(struct walk *walk, int number, int64_t until, struct index_sum *sum)
{
	sqlite3_stmt *keys = NULL, *rows = NULL;
	int64_t key = INT64_MIN;
	int code = sqlite3_create_function_v2(walk->db, "index_rows", -1,
					      SQLITE_UTF8 | SQLITE_DIRECTONLY, sum, NULL,
					      add_values, end_values, NULL);
	int error, more = 1;

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(walk->db, indexes[number].key, -1, &keys, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(walk->db, indexes[number].rows, -1, &rows, NULL);
	error = store_errno(walk->db, code);
	while (error == 0 && more > 0) {
		more = next_key(walk, keys, &key);
		error = more > 0 ? walk_key(walk, rows, key, until) : more;
	}
	(void)sqlite3_finalize(keys);
	(void)sqlite3_finalize(rows);
	return error;
}

/* A page of orders; the last is where the next page begins. */
static int walk_page(sqlite3_stmt *stmt, int64_t until, char order[static ENTRY_ORDER_MAX + 1],
		     struct index_sum *sum, int *ret_rows)
{
	int code;

	*ret_rows = 0;
	(void)sqlite3_bind_text(stmt, 1, order, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int(stmt, 2, PAGE);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		(void)strncpy(order, text ? text : "", ENTRY_ORDER_MAX);
		if (sqlite3_column_int64(stmt, 1) <= until)
			add_order(sum, order, sqlite3_column_int64(stmt, 1));
		++*ret_rows;
	}
	(void)sqlite3_reset(stmt);
	return code;
}

static int walk_orders(struct walk *walk, int64_t until, struct index_sum *sum)
{
	char order[ENTRY_ORDER_MAX + 1] = "";
	sqlite3_stmt *stmt = NULL;
	int rows = PAGE,
	    error = store_errno(walk->db, sqlite3_prepare_v2(walk->db, indexes[INDEX_ORDER].rows,
							     -1, &stmt, NULL));

	while (error == 0 && rows == PAGE) {
		error = store_errno(walk->db, walk_page(stmt, until, order, sum, &rows));
		if (error == 0 && walk_tick(walk))
			error = -ECANCELED;
	}
	(void)sqlite3_finalize(stmt);
	return error;
}

int index_walk(struct walk *walk, int number, int64_t until, struct index_sum *ret)
{
	return number == INDEX_ORDER ? walk_orders(walk, until, ret)
				     : walk_keys(walk, number, until, ret);
}

bool indexes_agree(struct walk *walk, const struct index_sum entries[static LEDGER_INDEXES],
		   const struct index_sum found[static LEDGER_INDEXES])
{
	for (int i = 0; i < LEDGER_INDEXES; i++) {
		if (entries[i].rows == found[i].rows && entries[i].sum == found[i].sum)
			continue;
		(void)walk_bad(walk, 0,
			       "the index %s does not hold what the entries say; restore a "
			       "backup",
			       indexes[i].name);
		return false;
	}
	return true;
}
