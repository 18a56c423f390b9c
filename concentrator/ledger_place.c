/* ledger_place.c - is the file in use still the one that its name leads to?
 *
 * D1  A commit into a file that was removed, replaced or cut short would be acknowledged and never found
 *     again. SQLite does not look; so each commit does, and the store fails until the file is back.
 */
#include "concentrator/ledger_store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static void name_log(const struct ledger *ledger, char ret[static PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s-wal", ledger->path);
}

static struct file_identity identify(const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return (struct file_identity){0};
	return (struct file_identity){
		.device = about.st_dev, .inode = about.st_ino, .size = about.st_size};
}

/* A name that cannot be looked up proves nothing. */
static bool in_place(const char *path, const struct file_identity *opened,
		     struct file_identity *ret_now)
{
	*ret_now = identify(path);
	if (opened->inode == 0 || (ret_now->inode == 0 && errno != ENOENT && errno != ENOTDIR))
		return true;
	return ret_now->inode == opened->inode && ret_now->device == opened->device;
}

void place_note(struct ledger *ledger)
{
	char log[PATH_MAX];

	if (ledger->vfs)
		return;
	name_log(ledger, log);
	ledger->file = identify(ledger->path);
	ledger->log = identify(log);
}

bool place_is_ours(const struct ledger *ledger)
{
	struct file_identity now;

	/* By our doing it never shrinks. */
	return in_place(ledger->path, &ledger->file, &now) &&
	       (now.inode == 0 || now.size >= ledger->file.size);
}

int place_check(const struct ledger *ledger, struct ledger_failure *ret_failure)
{
	struct file_identity file, log;
	const char *what;
	char path[PATH_MAX];
	int error;

	name_log(ledger, path);
	if (!in_place(ledger->path, &ledger->file, &file)) {
		error = file.inode == 0 ? -ENOENT : -ESTALE;
		what = file.inode == 0 ? "the file is gone while in use; put it back, or restore a "
					 "backup and restart prepayd"
				       : "the file was replaced while in use; restart prepayd to "
					 "use the new one";
	} else if (file.inode != 0 && file.size < ledger->file.size) {
		error = -EUCLEAN;
		what = "the file was cut short while in use; restore a backup and restart prepayd";
	} else if (!in_place(path, &ledger->log, &log)) {
		error = -ENOENT;
		what = "its log was removed while in use; it goes on by itself";
	} else {
		return 0;
	}
	(void)snprintf(ret_failure->text, sizeof(ret_failure->text), "%s: %s", ledger->path, what);
	return error;
}
