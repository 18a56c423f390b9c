/* outbox_lane.h - from prepayd to the cloud: fetch a page, send it, acknowledge it.
 *
 * Nothing is kept here: what was not acknowledged is fetched again, and the cloud knows it by (epoch,
 * seq). A page is acknowledged when every row of it has an answer of its own (U1, U2).
 */
#pragma once

#include "uplink/batch.h"
#include "uplink/cloud.h"
#include "uplink/hub.h"

struct outbox_lane {
	struct lane *lane;
	struct hub *hub;
	void (*resync)(void *user, const char *why);
	void *user;
	int64_t epoch;
	int64_t after;         /* everything up to here is acknowledged */
	bool asking;           /* prepayd is asked for a page, or to acknowledge one */
	int64_t asked_us;      /* when it was asked for a page */
	bool plain;            /* the cloud does not understand gzip */
	bool gzipped;          /* the body in flight is */
	enum uplink_path path; /* of the request in flight */
	size_t most;           /* rows in one request */
	struct batch batch;
};

void outbox_lane_init(struct outbox_lane *outbox, struct lane *lane, struct hub *hub,
		      void (*resync)(void *user, const char *why), void *user);

void outbox_lane_start(struct outbox_lane *outbox, int64_t epoch, int64_t after);
void outbox_lane_stop(struct outbox_lane *outbox);

/* The lane's wait is over. */
void outbox_lane_again(void *user);
