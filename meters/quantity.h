/* quantity.h - the names and units of what a reading can hold. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "meters/reading.h"

/* "energy_import_wh", "voltage_l1_mv": stable, as programs see it. */
const char *quantity_name(enum quantity quantity);

/* "energy_import", "voltage_l1": as model files write it. -ENOENT: no such quantity. */
__attribute__((warn_unused_result)) int quantity_find(const char *name, enum quantity *ret);

/* How many of the quantity's own units one of unit is: kWh is 1000 for energy. -ENOENT: the quantity
 * cannot be in that unit. */
__attribute__((warn_unused_result)) int quantity_unit(enum quantity quantity, const char *unit,
						      int64_t *ret);

/* The units quantity_unit() takes, as a list for messages: "Wh, kWh, MWh". */
const char *quantity_units(enum quantity quantity);

/* Energy and volume only ever grow. */
bool quantity_is_cumulative(enum quantity quantity);

/* A meter's own band registers: cumulative, but no money hangs on one of them alone. */
bool quantity_is_band(enum quantity quantity);

/* One of two states, told by two raw values; nothing between them is believed. */
bool quantity_is_state(enum quantity quantity);
