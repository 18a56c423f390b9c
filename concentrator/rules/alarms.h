/* alarms.h - what is wrong now, each thing once.
 *
 * A set over a fixed array: an alarm is a kind and a subject ("room 305 sockets", "line A").
 * Raising one that stands already changes nothing but its detail; clearing keeps it as history
 * until its place is needed. Who is told outside of it asks alarms_untold(): a thing that comes and
 * goes is told at most once in ALARM_TELL_US, and at last as it is.
 *
 * Most alarms are states, and end with them. Some are occurrences (a refused order): nothing undoes
 * them, so they end when a person has seen them, and make room for others when all places stand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/instant.h"

#define ALARMS_MAX        512
#define ALARM_SUBJECT_MAX 79 /* a room and its circuit, or the id of an order, whole */
#define ALARM_DETAIL_MAX  127
#define ALARM_WHO_MAX     63
#define ALARM_TELL_US     INT64_C(60000000)

enum alarm_severity { ALARM_WARNING, ALARM_CRITICAL };

enum alarm_kind {
	ALARM_METER_SILENT,
	ALARM_METER_DEAD,
	ALARM_METER_MODEL,
	ALARM_LINE_FAULT,
	ALARM_POWER_OUTAGE,
	ALARM_ADAPTER_ABSENT,
	ALARM_SERIAL_MISMATCH,
	ALARM_RATIO_CHANGED,
	ALARM_REGISTER_QUARANTINED,
	ALARM_QUARANTINE_OLD,
	ALARM_REGISTER_FROZEN,
	ALARM_REVERSE_ENERGY,
	ALARM_BAND_REGISTERS,
	ALARM_OWN_LOGIC,
	ALARM_SAFE_STATE,
	ALARM_RELAY_WRONG,
	ALARM_RELAY_UNPROVEN,
	ALARM_RELAY_REFUSED,
	ALARM_ARMED_FOR_CONNECT,
	ALARM_RELAY_FOUND_CLOSED,
	ALARM_ENERGY_THROUGH_OPEN,
	ALARM_LEFT_TO_BREAKER,
	ALARM_OVERLOAD,
	ALARM_MASS_CUT_HELD,
	ALARM_CUT_HELD,
	ALARM_HOLD_SPENT,
	ALARM_CLOCK_UNTRUSTED,
	ALARM_STORE_FAILING,
	ALARM_COMMIT_SLOW,
	ALARM_SNAPSHOT_REFUSED,
	ALARM_PROFILE_FAILING,
	ALARM_LEDGER_OLD,
	ALARM_LEDGER_WRONG,
	ALARM_ORDER_SIGNATURE,
	ALARM_ORDER_UNKNOWN_ROOM,
	ALARM_ORDER_COLLISION,
	ALARM_ORDER_LIMIT,
	ALARM_ORDER_REFUSED,
	ALARM_OUTBOX_REFUSED,
	ALARM_SENSOR_STALE,
	ALARM_CLOUD_AWAY,
	ALARM_AMOUNT_OVERFLOW,
	ALARM_DATED_HELD,
	ALARM_KIND_COUNT
};

struct alarm {
	int64_t id; /* grows; 0: free place */
	enum alarm_kind kind;
	bool active;
	int64_t since_us; /* CLOCK_BOOTTIME */
	int64_t since_s;  /* Unix; 0 while the clock was not trusted */
	int64_t cleared_s;
	int64_t told_us; /* when it was told last; 0: never */
	bool told;       /* that it stands */
	char subject[ALARM_SUBJECT_MAX + 1];
	char detail[ALARM_DETAIL_MAX + 1];
	char acknowledged_by[ALARM_WHO_MAX + 1]; /* empty: nobody */
};

/* Zero-initialised: empty. */
struct alarms {
	int64_t last_id;
	uint16_t standing[ALARM_KIND_COUNT]; /* active ones of each kind: most often none */
	struct alarm alarm[ALARMS_MAX];
};

/* Raises one. ret_alarm (may be NULL) points into the set. 1: it is new; 0: it stood already, or
 * comes again within ALARM_TELL_US (detail is replaced). -ENOSPC: all places hold standing states. Texts that are too long are cut
 * at a character. */
__attribute__((warn_unused_result)) int alarms_raise(struct alarms *alarms, enum alarm_kind kind,
						     const char *subject, const char *detail,
						     const struct instant *now,
						     const struct alarm **ret_alarm);

/* Clears one. true: it stood. ret_alarm (may be NULL) points to it. */
bool alarms_clear(struct alarms *alarms, enum alarm_kind kind, const char *subject,
		  const struct instant *now, const struct alarm **ret_alarm);

/* The standing alarm of a kind and subject, or NULL. */
const struct alarm *alarms_find(const struct alarms *alarms, enum alarm_kind kind,
				const char *subject);

/* A person has seen it. -ENOENT: no such alarm. -EEXIST: somebody has already. */
__attribute__((warn_unused_result)) int alarms_acknowledge(struct alarms *alarms, int64_t id,
							   const char *who);

/* The alarm with the smallest id above after whose state is not told and may be; NULL: none. */
const struct alarm *alarms_untold(const struct alarms *alarms, int64_t after, int64_t now_us);

/* All that alarms_untold() names at now_us was told. */
void alarms_told(struct alarms *alarms, int64_t now_us);

/* An occurrence: it ends when a person has seen it. */
bool alarm_is_occurrence(enum alarm_kind kind);

/* Standing alarms of one severity. */
size_t alarms_count(const struct alarms *alarms, enum alarm_severity severity);

/* The alarm with the smallest id above after, standing or (all) cleared too; NULL at the end. */
const struct alarm *alarms_next(const struct alarms *alarms, int64_t after, bool all);

enum alarm_severity alarm_severity(enum alarm_kind kind);

/* Stable names for programs: "meter-silent", ...; and "warning", "critical". */
const char *alarm_kind_name(enum alarm_kind kind);
const char *alarm_severity_name(enum alarm_severity severity);
