/* ledger_trial.h - all accounts under another tariff: what a span would have cost.
 *
 * Opens a connection of its own and runs in the reader's thread (reader.h). progress and cancel as in
 * ledger_verify.h.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/rules/trial.h"

#include <stdatomic.h>

#define LEDGER_TRIAL_ROWS_MAX 8192

/* An account that was open in the span. */
struct ledger_trial_row {
	int64_t account_id;
	struct trial_figures figures;
	char room[LEDGER_NAME_MAX + 1];
};

struct ledger_trial {
	size_t count;
	struct ledger_trial_row rows[]; /* in the order the rooms were opened */
};

/* Free *ret with free(3). -ERANGE: a figure does not fit. -E2BIG: more accounts than
 * LEDGER_TRIAL_ROWS_MAX. -EIO, -ENOMEM, -ECANCELED. */
LEDGER_CHECKED int ledger_trial(const char *path, const char *vfs, const struct trial_terms *terms,
				atomic_ullong *progress, const atomic_bool *cancel,
				struct ledger_trial **ret);
