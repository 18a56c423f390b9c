/* cloud.h - the cloud as the two lanes of the messenger see it: how to ask, and how it goes.
 *
 * A lane is one stream of requests that never overlap: the feed, or the outbox. Each has its own back-off
 * and timer; they share the connections, the byte count and what is reported. Here every outcome becomes
 * a wait (U5: nothing worse ever follows from the cloud being away).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "uplink/backoff.h"
#include "uplink/outcome.h"
#include "uplink/transport.h"
#include "uplink/uplink_settings.h"

#define LANE_DETAIL_SIZE 128 /* what the control protocol takes as a string */
#define CLOUD_BOOT_SIZE  40
#define CLOUD_LANES      2

enum lane_health { LANE_UNKNOWN, LANE_GOOD, LANE_BAD };

struct cloud;

struct lane {
	struct cloud *cloud;
	const char *name;
	struct backoff backoff;
	enum lane_health health;
	long http;                     /* status of the last answer; 0: none */
	const char *why;               /* why it is bad, static; NULL else */
	char detail[LANE_DETAIL_SIZE]; /* the same with what the request said; "" else */
	bool fresh;              /* the last connection died: the next request takes a new one */
	bool cut_off;            /* waits because there was no way to the cloud */
	struct request *request; /* in flight, or NULL */
	sd_event_source *timer;
	void (*again)(void *user); /* called when a wait is over */
	void *user;
};

struct cloud {
	sd_event *event;
	const struct uplink_settings *settings;
	struct transport *transport;
	struct lane lanes[CLOUD_LANES];
	char *site; /* escaped for a URL */
	char boot[CLOUD_BOOT_SIZE];
	bool clock_trusted;
	int64_t rtt_us; /* of the last answer that told; 0: none yet */
	uint64_t bytes_up, bytes_down;
	void (*changed)(void *user); /* the health or its reason changed */
	void *user;
};

/* Everything pointed to is borrowed. -ENOMEM, -EINVAL. */
int cloud_open(struct cloud *cloud, sd_event *event, const struct uplink_settings *settings,
	       void (*changed)(void *user), void *user);
void cloud_close(struct cloud *cloud);

/* A lane of the cloud, at start. -ENOMEM. */
int lane_open(struct lane *lane, struct cloud *cloud, const char *name, void (*again)(void *user),
	      void *user);

/* Starts the lane's request: GET, or POST with body (taken; freed on error too). path comes behind
 * ".../sites/{site}". done must call lane_ended() first. -ENOMEM, -EINVAL. */
int lane_ask(struct lane *lane, const char *path, char *body, size_t len, bool gzip,
	     int64_t timeout_us, transport_done done);

/* First thing of every answer: counts it, and says what to do. */
struct uplink_outcome lane_ended(struct lane *lane, enum uplink_path path,
				 const struct answer *answer);

/* The answer counts. Wakes the other lane when it only waited for the way to come back. */
void lane_good(struct lane *lane);

/* It does not: waits as the outcome and the answer demand, then calls again. answer may be NULL. */
void lane_failed(struct lane *lane, const struct uplink_outcome *outcome,
		 const struct answer *answer);

/* Calls again after that long; not before another lane's answer. */
void lane_wait(struct lane *lane, int64_t wait_us);

/* Ends request and wait. The health becomes unknown. */
void lane_stop(struct lane *lane);

/* "connecting", "online" or "away", and the reason when away ("" else). */
const char *cloud_state(const struct cloud *cloud, const char **ret_detail);
