/* table.h - rows of cells laid out to a width.
 *
 * Numbers are right-aligned under their title. A table that is too wide first loses the columns that
 * say so, highest `drop` first, then shrinks those that may shrink; it never wraps a row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "concentrator/cli/screen.h"

#define TABLE_COLUMNS_MAX 16

struct table_column {
	const char *title;
	bool right;
	unsigned least; /* may shrink to this many columns; 0: never shrinks */
	bool rare;      /* left out where no row has something to say in it */
	unsigned drop;  /* left out when there is no room, the highest first; 0: never */
};

struct table;

struct table_layout {
	bool shown[TABLE_COLUMNS_MAX];
	size_t width[TABLE_COLUMNS_MAX];
};

/* Where a line goes, piece by piece, already padded and cleaned. */
struct table_sink {
	void (*put)(void *context, enum tone tone, const char *text);
	void *context;
};

/* columns is borrowed; at most TABLE_COLUMNS_MAX. -ENOMEM. */
int table_open(struct table **ret, const struct table_column *columns, size_t count);
struct table *table_close(struct table *table);

/* Starts a row of empty cells. Running out of memory is kept, and told by table_layout(). */
void table_row(struct table *table);
/* Fills the next cell of the last row. */
__attribute__((format(printf, 3, 4))) void table_cell(struct table *table, enum tone tone,
						      const char *format, ...);
size_t table_rows(const struct table *table);

/* width 0: no limit. -ENOMEM: a row or cell could not be kept. */
int table_layout(const struct table *table, size_t width, struct table_layout *ret);
void table_put_header(const struct table *table, const struct table_layout *layout,
		      const struct table_sink *sink);
void table_put_row(const struct table *table, const struct table_layout *layout, size_t row,
		   const struct table_sink *sink);

/* Header and all rows to a screen of its width; nothing at all for a table without rows. -ENOMEM. */
int table_print(const struct table *table, const struct screen *screen);
