/* exchange.h - one Modbus RTU transaction, decided without touching a port or a clock.
 *
 * The caller says what was sent and when, how many bytes wait and at what time it looked; the
 * exchange says how long to wait, what to take, and at the end whether the bytes are the answer
 * to this request. line.c does the I/O; the tests play the line in virtual time.
 *
 * B1  A reply is never taken for the answer to another request. What one line can know is kept
 *     here: slave, function, byte count, echoed address and value, CRC; nothing earlier than the
 *     request's own characters plus the gap; nothing behind the frame; a deadline for the whole
 *     frame; our own echo stripped byte by byte; silence after a failure, and then another slave.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/frame.h"
#include "drivers/wire.h"

/* The default for a slave whose turnaround is not learnt yet. */
#define EXCHANGE_UNLEARNT_US 300000

/* Does the adapter hear itself? */
enum exchange_echo { EXCHANGE_ECHO_UNKNOWN, EXCHANGE_ECHO_NONE, EXCHANGE_ECHO_HEARD };

/* Why an exchange ended as it did. */
enum exchange_reason {
	EXCHANGE_ANSWERED = 0,
	EXCHANGE_SILENT,         /* -ETIMEDOUT: no byte by the deadline */
	EXCHANGE_INCOMPLETE,     /* -EBADMSG: not whole by its deadline (trickle, lost bytes) */
	EXCHANGE_EARLY,          /* -EBADMSG: bytes came sooner than an answer can */
	EXCHANGE_TRAILING,       /* -EBADMSG: more bytes than the answer has */
	EXCHANGE_CRC,            /* -EBADMSG */
	EXCHANGE_WRONG_SLAVE,    /* -EBADMSG */
	EXCHANGE_WRONG_FUNCTION, /* -EBADMSG */
	EXCHANGE_WRONG_LENGTH,   /* -EBADMSG: the byte count is not the one asked for */
	EXCHANGE_WRONG_ECHO,     /* -EBADMSG: names another address, value or count to write */
	EXCHANGE_UNPROVEN,       /* -EBADMSG: our own echo, or the answer to a write? */
	EXCHANGE_EXCEPTION,      /* -EREMOTEIO: the slave refused */
};

/* What a line remembers from one exchange to the next. Set wire and unlearnt_us, leave the rest
 * zero. */
struct exchange_line {
	struct wire wire;
	int64_t unlearnt_us; /* turnaround granted to a slave not learnt yet */
	enum exchange_echo echo;
	uint8_t early;          /* exchanges in a row that failed for bytes that came early */
	int64_t quiet_until_us; /* nothing may be sent before; bytes found until then are stray */
	uint8_t resting;        /* slave that failed last: another one is asked first; 0 none */
	int64_t rest_until_us;  /* ... or this much time passes */
};

struct exchange_outcome {
	int error; /* 0, -ETIMEDOUT, -EBADMSG or -EREMOTEIO */
	enum exchange_reason reason;
	uint8_t exception; /* Modbus exception code with -EREMOTEIO */
	uint16_t count;    /* values read; 0 for a write */
	uint16_t values[LINE_VALUES_MAX];
	int64_t turnaround_us; /* end of the request to start of the answer; -1 when nothing came */
};

enum exchange_action {
	EXCHANGE_SLEEP,   /* until until_us, whatever comes */
	EXCHANGE_LISTEN,  /* until until_us or the first byte */
	EXCHANGE_STRIP,   /* read `bytes` bytes and hand them to exchange_echoed() */
	EXCHANGE_TAKE,    /* receive a frame, until until_us at most; then exchange_taken() */
	EXCHANGE_DISCARD, /* read what waits and forget it */
	EXCHANGE_DONE,    /* the outcome stands, the line's memory is updated */
};

struct exchange_step {
	enum exchange_action action;
	int64_t until_us;
	size_t bytes;
};

enum exchange_phase {
	EXCHANGE_BEGUN,
	EXCHANGE_ECHO,   /* our own bytes may come back */
	EXCHANGE_AWAIT,  /* nothing of the answer is here yet */
	EXCHANGE_ARRIVE, /* its first byte is */
	EXCHANGE_SETTLE, /* it is right; nothing may follow within the gap */
	EXCHANGE_FAILED, /* whatever still comes is thrown away until the deadline */
	EXCHANGE_ENDED,
};

/* One exchange under way, a value. Only frame, frame_len and, when done, outcome are for the
 * caller. */
struct exchange {
	uint8_t frame[FRAME_MAX]; /* the request with its CRC */
	size_t frame_len;
	struct exchange_outcome outcome;

	struct line_request request;
	struct exchange_line *line;
	enum exchange_phase phase;
	size_t reply_len;
	int64_t budget_us;         /* turnaround granted */
	int64_t request_end_us;    /* the request's last bit */
	int64_t earliest_us;       /* a byte that is here by now is no answer */
	int64_t first_deadline_us; /* the answer has begun, or the slave is silent */
	int64_t deadline_us;       /* the answer is whole, or it is none */
	int64_t first_us;          /* its first character arrived */
	int64_t due_us;            /* its last character is due */
	int64_t whole_us;          /* ... or is looked for again */
	size_t offered;            /* what waited when the frame was taken */
	int64_t settled_us;        /* the gap behind it is over */
	bool clear;                /* nothing waited at a look at earliest_us or later */
};

/* Did this slave fail last, so that another one has to be asked first? */
bool exchange_rests(const struct exchange_line *line, uint8_t slave, int64_t now_us);

/* Begins an exchange on `line` (borrowed until it is done) and encodes `frame`. turnaround_us: the
 * learnt 99th percentile of this slave, 0 when there is none. Nothing is sent yet.
 * Errors: -EINVAL the request is malformed; -EBUSY exchange_rests(). */
int exchange_begin(struct exchange *x, struct exchange_line *line,
		   const struct line_request *request, int64_t turnaround_us, int64_t now_us);

/* The frame was handed to the port at sent_us (read before writing). */
void exchange_sent(struct exchange *x, int64_t sent_us);

/* What to do now that `waiting` bytes wait at now_us. Call again after each step, until
 * EXCHANGE_DONE. */
struct exchange_step exchange_next(struct exchange *x, int64_t now_us, size_t waiting);

/* The bytes an EXCHANGE_STRIP asked for. */
void exchange_echoed(struct exchange *x, const uint8_t *bytes, size_t n, int64_t now_us);

/* The bytes an EXCHANGE_TAKE got, right or wrong, and when it had them; n may be 0. */
void exchange_taken(struct exchange *x, const uint8_t *bytes, size_t n, int64_t now_us);

/* The physical limit T(N) of one transaction: its characters, the slave's turnaround (never less
 * than the gap) and the gap behind it. For a read of N registers: (13 + 2N) Tc + max(t_slave,
 * gap) + gap. `request` is valid. */
int64_t exchange_limit_us(const struct wire *wire, const struct line_request *request,
			  int64_t turnaround_us);

/* The longest an answer is waited for: request and reply characters, twice the learnt turnaround
 * (or unlearnt_us when that is 0), and what the host may be late. A silent slave costs this less
 * the reply's characters. */
int64_t exchange_timeout_us(const struct wire *wire, const struct line_request *request,
			    int64_t turnaround_us, int64_t unlearnt_us);

/* "no answer", "wrong slave" ...: for people. Never NULL. */
const char *exchange_reason_text(enum exchange_reason reason);
