/* mass_cut.c - see mass_cut.h. S7 is kept here. */
#include "concentrator/rules/mass_cut.h"

void mass_cut_change(struct mass_cut *guard, int64_t now_us)
{
	guard->changed = true;
	guard->changed_us = now_us;
}

static void slide_window(struct mass_cut *guard, int64_t window_us, int64_t now_us)
{
	size_t old = 0;

	while (old < guard->count && now_us - guard->due_us[old] >= window_us)
		old++;
	for (size_t i = old; i < guard->count; i++)
		guard->due_us[i - old] = guard->due_us[i];
	guard->count -= old;
}

bool mass_cut_held(struct mass_cut *guard, const struct mass_cut_policy *policy, int64_t rooms,
		   int64_t due, int64_t newly_due, int64_t now_us)
{
	int64_t limit = rooms * policy->percent / 100;
	bool many = false;

	if (limit < policy->minimum)
		limit = policy->minimum;
	slide_window(guard, policy->window_us, now_us);
	for (; newly_due > 0 && !many; newly_due--) {
		if (guard->count == MASS_CUT_WINDOW_MAX)
			many = true;
		else
			guard->due_us[guard->count++] = now_us;
	}
	many = many || (int64_t)guard->count > limit;

	if (due == 0) {
		guard->held = MASS_CUT_NONE;
		return false;
	}
	if (guard->held == MASS_CUT_NONE) {
		if (many)
			guard->held = MASS_CUT_MANY;
		else if (guard->changed && now_us - guard->changed_us < policy->change_hold_us)
			guard->held = MASS_CUT_CHANGE;
		guard->held_us = now_us;
	}
	return guard->held != MASS_CUT_NONE;
}

void mass_cut_confirm(struct mass_cut *guard)
{
	guard->held = MASS_CUT_NONE;
	guard->count = 0;
	guard->changed = false;
}

const char *mass_cut_reason_name(enum mass_cut_reason reason)
{
	switch (reason) {
	case MASS_CUT_NONE:
		return "none";
	case MASS_CUT_MANY:
		return "many rooms";
	case MASS_CUT_CHANGE:
		return "after a change";
	}
	return "unknown";
}
