/* order.h - what the cloud signed, from the feed's item to checked values.
 *
 * Pure but for the memory of parsing. The bytes are verified before they are parsed; what a key may
 * sign, for which box and until when is decided here, and nothing about rooms or money: the station
 * does that.
 *
 * U4  Orders carry an Ed25519 signature of a payment key. The same check runs whoever brings the
 *     bytes: the messenger, or a person with `prepay credit import`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/ledger_key.h"
#include "concentrator/platform/signature.h"

#define ORDER_PAYLOAD_MAX       16384
#define ORDER_DETAIL_SIZE       128
#define ORDER_CREDIT_PREFIX     "PREPAY-CREDIT-v1\n"
#define ORDER_KEYSET_PREFIX     "PREPAY-KEYSET-v1\n"
#define ORDER_CHECKPOINT_PREFIX "PREPAY-CHECKPOINT-v1\n"

/* The answers of a receipt (uplink/api/openapi.yaml). */
enum order_result {
	ORDER_APPLIED,
	ORDER_DUPLICATE,
	ORDER_QUARANTINED, /* genuine, but the room, tenancy or a cap does not let it through: kept */
	ORDER_REJECTED,
	ORDER_EXPIRED,
	ORDER_UNSUPPORTED,
};

enum order_type { ORDER_CREDIT, ORDER_KEYSET, ORDER_OTHER };

/* One item of the feed. payload is owned: order_item_clear(). */
struct order_item {
	enum order_type type;
	char type_name[LEDGER_NAME_MAX + 1];
	char mrid[LEDGER_ID_MAX + 1];
	char kid[LEDGER_ID_MAX + 1];
	uint8_t *payload;
	size_t payload_size;
	uint8_t signature[SIGNATURE_SIZE];
};

struct order_credit {
	char room[LEDGER_NAME_MAX + 1];
	char tenancy[LEDGER_ID_MAX + 1];
	char reverses[LEDGER_ID_MAX + 1]; /* "": none */
	char description[LEDGER_TEXT_MAX + 1];
	bool subsidy;
	bool emergency; /* activates emergency credit; the amount is 0 */
	int64_t seq;
	int64_t amount_nano; /* negative only with reverses */
	int64_t effective_s;
	int64_t issued_s;
	int64_t expires_s;
};

struct order_keyset {
	int64_t version;
	size_t count;
	struct ledger_key keys[LEDGER_KEYS_MAX];
};

/* The keys in force. */
struct order_keys {
	int64_t version;
	size_t count;
	struct ledger_key keys[LEDGER_KEYS_MAX];
	struct signature_roots roots;
};

const char *order_result_name(enum order_result result);

/* Takes an item of the feed apart. type_name and mrid are filled as far as they are usable also on
 * error. -EBADMSG: not an item (detail says why); nothing of it can be trusted or answered where
 * mrid is "". An item whose signature alone is malformed passes: it fails verification. -ENOMEM. */
int order_item_parse(const json_t *item, struct order_item *ret,
		     char ret_detail[static ORDER_DETAIL_SIZE]);
void order_item_clear(struct order_item *item);

/* Verifies a credit and parses it. 0, or -errno with *ret_result (what the receipt says) and detail:
 * -EBADMSG the signature is not that of a key that may sign this (also: unknown kid, wrong use, iat
 * outside the key's time) - the bytes prove nothing, so the id is not used up; -EINVAL genuine, but the
 * payload is not a credit for this box. *ret_key is the key that signed. now_s counts only where
 * trusted. */
int order_credit_verify(const struct order_item *item, const struct order_keys *keys,
			const char *site, int currency, struct order_credit *ret,
			const struct ledger_key **ret_key, enum order_result *ret_result,
			char ret_detail[static ORDER_DETAIL_SIZE]);

/* Parses the payload of a credit whose signature was verified before: when it came, and was kept.
 * -EINVAL: not a credit for this box (detail says why); -ENOMEM. */
int order_credit_parse(const struct order_item *item, const char *site, int currency,
		       struct order_credit *ret, char ret_detail[static ORDER_DETAIL_SIZE]);

/* The same for a key set, signed by a payment root named by kid. Its caps count minor units of
 * minor_digits decimals. -ESTALE: genuine, but not newer than the set in force (a replay; harmless). */
int order_keyset_verify(const struct order_item *item, const struct order_keys *keys,
			int minor_digits, struct order_keyset *ret, enum order_result *ret_result,
			char ret_detail[static ORDER_DETAIL_SIZE]);

/* A checkpoint that a payment root vouches for. */
struct order_checkpoint {
	json_t *head;  /* the caller's */
	int64_t epoch; /* the highest that the cloud has seen of this box; 0: not said */
};

/* item: as of the feed, of type Checkpoint. No other key will do: a box without a ledger has no key set,
 * and whoever signs a checkpoint says what money there is. -EBADMSG: it is not one, or not signed by a root;
 * -EINVAL: signed, but not for this box. -ENOMEM. */
int order_checkpoint_verify(const json_t *item, const struct signature_roots *roots,
			    const char *site, struct order_checkpoint *ret,
			    char ret_detail[static ORDER_DETAIL_SIZE]);
