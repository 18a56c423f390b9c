/* verbs_entry.h - ledger entries as rows, for the verbs that show them. */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct station;

/* Up to limit entries older than before (0: from the newest), newest first; account_id 0: of all accounts.
 * ret_next (may be NULL): the cursor behind them, or -1 at the end. -errno of the ledger. */
int verbs_entries(struct station *station, int64_t account_id, int64_t before, int limit,
		  json_t **ret_rows, int64_t *ret_next);
