/* station_protect.h - protected hours: nobody is cut for money, and who will be is told before they end. */
#pragma once

#include "concentrator/station_state.h"

/* Is nobody cut for money now? */
bool station_protected(const struct station *station);
/* Once a second: looks at the calendar, and warns rooms before the end. */
void station_protect_check(struct station *station);
