/* ledger_walk.h - inside verify: the connection that a walk reads by, its verdict, and its progress.
 *
 * Two walks may run in two threads, each with its own.
 */
#pragma once

#include "concentrator/ledger_store.h"
#include "concentrator/ledger_verify.h"

#include <stdatomic.h>

/* Was the ledger made from a checkpoint? It begins then with what no entry of its own says. */
#define LEDGER_RESTORED                                                                            \
	"SELECT count(*) FROM audit WHERE verb = 'ledger.restore' AND what LIKE 'from a "          \
	"checkpoint %'"

struct walk {
	sqlite3 *db;
	atomic_ullong *progress;        /* the caller's, as is ... */
	const atomic_bool *cancel;      /* ... this; either may be NULL */
	void *digest;                   /* libcrypto's, for all entries */
	bool has_medium;                /* lives say what they count; else all count electricity */
	struct ledger_verdict *verdict; /* of what is walked now */
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
/* A short transaction around a page that must fit together. */
LEDGER_CHECKED int walk_begin(struct walk *walk);
/* Ends it, whatever error it had; returns error, or -ECANCELED. */
int walk_end(struct walk *walk, int error);
/* The one integer that sql asks for; it has a row. */
LEDGER_CHECKED int walk_integer(struct walk *walk, const char *sql, int64_t *ret);
/* Has the ledger that table? One of an older schema, as a backup may be, has not all. */
LEDGER_CHECKED int walk_has_table(struct walk *walk, const char *name, bool *ret);
/* -EIO of a file that SQLite can read but not make sense of is a verdict, not an error. */
int walk_judge(struct walk *walk, int error);
