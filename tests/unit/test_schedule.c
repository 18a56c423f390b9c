/* The scheduler: B2 and B3 on a line in virtual time, with dead, slow and reviving devices. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/schedule.h"
#include "tests/unit/random.h"

#define MS     INT64_C(1000)
#define SECOND (1000 * MS)

/* 9600 8N1 (facts/polling.md): energy and load 2 registers, instant 20, position 1; a turnaround of 8 to 25
 * ms. */
#define TC_US           INT64_C(1042)
#define READ_US(n)      ((13 + 2 * (n)) * TC_US + 4 * MS)
#define RELAY_US        (16 * TC_US + 4 * MS)
#define TIMEOUT_BASE_US (17 * TC_US + 15 * MS)
#define UNLEARNT_US     (300 * MS)

struct played {
	bool dead;
	bool refuses; /* its energy, by an exception */
	int64_t refused;
	int64_t reads[SCHEDULE_READS];
	int64_t worst_age_us[SCHEDULE_READS];
	int64_t read_us[SCHEDULE_READS];
};

/* One line with its worker: the job on the wire, and one ready behind it where depth is 2. */
struct play {
	struct schedule schedule;
	struct played device[SCHEDULE_DEVICES_MAX];
	struct random random;
	int64_t now_us;
	bool has_ready;
	struct schedule_job ready;
	bool deep;
	int32_t timed_out; /* device whose time-out was the last thing on the wire; -1 */
	int64_t probe_us;  /* line time of time-outs of devices not alive */
	int64_t idle_us;
	uint32_t events;
	int faults;
	struct schedule_job last;
	int64_t relay_us; /* when the last relay command went out */
	int relays;
};

static struct schedule_traits meter(void)
{
	return (struct schedule_traits){.load_in = SCHEDULE_INSTANT,
					.cost_us = {[SCHEDULE_ENERGY] = READ_US(2) + 15 * MS,
						    [SCHEDULE_LOAD] = READ_US(2) + 15 * MS,
						    [SCHEDULE_INSTANT] = READ_US(20) + 15 * MS,
						    [SCHEDULE_POSITION] = READ_US(1) + 15 * MS}};
}

static struct play *play(int devices, bool deep)
{
	static struct play line;
	struct schedule_policy policy = schedule_policy_default();

	memset(&line, 0, sizeof(line));
	line.random = random_start("line", 81);
	line.deep = deep;
	line.timed_out = -1;
	line.now_us = 5 * SECOND;
	schedule_init(&line.schedule, &policy, 7, line.now_us);
	for (int i = 0; i < devices; i++) {
		struct schedule_traits traits = meter();
		uint16_t device;

		assert_int_equal(schedule_add(&line.schedule, &traits, line.now_us, &device), 0);
		assert_int_equal(device, i);
	}
	return &line;
}

/* What a job takes but for the turnaround. */
static int64_t job_us(const struct play *line, const struct schedule_job *job)
{
	return job->span == SCHEDULE_RELAY
		       ? RELAY_US
		       : line->schedule.device[job->device].traits.cost_us[job->span] - 15 * MS;
}

static int64_t span_us(enum schedule_span span)
{
	static const int64_t cost_us[] = {[SCHEDULE_ENERGY] = READ_US(2),
					  [SCHEDULE_LOAD] = READ_US(2),
					  [SCHEDULE_INSTANT] = READ_US(20),
					  [SCHEDULE_POSITION] = READ_US(1),
					  [SCHEDULE_RELAY] = RELAY_US};

	return cost_us[span];
}

static bool take(struct play *line, struct schedule_job *ret_job, int64_t *ret_wait_us)
{
	if (line->has_ready && schedule_relay_waits(&line->schedule, line->now_us) &&
	    line->ready.span != SCHEDULE_RELAY) {
		schedule_put_back(&line->schedule, &line->ready, line->now_us);
		line->has_ready = false;
	}
	if (line->has_ready && line->ready.same_device && line->timed_out == line->ready.device) {
		schedule_put_back(&line->schedule, &line->ready, line->now_us);
		line->has_ready = false;
	}
	if (line->has_ready) {
		*ret_job = line->ready;
		line->has_ready = false;
		return true;
	}
	return schedule_next(&line->schedule, line->now_us, ret_job, ret_wait_us);
}

static void was_read(const struct play *line, struct played *played, enum schedule_span span)
{
	int64_t age_us = line->now_us - played->read_us[span];

	if (played->read_us[span] > 0 && age_us > played->worst_age_us[span])
		played->worst_age_us[span] = age_us;
	played->read_us[span] = line->now_us;
	played->reads[span]++;
}

/* One transaction, or idleness up to until_us. */
static void transact(struct play *line, int64_t until_us)
{
	struct schedule_job job;
	struct played *played;
	int64_t wait_us, took_us, turnaround_us = -1;
	int error = 0;

	if (!take(line, &job, &wait_us)) {
		assert_true(wait_us > line->now_us);
		if (wait_us > until_us)
			wait_us = until_us;
		line->idle_us += wait_us - line->now_us;
		line->now_us = wait_us;
		line->timed_out = -1;
		return;
	}
	/* T1b */
	if (line->schedule.devices > 1)
		assert_int_not_equal(job.device, line->timed_out);
	if (line->deep)
		line->has_ready = schedule_next(&line->schedule, line->now_us, &line->ready,
						&wait_us);
	played = &line->device[job.device];
	if (job.span == SCHEDULE_RELAY) {
		line->relay_us = line->now_us;
		line->relays++;
	}
	line->timed_out = -1;
	if (played->dead) {
		int64_t learnt_us = schedule_turnaround_us(&line->schedule, job.device);

		error = -ETIMEDOUT;
		took_us = TIMEOUT_BASE_US + (learnt_us > 0 ? 2 * learnt_us : UNLEARNT_US);
		line->timed_out = job.device;
		if (line->schedule.device[job.device].state != SCHEDULE_ALIVE)
			line->probe_us += took_us;
	} else {
		turnaround_us = random_between(&line->random, 8 * MS, 25 * MS);
		took_us = job_us(line, &job) + turnaround_us;
		if (played->refuses && job.span == SCHEDULE_ENERGY) {
			error = -EREMOTEIO;
			played->refused++;
		}
	}
	line->now_us += took_us;
	line->last = job;
	line->events = schedule_result(&line->schedule, &job, error, took_us, turnaround_us,
				       line->now_us);
	line->faults += (line->events & SCHEDULE_EVENT_FAULT) != 0;
	if (error == 0 && job.span != SCHEDULE_RELAY) {
		const struct schedule_traits *traits = &line->schedule.device[job.device].traits;

		was_read(line, played, job.span);
		if (traits->cost_us[SCHEDULE_LOAD] > 0 && job.span == traits->load_in &&
		    traits->round[job.span] <= 1) {
			schedule_came_along(&line->schedule, job.device, SCHEDULE_LOAD,
					    line->now_us);
			was_read(line, played, SCHEDULE_LOAD);
		}
	}
}

static void run(struct play *line, int64_t us)
{
	int64_t until_us = line->now_us + us;

	while (line->now_us < until_us)
		transact(line, until_us);
}

static int64_t all_reads(const struct play *line)
{
	int64_t reads = 0;

	for (size_t i = 0; i < line->schedule.devices; i++)
		for (int span = 0; span < SCHEDULE_READS; span++)
			reads += line->device[i].reads[span];
	return reads;
}

static void forget(struct play *line)
{
	for (size_t i = 0; i < line->schedule.devices; i++)
		line->device[i] = (struct played){.dead = line->device[i].dead};
	line->probe_us = 0;
	line->idle_us = 0;
}

static void a_healthy_line_is_never_idle_and_fair(void **state)
{
	(void)state;
	for (int deep = 0; deep < 2; deep++) {
		struct play *line = play(32, deep);
		int64_t least = INT64_MAX, most = 0;

		run(line, 10 * SECOND);
		forget(line);
		run(line, 120 * SECOND);
		assert_int_equal(line->idle_us, 0);
		for (size_t i = 0; i < 32; i++) {
			const struct played *one = &line->device[i];

			if (one->reads[SCHEDULE_ENERGY] < least)
				least = one->reads[SCHEDULE_ENERGY];
			if (one->reads[SCHEDULE_ENERGY] > most)
				most = one->reads[SCHEDULE_ENERGY];
			assert_true(one->worst_age_us[SCHEDULE_LOAD] < 4000 * MS);
			assert_true(one->worst_age_us[SCHEDULE_INSTANT] < 26 * SECOND);
			assert_true(one->worst_age_us[SCHEDULE_POSITION] < 32 * SECOND);
		}
		print_message("energy reads a meter in 120 s: %d to %d\n", (int)least, (int)most);
		assert_true(most - least <= 3);
		assert_true(least >= 18);
	}
}

static void dead_meters_leave_the_others_their_rate(void **state)
{
	static const int dead[] = {1, 2, 4, 8, 16};

	(void)state;
	for (size_t d = 0; d < sizeof(dead) / sizeof(dead[0]); d++) {
		struct play *line = play(32 - dead[d], true);
		int64_t alone, with_dead;
		/* Virtual time is cheap: shorter, the mix of spans in the window would tell. */
		int64_t seconds = 600;

		run(line, 30 * SECOND);
		forget(line);
		run(line, seconds * SECOND);
		alone = all_reads(line);

		line = play(32, true);
		run(line, 30 * SECOND);
		for (int i = 0; i < dead[d]; i++)
			line->device[2 * i].dead = true;
		run(line, 60 * SECOND);
		forget(line);
		run(line, seconds * SECOND);
		with_dead = all_reads(line);
		print_message("%d dead of 32: %d of %d reads, probes %d ppm\n", dead[d],
			      (int)with_dead, (int)alone,
			      (int)(line->probe_us * 1000000 / (seconds * SECOND)));
		assert_true(with_dead * 100 >= alone * 95);
		assert_true(line->probe_us * 100 <= seconds * SECOND * 5);
		/* One dead meter is no burden at all. */
		if (dead[d] == 1)
			assert_true(line->probe_us * 100 <= seconds * SECOND);
	}
}

static void a_revived_meter_is_back_within_a_minute(void **state)
{
	static const int dead[] = {1, 4, 12, 16};

	(void)state;
	for (size_t d = 0; d < sizeof(dead) / sizeof(dead[0]); d++) {
		struct play *line = play(32, true);
		int64_t worst_us = 0;

		run(line, 30 * SECOND);
		for (int i = 0; i < dead[d]; i++)
			line->device[i].dead = true;
		for (long round = 0; round < random_rounds(20) + 1; round++) {
			int64_t began_us;

			run(line, random_between(&line->random, 200, 400) * SECOND);
			assert_int_equal(line->schedule.device[0].state, SCHEDULE_SILENT);
			assert_int_equal(schedule_state(&line->schedule, 0, line->now_us),
					 SCHEDULE_DEAD);
			line->device[0].dead = false;
			began_us = line->now_us;
			while (line->schedule.device[0].state != SCHEDULE_ALIVE)
				transact(line, INT64_MAX);
			assert_true(line->events & SCHEDULE_EVENT_REVIVED);
			if (line->now_us - began_us > worst_us)
				worst_us = line->now_us - began_us;
			line->device[0].dead = true;
		}
		print_message("%d dead: back after at most %d ms\n", dead[d], (int)(worst_us / MS));
		assert_true(worst_us <= 60 * SECOND);
		if (dead[d] == 1)
			assert_true(worst_us <= 25 * SECOND);
	}
}

/* Dead from the start, their turnaround is not learnt and each probe takes its longest. */
static void many_dead_are_back_when_their_budget_allows(void **state)
{
	static const int dead[] = {4, 16, 30};

	(void)state;
	for (size_t d = 0; d < sizeof(dead) / sizeof(dead[0]); d++) {
		struct play *line = play(64, true);
		int64_t bound_us = (dead[d] + 1) * (TIMEOUT_BASE_US + UNLEARNT_US) * 100 /
				   SCHEDULE_PROBE_PERCENT;
		int64_t worst_us = 0;

		for (int i = 0; i < dead[d]; i++)
			line->device[2 * i].dead = true;
		for (long round = 0; round < random_rounds(10) + 1; round++) {
			int64_t began_us;

			run(line, random_between(&line->random, 300, 500) * SECOND);
			line->device[2].dead = false;
			began_us = line->now_us;
			while (line->schedule.device[2].state != SCHEDULE_ALIVE)
				transact(line, INT64_MAX);
			if (line->now_us - began_us > worst_us)
				worst_us = line->now_us - began_us;
			/* It has answered: as if another one had been put in its place. */
			line->schedule.device[2].turnaround_us = 0;
			line->device[2].dead = true;
		}
		print_message("%d dead, not learnt: back after at most %d ms\n", dead[d],
			      (int)(worst_us / MS));
		assert_true(worst_us <= (bound_us > 60 * SECOND ? bound_us : 60 * SECOND));
	}
}

/* Two meters fall silent in the same moment: ever more seldom, and not in step. */
static void probes_back_off_and_do_not_march_in_step(void **state)
{
	struct play *line = play(32, true);
	int64_t last_us[2] = {0, 0}, wait_us[2][6];
	int probes[2] = {0, 0}, apart = 0;

	(void)state;
	run(line, 30 * SECOND);
	line->device[4].dead = line->device[20].dead = true;
	while (probes[0] < 6 || probes[1] < 6) {
		transact(line, INT64_MAX);
		for (int i = 0; i < 2; i++) {
			if (line->last.device != 4 + 16 * i || !line->last.probe)
				continue;
			if (last_us[i] > 0 && probes[i] < 6)
				wait_us[i][probes[i]++] = line->now_us - last_us[i];
			last_us[i] = line->now_us;
			line->last.probe = false;
		}
	}
	for (int n = 0; n < 6; n++) {
		int64_t whole_us = 2 * SECOND << n;

		whole_us = whole_us < 20 * SECOND ? whole_us : 20 * SECOND;
		for (int i = 0; i < 2; i++)
			/* Behind it a probe may wait for its budget, and for the other one's. */
			assert_in_range(wait_us[i][n], whole_us * 3 / 4, whole_us + 15 * SECOND);
		apart += wait_us[0][n] / (200 * MS) != wait_us[1][n] / (200 * MS);
	}
	assert_true(apart >= 3);
}

/* More than half of a line at once has one cause; fewer are so many meters. */
static void half_a_line_that_dies_at_once_is_one_fault(void **state)
{
	static const struct {
		int dead;
		int faults;
	} cases[] = {{17, 1}, {24, 1}, {12, 0}};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct play *line = play(32, true);
		int alarmed = 0;

		run(line, 30 * SECOND);
		for (int i = 0; i < cases[c].dead; i++)
			line->device[i].dead = true;
		run(line, 60 * SECOND);
		assert_int_equal(line->faults, cases[c].faults);
		for (uint16_t i = 0; i < 32; i++)
			alarmed += schedule_alarms(&line->schedule, i);
		assert_int_equal(alarmed, cases[c].faults > 0 ? 0 : cases[c].dead);
		/* The living are read on. */
		assert_int_equal(schedule_alive(&line->schedule), 32 - cases[c].dead);
		forget(line);
		run(line, 60 * SECOND);
		assert_true(line->device[31].reads[SCHEDULE_ENERGY] > 10);
		for (int i = 0; i < cases[c].dead; i++)
			line->device[i].dead = false;
		run(line, 60 * SECOND);
		assert_false(line->schedule.fault);
		assert_int_equal(schedule_alive(&line->schedule), 32);
	}
}

static void a_relay_command_is_the_next_on_the_wire(void **state)
{
	(void)state;
	for (int deep = 0; deep < 2; deep++) {
		struct play *line = play(32, deep);
		int64_t worst_us = 0;

		run(line, 30 * SECOND);
		for (int i = 0; i < 4; i++)
			line->device[i].dead = true;
		run(line, 30 * SECOND);
		for (long i = 0; i < random_rounds(2000); i++) {
			uint16_t device = (uint16_t)random_between(&line->random, 4, 31);
			int64_t queued_us, free_us;
			bool any;
			uint32_t replaced;

			run(line, random_between(&line->random, 300, 2000) * MS);
			/* Queued somewhere in the transaction that is on the wire. */
			queued_us = line->now_us;
			line->relays = 0;
			transact(line, INT64_MAX);
			free_us = line->now_us;
			assert_int_equal(schedule_command(&line->schedule, device, 1, true,
							  (uint32_t)i, queued_us, &any, &replaced),
					 0);
			if (line->timed_out == device)
				transact(line, INT64_MAX);
			transact(line, INT64_MAX);
			assert_int_equal(line->relays, 1);
			assert_int_equal(line->last.cookie, (uint32_t)i);
			assert_int_equal(line->relay_us, free_us);
			if (line->relay_us - queued_us > worst_us)
				worst_us = line->relay_us - queued_us;
			/* The read-back is next, but for a job already handed over. */
			transact(line, INT64_MAX);
			if (deep && line->last.device != device)
				transact(line, INT64_MAX);
			assert_int_equal(line->last.span, SCHEDULE_POSITION);
			assert_int_equal(line->last.device, device);
		}
		print_message("relay on the wire after at most %d ms\n", (int)(worst_us / MS));
		assert_true(worst_us < 350 * MS);
	}
}

static void behind_a_time_out_of_its_own_device_a_command_waits_one_transaction(void **state)
{
	struct play *line = play(4, false);
	uint32_t replaced;
	bool any;

	(void)state;
	run(line, 5 * SECOND);
	line->device[2].dead = true;
	do
		transact(line, INT64_MAX);
	while (line->timed_out != 2);
	assert_int_equal(
		schedule_command(&line->schedule, 2, 0, false, 9, line->now_us, &any, &replaced),
		0);
	line->relays = 0;
	transact(line, INT64_MAX);
	assert_int_equal(line->relays, 0);
	transact(line, INT64_MAX);
	assert_int_equal(line->relays, 1);
}

static void opens_go_before_closes_and_closes_are_staggered(void **state)
{
	struct play *line = play(8, false);
	int64_t closes_us[4];
	int closes = 0, opens = 0;
	uint32_t replaced;
	bool any;

	(void)state;
	run(line, 5 * SECOND);
	for (uint16_t i = 0; i < 4; i++)
		assert_int_equal(schedule_command(&line->schedule, i, 0, true, i, line->now_us,
						  &any, &replaced),
				 0);
	for (uint16_t i = 4; i < 8; i++)
		assert_int_equal(schedule_command(&line->schedule, i, 0, false, i, line->now_us,
						  &any, &replaced),
				 0);
	for (int i = 0; i < 200 && closes < 4; i++) {
		int64_t began_us = line->now_us;

		transact(line, INT64_MAX);
		if (line->last.span != SCHEDULE_RELAY)
			continue;
		if (line->last.close)
			closes_us[closes++] = began_us;
		else
			opens++;
		if (closes == 0)
			assert_int_equal(line->last.device, 3 + opens);
		assert_true(closes == 0 || opens == 4);
	}
	assert_int_equal(closes, 4);
	for (int i = 1; i < 4; i++)
		assert_in_range(closes_us[i] - closes_us[i - 1], 200 * MS, 350 * MS);
}

static void a_newer_command_replaces_the_older(void **state)
{
	struct play *line = play(2, false);
	uint32_t replaced = 0;
	bool any = true;

	(void)state;
	assert_int_equal(
		schedule_command(&line->schedule, 1, 3, true, 41, line->now_us, &any, &replaced),
		0);
	assert_false(any);
	assert_int_equal(
		schedule_command(&line->schedule, 1, 4, true, 42, line->now_us, &any, &replaced),
		0);
	assert_false(any);
	assert_int_equal(
		schedule_command(&line->schedule, 1, 3, false, 43, line->now_us, &any, &replaced),
		0);
	assert_true(any);
	assert_int_equal(replaced, 41);
	transact(line, INT64_MAX);
	assert_int_equal(line->last.cookie, 43);
	assert_int_equal(line->last.channel, 3);
	/* Taken, not sent, put back: the first again. */
	{
		struct schedule_job job;
		int64_t wait_us;

		assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
		assert_int_equal(job.cookie, 42);
		schedule_put_back(&line->schedule, &job, line->now_us);
		assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
		assert_int_equal(job.cookie, 42);
	}
}

/* T1c: what goes in its place is of the same device; what was asked for waits on. */
static void another_read_goes_in_the_place_of_one_that_could_be_mistaken(void **state)
{
	struct play *line = play(2, false);
	struct schedule_job job;
	int64_t wait_us;

	(void)state;
	schedule_ask(&line->schedule, 1, SCHEDULE_ENERGY);
	assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(job.device, 1);
	assert_int_equal(job.span, SCHEDULE_ENERGY);
	schedule_instead(&line->schedule, &job, SCHEDULE_INSTANT);
	assert_int_equal(job.device, 1);
	assert_int_equal(job.span, SCHEDULE_INSTANT);
	assert_false(job.boundary);
	line->now_us += 100 * MS;
	(void)schedule_result(&line->schedule, &job, 0, 50 * MS, 10 * MS, line->now_us);
	/* It was read, and the register was not. */
	assert_int_equal(line->schedule.device[1].read_us[SCHEDULE_INSTANT], line->now_us);
	assert_int_equal(line->schedule.device[1].read_us[SCHEDULE_ENERGY], 0);
	assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(job.device, 1);
	assert_int_equal(job.span, SCHEDULE_ENERGY);
	/* The same where it was never sent. */
	schedule_put_back(&line->schedule, &job, line->now_us);
	assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(job.device, 1);
	assert_int_equal(job.span, SCHEDULE_ENERGY);
}

static void the_queue_has_an_end(void **state)
{
	struct play *line = play(2, false);
	uint32_t replaced;
	bool any;

	(void)state;
	for (uint16_t i = 0; i < SCHEDULE_COMMANDS_MAX; i++)
		assert_int_equal(schedule_command(&line->schedule, 0, i, true, i, line->now_us,
						  &any, &replaced),
				 0);
	assert_int_equal(
		schedule_command(&line->schedule, 1, 0, true, 0, line->now_us, &any, &replaced),
		-ENOSPC);
}

static void a_line_that_dies_at_once_is_one_fault(void **state)
{
	struct play *line = play(32, true);
	int64_t began_us;

	(void)state;
	run(line, 30 * SECOND);
	for (int i = 0; i < 32; i++)
		line->device[i].dead = true;
	/* While it dies nobody knows yet whether it is the line: no device is alarmed. */
	for (began_us = line->now_us; line->now_us - began_us < 60 * SECOND;) {
		transact(line, began_us + 60 * SECOND);
		for (uint16_t i = 0; i < 32; i++)
			assert_false(schedule_alarms(&line->schedule, i));
	}
	assert_int_equal(line->faults, 1);
	assert_true(line->schedule.fault);
	for (uint16_t i = 0; i < 32; i++)
		assert_false(schedule_alarms(&line->schedule, i));
	forget(line);
	run(line, 3600 * SECOND);
	assert_int_equal(line->faults, 1);
	assert_true(line->probe_us * 100 <= 3600 * SECOND * 5);
	for (int i = 0; i < 32; i++)
		line->device[i].dead = false;
	began_us = line->now_us;
	while (schedule_alive(&line->schedule) < 32)
		transact(line, INT64_MAX);
	print_message("a whole line is back after %d ms\n", (int)((line->now_us - began_us) / MS));
	assert_true(line->now_us - began_us < 15 * SECOND);
	assert_false(line->schedule.fault);
}

static void a_single_silent_meter_is_alarmed_by_itself(void **state)
{
	struct play *line = play(32, true);
	int64_t began_us;

	(void)state;
	run(line, 30 * SECOND);
	line->device[5].dead = true;
	began_us = line->now_us;
	while (!schedule_alarms(&line->schedule, 5))
		transact(line, INT64_MAX);
	assert_true(line->now_us - began_us < 30 * SECOND);
	assert_in_range(line->schedule.device[5].failures, SCHEDULE_SILENT_POLLS,
			2 * SCHEDULE_SILENT_POLLS);
	run(line, 120 * SECOND);
	assert_int_equal(line->faults, 0);
	line->device[5].dead = false;
	run(line, 60 * SECOND);
	assert_false(schedule_alarms(&line->schedule, 5));
}

static void a_lone_device_is_asked_again_after_silence(void **state)
{
	struct play *line = play(1, false);
	uint32_t replaced;
	bool any;

	(void)state;
	run(line, 5 * SECOND);
	/* Spare time is shared: most for the load, some for the register, least for what is longest. */
	print_message("spare time: %d, %d, %d reads\n", (int)line->device[0].reads[SCHEDULE_ENERGY],
		      (int)line->device[0].reads[SCHEDULE_LOAD],
		      (int)line->device[0].reads[SCHEDULE_INSTANT]);
	assert_true(line->device[0].reads[SCHEDULE_ENERGY] > 30);
	assert_true(line->device[0].reads[SCHEDULE_LOAD] > 60);
	assert_true(line->device[0].reads[SCHEDULE_INSTANT] > 5);
	line->device[0].dead = true;
	run(line, 30 * SECOND);
	assert_int_equal(line->schedule.device[0].state, SCHEDULE_SILENT);
	assert_true(schedule_alarms(&line->schedule, 0));
	assert_int_equal(
		schedule_command(&line->schedule, 0, 0, true, 1, line->now_us, &any, &replaced), 0);
	line->relays = 0;
	run(line, SECOND);
	assert_int_equal(line->relays, 1);
}

static void an_exception_is_an_answer(void **state)
{
	struct play *line = play(2, false);
	struct schedule_job job;
	int64_t wait_us;

	(void)state;
	for (int i = 0; i < 20; i++) {
		if (!schedule_next(&line->schedule, line->now_us, &job, &wait_us)) {
			line->now_us = wait_us;
			continue;
		}
		line->now_us += 30 * MS;
		assert_int_equal(schedule_result(&line->schedule, &job, -EREMOTEIO, 30 * MS,
						 10 * MS, line->now_us),
				 0);
	}
	assert_int_equal(schedule_alive(&line->schedule), 2);
	assert_true(line->schedule.device[0].exceptions > 5);
	/* The adapter is gone: that says nothing about the device. */
	for (int i = 0; i < 20; i++) {
		if (!schedule_next(&line->schedule, line->now_us, &job, &wait_us)) {
			line->now_us = wait_us;
			continue;
		}
		line->now_us += 30 * MS;
		assert_int_equal(
			schedule_result(&line->schedule, &job, -ENODEV, 0, -1, line->now_us), 0);
	}
	assert_int_equal(schedule_alive(&line->schedule), 2);
}

static void a_room_near_zero_is_read_more_often(void **state)
{
	struct play *line = play(32, true);
	int64_t before;

	(void)state;
	run(line, 10 * SECOND);
	forget(line);
	run(line, 60 * SECOND);
	before = line->device[4].reads[SCHEDULE_ENERGY];
	schedule_urgent(&line->schedule, 3, 500 * MS, line->now_us);
	forget(line);
	run(line, 60 * SECOND);
	/* Every half second and no more: the spare time stays everybody's. */
	assert_true(line->device[3].reads[SCHEDULE_ENERGY] <= 125);
	assert_true(line->device[4].reads[SCHEDULE_ENERGY] * 100 >= before * 80);
	/* Its half second, the read under way and the one ready, and its own. */
	assert_true(line->device[3].worst_age_us[SCHEDULE_ENERGY] < 800 * MS);
	assert_true(line->device[3].reads[SCHEDULE_ENERGY] >
		    2 * line->device[4].reads[SCHEDULE_ENERGY]);
	schedule_urgent(&line->schedule, 3, 0, line->now_us);
	run(line, 10 * SECOND);
	forget(line);
	run(line, 60 * SECOND);
	assert_true(line->device[3].reads[SCHEDULE_ENERGY] <=
		    line->device[4].reads[SCHEDULE_ENERGY] + 2);
}

/* However many rooms are near a limit at once, the rest keeps its part of the line. */
static void rooms_near_a_limit_leave_the_others_their_part(void **state)
{
	struct play *line = play(64, true);
	int64_t hurried_us = 0;

	(void)state;
	for (uint16_t i = 0; i < 40; i++)
		schedule_urgent(&line->schedule, i, 200 * MS, line->now_us);
	for (uint16_t i = 40; i < 50; i++)
		schedule_watch(&line->schedule, i, 1500 * MS, line->now_us);
	run(line, 30 * SECOND);
	forget(line);
	run(line, 120 * SECOND);
	for (size_t i = 0; i < 64; i++) {
		const struct played *one = &line->device[i];
		enum schedule_span span = i < 40 ? SCHEDULE_ENERGY : SCHEDULE_LOAD;

		if (i < 50)
			hurried_us += one->reads[span] * (span_us(span) + 16 * MS);
		assert_true(one->reads[SCHEDULE_ENERGY] > 0);
		assert_true(one->worst_age_us[SCHEDULE_ENERGY] < 45 * SECOND);
		assert_true(one->worst_age_us[SCHEDULE_LOAD] < 20 * SECOND);
		assert_true(one->worst_age_us[SCHEDULE_INSTANT] < 40 * SECOND);
	}
	print_message("hurried: %d %% of the line\n", (int)(hurried_us * 100 / (120 * SECOND)));
	assert_true(hurried_us * 100 <= 120 * SECOND * (SCHEDULE_HURRY_PERCENT + 2));
	assert_true(hurried_us * 100 >= 120 * SECOND * 40);
}

/* A meter of another model refuses for ever; the others are read as often as they would be. */
static void a_device_that_refuses_takes_no_more_of_the_line_than_another(void **state)
{
	struct play *line = play(8, true);

	(void)state;
	line->device[2].refuses = line->device[5].refuses = true;
	run(line, 120 * SECOND);
	print_message("energy: %d reads of one, %d refused by another\n",
		      (int)line->device[1].reads[SCHEDULE_ENERGY], (int)line->device[2].refused);
	assert_int_equal(line->device[2].reads[SCHEDULE_ENERGY], 0);
	for (size_t i = 0; i < 8; i++)
		if (!line->device[i].refuses)
			assert_true(line->device[2].refused * 10 <=
				    line->device[i].reads[SCHEDULE_ENERGY] * 11);
}

/* Four rooms run out of money: how long after its crossing is a register read that shows it, and a
 * command on the wire? */
static void a_crossing_is_commanded_within_half_a_second(void **state)
{
	struct play *line = play(64, true);
	static int64_t waits_us[2000];
	long rounds = random_rounds(2000), late = 0;

	(void)state;
	run(line, 30 * SECOND);
	for (uint16_t i = 0; i < 4; i++)
		schedule_urgent(&line->schedule, 16 * i, 150 * MS, line->now_us);
	for (long round = 0; round < rounds; round++) {
		uint16_t device = (uint16_t)(16 * random_between(&line->random, 0, 3));
		int relays = line->relays;
		int64_t crossed_us, began_us;
		bool any;
		uint32_t replaced;

		run(line, random_between(&line->random, 0, 1500) * MS);
		crossed_us = line->now_us - random_between(&line->random, 0, 40) * MS;
		do {
			began_us = line->now_us;
			transact(line, INT64_MAX);
		} while (line->last.device != device || line->last.span != SCHEDULE_ENERGY ||
			 began_us < crossed_us);
		assert_int_equal(schedule_command(&line->schedule, device, 1, false, 1,
						  line->now_us, &any, &replaced),
				 0);
		while (line->relays == relays)
			transact(line, INT64_MAX);
		waits_us[round] = line->relay_us - crossed_us;
		late += waits_us[round] > 350 * MS;
	}
	print_message("commanded later than 350 ms after the crossing: %ld of %ld\n", late, rounds);
	assert_true(late * 100 <= rounds + 200);
}

/* One job is one read: a device of many circuits wants that many within the time of one. */
static void a_device_of_many_circuits_shows_each_of_them_in_time(void **state)
{
	struct play *line = play(12, true);
	struct schedule_traits many = meter();
	uint16_t device;
	bool hurried;

	(void)state;
	many.round[SCHEDULE_ENERGY] = 4;
	many.round[SCHEDULE_INSTANT] = 9;
	many.cost_us[SCHEDULE_LOAD] = 0; /* their load is all they show */
	assert_int_equal(schedule_add(&line->schedule, &many, line->now_us, &device), 0);
	run(line, 60 * SECOND);
	int64_t before[] = {line->device[3].reads[SCHEDULE_LOAD],
			    line->device[device].reads[SCHEDULE_INSTANT]};
	run(line, 120 * SECOND);
	int64_t one = line->device[3].reads[SCHEDULE_LOAD] - before[0];
	int64_t all = line->device[device].reads[SCHEDULE_INSTANT] - before[1];
	print_message("load reads: %d of one circuit, %d of nine reads\n", (int)one, (int)all);
	assert_true(one >= 38);
	/* Each of its reads waits for those of others under way. */
	assert_true(all >= 9 * 26 && all <= 9 * 41);

	const struct schedule_device *state_of = &line->schedule.device[device];
	schedule_urgent(&line->schedule, device, 400 * MS, line->now_us);
	assert_int_equal(schedule_period_us(&line->schedule, state_of, SCHEDULE_ENERGY, &hurried),
			 100 * MS);
	assert_true(hurried);
}

/* Meters of one kind: registers of each read, 0 where there is none; reads of a round of instant. */
struct kind {
	int count;
	int registers[SCHEDULE_READS];
	uint8_t round;
};

static void add(struct play *line, const struct kind *kind)
{
	struct schedule_traits traits = {.round[SCHEDULE_INSTANT] = kind->round,
					 .load_in = kind->registers[SCHEDULE_INSTANT] > 0
							    ? SCHEDULE_INSTANT
							    : SCHEDULE_ENERGY};
	uint16_t device;

	for (int span = 0; span < SCHEDULE_READS; span++)
		if (kind->registers[span] > 0)
			traits.cost_us[span] = READ_US(kind->registers[span]) + 15 * MS;
	for (int i = 0; i < kind->count; i++)
		assert_int_equal(schedule_add(&line->schedule, &traits, line->now_us, &device), 0);
}

#define APART_US (1000 * MS) /* rules/load.h: sooner it may be the same measurement */
#define AT_ONCE  4           /* overloads that begin together */

struct overloaded {
	uint16_t device;
	int64_t from_us;
	int64_t reads;    /* of its load, seen so far */
	int64_t first_us; /* when the first was read that shows it */
	int64_t took_us;  /* until the second */
};

static void look(struct play *line, struct overloaded *one)
{
	enum schedule_span span = schedule_load_span(&line->schedule, one->device);
	int64_t reads = line->device[one->device].reads[span];
	bool read = reads > one->reads;

	one->reads = reads;
	if (!read || one->took_us > 0 || line->now_us < one->from_us)
		return;
	if (one->first_us == 0) {
		one->first_us = line->now_us;
		schedule_watch(&line->schedule, one->device, APART_US, line->now_us);
	} else if (line->now_us - one->first_us >= APART_US) {
		one->took_us = line->now_us - one->from_us;
		schedule_watch(&line->schedule, one->device, 0, line->now_us);
	}
}

/* Plays overloads until each was read for the second time. */
static void overload(struct play *line, struct overloaded ones[static AT_ONCE])
{
	size_t seen = 0;

	for (size_t i = 0; i < AT_ONCE; i++) {
		ones[i].from_us = line->now_us + random_between(&line->random, 1, 300) * MS;
		look(line, &ones[i]);
	}
	while (seen < AT_ONCE) {
		seen = 0;
		transact(line, INT64_MAX);
		for (size_t i = 0; i < AT_ONCE; i++) {
			look(line, &ones[i]);
			seen += ones[i].took_us > 0;
		}
	}
}

/* An overload may begin at any time on any meter, on lines that can hardly carry what is asked of them. The
 * meters: SDM120, DDS238, DDSY1352, SDM630 and the relay boards of those without a relay. */
static void an_overload_is_seen_twice_within_five_seconds(void **state)
{
	static const struct {
		const char *sentence;
		int64_t most_us;
		struct kind kinds[5];
	} cases[] = {
		{"64 meters of four kinds",
		 4500 * MS,
		 {{24, {6, 2, 14, 0}, 1},
		  {20, {8, 2, 0, 1}, 1},
		  {12, {17, 2, 0, 0}, 1},
		  {8, {6, 8, 7, 0}, 2},
		  {4, {0, 0, 0, 1}, 1}}},
		{"64 meters of one kind", 4500 * MS, {{64, {6, 2, 14, 0}, 1}}},
		{"16 meters leave time to spare", 4500 * MS, {{16, {6, 2, 14, 0}, 1}}},
	};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct play *line = play(0, true);
		long rounds = random_rounds(400), late = 0, meters = 0;
		int64_t worst_us = 0;

		for (size_t i = 0; i < 5 && cases[n].kinds[i].count > 0; i++) {
			add(line, &cases[n].kinds[i]);
			if (cases[n].kinds[i].registers[SCHEDULE_ENERGY] > 0)
				meters += cases[n].kinds[i].count;
		}
		/* All began at once: until that has spread. */
		run(line, 120 * SECOND);
		for (long round = 0; round < rounds; round++) {
			struct overloaded ones[AT_ONCE] = {0};
			long first = random_between(&line->random, 0, meters - 1);

			for (int i = 0; i < AT_ONCE; i++)
				ones[i].device = (uint16_t)((first + i * meters / AT_ONCE) %
							    meters);
			run(line, random_between(&line->random, 1000, 5000) * MS);
			overload(line, ones);
			for (int i = 0; i < AT_ONCE; i++) {
				late += ones[i].took_us > cases[n].most_us;
				if (ones[i].took_us > worst_us)
					worst_us = ones[i].took_us;
			}
		}
		print_message("%s: later than after %d ms: %ld of %ld; worst %d ms\n",
			      cases[n].sentence, (int)(cases[n].most_us / MS), late,
			      rounds * AT_ONCE, (int)(worst_us / MS));
		assert_true(late * 100 <= rounds * AT_ONCE + 200);
	}
}

static bool all_read(const struct play *line)
{
	for (size_t i = 0; i < line->schedule.devices; i++)
		for (int span = 0; span < SCHEDULE_READS; span++)
			if (line->schedule.device[i].traits.cost_us[span] > 0 &&
			    line->device[i].reads[span] == 0)
				return false;
	return true;
}

/* A start makes everything due at once, and so does each period behind it: in every half second from the first
 * reading of the last meter on an overload may begin on any of them. */
static void after_a_start_no_moment_hides_an_overload(void **state)
{
	static const struct {
		const char *sentence;
		struct kind kinds[5];
	} cases[] = {
		{"64 meters of four kinds",
		 {{24, {6, 2, 14, 0}, 1},
		  {20, {8, 2, 0, 1}, 1},
		  {12, {17, 2, 0, 0}, 1},
		  {8, {6, 8, 7, 0}, 2},
		  {4, {0, 0, 0, 1}, 1}}},
		{"64 meters of one kind", {{64, {6, 2, 14, 0}, 1}}},
	};
	static struct play begun;
	long apart = random_rounds(8); /* of the 16 groups of rooms, so many at each moment */

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct play *line = play(0, true);
		int64_t started_us = line->now_us, worst_us = 0, worst_at_us = 0;
		int64_t read_us;
		int group = 0;

		for (size_t i = 0; i < 5 && cases[n].kinds[i].count > 0; i++)
			add(line, &cases[n].kinds[i]);
		while (!all_read(line))
			transact(line, INT64_MAX);
		read_us = line->now_us;
		/* Rooms wait for it. */
		assert_true(read_us - started_us < 9 * SECOND);
		for (; line->now_us < read_us + 80 * SECOND; run(line, 500 * MS)) {
			begun = *line;
			for (long k = 0; k < (apart > 0 ? apart : 1); k++, group++) {
				struct overloaded ones[AT_ONCE] = {0};

				for (int i = 0; i < AT_ONCE; i++)
					ones[i].device = (uint16_t)(group * 5 % 16 + 16 * i);
				overload(line, ones);
				for (int i = 0; i < AT_ONCE; i++) {
					if (ones[i].took_us <= worst_us)
						continue;
					worst_us = ones[i].took_us;
					worst_at_us = ones[i].from_us - started_us;
				}
				*line = begun;
			}
		}
		print_message("%s: all read after %d ms; worst %d ms, %d ms behind the start\n",
			      cases[n].sentence, (int)((read_us - started_us) / MS),
			      (int)(worst_us / MS), (int)(worst_at_us / MS));
		assert_true(worst_us <= 4800 * MS);
	}
}

/* B2 on a full line, by answers: what the dead leave free does not go to longer reads than before. */
static void sixteen_dead_of_sixty_four_leave_a_full_line_its_answers(void **state)
{
	static const struct kind kind = {64, {6, 2, 14, 0}, 1};
	int64_t answers[2];

	(void)state;
	for (int dead = 0; dead < 2; dead++) {
		struct play *line = play(0, true);
		int64_t before = 0;

		add(line, &kind);
		run(line, 30 * SECOND);
		for (int i = 0; i < 64; i += 4)
			line->device[i].dead = dead;
		run(line, 60 * SECOND);
		for (int i = 0; i < 64; i++)
			before += (int64_t)(line->schedule.device[i].polls -
					    line->schedule.device[i].timeouts);
		run(line, 120 * SECOND);
		answers[dead] = -before;
		for (int i = 0; i < 64; i++)
			answers[dead] += (int64_t)(line->schedule.device[i].polls -
						   line->schedule.device[i].timeouts);
	}
	print_message("answers in 120 s: %d, with 16 of 64 dead %d\n", (int)answers[0],
		      (int)answers[1]);
	assert_true(answers[1] * 100 >= answers[0] * 95);
}

/* What is asked for behind a cut does not keep the next room from being cut in time. */
static void a_room_near_its_end_goes_before_what_is_asked_for(void **state)
{
	struct play *line = play(64, false);

	(void)state;
	run(line, 30 * SECOND);
	schedule_urgent(&line->schedule, 9, 150 * MS, line->now_us);
	run(line, 5 * SECOND);
	for (long round = 0; round < random_rounds(200); round++) {
		forget(line);
		for (uint16_t device = 20; device < 30; device++) {
			schedule_ask(&line->schedule, device, SCHEDULE_ENERGY);
			schedule_ask(&line->schedule, device, SCHEDULE_INSTANT);
		}
		run(line, SECOND);
		/* Its period, the transaction under way, and its own. */
		assert_true(line->device[9].worst_age_us[SCHEDULE_ENERGY] <= 330 * MS);
		run(line, 3 * SECOND);
		assert_true(line->device[29].reads[SCHEDULE_INSTANT] > 0);
	}
}

static void a_watched_room_is_read_by_what_shows_its_load(void **state)
{
	struct play *line = play(64, true);

	(void)state;
	line->schedule.device[6].traits.cost_us[SCHEDULE_LOAD] = 0;
	line->schedule.device[7].traits.cost_us[SCHEDULE_LOAD] = 0;
	line->schedule.device[7].traits.cost_us[SCHEDULE_INSTANT] = 0;
	line->schedule.device[8].traits.cost_us[SCHEDULE_INSTANT] = 0;
	line->schedule.device[8].traits.load_in = SCHEDULE_ENERGY;
	run(line, 10 * SECOND);
	schedule_watch(&line->schedule, 5, 1500 * MS, line->now_us);
	schedule_watch(&line->schedule, 8, 1500 * MS, line->now_us);
	schedule_watch(&line->schedule, 6, 1500 * MS, line->now_us);
	schedule_watch(&line->schedule, 7, 1500 * MS, line->now_us);
	run(line, 10 * SECOND);
	forget(line);
	run(line, 60 * SECOND);
	assert_true(line->device[5].worst_age_us[SCHEDULE_LOAD] < 1900 * MS);
	assert_true(line->device[6].worst_age_us[SCHEDULE_INSTANT] < 1900 * MS);
	/* What is read whole, and seldom, does not wait for ever for the load's turn. */
	assert_true(line->device[5].reads[SCHEDULE_INSTANT] > 1);
	assert_true(line->device[8].reads[SCHEDULE_ENERGY] > 1);
	assert_true(line->device[8].worst_age_us[SCHEDULE_ENERGY] < 25 * SECOND);
	assert_true(line->device[7].worst_age_us[SCHEDULE_ENERGY] < 1900 * MS);
	/* Both wishes for one span: the more urgent one counts. */
	schedule_urgent(&line->schedule, 7, 200 * MS, line->now_us);
	forget(line);
	run(line, 60 * SECOND);
	assert_true(line->device[7].worst_age_us[SCHEDULE_ENERGY] < 600 * MS);
}

static void a_span_asked_for_is_read_at_once(void **state)
{
	struct play *line = play(32, false);

	(void)state;
	run(line, 10 * SECOND);
	schedule_ask(&line->schedule, 17, SCHEDULE_INSTANT);
	transact(line, INT64_MAX);
	if (line->last.device != 17)
		transact(line, INT64_MAX);
	assert_int_equal(line->last.device, 17);
	assert_int_equal(line->last.span, SCHEDULE_INSTANT);
}

static void nothing_is_due_until_then(void **state)
{
	struct schedule_policy policy = schedule_policy_default();
	struct play *line = play(0, false);
	struct schedule_traits traits = {.cost_us = {[SCHEDULE_ENERGY] = 40 * MS}};
	struct schedule_traits nothing = {0};
	struct schedule_job job;
	int64_t wait_us;
	uint16_t device;

	(void)state;
	policy.continuous = false;
	traits.gap_us = 20 * MS;
	schedule_init(&line->schedule, &policy, 1, line->now_us);
	assert_false(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(wait_us, SCHEDULE_NEVER_US);
	assert_int_equal(schedule_add(&line->schedule, &nothing, line->now_us, &device), -EINVAL);
	assert_int_equal(schedule_add(&line->schedule, &traits, line->now_us, &device), 0);
	assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(schedule_result(&line->schedule, &job, 0, 40 * MS, 10 * MS, line->now_us),
			 0);
	assert_false(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	/* First its gap, then its deadline. */
	line->now_us = wait_us;
	assert_false(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	/* One read brings energy and load, so the shorter period counts. */
	assert_int_equal(wait_us, 5 * SECOND + policy.period_us[SCHEDULE_LOAD]);
	assert_true(schedule_next(&line->schedule, wait_us, &job, &wait_us));
}

/* It rests behind each answer, before reads and commands alike; another is asked meanwhile. */
static void a_device_that_wants_rest_has_it_and_the_others_go_on(void **state)
{
	struct play *line = play(2, false);
	struct schedule_traits traits = meter();
	struct schedule_job job, other;
	int64_t wait_us, rest_us = 300 * MS;
	uint32_t replaced;
	bool any;

	(void)state;
	traits.gap_us = rest_us;
	schedule_traits(&line->schedule, 0, &traits, line->now_us);
	schedule_ask(&line->schedule, 0, SCHEDULE_ENERGY);
	assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
	assert_int_equal(job.device, 0);
	/* Not even a command is made ready behind what is on its way to it. */
	assert_int_equal(
		schedule_command(&line->schedule, 0, 1, false, 7, line->now_us, &any, &replaced),
		0);
	assert_false(schedule_relay_waits(&line->schedule, line->now_us));
	line->now_us += 50 * MS;
	(void)schedule_result(&line->schedule, &job, 0, 50 * MS, 10 * MS, line->now_us);
	for (int i = 0; i < 2; i++) {
		int64_t rested_us = line->now_us + rest_us;

		schedule_ask(&line->schedule, 0, SCHEDULE_INSTANT);
		while (line->now_us < rested_us) {
			assert_false(schedule_relay_waits(&line->schedule, line->now_us));
			assert_true(schedule_next(&line->schedule, line->now_us, &other, &wait_us));
			assert_int_equal(other.device, 1);
			line->now_us += 50 * MS;
			(void)schedule_result(&line->schedule, &other, 0, 50 * MS, 10 * MS,
					      line->now_us);
		}
		assert_true(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
		assert_int_equal(job.device, 0);
		assert_int_equal(job.span, i == 0 ? SCHEDULE_RELAY : SCHEDULE_INSTANT);
		line->now_us += 50 * MS;
		(void)schedule_result(&line->schedule, &job, 0, 50 * MS, 10 * MS, line->now_us);
	}
}

static void the_turnaround_is_learnt_near_its_slowest(void **state)
{
	struct play *line = play(2, false);

	(void)state;
	assert_int_equal(schedule_turnaround_us(&line->schedule, 0), 0);
	run(line, 300 * SECOND);
	/* Uniform in 8 to 25 ms: the 99th percentile is 24.83 ms. */
	for (int i = 0; i < 50; i++) {
		run(line, SECOND);
		assert_in_range(schedule_turnaround_us(&line->schedule, 0), 21 * MS, 26 * MS);
	}
}

/* Random devices and periods on a line that cannot keep up, some dying, some coming back: every
 * span of every living device is read again and again. */
static void nothing_starves(void **state)
{
	struct random random = random_start("starvation", 82);

	(void)state;
	for (long round = 0; round < random_rounds(40); round++) {
		struct play *line = play(0, random_between(&random, 0, 1));
		int devices = (int)random_between(&random, 2, 60);
		struct schedule_policy policy = schedule_policy_default();
		int64_t bound_us;

		for (int span = 0; span < SCHEDULE_READS; span++)
			policy.period_us[span] = random_between(&random, 1, 20) * SECOND;
		policy.continuous = random_between(&random, 0, 1);
		line->random = random;
		schedule_init(&line->schedule, &policy, 3, line->now_us);
		for (int i = 0; i < devices; i++) {
			struct schedule_traits traits = meter();
			uint16_t device;

			if (random_between(&random, 0, 2) == 0)
				traits.cost_us[SCHEDULE_INSTANT] = 0;
			if (random_between(&random, 0, 2) == 0)
				traits.cost_us[SCHEDULE_POSITION] = 0;
			assert_int_equal(
				schedule_add(&line->schedule, &traits, line->now_us, &device), 0);
			line->device[i].dead = i > 0 && random_between(&random, 0, 9) == 0;
			if (random_between(&random, 0, 9) == 0)
				schedule_urgent(&line->schedule, device, 500 * MS, line->now_us);
		}
		run(line, 30 * SECOND);
		forget(line);
		/* Every span once, urgent ones many times in between, and the longest period. */
		bound_us = 60 * SECOND;
		for (int minute = 0; minute < 5; minute++) {
			schedule_boundary(&line->schedule,
					  line->now_us + random_between(&random, 0, 50) * SECOND,
					  random_between(&random, 0, 1));
			run(line, 60 * SECOND);
			for (int i = 0; i < devices; i++)
				for (int span = 0; span < SCHEDULE_READS; span++) {
					const struct played *one = &line->device[i];

					if (one->dead ||
					    line->schedule.device[i].traits.cost_us[span] == 0)
						continue;
					assert_true(one->reads[span] > 0);
					assert_true(one->worst_age_us[span] < bound_us);
				}
		}
	}
}

/* How far from the boundary each register was read at the nearest, of those that answer. */
struct nearest {
	int64_t us[SCHEDULE_DEVICES_MAX];
	int64_t worst_us;
	int64_t mean_us;
	int within; /* half a minute */
};

static void run_past(struct play *line, int64_t boundary_us, int64_t until_us, struct nearest *ret)
{
	size_t count = line->schedule.devices;
	int64_t sum_us = 0, alive = 0;

	for (size_t i = 0; i < count; i++)
		ret->us[i] = 60 * SECOND; /* or more */
	while (line->now_us < until_us) {
		int64_t distance_us;

		transact(line, until_us);
		distance_us = line->now_us > boundary_us ? line->now_us - boundary_us
							 : boundary_us - line->now_us;
		if (line->last.span == SCHEDULE_ENERGY &&
		    line->device[line->last.device].read_us[SCHEDULE_ENERGY] == line->now_us &&
		    distance_us < ret->us[line->last.device])
			ret->us[line->last.device] = distance_us;
	}
	ret->worst_us = ret->within = 0;
	for (size_t i = 0; i < count; i++) {
		if (line->device[i].dead)
			continue;
		alive++;
		sum_us += ret->us[i];
		ret->within += ret->us[i] <= 30 * SECOND;
		if (ret->us[i] > ret->worst_us)
			ret->worst_us = ret->us[i];
	}
	ret->mean_us = sum_us / alive;
}

/* M7: the round is R long: half of it before the boundary, half of it behind. */
static void registers_are_read_around_a_boundary(void **state)
{
	static const struct {
		const char *sentence;
		int meters;
		int dead;
		int64_t cost_us;
		bool behind;
		int64_t worst_us, mean_us;
		int least_within;
	} cases[] = {
		{"64 meters at 9600, 37 ms each: 1.2 s before to 1.2 s behind", 64, 0,
		 READ_US(2) + 15 * MS, false, 1450 * MS, 700 * MS, 64},
		{"16 of them dead: as much shorter, behind a probe under way", 64, 16,
		 READ_US(2) + 15 * MS, false, 1300 * MS, 600 * MS, 48},
		{"what is read before does not count: all of it behind", 64, 0,
		 READ_US(2) + 15 * MS, true, 2600 * MS, 1350 * MS, 64},
		{"247 meters at 2400, 112 ms each: 14 s before to 14 s behind", 247, 0, 112 * MS,
		 false, 14500 * MS, 7300 * MS, 247},
		{"a round of 99 s: what fits into 28 s before and behind", 247, 0, 400 * MS, false,
		 INT64_MAX, INT64_MAX, 136},
		{"a single meter: at once", 1, 0, 40 * MS, false, 150 * MS, 150 * MS, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nearest told, untold;

		print_message("%s\n", cases[i].sentence);
		for (int tell = 0; tell < 2; tell++) {
			struct play *line = play(cases[i].meters, true);
			int64_t boundary_us;

			for (int n = 0; n < cases[i].meters; n++) {
				struct schedule_traits *traits = &line->schedule.device[n].traits;

				traits->cost_us[SCHEDULE_ENERGY] = cases[i].cost_us;
				traits->cost_us[SCHEDULE_INSTANT] = 2 * cases[i].cost_us;
				line->device[n].dead = n < cases[i].dead;
			}
			run(line, 180 * SECOND);
			boundary_us = line->now_us + 40 * SECOND;
			if (tell)
				schedule_boundary(&line->schedule, boundary_us, cases[i].behind);
			run_past(line, boundary_us, boundary_us + 40 * SECOND,
				 tell ? &told : &untold);
		}
		print_message("  at the most %d ms, on average %d ms, %d within 30 s; without: "
			      "%d, %d, %d\n",
			      (int)(told.worst_us / MS), (int)(told.mean_us / MS), told.within,
			      (int)(untold.worst_us / MS), (int)(untold.mean_us / MS),
			      untold.within);
		assert_true(told.worst_us <= cases[i].worst_us);
		assert_true(told.mean_us <= cases[i].mean_us);
		assert_true(told.within >= cases[i].least_within);
	}
}

static void at_a_boundary_commands_go_first_and_rooms_near_zero_wait(void **state)
{
	struct play *line = play(64, false);
	int64_t boundary_us;
	int jobs = 0, opened_at = -1, closed_at = -1;
	bool any;
	uint32_t replaced;

	(void)state;
	run(line, 30 * SECOND);
	schedule_urgent(&line->schedule, 9, 150 * MS, line->now_us);
	run(line, 5 * SECOND);
	boundary_us = line->now_us + 10 * SECOND;
	schedule_boundary(&line->schedule, boundary_us, false);
	while (!schedule_boundary_runs(&line->schedule, line->now_us))
		transact(line, INT64_MAX);
	assert_in_range(boundary_us - line->now_us, 1100 * MS, 1200 * MS);
	for (; schedule_boundary_runs(&line->schedule, line->now_us); jobs++) {
		if (jobs == 20) {
			assert_int_equal(schedule_command(&line->schedule, 3, 1, true, 1,
							  line->now_us, &any, &replaced),
					 0);
			assert_int_equal(schedule_command(&line->schedule, 4, 1, false, 2,
							  line->now_us, &any, &replaced),
					 0);
		}
		transact(line, INT64_MAX);
		assert_int_equal(line->last.boundary, line->last.span != SCHEDULE_RELAY);
		if (line->last.span == SCHEDULE_RELAY)
			*(line->last.close ? &closed_at : &opened_at) = jobs;
	}
	/* A register whose read was under way when the round began is one of them. */
	assert_in_range(jobs, 63 + 2, 64 + 2);
	assert_int_equal(opened_at, 20);
	assert_int_equal(closed_at, 21);
	/* Whoever waited is not forgotten. */
	forget(line);
	run(line, 300 * MS);
	assert_true(line->device[9].reads[SCHEDULE_ENERGY] > 0);
	assert_false(line->last.boundary);
	/* Said again it is another round; none is none. */
	schedule_boundary(&line->schedule, boundary_us, false);
	assert_true(schedule_boundary_runs(&line->schedule, line->now_us));
	assert_false(schedule_boundary_runs(&line->schedule, boundary_us + SCHEDULE_BOUNDARY_US));
	schedule_boundary(&line->schedule, 0, false);
	assert_false(schedule_boundary_runs(&line->schedule, line->now_us));
}

static void each_device_has_its_part_of_a_boundary_and_no_more(void **state)
{
	static const struct {
		const char *sentence;
		bool dead, refuses, comes_along;
		uint8_t round;
		uint8_t asked; /* so many times more, behind its read */
		int jobs;
	} cases[] = {
		{"read once", .jobs = 1},
		{"refused once", .refuses = true, .jobs = 1},
		{"it falls silent in the round: until that is known", .dead = true,
		 .jobs = SCHEDULE_SILENT_POLLS},
		{"of four reads: each of them", .round = 4, .jobs = 4},
		{"not believed at once: repeated, at once", .asked = 2, .jobs = 3},
		{"it came along with another answer: not at all", .comes_along = true, .jobs = 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct play *line = play(32, false);
		int jobs = 0, others = 0, asked = 0;

		print_message("%s\n", cases[i].sentence);
		line->schedule.device[5].traits.round[SCHEDULE_ENERGY] = cases[i].round;
		run(line, 30 * SECOND);
		schedule_boundary(&line->schedule, line->now_us, true);
		line->device[5].dead = cases[i].dead;
		line->device[5].refuses = cases[i].refuses;
		if (cases[i].comes_along)
			schedule_came_along(&line->schedule, 5, SCHEDULE_ENERGY, line->now_us);
		while (schedule_boundary_runs(&line->schedule, line->now_us)) {
			transact(line, INT64_MAX);
			if (line->last.device != 5) {
				/* A repetition is the very next. */
				assert_int_equal(asked, jobs > 0 ? cases[i].asked : 0);
				others += line->last.boundary;
			} else {
				jobs++;
				if (asked < cases[i].asked) {
					asked++;
					schedule_ask(&line->schedule, 5, SCHEDULE_ENERGY);
				}
			}
		}
		assert_int_equal(jobs, cases[i].jobs);
		assert_int_equal(others, 31);
	}
}

static void an_idle_line_wakes_for_a_boundary(void **state)
{
	struct schedule_policy policy = schedule_policy_default();
	struct play *line = play(0, false);
	struct schedule_traits traits = {.cost_us = {[SCHEDULE_ENERGY] = 40 * MS}};
	struct schedule_traits board = {.cost_us = {[SCHEDULE_POSITION] = 40 * MS}};
	struct schedule_job job;
	int64_t wait_us, boundary_us = 7 * SECOND;
	uint16_t device;

	(void)state;
	policy.continuous = false;
	schedule_init(&line->schedule, &policy, 1, line->now_us);
	for (int i = 0; i < 3; i++)
		assert_int_equal(schedule_add(&line->schedule, i < 2 ? &traits : &board,
					      line->now_us, &device),
				 0);
	run(line, SECOND);
	for (int behind = 0; behind < 2; behind++) {
		int64_t from_us = boundary_us - (behind ? 0 : 40 * MS);

		schedule_boundary(&line->schedule, boundary_us, behind != 0);
		assert_false(schedule_next(&line->schedule, line->now_us, &job, &wait_us));
		assert_int_equal(wait_us, from_us);
		assert_false(schedule_boundary_runs(&line->schedule, from_us - 1));
		assert_true(schedule_boundary_runs(&line->schedule, from_us));
	}
	line->now_us = boundary_us;
	transact(line, INT64_MAX);
	assert_true(line->last.boundary);
	transact(line, INT64_MAX);
	assert_true(line->last.boundary);
	/* The board has no register. */
	assert_false(schedule_boundary_runs(&line->schedule, line->now_us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_line_is_never_idle_and_fair),
		cmocka_unit_test(dead_meters_leave_the_others_their_rate),
		cmocka_unit_test(a_revived_meter_is_back_within_a_minute),
		cmocka_unit_test(many_dead_are_back_when_their_budget_allows),
		cmocka_unit_test(probes_back_off_and_do_not_march_in_step),
		cmocka_unit_test(half_a_line_that_dies_at_once_is_one_fault),
		cmocka_unit_test(a_relay_command_is_the_next_on_the_wire),
		cmocka_unit_test(
			behind_a_time_out_of_its_own_device_a_command_waits_one_transaction),
		cmocka_unit_test(opens_go_before_closes_and_closes_are_staggered),
		cmocka_unit_test(a_newer_command_replaces_the_older),
		cmocka_unit_test(another_read_goes_in_the_place_of_one_that_could_be_mistaken),
		cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(a_line_that_dies_at_once_is_one_fault),
		cmocka_unit_test(a_single_silent_meter_is_alarmed_by_itself),
		cmocka_unit_test(a_lone_device_is_asked_again_after_silence),
		cmocka_unit_test(an_exception_is_an_answer),
		cmocka_unit_test(a_room_near_zero_is_read_more_often),
		cmocka_unit_test(rooms_near_a_limit_leave_the_others_their_part),
		cmocka_unit_test(a_device_that_refuses_takes_no_more_of_the_line_than_another),
		cmocka_unit_test(a_crossing_is_commanded_within_half_a_second),
		cmocka_unit_test(a_device_of_many_circuits_shows_each_of_them_in_time),
		cmocka_unit_test(an_overload_is_seen_twice_within_five_seconds),
		cmocka_unit_test(after_a_start_no_moment_hides_an_overload),
		cmocka_unit_test(sixteen_dead_of_sixty_four_leave_a_full_line_its_answers),
		cmocka_unit_test(a_room_near_its_end_goes_before_what_is_asked_for),
		cmocka_unit_test(a_watched_room_is_read_by_what_shows_its_load),
		cmocka_unit_test(a_span_asked_for_is_read_at_once),
		cmocka_unit_test(nothing_is_due_until_then),
		cmocka_unit_test(a_device_that_wants_rest_has_it_and_the_others_go_on),
		cmocka_unit_test(the_turnaround_is_learnt_near_its_slowest),
		cmocka_unit_test(nothing_starves),
		cmocka_unit_test(registers_are_read_around_a_boundary),
		cmocka_unit_test(at_a_boundary_commands_go_first_and_rooms_near_zero_wait),
		cmocka_unit_test(each_device_has_its_part_of_a_boundary_and_no_more),
		cmocka_unit_test(an_idle_line_wakes_for_a_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
