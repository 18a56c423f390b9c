/* text.h - text of other people in buffers of ours: whole UTF-8 characters, always.
 *
 * JSON and the ledger refuse half a character, so what was cut between two bytes of one would be lost whole.
 */
#pragma once

#include <stddef.h>

/* Copies what fits into size - 1 bytes, whole characters only. */
void text_cut(char *ret, size_t size, const char *text);

/* Puts '?' in the place of every byte that belongs to no whole character (RFC 3629, section 4), such as printf's
 * "%.40s" leaves behind. */
void text_repair(char *text);
