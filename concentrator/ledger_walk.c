/* ledger_walk.c - see ledger_walk.h. */
#include "concentrator/ledger_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <openssl/evp.h>

int walk_tick(void *userdata)
{
	struct walk *walk = userdata;

	if (walk->progress)
		atomic_fetch_add_explicit(walk->progress, 1, memory_order_relaxed);
	return walk->cancel && atomic_load_explicit(walk->cancel, memory_order_relaxed);
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

int walk_open(struct walk *walk, const char *path, const char *vfs)
{
	int64_t columns = 0;
	int error = store_open_judging(&walk->db, path, vfs);

	if (error < 0)
		return error;
	sqlite3_progress_handler(walk->db, 4096, walk_tick, walk);
	error = walk_integer(walk,
			     "SELECT count(*) FROM pragma_table_info('life') WHERE name = 'medium'",
			     &columns);
	walk->has_medium = columns > 0;
	return error;
}

void walk_close(struct walk *walk)
{
	(void)sqlite3_close(walk->db);
	EVP_MD_CTX_free(walk->digest);
}

int walk_begin(struct walk *walk)
{
	return store_errno(walk->db, sqlite3_exec(walk->db, "BEGIN", NULL, NULL, NULL));
}

int walk_end(struct walk *walk, int error)
{
	(void)sqlite3_exec(walk->db, "COMMIT", NULL, NULL, NULL);
	return error == 0 && walk_tick(walk) ? -ECANCELED : error;
}

int walk_integer(struct walk *walk, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, sql, -1, &stmt, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	error = code == SQLITE_DONE ? -EIO : store_errno(walk->db, code);
	if (error == 0)
		*ret = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return error;
}

int walk_has_table(struct walk *walk, const char *name, bool *ret)
{
	char sql[160];
	int64_t count;
	int error;

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '%s'",
		       name);
	error = walk_integer(walk, sql, &count);
	if (error == 0)
		*ret = count > 0;
	return error;
}

int walk_judge(struct walk *walk, int error)
{
	int code = walk->db ? sqlite3_errcode(walk->db) & 0xff : SQLITE_OK;

	if (error != -EIO || (code != SQLITE_CORRUPT && code != SQLITE_NOTADB))
		return error;
	return walk_bad(walk, walk->verdict->ok ? 0 : walk->verdict->first_bad,
			"the file is damaged after entry %" PRId64 ": %s", walk->verdict->entries,
			sqlite3_errmsg(walk->db));
}
