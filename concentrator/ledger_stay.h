/* ledger_stay.h - what a tenant took along from another room. */
#pragma once

#include "concentrator/ledger_entry.h"

struct ledger_stay {
	int64_t opened_s;       /* when the tenant first moved in */
	int64_t minimum_from_s; /* of the period of a minimum charge under way; 0: there was none */
	int64_t minimum_nano;   /* spent toward it */
};

/* Of the account's tenancy. Both need a transaction. */
LEDGER_CHECKED int ledger_stay_add(struct ledger *ledger, int64_t account_id,
				   const struct ledger_stay *stay);
/* As a charge with these flags would count, of energy from since_s on. */
LEDGER_CHECKED int ledger_stay_use_add(struct ledger *ledger, int64_t account_id, int64_t since_s,
				       int64_t wh, uint32_t flags);
/* Of all tenancies that last, in the order of their writing; account_id, from_s, energy_wh and flags are
 * filled. */
LEDGER_CHECKED int ledger_stay_use_each(struct ledger *ledger, ledger_charge_fn row,
					void *userdata);
