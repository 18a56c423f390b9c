/* tariff_price.h - what a step of a register costs.
 *
 * M7  Energy is priced in time order and split at each boundary (tariff_time.h) and at each block
 *     edge; use equal to an edge is the lower block. A reading within TARIFF_NEAR_S of a boundary
 *     counts as taken at it (inclusive; the nearest boundary, of two equally near the earlier;
 *     before the first activation there is no price, and so no boundary to count at). A step that still straddles
 *     a boundary is split by the meter's own band registers where it has them (bands.h), and says so; else by
 *     time, floor(Wh x seconds / total) to each part and the rest to the last, and says so. Energy whose time is not known is priced at the
 *     cheapest price it can have had; that it was used before the first activation, where nothing
 *     was to be paid, is believed only where all of the gap lies there.
 *
 * What an allowance covers goes first, and costs nothing: in each stretch what is left in its period; of
 * energy whose time is not known what is left when its gap begins. What it can cost at the least takes in
 * what is given anew within the gap besides.
 *
 * A step of a water meter is priced alike, in litres, by a book of water (tariff_of_water()).
 *
 * The cheapest, with tax that is added: within one period of one tariff each block at the cheapest of the bands that the time
 * touches; where the time touches two tariffs or two periods, all of it at the cheapest of their
 * prices. A time that touches more than TARIFF_LONG_S of a tariff touches all of its bands.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/bands.h"
#include "concentrator/rules/calendar.h"
#include "concentrator/rules/tariff.h"
#include "concentrator/rules/tariff_time.h"

#define TARIFF_NEAR_S 30
#define TARIFF_LONG_S (INT64_C(366) * CALENDAR_DAY_S)

/* A step of the register between two readings. */
struct tariff_step {
	int64_t wh;     /* not negative */
	int64_t from_s; /* Unix; of the earlier reading */
	int64_t to_s;   /* Unix; of the later one */
	bool timed;     /* false: the two times only bound when the energy was used */
};

/* One piece of a step at one price, in time order. The wh of all parts are the step's. Parts on the
 * two sides of a block edge share their interval. */
struct tariff_part {
	int64_t wh; /* at least 1 */
	int64_t from_s;
	int64_t to_s;
	int64_t price_micro_per_kwh;
	int64_t amount_nano; /* not negative: what it costs */
	int64_t tariff_id;
	int32_t tax_ppm; /* of a tax to be added to the amount */
	uint32_t band;
	uint32_t block;
	uint32_t flags; /* enum entry_flag: SPLIT_BY_TIME, BY_REGISTER, UNTIMED, FREE, UNCOUNTED */
};

/* A step being priced; its fields are private. It borrows what it is begun with. */
struct tariff_pricing {
	const struct tariff_book *book;
	const struct offset_table *zone;
	struct tariff_use *use;
	int64_t wh; /* of the step */
	int64_t first_s;
	int64_t last_s;
	int64_t rest_wh; /* not given to a stretch yet */
	bool by_register;
	/* The stretch at hand: one tariff, band and period. */
	int64_t stretch_wh;
	int64_t from_s;
	int64_t to_s;
	const struct tariff *tariff;
	bool fixed;     /* to one price: band and block say which */
	uint32_t bands; /* bit per band: the cheapest of them in each block */
	uint32_t block;
	uint32_t flags;
	struct tariff_period other; /* where the stretch is in no period of use */
	struct tariff_period *period;
	int64_t free_wh;          /* left of the allowance for the stretch */
	bool free_counts;         /* in the blocks */
	struct bands_split split; /* the last: set with by_register alone */
};

/* Begins a step. use moves with each part: work on a copy until the parts are kept.
 * The parts' times are those that the readings count as taken at. A step whose two ends count as
 * taken at the same boundary costs what the cheaper of its two sides costs.
 * -EINVAL: wh negative, to_s before from_s, or a timed step outside the calendar. */
__attribute__((warn_unused_result)) int tariff_price_begin(struct tariff_pricing *pricing,
							   const struct tariff_book *book,
							   const struct offset_table *zone,
							   struct tariff_use *use,
							   const struct tariff_step *step);

/* The same, with what the meter's own band registers moved; they are not borrowed, their names are.
 * ret_verdict: whether they are believed, also where there is nothing to split. */
__attribute__((warn_unused_result)) int
tariff_price_begin_bands(struct tariff_pricing *pricing, const struct tariff_book *book,
			 const struct offset_table *zone, struct tariff_use *use,
			 const struct tariff_step *step, const struct bands_step *bands,
			 enum bands_verdict *ret_verdict);

/* The next part: 1, and *ret; or 0 when there is no more. -ERANGE: an amount does not fit. */
__attribute__((warn_unused_result)) int tariff_price_next(struct tariff_pricing *pricing,
							  struct tariff_part *ret);

/* Begins a step as if its time were not known: what it costs at the least (S1). */
__attribute__((warn_unused_result)) int tariff_least_begin(struct tariff_pricing *pricing,
							   const struct tariff_book *book,
							   const struct offset_table *zone,
							   struct tariff_use *use,
							   const struct tariff_step *step);

/* The price of the next Wh at at_s, with tax that is added, rounded down; 0 before the first tariff. */
int64_t tariff_rate(const struct tariff_book *book, const struct offset_table *zone,
		    const struct tariff_use *use, int64_t at_s);
