/* amount.c - see amount.h. */
#include "concentrator/cli/amount.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int append_digit(int64_t *value, char digit)
{
	if (__builtin_mul_overflow(*value, 10, value) ||
	    __builtin_add_overflow(*value, digit - '0', value))
		return -ERANGE;
	return 0;
}

int amount_parse(const char *text, unsigned digits, int64_t *ret_minor)
{
	const char *p = text;
	int64_t value = 0;
	unsigned decimals = 0;
	bool too_long = false;

	assert(digits <= AMOUNT_DIGITS_MAX);
	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		too_long |= !too_long && append_digit(&value, *p) < 0;
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++, decimals++)
			too_long |= !too_long && decimals < digits && append_digit(&value, *p) < 0;
	}
	if (*p != '\0')
		return -EINVAL;
	if (decimals > digits)
		return -EDOM;
	for (; decimals < digits; decimals++)
		too_long |= !too_long && append_digit(&value, '0') < 0;
	if (too_long)
		return -ERANGE;
	*ret_minor = value;
	return 0;
}

static uint64_t power_of_ten(unsigned digits)
{
	uint64_t power = 1;

	while (digits-- > 0)
		power *= 10;
	return power;
}

void amount_format(int64_t value, int multiplier, char buf[static AMOUNT_TEXT_MAX])
{
	unsigned digits = multiplier < 0 && multiplier >= -AMOUNT_DIGITS_MAX ? (unsigned)-multiplier
									     : 0;
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	uint64_t unit = power_of_ten(digits);
	const char *sign = value < 0 ? "-" : "";

	if (digits == 0)
		(void)snprintf(buf, AMOUNT_TEXT_MAX, "%s%" PRIu64, sign, magnitude);
	else
		(void)snprintf(buf, AMOUNT_TEXT_MAX, "%s%" PRIu64 ".%0*" PRIu64, sign,
			       magnitude / unit, (int)digits, magnitude % unit);
}

int64_t amount_floor(int64_t nano, unsigned digits)
{
	int64_t unit = (int64_t)power_of_ten(AMOUNT_DIGITS_MAX - digits);
	int64_t quotient;

	assert(digits <= AMOUNT_DIGITS_MAX);
	quotient = nano / unit;
	return nano % unit < 0 ? quotient - 1 : quotient;
}

void amount_format_price(int64_t price_micro, char buf[static AMOUNT_TEXT_MAX])
{
	size_t len;

	amount_format(price_micro, -6, buf);
	len = strlen(buf);
	for (int idle = 0; idle < 4 && buf[len - 1] == '0'; idle++)
		buf[--len] = '\0';
}

const char *amount_currency(int64_t numeric)
{
	/* ISO 4217, the currencies of the regions where such buildings are; others show their number. */
	static const struct {
		int16_t numeric;
		char letters[4];
	} currencies[] = {
		{36, "AUD"},  {50, "BDT"},  {124, "CAD"}, {156, "CNY"}, {208, "DKK"}, {344, "HKD"},
		{356, "INR"}, {360, "IDR"}, {392, "JPY"}, {404, "KES"}, {410, "KRW"}, {446, "MOP"},
		{458, "MYR"}, {484, "MXN"}, {554, "NZD"}, {566, "NGN"}, {578, "NOK"}, {586, "PKR"},
		{608, "PHP"}, {702, "SGD"}, {704, "VND"}, {710, "ZAR"}, {752, "SEK"}, {756, "CHF"},
		{764, "THB"}, {784, "AED"}, {788, "TND"}, {800, "UGX"}, {818, "EGP"}, {826, "GBP"},
		{834, "TZS"}, {840, "USD"}, {901, "TWD"}, {936, "GHS"}, {949, "TRY"}, {978, "EUR"},
		{980, "UAH"}, {985, "PLN"}, {986, "BRL"},
	};

	for (size_t i = 0; i < sizeof(currencies) / sizeof(currencies[0]); i++) {
		if (currencies[i].numeric == numeric)
			return currencies[i].letters;
	}
	return NULL;
}
