/* outbox_lane.c - see outbox_lane.h */
#include "uplink/outbox_lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"
#include "uplink/accepted.h"
#include "uplink/body.h"

#define FETCH_HOLD_MS  INT64_C(25000) /* prepayd holds the request while it has nothing */
#define FETCH_US       INT64_C(60000000)
#define ACKNOWLEDGE_US INT64_C(30000000)
#define POST_US        INT64_C(60000000)
#define PACE_US        INT64_C(1000000)

static void send_next(struct outbox_lane *outbox);
static void fetch(struct outbox_lane *outbox);

void outbox_lane_init(struct outbox_lane *outbox, struct lane *lane, struct hub *hub,
		      void (*resync)(void *user, const char *why), void *user)
{
	*outbox = (struct outbox_lane){
		.lane = lane,
		.hub = hub,
		.resync = resync,
		.user = user,
		.most = BATCH_ROWS_MAX,
	};
}

static void release_page(struct outbox_lane *outbox)
{
	for (size_t i = 0; i < outbox->batch.rows_n; i++)
		json_decref(outbox->batch.rows[i].content);
	batch_clear(&outbox->batch);
}

void outbox_lane_start(struct outbox_lane *outbox, int64_t epoch, int64_t after)
{
	outbox->epoch = epoch;
	outbox->after = after;
	fetch(outbox);
}

void outbox_lane_stop(struct outbox_lane *outbox)
{
	lane_stop(outbox->lane);
	release_page(outbox);
	outbox->asking = false;
}

void outbox_lane_again(void *user)
{
	struct outbox_lane *outbox = user;

	if (outbox->asking || outbox->lane->request != NULL)
		return;
	if (outbox->batch.rows_n > 0)
		send_next(outbox);
	else
		fetch(outbox);
}

/* --- acknowledge --- */

static json_t *refused_rows(const struct batch *batch)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < batch->rows_n; i++) {
		const struct batch_row *row = &batch->rows[i];

		if (row->state != ROW_REFUSED)
			continue;
		journal_log(
			LOG_ERR, MESSAGE_ID_UPLINK_REFUSED, NULL,
			"event %lld: the cloud refuses it (%ld, %s); set aside, the others go on",
			(long long)row->seq, row->status, row->detail);
		if (json_array_append_new(rows,
					  json_pack("{s:I, s:i, s:s}", "seq", (json_int_t)row->seq,
						    "status", (int)row->status, "detail",
						    row->detail)) < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static void acknowledged(void *user, const struct hub_answer *answer)
{
	struct outbox_lane *outbox = user;

	if (!outbox->asking)
		return;
	outbox->asking = false;
	if (answer->error < 0) {
		if (answer->error == -EREMOTEIO)
			outbox->resync(outbox->user, answer->detail);
		return;
	}
	outbox->after = batch_through(&outbox->batch);
	release_page(outbox);
	fetch(outbox);
}

static void acknowledge(struct outbox_lane *outbox)
{
	json_t *refused = refused_rows(&outbox->batch), *args = NULL;

	if (refused != NULL && json_array_size(refused) > 0)
		args = json_pack("{s:I, s:I, s:O}", "epoch", (json_int_t)outbox->epoch, "through",
				 (json_int_t)batch_through(&outbox->batch), "refused", refused);
	else if (refused != NULL)
		args = json_pack("{s:I, s:I}", "epoch", (json_int_t)outbox->epoch, "through",
				 (json_int_t)batch_through(&outbox->batch));
	json_decref(refused);
	outbox->asking = true;
	if (args == NULL || hub_ask(outbox->hub, "outbox.acknowledge", args, ACKNOWLEDGE_US,
				    acknowledged, outbox) < 0) {
		outbox->asking = false;
		outbox->resync(outbox->user, "events cannot be acknowledged to prepayd");
	}
}

/* --- send --- */

static struct uplink_outcome failure(bool transport, const char *why)
{
	return (struct uplink_outcome){
		.action = ACTION_RETRY,
		.transport = transport,
		.why = why,
	};
}

/* The answer came whole: row by row. */
static void take(struct outbox_lane *outbox, const struct answer *answer)
{
	struct uplink_outcome outcome;

	if (accepted_parse(answer->body, answer->len, &outbox->batch) < 0) {
		outcome = failure(true, "the answer is not of the contract");
		lane_failed(outbox->lane, &outcome, answer);
	} else if (!batch_settle(&outbox->batch)) {
		outcome = failure(false, "the cloud did not take every event");
		lane_failed(outbox->lane, &outcome, answer);
	} else {
		if (outbox->most < BATCH_ROWS_MAX)
			outbox->most++;
		lane_good(outbox->lane);
		send_next(outbox);
	}
}

static void answered(void *user, const struct answer *answer)
{
	struct outbox_lane *outbox = user;
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(&outbox->batch, rows);
	long status = answer->ending.status;
	struct uplink_outcome outcome = lane_ended(outbox->lane, outbox->path, answer);

	switch (outcome.action) {
	case ACTION_TAKE:
		take(outbox, answer);
		return;
	case ACTION_SPLIT:
		if (status == 415 && outbox->gzipped)
			outbox->plain = true;
		else
			batch_split(&outbox->batch, status, outcome.why);
		send_next(outbox);
		return;
	case ACTION_SHRINK:
		outbox->most = n > 1 ? n / 2 : 1;
		batch_split(&outbox->batch, status, outcome.why);
		send_next(outbox);
		return;
	case ACTION_SUSPECT:
		batch_suspect(&outbox->batch, status, outcome.why);
		break;
	case ACTION_RETRY:
	case ACTION_SLOW:
	case ACTION_REPLAY:
		break;
	}
	lane_failed(outbox->lane, &outcome, answer);
}

static void send_next(struct outbox_lane *outbox)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(&outbox->batch, rows);
	struct body body;

	if (n == 0) {
		acknowledge(outbox);
		return;
	}
	int r = body_build(rows, n, outbox->epoch, !outbox->plain, &body);
	if (r == 0) {
		outbox->gzipped = body.gzip;
		outbox->path = rows[0]->path;
		r = lane_ask(outbox->lane, outbox->path == PATH_RECEIPTS ? "/receipts" : "/events",
			     body.bytes, body.len, body.gzip, POST_US, answered);
	}
	if (r < 0) {
		struct uplink_outcome outcome = failure(false, "the request cannot be made");
		lane_failed(outbox->lane, &outcome, NULL);
	}
}

/* --- fetch --- */

static int add_row(struct outbox_lane *outbox, const json_t *row)
{
	const char *type = json_string_value(json_object_get(row, "type"));
	const json_t *seq = json_object_get(row, "seq"), *at = json_object_get(row, "at_s");
	json_t *body = json_object_get(row, "body");

	if (type == NULL || !json_is_integer(seq) || !json_is_integer(at) || body == NULL)
		return -EPROTO;
	json_t *event = json_pack("{s:I, s:s, s:I, s:b, s:O}", "seq", json_integer_value(seq),
				  "type", type, "at", json_integer_value(at), "trusted",
				  json_is_true(json_object_get(row, "trusted")), "body", body);
	if (event == NULL)
		return -ENOMEM;
	int r = batch_add(&outbox->batch,
			  strcmp(type, "receipt") == 0 ? PATH_RECEIPTS : PATH_EVENTS,
			  (int64_t)json_integer_value(seq), event);
	if (r < 0)
		json_decref(event);
	return r;
}

static int read_page(struct outbox_lane *outbox, const json_t *data)
{
	const json_t *rows = json_object_get(data, "rows"), *epoch = json_object_get(data, "epoch");

	if (!json_is_array(rows) || !json_is_integer(epoch))
		return -EPROTO;
	outbox->epoch = (int64_t)json_integer_value(epoch);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		int r = add_row(outbox, json_array_get(rows, i));
		if (r < 0)
			return r == -ENOSPC ? 0 : r; /* what is too much comes with the next page */
	}
	return 0;
}

static void fetched(void *user, const struct hub_answer *answer)
{
	struct outbox_lane *outbox = user;

	if (!outbox->asking)
		return;
	outbox->asking = false;
	if (answer->error < 0) {
		if (answer->error == -EREMOTEIO)
			outbox->resync(outbox->user, answer->detail);
		return;
	}
	if (read_page(outbox, answer->data) < 0) {
		outbox->resync(outbox->user, "prepayd's page of events is not of the protocol");
		return;
	}
	if (outbox->batch.rows_n > 0) {
		batch_start(&outbox->batch, outbox->most);
		send_next(outbox);
	} else if (clock_boottime_us() - outbox->asked_us < PACE_US) {
		lane_wait(outbox->lane, PACE_US);
	} else {
		fetch(outbox);
	}
}

static void fetch(struct outbox_lane *outbox)
{
	json_t *args = json_pack("{s:I, s:i, s:I}", "after", (json_int_t)outbox->after, "limit",
				 BATCH_ROWS_MAX, "wait_ms", (json_int_t)FETCH_HOLD_MS);

	outbox->asking = true;
	outbox->asked_us = clock_boottime_us();
	if (args == NULL ||
	    hub_ask(outbox->hub, "outbox.fetch", args, FETCH_US, fetched, outbox) < 0) {
		outbox->asking = false;
		outbox->resync(outbox->user, "prepayd cannot be asked for events");
	}
}
