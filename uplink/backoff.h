/* backoff.h - how long to wait before the next try.
 *
 * Pure: the caller brings the random number and the clock. Full jitter: each wait is drawn evenly
 * from nothing to a ceiling that doubles from base to cap, so that many boxes that lost the cloud
 * together do not come back together.
 */
#pragma once

#include <stdint.h>

#define BACKOFF_LEAST_US      INT64_C(100000) /* never a busy loop, whatever is drawn */
#define BACKOFF_RETRY_AFTER_S 3600            /* the longest Retry-After that is honoured */

struct backoff {
	int64_t base_us; /* > 0 */
	int64_t cap_us;  /* >= base_us */
	unsigned failures;
};

/* After a failure. random: 64 evenly spread bits. Returns microseconds, BACKOFF_LEAST_US or more. */
int64_t backoff_next_us(struct backoff *backoff, uint64_t random);

/* After an answer that says we are not welcome: between half the cap and the cap. */
int64_t backoff_slow_us(struct backoff *backoff, uint64_t random);

/* After the cloud named a time: that long, at most BACKOFF_RETRY_AFTER_S, plus up to base of jitter. */
int64_t backoff_named_us(struct backoff *backoff, int64_t retry_after_s, uint64_t random);

/* After a good answer. */
void backoff_reset(struct backoff *backoff);
