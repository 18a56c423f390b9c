/* zone.h - the building's time zone as a plain table of offsets.
 *
 * glibc has one zone for the whole process, so it is set once, at start, before the first thread; the
 * rules never ask it but are given the table.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct zone_transition {
	int64_t from_s;   /* Unix; the offset holds from here to the next transition */
	int32_t offset_s; /* local time minus UTC; Asia/Shanghai is 28800 */
};

/* Is there such an IANA zone ("Europe/Berlin")? 0, -ENOENT when the system does not know it, -EINVAL
 * when it is no name. TZDIR in the environment is honoured as glibc does. */
int zone_check(const char *name);

/* Makes name the zone of this process. Errors as zone_check(), -ENOMEM; on error nothing changes (glibc
 * alone would quietly take UTC for an unknown name). Not thread safe: call it at start. */
int zone_set(const char *name);

/* The offsets in force in [from_s, to_s) in order of time. The first row is from_s itself with the
 * offset that holds there, so count is at least 1. -EINVAL for an empty period or one of more than 100
 * years, -ENOBUFS when there are more than max rows. Costs one conversion for each day of the period. */
int zone_transitions(int64_t from_s, int64_t to_s, size_t max, struct zone_transition ret[],
		     size_t *ret_count);
