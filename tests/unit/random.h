/* random.h - numbers for property tests: one seed, one run; the seed is printed.
 *
 * Long loops divide their count by PREPAY_TEST_DIVISOR (1 when unset).
 */
#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct random {
	uint64_t state;
};

static inline struct random random_start(const char *what, uint64_t fallback)
{
	const char *text = getenv("PREPAY_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : fallback;

	printf("%s: seed %" PRIu64 "\n", what, seed);
	return (struct random){.state = seed};
}

/* splitmix64 */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* low to high, both included. */
static inline int64_t random_between(struct random *random, int64_t low, int64_t high)
{
	return low + (int64_t)(random_next(random) % (uint64_t)(high - low + 1));
}

static inline long random_rounds(long count)
{
	const char *text = getenv("PREPAY_TEST_DIVISOR");
	long divisor = text ? strtol(text, NULL, 10) : 1;

	return divisor > 1 ? (count + divisor - 1) / divisor : count;
}
