/* station_poll.h - keeps the lines busy and takes their answers apart. */
#pragma once

#include "concentrator/station_state.h"

/* The line has room for another request: gives it the next. */
void station_feed(struct station *station, size_t line);
/* Takes a relay command back that is not on the wire yet. false: there is none, or it is too late. */
bool station_command_withdraw(struct station *station, const struct station_supply *supply);
/* Rooms were removed or loaded anew: a command of a supply that is no more, and is not on the wire yet, never
 * goes there. */
void station_commands_review(struct station *station);
int64_t station_cost_us(const struct station *station, const struct station_device *device,
			unsigned span, unsigned channel);
int64_t station_load_cost_us(const struct station *station, const struct station_device *device,
			     unsigned channel);
struct wire station_wire(const struct config_line *config);
