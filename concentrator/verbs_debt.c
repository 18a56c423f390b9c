/* verbs_debt.c - debts beside the balance: made, shown and forgiven by people. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_debt.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_state.h"

#define PAGE_DEBTS      64
#define INSTALMENTS_MAX 120

struct rows {
	const struct station *station;
	json_t *array;
	int64_t last;
};

static const char *room_name(const struct station *station, int64_t account_id)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == account_id)
			return station->rooms[i]->record.name;
	return "";
}

static json_t *debt_json(const struct station *station, const struct ledger_debt *debt)
{
	const struct debt *state = &debt->debt;
	return json_pack("{s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:I,s:s,s:s,s:o,s:s}", "id",
			 (json_int_t)debt->id, "room", room_name(station, debt->account_id), "name",
			 debt->name, "way", debt_way_name(state->way), "total",
			 station_money(station, debt->total_nano), "total_nano",
			 message_nano(debt->total_nano), "left_nano",
			 message_nano(state->left_nano), "due_nano", message_nano(state->due_nano),
			 "share_ppm", (json_int_t)state->share_ppm, "week_max_nano",
			 message_nano(state->week_max_nano), "rate_nano",
			 message_nano(state->rate_nano), "from_s", (json_int_t)debt->from_s,
			 "owner", debt->owner, "reason", debt->reason, "ended_s",
			 debt->ended_s == 0 ? json_null() : json_integer(debt->ended_s), "ended_by",
			 debt->ended_by);
}

static int list_row(const struct ledger_debt *debt, void *userdata)
{
	struct rows *rows = userdata;
	json_array_append_new(rows->array, debt_json(rows->station, debt));
	rows->last = debt->id;
	return 0;
}

int verb_debt_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct rows rows = {.station = station};
	int64_t after = verbs_cursor(call), account = 0;
	if (message_arg_string(call->args, "room") != NULL) {
		struct station_room *room = verbs_room(station, call);
		if (room == NULL)
			return 0;
		account = room->record.account_id;
	}
	if (after < 0)
		return -EINVAL;
	rows.array = json_array();
	int r = ledger_debts_each(station->ledger, account,
				  message_arg_bool(call->args, "all", false), after, PAGE_DEBTS,
				  list_row, &rows);
	if (r < 0) {
		json_decref(rows.array);
		return r;
	}
	verbs_page(call, rows.array, json_array_size(rows.array) < PAGE_DEBTS ? -1 : rows.last);
	return 0;
}

static int found_row(const struct ledger_debt *debt, void *userdata)
{
	*(struct ledger_debt *)userdata = *debt;
	return 0;
}

/* false: the call is answered, or *ret_error is the ledger's. */
static bool find_debt(struct station *station, struct control_call *call, struct ledger_debt *ret,
		      int *ret_error)
{
	int64_t id = message_arg_int64(call->args, "id", 0);
	*ret = (struct ledger_debt){0};
	*ret_error = id < 1 ? 0
			    : ledger_debts_each(station->ledger, 0, true, id - 1, 1, found_row,
						ret);
	if (*ret_error == 0 && (id < 1 || ret->id != id))
		control_fail(call, PROBLEM_NOT_FOUND, "there is no debt %" PRId64, id);
	return *ret_error == 0 && id >= 1 && ret->id == id;
}

int verb_debt_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_debt debt;
	int r;
	if (find_debt(station, call, &debt, &r))
		control_reply(call, debt_json(station, &debt), NULL);
	return r;
}

/* An amount argument: 1 it is there, 0 it is not, -EINVAL it is none. */
static int amount_arg(const struct station *station, const struct control_call *call,
		      const char *name, int64_t *ret_nano)
{
	const json_t *value = json_object_get(call->args, name);
	int unit;
	if (value == NULL)
		return 0;
	return message_parse_money(value, ret_nano, &unit) < 0 || *ret_nano <= 0 ||
			       unit != station->config->site.currency
		       ? -EINVAL
		       : 1;
}

/* What is wrong with the way that is asked for; NULL: nothing. */
static const char *read_way(const struct station *station, const struct control_call *call,
			    struct ledger_debt *debt)
{
	const char *way = message_arg_string(call->args, "way");
	int64_t parts = message_arg_int64(call->args, "instalments", 0);
	bool has_share = json_object_get(call->args, "share_ppm") != NULL;
	int max = amount_arg(station, call, "week_max", &debt->debt.week_max_nano);
	int rate = amount_arg(station, call, "rate", &debt->debt.rate_nano);
	debt->debt.share_ppm = message_arg_int64(call->args, "share_ppm", 0);
	for (debt->debt.way = DEBT_BY_SHARE; debt->debt.way < DEBT_WAY_END; debt->debt.way++)
		if (strcmp(way, debt_way_name(debt->debt.way)) == 0)
			break;
	if (debt->debt.way == DEBT_WAY_END)
		return "way is share, daily, weekly, monthly, instalments or at-once";
	if (max < 0 || rate < 0)
		return "week_max and rate are amounts above zero";
	bool by_share = debt->debt.way == DEBT_BY_SHARE;
	bool by_parts = debt->debt.way == DEBT_INSTALMENTS;
	if (has_share != by_share || (max > 0 && !by_share))
		return "share_ppm goes with way share, and week_max with that alone";
	if (by_share && (debt->debt.share_ppm < 1 || debt->debt.share_ppm > DEBT_SHARE_MAX_PPM))
		return "share_ppm is 1 to 1000000";
	if ((rate > 0) != (debt_is_dated(debt->debt.way) && !by_parts))
		return "rate goes with way daily, weekly or monthly";
	if ((parts != 0) != by_parts || parts < 0 || parts > INSTALMENTS_MAX)
		return "instalments, 2 to 120, goes with way instalments";
	if (by_parts && (parts < 2 || debt->total_nano / parts == 0))
		return "instalments, 2 to 120, goes with way instalments";
	if (by_parts)
		debt->debt.rate_nano = debt->total_nano / parts;
	return NULL;
}

static int begin(struct station *station, struct control_call *call, struct station_change *change,
		 struct station_room *room)
{
	change->who = call->peer.user;
	change->why = message_arg_string(call->args, "reason");
	change->dry_run = message_arg_bool(call->args, "dry_run", false);
	return station_change_begin(station, change, room, NULL);
}

static int finish(struct station *station, struct control_call *call, struct station_change *change,
		  const struct ledger_debt *debt, int error)
{
	int r = station_change_end(station, change, error);
	if (r < 0)
		return r;
	const char *room = room_name(station, debt->account_id);
	if (!change->dry_run)
		journal_log(LOG_NOTICE, MESSAGE_ID_ACCOUNT_CHANGED, JOURNAL_FIELDS({"ROOM", room}),
			    "room %s: %s by %s: %s: %s", room, call->verb, change->who, debt->name,
			    change->why);
	json_t *data = debt_json(station, debt);
	json_object_set_new(data, "dry_run", json_boolean(change->dry_run));
	control_reply(call, data, NULL);
	return 0;
}

int verb_debt_add(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const char *name = message_arg_string(call->args, "name");
	struct station_change change = {0};
	struct ledger_debt debt = {0};
	if (room == NULL)
		return 0;
	const char *wrong = NULL;
	if (amount_arg(station, call, "amount", &debt.total_nano) != 1)
		wrong = "amount is an amount above zero";
	else if (strlen(name) > LEDGER_ID_MAX || name[0] == '\0')
		wrong = "name has 1 to 64 bytes";
	else
		wrong = read_way(station, call, &debt);
	if (wrong != NULL) {
		control_fail(call, PROBLEM_USAGE, "%s", wrong);
		return 0;
	}
	if (!station->now.trusted) {
		control_fail(call, PROBLEM_DEGRADED,
			     "the time is not known for sure: a debt cannot begin now");
		return 0;
	}
	if (room->record.vacant) {
		control_fail(call, PROBLEM_CONFLICT, "room %s has no tenancy", room->record.name);
		return 0;
	}
	snprintf(debt.name, sizeof(debt.name), "%s", name);
	snprintf(debt.owner, sizeof(debt.owner), "%s", call->peer.user);
	snprintf(debt.reason, sizeof(debt.reason), "%s", message_arg_string(call->args, "reason"));
	int r = begin(station, call, &change, room);
	if (r < 0)
		return r;
	r = finish(station, call, &change, &debt, station_debt_add(station, room, &debt));
	if (r == -E2BIG)
		control_fail(call, PROBLEM_REFUSED, "room %s has %d debts already",
			     room->record.name, STATION_DEBTS_MAX);
	else if (r == -EDQUOT)
		control_fail(call, PROBLEM_REFUSED,
			     "room %s would owe more than one room may ([policy] debt_max_minor)",
			     room->record.name);
	return r == -E2BIG || r == -EDQUOT ? 0 : r;
}

/* What is left of it is owed no more. The balance is untouched: it never was in there. */
static int forgive(struct station *station, const struct station_change *change,
		   struct ledger_debt *debt)
{
	debt->debt.left_nano = 0;
	debt->debt.due_nano = 0;
	int r = ledger_debt_set(station->ledger, debt);
	if (r == 0)
		r = ledger_debt_end(station->ledger, debt->id, change->who, station->now.s);
	debt->ended_s = station->now.s;
	snprintf(debt->ended_by, sizeof(debt->ended_by), "%s", change->who);
	return r;
}

int verb_debt_forgive(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_change change = {0};
	struct station_room *room = NULL;
	struct ledger_debt debt;
	int r;
	if (!find_debt(station, call, &debt, &r))
		return r;
	room = station_room_find(station, room_name(station, debt.account_id));
	if (debt.ended_s != 0 || room == NULL) {
		control_fail(call, PROBLEM_CONFLICT, "debt %" PRId64 " has ended", debt.id);
		return 0;
	}
	r = begin(station, call, &change, room);
	return r < 0 ? r : finish(station, call, &change, &debt, forgive(station, &change, &debt));
}
