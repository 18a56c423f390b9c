#include "tests/fault/order_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/order.h"
#include "concentrator/platform/encoding.h"
#include "tests/unit/random.h"

void feed_room_name(int room, char ret[static FEED_NAME_SIZE])
{
	snprintf(ret, FEED_NAME_SIZE, "%d", 301 + room);
}

void feed_tenancy_name(int room, char ret[static FEED_NAME_SIZE])
{
	snprintf(ret, FEED_NAME_SIZE, "T-%d", room + 1);
}

static json_t *sign(EVP_PKEY *key, const char *kid, const char *mrid, const char *payload)
{
	char text[1024], p[1024], sig[128];
	uint8_t signature[SIGNATURE_SIZE];
	size_t size = sizeof(signature);
	int n = snprintf(text, sizeof(text), "%s%s", ORDER_CREDIT_PREFIX, payload);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(context, signature, &size, (const uint8_t *)text, (size_t)n), 1);
	EVP_MD_CTX_free(context);
	base64url_encode(payload, strlen(payload), p, sizeof(p));
	base64url_encode(signature, size, sig, sizeof(sig));
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "CreditRegister", "mRID", mrid, "kid",
			 kid, "p", p, "sig", sig);
}

/* Another character in the middle of a text of base64url. */
static json_t *change(const json_t *item, const char *field)
{
	json_t *changed = json_copy((json_t *)(uintptr_t)item);
	char text[1024];
	snprintf(text, sizeof(text), "%s", json_string_value(json_object_get(item, field)));
	char *at = &text[strlen(text) / 2];
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(json_object_set_new(changed, field, json_string(text)), 0);
	return changed;
}

static void write_payload(const struct feed *feed, const struct feed_row *row, int64_t minor,
			  char *ret, size_t size)
{
	char room[FEED_NAME_SIZE], tenancy[FEED_NAME_SIZE], reverses[64] = "";
	feed_room_name(row->kind == FEED_NO_ROOM ? 500 : row->room, room);
	feed_tenancy_name(row->kind == FEED_NO_TENANCY ? 500 : row->room, tenancy);
	if (row->kind == FEED_REVERSAL)
		snprintf(reverses, sizeof(reverses), ",\"reverses\":\"%s\"",
			 feed->orders[row->reverses].mrid);
	snprintf(ret, size,
		 "{\"v\":1,\"aud\":\"%s\",\"seq\":0,\"mRID\":\"%s\",\"usagePoint\":\"%s\","
		 "\"tenancy\":\"%s\",\"creditAmount\":{\"value\":%lld,\"multiplier\":-2,"
		 "\"monetaryUnit\":%d},\"creditType\":\"paid\",\"effectiveTime\":1,\"iat\":1,"
		 "\"exp\":9999999999%s}",
		 row->kind == FEED_OTHER_SITE ? "S-2" : "S-1", row->mrid, room, tenancy,
		 (long long)minor, row->kind == FEED_OTHER_CURRENCY ? 840 : 156, reverses);
}

/* Nine in ten are for this box; of those one in eight takes an older credit back. */
static void choose(struct feed *feed, size_t order, struct random *random)
{
	struct feed_row *row = &feed->orders[order];
	int64_t dice = random_between(random, 0, 79);
	int64_t minor = random_between(random, 1, 9999);
	snprintf(row->mrid, sizeof(row->mrid), "r-%zu", order);
	row->room = (int)random_between(random, 0, FEED_ROOMS - 1);
	row->kind = dice < 8 ? (enum feed_order)(FEED_NO_ROOM + (int)dice % 5) : FEED_CREDIT;
	if (dice >= 8 && dice < 17 && order > 0) {
		size_t older = (size_t)random_between(random, 0, (int64_t)order - 1);
		while (older > 0 && feed->orders[older].kind != FEED_CREDIT)
			older--;
		if (feed->orders[older].kind == FEED_CREDIT) {
			row->kind = FEED_REVERSAL;
			row->reverses = older;
			row->room = feed->orders[older].room;
			minor = -minor;
		}
	}
	row->amount_nano = minor * 10000000;
}

void feed_open(struct feed *feed, struct random *random)
{
	for (int i = 0; i < 2; i++) {
		feed->keys[i] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		assert_non_null(feed->keys[i]);
	}
	for (size_t order = 0; order < FEED_ORDERS; order++) {
		struct feed_row *row = &feed->orders[order];
		char payload[512], other[512];
		choose(feed, order, random);
		int64_t minor = row->amount_nano / 10000000;
		write_payload(feed, row, minor, payload, sizeof(payload));
		write_payload(feed, row, minor + (minor < 0 ? -1 : 1), other, sizeof(other));
		row->items[FEED_GENUINE] = sign(feed->keys[0],
						row->kind == FEED_UNKNOWN_KEY ? "pay-9" : "pay-1",
						row->mrid, payload);
		row->items[FEED_SIGNED_AGAIN] = sign(
			feed->keys[1], row->kind == FEED_UNKNOWN_KEY ? "pay-8" : "pay-2", row->mrid,
			payload);
		row->items[FEED_BAD_SIGNATURE] = change(row->items[FEED_GENUINE], "sig");
		row->items[FEED_CHANGED] = change(row->items[FEED_GENUINE], "p");
		row->items[FEED_IMPOSTOR] = sign(feed->keys[0], "pay-1", row->mrid, other);
	}
}

void feed_close(struct feed *feed)
{
	for (size_t order = 0; order < FEED_ORDERS; order++)
		for (int i = 0; i < FEED_VARIANTS; i++)
			json_decref(feed->orders[order].items[i]);
	for (int i = 0; i < 2; i++)
		EVP_PKEY_free(feed->keys[i]);
}

bool feed_may(const struct feed_known *known, size_t order, enum feed_variant variant)
{
	return variant != FEED_IMPOSTOR || known->fates[order].taken;
}

/* An attempt that proves nothing is told the first time. */
static struct feed_answer refused(struct feed_fate *fate, enum feed_variant variant)
{
	uint8_t bit = (uint8_t)(1U << variant);
	enum alarm_kind alarm = ALARM_KIND_COUNT;
	if (!(fate->refused & bit))
		alarm = variant == FEED_IMPOSTOR ? ALARM_ORDER_COLLISION : ALARM_ORDER_SIGNATURE;
	fate->refused |= bit;
	return (struct feed_answer){.result = "rejected", .alarm = alarm};
}

static bool reverse(const struct feed *feed, struct feed_known *known, const struct feed_row *row)
{
	struct feed_fate *credit = &known->fates[row->reverses];
	int64_t sum_nano = credit->taken_back_nano - row->amount_nano;
	if (!credit->applied || sum_nano > feed->orders[row->reverses].amount_nano)
		return false;
	credit->taken_back_nano = sum_nano;
	return true;
}

struct feed_answer feed_expect(const struct feed *feed, struct feed_known *known, size_t order,
			       enum feed_variant variant)
{
	const struct feed_row *row = &feed->orders[order];
	struct feed_fate *fate = &known->fates[order];
	struct feed_answer answer = {.result = "applied", .alarm = ALARM_KIND_COUNT};
	bool own = variant != FEED_CHANGED && variant != FEED_IMPOSTOR;
	if (fate->taken && own) {
		answer.result = "duplicate";
		return answer;
	}
	if (!own || variant == FEED_BAD_SIGNATURE || row->kind == FEED_UNKNOWN_KEY)
		return refused(fate, variant);
	fate->taken = true;
	fate->applied = row->kind == FEED_CREDIT ||
			(row->kind == FEED_REVERSAL && reverse(feed, known, row));
	if (fate->applied)
		return answer;
	bool elsewhere = row->kind == FEED_OTHER_SITE || row->kind == FEED_OTHER_CURRENCY;
	answer.result = elsewhere ? "rejected" : "quarantined";
	answer.alarm = elsewhere || row->kind == FEED_REVERSAL ? ALARM_ORDER_REFUSED
							       : ALARM_ORDER_UNKNOWN_ROOM;
	return answer;
}
