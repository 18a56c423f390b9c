/* listing.h - a verb that asks for rows and shows them as a table. */
#pragma once

#include "concentrator/cli/session.h"
#include "concentrator/cli/table.h"

struct listing {
	const char *verb; /* of the control protocol */
	const struct table_column *columns;
	size_t count;
	void (*put)(struct table *table, const json_t *row); /* one table_row() with its cells */
	const char *name; /* the field that --quiet prints, one a line */
	const char *one;  /* "line" */
	const char *many; /* "lines" */
	/* Adds to the summary line ("2 lines") what is worth it, ", 1 fault"; NULL: nothing. */
	void (*remark)(const json_t *rows, char *buf, size_t size);
};

/* args (takes) may be NULL. Returns the exit code. */
int listing_run(struct session *session, const struct listing *listing, json_t *args);

/* The same for rows at hand. */
int listing_show(struct session *session, const struct listing *listing, const json_t *rows);

/* Rows whose field has that text. */
size_t listing_matches(const json_t *rows, const char *field, const char *text);
