/* ledger_read.h - the entries of the past, for people, page by page.
 *
 * Opens a connection of its own, reads in short transactions and runs in the reader's thread (reader.h).
 * progress and cancel as in ledger_verify.h.
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

#define LEDGER_PAGE_MAX 256

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

/* Free *ret with free(3). -EIO, -ENOMEM, -ECANCELED. */
LEDGER_CHECKED int ledger_read(const char *path, const char *vfs, const struct ledger_query *query,
			       atomic_ullong *progress, const atomic_bool *cancel,
			       struct ledger_page **ret);
