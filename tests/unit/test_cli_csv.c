/* test_cli_csv.c - the CSV of commissioning: every error at its line and column, all of them, or rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/cli/commissioning.h"
#include "concentrator/cli/csv.h"

#define HEADER "room,circuit,line,address\n"

struct import_case {
	const char *sentence;
	const char *text;
	size_t rows;
	const char *errors; /* "LINE: message" lines */
};

static const struct import_case cases[] = {
	{"a plain file", HEADER "305,sockets,A,17\n306,sockets,A,18\n", 2, ""},
	{"the last line may have no end", HEADER "305,sockets,A,17", 1, ""},
	{"a byte-order mark and CRLF, as a spreadsheet writes",
	 "\xef\xbb\xbfroom,circuit,line,address\r\n305,sockets,A,17\r\n", 1, ""},
	{"blank lines and rows of commas are skipped", HEADER "\n  \n305,sockets,A,17\n,,,\n\r\n",
	 1, ""},
	{"quoted fields", HEADER "\"305\",\"sockets, \"\"big\"\"\",A,\"17\"\n", 1, ""},
	{"blanks around a plain field do not count", HEADER " 305 ,\tsockets , A,17 \n", 1, ""},
	{"columns in any order", "address,circuit,room\n17,sockets,305\n", 1, ""},
	{"an empty optional field is left out", HEADER "305,light,,\n", 1, ""},

	{"an empty file", "", 0, "1: the file is empty; its first line names the columns\n"},
	{"a header alone", HEADER, 0, "1: no room behind the header line\n"},
	{"no header line", "305,sockets,A,17\n", 0, NULL},
	{"an unknown column", "room,circuit,adress\n305,sockets,17\n", 0, NULL},
	{"a column twice", "room,circuit,room\n305,sockets,306\n", 0,
	 "1: column 3 (room): this column is there already, as column 1\n"},
	{"a required column is not there", "room,line\n305,A\n", 0,
	 "1: the header line has no column \"circuit\"\n"},
	{"too many fields", HEADER "305,sockets,A,17,\n", 0,
	 "2: column 5: 5 fields where the header has 4\n"},
	{"too few fields", HEADER "305,sockets,A\n", 0,
	 "2: column 3: 3 fields where the header has 4\n"},
	{"a required field is empty", HEADER ",sockets,A,17\n", 0,
	 "2: column 1 (room): is empty; every row needs one\n"},
	{"an address out of range", HEADER "305,sockets,A,248\n", 0,
	 "2: column 4 (address): \"248\" is not a number from 1 to 247\n"},
	{"an address that is no number", HEADER "305,sockets,A,1x\n", 0,
	 "2: column 4 (address): \"1x\" is not a number from 1 to 247\n"},
	{"the same circuit twice", HEADER "305,sockets,A,17\n\n305,sockets,A,18\n", 1,
	 "4: column 2 (circuit): room 305 has \"sockets\" already, in line 2\n"},
	{"the same meter twice", HEADER "305,sockets,A,17\n306,sockets,A,17\n", 1,
	 "3: column 4 (address): line A address 17 channel 1 is room 305 already, in line 2\n"},
	{"the same relay twice",
	 "room,circuit,line,relay\n1,a,A,wsr@9/1\n2,a,A,wsr@9/1\n3,a,B,wsr@9/1\n", 2,
	 "3: column 4 (relay): wsr@9/1 on line A switches room 1 already, in line 2\n"},
	{"a relay that is none", "room,circuit,relay\n1,a,wsr@9\n2,a,wsr@248/1\n3,a,meter\n", 1,
	 "2: column 3 (relay): \"wsr@9\" is no relay: \"meter\" for the one in the meter, or "
	 "MODEL@ADDRESS/CHANNEL for a board's\n"
	 "3: column 3 (relay): \"wsr@248/1\" is no relay: \"meter\" for the one in the meter, or "
	 "MODEL@ADDRESS/CHANNEL for a board's\n"},
	{"a word where one of two is wanted", "room,circuit,may_cut,contact\n1,a,maybe,NO\n", 0,
	 "2: column 3 (may_cut): \"maybe\" is not yes or no\n"
	 "2: column 4 (contact): \"NO\" is not no or nc\n"},
	{"a quote inside a plain field", HEADER "30\"5,sockets,A,17\n306,a,A,18\n", 1,
	 "2: column 1: a quote in the middle of a field; put the whole field in quotes and double "
	 "it\n"},
	{"text behind a closing quote", HEADER "\"305\"x,sockets,A,17\n306,a,A,18\n", 1,
	 "2: column 1: a quote is not closed, or text follows the closing quote\n"},
	{"a quote that is never closed, and an error behind it",
	 HEADER "\"305,sockets,A,17\n306,a,A,999\n", 0,
	 "2: column 1: a quote is not closed, or text follows the closing quote\n"
	 "3: column 4 (address): \"999\" is not a number from 1 to 247\n"},
	{"a field over two lines is refused, and lines go on counting right",
	 HEADER "\"30\n5\",sockets,A,17\n306,a,A,999\n", 0,
	 "2: column 1: a control character, or bytes that are not UTF-8; save the file as UTF-8\n"
	 "4: column 4 (address): \"999\" is not a number from 1 to 247\n"},
	{"bytes that are not UTF-8",
	 HEADER "30\xff"
		"5,sockets,A,17\n",
	 0,
	 "2: column 1: a control character, or bytes that are not UTF-8; save the file as UTF-8\n"},
	{"an escape sequence", HEADER "305,\033[2J,A,17\n", 0,
	 "2: column 2: a control character, or bytes that are not UTF-8; save the file as UTF-8\n"},
	{"every error, in the order of the file", HEADER "305,sockets,A,0\n,,A,2\n307,a,A,3,4\n", 0,
	 "2: column 4 (address): \"0\" is not a number from 1 to 247\n"
	 "3: column 1 (room): is empty; every row needs one\n"
	 "3: column 2 (circuit): is empty; every row needs one\n"
	 "4: column 5: 5 fields where the header has 4\n"},
};

static void read_text(struct commissioning *ret, const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	assert_int_equal(commissioning_read(ret, copy), 0);
	free(copy);
}

static char *errors_of(const struct commissioning *commissioning)
{
	json_t *errors = commissioning_errors(commissioning);
	char *text = calloc(1, 8192);
	const json_t *error;
	size_t i;

	assert_non_null(text);
	json_array_foreach(errors, i, error)
	{
		size_t len = strlen(text);

		(void)snprintf(text + len, 8192 - len, "%d: %s\n",
			       (int)json_integer_value(json_object_get(error, "line")),
			       json_string_value(json_object_get(error, "message")));
	}
	json_decref(errors);
	return text;
}

static void reads_rows_or_tells_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct commissioning commissioning;
		char *errors;

		print_message("%s\n", cases[i].sentence);
		read_text(&commissioning, cases[i].text);
		errors = errors_of(&commissioning);
		assert_int_equal(json_array_size(commissioning.rows), cases[i].rows);
		if (cases[i].errors != NULL)
			assert_string_equal(errors, cases[i].errors);
		else
			assert_string_not_equal(errors, "");
		free(errors);
		commissioning_clear(&commissioning);
	}
}

static void puts_fields_into_rows(void **state)
{
	json_t *wanted = json_pack("[{s:s,s:s,s:s,s:s}]", "room", "305", "circuit",
				   "sockets, \"big\"", "line", "A", "address", "17");
	struct commissioning commissioning;

	(void)state;
	read_text(&commissioning, HEADER "\"305\",\"sockets, \"\"big\"\"\",A,\"17\"\n");
	assert_true(json_equal(commissioning.rows, wanted));
	json_decref(wanted);
	commissioning_clear(&commissioning);
}

/* The daemon counts rows from 1; people count lines of the file. */
static void puts_findings_of_the_daemon_at_their_lines(void **state)
{
	json_t *found = json_pack("[{s:i,s:s,s:s},{s:i,s:s}]", "row", 2, "column", "address",
				  "message", "no such line", "row", 1, "message",
				  "is there already");
	struct commissioning commissioning;
	char *errors;

	(void)state;
	read_text(&commissioning, "room,address,circuit\n1,1,a\n\n2,300,a\n3,3,a\n");
	assert_int_equal(json_array_size(commissioning.rows), 2);
	assert_int_equal(commissioning_add_errors(&commissioning, found), 0);
	errors = errors_of(&commissioning);
	assert_string_equal(errors, "2: is there already\n"
				    "4: column 2 (address): \"300\" is not a number from 1 to 247\n"
				    "5: column 2 (address): no such line\n");
	free(errors);
	json_decref(found);
	commissioning_clear(&commissioning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rows_or_tells_errors),
		cmocka_unit_test(puts_fields_into_rows),
		cmocka_unit_test(puts_findings_of_the_daemon_at_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
