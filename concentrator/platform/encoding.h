/* encoding.h - base64url (RFC 4648, section 5, without padding) and hexadecimal, strict both ways.
 *
 * Each value has exactly one text: signatures are looked at as text too, and two spellings of one order
 * must not pass for two orders. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Characters without the terminator. */
#define BASE64URL_LEN(bytes) (((bytes)*4 + 2) / 3)
#define HEX_LEN(bytes)       ((bytes)*2)

/* Decodes len characters into at most size bytes. -EBADMSG: a character outside the alphabet (padding and
 * blanks are), a length that cannot be, or unused bits that are set; -ENOBUFS: longer than size. */
int base64url_decode(const char *text, size_t len, void *ret, size_t size, size_t *ret_len);

/* Writes BASE64URL_LEN(len) characters and a terminator; size must hold them (asserted). */
void base64url_encode(const void *bytes, size_t len, char *ret, size_t size);

/* Decodes exactly size bytes from 2 * size digits of either case. -EBADMSG. */
int hex_decode(const char *text, size_t len, void *ret, size_t size);

/* Writes HEX_LEN(len) lower-case digits and a terminator; size must hold them (asserted). */
void hex_encode(const void *bytes, size_t len, char *ret, size_t size);
