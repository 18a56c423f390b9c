/* ledger_account.c - see ledger_account.h. */
#include "concentrator/ledger_account.h"

#include "concentrator/ledger_store.h"

#include <errno.h>

static int find(struct ledger *ledger, int64_t account_id, int64_t before, const char *room,
		struct ledger_account *ret)
{
	QUERY query = query_begin(
		ledger, STATEMENT_ACCOUNT_FIND,
		"SELECT a.id, r.name, a.opened_s, a.closed_s FROM account a JOIN room r ON r.id = "
		"a.room_id WHERE a.id < ?2 AND (?1 = 0 OR a.id = ?1) AND (?3 = '' OR r.name = ?3) "
		"ORDER BY a.id DESC LIMIT 1");
	int row;

	query_integer(&query, account_id);
	query_integer(&query, before);
	query_text(&query, room, LEDGER_NAME_MAX);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	ret->id = row_integer(&query, 0);
	row_text(&query, 1, ret->room, sizeof(ret->room));
	ret->opened_s = row_integer(&query, 2);
	ret->closed_s = row_integer(&query, 3);
	return 0;
}

int ledger_account_find(struct ledger *ledger, int64_t account_id, const char *room,
			struct ledger_account *ret)
{
	return find(ledger, account_id, INT64_MAX, room, ret);
}

int ledger_account_before(struct ledger *ledger, int64_t account_id, const char *room,
			  struct ledger_account *ret)
{
	return find(ledger, 0, account_id, room, ret);
}

int ledger_point_circuit(struct ledger *ledger, int64_t point_id,
			 char ret[static LEDGER_NAME_MAX + 1])
{
	QUERY query = query_begin(
		ledger, STATEMENT_POINT_CIRCUIT,
		"SELECT circuit FROM supply WHERE point_id = ? ORDER BY id DESC LIMIT 1");
	int row;

	query_integer(&query, point_id);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	row_text(&query, 0, ret, LEDGER_NAME_MAX + 1);
	return 0;
}
