/* verbs_entry.h - ledger entries as rows, for the verbs that show them. */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct station;
struct station_room;

/* Up to limit entries older than before (0: from the newest), newest first; room NULL: of all rooms.
 * ret_next (may be NULL): the cursor behind them, or -1 at the end. -errno of the ledger. */
int verbs_entries(struct station *station, const struct station_room *room, int64_t before,
		  int limit, json_t **ret_rows, int64_t *ret_next);
