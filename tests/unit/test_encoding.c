/* test_encoding.c - base64url and hexadecimal: the vectors of RFC 4648, and one text for one value. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/platform/encoding.h"

/* RFC 4648, section 10, without padding; the last two show the two characters of section 5. */
static void test_base64url_vectors(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		{"", 0, ""},
		{"f", 1, "Zg"},
		{"fo", 2, "Zm8"},
		{"foo", 3, "Zm9v"},
		{"foob", 4, "Zm9vYg"},
		{"fooba", 5, "Zm9vYmE"},
		{"foobar", 6, "Zm9vYmFy"},
		{"\xfb\xff", 2, "-_8"},
		{"\0\0\0", 3, "AAAA"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[16];
		uint8_t bytes[16];
		size_t len = 99;

		base64url_encode(cases[i].bytes, cases[i].len, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(strlen(text), BASE64URL_LEN(cases[i].len));
		assert_int_equal(base64url_decode(cases[i].text, strlen(cases[i].text), bytes,
						  cases[i].len, &len),
				 0);
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(bytes, cases[i].bytes, len);
	}
}

static void test_base64url_is_strict(void **state)
{
	static const struct {
		const char *sentence;
		const char *text;
		size_t size;
		int result;
	} cases[] = {
		{"padding", "Zg==", 8, -EBADMSG},
		{"the other alphabet, plus", "+_8A", 8, -EBADMSG},
		{"the other alphabet, slash", "-/8A", 8, -EBADMSG},
		{"a blank", "Zm 9", 8, -EBADMSG},
		{"a newline at the end", "Zm9v\n", 8, -EBADMSG},
		{"one character alone", "Z", 8, -EBADMSG},
		{"five characters", "Zm9vZ", 8, -EBADMSG},
		{"unused bits set, two characters", "Zh", 8, -EBADMSG},
		{"unused bits set, three characters", "Zm9", 8, -EBADMSG},
		{"a letter that is not ASCII", "Zm9\xc3", 8, -EBADMSG},
		{"longer than the room for it", "Zm9vYmFy", 5, -ENOBUFS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[8] = {0};
		size_t len = 99;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(base64url_decode(cases[i].text, strlen(cases[i].text), bytes,
						  cases[i].size, &len),
				 cases[i].result);
		assert_int_equal(len, 99);
		assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
	}
}

static void test_hex(void **state)
{
	static const uint8_t bytes[4] = {0x00, 0x9a, 0xbf, 0xff};
	uint8_t decoded[4] = {1, 2, 3, 4};
	char text[9];

	(void)state;
	hex_encode(bytes, sizeof(bytes), text, sizeof(text));
	assert_string_equal(text, "009abfff");
	assert_int_equal(hex_decode("009AbFff", 8, decoded, 4), 0);
	assert_memory_equal(decoded, bytes, 4);
	assert_int_equal(hex_decode("009abff", 7, decoded, 4), -EBADMSG);
	assert_int_equal(hex_decode("009abf", 6, decoded, 4), -EBADMSG);
	assert_int_equal(hex_decode("009abfffff", 10, decoded, 4), -EBADMSG);
	assert_int_equal(hex_decode("0 9abfff", 8, decoded, 4), -EBADMSG);
	assert_int_equal(hex_decode("0x9abfff", 8, decoded, 4), -EBADMSG);
	assert_memory_equal(decoded, bytes, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64url_vectors),
		cmocka_unit_test(test_base64url_is_strict),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
