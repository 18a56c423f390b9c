/* dated.c - see dated.h. */
#include "concentrator/rules/dated.h"

#include "concentrator/rules/money.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t dated_standing_nano(const struct tariff *tariff, int64_t day)
{
	struct civil civil = calendar_date(day);
	int64_t first = calendar_day_number(civil.year, civil.month, 1);
	int64_t next = civil.month == 12 ? calendar_day_number(civil.year + 1, 1, 1)
					 : calendar_day_number(civil.year, civil.month + 1, 1);
	int64_t days = next - first;
	int64_t month_nano = tariff->standing.month_nano;
	int64_t share_nano = month_nano / days;

	if (day + 1 == next)
		share_nano = month_nano - (days - 1) * share_nano;
	return tariff->standing.day_nano + share_nano;
}

/* The first day that a tariff is in force at the first instant of. */
static int64_t first_day(const struct tariff *tariff, const struct offset_table *zone)
{
	int64_t day = calendar_day(zone, tariff->activation_s);

	return calendar_date_start_s(zone, day) < tariff->activation_s ? day + 1 : day;
}

static bool has_standing(const struct tariff *tariff)
{
	return tariff->standing.day_nano > 0 || tariff->standing.month_nano > 0;
}

/* The day's own span: empty where the calendar skips it. */
static bool take_day(const struct offset_table *zone, int64_t day, struct dated_event *event)
{
	event->day = day;
	event->from_s = calendar_date_start_s(zone, day);
	event->to_s = calendar_date_start_s(zone, day + 1);
	event->due_s = event->to_s;
	return event->from_s < event->to_s;
}

static bool next_standing(const struct dated_account *account, const struct tariff_book *book,
			  const struct offset_table *zone, int64_t now_s, struct dated_event *ret)
{
	const struct tariff *tariff = book->count > 0
					      ? tariff_at(book, book->tariff[0].activation_s)
					      : NULL;
	int64_t today = calendar_day(zone, now_s);
	int64_t opened = calendar_day(zone, account->opened_s);
	int64_t begin = account->last_day[DATED_STANDING] == DATED_NEVER
				? opened
				: later(opened, account->last_day[DATED_STANDING] + 1);

	while (tariff) {
		const struct tariff *staged = tariff_staged(book, tariff->activation_s);
		int64_t day = later(begin, first_day(tariff, zone));
		int64_t end = staged ? first_day(staged, zone) : today;
		struct dated_event event = {.rule = DATED_STANDING, .tariff = tariff};

		for (; has_standing(tariff) && day < end && day < today; day++) {
			if (!take_day(zone, day, &event) || event.due_s > now_s)
				continue;
			event.amount_nano = dated_standing_nano(tariff, day);
			*ret = event;
			return true;
		}
		tariff = staged;
	}
	return false;
}

/* A day that is done may have begun under another tariff: its last instant is what counts. */
static int64_t last_instant_s(const struct offset_table *zone, int64_t day)
{
	return calendar_date_start_s(zone, day + 1) - 1;
}

/* floor(nano x days of the account / days of the period). */
static int64_t share(int64_t nano, int64_t days, int64_t of_days)
{
	int64_t part;

	if (days >= of_days)
		return nano;
	return days > 0 && money_share(nano, days, of_days, &part) == 0 ? part : 0;
}

/* The period of a minimum charge that an account was in, from its opening or the tariff's coming on. */
static bool minimum_at(const struct dated_account *account, const struct tariff_book *book,
		       const struct offset_table *zone, int64_t at_s, int64_t until_s,
		       struct dated_event *ret)
{
	struct tariff_period period;
	int64_t from_s;

	if (!tariff_count_at(book, zone, at_s, account->opened_s, TARIFF_COUNT_MINIMUM, &period))
		return false;
	from_s = later(period.since_s, account->opened_s);
	if (until_s > period.until_s)
		until_s = period.until_s;
	ret->rule = DATED_MINIMUM;
	ret->tariff = tariff_at(book, until_s - 1);
	ret->from_s = from_s;
	ret->to_s = until_s;
	ret->due_s = until_s;
	ret->day = calendar_day(zone, until_s - 1);
	/* As if it opened there: says how many days the calendar's period has. */
	if (!ret->tariff || ret->tariff->minimum.nano == 0 ||
	    !tariff_count_at(book, zone, at_s, from_s, TARIFF_COUNT_MINIMUM, &period))
		return false;
	ret->amount_nano = ret->tariff->minimum.nano;
	if (ret->tariff->minimum.prorated)
		ret->amount_nano = share(ret->amount_nano,
					 ret->day - calendar_day(zone, from_s) + 1, period.of_days);
	return true;
}

static bool next_minimum(const struct dated_account *account, const struct tariff_book *book,
			 const struct offset_table *zone, int64_t now_s, struct dated_event *ret)
{
	int64_t last = account->last_day[DATED_MINIMUM];
	int64_t at_s = last == DATED_NEVER
			       ? account->opened_s
			       : later(account->opened_s, calendar_date_start_s(zone, last + 1));

	while (at_s < now_s) {
		const struct tariff *staged = tariff_staged(book, at_s);

		if (minimum_at(account, book, zone, at_s, INT64_MAX, ret) &&
		    (last == DATED_NEVER || ret->day > last))
			return ret->due_s <= now_s;
		if (!staged)
			return false;
		at_s = staged->activation_s;
	}
	return false;
}

bool dated_closing_minimum(const struct dated_account *account, const struct tariff_book *book,
			   const struct offset_table *zone, const struct instant *now,
			   struct dated_event *ret)
{
	int64_t last = account->last_day[DATED_MINIMUM];

	return now->trusted && calendar_covers(now->s) && now->s > account->opened_s &&
	       minimum_at(account, book, zone, now->s - 1, now->s, ret) &&
	       (last == DATED_NEVER || ret->day > last);
}

static bool gives_money(const struct tariff *tariff)
{
	return tariff && tariff->allowance.nano > 0;
}

static bool next_allowance(const struct dated_account *account, const struct tariff_book *book,
			   const struct offset_table *zone, int64_t now_s, struct dated_event *ret)
{
	int64_t last = account->last_day[DATED_ALLOWANCE];
	int64_t at_s = account->opened_s;
	struct tariff_period period;

	if (last != DATED_NEVER) {
		at_s = last_instant_s(zone, last);
		at_s = gives_money(tariff_at(book, at_s)) &&
				       tariff_count_at(book, zone, at_s, account->opened_s,
						       TARIFF_COUNT_GIVEN, &period)
			       ? period.until_s
			       : at_s + 1;
	}
	while (at_s <= now_s) {
		const struct tariff *tariff = tariff_at(book, at_s);
		const struct tariff *staged = tariff_staged(book, at_s);
		int64_t nano;

		if (gives_money(tariff) && calendar_day(zone, at_s) > last &&
		    tariff_count_at(book, zone, at_s, account->opened_s, TARIFF_COUNT_GIVEN,
				    &period)) {
			/* Bounded (TARIFF_AMOUNT_MAX, TARIFF_PERSONS_MAX), so the product fits. */
			nano = tariff->allowance.nano;
			if (tariff->allowance.per_person)
				nano *= tariff_persons_at(account->persons, at_s);
			if (tariff->allowance.prorated)
				nano = share(nano, period.share_days, period.of_days);
			*ret = (struct dated_event){.rule = DATED_ALLOWANCE,
						    .day = calendar_day(zone, at_s),
						    .due_s = at_s,
						    .from_s = at_s,
						    .to_s = period.until_s,
						    .amount_nano = nano,
						    .tariff = tariff};
			return true;
		}
		if (!staged)
			return false;
		at_s = staged->activation_s;
	}
	return false;
}

/* The period until which what was given last is kept. */
static bool kept_period(const struct dated_account *account, const struct tariff_book *book,
			const struct offset_table *zone, int64_t *ret_at_s,
			struct tariff_period *ret)
{
	int64_t given = account->last_day[DATED_ALLOWANCE];
	int64_t ended = account->last_day[DATED_EXPIRY];

	if (given == DATED_NEVER)
		return false;
	*ret_at_s = last_instant_s(zone, given);
	return gives_money(tariff_at(book, *ret_at_s)) &&
	       tariff_count_at(book, zone, *ret_at_s, account->opened_s, TARIFF_COUNT_FREE, ret) &&
	       (ended == DATED_NEVER || ended < calendar_day(zone, ret->until_s));
}

bool dated_kept_until(const struct dated_account *account, const struct tariff_book *book,
		      const struct offset_table *zone, int64_t *ret_until_s)
{
	struct tariff_period period;
	int64_t at_s;

	if (!kept_period(account, book, zone, &at_s, &period))
		return false;
	*ret_until_s = period.until_s < calendar_date_start_s(zone, CALENDAR_S_MAX / CALENDAR_DAY_S)
			       ? period.until_s
			       : INT64_MAX;
	return true;
}

/* What was given last ends with the period until which it was kept; and so does all that was given before and not
 * ended yet, for a period that ends later would have begun anew. */
static bool next_expiry(const struct dated_account *account, const struct tariff_book *book,
			const struct offset_table *zone, int64_t now_s, struct dated_event *ret)
{
	struct tariff_period period;
	int64_t at_s, day;

	if (!kept_period(account, book, zone, &at_s, &period) || period.until_s > now_s)
		return false;
	day = calendar_day(zone, period.until_s);
	*ret = (struct dated_event){.rule = DATED_EXPIRY,
				    .day = day,
				    .due_s = period.until_s,
				    .from_s = later(period.since_s, account->opened_s),
				    .to_s = period.until_s,
				    .tariff = tariff_at(book, at_s)};
	return true;
}

bool dated_next(const struct dated_account *account, const struct tariff_book *book,
		const struct offset_table *zone, const struct instant *now, struct dated_event *ret)
{
	/* At one instant in this order: what is left of an allowance pays what is due. */
	static bool (*const next[])(const struct dated_account *, const struct tariff_book *,
				    const struct offset_table *, int64_t, struct dated_event *) = {
		next_standing, next_minimum, next_expiry, next_allowance};
	struct dated_event event;
	bool any = false;

	if (!now->trusted || !calendar_covers(now->s) || !calendar_covers(account->opened_s))
		return false;
	for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++)
		if (next[i](account, book, zone, now->s, &event) &&
		    (!any || event.due_s < ret->due_s)) {
			*ret = event;
			any = true;
		}
	return any;
}

void dated_done(struct dated_account *account, const struct dated_event *event)
{
	int64_t *last = &account->last_day[event->rule];

	if (*last == DATED_NEVER || event->day > *last)
		*last = event->day;
}

int64_t dated_missed(const struct dated_event *event, const struct offset_table *zone,
		     const struct instant *now)
{
	return calendar_day(zone, now->s) - calendar_day(zone, event->due_s) + 1;
}

int64_t dated_last_due(const struct dated_event *event, const struct offset_table *zone,
		       const struct instant *now)
{
	return event->rule == DATED_STANDING ? later(event->day, calendar_day(zone, now->s) - 1)
					     : event->day;
}

const char *dated_rule_name(enum dated_rule rule)
{
	switch (rule) {
	case DATED_STANDING:
		return "standing";
	case DATED_MINIMUM:
		return "minimum";
	case DATED_EXPIRY:
		return "expiry";
	case DATED_ALLOWANCE:
		return "allowance";
	}
	return "unknown";
}
