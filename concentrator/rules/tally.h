/* tally.h - how well a device, or a whole line, answers: counters that people can act on.
 *
 * Pure and of fixed size: totals since the start, and the last hour as four slices of fifteen
 * minutes, each with a histogram of the turnaround. A slice is dropped as a whole, so "the last hour"
 * is the quarter under way and the three before it: 45 to 60 minutes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TALLY_SLICES   4
#define TALLY_SLICE_US INT64_C(900000000)
#define TALLY_BINS     21 /* of the turnaround; two to an octave from 1 ms to 1 s */

/* How a request ended. */
enum tally_end {
	TALLY_GOOD,
	TALLY_EXCEPTION, /* it answered, and refused */
	TALLY_TIMEOUT,   /* not a byte came */
	TALLY_CRC,       /* a whole frame came, with a wrong check sum */
	TALLY_GARBLED,   /* something else came: too short, too long, too early, another's answer */
	TALLY_ENDS
};

struct tally_counts {
	uint64_t end[TALLY_ENDS];
	uint64_t stray; /* bytes found on the wire before a request, that nobody had asked for */
};

struct tally_slice {
	int64_t number; /* its start / TALLY_SLICE_US */
	uint32_t end[TALLY_ENDS];
	uint32_t stray;
	uint32_t bin[TALLY_BINS];
};

/* Zero-initialised: empty. */
struct tally {
	struct tally_counts total;
	struct tally_slice slice[TALLY_SLICES];
};

/* Counts one request. turnaround_us: from its end to the first byte of the answer; counted for good
 * answers and exceptions alone, and not below zero. */
void tally_count(struct tally *tally, enum tally_end end, int64_t turnaround_us, int64_t now_us);

void tally_stray(struct tally *tally, uint32_t bytes, int64_t now_us);

/* What is left of the last hour. */
void tally_hour(const struct tally *tally, int64_t now_us, struct tally_slice *ret);

/* Requests counted. */
uint64_t tally_requests(const struct tally_counts *counts);
uint64_t tally_slice_requests(const struct tally_slice *slice);

/* Answered requests (exceptions are answers) of all, in millionths, rounded down; -1: nothing was
 * asked. */
int64_t tally_quality_ppm(const struct tally_slice *slice);

/* The turnaround that permille of the answers did not exceed, microseconds, interpolated within its
 * bin, so true to a factor of 1.42; -1: no answer was counted. Above a second it is told as a second. */
int64_t tally_turnaround_us(const struct tally_slice *slice, unsigned permille);
