/* fraction.h - scales, exactly: a number such as 0.01 is 1 / 100 and never a binary fraction. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FRACTION_NUMERATOR_MAX INT64_C(1000000000000)

/* numerator / denominator in lowest terms; denominator is positive. */
struct fraction {
	int64_t numerator;
	int64_t denominator;
};

/* a x factor, and a / divisor (above zero), in lowest terms; false where it leaves the bounds. ret may
 * be a. */
bool fraction_multiply(const struct fraction *a, int64_t factor, struct fraction *ret);
bool fraction_divide(const struct fraction *a, int64_t divisor, struct fraction *ret);
