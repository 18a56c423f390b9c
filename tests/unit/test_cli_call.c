/* test_cli_call.c - the verb table holds together, and lines are read by it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/cli/completion.h"
#include "concentrator/cli/verb.h"
#include "concentrator/cli/words.h"

static void every_row_is_whole(void **state)
{
	size_t in_groups = 0;
	size_t count = 0;

	(void)state;
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb)) {
		struct grammar grammar;
		bool optional = false;

		count++;
		print_message("%s\n", verb->usage);
		assert_int_equal(grammar_parse(&grammar, verb->usage), 0);
		assert_int_equal(grammar.part[0].kind, PART_WORD);
		assert_non_null(verb->run);
		assert_true(strlen(verb->help) > 0 && strlen(verb->help) < 62);
		for (size_t i = 0; i < grammar.count; i++) {
			const struct part *part = &grammar.part[i];

			if (part->kind == PART_OPTION) {
				assert_non_null(verb_option_help(part->name));
				continue;
			}
			/* Nothing that must be there stands behind what may be left out. */
			assert_false(optional && part->required);
			optional |= !part->required;
		}
	}
	for (size_t i = 0; i < verb_groups_count; i++)
		in_groups += verb_groups[i].count;
	assert_int_equal(count, in_groups);
}

/* Words are told from options before the verb is known: see call.c. */
static void an_option_takes_a_value_everywhere_or_nowhere(void **state)
{
	(void)state;
	for (const struct verb *a = verb_next(NULL); a != NULL; a = verb_next(a)) {
		for (const struct verb *b = verb_next(a); b != NULL; b = verb_next(b)) {
			struct grammar left;
			struct grammar right;

			assert_int_equal(grammar_parse(&left, a->usage), 0);
			assert_int_equal(grammar_parse(&right, b->usage), 0);
			for (size_t i = 0; i < left.count; i++) {
				const struct part *other = grammar_option(&right,
									  left.part[i].name);

				if (left.part[i].kind == PART_OPTION && other != NULL)
					assert_int_equal(left.part[i].value[0] == '\0',
							 other->value[0] == '\0');
			}
		}
	}
}

static void what_is_no_usage_line_is_refused(void **state)
{
	static const char *const bad[] = {"room [show]", "room 9", "room [--a|b]", "room ->",
					  "room averyveryverylongwordindeed"};
	struct grammar grammar;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(grammar_parse(&grammar, bad[i]), -EINVAL);
}

struct call_case {
	const char *line;
	const char *usage; /* begins the usage of the verb; NULL: refused */
	const char *why;   /* begins the sentence */
	const char *name[3];
	const char *value[3];
};

static const struct call_case cases[] = {
	{"room show 305", "room show ROOM", NULL, {"ROOM"}, {"305"}},
	{"relay 305/ac off --reason 'too hot'",
	 "relay ROOM[/CIRCUIT] off",
	 NULL,
	 {"ROOM", "--reason"},
	 {"305/ac", "too hot"}},
	{"--reason=x relay 305 off --json", "relay ROOM[/CIRCUIT] off", NULL, {"--reason"}, {"x"}},
	{"relay --reason x 305 on", "relay ROOM[/CIRCUIT] on", NULL, {"ROOM"}, {"305"}},
	{"meter read A/17", "meter read", NULL, {"ROOM", "CIRCUIT"}, {"A/17", NULL}},
	{"meter read 305 ac", "meter read", NULL, {"ROOM", "CIRCUIT"}, {"305", "ac"}},
	{"room import -", "room import", NULL, {"FILE", "--dry-run"}, {"-", NULL}},
	{"room import -- --dry-run",
	 "room import",
	 NULL,
	 {"FILE", "--dry-run"},
	 {"--dry-run", NULL}},
	{"ledger tail -n 5", "ledger tail", NULL, {"-n", "--room"}, {"5", NULL}},
	{"status --check", "status", NULL, {"--check", "--brief"}, {"", NULL}},
	{"credit add 305 -5 --receipt 9 --reason x", "credit add", NULL, {"AMOUNT"}, {"-5"}},
	{"relay on off --reason x", "relay ROOM[/CIRCUIT] off", NULL, {"ROOM"}, {"on"}},
	{"status --brief --check", NULL, "--brief and --check exclude each other", {NULL}, {NULL}},
	{"status --brief --brief", NULL, "--brief is given twice", {NULL}, {NULL}},
	{"status --brief=x", NULL, "--brief takes no value", {NULL}, {NULL}},
	{"status --nonsense", NULL, "unknown option --nonsense", {NULL}, {NULL}},
	{"status --room 305", NULL, "--room is no option of this verb", {NULL}, {NULL}},
	{"relay 305 off --reason", NULL, "--reason needs a value", {NULL}, {NULL}},
	{"relay 305 off --reason --json", NULL, "--reason needs a value", {NULL}, {NULL}},
	{"statu", NULL, "unknown verb statu", {NULL}, {NULL}},
	{"room", NULL, "room wants more words\nUsage: prepay room list", {NULL}, {NULL}},
	{"room show", NULL, "ROOM is missing\nUsage: prepay room show ROOM", {NULL}, {NULL}},
	{"room show 1 2", NULL, "unexpected word 2", {NULL}, {NULL}},
	{"relay 305 toggle", NULL, "toggle does not fit here", {NULL}, {NULL}},
	{"status --timeout 0", NULL, "--timeout is 1 to", {NULL}, {NULL}},
	{"status --timeout 1s", NULL, "--timeout is 1 to", {NULL}, {NULL}},
	{"status --color maybe", NULL, "--color is auto, yes or no", {NULL}, {NULL}},
};

static void lines_are_read_by_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct call_case *c = &cases[i];
		struct manners manners = {0};
		char why[CALL_WHY_SIZE] = "";
		struct words words;
		struct call call;
		int r;

		print_message("%s\n", c->line);
		assert_int_equal(words_split(&words, c->line), 0);
		r = call_parse(&call, &manners, words.count, words.word, why);
		if (c->usage == NULL) {
			assert_int_equal(r, -EINVAL);
			assert_memory_equal(why, c->why, strlen(c->why));
			continue;
		}
		assert_int_equal(r, 0);
		assert_non_null(call.verb);
		assert_memory_equal(call.verb->usage, c->usage, strlen(c->usage));
		for (size_t k = 0; k < 3 && c->name[k] != NULL; k++) {
			if (c->value[k] == NULL)
				assert_null(call_get(&call, c->name[k]));
			else
				assert_string_equal(call_get(&call, c->name[k]), c->value[k]);
		}
	}
}

static void manners_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"--json -q -y --timeout 3 --socket /s --config /c --color no room show 305",
		"room --json show -q 305 -y --timeout=3 --socket=/s --config /c --color no",
		"room show 305 --json --quiet --yes --timeout 3 --socket /s --config /c --color=no",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct manners manners = {0};
		char why[CALL_WHY_SIZE];
		struct words words;
		struct call call;

		assert_int_equal(words_split(&words, lines[i]), 0);
		assert_int_equal(call_parse(&call, &manners, words.count, words.word, why), 0);
		assert_string_equal(call_get(&call, "ROOM"), "305");
		assert_true(manners.json && manners.quiet && manners.yes);
		assert_int_equal(manners.timeout_ms, 3000);
		assert_int_equal(manners.colour, COLOUR_NO);
		assert_string_equal(manners.socket, "/s");
		assert_string_equal(manners.config, "/c");
	}
}

static void a_change_without_a_reason_is_seen(void **state)
{
	struct manners manners = {0};
	char why[CALL_WHY_SIZE];
	struct words words;
	struct call call;

	(void)state;
	assert_int_equal(words_split(&words, "relay 305 off"), 0);
	assert_int_equal(call_parse(&call, &manners, words.count, words.word, why), 0);
	assert_string_equal(call_missing(&call)->name, "--reason");
}

static void completion_says_what_may_come(void **state)
{
	static const struct {
		const char *line;
		const char *next; /* all, sorted as the table has them */
	} completions[] = {
		{"room", "list show add import persons remove "},
		{"room show", "ROOM "},
		{"room show 305", ""},
		{"relay", "ROOM "},
		{"relay 305", "on off auto connect lockout release "},
		{"relay 305 off", "--reason "},
		{"relay 305 off --reason", "TEXT "},
		{"relay 305 off --reason x", ""},
		{"--json credit", "list show import add emergency overdraft accept reject "},
		{"--socket", "PATH "},
		{"ledger tail --room 305", "--account -n "},
		{"status", "--brief --check "},
		{"nonsense", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++) {
		struct completion found[COMPLETIONS_MAX];
		char text[512] = "";
		struct words words;
		size_t len = 0;
		size_t count;

		print_message("%s\n", completions[i].line);
		assert_int_equal(words_split(&words, completions[i].line), 0);
		count = completion_find(words.count, words.word, found);
		for (size_t k = 0; k < count; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ",
						found[k].text);
		assert_string_equal(text, completions[i].next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(an_option_takes_a_value_everywhere_or_nowhere),
		cmocka_unit_test(what_is_no_usage_line_is_refused),
		cmocka_unit_test(lines_are_read_by_the_table),
		cmocka_unit_test(manners_stand_anywhere),
		cmocka_unit_test(a_change_without_a_reason_is_seen),
		cmocka_unit_test(completion_says_what_may_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
