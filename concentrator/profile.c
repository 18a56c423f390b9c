/* profile.c - one table, a transaction a batch. See profile.h. */
#include "concentrator/profile.h"

#include "concentrator/ledger_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define APPLICATION_ID 0x50727066 /* "Prpf" */
#define VERSION        1

static const char schema[] =
	"CREATE TABLE profile (at_s INTEGER NOT NULL, supply_id INTEGER NOT NULL, life_id INTEGER "
	"NOT NULL, register_wh INTEGER NOT NULL, PRIMARY KEY (at_s, supply_id)) STRICT, WITHOUT "
	"ROWID; PRAGMA application_id = 1349677158; PRAGMA user_version = 1;";

_Static_assert(APPLICATION_ID == 1349677158 && VERSION == 1, "as the schema says");

static int error_of(sqlite3 *db, int code)
{
	return (code & 0xff) == SQLITE_FULL     ? -ENOSPC
	       : (code & 0xff) == SQLITE_NOTADB ? -EMEDIUMTYPE
						: store_errno(db, code);
}

static int number(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* The mode and errno's words come from here, not from SQLite. */
static int touch(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

/* In the transaction of the caller: is it ours, or empty? */
static int recognise(sqlite3 *db)
{
	int application = 0, version = 0, objects = 0;
	int code = number(db, "PRAGMA application_id", &application);

	if (code == SQLITE_OK)
		code = number(db, "PRAGMA user_version", &version);
	if (code == SQLITE_OK)
		code = number(db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (code != SQLITE_OK)
		return error_of(db, code);
	if (application == 0 && version == 0 && objects == 0)
		return error_of(db, sqlite3_exec(db, schema, NULL, NULL, NULL));
	return application == APPLICATION_ID && version == VERSION ? 0 : -EMEDIUMTYPE;
}

static int put_rows(sqlite3 *db, const struct profile_batch *batch)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, "DELETE FROM profile WHERE at_s < ?", -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, batch->keep_s);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	if (code != SQLITE_DONE)
		return error_of(db, code);
	code = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO profile VALUES (?, ?, ?, ?)", -1,
				  &stmt, NULL);
	for (size_t i = 0; code == SQLITE_OK && i < batch->count; i++) {
		const struct profile_row *row = &batch->rows[i];

		(void)sqlite3_bind_int64(stmt, 1, row->at_s);
		(void)sqlite3_bind_int64(stmt, 2, row->supply_id);
		(void)sqlite3_bind_int64(stmt, 3, row->life_id);
		(void)sqlite3_bind_int64(stmt, 4, row->register_wh);
		code = sqlite3_step(stmt);
		code = code == SQLITE_DONE ? sqlite3_reset(stmt) : code;
	}
	(void)sqlite3_finalize(stmt);
	return error_of(db, code);
}

/* begin: what the connection does first. *ret is to be closed whatever the answer. */
static int open_profile(const char *path, const char *vfs, int flags, const char *begin,
			sqlite3 **ret)
{
	int code = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
				   vfs);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(*ret, 500);
	/* EXTRA: without it the journal's name may come back after a power cut, and take the last batch
	 * back. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(*ret,
				    "PRAGMA cache_size = -256; PRAGMA trusted_schema = OFF; PRAGMA "
				    "temp_store = MEMORY; PRAGMA synchronous = EXTRA",
				    NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(*ret, begin, NULL, NULL, NULL);
	return *ret ? error_of(*ret, code) : -ENOMEM;
}

int profile_write(const char *path, const char *vfs, const struct profile_batch *batch)
{
	sqlite3 *db = NULL;
	int error = vfs ? 0 : touch(path);

	if (error < 0)
		return error;
	error = open_profile(path, vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			     "BEGIN IMMEDIATE", &db);
	if (error == 0)
		error = recognise(db);
	if (error == 0)
		error = put_rows(db, batch);
	if (error == 0)
		error = error_of(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	/* Closing takes back what was not committed. */
	(void)sqlite3_close(db);
	return error;
}

static int add_row(struct profile_page **page, size_t *allocated, const struct profile_row *row)
{
	if ((*page)->count == *allocated) {
		struct profile_page *more = realloc(
			*page, sizeof(*more) + 2 * *allocated * sizeof(more->rows[0]));

		if (!more)
			return -ENOMEM;
		*page = more;
		*allocated *= 2;
	}
	(*page)->rows[(*page)->count++] = *row;
	return 0;
}

static bool is_asked(const struct profile_request *request, int64_t supply_id)
{
	for (size_t i = 0; i < request->count; i++)
		if (request->supply_id[i] == supply_id)
			return true;
	return false;
}

static int get_rows(sqlite3 *db, const struct profile_request *request, struct profile_page **page)
{
	size_t allocated = 128;
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db,
				      "SELECT at_s, supply_id, life_id, register_wh FROM profile "
				      "WHERE at_s BETWEEN ? AND ? ORDER BY at_s, supply_id",
				      -1, &stmt, NULL);
	int error = 0;

	*page = calloc(1, sizeof(**page) + allocated * sizeof((*page)->rows[0]));
	if (!*page)
		error = -ENOMEM;
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, request->from_s);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 2, request->to_s);
	while (error == 0 && code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct profile_row row = {.at_s = sqlite3_column_int64(stmt, 0),
						.supply_id = sqlite3_column_int64(stmt, 1),
						.life_id = sqlite3_column_int64(stmt, 2),
						.register_wh = sqlite3_column_int64(stmt, 3)};

		code = SQLITE_OK;
		if (is_asked(request, row.supply_id))
			error = add_row(page, &allocated, &row);
	}
	(void)sqlite3_finalize(stmt);
	return error < 0 ? error : error_of(db, code);
}

int profile_read(const char *path, const char *vfs, const struct profile_request *request,
		 struct profile_page **ret)
{
	struct profile_page *page = NULL;
	sqlite3 *db = NULL;
	int application = 0, error;

	if (!vfs && access(path, F_OK) < 0 && errno == ENOENT) {
		page = calloc(1, sizeof(*page));
		*ret = page;
		return page ? 0 : -ENOMEM;
	}
	error = open_profile(path, vfs, SQLITE_OPEN_READONLY, "PRAGMA query_only = ON", &db);
	if (error == 0)
		error = error_of(db, number(db, "PRAGMA application_id", &application));
	if (error == 0 && application != APPLICATION_ID)
		error = -EMEDIUMTYPE;
	if (error == 0)
		error = get_rows(db, request, &page);
	(void)sqlite3_close(db);
	if (error < 0)
		free(page);
	else
		*ret = page;
	return error;
}
