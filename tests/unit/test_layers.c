/* Layers: S3, every cell of the precedence table; the stages of a cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/layers.h"

#define WISHES 4

static void wishes_decide_by_precedence(void **state)
{
	static const struct {
		const char *sentence;
		enum supply_wish wish[LAYER_COUNT];
		struct layers_verdict verdict;
	} cases[] = {
		{"nobody wishes anything: on", {0}, {SUPPLY_ON, LAYER_NOBODY}},
		{"out of money: off", {[LAYER_MONEY] = SUPPLY_OFF}, {SUPPLY_OFF, LAYER_MONEY}},
		{"out of money, but never cut: on",
		 {[LAYER_KEEP] = SUPPLY_ON, [LAYER_MONEY] = SUPPLY_OFF},
		 {SUPPLY_ON, LAYER_KEEP}},
		{"an operator's on beats cloud, money and schedule",
		 {[LAYER_OPERATOR] = SUPPLY_ON,
		  [LAYER_CLOUD] = SUPPLY_OFF,
		  [LAYER_MONEY] = SUPPLY_OFF,
		  [LAYER_SCHEDULE] = SUPPLY_OFF},
		 {SUPPLY_ON, LAYER_OPERATOR}},
		{"an operator's off beats never-cut",
		 {[LAYER_OPERATOR] = SUPPLY_OFF, [LAYER_KEEP] = SUPPLY_ON},
		 {SUPPLY_OFF, LAYER_OPERATOR}},
		{"a lock-out beats an operator's on",
		 {[LAYER_LOCKOUT] = SUPPLY_OFF, [LAYER_OPERATOR] = SUPPLY_ON},
		 {SUPPLY_OFF, LAYER_LOCKOUT}},
		{"safety beats an operator's on",
		 {[LAYER_SAFETY] = SUPPLY_OFF, [LAYER_OPERATOR] = SUPPLY_ON},
		 {SUPPLY_OFF, LAYER_SAFETY}},
		{"a lock-out cannot close what safety opened",
		 {[LAYER_LOCKOUT] = SUPPLY_ON, [LAYER_SAFETY] = SUPPLY_OFF},
		 {SUPPLY_OFF, LAYER_SAFETY}},
		{"never-cut cannot open", {[LAYER_KEEP] = SUPPLY_OFF}, {SUPPLY_ON, LAYER_NOBODY}},
		{"money not known yet: leave the relay",
		 {[LAYER_MONEY] = SUPPLY_HOLD, [LAYER_SCHEDULE] = SUPPLY_ON},
		 {SUPPLY_HOLD, LAYER_MONEY}},
		{"curfew in a room in credit: off",
		 {[LAYER_SCHEDULE] = SUPPLY_OFF},
		 {SUPPLY_OFF, LAYER_SCHEDULE}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct layers layers = {0};
		struct layers_verdict verdict;

		print_message("%s\n", cases[i].sentence);
		for (int layer = 0; layer < LAYER_COUNT; layer++)
			layers.wish[layer] = cases[i].wish[layer];
		verdict = supply_combine(&layers);
		assert_int_equal(verdict.wish, cases[i].verdict.wish);
		assert_int_equal(verdict.layer, cases[i].verdict.layer);
	}
}

/* All 4^7 cells against the sentences of S3, each told on its own. */
static void every_cell_keeps_s3(void **state)
{
	int cells = 1;

	(void)state;
	for (int layer = 0; layer < LAYER_COUNT; layer++)
		cells *= WISHES;
	assert_int_equal(cells, 16384);
	for (int cell = 0; cell < cells; cell++) {
		struct layers layers;
		struct layers_verdict verdict;
		const enum supply_wish *wish = layers.wish;
		int rest = cell;

		for (int layer = 0; layer < LAYER_COUNT; layer++, rest /= WISHES)
			layers.wish[layer] = (enum supply_wish)(rest % WISHES);
		verdict = supply_combine(&layers);

		if (wish[LAYER_LOCKOUT] == SUPPLY_OFF) {
			assert_int_equal(verdict.wish, SUPPLY_OFF);
			assert_int_equal(verdict.layer, LAYER_LOCKOUT);
		} else if (wish[LAYER_SAFETY] == SUPPLY_OFF) {
			assert_int_equal(verdict.wish, SUPPLY_OFF);
			assert_int_equal(verdict.layer, LAYER_SAFETY);
		} else if (wish[LAYER_OPERATOR] == SUPPLY_ON ||
			   wish[LAYER_OPERATOR] == SUPPLY_OFF) {
			assert_int_equal(verdict.wish, wish[LAYER_OPERATOR]);
			assert_int_equal(verdict.layer, LAYER_OPERATOR);
		} else if (wish[LAYER_KEEP] == SUPPLY_ON) {
			assert_int_equal(verdict.wish, SUPPLY_ON);
			assert_int_equal(verdict.layer, LAYER_KEEP);
		} else if (wish[LAYER_CLOUD] == SUPPLY_ON || wish[LAYER_CLOUD] == SUPPLY_OFF) {
			assert_int_equal(verdict.wish, wish[LAYER_CLOUD]);
			assert_int_equal(verdict.layer, LAYER_CLOUD);
		} else if (wish[LAYER_MONEY] != SUPPLY_NO_WISH) {
			assert_int_equal(verdict.wish, wish[LAYER_MONEY]);
			assert_int_equal(verdict.layer, LAYER_MONEY);
		} else if (wish[LAYER_SCHEDULE] == SUPPLY_ON ||
			   wish[LAYER_SCHEDULE] == SUPPLY_OFF) {
			assert_int_equal(verdict.wish, wish[LAYER_SCHEDULE]);
			assert_int_equal(verdict.layer, LAYER_SCHEDULE);
		} else {
			assert_int_equal(verdict.wish, SUPPLY_ON);
			assert_int_equal(verdict.layer, LAYER_NOBODY);
		}
	}
}

static void supplies_go_in_cut_order(void **state)
{
	static const struct supply_circuit circuits[] = {
		{.cut_order = 5, .may_cut = true},  /* sockets */
		{.cut_order = 1, .may_cut = true},  /* air conditioning */
		{.cut_order = 0, .may_cut = false}, /* light */
		{.cut_order = 1, .may_cut = true},  /* boiler, with the air conditioning */
		{.cut_order = 9, .may_cut = true},
	};
	static const struct {
		const char *sentence;
		bool evaluated, cut;
		int64_t run_us;
		enum supply_wish wish[5];
	} cases[] = {
		{"before the first facts nothing moves",
		 false,
		 true,
		 1000,
		 {SUPPLY_HOLD, SUPPLY_HOLD, SUPPLY_HOLD, SUPPLY_HOLD, SUPPLY_HOLD}},
		{"in credit money wishes nothing", true, false, 0, {0}},
		{"the lowest order goes at once, together",
		 true,
		 true,
		 0,
		 {SUPPLY_HOLD, SUPPLY_OFF, SUPPLY_NO_WISH, SUPPLY_OFF, SUPPLY_HOLD}},
		{"just before the second stage",
		 true,
		 true,
		 99,
		 {SUPPLY_HOLD, SUPPLY_OFF, SUPPLY_NO_WISH, SUPPLY_OFF, SUPPLY_HOLD}},
		{"the second stage",
		 true,
		 true,
		 100,
		 {SUPPLY_OFF, SUPPLY_OFF, SUPPLY_NO_WISH, SUPPLY_OFF, SUPPLY_HOLD}},
		{"the last stage; light stays",
		 true,
		 true,
		 200,
		 {SUPPLY_OFF, SUPPLY_OFF, SUPPLY_NO_WISH, SUPPLY_OFF, SUPPLY_OFF}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct supply_money money = {.evaluated = cases[i].evaluated,
					     .cut = cases[i].cut,
					     .cut_run_us = cases[i].run_us};
		enum supply_wish wish[5];

		print_message("%s\n", cases[i].sentence);
		supply_money_wishes(&money, circuits, 5, 100, wish);
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(wish[k], cases[i].wish[k]);
	}
}

static void without_stage_time_all_go_at_once(void **state)
{
	static const struct supply_circuit circuits[] = {{.cut_order = 1, .may_cut = true},
							 {.cut_order = 2, .may_cut = true}};
	struct supply_money money = {.evaluated = true, .cut = true};
	enum supply_wish wish[2];

	(void)state;
	supply_money_wishes(&money, circuits, 2, 0, wish);
	assert_int_equal(wish[0], SUPPLY_OFF);
	assert_int_equal(wish[1], SUPPLY_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_decide_by_precedence),
		cmocka_unit_test(every_cell_keeps_s3),
		cmocka_unit_test(supplies_go_in_cut_order),
		cmocka_unit_test(without_stage_time_all_go_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
