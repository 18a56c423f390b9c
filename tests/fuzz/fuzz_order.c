/* fuzz_order.c - items of the feed as anybody on the way may write them. None of them is signed by us. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/order.h"
#include "concentrator/platform/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct order_keyset keyset;
	static struct order_keys keys = {
		.count = 1,
		.keys = {{.kid = "pay-1", .use = "credit", .to_s = INT64_MAX}},
		.roots = {.count = 1},
	};
	char text[MESSAGE_DETAIL_SIZE], detail[ORDER_DETAIL_SIZE];
	struct order_credit credit;
	struct order_item item;
	const struct ledger_key *key;
	enum order_result result;
	json_t *json;

	if (message_parse((const char *)bytes, len, &json, text) < 0)
		return 0;
	int r = order_item_parse(json, &item, detail);
	assert(strlen(item.mrid) <= LEDGER_ID_MAX);
	if (r == 0) {
		r = order_credit_verify(&item, &keys, "S-1", 156, &credit, &key, &result, detail);
		assert(r == -EBADMSG);
		r = order_keyset_verify(&item, &keys, 2, &keyset, &result, detail);
		assert(r == -EBADMSG);
	}
	order_item_clear(&item);
	json_decref(json);
	return 0;
}
