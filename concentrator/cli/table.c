/* table.c - see table.h. */
#include "concentrator/cli/table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/text.h"

#define GAP             2
#define TITLE_BYTES_MAX 32
#define CELL_BYTES_MAX  1024

struct cell {
	enum tone tone;
	char *text; /* NULL: empty */
};

struct row {
	struct cell cell[TABLE_COLUMNS_MAX];
	size_t filled;
};

struct table {
	const struct table_column *columns;
	size_t count;
	struct row *row;
	size_t rows;
	size_t room;
	bool failed;
};

int table_open(struct table **ret, const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	assert(count > 0 && count <= TABLE_COLUMNS_MAX);
	if (table == NULL)
		return -ENOMEM;
	table->columns = columns;
	table->count = count;
	*ret = table;
	return 0;
}

struct table *table_close(struct table *table)
{
	if (table == NULL)
		return NULL;
	for (size_t i = 0; i < table->rows; i++) {
		for (size_t k = 0; k < table->count; k++)
			free(table->row[i].cell[k].text);
	}
	free(table->row);
	free(table);
	return NULL;
}

void table_row(struct table *table)
{
	if (table->rows == table->room) {
		size_t room = table->room == 0 ? 16 : table->room * 2;
		struct row *grown = reallocarray(table->row, room, sizeof(*grown));

		if (grown == NULL) {
			table->failed = true;
			return;
		}
		table->row = grown;
		table->room = room;
	}
	table->row[table->rows++] = (struct row){0};
}

void table_cell(struct table *table, enum tone tone, const char *format, ...)
{
	struct row *row;
	struct cell *cell;
	va_list arguments;

	if (table->failed)
		return;
	row = &table->row[table->rows - 1];
	assert(row->filled < table->count);
	cell = &row->cell[row->filled++];
	cell->tone = tone;
	va_start(arguments, format);
	if (vasprintf(&cell->text, format, arguments) < 0) {
		cell->text = NULL;
		table->failed = true;
	}
	va_end(arguments);
}

size_t table_rows(const struct table *table)
{
	return table->rows;
}

static const char *cell_text(const struct cell *cell)
{
	return cell->text != NULL ? cell->text : "";
}

/* Width of the table with every shrinkable column at its least (least) or at its natural width. */
static size_t total_width(const struct table *table, const struct table_layout *layout, bool least)
{
	size_t total = 0;

	for (size_t k = 0; k < table->count; k++) {
		size_t width = layout->width[k];
		size_t floor = table->columns[k].least;

		if (!layout->shown[k])
			continue;
		if (least && floor > 0 && floor < width)
			width = floor;
		total += width + (total > 0 ? GAP : 0);
	}
	return total;
}

static bool drop_one(const struct table *table, struct table_layout *layout)
{
	size_t found = table->count;

	for (size_t k = 0; k < table->count; k++) {
		unsigned drop = table->columns[k].drop;

		if (layout->shown[k] && drop > 0 &&
		    (found == table->count || drop > table->columns[found].drop))
			found = k;
	}
	if (found == table->count)
		return false;
	layout->shown[found] = false;
	return true;
}

static bool shrink_widest(const struct table *table, struct table_layout *layout)
{
	size_t found = table->count;

	for (size_t k = 0; k < table->count; k++) {
		unsigned least = table->columns[k].least;

		if (layout->shown[k] && least > 0 && layout->width[k] > least &&
		    (found == table->count || layout->width[k] > layout->width[found]))
			found = k;
	}
	if (found == table->count)
		return false;
	layout->width[found]--;
	return true;
}

int table_layout(const struct table *table, size_t width, struct table_layout *ret)
{
	struct table_layout layout = {0};
	bool can = true;

	if (table->failed)
		return -ENOMEM;
	for (size_t k = 0; k < table->count; k++) {
		bool any = false;

		layout.width[k] = text_width(table->columns[k].title);
		for (size_t i = 0; i < table->rows; i++) {
			size_t wanted = text_width(cell_text(&table->row[i].cell[k]));

			if (wanted > layout.width[k])
				layout.width[k] = wanted;
			any = any || wanted > 0;
		}
		layout.shown[k] = any || !table->columns[k].rare;
	}
	while (width > 0 && can && total_width(table, &layout, true) > width)
		can = drop_one(table, &layout);
	can = true;
	while (width > 0 && can && total_width(table, &layout, false) > width)
		can = shrink_widest(table, &layout);
	*ret = layout;
	return 0;
}

/* blanks before the text where the column is right-aligned, else behind it. */
static void put_padded(const struct table_sink *sink, bool right, size_t width, enum tone tone,
		       const char *text)
{
	char fitted[CELL_BYTES_MAX];
	char pad[CELL_BYTES_MAX];
	size_t taken = text_fit(text, width, fitted, sizeof(fitted));
	size_t blanks = width > taken ? width - taken : 0;

	if (blanks > sizeof(pad) - 1)
		blanks = sizeof(pad) - 1;
	memset(pad, ' ', blanks);
	pad[blanks] = '\0';
	if (right)
		sink->put(sink->context, TONE_PLAIN, pad);
	sink->put(sink->context, tone, fitted);
	if (!right)
		sink->put(sink->context, TONE_PLAIN, pad);
}

/* Cells behind the last one with text are left out, and that one is not padded: no line ends in blanks. */
static void put_cells(const struct table *table, const struct table_layout *layout,
		      const struct cell *cell, const struct table_sink *sink)
{
	size_t end = 0;
	bool first = true;

	for (size_t k = 0; k < table->count; k++) {
		if (layout->shown[k] && *cell_text(&cell[k]) != '\0')
			end = k + 1;
	}
	for (size_t k = 0; k < end; k++) {
		const char *text = cell_text(&cell[k]);
		bool right = table->columns[k].right;
		size_t width = layout->width[k];

		if (!layout->shown[k])
			continue;
		if (!first)
			sink->put(sink->context, TONE_PLAIN, "  ");
		first = false;
		if (!right && k + 1 == end && text_width(text) < width)
			width = text_width(text);
		put_padded(sink, right, width, cell[k].tone, text);
	}
}

void table_put_header(const struct table *table, const struct table_layout *layout,
		      const struct table_sink *sink)
{
	struct cell cell[TABLE_COLUMNS_MAX] = {0};
	char title[TABLE_COLUMNS_MAX][TITLE_BYTES_MAX];

	for (size_t k = 0; k < table->count; k++) {
		(void)snprintf(title[k], sizeof(title[k]), "%s", table->columns[k].title);
		cell[k] = (struct cell){.tone = TONE_DIM, .text = title[k]};
	}
	put_cells(table, layout, cell, sink);
}

void table_put_row(const struct table *table, const struct table_layout *layout, size_t row,
		   const struct table_sink *sink)
{
	assert(row < table->rows);
	put_cells(table, layout, table->row[row].cell, sink);
}

static void put_on_screen(void *context, enum tone tone, const char *text)
{
	const struct screen *screen = context;

	if (*text != '\0')
		screen_put(screen, tone, text);
}

int table_print(const struct table *table, const struct screen *screen)
{
	struct screen copy = *screen;
	struct table_sink sink = {.put = put_on_screen, .context = &copy};
	struct table_layout layout;
	int r = table_layout(table, screen->width, &layout);

	if (r < 0 || table->rows == 0)
		return r;
	table_put_header(table, &layout, &sink);
	screen_end_line(screen);
	for (size_t i = 0; i < table->rows; i++) {
		table_put_row(table, &layout, i, &sink);
		screen_end_line(screen);
	}
	return 0;
}
