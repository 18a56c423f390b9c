/* A silent line told from a power outage. (A dead meter told from a silent line: test_schedule.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/silence.h"

#define S INT64_C(1000000)

struct silence_case {
	const char *name;
	struct silence_line lines[3];
	bool out_before;
	bool out;
	enum silence_incomer incomer;
};

#define DEAD SILENCE_INCOMER_DEAD
#define LIVE SILENCE_INCOMER_LIVE
#define NONE SILENCE_INCOMER_UNKNOWN

static const struct silence_case cases[] = {
	{"all lines answer", {{true, false, 0}, {true, false, 0}}, false, false, NONE},
	{"one line of two is silent", {{true, true, 10 * S}, {true, false, 0}}, false, false, NONE},
	{"both fall silent at once",
	 {{true, true, 10 * S}, {true, true, 12 * S}},
	 false,
	 true,
	 NONE},
	{"the long line notices later",
	 {{true, true, 10 * S}, {true, true, 140 * S}},
	 false,
	 true,
	 NONE},
	{"two faults an hour apart",
	 {{true, true, 10 * S}, {true, true, 3610 * S}},
	 false,
	 false,
	 NONE},
	{"the only line is silent", {{true, true, 10 * S}}, false, false, NONE},
	{"the other line's adapter is not there",
	 {{true, true, 10 * S}, {false, false, 0}},
	 false,
	 false,
	 NONE},
	{"two of three are silent, the third has no meters",
	 {{true, true, 10 * S}, {false, false, 0}, {true, true, 20 * S}},
	 false,
	 true,
	 NONE},
	{"the power is out, and one line comes back",
	 {{true, true, 10 * S}, {true, false, 0}},
	 true,
	 false,
	 NONE},
	{"the power is out for long, and an adapter was put in since",
	 {{true, true, 10 * S}, {true, true, 9000 * S}},
	 true,
	 true,
	 NONE},
	{"no line at all", {{false, false, 0}}, false, false, NONE},
	{"no line at all, and a dead incomer", {{false, false, 0}}, false, false, DEAD},
	{"the only line is silent, and the incomer is dead",
	 {{true, true, 10 * S}},
	 false,
	 true,
	 DEAD},
	{"the only line answers beside a dead incomer", {{true, false, 0}}, false, false, DEAD},
	{"the only line is silent, and the incomer lives",
	 {{true, true, 10 * S}},
	 false,
	 false,
	 LIVE},
	{"both fall silent at once, and the incomer lives",
	 {{true, true, 10 * S}, {true, true, 12 * S}},
	 false,
	 false,
	 LIVE},
	{"two faults an hour apart, and a dead incomer",
	 {{true, true, 10 * S}, {true, true, 3610 * S}},
	 false,
	 true,
	 DEAD},
	{"the incomer comes back before the only line", {{true, true, 10 * S}}, true, false, LIVE},
	{"the incomer of a known outage is not heard any more",
	 {{true, true, 10 * S}},
	 true,
	 true,
	 NONE},
};

static void lines_are_told_from_power(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(
			silence_is_outage(cases[i].lines, 3, cases[i].incomer, cases[i].out_before),
			cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_told_from_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
