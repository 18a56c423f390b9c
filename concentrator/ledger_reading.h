/* ledger_reading.h - a connection for the reader's thread, and where a time lies among the entries.
 *
 * Internal to the readers of the past (ledger_read.h, ledger_statement.h, ledger_trial.h).
 */
#pragma once

#include "concentrator/ledger_read.h"

#include <sqlite3.h>

/* Progress and cancel as in ledger_verify.h; either may be NULL. Close db with sqlite3_close(). */
struct reading {
	sqlite3 *db;
	atomic_ullong *progress;
	const atomic_bool *cancel;
};

/* Opens a query-only connection. -EIO, -ENOMEM; db is to be closed all the same. */
LEDGER_CHECKED int reading_open(struct reading *reading, const char *path, const char *vfs);
/* Says that there is progress; not 0: cancelled. userdata is the reading. */
int reading_tick(void *userdata);
LEDGER_CHECKED int reading_prepare(struct reading *reading, const char *sql, sqlite3_stmt **ret);
/* The seq of the first entry, of one account or (0) of all, that belongs to at_s or later; beyond the last
 * when there is none. */
LEDGER_CHECKED int reading_find(struct reading *reading, int64_t account_id, int64_t at_s,
				int64_t *ret_seq);
/* The same, but looking only at what is entered in the order of its time: standing and minimum charges, which
 * may wait for a person, and tax are passed over. */
LEDGER_CHECKED int reading_find_in_order(struct reading *reading, int64_t account_id, int64_t at_s,
					 int64_t *ret_seq);
/* The time that an entry belongs to (ledger_read.h). */
int64_t reading_belongs_s(const struct entry *entry);
/* What query asks for from the entry first on; page has room for query->limit lines. */
LEDGER_CHECKED int reading_page(struct reading *reading, const struct ledger_query *query,
				int64_t first, struct ledger_page *page);
/* One entry with its names. -ENOENT there is none. */
LEDGER_CHECKED int reading_line(struct reading *reading, int64_t seq, struct ledger_line *ret);
