/* ledger_statement.h - what a span of time, such as a month, came to on one account.
 *
 * Opens a connection of its own, reads in short transactions and runs in the reader's thread (reader.h).
 * progress and cancel as in ledger_verify.h.
 *
 * An entry belongs to a time as ledger_read.h says. A standing or minimum charge and its tax belong to the time that
 * they are for, however late they were entered: days that waited for a person are in their own month. So a span
 * whose days still wait changes when they are charged, and the spans behind it with it; all others stay, and
 * spans that meet follow each other to the nano.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/medium.h"

#include <stdatomic.h>

#define LEDGER_STATEMENT_LINES_MAX 4096

/* Of one tenancy charges of one medium, price and tariff are one line, and so are standing charges and tax of one
 * tariff; all others stand for themselves. Behind a closing entry all lines begin anew. */
struct ledger_statement_line {
	enum entry_kind kind;
	int64_t part; /* counts from 0: one more behind each closing, and with each change of the tenancy */
	int64_t entries;
	int64_t seq;    /* of the first */
	int64_t from_s; /* the earliest; at_s where there is no interval */
	int64_t to_s;   /* the latest */
	enum medium medium;
	int64_t energy_wh;
	int64_t price_micro_per_kwh;
	int64_t tariff_id;
	int64_t amount_nano;
	uint32_t flags;                  /* enum entry_flag; of the first */
	char tenancy[LEDGER_ID_MAX + 1]; /* empty: none */
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

/* What belongs to from_s and later, and not to to_s or later. Free *ret with free(3). -EIO, -ENOMEM, -ECANCELED.
 * -EUCLEAN: the lines do not lead from the opening to the closing balance. -E2BIG: more than
 * LEDGER_STATEMENT_LINES_MAX. */
LEDGER_CHECKED int ledger_statement(const char *path, const char *vfs, int64_t account_id,
				    int64_t from_s, int64_t to_s, atomic_ullong *progress,
				    const atomic_bool *cancel, struct ledger_statement **ret);
