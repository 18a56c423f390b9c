/* price_interval.c - how long pricing one step takes: prints nanoseconds.
 *
 * Three blocks and four bands, weekdays apart from weekends, in a zone with summer time: steps of ten
 * seconds to two minutes one after another over a year, as readings give them. The median of some runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "concentrator/rules/tariff_price.h"
#include "concentrator/tariff_file.h"

#define RUNS    9
#define STEPS   500000
#define START_S INT64_C(1767225600)

static const char text[] =
	"[tariff]\nname = bench\nactivation = 2025-12-01 00:00\n"
	"[energy]\nblocks = 230 400\nreset = month 1\n"
	"[band peak]\nprice = 0.9 1.0 1.3\n[band high]\nprice = 0.7 0.8 1.1\n"
	"[band flat]\nprice = 0.5 0.6 0.9\n[band valley]\nprice = 0.2 0.3 0.5\n"
	"[days work]\non = mon-fri\nbands = 00:00 valley 06:00 flat 08:00 high "
	"10:00 peak 12:00 flat 18:00 peak 21:00 high 23:00 valley\n"
	"[days rest]\non = sat sun\nbands = 00:00 valley 08:00 flat 22:00 valley\n";

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t one, other;

	memcpy(&one, a, sizeof(one));
	memcpy(&other, b, sizeof(other));
	return (one > other) - (one < other);
}

/* Prices a year of steps; what they cost keeps the work from being left out. */
static int64_t price_year(const struct tariff_book *book, const struct offset_table *zone)
{
	struct tariff_use use = {0};
	int64_t at_s = START_S, total_nano = 0;
	uint32_t random = 1;

	for (int i = 0; i < STEPS; i++) {
		struct tariff_step step = {.from_s = at_s, .timed = true};
		struct tariff_pricing pricing;
		struct tariff_part part;

		random = random * 1664525 + 1013904223;
		step.wh = random >> 27;
		step.to_s = at_s + 10 + (random >> 8) % 110;
		if (tariff_price_begin(&pricing, book, zone, &use, &step) < 0)
			exit(1);
		while (tariff_price_next(&pricing, &part) > 0)
			total_nano += part.amount_nano;
		at_s = step.to_s;
	}
	return total_nano;
}

int main(void)
{
	static struct tariff_book book;
	/* Two changes of the clock a year, 30 years. */
	struct offset_table zone = {.count = 60};
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	int64_t ns[RUNS], total_nano = 0;

	for (int i = 0; i < 60; i++)
		zone.transition[i] = (struct offset_transition){
			.from_s = START_S - INT64_C(471744000) + i * INT64_C(15724800),
			.offset_s = i % 2 == 0 ? 3600 : 7200};
	if (tariff_file_parse(text, strlen(text), &zone, &tariff, &from_receipt, &errors) < 0)
		return 1;
	tariff.id = 1;
	if (tariff_book_add(&book, &tariff) < 0)
		return 1;
	for (int run = 0; run < RUNS; run++) {
		int64_t begin_ns = now_ns();

		total_nano += price_year(&book, &zone);
		ns[run] = (now_ns() - begin_ns) / STEPS;
	}
	qsort(ns, RUNS, sizeof(ns[0]), compare);
	printf("%lld\n", (long long)ns[RUNS / 2]);
	return total_nano > 0 ? 0 : 1;
}
