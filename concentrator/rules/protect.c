/* protect.c - see protect.h. Minute by minute by the local clock: what the clock skips or repeats needs no
 * rule of its own. */
#include "concentrator/rules/protect.h"

#define MINUTE_S    INT64_C(60)
#define DAY_MINUTES 1440

static bool is_date(const struct protect_date *date, const struct civil *civil)
{
	return date->month == civil->month && date->day == civil->day &&
	       (date->year == 0 || date->year == civil->year);
}

/* Does the rule protect on that day? A date goes before the weekday. */
static bool holds_on(const struct protect_rule *rule, int64_t day)
{
	struct civil civil = calendar_date(day);

	if (day < rule->first_day || day > rule->last_day)
		return false;
	for (size_t i = 0; i < rule->date_count; i++)
		if (is_date(&rule->date[i], &civil))
			return !rule->date[i].except;
	return rule->weekdays >> (civil.weekday - 1) & 1;
}

static bool rule_covers(const struct protect_rule *rule, int64_t day, int32_t minute)
{
	bool today = holds_on(rule, day);
	bool yesterday = holds_on(rule, day - 1);

	for (size_t i = 0; i < rule->hours_count; i++) {
		const struct protect_hours *hours = &rule->hours[i];
		bool over = hours->to <= hours->from;

		if (today && minute >= hours->from && (over || minute < hours->to))
			return true;
		if (yesterday && over && minute < hours->to)
			return true;
	}
	return false;
}

static bool covers(const struct protect_rules *rules, const struct offset_table *zone, int64_t at_s)
{
	int64_t day = calendar_day(zone, at_s);
	int64_t second = at_s + calendar_offset_s(zone, at_s) - day * CALENDAR_DAY_S;

	for (size_t i = 0; i < rules->count; i++)
		if (rule_covers(&rules->rule[i], day, (int32_t)(second / MINUTE_S)))
			return true;
	return false;
}

int64_t protect_until_s(const struct protect_rules *rules, const struct offset_table *zone,
			int64_t at_s)
{
	int64_t minute_s = at_s - (at_s % MINUTE_S + MINUTE_S) % MINUTE_S;
	int64_t until_s = 0;

	if (rules->count == 0)
		return 0;
	/* The last protected minute, which may be as long ago as the extra time. */
	for (int64_t from_s = minute_s; until_s == 0 && from_s + MINUTE_S + rules->extra_s > at_s;
	     from_s -= MINUTE_S)
		if (covers(rules, zone, from_s))
			until_s = from_s + MINUTE_S + rules->extra_s;
	/* What begins before that has ended goes on with it. */
	for (int64_t next_s = minute_s + MINUTE_S;
	     next_s <= until_s && next_s < at_s + PROTECT_LOOK_AHEAD_S; next_s += MINUTE_S)
		if (covers(rules, zone, next_s))
			until_s = next_s + MINUTE_S + rules->extra_s;
	return until_s;
}
