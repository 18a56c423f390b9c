/* amount.h - money as people type and read it.
 *
 * Exact in both directions: nothing is rounded on the way in, and what is shown is rounded toward minus
 * infinity, so a room is never shown richer than it is.
 */
#pragma once

#include <stdint.h>

#define AMOUNT_TEXT_MAX   44
#define AMOUNT_DIGITS_MAX 9

/* "20", "20.5" and "20.00" are 2000, 2050 and 2000 at digits 2 (0 to AMOUNT_DIGITS_MAX).
 * -EINVAL: no amount (a sign, a separator, letters, nothing). -EDOM: more decimals than the currency
 * has. -ERANGE: does not fit. */
int amount_parse(const char *text, unsigned digits, int64_t *ret_minor);

/* value times ten to the multiplier (-9 to 0), with all its decimals: (-5, -2) is "-0.05". */
void amount_format(int64_t value, int multiplier, char buf[static AMOUNT_TEXT_MAX]);

/* Billionths to the minor unit of `digits` (0 to 9) decimals, toward minus infinity. */
int64_t amount_floor(int64_t nano, unsigned digits);

/* Millionths, exact, with at least two decimals and no idle zeros: 538000 is "0.538". */
void amount_format_price(int64_t price_micro, char buf[static AMOUNT_TEXT_MAX]);

/* Letters of an ISO 4217 numeric code ("CNY" for 156), or NULL for one that is not listed. */
const char *amount_currency(int64_t numeric);
