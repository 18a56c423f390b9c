/* bands.h - what a meter's own band registers say of a step.
 *
 * M7  A step that straddles a boundary between two bands, with no reading there, is split by the meter's
 *     own band registers where they can be believed. They never say how much was used, the total register
 *     does; and the meter's own clock and timetable say which of them counts, so they are held against
 *     the tariff's calendar. They are not believed
 *
 *      * unless every band of each tariff in force within the step has its register by name
 *        (BANDS_UNNAMED), nor where a tariff without bands is (BANDS_NOTHING);
 *      * where one has fallen (BANDS_FALL), or what all of them moved together is off from the step by more
 *        than one unit of resolution for each of them (BANDS_SUM);
 *      * where one moved by more than one unit of resolution, though its band, if it has one, holds at no
 *        time from BANDS_SLACK_S before the step to BANDS_SLACK_S behind it: the meter's clock is wrong
 *        (BANDS_CLOCK);
 *      * within BANDS_DOUBT_S after such a wrong clock (BANDS_DOUBTED): it shows at some boundaries and stays
 *        unseen at others;
 *      * for a step longer than BANDS_LONG_S (BANDS_NOTHING).
 *
 *     What a register moved is shared among its band's stretches by time, floor to each and the rest to its
 *     last. What one moved whose band has no time in the step goes to the first stretch where the band held
 *     before it, else to the last. In time order each stretch takes that as far as the step reaches, and the last one
 *     takes all that is left.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/tariff.h"

#define BANDS_MAX     4 /* registers of a meter */
#define BANDS_SLACK_S INT64_C(300)
#define BANDS_DOUBT_S (8 * CALENDAR_DAY_S) /* a week's timetable, whole */
#define BANDS_LONG_S  (31 * CALENDAR_DAY_S)

/* The band of the tariff that each register of a meter counts; "": none. */
struct bands_names {
	char name[BANDS_MAX][TARIFF_BAND_NAME_MAX + 1];
};

/* What the registers moved in a step. */
struct bands_step {
	const struct bands_names *names; /* borrowed */
	uint32_t count;                  /* registers that the meter has: 1 to BANDS_MAX */
	int64_t wh[BANDS_MAX];
	int64_t resolution_wh; /* of each of them; at least 1 */
	int64_t doubted_s;     /* Unix, when BANDS_CLOCK was last found; 0: never */
};

enum bands_verdict {
	BANDS_NOTHING, /* nothing to be said: no bands, or too long */
	BANDS_BELIEVED,
	BANDS_UNNAMED,
	BANDS_FALL,
	BANDS_SUM,
	BANDS_CLOCK,
	BANDS_DOUBTED,
};

/* A step being shared out; its fields are private. */
struct bands_split {
	const struct bands_names *names;
	int64_t wh[BANDS_MAX]; /* of a register, and the time of its band within the step ... */
	int64_t span_s[BANDS_MAX];
	int64_t left_wh[BANDS_MAX]; /* ... and what is left of both for the stretches to come */
	int64_t left_s[BANDS_MAX];
	int64_t first_wh; /* more for the first stretch */
	uint32_t held;    /* bit for each register: its band has time in the step */
	uint32_t
		by_time; /* ... in more than one stretch, and the price depends on how it is shared */
};

/* Are the registers to be believed about wh, used from from_s to to_s (Unix, from_s before to_s)? ret is
 * filled with BANDS_BELIEVED alone. */
enum bands_verdict bands_judge(const struct bands_step *step, const struct tariff_book *book,
			       const struct offset_table *zone, int64_t wh, int64_t from_s,
			       int64_t to_s, struct bands_split *ret);

/* Is there anything to split: do two bands or more have time in the step? */
bool bands_divide(const struct bands_split *split);

/* The next stretch in time order, of one band of tariff. *ret_by_time: it had to be shared by time, and the
 * price depends on that. -ERANGE: a product does not fit. */
__attribute__((warn_unused_result)) int bands_take(struct bands_split *split,
						   const struct tariff *tariff, uint32_t band,
						   int64_t length_s, int64_t *ret_wh,
						   bool *ret_by_time);

/* Why they are not believed, for people; "" for BANDS_NOTHING and BANDS_BELIEVED. */
const char *bands_doubt(enum bands_verdict verdict);
