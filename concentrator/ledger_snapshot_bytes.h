/* ledger_snapshot_bytes.h - a snapshot as bytes and back. Pure but for its memory; layout in ledger.md. */
#pragma once

#include "concentrator/ledger_snapshot.h"

/* The documented bytes of a snapshot; snapshot->sha256 is not read. Free *ret with free(3). -ENOMEM. */
LEDGER_CHECKED int snapshot_encode(const struct ledger_snapshot *snapshot, uint8_t **ret,
				   size_t *ret_size);
/* Free *ret with free(3). -EUCLEAN: the bytes do not have that hash, or are no snapshot; -ENOMEM. */
LEDGER_CHECKED int snapshot_decode(const uint8_t *bytes, size_t size,
				   const uint8_t sha256[static 32], struct ledger_snapshot **ret);
/* SHA-256 over the bytes. -ENOMEM. */
LEDGER_CHECKED int snapshot_hash(const uint8_t *bytes, size_t size, uint8_t ret[static 32]);
