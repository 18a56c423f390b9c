/* verbs_emergency.c - the lines below zero: emergency credit and overdraft, for one room. */
#include "concentrator/verbs.h"

#include <errno.h>

#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_state.h"

static int begin(struct station *station, struct control_call *call, struct station_change *change,
		 struct station_room *room)
{
	change->who = call->peer.user;
	change->why = message_arg_string(call->args, "reason");
	change->dry_run = message_arg_bool(call->args, "dry_run", false);
	return station_change_begin(station, change, room, NULL);
}

/* Answers with the room's credits as they are after it. */
static int finish(struct station *station, struct control_call *call, struct station_change *change,
		  struct station_room *room, int error)
{
	json_t *data = json_pack("{s:s,s:o,s:o,s:o,s:o,s:b}", "room", room->record.name, "balance",
				 station_money(station, room->live_nano), "balance_nano",
				 message_nano(room->live_nano), "cutoff_nano",
				 message_nano(station_policy(station, room).cutoff_nano), "credits",
				 verbs_credits(station, room), "dry_run", change->dry_run);
	int r = station_change_end(station, change, error);
	if (r < 0) {
		json_decref(data);
		return r;
	}
	if (!change->dry_run) {
		journal_log(LOG_NOTICE, MESSAGE_ID_ACCOUNT_CHANGED,
			    JOURNAL_FIELDS({"ROOM", room->record.name}), "room %s: %s by %s: %s",
			    room->record.name, call->verb, change->who, change->why);
		station_review(station, room);
	}
	control_reply(call, data, NULL);
	return 0;
}

static void not_offered(const struct station *station, struct control_call *call,
			const struct station_room *room)
{
	const struct credit_terms terms = station_terms(station, room);
	char text[48];
	station_amount(station, terms.emergency_at_nano, text);
	if (terms.emergency_nano == 0)
		control_fail(call, PROBLEM_REFUSED,
			     "there is no emergency credit here ([policy] emergency)");
	else if (room->credit.emergency != EMERGENCY_NONE)
		control_fail(call, PROBLEM_REFUSED, "it was activated, and is not repaid yet");
	else
		control_fail(call, PROBLEM_REFUSED,
			     "it is offered to a tenant whose balance is %s or less", text);
}

int verb_credit_emergency(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	struct station_change change = {0};
	if (room == NULL)
		return 0;
	if (!station_emergency_offered(station, room)) {
		not_offered(station, call, room);
		return 0;
	}
	int r = begin(station, call, &change, room);
	if (r < 0)
		return r;
	return finish(station, call, &change, room, station_emergency_activate(station, room));
}

int verb_credit_overdraft(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	const json_t *limit = json_object_get(call->args, "limit");
	struct station_change change = {0};
	int64_t limit_nano = 0, cap;
	int unit;
	if (room == NULL)
		return 0;
	if (limit != NULL && (message_parse_money(limit, &limit_nano, &unit) < 0 ||
			      limit_nano < 0 || unit != station->config->site.currency)) {
		control_fail(call, PROBLEM_USAGE, "limit is 0 or an amount of currency %d",
			     station->config->site.currency);
		return 0;
	}
	int r = money_from_minor(station->config->policy.order_max_minor,
				 station->config->site.minor_digits, &cap);
	if (r < 0)
		return r;
	if (limit_nano > cap) {
		char text[48];
		station_amount(station, cap, text);
		control_fail(call, PROBLEM_REFUSED,
			     "above the cap of one order, %s ([policy] order_max_minor)", text);
		return 0;
	}
	r = begin(station, call, &change, room);
	if (r < 0)
		return r;
	return finish(station, call, &change, room,
		      station_overdraft_set(station, room, limit != NULL, limit_nano));
}
