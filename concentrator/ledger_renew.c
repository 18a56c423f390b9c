/* ledger_renew.c - brings an earlier backup up to date by what has been added since.
 *
 * One transaction of the backup's own: a power cut in the middle leaves it as it was, once SQLite has taken
 * its journal back. Rows of a table whose trigger refuses every change are appended, by their rowid; all other
 * tables are small, and written anew. The backup must be of this very ledger and schema, its last entry one of
 * ours, by hash (M8); what is added follows it, and ends with our last one.
 */
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 1 and the text or number of one row; -ENODATA without a row. */
static int ask(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), error;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	error = code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? -ENODATA : store_errno(db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int run(sqlite3 *db, const char *sql)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return (code & 0xff) == SQLITE_FULL ? -ENOSPC : store_errno(db, code);
}

/* Is it an earlier state of the same ledger? */
static int recognise(sqlite3 *db)
{
	static const char *const same[] = {
		/* The same site, epoch and making. */
		"SELECT count(*) = 1 FROM main.meta b JOIN src.meta s USING (site, epoch, "
		"created_s, "
		"genesis)",
		"SELECT count(*) = 0 FROM (SELECT type, name, sql FROM main.sqlite_schema EXCEPT "
		"SELECT type, name, sql FROM src.sqlite_schema)",
		"SELECT count(*) = 0 FROM (SELECT type, name, sql FROM src.sqlite_schema EXCEPT "
		"SELECT type, name, sql FROM main.sqlite_schema)",
		/* Its last entry is ours. */
		"SELECT coalesce((SELECT b.hash = s.hash FROM main.entry b JOIN src.entry s USING "
		"(seq) ORDER BY seq DESC LIMIT 1), 1) AND coalesce((SELECT max(seq) FROM "
		"main.entry), 0) <= coalesce((SELECT max(seq) FROM src.entry), 0)",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		int64_t is = 0;
		int error = ask(db, same[i], &is);

		if (error < 0)
			return error;
		if (!is)
			return -EEXIST;
	}
	return 0;
}

/* Runs what a query says, a statement a row. */
static int run_each(sqlite3 *db, const char *query)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, query, -1, &stmt, NULL), error = store_errno(db, code);

	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = run(db, (const char *)sqlite3_column_text(stmt, 0));
	if (error == 0)
		error = store_errno(db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

/* A trigger that fires before every update, whatever it is, and one before every delete. */
#define FIXED                                                                                      \
	"(SELECT count(*) FROM src.sqlite_schema g WHERE g.type = 'trigger' AND g.tbl_name = "     \
	"t.name AND (g.sql LIKE '%BEFORE UPDATE ON ' || t.name || char(10) || 'BEGIN%' OR g.sql "  \
	"LIKE '%BEFORE DELETE ON ' || t.name || char(10) || 'BEGIN%')) = 2"
#define TABLES                                                                                     \
	" FROM src.sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND "     \
	"t.name <> 'orders' AND t.sql NOT LIKE '%WITHOUT ROWID%' "

static int copy_tables(sqlite3 *db)
{
	static const char append[] =
		"SELECT 'INSERT INTO main.' || name || ' SELECT * FROM src.' || name || ' WHERE "
		"rowid > coalesce((SELECT max(rowid) FROM main.' || name || '), 0) ORDER BY "
		"rowid'" TABLES "AND " FIXED;
	static const char empty[] = "SELECT 'DELETE FROM main.' || name" TABLES "AND NOT " FIXED;
	static const char fill[] = "SELECT 'INSERT INTO main.' || name || ' SELECT * FROM src.' || "
				   "name" TABLES "AND NOT " FIXED;
	static const char empty_keyed[] = "SELECT 'DELETE FROM main.' || name FROM "
					  "src.sqlite_schema WHERE type = 'table' AND "
					  "sql LIKE '%WITHOUT ROWID%'";
	static const char fill_keyed[] =
		"SELECT 'INSERT INTO main.' || name || ' SELECT * FROM src.' || name FROM "
		"src.sqlite_schema WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'";
	static const char *const steps[] = {append, empty, fill, empty_keyed, fill_keyed};
	/* Of the orders only those in quarantine may have been decided since. */
	int error = run(db,
			"DELETE FROM main.orders WHERE result = 'quarantined'; INSERT INTO "
			"main.orders SELECT * FROM src.orders s WHERE NOT EXISTS (SELECT 1 FROM "
			"main.orders WHERE id = s.id)");

	for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = run_each(db, steps[i]);
	return error;
}

/* Nothing follows wrongly, nothing is missing. */
static int prove(sqlite3 *db)
{
	static const char *const proofs[] = {
		"SELECT coalesce((SELECT hash FROM main.entry ORDER BY seq DESC LIMIT 1), x'') = "
		"coalesce((SELECT hash FROM src.entry ORDER BY seq DESC LIMIT 1), x'')",
		"SELECT count(*) = 0 FROM main.entry e WHERE e.seq > (SELECT seq FROM temp.before) "
		"AND e.previous <> coalesce((SELECT hash FROM main.entry WHERE seq = e.seq - 1), "
		"(SELECT genesis FROM main.meta))",
		"SELECT coalesce((SELECT max(seq) FROM main.entry), 0) - (SELECT seq FROM "
		"temp.before) = (SELECT count(*) FROM main.entry WHERE seq > (SELECT seq FROM "
		"temp.before))",
	};

	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		int64_t is = 0;
		int error = ask(db, proofs[i], &is);

		if (error < 0 || !is)
			return error < 0 ? error : -EUCLEAN;
	}
	return 0;
}

static int renew(sqlite3 *db)
{
	int error;

	/* Triggers refuse what only they may see undone: they are taken away and put back, in one go. */
	error = run(db, "CREATE TEMP TABLE guard AS SELECT name, sql FROM main.sqlite_schema "
			"WHERE type = 'trigger'; CREATE TEMP TABLE before AS SELECT "
			"coalesce(max(seq), 0) AS seq FROM main.entry");
	if (error == 0)
		error = run_each(db, "SELECT 'DROP TRIGGER main.' || name FROM temp.guard");
	if (error == 0)
		error = copy_tables(db);
	if (error == 0)
		error = run_each(db, "SELECT sql FROM temp.guard");
	return error < 0 ? error : prove(db);
}

/* The ledger itself, under whatever name, is no backup of it. */
static bool is_itself(const char *path, const char *file)
{
	struct stat one, other;

	return stat(path, &one) == 0 && stat(file, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

int backup_renew(const char *path, const char *file, int (*tick)(void *userdata), void *userdata)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int code, error;

	if (is_itself(path, file))
		return -EEXIST;
	if (access(file, W_OK) < 0)
		return -errno;
	code = sqlite3_open_v2(file, &db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE |
				       SQLITE_OPEN_NOMUTEX,
			       NULL);
	error = db ? store_errno(db, code) : -ENOMEM;

	if (error == 0)
		error = run(db,
			    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA "
			    "foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = "
			    "-1024");
	if (error == 0)
		error = store_errno(db, sqlite3_prepare_v2(db, "ATTACH ? AS src", -1, &stmt, NULL));
	if (error == 0) {
		(void)sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
		code = sqlite3_step(stmt);
		error = store_errno(db, code);
	}
	(void)sqlite3_finalize(stmt);
	/* Not immediate: that would lock the ledger for writing too. */
	if (error == 0)
		error = run(db, "BEGIN");
	if (db)
		sqlite3_progress_handler(db, 4096, tick, userdata);
	if (error == 0)
		error = recognise(db);
	/* No database, or another one: something of that name is there. */
	if (error == -EIO)
		error = -EEXIST;
	if (error == 0)
		error = renew(db);
	if (error == 0)
		error = run(db, "COMMIT");
	(void)sqlite3_close(db);
	return error;
}
