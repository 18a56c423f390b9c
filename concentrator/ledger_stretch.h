/* ledger_stretch.h - inside verify: the walk over the entries of a stretch of the ledger.
 *
 * A stretch begins behind an entry. Either all is known of the entries up to there: the walk is then the
 * proof of those that follow. Or nothing is: the walk then takes for granted what the ledger says of them
 * (the hash of the last one, the balance of an account before its first entry here, the register of a meter
 * life), notes it, and proves the rest; stretch_join() holds it against what was proven before. So stretches
 * are walked in any order and in several threads, and proven one behind the other.
 */
#pragma once

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_index.h"
#include "concentrator/ledger_running.h"
#include "concentrator/ledger_walk.h"

struct stretch {
	int64_t after, through; /* entries behind after, up to through */
	bool known;        /* where all accounts and lives stand; else it is taken for granted */
	bool indexed;      /* its entries count in the indexes */
	uint8_t start[32]; /* the hash of entry after, known or taken for granted */
	struct numbered accounts, lives, points, tariffs; /* struct running */
	struct ledger_totals totals;       /* of its entries, or of all up to here where known */
	int64_t lowest_nano, highest_nano; /* how far the building's balance went between them */
	struct index_sum indexes[LEDGER_INDEXES]; /* rows that the indexes must have */
	struct ledger_verdict verdict;            /* entries: the last one proven */
	int error;
};

/* Begins one behind entry after. Known: after is 0, and start the genesis. */
void stretch_init(struct stretch *stretch, int64_t after, bool known);
void stretch_clear(struct stretch *stretch);
/* Walks from behind verdict.entries up to stretch->through, a page in each transaction. The first entry that
 * does not follow is the verdict. Errors of the file are returned. */
LEDGER_CHECKED int stretch_walk(struct walk *walk, struct stretch *stretch);
/* next begins where all, which is known, ends: what next took for granted is held against it, and all goes on to
 * the end of next. Where they differ next is walked once more, from what is known: so the verdict is that of one
 * walk over everything. */
LEDGER_CHECKED int stretch_join(struct walk *walk, struct stretch *all, const struct stretch *next);
