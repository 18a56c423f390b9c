/* scan.h - what hangs on a line, and with which serial settings?
 *
 * Pure: one request out, its end in. For each of the settings all addresses are asked in turn, first
 * for a holding register, then those that were silent for an input register, then for a coil: whatever
 * comes back, a refusal too, is a device. What came garbled is asked again, with another address in
 * between. Then each device is asked what it is (identify.h).
 *
 * A scan writes nothing: a request is a struct scan_read, which has no place for a value, and
 * scan_next() gives out functions 1 to 4 alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/identify.h"

#define SCAN_ADDRESSES_MAX 247
#define SCAN_SETTINGS_MAX  8
#define SCAN_GARBLED_MAX   3 /* times an address is asked again after a garbled answer */

struct scan_settings {
	int32_t baud;
	char parity;
	int32_t stop_bits;
};

/* 9600 8N1, 8E1, 8N2, 2400 8N1, 19200 8E1, 8N1, 1200 8N1: what meters are delivered with. */
extern const struct scan_settings scan_usual[];
extern const size_t scan_usual_count;

struct scan_plan {
	uint8_t first; /* address, 1 to 247 */
	uint8_t last;
	size_t settings_count;
	struct scan_settings settings[SCAN_SETTINGS_MAX];
	bool skip[SCAN_ADDRESSES_MAX + 1]; /* by address: known already */
};

struct scan_read {
	uint8_t setting; /* index into the plan's */
	uint8_t address;
	uint8_t function; /* 1 to 4 */
	uint16_t start;
	uint16_t count;
};

enum scan_end { SCAN_GOOD, SCAN_REFUSED, SCAN_SILENT, SCAN_GARBLED };

struct scan_device {
	uint8_t address;
	uint8_t setting;
	bool clash; /* garbled every time: two devices with this address, or a bad joint */
	struct identify_verdict verdict;
};

struct scan;

/* models (borrowed) may have changed no more. -EINVAL: no address or no settings. -ENOMEM. */
int scan_open(struct scan **ret, const struct scan_plan *plan, const struct models *models);
struct scan *scan_close(struct scan *scan);

/* The next request; the same again until scan_end() has taken its end. false: the scan is over. */
bool scan_next(struct scan *scan, struct scan_read *ret);

/* How it ended; values are the count that came, with SCAN_GOOD. */
void scan_end(struct scan *scan, enum scan_end end, const uint16_t *values);

const struct scan_plan *scan_plan(const struct scan *scan);

/* Work in requests; total is an estimate that changes as devices are found. */
void scan_progress(const struct scan *scan, int64_t *ret_done, int64_t *ret_total);

/* Devices found so far, in the order of being found; the last ones may not be identified yet. */
size_t scan_count(const struct scan *scan);
const struct scan_device *scan_at(const struct scan *scan, size_t index);
