/* test_exchange - the line is played in virtual time: bytes arrive when the table says so.
 *
 * Frames come from meters on the market (captured or printed in their manuals); the checksum of
 * made frames is computed here a second time, bit by bit from the polynomial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/exchange.h"
#include "tests/unit/played_line.h"

#define WIRE_9600                                                                                  \
	{                                                                                          \
		.baud = 9600, .bits_per_char = 10                                                  \
	}
#define TURNAROUND_US 15000 /* learnt, in the tables */
#define PIECES_MAX    3
#define SENT_US       1000000
#define MS            1000

/* Bytes on the wire. at_us: when the first of them begins, from the end of the request. */
struct piece {
	int64_t at_us;
	const char *hex;
	bool made;          /* the checksum is added */
	int64_t spacing_us; /* 0: at the line's own pace */
};

struct fault_case {
	const char *name;
	const struct line_request *request;
	enum exchange_echo echo;
	struct piece pieces[PIECES_MAX];
	int error;
	enum exchange_reason reason;
	enum exchange_echo echo_after;
	int64_t done_by_us; /* from the end of the request */
};

/* PZEM-016: voltage, current, power, energy ... */
static const struct line_request read_10 = {.slave = 1, .function = 4, .count = 10};
#define READ_10       "01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51 34"
#define READ_10_ASKED "01 04 00 00 00 0A 70 0D"
/* Inepro serial number. */
static const struct line_request read_2 = {
	.slave = 1, .function = 3, .address = 0x1000, .count = 2};
#define READ_2 "01 03 04 15 06 00 01 DF FE"
/* Waveshare board, coil 0 on; the reply repeats the request. */
static const struct line_request coil_on = {.slave = 1, .function = 5, .values = {1}};
#define COIL_ON "01 05 00 00 FF 00 8C 3A"
/* Eastron, baud code. */
static const struct line_request write_2 = {
	.slave = 1, .function = 16, .address = 0x1C, .count = 2, .values = {0x4000, 0}};
#define WRITE_2 "01 10 00 1C 00 02 80 0E"

#define AT(at_us, hex)                                                                             \
	{                                                                                          \
		at_us, hex, false, 0                                                               \
	}
#define MADE(at_us, hex)                                                                           \
	{                                                                                          \
		at_us, hex, true, 0                                                                \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		0, NULL, false, 0                                                                  \
	}

#define NONE    EXCHANGE_ECHO_NONE
#define HEARD   EXCHANGE_ECHO_HEARD
#define UNKNOWN EXCHANGE_ECHO_UNKNOWN

/* 9600 8N1: a character takes 1,042 us, the gap is 3,646 us. The slave has until 51 ms to begin
 * (twice 15 ms, 20 ms for the host, a character), and until 76 ms to end a reply of 25. */
static const struct fault_case faults[] = {
	{"a healthy slave answers after 15 ms: its values, as soon as the gap behind them is over",
	 &read_10,
	 NONE,
	 {AT(15 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 15 * MS + 30 * MS},
	{"a slave that begins right at the gap is no early one",
	 &read_10,
	 NONE,
	 {AT(3700, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 35 * MS},
	{"a reply stops for 10 ms behind its fifth byte, where an exception would end",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 04 14 08 D1"),
	  AT(30 * MS, "00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51 34")},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 60 * MS},
	{"its last character is 300 us late: the gap is counted from there, not from a character "
	 "later",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51"),
	  AT(40308, "34")},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 45300},
	{"an adapter hands over its last eight characters at once, 300 us late",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00"),
	  {40308, "01 F4 00 64 00 00 51 34", false, 1}},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 45300},
	{"a slave that begins just before its deadline is heard out",
	 &read_10,
	 NONE,
	 {AT(49 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 80 * MS},
	{"a silent slave costs its request, its turnaround and the slack",
	 &read_10,
	 NONE,
	 {NOTHING},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 NONE,
	 52 * MS},
	{"a reply that begins after the deadline is late: no answer",
	 &read_10,
	 NONE,
	 {AT(60 * MS, READ_10)},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 NONE,
	 52 * MS},
	{"one bit is wrong: bad checksum",
	 &read_10,
	 NONE,
	 {AT(15 * MS,
	     "01 04 14 08 D0 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51 34")},
	 -EBADMSG,
	 EXCHANGE_CRC,
	 NONE,
	 80 * MS},
	{"a reply trickles, 20 ms a byte: the frame has a deadline of its own",
	 &read_10,
	 NONE,
	 {{15 * MS, READ_10, false, 20 * MS}},
	 -EBADMSG,
	 EXCHANGE_INCOMPLETE,
	 NONE,
	 360 * MS},
	{"the end of a reply is lost",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 04 14 08 D1 00 6C 00 00")},
	 -EBADMSG,
	 EXCHANGE_INCOMPLETE,
	 NONE,
	 80 * MS},
	{"another slave answers, intact and of the right length",
	 &read_10,
	 NONE,
	 {MADE(15 * MS, "02 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00")},
	 -EBADMSG,
	 EXCHANGE_WRONG_SLAVE,
	 NONE,
	 80 * MS},
	{"the reply is to another function",
	 &read_10,
	 NONE,
	 {MADE(15 * MS, "01 03 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00")},
	 -EBADMSG,
	 EXCHANGE_WRONG_FUNCTION,
	 NONE,
	 80 * MS},
	{"the reply is to a shorter read",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 04 04 43 66 33 34 1B 38")},
	 -EBADMSG,
	 EXCHANGE_INCOMPLETE,
	 NONE,
	 80 * MS},
	{"the reply is to a longer read",
	 &read_2,
	 NONE,
	 {AT(15 * MS, "01 03 0C 12 01 08 0A 01 01 01 00 00 00 00 00 80 23")},
	 -EBADMSG,
	 EXCHANGE_WRONG_LENGTH,
	 NONE,
	 80 * MS},
	{"the byte count lies within an intact frame of the right length",
	 &read_10,
	 NONE,
	 {MADE(15 * MS, "01 04 16 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00")},
	 -EBADMSG,
	 EXCHANGE_WRONG_LENGTH,
	 NONE,
	 80 * MS},
	{"an exception ends the wait at once",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 84 02 C2 C1")},
	 -EREMOTEIO,
	 EXCHANGE_EXCEPTION,
	 NONE,
	 28 * MS},
	{"an exception to a request with a short reply ends the wait too",
	 &coil_on,
	 NONE,
	 {MADE(15 * MS, "01 85 02")},
	 -EREMOTEIO,
	 EXCHANGE_EXCEPTION,
	 NONE,
	 28 * MS},
	{"an exception of another slave is none of ours",
	 &read_10,
	 NONE,
	 {MADE(15 * MS, "02 84 02")},
	 -EBADMSG,
	 EXCHANGE_WRONG_SLAVE,
	 NONE,
	 80 * MS},
	{"an exception to another function is none of ours",
	 &read_10,
	 NONE,
	 {MADE(15 * MS, "01 83 02")},
	 -EBADMSG,
	 EXCHANGE_WRONG_FUNCTION,
	 NONE,
	 80 * MS},
	{"an exception with a bad checksum",
	 &read_10,
	 NONE,
	 {AT(15 * MS, "01 84 02 C2 C0")},
	 -EBADMSG,
	 EXCHANGE_CRC,
	 NONE,
	 80 * MS},
	{"a reply begins while we still send: it answers something older",
	 &read_10,
	 NONE,
	 {AT(-3 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 NONE,
	 80 * MS},
	{"a reply begins within the gap: it answers something older",
	 &read_10,
	 NONE,
	 {AT(1 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 NONE,
	 80 * MS},
	{"an old reply and then the true one: neither is taken",
	 &read_2,
	 NONE,
	 {AT(-9 * MS, READ_2), AT(15 * MS, READ_2)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 NONE,
	 80 * MS},
	{"one byte more, right behind the frame",
	 &read_10,
	 NONE,
	 {AT(15 * MS, READ_10 " 00")},
	 -EBADMSG,
	 EXCHANGE_TRAILING,
	 NONE,
	 80 * MS},
	{"a byte within the gap behind the frame",
	 &read_10,
	 NONE,
	 {AT(15 * MS, READ_10), AT(15 * MS + 28 * MS, "00")},
	 -EBADMSG,
	 EXCHANGE_TRAILING,
	 NONE,
	 80 * MS},
	{"two replies queued behind each other: neither is taken",
	 &read_2,
	 NONE,
	 {AT(15 * MS, READ_2 " " READ_2)},
	 -EBADMSG,
	 EXCHANGE_TRAILING,
	 NONE,
	 80 * MS},
	{"two replies with less than a gap between them: neither is taken",
	 &read_2,
	 NONE,
	 {AT(15 * MS, READ_2), AT(26 * MS, READ_2)},
	 -EBADMSG,
	 EXCHANGE_TRAILING,
	 NONE,
	 80 * MS},
	{"the adapter echoes, and the slave answers: found out and stripped",
	 &read_10,
	 UNKNOWN,
	 {AT(-8334, READ_10_ASKED), AT(15 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 HEARD,
	 15 * MS + 30 * MS},
	{"the adapter is known to echo: stripped",
	 &read_10,
	 HEARD,
	 {AT(-8334, READ_10_ASKED), AT(15 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 HEARD,
	 15 * MS + 30 * MS},
	{"the adapter echoes, the slave is silent",
	 &read_10,
	 UNKNOWN,
	 {AT(-8334, READ_10_ASKED)},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 HEARD,
	 52 * MS},
	{"an echo begins on a line that had none: stripped from the first on",
	 &read_10,
	 NONE,
	 {AT(-8334, READ_10_ASKED), AT(15 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 HEARD,
	 15 * MS + 30 * MS},
	{"an echo begins on a line that had none, and the slave is silent",
	 &read_10,
	 NONE,
	 {AT(-8334, READ_10_ASKED)},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 HEARD,
	 52 * MS},
	{"an echo begins with a write: its one copy proves nothing",
	 &coil_on,
	 NONE,
	 {AT(-8334, COIL_ON), AT(15 * MS, COIL_ON)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 NONE,
	 80 * MS},
	{"as many early bytes as the request has, and another's: no echo",
	 &read_10,
	 NONE,
	 {AT(-8334, "01 04 00 00 00 0B 70 0D"), AT(15 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 NONE,
	 80 * MS},
	{"the echo is damaged: nothing behind it is believed",
	 &read_10,
	 HEARD,
	 {AT(-8334, "01 04 00 00 00 0B 70 0D"), AT(15 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 UNKNOWN,
	 80 * MS},
	{"the echo has stopped: the reply is not taken for it, and it is looked for anew",
	 &read_10,
	 HEARD,
	 {AT(15 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_EARLY,
	 UNKNOWN,
	 80 * MS},
	{"a line that may echo does not: known with the first answer",
	 &read_10,
	 UNKNOWN,
	 {AT(15 * MS, READ_10)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 15 * MS + 30 * MS},
	{"a line that may echo is silent: it does not echo",
	 &read_10,
	 UNKNOWN,
	 {NOTHING},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 NONE,
	 52 * MS},
	{"an echo held back by the adapter for 16 ms is no answer, and is known from then on",
	 &read_10,
	 UNKNOWN,
	 {AT(14 * MS, READ_10_ASKED), AT(25 * MS, READ_10)},
	 -EBADMSG,
	 EXCHANGE_CRC,
	 HEARD,
	 80 * MS},
	{"an echo held back by the adapter, and a silent slave",
	 &(const struct line_request){.slave = 1, .function = 3, .address = 0x0300, .count = 1},
	 UNKNOWN,
	 {MADE(14 * MS, "01 03 03 00 00 01")},
	 -EBADMSG,
	 EXCHANGE_WRONG_LENGTH,
	 HEARD,
	 80 * MS},
	{"a coil is written and the reply repeats the request",
	 &coil_on,
	 NONE,
	 {AT(15 * MS, COIL_ON)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 15 * MS + 14 * MS},
	{"a coil is written, echoed and confirmed",
	 &coil_on,
	 HEARD,
	 {AT(-8334, COIL_ON), AT(15 * MS, COIL_ON)},
	 0,
	 EXCHANGE_ANSWERED,
	 HEARD,
	 15 * MS + 14 * MS},
	{"a coil is written and only our echo comes back: no answer",
	 &coil_on,
	 HEARD,
	 {AT(-8334, COIL_ON)},
	 -ETIMEDOUT,
	 EXCHANGE_SILENT,
	 HEARD,
	 52 * MS},
	{"a coil is written where echo is unknown: one copy may be the echo, held back",
	 &coil_on,
	 UNKNOWN,
	 {AT(15 * MS, COIL_ON)},
	 -EBADMSG,
	 EXCHANGE_UNPROVEN,
	 UNKNOWN,
	 80 * MS},
	{"the reply to a write names another coil",
	 &coil_on,
	 NONE,
	 {AT(15 * MS, "01 05 00 01 FF 00 DD FA")},
	 -EBADMSG,
	 EXCHANGE_WRONG_ECHO,
	 NONE,
	 80 * MS},
	{"the reply to a write names another value",
	 &coil_on,
	 NONE,
	 {AT(15 * MS, "01 05 00 00 00 00 CD CA")},
	 -EBADMSG,
	 EXCHANGE_WRONG_ECHO,
	 NONE,
	 80 * MS},
	{"registers are written",
	 &write_2,
	 NONE,
	 {AT(15 * MS, WRITE_2)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 15 * MS + 14 * MS},
	{"registers are written where echo is unknown: the reply is shorter than an echo",
	 &write_2,
	 UNKNOWN,
	 {AT(15 * MS, WRITE_2)},
	 0,
	 EXCHANGE_ANSWERED,
	 NONE,
	 15 * MS + 14 * MS},
	{"the reply to a write names another count",
	 &write_2,
	 NONE,
	 {MADE(15 * MS, "01 10 00 1C 00 01")},
	 -EBADMSG,
	 EXCHANGE_WRONG_ECHO,
	 NONE,
	 80 * MS},
};

static void put(struct played *line, const struct exchange_line *memory, const struct piece *piece,
		int64_t end_us)
{
	int64_t char_us = piece->spacing_us;
	uint8_t bytes[FRAME_MAX];
	size_t n;

	if (piece->hex == NULL)
		return;
	n = played_hex(piece->hex, bytes);
	if (piece->made)
		n = played_seal(bytes, n);
	if (char_us == 0) {
		played_put(line, &memory->wire, end_us + piece->at_us, bytes, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		played_byte(line, end_us + piece->at_us + char_us * (int64_t)(i + 1), bytes[i]);
}

static void every_fault_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct fault_case *c = &faults[i];
		struct exchange_line memory = {
			.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = c->echo};
		struct played line = {.now_us = SENT_US};
		struct exchange x;
		int64_t end_us;

		print_message("%s\n", c->name);
		assert_int_equal(exchange_begin(&x, &memory, c->request, TURNAROUND_US, SENT_US),
				 0);
		end_us = SENT_US + wire_chars_us(&memory.wire, (int64_t)x.frame_len);
		for (size_t p = 0; p < PIECES_MAX; p++)
			put(&line, &memory, &c->pieces[p], end_us);
		played_run(&line, &x);
		assert_int_equal(x.outcome.reason, c->reason);
		assert_int_equal(x.outcome.error, c->error);
		assert_int_equal(memory.echo, c->echo_after);
		assert_true(line.now_us - end_us <= c->done_by_us);
		if (c->error == 0 && c->request == &read_10) {
			assert_int_equal(x.outcome.count, 10);
			assert_int_equal(x.outcome.values[0], 0x08D1);
			assert_int_equal(x.outcome.values[5], 0x0026);
			assert_int_equal(x.outcome.values[8], 0x0064);
		}
		if (c->error == -EREMOTEIO)
			assert_int_equal(x.outcome.exception, 2);
		if (c->error != 0)
			assert_int_equal(x.outcome.count, 0);
		/* After a failure: silence, and another slave first. */
		if (c->error == 0 || c->error == -EREMOTEIO) {
			/* The gap is over, whatever the pace was; 3,646 us less rounding. */
			assert_true(line.now_us >= line.last_us + 3640);
			assert_true(memory.quiet_until_us <= line.now_us);
			assert_false(exchange_rests(&memory, 1, line.now_us));
		} else {
			assert_true(memory.quiet_until_us >= line.now_us + 10 * MS);
			assert_true(exchange_rests(&memory, 1, line.now_us));
			assert_false(exchange_rests(&memory, 2, line.now_us));
			assert_int_equal(
				exchange_begin(&x, &memory, &read_2, TURNAROUND_US, line.now_us),
				-EBUSY);
		}
	}
}

/* An echo that begins and ends while the port is open costs a few exchanges at the most, whatever it begins
 * with. */
static void an_echo_that_comes_and_goes_does_not_silence_the_line(void **state)
{
	static const struct {
		const char *name;
		const struct line_request *request;
		const char *sent;   /* what the adapter echoes, or "" */
		const char *answer; /* of the slave */
		int most;           /* failures before the line is right again */
	} steps[] = {
		{"no echo", &read_10, "", READ_10, 0},
		{"it begins with a write", &coil_on, COIL_ON, COIL_ON, 2},
		{"it goes on with reads", &read_10, READ_10_ASKED, READ_10, 0},
		{"it ends", &read_10, "", READ_10, 1},
		{"it begins in pieces", &read_10, "01 04 00", READ_10, 4},
		{"and is whole then", &read_10, READ_10_ASKED, READ_10, 0},
		{"it ends again", &read_10, "", READ_10, 1},
	};
	struct exchange_line memory = {
		.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
	int64_t now_us = SENT_US;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int failures = 0;

		print_message("%s\n", steps[i].name);
		for (int n = 0; n < 4; n++) {
			struct played line = {.now_us = now_us += 2000 * MS};
			struct exchange x;
			uint8_t bytes[FRAME_MAX];
			int64_t end_us;

			assert_int_equal(exchange_begin(&x, &memory, steps[i].request,
							TURNAROUND_US, now_us),
					 0);
			played_put(&line, &memory.wire, now_us, bytes,
				   played_hex(steps[i].sent, bytes));
			end_us = now_us + wire_chars_us(&memory.wire, (int64_t)x.frame_len);
			played_put(&line, &memory.wire, end_us + 15 * MS, bytes,
				   played_hex(steps[i].answer, bytes));
			played_run(&line, &x);
			failures += x.outcome.error != 0;
		}
		assert_true(failures <= steps[i].most);
	}
}

/* The turnaround is what the slave needed, whatever the frame's length. */
static void turnaround_is_measured(void **state)
{
	struct exchange_line memory = {
		.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
	struct played line = {.now_us = SENT_US};
	const struct piece piece = AT(42 * MS, READ_10);
	struct exchange x;

	(void)state;
	assert_int_equal(exchange_begin(&x, &memory, &read_10, 0, SENT_US), 0);
	put(&line, &memory, &piece, SENT_US + wire_chars_us(&memory.wire, 8));
	played_run(&line, &x);
	assert_int_equal(x.outcome.error, 0);
	assert_in_range(x.outcome.turnaround_us, 42 * MS - 10, 42 * MS + 10);
}

static int64_t late_once(void *arg)
{
	int64_t *lateness_us = arg;
	int64_t ret = *lateness_us;

	*lateness_us = 0;
	return ret;
}

/* The host is late at its first look, which is due when an answer can begin. */
static void a_late_look_does_not_believe_a_whole_frame(void **state)
{
	static const struct {
		const char *name;
		int64_t lateness_us;
		struct piece piece;
		enum exchange_reason reason;
	} cases[] = {
		{"an old answer came while we asked, and the host looked 30 ms late", 30 * MS,
		 AT(-2 * MS, READ_2), EXCHANGE_EARLY},
		{"an old exception came while we asked, and the host looked 30 ms late", 30 * MS,
		 AT(-2 * MS, "01 83 02 C0 F1"), EXCHANGE_EARLY},
		{"an old answer is still arriving, and the host looked 3 ms late", 3 * MS,
		 AT(-1 * MS, READ_2), EXCHANGE_EARLY},
		{"the answer is still arriving, and the host looked 6 ms late", 6 * MS,
		 AT(5 * MS, READ_2), EXCHANGE_ANSWERED},
		{"the answer comes after the late look", 6 * MS, AT(15 * MS, READ_2),
		 EXCHANGE_ANSWERED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange_line memory = {
			.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
		int64_t lateness_us = cases[i].lateness_us;
		struct played line = {
			.now_us = SENT_US, .lateness_us = late_once, .lateness_arg = &lateness_us};
		struct exchange x;

		print_message("%s\n", cases[i].name);
		assert_int_equal(exchange_begin(&x, &memory, &read_2, TURNAROUND_US, SENT_US), 0);
		put(&line, &memory, &cases[i].piece, SENT_US + wire_chars_us(&memory.wire, 8));
		played_run(&line, &x);
		assert_int_equal(x.outcome.reason, cases[i].reason);
	}
}

static void babble_ends(void **state)
{
	struct exchange_line memory = {
		.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
	struct played line = {.now_us = SENT_US};
	struct exchange x;

	(void)state;
	for (int i = 0; i < PLAYED_MAX; i++)
		played_byte(&line, SENT_US + i * 1042, 0x55);
	assert_int_equal(exchange_begin(&x, &memory, &read_10, TURNAROUND_US, SENT_US), 0);
	played_run(&line, &x);
	assert_int_equal(x.outcome.error, -EBADMSG);
	assert_true(line.now_us - SENT_US < 500 * MS);
}

static void another_slave_or_time_ends_the_rest(void **state)
{
	struct exchange_line memory = {
		.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
	struct line_request other = read_10;
	struct played line = {.now_us = SENT_US};
	const struct piece piece = {
		15 * MS, "02 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00",
		true, 0};
	struct exchange x;

	(void)state;
	assert_int_equal(exchange_begin(&x, &memory, &read_10, TURNAROUND_US, line.now_us), 0);
	played_run(&line, &x);
	assert_int_equal(x.outcome.error, -ETIMEDOUT);
	assert_false(exchange_rests(&memory, 1, line.now_us + EXCHANGE_UNLEARNT_US));
	other.slave = 2;
	assert_int_equal(exchange_begin(&x, &memory, &other, TURNAROUND_US, line.now_us), 0);
	put(&line, &memory, &piece, line.now_us + wire_chars_us(&memory.wire, 8));
	played_run(&line, &x);
	assert_int_equal(x.outcome.error, 0);
	assert_false(exchange_rests(&memory, 1, line.now_us));
}

/* Frames of the market against what is encoded. */
static void requests_are_encoded_as_printed(void **state)
{
	static const struct {
		struct line_request request;
		const char *hex;
	} cases[] = {
		{{1, 4, 0, 10, {0}}, "01 04 00 00 00 0A 70 0D"},
		{{1, 4, 0x0156, 2, {0}}, "01 04 01 56 00 02 90 27"},
		{{1, 3, 0x000C, 2, {0}}, "01 03 00 0C 00 02 04 08"},
		{{0x11, 3, 0x0900, 6, {0}}, "11 03 09 00 00 06 C4 C4"},
		{{1, 16, 0x0016, 2, {0x3F80, 0}}, "01 10 00 16 00 02 04 3F 80 00 00 7F 75"},
		{{1, 16, 0xFD00, 1, {0xFF00}}, "01 10 FD 00 00 01 02 FF 00 CB 6F"},
		{{5, 16, 0x0057, 2, {1, 1}}, "05 10 00 57 00 02 04 00 01 00 01 32 45"},
		{{1, 5, 7, 0, {1}}, "01 05 00 07 FF 00 3D FB"},
		{{1, 5, 7, 0, {0}}, "01 05 00 07 00 00 7C 0B"},
		{{1, 1, 0, 4, {0}}, "01 01 00 00 00 04 3D C9"},
		{{1, 6, 0x4000, 0, {3}}, "01 06 40 00 00 03 DC 0B"},
		/* Modbus Application Protocol V1.1b3, 6.11: ten coils from 20 on. */
		{{17, 15, 0x13, 10, {1, 0, 1, 1, 0, 0, 1, 1, 1, 0}},
		 "11 0F 00 13 00 0A 02 CD 01 BF 0B"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t expected[FRAME_MAX], frame[FRAME_MAX];
		size_t n = played_hex(cases[i].hex, expected);

		assert_int_equal(frame_check(&cases[i].request), 0);
		assert_int_equal(frame_encode(&cases[i].request, frame), n);
		assert_memory_equal(frame, expected, n);
		assert_true(frame_intact(frame, n));
	}
}

static void bits_are_unpacked(void **state)
{
	/* Modbus Application Protocol V1.1b3, 6.1: coils 20 to 38. */
	const struct line_request request = {
		.slave = 1, .function = 1, .address = 0x13, .count = 19};
	static const uint16_t expected[] = {1, 0, 1, 1, 0, 0, 1, 1, 1, 1,
					    0, 1, 0, 1, 1, 0, 1, 0, 1};
	struct exchange_line memory = {
		.wire = WIRE_9600, .unlearnt_us = EXCHANGE_UNLEARNT_US, .echo = NONE};
	struct played line = {.now_us = SENT_US};
	const struct piece piece = {15 * MS, "01 01 03 CD 6B 05", true, 0};
	struct exchange x;

	(void)state;
	assert_int_equal(exchange_begin(&x, &memory, &request, 0, SENT_US), 0);
	put(&line, &memory, &piece, SENT_US + wire_chars_us(&memory.wire, 8));
	played_run(&line, &x);
	assert_int_equal(x.outcome.error, 0);
	assert_int_equal(x.outcome.count, 19);
	assert_memory_equal(x.outcome.values, expected, sizeof(expected));
}

static void malformed_requests_are_refused(void **state)
{
	static const struct line_request cases[] = {
		{0, 4, 0, 10, {0}},     /* broadcast */
		{248, 4, 0, 10, {0}},   /* reserved address */
		{1, 0, 0, 1, {0}},      /* no such function */
		{1, 7, 0, 1, {0}},      /* one that is not ours */
		{1, 0x84, 0, 1, {0}},   /* an exception is no request */
		{1, 4, 0, 0, {0}},      /* nothing asked */
		{1, 4, 0, 126, {0}},    /* more than a frame holds */
		{1, 16, 0, 124, {0}},   /* more than a frame holds */
		{1, 15, 0, 126, {0}},   /* more than values holds */
		{1, 3, 0xFFFF, 2, {0}}, /* past the last address */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(frame_check(&cases[i]), -EINVAL);
}

/* The table of T(N) in microseconds, worked out by hand: (13 + 2N) Tc + max(t_slave, gap) + gap. */
static void the_physical_limit_is_the_printed_one(void **state)
{
	static const struct {
		struct wire wire;
		uint16_t count;
		int64_t turnaround_us, from_us, to_us;
	} cases[] = {
		{{2400, 11}, 2, 0, 109900, 110100},      {{2400, 11}, 80, 50000, 858500, 859500},
		{{9600, 10}, 2, 0, 24950, 25050},        {{9600, 10}, 2, 10000, 31300, 31450},
		{{9600, 10}, 20, 50000, 108500, 109500}, {{9600, 10}, 40, 10000, 110500, 111500},
		{{19200, 11}, 10, 10000, 30850, 30950},  {{115200, 10}, 2, 0, 4950, 5050},
		{{115200, 10}, 80, 50000, 66750, 66850},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct line_request request = {
			.slave = 1, .function = 4, .count = cases[i].count};

		assert_in_range(exchange_limit_us(&cases[i].wire, &request, cases[i].turnaround_us),
				cases[i].from_us, cases[i].to_us);
	}
	assert_in_range(exchange_timeout_us(&cases[2].wire, &read_2, 20000, EXCHANGE_UNLEARNT_US),
			60000, 120000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_of_the_table),
		cmocka_unit_test(an_echo_that_comes_and_goes_does_not_silence_the_line),
		cmocka_unit_test(turnaround_is_measured),
		cmocka_unit_test(a_late_look_does_not_believe_a_whole_frame),
		cmocka_unit_test(babble_ends),
		cmocka_unit_test(another_slave_or_time_ends_the_rest),
		cmocka_unit_test(requests_are_encoded_as_printed),
		cmocka_unit_test(bits_are_unpacked),
		cmocka_unit_test(malformed_requests_are_refused),
		cmocka_unit_test(the_physical_limit_is_the_printed_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
