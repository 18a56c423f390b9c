/* ledger_freeze.h - registers, energy and balance as they were when a local day or month ended.
 *
 * Written in the transaction of the settlement that they show; a day is kept LEDGER_FREEZE_DAYS, a month
 * LEDGER_FREEZE_MONTH_DAYS. Common errors: ledger.h.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/medium.h"

#define LEDGER_FREEZE_DAYS       100
#define LEDGER_FREEZE_MONTH_DAYS (INT64_C(61) * 31) /* five years and a month */

struct ledger_freeze {
	int64_t supply_id;
	bool monthly;
	int64_t day;         /* calendar_day_number() of the last day of the period */
	int64_t at_s;        /* the midnight that ended it */
	int64_t read_s;      /* when the register was read; 0: not known */
	int64_t register_wh; /* unwrapped, as settled */
	int64_t total_wh;    /* used at the point up to there, over all its meters; filled */
	int64_t from_s; /* end of the period kept before, or the start of the first meter; filled */
	int64_t energy_wh;                 /* since then; filled */
	int64_t balance_nano;              /* of the account, the settlement included */
	int64_t entry_seq;                 /* the last entry of all then; filled */
	char circuit[LEDGER_NAME_MAX + 1]; /* filled when reading */
	enum medium medium;                /* likewise */
};

typedef int (*ledger_freeze_fn)(const struct ledger_freeze *freeze, void *userdata);

/* Needs a transaction. Drops what is older than it is kept for. -EEXIST the period is there already:
 * nothing changes; -ENOENT the supply has no meter. */
LEDGER_CHECKED int ledger_freeze_put(struct ledger *ledger, struct ledger_freeze *freeze);
/* The last day that is there for a supply. -ENOENT none. */
LEDGER_CHECKED int ledger_freeze_last(struct ledger *ledger, int64_t supply_id, bool monthly,
				      int64_t *ret_day);
/* Those of a room, circuits that it has no more too: newest first, then by supply; from the one behind
 * (before_day, before_supply) on, 0 and 0: from the newest. */
LEDGER_CHECKED int ledger_freezes_tail(struct ledger *ledger, int64_t room_id, bool monthly,
				       int64_t before_day, int64_t before_supply, int limit,
				       ledger_freeze_fn row, void *userdata);
