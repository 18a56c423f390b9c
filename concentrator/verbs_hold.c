/* verbs_hold.c - disputes that keep a room's supply on. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/station_hold.h"
#include "concentrator/station_state.h"

#define HOLD_MAX_S (INT64_C(366) * CALENDAR_DAY_S)
#define PAGE_HOLDS 96

json_t *verbs_hold(const struct station_room *room)
{
	if (room->hold.id == 0)
		return json_null();
	return json_pack("{s:s,s:s,s:I,s:I}", "owner", room->hold.owner, "reason",
			 room->hold.reason, "from_s", (json_int_t)room->hold.from_s, "until_s",
			 (json_int_t)room->hold.until_s);
}

int verb_hold_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t next = verbs_cursor(call);
	if (next < 0)
		return -EINVAL;
	json_t *rows = json_array();
	size_t i = (size_t)next;
	for (; i < station->room_count && json_array_size(rows) < PAGE_HOLDS; i++) {
		const struct station_room *room = station->rooms[i];
		if (room->hold.id == 0)
			continue;
		json_t *row = verbs_hold(room);
		json_object_set_new(row, "room", json_string(room->record.name));
		json_array_append_new(rows, row);
	}
	verbs_page(call, rows, i < station->room_count ? (int64_t)i : -1);
	return 0;
}

static int answer(struct control_call *call, const struct station_room *room)
{
	control_reply(
		call,
		json_pack("{s:s,s:o}", "room", room->record.name, "dispute", verbs_hold(room)),
		NULL);
	return 0;
}

int verb_hold_set(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	struct ledger_hold hold = {.uid = (int64_t)call->peer.uid,
				   .from_s = station->now.s,
				   .until_s = message_arg_int64(call->args, "until_s", 0)};
	if (room == NULL)
		return 0;
	if (!station->now.trusted) {
		control_fail(
			call, PROBLEM_DEGRADED,
			"the time is not known for sure: an end cannot be told now (and nobody is "
			"cut)");
		return 0;
	}
	if (hold.until_s <= station->now.s || hold.until_s - station->now.s > HOLD_MAX_S) {
		control_fail(call, PROBLEM_USAGE, "until is later than now, by at most 366 days");
		return 0;
	}
	snprintf(hold.owner, sizeof(hold.owner), "%s", call->peer.user);
	snprintf(hold.reason, sizeof(hold.reason), "%s", message_arg_string(call->args, "reason"));
	int r = station_hold_set(station, room, &hold);
	return r < 0 ? r : answer(call, room);
}

int verb_hold_release(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	if (room == NULL)
		return 0;
	if (room->hold.id == 0) {
		control_fail(call, PROBLEM_CONFLICT, "room %s has no hold", room->record.name);
		return 0;
	}
	if (room->hold.uid != (int64_t)call->peer.uid && call->peer.role != CONTROL_ADMIN) {
		control_fail(call, PROBLEM_REFUSED, "the hold is %s's: they or an admin end it",
			     room->hold.owner);
		return 0;
	}
	int r = station_hold_end(station, room, call->peer.user);
	return r < 0 ? r : answer(call, room);
}
