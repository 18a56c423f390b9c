/* tax.h - tax on what is charged, exact however finely it is settled.
 *
 * Tax that is added is taken with each settlement, rounded down to the nano, and what was cut off is
 * carried to the next one: 1,440 charges of a minute bear the tax of one charge of a day, also where the
 * rate changes in between. Tax that is included moves no balance: of the price net is rounded down and tax
 * is the rest.
 *
 * Rates are in millionths: 130000 is 13 %.
 */
#pragma once

#include <stdint.h>

#define TAX_PPM      INT64_C(1000000)
#define TAX_RATE_MAX TAX_PPM /* 100 % */

/* Tax being added up. Zero-initialised: nothing carried. */
struct tax_carry {
	int64_t nano; /* so far */
	int64_t rest; /* millionths of a nano not taken yet; 0 to TAX_PPM - 1 */
};

/* Adds the tax on an amount, which may be negative where a charge is taken back. -ERANGE: it does not
 * fit; carry is as it was. */
__attribute__((warn_unused_result)) int tax_add(struct tax_carry *carry, int64_t amount_nano,
						int32_t rate_ppm);

/* Of a gross amount (not negative) that includes tax, what is net. */
int64_t tax_net_nano(int64_t gross_nano, int32_t rate_ppm);
