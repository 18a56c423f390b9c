/* building.h - the whole building: its lines, its plant, and who lives behind which meter.
 *
 * One struct owns everything and lives as long as the process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/building/plant.h"
#include "tests/building/wire.h"

enum { BUILDING_LINES = 8, BUILDING_SUPPLIES = 1024, BUILDING_DESCRIBED = 96 };

struct described;

/* One supply of a room, as it will be commissioned. */
struct supply_row {
	char room[16];
	char circuit[16];
	const struct device *meter; /* NULL: not metered */
	int cut_order;              /* 0: not said */
	bool may_cut;
	int breaker_a; /* 0: not said */
	char tenancy[24];
	char opening_minor[16];
};

struct building {
	char dir[128];
	uint64_t seed;
	bool fifo; /* SCHED_FIFO was granted */
	int64_t started_ns;
	struct wire wires[BUILDING_LINES];
	unsigned n_wires;
	struct plant plant;
	char table[256]; /* of register maps; "": none */
	struct described *described[BUILDING_DESCRIBED];
	unsigned n_described;
	struct supply_row supplies[BUILDING_SUPPLIES];
	unsigned n_supplies;
	bool quit;
};

/* NULL when there is none. */
struct wire *building_wire(struct building *building, const char *name);

/* Reads the configuration of lines, devices and rooms (the language is in config.c) into a building
 * whose dir, seed and events are set. 0, or -errno after a message on stderr that names file and
 * line. Plugs nothing. */
int building_configure(struct building *building, const char *file);

/* Frees what building_configure() allocated. */
void building_clear(struct building *building);

/* The supplies in the commissioning format, as a CSV file. 0 or -errno. */
int building_write_rooms(const struct building *building, const char *file);

/* Writes the configuration of the standard building (standard.c) of this many meters, half of them
 * on each of two lines. 0 or -errno. */
int building_write_standard(const char *file, unsigned meters, uint64_t seed,
			    int64_t opening_minor);
