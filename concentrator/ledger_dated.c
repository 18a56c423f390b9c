/* ledger_dated.c - dated events, added and never changed.
 *
 * M9  The table's unique keys refuse a second event of one rule and day.
 */
#include "concentrator/ledger_dated.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

int ledger_dated_add(struct ledger *ledger, const struct ledger_dated *dated)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DATED_ADD,
				  "INSERT INTO dated(account_id, rule, day, opened_s, entry_seq, "
				  "by) VALUES (?, ?, ?, ?, ?, ?)");

	query_integer(&query, dated->account_id);
	query_integer(&query, dated->rule);
	query_integer(&query, dated->day);
	query_integer(&query, dated->opened_s);
	query_reference(&query, dated->entry_seq);
	query_text(&query, dated->by, LEDGER_TEXT_MAX);
	return query_run(&query);
}

int ledger_dated_last(struct ledger *ledger, int64_t account_id, int32_t rule, int64_t opened_s,
		      int64_t *ret_day)
{
	/* The sign keeps SQLite from asking, with each value, whether the index of rule 1 would do: it
	 * would prepare the statement anew for each. */
	QUERY query = query_begin(ledger, STATEMENT_DATED_LAST,
				  "SELECT day FROM dated WHERE account_id = ? AND rule = +?2 AND "
				  "(opened_s = ?3 OR ?3 = -9223372036854775807 - 1) "
				  "ORDER BY day DESC LIMIT 1");
	int row;

	query_integer(&query, account_id);
	query_integer(&query, rule);
	query_integer(&query, opened_s);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	*ret_day = row_integer(&query, 0);
	return 0;
}
