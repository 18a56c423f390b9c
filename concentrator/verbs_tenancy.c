/* verbs_tenancy.c - tenancies, adjustments and write-offs by people, each with a dry run. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_state.h"
#include "concentrator/station_tenancy.h"

/* The cloud owns tenancies where there is one. */
static bool ours(const struct station *station, struct control_call *call)
{
	if (station->config->cloud.url[0] == '\0')
		return true;
	control_fail(call, PROBLEM_REFUSED,
		     "tenancies are the cloud's here ([cloud] url); change them there");
	return false;
}

/* 0; or -errno of the ledger. */
static int begin(struct station *station, struct control_call *call, struct station_change *change,
		 struct station_room *room, struct station_room *other)
{
	change->who = call->peer.user;
	change->why = message_arg_string(call->args, "reason");
	change->dry_run = message_arg_bool(call->args, "dry_run", false);
	return station_change_begin(station, change, room, other);
}

/* What may stand in the way of a change, for a person; true: the call is answered. */
static bool told(struct control_call *call, int error, const struct station_room *room,
		 const struct station_room *other)
{
	const char *name = room->record.name;
	const char *there = other == NULL ? name : other->record.name;
	if (error == -ENOENT)
		control_fail(call, PROBLEM_CONFLICT, "room %s has no tenancy", name);
	else if (error == -EEXIST)
		control_fail(call, PROBLEM_CONFLICT, "room %s has a tenancy already", there);
	else if (error == -EAGAIN)
		control_fail(call, PROBLEM_CONFLICT,
			     "a tenancy of room %s began in this very second: again in the next",
			     there);
	else if (error == -ESTALE)
		control_fail(
			call, PROBLEM_REFUSED,
			"a meter was not read lately, or its register is in quarantine: read it "
			"first, or say that the last good reading counts");
	else if (error == -ENOTEMPTY && other != NULL)
		control_fail(call, PROBLEM_CONFLICT,
			     "room %s has money of its own: a move-in and a move-out carry it out",
			     there);
	else if (error == -ENOTEMPTY)
		control_fail(call, PROBLEM_CONFLICT, "room %s has no debt", name);
	else if (error == -EBUSY)
		control_fail(call, PROBLEM_CONFLICT,
			     "charges of missed days wait for a person: `prepay dated list`");
	else if (error == -ERANGE)
		control_fail(call, PROBLEM_REFUSED, "the balance of room %s would not fit", name);
	else
		return false;
	return true;
}

static json_t *room_json(const struct station *station, const struct station_room *room,
			 int64_t balance_nano)
{
	return json_pack("{s:s,s:o,s:o,s:o}", "room", room->record.name, "tenancy",
			 room->record.tenancy[0] == '\0' ? json_null()
							 : json_string(room->record.tenancy),
			 "balance", station_money(station, balance_nano), "balance_nano",
			 message_nano(balance_nano));
}

/* Ends the change and answers with the rooms as they are after it. amount_nano: what moved. */
static int finish(struct station *station, struct control_call *call, struct station_change *change,
		  const struct station_closing *closing, int error)
{
	json_t *rows = json_array();
	struct station_room *room = change->rooms[0].room;
	struct station_room *other = change->room_count > 1 ? change->rooms[1].room : NULL;
	for (size_t n = 0; error == 0 && n < change->room_count; n++) {
		int64_t balance;
		struct station_room *one = change->rooms[n].room;
		error = ledger_balance_nano(station->ledger, one->record.account_id, &balance);
		if (error == 0)
			json_array_append_new(rows, room_json(station, one, balance));
	}
	int r = station_change_end(station, change, error);
	if (r < 0) {
		json_decref(rows);
		return told(call, r, room, other) ? 0 : r;
	}
	for (size_t n = 0; !change->dry_run && n < change->room_count; n++) {
		struct station_room *one = change->rooms[n].room;
		char balance[48];
		station_balance(station, one);
		station_amount(station, one->settled_nano, balance);
		journal_log(LOG_NOTICE, MESSAGE_ID_ACCOUNT_CHANGED,
			    JOURNAL_FIELDS({"ROOM", one->record.name}),
			    "room %s: %s by %s: balance %s: %s", one->record.name, call->verb,
			    change->who, balance, change->why);
		station_review(station, one);
	}
	control_reply(call,
		      json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "amount",
				station_money(station, closing->paid_nano), "amount_nano",
				message_nano(closing->paid_nano), "rounded_nano",
				message_nano(closing->rounded_nano), "forfeited_nano",
				message_nano(closing->forfeited_nano), "debts_nano",
				message_nano(closing->debts_nano), "room",
				json_string(room->record.name), "dry_run", change->dry_run, "rooms",
				rows),
		      NULL);
	return 0;
}

int verb_tenancy_begin(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const char *tenancy = message_arg_string(call->args, "tenancy");
	struct station_change change = {0};
	struct station_closing closing;
	if (room == NULL || !ours(station, call))
		return 0;
	if (strlen(tenancy) > LEDGER_ID_MAX) {
		control_fail(call, PROBLEM_USAGE, "a tenancy has at most %d characters",
			     LEDGER_ID_MAX);
		return 0;
	}
	int r = begin(station, call, &change, room, NULL);
	if (r < 0)
		return r;
	r = station_move_in(station, &change, room, tenancy,
			    message_arg_bool(call->args, "last_reading", false), &closing);
	return finish(station, call, &change, &closing, r);
}

int verb_tenancy_end(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	struct station_change change = {0};
	struct station_closing closing;
	if (room == NULL || !ours(station, call))
		return 0;
	int r = begin(station, call, &change, room, NULL);
	if (r < 0)
		return r;
	r = station_move_out(station, &change, room,
			     message_arg_bool(call->args, "last_reading", false), &closing);
	return finish(station, call, &change, &closing, r);
}

int verb_tenancy_transfer(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const char *name = message_arg_string(call->args, "to");
	struct station_change change = {0};
	struct station_closing closing;
	if (room == NULL || !ours(station, call))
		return 0;
	struct station_room *to = station_room_find(station, name);
	if (to == NULL || to == room) {
		control_fail(call, to == NULL ? PROBLEM_NOT_FOUND : PROBLEM_USAGE,
			     to == NULL ? "there is no room %s" : "room %s is where the tenant is",
			     name);
		return 0;
	}
	int r = begin(station, call, &change, room, to);
	if (r < 0)
		return r;
	r = station_transfer(station, &change, room, to,
			     message_arg_bool(call->args, "last_reading", false), &closing);
	return finish(station, call, &change, &closing, r);
}

struct named {
	int64_t account_id;
};

static int named_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct named *named = userdata;
	(void)balance_nano;
	named->account_id = entry->account_id;
	return 0;
}

int verb_adjust(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	int64_t refers = message_arg_int64(call->args, "refers", 0), cap;
	struct station_change change = {0};
	struct station_closing closing = {0};
	struct named named = {0};
	int unit;
	if (room == NULL)
		return 0;
	if (message_parse_money(json_object_get(call->args, "amount"), &closing.paid_nano, &unit) <
		    0 ||
	    closing.paid_nano == 0 || unit != station->config->site.currency) {
		control_fail(call, PROBLEM_USAGE, "amount is not an amount of currency %d",
			     station->config->site.currency);
		return 0;
	}
	/* What one order may at the most, one person may. */
	int r = money_from_minor(station->config->policy.order_max_minor,
				 station->config->site.minor_digits, &cap);
	if (r < 0)
		return r;
	if (cap > 0 && (closing.paid_nano > cap || closing.paid_nano < -cap)) {
		char text[48];
		station_amount(station, cap, text);
		control_fail(call, PROBLEM_REFUSED,
			     "above the cap of one order, %s ([policy] order_max_minor)", text);
		return 0;
	}
	r = refers == 0 ? 0 : ledger_entry_find(station->ledger, refers, named_row, &named);
	if (r < 0 && r != -ENOENT)
		return r;
	if (refers != 0 && (r < 0 || named.account_id != room->record.account_id)) {
		control_fail(call, PROBLEM_NOT_FOUND, "room %s has no entry %lld",
			     room->record.name, (long long)refers);
		return 0;
	}
	r = begin(station, call, &change, room, NULL);
	if (r < 0)
		return r;
	r = station_adjust(station, &change, room, closing.paid_nano, refers);
	return finish(station, call, &change, &closing, r);
}

int verb_write_off(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	struct station_change change = {0};
	struct station_closing closing;
	if (room == NULL)
		return 0;
	int r = begin(station, call, &change, room, NULL);
	if (r < 0)
		return r;
	r = station_write_off(station, &change, room, &closing);
	return finish(station, call, &change, &closing, r);
}
