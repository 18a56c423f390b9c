/* tariff.h - what a Wh costs, as a value, and the book of all versions.
 *
 * A tariff is one version of the price, in force from its activation until the next one's. Its price
 * may depend on the time (bands: tariff_time.h) and on what the account has used in a period (blocks);
 * with one band and one block it is flat. tariff_price.h prices with it.
 *
 * M7  A past interval is never re-priced: tariffs are only added from their activation on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/tax.h"

#define TARIFF_NAME_MAX      63
#define TARIFF_BAND_NAME_MAX 23
#define TARIFF_BOOK_MAX      16
#define TARIFF_BANDS_MAX     8
#define TARIFF_BLOCKS_MAX    8
#define TARIFF_SEASONS_MAX   8
#define TARIFF_SPECIALS_MAX  8  /* kinds of special day */
#define TARIFF_DATES_MAX     64 /* special days of one year alone */
#define TARIFF_PLANS_MAX     16
#define TARIFF_CHANGES_MAX   24 /* of the band in a day */
#define TARIFF_RESETS_MAX    12
#define TARIFF_PRICE_MAX     INT64_C(1000000000000)    /* a million of the currency per kWh */
#define TARIFF_AMOUNT_MAX    INT64_C(1000000000000000) /* a million of the currency, in nano */
#define TARIFF_EDGE_MAX      INT64_C(1000000000000)    /* Wh */
#define TARIFF_ALLOWANCE_MAX INT64_C(1000000000)       /* Wh */
#define TARIFF_DAY_KINDS     (7 + TARIFF_SPECIALS_MAX)

/* The bands of a day: each change holds from its minute of the local clock to the next one's, the
 * last to midnight. The first is at minute 0. */
struct tariff_plan {
	uint32_t change_count;
	struct {
		uint16_t minute; /* 0 to 1439, rising */
		uint16_t band;
	} change[TARIFF_CHANGES_MAX];
};

/* A special day of one year. */
struct tariff_date {
	int32_t day;  /* calendar_day_number() */
	uint8_t kind; /* 1 to TARIFF_SPECIALS_MAX */
};

/* Which band holds when. Read only where there is more than one band. Dates as month x 100 + day. */
struct tariff_schedule {
	uint32_t season_count;                   /* 0: the year has no seasons */
	int32_t season_mmdd[TARIFF_SEASONS_MAX]; /* rising; each holds until the next one begins */
	uint8_t yearly[12][31]; /* kind of special day that a date is every year; 0 none */
	uint32_t date_count;
	struct tariff_date date[TARIFF_DATES_MAX]; /* rising; goes before yearly */
	uint32_t plan_count;
	struct tariff_plan plan[TARIFF_PLANS_MAX];
	/* Index of the plan: by season, and by weekday (Monday first) or, behind those, by kind. */
	uint8_t plan_of[TARIFF_SEASONS_MAX][TARIFF_DAY_KINDS];
};

enum tariff_reset {
	TARIFF_RESET_NEVER,
	TARIFF_RESET_DAY,
	TARIFF_RESET_MONTH,
	TARIFF_RESET_DATES, /* a year or a term: the dates of mmdd */
};

/* When counting begins anew. */
struct tariff_cycle {
	enum tariff_reset reset;
	uint32_t count;                  /* MONTH: 1; DATES: 1 to TARIFF_RESETS_MAX */
	int32_t mmdd[TARIFF_RESETS_MAX]; /* rising; day 1 to 28; MONTH: the day alone */
};

/* The blocks of a period. Read only where there is more than one block. */
struct tariff_blocks {
	int64_t edge_wh[TARIFF_BLOCKS_MAX -
			1]; /* rising; use equal to the edge is the lower block */
	struct tariff_cycle cycle;
	bool prorated; /* edges of the period of a move-in shrink to its days */
};

/* Energy that is free, or money, given anew in each of its periods. What is left is lost with the period, or
 * carried until the counting of what was used begins anew. Energy: tariff_time.h; money: dated.h. Read only
 * where one of the two is above 0; not both are. */
struct tariff_allowance {
	int64_t wh; /* of a period; 0 to TARIFF_ALLOWANCE_MAX */
	int64_t nano;
	struct tariff_cycle given;
	struct tariff_cycle kept; /* as given: nothing is carried; NEVER: until the tenancy ends */
	bool per_person;
	bool prorated;  /* what the period of a move-in gives shrinks to its days */
	bool uncounted; /* does not count in the blocks */
};

/* How many live there: what is given per person. A change counts from the next period on. */
#define TARIFF_PERSONS_CHANGES 8
#define TARIFF_PERSONS_MAX     99
struct tariff_persons {
	uint32_t count; /* 0: one person, always */
	struct {
		int64_t from_s;
		int32_t persons;
	} change[TARIFF_PERSONS_CHANGES]; /* rising; before the first: one */
};

/* What the energy of a period costs at the least. Taken by dated.h. Read only where nano is above 0. */
struct tariff_minimum {
	int64_t nano;
	struct tariff_cycle cycle;
	bool prorated; /* shrinks to the days of a tenancy */
};

/* What an account costs by the day, whatever it uses. Taken by dated.h. */
struct tariff_standing {
	int64_t day_nano;   /* not negative, as the next */
	int64_t month_nano; /* of a calendar month, shared among its days */
	bool not_cut;       /* no day while the room is cut for money */
	bool not_unread;    /* no day on which no meter of the room was read */
};

/* Tax on everything that the tariff charges: tax.h. */
struct tariff_tax {
	int32_t rate_ppm; /* 0 to TAX_RATE_MAX; 0: none */
	bool added;       /* to the prices; false: they include it */
};

/* What water costs, whatever the time and the use. */
struct tariff_water {
	bool priced; /* false: it is counted and costs nothing */
	int64_t price_micro_per_m3;
};

struct tariff {
	int64_t id;           /* the ledger's; grows with each tariff received; never 0 */
	int64_t activation_s; /* Unix; in force from this second on */
	uint32_t band_count;  /* 0 counts as 1 */
	uint32_t block_count; /* 0 counts as 1 */
	int64_t price_micro_per_kwh[TARIFF_BANDS_MAX][TARIFF_BLOCKS_MAX];
	struct tariff_blocks blocks;
	struct tariff_schedule schedule;
	struct tariff_allowance allowance;
	struct tariff_minimum minimum;
	struct tariff_standing standing;
	struct tariff_tax tax;
	struct tariff_water water; /* tariff_of_water() prices with it */
	char band_name[TARIFF_BANDS_MAX][TARIFF_BAND_NAME_MAX + 1];
	char name[TARIFF_NAME_MAX + 1];
	/* Filled by the book: since when, without a break, tariffs have had these periods. Use before
	 * it does not count in the blocks. */
	int64_t periods_since_s;
	int64_t allowance_since_s; /* the same of the allowance, ... */
	int64_t minimum_since_s;   /* ... and of the minimum charge */
};

/* Sorted by activation, then id. Of two with one activation the later received (greater id) holds.
 * It must hold the tariff in force at the start of the oldest step not settled yet; energy from
 * before the first activation costs nothing (tariff id 0). */
struct tariff_book {
	size_t count;
	struct tariff tariff[TARIFF_BOOK_MAX];
};

/* The water of a tariff as a tariff of its own, for a book of its own: the same id, activation and tax, one
 * price, per m3; no bands or blocks, nothing by date, no allowance. */
void tariff_of_water(const struct tariff *tariff, struct tariff *ret);

/* Bands and blocks, at least 1 each. */
uint32_t tariff_bands(const struct tariff *tariff);
uint32_t tariff_block_count(const struct tariff *tariff);

/* The least and the most that a kWh costs, whatever the time and the use. */
void tariff_price_range(const struct tariff *tariff, int64_t *ret_least_micro,
			int64_t *ret_most_micro);

/* Adds one in its place. -EINVAL: a price negative or above TARIFF_PRICE_MAX, an amount
 * negative or above TARIFF_AMOUNT_MAX, id not positive,
 * activation outside the calendar, bands, blocks or plans that do not hold together. -EEXIST: the id
 * is there. -ENOSPC: full (prune first). */
__attribute__((warn_unused_result)) int tariff_book_add(struct tariff_book *book,
							const struct tariff *tariff);

/* Drops the tariffs that were superseded at or before before_s. */
void tariff_book_prune(struct tariff_book *book, int64_t before_s);

/* The tariff in force at at_s; NULL before the first. */
const struct tariff *tariff_at(const struct tariff_book *book, int64_t at_s);

/* The tariff that comes into force next after after_s; NULL when none is staged. */
const struct tariff *tariff_staged(const struct tariff_book *book, int64_t after_s);

/* Have both an allowance of the same periods: what was used of one counts in the other. */
bool tariff_same_allowance(const struct tariff *a, const struct tariff *b);

/* Takes what was said next; at most TARIFF_PERSONS_CHANGES. Where the clock went back the later word counts
 * from there on. */
void tariff_persons_add(struct tariff_persons *persons, int64_t from_s, int32_t number);

/* Have both a minimum charge of the same periods. */
bool tariff_same_minimum(const struct tariff *a, const struct tariff *b);

/* Is anything given? */
bool tariff_has_allowance(const struct tariff *tariff);

/* 1 where nothing is known. persons may be NULL. */
int32_t tariff_persons_at(const struct tariff_persons *persons, int64_t at_s);

/* Have both blocks of the same period: the position of an account is kept from one to the other. */
bool tariff_same_periods(const struct tariff *a, const struct tariff *b);
