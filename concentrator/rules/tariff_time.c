/* tariff_time.c - see tariff_time.h. */
#include "concentrator/rules/tariff_time.h"

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
static void period_days(const struct tariff_blocks *blocks, int64_t day, int64_t *ret_from,
			int64_t *ret_to)
{
	struct civil civil = calendar_date(day);
	int32_t mmdd = civil.month * 100 + civil.day;
	uint32_t count = blocks->reset_count;
	uint32_t past = 0;
	int32_t first, next;

	if (blocks->reset == TARIFF_RESET_DAY) {
		*ret_from = day;
		*ret_to = day + 1;
		return;
	}
	if (blocks->reset == TARIFF_RESET_MONTH) {
		int32_t reset = blocks->reset_mmdd[0];
		int32_t month = civil.year * 12 + civil.month - 1 - (civil.day < reset);

		*ret_from = calendar_day_number(month / 12, month % 12 + 1, reset);
		*ret_to = calendar_day_number((month + 1) / 12, (month + 1) % 12 + 1, reset);
		return;
	}
	while (past < count && blocks->reset_mmdd[past] <= mmdd)
		past++;
	first = blocks->reset_mmdd[past > 0 ? past - 1 : count - 1];
	next = blocks->reset_mmdd[past < count ? past : 0];
	*ret_from = calendar_day_number(civil.year - (past == 0), first / 100, first % 100);
	*ret_to = calendar_day_number(civil.year + (past == count), next / 100, next % 100);
}

bool tariff_period_at(const struct tariff_book *book, const struct offset_table *zone, int64_t at_s,
		      int64_t opened_s, struct tariff_period *ret)
{
	const struct tariff *tariff = tariff_at(book, at_s);
	const struct tariff *last = tariff;
	int64_t day, from_day, to_day;

	/* The book may have let go of the tariffs that its first one took these periods over from. */
	if (!tariff && book->count > 0 && at_s >= book->tariff[0].periods_since_s)
		tariff = last = &book->tariff[0];
	if (!tariff || tariff_block_count(tariff) == 1 || !calendar_covers(at_s))
		return false;
	day = calendar_day(zone, at_s);
	period_days(&tariff->blocks, day, &from_day, &to_day);
	ret->since_s = calendar_date_start_s(zone, from_day);
	ret->until_s = calendar_date_start_s(zone, to_day);
	if (ret->until_s <= at_s) {
		/* The clock went back over midnight: the new date had begun already. */
		period_days(&tariff->blocks, to_day, &from_day, &to_day);
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
	if (ret->since_s < tariff->periods_since_s)
		ret->since_s = tariff->periods_since_s;
	/* A later tariff of other periods ends it. */
	while ((last = tariff_staged(book, last->activation_s)) &&
	       last->activation_s < ret->until_s)
		if (!tariff_same_periods(tariff, last))
			ret->until_s = last->activation_s;
	return true;
}

bool tariff_period_holds(const struct tariff_period *period, int64_t at_s)
{
	return at_s >= period->since_s && at_s < period->until_s;
}

void tariff_use_add(struct tariff_use *use, const struct tariff_book *book,
		    const struct offset_table *zone, int64_t from_s, int64_t wh)
{
	struct tariff_period period;

	if (tariff_period_holds(&use->now, from_s)) {
		use->now.wh += wh;
	} else if (tariff_period_holds(&use->before, from_s)) {
		use->before.wh += wh;
	} else if (tariff_period_at(book, zone, from_s, use->opened_s, &period)) {
		bool empty = use->now.since_s == use->now.until_s;

		period.wh = wh;
		if (empty || period.since_s >= use->now.until_s) {
			use->before = !empty && period.since_s == use->now.until_s
					      ? use->now
					      : (struct tariff_period){0};
			use->now = period;
		} else if (period.until_s == use->now.since_s) {
			use->before = period;
		}
	}
}

int64_t tariff_use_since_s(const struct tariff_use *use, const struct tariff_book *book,
			   const struct offset_table *zone)
{
	struct tariff_period before;

	if (use->now.since_s == use->now.until_s)
		return INT64_MIN;
	if (tariff_period_at(book, zone, use->now.since_s - 1, use->opened_s, &before))
		return before.since_s;
	return use->now.since_s;
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
		if (tariff_period_at(book, zone, after_s, INT64_MIN, &period) &&
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
