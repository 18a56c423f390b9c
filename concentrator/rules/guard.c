/* guard.c - see guard.h. M6 is kept here.
 *
 * A quarantined register is followed as a line of its own (the suspect line). A reading that comes
 * back to the baseline closes the quarantine; one that only grew until the time allows it does not:
 * a leap stays a leap however long it stands, and a register that restarted from zero stays a fall
 * when it passes the old value.
 */
#include "concentrator/rules/guard.h"

#include <assert.h>
#include <stddef.h>

#define US_PER_S           INT64_C(1000000)
#define FREQUENCY_MIN_MHZ  INT64_C(40000)
#define FREQUENCY_MAX_MHZ  INT64_C(70000)
#define VOLTAGE_MAX_FACTOR 2 /* times nominal; a lost neutral reaches the phase-to-phase voltage */

enum quantity guard_register(enum medium medium)
{
	return medium == MEDIUM_WATER ? QUANTITY_VOLUME_L : QUANTITY_ENERGY_IMPORT_WH;
}

int64_t guard_elapsed_us(const struct mark *mark, const struct instant *now)
{
	int64_t elapsed_us = GUARD_ELAPSED_MAX_US;

	if (mark->this_boot)
		elapsed_us = now->us - mark->at_us;
	else if (mark->dated && now->trusted && now->s >= mark->at_s &&
		 now->s - mark->at_s < GUARD_ELAPSED_MAX_US / US_PER_S)
		elapsed_us = (now->s - mark->at_s) * US_PER_S;
	if (elapsed_us < 0)
		return 0;
	return elapsed_us < GUARD_ELAPSED_MAX_US ? elapsed_us : GUARD_ELAPSED_MAX_US;
}

int64_t guard_limit_wh(const struct guard_limits *limits, int64_t elapsed_us)
{
	__extension__ __int128 per_h = limits->plausibility_factor;
	__extension__ __int128 wh;

	if (limits->medium == MEDIUM_WATER) {
		per_h *= limits->flow_l_per_h;
	} else {
		per_h *= limits->breaker_a;
		per_h *= limits->phases;
		per_h *= limits->nominal_voltage_v;
		per_h = per_h * GUARD_BREAKER_PERCENT / 100;
	}
	wh = per_h * (elapsed_us + GUARD_SLACK_US) / (3600 * US_PER_S);
	wh += 2 * limits->resolution_wh;
	return wh < INT64_MAX ? (int64_t)wh : INT64_MAX;
}

void guard_rebase(struct guard *guard, const struct mark *mark)
{
	*guard = (struct guard){.has_baseline = true, .accepted = *mark};
}

void guard_requarantine(struct guard *guard, enum guard_reason reason, int64_t suspect_wh)
{
	guard->quarantined = true;
	guard->reason = reason;
	guard->suspect_wh = suspect_wh;
	guard->suspect_last_wh = suspect_wh;
	guard->suspect_follows = 0;
}

/* What came with the register: a reading of another register or another meter shows here. */
static enum guard_reason witness(const struct guard_limits *limits, const struct reading *reading)
{
	static const enum quantity voltages[] = {QUANTITY_VOLTAGE_L1_MV, QUANTITY_VOLTAGE_L2_MV,
						 QUANTITY_VOLTAGE_L3_MV};
	int64_t voltage_max_mv = limits->nominal_voltage_v * 1000 * VOLTAGE_MAX_FACTOR;

	if (limits->serial != 0 && reading_has(reading, QUANTITY_SERIAL_NUMBER) &&
	    reading->value[QUANTITY_SERIAL_NUMBER] != limits->serial)
		return GUARD_SERIAL;
	if (limits->ratio_changed)
		return GUARD_RATIO;
	for (size_t i = 0; i < sizeof(voltages) / sizeof(voltages[0]); i++) {
		int64_t voltage_mv = reading->value[voltages[i]];

		if (reading_has(reading, voltages[i]) &&
		    (voltage_mv < 0 || voltage_mv > voltage_max_mv))
			return GUARD_WITNESS;
	}
	/* A meter fed from elsewhere shows 0 Hz behind its open relay. */
	if (reading_has(reading, QUANTITY_FREQUENCY_MHZ)) {
		int64_t frequency_mhz = reading->value[QUANTITY_FREQUENCY_MHZ];

		if (frequency_mhz != 0 &&
		    (frequency_mhz < FREQUENCY_MIN_MHZ || frequency_mhz > FREQUENCY_MAX_MHZ))
			return GUARD_WITNESS;
	}
	return GUARD_OK;
}

struct step {
	int64_t wh;
	bool rolled_over;
};

/* The step from register from_wh to register to_wh, both as read. */
static enum guard_reason measure(const struct guard_limits *limits, int64_t from_wh, int64_t to_wh,
				 int64_t limit_wh, struct step *ret_step)
{
	struct step step = {0};

	if (to_wh < 0)
		return GUARD_FALL;
	if (limits->modulus_wh > 0 && to_wh >= limits->modulus_wh)
		return GUARD_LEAP;
	if (to_wh >= from_wh) {
		step.wh = to_wh - from_wh;
	} else {
		if (limits->modulus_wh == 0 ||
		    from_wh < limits->modulus_wh - limits->modulus_wh / 10)
			return GUARD_FALL;
		step.wh = limits->modulus_wh - from_wh + to_wh;
		step.rolled_over = true;
	}
	if (step.wh > limit_wh)
		return step.rolled_over ? GUARD_FALL : GUARD_LEAP;
	*ret_step = step;
	return GUARD_OK;
}

/* Could register_wh follow another register read at from_us? */
static bool follows(const struct guard_limits *limits, int64_t from_wh, int64_t from_us,
		    int64_t register_wh, const struct instant *now)
{
	struct mark mark = {.at_us = from_us, .this_boot = true};
	struct step step;

	return measure(limits, from_wh, register_wh,
		       guard_limit_wh(limits, guard_elapsed_us(&mark, now)), &step) == GUARD_OK;
}

static struct guard_verdict quarantine(struct guard *guard, const struct guard_limits *limits,
				       enum guard_reason reason, int64_t register_wh,
				       const struct instant *now)
{
	struct guard_verdict verdict = {.outcome = GUARD_QUARANTINE,
					.reason = reason,
					.opened = !guard->quarantined,
					.suspect_wh = register_wh};

	if (guard->quarantined &&
	    follows(limits, guard->suspect_last_wh, guard->suspect_last_us, register_wh, now)) {
		guard->suspect_follows++;
	} else {
		guard->quarantined = true;
		guard->reason = reason;
		guard->suspect_wh = register_wh;
		guard->suspect_follows = 0;
	}
	guard->suspect_last_wh = register_wh;
	guard->suspect_last_us = now->us;
	guard->again = 0;
	return verdict;
}

/* A register that the baseline would allow by now: is it still the one that was quarantined? */
static bool still_suspect(const struct guard *guard, const struct guard_limits *limits,
			  int64_t register_wh, const struct instant *now)
{
	if (!guard->quarantined)
		return false;
	if (guard->reason == GUARD_LEAP)
		return register_wh >= guard->suspect_wh;
	if (guard->reason == GUARD_FALL)
		return guard->suspect_follows >= GUARD_FOLLOW_MAX &&
		       follows(limits, guard->suspect_last_wh, guard->suspect_last_us, register_wh,
			       now);
	return false;
}

/* The largest step that one reading alone can prove. */
static int64_t confirm_wh(const struct guard_limits *limits, int64_t limit_wh)
{
	int64_t least_wh = GUARD_CONFIRM_STEPS * limits->resolution_wh;
	int64_t wh = 0;

	switch (limits->witness) {
	case GUARD_WITNESS_WITHIN:
		wh = limit_wh / GUARD_CONFIRM_PART;
		break;
	case GUARD_WITNESS_BESIDE:
		wh = limit_wh / GUARD_CONFIRM_PART_BESIDE;
		break;
	case GUARD_WITNESS_NONE:
		break;
	}
	return wh > least_wh ? wh : least_wh;
}

/* Has a second reading agreed with the one that waits? Otherwise this one waits. */
static bool agreed(struct guard *guard, const struct guard_limits *limits, int64_t register_wh,
		   const struct instant *now)
{
	bool agrees = guard->again > 0 &&
		      follows(limits, guard->again_wh, guard->again_us, register_wh, now);

	guard->again = agrees ? 0 : guard->again + 1;
	guard->again_wh = register_wh;
	guard->again_us = now->us;
	return agrees;
}

static void take(struct guard *guard, int64_t unwrapped_wh, const struct instant *now)
{
	guard->accepted = (struct mark){.wh = unwrapped_wh,
					.at_us = now->us,
					.at_s = now->s,
					.this_boot = true,
					.dated = now->trusted};
	guard->has_baseline = true;
	guard->quarantined = false;
	guard->reason = GUARD_OK;
	guard->suspect_follows = 0;
	guard->again = 0;
}

struct guard_verdict guard_judge(struct guard *guard, const struct guard_limits *limits,
				 const struct reading *reading, const struct instant *now)
{
	struct guard_verdict verdict = {.outcome = GUARD_NOTHING};
	struct step step = {0};
	enum guard_reason reason;
	int64_t register_wh;

	assert(limits->resolution_wh >= 1 && limits->plausibility_factor >= 1);
	if (!reading_has(reading, guard_register(limits->medium)))
		return verdict;
	register_wh = reading->value[guard_register(limits->medium)];

	reason = witness(limits, reading);
	if (guard->has_baseline) {
		int64_t baseline_wh = limits->modulus_wh > 0
					      ? guard->accepted.wh % limits->modulus_wh
					      : guard->accepted.wh;

		verdict.limit_wh = guard_limit_wh(limits, guard_elapsed_us(&guard->accepted, now));
		if (reason == GUARD_OK)
			reason = measure(limits, baseline_wh, register_wh, verdict.limit_wh, &step);
		if (reason == GUARD_OK && still_suspect(guard, limits, register_wh, now))
			reason = guard->reason;
	} else if (reason == GUARD_OK) {
		/* Without a baseline any register that can be is possible. */
		reason = measure(limits, 0, register_wh, INT64_MAX, &step);
	}
	if (reason != GUARD_OK) {
		struct guard_verdict quarantined = quarantine(guard, limits, reason, register_wh,
							      now);

		quarantined.limit_wh = verdict.limit_wh;
		return quarantined;
	}

	if ((!guard->has_baseline || step.rolled_over ||
	     step.wh > confirm_wh(limits, verdict.limit_wh)) &&
	    !agreed(guard, limits, register_wh, now)) {
		if (guard->again > GUARD_AGAIN_MAX)
			return quarantine(guard, limits, GUARD_DISAGREE, register_wh, now);
		verdict.outcome = GUARD_READ_AGAIN;
		return verdict;
	}

	verdict.outcome = guard->has_baseline ? GUARD_ACCEPT : GUARD_BASELINE;
	verdict.returned = guard->quarantined;
	verdict.rolled_over = step.rolled_over;
	verdict.step_wh = guard->has_baseline ? step.wh : 0;
	take(guard, guard->has_baseline ? guard->accepted.wh + step.wh : register_wh, now);
	return verdict;
}

const char *guard_reason_name(enum guard_reason reason)
{
	static const char *const names[GUARD_REASON_COUNT] = {
		[GUARD_OK] = "ok",         [GUARD_FALL] = "fall",
		[GUARD_LEAP] = "leap",     [GUARD_WITNESS] = "witness",
		[GUARD_SERIAL] = "serial", [GUARD_DISAGREE] = "disagree",
		[GUARD_RATIO] = "ratio",
	};

	return reason < GUARD_REASON_COUNT ? names[reason] : "unknown";
}
