/* The disk fails at any operation under the whole station; see README.md.
 *
 * D1, M1, M4, S1. The story of station_story.h is told, and at its operations, reads, locks and shared memory
 * included, a child is forked whose disk fails from there on, or once. While it fails nothing is
 * acknowledged and nobody is cut; when it is well again, so is the station; and a power cut then loses
 * nothing of what was acknowledged.
 *
 * PREPAY_FAULT_POINT=N.K runs operation N with fault K alone, and lets it print.
 */
#include "tests/fault/raw_ledger.h"
#include "tests/fault/story_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_load.h"

#define ILL_MIN  2 /* minutes that the disk fails */
#define WELL_MIN 2

static const struct {
	const char *what;
	enum fault fault;
	unsigned every; /* one operation in so many */
} kinds[] = {
	{"one I/O error", FAULT_IO_ONCE, 44},
	{"a disk that fails", FAULT_IO, 44},
	{"a full disk", FAULT_FULL, 44},
	{"a read-only file system", FAULT_READ_ONLY, 44},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What each room has after each minute of the story when nothing fails. */
static struct {
	size_t rooms;
	char name[STORY_METERS][LEDGER_NAME_MAX + 1];
	int64_t live_nano[STORY_METERS];
} truth[STORY_MINUTES + 1];

static void note_truth(const struct story *story)
{
	const struct station *station = story->site->building.station;

	assert_in_range(story->minute, 0, STORY_MINUTES);
	truth[story->minute].rooms = station->room_count;
	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];

		memcpy(truth[story->minute].name[i], room->record.name, sizeof(truth[0].name[0]));
		truth[story->minute].live_nano[i] = room->live_nano;
	}
}

struct failing {
	struct story *story;
	struct tally_of_branches tally[KINDS];
	unsigned long stride;
	uint64_t point;
	uint64_t only_point; /* 0: all */
	unsigned only_kind;
	bool child;
	bool looking;                     /* the test reads, not the station */
	struct acknowledged acknowledged; /* before the operation that failed */
};

static unsigned long divisor(void)
{
	const char *text = getenv("PREPAY_TEST_DIVISOR");
	unsigned long value = text ? strtoul(text, NULL, 10) : 1;

	return value > 1 ? 3 * value : 1;
}

static void note_commit(void *userdata)
{
	struct failing *failing = userdata;

	/* What was committed just before the log could not be moved can be asked for later only. */
	if (ledger_failed(failing->story->site->ledger))
		return;
	failing->looking = true;
	judge_note(failing->story, &failing->acknowledged);
	failing->looking = false;
}

static void at_operation(enum operation operation, void *userdata)
{
	struct failing *failing = userdata;

	(void)operation;
	if (failing->looking)
		return;
	failing->point++;
	for (unsigned kind = 0; kind < KINDS; kind++) {
		bool alone = failing->only_point == failing->point && failing->only_kind == kind;
		char name[64];

		/* Each kind at operations of its own. */
		if (failing->only_point != 0
			    ? !alone
			    : (failing->point + kind * 9) % (kinds[kind].every * failing->stride) !=
				      0)
			continue;
		(void)snprintf(name, sizeof(name), "PREPAY_FAULT_POINT=%" PRIu64 ".%u",
			       failing->point, kind);
		if (!branch_here(&failing->tally[kind], name, !alone))
			continue;
		fprintf(stderr, "-- %s in minute %" PRId64 "\n", kinds[kind].what,
			failing->story->minute);
		failing->child = true;
		story_watch(failing->story, NULL, NULL);
		world_strike(failing->story->world, kinds[kind].fault);
		return;
	}
}

static bool is_alarmed(const struct station *station)
{
	const struct alarm *alarm = alarms_find(&station->alarms, ALARM_STORE_FAILING, "ledger");

	return alarm != NULL && alarm->active && alarm->detail[0] != '\0';
}

/* What each room has left now, by its place in the station. */
struct left {
	size_t count;
	int64_t live_nano[STORY_METERS];
};

static struct left note_left(const struct station *station)
{
	struct left left = {.count = station->room_count};

	for (size_t i = 0; i < left.count; i++)
		left.live_nano[i] = station->rooms[i]->live_nano;
	return left;
}

/* Nothing but a minute's use was taken, and nothing given. */
static void judge_left(const struct station *station, const struct left *before)
{
	for (size_t i = 0; i < before->count; i++)
		if (station->rooms[i]->live_nano > before->live_nano[i] ||
		    station->rooms[i]->live_nano < before->live_nano[i] - STORY_SMALL_NANO)
			branch_end(VERDICT_CORRUPT,
				   "room %s: the balance jumped from %lld to %lld while the store "
				   "fails",
				   station->rooms[i]->record.name, (long long)before->live_nano[i],
				   (long long)station->rooms[i]->live_nano);
}

/* One minute while the disk fails. */
static void suffer(struct failing *failing, int minute)
{
	struct story *story = failing->story;
	const struct station *station = story->site->building.station;
	struct relays_seen before = judge_look(story), look = before;
	struct story then = *story;
	bool failed = station != NULL && station->store_failing;
	struct left left = failed ? note_left(station) : (struct left){0};

	story_run(story, story->minute + 1);
	station = story->site->building.station;
	if (station == NULL) {
		if (story->why.text[0] == '\0')
			branch_end(VERDICT_CORRUPT, "it does not start, and does not say why");
		return;
	}
	judge_moves(story, &look);
	if (!station->store_failing)
		return;
	if (!is_alarmed(station))
		branch_end(VERDICT_CORRUPT, "the store fails without an alarm");
	if (!failed || minute == 0)
		return;
	if ((story->answered > then.answered || story->sent > then.sent ||
	     story->through > then.through))
		branch_end(VERDICT_CORRUPT, "something was acknowledged while the store fails");
	for (size_t i = 0; i < story->site->building.meters; i++)
		if (look.writes[i] != before.writes[i])
			branch_end(VERDICT_CORRUPT, "relay %zu moved while the store fails", i + 1);
	judge_left(station, &left);
}

static void get_well(struct failing *failing)
{
	struct story *story = failing->story;

	world_heal(story->world);
	story_run(story, story->minute + WELL_MIN);
	if (!story_runs(story))
		branch_end(VERDICT_CORRUPT, "it does not start: %s", story->why.text);
	if (story->site->building.station->store_failing ||
	    is_alarmed(story->site->building.station))
		branch_end(VERDICT_CORRUPT, "the store is well, the station is not: %s",
			   ledger_failure_text(story->site->ledger));
}

static void go_another_way(struct failing *failing)
{
	struct story *story = failing->story;

	for (int minute = 0; minute < ILL_MIN; minute++)
		suffer(failing, minute);
	get_well(failing);
	judge_money(story);
	story_power_off(story, 1);
	world_cut(story->world, TEARING_LOST);
	story_start(story);
	if (!story_runs(story))
		branch_end(VERDICT_CORRUPT, "%s", story->why.text);
	judge_kept(&failing->acknowledged);
	branch_end(VERDICT_GOOD, "all is well");
}

static void d1_a_failing_disk_anywhere_gives_no_wrong_balance_cuts_nobody_and_recovers(void **state)
{
	struct story story;
	struct failing failing = {.story = &story, .stride = divisor()};
	const char *only = getenv("PREPAY_FAULT_POINT");
	uint64_t runs = 0, good = 0;

	(void)state;
	if (only)
		(void)sscanf(only, "%" SCNu64 ".%u", &failing.only_point, &failing.only_kind);
	story_open(&story);
	note_commit(&failing);
	story.site->building.on_commit = note_commit;
	story.site->building.userdata = &failing;
	world_arm(story.world, FAULT_NONE, 0, true);
	story_watch(&story, at_operation, &failing);
	while (story.minute < STORY_MINUTES) {
		story_run(&story, story.minute + 1);
		if (failing.child)
			go_another_way(&failing);
		note_truth(&story);
	}
	printf("%" PRIu64 " operations\n", failing.point);
	story_close(&story);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		branch_show(kinds[kind].what, &failing.tally[kind]);
		runs += failing.tally[kind].runs;
		good += failing.tally[kind].of[VERDICT_GOOD];
	}
	assert_true(runs >= 1900 / divisor() || only);
	assert_int_equal(good, runs);
}

#define SPOIL_EVERY 95 /* operations */

struct spoiling {
	struct story *story;
	struct tally_of_branches tally;
	struct tally_of_branches running; /* those that went on */
	bool child;
	unsigned long stride;
	uint64_t point;
	uint64_t only_point;
	bool only_running;
};

struct balances {
	size_t count;
	struct {
		char name[LEDGER_NAME_MAX + 1];
		int64_t settled_nano;
	} of[STORY_METERS];
};

static struct balances note_balances(const struct station *station)
{
	struct balances balances = {0};

	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];

		(void)snprintf(balances.of[i].name, sizeof(balances.of[i].name), "%s",
			       room->record.name);
		if (ledger_balance_nano(station->ledger, room->record.account_id,
					&balances.of[i].settled_nano) < 0)
			branch_end(VERDICT_CORRUPT, "room %s has no balance", room->record.name);
	}
	balances.count = station->room_count;
	return balances;
}

static void judge_balances(const struct station *station, const struct balances *balances)
{
	for (size_t i = 0; i < balances->count; i++) {
		const struct station_room *room = station_room_find(station, balances->of[i].name);

		if (room == NULL)
			branch_end(VERDICT_LOST, "room %s is gone, and nobody says so",
				   balances->of[i].name);
		if (room->settled_nano != balances->of[i].settled_nano)
			branch_end(VERDICT_CORRUPT, "room %s: a balance of %lld, not %lld",
				   room->record.name, (long long)room->settled_nano,
				   (long long)balances->of[i].settled_nano);
	}
}

/* The daemon starts on a file of which a part was garbled while it was off. */
static void start_on_garbage(void *userdata)
{
	static const size_t sizes[] = {4096, 512, 4096, 16};
	struct spoiling *spoiling = userdata;
	struct story *story = spoiling->story;
	struct balances balances;
	struct relays_seen seen = judge_look(story);
	struct ledger_verdict verdict = {.ok = true};
	uint64_t luck = spoiling->point * UINT64_C(0x9e3779b97f4a7c15);
	size_t pages, page, size = sizes[(luck >> 20) % 4];

	story_watch(story, NULL, NULL);
	story_power_off(story, 1);
	world_cut(story->world, TEARING_LOST);
	/* The log is moved into the file first: all that counts is in pages. */
	story_start(story);
	balances = note_balances(story->site->building.station);
	site_close(story->site);
	pages = world_pages(story->world, "/ledger.db");
	page = (luck >> 32) % pages;
	if (!world_spoil(story->world, "/ledger.db", page, size))
		branch_end(VERDICT_CORRUPT, "no page %zu of %zu", page, pages);
	fprintf(stderr, "-- %zu bytes of page %zu of %zu are garbage\n", size, page, pages);
	story_start(story);
	if (!story_runs(story)) {
		if (strstr(story->why.text, "backup") == NULL)
			branch_end(VERDICT_CORRUPT, "refused, and no way out named: %s",
				   story->why.text);
		branch_end(VERDICT_GOOD, "refused");
	}
	judge_balances(story->site->building.station, &balances);
	if (ledger_verify("/ledger.db", "crash", NULL, NULL, &verdict) < 0 || !verdict.ok)
		branch_end(VERDICT_GOOD, "named: %s", verdict.detail);
	/* Free space, or bytes that no balance stands on: an event's text has no hash. */
	story_run(story, story_now(story) + 1);
	judge_moves(story, &seen);
	branch_end(VERDICT_GOOD, "harmless");
}

#define GO_ON_MIN 6 /* minutes that a daemon goes on with a file that was garbled under it */

/* Nothing was noticed so far: then each balance is what it would be. */
static void judge_truth(const struct story *story)
{
	const struct station *station = story->site->building.station;

	if (story->minute > STORY_MINUTES)
		return;
	for (size_t i = 0; i < truth[story->minute].rooms; i++) {
		const char *name = truth[story->minute].name[i];
		const struct station_room *room = station_room_find(station, name);

		if (room == NULL || room->live_nano != truth[story->minute].live_nano[i])
			branch_end(VERDICT_CORRUPT, "room %s: %lld are left now, not %lld", name,
				   room == NULL ? 0LL : (long long)room->live_nano,
				   (long long)truth[story->minute].live_nano[i]);
	}
}

/* The daemon goes on with the file; false: it would not start after the story had stopped it. */
static bool go_on(struct story *story)
{
	const struct station *station = story->site->building.station;

	if (station == NULL)
		return false;
	bool failed = station->store_failing;
	struct left left = note_left(station);
	struct relays_seen before = judge_look(story), look = before;
	struct story then = *story;

	raw_drop_cache();
	story_run(story, story->minute + 1);
	station = story->site->building.station;
	if (station == NULL)
		return false;
	judge_moves(story, &look);
	if (!station->store_failing) {
		if (failed)
			branch_end(VERDICT_CORRUPT, "garbage went by itself");
		/* Whom nobody answers falls behind the story. */
		if (story->refusals == 0 && !story->doubt)
			judge_truth(story);
		return true;
	}
	if (!is_alarmed(station))
		branch_end(VERDICT_CORRUPT, "the file is damaged without an alarm");
	if (!failed)
		return true;
	if (story->answered > then.answered || story->sent > then.sent ||
	    story->through > then.through)
		branch_end(VERDICT_CORRUPT, "something was acknowledged on a damaged file");
	for (size_t i = 0; i < story->site->building.meters; i++)
		if (look.writes[i] != before.writes[i])
			branch_end(VERDICT_CORRUPT, "relay %zu moved on a damaged file", i + 1);
	judge_left(station, &left);
	return true;
}

static void judge_refusal(const struct story *story)
{
	if (strstr(story->why.text, "backup") == NULL)
		branch_end(VERDICT_CORRUPT, "refused, and no way out named: %s", story->why.text);
	branch_end(VERDICT_GOOD, "refused");
}

/* A part of the file was garbled under the running daemon, in the middle of an operation. */
static void live_with_garbage(struct spoiling *spoiling)
{
	struct story *story = spoiling->story;
	struct balances balances = {0};
	struct ledger_verdict verdict = {.ok = true};

	for (int minute = 0; minute < GO_ON_MIN; minute++)
		if (!go_on(story))
			judge_refusal(story);
	const struct station *station = story->site->building.station;
	for (size_t i = 0; i < station->room_count; i++) {
		(void)snprintf(balances.of[i].name, sizeof(balances.of[i].name), "%s",
			       station->rooms[i]->record.name);
		balances.of[i].settled_nano = station->rooms[i]->settled_nano;
	}
	balances.count = station->room_count;
	bool failing = station->store_failing;
	site_close(story->site);
	story_start(story);
	if (!story_runs(story))
		judge_refusal(story);
	/* What the daemon itself wrote since may have covered it. */
	judge_balances(story->site->building.station, &balances);
	if (ledger_verify("/ledger.db", "crash", NULL, NULL, &verdict) < 0 || !verdict.ok)
		branch_end(VERDICT_GOOD, "named: %s", verdict.detail);
	branch_end(VERDICT_GOOD, failing ? "it was noticed" : "harmless");
}

#define ERASE_BLOCK 32 /* pages that a flash card loses together */

static void spoil_running(struct spoiling *spoiling)
{
	static const struct {
		size_t pages;
		size_t size;
	} amounts[] = {{ERASE_BLOCK, 4096}, {1, 4096}, {ERASE_BLOCK, 4096}, {1, 512}, {1, 16}};
	struct story *story = spoiling->story;
	uint64_t luck = spoiling->point * UINT64_C(0xd1342543de82ef95);
	const char *file = (luck >> 60) % 3 == 0 ? "/ledger.db-wal" : "/ledger.db";
	size_t pages = world_pages(story->world, file), i = (luck >> 20) % 5;
	size_t page = pages == 0 ? 0 : (luck >> 32) % pages / amounts[i].pages * amounts[i].pages;

	spoiling->child = true;
	story->damaged = true;
	story_watch(story, NULL, NULL);
	fprintf(stderr,
		"-- minute %" PRId64 ": %zu bytes in %zu pages at %zu of %zu of %s are garbage\n",
		story->minute, amounts[i].size, amounts[i].pages, page, pages, file);
	for (size_t k = 0; k < amounts[i].pages; k++)
		(void)world_spoil(story->world, file, page + k, amounts[i].size);
}

static void garble(enum operation operation, void *userdata)
{
	struct spoiling *spoiling = userdata;
	bool alone = spoiling->only_point == ++spoiling->point;
	uint64_t turn = spoiling->point % (SPOIL_EVERY * spoiling->stride);
	char name[64];

	(void)operation;
	(void)snprintf(name, sizeof(name), "PREPAY_GARBAGE_POINT=%" PRIu64 ".0", spoiling->point);
	/* By turns while it is off, and while it runs. */
	if (spoiling->only_point == 0 ? turn == 0 : alone && !spoiling->only_running)
		branch_run(&spoiling->tally, name, !alone, start_on_garbage, spoiling);
	name[strlen(name) - 1] = '1';
	if ((spoiling->only_point == 0 ? turn == SPOIL_EVERY / 2
				       : alone && spoiling->only_running) &&
	    branch_here(&spoiling->running, name, !alone))
		spoil_running(spoiling);
}

static void a_damaged_file_is_refused_or_its_balances_are_right(void **state)
{
	struct story story;
	struct spoiling spoiling = {.story = &story, .stride = divisor()};
	const char *only = getenv("PREPAY_GARBAGE_POINT");

	(void)state;
	if (only) {
		unsigned running = 0;

		(void)sscanf(only, "%" SCNu64 ".%u", &spoiling.only_point, &running);
		spoiling.only_running = running != 0;
	}
	story_open(&story);
	world_arm(story.world, FAULT_NONE, 0, true);
	story_watch(&story, garble, &spoiling);
	while (story.minute < STORY_MINUTES) {
		story_run(&story, story.minute + 1);
		if (spoiling.child)
			live_with_garbage(&spoiling);
	}
	story_watch(&story, NULL, NULL);
	story_close(&story);
	branch_show("damaged files", &spoiling.tally);
	branch_show("files damaged under the running daemon", &spoiling.running);
	assert_true(spoiling.tally.runs >= 200 / divisor() || only);
	assert_true(spoiling.running.runs >= 200 / divisor() || only);
	assert_int_equal(spoiling.tally.of[VERDICT_GOOD], spoiling.tally.runs);
	assert_int_equal(spoiling.running.of[VERDICT_GOOD], spoiling.running.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			d1_a_failing_disk_anywhere_gives_no_wrong_balance_cuts_nobody_and_recovers),
		cmocka_unit_test(a_damaged_file_is_refused_or_its_balances_are_right),
	};

	/* A mutex that is held while the process forks is the parent's for ever. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
