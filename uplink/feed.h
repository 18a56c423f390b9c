/* feed.h - the cloud's answer to a poll of the feed, checked and cut to what prepayd is given.
 *
 * Pure: bytes in, value out. These are bytes of the outside world: anything but a complete JSON object
 * of the contract (no duplicate keys) is -EBADMSG. The items stay what they are, signed bytes that only
 * prepayd judges; here they are only brought to the five strings it takes.
 *
 * U2  An item that cannot be handed over never blocks those behind it: with too large a payload it goes
 *     on as type "Oversize" without payload (prepayd answers "unsupported"); without a usable type and
 *     mRID nobody could answer it, and it is passed over and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define FEED_CURSOR_MAX  128
#define FEED_ITEMS_MAX   256
#define FEED_NAME_MAX    64    /* type, mRID, kid */
#define FEED_PAYLOAD_MAX 16384 /* base64url */
#define FEED_SIG_MAX     128   /* base64url; 86 for Ed25519 */
#define FEED_WAIT_MAX_S  600

struct feed {
	char cursor[FEED_CURSOR_MAX + 1]; /* printable ASCII, not empty */
	bool more;
	int64_t wait_s;      /* longest hold the cloud gives; 0: not named */
	int64_t known_epoch; /* the latest that the cloud has of this box; 0: not said */
	int64_t known_through;
	json_t *items;      /* array of {type, mRID, kid, p, sig}; the feed owns it */
	size_t passed_over; /* elements that could not be made into an item */
};

/* 0; -EBADMSG: not an answer of the contract; -ENOMEM. After 0, feed_release(). */
int feed_parse(const char *bytes, size_t len, struct feed *ret_feed);
void feed_release(struct feed *feed);
