/* config.c - reads what the building consists of.
 *
 * One thing a line; words are separated by blanks, # starts a comment. Things are declared before
 * they are used:
 *
 *     line A [baud 9600] [parity none|even|odd] [stop 1|2] [chunk 8]
 *     table FILE
 *     meter A 1 MODEL [load W] [register WH] [turnaround MS] [voltage V] [ct N] [pt N] [pulses N] [open]
 *     relay-board A 101 MODEL [coils 0xNN] [turnaround MS]
 *     contactor A 101/1 feeds A/1[/CHANNEL] [no|nc]
 *     room 305 sockets [meter A/1[/CHANNEL]] [cut-order N] [may-cut yes|no] [breaker A] [tenancy T] [opening MINOR]
 *
 * MODEL is sdm120, sdm630, dds238, ddsy1352 or, of a board, waveshare8; or one of the table of register
 * maps (described_file.h). What is not said is drawn from the seed: load 200 to 2400 W (three-phase:
 * 1500 to 6000), register 50 to 30,000 kWh, turnaround 8 to 25 ms. Ratios are 1, and a kWh or m3 is 1000
 * pulses. Of a meter of several circuits, load and register are the first one's; the others are drawn.
 * `open` finds a meter's own relays open; `coils` is the state of a board's channels, bit 0 is channel 1.
 */
#include "tests/building/building.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/building/config_words.h"
#include "tests/building/model.h"

enum { LINE_MAX_CHARS = 512 };

const char *config_next(struct config_words *words)
{
	return words->at < words->n ? words->word[words->at++] : "";
}

int config_wrong(struct config_words *words, const char *what, const char *word)
{
	(void)snprintf(words->problem, sizeof(words->problem), "%s: \"%s\"", what, word);
	return -EINVAL;
}

int config_number(struct config_words *words, int64_t low, int64_t high, int64_t *ret_value)
{
	const char *word = config_next(words);
	char *end;
	long long value;

	errno = 0;
	value = strtoll(word, &end, 0);
	if (errno || end == word || *end || value < low || value > high)
		return config_wrong(words, "not a number, or out of range", word);
	*ret_value = value;
	return 0;
}

static int line_add(struct building *building, struct config_words *words)
{
	const char *name = config_next(words);
	int64_t baud = 9600, stop = 1, chunk = WIRE_CHUNK;
	bool parity = false;
	char link[192];
	int r = 0;

	if (!*name || strlen(name) > 7 || strchr(name, '/') || building_wire(building, name) ||
	    building->n_wires == BUILDING_LINES)
		return config_wrong(words, "bad line name, named twice, or too many lines", name);
	while (r == 0 && words->at < words->n) {
		const char *key = config_next(words);

		if (strcmp(key, "baud") == 0)
			r = config_number(words, 1200, 115200, &baud);
		else if (strcmp(key, "stop") == 0)
			r = config_number(words, 1, 2, &stop);
		else if (strcmp(key, "chunk") == 0)
			r = config_number(words, 1, 64, &chunk);
		else if (strcmp(key, "parity") == 0)
			parity = strcmp(config_next(words), "none") != 0;
		else
			r = config_wrong(words, "unknown word", key);
	}
	if (r < 0)
		return r;
	struct wire *wire = &building->wires[building->n_wires++];
	(void)snprintf(link, sizeof(link), "%s/lines/%s", building->dir, name);
	wire->chance.state = building->seed ^ (uint64_t)building->n_wires << 32;
	wire_init(wire, &building->plant, name, link, (int)baud, parity, (int)stop, (size_t)chunk);
	return 0;
}

static int table_take(struct building *building, struct config_words *words)
{
	const char *path = config_next(words);

	if (!*path || strlen(path) >= sizeof(building->table))
		return config_wrong(words, "no file, or a long name", path);
	(void)snprintf(building->table, sizeof(building->table), "%s", path);
	return 0;
}

static int text(struct config_words *words, char *ret_text, size_t size)
{
	const char *word = config_next(words);

	if (!*word || strlen(word) >= size || strchr(word, ',') || strchr(word, '"'))
		return config_wrong(words, "missing, too long, or with a comma or quote", word);
	(void)snprintf(ret_text, size, "%s", word);
	return 0;
}

static int room_add(struct building *building, struct config_words *words)
{
	struct supply_row row = {.may_cut = true};
	int64_t value;
	int r;

	if (building->n_supplies == BUILDING_SUPPLIES)
		return config_wrong(words, "too many supplies", config_next(words));
	r = text(words, row.room, sizeof(row.room));
	if (r == 0)
		r = text(words, row.circuit, sizeof(row.circuit));
	while (r == 0 && words->at < words->n) {
		const char *key = config_next(words);

		if (strcmp(key, "meter") == 0) {
			const char *name = config_next(words);

			row.meter = config_device_named(building, name);
			if (!row.meter || row.meter->model->meters == 0)
				r = config_wrong(words, "no such meter", name);
		} else if (strcmp(key, "cut-order") == 0) {
			r = config_number(words, 1, 9, &value);
			row.cut_order = r == 0 ? (int)value : 0;
		} else if (strcmp(key, "breaker") == 0) {
			r = config_number(words, 1, 1000, &value);
			row.breaker_a = r == 0 ? (int)value : 0;
		} else if (strcmp(key, "may-cut") == 0) {
			row.may_cut = strcmp(config_next(words), "no") != 0;
		} else if (strcmp(key, "tenancy") == 0) {
			r = text(words, row.tenancy, sizeof(row.tenancy));
		} else if (strcmp(key, "opening") == 0) {
			r = text(words, row.opening_minor, sizeof(row.opening_minor));
		} else {
			r = config_wrong(words, "unknown word", key);
		}
	}
	if (r == 0)
		building->supplies[building->n_supplies++] = row;
	return r;
}

static int thing_add(struct building *building, struct config_words *words)
{
	static const struct {
		const char *name;
		int (*add)(struct building *building, struct config_words *words);
	} things[] = {
		{"line", line_add},
		{"meter", config_meter},
		{"relay-board", config_board},
		{"contactor", config_contactor},
		{"room", room_add},
		{"table", table_take},
	};
	const char *what = config_next(words);

	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		if (strcmp(things[i].name, what) == 0)
			return things[i].add(building, words);
	return config_wrong(words, "unknown thing", what);
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
		struct config_words words = {.n = 0};
		char *rest = line, *word;

		line[strcspn(line, "#\n")] = '\0';
		while (words.n < CONFIG_WORDS && (word = strsep(&rest, " \t")))
			if (*word)
				words.word[words.n++] = word;
		if (words.n > 0)
			r = thing_add(building, &words);
		if (r == 0 && words.at < words.n)
			r = config_wrong(&words, "one word too many", config_next(&words));
		if (r < 0)
			(void)fprintf(stderr, "%s:%u: %s\n", file, at, words.problem);
	}
	(void)fclose(in);
	if (r == 0)
		plant_settle_contacts(&building->plant);
	return r;
}
