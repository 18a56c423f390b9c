/* station_snapshot.c - when the ledger's snapshot is taken anew, and what the station adds to it.
 *
 * Once in SNAPSHOT_ENTRIES, about a day of a large building; at once where there is none to begin with,
 * or it was refused, or new prices have made its positions useless.
 */
#include "concentrator/station_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_use.h"

#define SNAPSHOT_ENTRIES 1024

static int by_account(const void *a, const void *b)
{
	const struct ledger_position *left = a, *right = b;
	return (left->account_id > right->account_id) - (left->account_id < right->account_id);
}

int station_snapshot_take(struct station *station)
{
	size_t count = station->room_count;
	uint8_t key[DIGEST_SIZE];
	struct ledger_position *positions = calloc(count + 1, sizeof(*positions));
	uint8_t *bytes = malloc((count + 1) * LEDGER_POSITION_MAX);
	int r = positions == NULL || bytes == NULL ? -ENOMEM : station_use_key(station, key);
	if (r == 0)
		r = station_begin(station);
	if (r < 0)
		goto end;
	for (size_t i = 0; i < count; i++) {
		uint8_t *at = bytes + i * LEDGER_POSITION_MAX;
		positions[i].account_id = station->rooms[i]->record.account_id;
		positions[i].bytes = at;
		station_use_bytes(&station->rooms[i]->use, at, &positions[i].size);
	}
	qsort(positions, count, sizeof(*positions), by_account);
	r = ledger_snapshot_write(station->ledger, station->now.s, key, positions, count);
	if (r < 0)
		station_rollback(station);
	else
		r = station_commit(station);
	if (r == 0)
		station->snapshot_stale = false;
end:
	free(positions);
	free(bytes);
	return r;
}

void station_snapshot_check(struct station *station)
{
	struct ledger_totals totals;
	if (station->store_failing || ledger_totals_get(station->ledger, 0, &totals) < 0)
		return;
	int64_t seq = ledger_snapshot_seq(station->ledger);
	bool refused = ledger_snapshot_refusal(station->ledger)[0] != '\0' && seq == 0;
	/* One that fails is tried again: nothing but time is lost without it. */
	if (totals.entries - seq >= SNAPSHOT_ENTRIES || refused ||
	    (seq != 0 && station->snapshot_stale))
		(void)station_snapshot_take(station);
}

void station_snapshot_told(struct station *station)
{
	const char *refusal = ledger_snapshot_refusal(station->ledger);
	if (refusal[0] != '\0')
		station_alarm(station, ALARM_SNAPSHOT_REFUSED, "ledger",
			      "%s; all entries were added up instead: `prepay ledger verify`",
			      refusal);
}
