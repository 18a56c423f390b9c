/* csv.h - records of a CSV file (RFC 4180), with the line each began on; and a field to write.
 *
 * As spreadsheets write it: comma separated, quotes doubled inside quotes, CRLF or LF, a byte-order mark
 * allowed. Blank lines are skipped. What is not CSV is an error with its line, never guessed at.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define CSV_FIELDS_MAX 32
#define CSV_BYTES_MAX  (1024 * 1024)

struct csv {
	char *next;  /* what is left of the text */
	size_t line; /* of next, from 1 */
};

struct csv_record {
	size_t line; /* that the record begins on, from 1 */
	size_t count;
	size_t column;               /* that an error is in, from 1 */
	char *field[CSV_FIELDS_MAX]; /* unquoted, outer blanks of unquoted fields removed */
};

/* text is NUL-terminated and is cut up in place; it must outlive the records. */
struct csv csv_open(char *text);

/* 1: a record; 0: the end. Errors name record->line and record->column and the reader goes on behind that
 * line: -EBADMSG a quote is not closed, or text follows a closing quote; -EINVAL a quote inside an
 * unquoted field; -E2BIG more than CSV_FIELDS_MAX fields; -EILSEQ a control character or bytes that are
 * not UTF-8. */
int csv_next(struct csv *csv, struct csv_record *ret);

/* The sentence for an error of csv_next(). */
const char *csv_error(int error);

/* Writes one field, quoted; a text that a spreadsheet would take for a formula begins with an apostrophe.
 * Control characters become blanks. */
void csv_put(FILE *file, const char *text);
