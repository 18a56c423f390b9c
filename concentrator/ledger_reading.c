/* ledger_reading.c - see ledger_reading.h. */
#include "concentrator/ledger_reading.h"

#include "concentrator/ledger_store.h"

#include <errno.h>
#include <stdio.h>

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

/* Of one account or (0) of all; more is a condition on the entries that count. */
static int find(struct reading *reading, int64_t account_id, const char *more, int64_t at_s,
		int64_t *ret_seq)
{
	sqlite3_stmt *stmt = NULL;
	int64_t low = 1, high = SEQ_END;
	char sql[320];
	int error;

	(void)snprintf(sql, sizeof(sql),
		       "SELECT " BELONGS " FROM entry WHERE seq >= ?1 %s%s ORDER BY seq LIMIT 1",
		       account_id == 0 ? "" : "AND account_id = ?2", more);
	error = reading_prepare(reading, sql, &stmt);
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

int reading_find(struct reading *reading, int64_t account_id, int64_t at_s, int64_t *ret_seq)
{
	return find(reading, account_id, "", at_s, ret_seq);
}

int reading_find_in_order(struct reading *reading, int64_t account_id, int64_t at_s,
			  int64_t *ret_seq)
{
	char more[64];

	(void)snprintf(more, sizeof(more), " AND kind NOT IN (%d, %d, %d)", ENTRY_STANDING,
		       ENTRY_TAX, ENTRY_MINIMUM);
	return find(reading, account_id, more, at_s, ret_seq);
}

/* As BELONGS has it. */
int64_t reading_belongs_s(const struct entry *entry)
{
	if (entry->to_s == 0)
		return entry->at_s;
	return entry->from_s == 0 ? entry->to_s - 1
				  : entry->from_s + (entry->to_s - entry->from_s) / 2;
}

#define LINE_COLUMNS                                                                               \
	ENTRY_COLUMNS                                                                              \
	", (SELECT name FROM room WHERE id = (SELECT room_id FROM account WHERE id = "             \
	"entry.account_id)), (SELECT circuit FROM supply WHERE point_id = entry.point_id), "       \
	"(SELECT name FROM tariff WHERE id = entry.tariff_id), "                                   \
	"(SELECT medium FROM life WHERE id = entry.life_id)"
#define LINE_ROOM 26 /* column behind those of the entry */

static void copy_name(sqlite3_stmt *stmt, int column, char *ret, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	(void)snprintf(ret, size, "%s", text ? (const char *)text : "");
}

static void read_line(sqlite3_stmt *stmt, struct ledger_line *ret)
{
	entry_from_row(stmt, &ret->entry, &ret->balance_nano);
	copy_name(stmt, LINE_ROOM, ret->room, sizeof(ret->room));
	copy_name(stmt, LINE_ROOM + 1, ret->circuit, sizeof(ret->circuit));
	copy_name(stmt, LINE_ROOM + 2, ret->tariff, sizeof(ret->tariff));
	ret->medium = (enum medium)sqlite3_column_int(stmt, LINE_ROOM + 3);
}

int reading_page(struct reading *reading, const struct ledger_query *query, int64_t first,
		 struct ledger_page *page)
{
	char sql[1400];
	sqlite3_stmt *stmt = NULL;
	int64_t after = query->after_seq;
	int code = SQLITE_DONE, error;

	if (first - 1 > after)
		after = first - 1;
	(void)snprintf(sql, sizeof(sql),
		       "SELECT " LINE_COLUMNS " FROM entry WHERE seq > ?1 AND seq < ?2 %s AND "
		       "(?3 = 0 OR (?3 >> kind) & 1) ORDER BY seq %s LIMIT ?4",
		       query->account_id != 0 ? "AND account_id = ?5" : "",
		       query->newest_first ? "DESC" : "");
	error = reading_prepare(reading, sql, &stmt);
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, after);
	(void)sqlite3_bind_int64(stmt, 2, query->before_seq > 0 ? query->before_seq : INT64_MAX);
	(void)sqlite3_bind_int64(stmt, 3, query->kinds);
	(void)sqlite3_bind_int64(stmt, 4, query->limit + 1);
	if (query->account_id != 0)
		(void)sqlite3_bind_int64(stmt, 5, query->account_id);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (page->count == (size_t)query->limit) {
			page->more = true;
			break;
		}
		read_line(stmt, &page->lines[page->count++]);
	}
	error = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

int reading_line(struct reading *reading, int64_t seq, struct ledger_line *ret)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(reading, "SELECT " LINE_COLUMNS " FROM entry WHERE seq = ?",
				    &stmt);
	int code;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, seq);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		read_line(stmt, ret);
	error = code == SQLITE_ROW    ? 0
		: code == SQLITE_DONE ? -ENOENT
				      : store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}
