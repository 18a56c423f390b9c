/* ledger_trial.c - see ledger_trial.h.
 *
 * Entries never change and are never put in between (M5), so each account can be read by itself.
 */
#include "concentrator/ledger_trial.h"

#include "concentrator/ledger_reading.h"
#include "concentrator/ledger_store.h"

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

/* The account's charges that matter, oldest first. */
static int play(struct reading *reading, const struct trial_terms *terms, int64_t account_id,
		struct trial_account *account)
{
	sqlite3_stmt *stmt = NULL;
	int64_t first, end;
	int code = SQLITE_DONE;
	int error = reading_find(reading, account_id, terms->since_s - EARLY_S, &first);

	if (error == 0)
		error = reading_find(reading, account_id, terms->to_s + LATE_S, &end);
	if (error == 0)
		error = reading_prepare(reading,
					"SELECT " ENTRY_COLUMNS " FROM entry WHERE account_id = ? "
					"AND seq >= ? AND seq < ? ORDER BY seq",
					&stmt);
	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, account_id);
	(void)sqlite3_bind_int64(stmt, 2, first);
	(void)sqlite3_bind_int64(stmt, 3, end);
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct entry entry;
		int64_t balance_nano;

		entry_from_row(stmt, &entry, &balance_nano);
		error = trial_entry(terms, account, &entry);
	}
	if (error == 0 && code != SQLITE_DONE)
		error = store_errno(reading->db, code);
	(void)sqlite3_finalize(stmt);
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
		       struct trial_list *list)
{
	int64_t account_id = sqlite3_column_int64(stmt, 0);
	int64_t opened_s = sqlite3_column_int64(stmt, 2);
	int64_t closed_s = sqlite3_column_int64(stmt, 3);
	struct tariff_persons persons;
	struct trial_account account = {.use.opened_s = opened_s, .use.persons = &persons};
	int error = make_room(list);

	if (error == 0)
		error = read_persons(reading, account_id, &persons);
	if (error == 0)
		error = play(reading, terms, account_id, &account);
	if (error == 0)
		error = trial_end(terms, &account, opened_s, closed_s);
	if (error < 0)
		return error;
	struct ledger_trial_row *row = &list->trial->rows[list->trial->count++];
	*row = (struct ledger_trial_row){
		.account_id = account_id,
		.energy_wh = account.energy_wh,
		.shared_wh = account.shared_wh,
		.charged_nano = account.charged_nano,
		.trial_nano = account.trial_nano,
	};
	(void)snprintf(row->room, sizeof(row->room), "%s",
		       (const char *)sqlite3_column_text(stmt, 1));
	return reading_tick(reading) ? -ECANCELED : 0;
}

int ledger_trial(const char *path, const char *vfs, const struct trial_terms *terms,
		 atomic_ullong *progress, const atomic_bool *cancel, struct ledger_trial **ret)
{
	struct reading reading = {.progress = progress, .cancel = cancel};
	struct trial_list list = {0};
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_DONE;
	int error = make_room(&list);

	if (error == 0)
		error = reading_open(&reading, path, vfs);
	if (error == 0)
		error = reading_prepare(
			&reading,
			"SELECT account.id, room.name, account.opened_s, account.closed_s FROM "
			"account JOIN room ON room.id = account.room_id WHERE account.opened_s < "
			"?1 AND coalesce(account.closed_s > ?2, 1) ORDER BY account.id",
			&stmt);
	if (error == 0) {
		(void)sqlite3_bind_int64(stmt, 1, terms->to_s);
		(void)sqlite3_bind_int64(stmt, 2, terms->from_s);
	}
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = add_account(&reading, terms, stmt, &list);
	if (error == 0 && code != SQLITE_DONE)
		error = store_errno(reading.db, code);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(reading.db);
	if (error < 0)
		free(list.trial);
	else
		*ret = list.trial;
	return error;
}
