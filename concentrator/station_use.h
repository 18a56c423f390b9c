/* station_use.h - where each account stands in the blocks and the allowance of its tariff. */
#pragma once

#include "concentrator/station_state.h"

/* From the snapshot and the entries. */
int station_load_use(struct station *station);
/* A position for the snapshot, and what it depends on besides the entries. key: -EIO of libcrypto. */
void station_use_bytes(const struct tariff_use *use, uint8_t ret[static LEDGER_POSITION_MAX],
		       uint32_t *ret_size);
int station_use_key(const struct station *station, uint8_t ret[static DIGEST_SIZE]);
