/* ledger_credit.h - what an account's balance is made of, and the lines below it (rules/credit.h).
 *
 * M1  The parts follow from the entries; they are kept with the number of the last entry they count, and
 *     whoever loads them goes on from there.
 */
#pragma once

#include "concentrator/ledger.h"

struct ledger_credit {
	int64_t account_id;
	int64_t through_seq; /* the last entry counted below */
	int64_t allowance_nano;
	int64_t subsidy_nano;
	bool own_overdraft; /* agreed for this room; else the building's counts */
	int64_t overdraft_nano;
	int32_t emergency; /* enum emergency_state, 0..2 */
	bool emergency_used;
	int64_t emergency_s; /* Unix; when it was activated; 0: it is not */
	uint32_t warned;     /* warning levels told: a bit for each (station_warning.c) */
};

typedef int (*ledger_credit_fn)(const struct ledger_credit *credit, void *userdata);

/* Needs a transaction; replaces what was there. */
LEDGER_CHECKED int ledger_credit_set(struct ledger *ledger, const struct ledger_credit *credit);
/* Only those of accounts in use. An account without a row has nothing counted yet. */
LEDGER_CHECKED int ledger_credits_each(struct ledger *ledger, ledger_credit_fn row, void *userdata);
