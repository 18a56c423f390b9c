/* ledger_rights.h - inside verify: do the rows beside the entries say what the entries say?
 *
 * M1  What an account's balance is made of (credit) follows from its entries; of a debt is left what its entries
 *     have not taken.
 * M3  Every entry that an order, a receipt or a dated event made (M9) has that one row, and no row claims
 *     another entry.
 */
#pragma once

#include "concentrator/ledger_walk.h"

/* Goes over the entries that there are when it begins, once, in their order. */
LEDGER_CHECKED int rights_check(struct walk *walk);
