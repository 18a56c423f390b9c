/* test_load.c - what a circuit draws against what its breaker carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/load.h"

#define SECOND      INT64_C(1000000)
#define NO_CURRENT  (-1)
#define NO_POWER    (-1)
#define READINGS    6
#define NOMINAL_V   230
#define BREAKER_A   16
#define THREE_PHASE 3

/* One reading of the largest phase's current and the power of all. */
struct seen {
	int64_t at_ms;
	int64_t current_ma;
	int64_t power_w;
};

static struct reading reading_of(const struct seen *seen)
{
	struct reading reading = {.at_us = seen->at_ms * 1000};

	if (seen->current_ma != NO_CURRENT)
		reading_set(&reading, QUANTITY_CURRENT_L2_MA, seen->current_ma);
	if (seen->power_w != NO_POWER)
		reading_set(&reading, QUANTITY_POWER_W, seen->power_w);
	return reading;
}

static enum load_event step(struct load *load, struct reading *latest, const struct seen *seen,
			    int64_t phases)
{
	const struct guard_limits limits = {
		.breaker_a = BREAKER_A, .phases = phases, .nominal_voltage_v = NOMINAL_V};
	struct reading reading = reading_of(seen);

	for (int q = 0; q < QUANTITY_COUNT; q++)
		if (reading_has(&reading, (enum quantity)q))
			reading_set(latest, (enum quantity)q, reading.value[q]);
	return load_step(load, &limits, &reading, latest);
}

struct sequence {
	const char *sentence;
	int64_t phases;
	struct seen seen[READINGS];
	enum load_event event[READINGS];
	int64_t within_us[READINGS]; /* until the next reading */
};

#define WATCH LOAD_WATCH_US
#define APART LOAD_APART_US

static const struct sequence sequences[] = {
	{"a usual load is read when its turn comes",
	 1,
	 {{1000, 4300, 1000}, {4000, 4400, 1010}},
	 {0},
	 {0}},
	{"at 80 % of the rating it is looked at often, and at 79 % no more",
	 1,
	 {{1000, 12800, 2900}, {2500, 16000, 3680}, {4000, 12799, 2900}},
	 {0},
	 {WATCH, WATCH, 0}},
	{"above the rating the second reading is wanted a second later, and is the overload",
	 1,
	 {{1000, 16170, 3700}, {2000, 17000, 3900}, {3500, 17000, 3900}},
	 {LOAD_EVENT_NONE, LOAD_EVENT_OVERLOAD, LOAD_EVENT_NONE},
	 {APART, WATCH, WATCH}},
	{"what is read again sooner may be the same measurement, and does not count",
	 1,
	 {{1000, 20000, 4600}, {1040, 20000, 4600}, {1999, 20000, 4600}, {2000, 20000, 4600}},
	 {0, 0, 0, LOAD_EVENT_OVERLOAD},
	 {APART, APART, APART, WATCH}},
	{"both parts of one answer are one measurement",
	 1,
	 {{1000, 20000, NO_POWER}, {1000, 20000, 4600}},
	 {0},
	 {APART, APART}},
	{"one reading above the rating is an inrush",
	 1,
	 {{1000, 30000, 6900}, {2000, 3000, 690}, {5000, 30000, 6900}, {6000, 3000, 690}},
	 {0},
	 {APART, 0, APART, 0}},
	{"it is over with one reading that is not above",
	 1,
	 {{1000, 20000, 4600}, {2000, 20000, 4600}, {3500, 16000, 3680}, {5000, 1000, 230}},
	 {0, LOAD_EVENT_OVERLOAD, LOAD_EVENT_OVER, 0},
	 {APART, WATCH, WATCH, 0}},
	{"where there is no current the power is told against the nominal voltage",
	 1,
	 {{1000, NO_CURRENT, 3717}, {2000, NO_CURRENT, 3717}},
	 {0, LOAD_EVENT_OVERLOAD},
	 {APART, WATCH}},
	{"three phases carry three times that",
	 THREE_PHASE,
	 {{1000, NO_CURRENT, 8800}, {4000, NO_CURRENT, 11151}, {5000, NO_CURRENT, 11151}},
	 {0, 0, LOAD_EVENT_OVERLOAD},
	 {0, APART, WATCH}},
	{"one overloaded phase of three is not denied by the power of all",
	 THREE_PHASE,
	 {{1000, 30000, NO_POWER}, {1500, NO_CURRENT, 6900}, {2000, 30000, NO_POWER}},
	 {0, 0, LOAD_EVENT_OVERLOAD},
	 {APART, APART, WATCH}},
	{"power that flows backward is no load",
	 1,
	 {{1000, NO_CURRENT, -5000}, {2000, NO_CURRENT, -5000}},
	 {0},
	 {0, 0}},
};

static void two_measurements_above_the_rating_are_an_overload(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(sequences) / sizeof(sequences[0]); n++) {
		const struct sequence *one = &sequences[n];
		struct load load = {0};
		struct reading latest = {0};

		print_message("%s\n", one->sentence);
		for (size_t i = 0; i < READINGS && one->seen[i].at_ms > 0; i++) {
			assert_int_equal(step(&load, &latest, &one->seen[i], one->phases),
					 one->event[i]);
			assert_int_equal(load_within_us(&load), one->within_us[i]);
		}
	}
}

static void a_current_that_grew_since_the_power_was_read_counts_as_power(void **state)
{
	static const struct {
		const char *sentence;
		struct seen seen[3];
		int64_t power_w;
	} cases[] = {
		{"power and current together", {{1000, 4348, 900}}, 900},
		{"the same current later", {{1000, 4348, 900}, {4000, 4400, NO_POWER}}, 900},
		{"a little more is the same load",
		 {{1000, 4000, 900}, {4000, 4700, NO_POWER}},
		 900},
		{"much more", {{1000, 4000, 900}, {4000, 20000, NO_POWER}}, 4600},
		{"from nothing", {{1000, 0, 0}, {4000, 20000, NO_POWER}}, 4600},
		{"what an idle circuit draws by its capacity is no load",
		 {{1000, 0, 0}, {4000, 150, NO_POWER}},
		 0},
		{"less is known only when the power is read",
		 {{1000, 20000, 4600}, {4000, 1000, NO_POWER}},
		 4600},
		{"the power read since says more",
		 {{1000, 4000, 900}, {4000, 20000, NO_POWER}, {9000, NO_CURRENT, 4700}},
		 4700},
		{"no current is known", {{1000, NO_CURRENT, 1500}}, 1500},
	};
	const struct guard_limits limits = {
		.breaker_a = BREAKER_A, .phases = 1, .nominal_voltage_v = NOMINAL_V};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct load load = {0};
		struct reading latest = {0};

		print_message("%s\n", cases[n].sentence);
		for (size_t i = 0; i < 3 && cases[n].seen[i].at_ms > 0; i++)
			(void)step(&load, &latest, &cases[n].seen[i], 1);
		assert_int_equal(load_power_w(&load, &limits), cases[n].power_w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_measurements_above_the_rating_are_an_overload),
		cmocka_unit_test(a_current_that_grew_since_the_power_was_read_counts_as_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
