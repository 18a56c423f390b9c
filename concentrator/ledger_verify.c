/* ledger_verify.c - proves M1, M2, M3, M8 and M9 from nothing but the tables, and the file beside them.
 *
 * The work is cut into parts: what the rows beside the entries say, rows and references, the indexes of the
 * entries, and stretches of the entries (ledger_stretch.h). Two threads, each with a connection of its own, take
 * one part behind the other until none is left; a named VFS may know one thread only. Then the stretches are
 * joined in their order, the snapshot is held against what they have come to, and the indexes against the
 * entries. What is wrong with an entry goes first.
 */
#include "concentrator/ledger_verify.h"

#include "concentrator/ledger_claims.h"
#include "concentrator/ledger_index.h"
#include "concentrator/ledger_rights.h"
#include "concentrator/ledger_rows.h"
#include "concentrator/ledger_store.h"
#include "concentrator/ledger_stretch.h"
#include "concentrator/ledger_tables.h"
#include "concentrator/ledger_walk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDS         2
#define STRETCHES     16 /* of the entries there are; each keeps where all accounts and lives stand */
#define STRETCH_LEAST 1024
#define STRETCHES_MAX (STRETCHES + 2) /* cut at the snapshot, and what is added meanwhile */
/* Parts beside the stretches; the first are the indexes. */
#define PART_RIGHTS LEDGER_INDEXES
#define PART_ROWS   (PART_RIGHTS + 1)
#define PART_TABLES (PART_ROWS + 1)
#define PARTS       (PART_TABLES + 1)

struct finding {
	struct ledger_verdict verdict;
	int error;
};

struct proof {
	int64_t until; /* the last entry when it began: up to it the indexes are compared */
	struct ledger_snapshot *snapshot;
	struct finding findings[PARTS];
	struct index_sum indexes[LEDGER_INDEXES];
	struct stretch stretches[STRETCHES_MAX];
	size_t stretch_count;
	atomic_size_t next; /* the part to be taken; stretches are behind the others */
	atomic_size_t last; /* the last stretch that is wanted: behind a wrong one none is */
};

struct hand {
	struct walk walk;
	struct proof *proof;
	pthread_t thread;
};

static int check(struct walk *walk, struct proof *proof, size_t part)
{
	switch (part) {
	case PART_RIGHTS:
		return rights_check(walk);
	case PART_ROWS:
		return rows_check(walk);
	case PART_TABLES:
		return tables_check(walk);
	default:
		return index_walk(walk, (int)part, proof->until, &proof->indexes[part]);
	}
}

static void take_part(struct hand *hand, size_t part)
{
	struct finding *finding = &hand->proof->findings[part];

	finding->verdict.ok = true;
	hand->walk.verdict = &finding->verdict;
	finding->error = walk_judge(&hand->walk, check(&hand->walk, hand->proof, part));
}

static void take_stretch(struct hand *hand, size_t number)
{
	struct proof *proof = hand->proof;
	struct stretch *stretch = &proof->stretches[number];
	size_t last = atomic_load(&proof->last);

	if (number > last)
		return;
	stretch->error = walk_judge(&hand->walk, stretch_walk(&hand->walk, stretch));
	while ((stretch->error < 0 || !stretch->verdict.ok) && number < last &&
	       !atomic_compare_exchange_weak(&proof->last, &last, number)) {
	}
}

static void *work(void *userdata)
{
	struct hand *hand = userdata;
	struct proof *proof = hand->proof;
	size_t part;

	while ((part = atomic_fetch_add(&proof->next, 1)) < PARTS + proof->stretch_count)
		if (part < PARTS)
			take_part(hand, part);
		else
			take_stretch(hand, part - PARTS);
	return NULL;
}

static void add_stretch(struct proof *proof, int64_t *after, int64_t through)
{
	struct stretch *stretch = &proof->stretches[proof->stretch_count++];

	stretch_init(stretch, *after, false);
	stretch->through = *after = through;
	stretch->indexed = through <= proof->until;
}

/* Even stretches, one of them ending with the snapshot, and one without an end. */
static void cut(struct proof *proof, const uint8_t genesis[static 32])
{
	int64_t snapshot = proof->snapshot ? proof->snapshot->seq : 0, after = 0;
	int64_t step = proof->until / STRETCHES + 1;

	if (step < STRETCH_LEAST)
		step = STRETCH_LEAST;
	while (after < proof->until) {
		int64_t through = after + step < proof->until ? after + step : proof->until;

		if (snapshot > after && snapshot < through)
			through = snapshot;
		add_stretch(proof, &after, through);
	}
	/* A younger one was taken since the last entry was asked for. */
	if (snapshot > after)
		add_stretch(proof, &after, snapshot);
	add_stretch(proof, &after, INT64_MAX);
	memcpy(proof->stretches[0].start, genesis, sizeof(proof->stretches[0].start));
	atomic_store(&proof->last, proof->stretch_count);
}

/* Each stretch behind the one before it, and the snapshot where it stands. */
static int join_all(struct walk *walk, const struct proof *proof, struct stretch *all)
{
	int error = 0;

	walk->verdict = &all->verdict;
	for (size_t i = 0; error == 0 && all->verdict.ok && i < proof->stretch_count; i++) {
		if (proof->snapshot && proof->snapshot->seq == proof->stretches[i].after)
			error = claims_prove(walk, all, proof->snapshot);
		if (error == 0 && all->verdict.ok)
			error = stretch_join(walk, all, &proof->stretches[i]);
	}
	return walk_judge(walk, error);
}

/* What is wrong with what is beside the entries. References go first: more is wrong where they are. */
static int join_rest(struct walk *walk, const struct proof *proof, struct stretch *all)
{
	int error = 0;

	for (size_t i = PARTS; error == 0 && all->verdict.ok && i-- > 0;) {
		const struct finding *finding = &proof->findings[i];

		error = finding->error;
		if (error == 0 && !finding->verdict.ok)
			error = walk_bad(walk, finding->verdict.first_bad, "%s",
					 finding->verdict.detail);
	}
	if (error == 0 && all->verdict.ok)
		(void)indexes_agree(walk, all->indexes, proof->indexes);
	return error;
}

static int begin(struct walk *walk, struct proof *proof, struct stretch *all)
{
	int error = walk_integer(walk, "SELECT coalesce(max(seq), 0) FROM entry", &proof->until);

	if (error == 0)
		error = claims_genesis(walk, all->start);
	if (error == 0 && all->verdict.ok)
		error = claims_snapshot(walk, &proof->snapshot);
	memcpy(all->verdict.head, all->start, sizeof(all->start));
	return walk_judge(walk, error);
}

static void walk_all(struct hand hands[static HANDS], struct proof *proof, bool threads)
{
	bool beside;

	hands[1].proof = hands[0].proof = proof;
	beside = threads && pthread_create(&hands[1].thread, NULL, work, &hands[1]) == 0;
	(void)work(&hands[0]);
	if (beside)
		(void)pthread_join(hands[1].thread, NULL);
}

static int prove(struct hand hands[static HANDS], const char *path, const char *vfs,
		 struct proof *proof, struct stretch *all)
{
	struct walk *walk = &hands[0].walk;
	int error = 0;

	for (size_t i = 0; error == 0 && i < HANDS; i++) {
		hands[i].walk.verdict = &all->verdict;
		error = walk_judge(&hands[i].walk, walk_open(&hands[i].walk, path, vfs));
	}
	if (error == 0 && all->verdict.ok)
		error = begin(walk, proof, all);
	if (error < 0 || !all->verdict.ok)
		return error;
	cut(proof, all->start);
	walk_all(hands, proof, vfs == NULL);
	error = join_all(walk, proof, all);
	if (error == 0 && all->verdict.ok)
		error = join_rest(walk, proof, all);
	all->verdict.balance_nano = all->totals.balance_nano;
	return error;
}

int ledger_verify(const char *path, const char *vfs, atomic_ullong *progress,
		  const atomic_bool *cancel, struct ledger_verdict *ret)
{
	struct hand hands[HANDS] = {0};
	struct proof *proof = calloc(1, sizeof(*proof));
	struct stretch all;
	int error;

	if (!proof)
		return -ENOMEM;
	stretch_init(&all, 0, true);
	for (size_t i = 0; i < HANDS; i++) {
		hands[i].walk.progress = progress;
		hands[i].walk.cancel = cancel;
	}
	error = prove(hands, path, vfs, proof, &all);
	for (size_t i = 0; i < HANDS; i++)
		walk_close(&hands[i].walk);
	for (size_t i = 0; i < proof->stretch_count; i++)
		stretch_clear(&proof->stretches[i]);
	stretch_clear(&all);
	free(proof->snapshot);
	free(proof);
	if (error == 0)
		*ret = all.verdict;
	return error;
}

int ledger_backup(const char *path, const char *vfs, const char *file, atomic_ullong *progress,
		  const atomic_bool *cancel, struct ledger_copy *ret)
{
	struct walk walk = {.progress = progress, .cancel = cancel};
	int error;

	if (vfs)
		return -EOPNOTSUPP;
	if (access(file, F_OK) == 0) {
		error = backup_renew(path, file, walk_tick, &walk);
		return error < 0 ? error : backup_seal(file, ret);
	}
	error = store_open_reading(&walk.db, path, NULL);
	if (error < 0)
		return error;
	sqlite3_progress_handler(walk.db, 4096, walk_tick, &walk);
	error = backup_write(walk.db, file, false, ret);
	(void)sqlite3_close(walk.db);
	return error;
}
