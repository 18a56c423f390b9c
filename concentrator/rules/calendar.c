/* calendar.c - see calendar.h.
 *
 * A date is counted from 1 March of the year 0, so that the leap day is the last of its year and
 * one formula serves all months.
 */
#include "concentrator/rules/calendar.h"

#define DAYS_PER_400_YEARS      INT64_C(146097)
#define DAYS_0000_03_01_TO_1970 INT64_C(719468)

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool calendar_covers(int64_t at_s)
{
	return at_s >= CALENDAR_S_MIN && at_s <= CALENDAR_S_MAX;
}

/* Index of the transition in force at at_s; 0 also before the first. */
static uint32_t transition_at(const struct offset_table *table, int64_t at_s)
{
	uint32_t low = 0;
	uint32_t high = table->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->transition[middle].from_s <= at_s)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int32_t calendar_offset_s(const struct offset_table *table, int64_t at_s)
{
	return table->count == 0 ? 0 : table->transition[transition_at(table, at_s)].offset_s;
}

int32_t calendar_offset_span_s(const struct offset_table *table, int64_t at_s, int64_t *ret_from_s,
			       int64_t *ret_to_s)
{
	uint32_t i = transition_at(table, at_s);

	*ret_from_s = INT64_MIN;
	*ret_to_s = INT64_MAX;
	if (table->count == 0)
		return 0;
	if (i > 0)
		*ret_from_s = table->transition[i].from_s;
	if (i + 1 < table->count)
		*ret_to_s = table->transition[i + 1].from_s;
	return table->transition[i].offset_s;
}

int64_t calendar_day(const struct offset_table *table, int64_t at_s)
{
	return floor_div(at_s + calendar_offset_s(table, at_s), CALENDAR_DAY_S);
}

int64_t calendar_day_number(int32_t year, int32_t month, int32_t day)
{
	int64_t shifted_month = month > 2 ? month - 3 : month + 9;
	int64_t shifted_year = month > 2 ? year : (int64_t)year - 1;
	int64_t era = floor_div(shifted_year, 400);
	int64_t year_of_era = shifted_year - era * 400;
	int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_400_YEARS + day_of_era - DAYS_0000_03_01_TO_1970;
}

struct civil calendar_date(int64_t day_number)
{
	int64_t days = day_number + DAYS_0000_03_01_TO_1970;
	int64_t era = floor_div(days, DAYS_PER_400_YEARS);
	int64_t day_of_era = days - era * DAYS_PER_400_YEARS;
	/* Take out the leap days passed, then 365 divides into years. */
	int64_t leaps = day_of_era / 1460 - day_of_era / 36524 +
			day_of_era / (DAYS_PER_400_YEARS - 1);
	int64_t year_of_era = (day_of_era - leaps) / 365;
	int64_t day_of_year = day_of_era -
			      (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted_month = (5 * day_of_year + 2) / 153;
	int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

	return (struct civil){
		.year = (int32_t)(era * 400 + year_of_era + (month <= 2)),
		.month = (int32_t)month,
		.day = (int32_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
		/* Day 0 was a Thursday. */
		.weekday = (int32_t)(day_number + 3 - floor_div(day_number + 3, 7) * 7 + 1),
	};
}

struct civil calendar_local(const struct offset_table *table, int64_t at_s)
{
	int64_t local_s = at_s + calendar_offset_s(table, at_s);
	int64_t day = floor_div(local_s, CALENDAR_DAY_S);
	int32_t second = (int32_t)(local_s - day * CALENDAR_DAY_S);
	struct civil civil = calendar_date(day);

	civil.hour = second / 3600;
	civil.minute = second / 60 % 60;
	civil.second = second % 60;
	return civil;
}

/* The first instant at or after from_s with a local date of at least day; walks the offsets in
 * force. */
static int64_t first_instant_of(const struct offset_table *table, int64_t from_s, int64_t day)
{
	if (table->count == 0) {
		int64_t start_s = day * CALENDAR_DAY_S;

		return start_s > from_s ? start_s : from_s;
	}
	for (uint32_t i = transition_at(table, from_s);; i++) {
		int64_t start_s = day * CALENDAR_DAY_S - table->transition[i].offset_s;
		bool last = i + 1 >= table->count;

		if (start_s < from_s)
			start_s = from_s;
		if (last || start_s < table->transition[i + 1].from_s)
			return start_s;
		from_s = table->transition[i + 1].from_s;
	}
}

int64_t calendar_next_midnight_s(const struct offset_table *table, int64_t at_s)
{
	return first_instant_of(table, at_s, calendar_day(table, at_s) + 1);
}

int64_t calendar_day_start_s(const struct offset_table *table, int64_t at_s)
{
	/* Two days back has an earlier date under any offset. */
	return first_instant_of(table, at_s - 2 * CALENDAR_DAY_S, calendar_day(table, at_s));
}

int64_t calendar_date_start_s(const struct offset_table *table, int64_t day_number)
{
	/* No offset reaches two days. */
	return first_instant_of(table, (day_number - 2) * CALENDAR_DAY_S, day_number);
}
