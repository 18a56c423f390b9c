/* ledger_running.c - see ledger_running.h. */
#include "concentrator/ledger_running.h"

struct running *running_find(const struct numbered *rows, int64_t id)
{
	return numbered_find(rows, id);
}

int64_t running_total(const struct numbered *rows, int64_t id)
{
	const struct running *row = running_find(rows, id);

	return row ? row->value - row->first : 0;
}

static void fill(sqlite3_stmt *stmt, void *row)
{
	struct running *running = row;

	running->value = running->first = running->start = sqlite3_column_int64(stmt, 1);
	running->point_id = sqlite3_column_int64(stmt, 2);
	running->medium = (enum medium)sqlite3_column_int(stmt, 3);
}

int running_load(struct walk *walk, struct numbered *rows, bool known, const char *sql)
{
	size_t before = rows->count;
	int error = numbered_load(walk, rows, sql, fill);

	for (size_t i = before; i < rows->count; i++)
		((struct running *)numbered_at(rows, i))->known = known;
	return error;
}
