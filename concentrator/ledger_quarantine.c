/* ledger_quarantine.c - quarantined readings, opened and decided once. */
#include "concentrator/ledger_quarantine.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

int ledger_quarantine_open(struct ledger *ledger, struct ledger_quarantine *quarantine)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_QUARANTINE_ADD,
				  "INSERT INTO quarantine(supply_id, life_id, reason, baseline_wh, "
				  "reading_wh, opened_s, opened_trusted, state, decided_by) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?, 0, '')");

	query_integer(&query, quarantine->supply_id);
	query_integer(&query, quarantine->life_id);
	query_text(&query, quarantine->reason, LEDGER_TEXT_MAX);
	query_integer(&query, quarantine->baseline_wh);
	query_integer(&query, quarantine->reading_wh);
	query_integer(&query, quarantine->opened_s);
	query_integer(&query, quarantine->opened_trusted);
	error = query_run(&query);
	if (error < 0)
		return error;
	quarantine->id = store_inserted(ledger);
	quarantine->state = LEDGER_QUARANTINE_OPEN;
	quarantine->closed_s = 0;
	quarantine->decided_by[0] = '\0';
	return 0;
}

int ledger_quarantine_close(struct ledger *ledger, int64_t id, enum ledger_quarantine_state state,
			    const char *decided_by, int64_t at_s)
{
	int error;

	assert(ledger->in_transaction);
	if (state == LEDGER_QUARANTINE_OPEN)
		return -EINVAL;
	QUERY query = query_begin(ledger, STATEMENT_QUARANTINE_CLOSE,
				  "UPDATE quarantine SET state = ?, decided_by = ?, closed_s = ? "
				  "WHERE id = ?");

	query_integer(&query, state);
	query_text(&query, decided_by, LEDGER_TEXT_MAX);
	query_integer(&query, at_s);
	query_integer(&query, id);
	error = query_change(&query);
	return error == -EPERM ? -EALREADY : error;
}

int ledger_quarantines_tail(struct ledger *ledger, bool open_only, int64_t before_id, int limit,
			    ledger_quarantine_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_QUARANTINE_TAIL,
		"SELECT id, supply_id, life_id, reason, baseline_wh, reading_wh, opened_s, "
		"opened_trusted, closed_s, state, decided_by FROM quarantine "
		"WHERE id < ? AND (state = 0 OR NOT ?) ORDER BY id DESC LIMIT ?");
	int more, stop;

	query_integer(&query, before_id > 0 ? before_id : INT64_MAX);
	query_integer(&query, open_only);
	query_integer(&query, limit);
	while ((more = query_row(&query)) == 1) {
		struct ledger_quarantine quarantine = {
			.id = row_integer(&query, 0),
			.supply_id = row_integer(&query, 1),
			.life_id = row_integer(&query, 2),
			.baseline_wh = row_integer(&query, 4),
			.reading_wh = row_integer(&query, 5),
			.opened_s = row_integer(&query, 6),
			.opened_trusted = row_integer(&query, 7) != 0,
			.closed_s = row_integer(&query, 8),
			.state = (enum ledger_quarantine_state)row_integer(&query, 9),
		};

		row_text(&query, 3, quarantine.reason, sizeof(quarantine.reason));
		row_text(&query, 10, quarantine.decided_by, sizeof(quarantine.decided_by));
		stop = row(&quarantine, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_quarantines_open_count(struct ledger *ledger, int64_t *ret)
{
	QUERY query = query_begin(ledger, STATEMENT_QUARANTINE_COUNT,
				  "SELECT count(*) FROM quarantine WHERE state = 0");
	int row = query_row(&query);

	if (row == 1)
		*ret = row_integer(&query, 0);
	return row < 0 ? row : 0;
}
