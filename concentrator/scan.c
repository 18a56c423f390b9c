#include "concentrator/scan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IDENTIFY_GUESS 40 /* requests to identify one device, for the estimate */

enum phase { PHASE_HOLDING, PHASE_INPUT, PHASE_COIL, PHASE_AGAIN, PHASE_IDENTIFY };

/* How each phase asks. One register: every map has something at 0, or refuses it. */
static const struct {
	uint8_t function;
	uint16_t count;
} probe[] = {
	[PHASE_HOLDING] = {FUNCTION_READ_HOLDING, 1},
	[PHASE_INPUT] = {FUNCTION_READ_INPUT, 2},
	[PHASE_COIL] = {FUNCTION_READ_COILS, 1},
	[PHASE_AGAIN] = {FUNCTION_READ_HOLDING, 1},
};

const struct scan_settings scan_usual[] = {
	{9600, 'N', 1},  {9600, 'E', 1},  {9600, 'N', 2}, {2400, 'N', 1},
	{19200, 'E', 1}, {19200, 'N', 1}, {1200, 'N', 1},
};
const size_t scan_usual_count = sizeof(scan_usual) / sizeof(scan_usual[0]);

struct scan {
	struct scan_plan plan;
	const struct models *models;
	size_t setting;
	enum phase phase;
	unsigned address; /* next to be asked in this phase */
	bool found[SCAN_ADDRESSES_MAX + 1];
	uint8_t garbled[SCAN_ADDRESSES_MAX + 1]; /* in this setting */
	uint8_t ask_function[SCAN_ADDRESSES_MAX + 1];
	bool asking;
	struct scan_read read;
	size_t count;
	struct scan_device device[SCAN_ADDRESSES_MAX];
	size_t identified;
	bool identifying;
	struct identify identify;
	int64_t done;
};

int scan_open(struct scan **ret, const struct scan_plan *plan, const struct models *models)
{
	if (plan->first < 1 || plan->last > SCAN_ADDRESSES_MAX || plan->first > plan->last ||
	    plan->settings_count < 1 || plan->settings_count > SCAN_SETTINGS_MAX)
		return -EINVAL;
	struct scan *scan = calloc(1, sizeof(*scan));
	if (scan == NULL)
		return -ENOMEM;
	scan->plan = *plan;
	scan->models = models;
	scan->address = plan->first;
	*ret = scan;
	return 0;
}

struct scan *scan_close(struct scan *scan)
{
	free(scan);
	return NULL;
}

const struct scan_plan *scan_plan(const struct scan *scan)
{
	return &scan->plan;
}

/* Is the address asked in this phase? */
static bool asked(const struct scan *scan, unsigned address)
{
	if (scan->plan.skip[address] || scan->found[address])
		return false;
	/* What came garbled waits for its own phase. */
	return (scan->garbled[address] > 0) == (scan->phase == PHASE_AGAIN);
}

static bool garbled_left(const struct scan *scan)
{
	for (unsigned i = scan->plan.first; i <= scan->plan.last; i++)
		if (scan->garbled[i] > 0 && !scan->found[i])
			return true;
	return false;
}

static void add_device(struct scan *scan, uint8_t address, bool clash)
{
	if (scan->found[address])
		return;
	scan->found[address] = true;
	scan->device[scan->count++] = (struct scan_device){
		.address = address, .setting = (uint8_t)scan->setting, .clash = clash};
}

/* The phase is through. false: so is the scan. */
static bool advance(struct scan *scan)
{
	scan->address = scan->plan.first;
	switch (scan->phase) {
	case PHASE_HOLDING:
	case PHASE_INPUT:
	case PHASE_COIL:
		scan->phase = (enum phase)(scan->phase + 1);
		return true;
	case PHASE_AGAIN:
		if (!garbled_left(scan))
			scan->phase = PHASE_IDENTIFY;
		return true;
	case PHASE_IDENTIFY:
		memset(scan->garbled, 0, sizeof(scan->garbled));
		scan->phase = PHASE_HOLDING;
		return ++scan->setting < scan->plan.settings_count;
	}
	return false;
}

static bool next_probe(struct scan *scan)
{
	for (; scan->address <= scan->plan.last; scan->address++) {
		if (!asked(scan, scan->address))
			continue;
		uint8_t function = scan->phase == PHASE_AGAIN ? scan->ask_function[scan->address]
							      : probe[scan->phase].function;
		scan->read = (struct scan_read){.setting = (uint8_t)scan->setting,
						.address = (uint8_t)scan->address,
						.function = function,
						.count = probe[scan->phase].count};
		return true;
	}
	return false;
}

static bool next_question(struct scan *scan)
{
	while (scan->identified < scan->count) {
		struct scan_device *device = &scan->device[scan->identified];
		struct meter_request request;
		if (!scan->identifying && !device->clash) {
			identify_begin(&scan->identify, scan->models);
			scan->identifying = true;
		}
		if (!device->clash && identify_next(&scan->identify, &request)) {
			assert(request.function >= FUNCTION_READ_COILS &&
			       request.function <= FUNCTION_READ_INPUT);
			scan->read = (struct scan_read){.setting = device->setting,
							.address = device->address,
							.function = request.function,
							.start = request.address,
							.count = request.count};
			return true;
		}
		if (!device->clash)
			identify_judge(&scan->identify, &device->verdict);
		scan->identifying = false;
		scan->identified++;
	}
	return false;
}

bool scan_next(struct scan *scan, struct scan_read *ret)
{
	while (!scan->asking && scan->setting < scan->plan.settings_count) {
		scan->asking = scan->phase == PHASE_IDENTIFY ? next_question(scan)
							     : next_probe(scan);
		if (!scan->asking && !advance(scan))
			break;
	}
	if (!scan->asking)
		return false;
	*ret = scan->read;
	return true;
}

static void ask_otherwise(struct scan *scan, uint8_t address)
{
	switch (scan->ask_function[address]) {
	case FUNCTION_READ_HOLDING:
		scan->ask_function[address] = FUNCTION_READ_INPUT;
		break;
	case FUNCTION_READ_INPUT:
		scan->ask_function[address] = FUNCTION_READ_COILS;
		break;
	default:
		scan->garbled[address] = 0;
		break;
	}
}

void scan_end(struct scan *scan, enum scan_end end, const uint16_t *values)
{
	assert(scan->asking);
	uint8_t address = scan->read.address;
	scan->asking = false;
	scan->done++;
	if (scan->phase == PHASE_IDENTIFY) {
		const struct meter_request request = {.function = scan->read.function,
						      .address = scan->read.start,
						      .count = scan->read.count};
		identify_take(&scan->identify, &request, end == SCAN_GOOD, end == SCAN_SILENT,
			      values);
		return;
	}
	scan->address++;
	switch (end) {
	case SCAN_GOOD:
	case SCAN_REFUSED:
		add_device(scan, address, false);
		break;
	case SCAN_GARBLED:
		scan->ask_function[address] = scan->read.function;
		if (++scan->garbled[address] > SCAN_GARBLED_MAX)
			add_device(scan, address, true);
		break;
	case SCAN_SILENT:
		/* It was another one's late answer, or noise. The phases it missed are made up for. */
		if (scan->phase == PHASE_AGAIN)
			ask_otherwise(scan, address);
		break;
	}
}

void scan_progress(const struct scan *scan, int64_t *ret_done, int64_t *ret_total)
{
	int64_t left = 0;
	for (size_t setting = scan->setting; setting < scan->plan.settings_count; setting++)
		for (int phase = PHASE_HOLDING; phase <= PHASE_COIL; phase++) {
			bool now = setting == scan->setting;
			if (now && phase < (int)scan->phase)
				continue;
			unsigned from = now && phase == (int)scan->phase ? scan->address
									 : scan->plan.first;
			for (unsigned i = from; i <= scan->plan.last; i++)
				left += !scan->plan.skip[i] && !scan->found[i];
		}
	for (unsigned i = scan->plan.first; i <= scan->plan.last; i++)
		left += scan->phase == PHASE_AGAIN && scan->garbled[i] > 0 && !scan->found[i];
	int64_t guess = 0;
	if (scan->setting < scan->plan.settings_count)
		for (size_t i = scan->identified; i < scan->count; i++)
			guess += scan->device[i].clash ? 0 : IDENTIFY_GUESS;
	if (scan->identifying)
		guess -= (int64_t)scan->identify.count < IDENTIFY_GUESS
				 ? (int64_t)scan->identify.count
				 : IDENTIFY_GUESS - 1;
	*ret_done = scan->done;
	*ret_total = scan->done + left + guess;
}

size_t scan_count(const struct scan *scan)
{
	return scan->count;
}

const struct scan_device *scan_at(const struct scan *scan, size_t index)
{
	assert(index < scan->count);
	return &scan->device[index];
}
