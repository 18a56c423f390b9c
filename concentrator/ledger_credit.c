#include "concentrator/ledger_credit.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_credit_set(struct ledger *ledger, const struct ledger_credit *credit)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(
		ledger, STATEMENT_CREDIT_SET,
		"INSERT OR REPLACE INTO credit(account_id, through_seq, allowance_nano, "
		"subsidy_nano, emergency, emergency_used, emergency_s, warned, overdraft_nano) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, iif(?, ?, NULL))");

	query_integer(&query, credit->account_id);
	query_integer(&query, credit->through_seq);
	query_integer(&query, credit->allowance_nano);
	query_integer(&query, credit->subsidy_nano);
	query_integer(&query, credit->emergency);
	query_integer(&query, credit->emergency_used);
	query_integer(&query, credit->emergency_s);
	query_integer(&query, credit->warned);
	query_integer(&query, credit->own_overdraft);
	query_integer(&query, credit->overdraft_nano);
	return query_run(&query);
}

int ledger_credits_each(struct ledger *ledger, ledger_credit_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_CREDIT_EACH,
		"SELECT c.account_id, c.through_seq, c.allowance_nano, c.subsidy_nano, "
		"c.overdraft_nano IS NOT NULL, c.overdraft_nano, c.emergency, c.emergency_used, "
		"c.emergency_s, c.warned FROM credit c JOIN account a ON a.id = c.account_id "
		"WHERE a.closed_s IS NULL ORDER BY c.account_id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		const struct ledger_credit credit = {
			.account_id = row_integer(&query, 0),
			.through_seq = row_integer(&query, 1),
			.allowance_nano = row_integer(&query, 2),
			.subsidy_nano = row_integer(&query, 3),
			.own_overdraft = row_integer(&query, 4) != 0,
			.overdraft_nano = row_integer(&query, 5),
			.emergency = (int32_t)row_integer(&query, 6),
			.emergency_used = row_integer(&query, 7) != 0,
			.emergency_s = row_integer(&query, 8),
			.warned = (uint32_t)row_integer(&query, 9),
		};

		stop = row(&credit, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
