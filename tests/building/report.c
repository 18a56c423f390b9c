/* report.c - see report.h. */
#include "tests/building/report.h"

#include "tests/building/model.h"
#include "tests/building/moment.h"

json_t *report_status(const struct building *building, int64_t now_ns)
{
	json_t *lines = json_array();

	for (unsigned i = 0; i < building->n_wires; i++)
		json_array_append_new(lines, wire_json(&building->wires[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:s, s:I, s:i, s:o}", "boot_us",
			 (json_int_t)(now_ns / 1000), "unix_us", (json_int_t)moment_unix_us(),
			 "uptime_us", (json_int_t)((now_ns - building->started_ns) / 1000),
			 "factor", (json_int_t)building->plant.factor, "scheduling",
			 building->fifo ? "fifo" : "normal", "seed", (json_int_t)building->seed,
			 "devices", (int)building->plant.n_devices, "lines", lines);
}

/* The contacts that the device drives or, for a meter, that feed it. */
static json_t *contacts_json(const struct plant *plant, const struct device *device)
{
	json_t *rows = json_array();
	char driver[16], feeds[16];

	for (unsigned i = 0; i < plant->n_contacts; i++) {
		const struct contact *contact = &plant->contacts[i];

		if (contact->driver != device && contact->feeds != device)
			continue;
		json_array_append_new(
			rows, json_pack("{s:s, s:i, s:s, s:s, s:b, s:b, s:b}", "driver",
					device_name(contact->driver, driver), "channel",
					(int)contact->channel, "feeds",
					device_name(contact->feeds, feeds), "kind",
					contact->normally_closed ? "nc" : "no", "closed",
					(int)contact->closed, "welded", (int)contact->welded,
					"moving", contact->due_us != 0));
	}
	return rows;
}

static json_t *device_json(struct plant *plant, struct device *device, int64_t now_us)
{
	const struct model *model = device->model;
	char name[16];
	json_t *row, *coils = json_array();

	plant_advance(plant, device, now_us);
	for (unsigned i = 0; i < model->channels; i++)
		json_array_append_new(coils, json_boolean(device->coils >> i & 1));
	row = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I}",
			"device", device_name(device, name), "line", device->line, "address",
			(int)device->address, "model", model->product, "relays", coils, "contacts",
			contacts_json(plant, device), "dead", (int)device->dead, "turnaround_us",
			(json_int_t)(device->turnaround_ns / 1000), "requests",
			(json_int_t)device->requests, "replies", (json_int_t)device->replies,
			"exceptions", (json_int_t)device->exceptions, "writes",
			(json_int_t)device->writes, "spoilt", (json_int_t)device->spoilt);
	if (row && model->meters > 0) {
		const struct {
			const char *name;
			int64_t value;
		} figures[] = {
			{"load_w", device->load_w},
			{"power_w", plant_power_w(plant, device)},
			{"energy_uwh", device->energy_uwh},
			{"register_wh", device_register_wh(device, device->energy_uwh)},
			{"delivered_uwh", device->energy_uwh - device->start_uwh},
			{"register_change_wh", model->shown_wh(device, device->energy_uwh) -
						       model->shown_wh(device, device->start_uwh)},
			{"serial", device->serial},
			{"ct_milli", device->ratio_milli[RATIO_CT]},
			{"pt_milli", device->ratio_milli[RATIO_PT]},
			{"pulses_milli", device->ratio_milli[RATIO_PULSES]},
		};

		for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
			json_object_set_new(row, figures[i].name, json_integer(figures[i].value));
	}
	return row;
}

json_t *report_truth(struct building *building, const struct device *only, int64_t now_ns)
{
	struct plant *plant = &building->plant;
	json_t *rows = json_array();

	for (unsigned i = 0; i < plant->n_devices; i++)
		if (!only || only == &plant->devices[i])
			json_array_append_new(
				rows, device_json(plant, &plant->devices[i], now_ns / 1000));
	return json_pack("{s:I, s:I, s:o}", "boot_us", (json_int_t)(now_ns / 1000), "unix_us",
			 (json_int_t)moment_unix_us(), "devices", rows);
}
