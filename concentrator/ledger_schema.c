/* ledger_schema.c - recognises a ledger file and takes it forward, step by step. */
#include "concentrator/ledger_schema.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static int read_number(sqlite3 *db, const char *sql, int *ret)
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

int schema_read(sqlite3 *db, const char *path, int newest, int *ret_schema,
		struct ledger_failure *ret_failure)
{
	int application = 0, schema = 0, objects = 0;
	int code = read_number(db, "PRAGMA application_id", &application);

	if (code == SQLITE_OK)
		code = read_number(db, "PRAGMA user_version", &schema);
	if (code == SQLITE_OK)
		code = read_number(db, "SELECT count(*) FROM sqlite_schema", &objects);
	if ((code & 0xff) == SQLITE_NOTADB) {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: this file is no ledger, or it is damaged; name another path in "
			       "[store] ledger, or restore a backup",
			       path);
		return -EMEDIUMTYPE;
	}
	if ((code & 0xff) == SQLITE_CORRUPT) {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: the file is damaged (%s); restore a backup", path,
			       sqlite3_errmsg(db));
		return store_errno(db, code);
	}
	if (code != SQLITE_OK) {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: cannot be read: %s", path, sqlite3_errmsg(db));
		return store_errno(db, code);
	}
	if (application == 0 && schema == 0 && objects == 0) {
		*ret_schema = 0;
		return 0;
	}
	if (application != LEDGER_APPLICATION_ID || schema < 1) {
		(void)snprintf(
			ret_failure->text, sizeof(ret_failure->text),
			"%s: this database is no ledger; name another path in [store] ledger",
			path);
		return -EMEDIUMTYPE;
	}
	if (schema > newest) {
		(void)snprintf(ret_failure->text, sizeof(ret_failure->text),
			       "%s: the ledger has schema %d, this program knows %d at most; "
			       "install the newer "
			       "program again",
			       path, schema, newest);
		return -EPROTONOSUPPORT;
	}
	*ret_schema = schema;
	return 0;
}

static int write_meta(sqlite3 *db, const char *site, int64_t now_s)
{
	uint8_t genesis[32];
	sqlite3_stmt *stmt = NULL;
	int code;

	if (chain_genesis(site, genesis) < 0)
		return SQLITE_NOMEM;
	code = sqlite3_prepare_v2(db,
				  "INSERT INTO meta(id, site, epoch, created_s, genesis) "
				  "VALUES (1, ?, 1, ?, ?)",
				  -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, site, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 2, now_s);
	if (code == SQLITE_OK)
		code = sqlite3_bind_blob(stmt, 3, genesis, 32, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int run_step(sqlite3 *db, const struct ledger_step *step, const char *site, int64_t now_s)
{
	char pragma[96];
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(db, step->sql, NULL, NULL, NULL);
	if (code == SQLITE_OK && step->number == 1)
		code = write_meta(db, site, now_s);
	if (code == SQLITE_OK) {
		(void)snprintf(pragma, sizeof(pragma),
			       "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
			       LEDGER_APPLICATION_ID, step->number);
		code = sqlite3_exec(db, pragma, NULL, NULL, NULL);
	}
	return code;
}

int schema_migrate(sqlite3 *db, const char *path, const char *site, int64_t now_s, int schema,
		   const struct ledger_step steps[], size_t count,
		   struct ledger_failure *ret_failure)
{
	for (size_t i = (size_t)schema; i < count; i++) {
		int code;

		assert(steps[i].number == (int)i + 1);
		code = run_step(db, &steps[i], site, now_s);
		if (code != SQLITE_OK) {
			int error = (code & 0xff) == SQLITE_FULL ? -ENOSPC : store_errno(db, code);

			(void)snprintf(
				ret_failure->text, sizeof(ret_failure->text),
				"%s: migrating to schema %d failed: %s; the ledger is as it was",
				path, steps[i].number, sqlite3_errmsg(db));
			if (!sqlite3_get_autocommit(db))
				(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return error;
		}
	}
	return 0;
}
