/* station_event.h - what leaves the station: events for the cloud, alarms, lines in the journal. */
#pragma once

#include "concentrator/station_state.h"

/* An event outside a transaction opens one of its own. -errno of the ledger. */
int station_event(struct station *station, int32_t lane, const char *type, json_t *body_taken);
/* An alarm stands and is in the journal at once, inside a transaction or not; the cloud is told with
 * those of the same second. */
void station_alarm(struct station *station, enum alarm_kind kind, const char *subject,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
void station_alarm_clear(struct station *station, enum alarm_kind kind, const char *subject);
/* Once a second: events of all alarms that began or ended, in one transaction (D2). */
void station_alarms_tell(struct station *station);
/* Clears every alarm about what is no longer there. */
void station_alarm_forget(struct station *station, const char *subject);
/* "305 sockets": what alarms about a supply are about; "line A address 7": about a device. */
void station_subject(const struct station_supply *supply, char ret[static ALARM_SUBJECT_MAX + 1]);
void station_device_subject(const struct station *station, const struct station_device *device,
			    char ret[static ALARM_SUBJECT_MAX + 1]);
json_t *station_money(const struct station *station, int64_t nano);
/* "12.34", rounded toward minus infinity. */
void station_amount(const struct station *station, int64_t nano, char ret[static 48]);
/* -1: too little history to tell. */
int64_t station_days_left(const struct station *station, const struct station_room *room);
/* Reports a room whose outward state has changed. */
void station_room_status(struct station *station, struct station_room *room);

/* Has the ledger failed, in reading too? Then the station knows it, and raises the alarm. */
void station_store_check(struct station *station);
/* Begin, commit and roll back with the store's state kept: a failure raises the alarm, and the station
 * goes on without cutting anybody until the store is back. */
int station_begin(struct station *station);
int station_commit(struct station *station);
void station_rollback(struct station *station);
