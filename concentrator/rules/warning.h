/* warning.h - levels of money, or of days left, of which a tenant is told once.
 *
 * A level is crossed when the value is at or below it. It is told once, and again only after a recharge has
 * lifted the value above it: a forecast that wavers around a level tells nothing new.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WARNING_LEVELS_MAX 4

/* From the highest to the lowest. */
struct warning_levels {
	size_t count;
	int64_t at[WARNING_LEVELS_MAX];
};

/* Tells crossings into *told, a bit for each level. Returns how many of the levels are crossed now where one
 * of them is new, so that the last of these is what to say; 0: nothing is new. */
size_t warning_step(uint32_t *told, const struct warning_levels *levels, int64_t value);

/* There was a recharge: levels below the value may be told again. true: *told has changed. */
bool warning_rearm(uint32_t *told, const struct warning_levels *levels, int64_t value);
