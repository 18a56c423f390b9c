/* supply.h - may this room have power for its money?
 *
 * Pure: the account's figures, the policy and the state of one room in; whether money wishes the
 * room off, and what to announce, out. The state is a plain value that the ledger keeps: it counts
 * running time, so that neither a wrong clock nor a restart shortens a notice or a hold. Which
 * supplies go first and who overrides whom is layers.h; moving the relay is relay_plan.h.
 *
 * S1  A cut for money needs provable exhaustion: the balance at or below the cut-off under the
 *     reading, band and time most favourable to the tenant, with a trusted clock. Where the proof
 *     is missing the cut is held; a hold is capped in running time and in money, then alarms and
 *     takes the building's choice, keep or cut. A dispute hold or a protected period is no lack of
 *     evidence: it has an owner and an end elsewhere, and is not capped here.
 * S2  A cut is announced notice_us ahead with the earliest time from the forecast and happens at
 *     the later of that time and exhaustion. The room comes back only at the cut-off plus
 *     restore_min: never does the supply flap around one balance.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/instant.h"

#define SUPPLY_NEVER_US INT64_MAX

/* IEEE 2030.5 CreditStatus, by value. */
enum credit_status { CREDIT_OK = 0, CREDIT_LOW = 1, CREDIT_EXHAUSTED = 2, CREDIT_NEGATIVE = 3 };

enum supply_hold_then { SUPPLY_THEN_KEEP, SUPPLY_THEN_CUT };

/* prepay.conf [policy], in the units of the rules. */
struct supply_policy {
	int64_t cutoff_nano;
	int64_t restore_min_nano; /* at least 1 */
	int64_t low_nano;
	int64_t notice_us;
	int64_t hold_max_us;
	int64_t hold_max_nano;
	enum supply_hold_then hold_then;
	int64_t cloud_away_us; /* money cuts wait while the cloud was away this long; 0: never */
};

/* How the readings behind best_nano stand: the worst of the account's points. */
enum supply_evidence {
	SUPPLY_EVIDENCE_FRESH,
	SUPPLY_EVIDENCE_STALE, /* an accepted register, but old or followed by a quarantined one */
	SUPPLY_EVIDENCE_NONE,  /* a point was never read: nothing is proven */
};

struct supply_facts {
	int64_t best_nano; /* settled balance minus the least cost of the registers accepted */
	enum supply_evidence evidence;
	int64_t evidence_age_us; /* age of the oldest register behind it */
	int64_t cost_nano_per_h; /* at the room's present power; 0: nothing or unknown */
	int64_t cloud_away_us;   /* how long it has been away; 0: it is there, or there is none */
	bool kept;               /* a dispute hold or a protected period is in force */
	bool cuts_held;          /* mass_cut.h holds all due cuts */
};

enum supply_hold {
	SUPPLY_HOLD_NONE,
	SUPPLY_HOLD_KEPT,     /* dispute or protected period; not capped here */
	SUPPLY_HOLD_CLOCK,    /* the clock is not trusted */
	SUPPLY_HOLD_CLOUD,    /* a recharge may be waiting at the cloud */
	SUPPLY_HOLD_READINGS, /* exhausted by estimate only */
	SUPPLY_HOLD_MASS,     /* too many rooms at once, or just after a change */
	SUPPLY_HOLD_COUNT
};

/* One room's state; the ledger keeps it whole. Zero-initialised: connected, nothing announced. */
struct supply_money {
	bool evaluated;  /* false: no facts since the start, nothing is moved. Not kept. */
	int64_t last_us; /* CLOCK_BOOTTIME of the last step. Not kept: supply_resume() sets it. */

	bool low; /* low balance announced */
	bool noticed;
	int64_t notice_run_us;  /* running time since the notice */
	int64_t notice_wait_us; /* running time the cut was announced ahead */
	int64_t notice_nano;    /* best balance then */

	enum supply_hold hold;
	int64_t hold_run_us;    /* running time of the capped holds since last in credit */
	int64_t hold_from_nano; /* estimated balance when they began */
	bool hold_begun;        /* hold_from_nano is set */
	bool hold_spent;        /* a cap was reached: the building's choice is in force */

	/* In a cut made without proof hold_spent stays, and hold_from_nano is best_nano at the cut:
	 * stale registers alone do not take it back. */
	bool cut;           /* money wishes the room off */
	int64_t cut_run_us; /* running time since: the stages of layers.h */
};

/* Bits of supply_step()'s answer: what to announce, each once. */
enum supply_event {
	SUPPLY_EVENT_LOW = 1 << 0,
	SUPPLY_EVENT_LOW_OVER = 1 << 1,
	SUPPLY_EVENT_NOTICE = 1 << 2, /* earliest_us of the answer says when */
	SUPPLY_EVENT_NOTICE_CANCELLED = 1 << 3,
	SUPPLY_EVENT_HOLD_BEGUN = 1 << 4, /* state.hold says why; also on a change of reason */
	SUPPLY_EVENT_HOLD_ENDED = 1 << 5,
	SUPPLY_EVENT_HOLD_SPENT = 1 << 6, /* alarm: a cap of S1 was reached */
	SUPPLY_EVENT_CUT = 1 << 7,
	SUPPLY_EVENT_RESTORE = 1 << 8,
};

struct supply_answer {
	uint32_t events;     /* enum supply_event */
	int64_t earliest_us; /* under a notice: CLOCK_BOOTTIME of the earliest cut, else 0 */
};

/* After a start: the kept state goes on from now; the time the box was off does not count. */
void supply_resume(struct supply_money *state, int64_t now_us);

/* Would this step cut the room, were it not for facts.cuts_held? Feed mass_cut.h with it first. */
bool supply_due(const struct supply_money *state, const struct supply_policy *policy,
		const struct supply_facts *facts, const struct instant *now);

/* Takes every decision of the money layer for one room. Call on every accepted reading, order,
 * change of the facts, and at least once a second. */
struct supply_answer supply_step(struct supply_money *state, const struct supply_policy *policy,
				 const struct supply_facts *facts, const struct instant *now);

/* Running time until best_nano meets the cut-off at the present cost; 0: it has;
 * SUPPLY_NEVER_US. */
int64_t supply_lasts_us(const struct supply_policy *policy, const struct supply_facts *facts);

/* By the live balance. Exhausted is at or below the cut-off or zero; below zero is Negative. */
enum credit_status supply_credit_status(const struct supply_policy *policy, int64_t live_nano);

/* "OK", "Low", "Exhausted", "Negative". */
const char *credit_status_name(enum credit_status status);

/* "none", "kept", "clock", "cloud", "readings", "mass cut". */
const char *supply_hold_name(enum supply_hold hold);
