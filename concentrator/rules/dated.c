/* dated.c - see dated.h. */
#include "concentrator/rules/dated.h"

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
	int64_t opened = calendar_covers(account->opened_s) ? calendar_day(zone, account->opened_s)
							    : today;
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

bool dated_next(const struct dated_account *account, const struct tariff_book *book,
		const struct offset_table *zone, const struct instant *now, struct dated_event *ret)
{
	return now->trusted && calendar_covers(now->s) &&
	       next_standing(account, book, zone, now->s, ret);
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
	return later(event->day, calendar_day(zone, now->s) - 1);
}

const char *dated_rule_name(enum dated_rule rule)
{
	switch (rule) {
	case DATED_STANDING:
		return "standing";
	}
	return "unknown";
}
