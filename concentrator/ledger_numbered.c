/* ledger_numbered.c - see ledger_numbered.h. */
#include "concentrator/ledger_numbered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *numbered_at(const struct numbered *rows, size_t place)
{
	return rows->rows + place * rows->size;
}

static int64_t id_at(const struct numbered *rows, size_t place)
{
	int64_t id;

	memcpy(&id, numbered_at(rows, place), sizeof(id));
	return id;
}

void *numbered_find(const struct numbered *rows, int64_t id)
{
	size_t low = 0, high = rows->count;
	size_t place = high > 0 ? (size_t)id - (size_t)id_at(rows, 0) : 0;

	/* Ids are given one behind the other, so the place of one is mostly where it would be without gaps. */
	if (place < high && id_at(rows, place) == id)
		return numbered_at(rows, place);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (id_at(rows, middle) < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows->count && id_at(rows, low) == id ? numbered_at(rows, low) : NULL;
}

/* A row more, all 0 but its id; NULL: no memory. */
static void *add(struct numbered *rows, int64_t id)
{
	char *row;

	if (rows->count == rows->allocated) {
		size_t wanted = rows->count > 0 ? 2 * rows->count : 64;
		char *grown = reallocarray(rows->rows, wanted, rows->size);

		if (!grown)
			return NULL;
		rows->rows = grown;
		rows->allocated = wanted;
	}
	row = numbered_at(rows, rows->count++);
	memset(row, 0, rows->size);
	memcpy(row, &id, sizeof(id));
	return row;
}

int numbered_load(struct walk *walk, struct numbered *rows, const char *sql, numbered_fn fill)
{
	sqlite3_stmt *stmt = NULL;
	int64_t last = rows->count > 0 ? id_at(rows, rows->count - 1) : 0;
	int code = sqlite3_prepare_v2(walk->db, sql, -1, &stmt, NULL), error = 0;

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, last);
	while (code == SQLITE_OK && error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		void *row = add(rows, sqlite3_column_int64(stmt, 0));

		code = SQLITE_OK;
		if (row)
			fill(stmt, row);
		else
			error = -ENOMEM;
	}
	(void)sqlite3_finalize(stmt);
	return error < 0 || code == SQLITE_DONE ? error : store_errno(walk->db, code);
}

void numbered_clear(struct numbered *rows)
{
	free(rows->rows);
	*rows = (struct numbered){.size = rows->size};
}
