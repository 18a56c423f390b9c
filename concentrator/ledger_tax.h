/* ledger_tax.h - what a tax entry cut off, kept beside it for the next one. */
#pragma once

#include "concentrator/ledger.h"

/* Needs the transaction of the entry. rest in millionths of a nano. */
LEDGER_CHECKED int ledger_tax_add(struct ledger *ledger, int64_t account_id, int64_t entry_seq,
				  int64_t rest);
/* Of the account's last tax entry; 0 when it has none. */
LEDGER_CHECKED int ledger_tax_rest(struct ledger *ledger, int64_t account_id, int64_t *ret_rest);
