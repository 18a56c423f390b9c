/* fuzz_settings.c - configuration and tariff text, read twice over as a drop-in overrides a file. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void ask(struct settings_section *section)
{
	static const char *const names[] = {"none", "even", "odd", NULL};
	const char *text;

	(void)settings_int64(section, "baud", 1200, 115200, 9600);
	(void)settings_fixed(section, "price", 6, 0, INT64_MAX, 0);
	(void)settings_bool(section, "cash", false);
	(void)settings_choice(section, "parity", names, 0);
	(void)settings_path(section, "port", NULL);
	text = settings_string(section, "id", 1, 31, "");
	assert(strlen(text) < SETTINGS_VALUE_SIZE);
	settings_require(section, "port");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct settings_section *section = NULL;
	struct settings *settings;
	char *errors;

	if (settings_new(&settings) < 0)
		return 0;
	(void)settings_read_text(settings, "first", (const char *)bytes, len);
	(void)settings_read_text(settings, "second", (const char *)bytes, len / 2);
	while ((section = settings_next(settings, "line", section)) != NULL)
		ask(section);
	ask(settings_find(settings, "site", NULL));
	settings_unknown(settings);
	errors = settings_errors(settings);
	assert(errors != NULL && (errors[0] != '\0') == (settings_error_count(settings) > 0));
	free(errors);
	settings_free(settings);
	return 0;
}
