/* words.h - splits a typed line into words, as people quote them.
 *
 * Expands nothing: no variables, no patterns, no commands. A login shell that cannot expand cannot be
 * talked into running anything. `;`, `|`, `>` and `$` are letters like any other.
 */
#pragma once

#include <stddef.h>

#define WORDS_MAX      64
#define WORDS_LINE_MAX 4096

struct words {
	size_t count;
	char *word[WORDS_MAX + 1]; /* NULL behind the last; point into text */
	char text[WORDS_LINE_MAX];
};

/* Blanks separate words. '...' is literal; inside "..." a backslash protects `"` and `\`; outside quotes
 * a backslash protects the next character. Quotes in the middle of a word belong to it; "" is an empty
 * word.
 * -EINVAL: a quote is not closed, or the line ends in a backslash. -E2BIG: more than WORDS_MAX words or
 * WORDS_LINE_MAX bytes. words->word points into *ret: copying the struct breaks it. */
int words_split(struct words *ret, const char *line);

/* The sentence for an error of words_split(). */
const char *words_error(int error);
