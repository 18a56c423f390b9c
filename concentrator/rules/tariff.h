/* tariff.h - what a Wh costs, and when that changes.
 *
 * A tariff is one version of the price, in force from its activation until the next one's. A flat
 * price is the tariff of one band and one block; bands, blocks and allowances become further fields
 * here and further parts in tariff_price(), whose callers need not change: they hand over a step of
 * energy and receive the parts that it is charged in.
 *
 * M7  Energy is priced in time order and split at each price boundary. A reading within
 *     TARIFF_NEAR_S of a boundary counts as taken at it (inclusive; the nearest boundary, of two
 *     equally near the earlier; before the first activation there is no price, and so no boundary
 *     to count at). A step that still straddles a boundary is split by time,
 *     floor(Wh x seconds / total) to each part and the rest to the last, and says so. A past
 *     interval is never re-priced: tariffs are only added from their activation on. Energy whose
 *     time is not known is priced at the cheapest price it can have had.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"

#define TARIFF_NAME_MAX  63
#define TARIFF_BOOK_MAX  16
#define TARIFF_PARTS_MAX (TARIFF_BOOK_MAX + 1)
#define TARIFF_NEAR_S    30
#define TARIFF_PRICE_MAX INT64_C(1000000000000) /* a million of the currency per kWh */

struct tariff {
	int64_t id;           /* the ledger's; grows with each tariff received; never 0 */
	int64_t activation_s; /* Unix; in force from this second on */
	int64_t price_micro_per_kwh;
	char name[TARIFF_NAME_MAX + 1];
};

/* Sorted by activation, then id. Of two with one activation the later received (greater id) holds.
 * It must hold the tariff in force at the start of the oldest step not settled yet; energy from
 * before the first activation costs nothing (tariff id 0). */
struct tariff_book {
	size_t count;
	struct tariff tariff[TARIFF_BOOK_MAX];
};

/* A step of the register between two readings. */
struct tariff_step {
	int64_t wh;     /* not negative */
	int64_t from_s; /* Unix; of the earlier reading */
	int64_t to_s;   /* Unix; of the later one */
	bool timed;     /* false: the two times only bound when the energy was used */
};

/* One piece of a step at one price, in time order. wh of all parts is the step's. */
struct tariff_part {
	int64_t wh;
	int64_t from_s;
	int64_t to_s;
	int64_t price_micro_per_kwh;
	int64_t amount_nano; /* not negative: what it costs */
	int64_t tariff_id;
	uint32_t flags; /* enum entry_flag: ENTRY_SPLIT_BY_TIME, ENTRY_UNTIMED */
};

/* Adds one in its place. -EINVAL: price negative or above TARIFF_PRICE_MAX, id not positive,
 * activation outside the calendar. -EEXIST: the id is there. -ENOSPC: full (prune first). */
__attribute__((warn_unused_result)) int tariff_book_add(struct tariff_book *book,
							const struct tariff *tariff);

/* Drops the tariffs that were superseded at or before before_s. */
void tariff_book_prune(struct tariff_book *book, int64_t before_s);

/* The tariff in force at at_s; NULL before the first. */
const struct tariff *tariff_at(const struct tariff_book *book, int64_t at_s);

/* The tariff that comes into force next after after_s; NULL when none is staged. */
const struct tariff *tariff_staged(const struct tariff_book *book, int64_t after_s);

/* The next instant after after_s at which a price can change: settlement is forced there. false
 * when there is none. */
bool tariff_next_boundary(const struct tariff_book *book, const struct offset_table *zone,
			  int64_t after_s, int64_t *ret_at_s);

/* The cheapest price in force at any instant of from_s to to_s, both included (S1: what is most
 * favourable to the tenant). The times may lie outside the calendar: INT64_MIN and INT64_MAX mean
 * unknown. */
int64_t tariff_cheapest(const struct tariff_book *book, const struct offset_table *zone,
			int64_t from_s, int64_t to_s);

/* Prices a step into 1 to TARIFF_PARTS_MAX parts; a step of 0 Wh has no parts.
 * The parts' times are those that the readings count as taken at. A step whose two ends count as
 * taken at the same boundary has the cheaper price of its two sides.
 * -EINVAL: wh negative, to_s before from_s, or a timed step outside the calendar. -ERANGE: an
 * amount does not fit. */
__attribute__((warn_unused_result)) int
tariff_price(const struct tariff_book *book, const struct offset_table *zone,
	     const struct tariff_step *step, struct tariff_part ret_parts[static TARIFF_PARTS_MAX],
	     size_t *ret_count);
