/* money.h - amounts in billionths, exact.
 *
 * Price in micro per kWh times Wh is nano of the currency exactly, so an energy charge is never
 * rounded. Where a division cannot be avoided it floors toward minus infinity and the caller keeps
 * the rest in the last part. Overflow is -ERANGE, never wrapped and never clamped.
 */
#pragma once

#include <stdint.h>

#define MONEY_NANO_PER_UNIT    INT64_C(1000000000)
#define MONEY_MINOR_DIGITS_MAX 9

/* a + b and a - b. -ERANGE on overflow. */
__attribute__((warn_unused_result)) int money_add(int64_t a_nano, int64_t b_nano,
						  int64_t *ret_nano);
__attribute__((warn_unused_result)) int money_subtract(int64_t a_nano, int64_t b_nano,
						       int64_t *ret_nano);

/* What wh cost at a price; both may be negative. -ERANGE on overflow. */
__attribute__((warn_unused_result)) int money_energy_nano(int64_t wh, int64_t price_micro_per_kwh,
							  int64_t *ret_nano);

/* floor(total x part / whole), toward minus infinity; the product is taken in 128 bits.
 * -EINVAL: whole is not positive. -ERANGE: the result does not fit. */
__attribute__((warn_unused_result)) int money_share(int64_t total, int64_t part, int64_t whole,
						    int64_t *ret_share);

/* Minor units (minor_digits 2: cents) that nano amounts to, rounded toward minus infinity: a screen
 * never shows more than there is. minor_digits is 0 to MONEY_MINOR_DIGITS_MAX. */
int64_t money_floor_minor(int64_t nano, int minor_digits);

/* And back, exactly. -ERANGE on overflow. */
__attribute__((warn_unused_result)) int money_from_minor(int64_t minor, int minor_digits,
							 int64_t *ret_nano);
