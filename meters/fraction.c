/* fraction.c - products and quotients in lowest terms. */
#include "meters/fraction.h"

#include <assert.h>

static int64_t greatest_divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* denominator is positive. */
static bool fraction_reduce(int64_t numerator, int64_t denominator, struct fraction *ret)
{
	int64_t divisor;

	if (numerator == 0) {
		*ret = (struct fraction){.numerator = 0, .denominator = 1};
		return true;
	}
	divisor = greatest_divisor(numerator < 0 ? -numerator : numerator, denominator);
	numerator /= divisor;
	if (numerator > FRACTION_NUMERATOR_MAX || numerator < -FRACTION_NUMERATOR_MAX)
		return false;
	*ret = (struct fraction){.numerator = numerator, .denominator = denominator / divisor};
	return true;
}

bool fraction_multiply(const struct fraction *a, int64_t factor, struct fraction *ret)
{
	int64_t numerator;

	if (__builtin_mul_overflow(a->numerator, factor, &numerator) || numerator == INT64_MIN)
		return false;
	return fraction_reduce(numerator, a->denominator, ret);
}

bool fraction_divide(const struct fraction *a, int64_t divisor, struct fraction *ret)
{
	int64_t denominator;

	assert(divisor > 0);
	if (__builtin_mul_overflow(a->denominator, divisor, &denominator))
		return false;
	return fraction_reduce(a->numerator, denominator, ret);
}
