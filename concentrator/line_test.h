/* line_test.h - a test of a line: every address asked in rounds, and pauses to hear what is heard then.
 *
 * Pure, like scan.h: one request out, its end in. A pause comes behind a good answer where there is
 * one, so that no late answer is taken for noise. An address that is not commissioned is asked once for
 * a holding and once for an input register; where nothing answers it is left alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/line_check.h"
#include "concentrator/scan.h"

#define LINE_TEST_PAUSE_US INT64_C(1000000)

struct line_test_target {
	uint8_t address;
	bool expected;         /* commissioned: `read` is its money register */
	struct scan_read read; /* of an expected one */
};

struct line_test {
	unsigned rounds; /* at least 2 */
	size_t count;
	struct line_test_target target[CHECK_DEVICES_MAX];
	/* The rest is the test's own; zero at first. */
	size_t at;
	unsigned round;
	unsigned pauses;
	bool answered; /* the last request was */
	bool paused;   /* what is found before the next request is noise */
	bool gone[CHECK_DEVICES_MAX];
	bool input[CHECK_DEVICES_MAX]; /* answers input registers alone */
	int64_t done;
	struct check_figures figures;
};

enum line_test_step { LINE_TEST_ASK, LINE_TEST_PAUSE, LINE_TEST_OVER };

/* The next step; the same until line_test_end() or line_test_paused(). */
enum line_test_step line_test_next(struct line_test *test, struct scan_read *ret);

/* How the request ended. turnaround_us -1: nothing came. stray: bytes found before it. */
void line_test_end(struct line_test *test, enum tally_end end, int64_t turnaround_us,
		   uint32_t stray, bool echo);

/* The pause is over; undisturbed: nobody was asked meanwhile. */
void line_test_paused(struct line_test *test, bool undisturbed);

void line_test_progress(const struct line_test *test, int64_t *ret_done, int64_t *ret_total);
