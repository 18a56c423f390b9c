/* ledger_restore_file.c - see ledger_restore_file.h, and restoring a backup, which is such a file already. */
#include "concentrator/ledger_restore_file.h"

#include "concentrator/ledger_event.h"
#include "concentrator/ledger_store.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/platform/encoding.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int restore_refuse(struct ledger_failure *ret_failure, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_failure->text, sizeof(ret_failure->text), format, args);
	va_end(args);
	return error;
}

int restore_epoch(const struct ledger_restore *restore, struct ledger_restored *ret,
		  struct ledger_failure *ret_failure)
{
	if (ret->old_epoch >= INT32_MAX || restore->epoch > INT32_MAX)
		return restore_refuse(ret_failure, -ERANGE, "there is no epoch behind %d",
				      INT32_MAX);
	ret->epoch = ret->old_epoch + 1;
	if (restore->epoch > ret->epoch)
		ret->epoch = restore->epoch;
	return 0;
}

/* A database and what SQLite and we keep beside it. */
static void remove_all(const char *path)
{
	static const char *const beside[] = {"", "-wal", "-shm", ".lock", ".partial"};
	char name[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		(void)unlink(name);
	}
	/* What a migration of it kept. */
	for (int schema = 1; schema < LEDGER_SCHEMA; schema++) {
		(void)snprintf(name, sizeof(name), "%s.schema-%d.bak", path, schema);
		(void)unlink(name);
	}
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, error = 0;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		error = -errno;
	(void)close(fd);
	return error;
}

int restore_begin(const struct ledger_restore *restore, char ret_partial[static RESTORE_PATH_MAX],
		  struct ledger_failure *ret_failure)
{
	if (strlen(restore->path) + 32 > RESTORE_PATH_MAX)
		return restore_refuse(ret_failure, -ENAMETOOLONG, "the path is too long");
	(void)snprintf(ret_partial, RESTORE_PATH_MAX, "%s.restored.partial", restore->path);
	remove_all(ret_partial);
	return 0;
}

int restore_open(const struct ledger_restore *restore, const char *partial, struct ledger **ret,
		 struct ledger_failure *ret_failure)
{
	const struct ledger_settings settings = {
		.path = partial,
		.site = restore->site,
		.built_s = restore->built_s,
		.now_s = restore->now_s,
	};

	return ledger_open(ret, &settings, ret_failure);
}

int restore_mark(struct ledger *ledger, int64_t epoch)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(ledger->db, "UPDATE meta SET epoch = ?", -1, &stmt, NULL);
	int error;

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, epoch);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	error = code == SQLITE_DONE ? 0 : store_error(ledger, code);
	if (error == 0)
		error = ledger_cursor_set(ledger, "feed", "0");
	/* S7: a restore is a change after which cuts are held. */
	return error < 0 ? error : ledger_cursor_set(ledger, "version", "restored");
}

int restore_audit(struct ledger *ledger, const struct ledger_restore *restore, const char *from,
		  const char *head)
{
	struct ledger_audit audit = {
		.at_s = restore->now_s,
		.trusted = restore->trusted,
		.uid = restore->uid,
		.verb = "ledger.restore",
	};
	char what[256];

	(void)snprintf(what, sizeof(what), "from %s with the head %.64s", from, head ? head : "");
	audit.what = what;
	(void)snprintf(audit.who, sizeof(audit.who), "%s", restore->who);
	(void)snprintf(audit.why, sizeof(audit.why), "%s", restore->why);
	return ledger_audit_put(ledger, &audit);
}

static int name_file(const struct ledger_restore *restore, const char *partial)
{
	char restored[PATH_MAX];
	int fd = open(partial, O_RDONLY | O_CLOEXEC), error = 0;

	(void)snprintf(restored, sizeof(restored), "%s.restored", restore->path);
	if (fd < 0 || fsync(fd) < 0 || rename(partial, restored) < 0)
		error = -errno;
	if (fd >= 0)
		(void)close(fd);
	return error < 0 ? error : sync_folder(restored);
}

int restore_end(const struct ledger_restore *restore, const char *partial, int error,
		struct ledger_failure *ret_failure)
{
	if (error == 0 && !restore->dry_run) {
		error = name_file(restore, partial);
		if (error < 0)
			error = restore_refuse(ret_failure, error, "%s: %s", partial,
					       strerror(-error));
	}
	if (error < 0 && ret_failure->text[0] == '\0')
		(void)restore_refuse(ret_failure, error, "%s: %s", partial, strerror(-error));
	remove_all(partial);
	return error;
}

static int copy_backup(const char *file, const char *partial, struct ledger_failure *ret_failure)
{
	struct ledger_copy copy;
	sqlite3 *db = NULL;
	int schema = 0;
	int error = access(file, R_OK) < 0 ? -errno : 0;

	if (error == 0 && store_open_reading(&db, file, NULL) < 0)
		error = -EMEDIUMTYPE;
	if (error == 0)
		error = schema_read(db, file, LEDGER_SCHEMA, &schema, ret_failure);
	if (error == 0 && schema == 0)
		error = -EMEDIUMTYPE;
	if (error == 0)
		error = backup_write(db, partial, true, &copy);
	(void)sqlite3_close(db);
	if (error < 0 && ret_failure->text[0] == '\0')
		return restore_refuse(ret_failure, error, "%s: %s", file,
				      error == -EMEDIUMTYPE
					      ? "this file is no ledger, or it is damaged"
					      : strerror(-error));
	return error;
}

static int verify_copy(const char *partial, struct ledger_failure *ret_failure)
{
	struct ledger_verdict verdict;
	int error = ledger_verify(partial, NULL, NULL, NULL, &verdict);

	if (error < 0)
		return restore_refuse(ret_failure, error, "it cannot be verified: %s",
				      strerror(-error));
	if (!verdict.ok)
		return restore_refuse(ret_failure, -EUCLEAN, "its chain does not hold: %.200s",
				      verdict.detail);
	return 0;
}

/* What there is of rooms, orders and receipts. */
static int count_rows(struct ledger *ledger, struct ledger_restored *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(
		ledger->db,
		"SELECT (SELECT count(*) FROM room WHERE closed_s IS NULL), "
		"(SELECT count(*) FROM orders), (SELECT count(*) FROM cash) + "
		"(SELECT count(*) FROM cash_known)",
		-1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		ret->rooms = sqlite3_column_int64(stmt, 0);
		ret->orders = sqlite3_column_int64(stmt, 1);
		ret->receipts = sqlite3_column_int64(stmt, 2);
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_ROW ? 0 : store_error(ledger, code);
}

static int mark_backup(struct ledger *ledger, const struct ledger_restore *restore,
		       struct ledger_restored *ret, struct ledger_failure *ret_failure)
{
	char head[HEX_LEN(32) + 1];
	int error = restore_epoch(restore, ret, ret_failure);

	if (error == 0)
		error = count_rows(ledger, ret);
	if (error == 0)
		error = ledger_begin(ledger);
	if (error < 0)
		return error;
	hex_encode(ledger->tally.head, 32, head, sizeof(head));
	error = restore_mark(ledger, ret->epoch);
	if (error == 0)
		error = restore_audit(ledger, restore, "a backup", head);
	if (error == 0)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return error;
}

static int build(const struct ledger_restore *restore, const char *file, const char *partial,
		 struct ledger_restored *ret, struct ledger_failure *ret_failure)
{
	struct ledger *ledger;
	int error = copy_backup(file, partial, ret_failure);

	if (error == 0)
		error = verify_copy(partial, ret_failure);
	if (error == 0)
		error = restore_open(restore, partial, &ledger, ret_failure);
	if (error < 0)
		return error;
	ret->old_epoch = ledger->epoch;
	ret->at_s = ledger->tally.floor_s;
	ret->entries = ledger->tally.totals.entries;
	ret->balance_nano = ledger->tally.totals.balance_nano;
	error = mark_backup(ledger, restore, ret, ret_failure);
	ledger_close(ledger);
	return error;
}

int ledger_restore_backup(const struct ledger_restore *restore, const char *file,
			  struct ledger_restored *ret, struct ledger_failure *ret_failure)
{
	struct ledger_restored restored = {0};
	char partial[RESTORE_PATH_MAX];
	int error;

	ret_failure->text[0] = '\0';
	error = restore_begin(restore, partial, ret_failure);
	if (error < 0)
		return error;
	error = build(restore, file, partial, &restored, ret_failure);
	error = restore_end(restore, partial, error, ret_failure);
	if (error == 0)
		*ret = restored;
	return error;
}

/* A name that is gone is one that was moved before a power cut. */
static int move(const char *path, const char *suffix, const char *beside)
{
	char from[PATH_MAX], to[PATH_MAX];

	(void)snprintf(from, sizeof(from), "%s%s", path, beside);
	(void)snprintf(to, sizeof(to), "%s%s%s", path, suffix, beside);
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

int restore_take(const char *path, struct ledger_failure *ret_failure)
{
	char restored[PATH_MAX], suffix[48];
	struct stat about;
	int error;

	(void)snprintf(restored, sizeof(restored), "%s.restored", path);
	if (stat(restored, &about) < 0)
		return 0;
	/* The same name also after a power cut in the middle. */
	(void)snprintf(suffix, sizeof(suffix), ".before-restore-%lld", (long long)about.st_mtime);
	/* The log first: without its database it is nothing, and a database finds no strange log. */
	error = move(path, suffix, "-wal");
	if (error == 0)
		error = move(path, suffix, "-shm");
	if (error == 0)
		error = move(path, suffix, "");
	if (error == 0 && rename(restored, path) < 0)
		error = -errno;
	if (error == 0)
		error = sync_folder(path);
	if (error < 0)
		return restore_refuse(ret_failure, error,
				      "%s: the restored ledger cannot take its place: %s", restored,
				      strerror(-error));
	return 0;
}
