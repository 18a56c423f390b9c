/* What was signed, by whom, for whom: every way in which an order may be wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "concentrator/order.h"
#include "concentrator/platform/encoding.h"

#define NOW_S 1790000000

struct bench {
	EVP_PKEY *pay;
	EVP_PKEY *root;
	struct order_keys keys;
};

static void raw_key(EVP_PKEY *key, uint8_t ret[static 32])
{
	size_t size = 32;
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, ret, &size), 1);
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	bench->pay = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	bench->root = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	bench->keys.version = 3;
	bench->keys.count = 2;
	bench->keys.keys[0] = (struct ledger_key){
		.kid = "pay-1", .use = "credit", .from_s = NOW_S - 1000, .to_s = NOW_S + 1000};
	bench->keys.keys[1] = (struct ledger_key){
		.kid = "cmd-1", .use = "command", .from_s = NOW_S - 1000, .to_s = NOW_S + 1000};
	raw_key(bench->pay, bench->keys.keys[0].public_key);
	raw_key(bench->pay, bench->keys.keys[1].public_key);
	bench->keys.roots.count = 1;
	raw_key(bench->root, bench->keys.roots.root[0].key);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY_free(bench->pay);
	EVP_PKEY_free(bench->root);
	free(bench);
	return 0;
}

/* An item of the feed, signed with key over prefix and payload. */
static json_t *sign(EVP_PKEY *key, const char *type, const char *kid, const char *prefix,
		    const char *payload)
{
	char text[4096], p[4096], sig[128];
	uint8_t signature[64];
	size_t size = sizeof(signature);
	int n = snprintf(text, sizeof(text), "%s%s", prefix, payload);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(context, signature, &size, (const uint8_t *)text, (size_t)n), 1);
	EVP_MD_CTX_free(context);
	base64url_encode(payload, strlen(payload), p, sizeof(p));
	base64url_encode(signature, size, sig, sizeof(sig));
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", type, "mRID", "m-1", "kid", kid, "p", p,
			 "sig", sig);
}

#define AMOUNT(value)                                                                              \
	"\"creditAmount\":{\"value\":" value ",\"multiplier\":-2,\"monetaryUnit\":156},"
#define HEAD                                                                                       \
	"{\"v\":1,\"aud\":\"S-1\",\"seq\":0,\"mRID\":\"m-1\",\"usagePoint\":\"305\",\"tenancy\":"  \
	"\"t-9\","
#define TAIL   "\"creditType\":\"paid\",\"effectiveTime\":0,\"iat\":1790000000,\"exp\":1890000000}"
#define CREDIT HEAD AMOUNT("2000") TAIL

static int verify(struct bench *bench, json_t *json, struct order_credit *credit,
		  enum order_result *result, char detail[static ORDER_DETAIL_SIZE])
{
	struct order_item item;
	const struct ledger_key *key;
	detail[0] = '\0';
	int r = order_item_parse(json, &item, detail);
	assert_int_equal(r, 0);
	r = order_credit_verify(&item, &bench->keys, "S-1", 156, credit, &key, result, detail);
	order_item_clear(&item);
	json_decref(json);
	return r;
}

static void a_signed_credit_is_taken_apart(void **state)
{
	struct order_credit credit;
	enum order_result result;
	char detail[ORDER_DETAIL_SIZE];
	struct bench *bench = *state;
	json_t *item = sign(bench->pay, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX, CREDIT);
	assert_int_equal(verify(bench, item, &credit, &result, detail), 0);
	assert_int_equal(result, ORDER_APPLIED);
	assert_int_equal(credit.amount_nano, INT64_C(20000000000));
	assert_string_equal(credit.room, "305");
	assert_string_equal(credit.tenancy, "t-9");
	assert_false(credit.subsidy);
}

static void what_proves_nothing_is_no_order(void **state)
{
	struct bench *bench = *state;
	struct {
		const char *sentence;
		json_t *item;
		const char *detail;
	} cases[] = {
		{"signed by a root instead of a payment key",
		 sign(bench->root, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX, CREDIT),
		 "signature"},
		{"signed for another purpose",
		 sign(bench->pay, "CreditRegister", "pay-1", ORDER_KEYSET_PREFIX, CREDIT),
		 "signature"},
		{"signed without a purpose",
		 sign(bench->pay, "CreditRegister", "pay-1", "", CREDIT), "signature"},
		{"named by a key that is not in force",
		 sign(bench->pay, "CreditRegister", "pay-2", ORDER_CREDIT_PREFIX, CREDIT),
		 "no key"},
		{"signed by a key for commands",
		 sign(bench->pay, "CreditRegister", "cmd-1", ORDER_CREDIT_PREFIX, CREDIT),
		 "may not sign"},
		{"dated before the key's time",
		 sign(bench->pay, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX,
		      HEAD AMOUNT("2000") "\"creditType\":\"paid\",\"effectiveTime\":0,"
					  "\"iat\":1789998999,\"exp\":1890000000}"),
		 "outside the key's time"},
		{"dated after the key's time",
		 sign(bench->pay, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX,
		      HEAD AMOUNT("2000") "\"creditType\":\"paid\",\"effectiveTime\":0,"
					  "\"iat\":1790001001,\"exp\":1890000000}"),
		 "outside the key's time"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_credit credit;
		enum order_result result;
		char detail[ORDER_DETAIL_SIZE];
		if (verify(bench, cases[i].item, &credit, &result, detail) != -EBADMSG ||
		    strstr(detail, cases[i].detail) == NULL)
			fail_msg("%s: %s", cases[i].sentence, detail);
		assert_int_equal(result, ORDER_REJECTED);
	}
}

static void one_bit_anywhere_breaks_the_proof(void **state)
{
	struct bench *bench = *state;
	json_t *json = sign(bench->pay, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX, CREDIT);
	struct order_item item;
	struct order_credit credit;
	const struct ledger_key *key;
	enum order_result result;
	char detail[ORDER_DETAIL_SIZE];
	assert_int_equal(order_item_parse(json, &item, detail), 0);
	for (size_t bit = 0; bit < item.payload_size * 8; bit++) {
		item.payload[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(order_credit_verify(&item, &bench->keys, "S-1", 156, &credit, &key,
						     &result, detail),
				 -EBADMSG);
		item.payload[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	for (size_t bit = 0; bit < SIGNATURE_SIZE * 8; bit++) {
		item.signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(order_credit_verify(&item, &bench->keys, "S-1", 156, &credit, &key,
						     &result, detail),
				 -EBADMSG);
		item.signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	assert_int_equal(order_credit_verify(&item, &bench->keys, "S-1", 156, &credit, &key,
					     &result, detail),
			 0);
	order_item_clear(&item);
	json_decref(json);
}

static void a_genuine_payload_that_is_no_credit_for_us_is_named(void **state)
{
	static const struct {
		const char *payload, *detail;
	} cases[] = {
		{"{}", "v is not 1"},
		{"[]", "not JSON"},
		{"nonsense", "not JSON"},
		{"{\"v\":1,\"v\":1}", "not JSON"},
		{"{\"v\":1,\"aud\":\"S-2\"}", "aud"},
		{"{\"v\":1,\"aud\":\"S-1\",\"mRID\":\"m-2\"}", "mRID"},
		{HEAD AMOUNT("0") TAIL, "zero"},
		{HEAD AMOUNT("-5") TAIL, "belong together"},
		{HEAD "\"reverses\":\"m-0\"," AMOUNT("5") TAIL, "belong together"},
		{HEAD AMOUNT("1.5") TAIL, "not JSON"},
		{HEAD AMOUNT("\"5\"") TAIL, "not an amount"},
		{HEAD AMOUNT("9223372036854775807") TAIL, "not an amount"},
		{HEAD "\"creditAmount\":{\"value\":5,\"multiplier\":-2,\"monetaryUnit\":840}," TAIL,
		 "currency"},
		{HEAD AMOUNT("5") "\"creditType\":\"gift\",\"effectiveTime\":0,\"iat\":1790000000,"
				  "\"exp\":1}",
		 "creditType"},
		{HEAD AMOUNT("5") "\"creditType\":\"paid\",\"effectiveTime\":0,\"exp\":1}", "iat"},
		{HEAD AMOUNT("5") "\"description\":\"a\\u0007b\"," TAIL, "description"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_credit credit;
		enum order_result result;
		char detail[ORDER_DETAIL_SIZE];
		json_t *item = sign(bench->pay, "CreditRegister", "pay-1", ORDER_CREDIT_PREFIX,
				    cases[i].payload);
		if (verify(bench, item, &credit, &result, detail) != -EINVAL ||
		    strstr(detail, cases[i].detail) == NULL)
			fail_msg("%s: %s", cases[i].payload, detail);
		assert_int_equal(result, ORDER_REJECTED);
	}
}

static void an_item_that_cannot_be_answered_is_told_apart(void **state)
{
	static const struct {
		const char *json, *mrid;
		int error;
	} cases[] = {
		{"[]", "", -EBADMSG},
		{"{}", "", -EBADMSG},
		{"{\"mRID\":\"\",\"type\":\"x\"}", "", -EBADMSG},
		{"{\"mRID\":\"a b\",\"type\":\"x\"}", "", -EBADMSG},
		{"{\"mRID\":\"m\"}", "m", -EBADMSG},
		{"{\"mRID\":\"m\",\"type\":\"x\",\"p\":\"a\",\"sig\":\"\"}", "m", -EBADMSG},
		{"{\"mRID\":\"m\",\"type\":\"x\",\"p\":\"YQ==\",\"sig\":\"\"}", "m", -EBADMSG},
		{"{\"mRID\":\"m\",\"type\":\"x\",\"p\":\"YQ\",\"sig\":\"short\"}", "m", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_item item;
		char detail[ORDER_DETAIL_SIZE];
		json_t *json = json_loads(cases[i].json, 0, NULL);
		assert_non_null(json);
		assert_int_equal(order_item_parse(json, &item, detail), cases[i].error);
		assert_string_equal(item.mrid, cases[i].mrid);
		order_item_clear(&item);
		json_decref(json);
	}
}

static void a_key_set_is_believed_from_a_root_and_upward_only(void **state)
{
#define KEY                                                                                        \
	"{\"kid\":\"k\",\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"use\":"          \
	"\"credit\",\"from\":0,\"to\":9}"
	struct bench *bench = *state;
	const struct {
		const char *payload;
		EVP_PKEY *by;
		int error;
		const char *detail;
	} cases[] = {
		{"{\"v\":1,\"version\":4,\"keys\":[" KEY "]}", bench->root, 0, ""},
		{"{\"v\":1,\"version\":4,\"keys\":[" KEY "]}", bench->pay, -EBADMSG,
		 "no payment root"},
		{"{\"v\":1,\"version\":3,\"keys\":[" KEY "]}", bench->root, -ESTALE, "in force"},
		{"{\"v\":1,\"version\":2,\"keys\":[]}", bench->root, -ESTALE, "in force"},
		{"{\"v\":1,\"version\":0,\"keys\":[]}", bench->root, -EINVAL, "version"},
		{"{\"v\":2,\"version\":4,\"keys\":[]}", bench->root, -EINVAL, "v is"},
		{"{\"v\":1,\"version\":4,\"keys\":[" KEY "," KEY "]}", bench->root, -EINVAL,
		 "twice"},
		{"{\"v\":1,\"version\":4,\"keys\":[{\"kid\":\"k\",\"key\":\"AAAA\"}]}", bench->root,
		 -EINVAL, "32 bytes"},
		{"{\"v\":1,\"version\":4,\"keys\":7}", bench->root, -EINVAL, "keys"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_item item;
		struct order_keyset *keyset = calloc(1, sizeof(*keyset));
		enum order_result result;
		char detail[ORDER_DETAIL_SIZE] = "";
		json_t *json = sign(cases[i].by, "KeysetOffer", "root", ORDER_KEYSET_PREFIX,
				    cases[i].payload);
		assert_int_equal(order_item_parse(json, &item, detail), 0);
		int r = order_keyset_verify(&item, &bench->keys, 2, keyset, &result, detail);
		if (r != cases[i].error || strstr(detail, cases[i].detail) == NULL)
			fail_msg("%s: %d %s", cases[i].payload, r, detail);
		order_item_clear(&item);
		json_decref(json);
		free(keyset);
	}
}

static void caps_of_a_key_count_minor_units_of_the_currency(void **state)
{
	struct bench *bench = *state;
	static const struct {
		int digits;
		int64_t nano;
	} cases[] = {
		{0, INT64_C(1500000000000)}, {2, INT64_C(15000000000)}, {3, INT64_C(1500000000)}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_item item;
		struct order_keyset *keyset = calloc(1, sizeof(*keyset));
		enum order_result result;
		char detail[ORDER_DETAIL_SIZE] = "";
		json_t *json = sign(bench->root, "KeysetOffer", "root", ORDER_KEYSET_PREFIX,
				    "{\"v\":1,\"version\":4,\"keys\":[{\"kid\":\"k\",\"key\":"
				    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"use\":"
				    "\"credit\",\"from\":0,\"to\":9,\"orderMax\":1500}]}");
		assert_int_equal(order_item_parse(json, &item, detail), 0);
		assert_int_equal(order_keyset_verify(&item, &bench->keys, cases[i].digits, keyset,
						     &result, detail),
				 0);
		assert_int_equal(keyset->keys[0].order_max_nano, cases[i].nano);
		order_item_clear(&item);
		json_decref(json);
		free(keyset);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_signed_credit_is_taken_apart),
		CASE(what_proves_nothing_is_no_order),
		CASE(one_bit_anywhere_breaks_the_proof),
		CASE(a_genuine_payload_that_is_no_credit_for_us_is_named),
		CASE(an_item_that_cannot_be_answered_is_told_apart),
		CASE(a_key_set_is_believed_from_a_root_and_upward_only),
		CASE(caps_of_a_key_count_minor_units_of_the_currency),
	};
	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
