/* station_reversal.h - an order that takes credit back: which one, and how much is left of it. */
#pragma once

#include "concentrator/station_state.h"

/* May this reversal take back what it names? 0: ret_refers is the entry, 0 where it
 * names none, ret_kept_nano what is not taken back of what it names, and ret_wrong why not, or NULL; -errno of the
 * ledger. */
int station_reversal_check(struct station *station, const struct station_room *room,
			   const struct order_credit *credit, int64_t *ret_refers,
			   int64_t *ret_kept_nano, const char **ret_wrong);
/* What a credit just appended pays of debts, or, where it takes one back, what that gives back of them. 1, and ret; 0:
 * neither. */
int station_credit_split(struct station *station, struct station_room *room,
			 const struct order_credit *credit, int64_t kept_nano,
			 const struct entry *entry, struct debt_split *ret);
