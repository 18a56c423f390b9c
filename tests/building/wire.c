/* wire.c - see wire.h. */
#include "tests/building/wire.h"

#include <stdio.h>
#include <string.h>

#include "tests/building/moment.h"

enum {
	GAP_TOLERANCE_NS = 300000,
	CHECK_NS = 5000000, /* a port that nobody uses is looked at this often */
	LATE_NS = 2000000,  /* a release later than this is counted */
};

void wire_init(struct wire *wire, struct plant *plant, const char *name, const char *link, int baud,
	       bool parity, int stop_bits, size_t chunk)
{
	wire->plant = plant;
	(void)snprintf(wire->name, sizeof(wire->name), "%s", name);
	port_init(&wire->port, link);
	wire->baud = baud;
	wire->stop_bits = stop_bits;
	wire->char_bits = 9 + (parity ? 1 : 0) + stop_bits;
	wire->char_ns = (int64_t)wire->char_bits * 1000000000 / baud;
	wire->gap_ns = baud > 19200 ? 1750000 : wire->char_ns * 7 / 2;
	wire->chunk = chunk;
	wire->gap_least_us = -1;
}

static void log_line(struct wire *wire, enum event_kind kind, int64_t now_ns)
{
	struct event event = {.kind = kind, .at_us = now_ns / 1000};

	(void)snprintf(event.device, sizeof(event.device), "%s", wire->name);
	events_add(wire->plant->events, event);
}

/* ---- what is on the wire ---- */

static int64_t byte_end(const struct sending *sending, size_t i)
{
	return sending->start_ns + (int64_t)(i + 1) * sending->step_ns;
}

int64_t sending_end(const struct sending *sending)
{
	return byte_end(sending, sending->n - 1);
}

/* Garbles the part of a sending that shares the wire with [from, to). True: there was one. */
static bool garble(struct sending *sending, int64_t from_ns, int64_t to_ns)
{
	bool hit = false;

	for (size_t i = sending->released; i < sending->n; i++) {
		int64_t end = byte_end(sending, i);

		if (end <= from_ns || end - sending->step_ns >= to_ns)
			continue;
		if (sending->bad_from == sending->bad_to || i < sending->bad_from)
			sending->bad_from = i;
		if (i + 1 > sending->bad_to)
			sending->bad_to = i + 1;
		hit = true;
	}
	return hit;
}

static bool garble_sendings(struct wire *wire, const struct sending *but, int64_t from_ns,
			    int64_t to_ns)
{
	bool hit = false;

	for (unsigned i = 0; i < WIRE_SENDINGS; i++) {
		struct sending *sending = &wire->sendings[i];

		if (sending->n > 0 && sending != but && garble(sending, from_ns, to_ns))
			hit = true;
	}
	return hit;
}

/* Puts bytes on the wire from start_ns. NULL: too many at once, these are lost. */
static struct sending *sending_new(struct wire *wire, const uint8_t *bytes, size_t n,
				   int64_t start_ns, int64_t step_ns)
{
	struct sending *sending = wire->sendings;

	while (sending < wire->sendings + WIRE_SENDINGS && sending->n > 0)
		sending++;
	if (sending == wire->sendings + WIRE_SENDINGS)
		return NULL;
	*sending = (struct sending){.n = n, .start_ns = start_ns, .step_ns = step_ns};
	memcpy(sending->bytes, bytes, n);
	return sending;
}

/* A reply or noise that meets another character, or the request that is coming in, spoils both. */
static void collide(struct wire *wire, struct sending *sending)
{
	int64_t from = sending->start_ns, to = sending_end(sending);

	if (garble_sendings(wire, sending, from, to)) {
		(void)garble(sending, from, to);
		wire->collisions++;
	}
	if (wire->request_n > 0 && from < wire->request_end_ns && to > wire->request_ns) {
		(void)garble(sending, wire->request_ns, wire->request_end_ns);
		wire->request_bad = true;
		wire->collisions++;
	}
}

void wire_noise(struct wire *wire, size_t n, int64_t now_ns)
{
	uint8_t bytes[SLAVE_FRAME_MAX];
	struct sending *sending;

	if (n > sizeof(bytes))
		n = sizeof(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)chance_next(&wire->chance);
	sending = n > 0 ? sending_new(wire, bytes, n, now_ns, wire->char_ns) : NULL;
	if (sending)
		collide(wire, sending);
}

/* ---- requests ---- */

static void schedule(struct wire *wire, struct device *device, struct answer *answer)
{
	int64_t jitter = chance_between(&device->chance, -100, 100);
	int64_t turnaround = device->turnaround_ns + device->turnaround_ns / 1000 * jitter;
	struct sending *sending;

	if (turnaround < wire->gap_ns)
		turnaround = wire->gap_ns;
	sending = sending_new(wire, answer->bytes, answer->n,
			      wire->request_end_ns + turnaround + answer->late_ns,
			      answer->step_ns ? answer->step_ns : wire->char_ns);
	if (!sending)
		return;
	sending->device = device;
	sending->since_ns = wire->request_end_ns - (int64_t)wire->request_n * wire->char_ns;
	sending->shows = answer->shows;
	sending->counts = !answer->spoilt;
	collide(wire, sending);
}

static void broadcast(struct wire *wire, int64_t now_ns)
{
	struct answer answer;

	wire->broadcasts++;
	for (unsigned i = 1; i < 256; i++)
		if (wire->slaves[i])
			slave_answer(wire->plant, wire->slaves[i], wire->request, wire->request_n,
				     true, wire->request_ns / 1000, now_ns / 1000, &answer);
}

/* 3.5 silent characters after the request: the slaves look at what they heard. */
static void hear(struct wire *wire, int64_t now_ns)
{
	size_t n = wire->request_n;
	struct answer answer;

	wire->requests++;
	if (!port_speaks(&wire->port, wire->baud, wire->stop_bits)) {
		wire->wrong_speed++;
		return;
	}
	if (wire->request_bad || n < 4 || slave_crc(wire->request, n) != 0) {
		wire->garbled++;
		return;
	}
	if (wire->request[0] == 0) {
		broadcast(wire, now_ns);
		return;
	}
	struct device *device = wire->slaves[wire->request[0]];
	if (!device) {
		wire->unknown++;
		return;
	}
	if (device->dead)
		wire->dead_since_ns = wire->request_ns;
	slave_answer(wire->plant, device, wire->request, n, false, wire->request_ns / 1000,
		     now_ns / 1000, &answer);
	if (answer.n > 0)
		schedule(wire, device, &answer);
}

static void check_gap(struct wire *wire, int64_t now_ns)
{
	int64_t gap = now_ns - wire->reply_end_ns;

	if (wire->reply_end_ns == 0 || gap < 0)
		return;
	if (wire->gap_least_us < 0 || gap / 1000 < wire->gap_least_us)
		wire->gap_least_us = gap / 1000;
	if (gap < wire->gap_ns - GAP_TOLERANCE_NS)
		wire->gap_violations++;
}

static void take(struct wire *wire, const uint8_t *bytes, size_t n, int64_t now_ns)
{
	int64_t from = now_ns;

	if (wire->request_n == 0) {
		check_gap(wire, now_ns);
		wire_end_wait(wire, now_ns);
		wire->request_ns = now_ns;
		wire->request_bad = false;
	} else if (wire->request_end_ns > now_ns) {
		from = wire->request_end_ns;
	}
	wire->request_end_ns = from + (int64_t)n * wire->char_ns;
	if (garble_sendings(wire, NULL, from, wire->request_end_ns)) {
		wire->request_bad = true;
		wire->collisions++;
	}
	if (wire->request_n + n > sizeof(wire->request)) {
		wire->request_bad = true;
		n = sizeof(wire->request) - wire->request_n;
	}
	memcpy(wire->request + wire->request_n, bytes, n);
	wire->request_n += n;
	if (wire->echo)
		(void)sending_new(wire, bytes, n, from, wire->char_ns);
}

void wire_receive(struct wire *wire, int64_t now_ns)
{
	uint8_t bytes[SLAVE_FRAME_MAX];
	size_t n;

	wire->port.in_use = true;
	n = port_read(&wire->port, bytes, sizeof(bytes));
	if (n > 0)
		take(wire, bytes, n, now_ns);
	else
		(void)port_check(&wire->port);
}

/* ---- replies ---- */

static void complete(struct wire *wire, struct sending *sending)
{
	int64_t end = sending_end(sending);

	if (sending->device) {
		wire->replies++;
		wire->exceptions += (sending->bytes[1] & 0x80) != 0;
		sending->device->replies++;
		wire->reply_end_ns = moment_later(wire->reply_end_ns, end);
	}
	if (sending->shows) {
		struct event event = {.kind = EVENT_READBACK, .at_us = end / 1000};
		char name[16];

		(void)snprintf(event.device, sizeof(event.device), "%s",
			       device_name(sending->device, name));
		for (uint8_t channel = 1; channel <= PLANT_CHANNELS; channel++) {
			event.channel = channel;
			(void)snprintf(event.detail, sizeof(event.detail), "%s",
				       sending->device->coils >> (channel - 1) & 1 ? "on" : "off");
			if (sending->shows >> (channel - 1) & 1)
				events_add(wire->plant->events, event);
		}
	}
	wire_credit(wire, sending);
	sending->n = 0;
}

static int64_t release_at(const struct wire *wire, const struct sending *sending)
{
	size_t ahead = sending->step_ns > wire->char_ns ? 1 : wire->chunk;
	size_t i = sending->released == 0 ? 0 : sending->released + ahead - 1;

	return byte_end(sending, i < sending->n ? i : sending->n - 1);
}

static void release(struct wire *wire, struct sending *sending, int64_t now_ns)
{
	int64_t late_ns = now_ns - release_at(wire, sending);
	size_t from = sending->released, to = from;

	while (to < sending->n && byte_end(sending, to) <= now_ns)
		to++;
	for (size_t i = from; i < to; i++)
		if ((i >= sending->bad_from && i < sending->bad_to) ||
		    (wire->corrupt_ppm > 0 &&
		     chance_between(&wire->chance, 1, 1000000) <= wire->corrupt_ppm))
			sending->bytes[i] ^= (uint8_t)chance_between(&wire->chance, 1, 255);
	port_write(&wire->port, sending->bytes + from, to - from);
	sending->released = to;
	wire->release_late_max_us = moment_later(wire->release_late_max_us, late_ns / 1000);
	wire->releases_late += late_ns > LATE_NS;
	if (to == sending->n)
		complete(wire, sending);
}

int64_t wire_step(struct wire *wire, int64_t now_ns)
{
	int64_t next = INT64_MAX;

	if (wire->request_n > 0 && now_ns >= wire->request_end_ns + wire->gap_ns) {
		hear(wire, now_ns);
		wire->request_n = 0;
	}
	if (wire->request_n > 0)
		next = wire->request_end_ns + wire->gap_ns;
	for (unsigned i = 0; i < WIRE_SENDINGS; i++) {
		struct sending *sending = &wire->sendings[i];

		if (sending->n > 0 && release_at(wire, sending) <= now_ns)
			release(wire, sending, now_ns);
		if (sending->n > 0)
			next = moment_sooner(next, release_at(wire, sending));
	}
	if (wire->port.fd >= 0 && !wire->port.in_use) {
		if (now_ns >= wire->check_ns) {
			(void)port_check(&wire->port);
			wire->check_ns = now_ns + CHECK_NS;
		}
		next = moment_sooner(next, wire->check_ns);
	}
	return next;
}

/* ---- the adapter ---- */

static void clear(struct wire *wire)
{
	wire->request_n = 0;
	for (unsigned i = 0; i < WIRE_SENDINGS; i++)
		wire->sendings[i].n = 0;
}

int wire_plug(struct wire *wire, int64_t now_ns)
{
	bool was_out = wire->port.fd < 0;
	int r = port_plug(&wire->port);

	if (r == 0 && was_out)
		log_line(wire, EVENT_PLUG, now_ns);
	return r;
}

void wire_unplug(struct wire *wire, int64_t now_ns)
{
	if (wire->port.fd < 0)
		return;
	port_unplug(&wire->port);
	clear(wire);
	log_line(wire, EVENT_UNPLUG, now_ns);
}
