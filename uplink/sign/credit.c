/* credit.c - the verb credit: an order that adds to a room's account, or takes such an order back. */
#include <ctype.h>
#include <string.h>

#include "uplink/sign/item.h"
#include "uplink/sign/key_file.h"
#include "uplink/sign/options.h"

#define AMOUNT_MAX INT64_C(100000000000000) /* hundredths */
#define CREDIT_LIFE_S                                                                              \
	(INT64_C(2) * 365 * 86400) /* who paid gets the energy, also after a long silence */

/* An exact amount in hundredths: "20", "20.5" and "-20.50" are amounts, "20.505" is not. */
static bool read_amount(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t value = 0;
	int decimals = -1;
	const char *at = negative ? text + 1 : text;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; *at != '\0'; at++) {
		if (*at == '.' && decimals < 0 && isdigit((unsigned char)at[1])) {
			decimals = 0;
			continue;
		}
		if (!isdigit((unsigned char)*at) || decimals == 2 || value > AMOUNT_MAX)
			return false;
		value = value * 10 + (*at - '0');
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 2; i++)
		value *= 10;
	if (value > AMOUNT_MAX)
		return false;
	*ret = negative ? -value : value;
	return true;
}

static const struct option credit_options[] = {
	{"key", required_argument, NULL, OPTION_KEY},
	{"kid", required_argument, NULL, OPTION_KID},
	{"site", required_argument, NULL, OPTION_SITE},
	{"mrid", required_argument, NULL, OPTION_MRID},
	{"room", required_argument, NULL, OPTION_ROOM},
	{"tenancy", required_argument, NULL, OPTION_TENANCY},
	{"amount", required_argument, NULL, OPTION_AMOUNT},
	{"currency", required_argument, NULL, OPTION_CURRENCY},
	{"type", required_argument, NULL, OPTION_TYPE},
	{"seq", required_argument, NULL, OPTION_SEQ},
	{"reverses", required_argument, NULL, OPTION_REVERSES},
	{"iat", required_argument, NULL, OPTION_IAT},
	{"effective", required_argument, NULL, OPTION_EFFECTIVE},
	{"exp", required_argument, NULL, OPTION_EXP},
	{"description", required_argument, NULL, OPTION_DESCRIPTION},
	{0},
};

struct credit_numbers {
	int64_t amount, currency, seq, iat, effective, exp;
};

/* Unix seconds, or the fallback when the option is not given. */
static int read_time(const char *values[], enum option_id option, const char *name,
		     int64_t fallback, int64_t *ret)
{
	*ret = fallback;
	if (values[option] == NULL || integer_read(values[option], 0, INT64_C(1) << 40, ret))
		return 0;
	return wrong("--%s %s: not a time in Unix seconds", name, values[option]);
}

static bool is_emergency(const char *values[])
{
	return values[OPTION_TYPE] != NULL && strcmp(values[OPTION_TYPE], "emergency") == 0;
}

static int check_names(const char *values[])
{
	for (const struct option *option = credit_options; option->name != NULL; option++) {
		if (option->val <= OPTION_CURRENCY && values[option->val] == NULL)
			return wrong("credit needs --%s", option->name);
		if ((option->val == OPTION_KID || option->val == OPTION_SITE ||
		     option->val == OPTION_MRID) &&
		    !is_name(values[option->val]))
			return wrong("--%s %s: must be 1 to 64 printable characters without space",
				     option->name, values[option->val]);
		if ((option->val == OPTION_ROOM || option->val == OPTION_TENANCY) &&
		    !is_text(values[option->val]))
			return wrong("--%s: must be 1 to 64 bytes without control characters",
				     option->name);
	}
	if (values[OPTION_REVERSES] != NULL && !is_name(values[OPTION_REVERSES]))
		return wrong("--reverses %s: not the id of an order", values[OPTION_REVERSES]);
	if (values[OPTION_TYPE] != NULL && strcmp(values[OPTION_TYPE], "paid") != 0 &&
	    strcmp(values[OPTION_TYPE], "subsidy") != 0 && !is_emergency(values))
		return wrong("--type %s: must be paid, subsidy or emergency", values[OPTION_TYPE]);
	if (is_emergency(values) && values[OPTION_REVERSES] != NULL)
		return wrong("--type emergency moves no money, and --reverses nothing");
	return 0;
}

static int read_numbers(const char *values[], struct credit_numbers *ret)
{
	bool reverses = values[OPTION_REVERSES] != NULL;
	int r;

	if (!read_amount(values[OPTION_AMOUNT], &ret->amount) ||
	    (ret->amount == 0) != is_emergency(values))
		return wrong("--amount %s: not an amount like 20.00 (two decimals at most; 0 with "
			     "--type "
			     "emergency alone)",
			     values[OPTION_AMOUNT]);
	if ((ret->amount < 0) != reverses)
		return wrong(
			"--amount %s: an amount is negative exactly when it --reverses an order",
			values[OPTION_AMOUNT]);
	if (!integer_read(values[OPTION_CURRENCY], 1, 999, &ret->currency))
		return wrong("--currency %s: not an ISO 4217 number like 156",
			     values[OPTION_CURRENCY]);
	ret->seq = 0;
	if (values[OPTION_SEQ] != NULL &&
	    !integer_read(values[OPTION_SEQ], 0, INT64_MAX, &ret->seq))
		return wrong("--seq %s: not a number of 0 or more", values[OPTION_SEQ]);
	r = read_time(values, OPTION_IAT, "iat", now_s(), &ret->iat);
	if (r == 0)
		r = read_time(values, OPTION_EFFECTIVE, "effective", ret->iat, &ret->effective);
	if (r == 0)
		r = read_time(values, OPTION_EXP, "exp", ret->iat + CREDIT_LIFE_S, &ret->exp);
	return r;
}

static json_t *credit_payload(const char *values[], const struct credit_numbers *numbers)
{
	const char *type = values[OPTION_TYPE] != NULL ? values[OPTION_TYPE] : "paid";
	json_t *payload = json_pack(
		"{s:i, s:s, s:I, s:s, s:s, s:s, s:{s:I, s:i, s:I}, s:s, s:I, s:I, s:I}", "v", 1,
		"aud", values[OPTION_SITE], "seq", (json_int_t)numbers->seq, "mRID",
		values[OPTION_MRID], "usagePoint", values[OPTION_ROOM], "tenancy",
		values[OPTION_TENANCY], "creditAmount", "value", (json_int_t)numbers->amount,
		"multiplier", -2, "monetaryUnit", (json_int_t)numbers->currency, "creditType", type,
		"effectiveTime", (json_int_t)numbers->effective, "iat", (json_int_t)numbers->iat,
		"exp", (json_int_t)numbers->exp);

	if (payload != NULL && values[OPTION_REVERSES] != NULL)
		(void)json_object_set_new(payload, "reverses",
					  json_string(values[OPTION_REVERSES]));
	if (payload != NULL && values[OPTION_DESCRIPTION] != NULL)
		(void)json_object_set_new(payload, "description",
					  json_string(values[OPTION_DESCRIPTION]));
	return payload;
}

int run_credit(int argc, char *argv[])
{
	const char *values[OPTION_COUNT] = {NULL};
	struct credit_numbers numbers;
	EVP_PKEY *key = NULL;
	int r = options_read(argc, argv, credit_options, values, NULL, NULL);

	if (r == 0)
		r = check_names(values);
	if (r == 0)
		r = read_numbers(values, &numbers);
	if (r != 0)
		return r;
	if (values[OPTION_DESCRIPTION] != NULL && strlen(values[OPTION_DESCRIPTION]) > 128)
		return wrong("--description: longer than 128 bytes");
	if (key_file_read_private(values[OPTION_KEY], &key) < 0)
		return EXIT_FAILED;
	json_t *payload = credit_payload(values, &numbers);
	if (payload == NULL)
		r = wrong("the texts must be UTF-8");
	else if (item_print("CreditRegister", values[OPTION_MRID], values[OPTION_KID],
			    ITEM_CREDIT_PREFIX, payload, key) < 0)
		r = EXIT_FAILED;
	json_decref(payload);
	EVP_PKEY_free(key);
	return r;
}
