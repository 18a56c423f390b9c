/* verbs_room.c - rooms for people and programs. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/platform/text.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_event.h"
#include "concentrator/station_figures.h"
#include "concentrator/station_hold.h"
#include "concentrator/station_money.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_protect.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_room.h"
#include "concentrator/station_state.h"
#include "concentrator/station_tenancy.h"
#include "concentrator/verbs_entry.h"

#define SHOW_ENTRIES 5

static json_t *device_json(const struct ledger_device *device)
{
	return json_pack("{s:s,s:i,s:i,s:s}", "line", device->line, "address", device->address,
			 "channel", device->channel, "model", device->model);
}

static json_t *age_json(const struct station *station, int64_t at_us)
{
	return at_us == 0 ? json_null() : json_integer((station->now.us - at_us) / 1000000);
}

static json_t *quantity_json(const struct station_supply *supply, enum quantity quantity)
{
	return reading_has(&supply->latest, quantity) ? json_integer(supply->latest.value[quantity])
						      : json_null();
}

static const char *meter_state(const struct station *station, const struct station_supply *supply)
{
	if (supply->meter == NULL || !supply->meter->scheduled)
		return "none";
	return station_device_state(station, supply->meter);
}

static bool supply_stale(const struct station *station, const struct station_supply *supply)
{
	return supply->meter != NULL &&
	       (supply->latest.at_us == 0 ||
		station->now.us - supply->latest.at_us > station->config->policy.stale_s * 1000000);
}

/* Who decides about the supply, in words. */
static json_t *why_json(const struct station_supply *supply)
{
	switch (supply->verdict.layer) {
	case LAYER_LOCKOUT:
	case LAYER_OPERATOR: {
		const struct station_wish *wish =
			&supply->wishes[supply->verdict.layer == LAYER_OPERATOR];
		return json_sprintf("%s: %s", wish->owner, wish->reason);
	}
	case LAYER_MONEY:
		return json_string(supply->verdict.wish == SUPPLY_HOLD
					   ? "waiting for a first reading"
					   : "no credit");
	case LAYER_KEEP:
		return json_string("never cut");
	case LAYER_SAFETY:
	case LAYER_CLOUD:
	case LAYER_SCHEDULE:
		return json_string(layer_name(supply->verdict.layer));
	case LAYER_NOBODY:
		break;
	}
	return json_string("");
}

json_t *verbs_supply_row(const struct station *station, const struct station_supply *supply)
{
	const struct ledger_supply *record = &supply->record;
	bool life = supply->life.id != 0;
	json_t *lockout = json_null();
	if (supply->layers.wish[LAYER_LOCKOUT] != SUPPLY_NO_WISH)
		lockout = json_pack("{s:s,s:s}", "owner", supply->wishes[0].owner, "reason",
				    supply->wishes[0].reason);
	json_t *row = json_pack(
		"{s:s,s:o,s:o,s:s,s:o,s:s,s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:i,s:b,"
		"s:i,s:s,s:o}",
		"circuit", record->circuit, "point",
		record->has_point ? device_json(&record->point) : json_null(), "relay",
		record->has_relay ? device_json(&record->relay) : json_null(), "position",
		relay_position_name(relay_believed(&supply->relay_state)), "position_age_s",
		age_json(station, supply->seen.position_us), "wished",
		supply_wish_name(supply->verdict.wish), "layer", layer_name(supply->verdict.layer),
		"reason", why_json(supply), "verified",
		relay_verify_name(supply->relay_state.verify), "power_w",
		quantity_json(supply, QUANTITY_POWER_W), "voltage_mv",
		quantity_json(supply, QUANTITY_VOLTAGE_L1_MV), "register_wh",
		life ? json_integer(supply->guard.accepted.wh) : json_null(), "settled_wh",
		life ? json_integer(supply->settled.wh) : json_null(), "age_s",
		age_json(station, supply->latest.at_us), "stale", supply_stale(station, supply),
		"meter_state", meter_state(station, supply), "cut_order", record->cut_order,
		"may_cut", record->may_cut, "breaker_a", record->breaker_a, "contact",
		record->normally_closed ? "nc" : "no", "lockout", lockout);
	return verbs_measured(row, supply->medium);
}

/* When what is left of money that the tariff gave ends, all of it. */
static json_t *allowance_until(const struct station *station, const struct station_room *room)
{
	int64_t until_s;
	return dated_kept_until(&room->dated, &station->book, &station->settings.zone, &until_s) &&
			       until_s != INT64_MAX
		       ? json_integer(until_s)
		       : json_null();
}

/* The same of energy that is free. */
static json_t *free_until(const struct station *station, const struct station_room *room)
{
	const struct tariff *tariff = tariff_at(&station->book, station->now.s);
	struct tariff_period period;
	return room->free_wh > 0 && station->now.trusted && tariff != NULL &&
			       tariff->allowance.kept.reset != TARIFF_RESET_NEVER &&
			       tariff_count_at(&station->book, &station->settings.zone,
					       station->now.s, room->use.opened_s,
					       TARIFF_COUNT_FREE, &period)
		       ? json_integer(period.until_s)
		       : json_null();
}

json_t *verbs_credits(const struct station *station, const struct station_room *room)
{
	struct credit_line lines[CREDIT_TYPES];
	json_t *rows = json_array();
	station_credit_list(station, room, lines);
	for (enum credit_type type = 0; type < CREDIT_TYPES; type++) {
		const char *state = "";
		if (type == CREDIT_EMERGENCY)
			state = station_emergency_offered(station, room)
					? "offered"
					: emergency_state_name(
						  (enum emergency_state)room->credit.emergency);
		json_array_append_new(
			rows,
			json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o}", "type", credit_type_name(type),
				  "left", station_money(station, lines[type].left_nano),
				  "left_nano", message_nano(lines[type].left_nano), "used_nano",
				  message_nano(lines[type].used_nano), "limit_nano",
				  message_nano(lines[type].limit_nano), "state", state, "until_s",
				  type == CREDIT_ALLOWANCE && lines[type].left_nano > 0
					  ? allowance_until(station, room)
					  : json_null()));
	}
	return rows;
}

/* One line for people: the most important thing about the room. */
static void describe(const struct station *station, const struct station_room *room, char *ret,
		     size_t size)
{
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		const char *circuit = supply->record.circuit;
		if (supply->layers.wish[LAYER_LOCKOUT] != SUPPLY_NO_WISH) {
			snprintf(ret, size, "%s locked out by %.40s", circuit,
				 supply->wishes[0].owner);
			return;
		}
		if (supply->relay_state.verify == RELAY_VERIFY_WRONG) {
			snprintf(ret, size, "%s does not obey", circuit);
			return;
		}
		if (supply->relay_state.armed) {
			snprintf(ret, size, "%s found open: waits for a person", circuit);
			return;
		}
		if (supply->guard.quarantined) {
			snprintf(ret, size, "%s: register in quarantine (%s)", circuit,
				 guard_reason_name(supply->guard.reason));
			return;
		}
		if (supply->meter != NULL && strcmp(meter_state(station, supply), "alive") != 0) {
			snprintf(ret, size, "%s: meter %s", circuit,
				 strcmp(meter_state(station, supply), "unknown") == 0
					 ? "not asked yet, or its line is away"
					 : meter_state(station, supply));
			return;
		}
	}
	if (room->money.cut)
		snprintf(ret, size, "cut for money");
	else if (room->money.hold == SUPPLY_HOLD_KEPT)
		snprintf(ret, size, "cut held (%s)",
			 station_kept(station, room) ? "dispute" : "protected hours");
	else if (room->money.hold != SUPPLY_HOLD_NONE)
		snprintf(ret, size, "cut held (%s)", supply_hold_name(room->money.hold));
	else if (room->answer.earliest_us != 0)
		snprintf(ret, size, "cut announced, in %lld s at the earliest",
			 (long long)(station_earliest_s(station, room) - station->now.s));
	else
		snprintf(ret, size, "%s",
			 room->supply_count > 0 && room->supplies[0]->layers.wish[LAYER_OPERATOR] ==
							   SUPPLY_OFF
				 ? "off by operator"
				 : "on");
}

json_t *verbs_room_row(const struct station *station, const struct station_room *room)
{
	char state[96];
	bool power_known = false, stale = false, any_age = false;
	int64_t power_w = 0, oldest_us = 0, days = station_days_left(station, room);
	struct supply_policy policy = station_policy(station, room);
	json_t *supplies = json_array();
	describe(station, room, state, sizeof(state));
	text_repair(state);
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		json_array_append_new(supplies, verbs_supply_row(station, supply));
		stale = stale || supply_stale(station, supply);
		if (supply->seen.load_known) {
			power_known = true;
			power_w += supply->seen.load_w;
		}
		if (supply->meter != NULL && supply->latest.at_us != 0 &&
		    (!any_age || supply->latest.at_us < oldest_us)) {
			any_age = true;
			oldest_us = supply->latest.at_us;
		}
	}
	return json_pack(
		"{s:s,s:o,s:o,s:o,s:s,s:s,s:o,s:o,s:b,s:o,s:s,s:o}", "room", room->record.name,
		"balance", station_money(station, room->live_nano), "balance_nano",
		message_nano(room->live_nano), "settled_nano", message_nano(room->settled_nano),
		"credit_status", credit_status_name(supply_credit_status(&policy, room->live_nano)),
		"service_status", service_status_name(station_service(room)), "power_w",
		power_known ? json_integer(power_w) : json_null(), "age_s",
		any_age ? age_json(station, oldest_us) : json_null(), "stale", stale, "days_left",
		days < 0 ? json_null() : json_integer(days), "state", state, "supplies", supplies);
}

int verb_room_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t at = verbs_cursor(call);
	if (at < 0) {
		control_fail(call, PROBLEM_USAGE, "cursor is not one that was given out");
		return 0;
	}
	json_t *rows = json_array();
	size_t bytes = 0, i = (size_t)at;
	for (; i < station->room_count && json_array_size(rows) < MESSAGE_ROWS_MAX; i++) {
		json_t *row = verbs_room_row(station, station->rooms[i]);
		if (!verbs_fits(row, &bytes, rows)) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	verbs_page(call, rows, i < station->room_count ? (int64_t)i : -1);
	return 0;
}

int verb_room_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	if (room == NULL)
		return 0;
	json_t *row = verbs_room_row(station, room);
	int64_t earliest_s = station_earliest_s(station, room);
	json_object_set_new(row, "tenancy", json_string(room->record.tenancy));
	json_object_set_new(row, "persons", json_integer(station_persons(room)));
	json_object_set_new(row, "free_wh", json_integer((json_int_t)room->free_wh));
	json_object_set_new(row, "free_until_s", free_until(station, room));
	json_object_set_new(row, "notice",
			    earliest_s == 0
				    ? json_null()
				    : json_pack("{s:I}", "earliest_s", (json_int_t)earliest_s));
	json_object_set_new(row, "dispute", verbs_hold(room));
	json_object_set_new(row, "protected_s",
			    station_protected(station) ? json_integer(station->protected_s)
						       : json_null());
	json_object_set_new(row, "credits", verbs_credits(station, room));
	json_object_set_new(row, "hold",
			    room->money.hold == SUPPLY_HOLD_NONE
				    ? json_null()
				    : json_pack("{s:s,s:I}", "reason",
						supply_hold_name(room->money.hold), "running_s",
						(json_int_t)(room->money.hold_run_us / 1000000)));
	json_t *entries = NULL;
	int r = verbs_entries(station, room->record.account_id, 0, SHOW_ENTRIES, &entries, NULL);
	json_object_set_new(row, "last_entries", r < 0 ? json_array() : entries);
	control_reply(call, row, NULL);
	return 0;
}

static void add_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	json_t *errors = userdata;
	if (json_array_size(errors) < MESSAGE_ROWS_MAX)
		json_array_append_new(errors,
				      json_pack("{s:I,s:s,s:s}", "row", (json_int_t)(row + 1),
						"column", column, "message", detail));
}

static int add_rooms(struct station *station, struct control_call *call, const json_t *rows,
		     const char *why, bool dry_run)
{
	json_t *errors = json_array();
	size_t count = json_array_size(rows);
	int r = station_rooms_add(station, rows, dry_run, call->peer.user, why != NULL ? why : "",
				  add_finding, errors);
	if (r == -EINVAL && json_array_size(errors) > 0) {
		const json_t *first = json_array_get(errors, 0);
		control_fail_rows(call, PROBLEM_USAGE, errors, "%s %s; nothing was changed",
				  json_string_value(json_object_get(first, "column")),
				  json_string_value(json_object_get(first, "message")));
		return 0;
	}
	json_decref(errors);
	if (r < 0)
		return r;
	control_reply(call, json_pack("{s:I,s:b}", "rows", (json_int_t)count, "dry_run", dry_run),
		      NULL);
	return 0;
}

int verb_room_add(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	json_t *row = json_copy(call->args), *rows = json_pack("[o]", row);
	if (rows != NULL)
		json_object_del(row, "reason");
	int r = rows == NULL ? -ENOMEM
			     : add_rooms(station, call, rows,
					 message_arg_string(call->args, "reason"), false);
	json_decref(rows);
	return r;
}

int verb_room_import(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	return add_rooms(station, call, json_object_get(call->args, "rows"),
			 message_arg_string(call->args, "reason"),
			 message_arg_bool(call->args, "dry_run", false));
}

int verb_room_remove(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	if (room == NULL)
		return 0;
	char balance[48], name[LEDGER_NAME_MAX + 1];
	station_amount(station, room->live_nano, balance);
	memcpy(name, room->record.name, sizeof(name));
	struct station_closing closing = {0};
	bool dry_run = message_arg_bool(call->args, "dry_run", false);
	int r = station_room_remove(station, room, message_arg_bool(call->args, "write_off", false),
				    dry_run, message_arg_string(call->args, "reason"),
				    call->peer.user, &closing);
	if (r == -ENOTEMPTY) {
		control_fail(call, PROBLEM_REFUSED,
			     "room %s has a balance of %s; refund it first, or say write-off", name,
			     balance);
		return 0;
	}
	if (r == -EBUSY) {
		control_fail(call, PROBLEM_CONFLICT,
			     "charges of missed days wait for a person: `prepay dated list`");
		return 0;
	}
	if (r == 0)
		control_reply(call,
			      json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "room", name, "amount",
					station_money(station, closing.paid_nano), "amount_nano",
					message_nano(closing.paid_nano), "rounded_nano",
					message_nano(closing.rounded_nano), "given_up_nano",
					message_nano(closing.given_up_nano), "forfeited_nano",
					message_nano(closing.forfeited_nano), "debts_nano",
					message_nano(closing.debts_nano), "dry_run", dry_run),
			      NULL);
	return r;
}

int verb_room_persons(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *room = verbs_room(station, call);
	int64_t persons = message_arg_int64(call->args, "persons", -1);
	if (room == NULL)
		return 0;
	if (persons < 0 || persons > TARIFF_PERSONS_MAX) {
		control_fail(call, PROBLEM_USAGE, "persons is 0 to %d", TARIFF_PERSONS_MAX);
		return 0;
	}
	if (!station->now.trusted) {
		control_fail(call, PROBLEM_DEGRADED,
			     "the time is not known for sure: nobody could tell since when");
		return 0;
	}
	int r = station_persons_set(station, room, (int32_t)persons, call->peer.user);
	if (r < 0)
		return r;
	station_balance(station, room);
	control_reply(call,
		      json_pack("{s:s,s:i}", "room", room->record.name, "persons",
				(int)station_persons(room)),
		      NULL);
	return 0;
}
