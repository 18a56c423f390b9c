/* ledger_trial_history.c - see ledger_trial_history.h. */
#include "concentrator/ledger_trial_history.h"

#include "concentrator/ledger_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS_FIRST 64

/* Events are written in nearly the order of their times. */
#define EARLY_S (INT64_C(2) * CALENDAR_DAY_S)

/* The first event of that time or later. */
static int find_event(struct reading *reading, int64_t at_s, int64_t *ret_seq)
{
	sqlite3_stmt *stmt = NULL;
	int64_t low = 1, high = INT64_C(1) << 40;
	int code, error = reading_prepare(
			  reading, "SELECT at_s FROM event WHERE seq >= ? ORDER BY seq LIMIT 1",
			  &stmt);

	while (error == 0 && low < high) {
		int64_t middle = low + (high - low) / 2;

		(void)sqlite3_bind_int64(stmt, 1, middle);
		code = sqlite3_step(stmt);
		if (code != SQLITE_ROW || sqlite3_column_int64(stmt, 0) >= at_s)
			high = middle;
		else
			low = middle + 1;
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			error = store_errno(reading->db, code);
		(void)sqlite3_reset(stmt);
	}
	(void)sqlite3_finalize(stmt);
	*ret_seq = low;
	return error;
}

static int add_cut(struct ledger_trial_history *history, sqlite3_stmt *stmt)
{
	if (history->cut_count == history->cut_room) {
		size_t room = history->cut_room == 0 ? CUTS_FIRST : 2 * history->cut_room;
		struct trial_cut *larger = realloc(history->cuts, room * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		history->cuts = larger;
		history->cut_room = room;
	}
	struct trial_cut *cut = &history->cuts[history->cut_count++];
	*cut = (struct trial_cut){.order = sqlite3_column_int64(stmt, 0),
				  .at_s = sqlite3_column_int64(stmt, 1),
				  .cut = sqlite3_column_int(stmt, 2) != 0};
	(void)snprintf(cut->room, sizeof(cut->room), "%s",
		       (const char *)sqlite3_column_text(stmt, 3));
	return 0;
}

static int by_room(const void *a, const void *b)
{
	const struct trial_cut *left = a, *right = b;
	int order = strcmp(left->room, right->room);

	if (order == 0)
		order = (left->at_s > right->at_s) - (left->at_s < right->at_s);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static int read_cuts(struct ledger_trial_history *history, int64_t since_s)
{
	sqlite3_stmt *stmt = NULL;
	int64_t first;
	int code = SQLITE_DONE, error = find_event(history->reading, since_s - EARLY_S, &first);

	if (error == 0)
		error = reading_prepare(
			history->reading,
			"SELECT seq, at_s, body ->> 'level' = 'cut', body ->> 'room' FROM event "
			"WHERE seq >= ? AND lane = 0 AND type = 'notice' AND trusted = 1 AND "
			"body ->> 'level' IN ('cut', 'restored') AND body ->> 'room' IS NOT NULL",
			&stmt);
	if (error == 0)
		(void)sqlite3_bind_int64(stmt, 1, first);
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = add_cut(history, stmt);
	if (error == 0 && code != SQLITE_DONE)
		error = store_errno(history->reading->db, code);
	(void)sqlite3_finalize(stmt);
	if (error == 0 && history->cut_count > 1)
		qsort(history->cuts, history->cut_count, sizeof(*history->cuts), by_room);
	return error;
}

int history_open(struct ledger_trial_history *ret, struct reading *reading,
		 const struct trial_terms *terms)
{
	const struct tariff_standing *standing = &terms->book.tariff[0].standing;
	int error = 0;

	*ret = (struct ledger_trial_history){.reading = reading};
	if (standing->not_unread)
		error = reading_prepare(
			reading,
			"SELECT count(*) > 0 AND max(coalesce(f.read_s, 0)) < ?3 FROM freeze f "
			"JOIN supply s ON s.id = f.supply_id WHERE f.monthly = 0 AND f.day = ?2 "
			"AND s.room_id = ?1",
			&ret->freeze);
	return error < 0 || !standing->not_cut ? error : read_cuts(ret, terms->since_s);
}

void history_close(struct ledger_trial_history *history)
{
	(void)sqlite3_finalize(history->freeze);
	free(history->cuts);
	*history = (struct ledger_trial_history){0};
}

void history_room(struct ledger_trial_history *history, const char *room, int64_t room_id,
		  bool cut_now)
{
	history->room = room;
	history->room_id = room_id;
	history->cut_now = cut_now;
}

/* By the last change before: what is given at that instant restores the room too late. Of none by what the first
 * one behind it changed, or by today. */
static bool was_cut(void *userdata, int64_t at_s)
{
	const struct ledger_trial_history *history = userdata;
	bool cut = history->cut_now, any = false;

	for (size_t i = 0; i < history->cut_count; i++) {
		const struct trial_cut *change = &history->cuts[i];

		if (strcmp(change->room, history->room) != 0)
			continue;
		if (change->at_s >= at_s)
			return any ? cut : !change->cut;
		cut = change->cut;
		any = true;
	}
	return cut;
}

static bool was_unread(void *userdata, int64_t from_s, int64_t day)
{
	struct ledger_trial_history *history = userdata;
	bool unread = false;
	int code;

	(void)sqlite3_bind_int64(history->freeze, 1, history->room_id);
	(void)sqlite3_bind_int64(history->freeze, 2, day);
	(void)sqlite3_bind_int64(history->freeze, 3, from_s);
	code = sqlite3_step(history->freeze);
	if (code == SQLITE_ROW)
		unread = sqlite3_column_int(history->freeze, 0) != 0;
	else if (code != SQLITE_DONE)
		history->error = store_errno(history->reading->db, code);
	(void)sqlite3_reset(history->freeze);
	return unread;
}

struct trial_history history_asked(struct ledger_trial_history *history)
{
	return (struct trial_history){
		.was_cut = was_cut, .was_unread = was_unread, .userdata = history};
}
