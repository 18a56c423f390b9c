/* settle.c - see settle.h. */
#include "concentrator/rules/settle.h"

#include <errno.h>

#include "concentrator/rules/money.h"
#include "concentrator/rules/tax.h"

#define US_PER_S INT64_C(1000000)

enum settle_due settle_due(const struct mark *settled, const struct mark *accepted,
			   const struct tariff_book *book, const struct offset_table *zone,
			   int64_t settle_s, const struct instant *now)
{
	int64_t boundary_s, until_s;

	if (accepted->wh <= settled->wh || !accepted->dated)
		return SETTLE_NOT_DUE;
	if (!settled->dated) /* settle_date() dates those of this boot, nothing those of another */
		return settled->this_boot ? SETTLE_NOT_DUE : SETTLE_AT_PERIOD;
	until_s = accepted->at_s + TARIFF_NEAR_S;
	if (until_s > now->s && now->trusted)
		until_s = now->s > accepted->at_s ? now->s : accepted->at_s;
	if (tariff_boundary(book, zone, settled->at_s + TARIFF_NEAR_S, until_s, &boundary_s))
		return SETTLE_AT_BOUNDARY;
	if (calendar_next_midnight_s(zone, settled->at_s) <= accepted->at_s)
		return SETTLE_AT_MIDNIGHT;
	if (accepted->at_s - settled->at_s >= settle_s)
		return SETTLE_AT_PERIOD;
	return SETTLE_NOT_DUE;
}

void settle_idle(struct mark *settled, const struct mark *accepted)
{
	if (accepted->wh == settled->wh)
		*settled = *accepted;
}

void settle_date(struct mark *mark, const struct instant *now)
{
	if (mark->dated || !mark->this_boot || !now->trusted)
		return;
	mark->at_s = now->s - (now->us - mark->at_us) / US_PER_S;
	mark->dated = true;
}

static int find_step(const struct mark *settled, const struct mark *accepted,
		     const struct instant *now, struct tariff_step *ret)
{
	struct tariff_step step = {
		.from_s = INT64_MIN,
		.to_s = INT64_MAX,
	};

	if (__builtin_sub_overflow(accepted->wh, settled->wh, &step.wh))
		return -ERANGE;
	if (step.wh < 0)
		return -EINVAL;
	if (accepted->dated)
		step.to_s = accepted->at_s;
	else if (now->trusted)
		step.to_s = now->s;
	if (settled->dated && settled->at_s <= step.to_s)
		step.from_s = settled->at_s;
	else if (!settled->dated && settled->since_s > 0 && settled->since_s <= step.to_s)
		step.from_s = settled->since_s;
	step.timed = accepted->dated && settled->dated && step.from_s == settled->at_s;
	*ret = step;
	return 0;
}

int settle_begin(struct settlement *settlement, const struct mark *settled,
		 const struct mark *accepted, const struct tariff_book *book,
		 const struct offset_table *zone, struct tariff_use *use, enum entry_kind kind,
		 const struct instant *now, const struct bands_step *bands)
{
	struct tariff_step step;
	int r = find_step(settled, accepted, now, &step);

	if (r < 0)
		return r;
	settlement->kind = kind;
	settlement->from_wh = settled->wh;
	if (kind == ENTRY_HOUSE) {
		settlement->house = *use;
		use = &settlement->house;
	}
	return tariff_price_begin_bands(&settlement->pricing, book, zone, use, &step, bands,
					&settlement->verdict);
}

int settle_next(struct settlement *settlement, struct entry *ret)
{
	struct tariff_part part;
	bool free = settlement->kind == ENTRY_HOUSE;
	int r = tariff_price_next(&settlement->pricing, &part);

	if (r <= 0)
		return r;
	*ret = (struct entry){
		.format = ENTRY_FORMAT,
		.kind = settlement->kind,
		.amount_nano = free ? 0 : -part.amount_nano,
		.energy_wh = part.wh,
		.from_wh = settlement->from_wh,
		.to_wh = settlement->from_wh + part.wh,
		.from_s = part.from_s == INT64_MIN ? 0 : part.from_s,
		.to_s = part.to_s == INT64_MAX ? 0 : part.to_s,
		.price_micro_per_kwh = free ? 0 : part.price_micro_per_kwh,
		.tariff_id = part.tariff_id,
		.flags = part.flags,
	};
	settlement->from_wh = ret->to_wh;
	return 1;
}

/* Adds up the parts of a step that is begun, and the tax on them. */
static int sum_parts(struct tariff_pricing *pricing, int64_t *rest, int64_t *ret_nano)
{
	struct tax_carry carry = {.rest = *rest};
	struct tariff_part part;
	int64_t sum_nano = 0;
	int r;

	while ((r = tariff_price_next(pricing, &part)) > 0) {
		r = money_add(sum_nano, part.amount_nano, &sum_nano);
		if (r == 0 && part.tax_ppm != 0)
			r = tax_add(&carry, part.amount_nano, part.tax_ppm);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = money_add(sum_nano, carry.nano, &sum_nano);
	if (r == 0) {
		*ret_nano = sum_nano;
		*rest = carry.rest;
	}
	return r;
}

int settle_cost_add(struct settle_cost *cost, const struct mark *settled,
		    const struct mark *accepted, const struct tariff_book *book,
		    const struct offset_table *zone, const struct instant *now,
		    const struct bands_step *bands)
{
	struct settle_cost sum = *cost;
	struct tariff_pricing pricing;
	struct tariff_step step;
	enum bands_verdict verdict;
	int64_t cost_nano, least_nano;
	int r = find_step(settled, accepted, now, &step);

	if (r == 0)
		r = tariff_price_begin_bands(&pricing, book, zone, &sum.use, &step, bands,
					     &verdict);
	if (r == 0)
		r = sum_parts(&pricing, &sum.tax_rest, &cost_nano);
	if (r == 0)
		r = tariff_least_begin(&pricing, book, zone, &sum.least_use, &step);
	if (r == 0)
		r = sum_parts(&pricing, &sum.least_tax_rest, &least_nano);
	/* A reading that counts as taken at a boundary before it may be charged even less. */
	if (r == 0 && least_nano > cost_nano) {
		least_nano = cost_nano;
		sum.least_tax_rest = sum.tax_rest;
	}
	if (r == 0)
		r = money_add(sum.cost_nano, cost_nano, &sum.cost_nano);
	if (r == 0)
		r = money_add(sum.least_nano, least_nano, &sum.least_nano);
	if (r == 0)
		*cost = sum;
	return r;
}
