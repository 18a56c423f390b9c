/* fuzz_tariff.c - a tariff file; one that is good prices a step that crosses everything in it. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "concentrator/rules/tariff_price.h"
#include "concentrator/tariff_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Berlin around 2026. */
static const struct offset_table zone = {
	.count = 3,
	.transition = {{.from_s = 0, .offset_s = 3600},
		       {.from_s = 1774746000, .offset_s = 7200},
		       {.from_s = 1792890000, .offset_s = 3600}},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct tariff_book book;
	struct tariff tariff;
	struct tariff_use use = {.opened_s = 1774000000};
	struct tariff_step step = {
		.wh = 12345678, .from_s = 1774000000, .to_s = 1774900000, .timed = true};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int64_t wh = 0;
	bool from_receipt;
	json_t *errors = NULL;
	int r = tariff_file_parse((const char *)bytes, len, &zone, &tariff, &from_receipt, &errors);

	assert((r == -EINVAL) == (errors != NULL));
	json_decref(errors);
	if (r < 0)
		return 0;
	tariff.id = 1;
	book.count = 0;
	r = tariff_book_add(&book, &tariff);
	assert(r == 0);
	r = tariff_price_begin(&pricing, &book, &zone, &use, &step);
	assert(r == 0);
	while ((r = tariff_price_next(&pricing, &part)) > 0) {
		assert(part.wh > 0);
		wh += part.wh;
	}
	assert(r == -ERANGE || wh == step.wh);
	return 0;
}
