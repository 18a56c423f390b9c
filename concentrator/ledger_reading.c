/* ledger_reading.c - see ledger_reading.h. */
#include "concentrator/ledger_reading.h"

#include "concentrator/ledger_store.h"

/* No ledger has more entries; a power of two, so that all bisections ask at the same places. */
#define SEQ_END (INT64_C(1) << 40)

int reading_tick(void *userdata)
{
	struct reading *reading = userdata;

	if (reading->progress)
		atomic_fetch_add_explicit(reading->progress, 1, memory_order_relaxed);
	return reading->cancel && atomic_load_explicit(reading->cancel, memory_order_relaxed);
}

int reading_open(struct reading *reading, const char *path, const char *vfs)
{
	int error = store_open_reading(&reading->db, path, vfs);

	if (error < 0)
		return error;
	sqlite3_progress_handler(reading->db, 4096, reading_tick, reading);
	return store_errno(reading->db,
			   sqlite3_exec(reading->db, "PRAGMA query_only = ON", NULL, NULL, NULL));
}

int reading_prepare(struct reading *reading, const char *sql, sqlite3_stmt **ret)
{
	return store_errno(reading->db, sqlite3_prepare_v2(reading->db, sql, -1, ret, NULL));
}

/* Does the first entry from seq on belong to at_s or later? Also when there is none. */
static int belongs(struct reading *reading, sqlite3_stmt *stmt, int64_t account_id, int64_t seq,
		   int64_t at_s, bool *ret)
{
	int code;

	(void)sqlite3_bind_int64(stmt, 1, seq);
	if (account_id != 0)
		(void)sqlite3_bind_int64(stmt, 2, account_id);
	code = sqlite3_step(stmt);
	*ret = code != SQLITE_ROW || sqlite3_column_int64(stmt, 0) >= at_s;
	(void)sqlite3_reset(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
}

#define BELONGS                                                                                    \
	"CASE WHEN to_s = 0 THEN at_s WHEN from_s = 0 THEN to_s - 1 "                              \
	"ELSE from_s + (to_s - from_s) / 2 END"

int reading_find(struct reading *reading, int64_t account_id, int64_t at_s, int64_t *ret_seq)
{
	sqlite3_stmt *stmt = NULL;
	int64_t low = 1, high = SEQ_END;
	int error = reading_prepare(reading,
				    account_id == 0
					    ? "SELECT " BELONGS " FROM entry WHERE seq >= ? LIMIT 1"
					    : "SELECT " BELONGS " FROM entry WHERE seq >= ? AND "
					      "account_id = ? ORDER BY seq LIMIT 1",
				    &stmt);

	while (error == 0 && low < high) {
		int64_t middle = low + (high - low) / 2;
		bool later;

		error = belongs(reading, stmt, account_id, middle, at_s, &later);
		if (later)
			high = middle;
		else
			low = middle + 1;
	}
	(void)sqlite3_finalize(stmt);
	*ret_seq = low;
	return error;
}
