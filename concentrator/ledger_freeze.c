/* ledger_freeze.c - adds freezes, drops old ones, and lists them. */
#include "concentrator/ledger_freeze.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

/* M2: the energy of a life's entries is the way of its register, so no entry needs to be added up. */
static int total_of(struct ledger *ledger, int64_t supply_id, int64_t *ret_wh)
{
	QUERY query = query_begin(
		ledger, STATEMENT_FREEZE_TOTAL,
		"SELECT coalesce(sum((SELECT to_wh FROM entry WHERE life_id = l.id ORDER BY seq "
		"DESC LIMIT 1) - l.first_wh), 0) FROM supply s JOIN life l ON l.point_id = "
		"s.point_id WHERE s.id = ?");
	int row;

	query_integer(&query, supply_id);
	row = query_row(&query);
	if (row == 1)
		*ret_wh = row_integer(&query, 0);
	return row < 0 ? row : 0;
}

/* From the freeze before, or from the first meter on. */
static int since_last(struct ledger *ledger, struct ledger_freeze *freeze)
{
	QUERY query = query_begin(
		ledger, STATEMENT_FREEZE_BEFORE,
		"SELECT at_s, total_wh FROM (SELECT day, at_s, total_wh FROM freeze WHERE monthly "
		"= "
		"?1 AND day < ?2 AND supply_id = ?3 UNION ALL SELECT -1, l.started_s, 0 FROM "
		"supply "
		"s JOIN life l ON l.point_id = s.point_id WHERE s.id = ?3) ORDER BY day DESC, at_s "
		"LIMIT 1");
	int row;

	query_integer(&query, freeze->monthly);
	query_integer(&query, freeze->day);
	query_integer(&query, freeze->supply_id);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	freeze->from_s = row_integer(&query, 0);
	freeze->energy_wh = freeze->total_wh - row_integer(&query, 1);
	return 0;
}

static int drop_old(struct ledger *ledger, bool monthly, int64_t before_day)
{
	QUERY query = query_begin(ledger, STATEMENT_FREEZE_DROP,
				  "DELETE FROM freeze WHERE monthly = ? AND day < ?");

	query_integer(&query, monthly);
	query_integer(&query, before_day);
	return query_run(&query);
}

int ledger_freeze_put(struct ledger *ledger, struct ledger_freeze *freeze)
{
	struct ledger_freeze next = *freeze;
	int error = total_of(ledger, next.supply_id, &next.total_wh);

	assert(ledger->in_transaction);
	next.entry_seq = ledger->tally.totals.entries;
	if (error == 0)
		error = since_last(ledger, &next);
	if (error == 0)
		error = drop_old(
			ledger, next.monthly,
			next.day - (next.monthly ? LEDGER_FREEZE_MONTH_DAYS : LEDGER_FREEZE_DAYS));
	if (error < 0)
		return error;
	QUERY query = query_begin(ledger, STATEMENT_FREEZE_ADD,
				  "INSERT INTO freeze(monthly, day, supply_id, at_s, read_s, "
				  "register_wh, total_wh, balance_nano, entry_seq, from_s, "
				  "energy_wh) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, next.monthly);
	query_integer(&query, next.day);
	query_integer(&query, next.supply_id);
	query_integer(&query, next.at_s);
	query_reference(&query, next.read_s);
	query_integer(&query, next.register_wh);
	query_integer(&query, next.total_wh);
	query_integer(&query, next.balance_nano);
	query_integer(&query, next.entry_seq);
	query_integer(&query, next.from_s);
	query_integer(&query, next.energy_wh);
	error = query_run(&query);
	if (error == 0)
		*freeze = next;
	return error;
}

int ledger_freeze_last(struct ledger *ledger, int64_t supply_id, bool monthly, int64_t *ret_day)
{
	QUERY query = query_begin(ledger, STATEMENT_FREEZE_LAST,
				  "SELECT day FROM freeze WHERE monthly = ? AND supply_id = ? "
				  "ORDER BY day DESC LIMIT 1");
	int row;

	query_integer(&query, monthly);
	query_integer(&query, supply_id);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	*ret_day = row_integer(&query, 0);
	return 0;
}

int ledger_freezes_tail(struct ledger *ledger, int64_t room_id, bool monthly, int64_t before_day,
			int64_t before_supply, int limit, ledger_freeze_fn fn, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_FREEZE_TAIL,
		"SELECT f.supply_id, f.day, f.at_s, f.read_s, f.register_wh, f.total_wh, f.from_s, "
		"f.energy_wh, f.balance_nano, f.entry_seq, s.circuit, (SELECT max(medium) FROM "
		"life "
		"WHERE point_id = s.point_id) FROM freeze f JOIN supply s "
		"ON s.id = f.supply_id WHERE f.monthly = ?1 AND s.room_id = ?2 AND (?3 = 0 OR "
		"f.day "
		"< ?3 OR (f.day = ?3 AND f.supply_id > ?4)) ORDER BY f.day DESC, f.supply_id LIMIT "
		"?5");
	int row, stop;

	query_integer(&query, monthly);
	query_integer(&query, room_id);
	query_integer(&query, before_day);
	query_integer(&query, before_supply);
	query_integer(&query, limit);
	while ((row = query_row(&query)) == 1) {
		struct ledger_freeze freeze = {
			.supply_id = row_integer(&query, 0),
			.monthly = monthly,
			.day = row_integer(&query, 1),
			.at_s = row_integer(&query, 2),
			.read_s = row_integer(&query, 3),
			.register_wh = row_integer(&query, 4),
			.total_wh = row_integer(&query, 5),
			.from_s = row_integer(&query, 6),
			.energy_wh = row_integer(&query, 7),
			.balance_nano = row_integer(&query, 8),
			.entry_seq = row_integer(&query, 9),
			.medium = (enum medium)row_integer(&query, 11),
		};

		row_text(&query, 10, freeze.circuit, sizeof(freeze.circuit));
		stop = fn(&freeze, userdata);
		if (stop != 0)
			return stop;
	}
	return row;
}
