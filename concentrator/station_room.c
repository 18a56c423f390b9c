/* station_room.c - commissioning: supplies and rooms come and go.
 *
 * All or nothing: rows are checked whole, against each other and against what is there, before the first
 * is written, and written in one transaction.
 */
#include "concentrator/station_room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_persons.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_tenancy.h"

static bool same_channel(const struct ledger_device *a, const struct ledger_device *b)
{
	return a->address == b->address && a->channel == b->channel &&
	       strcmp(a->line, b->line) == 0;
}

static bool other_model(const struct ledger_device *a, const struct ledger_device *b)
{
	return a->address == b->address && strcmp(a->line, b->line) == 0 &&
	       strcmp(a->model, b->model) != 0;
}

struct checks {
	station_room_finding finding;
	void *userdata;
	size_t row;
	int findings;
};

static void found(struct checks *checks, const char *column, const char *detail)
{
	checks->findings++;
	checks->finding(checks->row, column, detail, checks->userdata);
}

static void forward(const char *column, const char *detail, void *userdata)
{
	found(userdata, column, detail);
}

/* A new supply against one that is there, or came in an earlier row. */
static void compare(struct checks *checks, const struct ledger_supply *mine, const char *my_room,
		    const struct ledger_supply *other, const char *other_room)
{
	char detail[COMMISSION_DETAIL_SIZE];
	if (strcmp(my_room, other_room) == 0 && strcmp(mine->circuit, other->circuit) == 0) {
		snprintf(detail, sizeof(detail), "room %s has a circuit %s already", my_room,
			 mine->circuit);
		found(checks, "circuit", detail);
		return;
	}
	snprintf(detail, sizeof(detail), "is in use by %s of room %s", other->circuit, other_room);
	if (mine->has_point && other->has_point && same_channel(&mine->point, &other->point))
		found(checks, "address", detail);
	if (mine->has_relay && other->has_relay && same_channel(&mine->relay, &other->relay))
		found(checks, "relay", detail);
	snprintf(detail, sizeof(detail), "%s of room %s says that another model is at that address",
		 other->circuit, other_room);
	if (mine->has_point && ((other->has_point && other_model(&mine->point, &other->point)) ||
				(other->has_relay && other_model(&mine->point, &other->relay))))
		found(checks, "model", detail);
	if (mine->has_relay && ((other->has_point && other_model(&mine->relay, &other->point)) ||
				(other->has_relay && other_model(&mine->relay, &other->relay))))
		found(checks, "relay", detail);
}

/* The first row of a room opens its account; what a later one says differently would be lost. */
static void compare_account(struct checks *checks, const struct commission_row *mine,
			    const struct commission_row *first)
{
	if (mine->tenancy[0] != '\0' && strcmp(mine->tenancy, first->tenancy) != 0)
		found(checks, "tenancy", "an earlier row gives the room another tenancy");
	if (mine->persons >= 0 && mine->persons != first->persons)
		found(checks, "persons", "an earlier row says another number");
	if (mine->opening_minor != 0)
		found(checks, "opening_minor",
		      "an earlier row opens the room's account; the opening balance belongs there");
}

static void compare_all(const struct station *station, struct checks *checks,
			const struct commission_row rows[], size_t at)
{
	const struct commission_row *mine = &rows[at];
	size_t supplies = 0;
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *other = station->supplies[i];
		supplies += strcmp(other->room->record.name, mine->room) == 0;
		compare(checks, &mine->supply, mine->room, &other->record,
			other->room->record.name);
	}
	for (size_t i = 0; i < at; i++) {
		if (rows[i].room[0] == '\0')
			continue; /* that row was wrong itself */
		supplies += strcmp(rows[i].room, mine->room) == 0;
		compare(checks, &mine->supply, mine->room, &rows[i].supply, rows[i].room);
		if (strcmp(rows[i].room, mine->room) == 0)
			compare_account(checks, mine, &rows[i]);
	}
	if (supplies >= LAYERS_SUPPLIES_MAX)
		found(checks, "circuit", "the room has as many circuits as it can have");
	const struct station_room *room = station_room_find(station, mine->room);
	if (room != NULL && mine->tenancy[0] != '\0' &&
	    strcmp(room->record.tenancy, mine->tenancy) != 0)
		found(checks, "tenancy", "the room has another tenancy");
	if (room != NULL && mine->persons >= 0 && mine->persons != station_persons(room))
		found(checks, "persons",
		      "the room has an account already; `prepay room persons` changes it");
	if (room != NULL && mine->opening_minor != 0)
		found(checks, "opening_minor", "the room has an account already");
	int64_t most = station->config->policy.order_max_minor;
	if (most > 0 && (mine->opening_minor > most || mine->opening_minor < -most))
		found(checks, "opening_minor",
		      "it is more than one order may bring (order_max_minor of prepay.conf)");
}

static int open_account(struct station *station, const struct commission_row *row, const char *who,
			const char *why, struct ledger_room *ret)
{
	struct ledger_room room = {.opened_s = station->now.s};
	memcpy(room.name, row->room, sizeof(room.name));
	memcpy(room.tenancy, row->tenancy, sizeof(room.tenancy));
	int r = ledger_room_add(station->ledger, &room);
	if (r < 0)
		return r;
	*ret = room;
	if (row->persons >= 0)
		r = ledger_persons_add(station->ledger, room.account_id, room.opened_s,
				       row->persons, "room import");
	if (r < 0)
		return r;
	if (row->opening_minor == 0)
		return 0;
	struct entry entry = {.kind = ENTRY_OPENING, .account_id = room.account_id};
	station_stamp(station, &entry);
	snprintf(entry.who, sizeof(entry.who), "%s", who);
	snprintf(entry.why, sizeof(entry.why), "%s", *why != '\0' ? why : "opening balance");
	r = money_from_minor(row->opening_minor, station->config->site.minor_digits,
			     &entry.amount_nano);
	return r < 0 ? r : ledger_entry_append(station->ledger, &entry);
}

struct made {
	const char *name;
	struct ledger_room room;
};

static int write_rows(struct station *station, const struct commission_row rows[], size_t count,
		      const char *who, const char *why)
{
	struct made *made = calloc(count + 1, sizeof(*made));
	size_t rooms = 0;
	int r = made == NULL ? -ENOMEM : 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct station_room *room = station_room_find(station, rows[i].room);
		const struct ledger_room *record = room == NULL ? NULL : &room->record;
		for (size_t n = 0; record == NULL && n < rooms; n++)
			if (strcmp(made[n].name, rows[i].room) == 0)
				record = &made[n].room;
		if (record == NULL) {
			made[rooms].name = rows[i].room;
			r = open_account(station, &rows[i], who, why, &made[rooms].room);
			record = &made[rooms++].room;
		}
		if (r < 0)
			break;
		struct ledger_supply supply = rows[i].supply;
		supply.room_id = record->id;
		supply.account_id = record->account_id;
		r = ledger_supply_add(station->ledger, &supply);
	}
	free(made);
	return r;
}

int station_rooms_add(struct station *station, const json_t *json, bool dry_run, const char *who,
		      const char *why, station_room_finding finding, void *userdata)
{
	size_t count = json_array_size(json);
	struct checks checks = {.finding = finding, .userdata = userdata};
	struct commission_row *rows = calloc(count + 1, sizeof(*rows));
	if (rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		checks.row = i;
		if (commission_parse(json_array_get(json, i), station->config,
				     station->settings.models, forward, &checks, &rows[i]) == 0)
			compare_all(station, &checks, rows, i);
	}
	if (station->supply_count + count > STATION_SUPPLIES_MAX ||
	    station->room_count + count > STATION_ROOMS_MAX)
		found(&checks, "room",
		      "the building would have more rooms or supplies than it can have");
	int r = checks.findings > 0 ? -EINVAL : 0;
	if (r == 0 && !dry_run) {
		r = station->store_failing ? -EIO : station_begin(station);
		if (r == 0) {
			r = write_rows(station, rows, count, who, why);
			if (r < 0)
				station_rollback(station);
			else
				r = station_commit(station);
		}
		if (r == 0)
			r = station_load(station);
		for (size_t i = 0; r == 0 && i < count; i++)
			journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_ADDED,
				    JOURNAL_FIELDS({"ROOM", rows[i].room}),
				    "room %s: %s commissioned", rows[i].room,
				    rows[i].supply.circuit);
	}
	free(rows);
	return r;
}

/* Settles, brings the balance to exactly zero by named entries, and closes. */
static int close_account(struct station *station, struct station_room *room,
			 const struct station_change *change, struct station_closing *ret)
{
	int r = station_settle_room(station, room, "closing");
	if (r == 0)
		r = station_dated_close(station, room, false, change->who);
	if (r == 0)
		r = station_pay_out(station, change, room, true, ret);
	return r < 0 ? r : ledger_room_close(station->ledger, room->record.id, station->now.s);
}

/* Nobody can do anything any more about what was wrong with a room that is gone. */
static void forget_alarms(struct station *station, const struct station_room *room)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	station_alarm_forget(station, room->record.name);
	for (size_t i = 0; i < room->supply_count; i++) {
		station_subject(room->supplies[i], subject);
		station_alarm_forget(station, subject);
	}
}

static void forget_devices(struct station *station)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	for (size_t i = 0; i < station->device_count; i++) {
		if (station_device_used(station, station->devices[i]))
			continue;
		station_device_subject(station, station->devices[i], subject);
		station_alarm_forget(station, subject);
	}
}

int station_room_remove(struct station *station, struct station_room *room, bool write_off,
			bool dry_run, const char *why, const char *who, struct station_closing *ret)
{
	const struct station_change change = {.who = who, .why = why};
	char name[LEDGER_NAME_MAX + 1];
	memcpy(name, room->record.name, sizeof(name));
	const struct dated_account before = room->dated;
	if (!write_off && room->live_nano != 0)
		return -ENOTEMPTY;
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r < 0)
		return r;
	*ret = (struct station_closing){0};
	r = close_account(station, room, &change, ret);
	if (r < 0 || dry_run) {
		station_rollback(station);
		room->dated = before;
		return r;
	}
	r = station_commit(station);
	if (r == 0) {
		forget_alarms(station, room);
		r = station_load(station);
	}
	if (r == 0)
		forget_devices(station);
	if (r == 0)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_REMOVED, JOURNAL_FIELDS({"ROOM", name}),
			    "room %s: account closed by %s: %s", name, who, why);
	return r;
}
