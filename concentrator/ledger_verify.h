/* ledger_verify.h - proves a whole ledger from its first entry on, and copies one.
 *
 * Both open a connection of their own, read in short transactions and may take minutes: they run in
 * the reader's thread (reader.h), never in the loop. progress goes up with the work done and is how
 * the watchdog sees a stuck disk; cancel ends the work with -ECANCELED. Either may be NULL.
 */
#pragma once

#include "concentrator/ledger.h"

#include <stdatomic.h>

struct ledger_verdict {
	bool ok;
	int64_t entries;      /* walked */
	int64_t first_bad;    /* seq; 0: none, or the fault is not in an entry */
	int64_t balance_nano; /* sum of all entries, to compare with ledger_totals_get() */
	uint8_t head[32];
	char detail[256]; /* what is wrong, for a person; empty when ok */
};

struct ledger_copy {
	int64_t bytes;
	uint8_t sha256[32];
};

/* Walks chain (M8), running balances (M1), the registers of each life (M2), references, the snapshot that was there
 * when it began (ledger_snapshot.h), the rows beside the entries (ledger_rights.h, ledger_rows.h), the indexes, and
 * SQLite's own check of the other tables, in two threads. 0 with ret->ok false: it is a ledger and it is wrong.
 * -EIO it cannot be read. */
LEDGER_CHECKED int ledger_verify(const char *path, const char *vfs, atomic_ullong *progress,
				 const atomic_bool *cancel, struct ledger_verdict *ret);
/* Writes a compact copy to file, synced and renamed into place. An earlier backup of the same ledger and
 * schema is brought up to date instead, at the cost of what was added since, in one transaction of its own:
 * a power cut leaves it as it was. -EEXIST file is something else; -EBUSY it is in use; -EOPNOTSUPP
 * with a named VFS; -ENOSPC, -EACCES, -ENOENT of the target. */
LEDGER_CHECKED int ledger_backup(const char *path, const char *vfs, const char *file,
				 atomic_ullong *progress, const atomic_bool *cancel,
				 struct ledger_copy *ret);
