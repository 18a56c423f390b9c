/* ledger_debt.h - debts of the accounts, and the periods in which they were taken (rules/debt.h).
 *
 * M1  What was taken of a debt is in entries of kind ENTRY_DEBT whose order is "debt:" and the id: write them
 *     in the transaction in which the debt shrinks.
 * M3  What an order pays of a debt, or gives back, is keyed (order, debt): once, for ever.
 * M9  A period of a debt is done at most once, for ever.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/debt.h"

struct ledger_debt {
	int64_t id; /* assigned */
	int64_t account_id;
	char name[LEDGER_ID_MAX + 1];
	int64_t total_nano;
	int64_t from_s;
	int64_t from_period; /* by date: nothing is taken in this one */
	char owner[LEDGER_TEXT_MAX + 1];
	char reason[LEDGER_TEXT_MAX + 1];
	int64_t ended_s; /* 0: it is not */
	char ended_by[LEDGER_TEXT_MAX + 1];
	struct debt debt;
};

/* What a recharge paid of a debt (by is the recharge), or an order that took the recharge back gave back
 * (negative). */
struct ledger_debt_payment {
	char recharge[LEDGER_ID_MAX + 1];
	char by[LEDGER_ID_MAX + 1];
	int64_t debt_id;
	int64_t nano;
	int64_t week;      /* debt_week() of the payment */
	int64_t entry_seq; /* 0: from before a restore */
};

typedef int (*ledger_debt_payment_fn)(const struct ledger_debt_payment *payment, void *userdata);
typedef int (*ledger_debt_fn)(const struct ledger_debt *debt, void *userdata);

/* These need a transaction. */
LEDGER_CHECKED int ledger_debt_add(struct ledger *ledger, struct ledger_debt *debt);
/* left_nano, due_nano, week and week_nano, and the account. -EPERM it has ended, or would grow. */
LEDGER_CHECKED int ledger_debt_set(struct ledger *ledger, const struct ledger_debt *debt);
/* It has grown by what was given back: write that payment first. One that was paid is open again, one that ended
 * otherwise stays ended. -EPERM it would grow by more. */
LEDGER_CHECKED int ledger_debt_back(struct ledger *ledger, const struct ledger_debt *debt);
/* -EEXIST the order has moved that debt; -EPERM more is given back than was paid. */
LEDGER_CHECKED int ledger_debt_payment_add(struct ledger *ledger,
					   const struct ledger_debt_payment *payment);
/* -EPERM it has ended. */
LEDGER_CHECKED int ledger_debt_end(struct ledger *ledger, int64_t id, const char *by, int64_t at_s);
/* -EEXIST it is done. */
LEDGER_CHECKED int ledger_debt_period_add(struct ledger *ledger, int64_t id, int64_t period);

/* Of one recharge, in the order in which they were written. */
LEDGER_CHECKED int ledger_debt_payments_each(struct ledger *ledger, const char *recharge,
					     ledger_debt_payment_fn row, void *userdata);
/* Was it done? 1, 0. */
LEDGER_CHECKED int ledger_debt_period_done(struct ledger *ledger, int64_t id, int64_t period);
/* By id, behind after_id; account_id 0: of all accounts; all: ended ones too. */
LEDGER_CHECKED int ledger_debts_each(struct ledger *ledger, int64_t account_id, bool all,
				     int64_t after_id, int limit, ledger_debt_fn row,
				     void *userdata);
