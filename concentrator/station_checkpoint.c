/* station_checkpoint.c - when the cloud is told what another card would need.
 *
 * M8  Once on each local date, some minutes behind midnight's settlements; while the time is not known, once
 *     in twelve hours of running.
 */
#include "concentrator/station_checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_order.h"

#define CURSOR     "checkpoint day"
#define SETTLED_US INT64_C(60000000) /* after the start, so that meters were read */
#define MINUTE     10                /* of the day */
#define UNTIMED_US INT64_C(43200000000)

int station_checkpoint_load(struct station *station)
{
	char text[24];
	int r = ledger_cursor_get(station->ledger, CURSOR, text, sizeof(text));
	station->checkpoint_us = station->now.us;
	station->checkpoint_day = r == 0 ? strtoll(text, NULL, 10) : 0;
	return r == -ENODATA ? 0 : r;
}

/* A period of use, if it has any. The count of a tenancy begins with it. */
static int add_period(json_t *rows, const struct station_room *room,
		      const struct tariff_period *period, uint32_t flags)
{
	int64_t since_s = period->since_s > room->use.opened_s ? period->since_s
							       : room->use.opened_s;
	if (period->wh == 0)
		return 0;
	return json_array_append_new(
		rows, json_pack("[I,I,I,i]", (json_int_t)room->record.account_id,
				(json_int_t)since_s, (json_int_t)period->wh, (int)flags));
}

/* As charges with these flags would count. */
static int add_use(json_t *rows, const struct station_room *room)
{
	const uint32_t covered = ENTRY_FREE | ENTRY_UNCOUNTED;
	int r = add_period(rows, room, &room->use.before, 0);
	if (r == 0)
		r = add_period(rows, room, &room->use.now, 0);
	if (r == 0)
		r = add_period(rows, room, &room->use.free_before, covered);
	return r < 0 ? r : add_period(rows, room, &room->use.free_now, covered);
}

/* What the balance is made of, where it is not all paid and plain. */
static int add_credit(json_t *rows, const struct station_room *room)
{
	const struct ledger_credit *credit = &room->credit;
	if (credit->allowance_nano == 0 && credit->subsidy_nano == 0 && !credit->own_overdraft &&
	    credit->emergency == 0 && !credit->emergency_used && credit->warned == 0)
		return 0;
	return json_array_append_new(
		rows,
		json_pack("[I,o,o,o,i,i,I,I]", (json_int_t)room->record.account_id,
			  message_nano(credit->allowance_nano), message_nano(credit->subsidy_nano),
			  credit->own_overdraft ? message_nano(credit->overdraft_nano)
						: json_null(),
			  (int)credit->emergency, (int)credit->emergency_used,
			  (json_int_t)credit->emergency_s, (json_int_t)credit->warned));
}

/* What the ledger does not know by itself. NULL: no memory. */
static json_t *given(const struct station *station)
{
	json_t *use = json_array(), *credits = json_array();
	json_t *sections = json_pack("{s:o,s:o}", "use", use, "credits", credits);
	int r = sections == NULL ? -1 : 0;
	for (size_t i = 0; r == 0 && i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];
		r = add_use(use, room);
		if (r == 0)
			r = add_credit(credits, room);
	}
	if (r == 0)
		return sections;
	json_decref(sections);
	return NULL;
}

int station_checkpoint_take(struct station *station, struct ledger_checkpoint_told *ret)
{
	int64_t day = station->now.trusted ? station_local_day(station) : station->checkpoint_day;
	char text[24];
	json_t *sections = given(station);
	const struct ledger_checkpoint checkpoint = {
		.at_s = station->now.s, .trusted = station->now.trusted, .given = sections};
	int r = sections == NULL ? -ENOMEM : station_begin(station);
	if (r < 0) {
		json_decref(sections);
		return r;
	}
	snprintf(text, sizeof(text), "%lld", (long long)day);
	r = ledger_checkpoint_write(station->ledger, &checkpoint, ret);
	if (r == 0)
		r = ledger_cursor_set(station->ledger, CURSOR, text);
	if (r < 0)
		station_rollback(station);
	else
		r = station_commit(station);
	json_decref(sections);
	if (r < 0)
		return r;
	station->checkpoint_us = station->now.us;
	station->checkpoint_day = day;
	return 0;
}

static bool is_due(const struct station *station)
{
	if (!station->now.trusted)
		return station->now.us - station->checkpoint_us >= UNTIMED_US;
	struct civil local = calendar_local(&station->settings.zone, station->now.s);
	return station_local_day(station) != station->checkpoint_day &&
	       (local.hour > 0 || local.minute >= MINUTE) &&
	       station->now.us - station->started_us >= SETTLED_US;
}

void station_checkpoint_check(struct station *station)
{
	struct ledger_checkpoint_told told;
	if (station->store_failing || station->room_count == 0 || !is_due(station))
		return;
	/* One that fails comes again in a minute: nothing waits for it. */
	if (station->now.us < station->checkpoint_retry_us)
		return;
	station->checkpoint_retry_us = station->now.us + SETTLED_US;
	int r = station_checkpoint_take(station, &told);
	if (r < 0 && !ledger_failed(station->ledger))
		journal_log(LOG_WARNING, NULL, NULL,
			    "the day's checkpoint cannot be written: %s; trying again",
			    strerror(-r));
}
