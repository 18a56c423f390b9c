#include "drivers/exchange.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* How late the host may be: scheduling, the adapter's latency timer and its USB frames. */
#define HOST_SLACK_US 20000

/* How late an echo may be behind the characters sent: an FTDI adapter whose latency timer still
 * has its default of 16 ms. */
#define ECHO_LATE_US 20000

/* Silence behind a failure, before the next request. */
#define QUIET_US 20000

/* A frame is looked at when its last character is due, and so shortly behind that when it is a little
 * late, then ever more seldom. */
#define LOOK_AGAIN_US 200

/* Early bytes in so many exchanges in a row, where nothing echoed: it may have begun to. */
#define EARLY_MAX 2

/* Looking for the rest of an echo more often than this wins nothing. */
#define LOOK_ECHO_US 1000

/* A slave's clock may be fast, and its stop bit one less than ours: the shortest that n characters
 * can take, in hundredths. */
#define FAST_PERCENT 90

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t granted_us(const struct wire *wire, int64_t turnaround_us, int64_t unlearnt_us)
{
	int64_t budget_us = turnaround_us > 0 ? 2 * turnaround_us : unlearnt_us;

	return larger(budget_us, wire_gap_us(wire)) + HOST_SLACK_US;
}

int64_t exchange_limit_us(const struct wire *wire, const struct line_request *request,
			  int64_t turnaround_us)
{
	size_t chars = frame_request_len(request) + frame_reply_len(request);
	int64_t gap_us = wire_gap_us(wire);

	return wire_chars_us(wire, (int64_t)chars) + larger(turnaround_us, gap_us) + gap_us;
}

int64_t exchange_timeout_us(const struct wire *wire, const struct line_request *request,
			    int64_t turnaround_us, int64_t unlearnt_us)
{
	size_t chars = frame_request_len(request) + frame_reply_len(request);

	return wire_chars_us(wire, (int64_t)chars) + granted_us(wire, turnaround_us, unlearnt_us);
}

bool exchange_rests(const struct exchange_line *line, uint8_t slave, int64_t now_us)
{
	return line->resting == slave && now_us < line->rest_until_us;
}

int exchange_begin(struct exchange *x, struct exchange_line *line,
		   const struct line_request *request, int64_t turnaround_us, int64_t now_us)
{
	int r = frame_check(request);

	if (r < 0)
		return r;
	if (exchange_rests(line, request->slave, now_us))
		return -EBUSY;
	memset(x, 0, sizeof(*x));
	x->line = line;
	x->request = *request;
	x->frame_len = frame_encode(request, x->frame);
	x->reply_len = frame_reply_len(request);
	x->budget_us = granted_us(&line->wire, turnaround_us, line->unlearnt_us);
	x->outcome.turnaround_us = -1;
	x->phase = EXCHANGE_BEGUN;
	return 0;
}

void exchange_sent(struct exchange *x, int64_t sent_us)
{
	const struct wire *wire = &x->line->wire;

	assert(x->phase == EXCHANGE_BEGUN);
	x->request_end_us = sent_us + wire_chars_us(wire, (int64_t)x->frame_len);
	x->earliest_us = x->request_end_us + wire_gap_us(wire);
	x->first_deadline_us = x->request_end_us + x->budget_us + wire_chars_us(wire, 1);
	x->deadline_us = x->request_end_us + x->budget_us +
			 wire_chars_us(wire, (int64_t)x->reply_len);
	x->phase = x->line->echo == EXCHANGE_ECHO_NONE ? EXCHANGE_AWAIT : EXCHANGE_ECHO;
}

static struct exchange_step step(enum exchange_action action, int64_t until_us, size_t bytes)
{
	return (struct exchange_step){.action = action, .until_us = until_us, .bytes = bytes};
}

/* The outcome stands. Behind an answer the gap has passed already; a failure asks for silence and
 * for another slave. */
static struct exchange_step end(struct exchange *x, int64_t now_us)
{
	struct exchange_line *line = x->line;
	bool answered = x->outcome.error == 0 || x->outcome.error == -EREMOTEIO;

	line->quiet_until_us = answered ? now_us : now_us + QUIET_US;
	if (!answered) {
		line->resting = x->request.slave;
		line->rest_until_us = now_us + line->unlearnt_us;
	} else {
		line->resting = 0;
		line->early = 0;
	}
	x->phase = EXCHANGE_ENDED;
	return step(EXCHANGE_DONE, now_us, 0);
}

/* A piece of an echo cannot be told from a piece of anything else. */
static void note_early(struct exchange_line *line, enum exchange_reason reason)
{
	if (reason != EXCHANGE_EARLY || line->echo != EXCHANGE_ECHO_NONE)
		return;
	if (++line->early < EARLY_MAX)
		return;
	line->early = 0;
	line->echo = EXCHANGE_ECHO_UNKNOWN;
}

static void fail(struct exchange *x, enum exchange_reason reason, int64_t now_us)
{
	x->outcome.error = reason == EXCHANGE_SILENT ? -ETIMEDOUT : -EBADMSG;
	x->outcome.reason = reason;
	x->outcome.exception = 0;
	x->outcome.count = 0;
	memset(x->outcome.values, 0, sizeof(x->outcome.values));
	note_early(x->line, reason);
	x->settled_us = larger(x->deadline_us, now_us + wire_gap_us(&x->line->wire));
	x->phase = EXCHANGE_FAILED;
}

/* Something went wrong, and more may be under way, the true answer for one: it is kept away from
 * the next request. A line that never falls silent is given up one longest frame later. */
static struct exchange_step discard(struct exchange *x, int64_t now_us, size_t waiting)
{
	const struct wire *wire = &x->line->wire;

	if (x->outcome.reason == EXCHANGE_SILENT)
		return end(x, now_us);
	if (now_us >= x->deadline_us + wire_chars_us(wire, FRAME_MAX))
		return end(x, now_us);
	if (waiting > 0) {
		x->settled_us = larger(x->settled_us, now_us + wire_gap_us(wire));
		return step(EXCHANGE_DISCARD, now_us, waiting);
	}
	if (now_us < x->settled_us)
		return step(EXCHANGE_SLEEP, x->settled_us, 0);
	return end(x, now_us);
}

/* When the first of these bytes arrived at the latest: each character takes its time. */
static int64_t first_arrival_us(const struct exchange *x, int64_t now_us, size_t waiting)
{
	return now_us - wire_chars_us(&x->line->wire, (int64_t)waiting - 1) * FAST_PERCENT / 100;
}

/* Waits for our own characters to come back. Returns with the phase changed, or with a step. */
static bool await_echo(struct exchange *x, int64_t now_us, size_t waiting,
		       struct exchange_step *ret)
{
	const struct wire *wire = &x->line->wire;
	bool known = x->line->echo == EXCHANGE_ECHO_HEARD;
	int64_t missing = (int64_t)x->frame_len - (int64_t)waiting;

	if (!known && waiting == 0 && now_us >= x->earliest_us) {
		x->phase = EXCHANGE_AWAIT;
		return false;
	}
	if (!known && waiting > 0 && first_arrival_us(x, now_us, waiting) >= x->earliest_us) {
		x->phase = EXCHANGE_AWAIT;
		return false;
	}
	if (missing <= 0) {
		*ret = step(EXCHANGE_STRIP, now_us, x->frame_len);
		return true;
	}
	if (now_us < x->request_end_us) {
		*ret = step(EXCHANGE_SLEEP, known ? x->request_end_us : x->earliest_us, 0);
		return true;
	}
	if (now_us < x->earliest_us + ECHO_LATE_US) {
		int64_t look_us = now_us + larger(wire_chars_us(wire, missing), LOOK_ECHO_US);

		if (!known && waiting == 0)
			look_us = x->earliest_us;
		*ret = step(EXCHANGE_SLEEP, look_us, 0);
		return true;
	}
	/* An adapter that echoed has stopped to, or what came is no echo. */
	x->line->echo = EXCHANGE_ECHO_UNKNOWN;
	if (waiting > 0)
		fail(x, EXCHANGE_EARLY, now_us);
	else
		x->phase = EXCHANGE_AWAIT;
	return false;
}

/* The frame is not whole though it should be. What is missing does not have to take its time: adapters
 * hand over several characters at once. */
static int64_t look_again_us(const struct exchange *x, int64_t now_us)
{
	return now_us + larger((now_us - x->due_us) / 2, LOOK_AGAIN_US);
}

static struct exchange_step await_frame(struct exchange *x, int64_t now_us, size_t waiting)
{
	const struct wire *wire = &x->line->wire;
	/* Five characters and then silence for two more: an exception, not the head of a reply. */
	int64_t exception_us = x->first_us + wire_chars_us(wire, FRAME_EXCEPTION + 2);
	int64_t missing = (int64_t)x->reply_len - (int64_t)waiting;

	if (missing < 0) {
		fail(x, EXCHANGE_TRAILING, now_us);
		return discard(x, now_us, waiting);
	}
	if (missing == 0 || (waiting == FRAME_EXCEPTION && now_us >= exception_us)) {
		x->whole_us = smaller(now_us, x->whole_us + wire_chars_us(wire, 1));
		x->offered = waiting;
		return step(EXCHANGE_TAKE, x->deadline_us, waiting);
	}
	if (now_us >= x->deadline_us) {
		fail(x, EXCHANGE_INCOMPLETE, now_us);
		return discard(x, now_us, waiting);
	}
	if (now_us < exception_us && exception_us < x->whole_us)
		return step(EXCHANGE_SLEEP, exception_us, 0);
	if (now_us >= x->whole_us)
		x->whole_us = look_again_us(x, now_us);
	return step(EXCHANGE_SLEEP, smaller(x->whole_us, x->deadline_us), 0);
}

/* A byte is early when it is here before an answer can be. Where the look itself came too late to
 * see that, so many characters must have had the time to arrive since, and they must still be
 * arriving: a frame that is whole may be an old one. */
static bool is_early(const struct exchange *x, int64_t now_us, size_t waiting)
{
	if (now_us < x->earliest_us)
		return true;
	if (x->clear)
		return false;
	return now_us - wire_chars_us(&x->line->wire, (int64_t)waiting) < x->earliest_us ||
	       waiting >= x->reply_len || waiting == FRAME_EXCEPTION;
}

/* A driver that comes loose, or a switch on the adapter: what did not echo begins to. No reply to a read is
 * like its request; one to a write is. */
static bool may_be_new_echo(const struct exchange *x, size_t waiting)
{
	return x->line->echo == EXCHANGE_ECHO_NONE && frame_is_read(&x->request) &&
	       waiting >= x->frame_len;
}

static struct exchange_step await_first(struct exchange *x, int64_t now_us, size_t waiting)
{
	const struct wire *wire = &x->line->wire;
	int64_t turnaround_us;

	if (waiting == 0) {
		if (now_us < x->earliest_us)
			return step(EXCHANGE_SLEEP, x->earliest_us, 0);
		x->clear = true;
		if (now_us < x->first_deadline_us)
			return step(EXCHANGE_LISTEN, x->first_deadline_us, 0);
		x->line->echo = x->line->echo == EXCHANGE_ECHO_UNKNOWN ? EXCHANGE_ECHO_NONE
								       : x->line->echo;
		fail(x, EXCHANGE_SILENT, now_us);
		return discard(x, now_us, waiting);
	}
	x->first_us = first_arrival_us(x, now_us, waiting);
	turnaround_us = x->first_us - wire_chars_us(wire, 1) - x->request_end_us;
	x->outcome.turnaround_us = larger(turnaround_us, 0);
	if (is_early(x, now_us, waiting)) {
		if (may_be_new_echo(x, waiting)) {
			x->outcome.turnaround_us = -1;
			x->phase = EXCHANGE_ECHO;
			return step(EXCHANGE_STRIP, now_us, x->frame_len);
		}
		fail(x, EXCHANGE_EARLY, now_us);
		return discard(x, now_us, waiting);
	}
	x->due_us = x->first_us + wire_chars_us(wire, (int64_t)x->reply_len - 1);
	x->whole_us = x->due_us;
	x->phase = EXCHANGE_ARRIVE;
	return await_frame(x, now_us, waiting);
}

struct exchange_step exchange_next(struct exchange *x, int64_t now_us, size_t waiting)
{
	struct exchange_step ret;

	assert(x->phase != EXCHANGE_BEGUN);
	if (x->phase == EXCHANGE_ECHO && await_echo(x, now_us, waiting, &ret))
		return ret;
	switch (x->phase) {
	case EXCHANGE_AWAIT:
		return await_first(x, now_us, waiting);
	case EXCHANGE_ARRIVE:
		return await_frame(x, now_us, waiting);
	case EXCHANGE_SETTLE:
		if (waiting > 0) {
			fail(x, EXCHANGE_TRAILING, now_us);
			return discard(x, now_us, waiting);
		}
		if (now_us < x->settled_us)
			return step(EXCHANGE_SLEEP, x->settled_us, 0);
		return end(x, now_us);
	case EXCHANGE_FAILED:
		return discard(x, now_us, waiting);
	case EXCHANGE_BEGUN:
	case EXCHANGE_ECHO:
	case EXCHANGE_ENDED:
		break;
	}
	return step(EXCHANGE_DONE, now_us, 0);
}

void exchange_echoed(struct exchange *x, const uint8_t *bytes, size_t n, int64_t now_us)
{
	assert(x->phase == EXCHANGE_ECHO);
	if (n == x->frame_len && memcmp(bytes, x->frame, n) == 0) {
		x->line->echo = EXCHANGE_ECHO_HEARD;
		x->phase = EXCHANGE_AWAIT;
		return;
	}
	if (x->line->echo == EXCHANGE_ECHO_HEARD)
		x->line->echo = EXCHANGE_ECHO_UNKNOWN;
	fail(x, EXCHANGE_EARLY, now_us);
}

/* B1: is this frame the answer to this request? */
static enum exchange_reason judge(const struct exchange *x, const uint8_t *bytes, size_t n)
{
	if (n < FRAME_EXCEPTION)
		return EXCHANGE_INCOMPLETE;
	if (!frame_intact(bytes, n))
		return EXCHANGE_CRC;
	if (bytes[0] != x->request.slave)
		return EXCHANGE_WRONG_SLAVE;
	if (n == FRAME_EXCEPTION && bytes[1] == (x->request.function | 0x80U))
		return EXCHANGE_EXCEPTION;
	if (bytes[1] != x->request.function)
		return EXCHANGE_WRONG_FUNCTION;
	if (n != x->reply_len)
		return EXCHANGE_WRONG_LENGTH;
	if (frame_is_read(&x->request))
		return bytes[2] == n - FRAME_EXCEPTION ? EXCHANGE_ANSWERED : EXCHANGE_WRONG_LENGTH;
	/* A write's reply repeats address and value, or address and count. */
	if (memcmp(bytes + 2, x->frame + 2, 4) != 0)
		return EXCHANGE_WRONG_ECHO;
	if (x->line->echo == EXCHANGE_ECHO_UNKNOWN && n == x->frame_len &&
	    memcmp(bytes, x->frame, n) == 0)
		return EXCHANGE_UNPROVEN;
	return EXCHANGE_ANSWERED;
}

void exchange_taken(struct exchange *x, const uint8_t *bytes, size_t n, int64_t now_us)
{
	enum exchange_reason reason = judge(x, bytes, n);
	bool answered = reason == EXCHANGE_ANSWERED || reason == EXCHANGE_EXCEPTION;

	assert(x->phase == EXCHANGE_ARRIVE);
	if (!answered) {
		/* No reply to a read begins like its request: an echo that came too late to be seen
		 * as one. */
		if (frame_is_read(&x->request) && n >= FRAME_EXCEPTION &&
		    memcmp(bytes, x->frame, FRAME_EXCEPTION) == 0)
			x->line->echo = EXCHANGE_ECHO_HEARD;
		fail(x, reason, now_us);
		return;
	}
	if (x->line->echo == EXCHANGE_ECHO_UNKNOWN)
		x->line->echo = EXCHANGE_ECHO_NONE;
	x->outcome.reason = reason;
	if (reason == EXCHANGE_EXCEPTION) {
		x->outcome.error = -EREMOTEIO;
		x->outcome.exception = bytes[2];
	} else if (frame_is_read(&x->request)) {
		x->outcome.count = x->request.count;
		frame_values(&x->request, bytes, x->outcome.values);
	}
	/* What looked like an exception was the head of a reply that had stopped. */
	if (n > x->offered)
		x->whole_us = now_us;
	x->settled_us = x->whole_us + wire_gap_us(&x->line->wire);
	x->phase = EXCHANGE_SETTLE;
}

const char *exchange_reason_text(enum exchange_reason reason)
{
	switch (reason) {
	case EXCHANGE_ANSWERED:
		return "answered";
	case EXCHANGE_SILENT:
		return "no answer";
	case EXCHANGE_INCOMPLETE:
		return "incomplete answer";
	case EXCHANGE_EARLY:
		return "bytes too early for an answer";
	case EXCHANGE_TRAILING:
		return "bytes behind the answer";
	case EXCHANGE_CRC:
		return "bad checksum";
	case EXCHANGE_WRONG_SLAVE:
		return "answer of another slave";
	case EXCHANGE_WRONG_FUNCTION:
		return "answer to another function";
	case EXCHANGE_WRONG_LENGTH:
		return "answer of another length";
	case EXCHANGE_WRONG_ECHO:
		return "answer to another write";
	case EXCHANGE_UNPROVEN:
		return "echo or answer, cannot be told apart yet";
	case EXCHANGE_EXCEPTION:
		return "refused by the slave";
	}
	return "unknown";
}
