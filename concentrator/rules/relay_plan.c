/* relay_plan.c - see relay_plan.h. S4, S5, S6 and S8 are kept here.
 *
 * Each call looks at the position, says whose work it is, looks for energy where none should flow,
 * draws the proof, and only then asks whether a command is wanted and may go now. A command that
 * reached the device makes the position unknown until it is read again.
 */
#include "concentrator/rules/relay_plan.h"

#define LOAD_AGE_US INT64_C(60000000) /* older power says nothing about the moment of a command */

/* From when on load and register speak about the position as it is now. */
static int64_t settled_us(const struct relay_state *state)
{
	bool by_command = state->believed == RELAY_UNKNOWN || state->believed == state->commanded;
	int64_t since_us = by_command && state->commanded_us > 0 ? state->commanded_us
								 : state->believed_us;

	return since_us > 0 ? since_us + RELAY_SETTLE_US : 0;
}

/* One reading that agrees with the command just given is enough; any other change wants
 * RELAY_FOUND_MIN readings, none of them from while the relay may still be moving. */
static void observe_position(struct relay_state *state, const struct relay_seen *seen)
{
	bool agrees = seen->position == state->commanded;

	if (state->in_flight || seen->position == RELAY_UNKNOWN ||
	    seen->position_us <= state->candidate_us)
		return;
	if (state->commanded_us > 0 &&
	    seen->position_us <= state->commanded_us + (agrees ? 0 : RELAY_SETTLE_US - 1))
		return;

	state->candidate_count = seen->position == state->candidate ? state->candidate_count + 1
								    : 1;
	state->candidate = seen->position;
	state->candidate_us = seen->position_us;
	if (state->believed == seen->position ||
	    (!agrees && state->candidate_count < RELAY_FOUND_MIN))
		return;
	state->believed = seen->position;
	state->believed_us = seen->position_us;
	state->open_wh_set = false;
}

bool relay_plan_doubts(const struct relay_state *state)
{
	return state->candidate_count > 0 && state->candidate != state->believed;
}

static uint32_t clear_wrong(struct relay_state *state)
{
	if (!state->alarmed_wrong)
		return 0;
	state->alarmed_wrong = false;
	return RELAY_EVENT_WRONG_OVER;
}

/* S5: whose work is the position found? before: the position believed until now. */
static uint32_t judge_position(struct relay_state *state, enum relay_position before)
{
	uint32_t events = 0;

	if (state->believed == RELAY_UNKNOWN)
		return 0;
	if (state->believed == state->commanded) {
		state->proven = true;
		state->unanswered = 0;
		events |= clear_wrong(state);
	} else if (state->believed == RELAY_OPEN && !state->armed &&
		   (state->commanded == RELAY_UNKNOWN || state->proven)) {
		state->armed = true;
		events |= RELAY_EVENT_ARMED;
	} else if (state->commanded == RELAY_OPEN && before == RELAY_OPEN) {
		/* Closed by somebody: opening it begins anew. */
		state->tries = 0;
		state->next_us = 0;
		state->proven = false;
		events |= RELAY_EVENT_FOUND_CLOSED;
	}
	if (state->armed && state->believed == RELAY_CLOSED) {
		state->armed = false;
		events |= RELAY_EVENT_ARMED_OVER;
	}
	return events;
}

/* Is there load, by a reading from after the relay had settled? */
static bool load_read(const struct relay_state *state, const struct relay_seen *seen,
		      bool *ret_load)
{
	if (!seen->load_known || seen->load_us < settled_us(state))
		return false;
	*ret_load = seen->load_w >= RELAY_LOAD_W;
	return true;
}

bool relay_plan_own(const struct relay_state *state, const struct relay_seen *seen)
{
	return seen->own_us > 0 && state->commanded_us <= seen->own_us;
}

bool relay_plan_waits_for_key(const struct relay_state *state, const struct relay_traits *traits)
{
	return traits->key && state->commanded == RELAY_CLOSED && !state->proven && !state->armed &&
	       !state->in_flight && state->tries > 0 && state->unanswered == 0 &&
	       state->believed == RELAY_OPEN;
}

/* Found to switch by itself (anew): what was tried before was not this. */
static void observe_own(struct relay_state *state, const struct relay_seen *seen)
{
	if (state->own_us == seen->own_us)
		return;
	state->own_us = seen->own_us;
	if (!relay_plan_own(state, seen) || state->in_flight)
		return;
	state->tries = 0;
	state->unanswered = 0;
	state->since_us = 0;
	state->next_us = 0;
}

/* Would the command leave the relay where it is? Opening one that we want open heals (S5). */
static bool takes_over(const struct relay_state *state, const struct relay_seen *seen,
		       enum relay_position want, enum layer layer, int64_t now_us)
{
	if (!relay_plan_own(state, seen))
		return false;
	if (want == RELAY_OPEN || state->believed == RELAY_CLOSED)
		return true;
	if (layer == LAYER_OPERATOR && !state->armed)
		return true;
	return seen->load_known && seen->load_w >= RELAY_LOAD_W &&
	       now_us - seen->load_us < RELAY_SETTLE_US;
}

/* Has energy flowed since the relay was open, or should have been? */
static bool energy_flows(struct relay_state *state, const struct relay_traits *traits,
			 const struct relay_seen *seen)
{
	int64_t least_wh = 2 * traits->resolution_wh;
	bool load;

	if (least_wh < RELAY_THROUGH_WH)
		least_wh = RELAY_THROUGH_WH;
	if (load_read(state, seen, &load) && load)
		return true;
	if (!seen->register_known || seen->register_us < settled_us(state))
		return false;
	if (!state->open_wh_set) {
		state->open_wh = seen->register_wh;
		state->open_wh_set = true;
	}
	return seen->register_wh - state->open_wh >= least_wh;
}

static uint32_t watch_flow(struct relay_state *state, bool through)
{
	if (through == state->through_open)
		return 0;
	state->through_open = through;
	return through ? RELAY_EVENT_THROUGH_OPEN : RELAY_EVENT_THROUGH_OPEN_OVER;
}

/* Without read-back: has the device answered the last command, as far as is known? */
static bool answered(const struct relay_state *state)
{
	return state->proven || (state->tries > 0 && !state->in_flight);
}

/* S4: what is known about the last command; never commanded, about the position found. */
static enum relay_verify prove(const struct relay_state *state, const struct relay_traits *traits,
			       const struct relay_seen *seen, bool flows, int64_t now_us)
{
	enum relay_position target = state->commanded;
	bool load;
	bool agrees = false;

	if (target == RELAY_UNKNOWN)
		target = traits->reads_back ? state->believed : RELAY_CLOSED;
	if (target == RELAY_UNKNOWN)
		return RELAY_VERIFY_NONE;
	if (state->in_flight)
		return RELAY_VERIFY_PENDING;
	if (relay_plan_own(state, seen) && state->commanded != RELAY_UNKNOWN)
		return RELAY_VERIFY_OWN;
	if (load_read(state, seen, &load))
		agrees = target == RELAY_CLOSED ? load : !load && state->load_before;

	if (traits->reads_back) {
		if (state->believed == RELAY_UNKNOWN)
			return state->commanded_us > 0 &&
					       now_us - state->commanded_us >= RELAY_PROOF_US
				       ? RELAY_VERIFY_UNPROVEN
				       : RELAY_VERIFY_PENDING;
		if (relay_plan_waits_for_key(state, traits))
			return RELAY_VERIFY_KEY;
		if (state->believed != target || (target == RELAY_OPEN && flows))
			return RELAY_VERIFY_WRONG;
		return agrees || state->verify == RELAY_VERIFIED ? RELAY_VERIFIED
								 : RELAY_VERIFY_POSITION;
	}
	if (state->commanded != RELAY_UNKNOWN && !answered(state))
		return RELAY_VERIFY_PENDING;
	if (target == RELAY_OPEN && flows)
		return RELAY_VERIFY_WRONG;
	if (agrees || state->verify == RELAY_VERIFY_LOAD)
		return RELAY_VERIFY_LOAD;
	if (state->commanded == RELAY_UNKNOWN)
		return RELAY_VERIFY_NONE;
	return now_us - state->commanded_us >= RELAY_PROOF_US ? RELAY_VERIFY_UNPROVEN
							      : RELAY_VERIFY_PENDING;
}

/* was_proven: the ledger's word before this call; a proof that it has is not announced again. */
static uint32_t announce_proof(const struct relay_state *state, enum relay_verify before,
			       bool was_proven)
{
	bool of_command = state->commanded != RELAY_UNKNOWN &&
			  (state->commanded_us > 0 || !was_proven);

	if (state->verify == before || !of_command)
		return 0;
	switch (state->verify) {
	case RELAY_VERIFIED:
	case RELAY_VERIFY_POSITION:
	case RELAY_VERIFY_LOAD:
		return RELAY_EVENT_VERIFIED;
	case RELAY_VERIFY_UNPROVEN:
		return RELAY_EVENT_UNPROVEN;
	case RELAY_VERIFY_NONE:
	case RELAY_VERIFY_PENDING:
	case RELAY_VERIFY_WRONG:
	case RELAY_VERIFY_OWN:
	case RELAY_VERIFY_KEY:
		break;
	}
	return 0;
}

/* S5: before a relay is opened after a start its position is read, or an open relay that is not our
 * work would count as ours. People and safety do not wait, and nobody waits for long. */
static bool looks_first(struct relay_state *state, const struct relay_traits *traits,
			enum layer layer, int64_t now_us)
{
	if (!traits->reads_back || state->believed != RELAY_UNKNOWN || state->commanded_us > 0 ||
	    layer <= LAYER_OPERATOR) {
		state->looking = false;
		return false;
	}
	if (!state->looking) {
		state->looking = true;
		state->looking_us = now_us;
	}
	return now_us - state->looking_us < RELAY_PROOF_US;
}

/* The wish turned round before the last command worked, and the relay is where it is wanted now:
 * what stands is as good as commanded. */
static void adopt(struct relay_state *state, enum relay_position want)
{
	if (state->commanded == RELAY_UNKNOWN || state->commanded == want ||
	    state->believed != want || state->armed)
		return;
	state->commanded = want;
	state->proven = true;
	state->tries = 0;
	state->unanswered = 0;
}

static bool wants_command(const struct relay_state *state, const struct relay_traits *traits,
			  enum relay_position want, bool look_first)
{
	if (traits->reads_back && state->believed != RELAY_UNKNOWN)
		return state->believed != want &&
		       !(want == RELAY_CLOSED &&
			 (state->armed || relay_plan_waits_for_key(state, traits)));
	if (state->commanded != want)
		/* S5, S8: what we did not open is not closed blindly. */
		return want == RELAY_CLOSED ? state->commanded == RELAY_OPEN : !look_first;
	if (traits->reads_back)
		return state->unanswered > 0;
	return !answered(state) || state->verify == RELAY_VERIFY_WRONG;
}

/* S6. true: the relay is not to be opened under this current. */
static bool defer(struct relay_state *state, const struct relay_traits *traits,
		  const struct relay_seen *seen, enum layer layer, int64_t now_us, uint32_t *events)
{
	bool above = traits->breaking_ma > 0 && seen->current_known &&
		     seen->current_ma > traits->breaking_ma;

	if (!above || (layer != LAYER_SAFETY && layer != LAYER_MONEY && layer != LAYER_SCHEDULE)) {
		state->deferred = false;
		state->left_to_breaker = false;
		return false;
	}
	if (layer == LAYER_SAFETY) {
		if (!state->left_to_breaker)
			*events |= RELAY_EVENT_LEFT_TO_BREAKER;
		state->left_to_breaker = true;
		return true;
	}
	if (!state->deferred) {
		state->deferred = true;
		state->deferred_us = now_us;
		*events |= RELAY_EVENT_DEFERRED;
	}
	return now_us - state->deferred_us < RELAY_DEFER_MAX_US;
}

/* May the command go now? A new one at once, a repeated one at its time. */
static bool is_time(const struct relay_state *state, enum relay_position want, int64_t now_us)
{
	if (state->commanded != want)
		return true;
	/* Healing only opens: a close that did not work is not tried for ever. */
	if (want == RELAY_CLOSED && state->tries > RELAY_RETRY_MAX)
		return false;
	return now_us >= state->next_us;
}

static void begin_command(struct relay_state *state, enum relay_position want,
			  const struct relay_seen *seen, int64_t now_us)
{
	bool anew = state->commanded != want || (state->tries == 0 && state->unanswered == 0);

	if (anew) {
		state->since_us = now_us;
		state->tries = 0;
		state->unanswered = 0;
		state->load_before = seen->load_known && seen->load_w >= RELAY_LOAD_W &&
				     now_us - seen->load_us <= LOAD_AGE_US;
	}
	state->commanded = want;
	state->proven = false;
	state->in_flight = true;
	state->verify = RELAY_VERIFY_PENDING;
}

static enum relay_command decide_command(struct relay_state *state,
					 const struct relay_traits *traits,
					 const struct layers_verdict *verdict,
					 const struct relay_seen *seen, int64_t now_us,
					 uint32_t *events)
{
	enum relay_position want = verdict->wish == SUPPLY_ON ? RELAY_CLOSED : RELAY_OPEN;

	if (verdict->wish != SUPPLY_ON && verdict->wish != SUPPLY_OFF)
		return RELAY_COMMAND_NONE;
	if (state->in_flight)
		return RELAY_COMMAND_NONE;
	if (!takes_over(state, seen, want, verdict->layer, now_us) &&
	    !wants_command(state, traits, want,
			   looks_first(state, traits, verdict->layer, now_us))) {
		state->deferred = false;
		state->left_to_breaker = false;
		adopt(state, want);
		return RELAY_COMMAND_NONE;
	}
	if (state->commanded == want && state->since_us > 0 && !state->alarmed_wrong &&
	    now_us >= state->since_us + RELAY_RETRY_MAX * RELAY_RETRY_US + RELAY_SETTLE_US) {
		state->alarmed_wrong = true;
		*events |= RELAY_EVENT_WRONG;
	}
	if (!is_time(state, want, now_us) ||
	    (want == RELAY_OPEN && defer(state, traits, seen, verdict->layer, now_us, events)))
		return RELAY_COMMAND_NONE;
	if (state->commanded != want)
		*events |= clear_wrong(state);
	begin_command(state, want, seen, now_us);
	return want == RELAY_OPEN ? RELAY_COMMAND_OPEN : RELAY_COMMAND_CLOSE;
}

struct relay_decision relay_plan(struct relay_state *state, const struct relay_traits *traits,
				 const struct layers_verdict *verdict,
				 const struct relay_seen *seen, int64_t now_us)
{
	struct relay_decision decision = {.command = RELAY_COMMAND_NONE};
	enum relay_position before = state->believed;
	enum relay_verify verify_before = state->verify;
	enum relay_position commanded_before = state->commanded;
	bool proven_before = state->proven;
	bool armed_before = state->armed;
	bool flows, open;

	if (!traits->has_relay)
		return decision;
	observe_own(state, seen);
	if (traits->reads_back) {
		observe_position(state, seen);
		decision.events |= judge_position(state, before);
	}

	open = state->believed == RELAY_OPEN ||
	       (state->believed == RELAY_UNKNOWN && state->commanded == RELAY_OPEN &&
		(traits->reads_back ? state->proven : answered(state)));
	flows = open && energy_flows(state, traits, seen);
	decision.events |= watch_flow(state, flows);
	state->verify = prove(state, traits, seen, flows, now_us);
	decision.events |= announce_proof(state, verify_before, proven_before);
	/* Kept with its announcement: a command whose result was not told is given again after a
	 * start, which moves nothing that it has not moved already. */
	if (!traits->reads_back && state->commanded != RELAY_UNKNOWN &&
	    (state->verify == RELAY_VERIFY_LOAD || state->verify == RELAY_VERIFY_UNPROVEN))
		state->proven = true;
	if (state->verify == RELAY_VERIFY_LOAD)
		decision.events |= clear_wrong(state);

	decision.command = decide_command(state, traits, verdict, seen, now_us, &decision.events);
	decision.keep = state->commanded != commanded_before || state->proven != proven_before ||
			state->armed != armed_before;
	return decision;
}

void relay_plan_sent(struct relay_state *state, int error, int64_t now_us)
{
	if (!state->in_flight)
		return;
	state->in_flight = false;
	if (error < 0) {
		int64_t wait_us = RELAY_RESEND_US;

		for (uint32_t i = 0; i < state->unanswered && wait_us < RELAY_RETRY_US; i++)
			wait_us *= 2;
		state->unanswered++;
		state->next_us = now_us + (wait_us < RELAY_RETRY_US ? wait_us : RELAY_RETRY_US);
		return;
	}
	state->commanded_us = now_us;
	state->unanswered = 0;
	state->tries++;
	state->next_us = state->tries <= RELAY_RETRY_MAX
				 ? state->since_us + state->tries * RELAY_RETRY_US
				 : now_us + RELAY_RETRY_MAX * RELAY_RETRY_US;
	state->believed = RELAY_UNKNOWN;
	state->candidate = RELAY_UNKNOWN;
	state->candidate_count = 0;
	state->open_wh_set = false;
}

bool relay_plan_confirm(struct relay_state *state)
{
	if (!state->armed)
		return false;
	state->armed = false;
	state->commanded = RELAY_OPEN;
	state->proven = true;
	return true;
}

enum relay_position relay_believed(const struct relay_state *state)
{
	if (state->believed != RELAY_UNKNOWN)
		return state->believed;
	return state->commanded == RELAY_OPEN ? RELAY_OPEN : RELAY_CLOSED;
}
