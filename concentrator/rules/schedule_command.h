/* schedule_command.h - the relay commands that wait for the wire of one line; for schedule.c alone.
 *
 * B3  Opens before closes, closes a stagger apart, and none behind a time-out of its own device.
 */
#pragma once

#include "concentrator/rules/schedule.h"

/* The first command that may go now, opens before closes; the number of commands if none, with
 * wait_us brought forward to when one may. */
size_t schedule_find_command(const struct schedule *schedule, int64_t now_us, int64_t *wait_us);

/* The command as a job; it waits no more. */
struct schedule_job schedule_take_command(struct schedule *schedule, size_t index, int64_t now_us);

/* Puts it in front of the others again, unless a newer one for its relay waits. */
void schedule_restore_command(struct schedule *schedule, const struct schedule_job *job,
			      int64_t now_us);

/* T1b: nothing for the device that timed out last until another was asked, or silence passed. */
bool schedule_avoids(const struct schedule *schedule, uint16_t device, int64_t now_us);

/* The earlier of the two. */
void schedule_sooner(int64_t *wait_us, int64_t at_us);
