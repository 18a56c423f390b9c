/* station_event.c - what leaves the station: events for the cloud, alarms, lines in the journal. */
#include "concentrator/station_event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_event.h"
#include "concentrator/platform/journal.h"
#include "concentrator/platform/text.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_money.h"
#include "concentrator/station_relay.h"

#define STORE_RETRY_US INT64_C(10000000)

void station_store_check(struct station *station)
{
	if (!ledger_failed(station->ledger))
		return;
	if (!station->store_failing) {
		station->store_failing = true;
		station->store_retry_us = station->now.us + STORE_RETRY_US;
		journal_log(LOG_ERR, MESSAGE_ID_STORE_FAILING, NULL,
			    "the ledger cannot be written (%s): nobody is cut, orders wait at the "
			    "cloud; "
			    "trying again every %lld s",
			    ledger_failure_text(station->ledger),
			    (long long)(STORE_RETRY_US / 1000000));
		if (alarms_raise(&station->alarms, ALARM_STORE_FAILING, "ledger",
				 ledger_failure_text(station->ledger), &station->now, NULL) < 0)
			journal_log(LOG_ERR, NULL, NULL, "the table of alarms is full");
	}
}

int station_begin(struct station *station)
{
	int r = ledger_begin(station->ledger);
	station->transaction++;
	if (r < 0)
		station_store_check(station);
	return r;
}

int station_commit(struct station *station)
{
	int r = ledger_commit(station->ledger);
	int64_t took_us = ledger_commit_us(station->ledger);
	if (took_us > COMMIT_SLOW_US)
		journal_log(LOG_WARNING, MESSAGE_ID_STORE_SLOW, NULL,
			    "a commit took %lld ms; everything waited for the disk that long",
			    (long long)(took_us / 1000));
	if (r < 0) {
		station_store_check(station);
		return r;
	}
	if (station->settings.ports.committed != NULL)
		station->settings.ports.committed(station->settings.userdata);
	station_settled(station, station->transaction);
	return 0;
}

void station_rollback(struct station *station)
{
	ledger_rollback(station->ledger);
	station_store_check(station);
	if (!station->store_failing)
		station_credits_rewind(station);
}

int station_event(struct station *station, int32_t lane, const char *type, json_t *body_taken)
{
	char *body = body_taken == NULL ? NULL
					: json_dumps(body_taken, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(body_taken);
	if (body == NULL)
		return -ENOMEM;

	bool own = !ledger_in_transaction(station->ledger);
	int r = own ? station_begin(station) : 0;
	if (r == 0) {
		r = ledger_event_put(station->ledger, lane, type, station->now.s,
				     station->now.trusted, body, NULL);
		if (own && r < 0)
			station_rollback(station);
		else if (own)
			r = station_commit(station);
	}
	free(body);
	return r;
}

static int alarm_event(struct station *station, const struct alarm *alarm)
{
	return station_event(
		station, 1, "alarm",
		json_pack("{s:s,s:s,s:s,s:s,s:I,s:o}", "kind", alarm_kind_name(alarm->kind),
			  "subject", alarm->subject, "severity",
			  alarm_severity_name(alarm_severity(alarm->kind)), "detail", alarm->detail,
			  "since_s", (json_int_t)alarm->since_s, "cleared_s",
			  alarm->active ? json_null() : json_integer(alarm->cleared_s)));
}

void station_alarms_tell(struct station *station)
{
	const struct alarm *alarm = alarms_untold(&station->alarms, 0, station->now.us);
	if (alarm == NULL || station->store_failing || station_begin(station) < 0)
		return;
	int r = 0;
	for (; r == 0 && alarm != NULL;
	     alarm = alarms_untold(&station->alarms, alarm->id, station->now.us))
		r = alarm_event(station, alarm);
	if (r < 0)
		station_rollback(station);
	else if (station_commit(station) == 0)
		alarms_told(&station->alarms, station->now.us);
}

void station_alarm(struct station *station, enum alarm_kind kind, const char *subject,
		   const char *format, ...)
{
	char detail[2 * ALARM_DETAIL_MAX]; /* the set cuts it at a character */
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);

	if (alarms_raise(&station->alarms, kind, subject, detail, &station->now, NULL) != 1)
		return;
	journal_log(alarm_severity(kind) == ALARM_CRITICAL ? LOG_ERR : LOG_WARNING,
		    MESSAGE_ID_ALARM_RAISED, JOURNAL_FIELDS({"ALARM", alarm_kind_name(kind)}),
		    "%s: %s: %s", alarm_kind_name(kind), subject, detail);
}

void station_alarm_clear(struct station *station, enum alarm_kind kind, const char *subject)
{
	if (!alarms_clear(&station->alarms, kind, subject, &station->now, NULL))
		return;
	journal_log(LOG_INFO, MESSAGE_ID_ALARM_CLEARED,
		    JOURNAL_FIELDS({"ALARM", alarm_kind_name(kind)}), "%s: %s: over",
		    alarm_kind_name(kind), subject);
}

void station_alarm_forget(struct station *station, const char *subject)
{
	const struct alarm *alarm;
	int64_t after = 0;
	while ((alarm = alarms_next(&station->alarms, after, false)) != NULL) {
		after = alarm->id;
		if (strcmp(alarm->subject, subject) == 0)
			station_alarm_clear(station, alarm->kind, subject);
	}
}

void station_device_subject(const struct station *station, const struct station_device *device,
			    char ret[static ALARM_SUBJECT_MAX + 1])
{
	snprintf(ret, ALARM_SUBJECT_MAX + 1, "line %s address %u",
		 station->lines[device->line].config->name, device->address);
}

void station_subject(const struct station_supply *supply, char ret[static ALARM_SUBJECT_MAX + 1])
{
	char subject[2 * LEDGER_NAME_MAX + 2];
	snprintf(subject, sizeof(subject), "%s %s", supply->room->record.name,
		 supply->record.circuit);
	text_cut(ret, ALARM_SUBJECT_MAX + 1, subject);
}

json_t *station_money(const struct station *station, int64_t nano)
{
	return message_money(nano, station->config->site.minor_digits,
			     station->config->site.currency);
}

void station_amount(const struct station *station, int64_t nano, char ret[static 48])
{
	int digits = station->config->site.minor_digits;
	int64_t minor = money_floor_minor(nano, digits), unit = 1;
	for (int i = 0; i < digits; i++)
		unit *= 10;
	uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	if (digits == 0)
		snprintf(ret, 48, "%lld", (long long)minor);
	else
		snprintf(ret, 48, "%s%llu.%0*llu", minor < 0 ? "-" : "",
			 (unsigned long long)(size / (uint64_t)unit), digits,
			 (unsigned long long)(size % (uint64_t)unit));
}

int64_t station_days_left(const struct station *station, const struct station_room *room)
{
	int64_t span = station->now.s - room->week_from_s;
	if (room->week_from_s == 0 || room->week_nano <= 0 || span < CALENDAR_DAY_S)
		return -1;
	int64_t per_day, days;
	if (money_share(room->week_nano, CALENDAR_DAY_S, span, &per_day) < 0 || per_day <= 0)
		return -1;
	days = (room->live_nano - station_policy(station, room).cutoff_nano) / per_day;
	return days < 0 ? 0 : days;
}

void station_room_status(struct station *station, struct station_room *room)
{
	struct supply_policy policy = station_policy(station, room);
	enum credit_status credit = supply_credit_status(&policy, room->live_nano);
	enum service_status service = station_service(room);
	if (room->told && room->told_credit == credit && room->told_service == service)
		return;
	if (!room->money.evaluated)
		return;
	int64_t earliest_s = station_earliest_s(station, room);
	int64_t days = station_days_left(station, room);
	int r = station_event(station, 1, "roomStatus",
			      json_pack("{s:s,s:o,s:s,s:s,s:o,s:o}", "room", room->record.name,
					"balance", station_money(station, room->live_nano),
					"creditStatus", credit_status_name(credit), "serviceStatus",
					service_status_name(service), "daysLeft",
					days < 0 ? json_null() : json_integer(days), "pendingCut",
					earliest_s == 0 ? json_null() : json_integer(earliest_s)));
	if (r < 0)
		return;
	room->told = true;
	room->told_credit = credit;
	room->told_service = service;
}
