/* tariff_days.h - which band of a tariff file holds on which days: [season], [special], [days]. */
#pragma once

#include "concentrator/platform/settings.h"
#include "concentrator/rules/tariff.h"

/* Reads the schedule of a tariff whose bands are known by name. Findings are recorded. */
void tariff_days_read(struct settings *settings, struct tariff *tariff);
