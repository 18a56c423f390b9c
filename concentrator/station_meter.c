/* station_meter.c - a point's answer: values for people, and the register that money follows.
 *
 * M6  What the guard does not believe is recorded as a quarantine and shown; the baseline stays. When
 *     the register comes back by itself the quarantine closes and nothing was charged or lost.
 */
#include "concentrator/station_bands.h"
#include "concentrator/station_meter.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/ledger_quarantine.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/settle.h"
#include "concentrator/station_event.h"
#include "concentrator/station_identity.h"
#include "concentrator/station_money.h"
#include "concentrator/station_overload.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_unread.h"

/* Steps before a rate is believed, and the longest wait for them. */
#define RATE_STEPS   10
#define RATE_WAIT_US INT64_C(120000000)

#define IMPLAUSIBLE_MAX 3 /* answers in a row */

/* A witness in another answer speaks for the register this long: several turns of a slow line. */
#define WITNESS_US INT64_C(600000000)

static void quarantine_event(struct station *station, const struct station_supply *supply,
			     const char *reason, const char *state)
{
	(void)station_event(station, 1, "quarantine",
			    json_pack("{s:s,s:s,s:s,s:s,s:s}", "room", supply->room->record.name,
				      "circuit", supply->record.circuit, "medium",
				      medium_name(supply->medium), "reason", reason, "state",
				      state));
}

static void open_quarantine(struct station *station, struct station_supply *supply,
			    const struct guard_verdict *verdict)
{
	struct ledger_quarantine record = {
		.supply_id = supply->record.id,
		.life_id = supply->life.id,
		.baseline_wh = supply->guard.accepted.wh,
		.reading_wh = verdict->suspect_wh,
		.opened_s = station->now.s,
		.opened_trusted = station->now.trusted,
	};
	snprintf(record.reason, sizeof(record.reason), "%s", guard_reason_name(verdict->reason));
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	/* Without a first register there is nothing that the ledger could set aside. */
	if (supply->life.id == 0) {
		station_alarm(station, ALARM_REGISTER_QUARANTINED, subject,
			      "register %lld %s (%s): not taken as the first of this meter",
			      (long long)verdict->suspect_wh, medium_unit(supply->medium),
			      record.reason);
		return;
	}
	if (station_begin(station) < 0)
		return;
	int r = ledger_quarantine_open(station->ledger, &record);
	if (r < 0 && r != -EEXIST) {
		station_rollback(station);
		return;
	}
	quarantine_event(station, supply, record.reason, "open");
	if (station_commit(station) < 0)
		return;
	if (r == 0) {
		supply->quarantine_id = record.id;
		supply->quarantine_opened_s = record.opened_s;
	}
	station_alarm(
		station, ALARM_REGISTER_QUARANTINED, subject,
		"register %lld %s after %lld %s (%s): not charged; the last good register stays",
		(long long)verdict->suspect_wh, medium_unit(supply->medium),
		(long long)record.baseline_wh, medium_unit(supply->medium), record.reason);
}

static void close_quarantine(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	if (supply->quarantine_id != 0) {
		if (station_begin(station) < 0)
			return;
		int r = ledger_quarantine_close(station->ledger, supply->quarantine_id,
						LEDGER_QUARANTINE_RETURNED, "the register itself",
						station->now.s);
		if (r < 0 && r != -EALREADY) {
			station_rollback(station);
			return;
		}
		quarantine_event(station, supply, "returned", "returned");
		if (station_commit(station) < 0)
			return;
		supply->quarantine_id = 0;
	}
	station_alarm_clear(station, ALARM_REGISTER_QUARANTINED, subject);
	station_alarm_clear(station, ALARM_QUARANTINE_OLD, subject);
}

/* The first register of a meter is accepted: its life begins there. */
static int begin_life(struct station *station, struct station_supply *supply)
{
	struct ledger_life life = {
		.point_id = supply->record.point_id,
		.medium = supply->medium,
		.first_wh = supply->guard.accepted.wh,
		.started_s = station->now.trusted ? station->now.s : 0,
	};
	if (reading_has(&supply->latest, QUANTITY_SERIAL_NUMBER))
		snprintf(life.serial, sizeof(life.serial), "%lld",
			 (long long)supply->latest.value[QUANTITY_SERIAL_NUMBER]);
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_life_begin(station->ledger, &life);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	supply->life = life;
	supply->settled = supply->guard.accepted;
	station_identity_check(station, supply);
	return 0;
}

static int believe_rollover(struct station *station, struct station_supply *supply)
{
	/* A rollover that a restart made the guard believe once more is in the ledger already. */
	int64_t accepted = supply->guard.accepted.wh;
	int64_t offset = accepted - accepted % supply->limits.modulus_wh;
	if (offset == supply->life.offset_wh)
		return 0;
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_life_unwrap(station->ledger, supply->life.id, offset);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r == 0)
		supply->life.offset_wh = offset;
	return r;
}

/* Wh or litres per hour, from steps long enough not to be the register's own graininess. */
static void follow_rate(struct station_supply *supply)
{
	struct station_rate *rate = &supply->rate;
	const struct mark *accepted = &supply->guard.accepted;
	if (!rate->has_mark || accepted->wh < rate->mark_wh) {
		*rate = (struct station_rate){
			.has_mark = true, .mark_wh = accepted->wh, .mark_us = accepted->at_us};
		return;
	}
	int64_t wh = accepted->wh - rate->mark_wh;
	int64_t us = accepted->at_us - rate->mark_us;
	if (us <= 0 || (wh < RATE_STEPS * supply->limits.resolution_wh && us < RATE_WAIT_US))
		return;
	int64_t per_h;
	if (__builtin_mul_overflow(wh, INT64_C(3600000000), &per_h))
		return;
	rate->wh_per_h = per_h / us;
	rate->mark_wh = accepted->wh;
	rate->mark_us = accepted->at_us;
}

/* A register that stands still, or power that flows backward: told, not corrected. */
static void check_progress(struct station *station, struct station_supply *supply, int64_t at_us)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	int64_t power_w = supply->latest.value[QUANTITY_POWER_W];
	bool known = reading_has(&supply->latest, QUANTITY_POWER_W) &&
		     at_us - supply->value_us[QUANTITY_POWER_W] <= RATE_WAIT_US;
	struct progress_doubt doubt = progress_step(&supply->progress, supply->guard.accepted.wh,
						    known, power_w, supply->limits.resolution_wh,
						    at_us);
	station_subject(supply, subject);
	if (doubt.frozen)
		station_alarm(station, ALARM_REGISTER_FROZEN, subject,
			      "%lld W flow, but the register stands at %lld Wh: nothing is charged",
			      (long long)power_w, (long long)supply->guard.accepted.wh);
	else
		station_alarm_clear(station, ALARM_REGISTER_FROZEN, subject);
	if (doubt.backward)
		station_alarm(station, ALARM_REVERSE_ENERGY, subject,
			      "%lld W flow backward: not credited", (long long)-power_w);
	else
		station_alarm_clear(station, ALARM_REVERSE_ENERGY, subject);
}

/* T1e: what proves that the register is the register? */
static enum guard_witness witness_of(const struct station *station,
				     const struct station_supply *supply)
{
	const struct model *model = supply->meter->model;
	int energy = model_span_of(model, MODEL_ROLE_ENERGY, 0);
	if (energy < 0 || model->spans[energy].witness < 0)
		return GUARD_WITNESS_NONE;
	if (model->spans[energy].witness == energy)
		return GUARD_WITNESS_WITHIN;
	return supply->witness_us != 0 && station->now.us - supply->witness_us <= WITNESS_US
		       ? GUARD_WITNESS_BESIDE
		       : GUARD_WITNESS_NONE;
}

/* M7: while the time is not known, what is known of it. */
static void note_since(const struct station *station, struct station_supply *supply)
{
	if (!supply->guard.accepted.dated)
		supply->guard.accepted.since_s = ledger_floor_s(station->ledger);
}

static void judge(struct station *station, struct station_supply *supply,
		  const struct reading *answer)
{
	struct reading with_serial = *answer;
	const struct reading *reading = &with_serial;
	struct instant now = station->now;
	now.us = reading->at_us;
	station_identity_attach(supply, &with_serial, &supply->limits);
	supply->limits.witness = witness_of(station, supply);
	const struct guard before = supply->guard;
	struct guard_verdict verdict = guard_judge(&supply->guard, &supply->limits, reading, &now);

	switch (verdict.outcome) {
	case GUARD_NOTHING:
		return;
	case GUARD_READ_AGAIN:
		schedule_ask(&station->lines[supply->meter->line].schedule, supply->meter->index,
			     SCHEDULE_ENERGY);
		return;
	case GUARD_QUARANTINE:
		supply->judged = true;
		if (verdict.opened || supply->quarantine_id == 0)
			open_quarantine(station, supply, &verdict);
		station_review(station, supply->room);
		return;
	case GUARD_BASELINE:
		note_since(station, supply);
		if (begin_life(station, supply) < 0) {
			supply->guard = before;
			return;
		}
		break;
	case GUARD_ACCEPT:
		note_since(station, supply);
		if (verdict.rolled_over && believe_rollover(station, supply) < 0) {
			supply->guard = before;
			return;
		}
		break;
	}
	if (verdict.returned || (supply->quarantine_id != 0 && !supply->guard.quarantined))
		close_quarantine(station, supply);
	supply->judged = true;
	follow_rate(supply);
	check_progress(station, supply, reading->at_us);
	station_bands_read(supply, reading);
	station_unread_read(station, supply);
	settle_idle(&supply->settled, &supply->guard.accepted);
	station_bands_idle(supply);
	supply->seen.register_known = true;
	supply->seen.register_wh = supply->guard.accepted.wh;
	supply->seen.register_us = reading->at_us;
	station_balance(station, supply->room);
	station_review(station, supply->room);
}

static void keep_values(struct station_supply *supply, const struct reading *reading)
{
	for (int q = 0; q < QUANTITY_COUNT; q++)
		if (reading_has(reading, (enum quantity)q)) {
			reading_set(&supply->latest, (enum quantity)q, reading->value[q]);
			supply->value_us[q] = reading->at_us;
		}
	supply->latest.at_us = reading->at_us;

	if (reading_has(reading, QUANTITY_POWER_W)) {
		supply->seen.load_known = true;
		supply->seen.load_w = reading->value[QUANTITY_POWER_W];
		supply->seen.load_us = reading->at_us;
	}
	for (int q = QUANTITY_CURRENT_L1_MA; q <= QUANTITY_CURRENT_L3_MA; q++)
		if (reading_has(reading, (enum quantity)q)) {
			if (!supply->seen.current_known || q == QUANTITY_CURRENT_L1_MA ||
			    reading->value[q] > supply->seen.current_ma)
				supply->seen.current_ma = reading->value[q];
			supply->seen.current_known = true;
		}
}

/* The witness is in another answer, and has never been heard. */
static bool lacks_witness(const struct station_supply *supply)
{
	const struct model *model = supply->meter->model;
	int energy = model_span_of(model, MODEL_ROLE_ENERGY, 0);
	return energy >= 0 && model->spans[energy].witness >= 0 &&
	       model->spans[energy].witness != energy && supply->witness_us == 0;
}

void station_reading(struct station *station, struct station_supply *supply,
		     const struct reading *reading, bool energy)
{
	keep_values(supply, reading);
	station_overload(station, supply, reading);
	/* The register's own answers do not speak for its witness. */
	if (supply->witness_bad) {
		station_relay_review(station, supply);
		return;
	}
	/* Nor does a register without one speak for itself: it may be another model's. */
	if (energy && lacks_witness(supply)) {
		schedule_ask(&station->lines[supply->meter->line].schedule, supply->meter->index,
			     SCHEDULE_INSTANT);
		return;
	}
	if (supply->implausible >= IMPLAUSIBLE_MAX) {
		char subject[ALARM_SUBJECT_MAX + 1];
		station_subject(supply, subject);
		station_alarm_clear(station, ALARM_METER_SILENT, subject);
	}
	supply->implausible = 0;
	if (energy)
		judge(station, supply, reading);
	else
		station_relay_review(station, supply);
}

void station_load_reading(struct station *station, struct station_supply *supply,
			  const struct reading *reading)
{
	keep_values(supply, reading);
	station_overload(station, supply, reading);
	station_relay_review(station, supply);
}

/* The witness beside the register, or the register itself, cannot be (T1e, T2): the answer is not
 * used, and the baseline stays. One such answer is noise; several in a row are a state to be told. */
void station_implausible(struct station *station, struct station_supply *supply, const char *row)
{
	supply->implausible++;
	/* Asked again at once while it may be noise. A state waits its turn: asked for ever at once it
	 * would keep the line from all others. */
	if (supply->implausible < IMPLAUSIBLE_MAX) {
		schedule_ask(&station->lines[supply->meter->line].schedule, supply->meter->index,
			     supply->witness_bad ? SCHEDULE_INSTANT : SCHEDULE_ENERGY);
		return;
	}
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	station_alarm(station, ALARM_METER_SILENT, subject,
		      "%d answers in a row are implausible (%s); not used, supply held",
		      IMPLAUSIBLE_MAX, row == NULL ? "a value" : row);
	station_review(station, supply->room);
}
