/* tariff_parts.h - a step priced whole, for the tests. */
#pragma once

#include "concentrator/rules/tariff_price.h"

#define PARTS_MAX 4096

struct parts {
	size_t count;
	struct tariff_part part[PARTS_MAX];
};

/* Prices a step into ret; use moves. On an error ret is as it was. */
static inline int price_step(const struct tariff_book *book, const struct offset_table *zone,
			     struct tariff_use *use, const struct tariff_step *step,
			     struct parts *ret)
{
	struct tariff_pricing pricing;
	struct tariff_part part;
	size_t count = 0;
	int r = tariff_price_begin(&pricing, book, zone, use, step);

	while (r == 0 && (r = tariff_price_next(&pricing, &part)) > 0) {
		if (count == PARTS_MAX)
			return -1;
		ret->part[count++] = part;
		r = 0;
	}
	if (r == 0)
		ret->count = count;
	return r;
}

static inline int64_t parts_nano(const struct parts *parts)
{
	int64_t sum = 0;

	for (size_t i = 0; i < parts->count; i++)
		sum += parts->part[i].amount_nano;
	return sum;
}

static inline int64_t parts_wh(const struct parts *parts)
{
	int64_t sum = 0;

	for (size_t i = 0; i < parts->count; i++)
		sum += parts->part[i].wh;
	return sum;
}
