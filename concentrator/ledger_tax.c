/* ledger_tax.c - see ledger_tax.h. */
#include "concentrator/ledger_tax.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_tax_add(struct ledger *ledger, int64_t account_id, int64_t entry_seq, int64_t rest)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_TAX_ADD,
				  "INSERT INTO tax(entry_seq, account_id, rest) VALUES (?, ?, ?)");

	query_integer(&query, entry_seq);
	query_integer(&query, account_id);
	query_integer(&query, rest);
	return query_run(&query);
}

int ledger_tax_rest(struct ledger *ledger, int64_t account_id, int64_t *ret_rest)
{
	QUERY query = query_begin(ledger, STATEMENT_TAX_REST,
				  "SELECT rest FROM tax WHERE account_id = ? "
				  "ORDER BY entry_seq DESC LIMIT 1");
	int row;

	query_integer(&query, account_id);
	row = query_row(&query);
	if (row < 0)
		return row;
	*ret_rest = row == 0 ? 0 : row_integer(&query, 0);
	return 0;
}
