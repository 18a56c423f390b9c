/* verbs_link.c - the messenger's verbs, and what the link looks like to people. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_event.h"
#include "concentrator/platform/text.h"
#include "concentrator/station_epoch.h"
#include "concentrator/station_event.h"
#include "concentrator/station_order.h"
#include "concentrator/station_state.h"

#define FETCH_WAIT_MAX_MS 600000
#define FETCH_BYTES_MAX   (48 * 1024) /* of bodies in one answer: a line has 64 KiB */

json_t *verbs_uplink(const struct station *station)
{
	const struct station_link *link = &station->link;
	char cursor[256] = "";
	struct ledger_outbox outbox = {0};
	if (!station->store_failing) {
		if (ledger_cursor_get(station->ledger, "feed", cursor, sizeof(cursor)) < 0)
			cursor[0] = '\0';
		if (ledger_outbox_get(station->ledger, &outbox) < 0)
			outbox = (struct ledger_outbox){0};
	}
	return json_pack("{s:b,s:s,s:o,s:I,s:I,s:s,s:s,s:[I,I,I,I],s:I,s:I,s:I}", "configured",
			 station->config->cloud.url[0] != '\0', "state", link->state, "last_good_s",
			 link->last_good_s == 0 ? json_null() : json_integer(link->last_good_s),
			 "rtt_ms", (json_int_t)link->rtt_ms, "http", (json_int_t)link->http,
			 "detail", link->detail, "feed_cursor", cursor, "waiting",
			 (json_int_t)outbox.waiting[0], (json_int_t)outbox.waiting[1],
			 (json_int_t)outbox.waiting[2], (json_int_t)outbox.waiting[3], "refused",
			 (json_int_t)outbox.refused, "bytes_up", (json_int_t)link->bytes_up,
			 "bytes_down", (json_int_t)link->bytes_down);
}

int verb_uplink_status(void *userdata, struct control_call *call)
{
	control_reply(call, verbs_uplink(verbs_station(userdata)), NULL);
	return 0;
}

int verb_order_deliver(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	json_t *results;
	if (!verbs_rows_fit(call, "items"))
		return 0;
	int r = station->store_failing
			? -EIO
			: station_deliver(station, json_object_get(call->args, "items"),
					  message_arg_string(call->args, "cursor"), &results);
	if (r < 0)
		return r;
	control_reply(call, json_pack("{s:o}", "results", results), NULL);
	return 0;
}

struct page {
	json_t *rows;
	size_t bytes;
};

static int event_row(const struct ledger_event *event, void *userdata)
{
	struct page *page = userdata;
	size_t bytes = strlen(event->body) + 128;
	if (page->bytes + bytes > FETCH_BYTES_MAX && json_array_size(page->rows) > 0)
		return 1;
	page->bytes += bytes;
	json_t *body = json_loads(event->body, 0, NULL);
	json_array_append_new(page->rows,
			      json_pack("{s:I,s:i,s:s,s:I,s:b,s:o}", "seq", (json_int_t)event->seq,
					"lane", event->lane, "type", event->type, "at_s",
					(json_int_t)event->at_s, "trusted", event->trusted, "body",
					body == NULL ? json_null() : body));
	return 0;
}

/* Answers with what there is behind `after`; false: nothing. */
static bool answer_fetch(struct station *station, struct control_call *call, int64_t after,
			 int32_t lane, int32_t limit, bool even_empty)
{
	struct page page = {.rows = json_array()};
	struct ledger_meta meta;
	int r = station->store_failing
			? -EIO
			: ledger_events_each(station->ledger, after, lane, limit, event_row, &page);
	if (r < 0) {
		json_decref(page.rows);
		control_fail(call, PROBLEM_DEGRADED, "the ledger cannot be read now");
		return true;
	}
	if (json_array_size(page.rows) == 0 && !even_empty) {
		json_decref(page.rows);
		return false;
	}
	ledger_meta_get(station->ledger, &meta);
	control_reply(call,
		      json_pack("{s:I,s:o}", "epoch", (json_int_t)meta.epoch, "rows", page.rows),
		      NULL);
	return true;
}

int verb_outbox_fetch(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t after = message_arg_int64(call->args, "after", 0);
	int64_t limit = message_arg_int64(call->args, "limit", 1);
	int64_t wait_ms = message_arg_int64(call->args, "wait_ms", 0);
	int64_t lane = message_arg_int64(call->args, "lane", -1);
	if (limit < 1 || limit > MESSAGE_ROWS_MAX || wait_ms > FETCH_WAIT_MAX_MS ||
	    lane >= LEDGER_LANES) {
		control_fail(call, PROBLEM_USAGE,
			     "limit is 1 to %d, wait_ms at most %d, lane below %d",
			     MESSAGE_ROWS_MAX, FETCH_WAIT_MAX_MS, LEDGER_LANES);
		return 0;
	}
	if (answer_fetch(station, call, after, (int32_t)lane, (int32_t)limit, wait_ms == 0))
		return 0;
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_fetch *fetch = &station->fetches[i];
		if (fetch->call != NULL)
			continue;
		*fetch = (struct station_fetch){.call = call,
						.after = after,
						.until_us = station->now.us + wait_ms * 1000,
						.lane = (int32_t)lane,
						.limit = (int32_t)limit};
		return 0;
	}
	control_fail(call, PROBLEM_REFUSED, "too many calls wait for events");
	return 0;
}

void station_outbox_serve(struct station *station)
{
	struct ledger_outbox outbox;
	bool known = false;
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_fetch *fetch = &station->fetches[i];
		if (fetch->call == NULL)
			continue;
		if (!known && !station->store_failing &&
		    ledger_outbox_get(station->ledger, &outbox) < 0)
			return;
		known = true;
		bool over = station->now.us >= fetch->until_us || !control_alive(fetch->call) ||
			    station->store_failing;
		if (!over && outbox.last <= fetch->after)
			continue;
		if (answer_fetch(station, fetch->call, fetch->after, fetch->lane, fetch->limit,
				 over))
			fetch->call = NULL;
	}
}

int verb_outbox_acknowledge(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const json_t *refused = json_object_get(call->args, "refused");
	int64_t epoch = message_arg_int64(call->args, "epoch", 0);
	int64_t through = message_arg_int64(call->args, "through", 0);
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;

	size_t index;
	const json_t *row;
	json_array_foreach(refused, index, row)
	{
		int64_t seq = message_arg_int64(row, "seq", 0);
		int64_t status = message_arg_int64(row, "status", 0);
		const char *detail = message_arg_string(row, "detail");
		char text[LEDGER_TEXT_MAX + 1];
		text_cut(text, sizeof(text), detail == NULL ? "" : detail);
		r = ledger_outbox_refuse(station->ledger, seq, status, text, station->now.s);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			break;
		char subject[ALARM_SUBJECT_MAX + 1];
		snprintf(subject, sizeof(subject), "event %" PRId64, seq);
		station_alarm(station, ALARM_OUTBOX_REFUSED, subject,
			      "the cloud refused it (%" PRId64 " %s); kept", status, text);
	}
	if (r == 0 || r == -EEXIST)
		r = ledger_outbox_acknowledge(station->ledger, epoch, through);
	if (r < 0) {
		station_rollback(station);
		if (r == -ESTALE || r == -ERANGE || r == -ENOENT) {
			control_fail(call, PROBLEM_CONFLICT, "no such event in this epoch");
			return 0;
		}
		return r;
	}
	r = station_commit(station);
	if (r == 0)
		control_reply(call, NULL, NULL);
	return r;
}

int verb_link_report(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_link *link = &station->link;
	const char *state = message_arg_string(call->args, "state");
	const char *detail = message_arg_string(call->args, "detail");
	if (strcmp(state, "connecting") != 0 && strcmp(state, "online") != 0 &&
	    strcmp(state, "away") != 0 && strcmp(state, "off") != 0) {
		control_fail(call, PROBLEM_USAGE, "state is off, connecting, online or away");
		return 0;
	}
	snprintf(link->state, sizeof(link->state), "%s", state);
	snprintf(link->detail, sizeof(link->detail), "%s", detail == NULL ? "" : detail);
	link->http = message_arg_int64(call->args, "http", 0);
	link->rtt_ms = message_arg_int64(call->args, "rtt_ms", 0);
	link->bytes_up = message_arg_int64(call->args, "bytes_up", 0);
	link->bytes_down = message_arg_int64(call->args, "bytes_down", 0);
	link->reported_us = station->now.us;
	if (strcmp(state, "online") == 0) {
		link->last_good_s = station->now.s;
		link->last_good_us = station->now.us;
	}
	control_reply(call, NULL, NULL);
	return 0;
}

int verb_link_known(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t epoch = message_arg_int64(call->args, "epoch", 0);
	int64_t through = message_arg_int64(call->args, "through", 0);
	if (epoch < 1 || epoch >= INT32_MAX) {
		control_fail(call, PROBLEM_USAGE, "there is no such epoch");
		return 0;
	}
	int r = station_epoch_known(station, epoch, through);
	if (r >= 0)
		control_reply(call, json_pack("{s:b}", "again", r == 1), NULL);
	return r < 0 ? r : 0;
}

int verb_link_hello(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	char cursor[256];
	struct ledger_meta meta;
	struct ledger_outbox outbox;
	int r = station->store_failing ? -EIO : ledger_outbox_get(station->ledger, &outbox);
	if (r < 0)
		return r;
	r = ledger_cursor_get(station->ledger, "feed", cursor, sizeof(cursor));
	if (r == -ENODATA)
		snprintf(cursor, sizeof(cursor), "0");
	else if (r < 0)
		return r;
	ledger_meta_get(station->ledger, &meta);
	control_reply(call,
		      json_pack("{s:s,s:I,s:s,s:I,s:s,s:{s:I,s:b}}", "site",
				station->config->site.id, "epoch", (json_int_t)meta.epoch,
				"feed_cursor", cursor, "outbox_cursor", (json_int_t)outbox.through,
				"boot", station->settings.boot, "clock", "now_s",
				(json_int_t)station->now.s, "trusted", station->now.trusted),
		      NULL);
	return 0;
}
