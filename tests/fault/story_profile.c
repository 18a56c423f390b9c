/* story_profile.c - is the profile's own database whole, and true? See story_judge.h. */
#include "tests/fault/story_judge.h"

#include <sqlite3.h>
#include <string.h>

#include "concentrator/profile.h"

#define NEAR_WH 40 /* what a minute or two, and a step of the register, may come to */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		branch_end(VERDICT_CORRUPT, "the profile: %s: %s", sql, sqlite3_errmsg(db));
	return stmt;
}

static void judge_whole(sqlite3 *db)
{
	sqlite3_stmt *stmt = prepare(db, "PRAGMA quick_check");

	if (sqlite3_step(stmt) != SQLITE_ROW ||
	    strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		branch_end(VERDICT_CORRUPT, "the profile: %s", sqlite3_errmsg(db));
	(void)sqlite3_finalize(stmt);
}

/* Supplies have the numbers of their meters; those whose register jumps in the story are left out. */
static void judge_row(const struct story *story, int64_t at_s, int64_t supply, int64_t wh)
{
	int64_t slot = (at_s - STORY_START_S) / PROFILE_SLOT_S;

	if (at_s % PROFILE_SLOT_S != 0 || slot < 0 || slot >= STORY_SLOTS || supply < 1 ||
	    supply > STORY_METERS)
		branch_end(VERDICT_CORRUPT, "the profile has supply %lld at %lld",
			   (long long)supply, (long long)at_s);
	if (!story->shown[slot] || supply == STORY_EXCHANGED || supply == STORY_LEAPING)
		return;
	int64_t far_wh = wh - story->shown_wh[slot][supply - 1];

	if (far_wh > NEAR_WH || far_wh < -NEAR_WH)
		branch_end(VERDICT_CORRUPT, "the profile: supply %lld was %lld Wh off at %lld",
			   (long long)supply, (long long)far_wh, (long long)at_s);
}

void judge_profile(const struct story *story)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt;
	int64_t rows = 0;
	/* What was being written when the power failed is taken back at the first look. */
	int code = sqlite3_open_v2("/profile.db", &db, SQLITE_OPEN_READWRITE, "crash");

	if (code != SQLITE_OK && story->profile_rows == 0)
		return;
	if (code != SQLITE_OK)
		branch_end(VERDICT_LOST, "the profile is gone: %s", sqlite3_errmsg(db));
	judge_whole(db);
	/* A file that was only just made is empty. */
	stmt = prepare(db, "SELECT count(*) FROM sqlite_schema");
	bool made = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) > 0;
	(void)sqlite3_finalize(stmt);
	stmt = made ? prepare(db, "SELECT at_s, supply_id, register_wh FROM profile") : NULL;
	while (made && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		judge_row(story, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
			  sqlite3_column_int64(stmt, 2));
		rows += sqlite3_column_int64(stmt, 0) <= story->profile_s;
	}
	if (made && code != SQLITE_DONE)
		branch_end(VERDICT_CORRUPT, "the profile: %s", sqlite3_errmsg(db));
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	if (rows < story->profile_rows)
		branch_end(VERDICT_LOST, "the profile has %lld of %lld lines that were kept",
			   (long long)rows, (long long)story->profile_rows);
}
