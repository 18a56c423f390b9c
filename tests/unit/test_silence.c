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
};

static const struct silence_case cases[] = {
	{"all lines answer", {{true, false, 0}, {true, false, 0}}, false, false},
	{"one line of two is silent", {{true, true, 10 * S}, {true, false, 0}}, false, false},
	{"both fall silent at once", {{true, true, 10 * S}, {true, true, 12 * S}}, false, true},
	{"the long line notices later", {{true, true, 10 * S}, {true, true, 140 * S}}, false, true},
	{"two faults an hour apart", {{true, true, 10 * S}, {true, true, 3610 * S}}, false, false},
	{"the only line is silent", {{true, true, 10 * S}}, false, false},
	{"the other line's adapter is not there",
	 {{true, true, 10 * S}, {false, false, 0}},
	 false,
	 false},
	{"two of three are silent, the third has no meters",
	 {{true, true, 10 * S}, {false, false, 0}, {true, true, 20 * S}},
	 false,
	 true},
	{"the power is out, and one line comes back",
	 {{true, true, 10 * S}, {true, false, 0}},
	 true,
	 false},
	{"the power is out for long, and an adapter was put in since",
	 {{true, true, 10 * S}, {true, true, 9000 * S}},
	 true,
	 true},
	{"no line at all", {{false, false, 0}}, false, false},
};

static void lines_are_told_from_power(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(silence_is_outage(cases[i].lines, 3, cases[i].out_before),
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
