/* plant.c - see plant.h. */
#include "tests/building/plant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/building/model.h"

enum { UWH_PER_WH = 1000000, WUS_PER_UWH = 3600 };

struct device *plant_find(struct plant *plant, const char *line, unsigned address)
{
	for (unsigned i = 0; i < plant->n_devices; i++) {
		struct device *device = &plant->devices[i];

		if (device->address == address && strcmp(device->line, line) == 0)
			return device;
	}
	return NULL;
}

const char *device_name(const struct device *device, char name[static 16])
{
	if (device->channel > 0)
		(void)snprintf(name, 16, "%s/%u/%u", device->line, (unsigned)device->address,
			       (unsigned)device->channel);
	else
		(void)snprintf(name, 16, "%s/%u", device->line, (unsigned)device->address);
	return name;
}

int64_t device_register_wh(const struct device *device, int64_t energy_uwh)
{
	int64_t shown_wh = device->model->shown_wh(device, energy_uwh);

	return device->model->modulus_wh > 0 ? shown_wh % device->model->modulus_wh : shown_wh;
}

int64_t plant_power_w(const struct plant *plant, const struct device *device)
{
	for (unsigned i = 0; i < plant->n_contacts; i++)
		if (plant->contacts[i].feeds == device && !plant->contacts[i].closed)
			return 0;
	return device->load_w;
}

/* Pieces of at most a minute, so that 100 kW at a factor of 1,000,000 stays far from overflow. */
static void count(const struct plant *plant, struct device *device, int64_t until_us)
{
	int64_t power_w = plant_power_w(plant, device);

	while (device->counted_us < until_us) {
		int64_t span_us = until_us - device->counted_us;

		if (span_us > 60000000)
			span_us = 60000000;
		int64_t work = power_w * span_us * plant->factor + device->residue;
		device->energy_uwh += work / WUS_PER_UWH;
		if (device->band > 1)
			device->band_uwh[device->band - 2] += work / WUS_PER_UWH;
		device->residue = work % WUS_PER_UWH;
		device->counted_us += span_us;
	}
}

static void move(struct plant *plant, struct contact *contact)
{
	char name[16];
	struct event event = {
		.kind = EVENT_CONTACT, .at_us = contact->due_us, .channel = contact->channel};

	count(plant, contact->feeds, contact->due_us);
	contact->closed = !contact->closed;
	contact->due_us = 0;
	event.energy_uwh = contact->feeds->energy_uwh;
	event.register_wh = device_register_wh(contact->feeds, contact->feeds->energy_uwh);
	(void)snprintf(event.device, sizeof(event.device), "%s",
		       device_name(contact->driver, name));
	(void)snprintf(event.feeds, sizeof(event.feeds), "%s", device_name(contact->feeds, name));
	(void)snprintf(event.detail, sizeof(event.detail), "%s",
		       contact->closed ? "closed" : "open");
	events_add(plant->events, event);
}

static struct contact *first_due(struct plant *plant)
{
	struct contact *first = NULL;

	for (unsigned i = 0; i < plant->n_contacts; i++) {
		struct contact *contact = &plant->contacts[i];

		if (contact->due_us && (!first || contact->due_us < first->due_us))
			first = contact;
	}
	return first;
}

void plant_advance(struct plant *plant, struct device *device, int64_t now_us)
{
	struct contact *contact;

	while ((contact = first_due(plant)) && contact->due_us <= now_us)
		move(plant, contact);
	if (device)
		count(plant, device, now_us);
}

int64_t plant_next_us(const struct plant *plant)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < plant->n_contacts; i++)
		if (plant->contacts[i].due_us && plant->contacts[i].due_us < next)
			next = plant->contacts[i].due_us;
	return next;
}

void plant_set_load(struct plant *plant, struct device *device, int64_t load_w, int64_t now_us)
{
	plant_advance(plant, device, now_us);
	device->load_w = load_w;
}

void plant_set_factor(struct plant *plant, int64_t factor, int64_t now_us)
{
	for (unsigned i = 0; i < plant->n_devices; i++)
		plant_advance(plant, &plant->devices[i], now_us);
	plant->factor = factor;
}

void plant_set_register(struct plant *plant, struct device *device, int64_t energy_uwh,
			int64_t now_us)
{
	plant_advance(plant, device, now_us);
	device->energy_uwh = energy_uwh;
	memset(device->band_uwh, 0, sizeof(device->band_uwh));
}

static bool held_closed(const struct contact *contact)
{
	bool on = (contact->driver->coils >> (contact->channel - 1)) & 1;

	return on != contact->normally_closed;
}

static void follow(struct contact *contact, int64_t now_us)
{
	if (contact->welded || held_closed(contact) == contact->closed)
		contact->due_us = 0;
	else if (!contact->due_us)
		contact->due_us = now_us + contact->move_us;
}

void plant_set_coil(struct plant *plant, struct device *device, unsigned channel, bool on,
		    const char *cause, int64_t now_us)
{
	uint16_t bit = (uint16_t)(1u << (channel - 1));
	char name[16];
	struct event event = {.kind = EVENT_RELAY, .at_us = now_us, .channel = (uint8_t)channel};

	if (((device->coils & bit) != 0) == on)
		return;
	plant_advance(plant, NULL, now_us);
	device->coils ^= bit;
	device->readback_wanted |= bit;
	(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
	(void)snprintf(event.detail, sizeof(event.detail), "%s %s", on ? "on" : "off", cause);
	events_add(plant->events, event);

	for (unsigned i = 0; i < plant->n_contacts; i++) {
		struct contact *contact = &plant->contacts[i];

		if (contact->driver == device && contact->channel == channel)
			follow(contact, now_us);
	}
}

void plant_weld(struct plant *plant, struct contact *contact, bool welded, int64_t now_us)
{
	plant_advance(plant, NULL, now_us);
	contact->welded = welded;
	follow(contact, now_us);
}

void plant_settle_contacts(struct plant *plant)
{
	for (unsigned i = 0; i < plant->n_contacts; i++)
		plant->contacts[i].closed = held_closed(&plant->contacts[i]);
}

void plant_sample(struct plant *plant, struct device *device, int64_t now_us,
		  struct sample *ret_sample)
{
	struct sample sample = {0};
	unsigned phases = device->model->phases;

	plant_advance(plant, device, now_us);
	int64_t power_mw = plant_power_w(plant, device) * 1000 / (phases ? phases : 1);
	int64_t factor_milli = device->power_factor_milli;

	sample.energy_uwh = device->energy_uwh;
	sample.band_uwh[0] = device->energy_uwh;
	for (int i = 1; i < PLANT_BANDS; i++) {
		sample.band_uwh[i] = device->band_uwh[i - 1];
		sample.band_uwh[0] -= device->band_uwh[i - 1];
	}
	sample.frequency_mhz = 50000 + chance_between(&device->chance, -20, 20);
	sample.power_factor_milli = power_mw ? factor_milli : 1000;
	for (unsigned i = 0; i < phases; i++) {
		int64_t mw = power_mw + power_mw / 1000 * chance_between(&device->chance, -3, 3);
		int64_t mva = mw * 1000 / factor_milli;
		double reactive = sqrt((double)(mva * mva - mw * mw));

		sample.voltage_mv[i] = device->voltage_mv + 400 * (int64_t)i +
				       chance_between(&device->chance, -600, 600);
		sample.power_mw[i] = mw;
		sample.apparent_mva[i] = mva;
		sample.reactive_mvar[i] = (int64_t)reactive;
		sample.current_ma[i] = mva * 1000 / sample.voltage_mv[i];
	}
	*ret_sample = sample;
}
