/* Dated events: each day once, whatever the clock does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/dated.h"
#include "tests/unit/random.h"

#define DAY_S        CALENDAR_DAY_S
#define NANO         INT64_C(1000000000)
#define DAY(y, m, d) calendar_day_number(y, m, d)

static const struct offset_table shanghai = {.count = 1, .transition = {{INT64_MIN, 28800}}};
/* Berlin: 2026-03-29 01:00 UTC to summer, 2026-10-25 01:00 UTC back. */
static const struct offset_table berlin = {
	.count = 3, .transition = {{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}}};
/* Apia left out 2011-12-30. */
static const struct offset_table apia = {.count = 2,
					 .transition = {{INT64_MIN, -36000}, {1325239200, 50400}}};

static struct dated_account account_opened(int64_t at_s)
{
	struct dated_account account = {.opened_s = at_s};

	for (int i = 0; i < DATED_RULES; i++)
		account.last_day[i] = DATED_NEVER;
	return account;
}

static struct instant at(int64_t s)
{
	return (struct instant){.us = 1, .s = s, .trusted = true};
}

static void add(struct tariff_book *book, int64_t id, int64_t activation_s, int64_t day_nano,
		int64_t month_nano)
{
	const struct tariff tariff = {.id = id,
				      .activation_s = activation_s,
				      .standing = {.day_nano = day_nano, .month_nano = month_nano}};

	assert_int_equal(tariff_book_add(book, &tariff), 0);
}

/* Does all that is due; returns how many days, and what they took. */
static int take(struct dated_account *account, const struct tariff_book *book,
		const struct offset_table *zone, int64_t now_s, int64_t *amount_nano)
{
	struct instant now = at(now_s);
	struct dated_event event;
	int64_t last = INT64_MIN;
	int count = 0;

	while (dated_next(account, book, zone, &now, &event)) {
		assert_true(event.day > last);
		assert_true(event.due_s <= now_s && event.from_s < event.to_s);
		last = event.day;
		dated_done(account, &event);
		*amount_nano += event.amount_nano;
		count++;
	}
	return count;
}

static void a_day_falls_due_at_the_first_instant_after_it(void **state)
{
	static const struct {
		const char *sentence;
		const struct offset_table *zone;
		int64_t opened_s, due_s, long_s;
	} cases[] = {
		{"an ordinary day in Shanghai", &shanghai, 1767225600, 1767283200, DAY_S},
		{"a day of 23 hours", &berlin, 1774738800, 1774821600, 82800},
		{"a day of 25 hours", &berlin, 1792879200, 1792969200, 90000},
		{"the leap day", &shanghai, 1835366400, 1835452800, DAY_S},
		{"the day before one that the calendar leaves out", &apia, 1325170000, 1325239200,
		 DAY_S},
	};
	struct tariff_book book = {0};

	(void)state;
	add(&book, 1, 0, NANO, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dated_account account = account_opened(cases[i].opened_s);
		struct instant now = at(cases[i].due_s - 1);
		struct dated_event event;

		if (dated_next(&account, &book, cases[i].zone, &now, &event))
			fail_msg("%s: due before it has ended", cases[i].sentence);
		now.s++;
		if (!dated_next(&account, &book, cases[i].zone, &now, &event) ||
		    event.due_s != cases[i].due_s || event.to_s - event.from_s != cases[i].long_s)
			fail_msg("%s: not due at its end", cases[i].sentence);
		now.trusted = false;
		assert_false(dated_next(&account, &book, cases[i].zone, &now, &event));
	}
}

static void each_day_is_done_once_whatever_the_clock_does(void **state)
{
	struct random random = random_start("dated", 31);
	struct tariff_book book = {0};
	int64_t begin_s = 1767196800; /* 2026-01-01 in Shanghai */

	(void)state;
	add(&book, 1, begin_s - 40 * DAY_S, NANO, 0);
	for (long round = 0; round < random_rounds(400); round++) {
		struct dated_account account = account_opened(begin_s);
		int64_t latest_s = begin_s, amount_nano = 0;
		int count = 0;

		for (int step = 0; step < 60; step++) {
			int64_t now_s = begin_s + random_between(&random, 0, 40 * DAY_S);

			if (random_between(&random, 0, 2) > 0)
				now_s = latest_s + random_between(&random, -3 * DAY_S, DAY_S);
			count += take(&account, &book, &shanghai, now_s, &amount_nano);
			if (now_s > latest_s)
				latest_s = now_s;
		}
		assert_int_equal(count, (latest_s - begin_s) / DAY_S);
		assert_int_equal(amount_nano, count * NANO);
	}
}

static void more_than_three_missed_days_are_told(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(1767196800);
	struct dated_event event;

	(void)state;
	add(&book, 1, 0, NANO, 0);
	for (int64_t days = 1; days < 40; days++) {
		struct instant now = at(1767196800 + days * DAY_S + 5);

		assert_true(dated_next(&account, &book, &shanghai, &now, &event));
		assert_int_equal(dated_missed(&event, &shanghai, &now), days);
		assert_int_equal(dated_last_due(&event, &shanghai, &now), event.day + days - 1);
	}
}

static void a_month_is_shared_among_its_days_to_the_nano(void **state)
{
	struct tariff tariff = {.standing = {.month_nano = 10 * NANO, .day_nano = 7}};
	int64_t year_nano = 0;

	(void)state;
	for (int64_t day = DAY(2028, 1, 1); day < DAY(2029, 1, 1); day++)
		year_nano += dated_standing_nano(&tariff, day);
	assert_int_equal(year_nano, 12 * 10 * NANO + 366 * 7);
	assert_int_equal(dated_standing_nano(&tariff, DAY(2028, 2, 28)), 344827586 + 7);
	assert_int_equal(dated_standing_nano(&tariff, DAY(2028, 2, 29)),
			 10 * NANO - 28 * INT64_C(344827586) + 7);
}

static void each_day_costs_what_the_tariff_of_its_first_instant_says(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(1767196800 - 5 * DAY_S);
	struct instant now = at(1767196800 + 20 * DAY_S);
	struct dated_event event;

	(void)state;
	add(&book, 1, 1767196800, 0, 31 * NANO);                 /* from 2026-01-01 00:00 */
	add(&book, 2, 1767196800 + 9 * DAY_S + 1, 0, 62 * NANO); /* from 2026-01-10 00:00:01 */
	add(&book, 3, 1767196800 + 14 * DAY_S, 0, 0);            /* from 2026-01-15: none */
	add(&book, 4, 1767196800 + 17 * DAY_S, 5 * NANO, 0);
	for (int32_t day = 1; day <= 20; day++) {
		if (day >= 15 && day < 18)
			continue;
		assert_true(dated_next(&account, &book, &shanghai, &now, &event));
		assert_int_equal(event.day, DAY(2026, 1, day));
		assert_int_equal(event.tariff->id, day <= 10 ? 1 : day < 15 ? 2 : 4);
		assert_int_equal(event.amount_nano, day <= 10  ? NANO
						    : day < 15 ? 2 * NANO
							       : 5 * NANO);
		dated_done(&account, &event);
	}
	assert_false(dated_next(&account, &book, &shanghai, &now, &event));
}

static void two_tenants_share_no_day(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(1767196800);
	int64_t amount_nano = 0;

	(void)state;
	add(&book, 1, 0, NANO, 0);
	/* Out at noon of the 11th, in an hour later. */
	assert_int_equal(
		take(&account, &book, &shanghai, 1767196800 + 10 * DAY_S + DAY_S / 2, &amount_nano),
		10);
	account.opened_s = 1767196800 + 10 * DAY_S + DAY_S / 2 + 3600;
	assert_int_equal(take(&account, &book, &shanghai, 1767196800 + 31 * DAY_S, &amount_nano),
			 21);
	assert_int_equal(amount_nano, 31 * NANO);
}

static void a_skipped_day_costs_nothing(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(1325239200 - 2 * DAY_S);
	int64_t amount_nano = 0;

	(void)state;
	add(&book, 1, 0, NANO, 0);
	/* The 28th, the 29th and the 31st. */
	assert_int_equal(take(&account, &book, &apia, 1325239200 + DAY_S, &amount_nano), 3);
}

/* In order, each once: rule and day of all that happened. */
struct done {
	int count;
	struct {
		enum dated_rule rule;
		int64_t day;
		int64_t nano;
	} row[256];
};

static void take_all(struct dated_account *account, const struct tariff_book *book, int64_t now_s,
		     struct done *done)
{
	struct instant now = at(now_s);
	struct dated_event event;

	while (dated_next(account, book, &shanghai, &now, &event)) {
		assert_true(done->count < 256);
		for (int i = 0; i < done->count; i++)
			assert_false(done->row[i].rule == event.rule &&
				     done->row[i].day == event.day);
		done->row[done->count].rule = event.rule;
		done->row[done->count].day = event.day;
		done->row[done->count++].nano = event.amount_nano;
		dated_done(account, &event);
	}
}

/* From 2026-01-01 on: 31 a month, carried to July; at least 62 a month. */
static const struct tariff given = {
	.id = 1,
	.activation_s = 1767196800,
	.allowance = {.nano = 31 * NANO,
		      .given = {TARIFF_RESET_MONTH, 1, {1}},
		      .kept = {TARIFF_RESET_DATES, 1, {701}},
		      .per_person = true,
		      .prorated = true},
	.minimum = {.nano = 62 * NANO, .cycle = {TARIFF_RESET_MONTH, 1, {1}}, .prorated = true},
};

static void periods_end_before_others_begin(void **state)
{
	const struct tariff_persons persons = {.count = 2,
					       .change = {{0, 1}, {1767196800 + 40 * DAY_S, 3}}};
	struct tariff_book book = {0};
	/* On the 11th of January: 21 of 31 days. */
	struct dated_account account = account_opened(1767196800 + 10 * DAY_S + 3600);
	struct done done = {0};
	const struct {
		enum dated_rule rule;
		int32_t month, day;
		int64_t nano;
	} wanted[] = {
		{DATED_ALLOWANCE, 1, 11, 21 * NANO},
		{DATED_MINIMUM, 1, 31, 42 * NANO},
		{DATED_ALLOWANCE, 2, 1, 31 * NANO},
		{DATED_MINIMUM, 2, 28, 62 * NANO},
		{DATED_ALLOWANCE, 3, 1, 93 * NANO},
		{DATED_MINIMUM, 3, 31, 62 * NANO},
		{DATED_ALLOWANCE, 4, 1, 93 * NANO},
		{DATED_MINIMUM, 4, 30, 62 * NANO},
		{DATED_ALLOWANCE, 5, 1, 93 * NANO},
		{DATED_MINIMUM, 5, 31, 62 * NANO},
		{DATED_ALLOWANCE, 6, 1, 93 * NANO},
		{DATED_MINIMUM, 6, 30, 62 * NANO},
		{DATED_EXPIRY, 7, 1, 0},
		{DATED_ALLOWANCE, 7, 1, 93 * NANO},
	};

	(void)state;
	account.persons = &persons;
	assert_int_equal(tariff_book_add(&book, &given), 0);
	take_all(&account, &book, 1767196800 + 181 * DAY_S, &done); /* 2026-07-01 00:00 */
	assert_int_equal(done.count, sizeof(wanted) / sizeof(wanted[0]));
	for (int i = 0; i < done.count; i++) {
		assert_int_equal(done.row[i].rule, wanted[i].rule);
		assert_int_equal(done.row[i].day, DAY(2026, wanted[i].month, wanted[i].day));
		assert_int_equal(done.row[i].nano, wanted[i].nano);
	}
}

static void all_rules_are_done_once_whatever_the_clock_does(void **state)
{
	struct random random = random_start("dated rules", 32);

	(void)state;
	for (long round = 0; round < random_rounds(100); round++) {
		struct tariff_book book = {0};
		struct tariff later = given;
		struct dated_account walked = account_opened(1767196800 + 5 * DAY_S);
		struct dated_account straight = walked;
		struct done walk = {0}, line = {0};
		int64_t now_s = walked.opened_s, latest_s = now_s;

		later.id = 2;
		later.activation_s += random_between(&random, 0, 150 * DAY_S);
		later.standing.day_nano = random_between(&random, 0, 1);
		if (random_between(&random, 0, 1) == 0)
			later.allowance.given.mmdd[0] = 15;
		assert_int_equal(tariff_book_add(&book, &given), 0);
		assert_int_equal(tariff_book_add(&book, &later), 0);
		for (int step = 0; step < 60; step++) {
			now_s = latest_s + random_between(&random, -20 * DAY_S, 10 * DAY_S);
			take_all(&walked, &book, now_s, &walk);
			if (now_s > latest_s)
				latest_s = now_s;
			if (latest_s > 1767196800 + 170 * DAY_S)
				break;
		}
		take_all(&straight, &book, latest_s, &line);
		assert_int_equal(walk.count, line.count);
		assert_memory_equal(walked.last_day, straight.last_day, sizeof(walked.last_day));
	}
}

static void an_account_that_closes_owes_the_minimum_of_its_days(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(1767196800 + 5 * DAY_S); /* the 6th */
	struct instant now = at(1767196800 + 8 * DAY_S + 3600);                /* the 9th */
	struct dated_event event;

	(void)state;
	assert_int_equal(tariff_book_add(&book, &given), 0);
	assert_true(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
	assert_int_equal(event.amount_nano, 8 * NANO);
	assert_int_equal(event.day, DAY(2026, 1, 9));
	dated_done(&account, &event);
	assert_false(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
	now.trusted = false;
	account = account_opened(1767196800);
	assert_false(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
}

static int64_t january_s(int32_t day, int hour)
{
	return 1767196800 + (day - 1) * DAY_S + hour * 3600;
}

/* What falls due by a date is whole where the tariff says so, and a share of the days where it says that. */
static void amounts_are_as_the_tariff_says(void **state)
{
	static const struct {
		const char *sentence;
		bool per_person, given_prorated, minimum_prorated;
		int32_t opened_day;
		int64_t given, minimum;
	} cases[] = {
		{"whole, of the room", false, false, false, 11, 31, 62},
		{"a share of the days, of the room", false, true, true, 11, 21, 42},
		{"whole, of three", true, false, false, 11, 93, 62},
		{"a share, of three, and the whole minimum", true, true, false, 11, 63, 62},
		{"one day of the month", false, true, true, 31, 1, 2},
		{"all days of the month", false, true, true, 1, 31, 62},
	};
	const struct tariff_persons persons = {.count = 1, .change = {{0, 3}}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_book book = {0};
		struct tariff tariff = given;
		int64_t opened_s = january_s(cases[i].opened_day, 10);
		struct dated_account account = account_opened(opened_s);
		struct instant now = at(january_s(32, 0)); /* the first of February */
		struct dated_event event;

		print_message("%s\n", cases[i].sentence);
		account.persons = &persons;
		tariff.allowance.per_person = cases[i].per_person;
		tariff.allowance.prorated = cases[i].given_prorated;
		tariff.minimum.prorated = cases[i].minimum_prorated;
		assert_int_equal(tariff_book_add(&book, &tariff), 0);
		assert_true(dated_next(&account, &book, &shanghai, &now, &event));
		assert_int_equal(event.rule, DATED_ALLOWANCE);
		assert_int_equal(event.amount_nano, cases[i].given * NANO);
		dated_done(&account, &event);
		assert_true(dated_next(&account, &book, &shanghai, &now, &event));
		assert_int_equal(event.rule, DATED_MINIMUM);
		assert_int_equal(event.amount_nano, cases[i].minimum * NANO);
		assert_int_equal(event.from_s, opened_s);
		assert_int_equal(event.to_s, january_s(32, 0));
		assert_int_equal(event.due_s, event.to_s);
	}
}

/* The first tariff's minimum is 62 a month; the second comes on some day. */
static void a_minimum_is_that_of_the_tariff_until_then(void **state)
{
	static const struct {
		const char *sentence;
		int64_t first, second;
		int32_t day; /* of January, on which the second comes into force */
		int64_t minimum_nano;
		int32_t last_day;
		int64_t id;
	} cases[] = {
		{"a new one from the next period on", 62, 620, 32, 62 * NANO, 31, 1},
		{"a new one in the period: it is the one in force until its end", 62, 124, 15,
		 124 * NANO, 31, 2},
		{"none from a day on: the days before it", 62, 0, 15, 28 * NANO, 14, 1},
		{"one from a day on: the days since", 0, 62, 15, 34 * NANO, 31, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tariff_book book = {0};
		struct tariff tariff = {.id = 1,
					.activation_s = january_s(1, 0),
					.minimum = {.nano = cases[i].first * NANO,
						    .cycle = {TARIFF_RESET_MONTH, 1, {1}},
						    .prorated = true}};
		struct dated_account account = account_opened(january_s(1, 0));
		struct instant now = at(january_s(32, 0));
		struct dated_event event;

		assert_int_equal(tariff_book_add(&book, &tariff), 0);
		tariff.id = 2;
		tariff.activation_s = january_s(cases[i].day, 0);
		tariff.minimum.nano = cases[i].second * NANO;
		assert_int_equal(tariff_book_add(&book, &tariff), 0);
		if (!dated_next(&account, &book, &shanghai, &now, &event) ||
		    event.rule != DATED_MINIMUM || event.amount_nano != cases[i].minimum_nano ||
		    event.day != DAY(2026, 1, cases[i].last_day) || event.tariff->id != cases[i].id)
			fail_msg("%s: %lld on %lld", cases[i].sentence,
				 (long long)event.amount_nano, (long long)event.day);
		dated_done(&account, &event);
		assert_false(dated_next(&account, &book, &shanghai, &now, &event));
	}
}

static void closing_takes_the_minimum_of_the_period_under_way_alone(void **state)
{
	struct tariff_book book = {0};
	struct dated_account account = account_opened(january_s(6, 0));
	struct instant now = at(january_s(6, 0));
	struct done done = {0};
	struct dated_event event;

	(void)state;
	assert_int_equal(tariff_book_add(&book, &given), 0);
	assert_false(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
	now = at(january_s(6, 12));
	assert_true(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
	assert_int_equal(event.amount_nano, 2 * NANO);
	/* January is done: three of 28 days. */
	now = at(january_s(34, 10));
	take_all(&account, &book, now.s, &done);
	assert_true(dated_closing_minimum(&account, &book, &shanghai, &now, &event));
	assert_int_equal(event.amount_nano, 62 * NANO * 3 / 28);
	assert_int_equal(event.from_s, january_s(32, 0));
	assert_int_equal(event.to_s, now.s);
	assert_int_equal(event.day, DAY(2026, 2, 3));
}

static void free_energy_is_no_event(void **state)
{
	struct tariff_book book = {0};
	const struct tariff tariff = {.id = 1,
				      .activation_s = 0,
				      .allowance = {.wh = 8000,
						    .given = {TARIFF_RESET_MONTH, 1, {1}},
						    .kept = {TARIFF_RESET_MONTH, 1, {1}}}};
	struct dated_account account = account_opened(january_s(1, 0));
	struct instant now = at(january_s(60, 0));
	struct dated_event event;

	(void)state;
	assert_int_equal(tariff_book_add(&book, &tariff), 0);
	assert_false(dated_next(&account, &book, &shanghai, &now, &event));
}

static void what_is_done_stays_done(void **state)
{
	struct dated_account account = account_opened(january_s(1, 0));
	struct dated_event event = {.rule = DATED_STANDING, .day = DAY(2026, 1, 9)};

	(void)state;
	dated_done(&account, &event);
	event.day = DAY(2026, 1, 5);
	dated_done(&account, &event);
	assert_int_equal(account.last_day[DATED_STANDING], DAY(2026, 1, 9));
	assert_int_equal(account.last_day[DATED_MINIMUM], DATED_NEVER);
}

struct grant {
	int64_t due_s;
	int64_t ends_s; /* by its own period */
};

static struct tariff_cycle some_cycle(struct random *random, bool ever)
{
	struct tariff_cycle cycle = {.reset = TARIFF_RESET_MONTH, .count = 1};

	cycle.mmdd[0] = (int32_t)random_between(random, 1, 28);
	if (random_between(random, 0, 1) == 0) {
		cycle.reset = TARIFF_RESET_DATES;
		cycle.count = (uint32_t)random_between(random, 1, 3);
		for (uint32_t i = 0; i < cycle.count; i++)
			cycle.mmdd[i] = (int32_t)(random_between(random, 1, 4) + 4 * (int64_t)i) *
						100 +
					(int32_t)random_between(random, 1, 28);
	} else if (ever && random_between(random, 0, 5) == 0) {
		cycle = (struct tariff_cycle){.reset = TARIFF_RESET_NEVER};
	}
	return cycle;
}

/* Whatever the tariffs: what was given, when, and is not ended ends at one instant, that of its own period. So one
 * bucket is as many as there were grants, and which of them is spent first makes no difference. */
static void all_that_is_carried_ends_together(void **state)
{
	struct random random = random_start("carried", 33);
	long grants_ended = 0, several = 0;

	(void)state;
	for (long round = 0; round < random_rounds(2000); round++) {
		struct tariff_book book = {0};
		int64_t day = DAY(2026, 1, 1) + random_between(&random, 0, 200);
		struct dated_account account;
		struct instant now;
		struct dated_event event;
		struct grant grants[128];
		size_t count = 0;

		for (int64_t id = 1; id <= random_between(&random, 1, 3); id++) {
			struct tariff tariff = {
				.id = id,
				.activation_s = calendar_date_start_s(&shanghai, day),
				.allowance.nano = random_between(&random, 0, 4) * NANO};

			tariff.allowance.given = some_cycle(&random, false);
			tariff.allowance.kept = random_between(&random, 0, 2) == 0
							? tariff.allowance.given
							: some_cycle(&random, true);
			/* Often a new price with the same allowance. */
			if (id > 1 && random_between(&random, 0, 1) == 0)
				tariff.allowance = book.tariff[0].allowance;
			assert_int_equal(tariff_book_add(&book, &tariff), 0);
			day += random_between(&random, 2, 300);
		}
		account = account_opened(book.tariff[0].activation_s +
					 random_between(&random, -40 * DAY_S, 40 * DAY_S));
		now = at(account.opened_s + 700 * DAY_S);
		while (dated_next(&account, &book, &shanghai, &now, &event)) {
			int64_t until_s;

			dated_done(&account, &event);
			if (event.rule == DATED_EXPIRY) {
				for (size_t i = 0; i < count; i++)
					assert_int_equal(grants[i].ends_s, event.due_s);
				several += count > 1;
				grants_ended += (long)count;
				count = 0;
				assert_false(
					dated_kept_until(&account, &book, &shanghai, &until_s));
			} else if (event.rule == DATED_ALLOWANCE) {
				struct tariff_period period;

				assert_true(count < 128);
				assert_true(tariff_count_at(&book, &shanghai, event.due_s,
							    account.opened_s, TARIFF_COUNT_FREE,
							    &period));
				grants[count++] = (struct grant){event.due_s, period.until_s};
				for (size_t i = 0; i < count; i++)
					assert_int_equal(grants[i].ends_s, period.until_s);
				assert_true(dated_kept_until(&account, &book, &shanghai, &until_s));
				bool ever = event.tariff->allowance.kept.reset ==
					    TARIFF_RESET_NEVER;
				if (ever)
					assert_true(until_s == period.until_s ||
						    until_s == INT64_MAX);
				else
					assert_int_equal(until_s, period.until_s);
			}
		}
		/* What is over is taken back. */
		for (size_t i = 0; i < count; i++)
			assert_true(grants[i].ends_s > now.s);
	}
	assert_true(grants_ended > several && several > random_rounds(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_falls_due_at_the_first_instant_after_it),
		cmocka_unit_test(each_day_is_done_once_whatever_the_clock_does),
		cmocka_unit_test(more_than_three_missed_days_are_told),
		cmocka_unit_test(a_month_is_shared_among_its_days_to_the_nano),
		cmocka_unit_test(each_day_costs_what_the_tariff_of_its_first_instant_says),
		cmocka_unit_test(two_tenants_share_no_day),
		cmocka_unit_test(a_skipped_day_costs_nothing),
		cmocka_unit_test(periods_end_before_others_begin),
		cmocka_unit_test(all_rules_are_done_once_whatever_the_clock_does),
		cmocka_unit_test(all_that_is_carried_ends_together),
		cmocka_unit_test(an_account_that_closes_owes_the_minimum_of_its_days),
		cmocka_unit_test(amounts_are_as_the_tariff_says),
		cmocka_unit_test(a_minimum_is_that_of_the_tariff_until_then),
		cmocka_unit_test(closing_takes_the_minimum_of_the_period_under_way_alone),
		cmocka_unit_test(free_energy_is_no_event),
		cmocka_unit_test(what_is_done_stays_done),
	};

	return cmocka_run_group_tests_name("dated", tests, NULL, NULL);
}
