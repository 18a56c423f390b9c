/* ledger_entry.h - appending to the accounts, their balances and sums.
 *
 * M1  ledger_balance_nano() is the sum of the account's entries, those of the open transaction
 *     included; a rollback takes them back.
 * M2  An entry of kind CHARGE, HOUSE, QUARANTINE or WRITE_OFF with a life begins where the life is
 *     settled (from_wh), ends at from_wh + energy_wh (to_wh), and energy without a life is refused.
 * M5  There is no function that changes an entry.
 * M8  seq, previous and hash are filled here.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/entry.h"

struct ledger_totals {
	int64_t charged_wh;
	int64_t house_wh;
	int64_t quarantined_wh; /* set aside by a person's decision */
	int64_t written_off_wh;
	int64_t charged_l; /* the same of water */
	int64_t house_l;
	int64_t quarantined_l;
	int64_t written_off_l;
	int64_t balance_nano; /* of all accounts; 0 when asked for one point */
	int64_t cash_nano;    /* local cash ever taken; 0 when asked for one point */
	int64_t entries;      /* all of them, also when asked for one point */
};

/* balance_nano: of the entry's account, just after it. The row is valid during the call only. */
typedef int (*ledger_entry_fn)(const struct entry *entry, int64_t balance_nano, void *userdata);

/* Needs a transaction. Fills entry->seq, format, previous and hash. -EINVAL M2 does not hold, energy
 * is negative, the kind is unknown or a text is not UTF-8; -ERANGE the balance, the building's total
 * or a sum would overflow; -ENOENT account, point, life, tariff or the entry named by refers is not
 * there; -EPERM the account is closed; -EEXIST a recharge, reversal or cash entry of that order is
 * there already (M3). */
LEDGER_CHECKED int ledger_entry_append(struct ledger *ledger, struct entry *entry);

/* From memory. -ENOENT no such account. */
LEDGER_CHECKED int ledger_balance_nano(struct ledger *ledger, int64_t account_id, int64_t *ret);
/* point_id 0: the building, from memory; else the sums of that point over all its lives. */
LEDGER_CHECKED int ledger_totals_get(struct ledger *ledger, int64_t point_id,
				     struct ledger_totals *ret);
/* Up to limit entries older than before_seq (0: from the newest), newest first; account_id 0: all. */
LEDGER_CHECKED int ledger_entries_tail(struct ledger *ledger, int64_t account_id,
				       int64_t before_seq, int limit, ledger_entry_fn row,
				       void *userdata);
/* Those of an account behind after_seq, oldest first. */
LEDGER_CHECKED int ledger_entries_after(struct ledger *ledger, int64_t account_id,
					int64_t after_seq, ledger_entry_fn row, void *userdata);
/* -ENOENT there is none. */
LEDGER_CHECKED int ledger_entry_find(struct ledger *ledger, int64_t seq, ledger_entry_fn row,
				     void *userdata);

/* What the blocks of a tariff need of a charge. */
struct ledger_charge {
	int64_t seq;
	int64_t account_id;
	int64_t at_s;
	bool at_trusted;
	int64_t from_s; /* 0: unknown */
	int64_t energy_wh;
	uint32_t flags; /* enum entry_flag */
};

typedef int (*ledger_charge_fn)(const struct ledger_charge *charge, void *userdata);

/* The charges of electricity behind after_seq, newest first, in one pass over the entries of all accounts. */
LEDGER_CHECKED int ledger_charges_back(struct ledger *ledger, int64_t after_seq,
				       ledger_charge_fn row, void *userdata);
