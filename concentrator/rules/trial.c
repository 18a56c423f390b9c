/* trial.c - see trial.h.
 *
 * What is due by date goes between the entries: before those whose energy, or time, is behind it, and behind
 * those that were committed after it; what depends on the energy before it waits until that is charged.
 */
#include "concentrator/rules/trial.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "concentrator/rules/money.h"

/* The tariff is in force from so long before the span: no period of blocks is longer. */
#define BEFORE_S (INT64_C(2) * 366 * CALENDAR_DAY_S)
/* What tax cuts off is followed from so long before. */
#define TAX_BEFORE_S (INT64_C(366) * CALENDAR_DAY_S)

/* Where the periods began that the span begins in. */
static int64_t since(const struct trial_terms *terms)
{
	static const enum tariff_count counts[] = {TARIFF_COUNT_BLOCKS, TARIFF_COUNT_FREE,
						   TARIFF_COUNT_GIVEN, TARIFF_COUNT_MINIMUM};
	struct tariff_period period;
	int64_t since_s = terms->from_s;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (tariff_count_at(&terms->book, &terms->zone, terms->from_s, 0, counts[i],
				    &period) &&
		    period.since_s < since_s)
			since_s = period.since_s;
	if (terms->book.tariff[0].tax.added && terms->from_s - TAX_BEFORE_S < since_s)
		since_s = calendar_date_start_s(
			&terms->zone, calendar_day(&terms->zone, terms->from_s - TAX_BEFORE_S));
	return since_s;
}

int trial_begin(struct trial_terms *ret, const struct tariff *tariff,
		const struct offset_table *zone, int64_t from_s, int64_t to_s, int64_t now_s)
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
	ret->until_s = now_s < to_s ? now_s : to_s;
	int r = tariff_book_add(&ret->book, &always);
	ret->since_s = r < 0 ? from_s : since(ret);
	return r;
}

/* What the tariff gives and demands for a period is the tenancy's; a day is the room's. */
static void begin_stay(struct trial_account *account, int64_t opened_s)
{
	account->use = (struct tariff_use){.opened_s = opened_s, .persons = account->use.persons};
	account->dated.opened_s = opened_s;
	for (size_t i = 0; i < 2; i++) {
		account->spent[i].since_s = INT64_MIN;
		account->spent[i].nano = 0;
	}
	for (int rule = DATED_MINIMUM; rule < DATED_RULES; rule++)
		account->dated.last_day[rule] = DATED_NEVER;
}

void trial_account_begin(struct trial_account *ret, const struct trial_terms *terms,
			 const struct trial_history *history, const struct tariff_persons *persons,
			 int64_t opened_s, bool vacant, int64_t balance_nano, int64_t tax_rest)
{
	int64_t day = calendar_day(&terms->zone, terms->since_s - 1);

	*ret = (struct trial_account){.terms = terms,
				      .history = history,
				      .use.persons = persons,
				      .dated.persons = persons,
				      .vacant = vacant,
				      .purse.balance_nano = balance_nano,
				      .tax.rest = tax_rest};
	begin_stay(ret, opened_s);
	ret->dated.last_day[DATED_STANDING] = DATED_NEVER;
	/* Of one that is older all that was due before is done. */
	for (int rule = DATED_STANDING; opened_s < terms->since_s && rule < DATED_RULES; rule++)
		ret->dated.last_day[rule] = day;
}

int64_t trial_entry_s(const struct entry *entry)
{
	if (entry->to_s == 0)
		return entry->at_s;
	return entry->from_s == 0 || entry->kind != ENTRY_CHARGE
		       ? entry->to_s - 1
		       : entry->from_s + (entry->to_s - entry->from_s) / 2;
}

/* What costs nano at own_s; negative: is given. */
static int take(struct trial_account *account, int64_t own_s, int64_t nano)
{
	const struct trial_terms *terms = account->terms;
	struct trial_figures *figures = &account->figures;

	if (own_s < terms->from_s || own_s >= terms->to_s)
		return 0;
	return money_add(figures->trial_nano, nano, &figures->trial_nano);
}

static int note_tax(struct trial_account *account, int64_t nano, int64_t to_s)
{
	const struct tariff_tax *tax = &account->terms->book.tariff[0].tax;

	if (!tax->added || nano == 0)
		return 0;
	if (to_s > account->taxed_s)
		account->taxed_s = to_s;
	return tax_add(&account->tax, nano, tax->rate_ppm);
}

static int take_tax(struct trial_account *account)
{
	int64_t nano = account->tax.nano, until_s = account->taxed_s;
	int r;

	if (until_s == 0)
		return 0;
	account->tax.nano = 0;
	account->taxed_s = 0;
	r = credit_spend(&account->purse, nano);
	return r < 0 ? r : take(account, until_s - 1, nano);
}

/* Energy counts in the period of a minimum charge that it begins in. */
static int note_spent(struct trial_account *account, int64_t from_s, int64_t nano)
{
	const struct trial_terms *terms = account->terms;
	struct tariff_period period;
	size_t i;

	if (!tariff_count_at(&terms->book, &terms->zone, from_s, account->use.opened_s,
			     TARIFF_COUNT_MINIMUM, &period))
		return 0;
	for (i = 0; i < 2 && account->spent[i].since_s != period.since_s; i++)
		;
	if (i == 2) {
		i = account->spent[1].since_s < account->spent[0].since_s;
		account->spent[i].since_s = period.since_s;
		account->spent[i].nano = 0;
	}
	return money_add(account->spent[i].nano, nano, &account->spent[i].nano);
}

static int64_t spent_nano(const struct trial_account *account, const struct dated_event *event)
{
	const struct trial_terms *terms = account->terms;
	struct tariff_period period;

	if (!tariff_count_at(&terms->book, &terms->zone, event->from_s, account->use.opened_s,
			     TARIFF_COUNT_MINIMUM, &period))
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (account->spent[i].since_s == period.since_s)
			return account->spent[i].nano;
	return 0;
}

static bool is_exempt(const struct trial_account *account, const struct dated_event *event)
{
	const struct tariff_standing *standing = &event->tariff->standing;
	const struct trial_history *history = account->history;

	/* Who knows nothing of the past charges every day. */
	if (!history)
		return false;
	return (standing->not_cut && history->was_cut(history->userdata, event->due_s)) ||
	       (standing->not_unread &&
		history->was_unread(history->userdata, event->from_s, event->day));
}

/* What is left of the money given ends. */
static int take_left(struct trial_account *account, int64_t own_s)
{
	int64_t left_nano = account->purse.allowance_nano;
	const struct entry forfeit = {
		.kind = ENTRY_FORFEIT, .flags = ENTRY_OF_ALLOWANCE, .amount_nano = -left_nano};
	int r = credit_apply(&account->purse, &forfeit);

	return r < 0 ? r : take(account, own_s, left_nano);
}

static int carry_out(struct trial_account *account, const struct dated_event *event)
{
	const struct entry given = {.kind = ENTRY_ALLOWANCE,
				    .flags = ENTRY_OF_ALLOWANCE,
				    .amount_nano = event->amount_nano};
	int64_t nano = event->amount_nano;
	int r;

	dated_done(&account->dated, event);
	switch (event->rule) {
	case DATED_ALLOWANCE:
		r = credit_apply(&account->purse, &given);
		return r < 0 ? r : take(account, event->due_s, -nano);
	case DATED_EXPIRY:
		return take_left(account, event->due_s - 1);
	case DATED_MINIMUM:
		r = money_subtract(nano, spent_nano(account, event), &nano);
		if (r < 0 || nano <= 0)
			return r;
		break;
	case DATED_STANDING:
		if (is_exempt(account, event))
			return 0;
		break;
	}
	r = credit_spend(&account->purse, nano);
	if (r == 0)
		r = take(account, event->to_s - 1, nano);
	return r < 0 ? r : note_tax(account, nano, event->to_s);
}

/* What is due up to until_s; energy is charged up to read_s. */
static int run_dated(struct trial_account *account, int64_t until_s, int64_t read_s)
{
	const struct trial_terms *terms = account->terms;
	const struct instant now = {.s = until_s < terms->until_s ? until_s : terms->until_s,
				    .trusted = true};
	struct dated_event event;
	int r = 0;

	while (r == 0 && !account->vacant &&
	       dated_next(&account->dated, &terms->book, &terms->zone, &now, &event)) {
		if ((event.rule == DATED_MINIMUM || event.rule == DATED_EXPIRY) &&
		    event.due_s > read_s)
			break;
		r = carry_out(account, &event);
	}
	return r < 0 ? r : take_tax(account);
}

/* Those committed together are all there. */
static int end_commit(struct trial_account *account)
{
	int r = take_tax(account);

	if (r == 0 && account->any && account->at_s != 0)
		r = run_dated(account, account->at_s, account->read_s);
	account->any = false;
	return r;
}

static int begin_commit(struct trial_account *account, const struct entry *entry)
{
	bool energy = entry->kind == ENTRY_CHARGE && entry->from_s != 0;
	int64_t first_s = energy ? entry->from_s : entry->at_s;
	int r;

	if (account->any && account->at_us == entry->at_us &&
	    strcmp(account->boot, entry->boot) == 0)
		return 0;
	r = end_commit(account);
	if (r == 0 && (energy || entry->at_trusted))
		r = run_dated(account, first_s, first_s);
	account->any = true;
	account->at_s = entry->at_trusted ? entry->at_s : 0;
	account->at_us = entry->at_us;
	account->read_s = INT64_MIN;
	memcpy(account->boot, entry->boot, sizeof(account->boot));
	return r;
}

int trial_move_in(struct trial_account *account, int64_t at_s, bool moved)
{
	struct tariff_period period;
	int r = end_commit(account);

	if (r == 0)
		r = run_dated(account, at_s, at_s);
	/* What a room that was never let was given is not the tenant's. */
	if (r == 0 && !account->vacant)
		r = take_left(account, at_s - 1);
	account->vacant = false;
	begin_stay(account, at_s);
	if (moved && tariff_count_at(&account->terms->book, &account->terms->zone, at_s, at_s,
				     TARIFF_COUNT_GIVEN, &period))
		account->dated.last_day[DATED_ALLOWANCE] = calendar_day(&account->terms->zone,
									at_s);
	return r;
}

int trial_stay(struct trial_account *account, int64_t at_s, const struct trial_stay *stay)
{
	const struct trial_terms *terms = account->terms;
	int64_t *last_day = account->dated.last_day;
	int64_t yesterday = calendar_day(&terms->zone, at_s) - 1;
	struct tariff_period period;

	account->use.opened_s = account->dated.opened_s = stay->opened_s;
	/* The days before were charged in the other room, ... */
	if (last_day[DATED_STANDING] < yesterday)
		last_day[DATED_STANDING] = yesterday;
	/* ... and so were the periods. */
	if (tariff_count_at(&terms->book, &terms->zone, at_s, stay->opened_s, TARIFF_COUNT_MINIMUM,
			    &period) &&
	    period.since_s > stay->opened_s)
		last_day[DATED_MINIMUM] = calendar_day(&terms->zone, period.since_s) - 1;
	return stay->minimum_from_s == 0
		       ? 0
		       : note_spent(account, stay->minimum_from_s, stay->minimum_nano);
}

void trial_stay_use(struct trial_account *account, int64_t since_s, int64_t wh, uint32_t flags)
{
	tariff_use_add(&account->use, &account->terms->book, &account->terms->zone, since_s, wh,
		       flags);
}

int trial_move_out(struct trial_account *account, int64_t at_s, bool moved)
{
	const struct trial_terms *terms = account->terms;
	const struct instant now = {.s = at_s, .trusted = true};
	struct dated_event event;
	int r = end_commit(account);

	/* Behind the span it is somebody else's to tell. */
	if (r < 0 || account->vacant || at_s > terms->until_s)
		return r;
	if (r == 0)
		r = run_dated(account, at_s, at_s);
	/* The minimum goes along to the other room. */
	if (r == 0 && !moved &&
	    dated_closing_minimum(&account->dated, &terms->book, &terms->zone, &now, &event))
		r = carry_out(account, &event);
	if (r == 0)
		r = take_tax(account);
	if (r == 0 && !moved)
		r = take_left(account, at_s - 1);
	account->purse = (struct credit_purse){0};
	account->vacant = true;
	return r;
}

/* What the energy of an entry costs, and how much of it had to be shared out; the account's use moves. */
static int price(struct trial_account *account, const struct entry *entry, int64_t *ret_shared_wh)
{
	const struct trial_terms *terms = account->terms;
	bool timed = entry->from_s != 0 && !(entry->flags & ENTRY_UNTIMED);
	int64_t own_s = trial_entry_s(entry);
	const struct tariff_step step = {
		.wh = entry->energy_wh,
		.from_s = entry->from_s != 0 ? entry->from_s : own_s,
		.to_s = entry->from_s != 0 && entry->to_s != 0 ? entry->to_s : own_s,
		.timed = timed,
	};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int r = tariff_price_begin(&pricing, &terms->book, &terms->zone, &account->use, &step);

	*ret_shared_wh = 0;
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) == 1) {
		if (part.flags & (ENTRY_SPLIT_BY_TIME | ENTRY_UNTIMED))
			*ret_shared_wh += part.wh;
		r = credit_spend(&account->purse, part.amount_nano);
		if (r == 0)
			r = take(account, part.from_s + (part.to_s - part.from_s) / 2,
				 part.amount_nano);
		if (r == 0)
			r = note_spent(account, part.from_s, part.amount_nano);
		if (r == 0)
			r = note_tax(account, part.amount_nano, part.to_s);
	}
	if (step.to_s + TARIFF_NEAR_S > account->read_s)
		account->read_s = step.to_s + TARIFF_NEAR_S;
	return r;
}

/* Water has one price, whatever the time and the use. */
static int price_water(struct trial_account *account, const struct entry *entry)
{
	const struct tariff *tariff = &account->terms->book.tariff[0];
	int64_t nano;
	int r = money_energy_nano(entry->energy_wh, tariff->water.price_micro_per_m3, &nano);

	if (r == 0)
		r = credit_spend(&account->purse, nano);
	if (r == 0)
		r = take(account, trial_entry_s(entry), nano);
	return r < 0 ? r : note_tax(account, nano, entry->to_s);
}

/* The span's own charges, as they were. */
static int count_charged(struct trial_account *account, const struct entry *entry,
			 enum medium medium, int64_t due_s)
{
	struct trial_figures *figures = &account->figures;
	int64_t own_s = due_s != 0 ? due_s : trial_entry_s(entry);

	/* What is left, and ends, was the period's before. */
	if (entry->kind == ENTRY_FORFEIT)
		own_s--;
	if (own_s < account->terms->from_s || own_s >= account->terms->to_s)
		return 0;
	if (medium == MEDIUM_WATER)
		figures->volume_l += entry->energy_wh;
	else
		figures->energy_wh += entry->energy_wh;
	return money_subtract(figures->charged_nano, entry->amount_nano, &figures->charged_nano);
}

int trial_entry(struct trial_account *account, const struct entry *entry, enum medium medium,
		int64_t due_s)
{
	const struct trial_terms *terms = account->terms;
	int64_t shared_wh, own_s = trial_entry_s(entry);
	int r;

	/* Before that everything is as it was. */
	if (own_s < terms->since_s)
		return money_add(account->purse.balance_nano, entry->amount_nano,
				 &account->purse.balance_nano);
	r = begin_commit(account, entry);
	if (r < 0)
		return r;
	switch (entry->kind) {
	case ENTRY_CHARGE:
		r = count_charged(account, entry, medium, 0);
		if (medium == MEDIUM_WATER)
			return r < 0 || own_s >= terms->to_s ? r : price_water(account, entry);
		if (r == 0 && own_s < terms->to_s)
			r = price(account, entry, &shared_wh);
		if (r == 0 && own_s >= terms->from_s && own_s < terms->to_s)
			account->figures.shared_wh += shared_wh;
		return r;
	case ENTRY_STANDING:
	case ENTRY_MINIMUM:
	case ENTRY_TAX:
	case ENTRY_ALLOWANCE:
		return count_charged(account, entry, medium, due_s);
	case ENTRY_FORFEIT:
		return entry->flags & ENTRY_OF_ALLOWANCE
			       ? count_charged(account, entry, medium, due_s)
			       : 0;
	/* At a move-out: the balance of then. */
	case ENTRY_CLOSING:
	case ENTRY_ROUNDING:
		return 0;
	case ENTRY_OPENING:
	case ENTRY_RECHARGE:
	case ENTRY_REVERSAL:
	case ENTRY_CASH:
	case ENTRY_HOUSE:
	case ENTRY_QUARANTINE:
	case ENTRY_WRITE_OFF:
	case ENTRY_ADJUSTMENT:
	case ENTRY_DEBT:
	case ENTRY_KIND_END:
		break;
	}
	return own_s < terms->to_s ? credit_apply(&account->purse, entry) : 0;
}

int trial_end(struct trial_account *account)
{
	int r = end_commit(account);

	return r < 0 ? r : run_dated(account, account->terms->until_s, account->terms->until_s);
}
