/* schedule_period.h - how soon each span is wanted again; for schedule*.c alone. */
#pragma once

#include "concentrator/rules/schedule.h"

/* schedule_load_span() of what a device can be asked. */
enum schedule_span schedule_shows_load(const struct schedule_traits *traits);
