/* order_feed.h - what a simulated cloud has signed, and what each item must come to.
 *
 * Every order exists as it was signed, signed again by another key, with a broken signature, with a byte
 * of its payload changed, and as another order under the same id that a payment key signed too. Some of
 * the orders are not for this box or its rooms. The expectation is kept apart from the box: an id
 * belongs to the payload that was taken first, and gives money once.
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/alarms.h"
#include "tests/unit/random.h"

#define FEED_ROOMS     12
#define FEED_ORDERS    400
#define FEED_NAME_SIZE 16

enum feed_variant {
	FEED_GENUINE,
	FEED_SIGNED_AGAIN, /* the same payload, by the second key: the same order */
	FEED_BAD_SIGNATURE,
	FEED_CHANGED,  /* a byte of the payload is another, the signature the first one's */
	FEED_IMPOSTOR, /* another order of the same id, signed by a payment key */
	FEED_VARIANTS
};

enum feed_order {
	FEED_CREDIT,
	FEED_REVERSAL, /* takes part of an older credit back */
	FEED_NO_ROOM,
	FEED_NO_TENANCY,
	FEED_OTHER_SITE,
	FEED_OTHER_CURRENCY,
	FEED_UNKNOWN_KEY,
	FEED_ORDER_KINDS
};

struct feed {
	EVP_PKEY *keys[2];
	struct feed_row {
		enum feed_order kind;
		int room;
		int64_t amount_nano;
		size_t reverses; /* index of the credit */
		char mrid[24];
		json_t *items[FEED_VARIANTS];
	} orders[FEED_ORDERS];
};

/* What an order's id belongs to, and what became of it. */
struct feed_fate {
	bool taken;
	bool applied;
	uint8_t refused;         /* bit per variant: refused once, and told */
	int64_t taken_back_nano; /* of this credit, by reversals; positive */
};

/* What the box must know. A value: copy it to remember a moment. */
struct feed_known {
	struct feed_fate fates[FEED_ORDERS];
};

void feed_room_name(int room, char ret[static FEED_NAME_SIZE]);
void feed_tenancy_name(int room, char ret[static FEED_NAME_SIZE]);
/* Signs everything. */
void feed_open(struct feed *feed, struct random *random);
void feed_close(struct feed *feed);
/* Can it be delivered now? An impostor that comes first would be the order. */
bool feed_may(const struct feed_known *known, size_t order, enum feed_variant variant);
/* The answer that the box must give, and what it knows after. */
struct feed_answer {
	const char *result;
	enum alarm_kind alarm; /* that must be raised; ALARM_KIND_COUNT: none */
};

struct feed_answer feed_expect(const struct feed *feed, struct feed_known *known, size_t order,
			       enum feed_variant variant);
