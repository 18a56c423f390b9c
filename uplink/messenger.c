/* messenger.c - see messenger.h */
#include "uplink/messenger.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"
#include "uplink/feed_lane.h"
#include "uplink/hub.h"
#include "uplink/outbox_lane.h"

#define REPORT_US      UINT64_C(60000000)
#define ASK_US         INT64_C(30000000)
#define RESYNC_BASE_US INT64_C(2000000)
#define RESYNC_CAP_US  INT64_C(60000000)
#define RESYNC_CALM_US                                                                             \
	INT64_C(120000000) /* without trouble that long, the next is the first again */

struct messenger {
	sd_event *event;
	const struct uplink_settings *settings;
	struct hub *hub;
	struct cloud cloud;
	struct feed_lane feed;
	struct outbox_lane outbox;
	sd_event_source *report_timer;
	bool running;  /* the lanes are */
	bool hub_seen; /* what was last said in the log about prepayd */
	bool hub_missed;
	const char *state; /* what was last said in the log about the cloud */
	struct backoff resync;
	int64_t resync_us;
};

static void ignore(void *user, const struct hub_answer *answer)
{
	(void)user;
	(void)answer;
}

static const char *state_of(const struct messenger *messenger, const char **ret_detail)
{
	*ret_detail = "";
	if (*messenger->settings->url == '\0')
		return "off";
	return cloud_state(&messenger->cloud, ret_detail);
}

static void report(struct messenger *messenger)
{
	const char *detail, *state = state_of(messenger, &detail);
	const struct cloud *cloud = &messenger->cloud;
	long http = 0;

	for (size_t i = 0; i < CLOUD_LANES; i++)
		if (http == 0 || cloud->lanes[i].health == LANE_BAD)
			http = cloud->lanes[i].http;
	json_t *args = json_pack("{s:s, s:I, s:I}", "state", state, "bytes_up",
				 (json_int_t)cloud->bytes_up, "bytes_down",
				 (json_int_t)cloud->bytes_down);
	if (args != NULL && http > 0)
		(void)json_object_set_new(args, "http", json_integer(http));
	if (args != NULL && cloud->rtt_us > 0)
		(void)json_object_set_new(args, "rtt_ms",
					  json_integer((cloud->rtt_us + 999) / 1000));
	if (args != NULL && *detail != '\0')
		(void)json_object_set_new(args, "detail", json_string(detail));
	if (args != NULL)
		(void)hub_ask(messenger->hub, "link.report", args, ASK_US, ignore, NULL);
	(void)sd_notifyf(false, "STATUS=%s%s%s", state, *detail != '\0' ? ": " : "", detail);
}

static void cloud_changed(void *user)
{
	struct messenger *messenger = user;
	const char *detail, *state = state_of(messenger, &detail);
	const char *before = messenger->state;

	messenger->state = state;
	if (strcmp(state, "online") == 0 && before != state)
		journal_log(LOG_INFO, MESSAGE_ID_UPLINK_ONLINE, NULL, "cloud: online");
	else if (strcmp(state, "away") == 0)
		journal_log(LOG_WARNING, MESSAGE_ID_UPLINK_AWAY, NULL,
			    "cloud: away (%s); trying again, nothing is lost", detail);
	report(messenger);
}

static void stop_lanes(struct messenger *messenger)
{
	if (!messenger->running)
		return;
	messenger->running = false;
	feed_lane_stop(&messenger->feed);
	outbox_lane_stop(&messenger->outbox);
}

/* Something between prepayd and us did not fit: start again from what prepayd says. */
static void resync(void *user, const char *why)
{
	struct messenger *messenger = user;
	int64_t now_us = clock_boottime_us();

	if (now_us - messenger->resync_us > RESYNC_CALM_US)
		backoff_reset(&messenger->resync);
	messenger->resync_us = now_us;
	/* Nobody else does the same at the same time: the upper end of each wait will do. */
	int64_t wait_us = backoff_next_us(&messenger->resync, UINT64_MAX);
	journal_log(LOG_WARNING, NULL, NULL, "prepayd: %s; asking again in %lld s", why,
		    (long long)(wait_us / 1000000));
	messenger->hub_missed = true;
	stop_lanes(messenger);
	hub_reconnect(messenger->hub, wait_us, why);
}

static void take_clock(struct messenger *messenger, const json_t *data)
{
	const char *boot = json_string_value(json_object_get(data, "boot"));

	messenger->cloud.clock_trusted = json_is_true(
		json_object_get(json_object_get(data, "clock"), "trusted"));
	messenger->cloud.boot[0] = '\0';
	if (boot != NULL && strlen(boot) == CLOCK_BOOT_ID_SIZE - 1)
		strcpy(messenger->cloud.boot, boot);
}

static void greeted(void *user, const struct hub_answer *answer)
{
	struct messenger *messenger = user;

	if (answer->error < 0) {
		if (answer->error == -EREMOTEIO)
			resync(messenger, answer->detail);
		return;
	}
	const char *site = json_string_value(json_object_get(answer->data, "site"));
	const char *cursor = json_string_value(json_object_get(answer->data, "feed_cursor"));
	const json_t *epoch = json_object_get(answer->data, "epoch");
	const json_t *after = json_object_get(answer->data, "outbox_cursor");

	take_clock(messenger, answer->data);
	if (!messenger->hub_seen)
		journal_log(LOG_INFO, NULL, NULL, "prepayd: connected");
	messenger->hub_seen = true;
	messenger->hub_missed = false;
	if (*messenger->settings->url == '\0') {
		report(messenger);
		return;
	}
	if (site == NULL || strcmp(site, messenger->settings->site) != 0) {
		resync(messenger, "it runs another site than this configuration names");
		return;
	}
	if (!json_is_integer(epoch) || !json_is_integer(after)) {
		resync(messenger, "its greeting is not of the protocol");
		return;
	}
	/* Greeted again each minute, for the clock: the lanes just go on. */
	if (messenger->running)
		return;
	messenger->running = true;
	outbox_lane_start(&messenger->outbox, (int64_t)json_integer_value(epoch),
			  (int64_t)json_integer_value(after));
	if (messenger->running &&
	    feed_lane_start(&messenger->feed, cursor != NULL ? cursor : "") < 0)
		resync(messenger, "its feed cursor is too long");
	report(messenger);
}

static void greet(struct messenger *messenger)
{
	json_t *args = json_pack("{s:s}", "version", PREPAY_VERSION);

	if (args != NULL)
		(void)hub_ask(messenger->hub, "link.hello", args, ASK_US, greeted, messenger);
}

static void prepayd_changed(void *user, bool connected, const char *why)
{
	struct messenger *messenger = user;

	if (connected) {
		greet(messenger);
		return;
	}
	stop_lanes(messenger);
	if (!messenger->hub_missed)
		journal_log(LOG_WARNING, NULL, NULL, "prepayd: %s; waiting for it", why);
	messenger->hub_missed = true;
	messenger->hub_seen = false;
	(void)sd_notifyf(false, "STATUS=waiting for prepayd: %s", why);
}

static int on_report_timer(sd_event_source *source, uint64_t at_us, void *user)
{
	struct messenger *messenger = user;

	(void)at_us;
	greet(messenger);
	report(messenger);
	(void)sd_event_source_set_time_relative(source, REPORT_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int messenger_open(struct messenger **ret, sd_event *event, const struct uplink_settings *settings)
{
	struct messenger *messenger = calloc(1, sizeof(*messenger));
	struct cloud *cloud;
	int r;

	if (messenger == NULL)
		return -ENOMEM;
	messenger->event = sd_event_ref(event);
	messenger->settings = settings;
	messenger->resync = (struct backoff){.base_us = RESYNC_BASE_US, .cap_us = RESYNC_CAP_US};
	cloud = &messenger->cloud;

	r = cloud_open(cloud, event, settings, cloud_changed, messenger);
	if (r == 0)
		r = hub_open(&messenger->hub, event, settings->socket, prepayd_changed, messenger);
	if (r == 0)
		r = lane_open(&cloud->lanes[0], cloud, "feed", feed_lane_again, &messenger->feed);
	if (r == 0)
		r = lane_open(&cloud->lanes[1], cloud, "events", outbox_lane_again,
			      &messenger->outbox);
	if (r == 0)
		r = sd_event_add_time_relative(event, &messenger->report_timer, CLOCK_BOOTTIME,
					       REPORT_US, 1000000, on_report_timer, messenger);
	if (r < 0) {
		(void)messenger_close(messenger);
		return r;
	}
	feed_lane_init(&messenger->feed, &cloud->lanes[0], messenger->hub, resync, messenger);
	outbox_lane_init(&messenger->outbox, &cloud->lanes[1], messenger->hub, resync, messenger);
	*ret = messenger;
	return 0;
}

struct messenger *messenger_close(struct messenger *messenger)
{
	if (messenger == NULL)
		return NULL;
	if (messenger->running)
		stop_lanes(messenger);
	(void)sd_event_source_disable_unref(messenger->report_timer);
	messenger->hub = hub_close(messenger->hub);
	cloud_close(&messenger->cloud);
	(void)sd_event_unref(messenger->event);
	free(messenger);
	return NULL;
}
