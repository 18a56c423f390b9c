/* feed_lane.h - from the cloud to prepayd: long poll, deliver, next poll.
 *
 * The cursor is prepayd's: it is committed with the items, and the next poll starts after prepayd's
 * answer. A poll whose items are not committed is simply made again (U3).
 */
#pragma once

#include "uplink/cloud.h"
#include "uplink/feed.h"
#include "uplink/hub.h"

struct feed_lane {
	struct lane *lane;
	struct hub *hub;
	void (*resync)(void *user,
		       const char *why); /* prepayd would not take it: start again from it */
	void *user;
	char after[FEED_CURSOR_MAX + 1]; /* the cursor of the next poll */
	bool asked;                      /* prepayd was told what the cloud has of it */
	bool prompt; /* the next poll does not wait: it is to find out whether the cloud is there */
	int64_t hold_s;    /* the longest hold that this way to the cloud lets live */
	int64_t server_s;  /* the longest that the cloud gives; 0: not named */
	int64_t polled_us; /* when the poll in flight began */
	unsigned dead;     /* long polls in a row that died without a byte */
	bool delivering;
	struct feed feed; /* being delivered; items NULL: none */
	size_t next;      /* first item not delivered yet */
	size_t in_hand;   /* items prepayd is asked to take now */
	size_t most;      /* at once */
	int limit;        /* items asked of the cloud: fewer after an answer that was too large */
};

/* lane is one of cloud's, its user is the feed_lane. Borrows all. */
void feed_lane_init(struct feed_lane *feed, struct lane *lane, struct hub *hub,
		    void (*resync)(void *user, const char *why), void *user);

/* cursor: prepayd's; "" when it has none. -EINVAL: it cannot be a cursor. */
int feed_lane_start(struct feed_lane *feed, const char *cursor);
void feed_lane_stop(struct feed_lane *feed);

/* The lane's wait is over. */
void feed_lane_again(void *user);
