/* ledger_read.c - see ledger_read.h. */
#include "concentrator/ledger_read.h"

#include "concentrator/ledger_reading.h"

#include <errno.h>
#include <stdlib.h>

int ledger_read(const char *path, const char *vfs, const struct ledger_query *query,
		atomic_ullong *progress, const atomic_bool *cancel, struct ledger_page **ret)
{
	struct reading reading = {.progress = progress, .cancel = cancel};
	struct ledger_page *page;
	int64_t first = 1;
	int error;

	if (query->limit < 1 || query->limit > LEDGER_PAGE_MAX)
		return -EINVAL;
	page = calloc(1, sizeof(*page) + (size_t)query->limit * sizeof(page->lines[0]));
	if (!page)
		return -ENOMEM;
	error = reading_open(&reading, path, vfs);
	if (error == 0 && query->since_s != 0)
		error = reading_find(&reading, query->account_id, query->since_s, &first);
	if (error == 0)
		error = reading_page(&reading, query, first, page);
	(void)sqlite3_close(reading.db);
	if (error < 0)
		free(page);
	else
		*ret = page;
	return error;
}
