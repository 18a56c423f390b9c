/* building.c - see building.h. */
#include "tests/building/building.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/building/model.h"

struct wire *building_wire(struct building *building, const char *name)
{
	for (unsigned i = 0; i < building->n_wires; i++)
		if (strcmp(building->wires[i].name, name) == 0)
			return &building->wires[i];
	return NULL;
}

void building_clear(struct building *building)
{
	while (building->n_described > 0)
		free(building->described[--building->n_described]);
}

static void write_relay(FILE *out, const struct plant *plant, const struct device *meter)
{
	for (unsigned i = 0; i < plant->n_contacts; i++) {
		const struct contact *contact = &plant->contacts[i];

		if (contact->feeds != meter)
			continue;
		if (contact->driver->model->meters > 0)
			(void)fprintf(out, "meter,");
		else
			(void)fprintf(out, "%s@%u/%u,%s", contact->driver->model->product,
				      (unsigned)contact->driver->address,
				      (unsigned)contact->channel,
				      contact->normally_closed ? "nc" : "no");
		return;
	}
	(void)fprintf(out, ",");
}

static void write_number(FILE *out, int number)
{
	if (number > 0)
		(void)fprintf(out, "%d", number);
	(void)fputc(',', out);
}

int building_write_rooms(const struct building *building, const char *file)
{
	FILE *out = fopen(file, "we");

	if (!out)
		return -errno;
	(void)fprintf(out, "room,circuit,line,address,model,channel,relay,contact,cut_order,"
			   "may_cut,breaker_a,tenancy,opening_minor\n");
	for (unsigned i = 0; i < building->n_supplies; i++) {
		const struct supply_row *row = &building->supplies[i];

		(void)fprintf(out, "%s,%s,", row->room, row->circuit);
		if (row->meter)
			(void)fprintf(out, "%s,%u,%s,%u,", row->meter->line,
				      (unsigned)row->meter->address, row->meter->model->product,
				      row->meter->channel > 0 ? (unsigned)row->meter->channel : 1);
		else
			(void)fprintf(out, ",,,,");
		write_relay(out, &building->plant, row->meter);
		(void)fputc(',', out);
		write_number(out, row->cut_order);
		(void)fprintf(out, "%s,", row->may_cut ? "yes" : "no");
		write_number(out, row->breaker_a);
		(void)fprintf(out, "%s,%s\n", row->tenancy, row->opening_minor);
	}
	return fclose(out) == 0 ? 0 : -errno;
}
