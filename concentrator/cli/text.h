/* text.h - strings of the outside world on a terminal: how wide they are, what is safe to print.
 *
 * Names and details come from the cloud and from people; a control character in one must never reach a
 * terminal. Widths are terminal columns: a Chinese character takes two. Characters beyond ASCII are
 * kept where the locale's character set is UTF-8, and shown as `?` elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Does the locale (set by the program's start) speak UTF-8? */
bool text_is_utf8(void);

/* Columns that text takes once it is cleaned. */
size_t text_width(const char *text);

/* Copies text with every byte that is no printable character as `?`, cut to at most `columns` columns;
 * a text that was cut ends in an ellipsis. Returns the columns it takes. The copy is cut to `size`
 * bytes, never inside a character. */
size_t text_fit(const char *text, size_t columns, char *buf, size_t size);

/* The length in bytes of the character at text; 1 for a byte that starts none. */
size_t text_character(const char *text);
