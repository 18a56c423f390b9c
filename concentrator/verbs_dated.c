/* verbs_dated.c - dated events that are due, and people who decide about missed days (M9). */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_state.h"

#define PAGE_ROWS 128
#define DAYS_MAX  366 /* more missed days than these are a wrong clock */
#define DATE_SIZE 48
#define TOO_MANY  INT64_MAX

/* What is due for a room, of one rule. */
struct due {
	enum dated_rule rule;
	int64_t first_day;
	int64_t last_day;
	int64_t days;
	int64_t amount_nano;
	bool held;
};

static const char *date_text(int64_t day, char buf[static DATE_SIZE])
{
	struct civil date = calendar_date(day);
	snprintf(buf, DATE_SIZE, "%04d-%02d-%02d", (int)date.year, (int)date.month, (int)date.day);
	return buf;
}

/* false: nothing is due. days is TOO_MANY where nobody can mean it; the amount is of the first then. */
static bool find_due(const struct station *station, const struct station_room *room,
		     struct due *ret)
{
	struct station_room walk = *room;
	struct dated_event event;
	if (!station_dated_next(station, &walk, &event))
		return false;
	*ret = (struct due){.rule = event.rule,
			    .first_day = event.day,
			    .held = station_dated_held(station, &event)};
	do {
		ret->last_day = event.day;
		if (ret->days == DAYS_MAX) {
			ret->last_day = dated_last_due(&event, &station->settings.zone,
						       &station->now);
			ret->days = TOO_MANY;
			break;
		}
		ret->days++;
		if (money_add(ret->amount_nano, event.amount_nano, &ret->amount_nano) < 0)
			ret->amount_nano = INT64_MAX;
		dated_done(&walk.dated, &event);
	} while (station_dated_next(station, &walk, &event));
	return true;
}

static json_t *due_row(const struct station *station, const struct station_room *room,
		       const struct due *due)
{
	char first[DATE_SIZE], last[DATE_SIZE];
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:b}", "room", room->record.name, "rule",
			 dated_rule_name(due->rule), "first", date_text(due->first_day, first),
			 "last", date_text(due->last_day, last), "days",
			 due->days == TOO_MANY ? json_null() : json_integer(due->days), "amount",
			 station_money(station, due->amount_nano), "amount_nano",
			 message_nano(due->amount_nano), "held", due->held);
}

int verb_dated_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t next = verbs_cursor(call);
	if (next < 0)
		return -EINVAL;
	json_t *rows = json_array();
	size_t i = (size_t)next;
	for (; i < station->room_count && json_array_size(rows) < PAGE_ROWS; i++) {
		struct due due;
		if (find_due(station, station->rooms[i], &due))
			json_array_append_new(rows, due_row(station, station->rooms[i], &due));
	}
	verbs_page(call, rows, i < station->room_count ? (int64_t)i : -1);
	return 0;
}

/* true: the call is answered. */
static bool refused(const struct station *station, struct control_call *call, bool waive)
{
	bool any = false;
	if (!station->now.trusted) {
		control_fail(call, PROBLEM_DEGRADED,
			     "the time is not known for sure: no day is known to have passed");
		return true;
	}
	for (size_t i = 0; i < station->room_count; i++) {
		struct due due;
		if (!find_due(station, station->rooms[i], &due))
			continue;
		any = true;
		if (!waive && due.days == TOO_MANY) {
			control_fail(call, PROBLEM_REFUSED,
				     "room %s misses more than %d days: is the clock right? Waive "
				     "them if it is",
				     station->rooms[i]->record.name, DAYS_MAX);
			return true;
		}
	}
	if (!any)
		control_fail(call, PROBLEM_CONFLICT, "nothing is due");
	return !any;
}

static int decide(void *userdata, struct control_call *call, bool waive)
{
	struct station *station = verbs_station(userdata);
	int64_t days;
	if (refused(station, call, waive))
		return 0;
	int r = station_dated_decide(station, call->peer.user, waive, &days);
	if (r == -ERANGE) {
		control_fail(call, PROBLEM_REFUSED, "a charge does not fit its balance");
		return 0;
	}
	if (r < 0)
		return r;
	station_alarm_clear(station, ALARM_DATED_HELD, "building");
	journal_log(LOG_NOTICE, MESSAGE_ID_ACCOUNT_CHANGED, NULL, "%lld missed days %s by %s",
		    (long long)days, waive ? "waived" : "charged", call->peer.user);
	for (size_t i = 0; i < station->room_count; i++)
		station_review(station, station->rooms[i]);
	control_reply(call, json_pack("{s:I}", "days", (json_int_t)days), NULL);
	return 0;
}

int verb_dated_confirm(void *userdata, struct control_call *call)
{
	return decide(userdata, call, false);
}

int verb_dated_waive(void *userdata, struct control_call *call)
{
	return decide(userdata, call, true);
}
