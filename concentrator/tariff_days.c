/* tariff_days.c - see tariff_days.h.
 *
 * Every weekday and every kind of special day must have its bands in every season, once: a [days] that
 * names the season goes before one that names none, and two of one rank are an error.
 */
#include "concentrator/tariff_days.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/tariff_word.h"

#define NO_PLAN 0xff

struct days {
	struct settings *settings;
	struct tariff *tariff;
	const char *season[TARIFF_SEASONS_MAX]; /* names, in the order of their dates */
	size_t special_count;
	const char *special[TARIFF_SPECIALS_MAX];
	/* Of plan_of: whether a [days] with that season was there. */
	bool exact[TARIFF_SEASONS_MAX][TARIFF_DAY_KINDS];
	struct tariff_words words;
};

static size_t season_count(const struct days *days)
{
	uint32_t count = days->tariff->schedule.season_count;
	return count > 0 ? count : 1;
}

static void read_seasons(struct days *days)
{
	struct tariff_schedule *schedule = &days->tariff->schedule;
	struct settings_section *section = NULL;
	while ((section = settings_next(days->settings, "season", section)) != NULL) {
		int32_t mmdd;
		settings_require(section, "from");
		const char *from = settings_string(section, "from", 1, TARIFF_WORD_MAX, NULL);
		if (from == NULL)
			continue;
		if (!tariff_word_mmdd(from, &mmdd)) {
			settings_fault(section, "from", "%s is no day of the year; write 05-01",
				       from);
			continue;
		}
		if (schedule->season_count == TARIFF_SEASONS_MAX) {
			settings_fault(section, NULL, "one season too many; %d at most",
				       TARIFF_SEASONS_MAX);
			return;
		}
		uint32_t at = schedule->season_count;
		for (; at > 0 && schedule->season_mmdd[at - 1] > mmdd; at--) {
			schedule->season_mmdd[at] = schedule->season_mmdd[at - 1];
			days->season[at] = days->season[at - 1];
		}
		if (at > 0 && schedule->season_mmdd[at - 1] == mmdd)
			settings_fault(section, "from", "season %s begins on that day already",
				       days->season[at - 1]);
		schedule->season_mmdd[at] = mmdd;
		days->season[at] = settings_name(section);
		schedule->season_count++;
	}
}

static void add_date(struct days *days, struct settings_section *section,
		     const struct tariff_word *word, uint8_t kind)
{
	struct tariff_schedule *schedule = &days->tariff->schedule;
	int32_t mmdd;
	int64_t day;
	if (tariff_word_mmdd(word->text, &mmdd)) {
		uint8_t *yearly = &schedule->yearly[mmdd / 100 - 1][mmdd % 100 - 1];
		if (*yearly != 0)
			settings_fault(section, word->key, "%s is a special day already",
				       word->text);
		*yearly = kind;
		return;
	}
	if (!tariff_word_date(word->text, &day)) {
		settings_fault(section, word->key, "%s is no day; write 10-01 or 2026-02-17",
			       word->text);
		return;
	}
	uint32_t at = schedule->date_count;
	if (at == TARIFF_DATES_MAX) {
		settings_fault(section, word->key, "%s is one day of a year too many; %d at most",
			       word->text, TARIFF_DATES_MAX);
		return;
	}
	while (at > 0 && schedule->date[at - 1].day > day)
		at--;
	if (at > 0 && schedule->date[at - 1].day == day) {
		settings_fault(section, word->key, "%s is a special day already", word->text);
		return;
	}
	memmove(&schedule->date[at + 1], &schedule->date[at],
		(schedule->date_count - at) * sizeof(schedule->date[0]));
	schedule->date[at] = (struct tariff_date){.day = (int32_t)day, .kind = kind};
	schedule->date_count++;
}

static void read_specials(struct days *days)
{
	struct settings_section *section = NULL;
	while ((section = settings_next(days->settings, "special", section)) != NULL) {
		uint32_t weekdays;
		if (tariff_word_weekdays(settings_name(section), &weekdays))
			settings_fault(section, NULL, "that is a weekday; choose another name");
		if (days->special_count == TARIFF_SPECIALS_MAX) {
			settings_fault(section, NULL,
				       "one kind of special day too many; %d at most",
				       TARIFF_SPECIALS_MAX);
			return;
		}
		days->special[days->special_count++] = settings_name(section);
		settings_require(section, "days");
		tariff_words(section, "days", &days->words);
		for (size_t i = 0; i < days->words.count; i++)
			add_date(days, section, &days->words.word[i], (uint8_t)days->special_count);
	}
}

static bool find_band(const struct tariff *tariff, const char *name, uint16_t *ret)
{
	for (uint16_t i = 0; i < tariff->band_count; i++)
		if (strcmp(tariff->band_name[i], name) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* "00:00 valley 08:00 peak 22:00 valley". false: a finding was recorded. */
static bool read_plan(struct days *days, struct settings_section *section, struct tariff_plan *ret)
{
	struct tariff_plan plan = {0};
	settings_require(section, "bands");
	tariff_words(section, "bands", &days->words);
	for (size_t i = 0; i < days->words.count; i += 2) {
		const struct tariff_word *word = &days->words.word[i];
		uint16_t minute, band;
		if (!tariff_word_minute(word->text, &minute)) {
			settings_fault(section, word->key,
				       "%s is no time of day; write 08:00, then the band from then "
				       "on",
				       word->text);
			return false;
		}
		if (i + 1 == days->words.count) {
			settings_fault(section, word->key, "no band behind %s", word->text);
			return false;
		}
		if (!find_band(days->tariff, word[1].text, &band)) {
			settings_fault(section, word[1].key, "there is no [band %s]", word[1].text);
			return false;
		}
		if (plan.change_count == 0 && minute != 0) {
			settings_fault(section, word->key, "begin the day at 00:00, not at %s",
				       word->text);
			return false;
		}
		if (plan.change_count > 0 && minute <= plan.change[plan.change_count - 1].minute) {
			settings_fault(section, word->key, "%s does not follow the time before it",
				       word->text);
			return false;
		}
		if (plan.change_count == TARIFF_CHANGES_MAX) {
			settings_fault(section, word->key, "%s is one band too many; %d a day",
				       word->text, TARIFF_CHANGES_MAX);
			return false;
		}
		plan.change[plan.change_count].minute = minute;
		plan.change[plan.change_count++].band = band;
	}
	*ret = plan;
	return plan.change_count > 0;
}

/* The kinds of day of "mon-fri holiday", bit per kind. */
static uint32_t read_kinds(struct days *days, struct settings_section *section)
{
	uint32_t kinds = 0;
	settings_require(section, "on");
	tariff_words(section, "on", &days->words);
	for (size_t i = 0; i < days->words.count; i++) {
		const struct tariff_word *word = &days->words.word[i];
		uint32_t more = 0;
		for (size_t k = 0; k < days->special_count; k++)
			if (strcmp(days->special[k], word->text) == 0)
				more = UINT32_C(1) << (7 + k);
		if (more == 0 && !tariff_word_weekdays(word->text, &more))
			settings_fault(section, word->key,
				       "%s is no weekday and no [special]; write mon-fri, sun, or "
				       "the name of a [special]",
				       word->text);
		kinds |= more;
	}
	return kinds;
}

/* The seasons of "summer winter", bit per season; all of them where the key is absent. */
static uint32_t read_which(struct days *days, struct settings_section *section)
{
	uint32_t seasons = 0;
	tariff_words(section, "season", &days->words);
	for (size_t i = 0; i < days->words.count; i++) {
		const struct tariff_word *word = &days->words.word[i];
		uint32_t more = 0;
		for (uint32_t k = 0; k < days->tariff->schedule.season_count; k++)
			if (strcmp(days->season[k], word->text) == 0)
				more = UINT32_C(1) << k;
		if (more == 0)
			settings_fault(section, word->key, "there is no [season %s]", word->text);
		seasons |= more;
	}
	return settings_has(section, "season") ? seasons : (UINT32_C(1) << season_count(days)) - 1;
}

static void kind_text(const struct days *days, size_t season, size_t kind, char *ret, size_t size)
{
	static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
					       "Friday", "Saturday", "Sunday"};
	bool seasons = days->tariff->schedule.season_count > 0;
	snprintf(ret, size, "%s%s%s", kind < 7 ? weekdays[kind] : days->special[kind - 7],
		 seasons ? " in season " : "", seasons ? days->season[season] : "");
}

static void read_days(struct days *days)
{
	struct tariff_schedule *schedule = &days->tariff->schedule;
	struct settings_section *section = NULL;
	while ((section = settings_next(days->settings, "days", section)) != NULL) {
		bool exact = settings_has(section, "season");
		uint32_t kinds = read_kinds(days, section);
		uint32_t seasons = read_which(days, section);
		struct tariff_plan plan;
		if (!read_plan(days, section, &plan))
			continue;
		if (schedule->plan_count == TARIFF_PLANS_MAX) {
			settings_fault(section, NULL, "one [days] too many; %d at most",
				       TARIFF_PLANS_MAX);
			return;
		}
		uint8_t index = (uint8_t)schedule->plan_count++;
		schedule->plan[index] = plan;
		for (size_t season = 0; season < season_count(days); season++)
			for (size_t kind = 0; kind < 7 + days->special_count; kind++) {
				uint8_t *at = &schedule->plan_of[season][kind];
				bool *was_exact = &days->exact[season][kind];
				if (!(seasons >> season & 1) || !(kinds >> kind & 1))
					continue;
				if (*at != NO_PLAN && *was_exact == exact) {
					char text[96];
					kind_text(days, season, kind, text, sizeof(text));
					settings_fault(section, "on", "%s has its bands already",
						       text);
				}
				if (*at == NO_PLAN || exact) {
					*at = index;
					*was_exact = exact;
				}
			}
	}
}

/* A day without bands is a finding; what can never be asked for is filled. */
static void check_whole(struct days *days)
{
	struct tariff_schedule *schedule = &days->tariff->schedule;
	for (size_t season = 0; season < TARIFF_SEASONS_MAX; season++)
		for (size_t kind = 0; kind < TARIFF_DAY_KINDS; kind++) {
			if (schedule->plan_of[season][kind] != NO_PLAN)
				continue;
			schedule->plan_of[season][kind] = 0;
			if (season < season_count(days) && kind < 7 + days->special_count) {
				char text[96];
				kind_text(days, season, kind, text, sizeof(text));
				settings_fault_file(days->settings, "tariff",
						    "no [days] tells the bands of %s", text);
			}
		}
}

void tariff_days_read(struct settings *settings, struct tariff *tariff)
{
	struct days days = {.settings = settings, .tariff = tariff};
	memset(tariff->schedule.plan_of, NO_PLAN, sizeof(tariff->schedule.plan_of));
	read_seasons(&days);
	read_specials(&days);
	read_days(&days);
	check_whole(&days);
}
