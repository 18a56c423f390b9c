/* Debts, and what a recharge is spent on: the vectors are SMETS' and City Power's, the rest is by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/debt.h"
#include "tests/unit/random.h"

#define UNIT INT64_C(1000000000)

/* SMETS: 10 %, at most 5.00 a week, 10.00 recharged each day. */
static void a_share_is_taken_up_to_its_limit_of_the_week(void **state)
{
	struct debt debt = {.way = DEBT_BY_SHARE,
			    .left_nano = 100 * UNIT,
			    .share_ppm = 100000,
			    .week_max_nano = 5 * UNIT};
	int64_t monday = calendar_day_number(2026, 1, 5);
	static const int64_t expected[] = {UNIT, UNIT, UNIT, UNIT, UNIT, 0, 0, UNIT};
	(void)state;
	for (int64_t i = 0; i < 8; i++)
		assert_int_equal(
			debt_take_share(&debt, 10 * UNIT, debt_week(monday + i), 10 * UNIT),
			expected[i]);
	assert_int_equal(debt.left_nano, 94 * UNIT);
}

/* City Power: a fixed fee is taken up to 50 % of a purchase. */
static void a_fee_owed_is_taken_up_to_half_of_a_purchase(void **state)
{
	static const struct {
		int64_t buy, fee, energy, carried;
	} cases[] = {{500, 200, 300, 0}, {200, 100, 100, 100}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct debt debt = {
			.way = DEBT_BY_SHARE, .left_nano = 200 * UNIT, .share_ppm = 500000};
		int64_t buy = cases[i].buy * UNIT;
		int64_t fee = debt_take_share(&debt, buy, 0, buy);
		assert_int_equal(fee, cases[i].fee * UNIT);
		assert_int_equal(buy - fee, cases[i].energy * UNIT);
		assert_int_equal(debt.left_nano, cases[i].carried * UNIT);
	}
}

static void shares_floor_and_take_no_more_than_there_is(void **state)
{
	struct debt third = {.way = DEBT_BY_SHARE, .left_nano = UNIT, .share_ppm = 333333};
	struct debt all = {.way = DEBT_BY_SHARE, .left_nano = UNIT, .share_ppm = 1000000};
	struct debt dated = {.way = DEBT_DAILY, .left_nano = UNIT, .share_ppm = 1000000};
	(void)state;
	assert_int_equal(debt_take_share(&third, 10, 0, 10), 3);
	assert_int_equal(debt_take_share(&all, 10, 0, 7), 7);
	assert_int_equal(debt_take_share(&all, 2 * UNIT, 0, 2 * UNIT), UNIT - 7);
	assert_int_equal(all.left_nano, 0);
	assert_int_equal(debt_take_share(&dated, 10, 0, 10), 0);
	/* No more is due than is left. */
	struct debt due = {
		.way = DEBT_BY_SHARE, .left_nano = 10, .due_nano = 8, .share_ppm = 500000};
	assert_int_equal(debt_take_share(&due, 10, 0, 10), 5);
	assert_int_equal(due.due_nano, 5);
}

static void a_period_begins_with_its_first_local_day(void **state)
{
	static const struct {
		enum debt_way way;
		int32_t month, day, next_month, next_day;
		bool same;
	} cases[] = {
		{DEBT_DAILY, 1, 4, 1, 5, false},   {DEBT_WEEKLY, 1, 4, 1, 5, false},
		{DEBT_WEEKLY, 1, 5, 1, 11, true},  {DEBT_MONTHLY, 1, 31, 2, 1, false},
		{DEBT_MONTHLY, 2, 1, 2, 28, true}, {DEBT_INSTALMENTS, 1, 31, 2, 1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t a = debt_period(cases[i].way,
					calendar_day_number(2026, cases[i].month, cases[i].day));
		int64_t b = debt_period(cases[i].way, calendar_day_number(2026, cases[i].next_month,
									  cases[i].next_day));
		assert_int_equal(a == b, cases[i].same);
		assert_true(b >= a);
	}
	/* Over the end of a year they go on. */
	assert_int_equal(debt_period(DEBT_MONTHLY, calendar_day_number(2027, 1, 1)),
			 debt_period(DEBT_MONTHLY, calendar_day_number(2026, 12, 31)) + 1);
	assert_true(debt_week(-4) < debt_week(-3)); /* Sunday and Monday of 1969 */
	assert_int_equal(debt_week(-3), debt_week(3));
}

static void the_last_instalment_takes_the_rest(void **state)
{
	struct debt debt = {.way = DEBT_INSTALMENTS, .left_nano = 100, .rate_nano = 33};
	static const int64_t expected[] = {33, 33, 34, 0};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		int64_t nano = debt_rate_nano(&debt);
		assert_int_equal(nano, expected[i]);
		debt_taken(&debt, nano);
	}
	struct debt daily = {.way = DEBT_DAILY, .left_nano = 100, .rate_nano = 60};
	assert_int_equal(debt_rate_nano(&daily), 60);
	debt_deferred(&daily, 60);
	assert_int_equal(debt_rate_nano(&daily), 40);
	debt_taken(&daily, 40);
	assert_int_equal(debt_rate_nano(&daily), 0);
	assert_int_equal(debt_take_due(&daily, 25), 25);
	assert_int_equal(debt_take_due(&daily, 100), 35);
	assert_int_equal(daily.left_nano, 0);
	/* As much as two instalments are two. */
	debt = (struct debt){.way = DEBT_INSTALMENTS, .left_nano = 66, .rate_nano = 33};
	assert_int_equal(debt_rate_nano(&debt), 33);
	/* A rate belongs to a date. */
	for (int way = 0; way < DEBT_WAY_END; way++) {
		struct debt some = {
			.way = (enum debt_way)way, .left_nano = 50, .due_nano = 8, .rate_nano = 10};
		bool dated = way == DEBT_DAILY || way == DEBT_WEEKLY || way == DEBT_MONTHLY ||
			     way == DEBT_INSTALMENTS;
		assert_int_equal(debt_is_dated(some.way), dated);
		assert_int_equal(debt_rate_nano(&some), dated ? 10 : 0);
	}
}

/* All of the table: two bits, three positions. */
static void the_policy_bits_decide_in_every_position(void **state)
{
	static const struct {
		bool halted, in_emergency;
		enum debt_position position;
		enum debt_answer answer;
	} cases[] = {
		{false, false, DEBT_IN_CREDIT, DEBT_TAKE},
		{false, true, DEBT_IN_CREDIT, DEBT_TAKE},
		{true, false, DEBT_IN_CREDIT, DEBT_TAKE},
		{true, true, DEBT_IN_CREDIT, DEBT_TAKE},
		{false, false, DEBT_IN_EMERGENCY, DEBT_ACCUMULATE},
		{false, true, DEBT_IN_EMERGENCY, DEBT_TAKE},
		{true, false, DEBT_IN_EMERGENCY, DEBT_ACCUMULATE},
		{true, true, DEBT_IN_EMERGENCY, DEBT_TAKE},
		{false, false, DEBT_EXHAUSTED, DEBT_TAKE},
		{false, true, DEBT_EXHAUSTED, DEBT_TAKE},
		{true, false, DEBT_EXHAUSTED, DEBT_HALT},
		{true, true, DEBT_EXHAUSTED, DEBT_HALT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct debt_bits bits = {.halted_when_exhausted = cases[i].halted,
					       .taken_in_emergency = cases[i].in_emergency};
		assert_int_equal(debt_decide(&bits, cases[i].position), cases[i].answer);
	}
}

static void what_is_left_of_a_recharge_lifts_the_balance_in_order(void **state)
{
	static const struct credit_terms terms = {.overdraft_nano = 2, .emergency_nano = 5};
	static const struct {
		int64_t balance, rest;
		enum emergency_state emergency;
		int64_t below, used, left;
	} cases[] = {
		{10, 4, EMERGENCY_NONE, 0, 0, 4},    {-1, 4, EMERGENCY_NONE, 0, 0, 4},
		{-6, 3, EMERGENCY_NONE, 3, 0, 0},    {-6, 10, EMERGENCY_NONE, 4, 0, 6},
		{-6, 10, EMERGENCY_ACTIVE, 0, 4, 6}, {-9, 1, EMERGENCY_SPENT, 1, 0, 0},
		{-9, 10, EMERGENCY_SPENT, 2, 5, 3},  {-7, 5, EMERGENCY_SPENT, 0, 5, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct debt_split split = {0};
		debt_split(cases[i].balance, cases[i].rest, &terms, cases[i].emergency, &split);
		assert_int_equal(split.below_nano, cases[i].below);
		assert_int_equal(split.emergency_nano, cases[i].used);
		assert_int_equal(split.balance_nano, cases[i].left);
	}
}

/* Whatever is recharged and whenever: nothing is taken twice, or lost. */
static void what_is_taken_and_what_is_left_add_up(void **state)
{
	struct random random = random_start("debt", 5);
	(void)state;
	for (int n = 0; n < 2000; n++) {
		struct debt debt = {
			.way = (enum debt_way)random_between(&random, DEBT_BY_SHARE, DEBT_AT_ONCE),
			.left_nano = random_between(&random, 1, 1000),
			.share_ppm = random_between(&random, 1, DEBT_SHARE_MAX_PPM),
			.week_max_nano = random_between(&random, 0, 100),
			.rate_nano = random_between(&random, 1, 200)};
		int64_t total = debt.left_nano, taken = 0, in_week = 0, week = 0;
		if (debt.way == DEBT_AT_ONCE)
			debt.due_nano = debt.left_nano;
		for (int i = 0; i < 60; i++) {
			int64_t amount = random_between(&random, 0, 300), rest = amount;
			if (random_between(&random, 0, 3) == 0) {
				week++;
				in_week = 0;
			}
			int64_t share = debt_take_share(&debt, amount, week, rest);
			in_week += share;
			if (debt.week_max_nano > 0)
				assert_true(in_week <= debt.week_max_nano);
			rest -= share;
			int64_t due = debt_take_due(&debt, rest);
			rest -= due;
			assert_true(rest >= 0);
			taken += share + due;
			int64_t rate = debt_rate_nano(&debt);
			if (random_between(&random, 0, 1) == 0) {
				debt_taken(&debt, rate);
				taken += rate;
			} else {
				debt_deferred(&debt, rate);
			}
			assert_true(debt.due_nano >= 0 && debt.due_nano <= debt.left_nano);
			assert_int_equal(taken + debt.left_nano, total);
		}
	}
}

static void what_a_smaller_recharge_would_have_paid_is_kept(void **state)
{
	static const struct {
		const char *sentence;
		enum debt_way way;
		int64_t share_ppm, paid, recharge, left, keep;
	} cases[] = {
		{"all of it is taken back: nothing", DEBT_BY_SHARE, 100000, 10, 0, 0, 0},
		{"a share of what stays", DEBT_BY_SHARE, 100000, 10, 55, 55, 5},
		{"no more than was paid, within the week's limit", DEBT_BY_SHARE, 500000, 10, 90,
		 90, 10},
		{"no more than the debts before it leave", DEBT_BY_SHARE, 1000000, 10, 9, 4, 4},
		{"what was due comes before the balance: kept while it lasts", DEBT_AT_ONCE, 0, 10,
		 30, 30, 10},
		{"... and then as far as it goes", DEBT_INSTALMENTS, 0, 10, 30, 7, 7},
		{"a debt by date has no share", DEBT_DAILY, 1000000, 10, 0, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct debt debt = {.way = cases[i].way, .share_ppm = cases[i].share_ppm};
		int64_t left = cases[i].left;
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(debt_keep(&debt, cases[i].paid, cases[i].recharge, &left),
				 cases[i].keep);
		assert_int_equal(left, cases[i].left - cases[i].keep);
	}
}

#define DEBTS 5

/* As the station does it: shares, then what is due. */
static void recharge(struct debt debts[static DEBTS], int64_t amount, int64_t week,
		     int64_t ret_paid[static DEBTS])
{
	int64_t rest = amount;
	for (size_t i = 0; i < DEBTS; i++)
		rest -= ret_paid[i] = debt_take_share(&debts[i], amount, week, rest);
	for (size_t i = 0; i < DEBTS; i++) {
		int64_t due = debt_take_due(&debts[i], rest);
		rest -= due;
		ret_paid[i] += due;
	}
}

#define COIN                                                                                       \
	INT64_C(1000000) /* what is paid and taken back are coins, so that no share of them is cut */

/* A recharge of which parts are taken back leaves what the rest of it alone would have left. */
static void taken_back_is_as_if_it_had_not_been(void **state)
{
	struct random random = random_start("given back", 61);
	long rounds = random_rounds(20000);
	(void)state;
	for (long round = 0; round < rounds; round++) {
		struct debt debts[DEBTS], before[DEBTS], other[DEBTS];
		int64_t paid[DEBTS], less[DEBTS], amount;
		int64_t kept, week = 7;
		kept = amount = COIN * random_between(&random, 1, 1000);
		for (size_t i = 0; i < DEBTS; i++) {
			bool share = random_between(&random, 0, 1) == 0;
			debts[i] = (struct debt){
				.way = share ? DEBT_BY_SHARE : DEBT_AT_ONCE,
				.left_nano = random_between(&random, 0, 400 * COIN),
				.share_ppm = share ? random_between(&random, 0, 200000) : 0,
				.week_max_nano = random_between(&random, 0, 3) * 40 * COIN,
				.week = random_between(&random, 6, 7)};
			debts[i].week_nano = random_between(&random, 0, 30 * COIN);
			if (!share)
				debts[i].due_nano = random_between(&random, 0, debts[i].left_nano);
			before[i] = other[i] = debts[i];
		}
		recharge(debts, amount, week, paid);
		for (int step = 0; step < 3; step++) {
			kept = step == 2 ? 0
					 : kept - COIN * random_between(&random, 0, kept / COIN);
			int64_t left = kept;
			/* The shares were paid first. */
			for (int due = 0; due < 2; due++)
				for (size_t i = 0; i < DEBTS; i++) {
					if ((debts[i].way != DEBT_BY_SHARE) != due || paid[i] == 0)
						continue;
					int64_t back = paid[i] -
						       debt_keep(&debts[i], paid[i], kept, &left);
					assert_true(back >= 0);
					paid[i] -= back;
					debt_given_back(&debts[i], back, week);
				}
			memcpy(other, before, sizeof(other));
			recharge(other, kept, week, less);
			for (size_t i = 0; i < DEBTS; i++) {
				assert_int_equal(paid[i], less[i]);
				assert_int_equal(debts[i].left_nano, other[i].left_nano);
				assert_int_equal(debts[i].due_nano, other[i].due_nano);
				assert_int_equal(debts[i].week_nano, other[i].week_nano);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_is_taken_up_to_its_limit_of_the_week),
		cmocka_unit_test(a_fee_owed_is_taken_up_to_half_of_a_purchase),
		cmocka_unit_test(shares_floor_and_take_no_more_than_there_is),
		cmocka_unit_test(a_period_begins_with_its_first_local_day),
		cmocka_unit_test(the_last_instalment_takes_the_rest),
		cmocka_unit_test(the_policy_bits_decide_in_every_position),
		cmocka_unit_test(what_is_left_of_a_recharge_lifts_the_balance_in_order),
		cmocka_unit_test(what_is_taken_and_what_is_left_add_up),
		cmocka_unit_test(what_a_smaller_recharge_would_have_paid_is_kept),
		cmocka_unit_test(taken_back_is_as_if_it_had_not_been),
	};
	return cmocka_run_group_tests_name("debt", tests, NULL, NULL);
}
