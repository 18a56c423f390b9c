/* station_past.c - how a room stood at an instant that has passed, by what the cloud was told.
 *
 * What is cut or restored and its notice are one transaction, and events are kept for ever.
 */
#include "concentrator/station_past.h"

#include <errno.h>
#include <string.h>

#include "concentrator/ledger_event.h"

/* Events are written in nearly the order of their times: a clock is set right by less. */
#define EARLY_S INT64_C(3600)

struct past {
	const char *room;
	int64_t at_s;
	bool cut; /* before the oldest change looked at */
};

static int notice_row(const struct ledger_event *event, void *userdata)
{
	struct past *past = userdata;
	const char *room, *level;
	if (!event->trusted)
		return 0;
	if (event->at_s < past->at_s)
		return event->at_s < past->at_s - EARLY_S;
	json_t *body = json_loads(event->body, 0, NULL);
	if (body == NULL)
		return -ENOMEM;
	if (json_unpack(body, "{s:s,s:s}", "room", &room, "level", &level) == 0 &&
	    strcmp(room, past->room) == 0) {
		if (strcmp(level, "cut") == 0)
			past->cut = false;
		else if (strcmp(level, "restored") == 0)
			past->cut = true;
	}
	json_decref(body);
	return 0;
}

int station_was_cut(const struct station *station, const struct station_room *room, int64_t at_s)
{
	struct past past = {.room = room->record.name, .at_s = at_s, .cut = room->money.cut};
	int r = ledger_events_tail(station->ledger, 0, "notice", notice_row, &past);
	return r < 0 ? r : past.cut;
}
