/* Orders in a storm: each gives money once, and none is lost (M3, M4, U2, U3).
 *
 * The real station and ledger on a disk in memory whose power fails. A simulated cloud delivers what it
 * signed again and again, in and out of order, changed and forged, in batches; between them the power
 * is cut inside a commit, the daemon is killed, an older copy of the ledger is put back, or the card is lost
 * and a ledger made from the last checkpoint; then a new epoch begins and everything is sent again. Every answer is held against what the cloud expects, and after each mishap every entry
 * and every balance. Prints replay_deliveries, replay_doubled, replay_lost for the bench.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_key.h"
#include "concentrator/ledger_restore.h"
#include "concentrator/ledger_room.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_checkpoint.h"
#include "concentrator/station_epoch.h"
#include "concentrator/station_load.h"
#include "concentrator/station_order.h"
#include "concentrator/station_state.h"
#include "tests/fault/checkpoint_feed.h"
#include "tests/fault/crash_vfs.h"
#include "tests/fault/order_feed.h"

#define SEED       20261122
#define WORLDS     40
#define DELIVERIES 25000 /* in a world */
#define BATCH_MAX  160
#define NOW_S      INT64_C(1767225600)

static struct {
	long deliveries;
	long doubled;
	long lost;
	long cuts;
	long copies;   /* put back */
	long restores; /* from a checkpoint */
} figures;

struct box {
	struct random random;
	struct feed feed;
	struct config config;
	struct world *world;
	struct ledger *ledger;
	struct station *station;
	struct instant now;
	int64_t accounts[FEED_ROOMS];
	struct feed_known known; /* what the committed batches came to */
	long batch;              /* of the last batch sent; the cursor names it */
	sqlite3 *copy;           /* an older ledger, in memory */
	struct feed_known copy_known;
	bool carried
		[FEED_ORDERS]; /* applied before a restore: in the opening balance, without an entry */
	bool copy_carried[FEED_ORDERS];
	struct checkpoint_feed cloud;
	struct feed_known told_known; /* what the last checkpoint came to */
};

/* Takes the place of platform/journal.c: a million orders are a million lines. */
void journal_log(int priority, const char *message_id, const struct journal_field *fields,
		 const char *format, ...)
{
	va_list args;
	(void)message_id;
	(void)fields;
	if (priority > LOG_CRIT)
		return;
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
}

static int no_submit(void *userdata, size_t line, const struct line_job *job)
{
	(void)userdata;
	(void)line;
	(void)job;
	return -EBUSY;
}

static int no_recall(void *userdata, size_t line, struct line_job *ret)
{
	(void)userdata;
	(void)line;
	(void)ret;
	return -ENOENT;
}

static void tell_time(void *userdata, struct instant *ret)
{
	*ret = ((struct box *)userdata)->now;
}

static void box_start(struct box *box)
{
	const struct ledger_settings settings = {
		.path = "/ledger.db", .vfs = "crash", .site = "S-1", .now_s = NOW_S};
	struct station_settings station = {
		.config = &box->config,
		.zone = {.count = 1, .transition = {{.from_s = 0, .offset_s = 28800}}},
		.ports = {.submit = no_submit, .recall = no_recall, .now = tell_time},
		.userdata = box,
		.seed = 1,
		.version = "test",
		.boot = "0123456789abcdef0123456789abcdef",
	};
	struct ledger_failure failure;
	char error[STATION_ERROR_SIZE];
	if (ledger_open(&box->ledger, &settings, &failure) < 0)
		fail_msg("%s", failure.text);
	station.ledger = box->ledger;
	if (station_open(&box->station, &station, &box->now, error) < 0)
		fail_msg("%s", error);
}

static void box_stop(struct box *box)
{
	box->station = station_close(box->station);
	box->ledger = ledger_close(box->ledger);
}

static void commission(struct box *box)
{
	struct ledger_key keys[2] = {{.kid = "pay-1", .use = "credit", .to_s = INT64_MAX},
				     {.kid = "pay-2", .use = "credit", .to_s = INT64_MAX}};
	size_t size = sizeof(keys[0].public_key);
	assert_int_equal(ledger_begin(box->ledger), 0);
	for (int i = 0; i < FEED_ROOMS; i++) {
		struct ledger_room room = {.opened_s = NOW_S};
		char name[FEED_NAME_SIZE], tenancy[FEED_NAME_SIZE];
		feed_room_name(i, name);
		feed_tenancy_name(i, tenancy);
		memcpy(room.name, name, sizeof(name));
		memcpy(room.tenancy, tenancy, sizeof(tenancy));
		assert_int_equal(ledger_room_add(box->ledger, &room), 0);
		box->accounts[i] = room.account_id;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			EVP_PKEY_get_raw_public_key(box->feed.keys[i], keys[i].public_key, &size),
			1);
	assert_int_equal(ledger_keyset_replace(box->ledger, 1, keys, 2, NOW_S), 0);
	assert_int_equal(ledger_commit(box->ledger), 0);
	assert_int_equal(station_load(box->station), 0);
}

/* How often each order is in the accounts. */
struct tally_of_entries {
	struct box *box;
	int times[FEED_ORDERS];
};

static int count_entry(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct tally_of_entries *tally = userdata;
	size_t order;
	(void)balance_nano;
	if (entry->kind != ENTRY_RECHARGE && entry->kind != ENTRY_REVERSAL)
		return 0;
	assert_int_equal(sscanf(entry->order, "r-%zu", &order), 1);
	assert_true(order < FEED_ORDERS);
	tally->times[order]++;
	assert_int_equal(entry->amount_nano, tally->box->feed.orders[order].amount_nano);
	return 0;
}

/* Every entry and every balance against what the cloud knows. */
static void check_money(struct box *box)
{
	struct tally_of_entries tally = {.box = box};
	int64_t due_nano[FEED_ROOMS] = {0};
	assert_int_equal(ledger_entries_tail(box->ledger, 0, 0, INT32_MAX, count_entry, &tally), 0);
	for (size_t order = 0; order < FEED_ORDERS; order++) {
		int applied = box->known.fates[order].applied;
		int wanted = applied && !box->carried[order];
		figures.doubled += tally.times[order] > wanted;
		figures.lost += tally.times[order] < wanted;
		if (applied)
			due_nano[box->feed.orders[order].room] +=
				box->feed.orders[order].amount_nano;
	}
	for (int i = 0; i < FEED_ROOMS; i++) {
		int64_t balance_nano;
		assert_int_equal(ledger_balance_nano(box->ledger, box->accounts[i], &balance_nano),
				 0);
		figures.doubled += balance_nano > due_nano[i];
		figures.lost += balance_nano < due_nano[i];
	}
	assert_int_equal(figures.doubled, 0);
	assert_int_equal(figures.lost, 0);
}

struct batch {
	size_t count;
	size_t orders[BATCH_MAX];
	enum feed_variant variants[BATCH_MAX];
};

/* The answers, and an alarm for each thing that was refused: those of the last batch all stand. */
static void check_answers(struct box *box, const struct batch *batch, const json_t *results)
{
	for (size_t i = 0; i < batch->count; i++) {
		const char *mrid = box->feed.orders[batch->orders[i]].mrid;
		const char *result = json_string_value(
			json_object_get(json_array_get(results, i), "result"));
		struct feed_answer wanted = feed_expect(&box->feed, &box->known, batch->orders[i],
							batch->variants[i]);
		if (strcmp(result, wanted.result) != 0)
			fail_msg("%s, variant %d: %s instead of %s", mrid, (int)batch->variants[i],
				 result, wanted.result);
		if (wanted.alarm != ALARM_KIND_COUNT &&
		    alarms_find(&box->station->alarms, wanted.alarm, mrid) == NULL)
			fail_msg("%s, variant %d: refused without alarm %s", mrid,
				 (int)batch->variants[i], alarm_kind_name(wanted.alarm));
	}
	figures.deliveries += (long)batch->count;
}

/* Sends a batch as the messenger does: with a cursor. false: the disk died in it. */
static bool deliver(struct box *box, const struct batch *batch)
{
	json_t *items = json_array(), *results = NULL;
	char cursor[32];
	for (size_t i = 0; i < batch->count; i++)
		json_array_append(items,
				  box->feed.orders[batch->orders[i]].items[batch->variants[i]]);
	snprintf(cursor, sizeof(cursor), "%ld", ++box->batch);
	box->now.us += 1000000;
	box->station->now = box->now;
	int r = station_deliver(box->station, items, cursor, &results);
	if (r == 0)
		check_answers(box, batch, results);
	json_decref(items);
	json_decref(results);
	return r == 0;
}

static size_t some(struct box *box, size_t below)
{
	return (size_t)random_between(&box->random, 0, (int64_t)below - 1);
}

static void batch_add(struct box *box, struct batch *batch, size_t order, enum feed_variant variant)
{
	struct feed_known *known = &box->known;
	if (!feed_may(known, order, variant))
		variant = FEED_GENUINE;
	batch->orders[batch->count] = order;
	batch->variants[batch->count++] = variant;
}

/* Eleven in twelve are as signed by a key of the box. */
static enum feed_variant some_variant(struct box *box)
{
	size_t dice = some(box, 36);
	return dice < 3 ? (enum feed_variant)(FEED_BAD_SIGNATURE + (int)dice)
			: (enum feed_variant)(dice % 2);
}

/* A stretch of the feed forward or backward, or anything; of the orders that the cloud has by then. */
static void batch_make(struct box *box, struct batch *batch, size_t there)
{
	size_t count = 1 + some(box, BATCH_MAX), how = some(box, 4), from = some(box, there);
	batch->count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t order = how == 0   ? (from + i) % there
			       : how == 1 ? (from + there - i % there) % there
					  : some(box, there);
		batch_add(box, batch, order, some_variant(box));
	}
}

/* After a mishap: the cursor says whether the last batch is in the ledger; all of it, or nothing. */
static void look_again(struct box *box, const struct batch *batch)
{
	char cursor[32] = "0";
	box_start(box);
	int r = ledger_cursor_get(box->ledger, "feed", cursor, sizeof(cursor));
	assert_true(r == 0 || r == -ENODATA);
	if (batch != NULL && strtol(cursor, NULL, 10) == box->batch)
		for (size_t i = 0; i < batch->count; i++)
			(void)feed_expect(&box->feed, &box->known, batch->orders[i],
					  batch->variants[i]);
	check_money(box);
}

/* The disk may die in it, or just behind its commit. */
static void send(struct box *box, const struct batch *batch)
{
	bool answered = deliver(box, batch);
	if (!world_struck(box->world)) {
		assert_true(answered);
		return;
	}
	figures.cuts++;
	box_stop(box);
	world_power_on(box->world);
	world_arm(box->world, FAULT_NONE, 0, false);
	look_again(box, answered ? NULL : batch);
}

/* Copies a whole database between the disk of the world and memory. */
static void copy_ledger(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	assert_non_null(backup);
	assert_int_equal(sqlite3_backup_step(backup, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(backup), SQLITE_OK);
}

static sqlite3 *open_file(void)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2("/ledger.db", &db,
					 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "crash"),
			 SQLITE_OK);
	return db;
}

static void take_copy(struct box *box)
{
	box_stop(box);
	sqlite3 *file = open_file();
	(void)sqlite3_close(box->copy);
	assert_int_equal(sqlite3_open(":memory:", &box->copy), SQLITE_OK);
	copy_ledger(box->copy, file);
	assert_int_equal(sqlite3_close(file), SQLITE_OK);
	box->copy_known = box->known;
	memcpy(box->copy_carried, box->carried, sizeof(box->carried));
	look_again(box, NULL);
}

/* Everything that the cloud ever sent, as it does for a cursor that it does not know. */
static void replay_all(struct box *box, size_t there)
{
	struct batch batch = {0};
	for (size_t order = 0; order < there; order++) {
		batch_add(box, &batch, order, FEED_GENUINE);
		if (batch.count == BATCH_MAX || order + 1 == there) {
			send(box, &batch);
			batch.count = 0;
		}
	}
}

/* The messenger's first words: what the cloud has of the box. An older ledger goes on in another epoch. */
static void say_hello(struct box *box)
{
	struct ledger_outbox outbox;
	assert_int_equal(ledger_outbox_get(box->ledger, &outbox), 0);
	bool older = outbox.epoch < box->cloud.epoch || outbox.last < box->cloud.through;
	box->station->now = box->now;
	assert_int_equal(station_epoch_known(box->station, box->cloud.epoch, box->cloud.through),
			 older && box->cloud.epoch >= outbox.epoch);
	assert_int_equal(ledger_outbox_get(box->ledger, &outbox), 0);
	assert_true(outbox.epoch >= box->cloud.epoch);
	checkpoint_feed_listen(&box->cloud, box->ledger);
}

/* An empty card, and on it what db holds. */
static void put_card(struct box *box, sqlite3 *db)
{
	box->world = world_close(box->world);
	box->world = world_open((uint64_t)random_next(&box->random));
	sqlite3 *file = open_file();
	copy_ledger(file, db);
	assert_int_equal(sqlite3_close(file), SQLITE_OK);
	look_again(box, NULL);
	say_hello(box);
}

/* The card is lost; another one with the older copy takes its place. */
static void put_copy_back(struct box *box, size_t there)
{
	if (box->copy == NULL)
		return;
	figures.copies++;
	checkpoint_feed_listen(&box->cloud, box->ledger);
	box_stop(box);
	box->known = box->copy_known;
	memcpy(box->carried, box->copy_carried, sizeof(box->carried));
	put_card(box, box->copy);
	replay_all(box, there);
	check_money(box);
}

static void tell_checkpoint(struct box *box)
{
	struct ledger_checkpoint_told told;
	box->station->now = box->now;
	assert_int_equal(station_checkpoint_take(box->station, &told), 0);
	checkpoint_feed_listen(&box->cloud, box->ledger);
	box->told_known = box->known;
	/* Attempts that proved nothing are no part of it: they are told again. */
	for (size_t order = 0; order < FEED_ORDERS; order++)
		box->told_known.fates[order].refused = 0;
}

/* The ledger that a restore makes of the checkpoint, in memory. */
static sqlite3 *restore(struct box *box)
{
	char folder[] = "/tmp/order-storm-XXXXXX", path[64], made[96];
	struct ledger_restored restored;
	struct ledger_failure failure;
	sqlite3 *file, *db;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	snprintf(made, sizeof(made), "%s.restored", path);
	const struct ledger_restore wish = {.path = path,
					    .site = "S-1",
					    .now_s = box->now.s,
					    .trusted = true,
					    .now_us = box->now.us,
					    .boot = "0123456789abcdef0123456789abcdef",
					    .who = "root",
					    .why = "the card is lost",
					    .epoch = box->cloud.epoch + 1};
	if (ledger_restore_checkpoint(&wish, box->cloud.head, box->cloud.sections, &restored,
				      &failure) < 0)
		fail_msg("%s", failure.text);
	assert_true(restored.epoch > box->cloud.epoch);
	assert_int_equal(sqlite3_open_v2(made, &file, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	copy_ledger(db, file);
	assert_int_equal(sqlite3_close(file), SQLITE_OK);
	assert_int_equal(unlink(made), 0);
	assert_int_equal(rmdir(folder), 0);
	return db;
}

/* The card is lost, and there is no copy: the cloud has the last checkpoint. */
static void lose_card(struct box *box, size_t there)
{
	if (box->cloud.head == NULL)
		return;
	figures.restores++;
	checkpoint_feed_listen(&box->cloud, box->ledger);
	sqlite3 *db = restore(box);
	box_stop(box);
	box->known = box->told_known;
	for (size_t order = 0; order < FEED_ORDERS; order++)
		box->carried[order] = box->known.fates[order].applied;
	put_card(box, db);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	replay_all(box, there);
	check_money(box);
}

static void disturb(struct box *box, size_t there)
{
	size_t dice = some(box, 100);
	if (dice < 3) {
		world_arm(box->world, FAULT_POWER, 1 + some(box, 80), false);
		return;
	}
	if (dice >= 8)
		return;
	world_arm(box->world, FAULT_NONE, 0, false);
	if (dice == 3) {
		box_stop(box);
		look_again(box, NULL);
	} else if (dice == 4) {
		take_copy(box);
	} else if (dice == 5) {
		put_copy_back(box, there);
	} else if (dice == 6) {
		tell_checkpoint(box);
	} else {
		lose_card(box, there);
	}
}

/* At the end every credit that was ever signed for a room is in its account. */
static void check_whole(struct box *box)
{
	replay_all(box, FEED_ORDERS);
	check_money(box);
	for (size_t order = 0; order < FEED_ORDERS; order++)
		if (box->feed.orders[order].kind == FEED_CREDIT)
			figures.lost += !box->known.fates[order].applied;
	struct feed_known before = box->known;
	long refusals = 0;
	replay_all(box, FEED_ORDERS);
	for (size_t order = 0; order < FEED_ORDERS; order++)
		refusals += before.fates[order].applied != box->known.fates[order].applied;
	assert_int_equal(refusals, 0);
	check_money(box);
}

static void live(struct box *box, long deliveries)
{
	long end = figures.deliveries + deliveries;
	struct batch batch;
	while (figures.deliveries < end) {
		long done = deliveries - (end - figures.deliveries);
		size_t there = 8 + (size_t)((FEED_ORDERS - 8) * done / deliveries);
		disturb(box, there);
		batch_make(box, &batch, there);
		send(box, &batch);
	}
	world_arm(box->world, FAULT_NONE, 0, false);
	check_whole(box);
}

static void every_order_gives_money_once_and_none_is_lost(void **state)
{
	struct random random = random_start("orders", SEED);
	long worlds = random_rounds(WORLDS);
	(void)state;
	for (long i = 0; i < worlds; i++) {
		struct box *box = calloc(1, sizeof(*box));
		assert_non_null(box);
		box->random = (struct random){.state = random_next(&random)};
		box->now = (struct instant){.us = 1000000, .s = NOW_S, .trusted = true};
		snprintf(box->config.site.id, sizeof(box->config.site.id), "S-1");
		box->config.site.currency = 156;
		box->config.site.minor_digits = 2;
		feed_open(&box->feed, &box->random);
		box->world = world_open(random_next(&box->random));
		box_start(box);
		commission(box);
		live(box, DELIVERIES);
		box_stop(box);
		(void)world_close(box->world);
		(void)sqlite3_close(box->copy);
		checkpoint_feed_close(&box->cloud);
		feed_close(&box->feed);
		free(box);
	}
	printf("replay_deliveries %ld\nreplay_doubled %ld\nreplay_lost %ld\n", figures.deliveries,
	       figures.doubled, figures.lost);
	printf("power cuts %ld, copies put back %ld, restores from a checkpoint %ld\n",
	       figures.cuts, figures.copies, figures.restores);
	assert_int_equal(figures.doubled, 0);
	assert_int_equal(figures.lost, 0);
	assert_in_range(figures.cuts, worlds, LONG_MAX);
	assert_in_range(figures.copies, 1, LONG_MAX);
	assert_in_range(figures.restores, 1, LONG_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_gives_money_once_and_none_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
