/* backoff.c - full jitter between nothing and a doubling ceiling. */
#include "uplink/backoff.h"

#include <assert.h>

static int64_t drawn(uint64_t random, int64_t ceiling_us)
{
	/* 128 bits: the upper half of random x range is even over the range. */
	__extension__ typedef unsigned __int128 wide;
	return (int64_t)(((wide)random * (wide)((uint64_t)ceiling_us + 1)) >> 64);
}

static int64_t at_least(int64_t wait_us)
{
	return wait_us < BACKOFF_LEAST_US ? BACKOFF_LEAST_US : wait_us;
}

static void count_failure(struct backoff *backoff)
{
	assert(backoff->base_us > 0 && backoff->cap_us >= backoff->base_us);
	if (backoff->failures < UINT32_MAX)
		backoff->failures++;
}

int64_t backoff_next_us(struct backoff *backoff, uint64_t random)
{
	int64_t ceiling_us = backoff->base_us;

	for (unsigned i = 0; i < backoff->failures && ceiling_us < backoff->cap_us; i++)
		ceiling_us = ceiling_us > backoff->cap_us / 2 ? backoff->cap_us : ceiling_us * 2;
	count_failure(backoff);
	return at_least(drawn(random, ceiling_us));
}

int64_t backoff_slow_us(struct backoff *backoff, uint64_t random)
{
	count_failure(backoff);
	return at_least(backoff->cap_us / 2 + drawn(random, backoff->cap_us - backoff->cap_us / 2));
}

int64_t backoff_named_us(struct backoff *backoff, int64_t retry_after_s, uint64_t random)
{
	if (retry_after_s < 0)
		retry_after_s = 0;
	if (retry_after_s > BACKOFF_RETRY_AFTER_S)
		retry_after_s = BACKOFF_RETRY_AFTER_S;
	count_failure(backoff);
	return at_least(retry_after_s * 1000000 + drawn(random, backoff->base_us));
}

void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
}
