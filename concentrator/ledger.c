/* ledger.c - the life of the money store: open, transactions, failure and recovery.
 *
 * M4  COMMIT under WAL and synchronous=FULL returns after the log is on the disk. psow=0: a commit is
 *     padded to the sector, so that a later torn write never touches the bytes of an earlier commit.
 * D1  The first I/O error, full disk or damage closes the store for everything but ledger_reopen().
 *     Opening always moves the whole log into the file and syncs both, because a kernel whose sync failed
 *     may show pages that are not on the disk: what is derived afterwards is. A file that was removed or
 *     replaced under us is such an error too: a commit into it would be acknowledged and never found.
 */
#include "concentrator/ledger_restore.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 512 /* 2 MiB of log */

__attribute__((format(printf, 3, 4))) static int refuse(struct ledger_failure *ret_failure,
							int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_failure->text, sizeof(ret_failure->text), format, args);
	va_end(args);
	return error;
}

/* One instance per file: a lock on a file beside it, since SQLite's own locks come and go. */
static int take_lock(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	char path[PATH_MAX], pid[32] = "";
	ssize_t size;
	bool told;
	int fd, error;

	(void)snprintf(path, sizeof(path), "%s.lock", ledger->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return refuse(ret_failure, -errno,
			      "%s: cannot be made: %s; does the folder exist and belong "
			      "to this user?",
			      path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
		size = pread(fd, pid, sizeof(pid) - 1, 0);
		pid[size > 0 ? size : 0] = '\0';
		(void)close(fd);
		if (error != -EBUSY)
			return refuse(ret_failure, error, "%s: cannot be locked: %s", path,
				      strerror(-error));
		return refuse(ret_failure, error,
			      "%s: another instance has this ledger open (process %s); stop it "
			      "first, or name "
			      "another path in [store] ledger",
			      ledger->path, pid[0] != '\0' ? pid : "unknown");
	}
	/* For the message above only: the lock is what counts. */
	size = snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	told = ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)size, 0) == size;
	(void)told;
	ledger->lock_fd = fd;
	return 0;
}

/* Makes the file with its mode, and says in errno's words what SQLite would call "cannot open". */
static int touch(const struct ledger *ledger, struct ledger_failure *ret_failure)
{
	char folder[PATH_MAX];
	int fd = open(ledger->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	int error = 0;

	if (fd < 0)
		return refuse(ret_failure, -errno, "%s: cannot be opened: %s", ledger->path,
			      strerror(errno));
	(void)close(fd);
	(void)snprintf(folder, sizeof(folder), "%s", ledger->path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		error = refuse(ret_failure, -errno, "%s: its folder cannot be synced: %s",
			       ledger->path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return error;
}

/* path as a URI, which alone can carry psow=0. */
static int open_database(struct ledger *ledger)
{
	static const char hex[] = "0123456789ABCDEF";
	char uri[3 * PATH_MAX + 32], *at = stpcpy(uri, "file:");

	for (const char *from = ledger->path; *from; from++) {
		if (strchr("%?#", *from)) {
			*at++ = '%';
			*at++ = hex[(unsigned char)*from >> 4];
			*at++ = hex[*from & 15];
		} else {
			*at++ = *from;
		}
	}
	(void)strcpy(at, "?psow=0");
	return sqlite3_open_v2(uri, &ledger->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI |
				       SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			       ledger->vfs);
}

/* The automatic checkpoint would swallow its errors; this one remembers them. */
static int checkpoint_after_commit(void *userdata, sqlite3 *db, const char *name, int pages)
{
	struct ledger *ledger = userdata;

	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	ledger->checkpoint_code = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE,
							    NULL, NULL);
	return SQLITE_OK;
}

static int configure(struct ledger *ledger)
{
	static const char pragmas[] = "PRAGMA synchronous = FULL;"
				      "PRAGMA foreign_keys = ON;"
				      "PRAGMA recursive_triggers = ON;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON;"
				      "PRAGMA cache_size = -512;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA mmap_size = 0;"
				      "PRAGMA journal_size_limit = 4194304;";
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(ledger->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		const char *mode = (const char *)sqlite3_column_text(stmt, 0);

		code = mode && strcmp(mode, "wal") == 0 ? SQLITE_OK : SQLITE_CANTOPEN;
	}
	(void)sqlite3_finalize(stmt);
	if (code == SQLITE_OK)
		code = sqlite3_exec(ledger->db, pragmas, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_wal_hook(ledger->db, checkpoint_after_commit, ledger);
	return code;
}

static int migrate(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	char backup[PATH_MAX];
	int error;

	if (ledger->schema > 0 && ledger->schema < (int)ledger->step_count && !ledger->vfs) {
		struct ledger_copy copy;

		(void)snprintf(backup, sizeof(backup), "%s.schema-%d.bak", ledger->path,
			       ledger->schema);
		error = backup_write(ledger->db, backup, true, &copy);
		if (error < 0)
			return refuse(ret_failure, error,
				      "%s: no migration without a backup: %s: %s", ledger->path,
				      backup, strerror(-error));
	}
	error = schema_migrate(ledger->db, ledger->path, ledger->site, ledger->now_s,
			       ledger->schema, ledger->steps, ledger->step_count, ret_failure);
	if (error == 0)
		ledger->schema = (int)ledger->step_count;
	return error;
}

static void disconnect(struct ledger *ledger)
{
	/* The last one out moves the log into the file and deletes it by its name, which is not ours then. */
	if (ledger->db && !place_is_ours(ledger))
		(void)sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		(void)sqlite3_finalize(ledger->statements[i]);
		ledger->statements[i] = NULL;
	}
	(void)sqlite3_close(ledger->db);
	ledger->db = NULL;
}

static int refuse_code(struct ledger *ledger, struct ledger_failure *ret_failure, int code,
		       const char *what)
{
	int error = (code & 0xff) == SQLITE_FULL     ? -ENOSPC
		    : (code & 0xff) == SQLITE_NOTADB ? -EMEDIUMTYPE
		    : ledger->db                     ? store_errno(ledger->db, code)
						     : -ENOMEM;

	return refuse(ret_failure, error, "%s: %s: %s (SQLite %d)%s", ledger->path, what,
		      ledger->db ? sqlite3_errmsg(ledger->db) : "out of memory", code,
		      (code & 0xff) == SQLITE_CORRUPT ? "; restore a backup" : "");
}

/* The emptied log must be on the disk, and its name: after a failed sync the one there may be older than
 * the file, and a power cut would have it played over the file again. */
static int sync_log(struct ledger *ledger)
{
	sqlite3_file *log = NULL;
	int code = sqlite3_file_control(ledger->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

	if (code != SQLITE_OK || !log || !log->pMethods)
		return code;
	return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

static int connect_database(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	int code = open_database(ledger);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(ledger->db, 500);
	if (code != SQLITE_OK)
		return refuse_code(ledger, ret_failure, code, "cannot be opened");
	error = schema_read(ledger->db, ledger->path, (int)ledger->step_count, &ledger->schema,
			    ret_failure);
	if (error < 0)
		return error;
	code = configure(ledger);
	if (code != SQLITE_OK)
		return refuse_code(ledger, ret_failure, code, "cannot be set up");
	error = migrate(ledger, ret_failure);
	if (error < 0)
		return error;
	code = sqlite3_wal_checkpoint_v2(ledger->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (code == SQLITE_OK)
		code = sync_log(ledger);
	if (code != SQLITE_OK)
		return refuse_code(ledger, ret_failure, code,
				   "its log cannot be moved into the file");
	place_note(ledger);
	ledger->checkpoint_code = SQLITE_OK;
	ledger->failed = false;
	error = store_derive(ledger, false, ret_failure);
	if (error < 0)
		store_fail(ledger, ret_failure->text);
	return error;
}

int ledger_open(struct ledger **ret, const struct ledger_settings *settings,
		struct ledger_failure *ret_failure)
{
	struct ledger *ledger;
	int error = 0;

	ret_failure->text[0] = '\0';
	if (strlen(settings->site) == 0 || strlen(settings->site) > LEDGER_ID_MAX)
		return refuse(ret_failure, -EINVAL, "%s: a ledger needs [site] id, 1 to %d bytes",
			      settings->path, LEDGER_ID_MAX);
	if (strlen(settings->path) + 32 > PATH_MAX)
		return refuse(ret_failure, -ENAMETOOLONG, "%.64s...: the path is too long",
			      settings->path);
	ledger = calloc(1, sizeof(*ledger));
	if (!ledger)
		return refuse(ret_failure, -ENOMEM, "%s: out of memory", settings->path);
	ledger->lock_fd = -1;
	ledger->path = strdup(settings->path);
	ledger->site = strdup(settings->site);
	if (settings->vfs)
		ledger->vfs = strdup(settings->vfs);
	ledger->built_s = settings->built_s;
	ledger->now_s = settings->now_s;
	ledger->clock_us = settings->clock_us;
	ledger->steps = settings->steps;
	ledger->step_count = settings->step_count;
	if (!ledger->steps) {
		ledger->steps = schema_steps(&ledger->step_count);
		assert(ledger->step_count == LEDGER_SCHEMA);
	}
	if (!ledger->path || !ledger->site || (settings->vfs && !ledger->vfs))
		error = refuse(ret_failure, -ENOMEM, "%s: out of memory", settings->path);
	if (error == 0 && !ledger->vfs)
		error = take_lock(ledger, ret_failure);
	if (error == 0 && !ledger->vfs)
		error = restore_take(ledger->path, ret_failure);
	if (error == 0 && !ledger->vfs)
		error = touch(ledger, ret_failure);
	if (error == 0)
		error = connect_database(ledger, ret_failure);
	if (error < 0) {
		(void)ledger_close(ledger);
		return error;
	}
	*ret = ledger;
	return 0;
}

struct ledger *ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return NULL;
	disconnect(ledger);
	if (ledger->lock_fd >= 0)
		(void)close(ledger->lock_fd);
	free(ledger->accounts);
	free(ledger->path);
	free(ledger->vfs);
	free(ledger->site);
	free(ledger);
	return NULL;
}

int ledger_reopen(struct ledger *ledger, struct ledger_failure *ret_failure)
{
	int error;

	assert(!ledger->in_transaction);
	ret_failure->text[0] = '\0';
	/* A connection to a file that is elsewhere is kept: its bytes may be wanted yet. */
	if (place_is_ours(ledger)) {
		disconnect(ledger);
		error = connect_database(ledger, ret_failure);
	} else {
		error = place_check(ledger, ret_failure);
	}
	if (error < 0) {
		ledger->failed = false; /* the latest reason counts */
		store_fail(ledger, ret_failure->text);
	}
	return error;
}

static void save_cache(struct ledger *ledger)
{
	ledger->saved = ledger->tally;
	for (size_t i = 0; i < ledger->tally.account_count; i++) {
		ledger->accounts[i].saved_nano = ledger->accounts[i].balance_nano;
		ledger->accounts[i].saved_closed = ledger->accounts[i].closed;
	}
}

static void restore_cache(struct ledger *ledger)
{
	ledger->tally = ledger->saved;
	for (size_t i = 0; i < ledger->tally.account_count; i++) {
		ledger->accounts[i].balance_nano = ledger->accounts[i].saved_nano;
		ledger->accounts[i].closed = ledger->accounts[i].saved_closed;
	}
}

int ledger_begin(struct ledger *ledger)
{
	int error;

	assert(!ledger->in_transaction);
	QUERY begin = query_begin(ledger, STATEMENT_BEGIN, "BEGIN IMMEDIATE");
	error = query_run(&begin);
	if (error < 0)
		return error;
	save_cache(ledger);
	ledger->in_transaction = true;
	return 0;
}

static void take_time(struct ledger *ledger, int64_t start_us)
{
	int64_t took_us = ledger->clock_us ? ledger->clock_us() - start_us : 0;

	if (took_us > INT32_MAX)
		took_us = INT32_MAX;
	ledger->commit_us[ledger->commits % COMMIT_TIMES] = (int32_t)took_us;
	ledger->commit_last_us = took_us;
	if (took_us > ledger->commit_max_us)
		ledger->commit_max_us = took_us;
	ledger->commits++;
}

int ledger_commit(struct ledger *ledger)
{
	int64_t start_us = ledger->clock_us ? ledger->clock_us() : 0;
	struct ledger_failure failure;
	int error;

	assert(ledger->in_transaction);
	error = place_check(ledger, &failure);
	if (error < 0) {
		ledger_rollback(ledger);
		store_fail(ledger, failure.text);
		return -EIO;
	}
	{
		QUERY commit = query_begin(ledger, STATEMENT_COMMIT, "COMMIT");

		error = query_run(&commit);
	}
	if (error < 0) {
		ledger_rollback(ledger);
		return error;
	}
	ledger->in_transaction = false;
	take_time(ledger, start_us);
	/* This commit is safe in the log; the next one waits for a reopened store. */
	if (ledger->checkpoint_code != SQLITE_OK && (ledger->checkpoint_code & 0xff) != SQLITE_BUSY)
		(void)store_error(ledger, ledger->checkpoint_code);
	ledger->checkpoint_code = SQLITE_OK;
	return 0;
}

void ledger_rollback(struct ledger *ledger)
{
	assert(ledger->in_transaction);
	if (!ledger->failed) {
		QUERY rollback = query_begin(ledger, STATEMENT_ROLLBACK, "ROLLBACK");

		/* An error marks the store as failed: nobody believes it before it is reopened. */
		if (query_run(&rollback) < 0)
			store_fail(ledger, "a transaction could not be rolled back");
	}
	restore_cache(ledger);
	ledger->in_transaction = false;
}

bool ledger_in_transaction(const struct ledger *ledger)
{
	return ledger->in_transaction;
}

bool ledger_failed(const struct ledger *ledger)
{
	return ledger->failed;
}

const char *ledger_failure_text(const struct ledger *ledger)
{
	return ledger->failed ? ledger->failure : "";
}

static int by_time(const void *a, const void *b)
{
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

int64_t ledger_commit_us(const struct ledger *ledger)
{
	return ledger->commit_last_us;
}

void ledger_stats_get(struct ledger *ledger, struct ledger_stats *ret)
{
	int32_t sorted[COMMIT_TIMES];
	size_t count = ledger->commits < COMMIT_TIMES ? (size_t)ledger->commits : COMMIT_TIMES;

	*ret = (struct ledger_stats){
		.commits = ledger->commits,
		.commit_max_us = ledger->commit_max_us,
		.entries = ledger->tally.totals.entries,
	};
	if (count > 0) {
		memcpy(sorted, ledger->commit_us, count * sizeof(sorted[0]));
		qsort(sorted, count, sizeof(sorted[0]), by_time);
		ret->commit_p50_us = sorted[(count * 50 + 99) / 100 - 1];
		ret->commit_p99_us = sorted[(count * 99 + 99) / 100 - 1];
	}
	QUERY bytes = query_begin(
		ledger, STATEMENT_BYTES,
		"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");

	if (query_row(&bytes) == 1)
		ret->ledger_bytes = row_integer(&bytes, 0);
}

void ledger_meta_get(const struct ledger *ledger, struct ledger_meta *ret)
{
	*ret = (struct ledger_meta){
		.epoch = ledger->epoch,
		.created_s = ledger->created_s,
		.schema = ledger->schema,
	};
	(void)snprintf(ret->site, sizeof(ret->site), "%s", ledger->site);
	memcpy(ret->head, ledger->tally.head, sizeof(ret->head));
}

const char *ledger_path(const struct ledger *ledger)
{
	return ledger->path;
}

const char *ledger_vfs(const struct ledger *ledger)
{
	return ledger->vfs;
}

int64_t ledger_floor_s(const struct ledger *ledger)
{
	return ledger->tally.floor_s;
}

int ledger_cursor_get(struct ledger *ledger, const char *name, char *ret, size_t size)
{
	QUERY query = query_begin(ledger, STATEMENT_CURSOR_GET,
				  "SELECT value FROM cursor WHERE name = ?");
	int row;

	query_text(&query, name, LEDGER_NAME_MAX);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENODATA;
	if (strlen(row_borrow_text(&query, 0)) >= size)
		return -ENOBUFS;
	row_text(&query, 0, ret, size);
	return 0;
}

int ledger_cursor_set(struct ledger *ledger, const char *name, const char *value)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_CURSOR_SET,
				  "INSERT INTO cursor(name, value) VALUES (?, ?) "
				  "ON CONFLICT (name) DO UPDATE SET value = excluded.value");

	query_text(&query, name, LEDGER_NAME_MAX);
	query_text(&query, value, 255);
	return query_run(&query);
}
