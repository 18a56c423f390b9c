/* schedule_boundary.h - the round of register reads at a boundary of the price; for schedule*.c alone. */
#pragma once

#include "concentrator/rules/schedule.h"

/* When the round begins; SCHEDULE_NEVER_US: nothing is left to be read. */
int64_t schedule_boundary_from_us(const struct schedule *schedule);

/* Does the round that is under way want this device's register? Also once more, where that was asked
 * for: a reading that is not believed at once counts when it is repeated. */
bool schedule_boundary_wants(const struct schedule_device *device);

/* The device's register was read, or it refused. */
void schedule_boundary_read(struct schedule *schedule, struct schedule_device *device,
			    int64_t now_us);
