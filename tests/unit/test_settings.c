/* test_settings.c - INI text: every error at its file and line, and nothing that inih does quietly. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/platform/settings.h"

#define TEN "0123456789"
#define X90 TEN TEN TEN TEN TEN TEN TEN TEN TEN

static struct settings *read_text(const char *text, size_t len)
{
	struct settings *settings;

	assert_int_equal(settings_new(&settings), 0);
	assert_int_equal(settings_read_text(settings, "f", text, len), 0);
	return settings;
}

static void test_values(void **state)
{
	static const char text[] = "\xef\xbb\xbf; a comment\n"
				   "[site]\r\n"
				   "id = S-0001   # its name\r\n"
				   "empty =\n"
				   "hash = a#b;c\n"
				   "  indented = yes\n"
				   "utf8 = 房间 ; a room\n"
				   "[ line  A ]\n"
				   "baud=9600\n"
				   "parity : even\n"
				   "[line B]\n";
	static const char *const parities[] = {"none", "even", "odd", NULL};
	struct settings *settings = read_text(text, sizeof(text) - 1);
	struct settings_section *site = settings_find(settings, "site", NULL);
	struct settings_section *line;

	(void)state;
	assert_non_null(site);
	assert_string_equal(settings_string(site, "id", 1, 31, ""), "S-0001");
	assert_string_equal(settings_string(site, "empty", 0, 31, "x"), "");
	assert_string_equal(settings_string(site, "hash", 0, 31, "x"), "a#b;c");
	assert_string_equal(settings_string(site, "utf8", 0, 31, "x"), "房间");
	assert_true(settings_bool(site, "indented", false));
	assert_string_equal(settings_string(site, "absent", 1, 31, "fallback"), "fallback");
	assert_true(settings_has(site, "id"));
	assert_false(settings_has(site, "absent"));
	assert_false(settings_has(NULL, "id"));

	line = settings_next(settings, "line", NULL);
	assert_non_null(line);
	assert_string_equal(settings_name(line), "A");
	assert_int_equal(settings_int64(line, "baud", 1200, 115200, 1), 9600);
	assert_int_equal(settings_choice(line, "parity", parities, 0), 1);
	line = settings_next(settings, "line", line);
	assert_non_null(line);
	assert_string_equal(settings_name(line), "B");
	assert_null(settings_next(settings, "line", line));
	assert_ptr_equal(settings_find(settings, "line", "B"), line);
	assert_null(settings_find(settings, "line", NULL));
	assert_int_equal(settings_int64(NULL, "baud", 1200, 115200, 19200), 19200);

	settings_unknown(settings);
	assert_int_equal(settings_error_count(settings), 0);
	settings_free(settings);
}

struct error_case {
	const char *sentence;
	const char *text;
	int line;
	const char *message; /* begins with this */
};

static const struct error_case error_cases[] = {
	{"a second section of one title", "[a]\nx = 1\n[b]\n[a]\ny = 2\n", 4,
	 "section [a] was begun in line 1 already; merge"},
	{"a second key of one name", "[a]\nx = 1\ny = 1\nx = 2\n", 4,
	 "`x` was set in line 2 already; remove"},
	{"a key before the first section", "x = 1\n", 1, "`x` stands before the first section;"},
	{"a key without a value", "[a]\n\nx\ny = 1\n", 3, "neither a section nor a key; write"},
	{"a value without a key", "[a]\n= 1\n", 2, "bad key; use"},
	{"a key of two words", "[a]\nx y = 1\n", 2, "bad key; use"},
	{"a key that inih would keep a part of", "[a]\n" TEN TEN TEN TEN TEN " = 1\n", 2,
	 "bad key; use"},
	{"a title without its end", "[a\nx = 1\n", 1, "the section title does not end; write"},
	{"a title with text behind", "[a] b\n", 1, "the section title does not end; write"},
	{"a title of three words", "[a b c]\n", 1, "bad section title; write"},
	{"an empty title", "[]\n", 1, "bad section title; write"},
	{"a title with a slash", "[line ../x]\n", 1, "bad section title; write"},
	{"a title that inih would cut", "[line " TEN TEN TEN TEN TEN "]\n", 1,
	 "bad section title; write"},
	{"a line that inih would split", "[a]\nx = " X90 X90 TEN TEN "\n", 2,
	 "the line has 204 bytes; shorten"},
	{"a line of 199 bytes", "[a]\nx = " X90 X90 TEN "12345\n", 2,
	 "the line has 199 bytes; shorten"},
	{"the last line too long and without a newline", "[a]\nx = " X90 X90 TEN "12345", 2,
	 "the line has 199 bytes; shorten"},
	{"an escape character", "[a]\nx = \x1b[2J\n", 2, "control characters or no UTF-8;"},
	{"a control character in a comment", "[a]\n# \x07\n", 2, "control characters or no UTF-8;"},
	{"the control characters above ASCII", "[a]\nx = \xc2\x9b\n", 2,
	 "control characters or no UTF-8;"},
	{"Latin-1 text", "[a]\nx = Z\xfcrich\n", 2, "control characters or no UTF-8;"},
	{"an overlong slash", "[a]\nx = \xc0\xaf\n", 2, "control characters or no UTF-8;"},
	{"a surrogate", "[a]\nx = \xed\xa0\x80\n", 2, "control characters or no UTF-8;"},
	{"past Unicode", "[a]\nx = \xf4\x90\x80\x80\n", 2, "control characters or no UTF-8;"},
	{"a character cut at the end", "[a]\nx = \xe6\x88", 2, "control characters or no UTF-8;"},
};

static void test_errors_have_a_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
		const struct error_case *c = &error_cases[i];
		struct settings *settings = read_text(c->text, strlen(c->text));
		struct settings_error error;

		print_message("%s\n", c->sentence);
		assert_int_equal(settings_error_count(settings), 1);
		error = settings_error(settings, 0);
		assert_string_equal(error.file, "f");
		assert_int_equal(error.line, c->line);
		assert_memory_equal(error.message, c->message, strlen(c->message));
		settings_free(settings);
	}
}

static void test_nul_byte(void **state)
{
	static const char text[] = "[a]\nx = 1\0002\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(settings_error_count(settings), 1);
	assert_int_equal(settings_error(settings, 0).line, 2);
	settings_free(settings);
}

static void test_longest_line(void **state)
{
	static const char text[] = "[a]\nx = " X90 X90 TEN "1234\n#" X90 X90 X90 "\ny = 2\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);
	struct settings_section *section = settings_find(settings, "a", NULL);

	(void)state;
	assert_string_equal(settings_string(section, "x", 0, 199, ""), X90 X90 TEN "1234");
	assert_int_equal(settings_int64(section, "y", 0, 9, 0), 2);
	assert_int_equal(settings_error_count(settings), 0);
	settings_free(settings);
}

static void test_all_errors_are_told(void **state)
{
	static const char text[] = "x = 1\n[a]\nb\nc\n[d\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);
	char *errors = settings_errors(settings);

	(void)state;
	assert_int_equal(settings_error_count(settings), 4);
	assert_non_null(errors);
	assert_non_null(strstr(errors, "f:1: "));
	assert_non_null(strstr(errors, "\nf:3: "));
	assert_non_null(strstr(errors, "\nf:4: "));
	assert_non_null(strstr(errors, "\nf:5: "));
	free(errors);
	settings_free(settings);
}

static void test_later_file_overrides(void **state)
{
	static const char first[] = "[a]\nx = 1\ny = 2\n";
	static const char second[] = "[a]\nx = 3\n[b]\nz = nine\n";
	struct settings *settings = read_text(first, sizeof(first) - 1);
	struct settings_section *section;
	struct settings_error error;

	(void)state;
	/* Under the same name too: it is the reading that counts. */
	assert_int_equal(settings_read_text(settings, "f", second, sizeof(second) - 1), 0);
	assert_int_equal(settings_read_text(settings, "g", second, sizeof(second) - 1), 0);
	section = settings_find(settings, "a", NULL);
	assert_int_equal(settings_int64(section, "x", 0, 9, 0), 3);
	assert_int_equal(settings_int64(section, "y", 0, 9, 0), 2);
	assert_int_equal(settings_error_count(settings), 0);
	assert_int_equal(settings_int64(settings_find(settings, "b", NULL), "z", 0, 9, 7), 7);
	error = settings_error(settings, 0);
	assert_string_equal(error.file, "g");
	assert_int_equal(error.line, 4);
	assert_string_equal(error.message, "`z = nine` is no whole number; write one from 0 to 9");
	settings_free(settings);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *sentence;
		const char *text;
		int digits;
		int64_t min, max;
		int64_t value; /* 77: refused */
	} cases[] = {
		{"a whole number", "42", 0, 0, 100, 42},
		{"below zero", "-42", 0, -100, 100, -42},
		{"the least of all", "-9223372036854775808", 0, INT64_MIN, INT64_MAX, INT64_MIN},
		{"the greatest of all", "9223372036854775807", 0, INT64_MIN, INT64_MAX, INT64_MAX},
		{"one more", "9223372036854775808", 0, INT64_MIN, INT64_MAX, 77},
		{"one less", "-9223372036854775809", 0, INT64_MIN, INT64_MAX, 77},
		{"below the range", "9", 0, 10, 20, 77},
		{"above the range", "21", 0, 10, 20, 77},
		{"both ends belong to the range", "20", 0, 10, 20, 20},
		{"a plus", "+1", 0, 0, 9, 77},
		{"hexadecimal", "0x10", 0, 0, 99, 77},
		{"text behind", "9600n", 0, 0, 9999, 77},
		{"a blank inside", "1 2", 0, 0, 99, 77},
		{"an exponent", "1e3", 0, 0, 9999, 77},
		{"nothing", "", 0, 0, 9, 77},
		{"a minus alone", "-", 0, -9, 9, 77},
		{"a point where none is meant", "1.0", 0, 0, 9, 77},
		{"a price", "0.55", 6, 0, 99000000, 550000},
		{"a price without a fraction", "3", 6, 0, 99000000, 3000000},
		{"all six digits", "0.123456", 6, 0, 99000000, 123456},
		{"a seventh digit is not rounded away", "0.1234567", 6, 0, 99000000, 77},
		{"two points", "0.1.2", 6, 0, 99000000, 77},
		{"a point at the end", "1.", 6, 0, 99000000, 77},
		{"a point at the start", ".5", 6, 0, 99000000, 77},
		{"a debt", "-0.01", 2, -100, 100, -1},
		{"too great once scaled", "9223372036854775807", 6, 0, INT64_MAX, 77},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct settings *settings;
		struct settings_section *section;

		print_message("%s: %s\n", cases[i].sentence, cases[i].text);
		(void)snprintf(text, sizeof(text), "[a]\nx = %s\n", cases[i].text);
		settings = read_text(text, strlen(text));
		section = settings_find(settings, "a", NULL);
		assert_true(settings_fixed(section, "x", cases[i].digits, cases[i].min,
					   cases[i].max, 77) == cases[i].value);
		assert_int_equal(settings_error_count(settings), cases[i].value == 77 ? 1 : 0);
		settings_free(settings);
	}
}

static void test_what_a_range_looks_like(void **state)
{
	static const char text[] = "[a]\nx = 1\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);
	struct settings_section *section = settings_find(settings, "a", NULL);

	(void)state;
	(void)settings_fixed(section, "x", 6, -50000, 990000, 0);
	(void)settings_fixed(section, "x", 2, INT64_MIN, -1200, 0);
	assert_string_equal(settings_error(settings, 0).message,
			    "`x = 1` is out of range; write one from -0.05 to 0.99");
	assert_string_equal(settings_error(settings, 1).message,
			    "`x = 1` is out of range; write one from -92233720368547758.08 to -12");
	settings_free(settings);
}

static void test_other_types(void **state)
{
	static const char text[] = "[a]\nb = maybe\nc = pink\ns = abcdef\np = etc/x\nq = /etc/x\n";
	static const char *const colours[] = {"red", "green", "blue", NULL};
	struct settings *settings = read_text(text, sizeof(text) - 1);
	struct settings_section *section = settings_find(settings, "a", NULL);

	(void)state;
	assert_true(settings_bool(section, "b", true));
	assert_int_equal(settings_choice(section, "c", colours, 2), 2);
	assert_string_equal(settings_string(section, "s", 1, 5, "no"), "no");
	assert_null(settings_path(section, "p", NULL));
	assert_string_equal(settings_path(section, "q", NULL), "/etc/x");
	settings_require(section, "absent");
	settings_require(section, "q");
	assert_int_equal(settings_error_count(settings), 5);
	assert_string_equal(settings_error(settings, 0).message,
			    "`b = maybe` is neither yes nor no; write `yes` or `no`");
	assert_string_equal(settings_error(settings, 1).message,
			    "`c = pink` is not known; write `red`, `green` or `blue`");
	assert_string_equal(settings_error(settings, 2).message,
			    "`s = abcdef` has the wrong length; write 1 to 5 bytes");
	assert_string_equal(settings_error(settings, 3).message,
			    "`p = etc/x` is no absolute path; write one that begins with '/'");
	assert_int_equal(settings_error(settings, 4).line, 1);
	assert_string_equal(settings_error(settings, 4).message,
			    "`absent` is missing; set it in this section");
	settings_free(settings);
}

static void test_unknown(void **state)
{
	static const char text[] = "[a]\nx = 1\ny = 2\n[planet mars]\nz = 3\n[cloud]\nw = 4\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);

	(void)state;
	(void)settings_int64(settings_find(settings, "a", NULL), "x", 0, 9, 0);
	settings_accept(settings, "cloud");
	settings_unknown(settings);
	assert_int_equal(settings_error_count(settings), 2);
	assert_int_equal(settings_error(settings, 0).line, 3);
	assert_string_equal(settings_error(settings, 0).message,
			    "unknown key `y` in [a]; remove it or correct its spelling");
	assert_int_equal(settings_error(settings, 1).line, 4);
	assert_string_equal(settings_error(settings, 1).message,
			    "unknown section [planet mars]; remove it or correct its title");
	settings_free(settings);
}

static void test_callers_faults(void **state)
{
	static const char text[] = "[a]\nx = 1\n";
	struct settings *settings = read_text(text, sizeof(text) - 1);
	struct settings_section *section = settings_find(settings, "a", NULL);
	char *errors;

	(void)state;
	settings_fault(section, "x", "%d is odd; write an even one", 1);
	settings_fault(section, "absent", "at the title");
	settings_fault_file(settings, "/etc/g", "about the file");
	errors = settings_errors(settings);
	assert_string_equal(errors, "f:2: 1 is odd; write an even one\nf:1: at the title\n"
				    "/etc/g: about the file\n");
	free(errors);
	settings_free(settings);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_files(void **state)
{
	char folder[] = "/tmp/prepay-settings-XXXXXX";
	char command[64];
	struct settings *settings;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(folder, "20-b.conf", "[a]\nx = 2\n");
	write_file(folder, "10-a.conf", "[a]\nx = 1\ny = 1\n");
	write_file(folder, "30-c.conf~", "[a]\nx = 3\n");
	write_file(folder, ".40-d.conf", "[a]\nx = 4\n");
	assert_int_equal(settings_new(&settings), 0);
	assert_int_equal(settings_read_folder(settings, folder), 0);
	assert_int_equal(settings_int64(settings_find(settings, "a", NULL), "x", 0, 9, 0), 2);
	assert_int_equal(settings_int64(settings_find(settings, "a", NULL), "y", 0, 9, 0), 1);
	assert_int_equal(settings_read_folder(settings, "/nonexistent"), 0);
	assert_int_equal(settings_error_count(settings), 0);
	assert_int_equal(settings_read_file(settings, "/nonexistent"), -ENOENT);
	assert_int_equal(settings_read_file(settings, folder), -EISDIR);
	assert_int_equal(settings_read_file(settings, "/dev/zero"), -EINVAL);
	assert_int_equal(settings_error_count(settings), 3);
	assert_int_equal(settings_error(settings, 0).line, 0);
	settings_free(settings);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors_have_a_place),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_all_errors_are_told),
		cmocka_unit_test(test_later_file_overrides),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_what_a_range_looks_like),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_callers_faults),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
