/* report.h - the building's state as JSON: what the wire did, and what is true behind it. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "tests/building/building.h"

/* boot_us, unix_us, uptime_us, factor, scheduling (fifo, normal), seed, devices, lines. */
json_t *report_status(const struct building *building, int64_t now_ns);

/* boot_us, unix_us, devices: all, or the one given. Counts every device up to now. */
json_t *report_truth(struct building *building, const struct device *only, int64_t now_ns);
