/* schedule.c - see schedule.h: which job is next. Relay commands wait in schedule_command.c; what results
 * teach is schedule_result.c; how soon each read is wanted again, schedule_period.c.
 *
 * Order: relay commands, registers at a boundary, rooms near a limit, spans asked for at once (read-backs among
 * them), probes that their budget allows, then the earliest deadline. A deadline once set stands until the span is
 * read, and those of others lie ever later, so everything has its turn.
 */
#include "concentrator/rules/schedule_command.h"

#include <assert.h>
#include <errno.h>

#include "concentrator/rules/schedule_boundary.h"
#include "concentrator/rules/schedule_period.h"

#define MS INT64_C(1000)

struct schedule_policy schedule_policy_default(void)
{
	return (struct schedule_policy){
		.period_us = {[SCHEDULE_ENERGY] = 20000 * MS,
			      [SCHEDULE_LOAD] = 3200 * MS,
			      [SCHEDULE_INSTANT] = 23000 * MS,
			      [SCHEDULE_POSITION] = 30000 * MS},
		.continuous = true,
		/* The register for people to look at; the load lest longer reads take the place of those of
		 * the dead. */
		.ahead_us = {[SCHEDULE_ENERGY] = 9000 * MS,
			     [SCHEDULE_LOAD] = 2400 * MS,
			     [SCHEDULE_INSTANT] = 27000 * MS},
		.close_stagger_us = 200 * MS,
		.quiet_us = 100 * MS,
		.probe_first_us = 1000 * MS,
		.probe_max_us = 20000 * MS,
		.dead_us = 60000 * MS,
	};
}

void schedule_init(struct schedule *schedule, const struct schedule_policy *policy, uint32_t seed,
		   int64_t now_us)
{
	*schedule = (struct schedule){
		.policy = *policy,
		.seed = seed != 0 ? seed : 1,
		.avoid = -1,
		.credited_us = now_us,
	};
}

static bool has_span(const struct schedule_traits *traits)
{
	bool any = false;

	for (int span = 0; span < SCHEDULE_READS; span++)
		any = any || traits->cost_us[span] > 0;
	return any;
}

int schedule_add(struct schedule *schedule, const struct schedule_traits *traits, int64_t now_us,
		 uint16_t *ret_device)
{
	struct schedule_device *device;

	if (schedule->devices == SCHEDULE_DEVICES_MAX)
		return -ENOSPC;
	if (!has_span(traits))
		return -EINVAL;
	device = &schedule->device[schedule->devices];
	*device = (struct schedule_device){.traits = *traits};
	for (int span = 0; span < SCHEDULE_READS; span++)
		device->due_us[span] = now_us;
	*ret_device = (uint16_t)schedule->devices++;
	return 0;
}

void schedule_traits(struct schedule *schedule, uint16_t device,
		     const struct schedule_traits *traits, int64_t now_us)
{
	struct schedule_device *one = &schedule->device[device];
	uint8_t in_flight = one->in_flight;

	assert(device < schedule->devices);
	if (!has_span(&one->traits) && has_span(traits)) {
		*one = (struct schedule_device){.in_flight = in_flight, .last_us = one->last_us};
		for (int span = 0; span < SCHEDULE_READS; span++)
			one->due_us[span] = now_us;
	}
	one->traits = *traits;
	for (int span = 0; span < SCHEDULE_READS; span++)
		if (traits->cost_us[span] == 0)
			one->asked &= (uint8_t) ~(1U << span);
}

void schedule_ask(struct schedule *schedule, uint16_t device, enum schedule_span span)
{
	assert(device < schedule->devices && span < SCHEDULE_READS);
	if (schedule->device[device].traits.cost_us[span] > 0)
		schedule->device[device].asked |= (uint8_t)(1U << span);
}

static enum schedule_span cheapest(const struct schedule_device *device)
{
	enum schedule_span best = SCHEDULE_READS;

	for (enum schedule_span span = SCHEDULE_ENERGY; span < SCHEDULE_READS; span++)
		if (device->traits.cost_us[span] > 0 &&
		    (best == SCHEDULE_READS ||
		     device->traits.cost_us[span] < device->traits.cost_us[best]))
			best = span;
	return best;
}

/* B2: probes that fail are paid from a share of the time that passes; nothing is saved up. */
static void credit_probes(struct schedule *schedule, int64_t now_us)
{
	int64_t passed_us = now_us - schedule->credited_us;

	/* Whole parts only, so that no time is lost to rounding. */
	passed_us -= passed_us % 100;
	if (passed_us <= 0)
		return;
	schedule->credited_us += passed_us;
	schedule->probe_credit_us += passed_us / 100 * SCHEDULE_PROBE_PERCENT;
	if (schedule->probe_credit_us > 0)
		schedule->probe_credit_us = 0;
}

/* What find_read() weighs: lower class first, then the earlier deadline. */
enum read_class {
	READ_BOUNDARY,
	READ_HURRIED,
	READ_ASKED,
	READ_PROBE,
	READ_DUE,
	READ_AHEAD,
	READ_NONE
};

struct candidate {
	enum read_class class;
	int64_t due_us;
	struct schedule_job job;
};

static void offer(struct candidate *best, enum read_class class, int64_t due_us, size_t device,
		  enum schedule_span span, bool probe)
{
	if (class > best->class || (class == best->class && due_us >= best->due_us))
		return;
	*best = (struct candidate){
		.class = class,
		.due_us = due_us,
		.job = {.device = (uint16_t)device, .span = span, .probe = probe},
	};
}

static void offer_probe(const struct schedule *schedule, size_t index, int64_t now_us,
			struct candidate *best, int64_t *wait_us)
{
	const struct schedule_device *device = &schedule->device[index];
	int64_t from_us = device->probe_us;

	if (device->asked) {
		for (enum schedule_span span = SCHEDULE_ENERGY; span < SCHEDULE_READS; span++)
			if (device->asked & (1U << span))
				offer(best, READ_ASKED, device->due_us[span], index, span, true);
		return;
	}
	if (schedule->probing || cheapest(device) == SCHEDULE_READS)
		return;
	if (schedule->probe_credit_us < 0) {
		int64_t paid_us = schedule->credited_us -
				  schedule->probe_credit_us * 100 / SCHEDULE_PROBE_PERCENT + 100;

		if (paid_us > from_us)
			from_us = paid_us;
	}
	if (from_us > now_us)
		schedule_sooner(wait_us, from_us);
	else
		offer(best, READ_PROBE, device->probe_us, index, cheapest(device), true);
}

/* Whose register was read the longest ago goes first, but before all what is to be repeated. */
static void offer_boundary(const struct schedule *schedule, size_t index, struct candidate *best)
{
	const struct schedule_device *device = &schedule->device[index];
	bool again = (device->asked & (1U << SCHEDULE_ENERGY)) != 0;

	if (schedule_boundary_wants(device))
		offer(best, READ_BOUNDARY, again ? INT64_MIN : device->ended_us[SCHEDULE_ENERGY],
		      index, SCHEDULE_ENERGY, false);
}

/* Is this span the one whose read brings the load along? */
static bool brings_load(const struct schedule_device *device, enum schedule_span span)
{
	const struct schedule_traits *traits = &device->traits;

	return traits->cost_us[SCHEDULE_LOAD] > 0 && traits->cost_us[span] > 0 &&
	       span == traits->load_in && traits->round[span] <= 1;
}

/* Where a read of the whole brings the load along it takes the place of one of the load, so that both cost little
 * more than one; but it does not wait for the place of one that goes before others. Nor is that little spent while
 * loads are late: so a heap of wholes that come due together, as they do a period after a start, spreads over
 * several rounds of the load instead of lengthening one. What was never read is not put off like that, because
 * after a start rooms wait for it. */
static bool is_paired(const struct schedule_device *device, int64_t now_us)
{
	enum schedule_span whole = device->traits.load_in;

	if (!brings_load(device, whole) || device->due_us[whole] > now_us ||
	    device->hurried & (1U << SCHEDULE_LOAD))
		return false;
	return device->ended_us[whole] == 0 ||
	       now_us - device->due_us[SCHEDULE_LOAD] <= SCHEDULE_LOAD_LATE_US ||
	       now_us - device->due_us[whole] > SCHEDULE_SELDOM_LATE_US;
}

/* In whose place this span is read now; SCHEDULE_READS: another is read in its place. */
static enum schedule_span place_of(const struct schedule_device *device, enum schedule_span span,
				   int64_t now_us)
{
	if (!is_paired(device, now_us))
		return span;
	if (span == SCHEDULE_LOAD)
		return SCHEDULE_READS;
	return span == device->traits.load_in ? SCHEDULE_LOAD : span;
}

/* What is read seldom comes due in heaps: it may be late by this before the load of others is. */
static int64_t deadline_us(const struct schedule_device *device, enum schedule_span place)
{
	bool shows_load = place == schedule_shows_load(&device->traits);

	return device->due_us[place] + (shows_load ? 0 : SCHEDULE_SELDOM_LATE_US);
}

/* Without a read of the load alone it is the whole that is read often, and not ahead as well. */
static bool is_read_ahead(const struct schedule *schedule, const struct schedule_device *device,
			  enum schedule_span span)
{
	return schedule->policy.continuous && schedule->policy.ahead_us[span] > 0 &&
	       (span == SCHEDULE_ENERGY || device->traits.cost_us[SCHEDULE_LOAD] > 0);
}

/* Spare time goes round: by deadline a short one would take it all, by the last good read one that
 * refuses. The longer it has waited, the further below zero. */
static int64_t ahead_us(const struct schedule *schedule, const struct schedule_device *device,
			enum schedule_span span, int64_t now_us)
{
	return (device->ended_us[span] - now_us) * 1000 / schedule->policy.ahead_us[span];
}

static void offer_reads(const struct schedule *schedule, size_t index, int64_t now_us,
			struct candidate *best, int64_t *wait_us)
{
	const struct schedule_device *device = &schedule->device[index];
	/* A job that is to be ready behind another begins when that one ends. */
	int64_t begins_us = now_us + (schedule->out > 0 ? schedule->given_us : 0);

	for (enum schedule_span span = SCHEDULE_ENERGY; span < SCHEDULE_READS; span++) {
		if (device->traits.cost_us[span] == 0)
			continue;
		bool hurried = (device->hurried & (1U << span)) != 0;
		enum schedule_span place = place_of(device, span, now_us);

		if (hurried && device->due_us[span] <= begins_us)
			offer(best, READ_HURRIED, device->due_us[span], index, span, false);
		else if (device->asked & (1U << span))
			offer(best, READ_ASKED, device->due_us[span], index, span, false);
		else if (place == SCHEDULE_READS)
			continue;
		else if (device->due_us[place] <= now_us)
			offer(best, READ_DUE, deadline_us(device, place), index, span, false);
		else if (is_read_ahead(schedule, device, place))
			offer(best, READ_AHEAD, ahead_us(schedule, device, place, now_us), index,
			      span, false);
		else
			schedule_sooner(wait_us, device->due_us[place]);
	}
}

static bool boundary_is_due(const struct schedule *schedule, int64_t now_us, int64_t *wait_us)
{
	int64_t from_us;

	/* Far from any it costs nothing to look. */
	if (schedule->boundary_us == 0 || now_us >= schedule->boundary_us + SCHEDULE_BOUNDARY_US)
		return false;
	from_us = schedule_boundary_from_us(schedule);
	if (from_us > now_us)
		schedule_sooner(wait_us, from_us);
	return from_us <= now_us;
}

static struct candidate find_read(const struct schedule *schedule, int64_t now_us, int64_t *wait_us)
{
	struct candidate best = {.class = READ_NONE};
	bool boundary = boundary_is_due(schedule, now_us, wait_us);

	for (size_t i = 0; i < schedule->devices; i++) {
		const struct schedule_device *device = &schedule->device[i];
		int64_t from_us = device->last_us + device->traits.gap_us;

		if (device->in_flight)
			continue;
		if (schedule_avoids(schedule, (uint16_t)i, now_us) &&
		    schedule->quiet_until_us > from_us)
			from_us = schedule->quiet_until_us;
		if (device->last_us != 0 && from_us > now_us)
			schedule_sooner(wait_us, from_us);
		else if (device->state == SCHEDULE_ALIVE) {
			if (boundary)
				offer_boundary(schedule, i, &best);
			offer_reads(schedule, i, now_us, &best, wait_us);
		} else
			offer_probe(schedule, i, now_us, &best, wait_us);
	}
	best.job.boundary = best.class == READ_BOUNDARY;
	return best;
}

static void take_asked(struct schedule *schedule, struct schedule_job *job)
{
	struct schedule_device *device = &schedule->device[job->device];

	job->asked = (device->asked & (1U << job->span)) != 0;
	device->asked &= (uint8_t) ~(1U << job->span);
}

/* It is not read now: what asked for it does so still. */
static void give_asked_back(struct schedule *schedule, const struct schedule_job *job)
{
	if (job->asked)
		schedule_ask(schedule, job->device, job->span);
}

bool schedule_next(struct schedule *schedule, int64_t now_us, struct schedule_job *ret_job,
		   int64_t *ret_wait_us)
{
	struct schedule_job job;
	int64_t wait_us = SCHEDULE_NEVER_US;
	size_t command;

	credit_probes(schedule, now_us);
	command = schedule_find_command(schedule, now_us, &wait_us);
	if (command < schedule->commands) {
		job = schedule_take_command(schedule, command, now_us);
	} else {
		struct candidate candidate = find_read(schedule, now_us, &wait_us);

		if (candidate.class == READ_NONE) {
			*ret_wait_us = wait_us;
			return false;
		}
		job = candidate.job;
		take_asked(schedule, &job);
		schedule->probing = schedule->probing || job.probe;
	}
	schedule->device[job.device].in_flight |= (uint8_t)(1U << job.span);
	schedule->given_us = job.span < SCHEDULE_READS
				     ? schedule->device[job.device].traits.cost_us[job.span]
				     : 0;
	schedule->out++;
	if (schedule->avoid != job.device)
		schedule->avoid = -1;
	*ret_job = job;
	return true;
}

void schedule_instead(struct schedule *schedule, struct schedule_job *job, enum schedule_span span)
{
	struct schedule_device *device = &schedule->device[job->device];

	assert(job->span < SCHEDULE_READS && span < SCHEDULE_READS);
	assert(device->traits.cost_us[span] > 0);
	give_asked_back(schedule, job);
	device->in_flight &= (uint8_t) ~(1U << job->span);
	device->in_flight |= (uint8_t)(1U << span);
	job->span = span;
	job->boundary = false;
	take_asked(schedule, job);
	schedule->given_us = device->traits.cost_us[span];
}

void schedule_put_back(struct schedule *schedule, const struct schedule_job *job, int64_t now_us)
{
	struct schedule_device *device = &schedule->device[job->device];

	device->in_flight &= (uint8_t) ~(1U << job->span);
	schedule->out--;
	if (job->probe)
		schedule->probing = false;
	if (job->span != SCHEDULE_RELAY) {
		give_asked_back(schedule, job); /* its deadline has not moved */
		return;
	}

	schedule_restore_command(schedule, job, now_us);
}

size_t schedule_alive(const struct schedule *schedule)
{
	size_t alive = 0;

	for (size_t i = 0; i < schedule->devices; i++)
		alive += schedule->device[i].state == SCHEDULE_ALIVE;
	return alive;
}

enum schedule_device_state schedule_state(const struct schedule *schedule, uint16_t device,
					  int64_t now_us)
{
	const struct schedule_device *one = &schedule->device[device];

	if (one->state == SCHEDULE_SILENT && now_us - one->silent_us >= schedule->policy.dead_us)
		return SCHEDULE_DEAD;
	return one->state;
}

const char *schedule_state_name(enum schedule_device_state state)
{
	switch (state) {
	case SCHEDULE_ALIVE:
		return "alive";
	case SCHEDULE_SILENT:
		return "silent";
	case SCHEDULE_DEAD:
		return "dead";
	}
	return "unknown";
}
