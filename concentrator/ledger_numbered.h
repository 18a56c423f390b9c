/* ledger_numbered.h - inside verify: rows of a table in memory, found by their ids. */
#pragma once

#include "concentrator/ledger_walk.h"

/* Begins as {.size = sizeof(struct row)}, where the first member of struct row is int64_t id. */
struct numbered {
	size_t size;
	char *rows; /* by id, rising; they move when rows are added */
	size_t count, allocated;
};

/* Fills what is behind the id, which is set, of a row that is 0 otherwise. */
typedef void (*numbered_fn)(sqlite3_stmt *stmt, void *row);

/* NULL: it is not there. */
void *numbered_find(const struct numbered *rows, int64_t id);
/* place is below count. */
void *numbered_at(const struct numbered *rows, size_t place);
/* Adds the rows that sql gives: the id first, rising; its parameter is the last id that is here, 0: none. */
LEDGER_CHECKED int numbered_load(struct walk *walk, struct numbered *rows, const char *sql,
				 numbered_fn fill);
/* Forgets them; they can be loaded again. */
void numbered_clear(struct numbered *rows);
