/* station_epoch.c - is this ledger the one that the cloud heard of last?
 *
 * U1, U3  One that is older (a copy put back by hand, an empty card) would number its events as the cloud has
 *     them already, with other content, and they would be taken for known. It goes on in another epoch; what
 *     was acknowledged since the start was acknowledged by mistake and is sent again.
 */
#include "concentrator/station_epoch.h"

#include <errno.h>
#include <string.h>

#include "concentrator/ledger_event.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"

int station_epoch_load(struct station *station)
{
	struct ledger_outbox outbox;
	int r = ledger_outbox_get(station->ledger, &outbox);
	if (r == 0)
		station->through_at_start = outbox.through;
	return r;
}

int station_epoch_known(struct station *station, int64_t epoch, int64_t through)
{
	struct ledger_outbox outbox;
	int r = station->store_failing ? -EIO : ledger_outbox_get(station->ledger, &outbox);
	if (r < 0)
		return r;
	if (epoch < outbox.epoch || (epoch == outbox.epoch && through <= outbox.last))
		return 0;
	r = ledger_epoch_begin(station->ledger, epoch + 1, station->through_at_start);
	if (r < 0)
		return r;
	station_alarm(station, ALARM_LEDGER_OLD, "ledger",
		      "the cloud has event %lld of epoch %lld, this ledger %lld of %lld: an older "
		      "copy? it goes on in epoch %lld",
		      (long long)through, (long long)epoch, (long long)outbox.last,
		      (long long)outbox.epoch, (long long)epoch + 1);
	return 1;
}
