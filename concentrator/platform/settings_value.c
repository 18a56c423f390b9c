/* settings_value.c - the typed getters; see settings.h. */
#include "concentrator/platform/settings_tree.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FIXED_TEXT_SIZE 32
#define CHOICES_SIZE    256
#define DIGITS_MAX      18

/* The key, marked as asked for, or NULL. */
static const struct settings_key *settings_ask(struct settings_section *section, const char *name)
{
	struct settings_key *key = section == NULL ? NULL : settings_look_up_key(section, name);

	if (key != NULL)
		key->asked = true;
	return key;
}

static void settings_reject(struct settings_section *section, const struct settings_key *key,
			    const char *what, const char *wanted)
{
	settings_fault_at(section->settings, key->file, key->line, "`%s = %s` %s; write %s",
			  key->name, key->value, what, wanted);
}

enum parse { PARSE_OK, PARSE_NO_NUMBER, PARSE_DIGITS, PARSE_OVERFLOW };

/* [-]digits[.digits] as an integer of 10^-digits; no blanks, no plus, no exponent. */
static enum parse parse_fixed(const char *text, int digits, int64_t *ret)
{
	bool negative = text[0] == '-';
	const char *c = negative ? text + 1 : text;
	bool point = false;
	int fraction = 0;
	int64_t value = 0;

	if (*c < '0' || *c > '9')
		return PARSE_NO_NUMBER;
	for (; *c != '\0'; c++) {
		if (*c == '.' && !point && digits > 0 && c[1] != '\0') {
			point = true;
			continue;
		}
		if (*c < '0' || *c > '9')
			return PARSE_NO_NUMBER;
		if (point && ++fraction > digits)
			return PARSE_DIGITS;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *c - '0', &value))
			return PARSE_OVERFLOW;
	}
	for (; fraction < digits; fraction++) {
		if (__builtin_mul_overflow(value, 10, &value))
			return PARSE_OVERFLOW;
	}
	/* Gathered below zero, where int64_t reaches one further. */
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return PARSE_OVERFLOW;
	*ret = value;
	return PARSE_OK;
}

/* From the last digit to the first; a fraction of zeros is left out. */
static void write_fixed(int64_t value, int digits, char ret[static FIXED_TEXT_SIZE])
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[FIXED_TEXT_SIZE];
	char *c = text + sizeof(text) - 1;
	bool fraction = false;

	*c = '\0';
	for (int place = 0; place <= digits || rest > 0; place++) {
		fraction = fraction || (place < digits && rest % 10 != 0);
		if (place == digits && fraction)
			*--c = '.';
		if (place >= digits || fraction)
			*--c = (char)('0' + rest % 10);
		rest /= 10;
	}
	if (value < 0)
		*--c = '-';
	memcpy(ret, c, (size_t)(text + sizeof(text) - c));
}

int64_t settings_fixed(struct settings_section *section, const char *key, int digits, int64_t min,
		       int64_t max, int64_t fallback)
{
	const struct settings_key *found = settings_ask(section, key);
	char low[FIXED_TEXT_SIZE], high[FIXED_TEXT_SIZE];
	char wanted[3 * FIXED_TEXT_SIZE];
	const char *what;
	int64_t value;

	assert(digits >= 0 && digits <= DIGITS_MAX);
	if (found == NULL)
		return fallback;
	switch (parse_fixed(found->value, digits, &value)) {
	case PARSE_OK:
		if (value >= min && value <= max)
			return value;
		what = "is out of range";
		break;
	case PARSE_DIGITS:
		what = "has too many digits after the point";
		break;
	case PARSE_OVERFLOW:
		what = "is out of range";
		break;
	case PARSE_NO_NUMBER:
	default:
		what = digits == 0 ? "is no whole number" : "is no number";
		break;
	}
	write_fixed(min, digits, low);
	write_fixed(max, digits, high);
	(void)snprintf(wanted, sizeof(wanted), "one from %s to %s", low, high);
	settings_reject(section, found, what, wanted);
	return fallback;
}

int64_t settings_int64(struct settings_section *section, const char *key, int64_t min, int64_t max,
		       int64_t fallback)
{
	return settings_fixed(section, key, 0, min, max, fallback);
}

bool settings_bool(struct settings_section *section, const char *key, bool fallback)
{
	static const struct {
		const char *text;
		bool value;
	} rows[] = {
		{"yes", true},    {"no", false}, {"true", true},
		{"false", false}, {"on", true},  {"off", false},
	};
	const struct settings_key *found = settings_ask(section, key);

	if (found == NULL)
		return fallback;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(found->value, rows[i].text) == 0)
			return rows[i].value;
	}
	settings_reject(section, found, "is neither yes nor no", "`yes` or `no`");
	return fallback;
}

int settings_choice(struct settings_section *section, const char *key, const char *const names[],
		    int fallback)
{
	const struct settings_key *found = settings_ask(section, key);
	char wanted[CHOICES_SIZE] = "";
	size_t len = 0;

	if (found == NULL)
		return fallback;
	for (int i = 0; names[i] != NULL; i++) {
		int added;

		if (strcmp(found->value, names[i]) == 0)
			return i;
		added = snprintf(wanted + len, sizeof(wanted) - len, "%s`%s`",
				 i == 0 ? "" : (names[i + 1] == NULL ? " or " : ", "), names[i]);
		if (added > 0 && (size_t)added < sizeof(wanted) - len)
			len += (size_t)added;
	}
	settings_reject(section, found, "is not known", wanted);
	return fallback;
}

const char *settings_string(struct settings_section *section, const char *key, size_t min,
			    size_t max, const char *fallback)
{
	const struct settings_key *found = settings_ask(section, key);
	char wanted[64];
	size_t len;

	if (found == NULL)
		return fallback;
	len = strlen(found->value);
	if (len >= min && len <= max)
		return found->value;
	(void)snprintf(wanted, sizeof(wanted), "%zu to %zu bytes", min, max);
	settings_reject(section, found, len == 0 ? "is empty" : "has the wrong length", wanted);
	return fallback;
}

const char *settings_path(struct settings_section *section, const char *key, const char *fallback)
{
	const struct settings_key *found = settings_ask(section, key);

	if (found == NULL || found->value[0] == '/')
		return found == NULL ? fallback : found->value;
	if (found->value[0] == '\0' && fallback != NULL && fallback[0] == '\0')
		return fallback;
	settings_reject(section, found, "is no absolute path", "one that begins with '/'");
	return fallback;
}

void settings_require(struct settings_section *section, const char *key)
{
	if (section != NULL && settings_look_up_key(section, key) == NULL)
		settings_fault(section, NULL, "`%s` is missing; set it in this section", key);
}
