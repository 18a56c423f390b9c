/* progress.h - does the register go on as the power beside it says?
 *
 * Pure. A register that stands still while power flows charges nobody, and power that flows backward is no
 * credit: neither is corrected here, both are told. The guard has accepted the register before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_FROZEN_STEPS   10                 /* register steps that should have come ... */
#define PROGRESS_FROZEN_MIN_WH  100                /* ... and at least so much energy */
#define PROGRESS_GAP_US         INT64_C(600000000) /* between two readings; longer proves nothing */
#define PROGRESS_BACKWARD_W     20                 /* less is noise of an idle meter */
#define PROGRESS_BACKWARD_READS 3

/* State of one point. Zero-initialised: nothing seen. */
struct progress {
	bool begun;
	int64_t wh;
	int64_t at_us;
	int64_t expected_uwh; /* by the power, since the register moved; millionths of a Wh */
	uint32_t backward;    /* readings in a row */
};

struct progress_doubt {
	bool frozen;
	bool backward;
};

/* One accepted reading. power_w may be negative (export). at_us: CLOCK_BOOTTIME. */
struct progress_doubt progress_step(struct progress *progress, int64_t register_wh,
				    bool power_known, int64_t power_w, int64_t resolution_wh,
				    int64_t at_us);

/* What is to flow until the register moves again, in millionths of a Wh: by the power since it was seen to
 * move; 0: it should have moved. false: it should have moved long ago, or nothing was seen yet. */
bool progress_foresees(const struct progress *progress, int64_t resolution_wh, int64_t *ret_uwh);
