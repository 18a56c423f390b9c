/* identify.h - which model answers at an address?
 *
 * Pure: names the next read, takes its answer, and gives a verdict from all of them. Evidence comes
 * from the models themselves, the strongest first (facts/meters/README.md): what a device holds only if
 * it is that model (identify sections); a serial number where that model has it, beside a plausible money
 * register; a plausible money register alone. Nothing but reads can be named.
 *
 * What is not known stays unknown: where several models fit equally well the verdict is weak and names
 * them, and without any evidence there is no model at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meters/model_file.h"

#define IDENTIFY_ANSWERS_MAX 192
#define IDENTIFY_VALUES_MAX  125
#define IDENTIFY_OTHERS_MAX  4
#define IDENTIFY_SILENT_MAX  16 /* requests that one device may leave unanswered */

enum identify_sure {
	IDENTIFY_UNKNOWN,
	IDENTIFY_WEAK,   /* its registers make sense as that model's; others may fit as well */
	IDENTIFY_LIKELY, /* ... and its serial number is where that model has it; no other fits */
	IDENTIFY_SURE,   /* it holds what only that model holds */
};

struct identify_answer {
	struct meter_request request;
	bool good;
	uint16_t values[IDENTIFY_VALUES_MAX];
};

/* One device. Large: not for the stack. */
struct identify {
	const struct models *models; /* borrowed */
	size_t count;
	struct identify_answer answer[IDENTIFY_ANSWERS_MAX];
	unsigned silent;
	const struct model *sure; /* its marks were found: nothing else is asked but its serial */
};

struct identify_verdict {
	enum identify_sure sure;
	const struct model *model; /* NULL: unknown */
	size_t others_count;       /* models that fit as well */
	const struct model *others[IDENTIFY_OTHERS_MAX];
	bool has_serial;
	int64_t serial;
};

void identify_begin(struct identify *identify, const struct models *models);

/* The next read. false: everything worth asking was asked. */
bool identify_next(const struct identify *identify, struct meter_request *ret);

/* Its end. good: values (request->count of them) came; silent: nothing came at all. */
void identify_take(struct identify *identify, const struct meter_request *request, bool good,
		   bool silent, const uint16_t *values);

void identify_judge(const struct identify *identify, struct identify_verdict *ret);

/* "sure", "likely", "weak", "unknown". */
const char *identify_sure_name(enum identify_sure sure);
