/* verbs_profile.c - a room's day in quarters of an hour; who asked, and why, is in the audit. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/profile.h"
#include "concentrator/reader.h"
#include "concentrator/station_profile.h"
#include "concentrator/station_state.h"

static bool parse_day(const char *text, int64_t *ret_day)
{
	int year, month, day, length = 0;
	if (strlen(text) != 10 ||
	    sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &length) != 3 || length != 10 ||
	    year < 1970 || year > 9998)
		return false;
	*ret_day = calendar_day_number(year, month, day);
	struct civil date = calendar_date(*ret_day);
	return date.year == year && date.month == month && date.day == day;
}

int verb_profile(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const char *text = message_arg_string(call->args, "day");
	struct reader_job job = {.kind = READER_PROFILE_READ};
	int64_t day = calendar_day(&station->settings.zone, station->now.s);
	if (room == NULL)
		return 0;
	if (text != NULL && !parse_day(text, &day)) {
		control_fail(call, PROBLEM_USAGE, "day is YYYY-MM-DD");
		return 0;
	}
	if (verbs_cursor(call) < 0)
		return -EINVAL;
	if (!station_profile_path(station, job.file)) {
		control_fail(call, PROBLEM_REFUSED,
			     "no profile is kept here ([store] profile_days = 0)");
		return 0;
	}
	job.profile.from_s = calendar_date_start_s(&station->settings.zone, day);
	job.profile.to_s = calendar_date_start_s(&station->settings.zone, day + 1);
	for (size_t i = 0; i < room->supply_count && i < PROFILE_SUPPLIES_MAX; i++)
		job.profile.supply_id[job.profile.count++] = room->supplies[i]->record.id;
	return verbs_ask_reader(station, call, &job);
}

/* The energy of the quarter that ended at row: null where its beginning is missing, or was another meter's. */
static json_t *energy(const struct profile_page *page, size_t at)
{
	const struct profile_row *row = &page->rows[at];
	while (at > 0 && page->rows[at - 1].at_s >= row->at_s - PROFILE_SLOT_S) {
		const struct profile_row *before = &page->rows[--at];
		if (before->supply_id == row->supply_id &&
		    before->at_s == row->at_s - PROFILE_SLOT_S)
			return before->life_id == row->life_id &&
					       row->register_wh >= before->register_wh
				       ? json_integer(row->register_wh - before->register_wh)
				       : json_null();
	}
	return json_null();
}

static const struct station_supply *supply_of(const struct station_room *room, int64_t supply_id)
{
	for (size_t i = 0; i < room->supply_count; i++)
		if (room->supplies[i]->record.id == supply_id)
			return room->supplies[i];
	return NULL;
}

/* The cursor counts the rows of the page that were looked at. */
void verbs_profile(struct station *station, struct control_call *call, const struct reader_job *job)
{
	const struct profile_page *page = job->profile_page;
	struct station_room *room = verbs_room(station, call);
	char more[24];
	if (room == NULL)
		return;
	if (job->result < 0) {
		control_fail(call, PROBLEM_DEGRADED, "%s: %s", job->file, strerror(-job->result));
		return;
	}
	size_t next = (size_t)verbs_cursor(call), bytes = 0;
	json_t *rows = json_array();
	for (; next < page->count; next++) {
		const struct profile_row *row = &page->rows[next];
		/* Midnight itself is only where the first quarter begins. */
		if (row->at_s == job->profile.from_s)
			continue;
		const struct station_supply *supply = supply_of(room, row->supply_id);
		json_t *told = json_pack(
			"{s:I,s:I,s:s,s:o,s:I}", "from_s", (json_int_t)(row->at_s - PROFILE_SLOT_S),
			"to_s", (json_int_t)row->at_s, "circuit",
			supply == NULL ? "" : supply->record.circuit, "energy_wh",
			energy(page, next), "register_wh", (json_int_t)row->register_wh);
		told = verbs_measured(told, supply == NULL ? MEDIUM_ELECTRICITY : supply->medium);
		if (!verbs_fits(told, &bytes, rows)) {
			json_decref(told);
			break;
		}
		json_array_append_new(rows, told);
	}
	snprintf(more, sizeof(more), "%zu", next);
	control_reply(call,
		      json_pack("{s:s,s:I,s:I,s:o}", "room", room->record.name, "from_s",
				(json_int_t)job->profile.from_s, "to_s",
				(json_int_t)job->profile.to_s, "rows", rows),
		      next < page->count ? more : NULL);
}
