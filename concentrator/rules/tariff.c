/* tariff.c - see tariff.h. */
#include "concentrator/rules/tariff.h"

#include <errno.h>
#include <string.h>

void tariff_of_water(const struct tariff *tariff, struct tariff *ret)
{
	*ret = (struct tariff){
		.id = tariff->id,
		.activation_s = tariff->activation_s,
		.price_micro_per_kwh = {{tariff->water.price_micro_per_m3}},
		.tax = tariff->tax,
	};
	memcpy(ret->name, tariff->name, sizeof(ret->name));
}

uint32_t tariff_bands(const struct tariff *tariff)
{
	return tariff->band_count > 1 ? tariff->band_count : 1;
}

uint32_t tariff_block_count(const struct tariff *tariff)
{
	return tariff->block_count > 1 ? tariff->block_count : 1;
}

void tariff_price_range(const struct tariff *tariff, int64_t *ret_least_micro,
			int64_t *ret_most_micro)
{
	*ret_least_micro = *ret_most_micro = tariff->price_micro_per_kwh[0][0];
	for (uint32_t band = 0; band < tariff_bands(tariff); band++)
		for (uint32_t block = 0; block < tariff_block_count(tariff); block++) {
			int64_t price = tariff->price_micro_per_kwh[band][block];

			if (price < *ret_least_micro)
				*ret_least_micro = price;
			if (price > *ret_most_micro)
				*ret_most_micro = price;
		}
}

static bool prices_hold(const struct tariff *tariff)
{
	if (tariff->band_count > TARIFF_BANDS_MAX || tariff->block_count > TARIFF_BLOCKS_MAX)
		return false;
	for (uint32_t band = 0; band < tariff_bands(tariff); band++)
		for (uint32_t block = 0; block < tariff_block_count(tariff); block++) {
			int64_t price = tariff->price_micro_per_kwh[band][block];

			if (price < 0 || price > TARIFF_PRICE_MAX)
				return false;
		}
	return true;
}

static bool is_mmdd(int32_t mmdd)
{
	return mmdd >= 101 && mmdd <= 1231 && mmdd % 100 >= 1 && mmdd % 100 <= 31;
}

static bool cycle_holds(const struct tariff_cycle *cycle)
{
	switch (cycle->reset) {
	case TARIFF_RESET_DAY:
		return true;
	case TARIFF_RESET_MONTH:
		return cycle->count == 1 && cycle->mmdd[0] >= 1 && cycle->mmdd[0] <= 28;
	case TARIFF_RESET_DATES:
		if (cycle->count < 1 || cycle->count > TARIFF_RESETS_MAX)
			return false;
		for (uint32_t i = 0; i < cycle->count; i++)
			if (!is_mmdd(cycle->mmdd[i]) || cycle->mmdd[i] % 100 > 28 ||
			    (i > 0 && cycle->mmdd[i] <= cycle->mmdd[i - 1]))
				return false;
		return true;
	case TARIFF_RESET_NEVER:
	default:
		return false;
	}
}

static bool blocks_hold(const struct tariff *tariff)
{
	const struct tariff_blocks *blocks = &tariff->blocks;

	if (tariff_block_count(tariff) == 1)
		return true;
	for (uint32_t i = 0; i + 1 < tariff->block_count; i++)
		if (blocks->edge_wh[i] <= (i > 0 ? blocks->edge_wh[i - 1] : 0) ||
		    blocks->edge_wh[i] > TARIFF_EDGE_MAX)
			return false;
	return cycle_holds(&blocks->cycle);
}

bool tariff_has_allowance(const struct tariff *tariff)
{
	return tariff->allowance.wh > 0 || tariff->allowance.nano > 0;
}

static bool amount_holds(int64_t nano)
{
	return nano >= 0 && nano <= TARIFF_AMOUNT_MAX;
}

static bool allowance_holds(const struct tariff *tariff)
{
	const struct tariff_allowance *allowance = &tariff->allowance;

	if (allowance->wh < 0 || allowance->wh > TARIFF_ALLOWANCE_MAX ||
	    !amount_holds(allowance->nano) || (allowance->wh > 0 && allowance->nano > 0))
		return false;
	return !tariff_has_allowance(tariff) ||
	       (cycle_holds(&allowance->given) &&
		(allowance->kept.reset == TARIFF_RESET_NEVER || cycle_holds(&allowance->kept)));
}

static bool dues_hold(const struct tariff *tariff)
{
	return amount_holds(tariff->standing.day_nano) &&
	       amount_holds(tariff->standing.month_nano) && amount_holds(tariff->minimum.nano) &&
	       (tariff->minimum.nano == 0 || cycle_holds(&tariff->minimum.cycle)) &&
	       tariff->water.price_micro_per_m3 >= 0 &&
	       tariff->water.price_micro_per_m3 <= TARIFF_PRICE_MAX && tariff->tax.rate_ppm >= 0 &&
	       tariff->tax.rate_ppm <= TAX_RATE_MAX;
}

static bool plan_holds(const struct tariff_plan *plan, uint32_t bands)
{
	if (plan->change_count < 1 || plan->change_count > TARIFF_CHANGES_MAX ||
	    plan->change[0].minute != 0)
		return false;
	for (uint32_t i = 0; i < plan->change_count; i++)
		if (plan->change[i].band >= bands || plan->change[i].minute >= 1440 ||
		    (i > 0 && plan->change[i].minute <= plan->change[i - 1].minute))
			return false;
	return true;
}

static bool schedule_holds(const struct tariff *tariff)
{
	const struct tariff_schedule *schedule = &tariff->schedule;

	if (tariff_bands(tariff) == 1)
		return true;
	if (schedule->season_count > TARIFF_SEASONS_MAX ||
	    schedule->date_count > TARIFF_DATES_MAX || schedule->plan_count < 1 ||
	    schedule->plan_count > TARIFF_PLANS_MAX)
		return false;
	for (uint32_t i = 0; i < schedule->season_count; i++)
		if (!is_mmdd(schedule->season_mmdd[i]) ||
		    (i > 0 && schedule->season_mmdd[i] <= schedule->season_mmdd[i - 1]))
			return false;
	for (uint32_t i = 0; i < schedule->date_count; i++)
		if (schedule->date[i].kind < 1 || schedule->date[i].kind > TARIFF_SPECIALS_MAX ||
		    (i > 0 && schedule->date[i].day <= schedule->date[i - 1].day))
			return false;
	for (uint32_t month = 0; month < 12; month++)
		for (uint32_t day = 0; day < 31; day++)
			if (schedule->yearly[month][day] > TARIFF_SPECIALS_MAX)
				return false;
	for (uint32_t i = 0; i < schedule->plan_count; i++)
		if (!plan_holds(&schedule->plan[i], tariff->band_count))
			return false;
	for (uint32_t season = 0; season < TARIFF_SEASONS_MAX; season++)
		for (uint32_t kind = 0; kind < TARIFF_DAY_KINDS; kind++)
			if (schedule->plan_of[season][kind] >= schedule->plan_count)
				return false;
	return true;
}

static bool same_cycle(const struct tariff_cycle *a, const struct tariff_cycle *b)
{
	return a->reset == b->reset && a->count == b->count &&
	       memcmp(a->mmdd, b->mmdd, a->count * sizeof(a->mmdd[0])) == 0;
}

bool tariff_same_periods(const struct tariff *a, const struct tariff *b)
{
	return tariff_block_count(a) > 1 && tariff_block_count(b) > 1 &&
	       same_cycle(&a->blocks.cycle, &b->blocks.cycle);
}

bool tariff_same_allowance(const struct tariff *a, const struct tariff *b)
{
	return tariff_has_allowance(a) && tariff_has_allowance(b) &&
	       (a->allowance.wh > 0) == (b->allowance.wh > 0) &&
	       same_cycle(&a->allowance.given, &b->allowance.given) &&
	       same_cycle(&a->allowance.kept, &b->allowance.kept);
}

void tariff_persons_add(struct tariff_persons *persons, int64_t from_s, int32_t number)
{
	while (persons->count > 0 && persons->change[persons->count - 1].from_s >= from_s)
		persons->count--;
	if (persons->count == TARIFF_PERSONS_CHANGES)
		return;
	persons->change[persons->count].from_s = from_s;
	persons->change[persons->count++].persons = number;
}

bool tariff_same_minimum(const struct tariff *a, const struct tariff *b)
{
	return a->minimum.nano > 0 && b->minimum.nano > 0 &&
	       same_cycle(&a->minimum.cycle, &b->minimum.cycle);
}

int32_t tariff_persons_at(const struct tariff_persons *persons, int64_t at_s)
{
	uint32_t i;

	if (!persons || persons->count == 0)
		return 1;
	i = persons->count - 1;
	while (i > 0 && persons->change[i].from_s > at_s)
		i--;
	/* Where all places are taken there was something before the first. */
	if (persons->change[i].from_s > at_s && persons->count < TARIFF_PERSONS_CHANGES)
		return 1;
	return persons->change[i].persons;
}

static bool comes_before(const struct tariff *a, const struct tariff *b)
{
	if (a->activation_s != b->activation_s)
		return a->activation_s < b->activation_s;
	return a->id < b->id;
}

/* Of several with one activation only the last is ever in force. */
static bool in_force(const struct tariff_book *book, size_t i)
{
	return i + 1 == book->count ||
	       book->tariff[i + 1].activation_s > book->tariff[i].activation_s;
}

/* What was pruned is remembered by the first tariff alone. */
static void find_periods(struct tariff_book *book, size_t added)
{
	const struct tariff *before = NULL;

	for (size_t i = 0; i < book->count; i++) {
		struct tariff *tariff = &book->tariff[i];

		if (before && tariff_same_periods(before, tariff))
			tariff->periods_since_s = before->periods_since_s;
		else if (i > 0 || i == added)
			tariff->periods_since_s = tariff->activation_s;
		if (before && tariff_same_allowance(before, tariff))
			tariff->allowance_since_s = before->allowance_since_s;
		else if (i > 0 || i == added)
			tariff->allowance_since_s = tariff->activation_s;
		if (before && tariff_same_minimum(before, tariff))
			tariff->minimum_since_s = before->minimum_since_s;
		else if (i > 0 || i == added)
			tariff->minimum_since_s = tariff->activation_s;
		if (in_force(book, i))
			before = tariff;
	}
}

int tariff_book_add(struct tariff_book *book, const struct tariff *tariff)
{
	size_t at;

	if (tariff->id <= 0 || !calendar_covers(tariff->activation_s) || !prices_hold(tariff) ||
	    !blocks_hold(tariff) || !schedule_holds(tariff) || !allowance_holds(tariff) ||
	    !dues_hold(tariff))
		return -EINVAL;
	for (size_t i = 0; i < book->count; i++)
		if (book->tariff[i].id == tariff->id)
			return -EEXIST;
	if (book->count == TARIFF_BOOK_MAX)
		return -ENOSPC;

	for (at = book->count; at > 0 && comes_before(tariff, &book->tariff[at - 1]); at--)
		book->tariff[at] = book->tariff[at - 1];
	book->tariff[at] = *tariff;
	book->count++;
	find_periods(book, at);
	return 0;
}

/* How many tariffs have come into force at or before at_s. */
static size_t active_count(const struct tariff_book *book, int64_t at_s)
{
	size_t count = 0;

	while (count < book->count && book->tariff[count].activation_s <= at_s)
		count++;
	return count;
}

void tariff_book_prune(struct tariff_book *book, int64_t before_s)
{
	size_t active = active_count(book, before_s);
	size_t drop = active > 0 ? active - 1 : 0;

	for (size_t i = drop; i < book->count; i++)
		book->tariff[i - drop] = book->tariff[i];
	book->count -= drop;
}

const struct tariff *tariff_at(const struct tariff_book *book, int64_t at_s)
{
	size_t active = active_count(book, at_s);

	return active > 0 ? &book->tariff[active - 1] : NULL;
}

const struct tariff *tariff_staged(const struct tariff_book *book, int64_t after_s)
{
	size_t active = active_count(book, after_s);

	return active < book->count ? tariff_at(book, book->tariff[active].activation_s) : NULL;
}
