/* ledger_persons.c - see ledger_persons.h. */
#include "concentrator/ledger_persons.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_persons_add(struct ledger *ledger, int64_t account_id, int64_t from_s, int32_t persons,
		       const char *by)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_PERSONS_ADD,
				  "INSERT INTO persons(account_id, from_s, persons, by) "
				  "VALUES (?, ?, ?, ?)");

	query_integer(&query, account_id);
	query_integer(&query, from_s);
	query_integer(&query, persons);
	query_text(&query, by, LEDGER_TEXT_MAX);
	return query_run(&query);
}

int ledger_persons_last(struct ledger *ledger, int64_t account_id, size_t most,
			int64_t ret_from_s[], int32_t ret_persons[], size_t *ret_count)
{
	QUERY query = query_begin(ledger, STATEMENT_PERSONS_LAST,
				  "SELECT from_s, persons FROM (SELECT id, from_s, persons FROM "
				  "persons WHERE account_id = ? ORDER BY id DESC LIMIT ?) "
				  "ORDER BY id");
	size_t count = 0;
	int more;

	query_integer(&query, account_id);
	query_integer(&query, (int64_t)most);
	while ((more = query_row(&query)) == 1 && count < most) {
		ret_from_s[count] = row_integer(&query, 0);
		ret_persons[count++] = (int32_t)row_integer(&query, 1);
	}
	*ret_count = count;
	return more;
}
