/* ledger_trial.c - see ledger_trial.h.
 *
 * Entries never change and are never put in between (M5), so each account can be read by itself.
 */
#include "concentrator/ledger_trial.h"

#include "concentrator/ledger_reading.h"
#include "concentrator/ledger_store.h"
#include "concentrator/ledger_trial_history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_FIRST 64

/* Entries are written in nearly the order of their times; dated charges that were missed, and what the clock
 * was put back for, may be weeks late. */
#define EARLY_S (INT64_C(2) * CALENDAR_DAY_S)
#define LATE_S  (INT64_C(62) * CALENDAR_DAY_S)

struct trial_list {
	struct ledger_trial *trial;
	size_t room; /* for rows */
};

static int make_room(struct trial_list *list)
{
	size_t count = list->trial ? list->trial->count : 0;
	size_t room = list->room == 0 ? ROWS_FIRST : 2 * list->room;

	if (list->trial && count < list->room)
		return 0;
	if (count == LEDGER_TRIAL_ROWS_MAX)
		return -E2BIG;
	struct ledger_trial *larger = realloc(list->trial,
					      sizeof(*larger) + room * sizeof(larger->rows[0]));
	if (!larger)
		return -ENOMEM;
	larger->count = count;
	list->trial = larger;
	list->room = room;
	return 0;
}

/* Tenancies of an account in the order of time, each a move in and perhaps one out. */
struct moves {
	sqlite3_stmt *stmt;
	bool any;
	bool out; /* what comes next is the end of the one begun last */
	int64_t at_s;
	bool moved;        /* from, or to, another room */
	int64_t after_seq; /* of a move in: the last entry before it; 0: nobody knows */
	int64_t closed_s;
	int64_t id;             /* of the tenancy */
	struct trial_stay stay; /* of a move in; opened_s 0: nothing came along */
};

/* The next one; any: false: there is none. */
static int next_move(struct reading *reading, struct moves *moves)
{
	int code;

	if (moves->any && !moves->out && sqlite3_column_int64(moves->stmt, 1) != 0) {
		moves->out = true;
		moves->at_s = sqlite3_column_int64(moves->stmt, 1);
		moves->moved = sqlite3_column_int(moves->stmt, 3) != 0;
		return 0;
	}
	code = moves->stmt ? sqlite3_step(moves->stmt) : SQLITE_DONE;
	moves->any = code == SQLITE_ROW;
	moves->out = false;
	if (moves->any) {
		moves->at_s = sqlite3_column_int64(moves->stmt, 0);
		moves->moved = sqlite3_column_int(moves->stmt, 2) != 0;
		moves->after_seq = sqlite3_column_int64(moves->stmt, 4);
		moves->id = sqlite3_column_int64(moves->stmt, 5);
		moves->stay = (struct trial_stay){
			.opened_s = sqlite3_column_int64(moves->stmt, 6),
			.minimum_from_s = sqlite3_column_int64(moves->stmt, 7),
			.minimum_nano = sqlite3_column_int64(moves->stmt, 8),
		};
	} else if (moves->closed_s != 0) {
		/* One that had no tenancy at its end ends itself. */
		moves->any = moves->out = true;
		moves->at_s = moves->closed_s;
		moves->moved = false;
		moves->closed_s = 0;
		(void)sqlite3_finalize(moves->stmt);
		moves->stmt = NULL;
	}
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
}

static int begin_moves(struct reading *reading, int64_t account_id, int64_t closed_s,
		       struct moves *ret)
{
	int error;

	*ret = (struct moves){.closed_s = closed_s};
	error = reading_prepare(
		reading,
		"SELECT from_s, to_s, EXISTS (SELECT 1 FROM tenancy o WHERE o.name = t.name AND "
		"o.to_s = t.from_s AND o.account_id <> t.account_id), EXISTS (SELECT 1 FROM "
		"tenancy o WHERE o.name = t.name AND o.from_s = t.to_s AND o.account_id <> "
		"t.account_id), after_seq, id, opened_s, minimum_from_s, minimum_nano FROM "
		"tenancy t LEFT JOIN stay ON tenancy_id = id WHERE account_id = ? ORDER BY id",
		&ret->stmt);
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(ret->stmt, 1, account_id);
	return next_move(reading, ret);
}

/* What the tenant took along from another room. */
static int take_along(struct reading *reading, const struct moves *moves,
		      struct trial_account *account)
{
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_DONE, error = trial_stay(account, moves->at_s, &moves->stay);

	if (error == 0)
		error = reading_prepare(reading,
					"SELECT since_s, wh, flags FROM stay_use WHERE tenancy_id "
					"= ? ORDER BY id",
					&stmt);
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, moves->id);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
		trial_stay_use(account, sqlite3_column_int64(stmt, 0),
			       sqlite3_column_int64(stmt, 1),
			       (uint32_t)sqlite3_column_int64(stmt, 2));
	error = code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int move(struct reading *reading, struct moves *moves, struct trial_account *account)
{
	int error = moves->out ? trial_move_out(account, moves->at_s, moves->moved)
			       : trial_move_in(account, moves->at_s, moves->moved);

	if (error == 0 && !moves->out && moves->stay.opened_s != 0)
		error = take_along(reading, moves, account);
	return error < 0 ? error : next_move(reading, moves);
}

/* Of what was committed in the second of a move: does it come behind it? What is charged up to a move goes
 * before it. */
static bool is_behind(const struct moves *moves, const struct entry *entry)
{
	if (moves->at_s != entry->at_s)
		return moves->at_s < entry->at_s;
	if (!moves->out && moves->after_seq != 0)
		return entry->seq > moves->after_seq;
	if (moves->out)
		return entry->kind == ENTRY_FORFEIT || entry->kind == ENTRY_CLOSING ||
		       entry->kind == ENTRY_ROUNDING ||
		       (entry->kind == ENTRY_WRITE_OFF && entry->life_id == 0) ||
		       (entry->kind == ENTRY_DEBT && entry->refers == 0);
	return entry->kind == ENTRY_OPENING || entry->kind == ENTRY_RECHARGE ||
	       entry->kind == ENTRY_CASH;
}

/* One number of the account; 0 where there is none. */
static int ask(struct reading *reading, const char *sql, int64_t account_id, int64_t before,
	       int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_DONE, error = reading_prepare(reading, sql, &stmt);

	*ret = 0;
	if (error == 0) {
		(void)sqlite3_bind_int64(stmt, 1, account_id);
		(void)sqlite3_bind_int64(stmt, 2, before);
		code = sqlite3_step(stmt);
	}
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	else if (error == 0 && code != SQLITE_DONE)
		error = store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int play_entry(struct reading *reading, const struct trial_terms *terms, sqlite3_stmt *stmt,
		      struct moves *moves, int64_t *out_s, struct trial_account *account)
{
	struct entry entry;
	int64_t balance_nano, due_s = 0;
	int error = 0;

	entry_from_row(stmt, &entry, &balance_nano);
	while (error == 0 && moves->any && is_behind(moves, &entry)) {
		*out_s = moves->out ? moves->at_s : *out_s;
		error = move(reading, moves, account);
	}
	/* What closed the account as it was is no matter of the trial. */
	if (error < 0 ||
	    (entry.at_s == *out_s && entry.life_id == 0 &&
	     (entry.kind == ENTRY_WRITE_OFF || (entry.kind == ENTRY_DEBT && entry.refers == 0))))
		return error;
	/* An allowance, or what is left of it, has no interval; its key has the day. */
	if (sqlite3_column_type(stmt, ENTRY_COLUMN_COUNT) != SQLITE_NULL) {
		due_s = calendar_date_start_s(&terms->zone,
					      sqlite3_column_int64(stmt, ENTRY_COLUMN_COUNT));
		if (due_s < sqlite3_column_int64(stmt, ENTRY_COLUMN_COUNT + 1))
			due_s = sqlite3_column_int64(stmt, ENTRY_COLUMN_COUNT + 1);
	}
	return trial_entry(account, &entry,
			   (enum medium)sqlite3_column_int(stmt, ENTRY_COLUMN_COUNT + 2), due_s);
}

/* The account's entries that matter, oldest first, with its tenancies between them. */
static int play(struct reading *reading, const struct trial_terms *terms, int64_t account_id,
		struct moves *moves, int64_t first, struct trial_account *account)
{
	sqlite3_stmt *stmt = NULL;
	int64_t end, out_s = INT64_MIN;
	int code = SQLITE_DONE;
	int error = reading_find(reading, account_id, terms->to_s + LATE_S, &end);

	if (error == 0)
		error = reading_prepare(reading,
					"SELECT " ENTRY_COLUMNS
					", (SELECT day FROM dated WHERE entry_seq = entry.seq AND "
					"rule IN (3, 4)), (SELECT opened_s FROM dated WHERE "
					"entry_seq = entry.seq), (SELECT medium FROM life WHERE "
					"id = entry.life_id) FROM entry WHERE account_id = ? "
					"AND seq >= ? AND seq < ? ORDER BY seq",
					&stmt);
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, account_id);
	(void)sqlite3_bind_int64(stmt, 2, first);
	(void)sqlite3_bind_int64(stmt, 3, end);
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = play_entry(reading, terms, stmt, moves, &out_s, account);
	if (error == 0 && code != SQLITE_DONE)
		error = store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	while (error == 0 && moves->any)
		error = move(reading, moves, account);
	return error < 0 ? error : trial_end(account);
}

/* The account as it stood when what matters began, and then on. */
static int try_account(struct reading *reading, const struct trial_terms *terms,
		       const struct trial_history *history, const struct tariff_persons *persons,
		       int64_t account_id, int64_t opened_s, int64_t closed_s,
		       struct trial_account *ret)
{
	struct moves moves = {0};
	bool vacant = false;
	int64_t first, balance_nano = 0, tax_rest = 0;
	int error = reading_find(reading, account_id, terms->since_s - EARLY_S, &first);

	if (error == 0)
		error = ask(reading,
			    "SELECT balance_nano FROM entry WHERE account_id = ? AND seq < ? "
			    "ORDER BY seq DESC LIMIT 1",
			    account_id, first, &balance_nano);
	if (error == 0)
		error = ask(reading,
			    "SELECT t.rest FROM tax t JOIN entry e ON e.seq = t.entry_seq WHERE "
			    "t.account_id = ? AND e.to_s <= ? ORDER BY t.entry_seq DESC LIMIT 1",
			    account_id, terms->since_s, &tax_rest);
	if (error == 0)
		error = begin_moves(reading, account_id, closed_s, &moves);
	while (error == 0 && moves.any &&
	       (moves.at_s < terms->since_s || (!moves.out && moves.at_s <= opened_s))) {
		vacant = moves.out;
		if (!vacant && moves.at_s > opened_s)
			opened_s = moves.at_s;
		error = next_move(reading, &moves);
	}
	if (error == 0) {
		trial_account_begin(ret, terms, history, persons, opened_s, vacant, balance_nano,
				    tax_rest);
		error = play(reading, terms, account_id, &moves, first, ret);
	}
	(void)sqlite3_finalize(moves.stmt);
	return error;
}

/* Who lived there, as far back as a tariff looks. */
static int read_persons(struct reading *reading, int64_t account_id, struct tariff_persons *ret)
{
	sqlite3_stmt *stmt = NULL;
	int code;
	int error = reading_prepare(reading,
				    "SELECT from_s, persons FROM (SELECT id, from_s, persons FROM "
				    "persons WHERE account_id = ? ORDER BY id DESC LIMIT ?) "
				    "ORDER BY id",
				    &stmt);

	*ret = (struct tariff_persons){0};
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, account_id);
	(void)sqlite3_bind_int(stmt, 2, TARIFF_PERSONS_CHANGES);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
		tariff_persons_add(ret, sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1));
	error = code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int add_account(struct reading *reading, const struct trial_terms *terms, sqlite3_stmt *stmt,
		       struct ledger_trial_history *past, struct trial_list *list)
{
	int64_t account_id = sqlite3_column_int64(stmt, 0);
	const char *room = (const char *)sqlite3_column_text(stmt, 1);
	const struct trial_history history = history_asked(past);
	struct tariff_persons persons;
	struct trial_account account;
	int error = make_room(list);

	history_room(past, room, sqlite3_column_int64(stmt, 4), sqlite3_column_int(stmt, 5) != 0);
	if (error == 0)
		error = read_persons(reading, account_id, &persons);
	if (error == 0)
		error = try_account(reading, terms, &history, &persons, account_id,
				    sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
				    &account);
	if (error == 0)
		error = past->error;
	if (error < 0)
		return error;
	struct ledger_trial_row *row = &list->trial->rows[list->trial->count++];
	*row = (struct ledger_trial_row){
		.account_id = account_id,
		.figures = account.figures,
	};
	(void)snprintf(row->room, sizeof(row->room), "%s", room);
	return reading_tick(reading) ? -ECANCELED : 0;
}

int ledger_trial(const char *path, const char *vfs, const struct trial_terms *terms,
		 atomic_ullong *progress, const atomic_bool *cancel, struct ledger_trial **ret)
{
	struct reading reading = {.progress = progress, .cancel = cancel};
	struct ledger_trial_history past = {0};
	struct trial_list list = {0};
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_DONE;
	int error = make_room(&list);

	if (error == 0)
		error = reading_open(&reading, path, vfs);
	if (error == 0)
		error = history_open(&past, &reading, terms);
	if (error == 0)
		error = reading_prepare(
			&reading,
			"SELECT account.id, room.name, account.opened_s, account.closed_s, "
			"room.id, "
			"coalesce((SELECT cut FROM money WHERE account_id = account.id), 0) FROM "
			"account JOIN room ON room.id = account.room_id WHERE account.opened_s < "
			"?1 AND coalesce(account.closed_s > ?2, 1) ORDER BY account.id",
			&stmt);
	if (error == 0) {
		(void)sqlite3_bind_int64(stmt, 1, terms->to_s);
		(void)sqlite3_bind_int64(stmt, 2, terms->from_s);
	}
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = add_account(&reading, terms, stmt, &past, &list);
	if (error == 0 && code != SQLITE_DONE)
		error = store_errno(reading.db, code);
	(void)sqlite3_finalize(stmt);
	history_close(&past);
	(void)sqlite3_close(reading.db);
	if (error < 0)
		free(list.trial);
	else
		*ret = list.trial;
	return error;
}
