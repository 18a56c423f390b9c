/* alarms.c - see alarms.h. */
#include "concentrator/rules/alarms.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	enum alarm_severity severity;
	bool occurrence;
} kinds[ALARM_KIND_COUNT] = {
	[ALARM_METER_SILENT] = {"meter-silent", ALARM_WARNING, false},
	[ALARM_METER_DEAD] = {"meter-dead", ALARM_CRITICAL, false},
	[ALARM_METER_MODEL] = {"meter-model", ALARM_CRITICAL, false},
	[ALARM_LINE_FAULT] = {"line-fault", ALARM_CRITICAL, false},
	[ALARM_POWER_OUTAGE] = {"power-outage", ALARM_CRITICAL, false},
	[ALARM_ADAPTER_ABSENT] = {"adapter-absent", ALARM_CRITICAL, false},
	[ALARM_SERIAL_MISMATCH] = {"serial-mismatch", ALARM_CRITICAL, false},
	[ALARM_RATIO_CHANGED] = {"ratio-changed", ALARM_CRITICAL, false},
	[ALARM_REGISTER_QUARANTINED] = {"register-quarantined", ALARM_WARNING, false},
	[ALARM_REGISTER_FROZEN] = {"register-frozen", ALARM_CRITICAL, false},
	[ALARM_REVERSE_ENERGY] = {"reverse-energy", ALARM_WARNING, false},
	[ALARM_BAND_REGISTERS] = {"band-registers", ALARM_WARNING, false},
	[ALARM_QUARANTINE_OLD] = {"quarantine-old", ALARM_CRITICAL, false},
	[ALARM_OWN_LOGIC] = {"own-logic", ALARM_CRITICAL, false},
	[ALARM_SAFE_STATE] = {"safe-state", ALARM_WARNING, false},
	[ALARM_RELAY_WRONG] = {"relay-wrong", ALARM_CRITICAL, false},
	[ALARM_RELAY_UNPROVEN] = {"relay-unproven", ALARM_WARNING, false},
	[ALARM_RELAY_REFUSED] = {"relay-refused", ALARM_WARNING, true},
	[ALARM_ARMED_FOR_CONNECT] = {"armed-for-connect", ALARM_WARNING, false},
	[ALARM_RELAY_FOUND_CLOSED] = {"relay-found-closed", ALARM_CRITICAL, false},
	[ALARM_ENERGY_THROUGH_OPEN] = {"energy-through-open", ALARM_CRITICAL, false},
	[ALARM_LEFT_TO_BREAKER] = {"left-to-breaker", ALARM_CRITICAL, true},
	[ALARM_OVERLOAD] = {"overload", ALARM_WARNING, false},
	[ALARM_MASS_CUT_HELD] = {"mass-cut-held", ALARM_CRITICAL, false},
	[ALARM_CUT_HELD] = {"cut-held", ALARM_WARNING, false},
	[ALARM_HOLD_SPENT] = {"hold-spent", ALARM_CRITICAL, false},
	[ALARM_CLOCK_UNTRUSTED] = {"clock-untrusted", ALARM_WARNING, false},
	[ALARM_STORE_FAILING] = {"store-failing", ALARM_CRITICAL, false},
	[ALARM_COMMIT_SLOW] = {"commit-slow", ALARM_WARNING, false},
	[ALARM_PROFILE_FAILING] = {"profile-failing", ALARM_WARNING, false},
	[ALARM_LEDGER_OLD] = {"ledger-old", ALARM_CRITICAL, true},
	[ALARM_LEDGER_WRONG] = {"ledger-wrong", ALARM_CRITICAL, false},
	[ALARM_SNAPSHOT_REFUSED] = {"snapshot-refused", ALARM_WARNING, true},
	[ALARM_ORDER_SIGNATURE] = {"order-signature", ALARM_CRITICAL, true},
	[ALARM_ORDER_UNKNOWN_ROOM] = {"order-unknown-room", ALARM_WARNING, true},
	[ALARM_ORDER_COLLISION] = {"order-collision", ALARM_CRITICAL, true},
	[ALARM_ORDER_LIMIT] = {"order-limit", ALARM_WARNING, true},
	[ALARM_ORDER_REFUSED] = {"order-refused", ALARM_WARNING, true},
	[ALARM_OUTBOX_REFUSED] = {"outbox-refused", ALARM_WARNING, true},
	[ALARM_SENSOR_STALE] = {"sensor-stale", ALARM_WARNING, false},
	[ALARM_CLOUD_AWAY] = {"cloud-away", ALARM_WARNING, false},
	[ALARM_AMOUNT_OVERFLOW] = {"amount-overflow", ALARM_CRITICAL, true},
	[ALARM_DATED_HELD] = {"dated-held", ALARM_CRITICAL, false},
};

/* Copies what fits, whole UTF-8 characters only. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size);

	if (length == size) {
		length = size - 1;
		while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(to, from, length);
	to[length] = '\0';
}

/* The place of the standing alarm of a kind and subject, ALARMS_MAX if none. The subject is
 * compared as it is kept. */
static size_t find(const struct alarms *alarms, enum alarm_kind kind, const char *subject)
{
	char kept[ALARM_SUBJECT_MAX + 1];
	size_t place = 0;

	if (alarms->standing[kind] == 0)
		return ALARMS_MAX;
	copy_text(kept, sizeof(kept), subject);
	while (place < ALARMS_MAX &&
	       !(alarms->alarm[place].active && alarms->alarm[place].kind == kind &&
		 strcmp(alarms->alarm[place].subject, kept) == 0))
		place++;
	return place;
}

/* The fewer, the sooner a place is given away. */
static int worth(const struct alarm *alarm)
{
	if (!alarm->active)
		return alarm->told ? 1 : 0; /* nobody knows yet that it is over */
	return kinds[alarm->kind].occurrence ? 2 : 3;
}

/* A free place, else that of the alarm worth least, of these the one with the smallest id. */
static struct alarm *find_place(struct alarms *alarms)
{
	struct alarm *least = NULL;

	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *alarm = &alarms->alarm[i];

		if (!least || worth(alarm) < worth(least) ||
		    (worth(alarm) == worth(least) && alarm->id < least->id))
			least = alarm;
	}
	return least && worth(least) < 3 ? least : NULL;
}

/* The place of the same alarm, whose end is not told yet, or told so lately that it comes and goes. */
static struct alarm *find_flapping(struct alarms *alarms, enum alarm_kind kind, const char *subject,
				   int64_t now_us)
{
	char kept[ALARM_SUBJECT_MAX + 1];

	copy_text(kept, sizeof(kept), subject);
	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *alarm = &alarms->alarm[i];

		if (!alarm->active && alarm->kind == kind && alarm->told_us != 0 &&
		    (alarm->told || now_us - alarm->told_us < ALARM_TELL_US) &&
		    strcmp(alarm->subject, kept) == 0)
			return alarm;
	}
	return NULL;
}

int alarms_raise(struct alarms *alarms, enum alarm_kind kind, const char *subject,
		 const char *detail, const struct instant *now, const struct alarm **ret_alarm)
{
	size_t place = find(alarms, kind, subject);
	struct alarm *alarm = place < ALARMS_MAX ? &alarms->alarm[place]
						 : find_flapping(alarms, kind, subject, now->us);
	bool is_new = !alarm;

	if (!alarm)
		alarm = find_place(alarms);
	if (!alarm)
		return -ENOSPC;
	if (alarm->active)
		alarms->standing[alarm->kind]--;
	alarms->standing[kind]++;
	alarm->active = true;
	if (is_new) {
		*alarm = (struct alarm){
			.id = ++alarms->last_id,
			.kind = kind,
			.active = true,
			.since_us = now->us,
			.since_s = now->trusted ? now->s : 0,
		};
		copy_text(alarm->subject, sizeof(alarm->subject), subject);
	}
	copy_text(alarm->detail, sizeof(alarm->detail), detail);
	if (ret_alarm)
		*ret_alarm = alarm;
	return is_new;
}

bool alarms_clear(struct alarms *alarms, enum alarm_kind kind, const char *subject,
		  const struct instant *now, const struct alarm **ret_alarm)
{
	size_t place = find(alarms, kind, subject);
	struct alarm *alarm;

	if (place == ALARMS_MAX)
		return false;
	alarm = &alarms->alarm[place];
	alarms->standing[kind]--;
	alarm->active = false;
	alarm->cleared_s = now->trusted ? now->s : 0;
	if (ret_alarm)
		*ret_alarm = alarm;
	return true;
}

const struct alarm *alarms_find(const struct alarms *alarms, enum alarm_kind kind,
				const char *subject)
{
	size_t place = find(alarms, kind, subject);

	return place < ALARMS_MAX ? &alarms->alarm[place] : NULL;
}

int alarms_acknowledge(struct alarms *alarms, int64_t id, const char *who)
{
	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *alarm = &alarms->alarm[i];

		if (alarm->id != id || id == 0)
			continue;
		if (alarm->acknowledged_by[0] != '\0')
			return -EEXIST;
		copy_text(alarm->acknowledged_by, sizeof(alarm->acknowledged_by), who);
		return 0;
	}
	return -ENOENT;
}

static bool is_untold(const struct alarm *alarm, int64_t now_us)
{
	return alarm->active != alarm->told &&
	       (alarm->told_us == 0 || now_us - alarm->told_us >= ALARM_TELL_US);
}

const struct alarm *alarms_untold(const struct alarms *alarms, int64_t after, int64_t now_us)
{
	const struct alarm *next = NULL;

	for (size_t i = 0; i < ALARMS_MAX; i++) {
		const struct alarm *alarm = &alarms->alarm[i];

		if (alarm->id > after && is_untold(alarm, now_us) &&
		    (!next || alarm->id < next->id))
			next = alarm;
	}
	return next;
}

void alarms_told(struct alarms *alarms, int64_t now_us)
{
	for (size_t i = 0; i < ALARMS_MAX; i++) {
		struct alarm *alarm = &alarms->alarm[i];

		if (!is_untold(alarm, now_us))
			continue;
		alarm->told = alarm->active;
		alarm->told_us = now_us;
	}
}

bool alarm_is_occurrence(enum alarm_kind kind)
{
	return kind < ALARM_KIND_COUNT && kinds[kind].occurrence;
}

size_t alarms_count(const struct alarms *alarms, enum alarm_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < ALARMS_MAX; i++)
		count += alarms->alarm[i].active &&
			 alarm_severity(alarms->alarm[i].kind) == severity;
	return count;
}

const struct alarm *alarms_next(const struct alarms *alarms, int64_t after, bool all)
{
	const struct alarm *next = NULL;

	for (size_t i = 0; i < ALARMS_MAX; i++) {
		const struct alarm *alarm = &alarms->alarm[i];

		if (alarm->id > after && (alarm->active || all) && (!next || alarm->id < next->id))
			next = alarm;
	}
	return next;
}

enum alarm_severity alarm_severity(enum alarm_kind kind)
{
	return kind < ALARM_KIND_COUNT ? kinds[kind].severity : ALARM_WARNING;
}

const char *alarm_kind_name(enum alarm_kind kind)
{
	return kind < ALARM_KIND_COUNT ? kinds[kind].name : "unknown";
}

const char *alarm_severity_name(enum alarm_severity severity)
{
	return severity == ALARM_CRITICAL ? "critical" : "warning";
}
