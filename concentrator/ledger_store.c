/* ledger_store.c - statements, rows and errors of the ledger's one connection. */
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_errno(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		switch (code) {
		case SQLITE_CONSTRAINT_PRIMARYKEY:
		case SQLITE_CONSTRAINT_UNIQUE:
		case SQLITE_CONSTRAINT_ROWID:
			return -EEXIST;
		case SQLITE_CONSTRAINT_FOREIGNKEY:
			return -ENOENT;
		case SQLITE_CONSTRAINT_TRIGGER:
			return -EPERM;
		default:
			return -EINVAL;
		}
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return -EINVAL;
	case SQLITE_INTERRUPT:
		return -ECANCELED;
	case SQLITE_ERROR:
		/* sum() says it by text alone. */
		return strcmp(sqlite3_errmsg(db), "integer overflow") == 0 ? -ERANGE : -EIO;
	default:
		return -EIO;
	}
}

void store_fail(struct ledger *ledger, const char *text)
{
	if (ledger->failed)
		return;
	ledger->failed = true;
	(void)snprintf(ledger->failure, sizeof(ledger->failure), "%s", text);
}

int store_error(struct ledger *ledger, int code)
{
	int error = store_errno(ledger->db, code);
	char text[sizeof(ledger->failure)];

	if (error == 0)
		return 0;
	/* SQLite may have rolled back by itself; going on would commit the rest row by row. */
	if (error != -EIO && !(ledger->in_transaction && sqlite3_get_autocommit(ledger->db)))
		return error;
	if ((code & 0xff) == SQLITE_FULL)
		(void)snprintf(text, sizeof(text),
			       "%s: the disk is full; make room, it goes on by itself",
			       ledger->path);
	else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		(void)snprintf(text, sizeof(text), "%s: the file is damaged (%s); restore a backup",
			       ledger->path, sqlite3_errmsg(ledger->db));
	else
		(void)snprintf(text, sizeof(text), "%s: %s (SQLite %d); check the disk",
			       ledger->path, sqlite3_errmsg(ledger->db), code);
	store_fail(ledger, text);
	return -EIO;
}

struct query query_begin(struct ledger *ledger, enum statement slot, const char *sql)
{
	struct query query = {.ledger = ledger};
	int code;

	if (ledger->failed) {
		query.error = -EIO;
		return query;
	}
	if (!ledger->statements[slot]) {
		code = sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
					  &ledger->statements[slot], NULL);
		if (code != SQLITE_OK) {
			query.error = store_error(ledger, code);
			return query;
		}
	}
	query.stmt = ledger->statements[slot];
	/* A row function that asks the same question again would end its own walk. */
	assert(!sqlite3_stmt_busy(query.stmt));
	return query;
}

static void query_bound(struct query *query, int code)
{
	if (code != SQLITE_OK)
		query->error = store_error(query->ledger, code);
}

void query_integer(struct query *query, int64_t value)
{
	query->bound++;
	if (query->error == 0)
		query_bound(query, sqlite3_bind_int64(query->stmt, query->bound, value));
}

void query_reference(struct query *query, int64_t id)
{
	if (id != 0)
		query_integer(query, id);
	else
		query->bound++; /* unbound is NULL */
}

/* Well-formed UTF-8 as RFC 3629, section 4, has it. */
static bool text_valid(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;

	for (size_t i = 0; i < size;) {
		unsigned char lead = at[i];
		size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;

		if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size - i <= more)
			return false;
		for (size_t k = 1; k <= more; k++)
			if ((at[i + k] & 0xc0) != 0x80)
				return false;
		if ((lead == 0xe0 && at[i + 1] < 0xa0) || (lead == 0xed && at[i + 1] > 0x9f) ||
		    (lead == 0xf0 && at[i + 1] < 0x90) || (lead == 0xf4 && at[i + 1] > 0x8f))
			return false;
		i += more + 1;
	}
	return true;
}

void query_text(struct query *query, const char *text, size_t max)
{
	size_t size = text ? strnlen(text, max + 1) : 0;

	query->bound++;
	if (query->error != 0)
		return;
	if (size > max || (text && !text_valid(text, size))) {
		query->error = -EINVAL;
		return;
	}
	query_bound(query, sqlite3_bind_text(query->stmt, query->bound, text ? text : "", (int)size,
					     SQLITE_STATIC));
}

void query_text_or_null(struct query *query, const char *text, size_t max)
{
	if (text && text[0] != '\0')
		query_text(query, text, max);
	else
		query->bound++;
}

void query_blob(struct query *query, const void *bytes, size_t size)
{
	query->bound++;
	if (query->error == 0)
		query_bound(query, sqlite3_bind_blob64(query->stmt, query->bound,
						       size > 0 ? bytes : "", size, SQLITE_STATIC));
}

int query_row(struct query *query)
{
	int code;

	if (query->error != 0)
		return query->error;
	code = sqlite3_step(query->stmt);
	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		query->error = store_error(query->ledger, code);
	return query->error;
}

int query_run(struct query *query)
{
	int row = query_row(query);

	assert(row <= 0);
	return row;
}

int query_change(struct query *query)
{
	int error = query_run(query);

	if (error == 0 && sqlite3_changes(query->ledger->db) == 0)
		return -ENOENT;
	return error;
}

void query_end(struct query *query)
{
	if (!query->stmt)
		return;
	(void)sqlite3_reset(query->stmt);
	(void)sqlite3_clear_bindings(query->stmt);
	query->stmt = NULL;
}

int64_t row_integer(const struct query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

const char *row_borrow_text(const struct query *query, int column)
{
	const unsigned char *text = sqlite3_column_text(query->stmt, column);

	return text ? (const char *)text : "";
}

void row_text(const struct query *query, int column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", row_borrow_text(query, column));
}

const void *row_borrow_blob(const struct query *query, int column, size_t *ret_size)
{
	const void *bytes = sqlite3_column_blob(query->stmt, column);

	*ret_size = (size_t)sqlite3_column_bytes(query->stmt, column);
	return bytes;
}

void row_hash(const struct query *query, int column, uint8_t ret[static 32])
{
	size_t size;
	const void *bytes = row_borrow_blob(query, column, &size);

	memset(ret, 0, 32);
	if (bytes && size == 32)
		memcpy(ret, bytes, 32);
}

int64_t store_inserted(const struct ledger *ledger)
{
	return sqlite3_last_insert_rowid(ledger->db);
}

int store_savepoint(struct ledger *ledger)
{
	QUERY query = query_begin(ledger, STATEMENT_SAVEPOINT, "SAVEPOINT step");

	return query_run(&query);
}

int store_savepoint_end(struct ledger *ledger, int error)
{
	if (error != 0) {
		QUERY undo = query_begin(ledger, STATEMENT_SAVEPOINT_UNDO, "ROLLBACK TO step");
		int undone = query_run(&undo);

		if (undone != 0)
			return undone;
	}
	QUERY keep = query_begin(ledger, STATEMENT_SAVEPOINT_KEEP, "RELEASE step");
	int kept = query_run(&keep);

	return kept != 0 ? kept : error;
}

void store_seen(struct ledger *ledger, int64_t at_s, bool trusted)
{
	if (trusted && at_s > ledger->tally.floor_s)
		ledger->tally.floor_s = at_s;
}

struct cached_account *store_account(struct ledger *ledger, int64_t account_id)
{
	size_t low = 0, high = ledger->tally.account_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ledger->accounts[middle].id < account_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == ledger->tally.account_count || ledger->accounts[low].id != account_id)
		return NULL;
	return &ledger->accounts[low];
}

int store_account_add(struct ledger *ledger, int64_t account_id, bool closed, int64_t balance_nano)
{
	size_t count = ledger->tally.account_count;

	if (count == ledger->accounts_allocated) {
		size_t wanted = count > 0 ? 2 * count : 64;
		struct cached_account *grown = reallocarray(ledger->accounts, wanted,
							    sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ledger->accounts = grown;
		ledger->accounts_allocated = wanted;
	}
	/* Ids rise: rows are never deleted. */
	assert(count == 0 || ledger->accounts[count - 1].id < account_id);
	ledger->accounts[count] = (struct cached_account){
		.id = account_id,
		.balance_nano = balance_nano,
		.saved_nano = balance_nano,
		.closed = closed,
		.saved_closed = closed,
	};
	ledger->tally.account_count = count + 1;
	return 0;
}

static int open_reading(sqlite3 **ret, const char *path, const char *vfs, int mode)
{
	sqlite3 *db = NULL;
	/* One thread at a time uses it, whoever opens it. */
	int code = sqlite3_open_v2(path, &db, mode | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
				   vfs);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db, 500);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db,
				    "PRAGMA cache_size = -256; PRAGMA trusted_schema = OFF;"
				    "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0",
				    NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		error = db ? store_errno(db, code) : -ENOMEM;
		(void)sqlite3_close(db);
		return error;
	}
	*ret = db;
	return 0;
}

int store_open_reading(sqlite3 **ret, const char *path, const char *vfs)
{
	return open_reading(ret, path, vfs, SQLITE_OPEN_READONLY);
}

int store_open_judging(sqlite3 **ret, const char *path, const char *vfs)
{
	sqlite3 *db;
	int error = open_reading(&db, path, vfs, SQLITE_OPEN_READWRITE), code;

	if (error < 0)
		return error;
	code = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		error = store_errno(db, code);
		(void)sqlite3_close(db);
		return error;
	}
	*ret = db;
	return 0;
}
