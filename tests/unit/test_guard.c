/* The register guard: M6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/guard.h"
#include "tests/unit/random.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define T0     INT64_C(1767225600)

/* 32 A, one phase, 230 V: 7,360 W, so 10,672 W with what a breaker may carry; Acrel: 10 Wh
 * steps. */
static const struct guard_limits limits = {.modulus_wh = 1000000000,
					   .resolution_wh = 10,
					   .breaker_a = 32,
					   .phases = 1,
					   .nominal_voltage_v = 230,
					   .plausibility_factor = 1,
					   .serial = 0};

static struct instant after(int64_t us)
{
	return (struct instant){.us = us, .s = T0 + us / SECOND, .trusted = true};
}

static struct guard_verdict judge(struct guard *guard, int64_t wh, int64_t us)
{
	struct reading reading = {0};
	struct instant now = after(us);

	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, wh);
	reading.at_us = us;
	return guard_judge(guard, &limits, &reading, &now);
}

static struct guard at_register(int64_t wh)
{
	struct guard guard = {0};

	assert_int_equal(judge(&guard, wh, 0).outcome, GUARD_READ_AGAIN);
	assert_int_equal(judge(&guard, wh, 0).outcome, GUARD_BASELINE);
	return guard;
}

static void one_reading_against_a_baseline(void **state)
{
	static const struct {
		const char *sentence;
		int64_t baseline, reading, after_us;
		enum guard_outcome outcome;
		enum guard_reason reason;
		int64_t step;
	} cases[] = {
		{"the same register again: accepted, no step", 5000, 5000, SECOND, GUARD_ACCEPT,
		 GUARD_OK, 0},
		{"one register step in a second: accepted", 5000, 5010, SECOND, GUARD_ACCEPT,
		 GUARD_OK, 10},
		{"full load for an hour: possible, but read twice", 5000, 12360, HOUR,
		 GUARD_READ_AGAIN, GUARD_OK, 0},
		{"a quarter of the breaker for an hour: accepted", 5000, 6840, HOUR, GUARD_ACCEPT,
		 GUARD_OK, 1840},
		{"1.5 times the breaker for an hour: a leap", 5000, 16200, HOUR, GUARD_QUARANTINE,
		 GUARD_LEAP, 0},
		{"the whole counter at once (53.7 MWh): a leap", 0, 53700000, 10 * SECOND,
		 GUARD_QUARANTINE, GUARD_LEAP, 0},
		{"zero: a fall", 5000, 0, SECOND, GUARD_QUARANTINE, GUARD_FALL, 0},
		{"one Wh less: a fall", 5000, 4999, SECOND, GUARD_QUARANTINE, GUARD_FALL, 0},
		{"after a month only a day's worth is possible", 5000, 5000 + 300000, 720 * HOUR,
		 GUARD_QUARANTINE, GUARD_LEAP, 0},
		{"after a month a day's worth is possible, read twice", 5000, 5000 + 200000,
		 720 * HOUR, GUARD_READ_AGAIN, GUARD_OK, 0},
		{"past the modulus: rollover, read twice", 999999990, 10, 10 * SECOND,
		 GUARD_READ_AGAIN, GUARD_OK, 0},
		{"from nine tenths a small value is possible only within the limit", 900000000, 10,
		 10 * SECOND, GUARD_QUARANTINE, GUARD_FALL, 0},
		{"below nine tenths there is no rollover", 899999999, 0, 720 * HOUR,
		 GUARD_QUARANTINE, GUARD_FALL, 0},
		{"a register past its own modulus cannot be", 5000, 1000000000, SECOND,
		 GUARD_QUARANTINE, GUARD_LEAP, 0},
		{"a negative register cannot be", 5000, -5, SECOND, GUARD_QUARANTINE, GUARD_FALL,
		 0},
		{"nor is it a rollover", 999999990, -5, 10 * SECOND, GUARD_QUARANTINE, GUARD_FALL,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard guard = at_register(cases[i].baseline);
		struct guard_verdict verdict;

		print_message("%s\n", cases[i].sentence);
		verdict = judge(&guard, cases[i].reading, cases[i].after_us);
		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_int_equal(verdict.reason, cases[i].reason);
		assert_int_equal(verdict.step_wh, cases[i].step);
		assert_int_equal(verdict.opened, cases[i].outcome == GUARD_QUARANTINE);
		assert_int_equal(guard.accepted.wh, cases[i].baseline + cases[i].step);
	}
}

static void a_glitch_is_closed_by_the_next_good_reading(void **state)
{
	static const int64_t glitches[] = {0, 900000000, 4000, 5300};

	(void)state;
	for (size_t i = 0; i < sizeof(glitches) / sizeof(glitches[0]); i++) {
		struct guard guard = at_register(5000);
		struct guard_verdict verdict = judge(&guard, glitches[i], SECOND);

		assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
		assert_true(verdict.opened);
		verdict = judge(&guard, 5010, 2 * SECOND);
		assert_int_equal(verdict.outcome, GUARD_ACCEPT);
		assert_true(verdict.returned);
		assert_int_equal(verdict.step_wh, 10);
		verdict = judge(&guard, 5020, 3 * SECOND);
		assert_false(verdict.returned);
	}
}

static void a_large_step_needs_a_second_reading_that_agrees(void **state)
{
	struct guard guard = at_register(5000);
	struct guard_verdict verdict;

	(void)state;
	assert_int_equal(judge(&guard, 10000, HOUR).outcome, GUARD_READ_AGAIN);
	assert_int_equal(guard.accepted.wh, 5000);
	verdict = judge(&guard, 10010, HOUR + SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_int_equal(verdict.step_wh, 5010);

	/* The first was wrong: the second, small, stands by itself. */
	guard = at_register(5000);
	assert_int_equal(judge(&guard, 10000, HOUR).outcome, GUARD_READ_AGAIN);
	verdict = judge(&guard, 5010, HOUR + SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_int_equal(verdict.step_wh, 10);

	/* They never agree. */
	guard = at_register(5000);
	assert_int_equal(judge(&guard, 14000, HOUR).outcome, GUARD_READ_AGAIN);
	assert_int_equal(judge(&guard, 12000, HOUR + SECOND).outcome, GUARD_READ_AGAIN);
	assert_int_equal(judge(&guard, 10000, HOUR + 2 * SECOND).outcome, GUARD_READ_AGAIN);
	verdict = judge(&guard, 9000, HOUR + 3 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
	assert_int_equal(verdict.reason, GUARD_DISAGREE);
	assert_int_equal(guard.accepted.wh, 5000);
}

static void rollover_is_taken_when_read_twice(void **state)
{
	struct guard guard = at_register(999999990);
	struct guard_verdict verdict;

	(void)state;
	assert_int_equal(judge(&guard, 0, SECOND).outcome, GUARD_READ_AGAIN);
	verdict = judge(&guard, 0, 2 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_true(verdict.rolled_over);
	assert_int_equal(verdict.step_wh, 10);
	assert_int_equal(guard.accepted.wh, 1000000000);
	verdict = judge(&guard, 10, 3 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_int_equal(guard.accepted.wh, 1000000010);

	/* One zero near the modulus is no rollover. */
	guard = at_register(999999900);
	assert_int_equal(judge(&guard, 0, SECOND).outcome, GUARD_READ_AGAIN);
	verdict = judge(&guard, 999999910, 2 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_int_equal(verdict.step_wh, 10);
}

static void rollover_is_believed_only_from_the_last_tenth(void **state)
{
	/* 100 kWh: small enough that the way around is possible within a day. */
	struct guard_limits small = limits;
	static const struct {
		int64_t baseline;
		enum guard_outcome outcome;
	} cases[] = {{89999, GUARD_QUARANTINE}, {90000, GUARD_READ_AGAIN}};

	(void)state;
	small.modulus_wh = 100000;
	for (size_t i = 0; i < 2; i++) {
		struct guard guard = {0};
		struct reading reading = {0};
		struct instant now = after(24 * HOUR);

		guard_rebase(&guard, &(struct mark){.wh = cases[i].baseline, .this_boot = true});
		reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5);
		assert_int_equal(guard_judge(&guard, &small, &reading, &now).outcome,
				 cases[i].outcome);
	}
}

static void a_leap_never_becomes_plausible_by_waiting(void **state)
{
	struct guard guard = at_register(5000);

	(void)state;
	assert_true(judge(&guard, 55000, SECOND).opened);
	for (int64_t hour = 1; hour < 400; hour++) {
		struct guard_verdict verdict = judge(&guard, 55000 + 500 * hour, hour * HOUR);

		assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
		assert_false(verdict.opened);
		assert_int_equal(guard.accepted.wh, 5000);
	}
}

/* The first wild value must not make a lower, later leap look like a return. */
static void a_second_leap_below_the_first_stays_a_leap(void **state)
{
	struct guard guard = at_register(5000);

	(void)state;
	assert_true(judge(&guard, 900000000, SECOND).opened);
	assert_int_equal(judge(&guard, 105000, 2 * SECOND).outcome, GUARD_QUARANTINE);
	assert_int_equal(judge(&guard, 105010, 30 * HOUR).outcome, GUARD_QUARANTINE);
	assert_int_equal(guard.accepted.wh, 5000);
	/* A person decides: the exchange is declared. */
	guard_rebase(&guard, &(struct mark){.wh = 105010, .at_us = 30 * HOUR, .this_boot = true});
	assert_int_equal(judge(&guard, 105020, 30 * HOUR + SECOND).outcome, GUARD_ACCEPT);
}

static void a_reset_register_that_climbs_past_the_old_value_stays_a_fall(void **state)
{
	struct guard guard = at_register(5000);
	int64_t wh = 0;

	(void)state;
	for (int64_t minute = 1; minute < 400; minute++, wh += 50) {
		struct guard_verdict verdict = judge(&guard, wh, minute * 60 * SECOND);

		assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
		assert_int_equal(guard.accepted.wh, 5000);
	}
	assert_true(wh > 5000);
}

static void a_changed_ratio_is_quarantined_whatever_the_register(void **state)
{
	struct guard guard = at_register(5000);
	struct guard_limits changed = limits;
	struct reading reading = {0};
	struct instant now = after(SECOND);
	struct guard_verdict verdict;

	(void)state;
	changed.ratio_changed = true;
	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5010);
	verdict = guard_judge(&guard, &changed, &reading, &now);
	assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
	assert_int_equal(verdict.reason, GUARD_RATIO);
	assert_int_equal(guard.accepted.wh, 5000);
	assert_string_equal(guard_reason_name(GUARD_RATIO), "ratio");
}

static void bad_company_is_quarantined(void **state)
{
	static const struct {
		const char *sentence;
		enum quantity quantity;
		int64_t value;
		enum guard_reason reason;
	} cases[] = {
		{"230 V beside it: fine", QUANTITY_VOLTAGE_L1_MV, 230000, GUARD_OK},
		{"0 V behind an open relay: fine", QUANTITY_VOLTAGE_L1_MV, 0, GUARD_OK},
		{"400 V, the neutral is lost: fine", QUANTITY_VOLTAGE_L2_MV, 400000, GUARD_OK},
		{"5 MV is another register", QUANTITY_VOLTAGE_L1_MV, 5000000000, GUARD_WITNESS},
		{"a negative voltage is another register", QUANTITY_VOLTAGE_L3_MV, -1,
		 GUARD_WITNESS},
		{"twice the nominal voltage: fine", QUANTITY_VOLTAGE_L1_MV, 460000, GUARD_OK},
		{"more than twice", QUANTITY_VOLTAGE_L1_MV, 460001, GUARD_WITNESS},
		{"50 Hz: fine", QUANTITY_FREQUENCY_MHZ, 50000, GUARD_OK},
		{"0 Hz, of a meter that is fed from elsewhere: fine", QUANTITY_FREQUENCY_MHZ, 0,
		 GUARD_OK},
		{"40 Hz: fine", QUANTITY_FREQUENCY_MHZ, 40000, GUARD_OK},
		{"less than 40 Hz", QUANTITY_FREQUENCY_MHZ, 39999, GUARD_WITNESS},
		{"70 Hz: fine", QUANTITY_FREQUENCY_MHZ, 70000, GUARD_OK},
		{"more than 70 Hz", QUANTITY_FREQUENCY_MHZ, 70001, GUARD_WITNESS},
		{"230 Hz is another register", QUANTITY_FREQUENCY_MHZ, 230000, GUARD_WITNESS},
		{"the serial number expected: fine", QUANTITY_SERIAL_NUMBER, 4711, GUARD_OK},
		{"another serial number", QUANTITY_SERIAL_NUMBER, 4712, GUARD_SERIAL},
	};
	struct guard_limits known = limits;

	(void)state;
	known.serial = 4711;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard guard = at_register(5000);
		struct reading reading = {0};
		struct instant now = after(SECOND);
		struct guard_verdict verdict;

		print_message("%s\n", cases[i].sentence);
		reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5010);
		reading_set(&reading, cases[i].quantity, cases[i].value);
		verdict = guard_judge(&guard, &known, &reading, &now);
		assert_int_equal(verdict.reason, cases[i].reason);
		assert_int_equal(verdict.outcome,
				 cases[i].reason == GUARD_OK ? GUARD_ACCEPT : GUARD_QUARANTINE);
		/* Good company again: the register itself was never in doubt. */
		verdict = judge(&guard, 5010, 2 * SECOND);
		assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	}
}

static struct guard_verdict judge_by(const struct guard_limits *by, struct guard *guard, int64_t wh,
				     int64_t us)
{
	struct reading reading = {.at_us = us};
	struct instant now = after(us);

	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, wh);
	return guard_judge(guard, by, &reading, &now);
}

static void the_weaker_the_witness_the_sooner_a_step_is_read_twice(void **state)
{
	/* The limit after a minute is 286 Wh, after an hour 10,780 Wh, after a day 256,236 Wh. */
	static const struct {
		const char *sentence;
		enum guard_witness witness;
		int64_t step, after_us;
		enum guard_outcome outcome;
	} cases[] = {
		{"within: a quarter of a minute's limit is taken", GUARD_WITNESS_WITHIN, 70,
		 60 * SECOND, GUARD_ACCEPT},
		{"within: more is read twice", GUARD_WITNESS_WITHIN, 80, 60 * SECOND,
		 GUARD_READ_AGAIN},
		{"beside: two steps of the register are taken", GUARD_WITNESS_BESIDE, 20,
		 60 * SECOND, GUARD_ACCEPT},
		{"beside: three are read twice", GUARD_WITNESS_BESIDE, 30, 60 * SECOND,
		 GUARD_READ_AGAIN},
		{"beside: a sixteenth of an hour's limit is taken", GUARD_WITNESS_BESIDE, 670, HOUR,
		 GUARD_ACCEPT},
		{"beside: more is read twice", GUARD_WITNESS_BESIDE, 680, HOUR, GUARD_READ_AGAIN},
		{"none: two steps of the register are taken", GUARD_WITNESS_NONE, 20, 24 * HOUR,
		 GUARD_ACCEPT},
		{"none: three are read twice, even after a day", GUARD_WITNESS_NONE, 30, 24 * HOUR,
		 GUARD_READ_AGAIN},
		{"none: what cannot be is no better for being read twice", GUARD_WITNESS_NONE, 300,
		 60 * SECOND, GUARD_QUARANTINE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard_limits by = limits;
		struct guard guard = at_register(5000);
		struct guard_verdict verdict;

		print_message("%s\n", cases[i].sentence);
		by.witness = cases[i].witness;
		verdict = judge_by(&by, &guard, 5000 + cases[i].step, cases[i].after_us);
		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_int_equal(guard.accepted.wh - 5000,
				 verdict.outcome == GUARD_ACCEPT ? cases[i].step : 0);
		if (verdict.outcome != GUARD_READ_AGAIN)
			continue;
		/* The second says the same; or it says otherwise, and the first is forgotten. */
		struct guard other = guard;
		verdict = judge_by(&by, &guard, 5000 + cases[i].step, cases[i].after_us + SECOND);
		assert_int_equal(verdict.outcome, GUARD_ACCEPT);
		assert_int_equal(verdict.step_wh, cases[i].step);
		verdict = judge_by(&by, &other, 5010, cases[i].after_us + SECOND);
		assert_int_equal(verdict.outcome, GUARD_ACCEPT);
		assert_int_equal(verdict.step_wh, 10);
		assert_false(verdict.returned);
	}
}

/* Another register's value in place of the true one, small enough to be possible: with a witness in the
 * same answer that cannot be; without, one such answer is never charged. */
static void without_a_witness_a_possible_wrong_answer_is_not_charged(void **state)
{
	struct random random = random_start("unproven", 43);
	long rounds = random_rounds(2000);
	struct guard_limits by = limits;
	int64_t caught = 0;

	(void)state;
	by.witness = GUARD_WITNESS_NONE;
	for (long i = 0; i < rounds; i++) {
		int64_t truth = random_between(&random, 0, 99999) * 10;
		struct guard guard = at_register(truth);
		int64_t us = 0;

		for (int poll = 0; poll < 50; poll++) {
			us += random_between(&random, SECOND, 60 * SECOND);
			truth += random_between(&random, 0, 2) * 10;
			if (random_between(&random, 0, 4) == 0) {
				caught += judge_by(&by, &guard,
						   truth + random_between(&random, 3, 20) * 10, us)
						  .outcome == GUARD_READ_AGAIN;
				us += SECOND;
			}
			assert_int_equal(judge_by(&by, &guard, truth, us).outcome, GUARD_ACCEPT);
			assert_int_equal(guard.accepted.wh, truth);
		}
	}
	assert_true(caught > rounds);
}

static void unknown_time_counts_as_a_day(void **state)
{
	struct mark mark = {.wh = 5000, .at_s = T0, .dated = true};
	struct instant hour_later = {.us = 5, .s = T0 + 3600, .trusted = true};
	struct instant untrusted = {.us = 5, .s = T0 + 3600, .trusted = false};
	struct instant before = {.us = 5, .s = T0 - 1, .trusted = true};
	struct instant ages_later = {.us = 5, .s = INT64_MAX, .trusted = true};

	(void)state;
	assert_int_equal(guard_elapsed_us(&mark, &hour_later), HOUR);
	assert_int_equal(guard_elapsed_us(&mark, &untrusted), GUARD_ELAPSED_MAX_US);
	assert_int_equal(guard_elapsed_us(&mark, &before), GUARD_ELAPSED_MAX_US);
	assert_int_equal(guard_elapsed_us(&mark, &ages_later), GUARD_ELAPSED_MAX_US);
	assert_int_equal(guard_elapsed_us(&mark, &(struct instant){.s = T0, .trusted = true}), 0);
	mark.dated = false;
	assert_int_equal(guard_elapsed_us(&mark, &hour_later), GUARD_ELAPSED_MAX_US);
	mark.this_boot = true;
	mark.at_us = 2;
	assert_int_equal(guard_elapsed_us(&mark, &untrusted), 3);
	mark.at_us = 9; /* ahead of now: no time has passed */
	assert_int_equal(guard_elapsed_us(&mark, &untrusted), 0);
	/* The limit of an hour at 7,360 W, by hand: 7360 x 1.45 x 3630 / 3600 + 20. */
	assert_int_equal(guard_limit_wh(&limits, HOUR), 10780);
	/* Of three phases: 22080 x 1.45 x 3630 / 3600 + 20. */
	struct guard_limits three = limits;
	three.phases = 3;
	assert_int_equal(guard_limit_wh(&three, HOUR), 32302);
}

static void a_restart_keeps_the_quarantine_and_the_baseline(void **state)
{
	struct guard guard = {0};
	struct guard_verdict verdict;

	(void)state;
	guard_rebase(&guard, &(struct mark){.wh = 5000, .at_s = T0, .dated = true});
	guard_requarantine(&guard, GUARD_LEAP, 55000);
	verdict = judge(&guard, 55010, SECOND);
	assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
	assert_false(verdict.opened);
	verdict = judge(&guard, 5010, 2 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_true(verdict.returned);

	/* A day later the time would allow it: it is still the leap that it was. */
	guard_rebase(&guard, &(struct mark){.wh = 5000, .at_s = T0, .dated = true});
	guard_requarantine(&guard, GUARD_LEAP, 55000);
	verdict = judge(&guard, 55000, 24 * HOUR);
	assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
	assert_int_equal(verdict.reason, GUARD_LEAP);
	assert_int_equal(guard.accepted.wh, 5000);
}

static void two_readings_agree_only_as_fast_as_energy_flows(void **state)
{
	struct guard guard = at_register(5000);
	struct guard_verdict verdict;

	(void)state;
	assert_int_equal(judge(&guard, 10000, HOUR).outcome, GUARD_READ_AGAIN);
	/* The baseline would allow 14,000 by now; a second after 10,000 it does not follow. */
	assert_int_equal(judge(&guard, 14000, HOUR + SECOND).outcome, GUARD_READ_AGAIN);
	assert_int_equal(guard.accepted.wh, 5000);
	/* What came before a reading that is quarantined has not agreed with what comes after it. */
	assert_int_equal(judge(&guard, 900000000, HOUR + 2 * SECOND).outcome, GUARD_QUARANTINE);
	assert_int_equal(judge(&guard, 14000, HOUR + 3 * SECOND).outcome, GUARD_READ_AGAIN);
	verdict = judge(&guard, 14000, HOUR + 4 * SECOND);
	assert_int_equal(verdict.outcome, GUARD_ACCEPT);
	assert_int_equal(verdict.step_wh, 9000);
}

static void time_since_an_accepted_reading_is_that_of_the_boot(void **state)
{
	struct guard guard = at_register(5000);
	struct reading reading = {.at_us = SECOND};
	/* The clock was set a day ahead; a second has passed. */
	struct instant now = {.us = SECOND, .s = T0 + 86400, .trusted = true};

	(void)state;
	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 55000);
	assert_int_equal(guard_judge(&guard, &limits, &reading, &now).reason, GUARD_LEAP);
}

static void a_register_without_an_end_never_rolls_over(void **state)
{
	static const struct {
		int64_t reading;
		enum guard_outcome outcome;
		enum guard_reason reason;
	} cases[] = {
		{5010, GUARD_ACCEPT, GUARD_OK},
		{4990, GUARD_QUARANTINE, GUARD_FALL},
		{0, GUARD_QUARANTINE, GUARD_FALL},
		{2000000000, GUARD_QUARANTINE, GUARD_LEAP},
	};
	struct guard_limits floats = limits;

	(void)state;
	floats.modulus_wh = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard guard = at_register(5000);
		struct guard_verdict verdict = judge_by(&floats, &guard, cases[i].reading, SECOND);

		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_int_equal(verdict.reason, cases[i].reason);
		/* What a second and its slack allow, whatever became of it. */
		assert_int_equal(verdict.limit_wh, 111);
		assert_int_equal(guard.accepted.wh, cases[i].outcome == GUARD_ACCEPT ? 5010 : 5000);
	}
}

static void without_a_baseline_a_register_that_cannot_be_is_none(void **state)
{
	static const struct {
		int64_t reading;
		enum guard_reason reason;
	} cases[] = {{-5, GUARD_FALL}, {1000000000, GUARD_LEAP}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct guard guard = {0};

		for (int again = 0; again < 3; again++) {
			struct guard_verdict verdict = judge(&guard, cases[i].reading, SECOND);

			assert_int_equal(verdict.outcome, GUARD_QUARANTINE);
			assert_int_equal(verdict.reason, cases[i].reason);
		}
		assert_false(guard.has_baseline);
		assert_int_equal(judge(&guard, 7000, 2 * SECOND).outcome, GUARD_READ_AGAIN);
		struct guard_verdict verdict = judge(&guard, 7000, 3 * SECOND);
		assert_int_equal(verdict.outcome, GUARD_BASELINE);
		assert_int_equal(verdict.step_wh, 0);
		assert_int_equal(guard.accepted.wh, 7000);
	}
	/* Nor one of another meter. */
	struct guard_limits known = limits;
	struct guard guard = {0};
	struct reading reading = {.at_us = SECOND};
	struct instant now = after(SECOND);

	known.serial = 4711;
	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5000);
	reading_set(&reading, QUANTITY_SERIAL_NUMBER, 4712);
	for (int again = 0; again < 3; again++)
		assert_int_equal(guard_judge(&guard, &known, &reading, &now).reason, GUARD_SERIAL);
	/* Where no serial number is known any is right. */
	assert_int_equal(guard_judge(&guard, &limits, &reading, &now).outcome, GUARD_READ_AGAIN);
}

static void what_a_meter_did_not_say_is_no_witness(void **state)
{
	struct guard guard = at_register(5000);
	struct reading reading = {.at_us = SECOND};
	struct instant now = after(SECOND);

	(void)state;
	reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5010);
	reading.value[QUANTITY_FREQUENCY_MHZ] = 230000;
	reading.value[QUANTITY_VOLTAGE_L1_MV] = -1;
	assert_int_equal(guard_judge(&guard, &limits, &reading, &now).outcome, GUARD_ACCEPT);
}

/* Who was in bad company is good again at once; who fell comes back as long as it has not become a line of
 * its own. */
static void what_was_in_doubt_comes_back(void **state)
{
	struct guard guard = at_register(5000);
	struct instant now = after(SECOND);
	int64_t us = SECOND;

	(void)state;
	for (int i = 0; i < 2 * GUARD_FOLLOW_MAX; i++, us += SECOND) {
		struct reading reading = {.at_us = us};

		now = after(us);
		reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 5000);
		reading_set(&reading, QUANTITY_FREQUENCY_MHZ, 230000);
		assert_int_equal(guard_judge(&guard, &limits, &reading, &now).reason,
				 GUARD_WITNESS);
	}
	assert_true(judge(&guard, 5010, us).returned);

	guard = at_register(5000);
	assert_int_equal(judge(&guard, 4990, SECOND).reason, GUARD_FALL);
	assert_int_equal(judge(&guard, 4990, 2 * SECOND).outcome, GUARD_QUARANTINE);
	assert_true(judge(&guard, 5000, 3 * SECOND).returned);

	guard = at_register(5000);
	for (int i = 0; i <= GUARD_FOLLOW_MAX; i++)
		assert_int_equal(judge(&guard, 4990, (i + 1) * SECOND).outcome, GUARD_QUARANTINE);
	assert_int_equal(judge(&guard, 5000, 9 * SECOND).outcome, GUARD_QUARANTINE);
}

/* A true register under every kind of glitch: what is accepted is exactly the true way, never
 * more. */
static void glitches_never_charge(void **state)
{
	struct random random = random_start("glitches", 41);
	long rounds = random_rounds(2000);

	(void)state;
	for (long i = 0; i < rounds; i++) {
		int64_t truth = random_between(&random, 0, 999999);
		struct guard guard = at_register(truth);
		int64_t first = truth, us = 0, accepted = 0;

		for (int poll = 0; poll < 200; poll++) {
			int64_t shown;
			struct guard_verdict verdict;

			us += random_between(&random, SECOND, 5 * SECOND);
			truth += random_between(&random, 0, 5) == 0 ? 10 : 0;
			shown = truth;
			if (random_between(&random, 0, 9) == 0)
				shown = random_between(&random, 0, 1) == 0
						? 0
						: random_between(&random, 0, 4000000000);
			verdict = judge(&guard, shown, us);
			accepted += verdict.step_wh;
			assert_true(guard.accepted.wh <= truth);
			assert_int_equal(guard.accepted.wh, first + accepted);
		}
		us += SECOND;
		assert_int_equal(judge(&guard, truth, us).outcome, GUARD_ACCEPT);
		assert_int_equal(guard.accepted.wh, truth);
	}
}

/* DN 20: 5,000 litres an hour at the most; a register of nine digits. */
static void a_water_meter_is_held_to_its_pipe(void **state)
{
	static const struct {
		const char *sentence;
		int64_t baseline, reading, after_us;
		enum guard_outcome outcome;
		enum guard_reason reason;
		int64_t step;
	} cases[] = {
		{"nobody drew any: accepted, no step", 5000, 5000, SECOND, GUARD_ACCEPT, GUARD_OK,
		 0},
		{"two litres are never read twice", 5000, 5002, SECOND, GUARD_ACCEPT, GUARD_OK, 2},
		{"more may be noise: it is read again", 5000, 5003, HOUR, GUARD_READ_AGAIN,
		 GUARD_OK, 0},
		/* An hour and 30 s at 5,000 l/h are 5,041 l, and two steps of a litre. */
		{"as much as the pipe lets through", 5000, 10043, HOUR, GUARD_READ_AGAIN, GUARD_OK,
		 0},
		{"a litre more", 5000, 10044, HOUR, GUARD_QUARANTINE, GUARD_LEAP, 0},
		{"zero", 5000, 0, HOUR, GUARD_QUARANTINE, GUARD_FALL, 0},
		{"a litre backward", 5000, 4999, HOUR, GUARD_QUARANTINE, GUARD_FALL, 0},
		{"over the end of the register", 999999999, 1, HOUR, GUARD_READ_AGAIN, GUARD_OK, 0},
		{"past a register that ends", 999999999, 1000000000, HOUR, GUARD_QUARANTINE,
		 GUARD_LEAP, 0},
		{"of a month no more than of a day", 5000, 5000 + 120500, 720 * HOUR,
		 GUARD_QUARANTINE, GUARD_LEAP, 0},
	};
	static const struct guard_limits pipe = {.medium = MEDIUM_WATER,
						 .modulus_wh = 1000000000,
						 .resolution_wh = 1,
						 .breaker_a = 1,
						 .phases = 1,
						 .nominal_voltage_v = 230,
						 .flow_l_per_h = 5000,
						 .plausibility_factor = 1,
						 .witness = GUARD_WITNESS_NONE};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mark baseline = {
			.wh = cases[i].baseline, .this_boot = true, .dated = true, .at_s = T0};
		struct reading reading = {.at_us = cases[i].after_us};
		struct instant now = after(cases[i].after_us);
		struct guard guard;

		print_message("%s\n", cases[i].sentence);
		guard_rebase(&guard, &baseline);
		/* What the meter says of energy is no matter of its water. */
		reading_set(&reading, QUANTITY_ENERGY_IMPORT_WH, 1);
		assert_int_equal(guard_judge(&guard, &pipe, &reading, &now).outcome, GUARD_NOTHING);
		reading_set(&reading, QUANTITY_VOLUME_L, cases[i].reading);
		struct guard_verdict verdict = guard_judge(&guard, &pipe, &reading, &now);

		assert_int_equal(verdict.outcome, cases[i].outcome);
		assert_int_equal(verdict.reason, cases[i].reason);
		assert_int_equal(verdict.step_wh, cases[i].step);
		if (verdict.outcome != GUARD_READ_AGAIN)
			continue;
		verdict = guard_judge(&guard, &pipe, &reading, &now);
		assert_int_equal(verdict.outcome, GUARD_ACCEPT);
		assert_int_equal(verdict.step_wh,
				 (cases[i].reading - cases[i].baseline + 1000000000) % 1000000000);
		assert_int_equal(verdict.rolled_over, cases[i].reading < cases[i].baseline);
	}
	assert_int_equal(guard_limit_wh(&(struct guard_limits){.medium = MEDIUM_WATER,
							       .resolution_wh = 1,
							       .flow_l_per_h = INT64_MAX,
							       .plausibility_factor = 1000000},
					GUARD_ELAPSED_MAX_US),
			 INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_water_meter_is_held_to_its_pipe),
		cmocka_unit_test(one_reading_against_a_baseline),
		cmocka_unit_test(a_glitch_is_closed_by_the_next_good_reading),
		cmocka_unit_test(a_large_step_needs_a_second_reading_that_agrees),
		cmocka_unit_test(rollover_is_taken_when_read_twice),
		cmocka_unit_test(rollover_is_believed_only_from_the_last_tenth),
		cmocka_unit_test(a_leap_never_becomes_plausible_by_waiting),
		cmocka_unit_test(a_second_leap_below_the_first_stays_a_leap),
		cmocka_unit_test(a_reset_register_that_climbs_past_the_old_value_stays_a_fall),
		cmocka_unit_test(bad_company_is_quarantined),
		cmocka_unit_test(a_changed_ratio_is_quarantined_whatever_the_register),
		cmocka_unit_test(the_weaker_the_witness_the_sooner_a_step_is_read_twice),
		cmocka_unit_test(without_a_witness_a_possible_wrong_answer_is_not_charged),
		cmocka_unit_test(unknown_time_counts_as_a_day),
		cmocka_unit_test(a_restart_keeps_the_quarantine_and_the_baseline),
		cmocka_unit_test(two_readings_agree_only_as_fast_as_energy_flows),
		cmocka_unit_test(time_since_an_accepted_reading_is_that_of_the_boot),
		cmocka_unit_test(a_register_without_an_end_never_rolls_over),
		cmocka_unit_test(without_a_baseline_a_register_that_cannot_be_is_none),
		cmocka_unit_test(what_a_meter_did_not_say_is_no_witness),
		cmocka_unit_test(what_was_in_doubt_comes_back),
		cmocka_unit_test(glitches_never_charge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
