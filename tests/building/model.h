/* model.h - the register maps of the devices that the building has.
 *
 * Written from the published facts about these devices, never from the product's own model files:
 * a mistake then shows on one side only. Where a fact is missing the map is strict: a register
 * nobody has evidence of answers exception 2, so nothing can come to depend on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/building/plant.h"

enum { MODEL_SPANS = 10 };

enum modbus_exception {
	EXCEPTION_NONE = 0,
	EXCEPTION_FUNCTION = 1,
	EXCEPTION_ADDRESS = 2,
	EXCEPTION_VALUE = 3,
};

/* Registers that one read may cover, holes included. function 0 ends a list. */
struct span {
	uint8_t function;
	uint16_t first;
	uint16_t count;
};

struct model {
	const char *name;    /* in the building's configuration */
	const char *product; /* in commissioning rows */
	unsigned phases;     /* 0: a relay board */
	unsigned channels;   /* relays of its own */
	uint16_t max_registers;
	struct span spans[MODEL_SPANS];
	struct span energy; /* a read that touches it takes a glitch */
	struct span
		position; /* a read that touches it shows the relay (or, without one, the load) */

	/* The register at an address inside one of the spans. */
	uint16_t (*word)(const struct device *device, const struct sample *sample, uint8_t function,
			 uint16_t address);

	/* FC16. Returns an exception or EXCEPTION_NONE. */
	enum modbus_exception (*write)(struct plant *plant, struct device *device, uint16_t address,
				       uint16_t count, const uint16_t *words, int64_t now_us);

	/* The counter as the energy register shows it, in whole Wh: exact for integer registers,
	 * nearest for float ones. */
	int64_t (*shown_wh)(int64_t energy_uwh);
};

/* By its name in the configuration; NULL: unknown. */
const struct model *model_find(const char *name);

/* Does a read of count registers from address touch the span? */
bool span_touches(const struct span *span, uint8_t function, uint16_t address, uint16_t count);

/* Is a read of count registers from address allowed by the model's spans? */
bool model_covers(const struct model *model, uint8_t function, uint16_t address, uint16_t count);

/* Does the model know the function for reading registers at all? */
bool model_reads(const struct model *model, uint8_t function);
