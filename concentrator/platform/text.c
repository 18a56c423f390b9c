#include "concentrator/platform/text.h"

#include <stdbool.h>
#include <string.h>

static bool is_tail(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

void text_cut(char *ret, size_t size, const char *text)
{
	size_t len = strnlen(text, size);

	if (len == size) {
		len--;
		while (len > 0 && is_tail(text[len]))
			len--;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
}

/* The bytes of the character that begins here; 0: none does. */
static size_t character_len(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if ((at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (!is_tail(text[i]))
			return 0;
	}
	/* Longer than needed, a surrogate, or past U+10FFFF. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

void text_repair(char *text)
{
	while (*text != '\0') {
		size_t len = character_len(text);

		if (len == 0) {
			*text = '?';
			len = 1;
		}
		text += len;
	}
}
