/* words.c - see words.h. */
#include "concentrator/cli/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one word to out and returns how many bytes of line it took, or -EINVAL. */
static ptrdiff_t take_word(const char *line, char *out, size_t *ret_len)
{
	const char *p = line;
	size_t len = 0;
	char quote = '\0';

	while (*p != '\0' && (quote != '\0' || !is_blank(*p))) {
		bool escaping = *p == '\\' && quote != '\'';

		if (escaping && quote == '"' && p[1] != '"' && p[1] != '\\')
			escaping = false;
		if (escaping) {
			if (p[1] == '\0')
				return -EINVAL;
			out[len++] = p[1];
			p += 2;
		} else if (quote == '\0' && (*p == '\'' || *p == '"')) {
			quote = *p++;
		} else if (quote != '\0' && *p == quote) {
			quote = '\0';
			p++;
		} else {
			out[len++] = *p++;
		}
	}
	if (quote != '\0')
		return -EINVAL;
	out[len] = '\0';
	*ret_len = len;
	return p - line;
}

int words_split(struct words *ret, const char *line)
{
	char *out = ret->text;

	ret->count = 0;
	ret->word[0] = NULL;
	/* A word never grows by splitting, so the text of a line that fits, fits. */
	if (strlen(line) >= sizeof(ret->text))
		return -E2BIG;
	for (;;) {
		size_t len = 0;
		ptrdiff_t taken;

		while (is_blank(*line))
			line++;
		if (*line == '\0')
			return 0;
		if (ret->count == WORDS_MAX)
			return -E2BIG;
		taken = take_word(line, out, &len);
		if (taken < 0)
			return (int)taken;
		ret->word[ret->count++] = out;
		ret->word[ret->count] = NULL;
		out += len + 1;
		line += taken;
	}
}

const char *words_error(int error)
{
	return error == -E2BIG ? "the line is too long"
			       : "a quote is not closed, or the line ends in a backslash";
}
