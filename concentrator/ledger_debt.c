/* ledger_debt.c - debts shrink and end; the triggers of the tables refuse anything else. */
#include "concentrator/ledger_debt.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

int ledger_debt_add(struct ledger *ledger, struct ledger_debt *debt)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(
		ledger, STATEMENT_DEBT_ADD,
		"INSERT INTO debt(account_id, name, way, total_nano, share_ppm, week_max_nano, "
		"rate_nano, from_s, from_period, owner, reason, left_nano, due_nano, week, "
		"week_nano) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)");

	query_integer(&query, debt->account_id);
	query_text(&query, debt->name, LEDGER_ID_MAX);
	query_integer(&query, debt->debt.way);
	query_integer(&query, debt->total_nano);
	query_integer(&query, debt->debt.share_ppm);
	query_integer(&query, debt->debt.week_max_nano);
	query_integer(&query, debt->debt.rate_nano);
	query_integer(&query, debt->from_s);
	query_integer(&query, debt->from_period);
	query_text(&query, debt->owner, LEDGER_TEXT_MAX);
	query_text(&query, debt->reason, LEDGER_TEXT_MAX);
	query_integer(&query, debt->debt.left_nano);
	query_integer(&query, debt->debt.due_nano);
	error = query_run(&query);
	if (error == 0)
		debt->id = store_inserted(ledger);
	return error;
}

/* The last five parameters: what changes while it is paid, and its id. */
static int change_state(struct query *query, const struct ledger_debt *debt)
{
	query_integer(query, debt->debt.left_nano);
	query_integer(query, debt->debt.due_nano);
	query_integer(query, debt->debt.week);
	query_integer(query, debt->debt.week_nano);
	query_integer(query, debt->id);
	return query_change(query);
}

int ledger_debt_set(struct ledger *ledger, const struct ledger_debt *debt)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DEBT_SET,
				  "UPDATE debt SET account_id = ?, left_nano = ?, due_nano = ?, "
				  "week = ?, week_nano = ? WHERE id = ?");

	query_integer(&query, debt->account_id);
	return change_state(&query, debt);
}

int ledger_debt_end(struct ledger *ledger, int64_t id, const char *by, int64_t at_s)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DEBT_END,
				  "UPDATE debt SET ended_s = ?, ended_by = ? WHERE id = ?");

	query_integer(&query, at_s);
	query_text(&query, by, LEDGER_TEXT_MAX);
	query_integer(&query, id);
	return query_change(&query);
}

int ledger_debt_back(struct ledger *ledger, const struct ledger_debt *debt)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DEBT_BACK,
				  "UPDATE debt SET left_nano = ?, due_nano = ?, week = ?, "
				  "week_nano = ?, ended_s = iif(ended_by = 'paid', NULL, ended_s), "
				  "ended_by = iif(ended_by = 'paid', NULL, ended_by) WHERE id = ?");

	return change_state(&query, debt);
}

int ledger_debt_payment_add(struct ledger *ledger, const struct ledger_debt_payment *payment)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DEBT_PAYMENT_ADD,
				  "INSERT INTO debt_payment(debt_id, nano, week, entry_seq, "
				  "recharge, by) VALUES (?, ?, ?, ?, ?, ?)");

	query_integer(&query, payment->debt_id);
	query_integer(&query, payment->nano);
	query_integer(&query, payment->week);
	query_reference(&query, payment->entry_seq);
	query_text(&query, payment->recharge, LEDGER_ID_MAX);
	query_text(&query, payment->by, LEDGER_ID_MAX);
	return query_run(&query);
}

int ledger_debt_payments_each(struct ledger *ledger, const char *recharge,
			      ledger_debt_payment_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_DEBT_PAYMENT_EACH,
				  "SELECT debt_id, nano, week, entry_seq, recharge, by FROM "
				  "debt_payment WHERE recharge = ? ORDER BY id");
	int more, stop;

	query_text(&query, recharge, LEDGER_ID_MAX);
	while ((more = query_row(&query)) == 1) {
		struct ledger_debt_payment payment = {
			.debt_id = row_integer(&query, 0),
			.nano = row_integer(&query, 1),
			.week = row_integer(&query, 2),
			.entry_seq = row_integer(&query, 3),
		};

		row_text(&query, 4, payment.recharge, sizeof(payment.recharge));
		row_text(&query, 5, payment.by, sizeof(payment.by));
		stop = row(&payment, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_debt_period_add(struct ledger *ledger, int64_t id, int64_t period)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DEBT_PERIOD_ADD,
				  "INSERT INTO debt_period(debt_id, period) VALUES (?, ?)");

	query_integer(&query, id);
	query_integer(&query, period);
	return query_run(&query);
}

int ledger_debt_period_done(struct ledger *ledger, int64_t id, int64_t period)
{
	QUERY query = query_begin(ledger, STATEMENT_DEBT_PERIOD_DONE,
				  "SELECT 1 FROM debt_period WHERE debt_id = ? AND period = ?");

	query_integer(&query, id);
	query_integer(&query, period);
	return query_row(&query);
}

#define DEBT_COLUMNS                                                                               \
	"d.id, d.account_id, d.name, d.way, d.total_nano, d.share_ppm, d.week_max_nano, "          \
	"d.rate_nano, d.from_s, d.from_period, d.owner, d.reason, d.left_nano, d.due_nano, "       \
	"d.week, d.week_nano, d.ended_s, d.ended_by"

static int walk(struct query *query, ledger_debt_fn row, void *userdata)
{
	int more, stop;

	while ((more = query_row(query)) == 1) {
		struct ledger_debt debt = {
			.id = row_integer(query, 0),
			.account_id = row_integer(query, 1),
			.total_nano = row_integer(query, 4),
			.from_s = row_integer(query, 8),
			.from_period = row_integer(query, 9),
			.ended_s = row_integer(query, 16),
			.debt = {.way = (enum debt_way)row_integer(query, 3),
				 .share_ppm = row_integer(query, 5),
				 .week_max_nano = row_integer(query, 6),
				 .rate_nano = row_integer(query, 7),
				 .left_nano = row_integer(query, 12),
				 .due_nano = row_integer(query, 13),
				 .week = row_integer(query, 14),
				 .week_nano = row_integer(query, 15)},
		};

		row_text(query, 2, debt.name, sizeof(debt.name));
		row_text(query, 10, debt.owner, sizeof(debt.owner));
		row_text(query, 11, debt.reason, sizeof(debt.reason));
		row_text(query, 17, debt.ended_by, sizeof(debt.ended_by));
		stop = row(&debt, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_debts_each(struct ledger *ledger, int64_t account_id, bool all, int64_t after_id,
		      int limit, ledger_debt_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_DEBT_EACH,
				  "SELECT " DEBT_COLUMNS
				  " FROM debt d JOIN account a ON a.id = d.account_id WHERE "
				  "(?1 = 0 OR d.account_id = ?1) AND (?2 OR (d.ended_s IS NULL AND "
				  "a.closed_s IS NULL)) "
				  "AND d.id > ?3 ORDER BY d.id LIMIT ?4");

	query_integer(&query, account_id);
	query_integer(&query, all);
	query_integer(&query, after_id);
	query_integer(&query, limit);
	return walk(&query, row, userdata);
}
