/* station_silence.h - one alarm for what has one cause: a meter, a line, or the building's power. */
#pragma once

#include "concentrator/station_state.h"

/* Is that, in thousandths of a volt, the voltage of live mains? */
bool station_incomer_lives(int64_t value_milli);

/* Raises and clears the alarms about lines that fell silent, and about the power. */
void station_silence(struct station *station);
