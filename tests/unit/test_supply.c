/* The money layer: S1 and S2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/supply.h"
#include "tests/unit/random.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define UNIT   INT64_C(1000000000)

static const struct supply_policy policy = {.cutoff_nano = 0,
					    .restore_min_nano = UNIT,
					    .low_nano = 10 * UNIT,
					    .notice_us = 600 * SECOND,
					    .hold_max_us = 24 * HOUR,
					    .hold_max_nano = 15 * UNIT,
					    .hold_then = SUPPLY_THEN_KEEP,
					    .cloud_away_us = 0};

static struct instant at(int64_t us)
{
	return (struct instant){.us = us, .s = 1767225600 + us / SECOND, .trusted = true};
}

static uint32_t step(struct supply_money *state, const struct supply_policy *with,
		     const struct supply_facts *facts, int64_t us, bool trusted)
{
	struct instant now = at(us);

	now.trusted = trusted;
	return supply_step(state, with, facts, &now).events;
}

/* A room that has had its notice and is exhausted: the next step decides. */
static struct supply_money noticed(void)
{
	return (struct supply_money){.evaluated = true,
				     .last_us = 0,
				     .low = true,
				     .noticed = true,
				     .notice_run_us = 600 * SECOND,
				     .notice_wait_us = 600 * SECOND,
				     .notice_nano = UNIT};
}

static void a_cut_needs_proof(void **state)
{
	static const struct {
		const char *sentence;
		struct supply_facts facts;
		bool trusted;
		bool cut;
		enum supply_hold hold;
	} cases[] = {
		{"exhausted, fresh reading, trusted clock: cut",
		 {.best_nano = 0},
		 true,
		 true,
		 SUPPLY_HOLD_NONE},
		{"a billionth left: on", {.best_nano = 1}, true, false, SUPPLY_HOLD_NONE},
		{"a stale register is a lower bound and proves it",
		 {.best_nano = -1, .evidence = SUPPLY_EVIDENCE_STALE},
		 true,
		 true,
		 SUPPLY_HOLD_NONE},
		{"never read: nothing is proven",
		 {.best_nano = -UNIT, .evidence = SUPPLY_EVIDENCE_NONE},
		 true,
		 false,
		 SUPPLY_HOLD_READINGS},
		{"exhausted by estimate only",
		 {.best_nano = UNIT,
		  .evidence = SUPPLY_EVIDENCE_STALE,
		  .evidence_age_us = HOUR,
		  .cost_nano_per_h = UNIT},
		 true,
		 false,
		 SUPPLY_HOLD_READINGS},
		{"an estimate past all numbers",
		 {.best_nano = UNIT,
		  .evidence = SUPPLY_EVIDENCE_STALE,
		  .evidence_age_us = INT64_MAX,
		  .cost_nano_per_h = INT64_MAX},
		 true,
		 false,
		 SUPPLY_HOLD_READINGS},
		{"the estimate costs nothing without use",
		 {.best_nano = 1, .evidence = SUPPLY_EVIDENCE_STALE, .evidence_age_us = HOUR},
		 true,
		 false,
		 SUPPLY_HOLD_NONE},
		{"not even by estimate",
		 {.best_nano = UNIT + 1,
		  .evidence = SUPPLY_EVIDENCE_STALE,
		  .evidence_age_us = HOUR,
		  .cost_nano_per_h = UNIT},
		 true,
		 false,
		 SUPPLY_HOLD_NONE},
		{"the clock is not trusted", {.best_nano = -UNIT}, false, false, SUPPLY_HOLD_CLOCK},
		{"a dispute or a protected period",
		 {.best_nano = -UNIT, .kept = true},
		 true,
		 false,
		 SUPPLY_HOLD_KEPT},
		{"too many rooms at once",
		 {.best_nano = -UNIT, .cuts_held = true},
		 true,
		 false,
		 SUPPLY_HOLD_MASS},
		{"cuts are held elsewhere, but this room has money",
		 {.best_nano = UNIT, .cuts_held = true},
		 true,
		 false,
		 SUPPLY_HOLD_NONE},
		{"the cloud is away, and the building does not mind",
		 {.best_nano = -UNIT, .cloud_away_us = 100 * HOUR},
		 true,
		 true,
		 SUPPLY_HOLD_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct supply_money money = noticed();
		struct instant now = at(SECOND);
		bool due;

		print_message("%s\n", cases[i].sentence);
		now.trusted = cases[i].trusted;
		due = supply_due(&money, &policy, &cases[i].facts, &now);
		(void)supply_step(&money, &policy, &cases[i].facts, &now);
		assert_int_equal(money.cut, cases[i].cut);
		assert_int_equal(money.hold, cases[i].hold);
		assert_int_equal(due, cases[i].cut || cases[i].hold == SUPPLY_HOLD_MASS);
	}
}

static void a_cloud_away_holds_where_the_building_says_so(void **state)
{
	struct supply_policy careful = policy;
	struct supply_facts facts = {.best_nano = -UNIT, .cloud_away_us = HOUR - 1};
	struct supply_money money = noticed();

	(void)state;
	careful.cloud_away_us = HOUR;
	facts.cloud_away_us = HOUR;
	(void)step(&money, &careful, &facts, SECOND, true);
	assert_false(money.cut);
	assert_int_equal(money.hold, SUPPLY_HOLD_CLOUD);
	facts.cloud_away_us = HOUR - 1;
	assert_true(step(&money, &careful, &facts, 2 * SECOND, true) & SUPPLY_EVENT_HOLD_ENDED);
	assert_true(money.cut);
}

static void a_cut_is_announced_and_comes_at_the_later_of_notice_and_exhaustion(void **state)
{
	/* 1.00 left at 3.00 an hour lasts 20 minutes. */
	struct supply_facts facts = {.best_nano = UNIT, .cost_nano_per_h = 3 * UNIT};
	struct supply_money money = {0};
	struct supply_answer answer;
	struct instant now = at(0);

	(void)state;
	supply_resume(&money, 0);
	assert_int_equal(supply_lasts_us(&policy, &facts), 1200 * SECOND);
	assert_int_equal(supply_step(&money, &policy, &facts, &now).events, SUPPLY_EVENT_LOW);
	/* Ten minutes left: the notice. */
	facts.best_nano = UNIT / 2;
	now = at(600 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.events, SUPPLY_EVENT_NOTICE);
	assert_int_equal(answer.earliest_us, 1200 * SECOND);
	/* The load stops: the notice stands, the cut waits for exhaustion. */
	facts.cost_nano_per_h = 0;
	now = at(700 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.events, 0);
	assert_int_equal(answer.earliest_us, 1200 * SECOND);
	/* Half of it goes on: what is left lasts twice as long as the notice. */
	facts.cost_nano_per_h = 3 * UNIT / 2;
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.earliest_us, 1900 * SECOND);
	facts.cost_nano_per_h = 0;
	now = at(5000 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.events, 0);
	assert_int_equal(answer.earliest_us, 5000 * SECOND);
	assert_false(money.cut);
	/* Exhausted sooner than announced: the notice is kept. */
	money = (struct supply_money){.evaluated = true, .low = true};
	facts.best_nano = 0;
	now = at(10000 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.events, SUPPLY_EVENT_NOTICE);
	assert_int_equal(answer.earliest_us, 10600 * SECOND);
	now = at(10600 * SECOND - 1);
	assert_int_equal(supply_step(&money, &policy, &facts, &now).events, 0);
	now = at(10600 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_int_equal(answer.events, SUPPLY_EVENT_CUT);
	assert_int_equal(answer.earliest_us, 0);
	assert_true(money.cut);
	/* It was proven: nothing of it is a hold that was used up. Stages count from it. */
	assert_false(money.hold_spent);
	assert_int_equal(money.cut_run_us, 0);
	now = at(10660 * SECOND);
	assert_int_equal(supply_step(&money, &policy, &facts, &now).events, 0);
	assert_int_equal(money.cut_run_us, 60 * SECOND);
	facts.best_nano = 50 * UNIT;
	now = at(10661 * SECOND);
	answer = supply_step(&money, &policy, &facts, &now);
	assert_true(answer.events & SUPPLY_EVENT_RESTORE);
	assert_int_equal(money.cut_run_us, 0);
	assert_int_equal(answer.earliest_us, 0);
}

static void how_long_it_lasts(void **state)
{
	static const struct {
		const char *sentence;
		int64_t best, cost;
		int64_t lasts_us;
	} cases[] = {
		{"at the cut-off nothing lasts, whatever is used", 0, 0, 0},
		{"below it neither", -UNIT, UNIT, 0},
		{"without use it lasts for ever", 1, 0, SUPPLY_NEVER_US},
		{"an hour's use", UNIT, UNIT, HOUR},
	};
	struct supply_money money = {0};
	struct supply_facts facts = {.best_nano = 10 * UNIT};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct supply_facts used = {.best_nano = cases[i].best,
						  .cost_nano_per_h = cases[i].cost};

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(supply_lasts_us(&policy, &used), cases[i].lasts_us);
	}
	/* At the warning is below it; only what was looked at is known. */
	assert_int_equal(step(&money, &policy, &facts, SECOND, true), SUPPLY_EVENT_LOW);
	assert_true(money.evaluated);
	supply_resume(&money, 2 * SECOND);
	assert_false(money.evaluated);
}

static void only_money_takes_a_notice_back(void **state)
{
	struct supply_facts facts = {.best_nano = UNIT / 2, .cost_nano_per_h = 3 * UNIT};
	struct supply_money money = {.evaluated = true, .low = true};

	(void)state;
	assert_int_equal(step(&money, &policy, &facts, 0, true), SUPPLY_EVENT_NOTICE);
	facts.cost_nano_per_h = 1;
	assert_int_equal(step(&money, &policy, &facts, SECOND, true), 0);
	/* A recharge too small to last. */
	facts.cost_nano_per_h = 30 * UNIT;
	facts.best_nano = 3 * UNIT;
	assert_int_equal(step(&money, &policy, &facts, 2 * SECOND, true), 0);
	assert_true(money.noticed);
	facts.best_nano = 20 * UNIT;
	assert_int_equal(step(&money, &policy, &facts, 3 * SECOND, true),
			 SUPPLY_EVENT_NOTICE_CANCELLED | SUPPLY_EVENT_LOW_OVER);
	assert_false(money.noticed);
}

static void a_load_that_goes_takes_no_notice_back(void **state)
{
	struct supply_policy small = policy;
	struct supply_facts facts = {.best_nano = UNIT / 2, .cost_nano_per_h = 3 * UNIT};
	struct supply_money money = {.evaluated = true, .low = true};

	(void)state;
	small.restore_min_nano = 1;
	assert_int_equal(step(&money, &small, &facts, 0, true), SUPPLY_EVENT_NOTICE);
	facts.cost_nano_per_h = 0;
	assert_int_equal(step(&money, &small, &facts, SECOND, true), 0);
	facts.best_nano++;
	assert_int_equal(step(&money, &small, &facts, 2 * SECOND, true),
			 SUPPLY_EVENT_NOTICE_CANCELLED);
}

static void the_room_comes_back_only_at_the_restore_minimum(void **state)
{
	struct supply_facts facts = {.best_nano = -UNIT};
	struct supply_money money = noticed();

	(void)state;
	assert_true(step(&money, &policy, &facts, SECOND, true) & SUPPLY_EVENT_CUT);
	facts.best_nano = UNIT - 1;
	assert_int_equal(step(&money, &policy, &facts, 2 * SECOND, true), 0);
	assert_true(money.cut);
	/* A lost clock or cloud gives nothing back, and holds nothing back. */
	facts.best_nano = UNIT;
	assert_int_equal(step(&money, &policy, &facts, 3 * SECOND, false), SUPPLY_EVENT_RESTORE);
	assert_false(money.cut);
	/* A recharge between cut-off and minimum does not flap it: a whole new notice comes first.
	 * */
	facts.best_nano = 0;
	assert_int_equal(step(&money, &policy, &facts, 4 * SECOND, true), SUPPLY_EVENT_NOTICE);
	assert_false(money.cut);
}

static void a_hold_ends_at_its_running_time(void **state)
{
	struct supply_policy cutting = policy;
	struct supply_facts facts = {.best_nano = -UNIT};
	struct supply_money money = noticed();

	(void)state;
	cutting.hold_then = SUPPLY_THEN_CUT;
	assert_int_equal(step(&money, &cutting, &facts, 0, false), SUPPLY_EVENT_HOLD_BEGUN);
	assert_int_equal(step(&money, &cutting, &facts, 10 * HOUR, false), 0);
	/* The box was off for a week: that is no running time. */
	supply_resume(&money, 0);
	assert_int_equal(step(&money, &cutting, &facts, 14 * HOUR - 1, false), 0);
	assert_int_equal(step(&money, &cutting, &facts, 14 * HOUR, false),
			 SUPPLY_EVENT_HOLD_SPENT | SUPPLY_EVENT_HOLD_ENDED | SUPPLY_EVENT_CUT);

	money = noticed();
	(void)step(&money, &policy, &facts, 0, false);
	assert_int_equal(step(&money, &policy, &facts, 24 * HOUR, false), SUPPLY_EVENT_HOLD_SPENT);
	assert_int_equal(step(&money, &policy, &facts, 1000 * HOUR, false), 0);
	assert_false(money.cut);
	/* The proof comes: cut. */
	assert_int_equal(step(&money, &policy, &facts, 1001 * HOUR, true),
			 SUPPLY_EVENT_HOLD_ENDED | SUPPLY_EVENT_CUT);
}

static void a_hold_ends_at_its_money(void **state)
{
	struct supply_facts facts = {.best_nano = -UNIT};
	struct supply_money money = noticed();

	(void)state;
	assert_int_equal(step(&money, &policy, &facts, 0, false), SUPPLY_EVENT_HOLD_BEGUN);
	facts.best_nano = -16 * UNIT + 1;
	assert_int_equal(step(&money, &policy, &facts, SECOND, false), 0);
	facts.best_nano = -16 * UNIT;
	assert_int_equal(step(&money, &policy, &facts, 2 * SECOND, false), SUPPLY_EVENT_HOLD_SPENT);
	/* In credit again, everything begins anew. */
	facts.best_nano = 100 * UNIT;
	assert_true(step(&money, &policy, &facts, 3 * SECOND, false) & SUPPLY_EVENT_HOLD_ENDED);
	assert_false(money.hold_spent);
	assert_int_equal(money.hold_run_us, 0);
	assert_int_equal(money.hold, SUPPLY_HOLD_NONE);
	assert_int_equal(step(&money, &policy, &facts, 4 * SECOND, false), 0);
	/* ... also what the next hold may cost: it counts from where that begins. */
	money.noticed = true;
	money.notice_run_us = money.notice_wait_us = policy.notice_us;
	facts.best_nano = -2 * UNIT;
	assert_true(step(&money, &policy, &facts, 5 * SECOND, false) & SUPPLY_EVENT_HOLD_BEGUN);
	facts.best_nano = -17 * UNIT + 1;
	(void)step(&money, &policy, &facts, 6 * SECOND, false);
	assert_false(money.hold_spent);
	facts.best_nano = -17 * UNIT;
	assert_int_equal(step(&money, &policy, &facts, 7 * SECOND, false), SUPPLY_EVENT_HOLD_SPENT);
}

static void a_dispute_hold_is_not_capped_here(void **state)
{
	struct supply_policy cutting = policy;
	struct supply_facts facts = {.best_nano = -100 * UNIT, .kept = true};
	struct supply_money money = noticed();

	(void)state;
	cutting.hold_then = SUPPLY_THEN_CUT;
	for (int64_t day = 0; day < 365; day++) {
		assert_int_equal(step(&money, &cutting, &facts, day * 24 * HOUR, true),
				 day == 0 ? SUPPLY_EVENT_HOLD_BEGUN : 0);
		facts.best_nano -= UNIT;
		assert_false(money.cut);
		assert_false(money.hold_spent);
	}
}

static void a_dispute_hold_neither_spends_nor_obeys_a_cap(void **state)
{
	struct supply_policy cutting = policy;
	struct supply_facts facts = {.best_nano = -UNIT, .kept = true};
	struct supply_money money = noticed();

	(void)state;
	cutting.hold_then = SUPPLY_THEN_CUT;
	/* Two days of dispute are no part of the day that a lost clock is granted. */
	(void)step(&money, &cutting, &facts, 0, true);
	(void)step(&money, &cutting, &facts, 48 * HOUR, true);
	facts.kept = false;
	assert_int_equal(step(&money, &cutting, &facts, 48 * HOUR, false), SUPPLY_EVENT_HOLD_BEGUN);
	assert_false(money.cut);
	/* A spent hold, and then a dispute where the building has meanwhile chosen to cut. */
	(void)step(&money, &policy, &facts, 72 * HOUR, false);
	assert_true(money.hold_spent);
	facts.kept = true;
	(void)step(&money, &cutting, &facts, 73 * HOUR, false);
	assert_false(money.cut);
}

static void a_cut_on_an_estimate_is_not_taken_back_by_the_same_registers(void **state)
{
	struct supply_policy cutting = policy;
	struct supply_facts facts = {.best_nano = 3 * UNIT,
				     .evidence = SUPPLY_EVIDENCE_STALE,
				     .evidence_age_us = HOUR,
				     .cost_nano_per_h = 5 * UNIT};
	struct supply_money money, cut;

	(void)state;
	cutting.hold_then = SUPPLY_THEN_CUT;
	money = noticed();
	money.notice_nano = 4 * UNIT;
	assert_int_equal(step(&money, &cutting, &facts, 0, true), SUPPLY_EVENT_HOLD_BEGUN);
	assert_true(step(&money, &cutting, &facts, 24 * HOUR, true) & SUPPLY_EVENT_CUT);
	/* Without power there is no more cost to estimate with. */
	facts.cost_nano_per_h = 0;
	assert_int_equal(step(&money, &cutting, &facts, 25 * HOUR, true), 0);
	assert_true(money.cut);
	cut = money;
	/* Money brings it back ... */
	facts.best_nano = 4 * UNIT - 1;
	assert_int_equal(step(&money, &cutting, &facts, 26 * HOUR, true), 0);
	facts.best_nano = 4 * UNIT;
	assert_int_equal(step(&money, &cutting, &facts, 27 * HOUR, true), SUPPLY_EVENT_RESTORE);
	assert_false(money.hold_spent);
	/* ... and so does a reading that proves the estimate wrong. */
	money = cut;
	facts.best_nano = 2 * UNIT;
	facts.evidence = SUPPLY_EVIDENCE_FRESH;
	assert_int_equal(step(&money, &cutting, &facts, 27 * HOUR, true), SUPPLY_EVENT_RESTORE);
}

static void credit_status_follows_the_live_balance(void **state)
{
	static const struct {
		const char *sentence;
		int64_t cutoff, live;
		enum credit_status status;
	} cases[] = {
		{"above the warning", 0, 10 * UNIT + 1, CREDIT_OK},
		{"at the warning", 0, 10 * UNIT, CREDIT_LOW},
		{"a billionth left", 0, 1, CREDIT_LOW},
		{"nothing left", 0, 0, CREDIT_EXHAUSTED},
		{"owing", 0, -1, CREDIT_NEGATIVE},
		{"owing within an overdraft", -5 * UNIT, -1, CREDIT_NEGATIVE},
		{"at a cut-off above zero", 2 * UNIT, 2 * UNIT, CREDIT_EXHAUSTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct supply_policy with = policy;

		print_message("%s\n", cases[i].sentence);
		with.cutoff_nano = cases[i].cutoff;
		assert_int_equal(supply_credit_status(&with, cases[i].live), cases[i].status);
	}
	assert_string_equal(credit_status_name(CREDIT_EXHAUSTED), "Exhausted");
}

/* Random rooms: whatever happens, S1 and S2 hold at every step. */
static void no_history_cuts_without_proof(void **state)
{
	struct random random = random_start("rooms", 61);
	long rounds = random_rounds(2000);
	long cuts = 0, restores = 0, unproven = 0;

	(void)state;
	for (long i = 0; i < rounds; i++) {
		struct supply_money money = {0};
		struct supply_policy with = policy;
		int64_t us = random_between(&random, 0, 1000) * SECOND;
		int64_t balance = random_between(&random, -UNIT, 20 * UNIT);
		int64_t noticed_us = -1;
		int64_t held_us = 0;
		struct supply_facts facts = {0};
		bool trusted = true, estimated = false;
		int64_t cut_at = 0;

		with.hold_then = random_between(&random, 0, 1) ? SUPPLY_THEN_CUT : SUPPLY_THEN_KEEP;
		with.hold_max_us = HOUR;
		with.hold_max_nano = INT64_MAX; /* time alone ends a hold here */
		with.cloud_away_us = random_between(&random, 0, 1) * HOUR;
		supply_resume(&money, us);
		for (int k = 0; k < 300; k++) {
			int64_t passed = random_between(&random, 0, 300) * SECOND;
			bool was_cut = money.cut;
			bool due;
			struct instant now;
			uint32_t events;

			/* What goes wrong stays wrong for a while. */
			if (random_between(&random, 0, 29) == 0) {
				facts = (struct supply_facts){
					.evidence = (enum supply_evidence)(
						random_between(&random, 0, 8) % 6 % 3),
					.cost_nano_per_h = random_between(&random, 0, 5) * UNIT,
					.cloud_away_us = random_between(&random, 0, 4) == 0
								 ? 2 * HOUR
								 : 0,
					.kept = random_between(&random, 0, 9) == 0,
					.cuts_held = random_between(&random, 0, 4) == 0,
				};
				trusted = random_between(&random, 0, 4) != 0;
			}
			if (random_between(&random, 0, 40) == 0)
				balance += random_between(&random, 0, 10) * UNIT;
			else if (!was_cut)
				balance -= random_between(&random, 0, UNIT / 10);
			facts.best_nano = balance;
			facts.evidence_age_us = facts.evidence == SUPPLY_EVIDENCE_FRESH
							? 0
							: random_between(&random, 0, HOUR);
			us += passed;
			if (money.hold != SUPPLY_HOLD_NONE && money.hold != SUPPLY_HOLD_KEPT)
				held_us += passed;
			now = at(us);
			now.trusted = trusted;
			due = supply_due(&money, &with, &facts, &now);
			events = supply_step(&money, &with, &facts, &now).events;

			if (events & SUPPLY_EVENT_NOTICE)
				noticed_us = us;
			if (events & SUPPLY_EVENT_NOTICE_CANCELLED)
				noticed_us = -1;
			assert_int_equal((events & SUPPLY_EVENT_CUT) != 0, money.cut && !was_cut);
			if (events & SUPPLY_EVENT_CUT) {
				bool proof = trusted && !facts.cuts_held &&
					     facts.evidence != SUPPLY_EVIDENCE_NONE &&
					     balance <= with.cutoff_nano &&
					     (with.cloud_away_us == 0 ||
					      facts.cloud_away_us < with.cloud_away_us);

				cuts++;
				assert_false(facts.kept);
				assert_true(noticed_us >= 0);
				assert_true(us - noticed_us >= with.notice_us);
				assert_true(proof || (with.hold_then == SUPPLY_THEN_CUT &&
						      held_us >= with.hold_max_us));
				unproven += !proof;
				estimated = balance > with.cutoff_nano ||
					    facts.evidence == SUPPLY_EVIDENCE_NONE;
				cut_at = balance;
				assert_true(due || !proof);
			}
			if (was_cut && !money.cut) {
				restores++;
				assert_true(!estimated || facts.evidence == SUPPLY_EVIDENCE_FRESH ||
					    balance >= cut_at + with.restore_min_nano);
				assert_true(balance >= with.cutoff_nano + with.restore_min_nano);
				noticed_us = -1;
				held_us = 0;
			}
			if (was_cut && balance < with.cutoff_nano + with.restore_min_nano)
				assert_true(money.cut);
			if (balance > with.cutoff_nano && !money.hold_begun)
				held_us = 0;
		}
	}
	print_message("%ld cuts, %ld after a spent hold, %ld restores\n", cuts, unproven, restores);
	assert_true(cuts > unproven && unproven > 0 && restores > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_needs_proof),
		cmocka_unit_test(a_cloud_away_holds_where_the_building_says_so),
		cmocka_unit_test(
			a_cut_is_announced_and_comes_at_the_later_of_notice_and_exhaustion),
		cmocka_unit_test(how_long_it_lasts),
		cmocka_unit_test(only_money_takes_a_notice_back),
		cmocka_unit_test(a_load_that_goes_takes_no_notice_back),
		cmocka_unit_test(the_room_comes_back_only_at_the_restore_minimum),
		cmocka_unit_test(a_hold_ends_at_its_running_time),
		cmocka_unit_test(a_hold_ends_at_its_money),
		cmocka_unit_test(a_dispute_hold_is_not_capped_here),
		cmocka_unit_test(a_dispute_hold_neither_spends_nor_obeys_a_cap),
		cmocka_unit_test(a_cut_on_an_estimate_is_not_taken_back_by_the_same_registers),
		cmocka_unit_test(credit_status_follows_the_live_balance),
		cmocka_unit_test(no_history_cuts_without_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
