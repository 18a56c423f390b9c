/* silence.c - see silence.h. */
#include "concentrator/rules/silence.h"

bool silence_is_outage(const struct silence_line *lines, size_t count, enum silence_incomer incomer,
		       bool out)
{
	int64_t first_us = INT64_MAX, last_us = INT64_MIN;
	size_t counted = 0;

	for (size_t i = 0; i < count; i++) {
		if (!lines[i].counts)
			continue;
		if (!lines[i].silent)
			return false;
		counted++;
		if (lines[i].since_us < first_us)
			first_us = lines[i].since_us;
		if (lines[i].since_us > last_us)
			last_us = lines[i].since_us;
	}
	if (incomer != SILENCE_INCOMER_UNKNOWN)
		return counted > 0 && incomer == SILENCE_INCOMER_DEAD;
	return counted > 0 && (out || (counted > 1 && last_us - first_us <= SILENCE_WINDOW_US));
}
