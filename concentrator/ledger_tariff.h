/* ledger_tariff.h - every tariff ever applied, as its text; rules/ reads it.
 *
 * Rows are only added: past intervals are never re-priced (M7), so old ones stay.
 */
#pragma once

#include "concentrator/ledger.h"

#define LEDGER_TARIFF_MAX 32768

struct ledger_tariff {
	int64_t id; /* assigned */
	char name[LEDGER_NAME_MAX + 1];
	int64_t activation_s;
	const char *text;   /* borrowed */
	uint8_t sha256[32]; /* of the text; filled by the ledger */
	char applied_by[LEDGER_TEXT_MAX + 1];
	int64_t applied_s;
};

typedef int (*ledger_tariff_fn)(const struct ledger_tariff *tariff, void *userdata);

/* Needs a transaction. -EEXIST the same text at the same activation is there. */
LEDGER_CHECKED int ledger_tariff_add(struct ledger *ledger, struct ledger_tariff *tariff);
/* By activation, then id. */
LEDGER_CHECKED int ledger_tariffs_each(struct ledger *ledger, ledger_tariff_fn row, void *userdata);
