/* Bands and blocks: the public vectors, and what M7 says at every edge. The second implementation
 * (tests/oracle) covers the combinations; here each rule has its own sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/entry.h"
#include "concentrator/tariff_file.h"
#include "tests/unit/random.h"
#include "tests/unit/tariff_parts.h"

#define KWH INT64_C(1000)

/* Berlin: summer time from 2026-03-29 01:00 UTC to 2026-10-25 01:00 UTC. */
static const struct offset_table berlin = {
	.count = 3,
	.transition = {{.from_s = 0, .offset_s = 3600},
		       {.from_s = 1774746000, .offset_s = 7200},
		       {.from_s = 1792890000, .offset_s = 3600}},
};

#define HEAD      "[tariff]\nname = t\nactivation = 2026-01-01 00:00\n[energy]\n"
#define PEAK_DAYS "[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n"

static struct tariff read_tariff(int64_t id, const char *text)
{
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	int r = tariff_file_parse(text, strlen(text), &berlin, &tariff, &from_receipt, &errors);

	if (r < 0)
		fail_msg("%s: %s", text, json_dumps(errors, JSON_ENCODE_ANY));
	tariff.id = id;
	return tariff;
}

static void add(struct tariff_book *book, int64_t id, const char *text)
{
	struct tariff tariff = read_tariff(id, text);

	assert_int_equal(tariff_book_add(book, &tariff), 0);
}

/* Berlin's clock in winter; an hour less in summer. */
static int64_t winter(int32_t month, int32_t day, int32_t hour, int32_t minute)
{
	return calendar_day_number(2026, month, day) * CALENDAR_DAY_S + (hour - 1) * 3600 +
	       minute * 60;
}

static int64_t summer(int32_t month, int32_t day, int32_t hour, int32_t minute)
{
	return winter(month, day, hour, minute) - 3600;
}

static int64_t cost(const struct tariff_book *book, struct tariff_use *use, int64_t wh,
		    int64_t from_s, int64_t to_s)
{
	static struct parts parts;
	struct tariff_step step = {wh, from_s, to_s, true};

	assert_int_equal(price_step(book, &berlin, use, &step, &parts), 0);
	assert_int_equal(parts_wh(&parts), wh);
	return parts_nano(&parts);
}

static void public_vectors_are_exact(void **state)
{
	static const char zhejiang[] = HEAD "blocks = 2760 4800\nreset = year 01-01\n"
					    "price = 0.538 0.588 0.838\n";
	static const char steg[] = HEAD "blocks = 200 300\nreset = month 1\n"
					"price = 0.195 0.240 0.333\n";
	static const char gb[] = HEAD "price = 0.2492\n";
	static const struct {
		const char *sentence;
		const char *text;
		int64_t kwh;
		int64_t nano;
	} cases[] = {
		{"Zhejiang: 2,760 kWh are the first block", zhejiang, 2760, 1484880000000},
		{"Zhejiang: the next kWh is the second", zhejiang, 2761, 1485468000000},
		{"Zhejiang: 4,800 kWh end the second block", zhejiang, 4800, 2684400000000},
		{"Zhejiang: the next kWh is the third", zhejiang, 4801, 2685238000000},
		{"Zhejiang: 6,000 kWh", zhejiang, 6000, 3690000000000},
		{"STEG: 400 kWh", steg, 400, 96300000000},
		{"Great Britain: 300 kWh without the standing charge", gb, 300, 74760000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_book book = {0};
		struct tariff_use at_once = {0}, in_steps = {0};
		int64_t sum = 0;
		int64_t wh = cases[i].kwh * KWH;

		print_message("%s\n", cases[i].sentence);
		add(&book, 1, cases[i].text);
		assert_int_equal(cost(&book, &at_once, wh, winter(2, 1, 0, 0), winter(2, 2, 0, 0)),
				 cases[i].nano);
		for (int part = 0; part < 7; part++)
			sum += cost(&book, &in_steps, wh * (part + 1) / 7 - wh * part / 7,
				    winter(2, 1 + part, 0, 0), winter(2, 2 + part, 0, 0));
		assert_int_equal(sum, cases[i].nano);
	}
}

static void bands_share_the_blocks(void **state)
{
	static const char text[] = HEAD "blocks = 2760 4800\nreset = year 01-01\n"
					"[band peak]\nprice = 0.568 0.618 0.868\n"
					"[band valley]\nprice = 0.288 0.338 0.588\n" PEAK_DAYS;
	struct tariff_book book = {0};
	struct tariff_use use = {0};

	(void)state;
	add(&book, 1, text);
	/* Zhejiang: peak 1,000 and valley 500 are 712.00, all in the first block. */
	assert_int_equal(
		cost(&book, &use, 1000 * KWH, winter(2, 1, 8, 0), winter(2, 1, 22, 0)) +
			cost(&book, &use, 500 * KWH, winter(2, 1, 22, 0), winter(2, 2, 8, 0)),
		712000000000);
	/* Peak 1,800 and valley 1,200 are 1,380.00: 960 of the valley reach the first block's end. */
	use = (struct tariff_use){0};
	assert_int_equal(
		cost(&book, &use, 1800 * KWH, winter(2, 1, 8, 0), winter(2, 1, 22, 0)) +
			cost(&book, &use, 1200 * KWH, winter(2, 1, 22, 0), winter(2, 2, 8, 0)),
		1380000000000);
}

/* 1 a kWh by day, 0.1 by night. */
static struct tariff_book day_and_night(void)
{
	struct tariff_book book = {0};

	add(&book, 1, HEAD "[band peak]\nprice = 1\n[band valley]\nprice = 0.1\n" PEAK_DAYS);
	return book;
}

static void bands_follow_the_local_clock(void **state)
{
	static const struct {
		const char *sentence;
		int32_t hours_valley, hours_peak;
		int64_t from_s, to_s;
	} cases[] = {
		{"a day has ten hours of valley", 10, 14, 1767999600, 1768086000},
		{"the day of 23 hours has nine", 9, 14, 1774738800, 1774821600},
		{"the day of 25 hours has eleven", 11, 14, 1792879200, 1792969200},
	};
	struct tariff_book book = day_and_night();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_use use = {0};
		int64_t hours = (cases[i].to_s - cases[i].from_s) / 3600;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(hours, cases[i].hours_valley + cases[i].hours_peak);
		assert_int_equal(cost(&book, &use, hours * KWH, cases[i].from_s, cases[i].to_s),
				 cases[i].hours_valley * INT64_C(100000000) +
					 cases[i].hours_peak * INT64_C(1000000000));
	}
}

static void a_band_in_the_repeated_hour_happens_twice(void **state)
{
	struct tariff_book book = {0};
	struct tariff_use use = {0};
	int64_t at_s = summer(10, 25, 0, 0);
	static const int64_t expected[] = {1792888200, 1792890000, 1792891800, 1792893600};

	(void)state;
	add(&book, 1,
	    HEAD "[band a]\nprice = 1\n[band b]\nprice = 2\n"
		 "[days all]\non = mon-sun\nbands = 00:00 a 02:30 b 03:00 a\n");
	/* 02:30 in summer time, back to 02:00, 02:30 in winter time, 03:00. */
	for (size_t i = 0; i < 4; i++) {
		assert_true(tariff_next_boundary(&book, &berlin, at_s, &at_s));
		assert_int_equal(at_s, expected[i]);
	}
	/* The skipped hour has none of it. */
	assert_false(
		tariff_boundary(&book, &berlin, winter(3, 29, 0, 0), summer(3, 29, 23, 59), &at_s));
	assert_int_equal(cost(&book, &use, 5 * KWH, winter(3, 29, 1, 0), summer(3, 29, 7, 0)),
			 5000000000);
}

static void weekdays_special_days_and_seasons_choose_the_bands(void **state)
{
	static const char text[] = HEAD "[band a]\nprice = 1\n[band b]\nprice = 2\n"
					"[band c]\nprice = 3\n[band d]\nprice = 4\n"
					"[season summer]\nfrom = 04-01\n"
					"[season winter]\nfrom = 10-01\n"
					"[special holiday]\ndays = 05-01 2026-04-06\n"
					"[special makeup]\ndays = 2026-04-12\n"
					"[days work]\non = mon-fri makeup\nbands = 00:00 a\n"
					"[days rest]\non = sat, sun, holiday\nbands = 00:00 b\n"
					"[days cold]\non = mon-fri\nseason = winter\n"
					"bands = 00:00 c\n"
					"[days xmas]\non = holiday\nseason = winter\n"
					"bands = 00:00 d\n";
	static const struct {
		const char *sentence;
		int32_t month, day;
		int64_t nano;
	} cases[] = {
		{"a Tuesday in summer", 4, 7, 1000000000},
		{"a Saturday in summer", 4, 11, 2000000000},
		{"a holiday of this year on a Monday", 4, 6, 2000000000},
		{"a holiday of every year on a Friday", 5, 1, 2000000000},
		{"a Sunday that is worked", 4, 12, 1000000000},
		{"a Tuesday in winter: what names the season goes first", 11, 3, 3000000000},
		{"a Saturday in winter", 11, 7, 2000000000},
		{"winter holds over the new year", 1, 6, 3000000000},
	};
	struct tariff_book book = {0};

	(void)state;
	add(&book, 1, text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_use use = {0};
		int64_t noon_s = winter(cases[i].month, cases[i].day, 12, 0);

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(cost(&book, &use, KWH, noon_s, noon_s + 3600), cases[i].nano);
	}
}

static void a_midnight_between_equal_bands_is_no_boundary(void **state)
{
	struct tariff_book book = day_and_night();
	struct tariff_use use = {0};
	static struct parts parts;
	struct tariff_step step = {100, winter(2, 1, 23, 0), winter(2, 2, 1, 0), true};

	(void)state;
	assert_int_equal(price_step(&book, &berlin, &use, &step, &parts), 0);
	assert_int_equal(parts.count, 1);
	assert_int_equal(parts.part[0].flags, 0);
}

static struct tariff_book monthly(const char *more)
{
	char text[512];
	struct tariff_book book = {0};

	snprintf(text, sizeof(text), HEAD "blocks = 31\nreset = month 1\nprice = 1 2\n%s", more);
	add(&book, 1, text);
	return book;
}

static void blocks_begin_anew_with_the_period(void **state)
{
	struct tariff_book book = monthly("");
	struct tariff_use use = {0};

	(void)state;
	assert_int_equal(cost(&book, &use, 31 * KWH, winter(1, 10, 0, 0), winter(1, 20, 0, 0)),
			 31000000000);
	assert_int_equal(tariff_rate(&book, &berlin, &use, winter(1, 20, 0, 0)), 2000000);
	/* Half of these 2 kWh is January's second block, half is February's first. */
	assert_int_equal(cost(&book, &use, 2 * KWH, winter(1, 31, 23, 0), winter(2, 1, 1, 0)),
			 3000000000);
	assert_int_equal(use.now.wh, KWH);
	assert_int_equal(use.before.wh, 32 * KWH);
	/* A meter of the same account that comes late finds January as it was. */
	assert_int_equal(cost(&book, &use, KWH, winter(1, 31, 20, 0), winter(1, 31, 21, 0)),
			 2000000000);
	assert_int_equal(tariff_rate(&book, &berlin, &use, winter(2, 1, 1, 0)), 1000000);
}

static void edges_are_prorated_or_whole(void **state)
{
	struct tariff_book whole = monthly("");
	struct tariff_book prorated = monthly("move-in = prorated\n");
	struct tariff_use here = {.opened_s = winter(1, 22, 15, 0)};
	struct tariff_use there = here;

	(void)state;
	/* Ten of 31 days: 10 kWh. */
	assert_int_equal(cost(&prorated, &here, 11 * KWH, winter(1, 23, 0, 0), winter(1, 24, 0, 0)),
			 12000000000);
	assert_int_equal(cost(&whole, &there, 11 * KWH, winter(1, 23, 0, 0), winter(1, 24, 0, 0)),
			 11000000000);
	/* The next month is whole for both. */
	assert_int_equal(cost(&prorated, &here, 31 * KWH, winter(2, 3, 0, 0), winter(2, 4, 0, 0)),
			 31000000000);
}

static void the_position_outlives_a_version_of_the_same_period(void **state)
{
	static const char same[] = "[tariff]\nname = u\nactivation = 2026-01-16 00:00\n[energy]\n"
				   "blocks = 20\nreset = month 1\nprice = 3 4\n";
	static const char other[] = "[tariff]\nname = u\nactivation = 2026-01-16 00:00\n[energy]\n"
				    "blocks = 20\nreset = year 01-01\nprice = 3 4\n";
	struct tariff_book kept = monthly(""), anew = monthly("");
	struct tariff_use here = {0}, there = {0};

	(void)state;
	add(&kept, 2, same);
	add(&anew, 2, other);
	(void)cost(&kept, &here, 15 * KWH, winter(1, 10, 0, 0), winter(1, 11, 0, 0));
	(void)cost(&anew, &there, 15 * KWH, winter(1, 10, 0, 0), winter(1, 11, 0, 0));
	assert_int_equal(cost(&kept, &here, 10 * KWH, winter(1, 20, 0, 0), winter(1, 21, 0, 0)),
			 5 * INT64_C(3000000000) + 5 * INT64_C(4000000000));
	assert_int_equal(cost(&anew, &there, 10 * KWH, winter(1, 20, 0, 0), winter(1, 21, 0, 0)),
			 10 * INT64_C(3000000000));
	/* Also when the book has let go of the first version. */
	tariff_book_prune(&kept, winter(1, 20, 0, 0));
	assert_int_equal(kept.count, 1);
	here = (struct tariff_use){0};
	tariff_use_add(&here, &kept, &berlin, winter(1, 10, 0, 0), 15 * KWH, 0);
	assert_int_equal(cost(&kept, &here, 10 * KWH, winter(1, 20, 0, 0), winter(1, 21, 0, 0)),
			 5 * INT64_C(3000000000) + 5 * INT64_C(4000000000));
}

static void terms_begin_on_their_dates(void **state)
{
	struct tariff_book book = {0};
	struct tariff_period period;

	(void)state;
	add(&book, 1, HEAD "blocks = 5\nreset = term 02-20 09-01\nprice = 1 2\n");
	assert_true(tariff_period_at(&book, &berlin, summer(8, 31, 23, 59), 0, &period));
	assert_int_equal(period.since_s, winter(2, 20, 0, 0));
	assert_int_equal(period.until_s, summer(9, 1, 0, 0));
	assert_true(tariff_period_at(&book, &berlin, summer(9, 1, 0, 0), 0, &period));
	assert_int_equal(period.since_s, summer(9, 1, 0, 0));
	/* Before the first date of the year last autumn's term holds, from the tariff's begin on. */
	assert_true(tariff_period_at(&book, &berlin, winter(1, 5, 0, 0), 0, &period));
	assert_int_equal(period.since_s, winter(1, 1, 0, 0));
	assert_int_equal(period.until_s, winter(2, 20, 0, 0));
}

static int64_t least(const struct tariff_book *book, const struct tariff_use *from, int64_t wh,
		     int64_t from_s, int64_t to_s)
{
	struct tariff_use use = *from;
	struct tariff_step step = {wh, from_s, to_s, true};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int64_t sum = 0;

	assert_int_equal(tariff_least_begin(&pricing, book, &berlin, &use, &step), 0);
	while (tariff_price_next(&pricing, &part) > 0)
		sum += part.amount_nano;
	return sum;
}

static void the_least_is_the_cheapest_band_touched(void **state)
{
	struct tariff_book book = day_and_night();
	struct tariff_book blocks = monthly("");
	struct tariff_use use = {0};

	(void)state;
	assert_int_equal(least(&book, &use, KWH, winter(2, 1, 9, 0), winter(2, 1, 21, 59)),
			 1000000000);
	assert_int_equal(least(&book, &use, KWH, winter(2, 1, 9, 0), winter(2, 1, 22, 0)),
			 100000000);
	(void)cost(&blocks, &use, 31 * KWH, winter(1, 10, 0, 0), winter(1, 20, 0, 0));
	assert_int_equal(least(&blocks, &use, KWH, winter(1, 31, 9, 0), winter(1, 31, 23, 59)),
			 2000000000);
	/* Once the month may have ended, all of it may be February's. */
	assert_int_equal(least(&blocks, &use, KWH, winter(1, 31, 9, 0), winter(2, 1, 0, 0)),
			 1000000000);
}

/* Splitting a step at any reading in it, or merging two that no boundary parts, changes nothing;
 * neither does adding the use up anew from the charges; and nothing costs less than the least. */
static void splitting_and_merging_change_nothing(void **state)
{
	struct random random = random_start("readings", 77);
	long rounds = random_rounds(20000);
	struct tariff_book book = {0};

	(void)state;
	add(&book, 1,
	    HEAD "blocks = 0.4 1.5\nreset = day\n"
		 "[band peak]\nprice = 1 2.5 4\n[band valley]\nprice = 0.1 0.2 0.3\n" PEAK_DAYS);
	for (long i = 0; i < rounds; i++) {
		static struct parts parts;
		struct tariff_use whole = {0}, split = {0}, again = {0};
		/* From 08:01 to 21:59: within one band of one day, so one stretch. */
		int64_t from_s = winter(2, 1, 8, 1) + random_between(&random, 0, 40000);
		int64_t to_s = from_s + random_between(&random, 0, 10000);
		int64_t wh = random_between(&random, 0, 3000);
		int64_t some_wh = random_between(&random, 0, wh);
		int64_t middle_s = random_between(&random, from_s, to_s);
		struct tariff_step step = {wh, from_s, to_s, true};
		int64_t in_two;

		if (to_s > winter(2, 1, 21, 59))
			continue;
		in_two = cost(&book, &split, some_wh, from_s, middle_s) +
			 cost(&book, &split, wh - some_wh, middle_s, to_s);
		assert_int_equal(price_step(&book, &berlin, &whole, &step, &parts), 0);
		assert_int_equal(parts_nano(&parts), in_two);
		assert_int_equal(whole.now.wh, split.now.wh);
		for (size_t k = parts.count; k > 0; k--)
			tariff_use_add(&again, &book, &berlin, parts.part[k - 1].from_s,
				       parts.part[k - 1].wh, parts.part[k - 1].flags);
		assert_memory_equal(&again.now, &whole.now, sizeof(again.now));
		again = (struct tariff_use){0};
		assert_true(least(&book, &again, wh, from_s, to_s) <= in_two);
	}
}

/* What parts cost with the tax that is added, carried from step to step. */
static int64_t taxed_cost(const struct tariff_book *book, struct tariff_use *use,
			  struct tax_carry *carry, int64_t wh, int64_t from_s, int64_t to_s)
{
	static struct parts parts;
	const struct tariff_step step = {wh, from_s, to_s, true};

	assert_int_equal(price_step(book, &berlin, use, &step, &parts), 0);
	for (size_t i = 0; i < parts.count; i++)
		assert_int_equal(tax_add(carry, parts.part[i].amount_nano, parts.part[i].tax_ppm),
				 0);
	return parts_nano(&parts);
}

/* The same where some of the energy is free and tax is added: amount, tax and what is carried of it. */
static void splitting_changes_no_allowance_and_no_tax(void **state)
{
	struct random random = random_start("free and taxed", 78);
	long rounds = random_rounds(5000);
	struct tariff_book book = {0};

	(void)state;
	add(&book, 1,
	    HEAD "blocks = 0.4 1.5\nreset = day\n"
		 "[band peak]\nprice = 1 2.5 4\n[band valley]\nprice = 0.1 0.2 0.3\n" PEAK_DAYS
		 "[allowance]\nenergy = 0.7\nevery = day\n[tax]\nrate = 13.3333\nis = added\n");
	for (long i = 0; i < rounds; i++) {
		struct tariff_use whole = {0}, split = {0};
		struct tax_carry one = {0}, several = {0};
		int64_t from_s = winter(2, 1, 8, 1), to_s = winter(2, 1, 21, 59);
		int64_t wh = random_between(&random, 0, 3000), nano = 0;
		int64_t at_s = from_s, used_wh = 0;

		while (at_s < to_s) {
			int64_t next_s = random_between(&random, at_s + 1, to_s);
			int64_t step_wh = next_s == to_s ? wh - used_wh
							 : random_between(&random, 0, wh - used_wh);

			nano += taxed_cost(&book, &split, &several, step_wh, at_s, next_s);
			used_wh += step_wh;
			at_s = next_s;
		}
		assert_int_equal(taxed_cost(&book, &whole, &one, wh, from_s, to_s), nano);
		assert_int_equal(one.nano, several.nano);
		assert_int_equal(one.rest, several.rest);
		assert_int_equal(whole.now.wh, split.now.wh);
		assert_int_equal(whole.free_now.wh, split.free_now.wh);
	}
}

/* Where each block costs the same more in every band, it is no matter which energy comes first. */
static void the_order_is_no_matter_where_blocks_are_parallel(void **state)
{
	enum { STEPS = 6 };
	struct random random = random_start("order", 79);
	long rounds = random_rounds(5000);
	struct tariff_book book = {0};

	(void)state;
	add(&book, 1,
	    HEAD
	    "blocks = 1 2.5\nreset = month 1\n"
	    "[band peak]\nprice = 1 1.5 2.25\n[band valley]\nprice = 0.1 0.6 1.35\n" PEAK_DAYS);
	for (long i = 0; i < rounds; i++) {
		struct tariff_use sorted = {0}, shuffled = {0};
		struct tariff_step steps[STEPS];
		int64_t nano = 0;

		for (int n = 0; n < STEPS; n++) {
			/* Nights and days in turn, each within one band of February. */
			int64_t from_s = winter(2, 3 + n / 2, n % 2 == 0 ? 1 : 9, 0);

			steps[n] = (struct tariff_step){random_between(&random, 0, 900), from_s,
							from_s + 3600, true};
			nano += cost(&book, &sorted, steps[n].wh, from_s, from_s + 3600);
		}
		for (int n = STEPS - 1; n >= 0; n--) {
			int64_t other = random_between(&random, 0, n);
			struct tariff_step step = steps[other];

			steps[other] = steps[n];
			nano -= cost(&book, &shuffled, step.wh, step.from_s, step.to_s);
		}
		assert_int_equal(nano, 0);
		assert_int_equal(sorted.now.wh, shuffled.now.wh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_vectors_are_exact),
		cmocka_unit_test(bands_share_the_blocks),
		cmocka_unit_test(bands_follow_the_local_clock),
		cmocka_unit_test(a_band_in_the_repeated_hour_happens_twice),
		cmocka_unit_test(weekdays_special_days_and_seasons_choose_the_bands),
		cmocka_unit_test(a_midnight_between_equal_bands_is_no_boundary),
		cmocka_unit_test(blocks_begin_anew_with_the_period),
		cmocka_unit_test(edges_are_prorated_or_whole),
		cmocka_unit_test(the_position_outlives_a_version_of_the_same_period),
		cmocka_unit_test(terms_begin_on_their_dates),
		cmocka_unit_test(the_least_is_the_cheapest_band_touched),
		cmocka_unit_test(splitting_and_merging_change_nothing),
		cmocka_unit_test(splitting_changes_no_allowance_and_no_tax),
		cmocka_unit_test(the_order_is_no_matter_where_blocks_are_parallel),
	};

	return cmocka_run_group_tests_name("tariff_price", tests, NULL, NULL);
}
