/* tariff_word.c - see tariff_word.h. */
#include "concentrator/tariff_word.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/rules/calendar.h"

#define SEPARATORS " \t,"
#define LINES_MAX  9

static const char *const weekday_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

void tariff_words(struct settings_section *section, const char *key, struct tariff_words *ret)
{
	ret->count = 0;
	for (int line = 1; section != NULL && line <= LINES_MAX; line++) {
		struct tariff_word word = {0};
		if (line == 1)
			snprintf(word.key, sizeof(word.key), "%s", key);
		else
			snprintf(word.key, sizeof(word.key), "%s_%d", key, line);
		const char *text = settings_string(section, word.key, 0, SETTINGS_VALUE_SIZE, NULL);
		while (text != NULL && *(text += strspn(text, SEPARATORS)) != '\0') {
			size_t size = strcspn(text, SEPARATORS);
			if (size > TARIFF_WORD_MAX || ret->count == TARIFF_WORDS_MAX) {
				settings_fault(section, word.key,
					       size > TARIFF_WORD_MAX
						       ? "%.*s is too long; %d bytes at most"
						       : "%.*s is one too many; %d at most",
					       (int)size, text,
					       size > TARIFF_WORD_MAX ? TARIFF_WORD_MAX
								      : TARIFF_WORDS_MAX);
				ret->count = 0;
				return;
			}
			memcpy(word.text, text, size);
			word.text[size] = '\0';
			ret->word[ret->count++] = word;
			text += size;
		}
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool tariff_word_fixed(const char *text, int digits, int64_t max, int64_t *ret)
{
	int64_t value = 0;
	int decimals = -1; /* none yet, and no point */
	if (!is_digit(*text))
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' && decimals < 0 && is_digit(text[1])) {
			decimals = 0;
			continue;
		}
		if (!is_digit(*text) || decimals == digits)
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < digits; i++)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	if (value > max)
		return false;
	*ret = value;
	return true;
}

/* Digits where the pattern has a 0, the very character elsewhere. */
static bool has_shape(const char *text, const char *pattern)
{
	for (; *pattern != '\0'; text++, pattern++)
		if (*pattern == '0' ? !is_digit(*text) : *text != *pattern)
			return false;
	return *text == '\0';
}

static int32_t two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

static bool is_day_of(int32_t year, int32_t month, int32_t day)
{
	if (month < 1 || month > 12 || day < 1)
		return false;
	struct civil civil = calendar_date(calendar_day_number(year, month, day));
	return civil.month == month && civil.day == day;
}

bool tariff_word_mmdd(const char *text, int32_t *ret)
{
	enum { LEAP_YEAR = 2000 };
	if (!has_shape(text, "00-00") ||
	    !is_day_of(LEAP_YEAR, two_digits(text), two_digits(text + 3)))
		return false;
	*ret = two_digits(text) * 100 + two_digits(text + 3);
	return true;
}

bool tariff_word_date(const char *text, int64_t *ret_day)
{
	if (!has_shape(text, "0000-00-00"))
		return false;
	int32_t year = two_digits(text) * 100 + two_digits(text + 2);
	int32_t month = two_digits(text + 5), day = two_digits(text + 8);
	if (year < 2000 || !is_day_of(year, month, day))
		return false;
	*ret_day = calendar_day_number(year, month, day);
	return true;
}

bool tariff_word_minute(const char *text, uint16_t *ret)
{
	if (!has_shape(text, "00:00") || two_digits(text) > 23 || two_digits(text + 3) > 59)
		return false;
	*ret = (uint16_t)(two_digits(text) * 60 + two_digits(text + 3));
	return true;
}

/* Index of the weekday that text begins with, or -1. */
static int weekday(const char *text)
{
	for (int i = 0; i < 7; i++)
		if (strncmp(text, weekday_names[i], 3) == 0)
			return i;
	return -1;
}

bool tariff_word_weekdays(const char *text, uint32_t *ret)
{
	int first = weekday(text);
	if (first < 0)
		return false;
	if (text[3] == '\0') {
		*ret = UINT32_C(1) << first;
		return true;
	}
	int last = text[3] == '-' ? weekday(text + 4) : -1;
	if (last < first || text[7] != '\0')
		return false;
	*ret = (UINT32_C(2) << last) - (UINT32_C(1) << first);
	return true;
}
