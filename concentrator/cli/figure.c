/* figure.c - see figure.h. */
#include "concentrator/cli/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <string.h>
#include <time.h>

#include "concentrator/cli/amount.h"
#include "concentrator/platform/message.h"

const char *field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

bool field_int(const json_t *object, const char *name, int64_t *ret)
{
	const json_t *field = json_object_get(object, name);

	if (!json_is_integer(field))
		return false;
	*ret = json_integer_value(field);
	return true;
}

int64_t field_count(const json_t *object, const char *name)
{
	int64_t count = 0;

	(void)field_int(object, name, &count);
	return count;
}

bool field_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

const json_t *field_object(const json_t *object, const char *name)
{
	const json_t *field = json_object_get(object, name);

	return json_is_object(field) ? field : NULL;
}

const json_t *field_rows(const json_t *object, const char *name)
{
	const json_t *field = json_object_get(object, name);

	return json_is_array(field) ? field : NULL;
}

const char *figure_age(int64_t age_s, char buf[static FIGURE_SIZE])
{
	static const struct {
		int64_t s;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	if (age_s < 0)
		age_s = 0;
	/* Below two of a unit the smaller one says more: 90s, not 1m. */
	while (i < 3 && age_s < 2 * units[i].s)
		i++;
	(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 "%c", age_s / units[i].s, units[i].letter);
	return buf;
}

const char *figure_duration(int64_t duration_s, char buf[static FIGURE_SIZE])
{
	int64_t s = duration_s < 0 ? 0 : duration_s;

	if (s < 60)
		(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 "s", s);
	else if (s < 3600)
		(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 "h %" PRId64 "m", s / 3600,
			       s / 60 % 60);
	else
		(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 "d %" PRId64 "h", s / 86400,
			       s / 3600 % 24);
	return buf;
}

const char *figure_time(int64_t at_s, char buf[static FIGURE_SIZE])
{
	time_t at = (time_t)at_s;
	struct tm local;

	if (at_s <= 0 || localtime_r(&at, &local) == NULL ||
	    strftime(buf, FIGURE_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
		(void)snprintf(buf, FIGURE_SIZE, "%s", FIGURE_UNKNOWN);
	return buf;
}

const char *figure_field_time(const json_t *object, const char *name, char buf[static FIGURE_SIZE])
{
	return figure_time(field_count(object, name), buf);
}

const char *figure_milli(int64_t milli, char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t tenths = milli / 100;

	if (milli % 100 >= 50)
		tenths++;
	else if (milli % 100 <= -50)
		tenths--;
	amount_format(tenths, -1, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

bool field_water(const json_t *object)
{
	return strcmp(field_text(object, "medium"), "water") == 0;
}

bool field_used(const json_t *object, const char *name, int64_t *ret)
{
	char litres[FIGURE_SIZE];
	size_t len = strlen(name);

	if (!field_water(object))
		return field_int(object, name, ret);
	if (strcmp(name, "energy_wh") == 0)
		return field_int(object, "volume_l", ret);
	if (len <= 3 || strcmp(name + len - 3, "_wh") != 0)
		return false;
	(void)snprintf(litres, sizeof(litres), "%.*s_l", (int)(len - 3), name);
	return field_int(object, litres, ret);
}

const char *figure_used(const json_t *object, const char *name, const char *unknown,
			char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t used;

	if (!field_used(object, name, &used))
		return unknown;
	amount_format(used, -3, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s%s", text, field_water(object) ? " m3" : "");
	return buf;
}

const char *figure_column(const json_t *object, const char *name, bool water,
			  char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t used;

	if (field_water(object) != water || !field_used(object, name, &used))
		return "";
	amount_format(used, -3, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

const char *figure_energy(const json_t *object, const char *name, char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t used;

	if (!field_used(object, name, &used))
		return FIGURE_UNKNOWN;
	amount_format(used, -3, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s %s", text, field_water(object) ? "m3" : "kWh");
	return buf;
}

const char *figure_bytes(int64_t bytes, char buf[static FIGURE_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	int64_t tenths = bytes < 0 ? 0 : bytes;
	size_t unit = 0;

	if (tenths < 1024) {
		(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 " bytes", tenths);
		return buf;
	}
	for (tenths = tenths * 10 / 1024; tenths >= 10240 && unit < 3; unit++)
		tenths /= 1024;
	(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 ".%" PRId64 " %s", tenths / 10, tenths % 10,
		       units[unit]);
	return buf;
}

const char *figure_money(const json_t *object, const char *name, char buf[static FIGURE_SIZE])
{
	const json_t *money = field_object(object, name);
	char text[AMOUNT_TEXT_MAX];
	int64_t multiplier;
	int64_t value;

	if (money == NULL || !field_int(money, "value", &value) ||
	    !field_int(money, "multiplier", &multiplier) || multiplier > 0 || multiplier < -9)
		return FIGURE_UNKNOWN;
	amount_format(value, (int)multiplier, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

const char *figure_exact(const json_t *object, const char *name, unsigned digits,
			 char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t nano;
	size_t len;

	if (!field_nano(object, name, &nano)) {
		(void)snprintf(buf, FIGURE_SIZE, FIGURE_UNKNOWN);
		return buf;
	}
	amount_format(nano, -AMOUNT_DIGITS_MAX, text);
	len = strlen(text);
	for (unsigned kept = AMOUNT_DIGITS_MAX; kept > digits && text[len - 1] == '0'; kept--)
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[len - 1] = '\0';
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

const char *figure_tax(const json_t *row, unsigned digits, char buf[static FIGURE_SIZE])
{
	int64_t nano;

	if (!field_nano(row, "tax_nano", &nano) || nano == 0 ||
	    strcmp(field_text(row, "kind"), "tax") == 0)
		return "";
	return figure_exact(row, "tax_nano", digits, buf);
}

const char *figure_amount(const json_t *object, const char *money, const char *nano,
			  char buf[static FIGURE_SIZE])
{
	if (field_object(object, money) != NULL)
		return figure_money(object, money, buf);
	return figure_nano(object, nano, 2, buf);
}

bool field_nano(const json_t *object, const char *name, int64_t *ret)
{
	const json_t *field = json_object_get(object, name);

	return field != NULL && message_parse_nano(field, ret) == 0;
}

const char *figure_nano(const json_t *object, const char *name, unsigned digits,
			char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t nano;

	if (!field_nano(object, name, &nano))
		return FIGURE_UNKNOWN;
	amount_format(amount_floor(nano, digits), -(int)digits, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

const char *figure_price(const json_t *object, const char *name, char buf[static FIGURE_SIZE])
{
	char text[AMOUNT_TEXT_MAX];
	int64_t price;

	if (field_water(object))
		name = "price_micro_per_m3";
	if (!field_int(object, name, &price))
		return FIGURE_UNKNOWN;
	amount_format_price(price, text);
	(void)snprintf(buf, FIGURE_SIZE, "%s", text);
	return buf;
}

unsigned field_digits(const json_t *object, const char *name)
{
	int64_t multiplier;

	if (!field_int(field_object(object, name), "multiplier", &multiplier) || multiplier > 0 ||
	    multiplier < -9)
		return 2;
	return (unsigned)-multiplier;
}
