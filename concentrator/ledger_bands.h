/* ledger_bands.h - a meter's own band registers, as they were read with the register that is settled. */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/bands.h"

struct ledger_bands {
	int64_t settled_wh; /* unwrapped, of the life */
	int64_t wh[BANDS_MAX];
	int64_t doubted_s; /* Unix, when one last counted outside the hours of its band; 0: never */
};

/* In place of what the life had. Needs a transaction. */
LEDGER_CHECKED int ledger_bands_set(struct ledger *ledger, int64_t life_id,
				    const struct ledger_bands *bands);

/* -ENOENT: the life has none. */
LEDGER_CHECKED int ledger_bands_get(struct ledger *ledger, int64_t life_id,
				    struct ledger_bands *ret);
