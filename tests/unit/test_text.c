/* test_text.c - foreign text in buffers of ours is cut and repaired at whole characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/platform/text.h"

static const struct {
	const char *title, *text;
	size_t size;
	const char *expected;
} cuts[] = {
	{"what fits stays", "room", 5, "room"},
	{"plain text is cut at the byte", "room", 4, "roo"},
	{"two-byte characters are not halved", "\u00e9\u00e9", 4, "\u00e9"},
	{"a character that just fits stays", "\u00e9\u00e9", 5, "\u00e9\u00e9"},
	{"three-byte characters are not halved, one byte short", "a\u623f", 4, "a"},
	{"three-byte characters are not halved, two bytes short", "a\u623f", 3, "a"},
	{"four-byte characters are not halved", "\U0001f3e0\U0001f3e0", 8, "\U0001f3e0"},
	{"no room for any character", "\u623f", 3, ""},
	{"no room at all", "room", 1, ""},
};

static const struct {
	const char *title, *text, *expected;
} repairs[] = {
	{"plain text stays", "room 305", "room 305"},
	{"whole characters stay", "\u00e9 \u623f \U0001f3e0", "\u00e9 \u623f \U0001f3e0"},
	{"half a character in the middle goes, what is around it stays",
	 "\u623f\xe6\x88 is wrong \u623f", "\u623f?? is wrong \u623f"},
	{"half a character at the end", "a\xf0\x9f\x8f", "a???"},
	{"a tail without a head", "\x88x", "?x"},
	{"longer than needed", "\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "?? ??? ????"},
	{"a surrogate", "\xed\xa0\x80", "???"},
	{"past the last code point", "\xf4\x90\x80\x80 \xff", "???? ?"},
};

static void text_is_cut_at_whole_characters(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		print_message("%s\n", cuts[i].title);
		memset(buffer, 'x', sizeof(buffer));
		text_cut(buffer, cuts[i].size, cuts[i].text);
		assert_string_equal(buffer, cuts[i].expected);
	}
}

static void what_is_no_character_is_replaced(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
		print_message("%s\n", repairs[i].title);
		(void)snprintf(buffer, sizeof(buffer), "%s", repairs[i].text);
		text_repair(buffer);
		assert_string_equal(buffer, repairs[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_at_whole_characters),
		cmocka_unit_test(what_is_no_character_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
