/* test_read_apart.c - B1, T1c: what may follow what, so that no old answer passes for the new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "meters/read_apart.h"

struct asked {
	uint8_t function;
	uint16_t address;
	uint16_t count;
};

static const struct {
	const char *name;
	struct asked before[3]; /* in the order in which they were sent; function 0: none */
	struct asked next;
	bool mistaken;
} cases[] = {
	{"the first of all", {{0}}, {4, 0x1200, 16}, false},
	{"the next block behind its like", {{4, 0x1200, 16}}, {4, 0x2200, 16}, true},
	{"with one other between", {{4, 0x1200, 16}, {4, 0x10F8, 1}}, {4, 0x2200, 16}, true},
	{"with two others between",
	 {{4, 0x1200, 16}, {4, 0x1416, 6}, {4, 0x1300, 8}},
	 {4, 0x2200, 16},
	 false},
	{"the same block again", {{4, 0x1200, 16}}, {4, 0x1200, 16}, false},
	{"the same address, longer", {{4, 0x1200, 16}}, {4, 0x1200, 20}, false},
	{"another function", {{4, 0x1200, 16}}, {3, 0x2200, 16}, false},
	{"16 coils behind 9: two bytes each", {{1, 0, 16}}, {1, 32, 9}, true},
	{"8 coils behind 9", {{1, 0, 9}}, {1, 32, 8}, false},
	{"16 inputs behind 16 coils", {{1, 0, 16}}, {2, 0, 16}, false},
};

static void no_read_follows_one_that_could_be_answered_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read_apart apart = {0};
		struct meter_request next = {.function = cases[i].next.function,
					     .address = cases[i].next.address,
					     .count = cases[i].next.count};

		for (size_t k = 0; k < 3 && cases[i].before[k].function != 0; k++)
			read_apart_sent(&apart, &(struct meter_request){
							.function = cases[i].before[k].function,
							.address = cases[i].before[k].address,
							.count = cases[i].before[k].count});
		if (read_apart_mistakes(&apart, &next) != cases[i].mistaken)
			fail_msg("%s", cases[i].name);
	}
}

/* Two answers are one behind the other and alike: the next block's turn never comes that way, but what is asked
 * so often that all kept answers are its own is right. */
static void the_same_read_three_times_is_its_own_answer(void **state)
{
	struct read_apart apart = {0};
	struct meter_request first = {.function = 4, .address = 0x1200, .count = 16};
	struct meter_request second = {.function = 4, .address = 0x2200, .count = 16};

	(void)state;
	read_apart_sent(&apart, &first);
	for (int i = 0; i < READ_APART; i++) {
		assert_true(read_apart_mistakes(&apart, &second));
		read_apart_sent(&apart, &second);
	}
	assert_false(read_apart_mistakes(&apart, &second));
	assert_true(read_apart_mistakes(&apart, &first));
	assert_true(read_apart_has(&apart, &second));
	assert_false(read_apart_has(&apart, &first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_read_follows_one_that_could_be_answered_alike),
		cmocka_unit_test(the_same_read_three_times_is_its_own_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
