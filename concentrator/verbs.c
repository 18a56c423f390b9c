#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_account.h"
#include "concentrator/ledger_event.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_state.h"

static const struct control_verb table[] = {
	{"version", CONTROL_VIEWER, verb_version, 0, ""},
	{"status", CONTROL_VIEWER, verb_status, 0, ""},
	{"room.list", CONTROL_VIEWER, verb_room_list, 0, "cursor?:s"},
	{"room.show", CONTROL_VIEWER, verb_room_show, 0, "room:s"},
	{"line.list", CONTROL_VIEWER, verb_line_list, 0, "cursor?:s"},
	{"line.show", CONTROL_VIEWER, verb_line_show, 0, "line:s"},
	{"model.list", CONTROL_VIEWER, verb_model_list, 0, "cursor?:s"},
	{"meter.list", CONTROL_VIEWER, verb_meter_list, 0, "line?:s cursor?:s"},
	{"meter.show", CONTROL_VIEWER, verb_meter_show, 0, "room?:s circuit?:s line?:s address?:i"},
	{"credit.list", CONTROL_VIEWER, verb_credit_list, 0, "room?:s cursor?:s"},
	{"credit.show", CONTROL_VIEWER, verb_credit_show, 0, "mRID:s"},
	{"ledger.tail", CONTROL_VIEWER, verb_ledger_tail, 0, "room?:s account?:i n?:i cursor?:s"},
	{"ledger.verify", CONTROL_VIEWER, verb_ledger_verify, CONTROL_LATER, ""},
	{"ledger.export", CONTROL_VIEWER, verb_ledger_export, CONTROL_LATER,
	 "since_s?:i cursor?:s"},
	{"explain", CONTROL_VIEWER, verb_explain, CONTROL_LATER,
	 "room:s account?:i last?:i since_s?:i cursor?:s"},
	{"statement", CONTROL_VIEWER, verb_statement, CONTROL_LATER,
	 "room:s account?:i month:s cursor?:s"},
	{"freeze.list", CONTROL_VIEWER, verb_freeze_list, 0, "room:s monthly?:b cursor?:s"},
	{"quarantine.list", CONTROL_VIEWER, verb_quarantine_list, 0, "open?:b cursor?:s"},
	{"quarantine.show", CONTROL_VIEWER, verb_quarantine_show, 0, "id:i"},
	{"tariff.show", CONTROL_VIEWER, verb_tariff_show, 0, "cursor?:s"},
	{"alarm.list", CONTROL_VIEWER, verb_alarm_list, 0, "all?:b cursor?:s"},
	{"audit.list", CONTROL_ADMIN, verb_audit_list, 0, "n?:i who?:s verb?:s cursor?:s"},
	{"uplink.status", CONTROL_VIEWER, verb_uplink_status, 0, ""},
	{"debt.list", CONTROL_VIEWER, verb_debt_list, 0, "room?:s all?:b cursor?:s"},
	{"debt.show", CONTROL_VIEWER, verb_debt_show, 0, "id:i"},
	{"hold.list", CONTROL_VIEWER, verb_hold_list, 0, "cursor?:s"},
	{"dated.list", CONTROL_VIEWER, verb_dated_list, 0, "cursor?:s"},
	{"cuts.list", CONTROL_VIEWER, verb_cuts_list, 0, "cursor?:s"},

	{"line.scan", CONTROL_OPERATOR, verb_line_scan, CONTROL_AUDIT,
	 "line:s first?:i last?:i settings?:s disturb?:b"},
	{"line.test", CONTROL_OPERATOR, verb_line_test, CONTROL_AUDIT,
	 "line:s first?:i last?:i rounds?:i"},
	{"line.survey", CONTROL_OPERATOR, verb_line_survey, CONTROL_LATER,
	 "line:s wait_ms?:i cursor?:s"},
	{"line.cancel", CONTROL_OPERATOR, verb_line_cancel, CONTROL_AUDIT, "line:s"},
	{"meter.read", CONTROL_OPERATOR, verb_meter_read, CONTROL_LATER,
	 "room?:s circuit?:s line?:s address?:i"},
	{"relay.set", CONTROL_OPERATOR, verb_relay_set, CONTROL_AUDIT,
	 "room:s circuit?:s position:s reason:s"},
	{"relay.connect", CONTROL_OPERATOR, verb_relay_connect, CONTROL_AUDIT,
	 "room:s circuit?:s reason:s"},
	{"relay.lockout", CONTROL_OPERATOR, verb_relay_lockout, CONTROL_AUDIT,
	 "room:s circuit?:s reason:s"},
	{"relay.release", CONTROL_OPERATOR, verb_relay_release, CONTROL_AUDIT,
	 "room:s circuit?:s reason:s"},
	{"profile", CONTROL_OPERATOR, verb_profile, CONTROL_LATER | CONTROL_AUDIT,
	 "room:s day?:s reason?:s cursor?:s"},
	{"credit.import", CONTROL_OPERATOR, verb_credit_import, CONTROL_AUDIT, "orders:a"},
	{"ledger.settle", CONTROL_OPERATOR, verb_ledger_settle, CONTROL_AUDIT, "room?:s reason:s"},
	{"alarm.acknowledge", CONTROL_OPERATOR, verb_alarm_acknowledge, CONTROL_AUDIT,
	 "id:i reason:s"},
	{"hold.set", CONTROL_OPERATOR, verb_hold_set, CONTROL_AUDIT, "room:s until_s:i reason:s"},
	{"hold.release", CONTROL_OPERATOR, verb_hold_release, CONTROL_AUDIT, "room:s reason:s"},
	{"cuts.confirm", CONTROL_OPERATOR, verb_cuts_confirm, CONTROL_AUDIT, "reason:s"},

	{"room.add", CONTROL_ADMIN, verb_room_add, CONTROL_AUDIT, NULL},
	{"room.import", CONTROL_ADMIN, verb_room_import, CONTROL_AUDIT,
	 "rows:a reason?:s dry_run?:b"},
	{"room.remove", CONTROL_ADMIN, verb_room_remove, CONTROL_AUDIT,
	 "room:s reason:s write_off?:b dry_run?:b"},
	{"room.persons", CONTROL_ADMIN, verb_room_persons, CONTROL_AUDIT,
	 "room:s persons:i reason:s"},
	{"tenancy.begin", CONTROL_ADMIN, verb_tenancy_begin, CONTROL_AUDIT,
	 "room:s tenancy:s last_reading?:b dry_run?:b reason:s"},
	{"tenancy.end", CONTROL_ADMIN, verb_tenancy_end, CONTROL_AUDIT,
	 "room:s last_reading?:b dry_run?:b reason:s"},
	{"tenancy.transfer", CONTROL_ADMIN, verb_tenancy_transfer, CONTROL_AUDIT,
	 "room:s to:s last_reading?:b dry_run?:b reason:s"},
	{"adjust", CONTROL_ADMIN, verb_adjust, CONTROL_AUDIT,
	 "room:s amount:m refers?:i dry_run?:b reason:s"},
	{"write_off", CONTROL_ADMIN, verb_write_off, CONTROL_AUDIT, "room:s dry_run?:b reason:s"},
	{"quarantine.accept", CONTROL_ADMIN, verb_quarantine_accept, CONTROL_AUDIT,
	 "id:i as:s rolled_over?:b dry_run?:b reason:s"},
	{"quarantine.reject", CONTROL_ADMIN, verb_quarantine_reject, CONTROL_AUDIT,
	 "id:i dry_run?:b reason:s"},
	{"meter.exchange", CONTROL_ADMIN, verb_meter_exchange, CONTROL_AUDIT,
	 "room:s circuit?:s final_wh?:i initial_wh:i serial?:s dry_run?:b reason:s"},
	{"dated.confirm", CONTROL_ADMIN, verb_dated_confirm, CONTROL_AUDIT, "reason:s"},
	{"dated.waive", CONTROL_ADMIN, verb_dated_waive, CONTROL_AUDIT, "reason:s"},
	{"tariff.check", CONTROL_ADMIN, verb_tariff_check, 0, "text:t"},
	{"tariff.trial", CONTROL_ADMIN, verb_tariff_trial, CONTROL_LATER,
	 "text:t month?:s cursor?:s"},
	{"tariff.apply", CONTROL_ADMIN, verb_tariff_apply, CONTROL_AUDIT,
	 "text:t from_receipt?:b reason:s"},
	{"credit.add", CONTROL_ADMIN, verb_credit_add, CONTROL_AUDIT,
	 "room:s amount:m receipt:s type?:s dry_run?:b reason:s"},
	{"credit.emergency", CONTROL_OPERATOR, verb_credit_emergency, CONTROL_AUDIT,
	 "room:s dry_run?:b reason:s"},
	{"debt.add", CONTROL_ADMIN, verb_debt_add, CONTROL_AUDIT,
	 "room:s name:s amount:m way:s share_ppm?:i week_max?:m rate?:m instalments?:i dry_run?:b "
	 "reason:s"},
	{"debt.forgive", CONTROL_ADMIN, verb_debt_forgive, CONTROL_AUDIT,
	 "id:i dry_run?:b reason:s"},
	{"credit.overdraft", CONTROL_ADMIN, verb_credit_overdraft, CONTROL_AUDIT,
	 "room:s limit?:m dry_run?:b reason:s"},
	{"credit.accept", CONTROL_ADMIN, verb_credit_accept, CONTROL_AUDIT,
	 "mRID:s room?:s dry_run?:b reason:s"},
	{"credit.reject", CONTROL_ADMIN, verb_credit_reject, CONTROL_AUDIT,
	 "mRID:s dry_run?:b reason:s"},
	{"ledger.backup", CONTROL_ADMIN, verb_ledger_backup, CONTROL_AUDIT | CONTROL_LATER,
	 "file?:s"},
	{"ledger.checkpoint", CONTROL_ADMIN, verb_ledger_checkpoint, CONTROL_AUDIT, "reason:s"},
	{"ledger.restore", CONTROL_ADMIN, verb_ledger_restore, CONTROL_AUDIT,
	 "file:s backup?:b replace?:b epoch?:i dry_run?:b reason:s"},

	{"order.deliver", CONTROL_MESSENGER, verb_order_deliver, 0, "cursor:s items:a"},
	{"outbox.fetch", CONTROL_MESSENGER, verb_outbox_fetch, CONTROL_LATER,
	 "after:i limit:i wait_ms:i lane?:i"},
	{"outbox.acknowledge", CONTROL_MESSENGER, verb_outbox_acknowledge, 0,
	 "epoch:i through:i refused?:a"},
	{"link.report", CONTROL_MESSENGER, verb_link_report, 0,
	 "state:s http?:i rtt_ms?:i detail?:s bytes_up:i bytes_down:i"},
	{"link.known", CONTROL_MESSENGER, verb_link_known, 0, "epoch:i through:i"},
	{"link.hello", CONTROL_MESSENGER, verb_link_hello, 0, "version:s"},
	{0},
};

const struct control_verb *station_verbs(void)
{
	return table;
}

struct station *verbs_station(void *userdata)
{
	struct station *station = userdata;
	station->settings.ports.now(station->settings.userdata, &station->now);
	return station;
}

int station_audit(void *userdata, const struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	char *what = json_dumps(call->args, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (what == NULL)
		return -ENOMEM;
	if (strlen(what) > 4000)
		what[4000] = '\0';
	struct ledger_audit audit = {
		.at_s = station->now.s,
		.trusted = station->now.trusted,
		.uid = (int64_t)call->peer.uid,
		.what = what,
	};
	const char *why = message_arg_string(call->args, "reason");
	snprintf(audit.who, sizeof(audit.who), "%s", call->peer.user);
	snprintf(audit.verb, sizeof(audit.verb), "%s", call->verb);
	snprintf(audit.why, sizeof(audit.why), "%s", why == NULL ? "" : why);

	int r = station->store_failing ? -EIO : station_begin(station);
	if (r == 0) {
		r = ledger_audit_put(station->ledger, &audit);
		if (r == 0)
			r = station_event(station, 1, "audit",
					  json_pack("{s:s,s:s,s:s}", "who", audit.who, "verb",
						    audit.verb, "reason", audit.why));
		if (r < 0)
			station_rollback(station);
		else
			r = station_commit(station);
	}
	free(what);
	if (r == 0)
		journal_log(LOG_NOTICE, MESSAGE_ID_AUDIT, JOURNAL_FIELDS({"USER", audit.who}),
			    "%s by %s: %s", audit.verb, audit.who, audit.why);
	return r;
}

const char *station_explain(void *userdata, int error)
{
	const struct station *station = userdata;
	return error == -EIO && ledger_failed(station->ledger)
		       ? ledger_failure_text(station->ledger)
		       : NULL;
}

/* The name of a quantity of water; "" where it is none. */
static const char *water_name(const char *name, char ret[static 48])
{
	size_t length = strlen(name);
	ret[0] = '\0';
	if (strcmp(name, "energy_wh") == 0)
		snprintf(ret, 48, "volume_l");
	else if (strcmp(name, "price_micro_per_kwh") == 0)
		snprintf(ret, 48, "price_micro_per_m3");
	else if (length > 3 && length < 48 && strcmp(name + length - 3, "_wh") == 0)
		snprintf(ret, 48, "%.*s_l", (int)(length - 3), name);
	return ret;
}

json_t *verbs_measured(json_t *row_taken, enum medium medium)
{
	json_t *row = row_taken;
	const char *name;
	json_t *value;
	char renamed[48];
	if (medium == MEDIUM_WATER && (row = json_object()) != NULL)
		json_object_foreach(row_taken, name, value) json_object_set(
			row, water_name(name, renamed)[0] != '\0' ? renamed : name, value);
	if (row != row_taken)
		json_decref(row_taken);
	json_object_set_new(row, "medium", json_string(medium_name(medium)));
	return row;
}

int64_t verbs_cursor(const struct control_call *call)
{
	const char *text = message_arg_string(call->args, "cursor");
	if (text == NULL)
		return 0;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return errno != 0 || end == text || *end != '\0' || value < 0 ? -1 : value;
}

bool verbs_rows_fit(struct control_call *call, const char *name)
{
	size_t count = json_array_size(json_object_get(call->args, name));
	if (count <= MESSAGE_ROWS_MAX)
		return true;
	control_fail(call, PROBLEM_USAGE, "`%s` has %zu rows; send at most %d at once", name, count,
		     MESSAGE_ROWS_MAX);
	return false;
}

#define PAGE_BYTES_MAX ((size_t)48 * 1024)

bool verbs_fits(const json_t *row, size_t *bytes, const json_t *rows)
{
	size_t size = json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
	if (*bytes + size > PAGE_BYTES_MAX && json_array_size(rows) > 0)
		return false;
	*bytes += size;
	return true;
}

void verbs_page(struct control_call *call, json_t *rows, int64_t next)
{
	char more[24];
	snprintf(more, sizeof(more), "%" PRId64, next);
	control_reply(call, json_pack("{s:o}", "rows", rows), next < 0 ? NULL : more);
}

struct station_room *verbs_room(struct station *station, struct control_call *call)
{
	const char *name = message_arg_string(call->args, "room");
	struct station_room *room = name == NULL ? NULL : station_room_find(station, name);
	if (room == NULL)
		control_fail(call, PROBLEM_NOT_FOUND,
			     "there is no room %s; `prepay room list` shows them",
			     name == NULL ? "(none named)" : name);
	return room;
}

bool verbs_account(struct station *station, struct control_call *call, struct ledger_account *ret)
{
	const char *name = message_arg_string(call->args, "room");
	int64_t id = message_arg_int64(call->args, "account", 0);
	const struct station_room *room = name == NULL || id != 0
						  ? NULL
						  : station_room_find(station, name);
	int r = ledger_account_find(station->ledger, room == NULL ? id : room->record.account_id,
				    name == NULL ? "" : name, ret);
	if (r == -ENOENT && id != 0)
		control_fail(call, PROBLEM_NOT_FOUND,
			     "there is no account %" PRId64 "%s%s; `prepay ledger tail --room` "
			     "and `prepay statement` name those of a room",
			     id, name == NULL ? "" : " of room ", name == NULL ? "" : name);
	else if (r == -ENOENT)
		control_fail(call, PROBLEM_NOT_FOUND,
			     "there is no room %s, and never was; `prepay room list` shows those "
			     "in use",
			     name == NULL ? "(none named)" : name);
	else if (r < 0)
		control_fail(call, PROBLEM_DEGRADED, "the ledger cannot be read: %s", strerror(-r));
	return r == 0;
}

struct station_room *verbs_room_of(struct station *station, int64_t account_id)
{
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == account_id)
			return station->rooms[i];
	return NULL;
}

struct station_supply *verbs_supply(struct station *station, struct control_call *call)
{
	struct station_room *room = verbs_room(station, call);
	if (room == NULL)
		return NULL;
	const char *circuit = message_arg_string(call->args, "circuit");
	if (circuit == NULL && room->supply_count == 1)
		return room->supplies[0];
	struct station_supply *supply = circuit == NULL ? NULL : station_supply_find(room, circuit);
	if (supply != NULL)
		return supply;

	char names[160] = "";
	for (size_t i = 0; i < room->supply_count; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i == 0 ? "" : ", ", room->supplies[i]->record.circuit);
	if (circuit == NULL)
		control_fail(call, PROBLEM_USAGE, "room %s has several circuits (%s); name one",
			     room->record.name, names);
	else
		control_fail(call, PROBLEM_NOT_FOUND, "room %s has no circuit %s; it has %s",
			     room->record.name, circuit, names);
	return NULL;
}
