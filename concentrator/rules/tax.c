/* tax.c - see tax.h. */
#include "concentrator/rules/tax.h"

#include <errno.h>

__extension__ typedef __int128 wide; /* of a product */

int tax_add(struct tax_carry *carry, int64_t amount_nano, int32_t rate_ppm)
{
	wide product = (wide)amount_nano * rate_ppm + carry->rest;
	wide whole = product / TAX_PPM;
	int64_t rest = (int64_t)(product % TAX_PPM);

	if (rest < 0) {
		rest += TAX_PPM;
		whole--;
	}
	whole += carry->nano;
	if (whole > INT64_MAX || whole < INT64_MIN)
		return -ERANGE;
	carry->nano = (int64_t)whole;
	carry->rest = rest;
	return 0;
}

int64_t tax_net_nano(int64_t gross_nano, int32_t rate_ppm)
{
	return (int64_t)((wide)gross_nano * TAX_PPM / (TAX_PPM + rate_ppm));
}
