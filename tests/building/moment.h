/* moment.h - what time it is, for the simulator.
 *
 * Everything runs on CLOCK_BOOTTIME, the clock of the daemon's own *_us values, so that the two
 * sides of a test can be laid beside each other. Unix time is only told, never reckoned with.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t moment_ns(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_BOOTTIME, &at);
	return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static inline int64_t moment_unix_us(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static inline int64_t moment_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline int64_t moment_sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
