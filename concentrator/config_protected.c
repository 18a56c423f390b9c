#include "concentrator/config_protected.h"

#include <stdio.h>
#include <string.h>

#define WORD_SIZE 24

/* The next word of a list, by blanks. false: the end. A longer one comes in pieces, and is none. */
static bool next_word(const char **at, char ret[static WORD_SIZE])
{
	int length = 0;

	if (sscanf(*at, " %23s%n", ret, &length) != 1)
		return false;
	*at += length;
	return true;
}

static bool is_date(int year, int month, int day)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] &&
	       (month != 2 || day < 29 || leap);
}

/* "2026-02-17", or where year may be 0 "12-24" too. */
static bool read_date(const char *word, bool yearly, struct protect_date *ret)
{
	int year = 0, month, day, length = 0;

	if (strlen(word) == 10 &&
	    sscanf(word, "%4d-%2d-%2d%n", &year, &month, &day, &length) == 3) {
		if (length != 10 || year < 1970)
			return false;
	} else if (!yearly || strlen(word) != 5 ||
		   sscanf(word, "%2d-%2d%n", &month, &day, &length) != 2 || length != 5) {
		return false;
	}
	*ret = (struct protect_date){.year = year, .month = month, .day = day};
	return is_date(year, month, day);
}

static int weekday(const char *text, size_t length)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	for (int i = 0; i < 7; i++)
		if (length == 3 && strncmp(text, names[i], 3) == 0)
			return i;
	return -1;
}

/* "sat", "mon-fri", "fri-mon" */
static bool read_weekdays(const char *word, uint32_t *ret)
{
	const char *dash = strchr(word, '-');
	int first = weekday(word, dash == NULL ? strlen(word) : (size_t)(dash - word));
	int last = dash == NULL ? first : weekday(dash + 1, strlen(dash + 1));

	if (first < 0 || last < 0)
		return false;
	for (int i = first;; i = (i + 1) % 7) {
		*ret |= UINT32_C(1) << i;
		if (i == last)
			return true;
	}
}

static bool add_date(struct settings_section *section, const char *key, struct protect_rule *rule,
		     const struct protect_date *date, bool except)
{
	if (rule->date_count == PROTECT_DATES_MAX) {
		settings_fault(section, key, "more than %d dates; use a second section",
			       PROTECT_DATES_MAX);
		return false;
	}
	rule->date[rule->date_count] = *date;
	rule->date[rule->date_count++].except = except;
	return true;
}

static bool read_days(struct settings_section *section, const char *key, const char *text,
		      bool except, struct protect_rule *rule)
{
	struct protect_date date;
	char word[WORD_SIZE];

	while (next_word(&text, word)) {
		if (!except && read_weekdays(word, &rule->weekdays))
			continue;
		if (!read_date(word, true, &date)) {
			settings_fault(section, key, "%s is no day; write %s12-24 or 2026-02-17",
				       word, except ? "" : "mon-fri, sun, ");
			return false;
		}
		if (!add_date(section, key, rule, &date, except))
			return false;
	}
	return true;
}

static bool read_minute(const char *text, int *ret, int *ret_length)
{
	int hour, minute;

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, ret_length) != 2 || *ret_length != 5 ||
	    hour < 0 || hour > 24 || minute < 0 || minute > 59 || (hour == 24 && minute > 0))
		return false;
	*ret = hour * 60 + minute;
	return true;
}

static bool read_hours(struct settings_section *section, const char *text,
		       struct protect_rule *rule)
{
	char word[WORD_SIZE];
	int from, to, length;

	while (next_word(&text, word)) {
		if (strlen(word) != 11 || !read_minute(word, &from, &length) || word[5] != '-' ||
		    !read_minute(word + 6, &to, &length) || from == 1440) {
			settings_fault(section, "hours",
				       "%s are no hours; write 20:00-08:00, or 00:00-24:00", word);
			return false;
		}
		if (rule->hours_count == PROTECT_HOURS_MAX) {
			settings_fault(section, "hours", "more than %d; use a second section",
				       PROTECT_HOURS_MAX);
			return false;
		}
		rule->hours[rule->hours_count++] = (struct protect_hours){from, to};
	}
	return true;
}

static bool read_end(struct settings_section *section, const char *key, const char *text,
		     int64_t *ret_day)
{
	struct protect_date date;

	if (text[0] == '\0')
		return true;
	if (!read_date(text, false, &date)) {
		settings_fault(section, key, "%s is no date; write 2026-11-01", text);
		return false;
	}
	*ret_day = calendar_day_number(date.year, date.month, date.day);
	return true;
}

bool config_protected_rule(struct settings_section *section, const struct config_protected *texts,
			   struct protect_rule *ret)
{
	*ret = (struct protect_rule){.first_day = INT64_MIN, .last_day = INT64_MAX};
	if (!read_end(section, "from", texts->from, &ret->first_day) ||
	    !read_end(section, "until", texts->until, &ret->last_day) ||
	    !read_days(section, "except", texts->except, true, ret) ||
	    !read_days(section, "days", texts->days, false, ret) ||
	    !read_hours(section, texts->hours, ret))
		return false;
	if (ret->last_day < ret->first_day) {
		settings_fault(section, "until", "it ends before it begins; set a later day");
		return false;
	}
	return true;
}
