/* ledger_hold.c - holds, begun and ended once. */
#include "concentrator/ledger_hold.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

int ledger_hold_begin(struct ledger *ledger, struct ledger_hold *hold)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_HOLD_ADD,
				  "INSERT INTO hold(account_id, uid, owner, reason, from_s, "
				  "until_s) VALUES (?, ?, ?, ?, ?, ?)");

	query_integer(&query, hold->account_id);
	query_integer(&query, hold->uid);
	query_text(&query, hold->owner, LEDGER_TEXT_MAX);
	query_text(&query, hold->reason, LEDGER_TEXT_MAX);
	query_integer(&query, hold->from_s);
	query_integer(&query, hold->until_s);
	error = query_run(&query);
	if (error == 0)
		hold->id = store_inserted(ledger);
	return error;
}

int ledger_hold_end(struct ledger *ledger, int64_t id, const char *by, int64_t at_s)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_HOLD_END,
				  "UPDATE hold SET ended_s = ?, ended_by = ? WHERE id = ?");

	query_integer(&query, at_s);
	query_text(&query, by, LEDGER_TEXT_MAX);
	query_integer(&query, id);
	error = query_change(&query);
	return error == -EPERM ? -EALREADY : error;
}

int ledger_holds_each(struct ledger *ledger, ledger_hold_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_HOLD_EACH,
		"SELECT h.id, h.account_id, h.uid, h.owner, h.reason, h.from_s, h.until_s FROM "
		"hold h "
		"JOIN account a ON a.id = h.account_id WHERE h.ended_s IS NULL AND "
		"a.closed_s IS NULL ORDER BY h.account_id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		struct ledger_hold hold = {
			.id = row_integer(&query, 0),
			.account_id = row_integer(&query, 1),
			.uid = row_integer(&query, 2),
			.from_s = row_integer(&query, 5),
			.until_s = row_integer(&query, 6),
		};

		row_text(&query, 3, hold.owner, sizeof(hold.owner));
		row_text(&query, 4, hold.reason, sizeof(hold.reason));
		stop = row(&hold, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
