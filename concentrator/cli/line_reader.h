/* line_reader.h - one line typed on a terminal: editing, history, completion.
 *
 * Reads the terminal itself: no other library or program sees what is typed, and nothing can escape from
 * it. Emacs keys, arrows, Home, End, Delete; Tab completes; ? outside quotes shows what may come next;
 * Ctrl-C drops the line; Ctrl-D on an empty line ends.
 */
#pragma once

#include <stddef.h>

#define LINE_BYTES_MAX 1024
#define LINE_HISTORY   100

struct line_reader;

/* Called for Tab and for ?. line is what stands before the cursor. */
struct line_helper {
	/* Writes into add (size bytes) what Tab adds behind the cursor; "" when nothing is certain. */
	void (*complete)(void *context, const char *line, char *add, size_t size);
	/* Prints what may come next, whole lines, to the terminal. */
	void (*show)(void *context, const char *line);
	void *context;
};

/* -ENOTTY: standard input or output is no terminal. -ENOMEM. helper is borrowed. */
int line_reader_open(struct line_reader **ret, const struct line_helper *helper);
struct line_reader *line_reader_close(struct line_reader *reader);

/* Waits for a line; ret_line lives until the next call. The line is added to the history unless it is empty
 * or the same as the last. 1: a line; 0: the end. -errno of the terminal. Blocks. */
int line_reader_read(struct line_reader *reader, const char *prompt, const char **ret_line);
