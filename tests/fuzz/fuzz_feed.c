/* fuzz_feed.c - what a cloud, or whoever answers in its place, may send: the answer to a poll of the feed, and
 * the answer to receipts and events. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "uplink/accepted.h"
#include "uplink/feed.h"
#include "uplink/retry_after.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Each item holds exactly the five strings that prepayd takes, within their limits. */
static void look_at_item(const json_t *item)
{
	static const struct {
		const char *key;
		size_t max;
	} members[] = {
		{"type", FEED_NAME_MAX}, {"mRID", FEED_NAME_MAX}, {"kid", FEED_NAME_MAX},
		{"p", FEED_PAYLOAD_MAX}, {"sig", FEED_SIG_MAX},
	};

	assert(json_object_size(item) == sizeof(members) / sizeof(members[0]));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *member = json_object_get(item, members[i].key);

		assert(json_is_string(member) && json_string_length(member) <= members[i].max);
		assert(i > 1 || json_string_length(member) > 0);
	}
}

static void look_at_feed(const char *text, size_t len)
{
	struct feed feed;

	if (feed_parse(text, len, &feed) < 0)
		return;
	assert(feed.cursor[0] != '\0' && strlen(feed.cursor) <= FEED_CURSOR_MAX);
	assert(feed.wait_s >= 0 && feed.wait_s <= FEED_WAIT_MAX_S);
	assert(json_array_size(feed.items) + feed.passed_over <= FEED_ITEMS_MAX);
	for (size_t i = 0; i < json_array_size(feed.items); i++)
		look_at_item(json_array_get(feed.items, i));
	feed_release(&feed);
}

/* U1: without an answer of its own a row goes on waiting. */
static void look_at_accepted(const char *text, size_t len)
{
	static struct batch batch;

	batch_clear(&batch);
	for (int64_t seq = 1; seq <= 4; seq++)
		assert(batch_add(&batch, PATH_EVENTS, seq, NULL) == 0);
	batch_start(&batch, 2);
	int r = accepted_parse(text, len, &batch);
	for (size_t i = 0; i < 4; i++)
		assert((r == 0 && i < 2) || batch.rows[i].state == ROW_WAITING);
	(void)batch_settle(&batch);
	assert(batch_through(&batch) <= 2);
}

static void look_at_header(const char *text, size_t len)
{
	char header[65];
	int64_t wait_s = 0;

	if (len >= sizeof(header))
		len = sizeof(header) - 1;
	memcpy(header, text, len);
	header[len] = '\0';
	if (retry_after_parse(header, "Sun, 06 Nov 1994 08:49:37 GMT", &wait_s) == 0)
		assert(wait_s >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	look_at_feed((const char *)bytes, len);
	look_at_accepted((const char *)bytes, len);
	look_at_header((const char *)bytes, len);
	return 0;
}
