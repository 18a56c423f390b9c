/* trial.c - see trial.h. */
#include "concentrator/rules/trial.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "concentrator/rules/dated.h"
#include "concentrator/rules/money.h"

/* The tariff is in force from so long before the span: no period of blocks is longer. */
#define BEFORE_S (INT64_C(2) * 366 * CALENDAR_DAY_S)

/* Where the periods began that the span begins in. */
static int64_t since(const struct trial_terms *terms)
{
	static const enum tariff_count counts[] = {TARIFF_COUNT_BLOCKS, TARIFF_COUNT_FREE};
	struct tariff_period period;
	int64_t since_s = terms->from_s;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (tariff_count_at(&terms->book, &terms->zone, terms->from_s, 0, counts[i],
				    &period) &&
		    period.since_s < since_s)
			since_s = period.since_s;
	return since_s;
}

int trial_begin(struct trial_terms *ret, const struct tariff *tariff,
		const struct offset_table *zone, int64_t from_s, int64_t to_s)
{
	struct tariff always = *tariff;

	if (from_s >= to_s)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	always.id = 1;
	always.activation_s = from_s - BEFORE_S;
	ret->zone = *zone;
	ret->from_s = from_s;
	ret->to_s = to_s;
	int r = tariff_book_add(&ret->book, &always);
	ret->since_s = r < 0 ? from_s : since(ret);
	return r;
}

int64_t trial_entry_s(const struct entry *entry)
{
	if (entry->to_s == 0)
		return entry->at_s;
	return entry->from_s == 0 ? entry->to_s - 1
				  : entry->from_s + (entry->to_s - entry->from_s) / 2;
}

/* What the energy of an entry costs, and how much of it had to be shared out; the account's use moves. */
static int price(const struct trial_terms *terms, struct tariff_use *use, const struct entry *entry,
		 int64_t *ret_nano, int64_t *ret_shared_wh)
{
	bool timed = entry->from_s != 0 && !(entry->flags & ENTRY_UNTIMED);
	int64_t own_s = trial_entry_s(entry);
	const struct tariff_step step = {
		.wh = entry->energy_wh,
		.from_s = entry->from_s != 0 ? entry->from_s : own_s,
		.to_s = entry->from_s != 0 ? entry->to_s : own_s,
		.timed = timed,
	};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int r = timed ? tariff_price_begin(&pricing, &terms->book, &terms->zone, use, &step)
		      : tariff_least_begin(&pricing, &terms->book, &terms->zone, use, &step);

	*ret_nano = 0;
	*ret_shared_wh = 0;
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) == 1) {
		if (part.flags & (ENTRY_SPLIT_BY_TIME | ENTRY_UNTIMED))
			*ret_shared_wh += part.wh;
		r = money_add(*ret_nano, part.amount_nano, ret_nano);
	}
	return r;
}

int trial_entry(const struct trial_terms *terms, struct trial_account *account,
		const struct entry *entry)
{
	int64_t own_s = trial_entry_s(entry), nano = 0, shared_wh = 0;
	bool energy = entry->kind == ENTRY_CHARGE;
	int r = 0;

	if (own_s >= terms->to_s || own_s < terms->since_s ||
	    (!energy && entry->kind != ENTRY_STANDING && entry->kind != ENTRY_TAX))
		return 0;
	if (energy)
		r = price(terms, &account->use, entry, &nano, &shared_wh);
	if (r < 0 || own_s < terms->from_s)
		return r;
	account->energy_wh += entry->energy_wh;
	account->shared_wh += shared_wh;
	r = money_add(account->trial_nano, nano, &account->trial_nano);
	return r < 0 ? r
		     : money_subtract(account->charged_nano, entry->amount_nano,
				      &account->charged_nano);
}

int trial_end(const struct trial_terms *terms, struct trial_account *account, int64_t opened_s,
	      int64_t closed_s)
{
	const struct tariff *tariff = &terms->book.tariff[0];
	int64_t first_s = opened_s > terms->from_s ? opened_s : terms->from_s;
	int64_t last_s = closed_s != 0 && closed_s < terms->to_s ? closed_s : terms->to_s;
	int r = 0;

	/* The day of the move-in counts whole, that of the move-out is the next tenant's. */
	for (int64_t day = calendar_day(&terms->zone, first_s);
	     r == 0 && calendar_date_start_s(&terms->zone, day) < last_s; day++) {
		int64_t start_s = calendar_date_start_s(&terms->zone, day);
		int64_t end_s = calendar_date_start_s(&terms->zone, day + 1);

		if (start_s < terms->from_s || end_s > last_s || start_s == end_s)
			continue;
		r = money_add(account->trial_nano, dated_standing_nano(tariff, day),
			      &account->trial_nano);
	}
	if (r == 0 && tariff->tax.added) {
		r = tax_add(&account->tax, account->trial_nano, tariff->tax.rate_ppm);
		if (r == 0)
			r = money_add(account->trial_nano, account->tax.nano, &account->trial_nano);
	}
	return r;
}
