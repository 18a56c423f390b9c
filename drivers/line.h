/* line.h - one RS-485 line: a port, and a thread that does one transaction after the other.
 *
 * The loop thread submits jobs and takes results; the worker owns only the job in its hand, from
 * submit to done. It holds that job and the next one ready, so that a slow commit in the loop
 * never idles the wire. The port is opened by path, may be absent or come back later, and is
 * locked against a second instance.
 *
 * B1  Kept by exchange.c; the line drains before every request and counts what it finds. B3
 * line_recall() takes back the ready job, so that a relay command is sent right after the
 * transaction under way; and no write is taken that settings.may_write does not allow, whoever
 * submits it.
 *
 * No function here blocks but line_close(), which waits for the transaction under way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/exchange.h"

#define LINE_NAME_MAX 32
#define LINE_PORT_MAX 256

enum line_rs485 {
	LINE_RS485_AUTO, /* kernel RS-485 mode where the port has it, else without */
	LINE_RS485_ON,   /* the port must have it, else LINE_FAULT with -ENOTTY */
	LINE_RS485_OFF,  /* left as it is */
};

/* May this write be sent on this line? Called by line_submit(), in the caller's thread. */
typedef bool line_may_write(void *userdata, const struct line_request *request);

struct line_settings {
	char name[LINE_NAME_MAX + 1];
	char port[LINE_PORT_MAX + 1]; /* device path; a symbolic link is followed at each open */
	int32_t baud;                 /* one that line_baud_known() knows */
	char parity;                  /* 'N', 'E' or 'O' */
	int32_t stop_bits;            /* 1 or 2 */
	enum line_rs485 rs485;
	int64_t unlearnt_us; /* turnaround granted to an unlearnt slave; 0: EXCHANGE_UNLEARNT_US */
	line_may_write *may_write; /* NULL: the line sends reads alone */
	void *userdata;            /* of may_write */
};

enum line_state {
	LINE_ABSENT, /* nothing behind the path; it is tried again and again */
	LINE_OK,
	LINE_LOCKED, /* another process holds the port */
	LINE_FAULT,  /* it is there but cannot be used (permission, no terminal, no RS-485 mode) */
};

/* Serial settings other than the line's own, as a scan tries them. baud 0: the line's own. */
struct line_tune {
	int32_t baud; /* one that line_baud_known() knows */
	char parity;  /* 'N', 'E' or 'O' */
	int32_t stop_bits;
};

struct line_job {
	uint64_t tag; /* the caller's, comes back with the result */
	struct line_request request;
	int64_t turnaround_us; /* learnt 99th percentile of this slave; 0: not learnt */
	struct line_tune tune; /* the port is opened anew when it was used with others before */
};

/* error is 0, or after sending: -ETIMEDOUT no answer, -EBADMSG garbled, -EREMOTEIO the slave
 * refused (see exception); unsent or cut short: -ENODEV the port is absent, locked or lost,
 * -EPROTO the line never falls silent. done_us - sent_us is the line time it cost, the gap
 * behind it included. turnaround_us is from the end of the request to the start of the answer as
 * seen here, -1 when nothing came: what p99 is learnt from. */
struct line_result {
	uint64_t tag;
	int error;
	enum exchange_reason reason;
	uint8_t exception; /* Modbus exception code with -EREMOTEIO */
	uint16_t count;    /* values read */
	uint32_t stray;    /* bytes found and thrown away before the request: late answers, noise */
	int64_t sent_us;   /* 0: nothing was sent */
	int64_t done_us;
	int64_t turnaround_us;
	bool echo;                        /* the adapter hears itself */
	uint16_t values[LINE_VALUES_MAX]; /* registers, or bits as 0 and 1 */
};

struct line;

/* Starts the worker. An absent, locked or unusable port is a state, not an error.
 * Errors: -EINVAL settings out of range, -ENOMEM, or what eventfd() and pthread_create() say. */
int line_open(struct line **ret, const struct line_settings *settings);

/* Ends the worker and frees the line; jobs not done are dropped. Blocks for the transaction
 * under way (longer if the worker is stuck in a call). Accepts NULL, returns NULL. */
struct line *line_close(struct line *line);

/* Is it a rate that libmodbus and the kernel know by name? (Any other would silently become
 * 9600.) */
bool line_baud_known(int32_t baud);

/* Queues a job. After a failure another slave is asked first, so a job to the slave that failed
 * waits until one is, or for unlearnt_us; a job behind it may overtake it. While the port is not
 * open jobs end at once with -ENODEV: ask line_state() first. Errors: -EBUSY two are held, or
 * too many results wait; -EINVAL the request cannot be sent, or its settings are none; -EPERM it
 * is a write that is not allowed. */
int line_submit(struct line *line, const struct line_job *job);

/* Takes back the job that is not begun yet, of two the one submitted last. Errors: -ENOENT none. */
int line_recall(struct line *line, struct line_job *ret);

/* A descriptor that is readable while results wait or since the state changed; borrowed.
 * line_take() until -EAGAIN resets it. */
int line_fd(const struct line *line);

/* The oldest result. Errors: -EAGAIN none. */
int line_take(struct line *line, struct line_result *ret);

/* Jobs begun or ready: 0 to 2. */
int line_jobs_held(struct line *line);

/* ret_error may be NULL; it gets 0, or why the port is not open (-ENOENT, -EACCES, -EBUSY ...). */
enum line_state line_state(struct line *line, int *ret_error);

/* For the watchdog: how long past the computed deadline of its job (or of opening the port) the
 * worker is; 0 when in time or parked. */
int64_t line_stuck_us(struct line *line, int64_t now_us);
