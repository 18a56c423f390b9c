/* tariff_time.c - see tariff_time.h. */
#include "concentrator/rules/tariff_time.h"

#include "concentrator/rules/entry.h"

#define MINUTE_S 60

static uint32_t season_of(const struct tariff_schedule *schedule, int32_t mmdd)
{
	uint32_t season = schedule->season_count;

	if (season == 0)
		return 0;
	while (season > 0 && schedule->season_mmdd[season - 1] > mmdd)
		season--;
	/* Before the first of the year last year's last one still holds. */
	return (season > 0 ? season : schedule->season_count) - 1;
}

/* 0 to 6: a weekday; 7 and on: a special day. */
static uint32_t day_kind(const struct tariff_schedule *schedule, int64_t day,
			 const struct civil *civil)
{
	uint32_t low = 0;
	uint32_t high = schedule->date_count;
	uint8_t special = schedule->yearly[civil->month - 1][civil->day - 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (schedule->date[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < schedule->date_count && schedule->date[low].day == day)
		special = schedule->date[low].kind;
	return special > 0 ? 6 + (uint32_t)special : (uint32_t)civil->weekday - 1;
}

static const struct tariff_plan *plan_of(const struct tariff_schedule *schedule, int64_t day)
{
	struct civil civil = calendar_date(day);
	uint32_t season = season_of(schedule, civil.month * 100 + civil.day);

	return &schedule->plan[schedule->plan_of[season][day_kind(schedule, day, &civil)]];
}

struct tariff_span tariff_span_at(const struct tariff *tariff, const struct offset_table *zone,
				  int64_t at_s)
{
	struct tariff_span span = {.from_s = INT64_MIN, .to_s = INT64_MAX};
	const struct tariff_plan *plan;
	int64_t offset_s, local_s, day, from_s, to_s;
	int32_t minute;
	uint32_t i = 0;

	if (tariff_bands(tariff) == 1 || !calendar_covers(at_s))
		return span;
	offset_s = calendar_offset_span_s(zone, at_s, &span.from_s, &span.to_s);
	local_s = at_s + offset_s;
	day = local_s / CALENDAR_DAY_S - (local_s % CALENDAR_DAY_S < 0);
	minute = (int32_t)((local_s - day * CALENDAR_DAY_S) / MINUTE_S);
	plan = plan_of(&tariff->schedule, day);
	while (i + 1 < plan->change_count && plan->change[i + 1].minute <= minute)
		i++;
	span.band = plan->change[i].band;

	/* As the clock shows it, where no change of the clock cuts it short. */
	from_s = day * CALENDAR_DAY_S + plan->change[i].minute * MINUTE_S - offset_s;
	to_s = i + 1 < plan->change_count
		       ? day * CALENDAR_DAY_S + plan->change[i + 1].minute * MINUTE_S - offset_s
		       : (day + 1) * CALENDAR_DAY_S - offset_s;
	if (from_s > span.from_s)
		span.from_s = from_s;
	if (to_s < span.to_s)
		span.to_s = to_s;
	return span;
}

/* First day of the period that holds day, and first day of the next one. */
static void period_days(const struct tariff_cycle *cycle, int64_t day, int64_t *ret_from,
			int64_t *ret_to)
{
	struct civil civil = calendar_date(day);
	int32_t mmdd = civil.month * 100 + civil.day;
	uint32_t count = cycle->count;
	uint32_t past = 0;
	int32_t first, next;

	switch (cycle->reset) {
	case TARIFF_RESET_NEVER:
		*ret_from = CALENDAR_S_MIN / CALENDAR_DAY_S;
		*ret_to = CALENDAR_S_MAX / CALENDAR_DAY_S;
		return;
	case TARIFF_RESET_DAY:
		*ret_from = day;
		*ret_to = day + 1;
		return;
	case TARIFF_RESET_MONTH: {
		int32_t reset = cycle->mmdd[0];
		int32_t month = civil.year * 12 + civil.month - 1 - (civil.day < reset);

		*ret_from = calendar_day_number(month / 12, month % 12 + 1, reset);
		*ret_to = calendar_day_number((month + 1) / 12, (month + 1) % 12 + 1, reset);
		return;
	}
	case TARIFF_RESET_DATES:
		break;
	}
	while (past < count && cycle->mmdd[past] <= mmdd)
		past++;
	first = cycle->mmdd[past > 0 ? past - 1 : count - 1];
	next = cycle->mmdd[past < count ? past : 0];
	*ret_from = calendar_day_number(civil.year - (past == 0), first / 100, first % 100);
	*ret_to = calendar_day_number(civil.year + (past == count), next / 100, next % 100);
}

/* NULL: the tariff has no such thing. */
static const struct tariff_cycle *cycle_of(const struct tariff *tariff, enum tariff_count count)
{
	switch (count) {
	case TARIFF_COUNT_BLOCKS:
		return tariff_block_count(tariff) > 1 ? &tariff->blocks.cycle : NULL;
	case TARIFF_COUNT_FREE:
		return tariff_has_allowance(tariff) ? &tariff->allowance.kept : NULL;
	case TARIFF_COUNT_GIVEN:
		return tariff_has_allowance(tariff) ? &tariff->allowance.given : NULL;
	case TARIFF_COUNT_MINIMUM:
		return tariff->minimum.nano > 0 ? &tariff->minimum.cycle : NULL;
	}
	return NULL;
}

static int64_t count_since_s(const struct tariff *tariff, enum tariff_count count)
{
	switch (count) {
	case TARIFF_COUNT_BLOCKS:
		return tariff->periods_since_s;
	case TARIFF_COUNT_MINIMUM:
		return tariff->minimum_since_s;
	case TARIFF_COUNT_FREE:
	case TARIFF_COUNT_GIVEN:
		break;
	}
	return tariff->allowance_since_s;
}

static bool same_count(const struct tariff *a, const struct tariff *b, enum tariff_count count)
{
	switch (count) {
	case TARIFF_COUNT_BLOCKS:
		return tariff_same_periods(a, b);
	case TARIFF_COUNT_MINIMUM:
		return tariff_same_minimum(a, b);
	case TARIFF_COUNT_FREE:
	case TARIFF_COUNT_GIVEN:
		break;
	}
	return tariff_same_allowance(a, b);
}

bool tariff_count_at(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s,
		     int64_t opened_s, enum tariff_count count, struct tariff_period *ret)
{
	const struct tariff *tariff = tariff_at(book, at_s);
	const struct tariff *last = tariff;
	const struct tariff_cycle *cycle;
	int64_t day, from_day, to_day;

	/* The book may have let go of the tariffs that its first one took these periods over from. */
	if (!tariff && book->count > 0 && at_s >= count_since_s(&book->tariff[0], count))
		tariff = last = &book->tariff[0];
	cycle = tariff ? cycle_of(tariff, count) : NULL;
	if (!cycle || !calendar_covers(at_s))
		return false;
	day = calendar_day(zone, at_s);
	period_days(cycle, day, &from_day, &to_day);
	ret->since_s = calendar_date_start_s(zone, from_day);
	ret->until_s = calendar_date_start_s(zone, to_day);
	if (ret->until_s <= at_s) {
		/* The clock went back over midnight: the new date had begun already. */
		period_days(cycle, to_day, &from_day, &to_day);
		ret->since_s = ret->until_s;
		ret->until_s = calendar_date_start_s(zone, to_day);
	}
	ret->wh = 0;
	ret->share_days = 1;
	ret->of_days = 1;
	if (opened_s >= ret->since_s && opened_s < ret->until_s) {
		ret->of_days = to_day - from_day;
		ret->share_days = to_day - calendar_day(zone, opened_s);
		if (ret->share_days > ret->of_days)
			ret->share_days = ret->of_days;
	}
	if (ret->since_s < count_since_s(tariff, count))
		ret->since_s = count_since_s(tariff, count);
	/* A later tariff of other periods ends it. */
	while ((last = tariff_staged(book, last->activation_s)) &&
	       last->activation_s < ret->until_s)
		if (!same_count(tariff, last, count))
			ret->until_s = last->activation_s;
	return true;
}

bool tariff_period_at(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s,
		      int64_t opened_s, struct tariff_period *ret)
{
	return tariff_count_at(book, zone, at_s, opened_s, TARIFF_COUNT_BLOCKS, ret);
}

bool tariff_period_holds(const struct tariff_period *period, int64_t at_s)
{
	return at_s >= period->since_s && at_s < period->until_s;
}

static bool is_empty(const struct tariff_period *period)
{
	return period->since_s == period->until_s;
}

static void count_in(struct tariff_period *now, struct tariff_period *before,
		     const struct tariff_use *use, const struct tariff_book *book,
		     const struct offset_table *zone, int64_t from_s, int64_t wh,
		     enum tariff_count count)
{
	struct tariff_period period;

	if (tariff_period_holds(now, from_s)) {
		now->wh += wh;
	} else if (tariff_period_holds(before, from_s)) {
		before->wh += wh;
	} else if (tariff_count_at(book, zone, from_s, use->opened_s, count, &period)) {
		bool empty = is_empty(now);

		period.wh = wh;
		if (empty || period.since_s >= now->until_s) {
			*before = !empty && period.since_s == now->until_s
					  ? *now
					  : (struct tariff_period){0};
			*now = period;
		} else if (period.until_s == now->since_s) {
			*before = period;
		}
	}
}

void tariff_use_add(struct tariff_use *use, const struct tariff_book *book,
		    const struct offset_table *zone, int64_t from_s, int64_t wh, uint32_t flags)
{
	if (!(flags & ENTRY_UNCOUNTED))
		count_in(&use->now, &use->before, use, book, zone, from_s, wh, TARIFF_COUNT_BLOCKS);
	if (flags & ENTRY_FREE)
		count_in(&use->free_now, &use->free_before, use, book, zone, from_s, wh,
			 TARIFF_COUNT_FREE);
}

/* What the period that begins at since_s gives. */
static int64_t given_wh(const struct tariff_allowance *allowance, const struct tariff_use *use,
			const struct tariff_period *period, int64_t at_s)
{
	int64_t wh = allowance->wh;

	/* Bounded (TARIFF_ALLOWANCE_MAX, TARIFF_PERSONS_MAX), so the products fit. */
	if (allowance->per_person)
		wh *= tariff_persons_at(use->persons, at_s);
	return allowance->prorated ? wh * period->share_days / period->of_days : wh;
}

int64_t tariff_given_wh(const struct tariff_book *book, const struct offset_table *zone,
			const struct tariff_use *use, int64_t from_s, int64_t to_s)
{
	const struct tariff *tariff;
	struct tariff_period period;
	int64_t sum_wh = 0;

	if (!tariff_count_at(book, zone, from_s, use->opened_s, TARIFF_COUNT_GIVEN, &period)) {
		const struct tariff *staged = tariff_staged(book, from_s);

		if (!staged || staged->activation_s > to_s)
			return 0;
		period.until_s = staged->activation_s;
	}
	while (period.until_s <= to_s) {
		int64_t at_s = period.until_s;

		tariff = tariff_at(book, at_s);
		if (!tariff_count_at(book, zone, at_s, use->opened_s, TARIFF_COUNT_GIVEN,
				     &period)) {
			tariff = tariff_staged(book, at_s);
			if (!tariff)
				break;
			period.until_s = tariff->activation_s;
			continue;
		}
		sum_wh += given_wh(&tariff->allowance, use, &period, at_s);
	}
	return sum_wh;
}

int64_t tariff_free_wh(const struct tariff_book *book, const struct offset_table *zone,
		       const struct tariff_use *use, int64_t at_s)
{
	const struct tariff *tariff = tariff_at(book, at_s);
	struct tariff_period kept, given;
	int64_t used_wh = 0, sum_wh = 0, from_s;

	if (!tariff || !tariff_count_at(book, zone, at_s, use->opened_s, TARIFF_COUNT_FREE, &kept))
		return 0;
	if (tariff_period_holds(&use->free_now, at_s))
		used_wh = use->free_now.wh;
	else if (tariff_period_holds(&use->free_before, at_s))
		used_wh = use->free_before.wh;
	/* A later version of the tariff gives its own amount in all of these periods. */
	from_s = kept.since_s > use->opened_s ? kept.since_s : use->opened_s;
	if (from_s > at_s)
		from_s = at_s;
	while (from_s <= at_s &&
	       tariff_count_at(book, zone, from_s, use->opened_s, TARIFF_COUNT_GIVEN, &given)) {
		sum_wh += given_wh(&tariff->allowance, use, &given, from_s);
		from_s = given.until_s;
	}
	return sum_wh > used_wh ? sum_wh - used_wh : 0;
}

static int64_t count_begin_s(const struct tariff_period *now, const struct tariff_use *use,
			     const struct tariff_book *book, const struct offset_table *zone,
			     enum tariff_count count)
{
	struct tariff_period before;
	bool any = false;

	for (size_t i = 0; i < book->count; i++)
		any = any ||
		      (count == TARIFF_COUNT_FREE ? book->tariff[i].allowance.wh > 0
						  : cycle_of(&book->tariff[i], count) != NULL);
	if (!any)
		return INT64_MAX;
	if (is_empty(now))
		return INT64_MIN;
	if (tariff_count_at(book, zone, now->since_s - 1, use->opened_s, count, &before))
		return before.since_s;
	return now->since_s;
}

int64_t tariff_use_since_s(const struct tariff_use *use, const struct tariff_book *book,
			   const struct offset_table *zone)
{
	int64_t blocks_s = count_begin_s(&use->now, use, book, zone, TARIFF_COUNT_BLOCKS);
	int64_t free_s = count_begin_s(&use->free_now, use, book, zone, TARIFF_COUNT_FREE);
	int64_t since_s = blocks_s < free_s ? blocks_s : free_s;

	return since_s == INT64_MAX ? INT64_MIN : since_s;
}

bool tariff_boundary(const struct tariff_book *book, const struct offset_table *zone,
		     int64_t after_s, int64_t until_s, int64_t *ret_at_s)
{
	const struct tariff *tariff = tariff_at(book, after_s);
	const struct tariff *staged = tariff_staged(book, after_s);
	struct tariff_period period;
	bool found = staged && staged->activation_s <= until_s;

	if (found)
		until_s = staged->activation_s;
	if (tariff) {
		struct tariff_span span = tariff_span_at(tariff, zone, after_s);
		int64_t limit_s = after_s + TARIFF_LOOK_AHEAD_S;

		if (limit_s > until_s)
			limit_s = until_s;
		for (int count = TARIFF_COUNT_BLOCKS; count <= TARIFF_COUNT_MINIMUM; count++)
			if (cycle_of(tariff, (enum tariff_count)count) &&
			    tariff_count_at(book, zone, after_s, INT64_MIN,
					    (enum tariff_count)count, &period) &&
			    period.until_s <= limit_s) {
				limit_s = until_s = period.until_s;
				found = true;
			}
		while (span.to_s <= limit_s) {
			struct tariff_span next = tariff_span_at(tariff, zone, span.to_s);

			if (next.band != span.band) {
				until_s = span.to_s;
				found = true;
				break;
			}
			span = next;
		}
	}
	if (found)
		*ret_at_s = until_s;
	return found;
}

bool tariff_next_boundary(const struct tariff_book *book, const struct offset_table *zone,
			  int64_t after_s, int64_t *ret_at_s)
{
	return tariff_boundary(book, zone, after_s, INT64_MAX, ret_at_s);
}
