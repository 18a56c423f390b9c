/* What a test of a line says, for each pattern that a fault of the wiring leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/line_check.h"

#define MS     1000
#define ROUNDS 20
#define HEALTHY(n)                                                                                 \
	{                                                                                          \
		.address = n, .expected = true, .end = {ROUNDS}, .fastest_us = 8 * MS,             \
		.slowest_us = 25 * MS                                                              \
	}
#define DEAD(n)                                                                                    \
	{                                                                                          \
		.address = n, .expected = true, .end = { [TALLY_TIMEOUT] = ROUNDS }                \
	}
#define VACANT(n)                                                                                  \
	{                                                                                          \
		.address = n, .end = { [TALLY_TIMEOUT] = 1 }                                       \
	}
#define BROKEN(n, bad)                                                                             \
	{                                                                                          \
		.address = n, .expected = true, .end = {ROUNDS - (bad), [TALLY_CRC] = (bad)},      \
		.fastest_us = 8 * MS, .slowest_us = 9 * MS                                         \
	}

struct told {
	enum check_fault fault;
	enum check_grade grade;
	uint8_t address;
};

static const struct {
	const char *name;
	struct check_figures figures;
	size_t count;
	struct told told[6];
} cases[] = {
	{"a healthy line has no finding",
	 {.count = 4, .device = {HEALTHY(1), HEALTHY(2), HEALTHY(3), VACANT(4)}},
	 0,
	 {{0}}},
	{"nobody answers: one finding, not one for each meter",
	 {.count = 3, .device = {DEAD(1), DEAD(2), DEAD(3)}},
	 1,
	 {{CHECK_NOBODY, CHECK_BAD, 0}}},
	{"an empty bus is told as nobody",
	 {.count = 2, .device = {VACANT(1), VACANT(2)}},
	 1,
	 {{CHECK_NOBODY, CHECK_BAD, 0}}},
	{"all answers are broken: settings, not wiring of each",
	 {.count = 2, .device = {BROKEN(1, ROUNDS), BROKEN(2, ROUNDS)}},
	 1,
	 {{CHECK_NONE_WHOLE, CHECK_BAD, 0}}},
	{"one dead meter of three",
	 {.count = 3, .device = {HEALTHY(1), DEAD(2), HEALTHY(3)}},
	 1,
	 {{CHECK_ABSENT, CHECK_BAD, 2}}},
	{"one address is broken always: two devices there",
	 {.count = 3, .device = {HEALTHY(1), BROKEN(2, ROUNDS), HEALTHY(3)}},
	 1,
	 {{CHECK_ONE_BROKEN, CHECK_BAD, 2}}},
	{"one address is broken once",
	 {.count = 3, .device = {HEALTHY(1), BROKEN(2, 1), HEALTHY(3)}},
	 1,
	 {{CHECK_ONE_BROKEN, CHECK_WATCH, 2}}},
	{"most are broken now and then: the bus, once",
	 {.count = 4, .device = {BROKEN(1, 2), BROKEN(2, 1), HEALTHY(3), BROKEN(4, 3)}},
	 1,
	 {{CHECK_MANY_BROKEN, CHECK_WATCH, 0}}},
	{"a quarter of all answers is broken: the bus is of no use",
	 {.count = 2, .device = {BROKEN(1, 5), BROKEN(2, 6)}},
	 1,
	 {{CHECK_MANY_BROKEN, CHECK_BAD, 0}}},
	{"a loose wire",
	 {.count = 2, .device = {HEALTHY(1), {.address = 2, .expected = true, .end = {17, 0, 3}}}},
	 1,
	 {{CHECK_LOOSE, CHECK_WATCH, 2}}},
	{"a gateway answers now and then after half a second",
	 {.count = 1,
	  .device = {{.address = 9, .end = {20}, .fastest_us = 30 * MS, .slowest_us = 500 * MS}}},
	 1,
	 {{CHECK_SLOW, CHECK_WATCH, 9}}},
	{"slow, but always the same: nothing to tell",
	 {.count = 1,
	  .device = {{.address = 9, .end = {20}, .fastest_us = 150 * MS, .slowest_us = 300 * MS}}},
	 0,
	 {{0}}},
	{"another model than the one commissioned",
	 {.count = 2,
	  .device = {HEALTHY(1),
		     {.address = 2, .expected = true, .end = {[TALLY_EXCEPTION] = 20}}}},
	 1,
	 {{CHECK_REFUSES, CHECK_BAD, 2}}},
	{"a device that is not commissioned may refuse",
	 {.count = 2, .device = {HEALTHY(1), {.address = 2, .end = {[TALLY_EXCEPTION] = 20}}}},
	 0,
	 {{0}}},
	{"a little noise",
	 {.noise = 2, .count = 1, .device = {HEALTHY(1)}},
	 1,
	 {{CHECK_NOISE, CHECK_WATCH, 0}}},
	{"noise and echo come before what they may cause",
	 {.noise = 50, .echo = true, .count = 2, .device = {HEALTHY(1), BROKEN(2, 4)}},
	 3,
	 {{CHECK_NOISE, CHECK_BAD, 0},
	  {CHECK_ECHO, CHECK_WATCH, 0},
	  {CHECK_ONE_BROKEN, CHECK_WATCH, 2}}},
};

static void each_pattern_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_finding found[CHECK_FINDINGS_MAX];
		enum check_grade worst = CHECK_GOOD;
		size_t count = line_check(&cases[i].figures, found);
		if (count != cases[i].count)
			fail_msg("%s: %zu findings", cases[i].name, count);
		for (size_t n = 0; n < count; n++) {
			const struct told *told = &cases[i].told[n];
			if (found[n].fault != told->fault || found[n].grade != told->grade ||
			    found[n].address != told->address)
				fail_msg("%s: %s, %s, address %u", cases[i].name,
					 check_fault_name(found[n].fault),
					 check_grade_name(found[n].grade), found[n].address);
			worst = told->grade > worst ? told->grade : worst;
		}
		assert_int_equal(line_check_grade(found, count), worst);
	}
}

static void every_finding_says_what_to_do(void **state)
{
	(void)state;
	for (int fault = 0; fault < CHECK_FAULTS; fault++) {
		const char *advice = check_fault_advice((enum check_fault)fault);
		assert_true(strlen(check_fault_text((enum check_fault)fault)) > 10);
		assert_true(strlen(advice) > 60);
		assert_true(strchr(".?", advice[strlen(advice) - 1]) != NULL);
	}
}

static void more_findings_than_fit_are_left_out(void **state)
{
	static struct check_figures figures;
	struct check_finding found[CHECK_FINDINGS_MAX];
	(void)state;
	figures.count = CHECK_DEVICES_MAX;
	for (size_t i = 0; i < figures.count; i++)
		figures.device[i] = (struct check_device){.address = (uint8_t)(i + 1),
							  .expected = true,
							  .end = {[TALLY_TIMEOUT] = 1}};
	figures.device[0].end[TALLY_GOOD] = 20;
	assert_int_equal(line_check(&figures, found), CHECK_FINDINGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pattern_has_its_finding),
		cmocka_unit_test(every_finding_says_what_to_do),
		cmocka_unit_test(more_findings_than_fit_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
