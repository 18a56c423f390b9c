/* schedule_result.c - see schedule.h: what the end of a job teaches. B2's accounts are kept
 * here. */
#include <assert.h>
#include <errno.h>

#include "concentrator/rules/schedule_boundary.h"

#define LEARNT_MIN_US       INT64_C(1000)
#define LEARNT_MAX_US       INT64_C(1000000)
#define LEARNT_WIDE_US      INT64_C(150000)
#define WIDE_EVERY          8 /* probes of a silent device, to one that grants it more time */
#define FAULT_WINDOW_US     INT64_C(20000000) /* "at once", and what a long line needs to notice */
#define FAULT_PER_DEVICE_US INT64_C(500000)

/* Rises by half of what it fell short of and sinks by a 512th: it rides near the slowest of a
 * hundred. */
static void learn(struct schedule_device *device, int64_t turnaround_us)
{
	int64_t learnt_us = device->turnaround_us;

	if (turnaround_us < 0)
		return;
	if (learnt_us == 0)
		learnt_us = turnaround_us + turnaround_us / 2;
	else if (turnaround_us > learnt_us)
		learnt_us += (turnaround_us - learnt_us + 1) / 2;
	else
		learnt_us -= (learnt_us - turnaround_us) / 512;
	if (learnt_us < LEARNT_MIN_US)
		learnt_us = LEARNT_MIN_US;
	device->turnaround_us = learnt_us < LEARNT_MAX_US ? learnt_us : LEARNT_MAX_US;
}

int64_t schedule_turnaround_us(const struct schedule *schedule, uint16_t device)
{
	const struct schedule_device *one = &schedule->device[device];
	int64_t wide_us = 4 * one->turnaround_us;
	/* The last poll before silence; then now and then, not all that fell silent together. */
	bool wide = one->state == SCHEDULE_ALIVE ? one->failures == SCHEDULE_SILENT_POLLS - 1
						 : (one->failures + device) % WIDE_EVERY == 0;

	assert(device < schedule->devices);
	if (!wide || one->turnaround_us >= LEARNT_WIDE_US)
		return one->turnaround_us;
	return wide_us < LEARNT_WIDE_US ? wide_us : LEARNT_WIDE_US;
}

/* Three quarters to the whole of us, so that probes of a line do not march in step. */
static int64_t jitter(struct schedule *schedule, int64_t us)
{
	/* xorshift32 */
	schedule->seed ^= schedule->seed << 13;
	schedule->seed ^= schedule->seed >> 17;
	schedule->seed ^= schedule->seed << 5;
	return us - us / 4 * (schedule->seed % 1024) / 1024;
}

/* took_us: a hurried read is to be as often as asked, not as often as that and its own time. */
static void plan_read(struct schedule *schedule, struct schedule_device *device,
		      enum schedule_span span, int64_t took_us, int64_t now_us)
{
	bool hurried;
	int64_t period_us = schedule_period_us(schedule, device, span, &hurried);

	device->due_us[span] = now_us + period_us - (hurried ? took_us : 0);
	device->hurried = (uint8_t)((device->hurried & ~(1U << span)) |
				    (hurried ? 1U << span : 0U));
}

static void plan_settled(struct schedule_device *device, enum schedule_span span, int64_t now_us)
{
	bool hurried = (device->hurried & (1U << span)) != 0;

	if (!hurried || device->due_us[span] > now_us + SCHEDULE_SETTLED_US)
		device->due_us[span] = now_us + SCHEDULE_SETTLED_US;
	device->settling |= (uint8_t)(1U << span);
}

/* A read before the relay has settled does not replace the one after. */
static bool is_settling(struct schedule_device *device, enum schedule_span span, int64_t now_us)
{
	if (!(device->settling & (1U << span)))
		return false;
	if (device->due_us[span] > now_us)
		return true;
	device->settling &= (uint8_t) ~(1U << span);
	return false;
}

/* What shows whether its load has followed, all of it. */
static void settle(struct schedule_device *device, int64_t now_us)
{
	bool instant = device->traits.cost_us[SCHEDULE_INSTANT] > 0;

	plan_settled(device, instant ? SCHEDULE_INSTANT : SCHEDULE_ENERGY, now_us);
}

void schedule_settle(struct schedule *schedule, uint16_t device, int64_t now_us)
{
	assert(device < schedule->devices);
	settle(&schedule->device[device], now_us);
}

/* The line answers again: everybody who fell silent with it is asked at once. */
static void probe_all(struct schedule *schedule, int64_t now_us)
{
	for (size_t i = 0; i < schedule->devices; i++) {
		schedule->device[i].probe_us = now_us;
		schedule->device[i].backoff_us = schedule->policy.probe_first_us;
	}
}

static uint32_t revive(struct schedule *schedule, struct schedule_device *device, int64_t now_us)
{
	uint32_t events = SCHEDULE_EVENT_REVIVED;

	if (schedule->fault || schedule_alive(schedule) == 0)
		probe_all(schedule, now_us);
	device->state = SCHEDULE_ALIVE;
	for (int span = 0; span < SCHEDULE_READS; span++)
		device->due_us[span] = now_us;
	if (schedule->fault && schedule_alive(schedule) * 2 > schedule->fault_devices) {
		schedule->fault = false;
		events |= SCHEDULE_EVENT_FAULT_OVER;
	}
	return events;
}

/* More than half of those that answered until now, gone within the window. */
static uint32_t watch_fault(struct schedule *schedule, int64_t now_us)
{
	int64_t window_us = FAULT_WINDOW_US + (int64_t)schedule->devices * FAULT_PER_DEVICE_US;
	size_t alive = schedule_alive(schedule);
	size_t lost = 0;

	for (size_t i = 0; i < schedule->devices; i++)
		lost += schedule->device[i].state != SCHEDULE_ALIVE &&
			now_us - schedule->device[i].silent_us <= window_us;
	if (schedule->fault || alive + lost < 2 || lost <= alive)
		return 0;
	schedule->fault = true;
	schedule->fault_us = now_us;
	schedule->fault_devices = alive + lost;
	return SCHEDULE_EVENT_FAULT;
}

static uint32_t fail(struct schedule *schedule, struct schedule_device *device, int64_t now_us)
{
	if (device->failures++ == 0)
		device->failing_us = now_us;
	if (device->state == SCHEDULE_ALIVE) {
		if (device->failures < SCHEDULE_SILENT_POLLS)
			return 0;
		device->state = SCHEDULE_SILENT;
		device->silent_us = now_us;
		device->backoff_us = schedule->policy.probe_first_us;
		device->probe_us = now_us + jitter(schedule, device->backoff_us);
		return SCHEDULE_EVENT_SILENT | watch_fault(schedule, now_us);
	}
	device->backoff_us *= 2;
	if (device->backoff_us > schedule->policy.probe_max_us)
		device->backoff_us = schedule->policy.probe_max_us;
	device->probe_us = now_us + jitter(schedule, device->backoff_us);
	return 0;
}

static uint32_t answer(struct schedule *schedule, struct schedule_device *device,
		       const struct schedule_job *job, bool refused, int64_t now_us)
{
	device->failures = 0;
	device->answered_us = now_us;
	if (job->span == SCHEDULE_ENERGY)
		schedule_boundary_read(schedule, device, now_us);
	if (job->span == SCHEDULE_RELAY) {
		/* Its position now, and position and load when it has settled. */
		if (!refused && device->traits.cost_us[SCHEDULE_POSITION] > 0)
			device->asked |= 1U << SCHEDULE_POSITION;
		plan_settled(device, SCHEDULE_POSITION, now_us);
		settle(device, now_us);
	} else if (!refused) {
		device->read_us[job->span] = now_us;
	}
	return device->state == SCHEDULE_ALIVE ? 0 : revive(schedule, device, now_us);
}

uint32_t schedule_result(struct schedule *schedule, const struct schedule_job *job, int error,
			 int64_t took_us, int64_t turnaround_us, int64_t now_us)
{
	struct schedule_device *device = &schedule->device[job->device];

	assert(job->device < schedule->devices && schedule->out > 0);
	schedule->out--;
	device->in_flight &= (uint8_t) ~(1U << job->span);
	device->last_us = now_us;
	if (job->probe)
		schedule->probing = false;
	if (job->span != SCHEDULE_RELAY)
		device->ended_us[job->span] = now_us;
	if (job->span != SCHEDULE_RELAY && !is_settling(device, job->span, now_us))
		plan_read(schedule, device, job->span, took_us, now_us);

	if (error != 0 && error != -ETIMEDOUT && error != -EBADMSG && error != -EREMOTEIO)
		return 0;
	device->polls++;
	schedule->polls++;
	schedule->busy_us += took_us;
	if (error == -EREMOTEIO)
		device->exceptions++;
	if (error == 0 || error == -EREMOTEIO) {
		learn(device, turnaround_us);
		return answer(schedule, device, job, error != 0, now_us);
	}

	device->heard = error == -EBADMSG;
	if (error == -ETIMEDOUT)
		device->timeouts++;
	else
		device->garbled++;
	if (job->probe) {
		schedule->probe_busy_us += took_us;
		schedule->probe_credit_us -= took_us;
	}
	if (schedule->out == 0) {
		/* Nobody else is on the wire next: T1b is kept by the choice of the next job. */
		schedule->avoid = job->device;
		schedule->quiet_until_us = now_us + schedule->policy.quiet_us;
	}
	return fail(schedule, device, now_us);
}

bool schedule_welcome(const struct schedule *schedule, uint16_t device, enum schedule_span span,
		      int64_t now_us)
{
	const struct schedule_device *one = &schedule->device[device];

	assert(device < schedule->devices && span < SCHEDULE_READS);
	if (one->state != SCHEDULE_ALIVE || one->traits.cost_us[span] == 0 ||
	    one->in_flight & (1U << span))
		return false;
	return one->asked & (1U << span) || one->due_us[span] <= now_us ||
	       (schedule->policy.continuous && span == SCHEDULE_ENERGY);
}

void schedule_came_along(struct schedule *schedule, uint16_t device, enum schedule_span span,
			 int64_t now_us)
{
	struct schedule_device *one = &schedule->device[device];

	assert(device < schedule->devices && span < SCHEDULE_READS);
	one->asked &= (uint8_t) ~(1U << span);
	one->read_us[span] = one->ended_us[span] = now_us;
	if (span == SCHEDULE_ENERGY)
		schedule_boundary_read(schedule, one, now_us);
	/* A watched load is measured as far apart as is asked for: what came sooner is extra. */
	if (!is_settling(one, span, now_us) &&
	    !(span == SCHEDULE_LOAD && one->hurried & (1U << span) && one->due_us[span] > now_us))
		plan_read(schedule, one, span, 0, now_us);
}

bool schedule_is_garbled(const struct schedule *schedule)
{
	size_t silent = 0, heard = 0;

	for (size_t i = 0; i < schedule->devices; i++) {
		silent += schedule->device[i].state != SCHEDULE_ALIVE;
		heard += schedule->device[i].state != SCHEDULE_ALIVE && schedule->device[i].heard;
	}
	return heard * 2 > silent;
}

bool schedule_alarms(const struct schedule *schedule, uint16_t device)
{
	const struct schedule_device *one = &schedule->device[device];
	size_t alive = 0;
	size_t answered = 0;

	if (one->state == SCHEDULE_ALIVE || schedule->fault)
		return false;
	for (size_t i = 0; i < schedule->devices; i++) {
		if (schedule->device[i].state != SCHEDULE_ALIVE)
			continue;
		alive++;
		answered += schedule->device[i].answered_us > one->failing_us;
	}
	return answered * 2 >= alive;
}
