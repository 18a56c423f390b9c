/* station_load.h - rooms, supplies and devices as the ledger has them. */
#pragma once

#include "concentrator/station_state.h"

/* Builds them. Also after the store came back. */
int station_load(struct station *station);
void station_unload(struct station *station);
int station_load_keys(struct station *station);
struct station_room *station_room_find(const struct station *station, const char *name);
struct station_supply *station_supply_find(const struct station_room *room, const char *circuit);
/* Does any supply hang on it? A device that lost its last one stays in its line's schedule, idle. */
bool station_device_used(const struct station *station, const struct station_device *device);
size_t station_line_find(const struct station *station, const char *name); /* line_count: none */
/* What a device can be asked has changed. -errno: its line's schedule is full. */
int station_device_traits(struct station *station, struct station_device *device);
