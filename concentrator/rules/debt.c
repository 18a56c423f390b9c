/* debt.c - see debt.h. */
#include "concentrator/rules/debt.h"

#include "concentrator/rules/money.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Day 0 was a Thursday. */
int64_t debt_week(int64_t day)
{
	int64_t since_monday = day + 3;

	return since_monday / 7 - (since_monday % 7 < 0);
}

int64_t debt_period(enum debt_way way, int64_t day)
{
	if (way == DEBT_DAILY)
		return day;
	if (way == DEBT_WEEKLY)
		return debt_week(day);
	struct civil date = calendar_date(day);
	return (int64_t)date.year * 12 + date.month;
}

bool debt_is_dated(enum debt_way way)
{
	return way == DEBT_DAILY || way == DEBT_WEEKLY || way == DEBT_MONTHLY ||
	       way == DEBT_INSTALMENTS;
}

int64_t debt_take_share(struct debt *debt, int64_t amount_nano, int64_t week, int64_t left_nano)
{
	int64_t share, room;

	if (debt->way != DEBT_BY_SHARE ||
	    money_share(amount_nano, debt->share_ppm, DEBT_SHARE_MAX_PPM, &share) < 0)
		return 0;
	if (debt->week != week) {
		debt->week = week;
		debt->week_nano = 0;
	}
	share = least(least(share, debt->left_nano), left_nano);
	room = debt->week_max_nano - debt->week_nano;
	if (debt->week_max_nano > 0 && share > room)
		share = room > 0 ? room : 0;
	debt->week_nano += share;
	debt->left_nano -= share;
	debt->due_nano = least(debt->due_nano, debt->left_nano);
	return share;
}

int64_t debt_take_due(struct debt *debt, int64_t left_nano)
{
	int64_t taken = least(debt->due_nano, left_nano);

	debt->due_nano -= taken;
	debt->left_nano -= taken;
	return taken;
}

int64_t debt_keep(const struct debt *debt, int64_t nano, int64_t amount_nano, int64_t *left_nano)
{
	int64_t keep = least(nano, *left_nano), share;

	if (debt->way == DEBT_BY_SHARE)
		keep = money_share(amount_nano, debt->share_ppm, DEBT_SHARE_MAX_PPM, &share) < 0
			       ? 0
			       : least(keep, share);
	*left_nano -= keep;
	return keep;
}

void debt_given_back(struct debt *debt, int64_t nano, int64_t week)
{
	debt->left_nano += nano;
	if (debt->way != DEBT_BY_SHARE)
		debt->due_nano += nano;
	else if (debt->week == week)
		debt->week_nano -= least(debt->week_nano, nano);
}

int64_t debt_rate_nano(const struct debt *debt)
{
	int64_t open_nano = debt->left_nano - debt->due_nano;

	if (!debt_is_dated(debt->way))
		return 0;
	/* What the division left is less than one more instalment. */
	if (debt->way == DEBT_INSTALMENTS && open_nano - debt->rate_nano < debt->rate_nano)
		return open_nano;
	return least(debt->rate_nano, open_nano);
}

void debt_taken(struct debt *debt, int64_t nano)
{
	debt->left_nano -= nano;
}

void debt_deferred(struct debt *debt, int64_t nano)
{
	debt->due_nano += nano;
}

enum debt_answer debt_decide(const struct debt_bits *bits, enum debt_position position)
{
	switch (position) {
	case DEBT_IN_CREDIT:
		break;
	case DEBT_IN_EMERGENCY:
		return bits->taken_in_emergency ? DEBT_TAKE : DEBT_ACCUMULATE;
	case DEBT_EXHAUSTED:
		return bits->halted_when_exhausted ? DEBT_HALT : DEBT_TAKE;
	}
	return DEBT_TAKE;
}

/* The part of *rest_nano that lifts a balance at *from_nano to to_nano. */
static int64_t lift(int64_t *from_nano, int64_t to_nano, int64_t *rest_nano)
{
	int64_t part = 0;

	if (*from_nano < to_nano)
		part = least(to_nano - *from_nano, *rest_nano);
	*from_nano += part;
	*rest_nano -= part;
	return part;
}

void debt_split(int64_t balance_nano, int64_t rest_nano, const struct credit_terms *terms,
		enum emergency_state emergency, struct debt_split *ret)
{
	int64_t base = credit_cutoff_nano(terms, EMERGENCY_NONE);
	int64_t lowest = emergency == EMERGENCY_NONE ? base : base - terms->emergency_nano;

	ret->below_nano = lift(&balance_nano, lowest, &rest_nano);
	ret->emergency_nano = lift(&balance_nano, base, &rest_nano);
	ret->balance_nano = rest_nano;
}

const char *debt_way_name(enum debt_way way)
{
	switch (way) {
	case DEBT_BY_SHARE:
		return "share";
	case DEBT_DAILY:
		return "daily";
	case DEBT_WEEKLY:
		return "weekly";
	case DEBT_MONTHLY:
		return "monthly";
	case DEBT_INSTALMENTS:
		return "instalments";
	case DEBT_AT_ONCE:
		return "at-once";
	case DEBT_WAY_END:
		break;
	}
	return "unknown";
}
