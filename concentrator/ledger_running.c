/* ledger_running.c - see ledger_running.h. */
#include "concentrator/ledger_running.h"

#include <errno.h>
#include <stdlib.h>

struct running *running_find(const struct runnings *runnings, int64_t id)
{
	size_t low = 0, high = runnings->count;

	/* Ids are given one behind the other, so the place of one is mostly where it would be without gaps. */
	if (high > 0 && id >= runnings->rows[0].id && id - runnings->rows[0].id < (int64_t)high) {
		low = (size_t)(id - runnings->rows[0].id);
		if (runnings->rows[low].id == id)
			return &runnings->rows[low];
		low = 0;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runnings->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runnings->count && runnings->rows[low].id == id ? &runnings->rows[low] : NULL;
}

int64_t running_total(const struct runnings *runnings, int64_t id)
{
	const struct running *row = running_find(runnings, id);

	return row ? row->value - row->first : 0;
}

static int running_add(struct runnings *runnings, const struct running *row)
{
	if (runnings->count == runnings->allocated) {
		size_t wanted = runnings->count > 0 ? 2 * runnings->count : 64;
		struct running *grown = reallocarray(runnings->rows, wanted, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		runnings->rows = grown;
		runnings->allocated = wanted;
	}
	runnings->rows[runnings->count++] = *row;
	return 0;
}

int running_load(struct walk *walk, struct runnings *runnings, bool known, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t last = runnings->count > 0 ? runnings->rows[runnings->count - 1].id : 0;
	int code = sqlite3_prepare_v2(walk->db, sql, -1, &stmt, NULL), error = 0;

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, last);
	while (code == SQLITE_OK && error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t first = sqlite3_column_int64(stmt, 1);

		code = SQLITE_OK;
		error = running_add(runnings,
				    &(const struct running){
					    .id = sqlite3_column_int64(stmt, 0),
					    .value = first,
					    .first = first,
					    .start = first,
					    .point_id = sqlite3_column_int64(stmt, 2),
					    .medium = (enum medium)sqlite3_column_int(stmt, 3),
					    .known = known,
				    });
	}
	(void)sqlite3_finalize(stmt);
	return error < 0 || code == SQLITE_DONE ? error : store_errno(walk->db, code);
}

void running_clear(struct runnings *runnings)
{
	free(runnings->rows);
	*runnings = (struct runnings){0};
}
