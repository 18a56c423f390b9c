/* ledger_backup.c - a compact copy of the ledger as of one transaction, on the disk before it is named.
 *
 * VACUUM INTO writes FILE.partial, which is synced, hashed and renamed: a file of the final name is
 * always whole.
 */
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define VACUUM_CACHE (-3072) /* KiB: 128 rooms, two indexes, and the way to their leaves */

/* Pages, or less than 0: KiB. 0: not known. */
static int cache_size(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	int size = 0;

	if (sqlite3_prepare_v2(db, "PRAGMA cache_size", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		size = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return size;
}

static int set_cache_size(sqlite3 *db, int size)
{
	char sql[40];

	(void)snprintf(sql, sizeof(sql), "PRAGMA cache_size = %d", size);
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* Each row goes into the indexes too, at the end of its account and of its meter life: while the leaves of all rooms
 * stay in memory a page is written now and then, else once for each row. */
static int vacuum_into(sqlite3 *db, const char *file)
{
	sqlite3_stmt *stmt = NULL;
	int before = cache_size(db), error;
	int code = set_cache_size(db, VACUUM_CACHE);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(stmt, 1, file, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	error = code == SQLITE_DONE            ? 0
		: (code & 0xff) == SQLITE_FULL ? -ENOSPC
					       : store_errno(db, code);
	(void)set_cache_size(db, before);
	return error;
}

int backup_seal(const char *file, struct ledger_copy *ret)
{
	uint8_t buffer[16384], digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t size = -1;
	int error = 0;

	ret->bytes = 0;
	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		error = -ENOMEM;
	else if (fd < 0 || fsync(fd) < 0)
		error = -errno;
	while (error == 0 && (size = read(fd, buffer, sizeof(buffer))) > 0) {
		ret->bytes += size;
		if (EVP_DigestUpdate(context, buffer, (size_t)size) != 1)
			error = -ENOMEM;
	}
	if (error == 0 && size < 0)
		error = -errno;
	if (error == 0 && EVP_DigestFinal_ex(context, digest, NULL) != 1)
		error = -ENOMEM;
	if (error == 0)
		memcpy(ret->sha256, digest, sizeof(ret->sha256));
	if (fd >= 0)
		(void)close(fd);
	EVP_MD_CTX_free(context);
	return error;
}

static int sync_folder(const char *file)
{
	char folder[PATH_MAX];
	int fd, error = 0;

	(void)snprintf(folder, sizeof(folder), "%s", file);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		error = -errno;
	(void)close(fd);
	return error;
}

int backup_write(sqlite3 *db, const char *file, bool replace, struct ledger_copy *ret)
{
	char partial[PATH_MAX];
	int fd, error;

	if (strlen(file) + 16 > sizeof(partial))
		return -ENAMETOOLONG;
	if (!replace && access(file, F_OK) == 0)
		return -EEXIST;
	(void)snprintf(partial, sizeof(partial), "%s.partial", file);
	/* Made here for its mode and for errno's words; VACUUM INTO takes an empty file. */
	fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	error = vacuum_into(db, partial);
	if (error == 0)
		error = backup_seal(partial, ret);
	if (error == 0 && !replace &&
	    renameat2(AT_FDCWD, partial, AT_FDCWD, file, RENAME_NOREPLACE) < 0)
		error = -errno;
	if (error == 0 && replace && rename(partial, file) < 0)
		error = -errno;
	if (error < 0)
		(void)unlink(partial);
	return error < 0 ? error : sync_folder(file);
}
