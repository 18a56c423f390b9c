/* text.c - see text.h. */
#include "concentrator/cli/text.h"

#include <assert.h>
#include <langinfo.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

struct character {
	size_t bytes; /* taken from the source */
	size_t columns;
	bool printable;
};

/* RFC 3629, and nothing laxer: no overlong forms, no surrogates. Returns the code point, or -1. */
static int32_t decode(const unsigned char *p, size_t *ret_bytes)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t bytes = p[0] < 0x80             ? 1
		       : (p[0] & 0xe0) == 0xc0 ? 2
		       : (p[0] & 0xf0) == 0xe0 ? 3
		       : (p[0] & 0xf8) == 0xf0 ? 4
					       : 0;
	uint32_t code;

	*ret_bytes = 1;
	if (bytes == 0)
		return -1;
	if (bytes == 1)
		return p[0];
	code = p[0] & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		code = code << 6 | (p[i] & 0x3fU);
	}
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -1;
	*ret_bytes = bytes;
	return (int32_t)code;
}

static struct character look(const char *text)
{
	struct character character = {.columns = 1};
	int32_t code = decode((const unsigned char *)text, &character.bytes);
	int columns;

	if (code >= 0x20 && code < 0x7f) {
		character.printable = true;
	} else if (code >= 0x80 && text_is_utf8()) {
		columns = wcwidth((wchar_t)code);
		/* Zero-width characters can hide or reorder what is beside them. */
		if (columns > 0) {
			character.printable = true;
			character.columns = (size_t)columns;
		}
	}
	return character;
}

bool text_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

size_t text_character(const char *text)
{
	size_t bytes;

	(void)decode((const unsigned char *)text, &bytes);
	return bytes;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	while (*text != '\0') {
		struct character character = look(text);

		width += character.columns;
		text += character.bytes;
	}
	return width;
}

size_t text_fit(const char *text, size_t columns, char *buf, size_t size)
{
	bool cut = text_width(text) > columns;
	const char *ellipsis = text_is_utf8() ? "…" : "~";
	size_t room = cut && columns > 0 ? columns - 1 : columns;
	size_t width = 0;
	size_t len = 0;

	assert(size > strlen(ellipsis));
	while (*text != '\0') {
		struct character character = look(text);
		size_t bytes = character.printable ? character.bytes : 1;

		if (width + character.columns > room || len + bytes + strlen(ellipsis) >= size)
			break;
		if (character.printable)
			memcpy(buf + len, text, bytes);
		else
			buf[len] = '?';
		len += bytes;
		width += character.columns;
		text += character.bytes;
	}
	if (cut && columns > 0) {
		memcpy(buf + len, ellipsis, strlen(ellipsis));
		len += strlen(ellipsis);
		width++;
	}
	buf[len] = '\0';
	return width;
}
