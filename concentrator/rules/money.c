/* money.c - see money.h. */
#include "concentrator/rules/money.h"

#include <assert.h>
#include <errno.h>

int money_add(int64_t a_nano, int64_t b_nano, int64_t *ret_nano)
{
	int64_t sum;

	if (__builtin_add_overflow(a_nano, b_nano, &sum))
		return -ERANGE;
	*ret_nano = sum;
	return 0;
}

int money_subtract(int64_t a_nano, int64_t b_nano, int64_t *ret_nano)
{
	int64_t difference;

	if (__builtin_sub_overflow(a_nano, b_nano, &difference))
		return -ERANGE;
	*ret_nano = difference;
	return 0;
}

int money_energy_nano(int64_t wh, int64_t price_micro_per_kwh, int64_t *ret_nano)
{
	int64_t product;

	if (__builtin_mul_overflow(wh, price_micro_per_kwh, &product))
		return -ERANGE;
	*ret_nano = product;
	return 0;
}

int money_share(int64_t total, int64_t part, int64_t whole, int64_t *ret_share)
{
	__extension__ __int128 product = total;
	__extension__ __int128 share;

	if (whole <= 0)
		return -EINVAL;
	product *= part;
	share = product / whole;
	if (product % whole < 0)
		share--;
	if (share < INT64_MIN || share > INT64_MAX)
		return -ERANGE;
	*ret_share = (int64_t)share;
	return 0;
}

static int64_t nano_per_minor(int minor_digits)
{
	int64_t nano = MONEY_NANO_PER_UNIT;

	assert(minor_digits >= 0 && minor_digits <= MONEY_MINOR_DIGITS_MAX);
	for (int i = 0; i < minor_digits; i++)
		nano /= 10;
	return nano;
}

int64_t money_floor_minor(int64_t nano, int minor_digits)
{
	int64_t unit = nano_per_minor(minor_digits);
	int64_t minor = nano / unit;

	return nano % unit < 0 ? minor - 1 : minor;
}

int money_from_minor(int64_t minor, int minor_digits, int64_t *ret_nano)
{
	int64_t nano;

	if (__builtin_mul_overflow(minor, nano_per_minor(minor_digits), &nano))
		return -ERANGE;
	*ret_nano = nano;
	return 0;
}
