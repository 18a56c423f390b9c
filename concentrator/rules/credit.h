/* credit.h - what a balance is made of, which credit is spent first, and how far below zero it may go.
 *
 * A balance is one number, the sum of its entries. Above zero it consists of credits that were given for
 * different reasons; below zero it uses a credit line. Both follow from the entries, taken in their order:
 *
 *     1 allowance   given with a date; may expire
 *     2 subsidy     given by somebody else than the tenant
 *     3 paid        everything else, cash and corrections too
 *     4 overdraft   a line below zero, of the building or of one room
 *     5 emergency   a line below that, for whoever asks once, until it is repaid
 *
 * What is used is taken from 1 to 5 in that order. What comes in repays the lines first. An entry that takes
 * back or carries out credit of one type (a reversal, a closing) takes that type first; a debt takes what is
 * paid first.
 *
 * M1  The types add up to the balance after every entry: only what is not paid is counted here, the rest
 *     of the balance is paid. A credit that is not paid is never negative, and never there while the
 *     balance is below it.
 * S1  An emergency line and an overdraft lower the cut-off: they work for the tenant, and only a proven
 *     exhaustion of the line spends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/entry.h"

enum credit_type {
	CREDIT_ALLOWANCE,
	CREDIT_SUBSIDY,
	CREDIT_PAID,
	CREDIT_OVERDRAFT,
	CREDIT_EMERGENCY,
	CREDIT_TYPES
};

/* Zero-initialised: nothing. What is left of the balance is paid, or owed. */
struct credit_purse {
	int64_t balance_nano;
	int64_t allowance_nano;
	int64_t subsidy_nano;
};

/* The type that an entry adds to, or takes from first; CREDIT_TYPES: none, an entry that spends. */
enum credit_type credit_entry_type(const struct entry *entry);

/* The next entry of the account. -ERANGE: the balance does not fit; the purse is as it was. */
__attribute__((warn_unused_result)) int credit_apply(struct credit_purse *purse,
						     const struct entry *entry);

/* As an entry that spends nano would; nano is not negative. */
__attribute__((warn_unused_result)) int credit_spend(struct credit_purse *purse, int64_t nano);

/* The lines of a room: prepay.conf [policy] and what is agreed for the room. All but the cut-off and
 * emergency_at_nano are not negative. */
struct credit_terms {
	int64_t cutoff_nano; /* of the building; not above 0 */
	int64_t restore_min_nano;
	int64_t overdraft_nano;
	int64_t emergency_nano;    /* 0: there is none */
	int64_t emergency_at_nano; /* offered at or below this balance */
};

enum emergency_state {
	EMERGENCY_NONE,
	EMERGENCY_ACTIVE, /* the cut-off is lowered */
	EMERGENCY_SPENT, /* used up: the cut-off is back, and the room off, until all of it is repaid */
};

struct credit_emergency {
	enum emergency_state state;
	bool used; /* some of it, since it was activated */
};

/* Where a cut for money is due: the building's cut-off less the overdraft, and less the emergency credit
 * while that is active. */
int64_t credit_cutoff_nano(const struct credit_terms *terms, enum emergency_state state);

/* May it be activated now? Only once, until it is repaid. */
bool emergency_offered(const struct credit_emergency *emergency, const struct credit_terms *terms,
		       int64_t balance_nano);

enum emergency_event { EMERGENCY_NOTHING, EMERGENCY_REPAID };

/* By the balance most favourable to the tenant. An active line that was used ends when it is repaid, one
 * that was not when the balance is above where it is offered; a spent one when it is repaid whole and the
 * room may come back. */
enum emergency_event emergency_step(struct credit_emergency *emergency,
				    const struct credit_terms *terms, int64_t best_nano);

/* The room is being cut. true: by proven exhaustion of the active line, which is spent with that. */
bool emergency_cut(struct credit_emergency *emergency, const struct credit_terms *terms,
		   int64_t best_nano);

/* One type for people: what is left to spend of it, and what of it must be paid back. */
struct credit_line {
	int64_t left_nano;
	int64_t used_nano;  /* of a line */
	int64_t limit_nano; /* of a line; of emergency credit what would be offered */
};

/* All five, in the order in which they are spent. A line that is not active has nothing left. */
void credit_list(const struct credit_purse *purse, const struct credit_terms *terms,
		 const struct credit_emergency *emergency, struct credit_line ret[CREDIT_TYPES]);

/* "allowance", "subsidy", "paid", "overdraft", "emergency"; "" for CREDIT_TYPES. */
const char *credit_type_name(enum credit_type type);
/* "none", "active", "spent". */
const char *emergency_state_name(enum emergency_state state);
