/* config_bands.h - a [bands NAME] section of prepay.conf: which band of the tariff each of a meter's own band
 * registers counts.
 */
#pragma once

#include "concentrator/config.h"
#include "concentrator/platform/settings.h"

/* Is it whole, and contradicts none of those before it? Findings are recorded; false: there were some. */
bool config_bands_check(struct settings_section *section, const struct config *config,
			const struct config_bands *bands);

/* What is declared for a meter: for its circuit, else for its model; NULL: nothing is. */
const struct config_bands *config_bands_of(const struct config *config, const char *model,
					   const char *room, const char *circuit);

/* The next of the meters that a section names, behind *at; false: the end. */
bool config_bands_meter(const struct config_bands *bands, const char **at,
			char ret[static CONFIG_TEXT_SIZE]);
