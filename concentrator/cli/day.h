/* day.h - dates and times as people type them, in the zone of the process. */
#pragma once

#include <stdint.h>

#include "concentrator/cli/session.h"

/* "2026-11-01", "2026-11-01 08:30" or "2026-11-01T08:30". -EINVAL: not a date, or one that is not there. */
int day_parse(const char *text, int64_t *ret_s);

/* Puts the time of an option into args where it was given. Returns 0, or the exit code after the problem. */
int day_option(struct call *call, const char *option, json_t *args, const char *name);
