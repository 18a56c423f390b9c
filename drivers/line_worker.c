/* line_worker.c - see line_worker.h.
 *
 *     loop                       worker
 *     submit    -> queue[2]   -> quiet: drain until the line is silent and the gap is over
 *                                pick:  the oldest job whose slave does not rest
 *                                run:   send; hand over the previous result; wait, receive, judge
 *     take      <- results    <- hand over
 *
 * A result is handed over only after the next request is sent, because its reader may take the
 * processor away. Waiting is to absolute times with few looks: at the moment an answer can
 * begin, for its first byte, when an exception would be over, when the frame is due, when the
 * gap behind it is over. */
#include "drivers/line_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "concentrator/platform/clock.h"
#include "drivers/port.h"

#define US_PER_S     1000000
#define NS_PER_US    1000
#define BACKOFF_US   100000
#define BACKOFF_CAP  2000000
#define OPEN_MAX_US  2000000 /* opening a port takes milliseconds */
#define STRAY_MAX_US 500000  /* a line that is not silent by then is not asked */
#define LATE_MAX_US  250000  /* what the host may be late over a whole job */

/* What the worker alone touches. */
struct worker {
	const struct line_settings *settings;
	struct mailbox *mailbox;
	struct port *port;
	struct line_tune tune; /* the port's, while it is open */
	struct exchange_line memory;
	int64_t retry_us; /* the port is tried again */
	int64_t backoff_us;
	uint32_t stray;
	bool has_result;
	struct line_result result; /* not handed over yet */
};

static void sleep_until(int64_t until_us)
{
	const struct timespec until = {.tv_sec = until_us / US_PER_S,
				       .tv_nsec = until_us % US_PER_S * NS_PER_US};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
		continue;
}

/* Waits for a first byte until then. -EIO when the port is gone. */
static int wait_byte(const struct port *port, int64_t until_us)
{
	struct pollfd pollfd = {.fd = port_fd(port), .events = POLLIN};
	int64_t left_us = until_us - clock_boottime_us();
	struct timespec left;

	if (left_us <= 0)
		return 0;
	left = (struct timespec){.tv_sec = left_us / US_PER_S,
				 .tv_nsec = left_us % US_PER_S * NS_PER_US};
	if (ppoll(&pollfd, 1, &left, NULL) <= 0)
		return 0;
	return (pollfd.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? -EIO : 0;
}

/* Hands the finished job over; the loop may submit another. */
static void hand_over(struct worker *worker)
{
	if (worker->has_result)
		mailbox_hand_over(worker->mailbox, &worker->result);
	worker->has_result = false;
}

static void finish(struct worker *worker, const struct line_result *result)
{
	hand_over(worker);
	worker->result = *result;
	worker->has_result = true;
}

static void lose_port(struct worker *worker)
{
	worker->port = port_close(worker->port);
	worker->backoff_us = BACKOFF_US;
	worker->retry_us = clock_boottime_us() + worker->backoff_us;
	mailbox_set_state(worker->mailbox, LINE_ABSENT, -ENODEV);
}

static enum line_state state_of(int error)
{
	switch (error) {
	case 0:
		return LINE_OK;
	case -EBUSY:
		return LINE_LOCKED;
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
	case -EIO:
		return LINE_ABSENT;
	default:
		return LINE_FAULT;
	}
}

struct line_tune line_tune_of(const struct line_settings *settings, const struct line_tune *tune)
{
	if (tune->baud != 0)
		return *tune;
	return (struct line_tune){.baud = settings->baud,
				  .parity = settings->parity,
				  .stop_bits = settings->stop_bits};
}

/* tune.baud 0: the line's own. */
static void try_port(struct worker *worker, const struct line_tune *tune)
{
	struct line_settings settings = *worker->settings;
	int64_t now_us = clock_boottime_us();
	int r;

	worker->tune = line_tune_of(worker->settings, tune);
	settings.baud = worker->tune.baud;
	settings.parity = worker->tune.parity;
	settings.stop_bits = worker->tune.stop_bits;
	worker->memory.wire.baud = settings.baud;
	worker->memory.wire.bits_per_char = 1 + 8 + (settings.parity == 'N' ? 0 : 1) +
					    settings.stop_bits;
	mailbox_set_deadline(worker->mailbox, now_us + OPEN_MAX_US);
	r = port_open(&worker->port, &settings);
	mailbox_set_deadline(worker->mailbox, MAILBOX_NO_DEADLINE);
	now_us = clock_boottime_us();
	if (r < 0) {
		worker->backoff_us *= 2;
		if (worker->backoff_us > BACKOFF_CAP)
			worker->backoff_us = BACKOFF_CAP;
		worker->retry_us = now_us + worker->backoff_us;
	} else {
		/* It may be another adapter, and bytes of another time may wait in it. */
		worker->backoff_us = BACKOFF_US;
		worker->memory.echo = EXCHANGE_ECHO_UNKNOWN;
		worker->memory.quiet_until_us = now_us + wire_gap_us(&worker->memory.wire);
	}
	mailbox_set_state(worker->mailbox, state_of(r), r);
}

/* Waits until nothing has come for a gap, throwing away what comes: late answers, noise.
 * -EIO the port is gone, -EPROTO the line does not fall silent. */
static int drain(struct worker *worker)
{
	int64_t gap_us = wire_gap_us(&worker->memory.wire);
	int64_t now_us = clock_boottime_us();
	int64_t give_up_us = now_us + STRAY_MAX_US;

	for (;;) {
		int n;

		if (now_us < worker->memory.quiet_until_us) {
			hand_over(worker);
			sleep_until(worker->memory.quiet_until_us);
		}
		n = port_waiting(worker->port);
		if (n <= 0)
			return n;
		now_us = clock_boottime_us();
		n = port_read(worker->port, NULL, (size_t)n);
		if (n < 0)
			return n;
		worker->stray += (uint32_t)n;
		worker->memory.quiet_until_us = now_us + gap_us;
		if (now_us > give_up_us)
			return -EPROTO;
	}
}

/* Opens the port anew where a job wants other settings than it has. -ENODEV: it is gone. */
static int retune(struct worker *worker, const struct line_tune *wanted)
{
	struct line_tune tune = line_tune_of(worker->settings, wanted);
	enum exchange_echo echo = worker->memory.echo;
	int r;

	if (worker->port == NULL)
		return -ENODEV;
	if (tune.baud == worker->tune.baud && tune.parity == worker->tune.parity &&
	    tune.stop_bits == worker->tune.stop_bits)
		return 0;
	worker->port = port_close(worker->port);
	try_port(worker, &tune);
	if (worker->port == NULL)
		return -ENODEV;
	worker->memory.echo = echo; /* the same adapter, but for a moment */
	r = drain(worker);
	if (r != -EIO)
		return r;
	lose_port(worker);
	return -ENODEV;
}

/* Does what the exchange says until it is done. -EIO the port is gone. */
static int run_exchange(struct worker *worker, struct exchange *x)
{
	uint8_t bytes[FRAME_MAX];
	struct exchange_step step;

	for (;;) {
		int64_t now_us = clock_boottime_us();
		int n = port_waiting(worker->port);

		if (n < 0)
			return n;
		step = exchange_next(x, now_us, (size_t)n);
		switch (step.action) {
		case EXCHANGE_SLEEP:
			sleep_until(step.until_us);
			break;
		case EXCHANGE_LISTEN:
			n = wait_byte(worker->port, step.until_us);
			if (n < 0)
				return n;
			break;
		case EXCHANGE_STRIP:
			n = port_read(worker->port, bytes, step.bytes);
			if (n < 0)
				return n;
			exchange_echoed(x, bytes, (size_t)n, now_us);
			break;
		case EXCHANGE_TAKE:
			n = (int)port_receive(worker->port, x->request.slave, step.bytes,
					      step.until_us - now_us, bytes);
			exchange_taken(x, bytes, (size_t)n, clock_boottime_us());
			break;
		case EXCHANGE_DISCARD:
			if (port_read(worker->port, NULL, step.bytes) < 0)
				return -EIO;
			break;
		case EXCHANGE_DONE:
			return 0;
		}
	}
}

static void report(struct line_result *result, const struct exchange_outcome *outcome)
{
	result->error = outcome->error;
	result->reason = outcome->reason;
	result->exception = outcome->exception;
	result->count = outcome->count;
	result->turnaround_us = outcome->turnaround_us;
	memcpy(result->values, outcome->values, sizeof(result->values));
}

static void run_job(struct worker *worker, const struct line_job *job)
{
	struct line_result result = {.tag = job->tag, .stray = worker->stray, .turnaround_us = -1};
	struct exchange x;
	int r;

	worker->stray = 0;
	r = exchange_begin(&x, &worker->memory, &job->request, job->turnaround_us,
			   clock_boottime_us());
	if (r == 0) {
		int64_t sent_us = clock_boottime_us();

		r = port_send(worker->port, x.frame, x.frame_len);
		if (r == 0) {
			result.sent_us = sent_us;
			exchange_sent(&x, sent_us);
			hand_over(worker);
			r = run_exchange(worker, &x);
		}
	}
	result.done_us = clock_boottime_us();
	result.echo = worker->memory.echo == EXCHANGE_ECHO_HEARD;
	if (r == 0)
		report(&result, &x.outcome);
	else
		result.error = r == -EIO ? -ENODEV : r;
	finish(worker, &result);
	if (r == -EIO)
		lose_port(worker);
}

/* Ends a job unsent. */
static void refuse_job(struct worker *worker, const struct line_job *job, int error)
{
	const struct line_result result = {.tag = job->tag,
					   .error = error,
					   .stray = worker->stray,
					   .turnaround_us = -1,
					   .done_us = clock_boottime_us()};

	worker->stray = 0;
	finish(worker, &result);
	hand_over(worker);
}

static int64_t job_deadline_us(const struct worker *worker, const struct line_job *job)
{
	const struct wire *wire = &worker->memory.wire;

	/* A line that babbles is given up one longest frame behind the time-out. */
	return clock_boottime_us() + LATE_MAX_US + wire_chars_us(wire, (int64_t)2 * FRAME_MAX) +
	       exchange_timeout_us(wire, &job->request, job->turnaround_us,
				   worker->memory.unlearnt_us);
}

/* With at least one job: one transaction at most. */
static void serve(struct worker *worker, const struct mailbox_view *view)
{
	struct mailbox *mailbox = worker->mailbox;
	struct line_job job;
	int64_t now_us;
	int r = -ENODEV;

	if (worker->port != NULL) {
		mailbox_set_deadline(mailbox, clock_boottime_us() + STRAY_MAX_US + LATE_MAX_US);
		r = drain(worker);
		if (r == -EIO) {
			lose_port(worker);
			r = -ENODEV;
		}
	}
	now_us = clock_boottime_us();
	if (mailbox_pick(mailbox, &worker->memory, now_us, &job)) {
		if (r == 0)
			r = retune(worker, &job.tune);
		mailbox_set_deadline(mailbox, job_deadline_us(worker, &job));
		if (r == 0)
			run_job(worker, &job);
		else
			refuse_job(worker, &job, r);
		mailbox_drop(mailbox);
	} else {
		/* Only a slave that rests is asked for: another one's job may still come. */
		mailbox_set_deadline(mailbox, MAILBOX_NO_DEADLINE);
		hand_over(worker);
		mailbox_park(mailbox, view, worker->memory.rest_until_us - now_us);
	}
}

static void idle(struct worker *worker, const struct mailbox_view *view)
{
	int64_t timeout_us = -1;

	if (worker->port == NULL) {
		timeout_us = worker->retry_us - clock_boottime_us();
		timeout_us = timeout_us > 0 ? timeout_us : 0;
	}
	hand_over(worker);
	mailbox_park(worker->mailbox, view, timeout_us);
}

/* The wire waits for nobody: before what else the host does, where we may ask for that. */
static void go_first(void)
{
	const struct sched_param priority = {.sched_priority = LINE_PRIORITY};

	(void)pthread_setschedparam(pthread_self(), SCHED_RR, &priority);
	/* The gap is to be exact: no 50 us of slack for every timer. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
}

void line_work(const struct line_settings *settings, struct mailbox *mailbox)
{
	struct worker worker = {
		.settings = settings, .mailbox = mailbox, .backoff_us = BACKOFF_US / 2};
	struct mailbox_view view;
	char name[16]; /* the kernel keeps as many */

	/* What `ps -L` shows. */
	(void)snprintf(name, sizeof(name), "line %.10s", settings->name);
	(void)prctl(PR_SET_NAME, name);
	go_first();
	worker.memory.wire.baud = settings->baud;
	worker.memory.wire.bits_per_char = 1 + 8 + (settings->parity == 'N' ? 0 : 1) +
					   settings->stop_bits;
	worker.memory.unlearnt_us = settings->unlearnt_us > 0 ? settings->unlearnt_us
							      : EXCHANGE_UNLEARNT_US;
	while (view = mailbox_look(worker.mailbox), !view.stop) {
		if (worker.port == NULL && clock_boottime_us() >= worker.retry_us)
			try_port(&worker, &(struct line_tune){0});
		if (view.n_queued > 0)
			serve(&worker, &view);
		else
			idle(&worker, &view);
	}
	(void)port_close(worker.port);
}
