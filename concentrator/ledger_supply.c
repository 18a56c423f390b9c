/* ledger_supply.c - wishes, relays and money states: ordinary rows, replaced. */
#include "concentrator/ledger_supply.h"

#include "concentrator/ledger_store.h"

#include <assert.h>

int ledger_wish_set(struct ledger *ledger, const struct ledger_wish *wish)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(
		ledger, STATEMENT_WISH_SET,
		"INSERT INTO wish(supply_id, layer, position, uid, owner, reason, at_s, trusted, "
		"until_s) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (supply_id, layer) DO UPDATE SET "
		"position = excluded.position, uid = excluded.uid, owner = excluded.owner, "
		"reason = excluded.reason, at_s = excluded.at_s, trusted = excluded.trusted, "
		"until_s = excluded.until_s");

	query_integer(&query, wish->supply_id);
	query_integer(&query, wish->layer);
	query_integer(&query, wish->position);
	query_integer(&query, wish->uid);
	query_text(&query, wish->owner, LEDGER_TEXT_MAX);
	query_text(&query, wish->reason, LEDGER_TEXT_MAX);
	query_integer(&query, wish->at_s);
	query_integer(&query, wish->trusted);
	query_reference(&query, wish->until_s);
	return query_run(&query);
}

int ledger_wish_clear(struct ledger *ledger, int64_t supply_id, int32_t layer)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_WISH_CLEAR,
				  "DELETE FROM wish WHERE supply_id = ? AND layer = ?");

	query_integer(&query, supply_id);
	query_integer(&query, layer);
	return query_run(&query);
}

int ledger_relay_set(struct ledger *ledger, const struct ledger_relay *relay)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(
		ledger, STATEMENT_RELAY_SET,
		"INSERT INTO relay(supply_id, commanded, layer, at_s, trusted, armed, proven) "
		"VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (supply_id) DO UPDATE SET "
		"commanded = excluded.commanded, layer = excluded.layer, at_s = excluded.at_s, "
		"trusted = excluded.trusted, armed = excluded.armed, proven = "
		"excluded.proven");

	query_integer(&query, relay->supply_id);
	query_integer(&query, relay->commanded);
	query_integer(&query, relay->layer);
	query_integer(&query, relay->at_s);
	query_integer(&query, relay->trusted);
	query_integer(&query, relay->armed);
	query_integer(&query, relay->proven);
	return query_run(&query);
}

int ledger_money_set(struct ledger *ledger, const struct ledger_money *money)
{
	assert(ledger->in_transaction);
	/* Nothing refers to a row of this table and no trigger watches it: replacing is an update. */
	QUERY query = query_begin(ledger, STATEMENT_MONEY_SET,
				  "INSERT OR REPLACE INTO money(account_id, low, noticed, "
				  "notice_run_us, notice_wait_us, "
				  "notice_nano, hold, hold_run_us, hold_from_nano, hold_begun, "
				  "hold_spent, cut, cut_run_us) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, money->account_id);
	query_integer(&query, money->low);
	query_integer(&query, money->noticed);
	query_integer(&query, money->notice_run_us);
	query_integer(&query, money->notice_wait_us);
	query_integer(&query, money->notice_nano);
	query_integer(&query, money->hold);
	query_integer(&query, money->hold_run_us);
	query_integer(&query, money->hold_from_nano);
	query_integer(&query, money->hold_begun);
	query_integer(&query, money->hold_spent);
	query_integer(&query, money->cut);
	query_integer(&query, money->cut_run_us);
	return query_run(&query);
}

int ledger_wishes_each(struct ledger *ledger, ledger_wish_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_WISH_EACH,
				  "SELECT w.supply_id, w.layer, w.position, w.uid, w.owner, "
				  "w.reason, w.at_s, w.trusted, "
				  "w.until_s FROM wish w JOIN supply s ON s.id = w.supply_id WHERE "
				  "s.closed_s IS NULL "
				  "ORDER BY w.supply_id, w.layer");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		struct ledger_wish wish = {
			.supply_id = row_integer(&query, 0),
			.layer = (int32_t)row_integer(&query, 1),
			.position = (int32_t)row_integer(&query, 2),
			.uid = row_integer(&query, 3),
			.at_s = row_integer(&query, 6),
			.trusted = row_integer(&query, 7) != 0,
			.until_s = row_integer(&query, 8),
		};

		row_text(&query, 4, wish.owner, sizeof(wish.owner));
		row_text(&query, 5, wish.reason, sizeof(wish.reason));
		stop = row(&wish, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_relays_each(struct ledger *ledger, ledger_relay_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_RELAY_EACH,
		"SELECT r.supply_id, r.commanded, r.layer, r.at_s, r.trusted, r.armed, r.proven "
		"FROM relay r JOIN supply s ON s.id = r.supply_id WHERE s.closed_s IS NULL "
		"ORDER BY r.supply_id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		const struct ledger_relay relay = {
			.supply_id = row_integer(&query, 0),
			.commanded = (int32_t)row_integer(&query, 1),
			.layer = (int32_t)row_integer(&query, 2),
			.at_s = row_integer(&query, 3),
			.trusted = row_integer(&query, 4) != 0,
			.armed = row_integer(&query, 5) != 0,
			.proven = row_integer(&query, 6) != 0,
		};

		stop = row(&relay, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_money_each(struct ledger *ledger, ledger_money_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_MONEY_EACH,
		"SELECT m.account_id, m.low, m.noticed, m.notice_run_us, m.notice_wait_us, "
		"m.notice_nano, "
		"m.hold, m.hold_run_us, m.hold_from_nano, m.hold_begun, m.hold_spent, m.cut, "
		"m.cut_run_us "
		"FROM money m JOIN account a ON a.id = m.account_id WHERE a.closed_s IS NULL "
		"ORDER BY m.account_id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		const struct ledger_money money = {
			.account_id = row_integer(&query, 0),
			.low = row_integer(&query, 1) != 0,
			.noticed = row_integer(&query, 2) != 0,
			.notice_run_us = row_integer(&query, 3),
			.notice_wait_us = row_integer(&query, 4),
			.notice_nano = row_integer(&query, 5),
			.hold = (int32_t)row_integer(&query, 6),
			.hold_run_us = row_integer(&query, 7),
			.hold_from_nano = row_integer(&query, 8),
			.hold_begun = row_integer(&query, 9) != 0,
			.hold_spent = row_integer(&query, 10) != 0,
			.cut = row_integer(&query, 11) != 0,
			.cut_run_us = row_integer(&query, 12),
		};

		stop = row(&money, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
