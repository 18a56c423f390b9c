/* cloud.c - see cloud.h */
#include "uplink/cloud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <curl/curl.h>

#include "concentrator/platform/clock.h"
#include "uplink/retry_after.h"

#define URL_SIZE   1024
#define CLOCK_SIZE 48

static uint64_t random_bits(void)
{
	uint64_t bits = 0;

	/* Without entropy the wait is merely spread less well. */
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
		bits = (uint64_t)clock_boottime_us() * UINT64_C(0x9e3779b97f4a7c15);
	return bits;
}

int cloud_open(struct cloud *cloud, sd_event *event, const struct uplink_settings *settings,
	       void (*changed)(void *user), void *user)
{
	*cloud = (struct cloud){
		.event = event,
		.settings = settings,
		.changed = changed,
		.user = user,
	};
	char *escaped = curl_easy_escape(NULL, settings->site, 0);
	if (escaped == NULL)
		return -ENOMEM;
	cloud->site = strdup(escaped);
	curl_free(escaped);
	if (cloud->site == NULL)
		return -ENOMEM;
	return transport_open(&cloud->transport, event,
			      &(struct transport_settings){
				      .ca = settings->ca,
				      .certificate = settings->certificate,
				      .key = settings->key,
			      });
}

void cloud_close(struct cloud *cloud)
{
	for (size_t i = 0; i < CLOUD_LANES; i++)
		cloud->lanes[i].timer = sd_event_source_disable_unref(cloud->lanes[i].timer);
	cloud->transport = transport_close(cloud->transport);
	free(cloud->site);
	cloud->site = NULL;
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *user)
{
	struct lane *lane = user;

	(void)source;
	(void)at_us;
	lane->cut_off = false;
	lane->again(lane->user);
	return 0;
}

int lane_open(struct lane *lane, struct cloud *cloud, const char *name, void (*again)(void *user),
	      void *user)
{
	*lane = (struct lane){
		.cloud = cloud,
		.name = name,
		.backoff = {.base_us = cloud->settings->backoff_base_s * 1000000,
			    .cap_us = cloud->settings->backoff_cap_s * 1000000},
		.again = again,
		.user = user,
	};
	int r = sd_event_add_time_relative(cloud->event, &lane->timer, CLOCK_BOOTTIME, 0, 10000,
					   on_timer, lane);
	return r < 0 ? r : sd_event_source_set_enabled(lane->timer, SD_EVENT_OFF);
}

int lane_ask(struct lane *lane, const char *path, char *body, size_t len, bool gzip,
	     int64_t timeout_us, transport_done done)
{
	struct cloud *cloud = lane->cloud;
	char url[URL_SIZE], clock[CLOCK_SIZE];
	struct transport_ask ask = {
		.url = url,
		.clock = clock,
		.boot = cloud->boot[0] != '\0' ? cloud->boot : NULL,
		.body = body,
		.body_len = len,
		.gzip = gzip,
		.timeout_us = timeout_us,
		.fresh = lane->fresh,
	};

	(void)snprintf(clock, sizeof(clock), "%lld; %s", (long long)clock_unix_s(),
		       cloud->clock_trusted ? "trusted" : "untrusted");
	int r = -EINVAL;
	if (snprintf(url, sizeof(url), "%s/sites/%s%s", cloud->settings->url, cloud->site, path) <
	    (int)sizeof(url))
		r = transport_start(cloud->transport, &ask, done, lane->user, &lane->request);
	if (r < 0)
		free(body);
	return r;
}

struct uplink_outcome lane_ended(struct lane *lane, enum uplink_path path,
				 const struct answer *answer)
{
	struct cloud *cloud = lane->cloud;

	lane->request = NULL;
	lane->http = answer->ending.status;
	cloud->bytes_up += answer->bytes_up;
	cloud->bytes_down += answer->bytes_down;
	/* A long poll's first byte comes when there is something to say, not after a round trip. */
	if (answer->rtt_us > 0 && (path != PATH_FEED || answer->new_connection))
		cloud->rtt_us = answer->rtt_us;
	return outcome_decide(path, &answer->ending);
}

static void arm(struct lane *lane, int64_t wait_us)
{
	(void)sd_event_source_set_time_relative(lane->timer, (uint64_t)wait_us);
	(void)sd_event_source_set_enabled(lane->timer, SD_EVENT_ONESHOT);
}

void lane_wait(struct lane *lane, int64_t wait_us)
{
	lane->cut_off = false;
	arm(lane, wait_us);
}

/* The reason in plain ASCII without control characters, cut to what the control protocol takes. */
static void set_detail(struct lane *lane, const char *why, const struct answer *answer)
{
	char more[sizeof(lane->detail) - 8] = "";

	if (answer != NULL && answer->ending.curl_code != 0)
		(void)snprintf(more, sizeof(more), " (%.*s)", (int)sizeof(more) - 4,
			       answer->detail);
	else if (answer != NULL && answer->ending.status != 0)
		(void)snprintf(more, sizeof(more), " (HTTP %ld)", answer->ending.status);
	(void)snprintf(lane->detail, sizeof(lane->detail), "%s: %s%s", lane->name, why,
		       strcmp(more, " ()") == 0 ? "" : more);
	for (char *at = lane->detail; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

static void set_health(struct lane *lane, enum lane_health health, const char *why)
{
	bool news = lane->health != health || lane->why != why;

	lane->health = health;
	lane->why = why;
	if (news)
		lane->cloud->changed(lane->cloud->user);
}

void lane_good(struct lane *lane)
{
	struct cloud *cloud = lane->cloud;

	backoff_reset(&lane->backoff);
	lane->fresh = false;
	lane->detail[0] = '\0';
	for (size_t i = 0; i < CLOUD_LANES; i++)
		if (&cloud->lanes[i] != lane && cloud->lanes[i].cut_off)
			arm(&cloud->lanes[i], 0);
	set_health(lane, LANE_GOOD, NULL);
}

void lane_failed(struct lane *lane, const struct uplink_outcome *outcome,
		 const struct answer *answer)
{
	int64_t wait_us, named_s;

	if (outcome->action == ACTION_SLOW)
		wait_us = backoff_slow_us(&lane->backoff, random_bits());
	else if (answer != NULL && !outcome->transport &&
		 retry_after_parse(answer->retry_after, answer->date, &named_s) == 0)
		wait_us = backoff_named_us(&lane->backoff, named_s, random_bits());
	else
		wait_us = backoff_next_us(&lane->backoff, random_bits());

	/* A connection that failed once is not tried again, also where libcurl would keep it. */
	lane->fresh = outcome->transport;
	lane->cut_off = outcome->transport && (answer == NULL || !answer->any_byte);
	set_detail(lane, outcome->why, answer);
	arm(lane, wait_us);
	set_health(lane, LANE_BAD, outcome->why);
}

void lane_stop(struct lane *lane)
{
	lane->request = transport_cancel(lane->cloud->transport, lane->request);
	(void)sd_event_source_set_enabled(lane->timer, SD_EVENT_OFF);
	lane->cut_off = false;
	lane->health = LANE_UNKNOWN;
	lane->why = NULL;
	lane->detail[0] = '\0';
}

const char *cloud_state(const struct cloud *cloud, const char **ret_detail)
{
	bool good = false;

	*ret_detail = "";
	for (size_t i = 0; i < CLOUD_LANES; i++) {
		const struct lane *lane = &cloud->lanes[i];

		if (lane->health == LANE_BAD) {
			*ret_detail = lane->detail;
			return "away";
		}
		good = good || lane->health == LANE_GOOD;
	}
	return good ? "online" : "connecting";
}
