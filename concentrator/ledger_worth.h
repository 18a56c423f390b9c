/* ledger_worth.h - inside verify: what the accounts have and owe, by their entries and by the rows that keep it.
 *
 * M1  What an account's balance is made of (table credit) follows from its entries; of a debt is left what its
 *     entries have not taken.
 */
#pragma once

#include "concentrator/ledger_numbered.h"
#include "concentrator/rules/credit.h"

struct worth {
	int64_t until; /* the last entry */
	/* The ledger began with what a checkpoint told: no entry says how that came about, so that credits and
	 * debts are held against bounds alone. */
	bool restored;
	struct numbered purses; /* of the accounts */
	struct numbered debts;
};

/* In the transaction in which until is the last entry. */
LEDGER_CHECKED int worth_load(struct walk *walk, int64_t until, bool restored, struct worth *ret);
void worth_clear(struct worth *worth);
/* The next entry of all: kind, account, amount and flags. */
LEDGER_CHECKED int worth_credit(struct walk *walk, struct worth *worth, const struct entry *entry);
/* One of kind ENTRY_DEBT, its texts too. */
LEDGER_CHECKED int worth_debt(struct walk *walk, struct worth *worth, const struct entry *entry);
/* What the last entries leave. */
LEDGER_CHECKED int worth_check(struct walk *walk, struct worth *worth);
