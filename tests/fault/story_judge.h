/* story_judge.h - holds a building of station_story.h against what the world outside knows.
 *
 * In a child of branch.h: whatever must not be ends it with its verdict.
 */
#pragma once

#include "tests/fault/branch.h"
#include "tests/fault/station_story.h"

/* How the relays stood at one moment. */
struct relays_seen {
	bool closed[STORY_METERS];
	int64_t writes[STORY_METERS];
	enum stand stand[STORY_METERS];
};

/* What the last commit has acknowledged. */
struct acknowledged {
	int64_t entries;
	int64_t events;
	uint8_t head[32];
};

void judge_note(const struct story *story, struct acknowledged *ret);
/* Is all of it there, and the same? */
void judge_kept(const struct acknowledged *acknowledged);

struct relays_seen judge_look(const struct story *story);

/* S8: each relay that was moved since before was moved for a reason that stands: money, or people's word. */
void judge_moves(const struct story *story, struct relays_seen *before);
/* Are the lines of the profile that were acknowledged there, and true? Half an hour may be missing (D2). */
void judge_profile(const struct story *story);
/* What falls due by date, what it is paid from, and what people asked for: each once, to the nano (M1, M3,
 * M9). All is settled. */
void judge_terms(const struct story *story);
/* How far below zero a room may be: the lines that it was given, or may have been. */
int64_t judge_line_nano(const struct story *story, const struct station_room *room);

/* The loads are switched off, all is settled; then every Wh and every coin is where it belongs (M1, M2, M3,
 * M8), whoever has credit and is kept off by nobody has power, and bringing all orders once more changes
 * nothing (U3). */
void judge_money(struct story *story);
