/* station_overload.h - is a supply near what its breaker may carry, or above? */
#pragma once

#include "concentrator/station_state.h"

/* A reading of the point, which may show its load. */
void station_overload(struct station *station, struct station_supply *supply,
		      const struct reading *reading);
