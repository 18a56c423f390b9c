/* protect.h - hours in which nobody is cut for money: a weekly calendar with special days.
 *
 * Everything follows the building's local clock to the minute: hours in a repeated hour protect twice, those in
 * a skipped one not at all. Hours past midnight belong to the day on which they begin. A rule counts from its
 * first day to its last, so a calendar can be staged beside the one in force.
 *
 * S1  A cut that is due waits for the end, and for the extra time behind it; that is no lack of evidence,
 *     and uses no cap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"

#define PROTECT_RULES_MAX    8
#define PROTECT_HOURS_MAX    4
#define PROTECT_DATES_MAX    32
#define PROTECT_EXTRA_MAX_S  INT64_C(86400)
#define PROTECT_LOOK_AHEAD_S (INT64_C(8) * CALENDAR_DAY_S)

/* Minutes of the local day, 0 to 1440; where to is not above from it is on the next day. */
struct protect_hours {
	int32_t from;
	int32_t to;
};

/* A special day: of every year, or of one. */
struct protect_date {
	int32_t year; /* 0: every year */
	int32_t month;
	int32_t day;
	bool except; /* the rule does not protect on it, whatever the weekday */
};

struct protect_rule {
	int64_t first_day; /* calendar_day_number(); INT64_MIN: always was in force */
	int64_t last_day;  /* INT64_MAX: has no end */
	uint32_t weekdays; /* bit 0 is Monday */
	size_t hours_count;
	struct protect_hours hours[PROTECT_HOURS_MAX];
	size_t date_count;
	struct protect_date date[PROTECT_DATES_MAX];
};

/* Zero-initialised: no hour is protected. */
struct protect_rules {
	int64_t extra_s; /* 0 to PROTECT_EXTRA_MAX_S */
	size_t count;
	struct protect_rule rule[PROTECT_RULES_MAX];
};

/* The Unix second at which protection ends, extra time included and hours that follow each other taken
 * together; 0: at_s is not protected. Looks no further than PROTECT_LOOK_AHEAD_S. */
int64_t protect_until_s(const struct protect_rules *rules, const struct offset_table *zone,
			int64_t at_s);
