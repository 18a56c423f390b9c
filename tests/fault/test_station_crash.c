/* The power fails at every operation of the disk under the whole station; see README.md.
 *
 * D1, M1 to M4, M8, S8, U3. The story is told once to know the ledger after each commit, and once more with a
 * child forked at each operation. In the child the power fails there, the station starts again, and is judged.
 *
 * PREPAY_CRASH_POINT=N.T runs point N with tearing T alone, and lets it print.
 */
#include "tests/fault/raw_ledger.h"
#include "tests/fault/story_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMITS_MAX   4096
#define TEARINGS      4
#define DRIVE_MIN     2  /* minutes that a child goes on before it is judged */
#define SETTLE_ONE_IN 8  /* one in so many is settled and judged to the last coin */
#define TO_THE_END    37 /* one in so many goes on to the end of the story */
#define AGAIN_ONE_IN  8  /* ... and finds the power failing again while it starts */

static uint64_t digests[COMMITS_MAX];
static int64_t digest_count;

struct cutting {
	struct story *story;
	struct tally_of_branches tally;
	unsigned long stride; /* odd: all tearings have their turn */
	bool lie;
	uint64_t point;
	unsigned tearing;
	bool unsynced;       /* nothing was synced since the point before ... */
	bool grown;          /* ... at which something was written */
	uint64_t only_point; /* 0: all */
	unsigned only_tearing;
	int64_t commits; /* acknowledged before the cut */
	uint64_t again;  /* operations until the power fails again; 0: it does not */
	bool twice;      /* it has */
	struct acknowledged acknowledged; /* in the last commit */
};

static unsigned long divisor(void)
{
	const char *text = getenv("PREPAY_TEST_DIVISOR");
	unsigned long value = text ? strtoul(text, NULL, 10) : 1;

	/* A fork costs the sanitizers far more than what it does. */
	return value > 1 ? 3 * value : 1;
}

/* A number that depends on the cut alone. */
static uint64_t luck(const struct cutting *cutting, uint64_t salt)
{
	uint64_t z = (cutting->point * TEARINGS + cutting->tearing) * UINT64_C(0x9e3779b97f4a7c15) +
		     salt;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void note_commit(void *userdata)
{
	(void)userdata;
	assert_true(digest_count < COMMITS_MAX);
	digests[digest_count++] = raw_digest();
}

static void tell_undisturbed(void)
{
	struct story story;

	story_open(&story);
	story.site->building.commits = 0;
	digest_count = 0;
	note_commit(NULL);
	story.site->building.on_commit = note_commit;
	story_run(&story, STORY_MINUTES);
	assert_int_equal(story.site->building.commits, digest_count - 1);
	/* Cuts were held, and went ahead when a person had confirmed them. */
	assert_int_equal(raw_number("SELECT count(*) FROM event WHERE type = 'alarm' AND body ->> "
				    "'kind' = 'mass-cut-held'"),
			 2);
	story_close(&story);
}

static void acknowledge(void *userdata)
{
	struct cutting *cutting = userdata;

	judge_note(cutting->story, &cutting->acknowledged);
}

/* Is the ledger as it was after the last commit that was acknowledged, or the one then under way? */
static void judge_ledger(const struct cutting *cutting)
{
	uint64_t digest = raw_digest();

	/* A commit may change nothing that is kept: the nearest counts. */
	for (int64_t i = cutting->commits; i < digest_count; i++) {
		if (digests[i] == digest && i > cutting->commits + 1)
			branch_end(VERDICT_DOUBLED, "%lld commits begun, %lld there",
				   (long long)cutting->commits + 1, (long long)i);
		if (digests[i] == digest)
			return;
	}
	for (int64_t i = cutting->commits - 1; i >= 0; i--)
		if (digests[i] == digest)
			branch_end(VERDICT_LOST, "%lld commits acknowledged, %lld there",
				   (long long)cutting->commits, (long long)i);
	branch_end(VERDICT_CORRUPT, "no state of the story (%lld commits)",
		   (long long)cutting->commits);
}

static void power_fails(void *userdata);

static void power_fails_again(enum operation operation, void *userdata)
{
	struct cutting *cutting = userdata;

	(void)operation;
	if (cutting->again > 0 && --cutting->again == 0) {
		cutting->twice = true;
		power_fails(cutting);
	}
}

/* What a person has let go is not held again by the start. */
static void judge_let_go(bool let_go)
{
	if (let_go && raw_number("SELECT count(*) FROM cursor WHERE name = 'cuts' AND value NOT "
				 "LIKE '0 %'") > 0)
		branch_end(VERDICT_LOST, "the word that lets cuts go was answered");
}

static void power_fails(void *userdata)
{
	struct cutting *cutting = userdata;
	struct story *story = cutting->story;
	bool let_go = story->let_go && !cutting->twice && story_runs(story) &&
		      story->site->building.station->mass.held == MASS_CUT_NONE;
	struct relays_seen seen = judge_look(story);
	/* One box in four has to wait for the time. */
	bool timeless = luck(cutting, 2) % 4 == 0;

	fprintf(stderr, "-- the power fails in minute %" PRId64 "\n", story->minute);
	story_watch(story, cutting->again > 0 ? power_fails_again : NULL, cutting);
	story_power_off(story, (int64_t)(luck(cutting, 1) % 90) + 1);
	world_cut(story->world, (enum tearing)cutting->tearing);
	if (cutting->again == 0)
		world_trust(story->world);
	world_lie(story->world, false);
	story->site->building.trusted = !timeless;
	story_start(story);
	if (!story_runs(story))
		branch_end(VERDICT_CORRUPT, "%s", story->why.text);
	judge_let_go(let_go);
	if (cutting->twice)
		judge_kept(&cutting->acknowledged);
	else
		judge_ledger(cutting);
	acknowledge(cutting);
	story->site->building.on_commit = cutting->again > 0 ? acknowledge : NULL;
	story->site->building.userdata = cutting;
	/* The others are in a state that one of them is judged in. */
	bool settle = cutting->twice || luck(cutting, 6) % SETTLE_ONE_IN == 0;
	for (int minute = 0; minute < (settle ? DRIVE_MIN : 1); minute++) {
		if (minute == 1)
			story->site->building.trusted = true;
		story_run(story, story_now(story) + 1);
		judge_moves(story, &seen);
	}
	story_watch(story, NULL, NULL);
	if (!settle)
		branch_end(VERDICT_GOOD, "all is as it was");
	if (luck(cutting, 3) % TO_THE_END == 0)
		story_run(story, STORY_MINUTES);
	judge_money(story);
	branch_end(VERDICT_GOOD, "all is well");
}

static void at_operation(enum operation operation, void *userdata)
{
	struct cutting *cutting = userdata;
	char name[64];

	cutting->point++;
	cutting->commits = cutting->story->site->building.commits;
	/* A platter that was judged in this very moment of the story is not judged again: where all since the
	 * last sync is lost it is the same at each operation until the next; where all is kept, a sync adds
	 * nothing to the write before it. Of the two ways to tear, each operation has one. */
	bool seen[TEARINGS] = {
		[TEARING_LOST] = cutting->unsynced,
		[TEARING_KEPT] = operation == OPERATION_SYNC && cutting->grown,
		[TEARING_SECTORS] = cutting->point % 2 == 0,
		[TEARING_REORDERED] = cutting->point % 2 == 1,
	};
	cutting->unsynced = operation != OPERATION_SYNC;
	cutting->grown = operation == OPERATION_WRITE || operation == OPERATION_TRUNCATE;
	for (cutting->tearing = 0; cutting->tearing < TEARINGS; cutting->tearing++) {
		bool alone = cutting->only_point == cutting->point &&
			     cutting->only_tearing == cutting->tearing;

		if (seen[cutting->tearing] && !alone)
			continue;
		if (cutting->only_point != 0
			    ? !alone
			    : (cutting->point * TEARINGS + cutting->tearing) % cutting->stride != 0)
			continue;
		cutting->again = luck(cutting, 4) % AGAIN_ONE_IN == 0 ? luck(cutting, 5) % 90 + 1
								      : 0;
		(void)snprintf(name, sizeof(name), "PREPAY_CRASH_POINT=%" PRIu64 ".%u",
			       cutting->point, cutting->tearing);
		branch_run(&cutting->tally, name, !alone, power_fails, cutting);
	}
}

static struct tally_of_branches cut_everywhere(unsigned long stride, bool lie)
{
	struct story story;
	struct cutting cutting = {.story = &story, .stride = stride | 1, .lie = lie};
	const char *only = getenv("PREPAY_CRASH_POINT");

	if (only)
		(void)sscanf(only, "%" SCNu64 ".%u", &cutting.only_point, &cutting.only_tearing);
	tell_undisturbed();
	story_open(&story);
	story.site->building.commits = 0;
	world_arm(story.world, FAULT_NONE, 0, false);
	world_lie(story.world, lie);
	story_watch(&story, at_operation, &cutting);
	story_run(&story, STORY_MINUTES);
	story_watch(&story, NULL, NULL);
	/* Told twice, it is the same story. */
	assert_int_equal(story.site->building.commits, digest_count - 1);
	assert_true(raw_digest() == digests[digest_count - 1]);
	story_close(&story);
	branch_show(lie ? "a disk that lies" : "power cuts", &cutting.tally);
	return cutting.tally;
}

static void d1_a_power_cut_at_any_operation_loses_doubles_and_spoils_nothing(void **state)
{
	struct tally_of_branches tally;

	(void)state;
	tally = cut_everywhere(divisor(), false);
	printf("crash_points %" PRIu64 "\ncrash_lost %" PRIu64 "\ncrash_doubled %" PRIu64
	       "\ncrash_corrupt %" PRIu64 "\n",
	       tally.runs, tally.of[VERDICT_LOST], tally.of[VERDICT_DOUBLED],
	       tally.of[VERDICT_CORRUPT]);
	assert_true(tally.runs >= 10000 / divisor() || getenv("PREPAY_CRASH_POINT"));
	assert_int_equal(tally.of[VERDICT_GOOD], tally.runs);
}

static void a_disk_that_lies_about_its_syncs_is_found_out(void **state)
{
	struct tally_of_branches tally;

	(void)state;
	tally = cut_everywhere(divisor() > 1 ? 5 * divisor() : 37, true);
	assert_true(tally.of[VERDICT_LOST] > 0);
	assert_true(tally.of[VERDICT_CORRUPT] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d1_a_power_cut_at_any_operation_loses_doubles_and_spoils_nothing),
		cmocka_unit_test(a_disk_that_lies_about_its_syncs_is_found_out),
	};

	/* A mutex that is held while the process forks is the parent's for ever. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
