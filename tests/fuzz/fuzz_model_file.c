/* fuzz_model_file.c - any text as a model file; and what a model that passes then promises.
 *
 * A text that is refused leaves a complaint. One that passes makes requests, decodes any registers and
 * moves its relays only by writes of its own allow-list, for every span and channel.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meters/decode.h"
#include "meters/model_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* Registers that follow from the input, so that a find can be repeated. */
static void fill(uint16_t regs[static MODEL_COUNT_MAX], const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < MODEL_COUNT_MAX; i++)
		regs[i] = (uint16_t)(len == 0 ? 0 : bytes[i % len] << 8 | bytes[(i * 7 + 3) % len]);
}

static void try_span(const struct model *model, unsigned span, unsigned channel,
		     const uint16_t *regs)
{
	struct meter_request request;
	struct meter_ratios ratios;
	struct reading reading = {0};
	size_t n = model->spans[span].count;
	const char *culprit;
	int r;

	EXPECT(model_span_request(model, span, channel, &request) == 0);
	EXPECT(request.count == n && request.address + n - 1 <= UINT16_MAX);
	EXPECT(!model_may_write(model, &request));
	r = meter_decode(model, span, channel, regs, n, &reading);
	culprit = meter_implausible(model, span, channel, regs, n);
	EXPECT((r == 0) == (culprit == NULL));
	EXPECT(r == 0 || reading.valid == 0);
	for (size_t i = 0; i < RATIO_COUNT; i++)
		ratios.milli[i] = regs[i] * INT64_C(1000) + regs[i + 1];
	culprit = NULL;
	r = meter_decode_scaled(model, span, channel, regs, n, &ratios, &reading, &culprit);
	EXPECT((r == -ERANGE) == (culprit != NULL));
	EXPECT(r == 0 || r == -ERANGE);
}

static void try_relay(const struct model *model, unsigned channel)
{
	struct meter_request request;

	for (int close = 0; close <= 1; close++) {
		EXPECT(model_relay_request(model, channel, close != 0, &request) == 0);
		EXPECT(model_may_write(model, &request));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct model model;
	uint16_t regs[MODEL_COUNT_MAX];
	char error[256] = "";

	if (model_parse(&model, "x.meter", (const char *)bytes, len, error, sizeof(error)) < 0) {
		EXPECT(strncmp(error, "x.meter:", 8) == 0);
		return 0;
	}
	EXPECT(error[0] == '\0');
	fill(regs, bytes, len);
	for (unsigned channel = 1; channel <= model.channels; channel++) {
		for (unsigned span = 0; span < model.spans_count; span++)
			try_span(&model, span, channel, regs);
		if (model.relay.present)
			try_relay(&model, channel);
	}
	return 0;
}
