/* tariff_word.h - the words of a tariff file: lists, prices, dates, times of day.
 *
 * A list is separated by blanks or commas, and may go on in key_2 to key_9 where a line is too short
 * for it. The readers of one word return false for what is none of theirs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/platform/settings.h"

#define TARIFF_WORDS_MAX 256
#define TARIFF_WORD_MAX  32

/* The line that a word stands in is settings_fault()'s by its key. */
struct tariff_word {
	char key[16];
	char text[TARIFF_WORD_MAX + 1];
};

struct tariff_words {
	size_t count;
	struct tariff_word word[TARIFF_WORDS_MAX];
};

/* Reads the words of a list. Too many or too long: the error is recorded, and the list is empty. */
void tariff_words(struct settings_section *section, const char *key, struct tariff_words *ret);

/* "0.538" with 6 digits is 538000; at most max. */
bool tariff_word_fixed(const char *text, int digits, int64_t max, int64_t *ret);

/* "09-01" is 901; a day that no year has is none. */
bool tariff_word_mmdd(const char *text, int32_t *ret);

/* "2026-09-01" as a day number. */
bool tariff_word_date(const char *text, int64_t *ret_day);

/* "08:30" is 510. */
bool tariff_word_minute(const char *text, uint16_t *ret);

/* "mon", "mon-fri": bit 0 is Monday. */
bool tariff_word_weekdays(const char *text, uint32_t *ret);
