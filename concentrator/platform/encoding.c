/* encoding.c - see encoding.h. */
#include "concentrator/platform/encoding.h"

#include <assert.h>
#include <errno.h>

static const char base64url_alphabet[64] = {
	'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
	'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
	'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
	'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_',
};

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

int base64url_decode(const char *text, size_t len, void *ret, size_t size, size_t *ret_len)
{
	size_t bytes = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
	uint8_t *out = ret;
	uint32_t bits = 0;
	unsigned held = 0; /* bits not yet written */
	size_t written = 0;

	if (len % 4 == 1)
		return -EBADMSG;
	if (bytes > size)
		return -ENOBUFS;
	/* Twice, so that nothing is written on an error. */
	for (size_t i = 0; i < len; i++) {
		if (base64url_value(text[i]) < 0)
			return -EBADMSG;
	}
	if (len % 4 == 2 && (base64url_value(text[len - 1]) & 0x0f) != 0)
		return -EBADMSG;
	if (len % 4 == 3 && (base64url_value(text[len - 1]) & 0x03) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		bits = (bits << 6 | (uint32_t)base64url_value(text[i])) & 0xffffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[written++] = (uint8_t)(bits >> held);
		}
	}
	assert(written == bytes);
	*ret_len = bytes;
	return 0;
}

void base64url_encode(const void *bytes, size_t len, char *ret, size_t size)
{
	const uint8_t *in = bytes;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t written = 0;

	assert(size > BASE64URL_LEN(len));
	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | in[i]) & 0xffff;
		held += 8;
		while (held >= 6) {
			held -= 6;
			ret[written++] = base64url_alphabet[bits >> held & 0x3f];
		}
	}
	if (held > 0)
		ret[written++] = base64url_alphabet[bits << (6 - held) & 0x3f];
	ret[written] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *text, size_t len, void *ret, size_t size)
{
	uint8_t *out = ret;

	if (len % 2 != 0 || len / 2 != size)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (hex_value(text[i]) < 0)
			return -EBADMSG;
	}
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	return 0;
}

void hex_encode(const void *bytes, size_t len, char *ret, size_t size)
{
	static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
					'8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
	const uint8_t *in = bytes;

	assert(size > HEX_LEN(len));
	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[in[i] >> 4];
		ret[2 * i + 1] = digits[in[i] & 0x0f];
	}
	ret[2 * len] = '\0';
}
