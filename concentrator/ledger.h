/* ledger.h - the money store: one SQLite file that is only ever appended to where money is meant.
 *
 * One struct ledger owns the file. Only the loop thread uses it; what reads more than a page runs in
 * reader.h. Everything is written inside ledger_begin() and ledger_commit(); what ledger_commit()
 * acknowledged survives a power cut. The typed functions are in ledger_room.h, ledger_entry.h,
 * ledger_order.h, ledger_event.h, ledger_supply.h, ledger_tariff.h, ledger_key.h,
 * ledger_quarantine.h, ledger_hold.h, ledger_snapshot.h, ledger_dated.h, ledger_tax.h and ledger_persons.h. The tables are
 * concentrator/migrations/, the hashed bytes ledger.md.
 *
 * M1  The balance of an account is the sum of its entries; the cached one is checked at open, from a
 *     verified snapshot on (ledger_snapshot.h).
 * M2  The entries of a meter life join without gap or overlap; an entry that would not is refused.
 * M3  An order id and a cash receipt number are kept for ever, in the transaction of their entry.
 * M4  ledger_commit() returns 0 only when the transaction is on the disk (WAL, synchronous=FULL).
 * M5  Entries, orders, events and audits cannot be changed or deleted, not even by REPLACE.
 * M8  Every entry carries the hash of the one before it.
 * D1  After an I/O error nothing is answered but -EIO until ledger_reopen() has re-derived everything.
 *
 * Errors common to all functions: -EIO the store failed (ledger_failed(), ledger_failure_text());
 * -ENOMEM; -EBUSY another program holds the file; -EINVAL a value that no table accepts, nothing
 * written; -ENOENT a named room, supply, life or entry is not there. A function that fails inside a
 * transaction has written nothing itself; the caller decides between rollback and going on.
 *
 * All functions block for the disk, the writing ones in ledger_commit() alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_SCHEMA   17  /* what this program writes; a higher user_version is refused */
#define LEDGER_NAME_MAX 32  /* bytes of a room, circuit, line, model or layer name */
#define LEDGER_ID_MAX   64  /* bytes of an mRID, tenancy, kid, receipt number or site */
#define LEDGER_TEXT_MAX 128 /* bytes of a reason, an owner or a short detail */

/* 0 or -errno: never ignored. */
#define LEDGER_CHECKED __attribute__((warn_unused_result))

struct ledger;
struct ledger_step;

struct ledger_settings {
	const char *path; /* made when it is not there; PATH.lock beside it is held while open */
	const char *vfs;  /* SQLite VFS; NULL: the system's. A named one is not a place in the file
			   * system: no lock file, no directory sync and no backup before migrating */
	const char *site; /* belongs to the ledger for ever: another site's file is refused */
	int64_t built_s;  /* build date of the program: the floor of trusted time */
	int64_t now_s;    /* creation time written into a new ledger */
	int64_t (*clock_us)(void); /* times the commits; NULL: not timed */

	const struct ledger_step *steps; /* NULL: the built-in migrations */
	size_t step_count;
};

/* Why ledger_open() refused, for a person: what, where and what to do. */
struct ledger_failure {
	char text[512];
};

struct ledger_stats {
	int64_t commits;
	int64_t commit_p50_us; /* over the last 512 commits */
	int64_t commit_p99_us;
	int64_t commit_max_us; /* since open */
	int64_t entries;
	int64_t ledger_bytes; /* the database file, without its write-ahead log */
};

struct ledger_meta {
	char site[LEDGER_ID_MAX + 1];
	int64_t epoch; /* starts at 1; goes up by one with each restore */
	int64_t created_s;
	int64_t schema;
	uint8_t head[32]; /* hash of the last entry; the genesis hash when there is none */
};

/* Opens or makes the ledger, puts a restored one in its place (ledger_restore.h), migrates it after a
 * backup (PATH.schema-N.bak), checks M1 and M2.
 * -EBUSY a second instance; -EMEDIUMTYPE no ledger, or another site's; -EPROTONOSUPPORT a newer
 * schema; -EUCLEAN the sums do not agree; -EIO, -EACCES, -ENOENT, -ENOSPC of the file. ret_failure
 * is filled on every error. */
LEDGER_CHECKED int ledger_open(struct ledger **ret, const struct ledger_settings *settings,
			       struct ledger_failure *ret_failure);
/* Rolls back what is open. Takes NULL, returns NULL. */
struct ledger *ledger_close(struct ledger *ledger);

/* One transaction at a time: a begin inside another, or a commit without one, is our bug and asserts
 * (after an I/O error too: pair them all the same). A commit that fails with -EIO may or may not be on
 * the disk: acknowledge nothing, ledger_reopen(), ask again (M4). */
LEDGER_CHECKED int ledger_begin(struct ledger *ledger);
LEDGER_CHECKED int ledger_commit(struct ledger *ledger);
void ledger_rollback(struct ledger *ledger);
bool ledger_in_transaction(const struct ledger *ledger);

/* True from the first I/O error, full disk or damage on; the text says which. */
bool ledger_failed(const struct ledger *ledger);
const char *ledger_failure_text(const struct ledger *ledger);
/* Closes the file, opens it again, forces the log into it and re-derives what is cached (D1). Not
 * inside a transaction. -EBUSY a reader is still at work: again later; else as ledger_open(); the
 * ledger stays failed. */
LEDGER_CHECKED int ledger_reopen(struct ledger *ledger, struct ledger_failure *ret_failure);

/* M1, M2: recomputes every sum from all entries, and from the snapshot and those behind it, and compares
 * both with what is cached. Reads an index of all entries: for tests and after a suspicion. -EUCLEAN with
 * the first difference named. */
LEDGER_CHECKED int ledger_check(struct ledger *ledger, struct ledger_failure *ret_failure);

void ledger_stats_get(struct ledger *ledger, struct ledger_stats *ret);

/* How long the last commit took, whether it succeeded or not; 0 before the first. */
int64_t ledger_commit_us(const struct ledger *ledger);
void ledger_meta_get(const struct ledger *ledger, struct ledger_meta *ret);
/* The path and VFS name as opened: for the reader. */
const char *ledger_path(const struct ledger *ledger);
const char *ledger_vfs(const struct ledger *ledger);
/* No trusted clock may say less: the latest trusted entry, event or audit, or the build date. */
int64_t ledger_floor_s(const struct ledger *ledger);

/* A named text that moves with the money: "feed" is the feed's cursor. Names are at most
 * LEDGER_NAME_MAX bytes, values at most 255. get: -ENODATA never set, -ENOBUFS ret is too small. */
LEDGER_CHECKED int ledger_cursor_get(struct ledger *ledger, const char *name, char *ret,
				     size_t size);
LEDGER_CHECKED int ledger_cursor_set(struct ledger *ledger, const char *name, const char *value);
