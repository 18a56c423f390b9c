/* commissioning.h - a CSV file of rooms as rows for the daemon, or everything that is wrong with it.
 *
 * What can be seen in the file alone is checked here, with line and column: the header, the number of
 * fields, ranges, rows that contradict each other. Whether lines, models and rooms exist is for the
 * daemon to say; its findings are put at the lines that the rows came from.
 */
#pragma once

#include <stddef.h>

#include <jansson.h>

struct commissioning {
	json_t *rows;   /* array of commissioning rows (control.md); a clean row only */
	size_t *line;   /* of each row of rows */
	size_t *column; /* position in the file of each known column, from 1; 0: not in the header */
	size_t wrong;   /* rows of the file that are not in rows */
	json_t *errors; /* array of {line, column, column_number, message}; see commissioning_sort() */
};

/* text is cut up in place. 0 also when there are errors; -ENOMEM. Free with commissioning_clear(). */
int commissioning_read(struct commissioning *ret, char *text);
void commissioning_clear(struct commissioning *commissioning);

/* Adds what the daemon found, rows of {row (from 1, in rows), column?, message}. -ENOMEM. */
int commissioning_add_errors(struct commissioning *commissioning, const json_t *errors);

/* The errors in the order of the file, each with "message" and "line" ready to be listed; a message begins
 * with its column: "column 3 (address): 300 is not 1 to 247". The caller's to json_decref(); NULL without
 * memory. */
json_t *commissioning_errors(const struct commissioning *commissioning);
