/* wire_figures.c - how well a line is used, and what it has seen (wire.h). */
#include "tests/building/wire.h"

#include "tests/building/moment.h"

/* The part of a transaction that the window sees, up to now. */
static int64_t creditable(const struct wire *wire, const struct sending *sending, int64_t now_ns)
{
	int64_t from = moment_later(sending->since_ns,
				    moment_later(wire->window_start_ns, wire->credited_ns));
	int64_t to = moment_sooner(sending_end(sending) + wire->gap_ns, now_ns);

	return to > from ? to - from : 0;
}

static bool counts(const struct sending *sending)
{
	return sending->n > 0 && sending->counts && sending->bad_from == sending->bad_to;
}

void wire_credit(struct wire *wire, const struct sending *sending)
{
	if (!wire->window_open || !counts(sending))
		return;
	wire->window_busy_ns += creditable(wire, sending, INT64_MAX);
	wire->window_transactions++;
	wire->credited_ns = sending_end(sending) + wire->gap_ns;
}

void wire_end_wait(struct wire *wire, int64_t now_ns)
{
	if (wire->dead_since_ns != 0 && wire->window_open)
		wire->window_dead_ns += now_ns -
					moment_later(wire->dead_since_ns, wire->window_start_ns);
	wire->dead_since_ns = 0;
}

void wire_window_start(struct wire *wire, int64_t now_ns)
{
	wire->window_open = true;
	wire->window_start_ns = now_ns;
	wire->window_busy_ns = wire->window_transactions = wire->window_dead_ns = 0;
}

/* Time credited ahead of now (the gap behind the last reply) is taken back; the part of a reply
 * already on the wire is added. */
static int64_t busy_until(const struct wire *wire, int64_t now_ns)
{
	int64_t busy = wire->window_busy_ns;

	if (wire->window_transactions > 0 && wire->credited_ns > now_ns)
		busy -= wire->credited_ns - now_ns;
	for (unsigned i = 0; i < WIRE_SENDINGS; i++) {
		if (counts(&wire->sendings[i]))
			busy += creditable(wire, &wire->sendings[i], now_ns);
	}
	return busy;
}

void wire_window_stop(struct wire *wire, int64_t now_ns)
{
	if (!wire->window_open)
		return;
	wire->window_busy_ns = busy_until(wire, now_ns);
	wire->window_stop_ns = now_ns;
	wire->window_open = false;
}

json_t *wire_window_json(const struct wire *wire, int64_t now_ns)
{
	int64_t end = wire->window_open ? now_ns : wire->window_stop_ns;
	int64_t wall = end - wire->window_start_ns;
	int64_t busy = wire->window_open ? busy_until(wire, now_ns) : wire->window_busy_ns;

	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "line", wire->name, "open",
			 (int)wire->window_open, "wall_us", (json_int_t)(wall / 1000), "busy_us",
			 (json_int_t)(busy / 1000), "dead_us",
			 (json_int_t)(wire->window_dead_ns / 1000), "share_ppm",
			 (json_int_t)(wall > 0 ? busy / 1000 * 1000000 / (wall / 1000 + 1) : 0),
			 "transactions", (json_int_t)wire->window_transactions);
}

json_t *wire_json(const struct wire *wire)
{
	json_t *row = json_pack(
		"{s:s, s:s, s:s, s:b, s:b, s:i, s:I, s:I}", "line", wire->name, "link",
		wire->port.link, "port", wire->port.fd >= 0 ? wire->port.path : "", "plugged",
		wire->port.fd >= 0, "in_use", (int)wire->port.in_use, "baud", wire->baud, "char_ns",
		(json_int_t)wire->char_ns, "gap_ns", (json_int_t)wire->gap_ns);
	const struct {
		const char *name;
		int64_t value;
	} counters[] = {
		{"requests", wire->requests},
		{"replies", wire->replies},
		{"exceptions", wire->exceptions},
		{"broadcasts", wire->broadcasts},
		{"unknown", wire->unknown},
		{"garbled", wire->garbled},
		{"wrong_speed", wire->wrong_speed},
		{"collisions", wire->collisions},
		{"gap_violations", wire->gap_violations},
		{"gap_least_us", wire->gap_least_us},
		{"release_late_max_us", wire->release_late_max_us},
		{"releases_late", wire->releases_late},
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		json_object_set_new(row, counters[i].name, json_integer(counters[i].value));
	return row;
}
