/* ledger_stay.c - see ledger_stay.h. */
#include "concentrator/ledger_stay.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_stay_add(struct ledger *ledger, int64_t account_id, const struct ledger_stay *stay)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_STAY_ADD,
				  "INSERT INTO stay(tenancy_id, opened_s, minimum_from_s, "
				  "minimum_nano) SELECT id, ?2, ?3, ?4 FROM tenancy WHERE "
				  "account_id = ?1 AND to_s IS NULL");

	query_integer(&query, account_id);
	query_integer(&query, stay->opened_s);
	query_integer(&query, stay->minimum_from_s);
	query_integer(&query, stay->minimum_nano);
	return query_change(&query);
}

int ledger_stay_use_add(struct ledger *ledger, int64_t account_id, int64_t since_s, int64_t wh,
			uint32_t flags)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_STAY_USE_ADD,
				  "INSERT INTO stay_use(tenancy_id, since_s, wh, flags) SELECT id, "
				  "?2, ?3, ?4 FROM tenancy WHERE account_id = ?1 AND to_s IS NULL");

	query_integer(&query, account_id);
	query_integer(&query, since_s);
	query_integer(&query, wh);
	query_integer(&query, flags);
	return query_change(&query);
}

int ledger_stay_use_each(struct ledger *ledger, ledger_charge_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_STAY_USE_EACH,
				  "SELECT t.account_id, u.since_s, u.wh, u.flags FROM stay_use u "
				  "JOIN tenancy t ON t.id = u.tenancy_id WHERE t.to_s IS NULL "
				  "ORDER BY u.id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		const struct ledger_charge use = {
			.account_id = row_integer(&query, 0),
			.from_s = row_integer(&query, 1),
			.energy_wh = row_integer(&query, 2),
			.flags = (uint32_t)row_integer(&query, 3),
		};

		stop = row(&use, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
