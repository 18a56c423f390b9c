/* The answer to a poll of the feed, and the body of a POST. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#define ZLIB_CONST
#include <zlib.h>

#include "uplink/body.h"
#include "uplink/feed.h"

#define ITEM                                                                                       \
	"{\"type\":\"CreditRegister\",\"mRID\":\"r-1\",\"kid\":\"k\",\"p\":\"e30\",\"sig\":"       \
	"\"AA\"}"

static void each_answer_is_taken_or_refused_whole(void **state)
{
	static const struct {
		const char *sentence, *answer;
		int r;
		size_t items, passed_over;
	} rows[] = {
		{"nothing new", "{\"cursor\":\"c\",\"items\":[]}", 0, 0, 0},
		{"one item", "{\"cursor\":\"c\",\"items\":[" ITEM "]}", 0, 1, 0},
		{"all members",
		 "{\"cursor\":\"c\",\"more\":true,\"wait\":30,\"items\":[" ITEM "," ITEM "]}", 0, 2,
		 0},
		{"unknown members are ignored, also reals",
		 "{\"cursor\":\"c\",\"new\":{\"a\":[1.5]},\"items\":[]}", 0, 0, 0},
		{"elements without a usable id are passed over",
		 "{\"cursor\":\"c\",\"items\":[7,{},{\"type\":\"x\"},{\"type\":\"x\",\"mRID\":5},"
		 "{\"type\":\"x\",\"mRID\":\"a b\"}," ITEM "]}",
		 0, 1, 5},
		{"an item may lack the rest: prepayd says so",
		 "{\"cursor\":\"c\",\"items\":[{\"type\":\"x\",\"mRID\":\"y\",\"p\":7}]}", 0, 1, 0},
		{"a captive portal", "<html>log in</html>", -EBADMSG, 0, 0},
		{"nothing", "", -EBADMSG, 0, 0},
		{"cut off", "{\"cursor\":\"c\",\"items\":[", -EBADMSG, 0, 0},
		{"something behind it", "{\"cursor\":\"c\",\"items\":[]}{}", -EBADMSG, 0, 0},
		{"two cursors", "{\"cursor\":\"c\",\"cursor\":\"d\",\"items\":[]}", -EBADMSG, 0, 0},
		{"an item with two payloads",
		 "{\"cursor\":\"c\",\"items\":[{\"type\":\"x\",\"mRID\":\"y\",\"p\":\"a\",\"p\":"
		 "\"b\"}]}",
		 -EBADMSG, 0, 0},
		{"no cursor", "{\"items\":[]}", -EBADMSG, 0, 0},
		{"an empty cursor", "{\"cursor\":\"\",\"items\":[]}", -EBADMSG, 0, 0},
		{"a cursor with a line end", "{\"cursor\":\"a\\nb\",\"items\":[]}", -EBADMSG, 0, 0},
		{"a cursor with a NUL", "{\"cursor\":\"a\\u0000b\",\"items\":[]}", -EBADMSG, 0, 0},
		{"a cursor that is a number", "{\"cursor\":7,\"items\":[]}", -EBADMSG, 0, 0},
		{"no items", "{\"cursor\":\"c\"}", -EBADMSG, 0, 0},
		{"items that are none", "{\"cursor\":\"c\",\"items\":{}}", -EBADMSG, 0, 0},
		{"more that is no boolean", "{\"cursor\":\"c\",\"more\":1,\"items\":[]}", -EBADMSG,
		 0, 0},
		{"a wait of nothing", "{\"cursor\":\"c\",\"wait\":0,\"items\":[]}", -EBADMSG, 0, 0},
		{"a wait for ever", "{\"cursor\":\"c\",\"wait\":601,\"items\":[]}", -EBADMSG, 0, 0},
		{"a list", "[]", -EBADMSG, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct feed feed = {.items = NULL};
		int r = feed_parse(rows[i].answer, strlen(rows[i].answer), &feed);

		if (r != rows[i].r || json_array_size(feed.items) != rows[i].items ||
		    feed.passed_over != rows[i].passed_over)
			fail_msg("%s: %d, %zu items, %zu passed over", rows[i].sentence, r,
				 json_array_size(feed.items), feed.passed_over);
		feed_release(&feed);
	}
}

static void the_members_are_what_was_sent(void **state)
{
	static const char answer[] =
		"{\"cursor\":\"c-9\",\"more\":true,\"wait\":30,\"items\":[" ITEM "]}";
	struct feed feed;
	char *item;

	(void)state;
	assert_int_equal(feed_parse(answer, strlen(answer), &feed), 0);
	assert_string_equal(feed.cursor, "c-9");
	assert_true(feed.more);
	assert_int_equal(feed.wait_s, 30);
	item = json_dumps(json_array_get(feed.items, 0), JSON_COMPACT);
	assert_string_equal(item, ITEM);
	free(item);
	feed_release(&feed);
}

static void an_item_too_large_goes_on_without_its_payload(void **state)
{
	char answer[FEED_PAYLOAD_MAX + 200];
	struct feed feed;

	(void)state;
	for (int over = 0; over < 2; over++) {
		int len = snprintf(answer, sizeof(answer),
				   "{\"cursor\":\"c\",\"items\":[{\"type\":\"x\",\"mRID\":\"y\","
				   "\"p\":\"%0*d\"}]}",
				   FEED_PAYLOAD_MAX + over, 0);

		assert_int_equal(feed_parse(answer, (size_t)len, &feed), 0);
		const json_t *item = json_array_get(feed.items, 0);
		assert_string_equal(json_string_value(json_object_get(item, "type")),
				    over ? "Oversize" : "x");
		assert_string_equal(json_string_value(json_object_get(item, "mRID")), "y");
		assert_int_equal(json_string_length(json_object_get(item, "p")),
				 over ? 0 : FEED_PAYLOAD_MAX);
		feed_release(&feed);
	}
}

static void build(size_t n, bool may_gzip, struct body *ret_body)
{
	struct batch_row rows[BATCH_ROWS_MAX], *pointers[BATCH_ROWS_MAX] = {NULL};

	for (size_t i = 0; i < n; i++) {
		rows[i] = (struct batch_row){.path = PATH_EVENTS,
					     .content = json_pack("{s:i}", "seq", (int)i)};
		pointers[i] = &rows[i];
	}
	assert_int_equal(body_build(pointers, n, 7, may_gzip, ret_body), 0);
	for (size_t i = 0; i < n; i++)
		json_decref(rows[i].content);
}

static void a_small_body_goes_plain_and_a_large_one_compressed(void **state)
{
	static char plain[65536];
	struct body body, packed;
	z_stream stream = {0};

	(void)state;
	build(1, true, &body);
	assert_false(body.gzip);
	assert_string_equal(body.bytes, "{\"epoch\":7,\"events\":[{\"seq\":0}]}");
	free(body.bytes);

	build(BATCH_ROWS_MAX, false, &body);
	build(BATCH_ROWS_MAX, true, &packed);
	assert_false(body.gzip);
	assert_true(packed.gzip && packed.len < body.len);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (const unsigned char *)packed.bytes;
	stream.avail_in = (unsigned)packed.len;
	stream.next_out = (unsigned char *)plain;
	stream.avail_out = sizeof(plain) - 1;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, body.len);
	assert_memory_equal(plain, body.bytes, body.len);
	(void)inflateEnd(&stream);
	free(packed.bytes);
	free(body.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_is_taken_or_refused_whole),
		cmocka_unit_test(the_members_are_what_was_sent),
		cmocka_unit_test(an_item_too_large_goes_on_without_its_payload),
		cmocka_unit_test(a_small_body_goes_plain_and_a_large_one_compressed),
	};

	return cmocka_run_group_tests_name("uplink_feed", tests, NULL, NULL);
}
