/* supply.c - see supply.h. S1 and S2 are kept here.
 *
 * A room in credit is noticed when its money lasts no longer than the notice, then waits for both
 * the notice and exhaustion. "Exhausted" may be an estimate; only "proven" cuts. What lies between
 * the two is a hold.
 */
#include "concentrator/rules/supply.h"

#include "concentrator/rules/money.h"

#define US_PER_HOUR INT64_C(3600000000)

/* The balance now if the room went on at its present power since the oldest register behind
 * best. */
static int64_t estimate_nano(const struct supply_facts *facts)
{
	int64_t since_nano, estimate;

	if (facts->cost_nano_per_h <= 0 || facts->evidence_age_us <= 0)
		return facts->best_nano;
	if (money_share(facts->cost_nano_per_h, facts->evidence_age_us, US_PER_HOUR, &since_nano) ||
	    money_subtract(facts->best_nano, since_nano, &estimate))
		return INT64_MIN;
	return estimate;
}

static bool proven(const struct supply_policy *policy, const struct supply_facts *facts)
{
	return facts->evidence != SUPPLY_EVIDENCE_NONE && facts->best_nano <= policy->cutoff_nano;
}

static bool exhausted(const struct supply_policy *policy, const struct supply_facts *facts)
{
	return estimate_nano(facts) <= policy->cutoff_nano;
}

static bool restorable(const struct supply_policy *policy, const struct supply_facts *facts)
{
	int64_t least_nano;

	return money_add(policy->cutoff_nano, policy->restore_min_nano, &least_nano) == 0 &&
	       facts->best_nano >= least_nano;
}

/* S2: a cut without proof was made although best_nano was above the cut-off; the same old registers
 * do not take it back, but a fresh one or money does. */
static bool may_restore(const struct supply_money *state, const struct supply_policy *policy,
			const struct supply_facts *facts)
{
	int64_t paid_nano;

	if (!restorable(policy, facts))
		return false;
	return !state->hold_spent || facts->evidence == SUPPLY_EVIDENCE_FRESH ||
	       (money_subtract(facts->best_nano, state->hold_from_nano, &paid_nano) == 0 &&
		paid_nano >= policy->restore_min_nano);
}

/* Why a cut that is due may not happen, mass cuts aside: they are asked about with it. */
static enum supply_hold missing(const struct supply_policy *policy,
				const struct supply_facts *facts, const struct instant *now)
{
	if (facts->kept)
		return SUPPLY_HOLD_KEPT;
	if (!now->trusted)
		return SUPPLY_HOLD_CLOCK;
	if (policy->cloud_away_us > 0 && facts->cloud_away_us >= policy->cloud_away_us)
		return SUPPLY_HOLD_CLOUD;
	if (!proven(policy, facts))
		return SUPPLY_HOLD_READINGS;
	return SUPPLY_HOLD_NONE;
}

static bool is_capped(enum supply_hold hold)
{
	return hold != SUPPLY_HOLD_NONE && hold != SUPPLY_HOLD_KEPT;
}

static int64_t elapsed_us(const struct supply_money *state, const struct instant *now)
{
	return now->us > state->last_us ? now->us - state->last_us : 0;
}

/* S2: later than both the notice and exhaustion. */
static bool is_ready(const struct supply_money *state, const struct supply_policy *policy,
		     const struct supply_facts *facts, int64_t notice_run_us)
{
	return !state->cut && state->noticed && notice_run_us >= state->notice_wait_us &&
	       exhausted(policy, facts);
}

/* S1: proof, or a spent hold where the building chose to cut. */
static bool may_cut(const struct supply_money *state, const struct supply_policy *policy,
		    enum supply_hold reason)
{
	return reason == SUPPLY_HOLD_NONE ||
	       (is_capped(reason) && state->hold_spent && policy->hold_then == SUPPLY_THEN_CUT);
}

void supply_resume(struct supply_money *state, int64_t now_us)
{
	state->evaluated = false;
	state->last_us = now_us;
}

int64_t supply_lasts_us(const struct supply_policy *policy, const struct supply_facts *facts)
{
	int64_t left_nano, lasts_us;

	if (facts->best_nano <= policy->cutoff_nano)
		return 0;
	if (facts->cost_nano_per_h <= 0 ||
	    money_subtract(facts->best_nano, policy->cutoff_nano, &left_nano) ||
	    money_share(left_nano, US_PER_HOUR, facts->cost_nano_per_h, &lasts_us))
		return SUPPLY_NEVER_US;
	return lasts_us;
}

bool supply_due(const struct supply_money *state, const struct supply_policy *policy,
		const struct supply_facts *facts, const struct instant *now)
{
	return is_ready(state, policy, facts, state->notice_run_us + elapsed_us(state, now)) &&
	       may_cut(state, policy, missing(policy, facts, now));
}

static void forget_hold(struct supply_money *state)
{
	state->hold_run_us = 0;
	state->hold_from_nano = 0;
	state->hold_begun = false;
	state->hold_spent = false;
}

static uint32_t end_hold(struct supply_money *state)
{
	if (state->hold == SUPPLY_HOLD_NONE)
		return 0;
	state->hold = SUPPLY_HOLD_NONE;
	return SUPPLY_EVENT_HOLD_ENDED;
}

static uint32_t watch_low(struct supply_money *state, const struct supply_policy *policy,
			  const struct supply_facts *facts)
{
	bool low = facts->best_nano <= policy->low_nano;

	if (low == state->low)
		return 0;
	state->low = low;
	return low ? SUPPLY_EVENT_LOW : SUPPLY_EVENT_LOW_OVER;
}

static uint32_t watch_notice(struct supply_money *state, const struct supply_policy *policy,
			     const struct supply_facts *facts)
{
	int64_t lasts_us = supply_lasts_us(policy, facts);

	if (state->noticed) {
		/* Only money takes a notice back: a load that is switched off and on does not flap
		 * it. */
		if (facts->best_nano <= state->notice_nano || !restorable(policy, facts) ||
		    lasts_us <= policy->notice_us)
			return 0;
		state->noticed = false;
		return SUPPLY_EVENT_NOTICE_CANCELLED;
	}
	if (lasts_us > policy->notice_us && !exhausted(policy, facts))
		return 0;
	state->noticed = true;
	state->notice_run_us = 0;
	state->notice_wait_us = policy->notice_us;
	state->notice_nano = facts->best_nano;
	return SUPPLY_EVENT_NOTICE;
}

/* The cut waits for a reason; counts what that may cost (S1's caps). */
static uint32_t hold(struct supply_money *state, const struct supply_policy *policy,
		     const struct supply_facts *facts, enum supply_hold reason)
{
	uint32_t events = 0;
	int64_t now_nano = estimate_nano(facts);
	int64_t used_nano;

	if (state->hold != reason) {
		state->hold = reason;
		events |= SUPPLY_EVENT_HOLD_BEGUN;
	}
	if (!is_capped(reason))
		return events;
	if (!state->hold_begun) {
		state->hold_begun = true;
		state->hold_from_nano = now_nano;
	}
	if (money_subtract(state->hold_from_nano, now_nano, &used_nano))
		used_nano = INT64_MAX;
	if (!state->hold_spent &&
	    (state->hold_run_us >= policy->hold_max_us || used_nano >= policy->hold_max_nano)) {
		state->hold_spent = true;
		events |= SUPPLY_EVENT_HOLD_SPENT;
	}
	return events;
}

static uint32_t cut(struct supply_money *state, const struct supply_policy *policy,
		    const struct supply_facts *facts)
{
	uint32_t events = end_hold(state);

	forget_hold(state);
	if (!proven(policy, facts)) {
		state->hold_spent = true;
		state->hold_from_nano = facts->best_nano;
	}
	state->cut = true;
	state->cut_run_us = 0;
	return events | SUPPLY_EVENT_CUT;
}

static uint32_t decide_cut(struct supply_money *state, const struct supply_policy *policy,
			   const struct supply_facts *facts, const struct instant *now)
{
	enum supply_hold reason = missing(policy, facts, now);
	uint32_t events;

	if (!exhausted(policy, facts))
		forget_hold(state);
	if (!is_ready(state, policy, facts, state->notice_run_us))
		return end_hold(state);
	if (reason == SUPPLY_HOLD_NONE && facts->cuts_held)
		reason = SUPPLY_HOLD_MASS;
	if (reason == SUPPLY_HOLD_NONE)
		return cut(state, policy, facts);
	events = hold(state, policy, facts, reason);
	return may_cut(state, policy, reason) ? events | cut(state, policy, facts) : events;
}

struct supply_answer supply_step(struct supply_money *state, const struct supply_policy *policy,
				 const struct supply_facts *facts, const struct instant *now)
{
	struct supply_answer answer = {0};
	int64_t passed_us = elapsed_us(state, now);

	state->last_us = now->us;
	state->evaluated = true;
	if (state->noticed)
		state->notice_run_us += passed_us;
	if (state->cut)
		state->cut_run_us += passed_us;
	if (is_capped(state->hold))
		state->hold_run_us += passed_us;

	answer.events = watch_low(state, policy, facts);
	if (state->cut) {
		if (may_restore(state, policy, facts)) {
			forget_hold(state);
			state->cut = false;
			state->cut_run_us = 0;
			state->noticed = false;
			answer.events |= SUPPLY_EVENT_RESTORE;
		}
		return answer;
	}
	answer.events |= watch_notice(state, policy, facts);
	answer.events |= decide_cut(state, policy, facts, now);
	if (state->noticed && !state->cut) {
		int64_t wait_us = state->notice_wait_us - state->notice_run_us;
		int64_t lasts_us = supply_lasts_us(policy, facts);

		if (lasts_us != SUPPLY_NEVER_US && lasts_us > wait_us)
			wait_us = lasts_us;
		if (__builtin_add_overflow(now->us, wait_us > 0 ? wait_us : 0, &answer.earliest_us))
			answer.earliest_us = SUPPLY_NEVER_US;
	}
	return answer;
}

enum credit_status supply_credit_status(const struct supply_policy *policy, int64_t live_nano)
{
	if (live_nano < 0)
		return CREDIT_NEGATIVE;
	if (live_nano == 0 || live_nano <= policy->cutoff_nano)
		return CREDIT_EXHAUSTED;
	return live_nano <= policy->low_nano ? CREDIT_LOW : CREDIT_OK;
}

const char *credit_status_name(enum credit_status status)
{
	switch (status) {
	case CREDIT_OK:
		return "OK";
	case CREDIT_LOW:
		return "Low";
	case CREDIT_EXHAUSTED:
		return "Exhausted";
	case CREDIT_NEGATIVE:
		return "Negative";
	}
	return "unknown";
}

const char *supply_hold_name(enum supply_hold reason)
{
	static const char *const names[SUPPLY_HOLD_COUNT] = {
		[SUPPLY_HOLD_NONE] = "none",         [SUPPLY_HOLD_KEPT] = "kept",
		[SUPPLY_HOLD_CLOCK] = "clock",       [SUPPLY_HOLD_CLOUD] = "cloud",
		[SUPPLY_HOLD_READINGS] = "readings", [SUPPLY_HOLD_MASS] = "mass cut",
	};

	return reason < SUPPLY_HOLD_COUNT ? names[reason] : "unknown";
}
