/* dated.h - what falls due with a date: the standing charge of a day, the minimum charge of a period, and
 * money that a tariff gives for one.
 *
 * Pure: what was done last, the prices and the local date in, the next event out. The caller writes the
 * event and its key in one transaction and asks again.
 *
 * M9  An event is keyed by its rule and a local day. It falls due at one instant of the building's
 *     calendar, only a trusted clock reaches it, and days are done in order: one that is done, and all
 *     before it, never fall due again, whatever the clock does. A day that the calendar skips has no
 *     event. Where more than DATED_MISSED_MAX days were missed a person must confirm.
 *
 * The charge of a day falls due when the day has ended, by the tariff in force at its first instant. The
 * day on which an account opens counts whole, the one on which it closes does not: so a day is charged
 * once when one tenant follows another. A minimum charge falls due at the first instant after its period,
 * by the tariff in force until then, or when the account closes. Money is given at the first instant of its
 * period, by the tariff in force then, and what is left of it ends before more is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/instant.h"
#include "concentrator/rules/tariff.h"
#include "concentrator/rules/tariff_time.h"

#define DATED_MISSED_MAX 3
#define DATED_NEVER      INT64_MIN

/* Kept in the ledger under these numbers. */
enum dated_rule {
	DATED_STANDING = 1, /* keyed by the day that it is for */
	DATED_MINIMUM,      /* keyed by the last day of the period */
	DATED_EXPIRY,       /* keyed by the first day on which what is left counts no more */
	DATED_ALLOWANCE,    /* keyed by the day on which it is given */
};

#define DATED_RULES 5 /* room for an array by rule */

/* Where an account stands. */
struct dated_account {
	int64_t opened_s;                     /* Unix; the tenancy's beginning, or the account's */
	int64_t last_day[DATED_RULES];        /* the last day done, by rule; DATED_NEVER: none */
	const struct tariff_persons *persons; /* borrowed; NULL: one */
};

struct dated_event {
	enum dated_rule rule;
	int64_t day;    /* calendar_day_number() of its key */
	int64_t due_s;  /* Unix; when it fell due */
	int64_t from_s; /* the interval that it is for */
	int64_t to_s;
	int64_t amount_nano; /* not negative: what it takes, or ALLOWANCE gives; MINIMUM: what the
			      * energy of the interval must have cost; EXPIRY: 0, all that is left */
	const struct tariff *tariff; /* of the book */
};

/* The next event that is due. false: none is, or the time is not known. */
bool dated_next(const struct dated_account *account, const struct tariff_book *book,
		const struct offset_table *zone, const struct instant *now,
		struct dated_event *ret);

/* The minimum charge of the period under way, for an account that closes now. false: there is none. */
bool dated_closing_minimum(const struct dated_account *account, const struct tariff_book *book,
			   const struct offset_table *zone, const struct instant *now,
			   struct dated_event *ret);

/* When what is left of the money given ends: all of it at one instant, whenever it was given, because what is
 * carried is carried to the same date (tested). INT64_MAX: with the tenancy. false: nothing is kept. */
bool dated_kept_until(const struct dated_account *account, const struct tariff_book *book,
		      const struct offset_table *zone, int64_t *ret_until_s);

/* It is done, and so is every earlier day of its rule. */
void dated_done(struct dated_account *account, const struct dated_event *event);

/* Days missed before now if this is the oldest event due: 1 where it fell due today. */
int64_t dated_missed(const struct dated_event *event, const struct offset_table *zone,
		     const struct instant *now);

/* The last day that one word of a person may waive with the event: of standing charges all that are due. */
int64_t dated_last_due(const struct dated_event *event, const struct offset_table *zone,
		       const struct instant *now);

/* What the standing charge of a day takes: that of the day, and of the month its floored share, the last
 * day of the month the rest. */
int64_t dated_standing_nano(const struct tariff *tariff, int64_t day);

/* "standing", "minimum", "expiry", "allowance"; a stable name for people and programs. */
const char *dated_rule_name(enum dated_rule rule);
