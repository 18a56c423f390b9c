/* screen.h - where lines for people go: a terminal with a width and colours, or a file with neither.
 *
 * Everything printed passes text_fit(): a terminal never gets a control character that was not ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum tone {
	TONE_PLAIN,
	TONE_DIM,
	TONE_BOLD,
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD,
};

enum colour { COLOUR_AUTO, COLOUR_YES, COLOUR_NO };

struct screen {
	FILE *file;
	bool terminal;
	bool colour;
	bool utf8;
	size_t width; /* columns; 0: no limit (no terminal) */
};

/* COLOUR_AUTO colours on a terminal that is not "dumb", unless NO_COLOR is set. The width is the
 * terminal's, else COLUMNS, else 80. */
struct screen screen_open(FILE *file, enum colour colour);

/* Text of one line, cleaned; no line feed is added. */
void screen_put(const struct screen *screen, enum tone tone, const char *text);
__attribute__((format(printf, 3, 4))) void screen_say(const struct screen *screen, enum tone tone,
						      const char *format, ...);
void screen_end_line(const struct screen *screen);

/* "title      text" with the title padded to a common column. */
__attribute__((format(printf, 4, 5))) void screen_fact(const struct screen *screen,
						       const char *title, enum tone tone,
						       const char *format, ...);

/* A dot before a line that says good, warning or bad; ASCII where the locale is not UTF-8. */
const char *screen_mark(const struct screen *screen, enum tone tone);
