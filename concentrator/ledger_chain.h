/* ledger_chain.h - the bytes of an entry that are hashed, and the hash (M8). Documented in ledger.md. */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/entry.h"

#define CHAIN_BYTES_MAX                                                                            \
	(13 + 32 + 19 * 8 + 4 * 4 + BOOT_ID_LEN + ENTRY_ORDER_MAX + 2 * ENTRY_TEXT_MAX)

/* The canonical bytes of format 1, entry->previous included; returns their number. */
size_t chain_bytes(const struct entry *entry, uint8_t ret[static CHAIN_BYTES_MAX]);
/* entry->previous is set. */
LEDGER_CHECKED int chain_hash(const struct entry *entry, uint8_t ret[static 32]);
/* What the first entry of a site's ledger follows. */
LEDGER_CHECKED int chain_genesis(const char *site, uint8_t ret[static 32]);
/* SHA-256 of a list of byte strings, one behind the other. */
LEDGER_CHECKED int chain_digest(const void *const parts[], const size_t sizes[], size_t count,
				uint8_t ret[static 32]);
