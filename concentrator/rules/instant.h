/* instant.h - "now", as every rule is given it.
 *
 * The rules read no clock. The shell takes one instant per event and hands it down, so the same
 * decisions can be replayed under a simulated clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct instant {
	int64_t us;   /* CLOCK_BOOTTIME, microseconds: durations, never steps */
	int64_t s;    /* Unix UTC, seconds: meaningful only where trusted */
	bool trusted; /* s comes from a source on the trust ladder; false: no cut for money */
};
