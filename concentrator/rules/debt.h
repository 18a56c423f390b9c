/* debt.h - what a tenant owes beside the balance, and how it is recovered.
 *
 * A debt is no part of the balance (M1): it is taken from there, or from a recharge, by an entry. A recharge
 * is spent in this order:
 *
 *     1 debts by share of the recharge, each within its limit of the week
 *     2 what fell due by date and could not be taken then (accumulated)
 *     3 what the balance is below every line
 *     4 emergency credit used
 *     5 the balance
 *
 * A recharge that is taken back, all or a part, leaves the debts as they were, or as the rest of it would have left
 * them: what it paid beyond that goes back to the balance, and is owed again.
 *
 * Shares floor to the nano; the last instalment takes the rest. Debts are taken from what the tenant pays,
 * not from an allowance or a subsidy.
 *
 * M9  By date a debt is taken once for each period of the local calendar, keyed (debt, period), on trusted
 *     time alone. Whole periods that were missed are not caught up: they stay owed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/credit.h"

#define DEBT_SHARE_MAX_PPM 1000000

/* Kept in the ledger under these numbers. */
enum debt_way {
	DEBT_BY_SHARE = 1,
	DEBT_DAILY,
	DEBT_WEEKLY, /* from Monday */
	DEBT_MONTHLY,
	DEBT_INSTALMENTS, /* monthly; the last takes what the division left */
	DEBT_AT_ONCE,     /* all of it is due: from the next recharge */
	DEBT_WAY_END
};

struct debt {
	enum debt_way way;
	int64_t left_nano;     /* owed still */
	int64_t due_nano;      /* of that: fell due and was not taken */
	int64_t share_ppm;     /* by share: of a recharge */
	int64_t week_max_nano; /* by share; 0: no limit */
	int64_t week;          /* the week of ... */
	int64_t week_nano;     /* ... what was taken by share in it */
	int64_t rate_nano;     /* by date: each period */
};

/* The week of a local day: it begins on Monday. */
int64_t debt_week(int64_t day);

/* The period of a local day for a debt that is taken by date; rising. */
int64_t debt_period(enum debt_way way, int64_t day);

/* Taken by date? */
bool debt_is_dated(enum debt_way way);

/* Takes the debt's share of a recharge of amount_nano out of what is left of it; moves the debt and returns
 * what it took. */
int64_t debt_take_share(struct debt *debt, int64_t amount_nano, int64_t week, int64_t left_nano);

/* Takes what is due, at most left_nano. */
int64_t debt_take_due(struct debt *debt, int64_t left_nano);

/* A recharge that paid nano of the debt is taken back, but for amount_nano of it (0: all): of nano, what as much
 * would have paid. *left_nano is what the debts before it leave of that amount, and moves. */
int64_t debt_keep(const struct debt *debt, int64_t nano, int64_t amount_nano, int64_t *left_nano);

/* It is owed again: by share within the limit of the week in which it was paid, else due. */
void debt_given_back(struct debt *debt, int64_t nano, int64_t week);

/* What a period takes of a debt by date, at most what is owed and not due already. */
int64_t debt_rate_nano(const struct debt *debt);

/* It is taken; or it is due from now on. nano is debt_rate_nano()'s. */
void debt_taken(struct debt *debt, int64_t nano);
void debt_deferred(struct debt *debt, int64_t nano);

/* What a charge that falls due with a date does: two policy bits for standing charges, two for debts. */
struct debt_bits {
	bool halted_when_exhausted;
	bool taken_in_emergency;
};

enum debt_position {
	DEBT_IN_CREDIT,
	DEBT_IN_EMERGENCY, /* emergency credit is in use */
	DEBT_EXHAUSTED,    /* the room is cut for money, or at its cut-off */
};

enum debt_answer {
	DEBT_TAKE,       /* from the balance */
	DEBT_ACCUMULATE, /* it is due, and taken from the next recharge */
	DEBT_HALT,       /* this period takes nothing */
};

enum debt_answer debt_decide(const struct debt_bits *bits, enum debt_position position);

/* Steps 3 to 5: how what is left of a recharge lifts a balance. The parts add up to rest_nano. */
struct debt_split {
	int64_t share_nano; /* steps 1 and 2, by the caller */
	int64_t due_nano;
	int64_t below_nano;
	int64_t emergency_nano;
	int64_t balance_nano;
};

void debt_split(int64_t balance_nano, int64_t rest_nano, const struct credit_terms *terms,
		enum emergency_state emergency, struct debt_split *ret);

/* "share", "daily", "weekly", "monthly", "instalments", "at-once". */
const char *debt_way_name(enum debt_way way);
