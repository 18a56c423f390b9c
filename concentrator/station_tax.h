/* station_tax.h - tax on what the station charges: added in an entry of its own, or shown as included. */
#pragma once

#include "concentrator/station_state.h"

/* What the account's last tax entry cut off. */
int station_tax_load(struct station *station, struct station_room *room);
/* Remembers the tax of a tariff of the ledger. */
int station_tax_learn(struct station *station, const struct tariff *tariff);
/* rate_ppm 0: it has none. */
struct tariff_tax station_tax_of(const struct station *station, int64_t tariff_id);
/* A charge was appended in this transaction. */
int station_tax_note(struct station *station, struct station_room *room, const struct entry *entry);
/* Appends the tax on all that was noted since the last call. */
int station_tax_take(struct station *station, struct station_room *room, const char *who);
