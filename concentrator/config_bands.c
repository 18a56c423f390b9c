#include "concentrator/config_bands.h"

#include <stdio.h>
#include <string.h>

bool config_bands_meter(const struct config_bands *bands, const char **at,
			char ret[static CONFIG_TEXT_SIZE])
{
	int length = 0;

	if (*at == NULL)
		*at = bands->meters;
	/* No word is longer than the text it stands in. */
	if (sscanf(*at, " %199s%n", ret, &length) != 1)
		return false;
	*at += length;
	return true;
}

static bool names_meter(const struct config_bands *bands, const char *meter)
{
	char word[CONFIG_TEXT_SIZE];
	const char *at = NULL;

	while (config_bands_meter(bands, &at, word))
		if (strcmp(word, meter) == 0)
			return true;
	return false;
}

static bool check_names(struct settings_section *section, const struct config_bands *bands)
{
	char key[] = "band_1";
	bool any = false;

	for (int i = 0; i < BANDS_MAX; i++) {
		const char *name = bands->names.name[i];

		any = any || name[0] != '\0';
		for (int k = 0; k < i; k++) {
			if (name[0] == '\0' || strcmp(bands->names.name[k], name) != 0)
				continue;
			key[5] = (char)('1' + i);
			settings_fault(section, key,
				       "band_%d is %s already; one register counts a band", k + 1,
				       name);
			return false;
		}
	}
	if (!any)
		settings_fault(section, NULL,
			       "no register has a band; name one as the tariff does, such as "
			       "`band_1 = peak`");
	return any;
}

bool config_bands_check(struct settings_section *section, const struct config *config,
			const struct config_bands *bands)
{
	char word[CONFIG_TEXT_SIZE];
	const char *at = NULL;

	if (!check_names(section, bands))
		return false;
	while (config_bands_meter(bands, &at, word)) {
		const char *after = at;
		char other[CONFIG_TEXT_SIZE];

		for (size_t i = 0; i < config->bands_count; i++)
			if (names_meter(&config->bands[i], word)) {
				settings_fault(section, "meters", "%s is in [bands %s] already",
					       word, config->bands[i].name);
				return false;
			}
		while (config_bands_meter(bands, &after, other))
			if (strcmp(word, other) == 0) {
				settings_fault(section, "meters", "%s is there twice", word);
				return false;
			}
	}
	return true;
}

const struct config_bands *config_bands_of(const struct config *config, const char *model,
					   const char *room, const char *circuit)
{
	const struct config_bands *found = NULL;
	char place[CONFIG_TEXT_SIZE];

	snprintf(place, sizeof(place), "%s/%s", room, circuit);
	for (size_t i = 0; i < config->bands_count; i++) {
		if (names_meter(&config->bands[i], place))
			return &config->bands[i];
		if (names_meter(&config->bands[i], model))
			found = &config->bands[i];
	}
	return found;
}
