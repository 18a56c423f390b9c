/* ledger_unread.c - see ledger_unread.h. */
#include "concentrator/ledger_unread.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_unread_add(struct ledger *ledger, int64_t account_id, int64_t life_id)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_UNREAD_ADD,
				  "INSERT INTO unread(tenancy_id, life_id, after_seq) SELECT id, "
				  "?2, ?3 FROM tenancy WHERE account_id = ?1 AND to_s IS NULL");

	query_integer(&query, account_id);
	query_integer(&query, life_id);
	query_reference(&query, ledger->tally.totals.entries);
	return query_change(&query);
}

int ledger_unread_each(struct ledger *ledger, ledger_unread_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_UNREAD_EACH,
				  "SELECT DISTINCT u.life_id FROM unread u JOIN life l ON l.id = "
				  "u.life_id WHERE l.ended_s IS NULL AND NOT EXISTS (SELECT 1 FROM "
				  "entry WHERE life_id = u.life_id AND seq > coalesce(u.after_seq, "
				  "0)) ORDER BY u.life_id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		stop = row(row_integer(&query, 0), userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
