/* Nights with everything that a clock can do to them, and the power failing at every operation of the disk.
 *
 * M9, D1. A small building lives through a night: the clock is set forward and back, its zone skips or repeats
 * an hour, or midnight itself, the box is off for a month, or believes that it is 2038. At each operation
 * a child is forked in which the power fails; it goes on with the same night. Whatever falls due with a
 * date is there once in the end: the charge of each day, what a day gives and what ends with it, and the
 * instalment of a debt.
 *
 * PREPAY_NIGHT_POINT=S.N runs point N of night S alone, and lets it print.
 */
#include "tests/fault/branch.h"
#include "tests/fault/crash_vfs.h"
#include "tests/fault/raw_ledger.h"
#include "tests/system/station_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_verify.h"

#define ROOMS          2
#define TEARINGS       4
#define ACTS_MAX       6
#define DAY_S          CALENDAR_DAY_S
#define TWELVE_YEARS_S (12 * 366 * DAY_S)

/* One thing that happens; then minutes pass. */
struct act {
	int64_t set_s; /* the clock is set on, or back */
	int64_t off_s; /* the box is off */
	int minutes;
	const char *verb; /* a person says so at the end */
};

static const struct offset_table shanghai = {.count = 1, .transition = {{INT64_MIN, 28800}}};
/* Europe/Berlin in 2026: the last Sundays of March and October have 23 and 25 hours. */
static const struct offset_table berlin = {
	.count = 3, .transition = {{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}}};
/* America/Havana in 2026: 8 March begins at 01:00, 1 November has its first hour twice. */
static const struct offset_table havana = {
	.count = 3,
	.transition = {{INT64_MIN, -18000}, {1772946000, -14400}, {1793509200, -18000}}};

static const struct night {
	const char *what;
	const struct offset_table *zone;
	int64_t begins_s; /* some minutes before midnight; the rooms are opened then */
	int days;         /* charged in the end, from the one on which it begins */
	int given;        /* days for which something was given; nobody asks where 0 */
	int instalments;  /* of a debt, one for each day that the box saw begin */
	struct act act[ACTS_MAX];
} nights[] = {
	{"an ordinary midnight", &shanghai, 1780243080, 1, 2, 1, {{.minutes = 6}}},
	{"the end of a day of 23 hours", &berlin, 1774821480, 1, 2, 1, {{.minutes = 6}}},
	{"the end of a day of 25 hours", &berlin, 1792969080, 1, 2, 1, {{.minutes = 6}}},
	{"a midnight that is skipped", &havana, 1772945880, 1, 2, 1, {{.minutes = 6}}},
	{"a midnight that comes twice",
	 &havana,
	 1793505480,
	 1,
	 2,
	 1,
	 {{.minutes = 6}, {.set_s = 3600 - 600, .minutes = 9}}},
	{"a leap day",
	 &shanghai,
	 1835366280, /* 2028-02-28 23:58 */
	 2,
	 3,
	 2,
	 {{.minutes = 5}, {.set_s = DAY_S - 600, .minutes = 10}}},
	{"a clock that is set forward by two days",
	 &shanghai,
	 1780243080,
	 3,
	 4,
	 2,
	 {{.minutes = 5}, {.set_s = 2 * DAY_S, .minutes = 5}}},
	{"a clock that runs two days ahead and is set back",
	 &shanghai,
	 1780243080,
	 4,
	 5,
	 4,
	 {{.set_s = 2 * DAY_S, .minutes = 6},
	  {.set_s = -2 * DAY_S, .minutes = 6},
	  {.set_s = 3 * DAY_S, .minutes = 5}}},
	{"a clock that is set back over midnight again and again",
	 &shanghai,
	 1780243080,
	 1,
	 2,
	 1,
	 {{.minutes = 4},
	  {.set_s = -240, .minutes = 4},
	  {.set_s = -DAY_S, .minutes = 4},
	  {.set_s = DAY_S, .minutes = 4}}},
	{"three days without power",
	 &shanghai,
	 1780243080,
	 3,
	 4,
	 1,
	 {{.off_s = 2 * DAY_S + 600, .minutes = 6}}},
	{"a month without power, and a person who confirms",
	 &shanghai,
	 1780243080,
	 31,
	 32,
	 1,
	 {{.off_s = 30 * DAY_S + 600, .minutes = 4}, {.verb = "dated.confirm", .minutes = 3}}},
	{"a month without power, and a person who waives",
	 &shanghai,
	 1780243080,
	 0,
	 0,
	 1,
	 {{.off_s = 30 * DAY_S + 600, .minutes = 4}, {.verb = "dated.waive", .minutes = 3}}},
	{"a jump to 2038 and back",
	 &shanghai,
	 1780243080,
	 2,
	 3,
	 0,
	 {{.minutes = 4},
	  {.set_s = TWELVE_YEARS_S, .minutes = 4},
	  {.set_s = -TWELVE_YEARS_S, .minutes = 4},
	  {.set_s = DAY_S, .minutes = 4}}},
};

#define NIGHTS (sizeof(nights) / sizeof(nights[0]))

struct run {
	struct site *site;
	struct world *world;
	const struct night *night;
	struct tally_of_branches *tally;
	unsigned long stride;
	size_t act;      /* under way */
	bool begun;      /* what happens in it has happened */
	int64_t off_s;   /* ... but for being off, which is about to begin */
	int64_t until_s; /* it lasts until then, by the clock as it was set */
	uint64_t point;
	unsigned tearing;
	unsigned only[2]; /* night from 1, point, tearing; night 0: all */
	bool doubt;       /* the person may have been heard */
};

static unsigned long divisor(void)
{
	const char *text = getenv("PREPAY_TEST_DIVISOR");

	return text != NULL && strtoul(text, NULL, 10) > 1 ? strtoul(text, NULL, 10) : 1;
}

static int64_t wall_s(const struct run *run)
{
	const struct played_building *building = &run->site->building;

	return building->base_s + building->now_us / 1000000;
}

/* Nothing is left of the daemon, and it starts again; off_s later, by a kernel that began anew. */
static void start_again(struct run *run, int64_t off_s)
{
	struct played_building *building = &run->site->building;
	struct ledger_failure failure;

	building->base_s = wall_s(run) + off_s - 1;
	building->now_us = building->moved_us = 1000000;
	run->site->boot = "fedcba9876543210fedcba9876543210";
	if (site_try_open(run->site, &failure) < 0)
		branch_end(VERDICT_CORRUPT, "%s", failure.text);
}

static void begin_act(struct run *run)
{
	const struct act *act = &run->night->act[run->act];

	run->begun = true;
	run->site->building.base_s += act->set_s;
	run->until_s = wall_s(run) + act->off_s + act->minutes * INT64_C(60);
	if (act->off_s > 0) {
		run->off_s = act->off_s;
		site_close(run->site);
		run->off_s = 0;
		start_again(run, act->off_s);
	}
}

static void say(struct run *run, const char *verb)
{
	bool doubt = run->doubt;
	struct site_answer answer;

	run->doubt = true;
	answer = site_ask(run->site, verb, json_pack("{s:s}", "reason", "seen"));
	if (answer.problem != PROBLEM_NONE && !(doubt && answer.problem == PROBLEM_CONFLICT))
		branch_end(VERDICT_CORRUPT, "%s: %s", verb, answer.detail);
	site_forget(&answer);
	run->doubt = false;
}

/* The rest of the night, from where it is. */
static void live(struct run *run)
{
	struct played_building *building = &run->site->building;

	for (; run->act < ACTS_MAX && run->night->act[run->act].minutes > 0; run->act++) {
		if (!run->begun)
			begin_act(run);
		played_run(building, (run->until_s - building->base_s) * 1000000);
		if (run->night->act[run->act].verb != NULL)
			say(run, run->night->act[run->act].verb);
		run->begun = false;
	}
}

static void judge_days(sqlite3_stmt *row, void *userdata)
{
	struct run *run = userdata;
	const char *room = (const char *)sqlite3_column_text(row, 0);
	int64_t found[] = {sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2),
			   sqlite3_column_int64(row, 3)};
	const int64_t due[] = {run->night->days, run->night->given, run->night->instalments};
	static const char *const what[] = {"days charged", "days given", "instalments"};

	for (size_t i = 0; i < 3; i++)
		if (found[i] != due[i] && due[i] > 0)
			branch_end(found[i] < due[i] ? VERDICT_LOST : VERDICT_DOUBLED,
				   "room %s: %lld %s, not %lld", room, (long long)found[i], what[i],
				   (long long)due[i]);
	if (run->night->days == 0 && found[0] > 0)
		branch_end(VERDICT_CORRUPT, "room %s: %lld days are charged that were waived", room,
			   (long long)found[0]);
}

/* Each day is from midnight to midnight, and no two are the same. */
static void judge_day(sqlite3_stmt *row, void *userdata)
{
	struct run *run = userdata;
	int64_t from_s = sqlite3_column_int64(row, 0), to_s = sqlite3_column_int64(row, 1);
	int64_t day = calendar_day(run->night->zone, from_s);

	if (sqlite3_column_int64(row, 3) > 1)
		branch_end(VERDICT_DOUBLED, "a day is charged %d times",
			   sqlite3_column_int(row, 3));
	if (from_s != calendar_date_start_s(run->night->zone, day) ||
	    to_s != calendar_date_start_s(run->night->zone, day + 1) ||
	    sqlite3_column_int64(row, 2) != -INT64_C(500000000))
		branch_end(VERDICT_CORRUPT, "a charge of %lld for %lld to %lld",
			   (long long)sqlite3_column_int64(row, 2), (long long)from_s,
			   (long long)to_s);
}

static void judge(struct run *run)
{
	struct ledger_verdict verdict;

	raw_each("SELECT r.name, (SELECT count(*) FROM entry e WHERE e.account_id = a.id AND kind "
		 "= 12), (SELECT count(*) FROM entry e WHERE e.account_id = a.id AND kind = 16), "
		 "(SELECT count(*) FROM entry e WHERE e.account_id = a.id AND kind = 15) FROM room "
		 "r JOIN account a ON a.room_id = r.id",
		 judge_days, run);
	raw_each("SELECT from_s, to_s, amount_nano, count(*) FROM entry WHERE kind = 12 GROUP BY "
		 "account_id, from_s",
		 judge_day, run);
	if (raw_number("SELECT count(*) FROM entry WHERE (kind IN (12, 16) OR (kind = 14 AND flags "
		       "& 8)) AND seq NOT IN (SELECT entry_seq FROM dated WHERE entry_seq NOT "
		       "NULL)") > 0)
		branch_end(VERDICT_DOUBLED, "an entry of a day has no key of its own");
	if (ledger_verify("/ledger.db", "crash", NULL, NULL, &verdict) < 0 || !verdict.ok)
		branch_end(VERDICT_CORRUPT, "entry %lld: %s", (long long)verdict.first_bad,
			   verdict.detail);
}

static void power_fails(void *userdata)
{
	struct run *run = userdata;
	struct played_building *building = &run->site->building;
	/* One box in three has to wait for the time. */
	bool timeless = (run->point + run->tearing) % 3 == 0;

	world_watch(run->world, NULL, NULL);
	building->station = NULL;
	run->site->ledger = NULL;
	building->held = 0;
	building->done_us = 0;
	building->resting = 0;
	building->reading = false;
	world_cut(run->world, (enum tearing)run->tearing);
	world_trust(run->world);
	building->trusted = !timeless;
	start_again(run, run->off_s + (int64_t)(run->point % 40) + 1);
	if (timeless)
		played_run(building, building->now_us + 45 * INT64_C(1000000));
	building->trusted = true;
	/* Whatever this act was to end with, everybody has time to see it. */
	run->until_s = run->until_s > wall_s(run) + 150 ? run->until_s : wall_s(run) + 150;
	live(run);
	judge(run);
	branch_end(VERDICT_GOOD, "each day once");
}

static void at_operation(enum operation operation, void *userdata)
{
	struct run *run = userdata;
	char name[64];
	unsigned night = (unsigned)(run->night - nights) + 1;
	/* Each operation tears in one way, by turns. */
	run->tearing = (unsigned)(run->point % TEARINGS);
	run->point++;
	bool alone = run->only[0] == night && run->only[1] == run->point;

	(void)operation;
	if (run->only[0] != 0 ? !alone : run->point % run->stride != 0)
		return;
	(void)snprintf(name, sizeof(name), "PREPAY_NIGHT_POINT=%u.%" PRIu64, night, run->point);
	branch_run(run->tally, name, !alone, power_fails, run);
}

static void furnish(struct site *site)
{
	site_tariff(site, "[standing]\nper-day = 0.5\n[allowance]\nmoney = 0.01\nevery = day\n");
	for (int i = 0; i < ROOMS; i++) {
		char room[16];

		site_add_meter(site, 50 * i);
		site_add_room(site, 101 + i, 10000, "sockets", true, 1);
		(void)snprintf(room, sizeof(room), "%d", 101 + i);
		(void)site_ask_int(site, "debt.add",
				   json_pack("{s:s,s:s,s:s,s:{s:i,s:i,s:i},s:{s:i,s:i,s:i},s:s}",
					     "room", room, "name", "key", "way", "daily", "rate",
					     "value", 10, "multiplier", -2, "monetaryUnit", 156,
					     "amount", "value", 5000, "multiplier", -2,
					     "monetaryUnit", 156, "reason", "lost"),
				   "left_nano");
	}
	played_run(&site->building, site->building.now_us + MINUTE_US);
}

static void spend(const struct night *night, struct tally_of_branches *tally, unsigned long stride,
		  const char *only)
{
	struct run run = {.night = night, .tally = tally, .stride = stride};
	void *state = NULL;

	if (only != NULL && sscanf(only, "%u.%u", &run.only[0], &run.only[1]) != 2)
		fail_msg("PREPAY_NIGHT_POINT=%s", only);
	run.world = world_open(1);
	assert_int_equal(site_setup_on(&state, "crash"), 0);
	run.site = state;
	site_close(run.site);
	run.site->zone = night->zone;
	run.site->building.base_s = night->begins_s - 1;
	run.site->building.now_us = run.site->building.moved_us = 1000000;
	site_open(run.site);
	raw_read(&run.site->ledger);
	furnish(run.site);
	world_arm(run.world, FAULT_NONE, 0, false);
	world_watch(run.world, at_operation, &run);
	live(&run);
	world_watch(run.world, NULL, NULL);
	if (branch_here(tally, night->what, true)) {
		judge(&run);
		branch_end(VERDICT_GOOD, "each day once");
	}
	raw_read(NULL);
	site_teardown(&state);
	(void)world_close(run.world);
}

static void m9_each_day_is_done_once_whatever_clock_and_power_do(void **state)
{
	struct tally_of_branches all = {0};

	(void)state;
	for (size_t i = 0; i < NIGHTS; i++) {
		struct tally_of_branches tally = {0};

		spend(&nights[i], &tally, divisor(), getenv("PREPAY_NIGHT_POINT"));
		branch_show(nights[i].what, &tally);
		all.runs += tally.runs;
		for (size_t k = 0; k < sizeof(all.of) / sizeof(all.of[0]); k++)
			all.of[k] += tally.of[k];
	}
	branch_show("nights", &all);
	assert_true(all.runs >= 1200 / divisor() || getenv("PREPAY_NIGHT_POINT"));
	assert_int_equal(all.of[VERDICT_GOOD], all.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m9_each_day_is_done_once_whatever_clock_and_power_do),
	};

	/* A mutex that is held while the process forks is the parent's for ever. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
