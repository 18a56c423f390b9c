/* station_link.c - is the cloud there?
 *
 * S1  Cuts for money wait while a recharge may be waiting at a cloud that is away. Neither a restart of
 *     this daemon nor the end of its messenger makes that time shorter.
 */
#include "concentrator/station_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/station_event.h"

#define CURSOR    "away"
#define ALARM_US  INT64_C(3600000000)
#define KEEP_US   INT64_C(60000000)  /* away so long is kept: a link that flaps writes nothing */
#define SILENT_US INT64_C(300000000) /* a messenger that says nothing so long is gone */

int station_link_load(struct station *station)
{
	char text[64];
	int r = ledger_cursor_get(station->ledger, CURSOR, text, sizeof(text));
	if (r == -ENODATA)
		return 0;
	if (r == 0)
		station->link.away_s = strtoll(text, NULL, 10);
	return r;
}

static bool is_online(const struct station *station)
{
	return strcmp(station->link.state, "online") == 0 &&
	       station->now.us - station->link.reported_us < SILENT_US;
}

int64_t station_link_away_us(const struct station *station)
{
	const struct station_link *link = &station->link;
	if (station->config->cloud.url[0] == '\0' || is_online(station))
		return 0;
	if (link->last_good_us != 0)
		return station->now.us - link->last_good_us;
	int64_t away_us = station->now.us - station->started_us, kept_us;
	if (link->away_s != 0 && station->now.trusted &&
	    !__builtin_mul_overflow(station->now.s - link->away_s, INT64_C(1000000), &kept_us) &&
	    kept_us > away_us)
		return kept_us;
	return away_us;
}

static void keep(struct station *station, int64_t away_s)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)away_s);
	if (station->store_failing || station_begin(station) < 0)
		return;
	if (ledger_cursor_set(station->ledger, CURSOR, text) < 0)
		station_rollback(station);
	else if (station_commit(station) == 0)
		station->link.away_s = away_s;
}

void station_link_check(struct station *station)
{
	int64_t away_us = station_link_away_us(station);
	if (station->config->cloud.url[0] == '\0')
		return;
	if (away_us > ALARM_US)
		station_alarm(station, ALARM_CLOUD_AWAY, "cloud",
			      "no good answer for %lld s; metering and supply go on",
			      (long long)(away_us / 1000000));
	else
		station_alarm_clear(station, ALARM_CLOUD_AWAY, "cloud");

	if (is_online(station) && station->link.away_s != 0)
		keep(station, 0);
	else if (away_us > KEEP_US && station->link.away_s == 0 && station->now.trusted)
		keep(station, station->now.s - away_us / 1000000);
}
