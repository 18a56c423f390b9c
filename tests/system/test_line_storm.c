/* test_line_storm - B1 on real pseudo-terminals: the storm against the line's worker, many lines at once.
 *
 * Each line has a thread that plays its slaves in real time, by the same faults as test_exchange_storm.c. The
 * machine is busy, so that the line's worker looks late: that is meant. But the players and the pseudo-terminals
 * are late then, too: a terminal hands bytes over some milliseconds after they were written to it. What was to come
 * too early comes in time then, and is the perfect answer to the request; nothing on a line can tell it. Such answers
 * are counted apart ("early_taken"), and are few. In virtual time, where nothing is late by itself, there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "concentrator/platform/clock.h"
#include "drivers/line_worker.h"
#include "tests/unit/storm.h"

#define LINES         64
#define READS         50000 /* in all */
#define BAUD          19200
#define DEFAULT_SEED  20260316
#define TURNAROUND_US 6000 /* what the slaves take at most, and what is granted */
#define PATIENCE_US   INT64_C(300000000)
#define REQUEST_LEN   8
#define HELD          2
#define HEARD         8 /* requests that a player remembers: more than can be under way */

/* What became of one request at the player's side. */
struct heard {
	uint8_t slave;
	uint16_t address;
	enum storm_fault fault;
	int64_t heard_us;
};

struct thunder {
	int fd; /* the slaves' side */
	atomic_bool stop;
	pthread_t thread;
	struct storm storm; /* the thread's, but for storm_request() before it is sent */
	struct played played;
	pthread_mutex_t mutex; /* keeps heard */
	struct heard heard[HEARD];
	size_t n_heard;
	struct line *line;
	struct line_request asked[HELD]; /* by tag, the lowest bit */
	uint64_t next_tag;
	struct storm maker; /* makes up requests */
	long submitted, answered, refused, wrong, early_taken;
};

/* The bytes that are due go out. Returns how long until the next, in ms; -1: there is none. */
static int release(struct thunder *thunder)
{
	struct played *played = &thunder->played;
	int64_t now_us = clock_boottime_us();
	size_t n = 0;

	while (n < played->n && played->at_us[n] <= now_us)
		n++;
	if (n > 0 && write(thunder->fd, played->byte, n) < 0)
		n = played->n;
	played->n -= n;
	memmove(played->at_us, played->at_us + n, played->n * sizeof(played->at_us[0]));
	memmove(played->byte, played->byte + n, played->n);
	return played->n == 0 ? -1 : (int)((played->at_us[0] - now_us) / 1000);
}

static void hear(struct thunder *thunder)
{
	uint8_t frame[FRAME_MAX];
	ssize_t n = read(thunder->fd, frame, sizeof(frame));

	if (n != REQUEST_LEN)
		return;
	/* What is asked is read from the frame: the slaves know nothing of the tester. */
	thunder->storm.request = (struct line_request){
		.slave = frame[0],
		.function = frame[1],
		.address = (uint16_t)(frame[2] << 8 | frame[3]),
		.count = (uint16_t)(frame[4] << 8 | frame[5]),
	};
	thunder->storm.turnaround_us = TURNAROUND_US;
	if (thunder->played.n >= PLAYED_MAX / 2)
		return;
	int64_t now_us = clock_boottime_us();

	storm_strike(&thunder->storm, &thunder->played, frame, (size_t)n, now_us);
	(void)pthread_mutex_lock(&thunder->mutex);
	thunder->heard[thunder->n_heard++ % HEARD] = (struct heard){
		.slave = thunder->storm.request.slave,
		.address = thunder->storm.request.address,
		.fault = thunder->storm.fault,
		.heard_us = now_us,
	};
	(void)pthread_mutex_unlock(&thunder->mutex);
}

/* Was the request answered by what should have come too early? */
static bool struck_early(struct thunder *thunder, const struct line_request *request,
			 int64_t sent_us)
{
	bool found = false;

	(void)pthread_mutex_lock(&thunder->mutex);
	for (size_t i = 0; i < HEARD; i++) {
		const struct heard *heard = &thunder->heard[i];

		found = found ||
			(heard->slave == request->slave && heard->address == request->address &&
			 heard->fault == STORM_EARLIER && heard->heard_us >= sent_us);
	}
	(void)pthread_mutex_unlock(&thunder->mutex);
	return found;
}

static void *play(void *arg)
{
	struct thunder *thunder = arg;
	const struct sched_param priority = {.sched_priority = LINE_PRIORITY + 1};

	/* The slaves' time does not depend on the worker's. */
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	while (!thunder->stop) {
		struct pollfd pollfd = {.fd = thunder->fd, .events = POLLIN};
		int wait_ms = release(thunder);

		if (wait_ms == 0) {
			const struct timespec moment = {.tv_nsec = 200000};

			(void)nanosleep(&moment, NULL);
		}
		if (poll(&pollfd, 1, wait_ms < 0 || wait_ms > 20 ? 20 : wait_ms) > 0)
			hear(thunder);
	}
	return NULL;
}

static void open_line(struct thunder *thunder, unsigned int index)
{
	struct line_settings settings = {.baud = BAUD, .parity = 'N', .stop_bits = 1};
	const struct wire wire = {BAUD, 10};

	assert_int_equal(pthread_mutex_init(&thunder->mutex, NULL), 0);
	(void)snprintf(settings.name, sizeof(settings.name), "%u", index);
	thunder->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(thunder->fd >= 0);
	assert_int_equal(grantpt(thunder->fd), 0);
	assert_int_equal(unlockpt(thunder->fd), 0);
	assert_int_equal(ptsname_r(thunder->fd, settings.port, sizeof(settings.port)), 0);
	thunder->maker = thunder->storm = (struct storm){
		.wire = wire,
		.random = DEFAULT_SEED + index,
		.slaves = STORM_SLAVES,
		.sound_of = 25,
		.late_player = true,
		.turnaround_least_us = TURNAROUND_US,
		.turnaround_most_us = TURNAROUND_US,
	};
	assert_int_equal(line_open(&thunder->line, &settings), 0);
	while (line_state(thunder->line, NULL) != LINE_OK)
		(void)usleep(1000);
	assert_int_equal(pthread_create(&thunder->thread, NULL, play, thunder), 0);
}

static void close_line(struct thunder *thunder)
{
	thunder->line = line_close(thunder->line);
	thunder->stop = true;
	(void)pthread_join(thunder->thread, NULL);
	(void)close(thunder->fd);
	(void)pthread_mutex_destroy(&thunder->mutex);
}

/* Keeps two jobs on the line as long as there are reads to make. */
static void feed(struct thunder *thunder, long reads)
{
	while (thunder->submitted < reads && line_jobs_held(thunder->line) < HELD &&
	       thunder->submitted - thunder->answered - thunder->refused < HELD) {
		struct line_job job = {.turnaround_us = TURNAROUND_US};
		size_t place = thunder->asked[0].slave == 0 ? 0 : 1;

		job.request = *storm_request(&thunder->maker);
		job.tag = thunder->next_tag++ << 1 | place;
		thunder->asked[place] = job.request;
		assert_int_equal(line_submit(thunder->line, &job), 0);
		thunder->submitted++;
	}
}

static void collect(struct thunder *thunder)
{
	struct line_result result;

	while (line_take(thunder->line, &result) == 0) {
		struct line_request *asked = &thunder->asked[result.tag & 1];

		if (result.error != 0)
			thunder->refused++;
		else
			thunder->answered++;
		if (result.error == 0 && !storm_right(asked, result.values, result.count)) {
			if (struck_early(thunder, asked, result.sent_us))
				thunder->early_taken++;
			else
				thunder->wrong++;
		}
		asked->slave = 0;
	}
}

static void no_wrong_value_on_many_lines(void **state)
{
	struct thunder *thunders = calloc(LINES, sizeof(*thunders));
	long reads = (storm_reads(READS) + LINES - 1) / LINES, answered = 0, refused = 0, wrong = 0;
	long early_taken = 0;
	int64_t end_us = clock_boottime_us() + PATIENCE_US;
	uint64_t struck[STORM_FAULT_COUNT] = {0};
	struct pollfd pollfds[LINES];

	(void)state;
	assert_non_null(thunders);
	for (unsigned int i = 0; i < LINES; i++)
		open_line(&thunders[i], i);
	while (answered + refused < reads * LINES) {
		answered = refused = 0;
		for (unsigned int i = 0; i < LINES; i++) {
			collect(&thunders[i]);
			feed(&thunders[i], reads);
			pollfds[i] = (struct pollfd){.fd = line_fd(thunders[i].line),
						     .events = POLLIN};
			answered += thunders[i].answered;
			refused += thunders[i].refused;
		}
		assert_true(clock_boottime_us() < end_us);
		if (answered + refused < reads * LINES)
			(void)poll(pollfds, LINES, 1000);
	}
	for (unsigned int i = 0; i < LINES; i++) {
		close_line(&thunders[i]);
		wrong += thunders[i].wrong;
		early_taken += thunders[i].early_taken;
		for (int fault = 0; fault < STORM_FAULT_COUNT; fault++)
			struck[fault] += thunders[i].storm.struck[fault];
	}
	storm_print("pseudo-terminals", answered + refused, answered, wrong, struck);
	print_message("early_taken %ld\n", early_taken);
	assert_int_equal(wrong, 0);
	/* Else the machine is too slow for the test to mean anything. */
	assert_true(early_taken * 1000 <= reads * LINES);
	assert_true(answered * 100 > reads * LINES * 20);
	free(thunders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wrong_value_on_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
