/* batch.h - one page of the outbox on its way: which rows to send next, and what became of each.
 *
 * Pure. Rows are sent in groups of one path; the first group in the queue is the one in hand. A group
 * that is refused is halved until the bad row stands alone; a group that must wait goes to the end of
 * the queue, so that it never blocks the others. At most two requests a row are needed to isolate it.
 *
 * U1  A row is stored or refused by an answer of its own (or standing alone); nothing else ends it.
 * U2  A row refused is set aside with its status; the rows around it go on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uplink/outcome.h"

#define BATCH_ROWS_MAX    128
#define BATCH_SUSPECT_MAX 3 /* failures of the server over a group before it is halved */
#define BATCH_DETAIL_MAX  120

enum batch_state { ROW_WAITING, ROW_STORED, ROW_REFUSED };

struct batch_row {
	int64_t seq;
	enum uplink_path path;
	enum batch_state state;
	long status;                       /* of the answer that ended it */
	char detail[BATCH_DETAIL_MAX + 1]; /* why it was refused */
	void *content;                     /* the caller's */
	unsigned group;
};

struct batch {
	struct batch_row rows[BATCH_ROWS_MAX];
	size_t rows_n;
	unsigned queue[BATCH_ROWS_MAX]; /* groups that still have rows waiting, in hand first */
	size_t queue_n;
	unsigned failures[BATCH_ROWS_MAX]; /* by group */
};

void batch_clear(struct batch *batch);

/* Rows come in rising seq. -ENOSPC: full; -EBADMSG: seq does not rise. */
int batch_add(struct batch *batch, enum uplink_path path, int64_t seq, void *content);

/* Forms the groups, of at most most (1 or more) rows each: receipts first, then events. */
void batch_start(struct batch *batch, size_t most);

/* The rows of the group in hand that wait, in order. 0 after batch_start() or batch_settle():
 * everything has its answer. */
size_t batch_in_hand(struct batch *batch, struct batch_row *ret_rows[static BATCH_ROWS_MAX]);

/* The answer for one row of the group in hand; batch_settle() comes after the last. detail may be
 * NULL. A seq that is not in hand, or has its answer, is ignored. */
void batch_answer(struct batch *batch, int64_t seq, long status, const char *detail);

/* After the answers: rows without one go to the end. Returns true when none had to. */
bool batch_settle(struct batch *batch);

/* The group in hand was refused as a whole: halves it; a row alone is refused. */
void batch_split(struct batch *batch, long status, const char *why);

/* The server failed over the group in hand: to the end; halved after BATCH_SUSPECT_MAX; a row alone
 * that goes on failing is refused once another row of the batch was stored. */
void batch_suspect(struct batch *batch, long status, const char *why);

/* The highest seq up to which no row waits; 0: the very first one waits. */
int64_t batch_through(const struct batch *batch);
