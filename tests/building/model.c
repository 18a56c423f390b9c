/* model.c - see model.h. Addresses are as on the wire, from 0. */
#include "tests/building/model_maps.h"

#include <stdio.h>
#include <string.h>

static const struct model *const models[] = {&model_sdm120, &model_sdm630, &model_dds238,
					     &model_ddsy1352, &model_waveshare8};

static int64_t board_shown_wh(const struct device *device, int64_t energy_uwh)
{
	(void)device;
	(void)energy_uwh;
	return 0;
}

const struct model model_waveshare8 = {
	.name = "waveshare8",
	.product = "waveshare-rtu-relay-8ch",
	.channels = 8,
	.position = {1, 0x0000, 8},
	.shown_wh = board_shown_wh,
};

void model_hazard(struct plant *plant, const struct device *device, uint16_t address,
		  uint16_t value, int64_t now_us)
{
	char name[16];
	struct event event = {.kind = EVENT_HAZARD, .at_us = now_us};

	(void)snprintf(event.device, sizeof(event.device), "%s", device_name(device, name));
	(void)snprintf(event.detail, sizeof(event.detail), "0x%04X = 0x%04X", (unsigned)address,
		       (unsigned)value);
	events_add(plant->events, event);
}

uint32_t counted(int64_t energy_uwh)
{
	return (uint32_t)(energy_uwh / UWH_PER_COUNT);
}

uint16_t counted_word(uint32_t counts, bool low)
{
	return (uint16_t)(low ? counts : counts >> 16);
}

int64_t counted_shown_wh(const struct device *device, int64_t energy_uwh)
{
	(void)device;
	return (int64_t)counted(energy_uwh) * WH_PER_COUNT;
}

const struct model *model_find(const char *name)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (strcmp(models[i]->name, name) == 0)
			return models[i];
	return NULL;
}

bool span_touches(const struct span *span, uint8_t function, uint16_t address, uint16_t count)
{
	return span->function == function && address < span->first + span->count &&
	       address + count > span->first;
}

bool model_covers(const struct model *model, uint8_t function, uint16_t address, uint16_t count)
{
	for (const struct span *span = model->spans; span && span->function; span++)
		if (span->function == function && address >= span->first &&
		    address + count <= span->first + span->count)
			return true;
	return false;
}

bool model_reads(const struct model *model, uint8_t function)
{
	for (const struct span *span = model->spans; span && span->function; span++)
		if (span->function == function)
			return true;
	return false;
}
