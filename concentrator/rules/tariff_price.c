/* tariff_price.c - see tariff_price.h.
 *
 * A step is walked stretch by stretch: a stretch has one tariff, one band (or the cheapest of
 * several) and one period, and yields a part for each block that it reaches into.
 */
#include "concentrator/rules/tariff_price.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "concentrator/rules/entry.h"
#include "concentrator/rules/money.h"

#define ALL_BANDS(tariff) ((UINT32_C(1) << tariff_bands(tariff)) - 1)

/* The next boundary that has a price on both sides. Nothing was priced before the first activation:
 * no reading is moved there, or half a minute of energy would be given away. */
static bool next_change(const struct tariff_book *book, const struct offset_table *zone,
			int64_t after_s, int64_t until_s, int64_t *ret_at_s)
{
	if (book->count > 0 && after_s < book->tariff[0].activation_s)
		after_s = book->tariff[0].activation_s;
	return tariff_boundary(book, zone, after_s, until_s, ret_at_s);
}

/* M7: the instant a reading counts as taken at. */
static int64_t snap_s(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s)
{
	int64_t snapped_s = at_s;
	int64_t nearest = TARIFF_NEAR_S + 1;
	int64_t boundary_s = at_s - TARIFF_NEAR_S - 1;

	while (next_change(book, zone, boundary_s, at_s + TARIFF_NEAR_S, &boundary_s)) {
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

	return next_change(book, zone, at_s - 1, at_s, &boundary_s);
}

/* Finds the period that counts for a stretch: one of use, or another, which use takes over with the
 * first part. */
static void enter_period(struct tariff_pricing *pricing, int64_t at_s)
{
	struct tariff_use *use = pricing->use;

	pricing->period = NULL;
	if (!pricing->tariff || tariff_block_count(pricing->tariff) == 1)
		return;
	if (tariff_period_holds(&use->now, at_s)) {
		pricing->period = &use->now;
	} else if (tariff_period_holds(&use->before, at_s)) {
		pricing->period = &use->before;
	} else if (tariff_period_at(pricing->book, pricing->zone, at_s, use->opened_s,
				    &pricing->other)) {
		pricing->period = &pricing->other;
	}
}

static void enter_allowance(struct tariff_pricing *pricing, int64_t at_s)
{
	const struct tariff *tariff = tariff_at(pricing->book, at_s);

	pricing->free_wh = 0;
	if (!tariff || tariff->allowance.wh == 0)
		return;
	pricing->free_wh = tariff_free_wh(pricing->book, pricing->zone, pricing->use, at_s);
	pricing->free_counts = !tariff->allowance.uncounted;
}

/* Where the upper edge of a block is for this account; INT64_MAX for the last. */
static int64_t edge_wh(const struct tariff *tariff, const struct tariff_period *period,
		       uint32_t block)
{
	int64_t edge;

	if (block + 1 >= tariff_block_count(tariff))
		return INT64_MAX;
	edge = tariff->blocks.edge_wh[block];
	/* Edges are bounded (TARIFF_EDGE_MAX), so the product fits. */
	return tariff->blocks.prorated ? edge * period->share_days / period->of_days : edge;
}

static uint32_t block_at(const struct tariff *tariff, const struct tariff_period *period)
{
	uint32_t block = 0;

	while (period && period->wh >= edge_wh(tariff, period, block))
		block++;
	return block;
}

static uint32_t cheapest_band(const struct tariff *tariff, uint32_t bands, uint32_t block)
{
	uint32_t cheapest = 0;
	bool any = false;

	for (uint32_t band = 0; band < tariff_bands(tariff); band++)
		if ((bands & (UINT32_C(1) << band)) &&
		    (!any || tariff->price_micro_per_kwh[band][block] <
				     tariff->price_micro_per_kwh[cheapest][block])) {
			cheapest = band;
			any = true;
		}
	return cheapest;
}

/* The bands that from_s to to_s touch, both included. */
static uint32_t touched_bands(const struct tariff *tariff, const struct offset_table *zone,
			      int64_t from_s, int64_t to_s)
{
	uint32_t bands = 0;

	if (tariff_bands(tariff) == 1)
		return 1;
	if (to_s - from_s > TARIFF_LONG_S)
		return ALL_BANDS(tariff);
	while (from_s <= to_s && bands != ALL_BANDS(tariff)) {
		struct tariff_span span = tariff_span_at(tariff, zone, from_s);

		bands |= UINT32_C(1) << span.band;
		from_s = span.to_s;
	}
	return bands;
}

static int32_t added_ppm(const struct tariff *tariff)
{
	return tariff->tax.added ? tariff->tax.rate_ppm : 0;
}

/* What a kWh takes, in millionths of the price's unit: bounded by TARIFF_PRICE_MAX and TAX_RATE_MAX. */
static int64_t taxed(const struct tariff *tariff, int64_t price_micro_per_kwh)
{
	return price_micro_per_kwh * (TAX_PPM + added_ppm(tariff));
}

/* All of the step in one stretch, at the cheapest that from_s to to_s, both included, allow. */
static void take_cheapest(struct tariff_pricing *pricing, int64_t from_s, int64_t to_s)
{
	const struct tariff *tariff = tariff_at(pricing->book, from_s);
	const struct tariff *staged = tariff_staged(pricing->book, from_s);
	struct tariff_period period;
	int64_t cheapest = INT64_MAX;

	pricing->tariff = tariff;
	if (!tariff) /* before the first tariff energy costs nothing */
		return;
	if (!staged || staged->activation_s > to_s) {
		pricing->bands = touched_bands(tariff, pricing->zone, from_s,
					       to_s > CALENDAR_S_MAX ? CALENDAR_S_MAX : to_s);
		if (!tariff_period_at(pricing->book, pricing->zone, from_s, INT64_MIN, &period) ||
		    period.until_s > to_s)
			return;
	}

	pricing->fixed = true;
	for (; tariff && from_s <= to_s; tariff = staged) {
		int64_t end_s = to_s < CALENDAR_S_MAX ? to_s : CALENDAR_S_MAX;
		uint32_t bands;

		staged = tariff_staged(pricing->book, tariff->activation_s);
		if (staged && staged->activation_s <= end_s)
			end_s = staged->activation_s - 1;
		else
			staged = NULL;
		bands = touched_bands(tariff, pricing->zone, from_s, end_s);
		for (uint32_t block = 0; block < tariff_block_count(tariff); block++) {
			uint32_t band = cheapest_band(tariff, bands, block);

			int64_t price = taxed(tariff, tariff->price_micro_per_kwh[band][block]);

			if (price >= cheapest)
				continue;
			cheapest = price;
			pricing->tariff = tariff;
			pricing->bands = UINT32_C(1) << band;
			pricing->block = block;
		}
		from_s = end_s + 1;
	}
}

static int begin(struct tariff_pricing *pricing, const struct tariff_book *book,
		 const struct offset_table *zone, struct tariff_use *use,
		 const struct tariff_step *step)
{
	if (step->wh < 0 || step->to_s < step->from_s)
		return -EINVAL;
	if (step->timed && !(calendar_covers(step->from_s) && calendar_covers(step->to_s)))
		return -EINVAL;
	memset(pricing, 0, offsetof(struct tariff_pricing, split));
	pricing->book = book;
	pricing->zone = zone;
	pricing->use = use;
	pricing->wh = step->wh;
	pricing->stretch_wh = step->wh;
	pricing->from_s = step->from_s;
	pricing->to_s = step->to_s;
	return 0;
}

/* The step as one stretch at the cheapest of from_s to to_s. It counts in the period that it begins
 * in. */
static void begin_cheapest(struct tariff_pricing *pricing, int64_t from_s, int64_t to_s)
{
	take_cheapest(pricing, from_s, to_s);
	if (!pricing->fixed)
		enter_period(pricing, from_s);
	enter_allowance(pricing, pricing->from_s);
}

/* A gap reaches back no further than the first tariff, unless it ends before it: a time at which nothing was
 * to be paid is no price to choose. */
static void begin_gap(struct tariff_pricing *pricing)
{
	const struct tariff_book *book = pricing->book;

	if (book->count > 0 && pricing->from_s < book->tariff[0].activation_s &&
	    pricing->to_s >= book->tariff[0].activation_s)
		pricing->from_s = book->tariff[0].activation_s;
	begin_cheapest(pricing, pricing->from_s, pricing->to_s);
}

/* What an allowance can cover at the most, whenever the energy of the gap was used. */
static void widen_allowance(struct tariff_pricing *pricing)
{
	int64_t span_s;
	bool any = false;

	for (size_t i = 0; i < pricing->book->count; i++)
		any = any || pricing->book->tariff[i].allowance.wh > 0;
	if (!any)
		return;
	if (__builtin_sub_overflow(pricing->to_s, pricing->from_s, &span_s) ||
	    span_s > TARIFF_LONG_S)
		pricing->free_wh = INT64_MAX;
	else
		pricing->free_wh += tariff_given_wh(pricing->book, pricing->zone, pricing->use,
						    pricing->from_s, pricing->to_s);
}

int tariff_least_begin(struct tariff_pricing *pricing, const struct tariff_book *book,
		       const struct offset_table *zone, struct tariff_use *use,
		       const struct tariff_step *step)
{
	int r = begin(pricing, book, zone, use, step);

	if (r < 0)
		return r;
	pricing->flags = ENTRY_UNTIMED;
	if (step->timed)
		begin_cheapest(pricing, step->from_s, step->to_s);
	else
		begin_gap(pricing);
	widen_allowance(pricing);
	return 0;
}

/* Most steps lie well within one stretch, and need no look at the boundaries around it. */
static bool is_quiet(struct tariff_pricing *pricing, const struct tariff_step *step)
{
	const struct tariff *tariff = tariff_at(pricing->book, step->from_s);
	struct tariff_span span;

	if (!tariff || tariff_has_allowance(tariff) || tariff->minimum.nano > 0)
		return false;
	span = tariff_span_at(tariff, pricing->zone, step->from_s);
	if (span.from_s < tariff->activation_s)
		span.from_s = tariff->activation_s;
	if (tariff + 1 < pricing->book->tariff + pricing->book->count &&
	    tariff[1].activation_s < span.to_s)
		span.to_s = tariff[1].activation_s;
	if (tariff_block_count(tariff) > 1) {
		const struct tariff_period *period = &pricing->use->now;

		if (!tariff_period_holds(period, step->from_s))
			return false;
		if (span.from_s < period->since_s)
			span.from_s = period->since_s;
		if (span.to_s > period->until_s)
			span.to_s = period->until_s;
	}
	if (step->from_s <= span.from_s + TARIFF_NEAR_S || step->to_s >= span.to_s - TARIFF_NEAR_S)
		return false;
	pricing->tariff = tariff;
	pricing->bands = UINT32_C(1) << span.band;
	if (tariff_block_count(tariff) > 1)
		pricing->period = &pricing->use->now;
	return true;
}

/* A timed step, stretch by stretch. */
static void begin_stretches(struct tariff_pricing *pricing, const struct bands_step *bands,
			    enum bands_verdict *verdict)
{
	int64_t boundary_s;

	if (bands)
		*verdict = bands_judge(bands, pricing->book, pricing->zone, pricing->wh,
				       pricing->first_s, pricing->last_s, &pricing->split);
	if (*verdict == BANDS_BELIEVED && bands_divide(&pricing->split)) {
		pricing->by_register = true;
		pricing->flags = ENTRY_BY_REGISTER;
	} else if (tariff_boundary(pricing->book, pricing->zone, pricing->first_s,
				   pricing->last_s - 1, &boundary_s)) {
		pricing->flags = ENTRY_SPLIT_BY_TIME;
	}
	pricing->rest_wh = pricing->wh;
	pricing->stretch_wh = 0;
	pricing->to_s = pricing->first_s;
}

static int begin_step(struct tariff_pricing *pricing, const struct tariff_book *book,
		      const struct offset_table *zone, struct tariff_use *use,
		      const struct tariff_step *step, const struct bands_step *bands,
		      enum bands_verdict *verdict)
{
	int r = begin(pricing, book, zone, use, step);

	if (r < 0)
		return r;
	if (!step->timed) {
		pricing->flags = ENTRY_UNTIMED;
		begin_gap(pricing);
		return 0;
	}
	if (!bands && is_quiet(pricing, step))
		return 0;
	pricing->first_s = snap_s(book, zone, step->from_s);
	pricing->last_s = snap_s(book, zone, step->to_s);
	if (pricing->first_s < pricing->last_s)
		begin_stretches(pricing, bands, verdict);
	else
		begin_cheapest(pricing,
			       is_boundary(book, zone, pricing->last_s) ? pricing->last_s - 1
									: pricing->first_s,
			       pricing->last_s);
	return 0;
}

int tariff_price_begin(struct tariff_pricing *pricing, const struct tariff_book *book,
		       const struct offset_table *zone, struct tariff_use *use,
		       const struct tariff_step *step)
{
	enum bands_verdict verdict = BANDS_NOTHING;

	return begin_step(pricing, book, zone, use, step, NULL, &verdict);
}

int tariff_price_begin_bands(struct tariff_pricing *pricing, const struct tariff_book *book,
			     const struct offset_table *zone, struct tariff_use *use,
			     const struct tariff_step *step, const struct bands_step *bands,
			     enum bands_verdict *ret_verdict)
{
	*ret_verdict = BANDS_NOTHING;
	return begin_step(pricing, book, zone, use, step, bands, ret_verdict);
}

/* What the band's register gives the stretch at hand, at most all that is left. */
static int take_from_register(struct tariff_pricing *pricing)
{
	bool by_time;
	int r = bands_take(&pricing->split, pricing->tariff,
			   cheapest_band(pricing->tariff, pricing->bands, 0),
			   pricing->to_s - pricing->from_s, &pricing->stretch_wh, &by_time);

	if (r < 0)
		return r;
	pricing->flags = ENTRY_BY_REGISTER | (by_time ? (uint32_t)ENTRY_SPLIT_BY_TIME : 0);
	if (pricing->stretch_wh > pricing->rest_wh || pricing->to_s == pricing->last_s)
		pricing->stretch_wh = pricing->rest_wh;
	return 0;
}

static int next_stretch(struct tariff_pricing *pricing)
{
	int64_t from_s = pricing->to_s;
	int64_t to_s;
	int r = 0;

	pricing->from_s = from_s;
	pricing->stretch_wh = pricing->rest_wh;
	if (!tariff_boundary(pricing->book, pricing->zone, from_s, pricing->last_s - 1, &to_s))
		to_s = pricing->last_s;
	pricing->to_s = to_s;
	pricing->tariff = tariff_at(pricing->book, from_s);
	if (pricing->tariff)
		pricing->bands = UINT32_C(1)
				 << tariff_span_at(pricing->tariff, pricing->zone, from_s).band;
	if (pricing->by_register)
		r = take_from_register(pricing);
	else if (to_s != pricing->last_s)
		r = money_share(pricing->wh, to_s - from_s, pricing->last_s - pricing->first_s,
				&pricing->stretch_wh);
	if (r < 0)
		return r;
	pricing->rest_wh -= pricing->stretch_wh;
	enter_period(pricing, from_s);
	enter_allowance(pricing, from_s);
	return 0;
}

int tariff_price_next(struct tariff_pricing *pricing, struct tariff_part *ret)
{
	const struct tariff *tariff;
	bool free;
	int r;

	while (pricing->stretch_wh == 0) {
		if (pricing->rest_wh == 0)
			return 0;
		r = next_stretch(pricing);
		if (r < 0)
			return r;
	}
	tariff = pricing->tariff;
	free = pricing->free_wh > 0;
	*ret = (struct tariff_part){
		.wh = pricing->stretch_wh,
		.from_s = pricing->from_s,
		.to_s = pricing->to_s,
		.flags = pricing->flags,
	};
	if (free) {
		if (ret->wh > pricing->free_wh)
			ret->wh = pricing->free_wh;
		ret->flags |= ENTRY_FREE | (pricing->free_counts ? 0 : (uint32_t)ENTRY_UNCOUNTED);
	}
	if (tariff) {
		ret->tariff_id = tariff->id;
		ret->tax_ppm = added_ppm(tariff);
		ret->block = pricing->block;
		if (pricing->period && (!free || pricing->free_counts)) {
			int64_t left;

			ret->block = block_at(tariff, pricing->period);
			left = edge_wh(tariff, pricing->period, ret->block) - pricing->period->wh;
			if (ret->wh > left)
				ret->wh = left;
		}
		ret->band = cheapest_band(tariff, pricing->bands, ret->block);
		if (!free)
			ret->price_micro_per_kwh =
				tariff->price_micro_per_kwh[ret->band][ret->block];
		r = money_energy_nano(ret->wh, ret->price_micro_per_kwh, &ret->amount_nano);
		if (r < 0)
			return r;
	}
	if (free && pricing->free_wh != INT64_MAX)
		pricing->free_wh -= ret->wh;
	pricing->stretch_wh -= ret->wh;
	if (pricing->period == &pricing->other && !(ret->flags & ENTRY_UNCOUNTED))
		pricing->other.wh += ret->wh;
	tariff_use_add(pricing->use, pricing->book, pricing->zone, ret->from_s, ret->wh,
		       ret->flags);
	return 1;
}

int64_t tariff_rate(const struct tariff_book *book, const struct offset_table *zone,
		    const struct tariff_use *use, int64_t at_s)
{
	const struct tariff *tariff = tariff_at(book, at_s);
	struct tariff_period period;
	uint32_t block = 0;

	if (!tariff)
		return 0;
	if (tariff_period_holds(&use->now, at_s))
		block = block_at(tariff, &use->now);
	else if (tariff_period_at(book, zone, at_s, use->opened_s, &period))
		block = block_at(tariff, &period);
	return taxed(tariff,
		     tariff->price_micro_per_kwh[tariff_span_at(tariff, zone, at_s).band][block]) /
	       TAX_PPM;
}
