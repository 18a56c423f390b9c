/* message_value.c - amounts and arguments inside a message; see message.h. */
#include "concentrator/platform/message.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NANO_DIGITS    9 /* an amount is kept in 10^-9 */
#define MULTIPLIER_MAX 9
#define CURRENCY_MAX   999
#define STRING_LEN_MAX 128
#define NANO_TEXT_SIZE 24

static int64_t power_of_ten(int exponent)
{
	int64_t power = 1;

	assert(exponent >= 0 && exponent <= NANO_DIGITS + MULTIPLIER_MAX);
	while (exponent-- > 0)
		power *= 10;
	return power;
}

json_t *message_money(int64_t amount_nano, int digits, int currency)
{
	int64_t unit_nano = power_of_ten(NANO_DIGITS - digits);
	int64_t value = amount_nano / unit_nano;

	/* C rounds toward zero; a debt of a fraction is shown as a debt. */
	if (amount_nano % unit_nano < 0)
		value--;
	return json_pack("{s:I,s:i,s:i}", "value", (json_int_t)value, "multiplier", -digits,
			 "monetaryUnit", currency);
}

static bool integer_in(const json_t *value, int64_t min, int64_t max)
{
	return json_is_integer(value) && json_integer_value(value) >= min &&
	       json_integer_value(value) <= max;
}

int message_parse_money(const json_t *money, int64_t *ret_nano, int *ret_currency)
{
	const json_t *value = json_object_get(money, "value");
	const json_t *multiplier = json_object_get(money, "multiplier");
	const json_t *currency = json_object_get(money, "monetaryUnit");
	int64_t amount_nano;

	if (json_object_size(money) != 3 || !json_is_integer(value) ||
	    !integer_in(multiplier, -MULTIPLIER_MAX, MULTIPLIER_MAX) ||
	    !integer_in(currency, 1, CURRENCY_MAX))
		return -EINVAL;
	if (__builtin_mul_overflow((int64_t)json_integer_value(value),
				   power_of_ten(NANO_DIGITS + (int)json_integer_value(multiplier)),
				   &amount_nano))
		return -ERANGE;
	*ret_nano = amount_nano;
	*ret_currency = (int)json_integer_value(currency);
	return 0;
}

json_t *message_nano(int64_t amount_nano)
{
	char text[NANO_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "%" PRId64, amount_nano);
	return json_string(text);
}

int message_parse_nano(const json_t *text, int64_t *ret_nano)
{
	const char *c = json_string_value(text);
	bool negative;
	int64_t value = 0;

	if (c == NULL)
		return -EINVAL;
	negative = *c == '-';
	if (negative)
		c++;
	if (*c == '\0')
		return -EINVAL;
	/* Gathered below zero, where int64_t reaches one further. */
	for (; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *c - '0', &value))
			return -ERANGE;
	}
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return -ERANGE;
	*ret_nano = value;
	return 0;
}

const char *message_arg_string(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

int64_t message_arg_int64(const json_t *args, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(args, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool message_arg_bool(const json_t *args, const char *name, bool fallback)
{
	const json_t *value = json_object_get(args, name);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static bool arg_is_plain(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len;

	if (text == NULL)
		return false;
	len = json_string_length(value);
	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)text[i]))
			return false;
	}
	return len >= 1 && len <= STRING_LEN_MAX;
}

static bool arg_is_money(const json_t *value)
{
	int64_t amount_nano;
	int currency;

	return message_parse_money(value, &amount_nano, &currency) == 0;
}

/* NULL when value is of the type, else what it should have been. */
static const char *arg_mismatch(const json_t *value, char type)
{
	switch (type) {
	case 's':
		return arg_is_plain(value)
			       ? NULL
			       : "a string of 1 to 128 bytes without control characters";
	case 't':
		return json_is_string(value) ? NULL : "a string";
	case 'i':
		return integer_in(value, 0, INT64_MAX) ? NULL : "an integer, 0 or more";
	case 'b':
		return json_is_boolean(value) ? NULL : "true or false";
	case 'a':
		return json_is_array(value) ? NULL : "an array";
	case 'o':
		return json_is_object(value) ? NULL : "an object";
	case 'm':
		return arg_is_money(value)
			       ? NULL
			       : "money: {\"value\":int,\"multiplier\":int,\"monetaryUnit\":int}";
	default:
		assert(false); /* a verb table names a type that there is not */
		return "of a known type";
	}
}

/* One word of a specification: its end, and its parts. */
static const char *spec_word(const char *word, size_t *ret_name_len, bool *ret_optional,
			     char *ret_type)
{
	size_t len = strcspn(word, " ");
	size_t colon = strcspn(word, ":");

	assert(colon > 0 && colon + 2 == len);
	*ret_optional = word[colon - 1] == '?';
	*ret_name_len = *ret_optional ? colon - 1 : colon;
	*ret_type = word[colon + 1];
	word += len;
	return word + strspn(word, " ");
}

static bool spec_names(const char *spec, const char *name)
{
	while (*spec != '\0') {
		const char *word = spec;
		size_t len;
		bool optional;
		char type;

		spec = spec_word(word, &len, &optional, &type);
		if (strlen(name) == len && memcmp(word, name, len) == 0)
			return true;
	}
	return false;
}

int message_check_args(const json_t *args, const char *spec,
		       char ret_detail[static MESSAGE_DETAIL_SIZE])
{
	const char *name;
	json_t *value;

	for (const char *rest = spec; *rest != '\0';) {
		const char *word = rest;
		char wanted_name[MESSAGE_VERB_SIZE];
		const char *mismatch;
		const json_t *arg;
		size_t len;
		bool optional;
		char type;

		rest = spec_word(word, &len, &optional, &type);
		(void)snprintf(wanted_name, sizeof(wanted_name), "%.*s", (int)len, word);
		arg = json_object_get(args, wanted_name);
		if (arg == NULL && optional)
			continue;
		if (arg == NULL) {
			(void)snprintf(ret_detail, MESSAGE_DETAIL_SIZE, "argument `%s` is missing",
				       wanted_name);
			return -EINVAL;
		}
		mismatch = arg_mismatch(arg, type);
		if (mismatch != NULL) {
			(void)snprintf(ret_detail, MESSAGE_DETAIL_SIZE, "argument `%s` must be %s",
				       wanted_name, mismatch);
			return -EINVAL;
		}
	}
	json_object_foreach((json_t *)(uintptr_t)args, name, value)
	{
		if (!spec_names(spec, name)) {
			(void)snprintf(ret_detail, MESSAGE_DETAIL_SIZE, "unknown argument `%.64s`",
				       name);
			return -EINVAL;
		}
	}
	return 0;
}
