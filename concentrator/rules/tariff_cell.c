/* tariff_cell.c - see tariff_cell.h. */
#include "concentrator/rules/tariff_cell.h"

#include "concentrator/rules/tariff_time.h"

#define MANY -2

static void narrow(int *found, int value)
{
	if (*found == -1)
		*found = value;
	else if (*found != value)
		*found = MANY;
}

/* The places of this price in one band, or in all (band -1). false: it is in none. */
static bool find(const struct tariff *tariff, int band, int64_t price_micro,
		 struct tariff_cell *ret)
{
	struct tariff_cell cell = {.band = -1, .block = -1};

	for (int b = 0; b < (int)tariff_bands(tariff); b++)
		for (int k = 0; k < (int)tariff_block_count(tariff); k++)
			if ((band == -1 || b == band) &&
			    tariff->price_micro_per_kwh[b][k] == price_micro) {
				narrow(&cell.band, b);
				narrow(&cell.block, k);
			}
	if (cell.band == -1)
		return false;
	*ret = cell;
	return true;
}

struct tariff_cell tariff_cell_of(const struct tariff *tariff, const struct offset_table *zone,
				  const struct entry *entry)
{
	/* What is free or nobody's has no price of the tariff. */
	bool priced = entry->kind == ENTRY_CHARGE && !(entry->flags & ENTRY_FREE);
	bool timed = entry->from_s != 0 && !(entry->flags & ENTRY_UNTIMED);
	struct tariff_cell cell = {.band = -1, .block = -1};

	if (timed)
		cell.band = (int)tariff_span_at(tariff, zone, entry->from_s).band;
	/* Between two readings at one boundary the cheaper side counts, which may be the other. */
	if (priced &&
	    (cell.band == -1 || !find(tariff, cell.band, entry->price_micro_per_kwh, &cell)) &&
	    !find(tariff, -1, entry->price_micro_per_kwh, &cell))
		cell.band = -1;
	if (cell.band < 0 || tariff_bands(tariff) == 1)
		cell.band = -1;
	if (cell.block < 0 || tariff_block_count(tariff) == 1)
		cell.block = -1;
	return cell;
}
