/* schedule_command.c - see schedule_command.h. */
#include "concentrator/rules/schedule_command.h"

#include <assert.h>
#include <errno.h>

void schedule_sooner(int64_t *wait_us, int64_t at_us)
{
	if (at_us < *wait_us)
		*wait_us = at_us;
}

bool schedule_avoids(const struct schedule *schedule, uint16_t device, int64_t now_us)
{
	return schedule->avoid == device && now_us < schedule->quiet_until_us;
}

int schedule_command(struct schedule *schedule, uint16_t device, uint16_t channel, bool close,
		     uint32_t cookie, int64_t now_us, bool *ret_replaced_any,
		     uint32_t *ret_replaced)
{
	size_t kept = 0;
	size_t count = schedule->commands;
	bool replaced = false;
	uint32_t replaced_cookie = 0;

	assert(device < schedule->devices);
	for (size_t i = 0; i < count; i++) {
		const struct schedule_command *command = &schedule->command[i];

		if (command->device == device && command->channel == channel) {
			replaced = true;
			replaced_cookie = command->cookie;
		} else {
			schedule->command[kept++] = *command;
		}
	}
	schedule->commands = kept;
	if (kept == SCHEDULE_COMMANDS_MAX)
		return -ENOSPC;
	schedule->command[schedule->commands++] = (struct schedule_command){
		.device = device,
		.channel = channel,
		.close = close,
		.cookie = cookie,
		.queued_us = now_us,
	};
	*ret_replaced_any = replaced;
	*ret_replaced = replaced_cookie;
	return 0;
}

bool schedule_withdraw(struct schedule *schedule, uint16_t device, uint16_t channel)
{
	size_t kept = 0;
	size_t count = schedule->commands;

	for (size_t i = 0; i < count; i++)
		if (schedule->command[i].device != device ||
		    schedule->command[i].channel != channel)
			schedule->command[kept++] = schedule->command[i];
	schedule->commands = kept;
	return kept < count;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* From when on a command may go. */
static int64_t command_from_us(const struct schedule *schedule,
			       const struct schedule_command *command, int64_t now_us)
{
	const struct schedule_device *device = &schedule->device[command->device];
	int64_t gap_us = device->traits.gap_us;
	int64_t from_us = now_us;

	/* It rests behind what is on its way, whose end is not known yet. */
	if (gap_us > 0 && device->in_flight != 0)
		return SCHEDULE_NEVER_US;
	if (device->last_us != 0 && device->last_us + gap_us > from_us)
		from_us = device->last_us + gap_us;
	if (schedule_avoids(schedule, command->device, now_us))
		from_us = larger(from_us, schedule->quiet_until_us);
	if (command->close && schedule->has_closed &&
	    schedule->closed_us + schedule->policy.close_stagger_us > from_us)
		from_us = schedule->closed_us + schedule->policy.close_stagger_us;
	return from_us;
}

size_t schedule_find_command(const struct schedule *schedule, int64_t now_us, int64_t *wait_us)
{
	size_t found = schedule->commands;

	for (size_t i = 0; i < schedule->commands; i++) {
		const struct schedule_command *command = &schedule->command[i];
		int64_t from_us = command_from_us(schedule, command, now_us);

		if (from_us > now_us)
			schedule_sooner(wait_us, from_us);
		else if (found == schedule->commands ||
			 (schedule->command[found].close && !command->close))
			found = i;
	}
	return found;
}

bool schedule_relay_waits(const struct schedule *schedule, int64_t now_us)
{
	int64_t wait_us = SCHEDULE_NEVER_US;

	return schedule_find_command(schedule, now_us, &wait_us) < schedule->commands;
}

struct schedule_job schedule_take_command(struct schedule *schedule, size_t index, int64_t now_us)
{
	struct schedule_command command = schedule->command[index];

	for (size_t i = index + 1; i < schedule->commands; i++)
		schedule->command[i - 1] = schedule->command[i];
	schedule->commands--;
	if (command.close) {
		schedule->closed_us = now_us;
		schedule->has_closed = true;
	}
	return (struct schedule_job){
		.device = command.device,
		.span = SCHEDULE_RELAY,
		.same_device = schedule->device[command.device].in_flight != 0,
		.channel = command.channel,
		.close = command.close,
		.cookie = command.cookie,
	};
}

void schedule_restore_command(struct schedule *schedule, const struct schedule_job *job,
			      int64_t now_us)
{
	/* A newer command for this relay overrides it; else it is the first again. */
	for (size_t i = 0; i < schedule->commands; i++)
		if (schedule->command[i].device == job->device &&
		    schedule->command[i].channel == job->channel)
			return;
	assert(schedule->commands < SCHEDULE_COMMANDS_MAX);
	for (size_t i = schedule->commands; i > 0; i--)
		schedule->command[i] = schedule->command[i - 1];
	schedule->command[0] = (struct schedule_command){
		.device = job->device,
		.channel = job->channel,
		.close = job->close,
		.cookie = job->cookie,
		.queued_us = now_us,
	};
	schedule->commands++;
	if (job->close)
		schedule->has_closed = false;
}
