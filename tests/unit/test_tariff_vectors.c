/* Every public tariff vector, from the text of the tariff to the entries.
 *
 * Zhejiang residential tariff; GB prepayment price cap, October to December 2025; STEG, Tunisia; and the
 * allowances of dormitories, from public notices. Amounts are theirs, to the nano. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/dated.h"
#include "concentrator/rules/settle.h"
#include "concentrator/tariff_file.h"

#define MILLI       INT64_C(1000000) /* of the currency, in nano */
#define STEPS_MAX   8
#define HEAD(price) "[tariff]\nname = vector\nactivation = 2025-01-01 00:00\n[energy]\n" price

#define ZHEJIANG HEAD("blocks = 2760 4800\nreset = year 01-01\nprice = 0.538 0.588 0.838\n")
#define ZHEJIANG_BANDS                                                                             \
	HEAD("blocks = 2760 4800\nreset = year 01-01\n")                                           \
	"[band peak]\nprice = 0.568 0.618 0.868\n[band valley]\nprice = 0.288 0.338 0.588\n"       \
	"[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n"
#define GREAT_BRITAIN   HEAD("price = 0.2492\n") "[standing]\nper-day = 0.5137\n"
#define STEG            HEAD("blocks = 200 300\nreset = month 1\nprice = 0.195 0.240 0.333\n")
#define DORMITORY(rows) HEAD("price = 0.55\n") "[allowance]\n" rows

/* Use until an instant of Shanghai's clock: month, day and hour of 2025, or of 2026 from month 13 on. */
struct used {
	int month, day, hour;
	int64_t kwh;
};

static const struct {
	const char *sentence;
	const char *text;
	int32_t persons; /* 0: nobody says */
	struct used used[STEPS_MAX];
	int64_t milli; /* what it costs, in thousandths of the currency */
	int64_t free_kwh;
} vectors[] = {
	{"Zhejiang: 2,760 kWh in a year", ZHEJIANG, 0, {{6, 1, 0, 2760}}, 1484880, 0},
	{"Zhejiang: 2,761 kWh", ZHEJIANG, 0, {{6, 1, 0, 2761}}, 1485468, 0},
	{"Zhejiang: 4,800 kWh", ZHEJIANG, 0, {{3, 1, 0, 2000}, {9, 1, 0, 2800}}, 2684400, 0},
	{"Zhejiang: 4,801 kWh", ZHEJIANG, 0, {{3, 1, 0, 4000}, {9, 1, 0, 801}}, 2685238, 0},
	{"Zhejiang: 6,000 kWh", ZHEJIANG, 0, {{3, 1, 0, 1}, {9, 1, 0, 5999}}, 3690000, 0},
	{"Zhejiang by bands: peak 1,000 and valley 500",
	 ZHEJIANG_BANDS,
	 0,
	 {{1, 1, 8, 200}, {1, 1, 22, 1000}, {1, 2, 8, 300}},
	 712000,
	 0},
	{"Zhejiang by bands: peak 1,800 and valley 1,200",
	 ZHEJIANG_BANDS,
	 0,
	 {{1, 1, 8, 600}, {1, 1, 22, 900}, {1, 2, 8, 600}, {1, 2, 22, 900}},
	 1380000,
	 0},
	{"Great Britain: 300 kWh in 30 days", GREAT_BRITAIN, 0, {{1, 31, 0, 300}}, 90171, 0},
	{"Tunisia: 400 kWh in a month", STEG, 0, {{1, 31, 0, 400}}, 96300, 0},
	{"8 kWh per student and month, 4 students, nothing kept",
	 DORMITORY("energy = 8\nevery = month 1\nper = person\n"),
	 4,
	 {{2, 1, 0, 40}, {3, 1, 0, 20}, {4, 1, 0, 40}},
	 16 * 550,
	 32 + 20 + 32},
	{"5 kWh per person and month for 5 months, unused kept, the rest at the price",
	 DORMITORY("energy = 5\nevery = month 1\nper = person\ncarried-to = end\n"),
	 2,
	 {{2, 1, 0, 6}, {3, 1, 0, 13}, {4, 1, 0, 12}, {5, 1, 0, 0}, {6, 1, 0, 25}},
	 6 * 550, /* 10, 4 + 10, 1 + 10 (1 short), 10, 10 + 10 (5 short) */
	 6 + 13 + 11 + 20},
	{"8 + 24 kWh per person and month, carried within the year",
	 DORMITORY("energy = 32\nevery = month 1\nper = person\ncarried-to = year 01-01\n"),
	 1,
	 {{2, 1, 0, 0}, {12, 1, 0, 300}, {13, 1, 0, 80}, {14, 1, 0, 40}},
	 8 * 550, /* 12 x 32 = 384 are enough for 380; the 4 left end with the year: 40 - 32 */
	 300 + 80 + 32},
	{"300 kWh an academic year, expiring",
	 DORMITORY("energy = 300\nevery = year 09-01\n"),
	 0,
	 {{8, 1, 0, 350}, {9, 1, 0, 10}, {13, 1, 0, 290}, {14, 1, 0, 15}},
	 (50 + 10 + 5) * 550,
	 300 + 290 + 10},
	{"free energy counts in the blocks",
	 HEAD("blocks = 50\nreset = month 1\nprice = 0.5 1\n") "[allowance]\nenergy = 30\nevery = "
							       "month 1\n",
	 0,
	 {{1, 10, 0, 60}},
	 20 * 500 + 10 * 1000,
	 30},
	{"free energy counts in no block, where the tariff says so",
	 HEAD("blocks = 50\nreset = month 1\nprice = 0.5 1\n") "[allowance]\nenergy = 30\nevery = "
							       "month 1\nin-blocks = no\n",
	 0,
	 {{1, 10, 0, 60}, {1, 20, 0, 25}},
	 50 * 500 + 5 * 1000,
	 30},
};

static const struct offset_table shanghai = {.count = 1, .transition = {{INT64_MIN, 28800}}};

static int64_t instant_s(const struct used *used)
{
	return calendar_day_number(2025 + (used->month - 1) / 12, (used->month - 1) % 12 + 1,
				   used->day) *
		       CALENDAR_DAY_S +
	       used->hour * 3600 - 28800;
}

static int64_t standing_nano(const struct tariff_book *book, int64_t opened_s, int64_t until_s)
{
	struct dated_account account = {.opened_s = opened_s};
	struct instant now = {.s = until_s, .trusted = true};
	struct dated_event event;
	int64_t sum = 0;

	for (int i = 0; i < DATED_RULES; i++)
		account.last_day[i] = DATED_NEVER;
	while (dated_next(&account, book, &shanghai, &now, &event)) {
		sum += event.amount_nano;
		dated_done(&account, &event);
	}
	return sum;
}

static void add(struct tariff_book *book, const char *text)
{
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;

	if (tariff_file_parse(text, strlen(text), &shanghai, &tariff, &from_receipt, &errors) < 0)
		fail_msg("%s: %s", text, json_dumps(errors, 0));
	tariff.id = 1;
	assert_int_equal(tariff_book_add(book, &tariff), 0);
}

/* In so many readings a step; the last one of each is at its end. */
static void run_vector(size_t n, int64_t readings)
{
	struct tariff_book book = {0};
	const struct used begin = {1, 1, 0, 0};
	const struct tariff_persons persons = {.count = vectors[n].persons > 0 ? 1 : 0,
					       .change = {{.persons = vectors[n].persons}}};
	struct tariff_use use = {.opened_s = instant_s(&begin), .persons = &persons};
	struct mark settled = {.at_s = instant_s(&begin), .dated = true};
	int64_t nano = 0, free_wh = 0, charged_wh = 0;

	add(&book, vectors[n].text);
	for (const struct used *used = vectors[n].used; used->month > 0; used++) {
		struct mark from = settled;

		for (int64_t i = 1; i <= readings; i++) {
			struct mark accepted = {.wh = from.wh + used->kwh * 1000 * i / readings,
						.at_s = from.at_s + (instant_s(used) - from.at_s) *
									    i / readings,
						.dated = true};
			struct instant now = {.s = accepted.at_s, .trusted = true};
			struct settlement settlement;
			struct entry entry;

			assert_int_equal(settle_begin(&settlement, &settled, &accepted, &book,
						      &shanghai, &use, ENTRY_CHARGE, &now, NULL),
					 0);
			while (settle_next(&settlement, &entry) > 0) {
				nano -= entry.amount_nano;
				charged_wh += entry.energy_wh;
				if (entry.flags & ENTRY_FREE) {
					assert_int_equal(entry.amount_nano, 0);
					free_wh += entry.energy_wh;
				}
			}
			settled = accepted;
		}
	}
	assert_int_equal(charged_wh, settled.wh);
	nano += standing_nano(&book, instant_s(&begin), settled.at_s);
	if (nano != vectors[n].milli * MILLI || free_wh != vectors[n].free_kwh * 1000)
		fail_msg("%s, %lld readings: %lld nano, %lld Wh free", vectors[n].sentence,
			 (long long)readings, (long long)nano, (long long)free_wh);
}

static void every_public_vector_costs_what_was_published(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(vectors) / sizeof(vectors[0]); n++)
		for (int64_t readings = 1; readings <= 1000; readings *= 10)
			run_vector(n, readings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_public_vector_costs_what_was_published),
	};

	return cmocka_run_group_tests_name("tariff_vectors", tests, NULL, NULL);
}
