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
	unsigned meters;     /* metered channels, each a struct device; 0: a relay board */
	unsigned phases;     /* of each */
	unsigned channels;   /* relays of its own */
	uint16_t max_registers;
	const struct span *spans; /* NULL: none */
	struct span energy;       /* a read that touches it takes a glitch */
	struct span position; /* one element a relay; a read that touches it shows the relay (or,
				 where its position cannot be read, the load) */
	int64_t modulus_wh; /* the register starts from zero again; 0: not within a building's life */

	/* The register at an address inside one of the spans, or the bit for functions 1 and 2.
	 * device is the first channel's, and sample has one of each channel. */
	uint16_t (*word)(const struct device *device, const struct sample *sample, uint8_t function,
			 uint16_t address);

	/* Functions 5, 6 and 16. Returns an exception or EXCEPTION_NONE. */
	enum modbus_exception (*write)(struct plant *plant, struct device *device, uint8_t function,
				       uint16_t address, uint16_t count, const uint16_t *words,
				       int64_t now_us);

	/* The counter as the energy register shows it, in whole Wh (of water: litres), not yet
	 * wrapped at the modulus: exact for integer registers, nearest for float ones. */
	int64_t (*shown_wh)(const struct device *device, int64_t energy_uwh);
};

/* The built-in ones, by their names in the configuration; NULL: unknown. */
const struct model *model_find(const char *name);

/* Does a read of count registers from address touch the span? */
bool span_touches(const struct span *span, uint8_t function, uint16_t address, uint16_t count);

/* Is a read of count registers from address allowed by the model's spans? */
bool model_covers(const struct model *model, uint8_t function, uint16_t address, uint16_t count);

/* Does the model know the function for reading registers at all? */
bool model_reads(const struct model *model, uint8_t function);
