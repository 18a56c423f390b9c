/* ledger_key.h - the key set that orders are verified with.
 *
 * The set in force is the one of the highest version; a lower version is never accepted.
 */
#pragma once

#include "concentrator/ledger.h"

#define LEDGER_KEYS_MAX 64

struct ledger_key {
	char kid[LEDGER_ID_MAX + 1];
	uint8_t public_key[32];        /* Ed25519 */
	char use[LEDGER_NAME_MAX + 1]; /* credit, command, time, config */
	int64_t from_s;
	int64_t to_s;
	int64_t order_max_nano; /* caps; 0: the box's own settings alone */
	int64_t room_day_max_nano;
	int64_t day_max_nano;
};

typedef int (*ledger_key_fn)(int64_t version, const struct ledger_key *key, void *userdata);

/* Needs a transaction. -EEXIST that version is in force; -ESTALE a higher one is. */
LEDGER_CHECKED int ledger_keyset_replace(struct ledger *ledger, int64_t version,
					 const struct ledger_key keys[], size_t count,
					 int64_t at_s);
/* Was that version accepted once, in force or not? 1, 0. */
LEDGER_CHECKED int ledger_keyset_known(struct ledger *ledger, int64_t version);
/* 0: there is none. */
LEDGER_CHECKED int ledger_keyset_version(struct ledger *ledger, int64_t *ret);
LEDGER_CHECKED int ledger_keys_each(struct ledger *ledger, ledger_key_fn row, void *userdata);
