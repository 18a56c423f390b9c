/* Which credit is spent first, and how far below zero a balance may go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/credit.h"
#include "tests/unit/random.h"

#define UNIT INT64_C(1000000000)

struct step {
	enum entry_kind kind;
	int64_t amount;
	uint32_t flags;
};

static void credits_are_spent_in_their_order(void **state)
{
	static const struct {
		const char *sentence;
		struct step steps[6];
		int64_t allowance, subsidy, paid, owed;
	} cases[] = {
		{"what is paid is what is neither allowance nor subsidy",
		 {{ENTRY_RECHARGE, 50, 0}, {ENTRY_CASH, 10, 0}, {ENTRY_ADJUSTMENT, 5, 0}},
		 0,
		 0,
		 65,
		 0},
		{"a charge takes the allowance first, although it came last",
		 {{ENTRY_RECHARGE, 50, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 10, ENTRY_OF_ALLOWANCE},
		  {ENTRY_CHARGE, -7, 0}},
		 3,
		 20,
		 50,
		 0},
		{"then the subsidy",
		 {{ENTRY_RECHARGE, 50, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 10, ENTRY_OF_ALLOWANCE},
		  {ENTRY_CHARGE, -17, 0}},
		 0,
		 13,
		 50,
		 0},
		{"then what is paid, and then it owes",
		 {{ENTRY_RECHARGE, 50, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_CHARGE, -75, 0}},
		 0,
		 0,
		 0,
		 5},
		{"a subsidy repays what is owed before it is one",
		 {{ENTRY_CHARGE, -15, 0}, {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY}},
		 0,
		 5,
		 0,
		 0},
		{"a subsidy that repays exactly leaves nothing",
		 {{ENTRY_CHARGE, -20, 0}, {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY}},
		 0,
		 0,
		 0,
		 0},
		{"a reversal of a payment takes what is paid first",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_REVERSAL, -30, 0}},
		 0,
		 20,
		 0,
		 0},
		{"and the rest where it finds it",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_CHARGE, -25, 0},
		  {ENTRY_REVERSAL, -30, 0}},
		 0,
		 0,
		 0,
		 5},
		{"a reversal of a subsidy takes the subsidy first",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 9, ENTRY_OF_ALLOWANCE},
		  {ENTRY_REVERSAL, -20, ENTRY_OF_SUBSIDY}},
		 9,
		 0,
		 30,
		 0},
		{"what is forfeited is the one and not the other",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 9, ENTRY_OF_ALLOWANCE},
		  {ENTRY_FORFEIT, -9, ENTRY_OF_ALLOWANCE},
		  {ENTRY_FORFEIT, -20, ENTRY_OF_SUBSIDY}},
		 0,
		 0,
		 30,
		 0},
		{"closing carries out what is paid",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_CLOSING, -30, 0}},
		 0,
		 20,
		 0,
		 0},
		{"a payment that is taken back finds the allowance before the subsidy",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 9, ENTRY_OF_ALLOWANCE},
		  {ENTRY_REVERSAL, -40, 0}},
		 0,
		 19,
		 0,
		 0},
		{"a debt is taken from what is paid, and so is a rounding",
		 {{ENTRY_RECHARGE, 30, 0},
		  {ENTRY_RECHARGE, 20, ENTRY_OF_SUBSIDY},
		  {ENTRY_RECHARGE, 9, ENTRY_OF_ALLOWANCE},
		  {ENTRY_DEBT, -10, 0},
		  {ENTRY_ROUNDING, -1, 0}},
		 9,
		 20,
		 19,
		 0},
		{"energy that nobody pays changes nothing",
		 {{ENTRY_RECHARGE, 30, 0}, {ENTRY_HOUSE, 0, 0}, {ENTRY_QUARANTINE, 0, 0}},
		 0,
		 0,
		 30,
		 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credit_purse purse = {0};
		int64_t paid;
		for (size_t n = 0; n < 6 && cases[i].steps[n].kind != 0; n++) {
			const struct entry entry = {.kind = cases[i].steps[n].kind,
						    .amount_nano = cases[i].steps[n].amount,
						    .flags = cases[i].steps[n].flags};
			assert_int_equal(credit_apply(&purse, &entry), 0);
		}
		paid = purse.balance_nano - purse.allowance_nano - purse.subsidy_nano;
		if (purse.allowance_nano != cases[i].allowance ||
		    purse.subsidy_nano != cases[i].subsidy || paid != cases[i].paid - cases[i].owed)
			fail_msg("%s: %lld %lld %lld", cases[i].sentence,
				 (long long)purse.allowance_nano, (long long)purse.subsidy_nano,
				 (long long)paid);
	}
}

/* M1, whatever comes. */
static void the_types_add_up_to_the_balance(void **state)
{
	static const enum entry_kind kinds[] = {ENTRY_RECHARGE, ENTRY_CHARGE,  ENTRY_REVERSAL,
						ENTRY_FORFEIT,  ENTRY_CLOSING, ENTRY_ADJUSTMENT};
	static const uint32_t flags[] = {0, ENTRY_OF_SUBSIDY, ENTRY_OF_ALLOWANCE};
	struct random random = random_start("credit", 20260101);
	struct credit_purse purse = {0};
	const struct credit_terms terms = {.cutoff_nano = -40, .emergency_nano = 30};
	const struct credit_emergency emergency = {.state = EMERGENCY_ACTIVE};
	int64_t balance = 0;
	int several = 0, owed = 0;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct credit_line lines[CREDIT_TYPES];
		struct entry entry = {.kind = kinds[random_between(&random, 0, 5)],
				      .flags = flags[random_between(&random, 0, 2)],
				      .amount_nano = random_between(&random, 0, 99)};
		/* Who owes pays more. */
		if (entry.kind == ENTRY_RECHARGE)
			entry.amount_nano *= balance < 0 ? 8 : 3;
		if (entry.kind != ENTRY_RECHARGE &&
		    (entry.kind != ENTRY_ADJUSTMENT || random_between(&random, 0, 1) == 0))
			entry.amount_nano = -entry.amount_nano;
		balance += entry.amount_nano;
		assert_int_equal(credit_apply(&purse, &entry), 0);
		assert_int_equal(purse.balance_nano, balance);
		assert_true(purse.allowance_nano >= 0 && purse.subsidy_nano >= 0);
		assert_true(purse.allowance_nano + purse.subsidy_nano <=
			    (balance > 0 ? balance : 0));
		credit_list(&purse, &terms, &emergency, lines);
		assert_int_equal(
			lines[CREDIT_ALLOWANCE].left_nano + lines[CREDIT_SUBSIDY].left_nano +
				lines[CREDIT_PAID].left_nano - lines[CREDIT_OVERDRAFT].used_nano -
				lines[CREDIT_EMERGENCY].used_nano,
			balance < -70 ? -70 : balance);
		several += lines[CREDIT_ALLOWANCE].left_nano > 0 &&
			   lines[CREDIT_SUBSIDY].left_nano > 0 && lines[CREDIT_PAID].left_nano > 0;
		owed += lines[CREDIT_EMERGENCY].used_nano > 0;
	}
	print_message("%d of several types, %d in emergency credit\n", several, owed);
	assert_true(several > 1000 && owed > 1000);
	const struct entry large = {.kind = ENTRY_RECHARGE, .amount_nano = INT64_MAX};
	purse = (struct credit_purse){.balance_nano = 1};
	assert_int_equal(credit_apply(&purse, &large), -ERANGE);
	assert_int_equal(purse.balance_nano, 1);
}

static const struct credit_terms terms = {.cutoff_nano = 0,
					  .restore_min_nano = UNIT,
					  .overdraft_nano = 2 * UNIT,
					  .emergency_nano = 5 * UNIT,
					  .emergency_at_nano = 3 * UNIT};

static void the_cut_off_is_lowered_by_lines_that_are_in_force(void **state)
{
	struct credit_terms none = {.cutoff_nano = -UNIT};
	(void)state;
	assert_int_equal(credit_cutoff_nano(&none, EMERGENCY_NONE), -UNIT);
	assert_int_equal(credit_cutoff_nano(&none, EMERGENCY_ACTIVE), -UNIT);
	assert_int_equal(credit_cutoff_nano(&terms, EMERGENCY_NONE), -2 * UNIT);
	assert_int_equal(credit_cutoff_nano(&terms, EMERGENCY_ACTIVE), -7 * UNIT);
	assert_int_equal(credit_cutoff_nano(&terms, EMERGENCY_SPENT), -2 * UNIT);
}

static void emergency_credit_is_offered_again_only_when_repaid(void **state)
{
	static const struct {
		const char *sentence;
		struct credit_emergency before;
		int64_t best;
		bool cut;
		struct credit_emergency after;
		bool offered;
	} cases[] = {
		{"above where it is offered",
		 {EMERGENCY_NONE, false},
		 3 * UNIT + 1,
		 false,
		 {EMERGENCY_NONE, false},
		 false},
		{"at it", {EMERGENCY_NONE, false}, 3 * UNIT, false, {EMERGENCY_NONE, false}, true},
		{"active and not used: it stays",
		 {EMERGENCY_ACTIVE, false},
		 UNIT,
		 false,
		 {EMERGENCY_ACTIVE, false},
		 false},
		{"where it is offered it may stay",
		 {EMERGENCY_ACTIVE, false},
		 3 * UNIT,
		 false,
		 {EMERGENCY_ACTIVE, false},
		 false},
		{"active, not used, and money came: it ends",
		 {EMERGENCY_ACTIVE, false},
		 4 * UNIT,
		 false,
		 {EMERGENCY_NONE, false},
		 false},
		{"the overdraft comes first",
		 {EMERGENCY_ACTIVE, false},
		 -2 * UNIT,
		 false,
		 {EMERGENCY_ACTIVE, false},
		 false},
		{"a billionth of it is used",
		 {EMERGENCY_ACTIVE, false},
		 -2 * UNIT - 1,
		 false,
		 {EMERGENCY_ACTIVE, true},
		 false},
		{"repaid, but the room could not come back",
		 {EMERGENCY_ACTIVE, true},
		 -UNIT - 1,
		 false,
		 {EMERGENCY_ACTIVE, true},
		 false},
		{"repaid whole",
		 {EMERGENCY_ACTIVE, true},
		 -UNIT,
		 false,
		 {EMERGENCY_NONE, false},
		 true},
		{"a cut above its end does not spend it",
		 {EMERGENCY_ACTIVE, true},
		 -7 * UNIT + 1,
		 true,
		 {EMERGENCY_ACTIVE, true},
		 false},
		{"a cut at its end does",
		 {EMERGENCY_ACTIVE, true},
		 -7 * UNIT,
		 true,
		 {EMERGENCY_SPENT, true},
		 false},
		{"spent, and half repaid",
		 {EMERGENCY_SPENT, true},
		 -3 * UNIT,
		 false,
		 {EMERGENCY_SPENT, true},
		 false},
		{"spent, and repaid whole",
		 {EMERGENCY_SPENT, true},
		 -UNIT,
		 false,
		 {EMERGENCY_NONE, false},
		 true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credit_emergency got = cases[i].before;
		bool ends = cases[i].before.state != EMERGENCY_NONE &&
			    cases[i].after.state == EMERGENCY_NONE;
		if (cases[i].cut)
			assert_int_equal(emergency_cut(&got, &terms, cases[i].best),
					 cases[i].after.state == EMERGENCY_SPENT);
		else
			assert_int_equal(emergency_step(&got, &terms, cases[i].best),
					 ends ? EMERGENCY_REPAID : EMERGENCY_NOTHING);
		if (got.state != cases[i].after.state || got.used != cases[i].after.used ||
		    emergency_offered(&got, &terms, cases[i].best) != cases[i].offered)
			fail_msg("%s: %s %d", cases[i].sentence, emergency_state_name(got.state),
				 got.used);
	}
	const struct credit_terms without = {.emergency_at_nano = UNIT};
	assert_false(emergency_offered(&(struct credit_emergency){0}, &without, 0));
}

static void a_list_says_what_is_left_and_what_must_be_paid_back(void **state)
{
	static const struct {
		int64_t balance;
		enum emergency_state emergency;
		int64_t overdraft_left, overdraft_used, emergency_left, emergency_used;
	} cases[] = {
		{UNIT, EMERGENCY_NONE, 2 * UNIT, 0, 0, 0},
		{UNIT, EMERGENCY_ACTIVE, 2 * UNIT, 0, 5 * UNIT, 0},
		{-UNIT, EMERGENCY_ACTIVE, UNIT, UNIT, 5 * UNIT, 0},
		{-6 * UNIT, EMERGENCY_ACTIVE, 0, 2 * UNIT, UNIT, 4 * UNIT},
		{-6 * UNIT, EMERGENCY_SPENT, 0, 2 * UNIT, 0, 4 * UNIT},
		{-9 * UNIT, EMERGENCY_SPENT, 0, 2 * UNIT, 0, 5 * UNIT},
		{-9 * UNIT, EMERGENCY_NONE, 0, 2 * UNIT, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credit_line lines[CREDIT_TYPES];
		const struct credit_purse purse = {.balance_nano = cases[i].balance};
		const struct credit_emergency emergency = {.state = cases[i].emergency};
		credit_list(&purse, &terms, &emergency, lines);
		assert_int_equal(lines[CREDIT_OVERDRAFT].left_nano, cases[i].overdraft_left);
		assert_int_equal(lines[CREDIT_OVERDRAFT].used_nano, cases[i].overdraft_used);
		assert_int_equal(lines[CREDIT_EMERGENCY].left_nano, cases[i].emergency_left);
		assert_int_equal(lines[CREDIT_EMERGENCY].used_nano, cases[i].emergency_used);
		assert_int_equal(lines[CREDIT_EMERGENCY].limit_nano, 5 * UNIT);
	}
}

static void what_is_used_and_not_in_an_entry_yet_is_spent_alike(void **state)
{
	struct credit_purse purse = {.balance_nano = 30, .allowance_nano = 5, .subsidy_nano = 10};
	(void)state;
	assert_int_equal(credit_spend(&purse, 12), 0);
	assert_int_equal(purse.allowance_nano, 0);
	assert_int_equal(purse.subsidy_nano, 3);
	assert_int_equal(purse.balance_nano, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credits_are_spent_in_their_order),
		cmocka_unit_test(the_types_add_up_to_the_balance),
		cmocka_unit_test(the_cut_off_is_lowered_by_lines_that_are_in_force),
		cmocka_unit_test(emergency_credit_is_offered_again_only_when_repaid),
		cmocka_unit_test(a_list_says_what_is_left_and_what_must_be_paid_back),
		cmocka_unit_test(what_is_used_and_not_in_an_entry_yet_is_spent_alike),
	};
	return cmocka_run_group_tests_name("credit", tests, NULL, NULL);
}
