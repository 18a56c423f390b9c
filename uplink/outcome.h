/* outcome.h - what to do after one request to the cloud.
 *
 * Pure: what libcurl and HTTP say in, one of a small set of actions out. The file that decides is not
 * the file that acts: messenger.c acts. The table is the one in api/openapi.yaml, section Failure.
 *
 * U1  No outcome drops anything: the worst is to come back later, or to isolate an item so that
 *     prepayd can set it aside.
 * U5  No outcome touches metering: the messenger only waits longer.
 */
#pragma once

#include <stdbool.h>

enum uplink_path { PATH_FEED, PATH_RECEIPTS, PATH_EVENTS };

enum uplink_action {
	ACTION_TAKE,    /* a complete answer of the right type: parse it */
	ACTION_RETRY,   /* back off, then the same again */
	ACTION_SLOW,    /* the cloud knows us not, or not any more: go on asking, slowly */
	ACTION_REPLAY,  /* feed only: the cursor is unknown, start from the beginning */
	ACTION_SPLIT,   /* POST only: send it in halves; what is refused alone is set aside */
	ACTION_SHRINK,  /* POST only: send it in halves, and smaller batches from now on */
	ACTION_SUSPECT, /* POST only: the server failed over it; back off, split when it goes on */
};

/* How a request ended, as transport.c saw it. */
struct uplink_ending {
	int curl_code;  /* CURLcode */
	long status;    /* HTTP status of the last answer; 0: none */
	bool json;      /* its content type is application/json */
	bool oversized; /* the answer went past the limit and was cut off */
};

struct uplink_outcome {
	enum uplink_action action;
	bool transport;  /* no answer that counts: the way is at fault, not what was sent */
	const char *why; /* for people, static; never NULL */
};

struct uplink_outcome outcome_decide(enum uplink_path path, const struct uplink_ending *ending);

/* One item of a batch has a status of its own. TAKE: stored; SPLIT: refused for good; RETRY: not now. */
enum uplink_action outcome_of_item(long status);
