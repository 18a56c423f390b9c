/* trial.h - what an account's charges of a span would have cost under another tariff.
 *
 * Pure: entries of one account in, oldest first, figures out. The tariff is taken to have been in force all
 * the time. The energy of each charge is priced anew, and what the tariff takes and gives by date is done where
 * the station would have done it, between the entries: standing charges, minimum charges, money that is given
 * and what of it is left, tax with what was cut off before. Everything else, recharges and debts, is as it was.
 *
 * What was used in its periods before the span counts in its blocks and its allowance, as it would have; where the
 * settlements kept no reading at one of its boundaries the energy is shared out by time and said to be.
 * Days on which the room was cut, or no meter read, are those of then. What lies before since_s is as it was, and
 * what a balance held then is taken to be paid.
 */
#pragma once

#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/credit.h"
#include "concentrator/rules/dated.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/medium.h"
#include "concentrator/rules/tariff_price.h"
#include "concentrator/rules/tax.h"

struct trial_terms {
	struct tariff_book book; /* the one tariff */
	struct offset_table zone;
	int64_t from_s;  /* the span, Unix: from here ... */
	int64_t to_s;    /* ... up to, not including, here */
	int64_t until_s; /* not after to_s: nothing is due behind this yet */
	int64_t since_s; /* entries that belong to this time or later matter */
};

/* What no entry tells. */
struct trial_history {
	bool (*was_cut)(void *userdata, int64_t at_s);
	/* No meter of the room was read since the beginning, from_s, of that local day until its end. */
	bool (*was_unread)(void *userdata, int64_t from_s, int64_t day);
	void *userdata;
};

/* Figures of the span. Money that was given counts as less, what is taken back of it as more. */
struct trial_figures {
	int64_t energy_wh;    /* charged */
	int64_t volume_l;     /* the same of water */
	int64_t charged_nano; /* what the span cost */
	int64_t trial_nano;   /* what it would have cost */
	int64_t shared_wh;    /* of energy_wh: shared out by time, or of unknown time */
};

/* Its fields but for figures are private; it borrows terms, history and persons. */
struct trial_account {
	struct trial_figures figures;
	const struct trial_terms *terms;
	const struct trial_history *history;
	struct tariff_use use;
	struct dated_account dated;
	struct credit_purse purse;
	bool vacant;
	struct tax_carry tax;
	int64_t taxed_s; /* the end of what is taxed and not taken yet; 0: nothing is */
	struct {
		int64_t since_s;
		int64_t nano;
	} spent[2]; /* on energy, in the latest periods of a minimum charge */
	/* The entries committed together. */
	bool any;
	int64_t at_s; /* 0: not known */
	int64_t at_us;
	int64_t read_s; /* energy is charged up to here */
	char boot[BOOT_ID_LEN + 1];
};

/* Takes the tariff for the span. -EINVAL: the tariff or the span does not hold together. */
__attribute__((warn_unused_result)) int trial_begin(struct trial_terms *ret,
						    const struct tariff *tariff,
						    const struct offset_table *zone, int64_t from_s,
						    int64_t to_s, int64_t now_s);

/* The account as it was before the first entry handed in: since when its tenancy, or it, was there, its balance,
 * and tax_carry.rest. history may be NULL: no day is exempt. */
void trial_account_begin(struct trial_account *ret, const struct trial_terms *terms,
			 const struct trial_history *history, const struct tariff_persons *persons,
			 int64_t opened_s, bool vacant, int64_t balance_nano, int64_t tax_rest);

/* A tenancy begins. moved: from another room, where the money of the period was given already. */
__attribute__((warn_unused_result)) int trial_move_in(struct trial_account *account, int64_t at_s,
						      bool moved);

/* What a tenant who came from another room took along: since when he is there, and what was spent toward the
 * minimum charge of the period that began at minimum_from_s. Directly behind the move in. */
struct trial_stay {
	int64_t opened_s;
	int64_t minimum_from_s; /* 0: none */
	int64_t minimum_nano;
};

__attribute__((warn_unused_result)) int trial_stay(struct trial_account *account, int64_t at_s,
						   const struct trial_stay *stay);
/* Energy that was used there, as a charge with these flags counts. */
void trial_stay_use(struct trial_account *account, int64_t since_s, int64_t wh, uint32_t flags);

/* A tenancy, or the account, ends. moved: the balance goes to another room; else it is carried out. */
__attribute__((warn_unused_result)) int trial_move_out(struct trial_account *account, int64_t at_s,
						       bool moved);

/* An entry's own time: the middle of the energy's interval, the last instant of any other, else when it was
 * committed. */
int64_t trial_entry_s(const struct entry *entry);

/* The next entry of the account. medium: of its meter life. due_s: of money given, and of what is left of it, when it fell due; 0: nobody
 * knows. -ERANGE, -EINVAL: the figures do not fit; account may be half done. */
__attribute__((warn_unused_result)) int trial_entry(struct trial_account *account,
						    const struct entry *entry, enum medium medium,
						    int64_t due_s);

/* Behind the last entry: what falls due to the end of the span. -ERANGE. */
__attribute__((warn_unused_result)) int trial_end(struct trial_account *account);
