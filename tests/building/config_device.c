/* config_device.c - the devices of the building's configuration (config.c). */
#include "tests/building/building.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/building/config_words.h"
#include "tests/building/described_file.h"
#include "tests/building/model.h"

static int64_t drawn(struct device *device, int64_t low, int64_t high)
{
	return chance_between(&device->chance, low, high);
}

/* A built-in one, or one of the table. NULL after words->problem was set. */
static const struct model *model_named(struct building *building, struct config_words *words,
				       const char *name)
{
	const struct model *model = model_find(name);
	char problem[DESCRIBED_PROBLEM] = "no such model";

	for (unsigned i = 0; !model && i < building->n_described; i++)
		if (strcmp(building->described[i]->name, name) == 0)
			model = &building->described[i]->model;
	if (!model && building->table[0] && building->n_described < BUILDING_DESCRIBED) {
		struct described *described = malloc(sizeof(*described));

		if (described && described_load(building->table, name, described, problem) == 0) {
			building->described[building->n_described++] = described;
			return &described->model;
		}
		free(described);
	}
	if (!model)
		(void)config_wrong(words, problem, name);
	return model;
}

/* What every device has, and each circuit of a meter for itself. */
static void device_draw(struct device *device, const struct building *building, unsigned line)
{
	device->chance.state = building->seed * UINT64_C(0x100000001b3) ^ (uint64_t)line << 8 ^
			       (uint64_t)device->address ^ (uint64_t)device->channel << 40;
	device->turnaround_ns = drawn(device, 8000, 25000) * 1000;
	device->serial = (uint32_t)drawn(device, 20000000, 33000000);
	device->voltage_mv = drawn(device, 226000, 235000);
	device->power_factor_milli = drawn(device, 930, 995);
	device->ratio_milli[RATIO_CT] = device->ratio_milli[RATIO_PT] = 1000;
	device->ratio_milli[RATIO_PULSES] = 1000000;
}

/* The devices of one slave, beside each other: one a metered circuit, or one board. */
static int device_new(struct building *building, struct config_words *words,
		      struct device **ret_device)
{
	struct plant *plant = &building->plant;
	const char *line = config_next(words);
	struct wire *wire = building_wire(building, line);
	int64_t address;
	int r;

	if (!wire)
		return config_wrong(words, "no such line", line);
	r = config_number(words, 1, 247, &address);
	if (r < 0)
		return r;
	if (wire->slaves[address])
		return config_wrong(words, "address taken twice", line);

	struct device *device = &plant->devices[plant->n_devices];
	const struct model *model = model_named(building, words, config_next(words));
	unsigned n = model && model->meters > 1 ? model->meters : 1;

	if (!model)
		return -EINVAL;
	if (plant->n_devices + n > PLANT_DEVICES)
		return config_wrong(words, "too many devices", line);
	for (unsigned i = 0; i < n; i++) {
		device[i] = (struct device){.model = model, .address = (uint8_t)address};
		device[i].channel = (uint8_t)(n > 1 ? i + 1 : 0);
		(void)snprintf(device[i].line, sizeof(device[i].line), "%s", line);
		device_draw(&device[i], building, (unsigned)(wire - building->wires + 1));
	}
	wire->slaves[address] = device;
	plant->n_devices += n;
	*ret_device = device;
	return 0;
}

/* The same for every circuit of the meter. */
static int ratio(struct config_words *words, struct device *device, enum plant_ratio which)
{
	int64_t times;
	int r = config_number(words, 1, 65535, &times);

	for (unsigned i = 0; r == 0 && i < device->model->meters; i++)
		device[i].ratio_milli[which] = times * 1000;
	return r;
}

int config_meter(struct building *building, struct config_words *words)
{
	struct device *device;
	int64_t value;
	int r = device_new(building, words, &device);

	if (r < 0)
		return r;
	if (device->model->meters == 0)
		return config_wrong(words, "not a meter", device->model->name);
	for (unsigned i = 0; i < device->model->meters; i++) {
		device[i].load_w = device->model->phases == 3 ? drawn(&device[i], 1500, 6000)
							      : drawn(&device[i], 200, 2400);
		device[i].energy_uwh = drawn(&device[i], 50000, 30000000) * 1000000;
		device[i].serial = device->serial;
	}
	device->coils = (uint16_t)((1u << device->model->channels) - 1);
	while (r == 0 && words->at < words->n) {
		const char *key = config_next(words);

		if (strcmp(key, "load") == 0) {
			r = config_number(words, 0, 100000, &device->load_w);
		} else if (strcmp(key, "register") == 0) {
			r = config_number(words, 0, INT64_C(100000000000), &value);
			if (r == 0)
				device->energy_uwh = value * 1000000;
		} else if (strcmp(key, "turnaround") == 0) {
			r = config_number(words, 0, 1000, &value);
			if (r == 0)
				device->turnaround_ns = value * 1000000;
		} else if (strcmp(key, "voltage") == 0) {
			r = config_number(words, 100, 400, &value);
			if (r == 0)
				device->voltage_mv = value * 1000;
		} else if (strcmp(key, "ct") == 0) {
			r = ratio(words, device, RATIO_CT);
		} else if (strcmp(key, "pt") == 0) {
			r = ratio(words, device, RATIO_PT);
		} else if (strcmp(key, "pulses") == 0) {
			r = ratio(words, device, RATIO_PULSES);
		} else if (strcmp(key, "open") == 0) {
			device->coils = 0;
		} else {
			r = config_wrong(words, "unknown word", key);
		}
	}
	for (unsigned i = 0; i < device->model->meters; i++) {
		device[i].load_default_w = device[i].load_w;
		device[i].start_uwh = device[i].energy_uwh;
	}
	for (unsigned i = 0; r == 0 && i < device->model->channels; i++) {
		struct plant *plant = &building->plant;

		if (plant->n_contacts == PLANT_CONTACTS)
			return config_wrong(words, "too many contacts", device->line);
		plant->contacts[plant->n_contacts++] = (struct contact){
			.driver = device,
			.feeds = &device[i],
			.channel = (uint8_t)(i + 1),
			.move_us = drawn(device, 4000, 12000),
		};
	}
	return r;
}

int config_board(struct building *building, struct config_words *words)
{
	struct device *device;
	int64_t value;
	int r = device_new(building, words, &device);

	if (r == 0 && device->model->meters > 0)
		r = config_wrong(words, "not a relay board", device->model->name);
	while (r == 0 && words->at < words->n) {
		const char *key = config_next(words);

		if (strcmp(key, "coils") == 0) {
			r = config_number(words, 0, UINT16_MAX, &value);
			if (r == 0)
				device->coils = (uint16_t)value;
		} else if (strcmp(key, "turnaround") == 0) {
			r = config_number(words, 0, 1000, &value);
			if (r == 0)
				device->turnaround_ns = value * 1000000;
		} else {
			r = config_wrong(words, "unknown word", key);
		}
	}
	return r;
}

struct device *config_device_named(struct building *building, const char *name)
{
	char line[8];
	unsigned address, channel = 1;
	int end = 0;
	struct device *device;

	if (sscanf(name, "%7[^/]/%u%n/%u%n", line, &address, &end, &channel, &end) < 2 || name[end])
		return NULL;
	device = plant_find(&building->plant, line, address);
	if (!device || channel < 1 || (channel > 1 && channel > device->model->meters))
		return NULL;
	return device + channel - 1;
}

int config_contactor(struct building *building, struct config_words *words)
{
	struct plant *plant = &building->plant;
	const char *line = config_next(words), *coil = config_next(words),
		   *feeds = config_next(words);
	const char *meter_name = config_next(words), *kind = config_next(words);
	struct device *meter = config_device_named(building, meter_name), *board = NULL;
	unsigned address, channel;

	if (sscanf(coil, "%u/%u", &address, &channel) == 2)
		board = plant_find(plant, line, address);
	if (!board || channel < 1 || channel > board->model->channels)
		return config_wrong(words, "no such relay channel", coil);
	if (strcmp(feeds, "feeds") != 0 || !meter || meter->model->meters == 0)
		return config_wrong(words, "no such meter to feed", meter_name);
	if (*kind && strcmp(kind, "no") != 0 && strcmp(kind, "nc") != 0)
		return config_wrong(words, "not no or nc", kind);
	if (plant->n_contacts == PLANT_CONTACTS)
		return config_wrong(words, "too many contacts", coil);
	plant->contacts[plant->n_contacts++] = (struct contact){
		.driver = board,
		.feeds = meter,
		.channel = (uint8_t)channel,
		.normally_closed = strcmp(kind, "nc") == 0,
		.move_us = drawn(board, 8000, 20000),
	};
	return 0;
}
