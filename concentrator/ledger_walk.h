/* ledger_walk.h - inside verify: the walk over the entries, and what it does not see.
 *
 * Private to ledger_verify.c. A walk has a connection of its own; two of them may run in two threads.
 */
#pragma once

#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_store.h"
#include "concentrator/ledger_verify.h"

#include <stdatomic.h>

/* What an account's or a meter life's entries have come to. */
struct running {
	int64_t id;
	int64_t value; /* nano or Wh */
	int64_t first; /* where it began */
	int64_t point_id;
};

struct runnings {
	struct running *rows; /* by id, rising */
	size_t count;
};

/* The rows that an index of the entries must have, in any order. */
struct index_sum {
	uint64_t rows;
	uint64_t sum;
};

#define WALK_INDEXES 3

struct walk {
	sqlite3 *db;
	atomic_ullong *progress;
	const atomic_bool *cancel; /* the caller's; and ... */
	const atomic_bool *stop;   /* ... of the other walk; either may be NULL */
	struct runnings accounts;
	struct runnings lives;
	struct ledger_totals totals;
	struct ledger_snapshot *snapshot; /* as it was when the walk began; NULL: none */
	int64_t until; /* the last entry when verify began: up to it the indexes are compared; negative: to
			* be asked when it opens */
	struct index_sum indexes[WALK_INDEXES];
	void *digest; /* libcrypto's, for all entries */
	struct ledger_verdict *verdict;
};

/* Opens the walk's connection, query-only. */
LEDGER_CHECKED int walk_open(struct walk *walk, const char *path, const char *vfs);
/* Takes half-opened ones. */
void walk_close(struct walk *walk);
/* For SQLite's progress handler and between pages: other than 0 to end. */
int walk_tick(void *userdata);
/* The verdict is that it is wrong; seq 0: not in an entry. Returns 0. */
int walk_bad(struct walk *walk, int64_t seq, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Chain, balances, lives and the snapshot; fills what the indexes must hold. */
LEDGER_CHECKED int walk_entries(struct walk *walk);
/* ledger_index.c: the indexes of the entries up to walk->until, row by row. */
LEDGER_CHECKED int walk_indexes(struct walk *walk);
/* What one entry adds to them. */
void walk_index_add(struct walk *walk, const struct entry *entry, int64_t balance_nano);
/* Are the two the same rows? Names the index that is not. */
bool walk_indexes_agree(struct walk *walk, const struct walk *other);
