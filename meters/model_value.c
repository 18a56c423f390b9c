/* model_value.c - text to numbers, each bounded and exact. */
#include "meters/model_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPLAINT_MAX 256
#define DIGITS_MAX    12 /* of a fraction, leading zeros aside */
#define PLACES_MAX    15 /* behind its point */

void model_complain(struct model_reader *reader, int line, const char *format, ...)
{
	char text[COMPLAINT_MAX];
	va_list arguments;

	if (reader->result < 0)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	reader->result = file_error_set(reader->error, line, "%s", text);
}

const struct section_key *model_take(struct model_reader *reader, const char *name)
{
	return section_take(reader->sections, reader->section, name);
}

const struct section_key *model_need(struct model_reader *reader, const char *name,
				     const char *what)
{
	const struct section_key *key = model_take(reader, name);

	if (key == NULL)
		model_complain(reader, reader->section->line, "[%s] has no %s: expected %s",
			       reader->section->name, name, what);
	return key;
}

/* Decimal or 0x; the whole of text up to end. */
static bool text_number(const char *text, const char *end, uint64_t *ret)
{
	bool hex = end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *p = hex ? text + 2 : text;
	uint64_t value = 0;

	if (p == end)
		return false;
	for (; p < end; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (hex && ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f'))
			digit = (unsigned)((*p | 0x20) - 'a') + 10;
		else
			return false;
		if (__builtin_mul_overflow(value, hex ? 16U : 10U, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

void model_number(struct model_reader *reader, const struct section_key *key, uint64_t least,
		  uint64_t most, uint64_t *ret)
{
	uint64_t value;

	if (key == NULL)
		return;
	if (!text_number(key->value, key->value + strlen(key->value), &value) || value < least ||
	    value > most) {
		model_complain(reader, key->line,
			       "%s = %s: expected a number from %" PRIu64 " to %" PRIu64, key->name,
			       key->value, least, most);
		return;
	}
	*ret = value;
}

void model_word(struct model_reader *reader, const struct section_key *key,
		const struct word *words, size_t n, int *ret)
{
	char list[COMPLAINT_MAX / 2] = "";
	size_t used = 0;

	if (key == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		int printed;

		if (strcmp(words[i].name, key->value) == 0) {
			*ret = words[i].value;
			return;
		}
		printed = snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
				   words[i].name);
		if (printed > 0 && used + (size_t)printed < sizeof(list))
			used += (size_t)printed;
	}
	model_complain(reader, key->line, "%s = %s: expected one of %s", key->name, key->value,
		       list);
}

void model_text(struct model_reader *reader, const struct section_key *key, char *ret, size_t size)
{
	size_t length;

	if (key == NULL)
		return;
	length = strlen(key->value);
	if (length >= size) {
		model_complain(reader, key->line, "%s has %zu bytes: expected at most %zu",
			       key->name, length, size - 1);
		return;
	}
	memcpy(ret, key->value, length + 1);
}

/* "-12.5": digits with at most one point among them. */
static bool text_decimal(const char *text, const char *end, struct fraction *ret)
{
	bool negative = text < end && *text == '-';
	bool point = false;
	unsigned digits = 0;
	unsigned significant = 0;
	unsigned places = 0;
	struct fraction value = {.numerator = 0, .denominator = 1};

	for (const char *p = negative ? text + 1 : text; p < end; p++) {
		if (*p == '.' && !point && digits > 0 && p + 1 < end) {
			point = true;
			continue;
		}
		digits++;
		significant += significant > 0 || *p != '0';
		places += point;
		if (*p < '0' || *p > '9' || significant > DIGITS_MAX || places > PLACES_MAX)
			return false;
		value.numerator = value.numerator * 10 + (*p - '0');
		if (point)
			value.denominator *= 10;
	}
	if (negative)
		value.numerator = -value.numerator;
	return digits > 0 && fraction_multiply(&value, 1, ret);
}

static bool text_fraction(const char *text, struct fraction *ret)
{
	const char *end = text + strlen(text);
	const char *slash = strchr(text, '/');
	struct fraction above;
	struct fraction below;

	if (slash == NULL)
		return text_decimal(text, end, ret);
	if (!text_decimal(text, slash, &above) || !text_decimal(slash + 1, end, &below) ||
	    above.denominator != 1 || below.denominator != 1 || below.numerator < 1)
		return false;
	above.denominator = below.numerator;
	return fraction_multiply(&above, 1, ret);
}

void model_fraction(struct model_reader *reader, const struct section_key *key,
		    struct fraction *ret)
{
	struct fraction value;

	if (key == NULL)
		return;
	if (!text_fraction(key->value, &value) || value.numerator == 0) {
		model_complain(
			reader, key->line,
			"%s = %s: expected a decimal such as 0.01 or a fraction such as 1/256, "
			"not 0, of at most %d digits",
			key->name, key->value, DIGITS_MAX);
		return;
	}
	*ret = value;
}

static bool text_whole(const char *text, const char *end, int64_t factor, int64_t *ret)
{
	struct fraction value;

	if (!text_decimal(text, end, &value) || !fraction_multiply(&value, factor, &value) ||
	    value.denominator != 1)
		return false;
	*ret = value.numerator;
	return true;
}

void model_bounds(struct model_reader *reader, const struct section_key *key, int64_t factor,
		  int64_t *ret_least, int64_t *ret_most)
{
	const char *dots;
	int64_t least;
	int64_t most;

	if (key == NULL)
		return;
	dots = strstr(key->value, "..");
	if (dots == NULL || !text_whole(key->value, dots, factor, &least) ||
	    !text_whole(dots + 2, key->value + strlen(key->value), factor, &most) || least > most) {
		model_complain(reader, key->line,
			       "%s = %s: expected bounds such as 45..65 in the row's unit",
			       key->name, key->value);
		return;
	}
	*ret_least = least;
	*ret_most = most;
}

void model_range(struct model_reader *reader, const struct section_key *key, uint16_t *ret_first,
		 uint16_t *ret_last)
{
	const char *end;
	const char *dots;
	uint64_t first;
	uint64_t last;

	if (key == NULL)
		return;
	end = key->value + strlen(key->value);
	dots = strstr(key->value, "..");
	if (!text_number(key->value, dots == NULL ? end : dots, &first) ||
	    !text_number(dots == NULL ? key->value : dots + 2, end, &last) || first > last ||
	    last > UINT16_MAX) {
		model_complain(
			reader, key->line,
			"%s = %s: expected an address such as 0x001A, or a range such as 0..7",
			key->name, key->value);
		return;
	}
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
}

void model_list(struct model_reader *reader, const struct section_key *key, const char *text,
		uint64_t most, uint64_t *ret, size_t max, size_t *ret_count)
{
	size_t count = 0;

	if (key == NULL)
		return;
	for (const char *p = text + strspn(text, " \t"); *p != '\0';) {
		size_t length = strcspn(p, " \t");

		if (count == max || !text_number(p, p + length, &ret[count]) || ret[count] > most) {
			count = 0;
			break;
		}
		count++;
		p += length;
		p += strspn(p, " \t");
	}
	if (count == 0)
		model_complain(reader, key->line,
			       "%s = %s: expected 1 to %zu numbers up to %" PRIu64
			       ", parted by blanks",
			       key->name, key->value, max, most);
	else
		*ret_count = count;
}
