/* verbs_relay.c - what people wish of a relay, and letting held cuts go. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_supply.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_cuts.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_state.h"

/* Sets or clears one person's wish, on the disk first. */
static int set_wish(struct station *station, struct station_supply *supply, enum layer layer,
		    enum supply_wish wish, const struct control_call *call)
{
	const char *reason = message_arg_string(call->args, "reason");
	struct ledger_wish record = {
		.supply_id = supply->record.id,
		.layer = (int32_t)layer,
		.position = (int32_t)wish,
		.uid = (int64_t)call->peer.uid,
		.at_s = station->now.s,
		.trusted = station->now.trusted,
	};
	snprintf(record.owner, sizeof(record.owner), "%s", call->peer.user);
	snprintf(record.reason, sizeof(record.reason), "%s", reason);

	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	r = wish == SUPPLY_NO_WISH
		    ? ledger_wish_clear(station->ledger, record.supply_id, record.layer)
		    : ledger_wish_set(station->ledger, &record);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	struct station_wish *kept = &supply->wishes[layer == LAYER_OPERATOR];
	*kept = (struct station_wish){.uid = record.uid};
	if (wish != SUPPLY_NO_WISH) {
		memcpy(kept->owner, record.owner, sizeof(kept->owner));
		memcpy(kept->reason, record.reason, sizeof(kept->reason));
	}
	supply->layers.wish[layer] = wish;
	return 0;
}

/* The supplies a call means: the named circuit, or all of the room that have a relay. */
static size_t meant(struct station *station, struct control_call *call,
		    struct station_supply *ret[static LAYERS_SUPPLIES_MAX])
{
	if (message_arg_string(call->args, "circuit") != NULL) {
		struct station_supply *supply = verbs_supply(station, call);
		if (supply == NULL)
			return 0;
		if (supply->relay == NULL) {
			control_fail(call, PROBLEM_REFUSED, "%s of room %s has no relay",
				     supply->record.circuit, supply->room->record.name);
			return 0;
		}
		ret[0] = supply;
		return 1;
	}
	struct station_room *room = verbs_room(station, call);
	size_t count = 0;
	if (room == NULL)
		return 0;
	for (size_t i = 0; i < room->supply_count; i++)
		if (room->supplies[i]->relay != NULL)
			ret[count++] = room->supplies[i];
	if (count == 0)
		control_fail(call, PROBLEM_REFUSED, "room %s has no relay", room->record.name);
	return count;
}

static void reply_supplies(struct station *station, struct control_call *call,
			   struct station_supply *const supplies[], size_t count)
{
	json_t *rows = json_array();
	station_review(station, supplies[0]->room);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, verbs_supply_row(station, supplies[i]));
	control_reply(call, json_pack("{s:o}", "supplies", rows), NULL);
}

int verb_relay_set(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_supply *supplies[LAYERS_SUPPLIES_MAX];
	const char *position = message_arg_string(call->args, "position");
	enum supply_wish wish = strcmp(position, "on") == 0    ? SUPPLY_ON
				: strcmp(position, "off") == 0 ? SUPPLY_OFF
							       : SUPPLY_NO_WISH;
	if (wish == SUPPLY_NO_WISH && strcmp(position, "auto") != 0) {
		control_fail(call, PROBLEM_USAGE, "position is on, off or auto, not %s", position);
		return 0;
	}
	size_t count = meant(station, call, supplies);
	for (size_t i = 0; i < count; i++) {
		int r = set_wish(station, supplies[i], LAYER_OPERATOR, wish, call);
		if (r < 0)
			return r;
	}
	if (count > 0)
		reply_supplies(station, call, supplies, count);
	return 0;
}

int verb_relay_connect(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_supply *supplies[LAYERS_SUPPLIES_MAX];
	size_t count = meant(station, call, supplies), armed = 0;
	for (size_t i = 0; i < count; i++) {
		int r = station_relay_connect(station, supplies[i]);
		if (r < 0)
			return r;
		armed += (size_t)r;
	}
	if (count > 0 && armed == 0)
		control_fail(call, PROBLEM_CONFLICT, "no relay of room %s waits for a person",
			     supplies[0]->room->record.name);
	else if (count > 0)
		reply_supplies(station, call, supplies, count);
	return 0;
}

int verb_relay_lockout(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_supply *supplies[LAYERS_SUPPLIES_MAX];
	size_t count = meant(station, call, supplies);
	for (size_t i = 0; i < count; i++) {
		const struct station_wish *held = &supplies[i]->wishes[0];
		if (supplies[i]->layers.wish[LAYER_LOCKOUT] != SUPPLY_NO_WISH &&
		    held->uid != (int64_t)call->peer.uid) {
			control_fail(call, PROBLEM_CONFLICT,
				     "%s of room %s is locked out by %s (%s)",
				     supplies[i]->record.circuit, supplies[i]->room->record.name,
				     held->owner, held->reason);
			return 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		int r = set_wish(station, supplies[i], LAYER_LOCKOUT, SUPPLY_OFF, call);
		if (r < 0)
			return r;
		journal_log(LOG_NOTICE, MESSAGE_ID_RELAY_LOCKED_OUT,
			    JOURNAL_FIELDS({"ROOM", supplies[i]->room->record.name}),
			    "room %s: %s locked out by %s", supplies[i]->room->record.name,
			    supplies[i]->record.circuit, call->peer.user);
	}
	if (count > 0)
		reply_supplies(station, call, supplies, count);
	return 0;
}

/* S5: by its owner, or an admin. */
int verb_relay_release(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_supply *supplies[LAYERS_SUPPLIES_MAX];
	size_t count = meant(station, call, supplies), locked = 0;
	for (size_t i = 0; i < count; i++) {
		if (supplies[i]->layers.wish[LAYER_LOCKOUT] == SUPPLY_NO_WISH)
			continue;
		locked++;
		if (supplies[i]->wishes[0].uid != (int64_t)call->peer.uid &&
		    call->peer.role != CONTROL_ADMIN) {
			control_fail(call, PROBLEM_NOT_AUTHORISED,
				     "%s locked it out; that person or an admin releases it",
				     supplies[i]->wishes[0].owner);
			return 0;
		}
	}
	if (count > 0 && locked == 0) {
		control_fail(call, PROBLEM_CONFLICT, "room %s is not locked out",
			     supplies[0]->room->record.name);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (supplies[i]->layers.wish[LAYER_LOCKOUT] == SUPPLY_NO_WISH)
			continue;
		int r = set_wish(station, supplies[i], LAYER_LOCKOUT, SUPPLY_NO_WISH, call);
		if (r < 0)
			return r;
		journal_log(LOG_NOTICE, MESSAGE_ID_RELAY_RELEASED,
			    JOURNAL_FIELDS({"ROOM", supplies[i]->room->record.name}),
			    "room %s: %s released by %s", supplies[i]->room->record.name,
			    supplies[i]->record.circuit, call->peer.user);
	}
	if (count > 0)
		reply_supplies(station, call, supplies, count);
	return 0;
}

int verb_cuts_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t at = verbs_cursor(call);
	if (at < 0)
		return -EINVAL;
	json_t *rows = json_array();
	size_t bytes = 0, i = (size_t)at;
	for (; i < station->room_count && json_array_size(rows) < MESSAGE_ROWS_MAX; i++) {
		const struct station_room *room = station->rooms[i];
		if (!room->was_due)
			continue;
		int64_t earliest_s = station_earliest_s(station, room);
		json_t *row = json_pack("{s:s,s:o,s:o,s:o}", "room", room->record.name, "balance",
					station_money(station, room->live_nano), "balance_nano",
					message_nano(room->live_nano), "due_s",
					earliest_s == 0 ? json_null() : json_integer(earliest_s));
		if (!verbs_fits(row, &bytes, rows)) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	bool held = station->mass.held != MASS_CUT_NONE;
	int64_t since_s = station->now.s - (station->now.us - station->mass.held_us) / 1000000;
	char more[24];
	snprintf(more, sizeof(more), "%zu", i);
	control_reply(call,
		      json_pack("{s:b,s:s,s:o,s:o}", "held", held, "reason",
				mass_cut_reason_name(station->mass.held), "since_s",
				held ? json_integer(since_s) : json_null(), "rows", rows),
		      i < station->room_count ? more : NULL);
	return 0;
}

int verb_cuts_confirm(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	if (station->mass.held == MASS_CUT_NONE) {
		control_fail(call, PROBLEM_CONFLICT, "no cuts are held");
		return 0;
	}
	int r = station_cuts_confirm(station);
	if (r < 0)
		return r;
	journal_log(LOG_NOTICE, MESSAGE_ID_CUTS_CONFIRMED, NULL,
		    "held cuts go ahead, confirmed by %s", call->peer.user);
	for (size_t i = 0; i < station->room_count; i++)
		station_review(station, station->rooms[i]);
	control_reply(call, NULL, NULL);
	return 0;
}
