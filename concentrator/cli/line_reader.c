/* line_reader.c - see line_reader.h. */
#include "concentrator/cli/line_reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "concentrator/cli/text.h"

enum key {
	KEY_END_OF_INPUT = -1,
	KEY_NONE = 0,
	KEY_HOME = 1,     /* Ctrl-A */
	KEY_LEFT = 2,     /* Ctrl-B */
	KEY_CANCEL = 3,   /* Ctrl-C */
	KEY_LEAVE = 4,    /* Ctrl-D: deletes, or leaves an empty line */
	KEY_LINE_END = 5, /* Ctrl-E */
	KEY_RIGHT = 6,    /* Ctrl-F */
	KEY_ERASE = 8,    /* Ctrl-H */
	KEY_TAB = 9,
	KEY_ENTER = 10,
	KEY_KILL_END = 11, /* Ctrl-K */
	KEY_CLEAR = 12,    /* Ctrl-L */
	KEY_RETURN = 13,
	KEY_NEXT = 14,      /* Ctrl-N */
	KEY_PREVIOUS = 16,  /* Ctrl-P */
	KEY_KILL_LINE = 21, /* Ctrl-U */
	KEY_KILL_WORD = 23, /* Ctrl-W */
	KEY_ESCAPE = 27,
	KEY_BACKSPACE = 127,
	KEY_DELETE = 256,
};

struct line_reader {
	const struct line_helper *helper;
	struct termios before;
	char line[LINE_BYTES_MAX];
	size_t len;
	size_t cursor;
	char *history[LINE_HISTORY]; /* oldest first */
	size_t history_count;
	size_t history_at; /* history_count: the line being typed */
	const char *prompt;
};

int line_reader_open(struct line_reader **ret, const struct line_helper *helper)
{
	struct line_reader *reader;

	if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
		return -ENOTTY;
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return -ENOMEM;
	reader->helper = helper;
	*ret = reader;
	return 0;
}

struct line_reader *line_reader_close(struct line_reader *reader)
{
	if (reader == NULL)
		return NULL;
	for (size_t i = 0; i < reader->history_count; i++)
		free(reader->history[i]);
	free(reader);
	return NULL;
}

static int set_raw(struct line_reader *reader)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &reader->before) < 0)
		return -errno;
	raw = reader->before;
	raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

static void set_back(const struct line_reader *reader)
{
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &reader->before);
}

static void put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void put_text(const char *text)
{
	put(text, strlen(text));
}

static size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10 ? size.ws_col : 80;
}

/* Start of the character before at. */
static size_t before(const struct line_reader *reader, size_t at)
{
	do {
		at--;
	} while (at > 0 && ((unsigned char)reader->line[at] & 0xc0) == 0x80);
	return at;
}

static size_t behind(const struct line_reader *reader, size_t at)
{
	return at + text_character(reader->line + at);
}

/* Columns of the line from `from` to `to`. */
static size_t columns(const struct line_reader *reader, size_t from, size_t to)
{
	char part[LINE_BYTES_MAX];

	memcpy(part, reader->line + from, to - from);
	part[to - from] = '\0';
	return text_width(part);
}

/* The line on one row: what does not fit is scrolled out on the left. */
static void redraw(const struct line_reader *reader)
{
	size_t prompt = text_width(reader->prompt);
	size_t width = terminal_width();
	size_t room = width > prompt + 2 ? width - prompt - 1 : 1;
	char shown[4 * LINE_BYTES_MAX];
	char move[32];
	size_t from = 0;

	while (columns(reader, from, reader->cursor) >= room)
		from = behind(reader, from);
	put_text("\r");
	put_text(reader->prompt);
	(void)text_fit(reader->line + from, room, shown, sizeof(shown));
	put_text(shown);
	put_text("\033[K\r");
	(void)snprintf(move, sizeof(move), "\033[%zuC",
		       prompt + columns(reader, from, reader->cursor));
	put_text(move);
}

static int read_byte(void)
{
	unsigned char byte;
	ssize_t n = read(STDIN_FILENO, &byte, 1);

	if (n < 0 && errno == EINTR)
		return KEY_NONE;
	return n == 1 ? byte : KEY_END_OF_INPUT;
}

/* ESC [ ... or ESC O ...: the keys that we know, KEY_NONE for the others, all of their bytes taken. */
static int read_escape(void)
{
	int first = read_byte();
	int byte = first == '[' || first == 'O' ? read_byte() : first;
	int number = 0;

	while (byte >= '0' && byte <= ';') {
		if (byte <= '9')
			number = number < 100 ? number * 10 + (byte - '0') : number;
		byte = read_byte();
	}
	switch (byte) {
	case KEY_END_OF_INPUT:
		return KEY_END_OF_INPUT;
	case 'A':
		return KEY_PREVIOUS;
	case 'B':
		return KEY_NEXT;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_LINE_END;
	case '~':
		return number == 1 || number == 7   ? KEY_HOME
		       : number == 4 || number == 8 ? KEY_LINE_END
		       : number == 3                ? KEY_DELETE
						    : KEY_NONE;
	default:
		return KEY_NONE;
	}
}

static void insert(struct line_reader *reader, const char *text, size_t len)
{
	if (reader->len + len >= sizeof(reader->line))
		return;
	memmove(reader->line + reader->cursor + len, reader->line + reader->cursor,
		reader->len - reader->cursor + 1);
	memcpy(reader->line + reader->cursor, text, len);
	reader->len += len;
	reader->cursor += len;
}

static void cut(struct line_reader *reader, size_t from, size_t to)
{
	memmove(reader->line + from, reader->line + to, reader->len - to + 1);
	reader->len -= to - from;
	reader->cursor = from;
}

static void set_line(struct line_reader *reader, const char *text)
{
	(void)snprintf(reader->line, sizeof(reader->line), "%s", text);
	reader->len = strlen(reader->line);
	reader->cursor = reader->len;
}

static void go_history(struct line_reader *reader, bool back)
{
	if (back ? reader->history_at == 0 : reader->history_at >= reader->history_count)
		return;
	reader->history_at = back ? reader->history_at - 1 : reader->history_at + 1;
	set_line(reader, reader->history_at < reader->history_count
				 ? reader->history[reader->history_at]
				 : "");
}

static void remember(struct line_reader *reader)
{
	size_t count = reader->history_count;
	char *copy;

	if (reader->len == 0 ||
	    (count > 0 && strcmp(reader->history[count - 1], reader->line) == 0))
		return;
	copy = strdup(reader->line);
	if (copy == NULL)
		return;
	if (count == LINE_HISTORY) {
		free(reader->history[0]);
		memmove(reader->history, reader->history + 1,
			(LINE_HISTORY - 1) * sizeof(reader->history[0]));
		count--;
	}
	reader->history[count] = copy;
	reader->history_count = count + 1;
}

/* Is the cursor inside quotes? There a ? is a letter. */
static bool in_quotes(const struct line_reader *reader)
{
	char quote = '\0';

	for (size_t i = 0; i < reader->cursor; i++) {
		char c = reader->line[i];

		if (c == '\\' && quote != '\'')
			i++;
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = '\0';
	}
	return quote != '\0';
}

static void show_next(struct line_reader *reader)
{
	char head[LINE_BYTES_MAX];

	memcpy(head, reader->line, reader->cursor);
	head[reader->cursor] = '\0';
	put_text("\r\n");
	set_back(reader);
	reader->helper->show(reader->helper->context, head);
	(void)set_raw(reader);
}

static void complete(struct line_reader *reader)
{
	char head[LINE_BYTES_MAX];
	char added[LINE_BYTES_MAX] = "";

	memcpy(head, reader->line, reader->cursor);
	head[reader->cursor] = '\0';
	reader->helper->complete(reader->helper->context, head, added, sizeof(added));
	if (*added != '\0')
		insert(reader, added, strlen(added));
	else
		show_next(reader);
}

static void kill_word(struct line_reader *reader)
{
	size_t from = reader->cursor;

	while (from > 0 && reader->line[from - 1] == ' ')
		from--;
	while (from > 0 && reader->line[from - 1] != ' ')
		from--;
	cut(reader, from, reader->cursor);
}

/* The rest of a character whose first byte is there. */
static void insert_character(struct line_reader *reader, int first)
{
	char bytes[5] = {(char)first};
	size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < wanted; i++) {
		int byte = read_byte();

		if (byte < 0x80 || byte > 0xbf)
			return;
		bytes[i] = (char)byte;
	}
	if (text_character(bytes) == wanted && (first < 0x80 || wanted > 1))
		insert(reader, bytes, wanted);
}

static void edit(struct line_reader *reader, int key)
{
	switch (key) {
	case KEY_HOME:
		reader->cursor = 0;
		break;
	case KEY_LINE_END:
		reader->cursor = reader->len;
		break;
	case KEY_LEFT:
		if (reader->cursor > 0)
			reader->cursor = before(reader, reader->cursor);
		break;
	case KEY_RIGHT:
		if (reader->cursor < reader->len)
			reader->cursor = behind(reader, reader->cursor);
		break;
	case KEY_BACKSPACE:
	case KEY_ERASE:
		if (reader->cursor > 0)
			cut(reader, before(reader, reader->cursor), reader->cursor);
		break;
	case KEY_DELETE:
	case KEY_LEAVE:
		if (reader->cursor < reader->len)
			cut(reader, reader->cursor, behind(reader, reader->cursor));
		break;
	case KEY_KILL_END:
		cut(reader, reader->cursor, reader->len);
		break;
	case KEY_KILL_LINE:
		cut(reader, 0, reader->cursor);
		break;
	case KEY_KILL_WORD:
		kill_word(reader);
		break;
	case KEY_PREVIOUS:
		go_history(reader, true);
		break;
	case KEY_NEXT:
		go_history(reader, false);
		break;
	case KEY_CLEAR:
		put_text("\033[H\033[2J");
		break;
	case KEY_TAB:
		complete(reader);
		break;
	default:
		if (key == '?' && !in_quotes(reader))
			show_next(reader);
		else if (key >= ' ' && key < 256)
			insert_character(reader, key);
		break;
	}
}

/* 1: the line is whole; 0: the end of input. */
static int edit_line(struct line_reader *reader)
{
	for (;;) {
		int key;

		redraw(reader);
		key = read_byte();
		if (key == KEY_ESCAPE)
			key = read_escape();
		if (key == KEY_END_OF_INPUT || (key == KEY_LEAVE && reader->len == 0)) {
			put_text("\r\n");
			return 0;
		}
		if (key == KEY_ENTER || key == KEY_RETURN) {
			reader->cursor = reader->len;
			redraw(reader);
			put_text("\r\n");
			return 1;
		}
		if (key == KEY_CANCEL) {
			put_text("^C\r\n");
			set_line(reader, "");
			reader->history_at = reader->history_count;
		} else {
			edit(reader, key);
		}
	}
}

int line_reader_read(struct line_reader *reader, const char *prompt, const char **ret_line)
{
	int r = set_raw(reader);

	if (r < 0)
		return r;
	reader->prompt = prompt;
	reader->history_at = reader->history_count;
	set_line(reader, "");
	r = edit_line(reader);
	set_back(reader);
	if (r == 0)
		return 0;
	remember(reader);
	*ret_line = reader->line;
	return 1;
}
