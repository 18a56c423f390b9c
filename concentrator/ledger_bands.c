/* ledger_bands.c - see ledger_bands.h. */
#include "concentrator/ledger_bands.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

int ledger_bands_set(struct ledger *ledger, int64_t life_id, const struct ledger_bands *bands)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_BANDS_SET,
				  "INSERT INTO band_register(life_id, settled_wh, doubted_s, "
				  "band_1, band_2, band_3, band_4) VALUES (?, ?, ?, ?, ?, ?, ?) "
				  "ON CONFLICT(life_id) DO UPDATE SET settled_wh = "
				  "excluded.settled_wh, doubted_s = excluded.doubted_s, band_1 = "
				  "excluded.band_1, band_2 = excluded.band_2, band_3 = "
				  "excluded.band_3, band_4 = excluded.band_4");

	query_integer(&query, life_id);
	query_integer(&query, bands->settled_wh);
	query_integer(&query, bands->doubted_s);
	for (int i = 0; i < BANDS_MAX; i++)
		query_integer(&query, bands->wh[i]);
	return query_run(&query);
}

int ledger_bands_get(struct ledger *ledger, int64_t life_id, struct ledger_bands *ret)
{
	QUERY query = query_begin(ledger, STATEMENT_BANDS_GET,
				  "SELECT settled_wh, doubted_s, band_1, band_2, band_3, band_4 "
				  "FROM band_register WHERE life_id = ?");
	int row;

	query_integer(&query, life_id);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	ret->settled_wh = row_integer(&query, 0);
	ret->doubted_s = row_integer(&query, 1);
	for (int i = 0; i < BANDS_MAX; i++)
		ret->wh[i] = row_integer(&query, 2 + i);
	return 0;
}
