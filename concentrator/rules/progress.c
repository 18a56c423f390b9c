#include "concentrator/rules/progress.h"

#define UWH_PER_WH INT64_C(1000000)

struct progress_doubt progress_step(struct progress *progress, int64_t register_wh,
				    bool power_known, int64_t power_w, int64_t resolution_wh,
				    int64_t at_us)
{
	int64_t elapsed_us = at_us - progress->at_us, flowed_uwh, least_uwh;
	struct progress_doubt doubt = {0};

	if (!progress->begun || register_wh != progress->wh)
		progress->expected_uwh = 0;
	else if (power_known && power_w > 0 && elapsed_us > 0 && elapsed_us <= PROGRESS_GAP_US &&
		 /* W times us is 3600 millionths of a Wh. */
		 !__builtin_mul_overflow(power_w, elapsed_us, &flowed_uwh) &&
		 __builtin_add_overflow(progress->expected_uwh, flowed_uwh / 3600,
					&progress->expected_uwh))
		progress->expected_uwh = INT64_MAX / 2;
	progress->begun = true;
	progress->wh = register_wh;
	progress->at_us = at_us;
	if (!power_known || power_w >= -PROGRESS_BACKWARD_W)
		progress->backward = 0;
	else if (progress->backward < PROGRESS_BACKWARD_READS)
		progress->backward++;

	if (__builtin_mul_overflow(resolution_wh, PROGRESS_FROZEN_STEPS * UWH_PER_WH, &least_uwh))
		least_uwh = INT64_MAX;
	if (least_uwh < PROGRESS_FROZEN_MIN_WH * UWH_PER_WH)
		least_uwh = PROGRESS_FROZEN_MIN_WH * UWH_PER_WH;
	doubt.frozen = progress->expected_uwh >= least_uwh;
	doubt.backward = progress->backward == PROGRESS_BACKWARD_READS;
	return doubt;
}

bool progress_foresees(const struct progress *progress, int64_t resolution_wh, int64_t *ret_uwh)
{
	int64_t step_uwh;

	if (!progress->begun || __builtin_mul_overflow(resolution_wh, UWH_PER_WH, &step_uwh) ||
	    progress->expected_uwh / 2 >= step_uwh)
		return false;
	*ret_uwh = progress->expected_uwh < step_uwh ? step_uwh - progress->expected_uwh : 0;
	return true;
}
