/* ledger_event.c - the outbox as a cursor over committed events, and the audit. */
#include "concentrator/ledger_event.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

#define WHAT_MAX 4096

int ledger_event_put(struct ledger *ledger, int32_t lane, const char *type, int64_t at_s,
		     bool trusted, const char *body, int64_t *ret_seq)
{
	struct ledger_outbox *outbox = &ledger->tally.outbox;
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_EVENT_ADD,
				  "INSERT INTO event(seq, epoch, lane, type, at_s, trusted, body) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, outbox->last + 1);
	query_integer(&query, outbox->epoch);
	query_integer(&query, lane);
	query_text(&query, type, LEDGER_NAME_MAX);
	query_integer(&query, at_s);
	query_integer(&query, trusted);
	query_text(&query, body, LEDGER_BODY_MAX);
	error = query_run(&query);
	if (error < 0)
		return error;
	outbox->last++;
	outbox->waiting[lane]++;
	store_seen(ledger, at_s, trusted);
	if (ret_seq)
		*ret_seq = outbox->last;
	return 0;
}

#define EVENT_COLUMNS "epoch, seq, lane, type, at_s, trusted, body"

static int hand_on(struct query *query, ledger_event_fn row, void *userdata)
{
	int more;

	while ((more = query_row(query)) == 1) {
		struct ledger_event event = {
			.epoch = row_integer(query, 0),
			.seq = row_integer(query, 1),
			.lane = (int32_t)row_integer(query, 2),
			.at_s = row_integer(query, 4),
			.trusted = row_integer(query, 5) != 0,
			.body = row_borrow_text(query, 6),
		};
		int stop;

		row_text(query, 3, event.type, sizeof(event.type));
		stop = row(&event, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

int ledger_events_each(struct ledger *ledger, int64_t after, int32_t lane, int limit,
		       ledger_event_fn row, void *userdata)
{
	QUERY query = lane < 0
			      ? query_begin(ledger, STATEMENT_EVENT_EACH,
					    "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ? "
					    "ORDER BY seq LIMIT ?")
			      : query_begin(ledger, STATEMENT_EVENT_EACH_LANE,
					    "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ? AND "
					    "lane = ?3 ORDER BY seq LIMIT ?2");

	query_integer(&query, after);
	query_integer(&query, limit);
	if (lane >= 0)
		query_integer(&query, lane);
	return hand_on(&query, row, userdata);
}

int ledger_events_tail(struct ledger *ledger, int32_t lane, const char *type, ledger_event_fn row,
		       void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_EVENT_TAIL,
				  "SELECT " EVENT_COLUMNS " FROM event WHERE lane = ? AND "
				  "type = ? ORDER BY seq DESC");

	query_integer(&query, lane);
	query_text(&query, type, LEDGER_NAME_MAX);
	return hand_on(&query, row, userdata);
}

int ledger_outbox_acknowledge(struct ledger *ledger, int64_t epoch, int64_t through)
{
	struct ledger_outbox *outbox = &ledger->tally.outbox;
	int error;

	assert(ledger->in_transaction);
	if (epoch != outbox->epoch)
		return -ESTALE;
	if (through < 0 || through > outbox->last)
		return -ERANGE;
	if (through <= outbox->through)
		return 0;
	QUERY query = query_begin(ledger, STATEMENT_OUTBOX_SET,
				  "UPDATE outbox SET through = ? WHERE id = 1");

	query_integer(&query, through);
	error = query_change(&query);
	if (error < 0)
		return error;
	outbox->through = through;
	ledger->tally.outbox_stale = true;
	return 0;
}

int ledger_outbox_refuse(struct ledger *ledger, int64_t seq, int64_t status, const char *detail,
			 int64_t at_s)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(
		ledger, STATEMENT_EVENT_REFUSE,
		"INSERT INTO event_refused(seq, status, detail, at_s) VALUES (?, ?, ?, ?)");

	query_integer(&query, seq);
	query_integer(&query, status);
	query_text(&query, detail, 1024);
	query_integer(&query, at_s);
	error = query_run(&query);
	if (error == 0)
		ledger->tally.outbox.refused++;
	return error;
}

static int set_epoch(struct ledger *ledger, int64_t epoch, int64_t through)
{
	int error;
	{
		QUERY meta = query_begin(ledger, STATEMENT_EPOCH_SET,
					 "UPDATE meta SET epoch = ? WHERE id = 1");

		query_integer(&meta, epoch);
		error = query_change(&meta);
	}
	if (error == 0) {
		QUERY outbox = query_begin(ledger, STATEMENT_OUTBOX_SET,
					   "UPDATE outbox SET through = ? WHERE id = 1");

		query_integer(&outbox, through);
		error = query_change(&outbox);
	}
	return error;
}

int ledger_epoch_begin(struct ledger *ledger, int64_t epoch, int64_t through)
{
	struct ledger_outbox *outbox = &ledger->tally.outbox;
	int error;

	if (ledger->failed)
		return -EIO;
	if (epoch <= ledger->epoch || through < 0 || through > outbox->last)
		return -ERANGE;
	error = ledger_begin(ledger);
	if (error < 0)
		return error;
	error = set_epoch(ledger, epoch, through);
	if (error < 0) {
		ledger_rollback(ledger);
		return error;
	}
	error = ledger_commit(ledger);
	if (error < 0)
		return error;
	ledger->epoch = outbox->epoch = epoch;
	outbox->through = through;
	ledger->tally.outbox_stale = true;
	return 0;
}

static int count_waiting(struct ledger *ledger)
{
	struct ledger_outbox *outbox = &ledger->tally.outbox;

	for (int32_t lane = 0; lane < LEDGER_LANES; lane++) {
		QUERY query = query_begin(ledger, STATEMENT_EVENT_WAITING,
					  "SELECT count(*) FROM event WHERE lane = ? AND seq > ?");
		int row;

		query_integer(&query, lane);
		query_integer(&query, outbox->through);
		row = query_row(&query);
		if (row < 0)
			return row;
		outbox->waiting[lane] = row_integer(&query, 0);
	}
	ledger->tally.outbox_stale = false;
	return 0;
}

int ledger_outbox_get(struct ledger *ledger, struct ledger_outbox *ret)
{
	int error = 0;

	if (ledger->failed)
		return -EIO;
	if (ledger->tally.outbox_stale)
		error = count_waiting(ledger);
	if (error == 0)
		*ret = ledger->tally.outbox;
	return error;
}

int ledger_audit_put(struct ledger *ledger, struct ledger_audit *audit)
{
	int error;

	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_AUDIT_ADD,
				  "INSERT INTO audit(at_s, trusted, uid, who, verb, what, why) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, audit->at_s);
	query_integer(&query, audit->trusted);
	query_integer(&query, audit->uid);
	query_text(&query, audit->who, LEDGER_TEXT_MAX);
	query_text(&query, audit->verb, LEDGER_NAME_MAX);
	query_text(&query, audit->what, WHAT_MAX);
	query_text(&query, audit->why, LEDGER_TEXT_MAX);
	error = query_run(&query);
	if (error < 0)
		return error;
	audit->id = store_inserted(ledger);
	store_seen(ledger, audit->at_s, audit->trusted);
	return 0;
}

int ledger_audits_tail(struct ledger *ledger, int64_t before_id, int limit, ledger_audit_fn row,
		       void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_AUDIT_TAIL,
				  "SELECT id, at_s, trusted, uid, who, verb, what, why FROM audit "
				  "WHERE id < ? ORDER BY id DESC LIMIT ?");
	int more, stop;

	query_integer(&query, before_id > 0 ? before_id : INT64_MAX);
	query_integer(&query, limit);
	while ((more = query_row(&query)) == 1) {
		struct ledger_audit audit = {
			.id = row_integer(&query, 0),
			.at_s = row_integer(&query, 1),
			.trusted = row_integer(&query, 2) != 0,
			.uid = row_integer(&query, 3),
			.what = row_borrow_text(&query, 6),
		};

		row_text(&query, 4, audit.who, sizeof(audit.who));
		row_text(&query, 5, audit.verb, sizeof(audit.verb));
		row_text(&query, 7, audit.why, sizeof(audit.why));
		stop = row(&audit, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
