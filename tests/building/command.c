/* command.c - see command.h. */
#include "tests/building/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/building/model.h"
#include "tests/building/moment.h"
#include "tests/building/report.h"

enum { WORDS_MAX = 8 };

struct call {
	struct building *building;
	const char *word[WORDS_MAX]; /* behind the verb; "" where there is none */
	unsigned n;
	int64_t now_ns;
};

static json_t *failed(const char *what, const char *word)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "%s: \"%s\"", what, word);
	return json_pack("{s:s}", "error", text);
}

static json_t *done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static bool number(const char *word, int64_t low, int64_t high, int64_t *ret_value)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(word, &end, 0);
	if (errno || end == word || *end || value < low || value > high)
		return false;
	*ret_value = value;
	return true;
}

/* "A/12" or "A/101/3"; the channel is 1 when it is not said. With ret_channel it is a relay's, else
 * a metered circuit's. NULL: no such device or channel. */
static struct device *device_at(struct call *call, unsigned i, unsigned *ret_channel)
{
	char line[8];
	unsigned address, channel = 1;
	struct device *device;

	if (sscanf(call->word[i], "%7[^/]/%u/%u", line, &address, &channel) < 2)
		return NULL;
	device = plant_find(&call->building->plant, line, address);
	if (device && !ret_channel && device->model->meters > 1)
		return channel >= 1 && channel <= device->model->meters ? device + channel - 1
									: NULL;
	if (device && ret_channel) {
		if (channel < 1 || channel > device->model->channels)
			return NULL;
		*ret_channel = channel;
	}
	return device;
}

static json_t *no_device(const struct call *call)
{
	return failed("no such device or channel", call->word[0]);
}

static json_t *status(struct call *call)
{
	return report_status(call->building, call->now_ns);
}

static json_t *truth(struct call *call)
{
	struct device *only = call->n > 0 ? device_at(call, 0, NULL) : NULL;

	if (call->n > 0 && !only)
		return no_device(call);
	return report_truth(call->building, only, call->now_ns);
}

static bool set_load(struct call *call, struct device *device, const char *word)
{
	int64_t load_w = device->load_default_w;

	if (strcmp(word, "default") != 0 && !number(word, 0, 100000, &load_w))
		return false;
	plant_set_load(&call->building->plant, device, load_w, call->now_ns / 1000);
	return true;
}

static json_t *load(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);

	if (!device)
		return no_device(call);
	return set_load(call, device, call->word[1]) ? done()
						     : failed("not a power in W", call->word[1]);
}

static json_t *loads(struct call *call)
{
	struct plant *plant = &call->building->plant;

	for (unsigned i = 0; i < plant->n_devices; i++)
		if (plant->devices[i].model->meters > 0 &&
		    !set_load(call, &plant->devices[i], call->word[0]))
			return failed("not a power in W", call->word[0]);
	return done();
}

static json_t *set_register(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);
	int64_t wh;

	if (!device || device->model->meters == 0)
		return no_device(call);
	if (!number(call->word[1], 0, INT64_C(100000000000), &wh))
		return failed("not a register in Wh", call->word[1]);
	plant_set_register(&call->building->plant, device, wh * 1000000, call->now_ns / 1000);
	return done();
}

/* The meter's own clock: another of its band registers counts from now on. */
static json_t *set_band(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);
	int64_t band;

	if (!device || device->model->meters == 0)
		return no_device(call);
	if (!number(call->word[1], 1, PLANT_BANDS, &band))
		return failed("not a band register", call->word[1]);
	plant_advance(&call->building->plant, device, call->now_ns / 1000);
	device->band = (unsigned)band;
	return done();
}

static json_t *glitch(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);
	struct glitch glitch = {.left = 1, .by_wh = 53700000};

	if (!device || device->model->meters == 0)
		return no_device(call);
	if (strcmp(call->word[1], "zero") == 0)
		glitch.kind = GLITCH_ZERO;
	else if (strcmp(call->word[1], "far") == 0)
		glitch.kind = GLITCH_FAR;
	else if (strcmp(call->word[1], "other") == 0)
		glitch.kind = GLITCH_OTHER;
	else if (strcmp(call->word[1], "off") != 0)
		return failed("not zero, far, other or off", call->word[1]);
	if (call->n > 2 && !number(call->word[2], 1, 1000000, &glitch.left))
		return failed("not a count", call->word[2]);
	if (call->n > 3 && !number(call->word[3], -1000000000, 1000000000, &glitch.by_wh))
		return failed("not a distance in Wh", call->word[3]);
	device->glitch = glitch;
	return done();
}

/* on or off, as the word says; false: neither. */
static bool on_or_off(const char *word, bool *ret_on)
{
	if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
		return false;
	*ret_on = strcmp(word, "on") == 0;
	return true;
}

static json_t *dead(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);

	if (!device)
		return no_device(call);
	return on_or_off(call->word[1], &device->dead) ? done()
						       : failed("not on or off", call->word[1]);
}

static json_t *turnaround(struct call *call)
{
	struct device *device = device_at(call, 0, NULL);
	int64_t ms;

	if (!device)
		return no_device(call);
	if (!number(call->word[1], 0, 10000, &ms))
		return failed("not a time in ms", call->word[1]);
	device->turnaround_ns = ms * 1000000;
	return done();
}

static json_t *fault(struct call *call)
{
	static const struct {
		const char *name;
		enum fault_kind kind;
		int64_t value;
	} kinds[] = {
		{"off", FAULT_NONE, 0},
		{"deaf", FAULT_DEAF, 0},
		{"silent", FAULT_SILENT, 0},
		{"late", FAULT_LATE, 300},
		{"badcrc", FAULT_BAD_CRC, 0},
		{"truncate", FAULT_TRUNCATE, 4},
		{"trickle", FAULT_TRICKLE, 40},
		{"short", FAULT_SHORT, 0},
		{"wrongslave", FAULT_WRONG_SLAVE, 0},
		{"wrongfunction", FAULT_WRONG_FUNCTION, 0},
		{"exception", FAULT_EXCEPTION, 6},
		{"echo", FAULT_ECHO, 0},
		{"previous", FAULT_PREVIOUS, 0},
	};
	struct device *device = device_at(call, 0, NULL);
	struct fault set = {.left = 1};

	if (!device)
		return no_device(call);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, call->word[1]) != 0)
			continue;
		set.kind = kinds[i].kind;
		set.value = kinds[i].value;
		if (call->n > 2 && !number(call->word[2], 0, 1000000, &set.left))
			return failed("not a count", call->word[2]);
		if (call->n > 3 && !number(call->word[3], 0, 60000, &set.value))
			return failed("not a value", call->word[3]);
		if (set.left == 0)
			set.left = INT64_MAX;
		device->fault = set;
		return done();
	}
	return failed("no such fault", call->word[1]);
}

static json_t *no_line(const struct call *call)
{
	return failed("no such line", call->word[0]);
}

static json_t *noise(struct call *call)
{
	struct wire *wire = building_wire(call->building, call->word[0]);
	int64_t n = 5;

	if (!wire)
		return no_line(call);
	if (call->n > 1 && !number(call->word[1], 1, SLAVE_FRAME_MAX, &n))
		return failed("not a number of characters", call->word[1]);
	wire_noise(wire, (size_t)n, call->now_ns);
	return done();
}

static json_t *corrupt(struct call *call)
{
	struct wire *wire = building_wire(call->building, call->word[0]);

	if (!wire)
		return no_line(call);
	return number(call->word[1], 0, 1000000, &wire->corrupt_ppm)
		       ? done()
		       : failed("not parts per million", call->word[1]);
}

static json_t *echo(struct call *call)
{
	struct wire *wire = building_wire(call->building, call->word[0]);

	if (!wire)
		return no_line(call);
	return on_or_off(call->word[1], &wire->echo) ? done()
						     : failed("not on or off", call->word[1]);
}

static json_t *unplug(struct call *call)
{
	struct wire *wire = building_wire(call->building, call->word[0]);

	if (!wire)
		return no_line(call);
	wire_unplug(wire, call->now_ns);
	return done();
}

static json_t *plug(struct call *call)
{
	struct wire *wire = building_wire(call->building, call->word[0]);
	int r;

	if (!wire)
		return no_line(call);
	r = wire_plug(wire, call->now_ns);
	return r < 0 ? failed("cannot plug", strerror(-r)) : done();
}

static json_t *move_by_hand(struct call *call, bool on)
{
	unsigned channel;
	struct device *device = device_at(call, 0, &channel);

	if (!device)
		return no_device(call);
	plant_set_coil(&call->building->plant, device, channel, on, "local", call->now_ns / 1000);
	return done();
}

static json_t *open_relay(struct call *call)
{
	return move_by_hand(call, false);
}

static json_t *close_relay(struct call *call)
{
	return move_by_hand(call, true);
}

static json_t *weld(struct call *call)
{
	struct plant *plant = &call->building->plant;
	unsigned channel;
	struct device *device = device_at(call, 0, &channel);
	bool on;

	if (!device)
		return no_device(call);
	if (!on_or_off(call->word[1], &on))
		return failed("not on or off", call->word[1]);
	for (unsigned i = 0; i < plant->n_contacts; i++)
		if (plant->contacts[i].driver == device && plant->contacts[i].channel == channel)
			plant_weld(plant, &plant->contacts[i], on, call->now_ns / 1000);
	return done();
}

static json_t *window(struct call *call)
{
	struct building *building = call->building;
	json_t *rows = json_array();

	for (unsigned i = 0; i < building->n_wires; i++) {
		struct wire *wire = &building->wires[i];

		if (strcmp(call->word[0], "start") == 0)
			wire_window_start(wire, call->now_ns);
		else if (strcmp(call->word[0], "stop") == 0)
			wire_window_stop(wire, call->now_ns);
		json_array_append_new(rows, wire_window_json(wire, call->now_ns));
	}
	return json_pack("{s:o}", "lines", rows);
}

static json_t *log_page(struct call *call)
{
	int64_t since = 0;

	if (call->n > 0 && !number(call->word[0], 0, INT64_MAX, &since))
		return failed("not an event number", call->word[0]);
	plant_advance(&call->building->plant, NULL, call->now_ns / 1000);
	return events_page(call->building->plant.events, since);
}

static json_t *set_factor(struct call *call)
{
	int64_t factor;

	if (!number(call->word[0], 0, 1000000, &factor))
		return failed("not a factor", call->word[0]);
	plant_set_factor(&call->building->plant, factor, call->now_ns / 1000);
	return done();
}

static json_t *set_ratio(struct call *call)
{
	static const char *const names[RATIO_COUNT] = {"ct", "pt", "pulses"};
	struct device *device = device_at(call, 0, NULL);
	int64_t times;

	if (!device || device->model->meters == 0)
		return no_device(call);
	if (!number(call->word[2], 1, 65535, &times))
		return failed("not a ratio", call->word[2]);
	plant_advance(&call->building->plant, device, call->now_ns / 1000);
	for (int i = 0; i < RATIO_COUNT; i++)
		if (strcmp(names[i], call->word[1]) == 0) {
			device->ratio_milli[i] = times * 1000;
			return done();
		}
	return failed("not ct, pt or pulses", call->word[1]);
}

static json_t *quit(struct call *call)
{
	call->building->quit = true;
	return done();
}

static const struct {
	const char *verb;
	json_t *(*run)(struct call *call);
	unsigned least, most; /* words behind the verb */
} verbs[] = {
	{"status", status, 0, 0},
	{"truth", truth, 0, 1},
	{"load", load, 2, 2},
	{"loads", loads, 1, 1},
	{"register", set_register, 2, 2},
	{"band", set_band, 2, 2},
	{"glitch", glitch, 2, 4},
	{"dead", dead, 2, 2},
	{"turnaround", turnaround, 2, 2},
	{"fault", fault, 2, 4},
	{"noise", noise, 1, 2},
	{"corrupt", corrupt, 2, 2},
	{"echo", echo, 2, 2},
	{"unplug", unplug, 1, 1},
	{"plug", plug, 1, 1},
	{"open", open_relay, 1, 1},
	{"close", close_relay, 1, 1},
	{"weld", weld, 2, 2},
	{"window", window, 0, 1},
	{"log", log_page, 0, 1},
	{"factor", set_factor, 1, 1},
	{"ratio", set_ratio, 3, 3},
	{"quit", quit, 0, 0},
};

json_t *command_run(struct building *building, char *line)
{
	struct call call = {.building = building, .now_ns = moment_ns()};
	const char *verb = "";
	char *word;

	for (unsigned i = 0; i < WORDS_MAX; i++)
		call.word[i] = "";
	while ((word = strsep(&line, " \t\r\n"))) {
		if (!*word)
			continue;
		if (!*verb)
			verb = word;
		else if (call.n < WORDS_MAX)
			call.word[call.n++] = word;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		if (call.n < verbs[i].least || call.n > verbs[i].most)
			return failed("too few or too many words", verb);
		return verbs[i].run(&call);
	}
	return failed("no such command", verb);
}
