#include "concentrator/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/encoding.h"
#include "concentrator/platform/message.h"
#include "concentrator/rules/money.h"

const char *order_result_name(enum order_result result)
{
	switch (result) {
	case ORDER_APPLIED:
		return "applied";
	case ORDER_DUPLICATE:
		return "duplicate";
	case ORDER_QUARANTINED:
		return "quarantined";
	case ORDER_REJECTED:
		return "rejected";
	case ORDER_EXPIRED:
		return "expired";
	case ORDER_UNSUPPORTED:
		return "unsupported";
	}
	return "rejected";
}

/* Copies text of 1 (or 0 where optional) to size - 1 printable bytes. blanks: spaces and UTF-8 are
 * welcome (descriptions); an id is printable ASCII without space. */
static int copy_text(char *ret, size_t size, const char *text, size_t least, bool blanks)
{
	if (text == NULL || strlen(text) < least || strlen(text) >= size)
		return -EBADMSG;
	for (const char *at = text; *at != '\0'; at++) {
		unsigned char byte = (unsigned char)*at;
		if (byte == 0x7f || byte < 0x20 || (!blanks && (byte == 0x20 || byte >= 0x80)))
			return -EBADMSG;
	}
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int order_item_parse(const json_t *item, struct order_item *ret,
		     char ret_detail[static ORDER_DETAIL_SIZE])
{
	*ret = (struct order_item){0};
	if (!json_is_object(item)) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "the item is not an object");
		return -EBADMSG;
	}

	if (copy_text(ret->mrid, sizeof(ret->mrid),
		      json_string_value(json_object_get(item, "mRID")), 1, false) < 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "mRID is not an id of 1 to %d characters",
			 LEDGER_ID_MAX);
		return -EBADMSG;
	}
	if (copy_text(ret->type_name, sizeof(ret->type_name),
		      json_string_value(json_object_get(item, "type")), 1, false) < 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "type is not a name of 1 to %d characters",
			 LEDGER_NAME_MAX);
		return -EBADMSG;
	}
	ret->type = strcmp(ret->type_name, "CreditRegister") == 0 ? ORDER_CREDIT
		    : strcmp(ret->type_name, "KeysetOffer") == 0  ? ORDER_KEYSET
								  : ORDER_OTHER;

	const char *kid = json_string_value(json_object_get(item, "kid"));
	if (kid != NULL && copy_text(ret->kid, sizeof(ret->kid), kid, 0, false) < 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "kid is not an id");
		return -EBADMSG;
	}

	const char *payload = json_string_value(json_object_get(item, "p"));
	size_t payload_len = payload == NULL ? 0 : strlen(payload);
	ret->payload = malloc(payload_len + 1);
	if (ret->payload == NULL)
		return -ENOMEM;
	if (payload == NULL || payload_len > BASE64URL_LEN((size_t)ORDER_PAYLOAD_MAX) ||
	    base64url_decode(payload, payload_len, ret->payload, payload_len, &ret->payload_size) <
		    0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "p is not base64url of at most %d bytes",
			 ORDER_PAYLOAD_MAX);
		ret->payload_size = 0;
		return -EBADMSG;
	}

	const char *signature = json_string_value(json_object_get(item, "sig"));
	size_t signature_size = 0;
	if (signature == NULL ||
	    base64url_decode(signature, strlen(signature), ret->signature, sizeof(ret->signature),
			     &signature_size) < 0 ||
	    signature_size != SIGNATURE_SIZE)
		memset(ret->signature, 0, sizeof(ret->signature));
	return 0;
}

void order_item_clear(struct order_item *item)
{
	free(item->payload);
	item->payload = NULL;
	item->payload_size = 0;
}

static const struct ledger_key *find_key(const struct order_keys *keys, const char *kid)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->keys[i].kid, kid) == 0)
			return &keys->keys[i];
	return NULL;
}

static bool integer(const json_t *object, const char *name, int64_t least, int64_t *ret)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_integer(value) || json_integer_value(value) < least)
		return false;
	*ret = json_integer_value(value);
	return true;
}

static bool text(const json_t *object, const char *name, char *ret, size_t size, size_t least,
		 bool blanks)
{
	return copy_text(ret, size, json_string_value(json_object_get(object, name)), least,
			 blanks) == 0;
}

/* The fields of a genuine payload. NULL when all is well, else what is wrong. */
static const char *credit_fields(const json_t *payload, const struct order_item *item,
				 const char *site, int currency, struct order_credit *ret)
{
	char mrid[LEDGER_ID_MAX + 1];
	int64_t version;
	if (!integer(payload, "v", 1, &version) || version != 1)
		return "v is not 1";
	const char *audience = json_string_value(json_object_get(payload, "aud"));
	if (audience == NULL || strcmp(audience, site) != 0)
		return "aud is not this box";
	if (!text(payload, "mRID", mrid, sizeof(mrid), 1, false) || strcmp(mrid, item->mrid) != 0)
		return "mRID differs from the item's";
	if (!text(payload, "usagePoint", ret->room, sizeof(ret->room), 1, true))
		return "usagePoint is not a room name";
	if (!text(payload, "tenancy", ret->tenancy, sizeof(ret->tenancy), 0, false))
		return "tenancy is not an id";
	if (!integer(payload, "seq", 0, &ret->seq))
		return "seq is not a number";
	if (!integer(payload, "effectiveTime", 0, &ret->effective_s))
		return "effectiveTime is not a time";
	if (!integer(payload, "iat", 0, &ret->issued_s))
		return "iat is not a time";
	if (!integer(payload, "exp", 0, &ret->expires_s))
		return "exp is not a time";

	const char *type = json_string_value(json_object_get(payload, "creditType"));
	if (type == NULL || (strcmp(type, "paid") != 0 && strcmp(type, "subsidy") != 0 &&
			     strcmp(type, "emergency") != 0))
		return "creditType is none of paid, subsidy and emergency";
	ret->subsidy = strcmp(type, "subsidy") == 0;
	ret->emergency = strcmp(type, "emergency") == 0;

	int unit;
	if (message_parse_money(json_object_get(payload, "creditAmount"), &ret->amount_nano,
				&unit) < 0)
		return "creditAmount is not an amount of money";
	if (unit != currency)
		return "creditAmount is in another currency";
	if (json_object_get(payload, "reverses") != NULL &&
	    !text(payload, "reverses", ret->reverses, sizeof(ret->reverses), 1, false))
		return "reverses is not an id";
	if (ret->emergency && (ret->amount_nano != 0 || ret->reverses[0] != '\0'))
		return "emergency credit has an amount of its own, and is not reversed";
	if (!ret->emergency && ret->amount_nano == 0)
		return "creditAmount is zero";
	if ((ret->amount_nano < 0) != (ret->reverses[0] != '\0'))
		return "a negative amount and reverses belong together";
	if (json_object_get(payload, "description") != NULL &&
	    !text(payload, "description", ret->description, sizeof(ret->description), 0, true))
		return "description is too long, or has control characters";
	return NULL;
}

/* The reason may quote the payload, and be cut inside a character: receipts are ASCII here. */
static void no_json(char ret_detail[static ORDER_DETAIL_SIZE], const char *reason)
{
	snprintf(ret_detail, ORDER_DETAIL_SIZE, "the payload is not JSON: %.80s", reason);
	for (char *at = ret_detail; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
}

int order_credit_parse(const struct order_item *item, const char *site, int currency,
		       struct order_credit *ret, char ret_detail[static ORDER_DETAIL_SIZE])
{
	char detail[MESSAGE_DETAIL_SIZE];
	json_t *payload = NULL;
	int r = message_parse((const char *)item->payload, item->payload_size, &payload, detail);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		no_json(ret_detail, detail);
		return -EINVAL;
	}
	struct order_credit credit = {0};
	const char *wrong = credit_fields(payload, item, site, currency, &credit);
	json_decref(payload);
	if (wrong != NULL) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "%s", wrong);
		return -EINVAL;
	}
	*ret = credit;
	return 0;
}

int order_credit_verify(const struct order_item *item, const struct order_keys *keys,
			const char *site, int currency, struct order_credit *ret,
			const struct ledger_key **ret_key, enum order_result *ret_result,
			char ret_detail[static ORDER_DETAIL_SIZE])
{
	*ret_result = ORDER_REJECTED;
	const struct ledger_key *key = find_key(keys, item->kid);
	if (key == NULL) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "no key of that kid is in force");
		return -EBADMSG;
	}
	if (strcmp(key->use, "credit") != 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "that key may not sign credit");
		return -EBADMSG;
	}
	int r = signature_verify(key->public_key, ORDER_CREDIT_PREFIX, item->payload,
				 item->payload_size, item->signature);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "the signature is not the key's");
		return -EBADMSG;
	}

	struct order_credit credit;
	r = order_credit_parse(item, site, currency, &credit, ret_detail);
	if (r < 0)
		return r;
	if (credit.issued_s < key->from_s || credit.issued_s > key->to_s) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "iat is outside the key's time");
		return -EBADMSG;
	}
	*ret = credit;
	*ret_key = key;
	*ret_result = ORDER_APPLIED;
	return 0;
}

/* A cap in minor units; absent is none. */
static bool cap(const json_t *object, const char *name, int minor_digits, int64_t *ret_nano)
{
	int64_t minor;
	*ret_nano = 0;
	if (json_object_get(object, name) == NULL)
		return true;
	return integer(object, name, 1, &minor) &&
	       money_from_minor(minor, minor_digits, ret_nano) == 0;
}

static const char *keyset_fields(const json_t *payload, int minor_digits, struct order_keyset *ret)
{
	int64_t version;
	if (!integer(payload, "v", 1, &version) || version != 1)
		return "v is not 1";
	if (!integer(payload, "version", 1, &ret->version))
		return "version is not a number from 1";
	const json_t *keys = json_object_get(payload, "keys");
	if (!json_is_array(keys) || json_array_size(keys) > LEDGER_KEYS_MAX)
		return "keys is not a list of at most 64";

	size_t index;
	const json_t *row;
	json_array_foreach(keys, index, row)
	{
		struct ledger_key *key = &ret->keys[index];
		const char *raw = json_string_value(json_object_get(row, "key"));
		size_t size = 0;
		if (!text(row, "kid", key->kid, sizeof(key->kid), 1, false))
			return "a kid is not an id";
		for (size_t i = 0; i < index; i++)
			if (strcmp(ret->keys[i].kid, key->kid) == 0)
				return "a kid stands twice";
		if (raw == NULL ||
		    base64url_decode(raw, strlen(raw), key->public_key, sizeof(key->public_key),
				     &size) < 0 ||
		    size != sizeof(key->public_key))
			return "a key is not 32 bytes in base64url";
		if (!text(row, "use", key->use, sizeof(key->use), 1, false))
			return "a use is not a name";
		if (!integer(row, "from", 0, &key->from_s) || !integer(row, "to", 0, &key->to_s) ||
		    key->to_s < key->from_s)
			return "from and to are not a time";
		if (!cap(row, "orderMax", minor_digits, &key->order_max_nano) ||
		    !cap(row, "roomDayMax", minor_digits, &key->room_day_max_nano) ||
		    !cap(row, "dayMax", minor_digits, &key->day_max_nano))
			return "a cap is not an amount";
		ret->count = index + 1;
	}
	return NULL;
}

/* Is it signed by a payment root, for that purpose? */
static int verify_root(const struct order_item *item, const struct signature_roots *roots,
		       const char *prefix, char ret_detail[static ORDER_DETAIL_SIZE])
{
	for (size_t i = 0; i < roots->count; i++) {
		int r = signature_verify(roots->root[i].key, prefix, item->payload,
					 item->payload_size, item->signature);
		if (r == 0 || r == -ENOMEM)
			return r;
	}
	snprintf(ret_detail, ORDER_DETAIL_SIZE, "no payment root of this box signed it");
	return -EBADMSG;
}

int order_keyset_verify(const struct order_item *item, const struct order_keys *keys,
			int minor_digits, struct order_keyset *ret, enum order_result *ret_result,
			char ret_detail[static ORDER_DETAIL_SIZE])
{
	*ret_result = ORDER_REJECTED;
	int r = verify_root(item, &keys->roots, ORDER_KEYSET_PREFIX, ret_detail);
	if (r < 0)
		return r;

	char detail[MESSAGE_DETAIL_SIZE];
	json_t *payload = NULL;
	r = message_parse((const char *)item->payload, item->payload_size, &payload, detail);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		no_json(ret_detail, detail);
		return -EINVAL;
	}
	*ret = (struct order_keyset){0};
	const char *wrong = keyset_fields(payload, minor_digits, ret);
	json_decref(payload);
	if (wrong != NULL) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "%s", wrong);
		return -EINVAL;
	}
	if (ret->version <= keys->version) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "version %lld is in force",
			 (long long)keys->version);
		return -ESTALE;
	}
	*ret_result = ORDER_APPLIED;
	return 0;
}

static const char *checkpoint_fields(json_t *payload, const char *site,
				     struct order_checkpoint *ret)
{
	int64_t version;
	const char *audience = json_string_value(json_object_get(payload, "aud"));
	json_t *head = json_object_get(payload, "checkpoint");
	if (!integer(payload, "v", 1, &version) || version != 1)
		return "v is not 1";
	if (audience == NULL || strcmp(audience, site) != 0)
		return "aud is not this box";
	if (!json_is_object(head))
		return "there is no checkpoint in it";
	if (json_object_get(payload, "epoch") != NULL && !integer(payload, "epoch", 0, &ret->epoch))
		return "epoch is not a number";
	ret->head = json_incref(head);
	return NULL;
}

int order_checkpoint_verify(const json_t *json, const struct signature_roots *roots,
			    const char *site, struct order_checkpoint *ret,
			    char ret_detail[static ORDER_DETAIL_SIZE])
{
	char detail[MESSAGE_DETAIL_SIZE];
	struct order_item item;
	json_t *payload = NULL;
	const char *wrong = NULL;
	*ret = (struct order_checkpoint){0};
	int r = order_item_parse(json, &item, ret_detail);
	if (r == 0 && strcmp(item.type_name, "Checkpoint") != 0) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "it is no signed checkpoint");
		r = -EBADMSG;
	}
	if (r == 0)
		r = verify_root(&item, roots, ORDER_CHECKPOINT_PREFIX, ret_detail);
	if (r == 0) {
		r = message_parse((const char *)item.payload, item.payload_size, &payload, detail);
		if (r < 0 && r != -ENOMEM) {
			no_json(ret_detail, detail);
			r = -EINVAL;
		}
	}
	if (r == 0)
		wrong = checkpoint_fields(payload, site, ret);
	if (wrong != NULL) {
		snprintf(ret_detail, ORDER_DETAIL_SIZE, "%s", wrong);
		r = -EINVAL;
	}
	json_decref(payload);
	order_item_clear(&item);
	return r;
}
