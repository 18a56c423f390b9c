/* test_cli_words.c - a typed line becomes words as people quote them, and nothing is ever expanded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/cli/words.h"

struct words_case {
	const char *sentence;
	const char *line;
	int r;
	const char *words[8];
};

static const struct words_case cases[] = {
	{"an empty line has no words", "", 0, {NULL}},
	{"blanks alone are no words", " \t \r\n", 0, {NULL}},
	{"blanks separate words", "  room\tshow   305 ", 0, {"room", "show", "305", NULL}},
	{"double quotes hold blanks", "a \"b c\" d", 0, {"a", "b c", "d", NULL}},
	{"single quotes are literal", "'a\\b \"c\" $d'", 0, {"a\\b \"c\" $d", NULL}},
	{"quotes in the middle belong to the word",
	 "--reason=\"a b\"c",
	 0,
	 {"--reason=a bc", NULL}},
	{"empty quotes are an empty word", "a '' \"\"", 0, {"a", "", "", NULL}},
	{"a backslash protects a blank", "a\\ b", 0, {"a b", NULL}},
	{"a backslash protects a quote inside quotes", "\"a\\\"b\\\\\"", 0, {"a\"b\\", NULL}},
	{"other backslashes inside quotes stay", "\"a\\nb\"", 0, {"a\\nb", NULL}},
	{"a variable is not expanded", "$HOME ${PATH} ~", 0, {"$HOME", "${PATH}", "~", NULL}},
	{"a command is not run", "`id` $(id)", 0, {"`id`", "$(id)", NULL}},
	{"a separator is a letter", "status;id|sh >x &", 0, {"status;id|sh", ">x", "&", NULL}},
	{"a pattern is not expanded", "/etc/* ?", 0, {"/etc/*", "?", NULL}},
	{"an open double quote is refused", "a \"b", -EINVAL, {NULL}},
	{"an open single quote is refused", "it's", -EINVAL, {NULL}},
	{"a backslash at the end is refused", "a\\", -EINVAL, {NULL}},
};

static void splits_as_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct words_case *c = &cases[i];
		struct words words;
		size_t count = 0;

		print_message("%s\n", c->sentence);
		assert_int_equal(words_split(&words, c->line), c->r);
		if (c->r < 0)
			continue;
		while (c->words[count] != NULL)
			count++;
		assert_int_equal(words.count, count);
		for (size_t k = 0; k < count; k++)
			assert_string_equal(words.word[k], c->words[k]);
		assert_null(words.word[count]);
	}
}

static void refuses_what_is_too_long(void **state)
{
	char line[WORDS_LINE_MAX + 1];
	struct words words;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[WORDS_LINE_MAX] = '\0';
	assert_int_equal(words_split(&words, line), -E2BIG);
	line[WORDS_LINE_MAX - 1] = '\0';
	assert_int_equal(words_split(&words, line), 0);
	assert_int_equal(words.count, 1);
	for (size_t i = 0; i < WORDS_MAX; i++)
		memcpy(line + 2 * i, "x ", 3);
	assert_int_equal(words_split(&words, line), 0);
	assert_int_equal(words.count, WORDS_MAX);
	memcpy(line + 2 * (size_t)WORDS_MAX, "x", 2);
	assert_int_equal(words_split(&words, line), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_as_written),
		cmocka_unit_test(refuses_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
