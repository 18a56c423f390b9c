/* ledger_dated.h - which dated events are done (M9), kept for ever beside their entries. */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/dated.h"
#include "concentrator/rules/entry.h"

struct ledger_dated {
	int64_t account_id;
	int32_t rule;      /* enum dated_rule */
	int64_t day;       /* calendar_day_number() */
	int64_t opened_s;  /* of the tenancy, or the account */
	int64_t entry_seq; /* 0: nothing was taken */
	char by[LEDGER_TEXT_MAX + 1];
};

/* Needs a transaction: that of the entry. -EEXIST it is done already. */
LEDGER_CHECKED int ledger_dated_add(struct ledger *ledger, const struct ledger_dated *dated);
/* The last day done of a rule. opened_s INT64_MIN: of the account; else of that tenancy alone. -ENOENT
 * none. */
LEDGER_CHECKED int ledger_dated_last(struct ledger *ledger, int64_t account_id, int32_t rule,
				     int64_t opened_s, int64_t *ret_day);
/* What the entry of an event says of it, in its why: "standing charge of 2026-01-31". day: year 1 to 9999. */
void ledger_dated_why(enum dated_rule rule, int64_t day, char ret[static ENTRY_TEXT_MAX + 1]);
/* Reads it back. false: it says something else. */
bool ledger_dated_read_why(const char *why, enum dated_rule *ret_rule, int64_t *ret_day);
