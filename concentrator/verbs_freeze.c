/* verbs_freeze.c - the freezes of a room, for people and their spreadsheets. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "concentrator/ledger_freeze.h"
#include "concentrator/station_event.h"
#include "concentrator/station_state.h"

struct rows {
	const struct station *station;
	json_t *rows;
	size_t bytes;
	int64_t day; /* of the last */
	int64_t supply_id;
};

static int freeze_row(const struct ledger_freeze *freeze, void *userdata)
{
	struct rows *rows = userdata;
	struct civil date = calendar_date(freeze->day);
	char period[48];
	int n = snprintf(period, sizeof(period), "%04d-%02d", (int)date.year, (int)date.month);
	if (!freeze->monthly)
		snprintf(period + n, sizeof(period) - (size_t)n, "-%02d", (int)date.day);
	json_t *row = json_pack(
		"{s:s,s:s,s:I,s:o,s:I,s:o,s:o,s:I,s:o,s:o,s:I}", "period", period, "circuit",
		freeze->circuit, "at_s", (json_int_t)freeze->at_s, "read_s",
		freeze->read_s == 0 ? json_null() : json_integer(freeze->read_s), "register_wh",
		(json_int_t)freeze->register_wh, "from_s", json_integer(freeze->from_s),
		"energy_wh", json_integer(freeze->energy_wh), "total_wh",
		(json_int_t)freeze->total_wh, "balance",
		station_money(rows->station, freeze->balance_nano), "balance_nano",
		message_nano(freeze->balance_nano), "seq", (json_int_t)freeze->entry_seq);
	row = verbs_measured(row, freeze->medium);
	if (!verbs_fits(row, &rows->bytes, rows->rows)) {
		json_decref(row);
		return 1;
	}
	rows->day = freeze->day;
	rows->supply_id = freeze->supply_id;
	json_array_append_new(rows->rows, row);
	return 0;
}

/* The cursor is DAY.SUPPLY of the last row that was told. */
int verb_freeze_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const char *cursor = message_arg_string(call->args, "cursor");
	int64_t day = 0, supply_id = 0;
	char more[48];
	if (room == NULL)
		return 0;
	if (cursor != NULL &&
	    (sscanf(cursor, "%19" SCNd64 ".%19" SCNd64, &day, &supply_id) != 2 || day < 1)) {
		control_fail(call, PROBLEM_USAGE, "cursor is one that was given out");
		return 0;
	}
	struct rows rows = {.station = station, .rows = json_array()};
	if (rows.rows == NULL)
		return -ENOMEM;
	int r = ledger_freezes_tail(station->ledger, room->record.id,
				    json_is_true(json_object_get(call->args, "monthly")), day,
				    supply_id, MESSAGE_ROWS_MAX, freeze_row, &rows);
	if (r < 0) {
		json_decref(rows.rows);
		return r;
	}
	bool whole = r == 0 && json_array_size(rows.rows) < MESSAGE_ROWS_MAX;
	snprintf(more, sizeof(more), "%" PRId64 ".%" PRId64, rows.day, rows.supply_id);
	control_reply(call, json_pack("{s:s,s:o}", "room", room->record.name, "rows", rows.rows),
		      whole ? NULL : more);
	return 0;
}
