/* mass_cut.h - no mass cut by mistake.
 *
 * S7  More than max(minimum, percent of the rooms) newly due for a cut within the window, or any
 *     cut due within change_hold_us of a tariff, clock or software change, holds all cuts that have
 *     not happened yet until a person confirms; each room's hold is also capped by S1 (supply.h).
 *     The guard lets go by itself only when no room is due any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MASS_CUT_WINDOW_MAX 256 /* rooms newly due within one window; more count as a mass cut */

struct mass_cut_policy {
	int64_t minimum;
	int64_t percent;
	int64_t window_us;
	int64_t change_hold_us;
};

enum mass_cut_reason { MASS_CUT_NONE, MASS_CUT_MANY, MASS_CUT_CHANGE };

/* Zero-initialised: nothing due, no change. */
struct mass_cut {
	size_t count;
	int64_t due_us[MASS_CUT_WINDOW_MAX]; /* when each became due; oldest first */
	bool changed;
	int64_t changed_us;
	enum mass_cut_reason held; /* MASS_CUT_NONE: cuts may go */
	int64_t held_us;           /* since when */
};

/* A tariff came into force, the clock was stepped or became trusted, or another software version
 * started. */
void mass_cut_change(struct mass_cut *guard, int64_t now_us);

/* Before any due cut is made: rooms in the building, rooms due now in all (supply_due() and not yet
 * cut) and how many of those were not due at the last call. Returns whether all of them are held; a
 * call that begins a hold is seen by guard->held changing. */
bool mass_cut_held(struct mass_cut *guard, const struct mass_cut_policy *policy, int64_t rooms,
		   int64_t due, int64_t newly_due, int64_t now_us);

/* A person lets them go: ends the hold, forgets the window and the change. */
void mass_cut_confirm(struct mass_cut *guard);

/* "none", "many rooms", "after a change". */
const char *mass_cut_reason_name(enum mass_cut_reason reason);
