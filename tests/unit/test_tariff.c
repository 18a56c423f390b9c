/* Tariffs: M7, split at boundaries, never re-priced, nothing lost in a split. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/entry.h"
#include "tests/unit/random.h"
#include "tests/unit/tariff_parts.h"

#define T0 INT64_C(1767225600)
#define T1 (T0 + 36000)

static const struct offset_table zone = {0};

static struct tariff tariff(int64_t id, int64_t activation_s, int64_t price)
{
	return (struct tariff){
		.id = id, .activation_s = activation_s, .price_micro_per_kwh = {{price}}};
}

/* 0.50 from T0, 0.80 from T1. */
static struct tariff_book two_prices(void)
{
	struct tariff_book book = {0};
	struct tariff later = tariff(2, T1, 800000);
	struct tariff first = tariff(1, T0, 500000);

	assert_int_equal(tariff_book_add(&book, &later), 0);
	assert_int_equal(tariff_book_add(&book, &first), 0);
	return book;
}

/* S1: what so much energy costs at the least in a time. */
static int64_t least_nano(const struct tariff_book *book, int64_t wh, int64_t from_s, int64_t to_s,
			  bool timed)
{
	struct tariff_use use = {0};
	struct tariff_step step = {wh, from_s, to_s, timed};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int64_t sum = 0;
	int r;

	assert_int_equal(tariff_least_begin(&pricing, book, &zone, &use, &step), 0);
	while ((r = tariff_price_next(&pricing, &part)) > 0)
		sum += part.amount_nano;
	assert_int_equal(r, 0);
	return sum;
}

static void steps_are_split_at_the_boundary(void **state)
{
	static const struct {
		const char *sentence;
		int64_t wh, from_s, to_s;
		size_t count;
		int64_t wh1, price1, wh2, price2;
		uint32_t flags;
	} cases[] = {
		{"wholly before: the old price", 1000, T0, T1 - 100, 1, 1000, 500000, 0, 0, 0},
		{"wholly after: the new price", 1000, T1 + 100, T1 + 200, 1, 1000, 800000, 0, 0, 0},
		{"from the boundary on: the new price", 1000, T1, T1 + 200, 1, 1000, 800000, 0, 0,
		 0},
		{"up to the boundary: the old price", 1000, T1 - 200, T1, 1, 1000, 500000, 0, 0, 0},
		{"ends 30 s after it: counts as taken at it", 1000, T1 - 200, T1 + 30, 1, 1000,
		 500000, 0, 0, 0},
		{"ends 31 s after it: split, 200 of 231 seconds", 1000, T1 - 200, T1 + 31, 2, 865,
		 500000, 135, 800000, ENTRY_SPLIT_BY_TIME},
		{"begins 30 s before it: counts as taken at it", 1000, T1 - 30, T1 + 200, 1, 1000,
		 800000, 0, 0, 0},
		{"begins 31 s before it: split, 31 of 231 seconds", 1000, T1 - 31, T1 + 200, 2, 134,
		 500000, 866, 800000, ENTRY_SPLIT_BY_TIME},
		{"both ends near the boundary: the cheaper of its sides", 7, T1 - 5, T1 + 5, 1, 7,
		 500000, 0, 0, 0},
		{"both ends near and after it: still the cheaper of its sides", 7, T1 + 3, T1 + 5,
		 1, 7, 500000, 0, 0, 0},
		{"one Wh in the middle: the last part keeps the rest", 1, T1 - 100, T1 + 100, 1, 1,
		 800000, 0, 0, ENTRY_SPLIT_BY_TIME},
		{"before the first tariff energy is free", 100, T0 - 5000, T0 - 100, 1, 100, 0, 0,
		 0, 0},
		{"across the first activation: free, then priced", 100, T0 - 100, T0 + 100, 2, 50,
		 0, 50, 500000, ENTRY_SPLIT_BY_TIME},
		{"within 30 s after the first activation: priced, for it is no boundary", 100,
		 T0 + 3, T0 + 20, 1, 100, 500000, 0, 0, 0},
		{"begins 20 s before the first activation: those seconds alone are free", 100,
		 T0 - 20, T0 + 80, 2, 20, 0, 80, 500000, ENTRY_SPLIT_BY_TIME},
		{"ends 30 s after the first activation: priced from it on", 100, T0 - 70, T0 + 30,
		 2, 70, 0, 30, 500000, ENTRY_SPLIT_BY_TIME},
		{"nothing used has no parts", 0, T0, T1 + 100, 0, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_book book = two_prices();
		struct tariff_step step = {cases[i].wh, cases[i].from_s, cases[i].to_s, true};
		struct tariff_use use = {0};
		static struct parts parts;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
		assert_int_equal(parts.count, cases[i].count);
		if (parts.count > 0) {
			assert_int_equal(parts.part[0].wh, cases[i].wh1);
			assert_int_equal(parts.part[0].price_micro_per_kwh, cases[i].price1);
			assert_int_equal(parts.part[0].flags, cases[i].flags);
			assert_int_equal(parts.part[0].amount_nano, cases[i].wh1 * cases[i].price1);
		}
		if (parts.count > 1) {
			assert_int_equal(parts.part[1].wh, cases[i].wh2);
			assert_int_equal(parts.part[1].price_micro_per_kwh, cases[i].price2);
			assert_int_equal(parts.part[1].flags, cases[i].flags);
			assert_int_equal(parts.part[0].to_s, parts.part[1].from_s);
		}
	}
}

static void two_boundaries_within_a_minute_take_the_nearest(void **state)
{
	struct tariff_book book = two_prices();
	struct tariff third = tariff(3, T1 + 20, 600000);
	struct tariff_step step = {100, T1 - 1000, T1 + 10, true};
	struct tariff_use use = {0};
	static struct parts parts;

	(void)state;
	assert_int_equal(tariff_book_add(&book, &third), 0);
	/* Ten seconds from both: the earlier. */
	assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
	assert_int_equal(parts.count, 1);
	assert_int_equal(parts.part[0].to_s, T1);
	/* One second nearer to the later. */
	step.to_s++;
	assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
	assert_int_equal(parts.part[parts.count - 1].to_s, T1 + 20);
	assert_int_equal(parts.part[parts.count - 1].price_micro_per_kwh, 800000);
}

static void untimed_energy_takes_the_cheapest_price_in_the_gap(void **state)
{
	struct tariff_book book = two_prices();
	struct tariff_step step = {1000, T1 - 5, T1 + 86400, false};
	struct tariff_use use = {0};
	static struct parts parts;

	(void)state;
	assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
	assert_int_equal(parts.count, 1);
	assert_int_equal(parts.part[0].price_micro_per_kwh, 500000);
	assert_int_equal(parts.part[0].flags, ENTRY_UNTIMED);
	step.from_s = T1;
	assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
	assert_int_equal(parts.part[0].price_micro_per_kwh, 800000);
}

/* M7: what the gap can be, from the first thing known to the last. */
static void a_gap_reaches_back_no_further_than_the_first_tariff(void **state)
{
	static const struct {
		const char *sentence;
		int64_t from_s, to_s, price, ret_from_s;
	} cases[] = {
		{"begun at nobody knows when: the cheapest of all tariffs, not nothing", INT64_MIN,
		 T1 + 5, 500000, T0},
		{"neither end is known: the same", INT64_MIN, INT64_MAX, 500000, T0},
		{"begun before the first tariff, ended in it", T0 - 1, T0, 500000, T0},
		{"all of it before the first tariff: nothing", T0 - 5, T0 - 1, 0, T0 - 5},
		{"ended before the first tariff, begun at nobody knows when", INT64_MIN, T0 - 1, 0,
		 INT64_MIN},
		{"begun after the dearer one came: that one", T1, INT64_MAX, 800000, T1},
		{"begun a second before: the cheaper one", T1 - 1, INT64_MAX, 500000, T1 - 1},
	};
	struct tariff_book book = two_prices();
	static struct parts parts;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_step step = {1000, cases[i].from_s, cases[i].to_s, false};
		struct tariff_use use = {0};

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
		assert_int_equal(parts.count, 1);
		assert_int_equal(parts.part[0].wh, 1000);
		assert_int_equal(parts.part[0].price_micro_per_kwh, cases[i].price);
		assert_int_equal(parts.part[0].from_s, cases[i].ret_from_s);
		assert_int_equal(parts.part[0].flags, ENTRY_UNTIMED);
		/* S1: what it will be charged is what it costs at the least. */
		assert_int_equal(least_nano(&book, 1000, cases[i].from_s, cases[i].to_s, false),
				 1000 * cases[i].price);
	}
}

/* An allowance that the first tariff brings is there when the gap begins with it. */
static void a_gap_that_begins_with_the_first_tariff_has_its_allowance(void **state)
{
	struct tariff_book book = {0};
	struct tariff first = tariff(1, T0, 500000);
	struct tariff_step step = {1000, INT64_MIN, T0 + 60, false};
	struct tariff_use use = {.opened_s = T0 - 86400};
	static struct parts parts;

	(void)state;
	first.allowance = (struct tariff_allowance){
		.wh = 300,
		.given = {.reset = TARIFF_RESET_MONTH, .count = 1, .mmdd = {1}},
		.kept = {.reset = TARIFF_RESET_MONTH, .count = 1, .mmdd = {1}}};
	assert_int_equal(tariff_book_add(&book, &first), 0);
	assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
	assert_int_equal(parts.count, 2);
	assert_int_equal(parts.part[0].wh, 300);
	assert_int_equal(parts.part[0].flags, ENTRY_UNTIMED | ENTRY_FREE);
	assert_int_equal(parts.part[1].price_micro_per_kwh, 500000);
	assert_int_equal(use.free_now.wh, 300);
}

static void the_book_refuses_nonsense(void **state)
{
	struct tariff_book book = two_prices();
	struct tariff same = tariff(2, T1 + 1, 1);
	struct tariff negative = tariff(5, T1, -1);
	struct tariff dear = tariff(5, T1, TARIFF_PRICE_MAX + 1);
	struct tariff nobody = tariff(0, T1, 1);
	struct tariff never = tariff(5, INT64_MAX, 1);
	struct tariff_step backwards = {1, T1, T0, true};
	struct tariff_step negative_step = {-1, T0, T1, true};
	struct tariff_step huge = {INT64_MAX / 2, T0, T1, true};
	struct tariff_use use = {0};
	static struct parts parts = {.count = 9};

	(void)state;
	assert_int_equal(tariff_book_add(&book, &same), -EEXIST);
	assert_int_equal(tariff_book_add(&book, &negative), -EINVAL);
	assert_int_equal(tariff_book_add(&book, &dear), -EINVAL);
	assert_int_equal(tariff_book_add(&book, &nobody), -EINVAL);
	assert_int_equal(tariff_book_add(&book, &never), -EINVAL);
	for (int64_t id = 10; book.count < TARIFF_BOOK_MAX; id++) {
		struct tariff more = tariff(id, T1 + id, 1);

		assert_int_equal(tariff_book_add(&book, &more), 0);
	}
	same.id = 99;
	assert_int_equal(tariff_book_add(&book, &same), -ENOSPC);
	assert_int_equal(price_step(&book, &zone, &use, &backwards, &parts), -EINVAL);
	assert_int_equal(price_step(&book, &zone, &use, &negative_step, &parts), -EINVAL);
	assert_int_equal(price_step(&book, &zone, &use, &huge, &parts), -ERANGE);
	assert_int_equal(parts.count, 9);
}

static void the_book_knows_now_and_next(void **state)
{
	struct tariff_book book = two_prices();
	struct tariff corrected = tariff(3, T1, 700000);
	int64_t at_s;

	(void)state;
	assert_null(tariff_at(&book, T0 - 1));
	assert_int_equal(tariff_at(&book, T0)->id, 1);
	assert_int_equal(tariff_staged(&book, T0)->id, 2);
	/* Received later for the same activation: it replaces the staged one. */
	assert_int_equal(tariff_book_add(&book, &corrected), 0);
	assert_int_equal(tariff_staged(&book, T0)->id, 3);
	assert_int_equal(tariff_at(&book, T1)->id, 3);
	assert_null(tariff_staged(&book, T1));
	assert_true(tariff_next_boundary(&book, &zone, T0, &at_s));
	assert_int_equal(at_s, T1);
	assert_false(tariff_next_boundary(&book, &zone, T1, &at_s));
	assert_int_equal(least_nano(&book, 1, INT64_MIN, INT64_MAX, false), 500000);
	assert_int_equal(least_nano(&book, 1, T0, T1 + 5, true), 500000);
	assert_int_equal(least_nano(&book, 1, T1, T1 + 5, true), 700000);
	tariff_book_prune(&book, T1 - 1);
	assert_int_equal(book.count, 3);
	tariff_book_prune(&book, T1);
	assert_int_equal(book.count, 1);
	assert_int_equal(tariff_at(&book, T1)->id, 3);
}

/* Whatever the steps, a register's way is charged whole: consecutive steps lose and double nothing,
 * parts are in order, and each has a price that was in force in its interval. */
static void no_split_loses_a_wh(void **state)
{
	struct random random = random_start("splits", 31);
	long rounds = random_rounds(20000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		struct tariff_book book = {0};
		int64_t tariffs = random_between(&random, 0, TARIFF_BOOK_MAX);
		int64_t at_s = T0 + random_between(&random, -500, 500);
		int64_t total = 0, charged = 0;
		int64_t end_s = CALENDAR_S_MIN;

		for (int64_t id = 1; id <= tariffs; id++) {
			struct tariff one = tariff(id, T0 + random_between(&random, -3000, 3000),
						   random_between(&random, 0, 2000000));

			assert_int_equal(tariff_book_add(&book, &one), 0);
		}
		for (int step_count = 0; step_count < 8; step_count++) {
			struct tariff_use use = {0};
			static struct parts parts;
			struct tariff_step step = {
				random_between(&random, 0, 50) * random_between(&random, 0, 50),
				at_s, at_s + random_between(&random, 0, 900), true};
			int64_t sum = 0;

			assert_int_equal(price_step(&book, &zone, &use, &step, &parts), 0);
			for (size_t k = 0; k < parts.count; k++) {
				assert_true(parts.part[k].wh > 0);
				assert_true(parts.part[k].from_s <= parts.part[k].to_s);
				if (k > 0)
					assert_true(parts.part[k].from_s >= parts.part[k - 1].to_s);
				assert_true(parts.part[k].amount_nano >=
					    least_nano(&book, parts.part[k].wh,
						       parts.part[k].from_s - 31,
						       parts.part[k].to_s + 31, true));
				assert_true(parts.part[k].amount_nano ==
					    parts.part[k].wh * parts.part[k].price_micro_per_kwh);
				sum += parts.part[k].wh;
			}
			assert_int_equal(sum, step.wh);
			if (parts.count > 0) {
				assert_true(parts.part[0].from_s >= end_s - 2 * TARIFF_NEAR_S);
				end_s = parts.part[parts.count - 1].to_s;
			}
			total += step.wh;
			charged += sum;
			at_s = step.to_s;
		}
		assert_int_equal(total, charged);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_split_at_the_boundary),
		cmocka_unit_test(two_boundaries_within_a_minute_take_the_nearest),
		cmocka_unit_test(untimed_energy_takes_the_cheapest_price_in_the_gap),
		cmocka_unit_test(a_gap_reaches_back_no_further_than_the_first_tariff),
		cmocka_unit_test(a_gap_that_begins_with_the_first_tariff_has_its_allowance),
		cmocka_unit_test(the_book_refuses_nonsense),
		cmocka_unit_test(the_book_knows_now_and_next),
		cmocka_unit_test(no_split_loses_a_wh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
