/* test_cli_table.c - tables at 80 and at 200 columns, letter by letter, and what is safe to print. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/cli/room_table.h"
#include "concentrator/cli/text.h"

/* Room rows as of control.md. */
static const char rooms_json[] =
	"[{'room':'1010','balance':{'value':1234567,'multiplier':-2,'monetaryUnit':156},"
	"'balance_nano':'12345678901234','credit_status':'OK','service_status':'Connected',"
	"'power_w':1675,'age_s':2,'stale':false,'days_left':112,'state':'on','supplies':["
	"{'circuit':'sockets','relay':{},'position_age_s':1,'position':'closed','voltage_mv':"
	"231240},"
	"{'circuit':'ac','relay':{},'position_age_s':null,'position':'open','voltage_mv':231300},"
	"{'circuit':'light','relay':null,'position':'unknown','voltage_mv':null}]},"
	"{'room':'305','balance':{'value':-4,'multiplier':-2,'monetaryUnit':156},"
	"'balance_nano':'-30000001','credit_status':'Negative','service_status':'Disconnected',"
	"'power_w':0,'age_s':3,'stale':false,'days_left':0,'state':'off: balance used up',"
	"'supplies':[{'circuit':'sockets','relay':{},'position_age_s':2,'position':'open','voltage_"
	"mv':231000}]},"
	"{'room':'9','balance':{'value':950,'multiplier':-2,'monetaryUnit':156},"
	"'balance_nano':'9500000000','credit_status':'Low','service_status':'Connected',"
	"'power_w':312,'age_s':240,'stale':true,'days_left':null,"
	"'state':'meter silent after 3 polls (no answer); supply held','supplies':["
	"{'circuit':'sockets','relay':{},'position_age_s':1,'position':'closed','voltage_mv':"
	"229950}]},"
	"{'room':'10','balance':{'value':0,'multiplier':-2,'monetaryUnit':156},"
	"'balance_nano':'0','credit_status':'Exhausted','service_status':'ArmedForConnect',"
	"'power_w':null,'age_s':null,'stale':true,'days_left':null,"
	"'state':'armed: found open, confirm to close','supplies':[]}]";

static json_t *read_rooms(void)
{
	char text[sizeof(rooms_json)];
	json_t *rows;

	memcpy(text, rooms_json, sizeof(text));
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	rows = json_loads(text, 0, NULL);
	assert_non_null(rows);
	return rows;
}

static char *print_rooms(size_t width, enum room_order order, const char *filter, int64_t aged_s,
			 struct room_count *ret_count)
{
	struct screen screen = {.width = width};
	struct table *table = NULL;
	json_t *rows = read_rooms();
	char *text = NULL;
	size_t size = 0;

	screen.file = open_memstream(&text, &size);
	assert_non_null(screen.file);
	assert_int_equal(room_table_open(&table, rows, order, filter, aged_s, ret_count), 0);
	assert_int_equal(table_print(table, &screen), 0);
	assert_int_equal(fclose(screen.file), 0);
	table_close(table);
	json_decref(rows);
	return text;
}

static const char golden_80[] =
	"ROOM   BALANCE  SUPPLY   POWER   VOLT     AGE  LEFT  STATE\n"
	"9         9.50  on       312 W  230.0  4m ago     -  meter silent after 3 polls~\n"
	"10        0.00  armed        -      -   never     -  armed: found open, confirm~\n"
	"305      -0.04  off        0 W  231.0      3s    0d  off: balance used up\n"
	"1010  12345.67  on      1675 W  231.2      2s  112d  on\n";

static const char golden_200[] =
	"ROOM   BALANCE  CREDIT     SUPPLY   POWER   VOLT     AGE  LEFT  STATE"
	"                                                CIRCUITS\n"
	"9         9.50  Low        on       312 W  230.0  4m ago     -"
	"  meter silent after 3 polls (no answer); supply held  sockets on\n"
	"10        0.00  Exhausted  armed        -      -   never     -"
	"  armed: found open, confirm to close\n"
	"305      -0.04  Negative   off        0 W  231.0      3s    0d"
	"  off: balance used up                                 sockets off\n"
	"1010  12345.67  OK         on      1675 W  231.2      2s  112d"
	"  on                                                   sockets on, ac off?, light no "
	"relay\n";

static void rooms_fit_80_columns(void **state)
{
	struct room_count count;
	char summary[200];
	char *text = print_rooms(80, ROOM_BY_NAME, NULL, 0, &count);

	(void)state;
	assert_string_equal(text, golden_80);
	room_count_say(&count, summary, sizeof(summary));
	assert_string_equal(summary, "4 rooms, 1 off, 1 armed, 3 low, 2 stale");
	free(text);
}

static void rooms_spread_over_200_columns(void **state)
{
	struct room_count count;
	char *text = print_rooms(200, ROOM_BY_NAME, NULL, 0, &count);

	(void)state;
	assert_string_equal(text, golden_200);
	free(text);
	/* No terminal, no limit: the same. */
	text = print_rooms(0, ROOM_BY_NAME, NULL, 0, &count);
	assert_string_equal(text, golden_200);
	free(text);
}

static void no_line_is_wider_than_asked(void **state)
{
	(void)state;
	for (size_t width = 66; width <= 210; width++) {
		struct room_count count;
		char *text = print_rooms(width, ROOM_BY_NAME, NULL, 0, &count);

		for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			assert_true(strlen(line) <= width);
			assert_true(line[strlen(line) - 1] != ' ');
		}
		free(text);
	}
}

static void first_rooms(enum room_order order, const char *wanted)
{
	struct room_count count;
	char *text = print_rooms(0, order, NULL, 0, &count);
	char got[64] = "";
	char *line = strtok(text, "\n");

	while ((line = strtok(NULL, "\n")) != NULL)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ",
			       (int)strcspn(line, " "), line);
	assert_string_equal(got, wanted);
	free(text);
}

static void rooms_are_sorted(void **state)
{
	(void)state;
	first_rooms(ROOM_BY_NAME, "9 10 305 1010 ");
	first_rooms(ROOM_BY_BALANCE, "305 10 9 1010 ");
	first_rooms(ROOM_BY_POWER, "1010 9 305 10 ");
	first_rooms(ROOM_BY_AGE, "10 9 305 1010 ");
}

static void rooms_are_filtered(void **state)
{
	static const struct {
		const char *filter;
		size_t rooms;
	} cases[] = {{"", 4}, {"10", 2}, {"SILENT", 1}, {"off", 2}, {"armed", 1}, {"xyz", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct room_count count;
		char *text = print_rooms(0, ROOM_BY_NAME, cases[i].filter, 0, &count);

		assert_int_equal(count.rooms, cases[i].rooms);
		free(text);
	}
}

/* The daemon has not answered for a minute: what it said is a minute older, and none of it is current. */
static void an_old_answer_is_stale(void **state)
{
	struct room_count count;
	char *text = print_rooms(0, ROOM_BY_NAME, "305", 120, &count);

	(void)state;
	assert_int_equal(count.stale, 1);
	assert_non_null(strstr(text, "2m ago"));
	free(text);
}

static void control_characters_never_reach_a_terminal(void **state)
{
	static const struct {
		const char *sentence;
		const char *text;
		const char *ascii;
		const char *utf8;
	} cases[] = {
		{"plain text stays", "room 305", "room 305", "room 305"},
		{"an escape sequence", "\033[2J", "?[2J", "?[2J"},
		{"a line feed", "a\nb\r", "a?b?", "a?b?"},
		{"a C1 control in UTF-8",
		 "\xc2\x9b"
		 "2J",
		 "?2J", "?2J"},
		{"a right-to-left override",
		 "a\xe2\x80\xae"
		 "b",
		 "a?b", "a?b"},
		{"bytes that are not UTF-8", "a\xff\xc3.", "a??.", "a??."},
		{"an overlong form", "\xc0\x8a", "??", "??"},
		{"a Chinese name", "\xe6\x88\xbf", "?", "\xe6\x88\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[64];

		print_message("%s\n", cases[i].sentence);
		assert_non_null(setlocale(LC_CTYPE, "C"));
		(void)text_fit(cases[i].text, 40, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].ascii);
		assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
		(void)text_fit(cases[i].text, 40, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].utf8);
	}
	assert_non_null(setlocale(LC_CTYPE, "C"));
}

static void texts_are_cut_to_their_columns(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(text_fit("sockets", 7, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "sockets");
	assert_int_equal(text_fit("sockets", 6, buf, sizeof(buf)), 6);
	assert_string_equal(buf, "socke~");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	/* Two columns a character: the ellipsis takes the place of the half that does not fit. */
	assert_int_equal(text_width("\xe6\x88\xbf\xe9\x97\xb4"), 4);
	assert_int_equal(text_fit("\xe6\x88\xbf\xe9\x97\xb4", 3, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "\xe6\x88\xbf\xe2\x80\xa6");
	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_int_equal(text_fit("sockets", 40, buf, 6), 4);
	assert_string_equal(buf, "sock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rooms_fit_80_columns),
		cmocka_unit_test(rooms_spread_over_200_columns),
		cmocka_unit_test(no_line_is_wider_than_asked),
		cmocka_unit_test(rooms_are_sorted),
		cmocka_unit_test(rooms_are_filtered),
		cmocka_unit_test(an_old_answer_is_stale),
		cmocka_unit_test(control_characters_never_reach_a_terminal),
		cmocka_unit_test(texts_are_cut_to_their_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
