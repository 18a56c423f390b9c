/* station_meter.h - a point's answer: values for people, and the register that money follows. */
#pragma once

#include "concentrator/station_state.h"

/* A decoded answer of a point. */
void station_reading(struct station *station, struct station_supply *supply,
		     const struct reading *reading, bool energy);
/* A decoded answer that shows nothing but the load. */
void station_load_reading(struct station *station, struct station_supply *supply,
			  const struct reading *reading);
/* An answer that cannot be: row is its implausible value, or NULL. */
void station_implausible(struct station *station, struct station_supply *supply, const char *row);
