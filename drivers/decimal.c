#include "drivers/decimal.h"

#include <errno.h>
#include <stdbool.h>

#define PLACES        9
#define MILLION       1000000
#define PLACES_FACTOR 10

__extension__ typedef __int128 wide;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int decimal_parse_nano(const char *text, int64_t *ret_nano)
{
	bool negative = *text == '-', point = false;
	int places = 0, digits = 0;
	int64_t value = 0;

	if (*text == '-' || *text == '+')
		text++;
	for (; is_digit(*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits++;
		if (point && places == PLACES)
			continue;
		places += point ? 1 : 0;
		if (__builtin_mul_overflow(value, PLACES_FACTOR, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return -ERANGE;
	}
	if (digits == 0 || (*text != '\0' && *text != '\n'))
		return -EBADMSG;
	for (; places < PLACES; places++)
		if (__builtin_mul_overflow(value, PLACES_FACTOR, &value))
			return -ERANGE;
	*ret_nano = negative ? -value : value;
	return 0;
}

int decimal_scale(int64_t raw_nano, int64_t offset_nano, int64_t scale_nano, int64_t ratio_ppm,
		  int64_t *ret)
{
	const wide unit = (wide)DECIMAL_ONE * MILLION;
	wide value;

	/* Two factors of 63 bits fit; the third is multiplied behind the first division's place. */
	value = ((wide)raw_nano + offset_nano) * scale_nano;
	value /= DECIMAL_ONE;
	if (__builtin_mul_overflow(value, (wide)ratio_ppm, &value))
		return -ERANGE;
	value = (value + (value < 0 ? -unit : unit) / 2) / unit;
	if (value > INT64_MAX || value < INT64_MIN)
		return -ERANGE;
	*ret = (int64_t)value;
	return 0;
}
