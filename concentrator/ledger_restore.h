/* ledger_restore.h - a ledger for another card: made from a checkpoint, or from a backup of the file.
 *
 * It is made beside the ledger, whole and checked, and named PATH.restored at last. The next ledger_open()
 * of PATH puts it into the place of the ledger, which it keeps as
 * PATH.before-restore-TIME. Nothing of this
 * touches the ledger in use.
 *
 * M1  Each account opens with exactly the balance of the checkpoint.
 * M2  Each meter life goes on at the register up to which it was settled there.
 * M3  Every order and receipt that the checkpoint names is known from the first moment on, so that all
 *     that is sent again credits nothing twice.
 *
 * The epoch of a restored ledger is higher than every one before it.
 */
#pragma once

#include "concentrator/ledger.h"

#include <jansson.h>

struct ledger_restore {
	const char *path; /* of the ledger whose place it will take */
	const char *site;
	int64_t built_s;
	int64_t now_s;
	bool trusted;
	int64_t now_us;
	const char *boot;
	int64_t uid;
	const char *who;
	const char *why;
	int64_t epoch; /* the least that the new epoch may be; 0: no wish */
	bool dry_run;  /* all but the name */
};

struct ledger_restored {
	int64_t epoch;
	int64_t old_epoch;
	int64_t at_s;    /* of the checkpoint, or of the backup's last trusted line */
	int64_t entries; /* of the ledger that was */
	int64_t rooms;
	int64_t orders;
	int64_t receipts;
	int64_t balance_nano;
};

/* head and sections as in ledger.md, of a checkpoint whose signature was verified: the digests in head are
 * checked here. -EPROTONOSUPPORT: a section or column that this program does not know; -EBADMSG: the
 * sections are not those of the head, or contradict themselves; other errors as ledger_open().
 * ret_failure says what. Blocks for the disk. */
LEDGER_CHECKED int ledger_restore_checkpoint(const struct ledger_restore *restore,
					     const json_t *head, const json_t *sections,
					     struct ledger_restored *ret,
					     struct ledger_failure *ret_failure);
/* file is a ledger as ledger_backup() or a copy of the stopped daemon's file has it; its whole chain is
 * verified. -EUCLEAN: it does not hold. */
LEDGER_CHECKED int ledger_restore_backup(const struct ledger_restore *restore, const char *file,
					 struct ledger_restored *ret,
					 struct ledger_failure *ret_failure);

/* For ledger_open(), with the lock in its hand: a restored ledger takes its place. -errno of rename(2). */
LEDGER_CHECKED int restore_take(const char *path, struct ledger_failure *ret_failure);
