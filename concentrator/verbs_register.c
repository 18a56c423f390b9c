/* verbs_register.c - registers that were not believed, and meters that were exchanged. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_change.h"
#include "concentrator/station_event.h"
#include "concentrator/station_register.h"
#include "concentrator/station_state.h"

#define PAGE_QUARANTINES 64 /* of at most 700 bytes: a page fits a line */

struct rows {
	const struct station *station;
	json_t *rows;
	int64_t last;
};

static struct station_supply *supply_of(const struct station *station, int64_t id)
{
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->record.id == id)
			return station->supplies[i];
	return NULL;
}

static json_t *quarantine_json(const struct station *station,
			       const struct ledger_quarantine *record)
{
	static const char *const states[] = {"open", "returned", "accepted", "rejected"};
	const struct station_supply *supply = supply_of(station, record->supply_id);
	bool open = record->state == LEDGER_QUARANTINE_OPEN;
	int64_t offset = supply != NULL ? supply->life.offset_wh : 0;
	int64_t pending = open && record->reading_wh > record->baseline_wh - offset
				  ? record->reading_wh - (record->baseline_wh - offset)
				  : 0;
	enum medium medium = MEDIUM_ELECTRICITY;
	if (ledger_life_medium(station->ledger, record->life_id, &medium) < 0)
		medium = supply == NULL ? MEDIUM_ELECTRICITY : supply->medium;
	json_t *row = json_pack(
		"{s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:s,s:I,s:s}", "id", (json_int_t)record->id,
		"room", supply == NULL ? "" : supply->room->record.name, "circuit",
		supply == NULL ? "" : supply->record.circuit, "reason", record->reason,
		"baseline_wh", (json_int_t)record->baseline_wh, "reading_wh",
		(json_int_t)record->reading_wh, "opened_s", (json_int_t)record->opened_s,
		"closed_s", open ? json_null() : json_integer(record->closed_s), "state",
		states[record->state], "pending_wh", (json_int_t)pending, "decided_by",
		record->decided_by);
	return verbs_measured(row, medium);
}

static int quarantine_row(const struct ledger_quarantine *record, void *userdata)
{
	struct rows *rows = userdata;
	rows->last = record->id;
	json_array_append_new(rows->rows, quarantine_json(rows->station, record));
	return 0;
}

int verb_quarantine_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct rows rows = {.station = station, .rows = json_array()};
	int64_t before = verbs_cursor(call);
	int r = before < 0
			? -EINVAL
			: ledger_quarantines_tail(station->ledger,
						  message_arg_bool(call->args, "open", true),
						  before, PAGE_QUARANTINES, quarantine_row, &rows);
	if (r < 0) {
		json_decref(rows.rows);
		return r;
	}
	verbs_page(call, rows.rows, json_array_size(rows.rows) < PAGE_QUARANTINES ? -1 : rows.last);
	return 0;
}

static int copy_row(const struct ledger_quarantine *record, void *userdata)
{
	struct ledger_quarantine *copy = userdata;
	*copy = *record;
	return 0;
}

/* -ENOENT after the call was answered. */
static int find(struct station *station, struct control_call *call, struct ledger_quarantine *ret)
{
	int64_t id = message_arg_int64(call->args, "id", 0);
	ret->id = 0;
	int r = id >= INT64_MAX
			? 0
			: ledger_quarantines_tail(station->ledger, false, id + 1, 1, copy_row, ret);
	if (r < 0 || (ret->id == id && id != 0))
		return r;
	control_fail(call, PROBLEM_NOT_FOUND,
		     "no reading %" PRId64 " is in quarantine; `prepay quarantine list` shows them",
		     id);
	return -ENOENT;
}

int verb_quarantine_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_quarantine record;
	int r = find(station, call, &record);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	const struct station_supply *supply = supply_of(station, record.supply_id);
	json_t *row = quarantine_json(station, &record);
	enum medium medium = supply == NULL ? MEDIUM_ELECTRICITY : supply->medium;
	int64_t at_us = supply == NULL ? 0 : supply->value_us[guard_register(medium)];
	json_object_set_new(row, medium == MEDIUM_WATER ? "register_l" : "register_wh",
			    at_us == 0
				    ? json_null()
				    : json_integer(supply->latest.value[guard_register(medium)]));
	json_object_set_new(row, "age_s",
			    at_us == 0 ? json_null()
				       : json_integer((station->now.us - at_us) / 1000000));
	json_object_set_new(row, "serial",
			    supply == NULL || supply->life.serial[0] == '\0'
				    ? json_null()
				    : json_string(supply->life.serial));
	control_reply(call, row, NULL);
	return 0;
}

/* Ends the change and answers. error is of the decision. */
static int finish(struct station *station, struct control_call *call, struct station_change *change,
		  struct station_supply *supply, const struct station_decision *decision, int error)
{
	struct station_room *room = supply->room;
	int64_t balance_nano = room->settled_nano;
	if (error == 0)
		error = ledger_balance_nano(station->ledger, room->record.account_id,
					    &balance_nano);
	int r = station_change_end(station, change, error);
	if (r == -EPERM && decision->refusal[0] != '\0') {
		control_fail(call, PROBLEM_REFUSED, "%s", decision->refusal);
		return 0;
	}
	if (r < 0)
		return r;
	if (!change->dry_run) {
		station_register_decided(station, supply);
		journal_log(
			LOG_NOTICE, MESSAGE_ID_REGISTER_DECIDED,
			JOURNAL_FIELDS({"ROOM", room->record.name}),
			"room %s %s: %s by %s: %lld %s (%s), the register goes on from %lld %s: %s",
			room->record.name, supply->record.circuit, call->verb, change->who,
			(long long)decision->energy_wh, medium_unit(supply->medium),
			decision->kind == 0 ? "none" : entry_kind_name(decision->kind),
			(long long)decision->baseline_wh, medium_unit(supply->medium), change->why);
	}
	json_t *row = json_pack(
		"{s:s,s:s,s:o,s:I,s:I,s:I,s:o,s:o,s:b,s:I,s:o,s:o,s:b}", "room", room->record.name,
		"circuit", supply->record.circuit, "kind",
		decision->kind == 0 ? json_null() : json_string(entry_kind_name(decision->kind)),
		"from_wh", (json_int_t)decision->from_wh, "to_wh", (json_int_t)decision->to_wh,
		"energy_wh", (json_int_t)decision->energy_wh, "amount",
		station_money(station, decision->amount_nano), "amount_nano",
		message_nano(decision->amount_nano), "life_ended", decision->life_ended,
		"baseline_wh", (json_int_t)decision->baseline_wh, "balance",
		station_money(station, balance_nano), "balance_nano", message_nano(balance_nano),
		"dry_run", change->dry_run);
	control_reply(call, verbs_measured(row, supply->medium), NULL);
	return 0;
}

/* 1: the change is open; 0: the call is answered. */
static int begin(struct station *station, struct control_call *call, struct station_supply *supply,
		 struct station_change *change)
{
	change->who = call->peer.user;
	change->why = message_arg_string(call->args, "reason");
	change->dry_run = message_arg_bool(call->args, "dry_run", false);
	if (supply->life.id == 0) {
		control_fail(
			call, PROBLEM_REFUSED,
			"no register of room %s %s was believed yet: there is nothing to go on "
			"from",
			supply->room->record.name, supply->record.circuit);
		return 0;
	}
	int r = station_change_begin(station, change, supply->room, NULL);
	return r < 0 ? r : 1;
}

static int decide(struct station *station, struct control_call *call, bool accept,
		  enum entry_kind kind)
{
	struct ledger_quarantine record;
	struct station_change change = {0};
	struct station_decision decision = {0};
	int r = find(station, call, &record);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	struct station_supply *supply = supply_of(station, record.supply_id);
	if (record.state != LEDGER_QUARANTINE_OPEN || supply == NULL) {
		control_fail(call, PROBLEM_CONFLICT, "reading %" PRId64 " is decided already",
			     record.id);
		return 0;
	}
	r = begin(station, call, supply, &change);
	if (r <= 0)
		return r;
	r = accept ? station_register_accept(station, &change, supply, &record, kind,
					     message_arg_bool(call->args, "rolled_over", false),
					     &decision)
		   : station_register_reject(station, &change, supply, &record, &decision);
	return finish(station, call, &change, supply, &decision, r);
}

int verb_quarantine_accept(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *as = message_arg_string(call->args, "as");
	if (strcmp(as, "charge") != 0 && strcmp(as, "aside") != 0) {
		control_fail(call, PROBLEM_USAGE,
			     "as is charge (the room pays for the energy) or aside (nobody does)");
		return 0;
	}
	return decide(station, call, true,
		      strcmp(as, "charge") == 0 ? ENTRY_CHARGE : ENTRY_QUARANTINE);
}

int verb_quarantine_reject(void *userdata, struct control_call *call)
{
	return decide(verbs_station(userdata), call, false, ENTRY_WRITE_OFF);
}

int verb_meter_exchange(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_supply *supply = verbs_supply(station, call);
	const char *serial = message_arg_string(call->args, "serial");
	struct station_change change = {0};
	struct station_decision decision = {0};
	if (supply == NULL)
		return 0;
	if (serial != NULL && strlen(serial) > LEDGER_ID_MAX) {
		control_fail(call, PROBLEM_USAGE, "a serial number has at most %d characters",
			     LEDGER_ID_MAX);
		return 0;
	}
	if (!supply->record.has_point) {
		control_fail(call, PROBLEM_REFUSED, "room %s %s has no meter",
			     supply->room->record.name, supply->record.circuit);
		return 0;
	}
	int r = begin(station, call, supply, &change);
	if (r <= 0)
		return r;
	r = station_register_exchange(station, &change, supply,
				      message_arg_int64(call->args, "final_wh", -1),
				      message_arg_int64(call->args, "initial_wh", 0),
				      serial == NULL ? "" : serial, &decision);
	return finish(station, call, &change, supply, &decision, r);
}
