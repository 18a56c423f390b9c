/* trial.h - what an account's charges of a span would have cost under another tariff.
 *
 * Pure: entries of one account in, oldest first, figures out. The tariff is taken to have been in force all
 * the time. What was used in its periods before the span counts in its blocks and its allowance, as it would have; where the
 * settlements kept no reading at one of its boundaries the energy is shared out by time and said to be.
 * The standing charge is taken for every day of the account in the span.
 */
#pragma once

#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/tariff_price.h"
#include "concentrator/rules/tax.h"

struct trial_terms {
	struct tariff_book book; /* the one tariff */
	struct offset_table zone;
	int64_t from_s;  /* the span, Unix: from here ... */
	int64_t to_s;    /* ... up to, not including, here */
	int64_t since_s; /* entries that belong to this time or later matter */
};

/* Zero-initialised but for use.opened_s, the account's move-in, and use.persons. */
struct trial_account {
	struct tariff_use use;
	struct tax_carry tax;
	int64_t energy_wh;    /* charged in the span */
	int64_t charged_nano; /* what it cost: energy, standing charge, tax */
	int64_t trial_nano;   /* what it would have cost */
	int64_t shared_wh;    /* of energy_wh: shared out by time, or of unknown time */
};

/* Takes the tariff for the span. -EINVAL: the tariff or the span does not hold together. */
__attribute__((warn_unused_result)) int trial_begin(struct trial_terms *ret,
						    const struct tariff *tariff,
						    const struct offset_table *zone, int64_t from_s,
						    int64_t to_s);

/* An entry's own time: the middle of the interval that it charges, else when it was committed. */
int64_t trial_entry_s(const struct entry *entry);

/* The next entry of the account. -ERANGE, -EINVAL: the figures do not fit; account may be half done. */
__attribute__((warn_unused_result)) int trial_entry(const struct trial_terms *terms,
						    struct trial_account *account,
						    const struct entry *entry);

/* Behind the last entry: the days from opened_s to closed_s (0: still open) that the span has, and the tax.
 * -ERANGE. */
__attribute__((warn_unused_result)) int trial_end(const struct trial_terms *terms,
						  struct trial_account *account, int64_t opened_s,
						  int64_t closed_s);
