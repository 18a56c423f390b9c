#include "tests/fault/checkpoint_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/ledger_event.h"

/* Told once for good, and added to; the others are told anew when they change. */
static bool is_history(const char *section)
{
	static const char *const names[] = {"orders", "decisions", "receipts", "grants"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(section, names[i]) == 0)
			return true;
	return false;
}

static void take_head(struct checkpoint_feed *feed, json_t *body)
{
	json_t *about;
	size_t index;

	/* A section of which nothing was told is empty. */
	json_array_foreach(json_object_get(body, "sections"), index, about)
	{
		const char *name = json_string_value(json_object_get(about, "name"));

		if (json_object_get(feed->sections, name) == NULL ||
		    json_integer_value(json_object_get(about, "rows")) == 0)
			json_object_set_new(feed->sections, name, json_array());
	}
	json_decref(feed->head);
	feed->head = json_incref(body);
}

static int hear(const struct ledger_event *event, void *userdata)
{
	struct checkpoint_feed *feed = userdata;
	json_t *body;

	feed->through = event->seq;
	if (strcmp(event->type, "checkpoint") != 0 || event->epoch != feed->epoch)
		return 0;
	body = json_loads(event->body, 0, NULL);
	const char *section = json_string_value(json_object_get(body, "section"));
	bool first = json_integer_value(json_object_get(body, "part")) == 0 &&
		     (!is_history(section) ||
		      json_integer_value(json_object_get(body, "checkpoint")) == 1);

	if (strcmp(section, "head") == 0) {
		take_head(feed, body);
	} else {
		if (first || json_object_get(feed->sections, section) == NULL)
			json_object_set_new(feed->sections, section, json_array());
		json_array_extend(json_object_get(feed->sections, section),
				  json_object_get(body, "rows"));
	}
	json_decref(body);
	return 0;
}

void checkpoint_feed_listen(struct checkpoint_feed *feed, struct ledger *ledger)
{
	struct ledger_outbox outbox;

	assert_int_equal(ledger_outbox_get(ledger, &outbox), 0);
	if (feed->sections == NULL)
		feed->sections = json_object();
	/* Its first checkpoint tells everything anew; until then the last one stands. */
	if (outbox.epoch > feed->epoch)
		feed->through = 0;
	feed->epoch = outbox.epoch;
	assert_int_equal(ledger_events_each(ledger, feed->through, -1, INT32_MAX, hear, feed), 0);
}

void checkpoint_feed_close(struct checkpoint_feed *feed)
{
	json_decref(feed->head);
	json_decref(feed->sections);
	*feed = (struct checkpoint_feed){0};
}
