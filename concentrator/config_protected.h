/* config_protected.h - a [protected NAME] section of prepay.conf, from its words to a rule. */
#pragma once

#include "concentrator/config.h"
#include "concentrator/platform/settings.h"

/* Findings are recorded; false: there were some. */
bool config_protected_rule(struct settings_section *section, const struct config_protected *texts,
			   struct protect_rule *ret);
