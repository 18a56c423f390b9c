/* feed.c - see feed.h */
#include "uplink/feed.h"

#include <errno.h>
#include <string.h>

/* Whether text is at most max printable ASCII characters, without space. */
static bool is_name(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

/* The string member of that key when it fits, else "": prepayd refuses what is missing, by name. */
static const char *text_of(const json_t *element, const char *key, size_t max)
{
	const char *text = json_string_value(json_object_get(element, key));

	return text != NULL && is_name(text, max) ? text : "";
}

static json_t *item_of(const json_t *element)
{
	const char *type = text_of(element, "type", FEED_NAME_MAX);
	const char *mrid = text_of(element, "mRID", FEED_NAME_MAX);

	if (*type == '\0' || *mrid == '\0')
		return NULL;
	if (json_string_length(json_object_get(element, "p")) > FEED_PAYLOAD_MAX)
		return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "Oversize", "mRID", mrid,
				 "kid", "", "p", "", "sig", "");
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", type, "mRID", mrid, "kid",
			 text_of(element, "kid", FEED_NAME_MAX), "p",
			 text_of(element, "p", FEED_PAYLOAD_MAX), "sig",
			 text_of(element, "sig", FEED_SIG_MAX));
}

static int read_items(const json_t *elements, struct feed *feed)
{
	for (size_t i = 0; i < json_array_size(elements); i++) {
		json_t *item = item_of(json_array_get(elements, i));

		if (item == NULL)
			feed->passed_over++;
		else if (json_array_append_new(feed->items, item) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Something else under that name is not ours to understand. */
static void read_known(const json_t *known, struct feed *feed)
{
	json_int_t epoch = json_integer_value(json_object_get(known, "epoch"));
	json_int_t through = json_integer_value(json_object_get(known, "through"));

	if (epoch < 1 || epoch >= INT32_MAX || through < 0)
		return;
	feed->known_epoch = (int64_t)epoch;
	feed->known_through = (int64_t)through;
}

static int read_frame(const json_t *root, struct feed *feed)
{
	const char *cursor = json_string_value(json_object_get(root, "cursor"));
	const json_t *more = json_object_get(root, "more"), *wait = json_object_get(root, "wait");
	const json_t *elements = json_object_get(root, "items");

	if (cursor == NULL || *cursor == '\0' || !is_name(cursor, FEED_CURSOR_MAX))
		return -EBADMSG;
	if (more != NULL && !json_is_boolean(more))
		return -EBADMSG;
	if (wait != NULL && (!json_is_integer(wait) || json_integer_value(wait) < 1 ||
			     json_integer_value(wait) > FEED_WAIT_MAX_S))
		return -EBADMSG;
	if (!json_is_array(elements) || json_array_size(elements) > FEED_ITEMS_MAX)
		return -EBADMSG;

	read_known(json_object_get(root, "known"), feed);
	strcpy(feed->cursor, cursor);
	feed->more = json_is_true(more);
	feed->wait_s = wait != NULL ? (int64_t)json_integer_value(wait) : 0;
	return read_items(elements, feed);
}

int feed_parse(const char *bytes, size_t len, struct feed *ret_feed)
{
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	struct feed feed = {.items = json_array()};
	int r;

	if (feed.items == NULL)
		r = -ENOMEM;
	else if (!json_is_object(root))
		r = -EBADMSG;
	else
		r = read_frame(root, &feed);
	json_decref(root);
	if (r < 0) {
		feed_release(&feed);
		return r;
	}
	*ret_feed = feed;
	return 0;
}

void feed_release(struct feed *feed)
{
	json_decref(feed->items);
	feed->items = NULL;
}
