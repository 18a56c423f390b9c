/* schedule_boundary.c - see schedule.h, M7: when the round begins, and when it is over. */
#include "concentrator/rules/schedule_boundary.h"

#define REGISTER_BIT (1U << SCHEDULE_ENERGY)

static uint8_t reads_of(const struct schedule_device *device)
{
	uint8_t round = device->traits.round[SCHEDULE_ENERGY];

	if (device->traits.cost_us[SCHEDULE_ENERGY] == 0)
		return 0;
	return round > 0 ? round : 1;
}

void schedule_boundary(struct schedule *schedule, int64_t at_us, bool behind)
{
	schedule->boundary_us = at_us;
	schedule->boundary_behind = behind;
	for (size_t i = 0; i < schedule->devices; i++)
		schedule->device[i].boundary = at_us != 0 ? reads_of(&schedule->device[i]) : 0;
}

bool schedule_boundary_wants(const struct schedule_device *device)
{
	return device->state == SCHEDULE_ALIVE && device->traits.cost_us[SCHEDULE_ENERGY] > 0 &&
	       (device->boundary > 0 || (device->asked & REGISTER_BIT) != 0);
}

int64_t schedule_boundary_from_us(const struct schedule *schedule)
{
	int64_t left_us = 0;
	bool any = false;

	if (schedule->boundary_us == 0)
		return SCHEDULE_NEVER_US;
	for (size_t i = 0; i < schedule->devices; i++) {
		const struct schedule_device *device = &schedule->device[i];

		if (!schedule_boundary_wants(device))
			continue;
		any = true;
		left_us += device->boundary * device->traits.cost_us[SCHEDULE_ENERGY];
	}
	if (!any)
		return SCHEDULE_NEVER_US;
	if (schedule->boundary_behind)
		return schedule->boundary_us;
	/* What is left shrinks as fast as time passes, and half of it half as fast: once begun it stays so. */
	left_us /= 2;
	return schedule->boundary_us -
	       (left_us < SCHEDULE_BOUNDARY_US ? left_us : SCHEDULE_BOUNDARY_US);
}

bool schedule_boundary_runs(const struct schedule *schedule, int64_t now_us)
{
	return schedule->boundary_us != 0 &&
	       now_us < schedule->boundary_us + SCHEDULE_BOUNDARY_US &&
	       schedule_boundary_from_us(schedule) <= now_us;
}

void schedule_boundary_read(struct schedule *schedule, struct schedule_device *device,
			    int64_t now_us)
{
	if (device->boundary > 0 && schedule_boundary_runs(schedule, now_us))
		device->boundary--;
}
