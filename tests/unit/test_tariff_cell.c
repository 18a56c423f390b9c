/* Where a charge's price stands in the tariff: by table, and against what pricing itself says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/tariff_cell.h"
#include "concentrator/rules/tariff_price.h"
#include "tests/unit/random.h"

#define MIDNIGHT INT64_C(1767225600) /* 2026-01-01 00:00 UTC */
#define HOUR     3600

static const struct offset_table zone = {.count = 1, .transition = {{.from_s = 0}}};

/* Valley to 08:00, peak to 22:00, valley; three blocks of 10 kWh in a day. The second and third valley
 * blocks have one price, and the first peak block has it too. */
static struct tariff two_bands(void)
{
	struct tariff tariff = {
		.id = 1,
		.activation_s = MIDNIGHT - 86400,
		.band_count = 2,
		.block_count = 3,
		.price_micro_per_kwh = {{300000, 500000, 500000}, {500000, 600000, 900000}},
		.blocks = {.edge_wh = {10000, 20000}, .cycle = {.reset = TARIFF_RESET_DAY}},
		.schedule = {.plan_count = 1,
			     .plan = {{.change_count = 3,
				       .change = {{0, 0}, {480, 1}, {1320, 0}}}}},
		.band_name = {"valley", "peak"},
		.name = "two"};

	return tariff;
}

static void the_place_of_a_price(void **state)
{
	static const struct {
		const char *sentence;
		enum entry_kind kind;
		int64_t from_s;
		int64_t price_micro;
		uint32_t flags;
		int band, block;
	} cases[] = {
		{"the valley's first block", ENTRY_CHARGE, MIDNIGHT, 300000, 0, 0, 0},
		{"the peak's last block", ENTRY_CHARGE, MIDNIGHT + 8 * HOUR, 900000, 0, 1, 2},
		{"a price of both bands: the time tells", ENTRY_CHARGE, MIDNIGHT + 9 * HOUR, 500000,
		 0, 1, 0},
		{"two blocks of one price: the band alone", ENTRY_CHARGE, MIDNIGHT + HOUR, 500000,
		 0, 0, -1},
		{"split by time: as any", ENTRY_CHARGE, MIDNIGHT + 22 * HOUR, 300000,
		 ENTRY_SPLIT_BY_TIME, 0, 0},
		{"between two readings at one boundary: of the cheaper side", ENTRY_CHARGE,
		 MIDNIGHT + 8 * HOUR, 300000, 0, 0, 0},
		{"the time is not known: the price alone tells", ENTRY_CHARGE, MIDNIGHT, 600000,
		 ENTRY_UNTIMED, 1, 1},
		{"nor does the price: nothing", ENTRY_CHARGE, MIDNIGHT, 500000, ENTRY_UNTIMED, -1,
		 -1},
		{"no time at all", ENTRY_CHARGE, 0, 900000, ENTRY_UNTIMED, 1, 2},
		{"free: the band by the time, no block", ENTRY_CHARGE, MIDNIGHT + 9 * HOUR, 0,
		 ENTRY_FREE, 1, -1},
		{"nobody pays: the same", ENTRY_HOUSE, MIDNIGHT + 9 * HOUR, 0, 0, 1, -1},
		{"a price of another tariff", ENTRY_CHARGE, MIDNIGHT, 1, ENTRY_UNTIMED, -1, -1},
	};
	struct tariff tariff = two_bands(), flat = two_bands();

	(void)state;
	flat.band_count = flat.block_count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct entry entry = {.kind = cases[i].kind,
					    .from_s = cases[i].from_s,
					    .price_micro_per_kwh = cases[i].price_micro,
					    .flags = cases[i].flags};
		struct tariff_cell cell = tariff_cell_of(&tariff, &zone, &entry);

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(cell.band, cases[i].band);
		assert_int_equal(cell.block, cases[i].block);
		cell = tariff_cell_of(&flat, &zone, &entry);
		assert_int_equal(cell.band, -1);
		assert_int_equal(cell.block, -1);
	}
}

/* Steps of any length through the day, each part told apart again from what its entry would keep. */
static void pricing_and_telling_agree(void **state)
{
	struct random random = random_start("cells", 83);
	static struct tariff_book book;
	struct tariff tariff = two_bands();
	int told = 0, parts = 0;

	(void)state;
	/* Each price once in all. */
	tariff.price_micro_per_kwh[0][1] = 400000;
	tariff.price_micro_per_kwh[0][2] = 700000;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	for (long round = 0; round < random_rounds(2000); round++) {
		struct tariff_use use = {0};
		int64_t at_s = MIDNIGHT + random_between(&random, 0, 86400);

		for (int n = 0; n < 20; n++) {
			struct tariff_pricing pricing;
			struct tariff_part part;
			struct tariff_step step = {.wh = random_between(&random, 0, 9000),
						   .from_s = at_s,
						   .timed = random_between(&random, 0, 9) > 0};

			step.to_s = at_s += random_between(&random, 1, 4 * HOUR);
			assert_int_equal(tariff_price_begin(&pricing, &book, &zone, &use, &step),
					 0);
			while (tariff_price_next(&pricing, &part) > 0) {
				const struct entry entry = {
					.kind = ENTRY_CHARGE,
					.from_s = part.from_s,
					.price_micro_per_kwh = part.price_micro_per_kwh,
					.flags = part.flags};
				struct tariff_cell cell = tariff_cell_of(&tariff, &zone, &entry);

				parts++;
				told += cell.band == (int)part.band &&
					cell.block == (int)part.block;
			}
		}
	}
	assert_true(parts > 20);
	assert_int_equal(told, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_of_a_price),
		cmocka_unit_test(pricing_and_telling_agree),
	};

	return cmocka_run_group_tests_name("tariff_cell", tests, NULL, NULL);
}
