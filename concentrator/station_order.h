/* station_order.h - applying what the cloud signed. */
#pragma once

#include "concentrator/station_state.h"

/* Applies items of the feed in one transaction with the cursor (NULL: brought by hand).
 * ret_results: rows of {mRID, result, detail}, the caller's. -errno: nothing of it happened. */
int station_deliver(struct station *station, const json_t *items, const char *cursor,
		    json_t **ret_results);
/* What leaves as the receipt of an order; room may be NULL, split too: nothing was credited. The
 * caller's. */
json_t *station_receipt(const struct station *station, const char *mrid, enum order_result result,
			const char *detail, int64_t entry_seq, const struct station_room *room,
			const struct debt_split *split);
/* The same as the ledger keeps it; "" when it is too long to be kept. For free(3); NULL: no memory. */
char *station_receipt_text(json_t *receipt_taken);
/* Local date as yyyymmdd. */
int64_t station_local_day(const struct station *station);
