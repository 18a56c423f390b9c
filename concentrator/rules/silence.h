/* silence.h - a line that says nothing, or a building without power?
 *
 * One meter that does not answer is the schedule's matter. When more than half of a line falls silent at once,
 * the line is at fault: adapter, wires, its power. When every line that spoke falls silent at about the same
 * time, no adapter and no wire is: the meters have no power. Garbled answers are no silence: who sends them has
 * power. The incomer's voltage, where it is measured, decides. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the first line's silence to the last's: a long line takes longer to notice. */
#define SILENCE_WINDOW_US INT64_C(180000000)

/* One line as its schedule sees it. */
struct silence_line {
	bool counts;      /* it has meters, and its adapter is there */
	bool silent;      /* at fault, or its only meter does not answer; and no bytes come */
	int64_t since_us; /* CLOCK_BOOTTIME; when silent */
};

/* The voltage of the mains where the building is fed. */
enum silence_incomer { SILENCE_INCOMER_UNKNOWN, SILENCE_INCOMER_DEAD, SILENCE_INCOMER_LIVE };

/* Is the power out? Each line that counts must be silent, and one at least must count. Then the incomer tells;
 * where it is not known two lines must, and, when an outage is not known yet (out is false), they fell silent
 * within the window. One line alone cannot tell. */
bool silence_is_outage(const struct silence_line *lines, size_t count, enum silence_incomer incomer,
		       bool out);
