/* ledger_claims.h - inside verify: what the ledger says of itself, whose it is and what its entries come to. */
#pragma once

#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_stretch.h"

/* The hash that the first entry follows; it must be that of the ledger's site. */
LEDGER_CHECKED int claims_genesis(struct walk *walk, uint8_t ret[static 32]);
/* The snapshot of the moment, NULL where there is none, to be freed with free(3). Its own hash and the entry
 * that it stands on are proven; one that is replaced later is held against the entries as well. */
LEDGER_CHECKED int claims_snapshot(struct walk *walk, struct ledger_snapshot **ret);
/* all, which is known, ends with the snapshot's entry. */
LEDGER_CHECKED int claims_prove(struct walk *walk, const struct stretch *all,
				const struct ledger_snapshot *snapshot);
