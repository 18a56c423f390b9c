/* settings_line.c - the characters of one line of settings; see settings_tree.h. */
#include "concentrator/platform/settings_tree.h"

#include <string.h>

/* Bytes of the well-formed UTF-8 sequence at text (RFC 3629, table 3-7 of Unicode), 0 for none. */
static size_t utf8_len(const unsigned char *text, size_t len)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t len;
	} rows[] = {
		{0x20, 0x7e, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (text[0] < rows[i].first_low || text[0] > rows[i].first_high)
			continue;
		if (rows[i].len > len)
			return 0;
		if (rows[i].len > 1 &&
		    (text[1] < rows[i].second_low || text[1] > rows[i].second_high))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++) {
			if (text[k] < 0x80 || text[k] > 0xbf)
				return 0;
		}
		return rows[i].len;
	}
	return 0;
}

bool settings_line_is_plain(const char *line, size_t len)
{
	const unsigned char *text = (const unsigned char *)line;

	for (size_t i = 0; i < len;) {
		size_t step = text[i] == '\t' ? 1 : utf8_len(text + i, len - i);

		if (step == 0 || (text[i] == 0xc2 && text[i + 1] < 0xa0))
			return false;
		i += step;
	}
	return true;
}

void settings_line_trim(const char **line, size_t *len)
{
	const char *text = *line;
	size_t end = *len;

	for (size_t i = 0; i < end; i++) {
		bool begins = i == 0 || strchr(BLANKS, text[i - 1]) != NULL;

		if (begins && (text[i] == '#' || text[i] == ';'))
			end = i;
	}
	while (end > 0 && strchr(BLANKS, text[end - 1]) != NULL)
		end--;
	while (end > 0 && strchr(BLANKS, text[0]) != NULL) {
		text++;
		end--;
	}
	*line = text;
	*len = end;
}
