/* ledger_read.h - the entries of the past, for people: page by page, and a statement of a span.
 *
 * Both open a connection of their own, read in short transactions and run in the reader's thread
 * (reader.h). progress and cancel as in ledger_verify.h.
 *
 * An entry belongs to the time of its energy: to the middle of the interval that it charges, since the
 * reading that ends a day comes a little after midnight; without an interval to when it was committed. A span of time begins at the first entry that belongs into it, found by
 * bisection over the order of the entries: where the clock went back, spans that meet still meet at one
 * entry, so opening and closing balances follow each other whatever the clock did.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/medium.h"

#include <stdatomic.h>

#define LEDGER_PAGE_MAX            256
#define LEDGER_STATEMENT_LINES_MAX 4096

/* An entry with the names it had, also of rooms that are closed. */
struct ledger_line {
	struct entry entry;
	int64_t balance_nano; /* of the account, just after it */
	char room[LEDGER_NAME_MAX + 1];
	char circuit[LEDGER_NAME_MAX + 1]; /* empty: not about energy */
	enum medium medium;
	char tariff[LEDGER_NAME_MAX + 1]; /* empty: none */
};

struct ledger_query {
	int64_t account_id; /* 0: all */
	uint32_t kinds;     /* bit per enum entry_kind; 0: all */
	int64_t since_s;    /* entries that belong to this time or later; 0: from the first */
	int64_t after_seq;  /* oldest first, behind this one; or with newest_first ... */
	int64_t before_seq; /* ... newest first, before this one; 0: from the newest */
	bool newest_first;
	int limit; /* 1 to LEDGER_PAGE_MAX */
};

struct ledger_page {
	bool more; /* the limit ended it */
	size_t count;
	struct ledger_line lines[];
};

/* The lines of an account in a span: charges of one medium, price and tariff are one line, and so are standing
 * charges and tax of one tariff; all others stand for themselves. */
struct ledger_statement_line {
	enum entry_kind kind;
	int64_t entries;
	int64_t seq;    /* of the first */
	int64_t from_s; /* of the first; at_s where there is no interval */
	int64_t to_s;   /* of the last */
	enum medium medium;
	int64_t energy_wh;
	int64_t price_micro_per_kwh;
	int64_t tariff_id;
	int64_t amount_nano;
	uint32_t flags; /* enum entry_flag; of the first */
	char tariff[LEDGER_NAME_MAX + 1];
	char order[ENTRY_ORDER_MAX + 1];
	char who[ENTRY_TEXT_MAX + 1];
	char why[ENTRY_TEXT_MAX + 1];
};

struct ledger_statement {
	int64_t opening_nano;
	int64_t closing_nano; /* the opening balance and all lines, to the nano */
	size_t count;
	struct ledger_statement_line lines[];
};

/* Free *ret with free(3). -EIO, -ENOMEM, -ECANCELED. */
LEDGER_CHECKED int ledger_read(const char *path, const char *vfs, const struct ledger_query *query,
			       atomic_ullong *progress, const atomic_bool *cancel,
			       struct ledger_page **ret);
/* What belongs to from_s and later, and not to to_s or later. Free *ret with free(3). -EUCLEAN: the lines
 * do not lead from the opening to the closing balance. -E2BIG: more than LEDGER_STATEMENT_LINES_MAX. */
LEDGER_CHECKED int ledger_statement(const char *path, const char *vfs, int64_t account_id,
				    int64_t from_s, int64_t to_s, atomic_ullong *progress,
				    const atomic_bool *cancel, struct ledger_statement **ret);
