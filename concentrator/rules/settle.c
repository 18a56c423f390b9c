/* settle.c - see settle.h. */
#include "concentrator/rules/settle.h"

#include <errno.h>

#include "concentrator/rules/money.h"

#define US_PER_S INT64_C(1000000)

enum settle_due settle_due(const struct mark *settled, const struct mark *accepted,
			   const struct tariff_book *book, const struct offset_table *zone,
			   int64_t settle_s)
{
	int64_t boundary_s;

	if (accepted->wh <= settled->wh || !accepted->dated)
		return SETTLE_NOT_DUE;
	if (!settled->dated) /* settle_date() dates those of this boot, nothing those of another */
		return settled->this_boot ? SETTLE_NOT_DUE : SETTLE_AT_PERIOD;
	if (tariff_next_boundary(book, zone, settled->at_s, &boundary_s) &&
	    boundary_s <= accepted->at_s)
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

static int price(const struct mark *settled, const struct mark *accepted,
		 const struct tariff_book *book, const struct offset_table *zone,
		 const struct instant *now, struct tariff_step *ret_step,
		 struct tariff_part ret_parts[static TARIFF_PARTS_MAX], size_t *ret_count)
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
	step.timed = accepted->dated && step.from_s != INT64_MIN;
	*ret_step = step;
	return tariff_price(book, zone, &step, ret_parts, ret_count);
}

int settle_entries(const struct mark *settled, const struct mark *accepted,
		   const struct tariff_book *book, const struct offset_table *zone,
		   enum entry_kind kind, const struct instant *now,
		   struct entry ret_entries[static SETTLE_ENTRIES_MAX], size_t *ret_count)
{
	struct tariff_part parts[TARIFF_PARTS_MAX];
	struct tariff_step step;
	size_t count;
	int64_t from_wh = settled->wh;
	int r = price(settled, accepted, book, zone, now, &step, parts, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		const struct tariff_part *part = &parts[i];
		bool free = kind == ENTRY_HOUSE;

		ret_entries[i] = (struct entry){
			.format = ENTRY_FORMAT,
			.kind = kind,
			.amount_nano = free ? 0 : -part->amount_nano,
			.energy_wh = part->wh,
			.from_wh = from_wh,
			.to_wh = from_wh + part->wh,
			.from_s = part->from_s == INT64_MIN ? 0 : part->from_s,
			.to_s = part->to_s == INT64_MAX ? 0 : part->to_s,
			.price_micro_per_kwh = free ? 0 : part->price_micro_per_kwh,
			.tariff_id = part->tariff_id,
			.flags = part->flags,
		};
		from_wh += part->wh;
	}
	*ret_count = count;
	return 0;
}

int settle_cost(const struct mark *settled, const struct mark *accepted,
		const struct tariff_book *book, const struct offset_table *zone,
		const struct instant *now, int64_t *ret_cost_nano, int64_t *ret_least_nano)
{
	struct tariff_part parts[TARIFF_PARTS_MAX];
	struct tariff_step step;
	size_t count;
	int64_t cost_nano = 0;
	int64_t least_nano;
	int r = price(settled, accepted, book, zone, now, &step, parts, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		r = money_add(cost_nano, parts[i].amount_nano, &cost_nano);
		if (r < 0)
			return r;
	}
	r = money_energy_nano(step.wh, tariff_cheapest(book, zone, step.from_s, step.to_s),
			      &least_nano);
	if (r < 0)
		return r;
	*ret_cost_nano = cost_nano;
	*ret_least_nano = least_nano < cost_nano ? least_nano : cost_nano;
	return 0;
}
