/* messenger.h - prepay-uplinkd whole: prepayd on one side, the cloud on the other, two lanes between.
 *
 * Starts and stops the lanes as prepayd comes and goes, tells prepayd and systemd how it goes. Keeps
 * nothing: cursors and messages are prepayd's (no spool), so it may be killed at any moment.
 */
#pragma once

#include <systemd/sd-event.h>

#include "uplink/uplink_settings.h"

struct messenger;

/* Starts from the loop. event and settings are borrowed. -ENOMEM; -EINVAL: libcurl cannot do it. */
int messenger_open(struct messenger **ret, sd_event *event, const struct uplink_settings *settings);
struct messenger *messenger_close(struct messenger *messenger);
