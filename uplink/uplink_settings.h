/* uplink_settings.h - what the messenger takes from prepay.conf.
 *
 * [site] id, [control] socket and [cloud]; the rest of the file is prepayd's. See prepay.conf(5).
 */
#pragma once

#include <stdint.h>

#include "concentrator/platform/settings.h"

struct uplink_settings {
	const char *site;   /* "" without a cloud */
	const char *socket; /* of prepayd */
	const char *url;    /* "" means that there is no cloud; without a slash at its end */
	const char *ca;
	const char *certificate;
	const char *key;
	int64_t hold_s;
	int64_t backoff_base_s;
	int64_t backoff_cap_s;
};

/* Strings live as long as settings. Findings are recorded in settings: look at settings_error_count().
 * Unknown sections and keys are prepayd's to refuse, which reads them all. */
void uplink_settings_read(struct settings *settings, struct uplink_settings *ret);
