/* config.c - reads what the building consists of.
 *
 * One thing a line; words are separated by blanks, # starts a comment. Things are declared before
 * they are used:
 *
 *     line A [baud 9600] [parity none|even|odd] [stop 1|2] [chunk 8]
 *     meter A 1 sdm120|sdm630|dds238|ddsy1352 [load W] [register WH] [turnaround MS] [voltage V] [open]
 *     relay-board A 101 waveshare8 [coils 0xNN] [turnaround MS]
 *     contactor A 101/1 feeds A/1 [no|nc]
 *     room 305 sockets [meter A/1] [cut-order N] [may-cut yes|no] [breaker A] [tenancy T] [opening MINOR]
 *
 * What is not said is drawn from the seed: load 200 to 2400 W (three-phase: 1500 to 6000), register
 * 50 to 30,000 kWh, turnaround 8 to 25 ms. `open` finds a meter's own relay open; `coils` is the
 * state of a board's channels, bit 0 is channel 1.
 */
#include "tests/building/building.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/building/model.h"

enum { LINE_MAX_CHARS = 512, WORDS_MAX = 24 };

/* The words of one line, taken from the front. */
struct words {
	const char *word[WORDS_MAX];
	unsigned n, at;
	char problem[128];
};

static const char *next(struct words *words)
{
	return words->at < words->n ? words->word[words->at++] : "";
}

static int wrong(struct words *words, const char *what, const char *word)
{
	(void)snprintf(words->problem, sizeof(words->problem), "%s: \"%s\"", what, word);
	return -EINVAL;
}

static int number(struct words *words, int64_t low, int64_t high, int64_t *ret_value)
{
	const char *word = next(words);
	char *end;
	long long value;

	errno = 0;
	value = strtoll(word, &end, 0);
	if (errno || end == word || *end || value < low || value > high)
		return wrong(words, "not a number, or out of range", word);
	*ret_value = value;
	return 0;
}

static int64_t drawn(struct device *device, int64_t low, int64_t high)
{
	return chance_between(&device->chance, low, high);
}

static int line_add(struct building *building, struct words *words)
{
	const char *name = next(words);
	int64_t baud = 9600, stop = 1, chunk = WIRE_CHUNK;
	bool parity = false;
	char link[192];
	int r = 0;

	if (!*name || strlen(name) > 7 || strchr(name, '/') || building_wire(building, name) ||
	    building->n_wires == BUILDING_LINES)
		return wrong(words, "bad line name, named twice, or too many lines", name);
	while (r == 0 && words->at < words->n) {
		const char *key = next(words);

		if (strcmp(key, "baud") == 0)
			r = number(words, 1200, 115200, &baud);
		else if (strcmp(key, "stop") == 0)
			r = number(words, 1, 2, &stop);
		else if (strcmp(key, "chunk") == 0)
			r = number(words, 1, 64, &chunk);
		else if (strcmp(key, "parity") == 0)
			parity = strcmp(next(words), "none") != 0;
		else
			r = wrong(words, "unknown word", key);
	}
	if (r < 0)
		return r;
	struct wire *wire = &building->wires[building->n_wires++];
	(void)snprintf(link, sizeof(link), "%s/lines/%s", building->dir, name);
	wire->chance.state = building->seed ^ (uint64_t)building->n_wires << 32;
	wire_init(wire, &building->plant, name, link, (int)baud, parity, (int)stop, (size_t)chunk);
	return 0;
}

static int device_new(struct building *building, struct words *words, struct device **ret_device)
{
	struct plant *plant = &building->plant;
	const char *line = next(words);
	struct wire *wire = building_wire(building, line);
	int64_t address;
	int r;

	if (!wire)
		return wrong(words, "no such line", line);
	r = number(words, 1, 247, &address);
	if (r < 0)
		return r;
	if (wire->slaves[address] || plant->n_devices == PLANT_DEVICES)
		return wrong(words, "address taken twice, or too many devices", line);

	struct device *device = &plant->devices[plant->n_devices];
	const char *model = next(words);
	*device = (struct device){.model = model_find(model), .address = (uint8_t)address};
	if (!device->model)
		return wrong(words, "no such model", model);
	(void)snprintf(device->line, sizeof(device->line), "%s", line);
	device->chance.state = building->seed * UINT64_C(0x100000001b3) ^
			       (uint64_t)(wire - building->wires + 1) << 8 ^ (uint64_t)address;
	device->turnaround_ns = drawn(device, 8000, 25000) * 1000;
	device->serial = (uint32_t)drawn(device, 20000000, 99999999);
	device->voltage_mv = drawn(device, 226000, 235000);
	device->power_factor_milli = drawn(device, 930, 995);
	wire->slaves[address] = device;
	plant->n_devices++;
	*ret_device = device;
	return 0;
}

static int meter_add(struct building *building, struct words *words)
{
	struct device *device;
	int64_t value;
	int r = device_new(building, words, &device);

	if (r < 0)
		return r;
	if (device->model->phases == 0)
		return wrong(words, "not a meter", device->model->name);
	device->load_w = device->model->phases == 3 ? drawn(device, 1500, 6000)
						    : drawn(device, 200, 2400);
	device->energy_uwh = drawn(device, 50000, 30000000) * 1000000;
	device->coils = device->model->channels == 1;
	while (r == 0 && words->at < words->n) {
		const char *key = next(words);

		if (strcmp(key, "load") == 0) {
			r = number(words, 0, 100000, &device->load_w);
		} else if (strcmp(key, "register") == 0) {
			r = number(words, 0, INT64_C(100000000000), &value);
			if (r == 0)
				device->energy_uwh = value * 1000000;
		} else if (strcmp(key, "turnaround") == 0) {
			r = number(words, 0, 1000, &value);
			if (r == 0)
				device->turnaround_ns = value * 1000000;
		} else if (strcmp(key, "voltage") == 0) {
			r = number(words, 100, 400, &value);
			if (r == 0)
				device->voltage_mv = value * 1000;
		} else if (strcmp(key, "open") == 0) {
			device->coils = 0;
		} else {
			r = wrong(words, "unknown word", key);
		}
	}
	device->load_default_w = device->load_w;
	device->start_uwh = device->energy_uwh;
	if (r == 0 && device->model->channels == 1) {
		struct plant *plant = &building->plant;

		if (plant->n_contacts == PLANT_CONTACTS)
			return wrong(words, "too many contacts", device->line);
		plant->contacts[plant->n_contacts++] = (struct contact){
			.driver = device,
			.feeds = device,
			.channel = 1,
			.move_us = drawn(device, 4000, 12000),
		};
	}
	return r;
}

static int board_add(struct building *building, struct words *words)
{
	struct device *device;
	int64_t value;
	int r = device_new(building, words, &device);

	if (r == 0 && device->model->phases > 0)
		r = wrong(words, "not a relay board", device->model->name);
	while (r == 0 && words->at < words->n) {
		const char *key = next(words);

		if (strcmp(key, "coils") == 0) {
			r = number(words, 0, 255, &value);
			if (r == 0)
				device->coils = (uint8_t)value;
		} else if (strcmp(key, "turnaround") == 0) {
			r = number(words, 0, 1000, &value);
			if (r == 0)
				device->turnaround_ns = value * 1000000;
		} else {
			r = wrong(words, "unknown word", key);
		}
	}
	return r;
}

static struct device *device_named(struct building *building, const char *name)
{
	char line[8];
	unsigned address;
	int end = 0;

	if (sscanf(name, "%7[^/]/%u%n", line, &address, &end) != 2 || name[end])
		return NULL;
	return plant_find(&building->plant, line, address);
}

static int contactor_add(struct building *building, struct words *words)
{
	struct plant *plant = &building->plant;
	const char *line = next(words), *coil = next(words), *feeds = next(words);
	const char *meter_name = next(words), *kind = next(words);
	struct device *meter = device_named(building, meter_name), *board = NULL;
	unsigned address, channel;

	if (sscanf(coil, "%u/%u", &address, &channel) == 2)
		board = plant_find(plant, line, address);
	if (!board || channel < 1 || channel > board->model->channels)
		return wrong(words, "no such relay channel", coil);
	if (strcmp(feeds, "feeds") != 0 || !meter || meter->model->phases == 0)
		return wrong(words, "no such meter to feed", meter_name);
	if (*kind && strcmp(kind, "no") != 0 && strcmp(kind, "nc") != 0)
		return wrong(words, "not no or nc", kind);
	if (plant->n_contacts == PLANT_CONTACTS)
		return wrong(words, "too many contacts", coil);
	plant->contacts[plant->n_contacts++] = (struct contact){
		.driver = board,
		.feeds = meter,
		.channel = (uint8_t)channel,
		.normally_closed = strcmp(kind, "nc") == 0,
		.move_us = drawn(board, 8000, 20000),
	};
	return 0;
}

static int text(struct words *words, char *ret_text, size_t size)
{
	const char *word = next(words);

	if (!*word || strlen(word) >= size || strchr(word, ',') || strchr(word, '"'))
		return wrong(words, "missing, too long, or with a comma or quote", word);
	(void)snprintf(ret_text, size, "%s", word);
	return 0;
}

static int room_add(struct building *building, struct words *words)
{
	struct supply_row row = {.may_cut = true};
	int64_t value;
	int r;

	if (building->n_supplies == BUILDING_SUPPLIES)
		return wrong(words, "too many supplies", next(words));
	r = text(words, row.room, sizeof(row.room));
	if (r == 0)
		r = text(words, row.circuit, sizeof(row.circuit));
	while (r == 0 && words->at < words->n) {
		const char *key = next(words);

		if (strcmp(key, "meter") == 0) {
			const char *name = next(words);

			row.meter = device_named(building, name);
			if (!row.meter || row.meter->model->phases == 0)
				r = wrong(words, "no such meter", name);
		} else if (strcmp(key, "cut-order") == 0) {
			r = number(words, 1, 9, &value);
			row.cut_order = r == 0 ? (int)value : 0;
		} else if (strcmp(key, "breaker") == 0) {
			r = number(words, 1, 1000, &value);
			row.breaker_a = r == 0 ? (int)value : 0;
		} else if (strcmp(key, "may-cut") == 0) {
			row.may_cut = strcmp(next(words), "no") != 0;
		} else if (strcmp(key, "tenancy") == 0) {
			r = text(words, row.tenancy, sizeof(row.tenancy));
		} else if (strcmp(key, "opening") == 0) {
			r = text(words, row.opening_minor, sizeof(row.opening_minor));
		} else {
			r = wrong(words, "unknown word", key);
		}
	}
	if (r == 0)
		building->supplies[building->n_supplies++] = row;
	return r;
}

static int thing_add(struct building *building, struct words *words)
{
	static const struct {
		const char *name;
		int (*add)(struct building *building, struct words *words);
	} things[] = {
		{"line", line_add},           {"meter", meter_add}, {"relay-board", board_add},
		{"contactor", contactor_add}, {"room", room_add},
	};
	const char *what = next(words);

	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		if (strcmp(things[i].name, what) == 0)
			return things[i].add(building, words);
	return wrong(words, "unknown thing", what);
}

int building_configure(struct building *building, const char *file)
{
	FILE *in = fopen(file, "re");
	char line[LINE_MAX_CHARS];
	int r = 0;

	if (!in) {
		r = -errno;
		(void)fprintf(stderr, "%s: %s\n", file, strerror(errno));
		return r;
	}
	for (unsigned at = 1; r == 0 && fgets(line, sizeof(line), in); at++) {
		struct words words = {.n = 0};
		char *rest = line, *word;

		line[strcspn(line, "#\n")] = '\0';
		while (words.n < WORDS_MAX && (word = strsep(&rest, " \t")))
			if (*word)
				words.word[words.n++] = word;
		if (words.n > 0)
			r = thing_add(building, &words);
		if (r == 0 && words.at < words.n)
			r = wrong(&words, "one word too many", next(&words));
		if (r < 0)
			(void)fprintf(stderr, "%s:%u: %s\n", file, at, words.problem);
	}
	(void)fclose(in);
	if (r == 0)
		plant_settle_contacts(&building->plant);
	return r;
}
