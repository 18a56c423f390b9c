/* verbs_ledger.c - the ledger for people: its tail, settling, proof and copies. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_account.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/platform/encoding.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_profile.h"
#include "concentrator/station_state.h"
#include "concentrator/verbs_entry.h"

#define TAIL_DEFAULT 20

struct rows {
	const struct station *station;
	json_t *rows;
	size_t bytes;
	int64_t last;
};

/* The room of an account, also of one that is closed. */
static void room_of(const struct station *station, int64_t account_id,
		    char ret[static LEDGER_NAME_MAX + 1])
{
	struct ledger_account account;
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == account_id) {
			memcpy(ret, station->rooms[i]->record.name, LEDGER_NAME_MAX + 1);
			return;
		}
	if (ledger_account_find(station->ledger, account_id, "", &account) == 0)
		memcpy(ret, account.room, LEDGER_NAME_MAX + 1);
	else
		ret[0] = '\0';
}

static void circuit_of(const struct station *station, int64_t point_id,
		       char ret[static LEDGER_NAME_MAX + 1])
{
	ret[0] = '\0';
	for (size_t i = 0; point_id != 0 && i < station->supply_count; i++)
		if (station->supplies[i]->record.point_id == point_id) {
			memcpy(ret, station->supplies[i]->record.circuit, LEDGER_NAME_MAX + 1);
			return;
		}
	if (point_id != 0 && ledger_point_circuit(station->ledger, point_id, ret) < 0)
		ret[0] = '\0';
}

static int entry_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct rows *rows = userdata;
	const struct station *station = rows->station;
	char room[LEDGER_NAME_MAX + 1], circuit[LEDGER_NAME_MAX + 1];
	room_of(station, entry->account_id, room);
	circuit_of(station, entry->point_id, circuit);
	json_t *row = json_pack("{s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:s,s:s,s:s}",
				"seq", (json_int_t)entry->seq, "at_s", (json_int_t)entry->at_s,
				"room", room, "kind", entry_kind_name(entry->kind), "circuit",
				circuit, "energy_wh", (json_int_t)entry->energy_wh, "from_wh",
				(json_int_t)entry->from_wh, "to_wh", (json_int_t)entry->to_wh,
				"price_micro_per_kwh", (json_int_t)entry->price_micro_per_kwh,
				"amount", station_money(station, entry->amount_nano), "amount_nano",
				message_nano(entry->amount_nano), "balance_nano",
				message_nano(balance_nano), "order", entry->order, "who",
				entry->who, "why", entry->why);
	enum medium medium;
	if (entry->life_id != 0 &&
	    ledger_life_medium(station->ledger, entry->life_id, &medium) == 0)
		row = verbs_measured(row, medium);
	if (!verbs_fits(row, &rows->bytes, rows->rows)) {
		json_decref(row);
		return 1;
	}
	json_object_set_new(row, "account", json_integer(entry->account_id));
	rows->last = entry->seq;
	json_array_append_new(rows->rows, row);
	return 0;
}

int verbs_entries(struct station *station, int64_t account_id, int64_t before, int limit,
		  json_t **ret_rows, int64_t *ret_next)
{
	struct rows rows = {.station = station, .rows = json_array()};
	if (rows.rows == NULL)
		return -ENOMEM;
	int r = ledger_entries_tail(station->ledger, account_id, before, limit, entry_row, &rows);
	if (r < 0) {
		json_decref(rows.rows);
		return r;
	}
	if (ret_next != NULL)
		*ret_next = r == 0 && (int)json_array_size(rows.rows) < limit ? -1 : rows.last;
	*ret_rows = rows.rows;
	return 0;
}

#define PAGE_ENTRIES MESSAGE_ROWS_MAX

/* The cursor is SEQ.REST: entries older than SEQ, REST of them still wanted. */
int verb_ledger_tail(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_account account = {0};
	const char *cursor = message_arg_string(call->args, "cursor");
	int64_t before = 0, wanted = message_arg_int64(call->args, "n", TAIL_DEFAULT), next;
	if (cursor != NULL && sscanf(cursor, "%19" SCNd64 ".%19" SCNd64, &before, &wanted) != 2)
		wanted = 0;
	if (before < 0 || wanted < 1) {
		control_fail(call, PROBLEM_USAGE, "n is at least 1, cursor one that was given out");
		return 0;
	}
	if ((message_arg_string(call->args, "room") != NULL ||
	     json_object_get(call->args, "account") != NULL) &&
	    !verbs_account(station, call, &account))
		return 0;
	json_t *rows;
	int r = verbs_entries(station, account.id, before,
			      wanted < PAGE_ENTRIES ? (int)wanted : PAGE_ENTRIES, &rows, &next);
	if (r < 0)
		return r;
	char more[48];
	wanted -= (int64_t)json_array_size(rows);
	snprintf(more, sizeof(more), "%" PRId64 ".%" PRId64, next, wanted);
	control_reply(call, json_pack("{s:o}", "rows", rows),
		      next < 0 || wanted <= 0 ? NULL : more);
	return 0;
}

int64_t verbs_unsettled(const struct station_room *room, enum medium medium)
{
	int64_t wh = 0;
	for (size_t i = 0; i < room->supply_count; i++)
		if (room->supplies[i]->life.id != 0 && room->supplies[i]->medium == medium)
			wh += room->supplies[i]->guard.accepted.wh - room->supplies[i]->settled.wh;
	return wh;
}

int verb_ledger_settle(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_room *only = NULL;
	int64_t rooms = 0, wh = 0, litres = 0, nano = 0;
	if (message_arg_string(call->args, "room") != NULL) {
		only = verbs_room(station, call);
		if (only == NULL)
			return 0;
	}
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		if (only != NULL && room != only)
			continue;
		rooms++;
		wh += verbs_unsettled(room, MEDIUM_ELECTRICITY);
		litres += verbs_unsettled(room, MEDIUM_WATER);
		nano += room->settled_nano;
		r = station_settle_room(station, room, "asked for");
		if (r < 0 && r != -ERANGE && r != -EINVAL) {
			station_rollback(station);
			return r;
		}
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];
		if (only != NULL && room != only)
			continue;
		wh -= verbs_unsettled(room, MEDIUM_ELECTRICITY);
		litres -= verbs_unsettled(room, MEDIUM_WATER);
		nano -= room->settled_nano;
	}
	control_reply(call,
		      json_pack("{s:I,s:I,s:I,s:o,s:o}", "rooms", (json_int_t)rooms, "energy_wh",
				(json_int_t)wh, "volume_l", (json_int_t)litres, "amount",
				station_money(station, nano), "amount_nano", message_nano(nano)),
		      NULL);
	return 0;
}

int verbs_ask_reader(struct station *station, struct control_call *call, struct reader_job *job)
{
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		if (station->reading[i] != NULL)
			continue;
		job->token = i;
		int r = station->settings.ports.read_ledger(station->settings.userdata, job);
		if (r == -EBUSY)
			break;
		if (r < 0) {
			reader_job_clear(job);
			return r;
		}
		station->reading[i] = call;
		return 0;
	}
	reader_job_clear(job);
	control_fail(call, PROBLEM_REFUSED, "the ledger is being read already; try again later");
	return 0;
}

int verb_ledger_verify(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct reader_job job = {.kind = READER_VERIFY};
	return verbs_ask_reader(station, call, &job);
}

int verb_ledger_backup(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *file = message_arg_string(call->args, "file");
	struct reader_job job = {.kind = READER_BACKUP};
	if (file == NULL) {
		/* The next one brings it up to date. What a restore or an upgrade makes of the ledger begins
		 * another, so that the one of before stays. */
		struct ledger_meta meta;
		ledger_meta_get(station->ledger, &meta);
		snprintf(job.file, sizeof(job.file), "%s/ledger-%" PRId64 "-%d.db",
			 station->config->store.backup, meta.epoch, LEDGER_SCHEMA);
	} else if (file[0] != '/') {
		control_fail(call, PROBLEM_USAGE, "file is not an absolute path");
		return 0;
	} else {
		snprintf(job.file, sizeof(job.file), "%s", file);
	}
	return verbs_ask_reader(station, call, &job);
}

static void answer_verify(struct station *station, struct control_call *call,
			  const struct reader_job *job)
{
	char head[HEX_LEN(32) + 1];
	const struct ledger_verdict *verdict = &job->verdict;
	if (job->result < 0) {
		control_fail(call, PROBLEM_DEGRADED, "the ledger cannot be read: %s",
			     strerror(-job->result));
		return;
	}
	hex_encode(verdict->head, sizeof(verdict->head), head, sizeof(head));
	if (verdict->ok)
		station_alarm_clear(station, ALARM_LEDGER_WRONG, "ledger");
	else
		station_alarm(station, ALARM_LEDGER_WRONG, "ledger", "%s", verdict->detail);
	control_reply(
		call,
		json_pack("{s:I,s:b,s:o,s:s,s:s}", "entries", (json_int_t)verdict->entries, "ok",
			  verdict->ok, "first_bad",
			  verdict->first_bad == 0 ? json_null() : json_integer(verdict->first_bad),
			  "detail", verdict->detail, "head", head),
		NULL);
}

static void answer_backup(struct control_call *call, const struct reader_job *job)
{
	char sha256[HEX_LEN(32) + 1];
	if (job->result == -EEXIST) {
		control_fail(call, PROBLEM_CONFLICT,
			     "%s is there already, and no earlier backup of this ledger: move it "
			     "away, or name another file",
			     job->file);
		return;
	}
	if (job->result == -ENOENT || job->result == -ENOTDIR) {
		control_fail(call, PROBLEM_NOT_FOUND,
			     "the backup %s cannot be written: its folder is not there; make it "
			     "(`systemd-tmpfiles --create` makes /var/lib/prepay/backup), or name "
			     "another file",
			     job->file);
		return;
	}
	if (job->result < 0) {
		control_fail(call, PROBLEM_FAILED, "the backup %s cannot be written: %s", job->file,
			     strerror(-job->result));
		return;
	}
	hex_encode(job->copy.sha256, sizeof(job->copy.sha256), sha256, sizeof(sha256));
	control_reply(call,
		      json_pack("{s:s,s:I,s:s}", "file", job->file, "bytes",
				(json_int_t)job->copy.bytes, "sha256", sha256),
		      NULL);
}

void station_read_ledger(struct station *station, const struct reader_job *job,
			 const struct instant *now)
{
	station->now = *now;
	if (job->kind == READER_PROFILE_WRITE)
		station_profile_written(station, job);
	if (job->token >= STATION_CALLS_WAITING || station->reading[job->token] == NULL)
		return;
	struct control_call *call = station->reading[job->token];
	station->reading[job->token] = NULL;
	switch (job->kind) {
	case READER_VERIFY:
		answer_verify(station, call, job);
		break;
	case READER_BACKUP:
		answer_backup(call, job);
		break;
	case READER_LINES:
	case READER_STATEMENT:
		verbs_history(station, call, job);
		break;
	case READER_TRIAL:
		verbs_trial(station, call, job);
		break;
	case READER_PROFILE_READ:
		verbs_profile(station, call, job);
		break;
	case READER_PROFILE_WRITE:
		break;
	}
}
