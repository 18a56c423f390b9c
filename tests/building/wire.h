/* wire.h - one RS-485 line, paced like the wire.
 *
 * Every character takes its time on the wire from an absolute start, so errors do not add up: a
 * request of n characters occupies the line for n characters from its arrival; a frame ends at 3.5
 * silent characters; the slave answers after its turnaround and never before the gap; a reply byte is
 * released when its last bit would have passed. The first and the last byte of a reply are released
 * at their own times; those between in chunks, late by less than a chunk and never early. What
 * overlaps on the wire is garbled in both.
 *
 * The line also measures how well it is used: the sum of
 *     T = (request + reply characters) x Tc + max(turnaround, gap) + gap
 * over the transactions that completed unspoilt, in a window, divided by the window's time. For a
 * read of N registers that is (13 + 2N) Tc + max(turnaround, gap) + gap.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/building/plant.h"
#include "tests/building/port.h"
#include "tests/building/slave.h"

enum { WIRE_SENDINGS = 8, WIRE_CHUNK = 8 };

struct sending {
	struct device *device; /* NULL: noise or an echo */
	uint8_t bytes[2 * SLAVE_FRAME_MAX];
	size_t n, released; /* n 0: free */
	size_t bad_from, bad_to;
	int64_t start_ns, step_ns;
	int64_t since_ns; /* first character of its request */
	uint16_t shows;
	bool counts; /* a transaction the line is credited with */
};

struct wire {
	char name[8];
	struct port port;
	struct plant *plant;
	struct device *slaves[256];
	struct chance chance;
	int baud, char_bits, stop_bits;
	int64_t char_ns, gap_ns;
	size_t chunk;
	bool echo;
	int64_t corrupt_ppm; /* reply bytes spoilt by noise */

	/* the request that is coming in */
	uint8_t request[SLAVE_FRAME_MAX];
	size_t request_n;
	int64_t request_ns, request_end_ns;
	bool request_bad;

	struct sending sendings[WIRE_SENDINGS];
	int64_t reply_end_ns; /* last byte of the last reply */
	int64_t check_ns;     /* when to look whether the port is in use */

	/* the window */
	bool window_open;
	int64_t window_start_ns, window_stop_ns, window_busy_ns, window_transactions;
	int64_t credited_ns;    /* up to where the line's time is credited */
	int64_t window_dead_ns; /* from requests to dead devices to the request behind them */
	int64_t dead_since_ns;  /* 0: the last request was to one that lives */

	/* life-time counters */
	int64_t requests, replies, exceptions, broadcasts, unknown, garbled, wrong_speed;
	int64_t collisions, gap_violations, gap_least_us;
	int64_t release_late_max_us, releases_late;
};

/* Times of the line from its settings; the port is not plugged yet. */
void wire_init(struct wire *wire, struct plant *plant, const char *name, const char *link, int baud,
	       bool parity, int stop_bits, size_t chunk);

/* Reads what has arrived. Call wire_step() first, and again after. */
void wire_receive(struct wire *wire, int64_t now_ns);

/* Does what is due; returns when to call again (INT64_MAX: when something arrives). */
int64_t wire_step(struct wire *wire, int64_t now_ns);

/* A burst of n random characters, from now. */
void wire_noise(struct wire *wire, size_t n, int64_t now_ns);

int wire_plug(struct wire *wire, int64_t now_ns);
void wire_unplug(struct wire *wire, int64_t now_ns);

/* When the last character of a sending has passed. */
int64_t sending_end(const struct sending *sending);

/* Credits the line with a completed transaction, as far as the window sees it. */
void wire_credit(struct wire *wire, const struct sending *sending);

/* Another request begins: the wait for a dead device, if there was one, has ended. */
void wire_end_wait(struct wire *wire, int64_t now_ns);

void wire_window_start(struct wire *wire, int64_t now_ns);
void wire_window_stop(struct wire *wire, int64_t now_ns);

/* line, wall_us, busy_us, dead_us, share_ppm, transactions, open. */
json_t *wire_window_json(const struct wire *wire, int64_t now_ns);

json_t *wire_json(const struct wire *wire);
