/* station_cuts.c - no mass cut by mistake: the count of rooms due, and what holds them.
 *
 * S7  The whole building is counted before one room of it is cut. What is held stays held over a restart,
 *     until a person confirms or no room is due any more.
 */
#include "concentrator/station_cuts.h"

#include <errno.h>
#include <stdio.h>

#include "concentrator/station_credit.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"

#define CURSOR   "cuts"
#define COUNT_US INT64_C(1000000) /* while cuts are held, so often at most */

static struct mass_cut_policy mass_policy(const struct config_policy *policy)
{
	return (struct mass_cut_policy){
		.minimum = policy->mass_cut_min,
		.percent = policy->mass_cut_percent,
		.window_us = policy->mass_cut_window_s * 1000000,
		.change_hold_us = policy->change_hold_s * 1000000,
	};
}

/* Counts the rooms due for a cut by what is known now; ret_newly: those that were not at the last count. */
static int64_t count_due(struct station *station, int64_t *ret_newly)
{
	int64_t due = 0;
	*ret_newly = 0;
	station->counted_us = station->now.us;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		struct supply_facts facts = station_facts(station, room);
		struct supply_policy policy = station_policy(station, room);
		bool now_due = supply_due(&room->money, &policy, &facts, &station->now);
		due += now_due;
		/* The end of protected hours is a schedule: who waited for it was warned. */
		*ret_newly += now_due && !room->was_due && room->money.hold != SUPPLY_HOLD_KEPT;
		room->was_due = now_due;
	}
	return due;
}

static void raise_held(struct station *station, int64_t count)
{
	station_alarm(station, ALARM_MASS_CUT_HELD, "building",
		      "%lld rooms are due (%s): none is cut until `prepay cuts confirm`, or a "
		      "hold's cap ends",
		      (long long)count, mass_cut_reason_name(station->mass.held));
}

bool station_cuts_held(struct station *station, struct station_room *room,
		       const struct supply_facts *facts)
{
	struct supply_policy own = station_policy(station, room);
	bool due = supply_due(&room->money, &own, facts, &station->now);
	enum mass_cut_reason before = station->mass.held;
	if (due == room->was_due &&
	    (before == MASS_CUT_NONE || station->now.us - station->counted_us < COUNT_US))
		return before != MASS_CUT_NONE;
	struct mass_cut_policy policy = mass_policy(&station->config->policy);
	int64_t newly, count = count_due(station, &newly);
	/* Just after a start not every meter was read: nobody due proves nothing yet. */
	if (count == 0 && station->now.us - station->started_us < policy.window_us)
		return before != MASS_CUT_NONE;
	bool held = mass_cut_held(&station->mass, &policy, (int64_t)station->room_count, count,
				  newly, station->now.us);
	if (station->mass.held != MASS_CUT_NONE && before == MASS_CUT_NONE)
		raise_held(station, count);
	if (station->mass.held == MASS_CUT_NONE && before != MASS_CUT_NONE)
		station_alarm_clear(station, ALARM_MASS_CUT_HELD, "building");
	return held;
}

/* "HELD CHANGED": the reason, and the Unix time of the last change; 0 none. */
int station_cuts_load(struct station *station)
{
	char text[64];
	int held;
	long long change_s;
	int r = ledger_cursor_get(station->ledger, CURSOR, text, sizeof(text));
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return r;
	if (sscanf(text, "%d %lld", &held, &change_s) != 2 || held < MASS_CUT_NONE ||
	    held > MASS_CUT_CHANGE)
		return -EUCLEAN;
	station->change_s = change_s;
	station->mass.held = (enum mass_cut_reason)held;
	station->mass.held_us = station->now.us;
	station->mass_kept.held = station->mass.held;
	if (held != MASS_CUT_NONE)
		raise_held(station, 0);
	return 0;
}

/* A change before the start goes on holding for the rest of its time. */
static void resume_change(struct station *station)
{
	int64_t since_s = station->now.s - station->change_s;
	if (station->change_s == 0 || !station->now.trusted)
		return;
	if (!station->mass.changed && since_s >= 0 &&
	    since_s < station->config->policy.change_hold_s) {
		mass_cut_change(&station->mass, station->now.us - since_s * 1000000);
		station->mass_kept.changed = true;
		station->mass_kept.changed_us = station->mass.changed_us;
	}
	station->change_s = 0;
}

static bool is_kept(const struct station *station)
{
	const struct mass_cut *mass = &station->mass, *kept = &station->mass_kept;
	return mass->held == kept->held && mass->changed == kept->changed &&
	       (!mass->changed || mass->changed_us == kept->changed_us);
}

static int keep(struct station *station)
{
	const struct mass_cut *mass = &station->mass;
	struct mass_cut *kept = &station->mass_kept;
	char text[64];
	int64_t change_s = mass->changed && station->now.trusted
				   ? station->now.s - (station->now.us - mass->changed_us) / 1000000
				   : 0;
	snprintf(text, sizeof(text), "%d %lld", (int)mass->held, (long long)change_s);
	int r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_cursor_set(station->ledger, CURSOR, text);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	r = station_commit(station);
	if (r < 0)
		return r;
	kept->held = mass->held;
	kept->changed = mass->changed;
	kept->changed_us = mass->changed_us;
	return 0;
}

void station_cuts_keep(struct station *station)
{
	resume_change(station);
	if (!station->store_failing && !is_kept(station))
		(void)keep(station);
}

int station_cuts_confirm(struct station *station)
{
	struct mass_cut held = station->mass;
	mass_cut_confirm(&station->mass);
	int r = station->store_failing ? -EIO : keep(station);
	if (r < 0) {
		station->mass = held;
		return r;
	}
	/* A change before the start is what the person has seen, too. */
	station->change_s = 0;
	station_alarm_clear(station, ALARM_MASS_CUT_HELD, "building");
	return 0;
}
