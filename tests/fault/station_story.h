/* station_story.h - four hours of a whole building, told to the very station on a disk of crash_vfs.h.
 *
 * Tenants move, pay, run out of money, come back, get another meter and another price; people lock out,
 * dispute and correct; the cloud sends orders, some twice or wrong, and fetches events. Time is virtual and
 * everything is the same in each run. What a step asks for is asked again until it is answered, as people and
 * clouds do; whoever does not know whether it happened looks first.
 *
 * In the middle of it a day, a week and a month end: 31 May 2026 is a Sunday.
 *
 * The story may be stopped anywhere: the process is forked at an operation of the disk, and in the child
 * the power fails (story_power_off(), story_start()) or the disk does (branch.h).
 */
#pragma once

#include "concentrator/rules/medium.h"
#include "tests/fault/crash_vfs.h"
#include "tests/system/station_call.h"

#define STORY_MINUTES    240
#define STORY_MIDNIGHT_S (START_S + 151 * CALENDAR_DAY_S) /* the first of June in Shanghai */
#define STORY_START_S    (STORY_MIDNIGHT_S - 2 * 3600)
#define STORY_METERS     12
#define STORY_EXCHANGED  5 /* meters whose registers jump */
#define STORY_LEAPING    7
#define STORY_SLOTS      (STORY_MINUTES / 15 + 2)
#define STORY_ORDERS_MAX 32
#define STORY_SEED       UINT64_C(20260101)
#define STORY_SMALL_NANO 25000000 /* what a minute or two may change */

#define STORY_EMERGENCY_MINOR 200
#define STORY_STANDING_NANO   INT64_C(120000000) /* of each day */
#define STORY_ALLOWANCE_NANO  INT64_C(200000000) /* of each day and person */
#define STORY_MINIMUM_NANO    INT64_C(300000000) /* of each day */
#define STORY_TAX_PPM         133333             /* added */

/* How a relay stands by the word of people. */
enum stand { STAND_FREE, STAND_OFF, STAND_MAYBE /* asked for, not answered */ };

struct story {
	struct site *site;
	struct world *world;
	int64_t minute;                  /* what was due by then was tried */
	int64_t answered;                /* what people asked for and were told is done */
	size_t next;                     /* step: those before it are answered */
	bool doubt;                      /* the next one may have happened: look first */
	int refusals;                    /* of the next one, which is asked again */
	json_t *order[STORY_ORDERS_MAX]; /* of story_orders(), signed */
	size_t sent;                     /* orders of the feed that were answered */
	bool sending;                    /* those behind them may have been taken */
	int64_t through;      /* event that the cloud has acknowledged, and was told so */
	int64_t old_final_wh; /* what the meter of 104 showed when it was taken away; 0: it is there */
	enum stand stand[STORY_METERS];
	world_watch_fn watch;
	void *watch_userdata;
	bool profiling;          /* the profile is being written */
	bool profiled;           /* ... was, and the station does not know yet */
	int64_t profile_s;       /* what is in there up to then was acknowledged: */
	int64_t profile_rows;    /* so many lines */
	bool shown[STORY_SLOTS]; /* what the meters showed at a quarter is known */
	int64_t shown_wh[STORY_SLOTS][STORY_METERS];
	bool damaged;               /* what is stored is garbage: nobody expects a certain answer */
	struct ledger_failure why;  /* the daemon does not start; empty: it runs */
	bool let_go;                /* a person was told that held cuts go ahead */
	bool by_hand[STORY_METERS]; /* opened by a person at the box, and not confirmed yet */
};

enum story_order_kind {
	STORY_PAID,
	STORY_SUBSIDY,
	STORY_ACCEPTED, /* by a person, from quarantine */
};

struct story_order {
	int minute;
	const char *mrid;
	const char *room;
	const char *tenancy;
	int64_t minor;
	const char *reverses; /* NULL: none */
	const char *result;
	enum story_order_kind kind;
};

/* A step that people take once. */
struct story_trace {
	const char *sql;  /* NULL: it leaves none. Counts what it leaves: 1, for ever */
	const char *args; /* what was asked for */
	bool answered;
	bool doubt; /* it may have happened */
};

/* A fresh world and a building at minute 0; the story takes over VFS "crash" until story_close(). */
void story_open(struct story *story);
void story_close(struct story *story);

/* Lets the building live, and everybody do what is due. */
void story_run(struct story *story, int64_t until_minute);

/* Whole minutes since the story began. */
int64_t story_now(const struct story *story);

/* Nothing is left of the daemon; the box was off for so long and has another boot. The building went on. */
void story_power_off(struct story *story, int64_t off_s);
/* The daemon starts; what was under way is in doubt. Where it refuses, story->why says so, and
 * story_run() tries again each minute. */
void story_start(struct story *story);
/* Does it run? */
bool story_runs(const struct story *story);

/* As world_watch(). While somebody looks, the profile is written in the middle of a commit of the ledger. */
void story_watch(struct story *story, world_watch_fn see, void *userdata);

size_t story_steps(void);
struct story_trace story_trace(const struct story *story, size_t step);

/* The orders of the feed in their order; ret_count of them. */
const struct story_order *story_orders(size_t *ret_count);
/* Delivers all orders that were answered once more, without a cursor: how many were not known. */
int64_t story_bring_again(struct story *story);

/* Millionths for a kWh or a m3 by the tariff of that name; 0: the story has no such tariff, or it has no price. */
int64_t story_price(const char *tariff, enum medium medium);
