/* top.c - the live table of rooms.
 *
 * Asks every two seconds and draws what it has. When the daemon does not answer, the last answer stays on the
 * screen with its age growing, and is stale: never shown as current.
 */
#include "concentrator/cli/handlers.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/room_table.h"
#include "concentrator/cli/text.h"
#include "concentrator/platform/clock.h"

#define PERIOD_US   2000000
#define ANSWER_MS   3000
#define FILTER_SIZE 40
#define LINE_SIZE   512
#define DATE_LEN    11 /* "2026-12-02 " */
#define KEY_ESC     27

struct top {
	struct session *session;
	json_t *status; /* NULL: no answer yet */
	json_t *rooms;  /* array */
	int64_t answered_us;
	int64_t next_us;
	char problem[LINE_SIZE]; /* why the last question had no answer; "" when it had */
	enum room_order order;
	char filter[FILTER_SIZE];
	bool typing; /* the filter */
	int first;   /* row on top */
};

static void forget(struct top *top)
{
	json_decref(top->status);
	json_decref(top->rooms);
	top->status = NULL;
	top->rooms = NULL;
}

/* 0, or what session_try() says, with the problem for the caller to tell. */
static int ask(struct top *top, struct message_problem *ret_problem)
{
	json_t *status = NULL;
	json_t *list = NULL;
	int r = session_try(top->session, "status", NULL, &status, ret_problem);

	if (r >= 0)
		r = session_try(top->session, "room.list", NULL, &list, ret_problem);
	if (r >= 0) {
		forget(top);
		top->status = json_incref(status);
		top->rooms = json_incref(json_object_get(list, "rows"));
		top->answered_us = clock_boottime_us();
	}
	json_decref(status);
	json_decref(list);
	return r;
}

static void refresh_answer(struct top *top)
{
	struct message_problem problem = {0};
	int r = ask(top, &problem);

	top->problem[0] = '\0';
	if (r < 0)
		(void)snprintf(top->problem, sizeof(top->problem), "asking again: %s: %s",
			       problem_title(problem.problem == PROBLEM_NONE ? PROBLEM_FAILED
									     : problem.problem),
			       problem.detail != NULL ? problem.detail : "");
	message_problem_clear(&problem);
	top->next_us = clock_boottime_us() + PERIOD_US;
}

static attr_t attribute(enum tone tone)
{
	switch (tone) {
	case TONE_DIM:
		return A_DIM;
	case TONE_BOLD:
		return A_BOLD;
	case TONE_GOOD:
		return (attr_t)COLOR_PAIR(1);
	case TONE_WARN:
		return (attr_t)COLOR_PAIR(2);
	case TONE_BAD:
		return (attr_t)COLOR_PAIR(3) | A_BOLD;
	case TONE_PLAIN:
		break;
	}
	return A_NORMAL;
}

static void put_piece(void *context, enum tone tone, const char *text)
{
	(void)context;
	(void)attrset((int)attribute(tone));
	(void)addstr(text);
	(void)attrset(A_NORMAL);
}

/* One cleaned line at y, cut to the width. */
static void put_line(int y, enum tone tone, const char *text)
{
	char fitted[LINE_SIZE];

	(void)text_fit(text, (size_t)COLS, fitted, sizeof(fitted));
	(void)move(y, 0);
	put_piece(NULL, tone, fitted);
}

static void draw_head(const struct top *top, const struct room_count *count, int64_t age_s)
{
	const json_t *uplink = field_object(top->status, "uplink");
	const json_t *row;
	char line[LINE_SIZE];
	char rooms[200];
	char when[FIGURE_SIZE];
	char share[FIGURE_SIZE];
	char polls[FIGURE_SIZE];
	size_t len = 0;
	size_t i;

	if (top->status == NULL) {
		put_line(0, TONE_BOLD, "prepay top");
		return;
	}
	room_count_say(count, rooms, sizeof(rooms));
	(void)figure_field_time(field_object(top->status, "clock"), "now_s", when);
	(void)snprintf(line, sizeof(line), "%s  %s  %s%s%s", field_text(top->status, "site"),
		       strlen(when) > DATE_LEN ? when + DATE_LEN : when, rooms,
		       field_true(uplink, "configured") ? "; cloud " : "",
		       field_true(uplink, "configured") ? field_text(uplink, "state") : "");
	put_line(0, age_s > 10 ? TONE_DIM : TONE_BOLD, line);
	line[0] = '\0';
	json_array_foreach(field_rows(top->status, "lines"), i, row)
	{
		if (len < sizeof(line))
			len += (size_t)snprintf(
				line + len, sizeof(line) - len,
				"%sline %s %s %" PRId64 "/%" PRId64 " alive %s/s %s %%",
				i > 0 ? "   " : "", field_text(row, "line"),
				field_text(row, "state"), field_count(row, "alive"),
				field_count(row, "meters"),
				figure_milli(field_count(row, "polls_per_s_milli"), polls),
				figure_milli(field_count(row, "share_ppm") / 10, share));
	}
	put_line(1, TONE_DIM, line);
}

static void draw_foot(const struct top *top, size_t rows, int shown)
{
	char line[LINE_SIZE];

	if (top->typing)
		(void)snprintf(line, sizeof(line), "/%s_   Enter keeps, Esc clears", top->filter);
	else
		(void)snprintf(line, sizeof(line),
			       "s sort: %s   / filter: %s   q quit   rows %d-%d of %zu",
			       room_order_name(top->order),
			       *top->filter != '\0' ? top->filter : "none",
			       rows == 0 ? 0 : top->first + 1, top->first + shown, rows);
	put_line(LINES - 1, top->typing ? TONE_BOLD : TONE_DIM, line);
}

static int draw(struct top *top)
{
	struct table_sink sink = {.put = put_piece};
	struct room_count count = {0};
	struct table_layout layout;
	struct table *table = NULL;
	int64_t age_s = (clock_boottime_us() - top->answered_us) / 1000000;
	int room = LINES - 5;
	int shown = 0;
	int r = room_table_open(&table, top->rooms, top->order, top->filter,
				top->status != NULL ? age_s : 0, &count);

	if (r >= 0)
		r = table_layout(table, (size_t)COLS, &layout);
	if (r < 0) {
		table_close(table);
		return r;
	}
	if (top->first > (int)table_rows(table) - room)
		top->first = (int)table_rows(table) - room;
	if (top->first < 0)
		top->first = 0;
	(void)erase();
	draw_head(top, &count, age_s);
	if (*top->problem != '\0')
		put_line(2, TONE_BAD, top->problem);
	(void)move(3, 0);
	table_put_header(table, &layout, &sink);
	for (; shown < room && top->first + shown < (int)table_rows(table); shown++) {
		(void)move(4 + shown, 0);
		table_put_row(table, &layout, (size_t)(top->first + shown), &sink);
	}
	draw_foot(top, table_rows(table), shown);
	table_close(table);
	(void)refresh();
	return 0;
}

/* Ends typing the filter at Enter and Esc. */
static void type_filter(struct top *top, int key)
{
	size_t len = strlen(top->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		top->typing = false;
	} else if (key == KEY_ESC) {
		top->typing = false;
		top->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		while (len > 0 && ((unsigned char)top->filter[len - 1] & 0xc0) == 0x80)
			top->filter[--len] = '\0';
		if (len > 0)
			top->filter[len - 1] = '\0';
	} else if (key >= ' ' && key < 256 && len + 1 < sizeof(top->filter)) {
		top->filter[len] = (char)key;
		top->filter[len + 1] = '\0';
	}
	top->first = 0;
}

/* False to leave. */
static bool take_key(struct top *top, int key)
{
	int page = LINES - 6;

	if (top->typing && key != KEY_RESIZE) {
		type_filter(top, key);
		return true;
	}
	switch (key) {
	case 'q':
	case 'Q':
	case 3:
		return false;
	case 's':
		top->order = (enum room_order)((top->order + 1) % ROOM_ORDERS);
		top->first = 0;
		break;
	case '/':
		top->typing = true;
		top->filter[0] = '\0';
		break;
	case KEY_ESC:
		top->filter[0] = '\0';
		break;
	case KEY_DOWN:
	case 'j':
		top->first++;
		break;
	case KEY_UP:
	case 'k':
		top->first--;
		break;
	case KEY_NPAGE:
	case ' ':
		top->first += page;
		break;
	case KEY_PPAGE:
		top->first -= page;
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = INT32_MAX / 2;
		break;
	default:
		break;
	}
	return true;
}

static int watch(struct top *top)
{
	int r = 0;
	int key = ERR;

	do {
		int64_t left_us;

		if (clock_boottime_us() >= top->next_us)
			refresh_answer(top);
		r = draw(top);
		left_us = top->next_us - clock_boottime_us();
		timeout(left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
		key = getch();
		/* A terminal that went away gives nothing but errors, at once. */
		if (key == ERR && (feof(stdin) != 0 || ferror(stdin) != 0))
			break;
	} while (r >= 0 && (key == ERR || take_key(top, key)));
	return r;
}

static int run_live(struct top *top)
{
	SCREEN *screen;
	int r;

	(void)set_escdelay(25);
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return session_problem(
			top->session, PROBLEM_FAILED, NULL,
			"this terminal (TERM=%s) is not known; prepay top --once prints "
			"the table",
			getenv("TERM") != NULL ? getenv("TERM") : "");
	(void)raw();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	if (top->session->out.colour && has_colors() && start_color() == OK) {
		short ground = use_default_colors() == OK ? -1 : COLOR_BLACK;

		(void)init_pair(1, COLOR_GREEN, ground);
		(void)init_pair(2, COLOR_YELLOW, ground);
		(void)init_pair(3, COLOR_RED, ground);
	}
	r = watch(top);
	(void)endwin();
	delscreen(screen);
	return r < 0 ? session_no_memory(top->session) : 0;
}

static int print_once(struct top *top)
{
	struct session *session = top->session;
	struct room_count count = {0};
	struct table *table = NULL;
	char summary[200];
	int r;

	if (session->manners.json) {
		json_t *data = json_pack("{s:O,s:O?}", "status", top->status, "rooms", top->rooms);
		int exit_code = data == NULL ? session_no_memory(session)
					     : session_json(session, data);

		json_decref(data);
		return exit_code;
	}
	r = room_table_open(&table, top->rooms, ROOM_BY_NAME, NULL, 0, &count);
	if (r >= 0)
		r = table_print(table, &session->out);
	table_close(table);
	if (r < 0)
		return session_no_memory(session);
	room_count_say(&count, summary, sizeof(summary));
	screen_put(&session->out, TONE_DIM, summary);
	screen_end_line(&session->out);
	return 0;
}

int run_top(struct call *call)
{
	struct session *session = call->session;
	struct top top = {.session = session};
	bool once = call_has(call, "--once") || session->manners.json || !session->out.terminal;
	struct message_problem problem = {0};
	int exit_code;

	if (!once && session->manners.timeout_ms == 0)
		session->manners.timeout_ms = ANSWER_MS;
	/* The first question is asked before the screen is taken: a problem is told as by any verb. */
	if (ask(&top, &problem) < 0)
		exit_code = session_tell(session, &problem);
	else
		exit_code = once ? print_once(&top) : run_live(&top);
	message_problem_clear(&problem);
	forget(&top);
	return exit_code;
}
