/* station_tariff.h - the prices that the rules need, out of all that the ledger keeps. */
#pragma once

#include "concentrator/station_state.h"

/* Fills the book of prices from the ledger. Lives must be loaded. */
int station_load_tariffs(struct station *station);
/* The prices of what a supply brings. */
const struct tariff_book *station_book(const struct station *station,
				       const struct station_supply *supply);
/* Drops the prices that nothing refers to any more, until one more fits. false: all are still to come. */
bool station_tariff_room(struct station *station);
/* Any tariff that was ever applied, also one that the book has let go of. -ENOENT: there is none; -errno of
 * the ledger. */
int station_tariff_find(struct station *station, int64_t id, struct tariff *ret);
/* Once a second: has another price come into force? */
void station_tariff_check(struct station *station);
