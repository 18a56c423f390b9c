/* station_profile.c - every register at each quarter of an hour, buffered and handed to the reader's thread.
 *
 * Nothing here may hold up the loop or touch the ledger: a batch that cannot be written comes back into the
 * buffer, whose oldest rows give way, and an alarm stands until one is written again.
 */
#include "concentrator/station_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/profile.h"
#include "concentrator/station_event.h"

#define SETTLE_S     5 /* the reading that ends a quarter may come a little later */
#define WRITE_SLOTS  2 /* this many are one batch ... */
#define BUFFER_SLOTS 8 /* ... and this many wait at most */
#define RETRY_US     INT64_C(60000000)
#define DAY_S        INT64_C(86400)

bool station_profile_path(const struct station *station, char ret[static PATH_MAX])
{
	const struct config_store *store = &station->config->store;
	const char *end = strrchr(store->ledger, '/');
	if (store->profile_days == 0)
		return false;
	if (store->profile[0] != '\0')
		snprintf(ret, PATH_MAX, "%s", store->profile);
	else
		snprintf(ret, PATH_MAX, "%.*sprofile.db",
			 end == NULL ? 0 : (int)(end - store->ledger + 1), store->ledger);
	return true;
}

static size_t room_of(const struct station *station)
{
	return BUFFER_SLOTS * (station->supply_count + 1);
}

/* The oldest rows give way. */
static void keep(struct station_profile *profile, const struct profile_row *row)
{
	if (profile->count == profile->allocated) {
		memmove(profile->rows, profile->rows + 1,
			(profile->count - 1) * sizeof(*profile->rows));
		profile->count--;
	}
	profile->rows[profile->count++] = *row;
}

static bool make_room(struct station *station)
{
	struct station_profile *profile = &station->profile;
	size_t wanted = room_of(station);
	if (profile->allocated >= wanted)
		return true;
	struct profile_row *rows = realloc(profile->rows, wanted * sizeof(*rows));
	if (rows == NULL)
		return false;
	profile->rows = rows;
	profile->allocated = wanted;
	return true;
}

static void sample(struct station *station, int64_t slot_s)
{
	if (!make_room(station))
		return;
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		const struct mark *mark = &supply->guard.accepted;
		/* Silent, or not dated: a gap says so. */
		if (supply->life.id == 0 || !mark->dated || mark->at_s <= slot_s - PROFILE_SLOT_S)
			continue;
		const struct profile_row row = {.at_s = slot_s,
						.supply_id = supply->record.id,
						.life_id = supply->life.id,
						.register_wh = mark->wh};
		keep(&station->profile, &row);
	}
	station->profile.slots++;
}

static void hand_over(struct station *station)
{
	struct station_profile *profile = &station->profile;
	struct reader_job job = {.kind = READER_PROFILE_WRITE, .token = STATION_CALLS_WAITING};
	profile->retry_us = station->now.us + RETRY_US;
	if (!station_profile_path(station, job.file))
		return;
	job.batch = malloc(sizeof(*job.batch) + profile->count * sizeof(*profile->rows));
	if (job.batch == NULL)
		return;
	job.batch->keep_s = station->now.s - station->config->store.profile_days * DAY_S;
	job.batch->count = profile->count;
	memcpy(job.batch->rows, profile->rows, profile->count * sizeof(*profile->rows));
	if (station->settings.ports.read_ledger(station->settings.userdata, &job) < 0) {
		reader_job_clear(&job);
		return;
	}
	profile->writing = true;
	profile->count = 0;
	profile->slots = 0;
}

void station_profile_check(struct station *station)
{
	struct station_profile *profile = &station->profile;
	int64_t slot_s = station->now.s - station->now.s % PROFILE_SLOT_S;
	if (station->config->store.profile_days == 0 || !station->now.trusted)
		return;
	if (profile->slot_s != 0 && slot_s > profile->slot_s && station->now.s - slot_s < SETTLE_S)
		return;
	/* The one that a start falls into has no beginning. */
	if (profile->slot_s != 0 && slot_s > profile->slot_s)
		sample(station, slot_s);
	profile->slot_s = slot_s;
	if (profile->slots >= WRITE_SLOTS && !profile->writing &&
	    station->now.us >= profile->retry_us)
		hand_over(station);
}

void station_profile_written(struct station *station, const struct reader_job *job)
{
	struct station_profile *profile = &station->profile;
	profile->writing = false;
	if (job->result == 0) {
		profile->retry_us = 0;
		station_alarm_clear(station, ALARM_PROFILE_FAILING, "profile");
		return;
	}
	station_alarm(station, ALARM_PROFILE_FAILING, "profile",
		      "%s: %s; money and supply go on without it", job->file,
		      strerror(-job->result));
	/* Behind those sampled since: the order in the buffer is only that in which rows give way. */
	if (!make_room(station))
		return;
	for (size_t i = 0; i < job->batch->count; i++)
		if (profile->count < profile->allocated)
			keep(profile, &job->batch->rows[i]);
	profile->slots = WRITE_SLOTS;
}
