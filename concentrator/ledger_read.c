/* ledger_read.c - see ledger_read.h.
 *
 * Entries never change and are never put in between (M5): what is read in several transactions fits together.
 */
#include "concentrator/ledger_read.h"

#include "concentrator/ledger_reading.h"
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int read_page(struct reading *reading, const struct ledger_query *query, int64_t first,
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

int ledger_read(const char *path, const char *vfs, const struct ledger_query *query,
		atomic_ullong *progress, const atomic_bool *cancel, struct ledger_page **ret)
{
	struct reading reading = {.progress = progress, .cancel = cancel};
	struct ledger_page *page;
	int64_t first = 1;
	int error;

	if (query->limit < 1 || query->limit > LEDGER_PAGE_MAX)
		return -EINVAL;
	page = calloc(1, sizeof(*page) + (size_t)query->limit * sizeof(page->lines[0]));
	if (!page)
		return -ENOMEM;
	error = reading_open(&reading, path, vfs);
	if (error == 0 && query->since_s != 0)
		error = reading_find(&reading, query->account_id, query->since_s, &first);
	if (error == 0)
		error = read_page(&reading, query, first, page);
	(void)sqlite3_close(reading.db);
	if (error < 0)
		free(page);
	else
		*ret = page;
	return error;
}

static int balance_before(struct reading *reading, int64_t account_id, int64_t seq, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(
		reading,
		"SELECT balance_nano FROM entry WHERE account_id = ? AND seq < ? "
		"ORDER BY seq DESC LIMIT 1",
		&stmt);
	int code;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, account_id);
	(void)sqlite3_bind_int64(stmt, 2, seq);
	code = sqlite3_step(stmt);
	*ret = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
}

static struct ledger_statement_line *line_for(struct ledger_statement *statement,
					      const struct ledger_line *from)
{
	const struct entry *entry = &from->entry;
	bool summed = entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_STANDING ||
		      entry->kind == ENTRY_TAX;

	for (size_t i = 0; summed && i < statement->count; i++) {
		struct ledger_statement_line *line = &statement->lines[i];

		if (line->kind == entry->kind && line->medium == from->medium &&
		    line->tariff_id == entry->tariff_id &&
		    line->price_micro_per_kwh == entry->price_micro_per_kwh)
			return line;
	}
	return NULL;
}

static int add_line(struct ledger_statement *statement, const struct ledger_line *from)
{
	const struct entry *entry = &from->entry;
	struct ledger_statement_line *line = line_for(statement, from);
	bool timed = entry->to_s != 0;

	if (!line) {
		if (statement->count == LEDGER_STATEMENT_LINES_MAX)
			return -E2BIG;
		line = &statement->lines[statement->count++];
		*line = (struct ledger_statement_line){
			.kind = entry->kind,
			.medium = from->medium,
			.seq = entry->seq,
			.from_s = timed && entry->from_s != 0 ? entry->from_s : entry->at_s,
			.price_micro_per_kwh = entry->price_micro_per_kwh,
			.tariff_id = entry->tariff_id,
			.flags = entry->flags,
		};
		memcpy(line->tariff, from->tariff, sizeof(line->tariff));
		memcpy(line->order, entry->order, sizeof(line->order));
		memcpy(line->who, entry->who, sizeof(line->who));
		memcpy(line->why, entry->why, sizeof(line->why));
	}
	line->entries++;
	line->to_s = timed ? entry->to_s : entry->at_s;
	if (__builtin_add_overflow(line->energy_wh, entry->energy_wh, &line->energy_wh) ||
	    __builtin_add_overflow(line->amount_nano, entry->amount_nano, &line->amount_nano))
		return -ERANGE;
	return 0;
}

/* The entries of an account from one to before another, a page a transaction. */
static int walk(struct reading *reading, int64_t account_id, int64_t seq, int64_t end,
		struct ledger_statement *statement)
{
	struct ledger_query query = {.account_id = account_id,
				     .after_seq = seq - 1,
				     .before_seq = end,
				     .limit = LEDGER_PAGE_MAX};
	struct ledger_page *page = malloc(sizeof(*page) + LEDGER_PAGE_MAX * sizeof(page->lines[0]));
	int error = page ? 0 : -ENOMEM;

	do {
		if (error < 0)
			break;
		page->count = 0;
		page->more = false;
		error = read_page(reading, &query, 1, page);
		for (size_t i = 0; error == 0 && i < page->count; i++)
			error = add_line(statement, &page->lines[i]);
		if (page->count > 0)
			query.after_seq = page->lines[page->count - 1].entry.seq;
		if (error == 0 && reading_tick(reading))
			error = -ECANCELED;
	} while (error == 0 && page->more);
	free(page);
	return error;
}

static int check(const struct ledger_statement *statement)
{
	int64_t sum = statement->opening_nano;

	for (size_t i = 0; i < statement->count; i++)
		if (__builtin_add_overflow(sum, statement->lines[i].amount_nano, &sum))
			return -EUCLEAN;
	return sum == statement->closing_nano ? 0 : -EUCLEAN;
}

int ledger_statement(const char *path, const char *vfs, int64_t account_id, int64_t from_s,
		     int64_t to_s, atomic_ullong *progress, const atomic_bool *cancel,
		     struct ledger_statement **ret)
{
	struct reading reading = {.progress = progress, .cancel = cancel};
	struct ledger_statement *statement = malloc(
		sizeof(*statement) + LEDGER_STATEMENT_LINES_MAX * sizeof(statement->lines[0]));
	int64_t first, end;
	int error;

	if (!statement)
		return -ENOMEM;
	*statement = (struct ledger_statement){0};
	error = reading_open(&reading, path, vfs);
	if (error == 0)
		error = reading_find(&reading, account_id, from_s, &first);
	if (error == 0)
		error = reading_find(&reading, account_id, to_s, &end);
	if (error == 0)
		error = balance_before(&reading, account_id, first, &statement->opening_nano);
	if (error == 0)
		error = balance_before(&reading, account_id, end, &statement->closing_nano);
	if (error == 0)
		error = walk(&reading, account_id, first, end, statement);
	if (error == 0)
		error = check(statement);
	(void)sqlite3_close(reading.db);
	if (error < 0)
		free(statement);
	else
		*ret = statement;
	return error;
}
