/* ledger_verify.c - proves M1, M2 and M8 from nothing but the tables, and the file beside them.
 *
 * Two walks: the entries in their order (ledger_walk.c), and what they do not prove: references, the other
 * tables' pages, and the indexes of the entries, which are compared with what the first walk has seen. Each
 * takes about as long as the other, so they run in two threads, each with a connection of its own; on a named
 * VFS, which may know one thread only, one after the other. What is wrong with an entry goes first.
 */
#include "concentrator/ledger_verify.h"

#include "concentrator/ledger_store.h"
#include "concentrator/ledger_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Runs a check of SQLite's and hands its first row, if it complains, to the verdict. */
static int check_pragma(struct walk *walk, const char *pragma, bool ok_row)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, pragma, -1, &stmt, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		if (!ok_row || !text || strcmp(text, "ok") != 0)
			(void)walk_bad(walk, 0, "%s: %s%s", pragma, text ? text : "",
				       ok_row ? "" : ": a row names what is not there");
	}
	error = store_errno(walk->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

/* Every row of an entry is proven by its hash and every row of these indexes by the entries; one more, and
 * SQLite has to check it. */
static int check_tables(struct walk *walk)
{
	static const char list[] =
		"SELECT name FROM sqlite_schema t WHERE type = 'table' AND (name <> 'entry' OR "
		"(SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'entry' AND type = 'index') "
		"<> 3) ORDER BY name";
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, list, -1, &stmt, NULL), error = 0;

	while (code == SQLITE_OK && error == 0 && walk->verdict->ok &&
	       (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		char pragma[128];

		code = SQLITE_OK;
		(void)snprintf(pragma, sizeof(pragma), "PRAGMA quick_check('%s')",
			       (const char *)sqlite3_column_text(stmt, 0));
		error = check_pragma(walk, pragma, true);
	}
	if (error == 0 && walk->verdict->ok)
		error = store_errno(walk->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int check_file(struct walk *walk)
{
	int error = check_pragma(walk, "PRAGMA foreign_key_check", false);

	if (error == 0 && walk->verdict->ok)
		error = check_tables(walk);
	if (error == 0 && walk->verdict->ok)
		error = walk_indexes(walk);
	return error;
}

/* -EIO of a file that SQLite can read but not make sense of is a verdict, not an error. */
static int judge(struct walk *walk, int error)
{
	int code = sqlite3_errcode(walk->db) & 0xff;

	if (error != -EIO || (code != SQLITE_CORRUPT && code != SQLITE_NOTADB))
		return error;
	return walk_bad(walk, walk->verdict->ok ? 0 : walk->verdict->first_bad,
			"the file is damaged after entry %" PRId64 ": %s", walk->verdict->entries,
			sqlite3_errmsg(walk->db));
}

struct side {
	struct walk walk;
	struct ledger_verdict verdict;
	atomic_bool cancel;
	int error;
};

static void *run_side(void *userdata)
{
	struct side *side = userdata;

	side->error = judge(&side->walk, check_file(&side->walk));
	return NULL;
}

/* The entries here, the file beside them. */
static int run_both(struct walk *walk, struct side *side, bool threads)
{
	pthread_t thread;
	bool beside = threads && pthread_create(&thread, NULL, run_side, side) == 0;
	int error = judge(walk, walk_entries(walk));

	/* The first bad entry is what there is to say. */
	if (beside && (error < 0 || !walk->verdict->ok))
		atomic_store(&side->cancel, true);
	if (beside)
		(void)pthread_join(thread, NULL);
	if (error < 0 || !walk->verdict->ok)
		return error;
	if (!beside)
		(void)run_side(side);
	if (side->error < 0)
		return side->error;
	if (!side->verdict.ok)
		return walk_bad(walk, side->verdict.first_bad, "%s", side->verdict.detail);
	(void)walk_indexes_agree(walk, &side->walk);
	return 0;
}

int ledger_verify(const char *path, const char *vfs, atomic_ullong *progress,
		  const atomic_bool *cancel, struct ledger_verdict *ret)
{
	struct ledger_verdict verdict = {.ok = true};
	struct walk walk = {
		.progress = progress, .cancel = cancel, .until = -1, .verdict = &verdict};
	struct side side = {.walk = {.progress = progress, .cancel = cancel},
			    .verdict = {.ok = true}};
	int error = walk_open(&walk, path, vfs);

	side.walk.verdict = &side.verdict;
	side.walk.stop = &side.cancel;
	side.walk.until = walk.until;
	if (error == 0)
		error = walk_open(&side.walk, path, vfs);
	if (error == 0)
		error = run_both(&walk, &side, vfs == NULL);
	else
		error = judge(side.walk.db ? &side.walk : &walk, error);
	walk_close(&side.walk);
	walk_close(&walk);
	if (error == 0)
		*ret = verdict;
	return error;
}

int ledger_backup(const char *path, const char *vfs, const char *file, atomic_ullong *progress,
		  const atomic_bool *cancel, struct ledger_copy *ret)
{
	struct walk walk = {.progress = progress, .cancel = cancel};
	int error;

	if (vfs)
		return -EOPNOTSUPP;
	if (access(file, F_OK) == 0) {
		error = backup_renew(path, file, walk_tick, &walk);
		return error < 0 ? error : backup_seal(file, ret);
	}
	error = store_open_reading(&walk.db, path, NULL);
	if (error < 0)
		return error;
	sqlite3_progress_handler(walk.db, 4096, walk_tick, &walk);
	error = backup_write(walk.db, file, false, ret);
	(void)sqlite3_close(walk.db);
	return error;
}
