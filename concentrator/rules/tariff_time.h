/* tariff_time.h - when a price can change: bands, periods of blocks, new tariffs.
 *
 * Everything here follows the building's local clock: a band in a repeated hour happens twice, one in
 * a skipped hour not at all, and a day with blocks has 23, 24 or 25 hours. A period begins at the
 * first instant that carries its date.
 *
 * M7  A boundary is an instant at which a tariff comes into force, the band becomes another one, or
 *     a period of blocks, of an allowance or of a minimum charge begins. A midnight between two days of one band is none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/tariff.h"

/* How far ahead tariff_next_boundary() looks for bands and periods. */
#define TARIFF_LOOK_AHEAD_S (INT64_C(2) * 366 * CALENDAR_DAY_S)

/* The band at an instant, and a span around it, perhaps not the longest, in which it holds: from
 * from_s up to, not including, to_s. */
struct tariff_span {
	uint32_t band;
	int64_t from_s;
	int64_t to_s;
};

struct tariff_span tariff_span_at(const struct tariff *tariff, const struct offset_table *zone,
				  int64_t at_s);

/* A period of blocks, and what an account has used in it. It is cut short where a tariff with other
 * periods comes into force or goes; the count then begins anew. */
struct tariff_period {
	int64_t since_s; /* use counts from here ... */
	int64_t until_s; /* ... up to, not including, here */
	int64_t wh;      /* charged so far */
	/* Days of the calendar's period from the move-in on, of all its days: what a prorated edge is
	 * multiplied by. 1 of 1 where the account was there before. */
	int64_t share_days;
	int64_t of_days;
};

/* What has periods. */
enum tariff_count {
	TARIFF_COUNT_BLOCKS, /* use, for the blocks */
	TARIFF_COUNT_FREE,   /* use that an allowance covered, while what is left is carried */
	/* Nothing is counted in these: */
	TARIFF_COUNT_GIVEN,   /* the period that an allowance is given for */
	TARIFF_COUNT_MINIMUM, /* the period of a minimum charge */
};

/* The period of the tariff in force at at_s, with nothing used yet. opened_s: the move-in of the
 * account. false: that tariff has no such thing, or there is none. */
bool tariff_count_at(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s,
		     int64_t opened_s, enum tariff_count count, struct tariff_period *ret);

/* The period of blocks: as tariff_count_at(). */
bool tariff_period_at(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s,
		      int64_t opened_s, struct tariff_period *ret);

/* Where an account stands in its blocks and its allowance: what it has used in the latest period that it
 * used anything in, and in the one just before, for a meter whose reading comes late. Zero-initialised
 * but for opened_s and persons: nothing used. It follows from the account's entries alone:
 * tariff_use_add() of from_s, energy and flags of each ENTRY_CHARGE, in any order, gives the same value
 * that pricing keeps. Energy whose time is unknown counts in the period its gap begins in. After a
 * change of the book it must be added up anew. */
struct tariff_use {
	int64_t opened_s;
	struct tariff_period now;
	struct tariff_period before;   /* until_s is now's since_s; or empty */
	struct tariff_period free_now; /* what an allowance covered */
	struct tariff_period free_before;
	const struct tariff_persons *persons; /* borrowed; NULL: one */
};

bool tariff_period_holds(const struct tariff_period *period, int64_t at_s);

/* flags: of the entry. */
void tariff_use_add(struct tariff_use *use, const struct tariff_book *book,
		    const struct offset_table *zone, int64_t from_s, int64_t wh, uint32_t flags);

/* What is left of the allowance at at_s, Wh: all that was given since what was used is counted, less
 * that. 0 where there is none. */
int64_t tariff_free_wh(const struct tariff_book *book, const struct offset_table *zone,
		       const struct tariff_use *use, int64_t at_s);

/* What it gives anew after from_s and not after to_s, whatever is lost in between. */
int64_t tariff_given_wh(const struct tariff_book *book, const struct offset_table *zone,
			const struct tariff_use *use, int64_t from_s, int64_t to_s);

/* Energy from before this instant counts in none of the periods. */
int64_t tariff_use_since_s(const struct tariff_use *use, const struct tariff_book *book,
			   const struct offset_table *zone);

/* The next boundary after after_s and not after until_s. false: there is none. */
bool tariff_boundary(const struct tariff_book *book, const struct offset_table *zone,
		     int64_t after_s, int64_t until_s, int64_t *ret_at_s);

/* The next boundary after after_s, within TARIFF_LOOK_AHEAD_S: a reading is wanted there, and
 * settlement is forced. false when there is none. */
bool tariff_next_boundary(const struct tariff_book *book, const struct offset_table *zone,
			  int64_t after_s, int64_t *ret_at_s);
