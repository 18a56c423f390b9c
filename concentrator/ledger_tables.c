/* ledger_tables.c - SQLite's own checks of references and rows, table by table; see ledger_tables.h.
 *
 * The table of the entries is left out: each of its rows is proven by its hash, each of its references by the
 * walk over the entries, each row of its indexes by the entries. Whatever it has more than these SQLite checks.
 */
#include "concentrator/ledger_tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Runs a check of SQLite's on one table, and hands its first row to the verdict, if it complains. */
static int check_pragma(struct walk *walk, const char *pragma, const char *name)
{
	char text[128];
	sqlite3_stmt *stmt = NULL;
	int code, error;

	(void)snprintf(text, sizeof(text), "PRAGMA %s('%s')", pragma, name);
	code = sqlite3_prepare_v2(walk->db, text, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_count(stmt) == 1) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		if (!said || strcmp(said, "ok") != 0)
			(void)walk_bad(walk, 0, "table %s: %s", name, said ? said : "");
	} else if (code == SQLITE_ROW) {
		(void)walk_bad(walk, 0, "table %s, row %" PRId64 ": names a %s that is not there",
			       name, (int64_t)sqlite3_column_int64(stmt, 1),
			       (const char *)sqlite3_column_text(stmt, 2));
	}
	error = store_errno(walk->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int check_table(struct walk *walk, const char *name, bool references, bool rows)
{
	int error = references ? check_pragma(walk, "foreign_key_check", name) : 0;

	if (error == 0 && walk->verdict->ok && rows)
		error = check_pragma(walk, "quick_check", name);
	return error;
}

int tables_check(struct walk *walk)
{
	static const char list[] =
		"SELECT name, name <> 'entry' OR (SELECT group_concat(\"from\") FROM (SELECT "
		"\"from\" FROM pragma_foreign_key_list('entry') ORDER BY 1)) <> "
		"'account_id,life_id,point_id,refers,tariff_id', name <> 'entry' OR (SELECT "
		"count(*) FROM sqlite_schema WHERE tbl_name = 'entry' AND type = 'index') <> 3 "
		"FROM sqlite_schema WHERE type = 'table' ORDER BY name";
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, list, -1, &stmt, NULL), error = 0;

	while (code == SQLITE_OK && error == 0 && walk->verdict->ok &&
	       (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		code = SQLITE_OK;
		error = check_table(walk, (const char *)sqlite3_column_text(stmt, 0),
				    sqlite3_column_int(stmt, 1) != 0,
				    sqlite3_column_int(stmt, 2) != 0);
	}
	if (error == 0 && walk->verdict->ok)
		error = store_errno(walk->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}
