/* ledger_unread.h - meters that were not read when a tenancy began.
 *
 * M2  What such a meter counted up to its first reading behind that has a payer of its own: the house.
 */
#pragma once

#include "concentrator/ledger.h"

typedef int (*ledger_unread_fn)(int64_t life_id, void *userdata);

/* Behind the entries that there are, for the account's tenancy. Needs a transaction. */
LEDGER_CHECKED int ledger_unread_add(struct ledger *ledger, int64_t account_id, int64_t life_id);

/* The lives that have no entry since. */
LEDGER_CHECKED int ledger_unread_each(struct ledger *ledger, ledger_unread_fn row, void *userdata);
