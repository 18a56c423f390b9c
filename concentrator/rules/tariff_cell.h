/* tariff_cell.h - which band and block a charge was priced in, told from what its entry says.
 *
 * An entry keeps its price and its interval, not the place of the price in the tariff: bands follow from
 * the time, as for pricing, and blocks from the price. Where two blocks of a band have one price the
 * block cannot be told, and nobody pays less or more for that.
 */
#pragma once

#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/tariff.h"

struct tariff_cell {
	int band;  /* index; -1: not to be told, or the tariff has no bands */
	int block; /* the same of blocks */
};

/* entry: one about energy, priced by tariff. */
struct tariff_cell tariff_cell_of(const struct tariff *tariff, const struct offset_table *zone,
				  const struct entry *entry);
