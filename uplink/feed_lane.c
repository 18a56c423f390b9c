/* feed_lane.c - see feed_lane.h */
#include "uplink/feed_lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"
#include "concentrator/platform/message.h"

#define LIMIT_MOST     64
#define HOLD_LEAST_S   20 /* below that the polls cost more than they save */
#define MARGIN_LEAST_S 5  /* beyond the hold, until a poll counts as dead */
#define MARGIN_MOST_S  15
#define DEAD_POLLS     2
#define PACE_US        INT64_C(5000000) /* between polls that bring nothing and do not wait */
#define QUICK_US       INT64_C(1000000)
#define DELIVER_US     INT64_C(30000000)
#define DELIVER_ROOM   (MESSAGE_SIZE_MAX - 2048) /* bytes of items in one line to prepayd */
#define ITEM_FRAME     64                        /* an item's keys and punctuation */

static void poll_feed(struct feed_lane *feed);
static void deliver(struct feed_lane *feed);

void feed_lane_init(struct feed_lane *feed, struct lane *lane, struct hub *hub,
		    void (*resync)(void *user, const char *why), void *user)
{
	*feed = (struct feed_lane){
		.lane = lane,
		.hub = hub,
		.resync = resync,
		.user = user,
		.hold_s = lane->cloud->settings->hold_s,
		.limit = LIMIT_MOST,
	};
}

int feed_lane_start(struct feed_lane *feed, const char *cursor)
{
	if (strlen(cursor) > FEED_CURSOR_MAX)
		return -EINVAL;
	strcpy(feed->after, *cursor != '\0' ? cursor : "0");
	feed->prompt = true;
	feed->asked = false;
	poll_feed(feed);
	return 0;
}

void feed_lane_stop(struct feed_lane *feed)
{
	lane_stop(feed->lane);
	feed_release(&feed->feed);
	feed->delivering = false;
}

void feed_lane_again(void *user)
{
	struct feed_lane *feed = user;

	if (feed->feed.items != NULL)
		deliver(feed);
	else if (feed->lane->request == NULL)
		poll_feed(feed);
}

/* --- prepayd's side --- */

static void delivered(void *user, const struct hub_answer *answer);

static size_t item_size(json_t *item)
{
	const char *key;
	json_t *value;
	size_t size = ITEM_FRAME;

	/* The values hold no character that JSON would escape but '"' and '\': twice is the most. */
	json_object_foreach(item, key, value) size += 2 * json_string_length(value);
	return size;
}

/* Asks prepayd to take the next items, as many as a line holds. The cursor moves with the last. */
static void deliver(struct feed_lane *feed)
{
	json_t *items = json_array(), *args;
	size_t size = 0, n = 0, total = json_array_size(feed->feed.items);

	while (feed->next + n < total && n < feed->most) {
		json_t *item = json_array_get(feed->feed.items, feed->next + n);

		size += item_size(item);
		if (n > 0 && size > DELIVER_ROOM)
			break;
		if (json_array_append(items, item) < 0)
			break;
		n++;
	}
	feed->in_hand = n;
	args = json_pack("{s:s, s:o}", "cursor",
			 feed->next + n == total ? feed->feed.cursor : feed->after, "items", items);
	feed->delivering = true;
	if (args == NULL ||
	    hub_ask(feed->hub, "order.deliver", args, DELIVER_US, delivered, feed) < 0) {
		feed->delivering = false;
		feed->resync(feed->user, "items cannot be handed to prepayd");
	}
}

static void finish_delivery(struct feed_lane *feed)
{
	bool quick = clock_boottime_us() - feed->polled_us < QUICK_US;
	bool moved = strcmp(feed->after, feed->feed.cursor) != 0;
	bool waited = !feed->prompt;

	strcpy(feed->after, feed->feed.cursor);
	feed->prompt = false;
	feed_release(&feed->feed);
	/* A cloud that neither waits nor moves on would be asked without a pause. */
	if (!moved && quick && waited)
		lane_wait(feed->lane, PACE_US);
	else
		poll_feed(feed);
}

/* prepayd finds the request itself malformed: find the item, and leave it behind (U2). */
static void isolate(struct feed_lane *feed, const char *detail)
{
	if (feed->in_hand > 1) {
		feed->most = feed->in_hand / 2;
	} else if (feed->in_hand == 1) {
		const char *mrid = json_string_value(
			json_object_get(json_array_get(feed->feed.items, feed->next), "mRID"));
		journal_log(LOG_ERR, MESSAGE_ID_FEED_QUARANTINED, JOURNAL_FIELDS({"ORDER", mrid}),
			    "item %s of the feed: prepayd cannot take it in any form (%s); "
			    "passed over",
			    mrid, detail);
		(void)json_array_remove(feed->feed.items, feed->next);
	} else {
		feed->resync(feed->user, "prepayd does not accept the cursor");
		return;
	}
	deliver(feed);
}

static void delivered(void *user, const struct hub_answer *answer)
{
	struct feed_lane *feed = user;

	if (!feed->delivering) /* stopped meanwhile */
		return;
	feed->delivering = false;
	if (answer->error == -EREMOTEIO && answer->problem == PROBLEM_USAGE) {
		isolate(feed, answer->detail);
		return;
	}
	if (answer->error < 0) {
		if (answer->error == -EREMOTEIO)
			feed->resync(feed->user, answer->detail);
		return;
	}
	feed->next += feed->in_hand;
	if (feed->next < json_array_size(feed->feed.items))
		deliver(feed);
	else
		finish_delivery(feed);
}

/* --- the cloud's side --- */

static void count_dead(struct feed_lane *feed, const struct answer *answer,
		       const struct uplink_outcome *outcome)
{
	if (!outcome->transport || answer->any_byte || !answer->connected || feed->prompt) {
		feed->dead = 0;
		return;
	}
	if (++feed->dead < DEAD_POLLS)
		return;
	feed->dead = 0;
	if (feed->hold_s <= HOLD_LEAST_S)
		return;
	feed->hold_s = feed->hold_s / 2 > HOLD_LEAST_S ? feed->hold_s / 2 : HOLD_LEAST_S;
	journal_log(LOG_WARNING, NULL, NULL,
		    "feed: %d long polls in a row died without a byte; held for %lld s from now on",
		    DEAD_POLLS, (long long)feed->hold_s);
}

/* A ledger that is older than what the cloud has of it goes on in another epoch: all begins anew. */
static void known_answered(void *user, const struct hub_answer *answer)
{
	struct feed_lane *feed = user;

	if (answer->error == 0 && json_is_true(json_object_get(answer->data, "again")))
		feed->resync(feed->user,
			     "the ledger is an older one, and goes on in another epoch");
}

/* Once after each start: the ledger does not grow older while prepayd runs. */
static void tell_known(struct feed_lane *feed)
{
	if (feed->asked || feed->feed.known_epoch == 0)
		return;
	json_t *args = json_pack("{s:I, s:I}", "epoch", (json_int_t)feed->feed.known_epoch,
				 "through", (json_int_t)feed->feed.known_through);
	feed->asked = args != NULL &&
		      hub_ask(feed->hub, "link.known", args, DELIVER_US, known_answered, feed) == 0;
}

static void take(struct feed_lane *feed, const struct answer *answer)
{
	int r = feed_parse(answer->body, answer->len, &feed->feed);

	if (r < 0) {
		lane_failed(feed->lane,
			    &(struct uplink_outcome){
				    .action = ACTION_RETRY,
				    .transport = true,
				    .why = r == -EBADMSG ? "the answer is not of the contract"
							 : "out of memory",
			    },
			    answer);
		return;
	}
	if (feed->feed.passed_over > 0)
		journal_log(LOG_ERR, MESSAGE_ID_FEED_QUARANTINED, NULL,
			    "feed: %zu elements without a usable type and mRID; passed over",
			    feed->feed.passed_over);
	feed->dead = 0;
	if (feed->limit < LIMIT_MOST)
		feed->limit++;
	feed->server_s = feed->feed.wait_s;
	feed->next = 0;
	feed->most = FEED_ITEMS_MAX;
	lane_good(feed->lane);
	tell_known(feed);
	if (json_array_size(feed->feed.items) > 0 || strcmp(feed->feed.cursor, feed->after) != 0)
		deliver(feed);
	else
		finish_delivery(feed);
}

static void answered(void *user, const struct answer *answer)
{
	struct feed_lane *feed = user;
	struct uplink_outcome outcome = lane_ended(feed->lane, PATH_FEED, answer);

	if (outcome.action == ACTION_TAKE) {
		take(feed, answer);
		return;
	}
	count_dead(feed, answer, &outcome);
	/* Large items may add up to more than an answer may hold: ask for fewer. */
	if (answer->ending.oversized && feed->limit > 1)
		feed->limit /= 2;
	if (outcome.action == ACTION_REPLAY) {
		journal_log(
			LOG_WARNING, NULL, NULL,
			"feed: the cloud does not know the cursor %s; everything is fetched again",
			feed->after);
		strcpy(feed->after, "0");
	}
	feed->prompt = true;
	lane_failed(feed->lane, &outcome, answer);
}

static void poll_feed(struct feed_lane *feed)
{
	char path[4 * FEED_CURSOR_MAX + 64];
	int64_t hold_s = feed->hold_s, margin_s;

	if (feed->server_s > 0 && feed->server_s < hold_s)
		hold_s = feed->server_s;
	margin_s = hold_s < MARGIN_LEAST_S  ? MARGIN_LEAST_S
		   : hold_s > MARGIN_MOST_S ? MARGIN_MOST_S
					    : hold_s;
	char *after = curl_easy_escape(NULL, feed->after, 0);
	int r = -ENOMEM;
	if (after != NULL) {
		(void)snprintf(path, sizeof(path), "/feed?after=%s&limit=%d&wait=%lld", after,
			       feed->limit, (long long)(feed->prompt ? 0 : hold_s));
		curl_free(after);
		feed->polled_us = clock_boottime_us();
		r = lane_ask(feed->lane, path, NULL, 0, false, (hold_s + margin_s) * 1000000,
			     answered);
	}
	if (r < 0)
		lane_failed(feed->lane,
			    &(struct uplink_outcome){.action = ACTION_RETRY,
						     .why = "the request cannot be made"},
			    NULL);
}
