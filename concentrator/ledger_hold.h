/* ledger_hold.h - disputes that keep the supply on (S1), each with an owner and an end. Never forgotten. */
#pragma once

#include "concentrator/ledger.h"

struct ledger_hold {
	int64_t id; /* assigned */
	int64_t account_id;
	int64_t uid;
	char owner[LEDGER_TEXT_MAX + 1];
	char reason[LEDGER_TEXT_MAX + 1];
	int64_t from_s;
	int64_t until_s;
};

typedef int (*ledger_hold_fn)(const struct ledger_hold *hold, void *userdata);

/* Needs a transaction. Fills hold->id. -EEXIST the account has an open one. */
LEDGER_CHECKED int ledger_hold_begin(struct ledger *ledger, struct ledger_hold *hold);
/* Needs a transaction. Once only: -EALREADY it has ended. */
LEDGER_CHECKED int ledger_hold_end(struct ledger *ledger, int64_t id, const char *by, int64_t at_s);
/* The open ones of accounts in use. */
LEDGER_CHECKED int ledger_holds_each(struct ledger *ledger, ledger_hold_fn row, void *userdata);
