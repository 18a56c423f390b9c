/* screen.c - see screen.h. */
#include "concentrator/cli/screen.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "concentrator/cli/text.h"

#define LINE_MAX_BYTES 4096
#define FACT_COLUMN    13

static size_t terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (columns != NULL) {
		long width = strtol(columns, NULL, 10);

		if (width >= 20 && width <= 1000)
			return (size_t)width;
	}
	return 80;
}

struct screen screen_open(FILE *file, enum colour colour)
{
	struct screen screen = {.file = file, .utf8 = text_is_utf8()};
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	int fd = fileno(file);

	screen.terminal = fd >= 0 && isatty(fd) == 1;
	screen.width = screen.terminal ? terminal_width(fd) : 0;
	screen.colour = colour == COLOUR_YES || (colour == COLOUR_AUTO && screen.terminal &&
						 (no_color == NULL || *no_color == '\0') &&
						 term != NULL && strcmp(term, "dumb") != 0);
	return screen;
}

void screen_put(const struct screen *screen, enum tone tone, const char *text)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",        [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
		[TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m",
	};
	char clean[LINE_MAX_BYTES];
	bool coloured = screen->colour && tone != TONE_PLAIN;

	(void)text_fit(text, SIZE_MAX, clean, sizeof(clean));
	(void)fprintf(screen->file, "%s%s%s", coloured ? codes[tone] : "", clean,
		      coloured ? "\033[0m" : "");
}

__attribute__((format(printf, 3, 0))) static void say(const struct screen *screen, enum tone tone,
						      const char *format, va_list arguments)
{
	char text[LINE_MAX_BYTES];

	(void)vsnprintf(text, sizeof(text), format, arguments);
	screen_put(screen, tone, text);
}

void screen_say(const struct screen *screen, enum tone tone, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(screen, tone, format, arguments);
	va_end(arguments);
}

void screen_end_line(const struct screen *screen)
{
	(void)fputc('\n', screen->file);
}

void screen_fact(const struct screen *screen, const char *title, enum tone tone, const char *format,
		 ...)
{
	va_list arguments;

	screen_say(screen, TONE_DIM, "%-*s ", FACT_COLUMN - 1, title);
	va_start(arguments, format);
	say(screen, tone, format, arguments);
	va_end(arguments);
	screen_end_line(screen);
}

const char *screen_mark(const struct screen *screen, enum tone tone)
{
	if (screen->utf8)
		return tone == TONE_BAD ? "✗" : tone == TONE_WARN ? "▲" : "●";
	return tone == TONE_BAD ? "x" : tone == TONE_WARN ? "!" : "*";
}
