/* ledger_persons.h - how many live in a room, since when; never forgotten. */
#pragma once

#include "concentrator/ledger.h"

/* Needs a transaction. persons 0 to 99. */
LEDGER_CHECKED int ledger_persons_add(struct ledger *ledger, int64_t account_id, int64_t from_s,
				      int32_t persons, const char *by);

/* The last most of them, in the order of their writing. ret_count: how many there were to tell. */
LEDGER_CHECKED int ledger_persons_last(struct ledger *ledger, int64_t account_id, size_t most,
				       int64_t ret_from_s[], int32_t ret_persons[],
				       size_t *ret_count);
