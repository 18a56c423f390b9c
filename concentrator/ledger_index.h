/* ledger_index.h - inside verify: do the indexes of the entries hold what the entries say? */
#pragma once

#include "concentrator/ledger_walk.h"
#include "concentrator/rules/entry.h"

#define LEDGER_INDEXES 3

/* The rows that an index has, or must have, in any order. */
struct index_sum {
	uint64_t rows;
	uint64_t sum;
};

/* What one entry adds to them. */
void index_add(struct index_sum sums[static LEDGER_INDEXES], const struct entry *entry,
	       int64_t balance_nano);
/* Adds the rows of one index, up to entry until, to *ret, which must live as long as the connection. */
LEDGER_CHECKED int index_walk(struct walk *walk, int number, int64_t until, struct index_sum *ret);
/* Are the two the same rows? Names the index that is not. */
bool indexes_agree(struct walk *walk, const struct index_sum entries[static LEDGER_INDEXES],
		   const struct index_sum found[static LEDGER_INDEXES]);
