/* station_identity.c - which meter it is, and by what its register is multiplied.
 *
 * Serial numbers, transformer ratios, and what switches beside us (station_mode.c) are read at the
 * start, once a day, and whenever the device or its line was away: a meter is exchanged with the power
 * off. Until they are read no register of that device moves money.
 *
 * T1c (part)  Two such reads never follow each other: another read of the device goes between them, so
 *     that a late answer to one meets a request of another length.
 * M6  A register that comes from another meter, or that is counted by another ratio, is quarantined: the
 *     serial number is bound to the meter life, and so are the ratios. A ratio that went back by itself
 *     stays frozen all the same, until a person decides.
 */
#include "concentrator/station_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/station_event.h"
#include "concentrator/station_mode.h"

#define DAY_US      INT64_C(86400000000)
#define RETRY_US    INT64_C(3600000000)
#define AGAIN_US    INT64_C(5000000)
#define REFUSALS    3    /* of one request, before the next one is asked */
#define NO_SERIAL   (-1) /* of a meter that should tell one and does not: never a bound one */
#define RATIOS_SIZE 160  /* text of all ratios of a point */

static const enum quantity ratio_quantities[] = {
	QUANTITY_CT_RATIO_MILLI,    QUANTITY_PT_RATIO_MILLI,    QUANTITY_PULSES_PER_UNIT_MILLI,
	QUANTITY_CT_PHASE_SHIFT,    QUANTITY_CT_RATIO_L2_MILLI, QUANTITY_CT_RATIO_L3_MILLI,
	QUANTITY_CT_PHASE_SHIFT_L2, QUANTITY_CT_PHASE_SHIFT_L3, QUANTITY_PULSE_WEIGHT_MILLI,
	QUANTITY_VOLUME_OFFSET_L,
};
/* New ones go behind: what a life is bound to is the beginning of what is known of it later. */
static const char *const ratio_names[] = {
	"ct", "pt", "pulses", "shift", "ct2", "ct3", "shift2", "shift3", "weight", "offset",
};
#define RATIO_QUANTITIES (sizeof(ratio_quantities) / sizeof(ratio_quantities[0]))

void station_identity_due(const struct station *station, struct station_device *device)
{
	device->identity = (struct station_identity){.pending = device->once.count > 0,
						     .due_us = station->now.us};
}

bool station_identity_next(const struct station *station, struct station_device *device,
			   uint8_t *ret_span, uint8_t *ret_channel)
{
	struct station_identity *identity = &device->identity;
	if (device->once.count == 0 || station->now.us < identity->due_us || device->once_last)
		return false;
	/* One at a time; one that was never sent is given out again. */
	if (identity->asked_us != 0 && station->now.us - identity->asked_us < AGAIN_US)
		return false;
	/* Who asked for a reading is answered first. */
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++)
		if (station->asked[i].call != NULL && station->asked[i].device == device)
			return false;
	*ret_span = device->once.at[identity->next].span;
	*ret_channel = device->once.at[identity->next].channel;
	identity->asked_us = station->now.us;
	return true;
}

/* The serial number bound to the life; 0: none, or one that is no number. */
static int64_t bound_serial(const struct station_supply *supply)
{
	char *end;
	errno = 0;
	long long serial = strtoll(supply->life.serial, &end, 10);
	return errno != 0 || end == supply->life.serial || *end != '\0' || serial < 0 ? 0 : serial;
}

static int bind_serial(struct station *station, struct station_supply *supply, int64_t serial)
{
	char text[LEDGER_ID_MAX + 1];
	snprintf(text, sizeof(text), "%" PRId64, serial);
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_life_bind(station->ledger, supply->life.id, text);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r == 0)
		memcpy(supply->life.serial, text, sizeof(text));
	return r;
}

static void check_serial(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	int64_t bound = bound_serial(supply);
	station_subject(supply, subject);
	if (!reading_has(&supply->latest, QUANTITY_SERIAL_NUMBER)) {
		if (bound != 0 && supply->meter->identity.refused)
			station_alarm(station, ALARM_SERIAL_MISMATCH, subject,
				      "what answers has no serial number where meter %" PRId64
				      " has one: nothing is charged until `prepay meter exchange`",
				      bound);
		return;
	}
	int64_t serial = supply->latest.value[QUANTITY_SERIAL_NUMBER];
	if (supply->life.serial[0] == '\0')
		(void)bind_serial(station, supply, serial);
	if (bound != 0 && bound != serial)
		station_alarm(station, ALARM_SERIAL_MISMATCH, subject,
			      "meter %" PRId64 " answers where %" PRId64 " was: nothing is charged "
			      "until `prepay meter exchange`",
			      serial, bound);
	else
		station_alarm_clear(station, ALARM_SERIAL_MISMATCH, subject);
}

/* "ct 400000 pt 1000" of what is known; "" nothing. */
static void ratios_text(const struct station_supply *supply, char ret[static RATIOS_SIZE])
{
	size_t used = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < RATIO_QUANTITIES; i++)
		if (reading_has(&supply->latest, ratio_quantities[i]) && used < RATIOS_SIZE)
			used += (size_t)snprintf(ret + used, RATIOS_SIZE - used, "%s%s %" PRId64,
						 used == 0 ? "" : " ", ratio_names[i],
						 supply->latest.value[ratio_quantities[i]]);
}

static void ratios_name(const struct station_supply *supply, char ret[static LEDGER_NAME_MAX + 1])
{
	snprintf(ret, LEDGER_NAME_MAX + 1, "ratio.%" PRId64, supply->life.id);
}

int station_identity_bind_ratios(struct station *station, struct station_supply *supply)
{
	char name[LEDGER_NAME_MAX + 1], text[RATIOS_SIZE];
	ratios_text(supply, text);
	ratios_name(supply, name);
	supply->limits.ratio_changed = false;
	return supply->life.id == 0 || text[0] == '\0'
		       ? 0
		       : ledger_cursor_set(station->ledger, name, text);
}

static void bind_ratios(struct station *station, struct station_supply *supply)
{
	if (station_begin(station) < 0)
		return;
	if (station_identity_bind_ratios(station, supply) < 0)
		station_rollback(station);
	else
		(void)station_commit(station);
}

/* Is it what was bound, and more that nobody had read then? */
static bool is_more(const char *now, const char *bound)
{
	size_t length = strlen(bound);
	return length > 0 && strncmp(now, bound, length) == 0 && now[length] == ' ';
}

static void check_ratios(struct station *station, struct station_supply *supply)
{
	char name[LEDGER_NAME_MAX + 1], now[RATIOS_SIZE], bound[RATIOS_SIZE];
	char subject[ALARM_SUBJECT_MAX + 1];
	ratios_text(supply, now);
	if (now[0] == '\0')
		return;
	ratios_name(supply, name);
	int r = ledger_cursor_get(station->ledger, name, bound, sizeof(bound));
	bool frozen = supply->guard.quarantined && supply->guard.reason == GUARD_RATIO;
	if (r == -ENODATA || (r == 0 && !frozen && is_more(now, bound))) {
		bind_ratios(station, supply);
		return;
	}
	if (r < 0)
		return;
	station_subject(supply, subject);
	supply->limits.ratio_changed = strcmp(now, bound) != 0 || frozen;
	if (supply->limits.ratio_changed && strcmp(now, bound) == 0)
		station_alarm(
			station, ALARM_RATIO_CHANGED, subject,
			"transformer ratio or its like was changed, and back to [%s]: nothing "
			"is charged until a person decides",
			now);
	else if (supply->limits.ratio_changed)
		station_alarm(station, ALARM_RATIO_CHANGED, subject,
			      "transformer ratio or its like was [%s] and is [%s] (thousandths): "
			      "nothing is charged until a person decides",
			      bound, now);
	else
		station_alarm_clear(station, ALARM_RATIO_CHANGED, subject);
}

/* Where the register wraps, and its step, in the measure of the ratios. */
static void scale_limits(struct station_supply *supply)
{
	const struct model *model = supply->meter->model;
	int64_t scaled;
	if (!model_needs_ratios(model))
		return;
	if (meter_energy_scaled(model, &supply->ratios, model->modulus_wh, &scaled) == 0)
		supply->limits.modulus_wh = scaled;
	if (meter_energy_scaled(model, &supply->ratios, model->resolution_wh, &scaled) == 0 &&
	    scaled > 0)
		supply->limits.resolution_wh = supply->traits.resolution_wh = scaled;
}

void station_identity_check(struct station *station, struct station_supply *supply)
{
	meter_ratios_learn(&supply->ratios, &supply->latest);
	scale_limits(supply);
	if (supply->life.id == 0 || station->store_failing)
		return;
	check_serial(station, supply);
	check_ratios(station, supply);
}

void station_identity_result(struct station *station, struct station_device *device, uint8_t span,
			     uint8_t channel, int error)
{
	struct station_identity *identity = &device->identity;
	/* The round may have begun anew since it was asked. */
	if (device->once.count == 0 || device->once.at[identity->next].span != span ||
	    device->once.at[identity->next].channel != channel)
		return;
	identity->asked_us = 0;
	/* Noise says nothing of what the device has. */
	if (error != 0 && ++identity->failures < REFUSALS)
		return;
	if (device->model->spans[span].role == MODEL_ROLE_IDENTITY)
		identity->refused = error == -EREMOTEIO;
	identity->missed = identity->missed || error != 0;
	identity->failures = 0;
	if (++identity->next < device->once.count)
		return;
	identity->next = 0;
	identity->pending = false;
	identity->due_us = station->now.us + (identity->missed ? RETRY_US : DAY_US);
	identity->missed = false;
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->meter == device)
			station_identity_check(station, station->supplies[i]);
}

void station_identity_attach(const struct station_supply *supply, struct reading *reading,
			     struct guard_limits *limits)
{
	limits->serial = bound_serial(supply);
	if (reading_has(&supply->latest, QUANTITY_SERIAL_NUMBER))
		reading_set(reading, QUANTITY_SERIAL_NUMBER,
			    supply->latest.value[QUANTITY_SERIAL_NUMBER]);
	else if (limits->serial != 0 && supply->meter->identity.refused)
		reading_set(reading, QUANTITY_SERIAL_NUMBER, NO_SERIAL);
}

static void forget(struct reading *reading, enum quantity quantity)
{
	reading->valid &= ~(UINT64_C(1) << quantity);
}

void station_identity_forget(struct station *station, struct station_device *device)
{
	station_identity_due(station, device);
	station_mode_forget(station, device);
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		if (supply->meter != device)
			continue;
		forget(&supply->latest, QUANTITY_SERIAL_NUMBER);
		for (size_t n = 0; n < RATIO_QUANTITIES; n++)
			forget(&supply->latest, ratio_quantities[n]);
	}
}
