/* tariff.c - see tariff.h. */
#include "concentrator/rules/tariff.h"

#include <errno.h>

#include "concentrator/rules/entry.h"
#include "concentrator/rules/money.h"

static bool comes_before(const struct tariff *a, const struct tariff *b)
{
	if (a->activation_s != b->activation_s)
		return a->activation_s < b->activation_s;
	return a->id < b->id;
}

int tariff_book_add(struct tariff_book *book, const struct tariff *tariff)
{
	size_t at;

	if (tariff->id <= 0 || tariff->price_micro_per_kwh < 0 ||
	    tariff->price_micro_per_kwh > TARIFF_PRICE_MAX ||
	    !calendar_covers(tariff->activation_s))
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

bool tariff_next_boundary(const struct tariff_book *book, const struct offset_table *zone,
			  int64_t after_s, int64_t *ret_at_s)
{
	size_t active = active_count(book, after_s);

	(void)zone; /* bands follow the local clock; a flat price changes with the tariff alone */
	if (active == book->count)
		return false;
	*ret_at_s = book->tariff[active].activation_s;
	return true;
}

static int64_t price_at(const struct tariff_book *book, int64_t at_s)
{
	const struct tariff *tariff = tariff_at(book, at_s);

	return tariff ? tariff->price_micro_per_kwh : 0;
}

int64_t tariff_cheapest(const struct tariff_book *book, const struct offset_table *zone,
			int64_t from_s, int64_t to_s)
{
	int64_t cheapest = price_at(book, from_s);
	int64_t at_s = from_s;

	while (tariff_next_boundary(book, zone, at_s, &at_s) && at_s <= to_s) {
		int64_t price = price_at(book, at_s);

		if (price < cheapest)
			cheapest = price;
	}
	return cheapest;
}

/* The next boundary that has a price on both sides. Nothing was priced before the first activation: no
 * reading is moved there, or half a minute of energy would be given away. */
static bool next_change(const struct tariff_book *book, const struct offset_table *zone,
			int64_t after_s, int64_t *ret_at_s)
{
	if (book->count > 0 && after_s < book->tariff[0].activation_s)
		after_s = book->tariff[0].activation_s;
	return tariff_next_boundary(book, zone, after_s, ret_at_s);
}

/* M7: the instant a reading counts as taken at. */
static int64_t snap_s(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s)
{
	int64_t snapped_s = at_s;
	int64_t nearest = TARIFF_NEAR_S + 1;
	int64_t boundary_s = at_s - TARIFF_NEAR_S - 1;

	while (next_change(book, zone, boundary_s, &boundary_s) &&
	       boundary_s <= at_s + TARIFF_NEAR_S) {
		int64_t distance = boundary_s > at_s ? boundary_s - at_s : at_s - boundary_s;

		if (distance < nearest) {
			nearest = distance;
			snapped_s = boundary_s;
		}
	}
	return snapped_s;
}

static bool is_boundary(const struct tariff_book *book, const struct offset_table *zone,
			int64_t at_s)
{
	int64_t boundary_s;

	return next_change(book, zone, at_s - 1, &boundary_s) && boundary_s == at_s;
}

static int price_part(const struct tariff *tariff, int64_t wh, int64_t from_s, int64_t to_s,
		      uint32_t flags, struct tariff_part *ret_part)
{
	*ret_part = (struct tariff_part){
		.wh = wh,
		.from_s = from_s,
		.to_s = to_s,
		.price_micro_per_kwh = tariff ? tariff->price_micro_per_kwh : 0,
		.tariff_id = tariff ? tariff->id : 0,
		.flags = flags,
	};
	return money_energy_nano(wh, ret_part->price_micro_per_kwh, &ret_part->amount_nano);
}

/* One part at the cheapest price of from_s to to_s. */
static int price_cheapest(const struct tariff_book *book, const struct offset_table *zone,
			  const struct tariff_step *step, int64_t from_s, int64_t to_s,
			  uint32_t flags, struct tariff_part *ret_part)
{
	const struct tariff *cheapest = tariff_at(book, from_s);
	int64_t at_s = from_s;

	while (cheapest && tariff_next_boundary(book, zone, at_s, &at_s) && at_s <= to_s) {
		const struct tariff *tariff = tariff_at(book, at_s);

		if (tariff->price_micro_per_kwh < cheapest->price_micro_per_kwh)
			cheapest = tariff;
	}
	return price_part(cheapest, step->wh, step->from_s, step->to_s, flags, ret_part);
}

int tariff_price(const struct tariff_book *book, const struct offset_table *zone,
		 const struct tariff_step *step,
		 struct tariff_part ret_parts[static TARIFF_PARTS_MAX], size_t *ret_count)
{
	struct tariff_part parts[TARIFF_PARTS_MAX];
	size_t count = 0;
	int64_t rest = step->wh;
	int64_t first_s, last_s, from_s, to_s;
	int r;

	if (step->wh < 0 || step->to_s < step->from_s)
		return -EINVAL;
	if (step->timed && !(calendar_covers(step->from_s) && calendar_covers(step->to_s)))
		return -EINVAL;
	if (step->wh == 0) {
		*ret_count = 0;
		return 0;
	}
	if (!step->timed) {
		r = price_cheapest(book, zone, step, step->from_s, step->to_s, ENTRY_UNTIMED,
				   &ret_parts[0]);
		if (r == 0)
			*ret_count = 1;
		return r;
	}

	first_s = snap_s(book, zone, step->from_s);
	last_s = snap_s(book, zone, step->to_s);
	if (first_s >= last_s) {
		r = price_cheapest(book, zone, step,
				   is_boundary(book, zone, last_s) ? last_s - 1 : first_s, last_s,
				   0, &ret_parts[0]);
		if (r == 0)
			*ret_count = 1;
		return r;
	}

	for (from_s = first_s; from_s < last_s; from_s = to_s) {
		int64_t wh = rest;
		bool last = !tariff_next_boundary(book, zone, from_s, &to_s) || to_s >= last_s;

		if (last)
			to_s = last_s;
		else if ((r = money_share(step->wh, to_s - from_s, last_s - first_s, &wh)) < 0)
			return r;
		rest -= wh;
		r = price_part(tariff_at(book, from_s), wh, from_s, to_s, 0, &parts[count++]);
		if (r < 0)
			return r;
	}

	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (count > 1)
			parts[i].flags |= ENTRY_SPLIT_BY_TIME;
		if (parts[i].wh > 0)
			ret_parts[(*ret_count)++] = parts[i];
	}
	return 0;
}
