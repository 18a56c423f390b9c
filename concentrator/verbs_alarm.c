/* verbs_alarm.c - what is wrong now, and that a person has seen it. */
#include "concentrator/verbs.h"

#include <errno.h>

#include "concentrator/station_event.h"
#include "concentrator/station_state.h"

#define PAGE_ALARMS 96

int verb_alarm_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	bool all = message_arg_bool(call->args, "all", false);
	int64_t after = verbs_cursor(call);
	json_t *rows = json_array();
	const struct alarm *alarm;
	while (after >= 0 && json_array_size(rows) < PAGE_ALARMS &&
	       (alarm = alarms_next(&station->alarms, after, all)) != NULL) {
		after = alarm->id;
		json_array_append_new(
			rows,
			json_pack("{s:I,s:s,s:s,s:s,s:I,s:o,s:o,s:s}", "id", (json_int_t)alarm->id,
				  "kind", alarm_kind_name(alarm->kind), "subject", alarm->subject,
				  "severity", alarm_severity_name(alarm_severity(alarm->kind)),
				  "since_s", (json_int_t)alarm->since_s, "cleared_s",
				  alarm->active ? json_null() : json_integer(alarm->cleared_s),
				  "acknowledged_by",
				  alarm->acknowledged_by[0] == '\0'
					  ? json_null()
					  : json_string(alarm->acknowledged_by),
				  "detail", alarm->detail));
	}
	verbs_page(call, rows, json_array_size(rows) < PAGE_ALARMS ? -1 : after);
	return 0;
}

/* What nothing else can end is over when a person has seen it. */
static void end_occurrence(struct station *station, int64_t id)
{
	const struct alarm *alarm = alarms_next(&station->alarms, id - 1, false);
	if (alarm != NULL && alarm->id == id && alarm_is_occurrence(alarm->kind))
		station_alarm_clear(station, alarm->kind, alarm->subject);
}

int verb_alarm_acknowledge(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t id = message_arg_int64(call->args, "id", 0);
	int r = alarms_acknowledge(&station->alarms, id, call->peer.user);
	if (r == -ENOENT)
		control_fail(call, PROBLEM_NOT_FOUND, "there is no alarm %lld", (long long)id);
	else if (r == -EEXIST)
		control_fail(call, PROBLEM_CONFLICT, "somebody has acknowledged alarm %lld already",
			     (long long)id);
	else {
		end_occurrence(station, id);
		control_reply(call, NULL, NULL);
	}
	return 0;
}
