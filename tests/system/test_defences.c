/* test_defences - B1, one by one: a simulated meter or queueing gateway makes exactly the fault that each defence of
 * the line is for (facts/polling.md, T1 a to d).
 *
 * The wrong answer is always a perfect one: slave, function, length and checksum fit the request that it meets. Only
 * its values are of another block. T1 e and f, which look at values, are test_defences.py. */
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
#include <unistd.h>

#include "concentrator/platform/clock.h"
#include "drivers/line_worker.h"
#include "tests/unit/played_line.h"

#define MS            1000
#define BAUD          9600
#define REQUEST_LEN   8
#define TURNAROUND_US (5 * MS) /* granted twice, and 20 ms: a slave has 30 ms */
#define PATIENCE_MS   5000

static const struct wire wire = {BAUD, 10};

struct gateway;
typedef void (*gateway_script)(struct gateway *gateway, const uint8_t *request, int64_t at_us);

/* What answers: a script is called for each request and puts bytes on the wire. */
struct gateway {
	int fd;
	pthread_t thread;
	atomic_bool stop;
	struct played wire;
	int64_t requests;
	uint8_t kept[FRAME_MAX]; /* the answer that a queueing gateway has not handed out yet */
	size_t kept_len;
	_Atomic(gateway_script) script;
	struct line *line;
};

static uint16_t value_of(uint8_t slave, unsigned int address)
{
	return (uint16_t)(slave * 1000U + address);
}

static size_t answer_to(const uint8_t *request, uint8_t *ret)
{
	unsigned int address = (unsigned int)request[2] << 8 | request[3];
	unsigned int count = request[5];
	size_t n = 0;

	ret[n++] = request[0];
	ret[n++] = request[1];
	ret[n++] = (uint8_t)(2 * count);
	for (unsigned int i = 0; i < count; i++) {
		ret[n++] = (uint8_t)(value_of(request[0], address + i) >> 8);
		ret[n++] = (uint8_t)(value_of(request[0], address + i) & 0xFF);
	}
	return played_seal(ret, n);
}

/* The answer, `after_us` behind the end of the request. */
static void put_answer(struct gateway *gateway, const uint8_t *request, int64_t at_us,
		       int64_t after_us)
{
	uint8_t bytes[FRAME_MAX];
	size_t n = answer_to(request, bytes);

	played_put(&gateway->wire, &wire, at_us + wire_chars_us(&wire, REQUEST_LEN) + after_us,
		   bytes, n);
}

static void healthy(struct gateway *gateway, const uint8_t *request, int64_t at_us)
{
	put_answer(gateway, request, at_us, 6 * MS);
}

static void *play(void *arg)
{
	struct gateway *gateway = arg;
	struct played *played = &gateway->wire;
	const struct sched_param priority = {.sched_priority = LINE_PRIORITY + 1};

	/* A gateway is a machine of its own: the line's worker does not keep it from answering. */
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	while (!gateway->stop) {
		struct pollfd pollfd = {.fd = gateway->fd, .events = POLLIN};
		uint8_t request[FRAME_MAX];
		int64_t now_us = clock_boottime_us();
		size_t n = 0;

		while (n < played->n && played->at_us[n] <= now_us)
			n++;
		if (n > 0)
			(void)!write(gateway->fd, played->byte, n);
		played->n -= n;
		memmove(played->at_us, played->at_us + n, played->n * sizeof(played->at_us[0]));
		memmove(played->byte, played->byte + n, played->n);
		if (poll(&pollfd, 1, played->n > 0 ? 1 : 10) > 0 &&
		    read(gateway->fd, request, sizeof(request)) == REQUEST_LEN) {
			/* Calling through the atomic itself would read it as if it were none. */
			gateway_script script = atomic_load(&gateway->script);

			gateway->requests++;
			script(gateway, request, clock_boottime_us());
		}
	}
	return NULL;
}

static struct line_job read_of(uint8_t slave, uint16_t address, uint16_t count)
{
	return (struct line_job){
		.tag = (uint64_t)slave << 32 | address,
		.request = {.slave = slave, .function = 3, .address = address, .count = count},
		.turnaround_us = TURNAROUND_US,
	};
}

static struct line_result await_result(struct line *line)
{
	struct pollfd pollfd = {.fd = line_fd(line), .events = POLLIN};
	int64_t until_us = clock_boottime_us() + (int64_t)PATIENCE_MS * MS;
	struct line_result result;

	while (line_take(line, &result) == -EAGAIN) {
		assert_true(clock_boottime_us() < until_us);
		(void)poll(&pollfd, 1, PATIENCE_MS);
	}
	return result;
}

static struct line_result ask(struct gateway *gateway, struct line_job job)
{
	assert_int_equal(line_submit(gateway->line, &job), 0);
	return await_result(gateway->line);
}

static bool right(const struct line_result *result)
{
	uint8_t slave = (uint8_t)(result->tag >> 32);

	for (unsigned int i = 0; i < result->count; i++)
		if (result->values[i] != value_of(slave, (uint16_t)result->tag + i))
			return false;
	return result->error == 0 && result->count > 0;
}

static int set_up(void **state)
{
	struct gateway *gateway = calloc(1, sizeof(*gateway));
	struct line_settings settings = {.name = "A", .baud = BAUD, .parity = 'N', .stop_bits = 1};
	struct line_result result;

	assert_non_null(gateway);
	gateway->script = healthy;
	gateway->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(gateway->fd >= 0);
	assert_int_equal(grantpt(gateway->fd), 0);
	assert_int_equal(unlockpt(gateway->fd), 0);
	assert_int_equal(ptsname_r(gateway->fd, settings.port, sizeof(settings.port)), 0);
	assert_int_equal(line_open(&gateway->line, &settings), 0);
	while (line_state(gateway->line, NULL) != LINE_OK)
		(void)usleep(MS);
	assert_int_equal(pthread_create(&gateway->thread, NULL, play, gateway), 0);
	/* From here on it is known that nothing echoes. */
	result = ask(gateway, read_of(9, 1, 2));
	assert_true(right(&result));
	*state = gateway;
	return 0;
}

static int tear_down(void **state)
{
	struct gateway *gateway = *state;

	gateway->line = line_close(gateway->line);
	gateway->stop = true;
	(void)pthread_join(gateway->thread, NULL);
	(void)close(gateway->fd);
	free(gateway);
	return 0;
}

/* T1 a: an old answer lies in the port before the request that it would fit. */
static void what_waits_is_drained_before_a_request(void **state)
{
	struct gateway *gateway = *state;
	static const uint8_t old_request[REQUEST_LEN] = {1, 3, 0, 100, 0, 6};
	uint8_t bytes[FRAME_MAX];
	size_t n = answer_to(old_request, bytes);
	struct line_result result;

	assert_int_equal(write(gateway->fd, bytes, n), (ssize_t)n);
	(void)usleep(30 * MS);
	result = ask(gateway, read_of(1, 200, 6));
	assert_true(right(&result));
	assert_int_equal(result.stray, n);
}

/* Silent to the first request of all but slave 9, whose answer comes 95 ms later: into the answer to the next request
 * to the same slave, if that were sent as soon as the silence behind a failure is over. */
static void late_by_one(struct gateway *gateway, const uint8_t *request, int64_t at_us)
{
	if (gateway->requests == 2)
		put_answer(gateway, request, at_us, 70 * MS);
	else
		healthy(gateway, request, at_us);
}

/* T1 b: after a time-out another slave is asked, or none for a while. */
static void behind_a_time_out_the_same_slave_is_not_asked(void **state)
{
	struct gateway *gateway = *state;
	struct line_job first = read_of(1, 100, 10), second = read_of(1, 200, 10);
	struct line_result result;
	int64_t failed_us;

	gateway->script = late_by_one;
	assert_int_equal(line_submit(gateway->line, &first), 0);
	assert_int_equal(line_submit(gateway->line, &second), 0);
	result = await_result(gateway->line);
	assert_int_equal(result.error, -ETIMEDOUT);
	failed_us = result.done_us;
	result = await_result(gateway->line);
	assert_int_equal(result.tag, second.tag);
	assert_true(right(&result));
	/* All of the late answer was thrown away. */
	assert_int_equal(result.stray, 25);
	assert_true(result.sent_us - failed_us >= 250 * MS);
}

static void late_into_another(struct gateway *gateway, const uint8_t *request, int64_t at_us)
{
	if (request[0] == 1 && gateway->requests == 2)
		put_answer(gateway, request, at_us, 70 * MS);
	else
		put_answer(gateway, request, at_us, 12 * MS);
}

/* ... and what comes then is another slave's: refused, and drained. */
static void a_late_answer_meets_another_slave_and_is_refused(void **state)
{
	struct gateway *gateway = *state;
	struct line_job first = read_of(1, 100, 10), other = read_of(2, 200, 10);
	struct line_result result;

	gateway->script = late_into_another;
	assert_int_equal(line_submit(gateway->line, &first), 0);
	assert_int_equal(line_submit(gateway->line, &other), 0);
	result = await_result(gateway->line);
	assert_int_equal(result.error, -ETIMEDOUT);
	result = await_result(gateway->line);
	assert_int_equal(result.tag, other.tag);
	assert_int_equal(result.error, -EBADMSG);
	for (uint8_t slave = 1; slave <= 2; slave++) {
		result = ask(gateway, read_of(slave, 300, 10));
		assert_true(right(&result));
	}
}

/* Hands out the answer to the request before, at once. */
static void queueing(struct gateway *gateway, const uint8_t *request, int64_t at_us)
{
	int64_t start_us = at_us + wire_chars_us(&wire, REQUEST_LEN) + 6 * MS;

	if (gateway->kept_len > 0)
		played_put(&gateway->wire, &wire, start_us, gateway->kept, gateway->kept_len);
	gateway->kept_len = answer_to(request, gateway->kept);
}

/* T1 c: a gateway that queues is found out by the lengths, which differ between the blocks of one meter. */
static void a_queueing_gateway_is_found_out_by_the_length(void **state)
{
	struct gateway *gateway = *state;
	struct line_result result;

	gateway->script = queueing;
	(void)ask(gateway, read_of(1, 100, 6));
	for (int i = 0; i < 4; i++) {
		/* Another slave in between, so that the first may be asked again. */
		result = ask(gateway, read_of(1, 200, 14));
		assert_int_not_equal(result.error, 0);
		result = ask(gateway, read_of(2, 100, 6));
		assert_int_not_equal(result.error, 0);
		result = ask(gateway, read_of(1, 100, 6));
		assert_int_not_equal(result.error, 0);
		result = ask(gateway, read_of(2, 200, 14));
		assert_int_not_equal(result.error, 0);
	}
}

/* Why models may have no two spans of one length: nothing else on the line tells these two apart. */
static void blocks_of_one_length_would_be_taken_for_each_other(void **state)
{
	struct gateway *gateway = *state;
	struct line_result result;

	gateway->script = queueing;
	(void)ask(gateway, read_of(1, 100, 6));
	(void)ask(gateway, read_of(2, 100, 9));
	(void)ask(gateway, read_of(1, 100, 6));
	result = ask(gateway, read_of(1, 200, 6));
	assert_int_equal(result.error, 0);
	assert_false(right(&result));
}

/* The old answer comes while the request is still being sent. */
static void hasty(struct gateway *gateway, const uint8_t *request, int64_t at_us)
{
	static const uint8_t old_request[REQUEST_LEN] = {1, 3, 0, 100, 0, 6};
	uint8_t bytes[FRAME_MAX];
	size_t n = answer_to(old_request, bytes);

	if (request[0] == 1)
		played_put(&gateway->wire, &wire, at_us, bytes, n);
	else
		healthy(gateway, request, at_us);
}

/* T1 d: no answer begins before the request is over, and the gap behind it. */
static void what_comes_too_early_is_no_answer(void **state)
{
	struct gateway *gateway = *state;
	struct line_result result;

	gateway->script = hasty;
	for (int i = 0; i < 5; i++) {
		result = ask(gateway, read_of(1, 200, 6));
		assert_int_equal(result.error, -EBADMSG);
		assert_int_equal(result.reason, EXCHANGE_EARLY);
		result = ask(gateway, read_of(2, 200, 6));
		assert_true(right(&result));
	}
}

int main(void)
{
#define DEFENCE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		DEFENCE(what_waits_is_drained_before_a_request),
		DEFENCE(behind_a_time_out_the_same_slave_is_not_asked),
		DEFENCE(a_late_answer_meets_another_slave_and_is_refused),
		DEFENCE(a_queueing_gateway_is_found_out_by_the_length),
		DEFENCE(blocks_of_one_length_would_be_taken_for_each_other),
		DEFENCE(what_comes_too_early_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
