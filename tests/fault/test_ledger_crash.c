/* The ledger on a disk that fails at every operation (D1, M3, M4).
 *
 * A building lives through a fixed scenario of commissioning, recharges, charges, replays and
 * acknowledgements; every step is one transaction that also moves the feed cursor, so a state of the
 * ledger names the step it is at. An undisturbed run says what the ledger must be after each step. Then
 * the same scenario runs once for every operation of the disk with a fault at it. What was
 * acknowledged must be there, at most the step in flight more, never a part of one, and going on from
 * there must end where the undisturbed run ended.
 */
#include "concentrator/ledger.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_order.h"
#include "concentrator/ledger_room.h"
#include "concentrator/ledger_supply.h"
#include "concentrator/ledger_verify.h"
#include "tests/fault/crash_vfs.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define STEPS     40
#define ROOMS     4
#define NOW_S     INT64_C(1767225600)
#define SEED      UINT64_C(20260101)
#define REOPEN_AT 23 /* before this step the ledger is closed and opened again */
#define STRIDE    5  /* one operation in so many: test_station_crash.c takes them all */

/* All that the scenario may change, comparable by memcmp. */
struct state {
	int64_t feed;
	uint8_t head[32];
	struct ledger_totals totals;
	int64_t last_event;
	int64_t through;
	int64_t waiting;
	int64_t commanded;
	int64_t orders_nano;
};

struct outcome {
	uint64_t runs;
	uint64_t lost;    /* an acknowledged step is not there */
	uint64_t doubled; /* more is there than was ever begun, or an order counts twice */
	uint64_t corrupt; /* not a state of the scenario, not openable, or verify objects */
	uint64_t wrong;   /* a balance was answered that is no state's */
};

static struct state expected[STEPS + 1];

static unsigned long divisor(void)
{
	const char *text = getenv("PREPAY_TEST_DIVISOR");
	unsigned long value = text ? strtoul(text, NULL, 10) : 1;

	return value > 0 ? value : 1;
}

static int open_ledger(struct ledger **ret)
{
	const struct ledger_settings settings = {
		.path = "/ledger.db", .vfs = "crash", .site = "S-0001", .now_s = NOW_S};
	struct ledger_failure failure;

	return ledger_open(ret, &settings, &failure);
}

static int last_relay(const struct ledger_relay *relay, void *userdata)
{
	((struct state *)userdata)->commanded += relay->commanded;
	return 0;
}

static int read_state(struct ledger *ledger, struct state *ret)
{
	struct ledger_outbox outbox;
	struct ledger_meta meta;
	char feed[16] = "0";
	int error;

	memset(ret, 0, sizeof(*ret));
	error = ledger_cursor_get(ledger, "feed", feed, sizeof(feed));
	if (error < 0 && error != -ENODATA)
		return error;
	ret->feed = strtol(feed, NULL, 10);
	ledger_meta_get(ledger, &meta);
	memcpy(ret->head, meta.head, sizeof(ret->head));
	error = ledger_totals_get(ledger, 0, &ret->totals);
	if (error == 0)
		error = ledger_outbox_get(ledger, &outbox);
	if (error < 0)
		return error;
	ret->last_event = outbox.last;
	ret->through = outbox.through;
	for (int lane = 0; lane < LEDGER_LANES; lane++)
		ret->waiting += outbox.waiting[lane];
	error = ledger_relays_each(ledger, last_relay, ret);
	return error < 0 ? error : ledger_orders_day_sum(ledger, 0, 20260101, &ret->orders_nano);
}

/* Account, point and life ids are 1..ROOMS in the order of commissioning. */
static int commission(struct ledger *ledger, int number)
{
	struct ledger_room room = {.opened_s = NOW_S};
	struct ledger_supply supply = {
		.circuit = "sockets",
		.has_point = true,
		.point = {.line = "A", .address = number, .channel = 1, .model = "m"},
		.may_cut = true,
		.cut_order = 1,
		.breaker_a = 16};
	struct ledger_life life = {.first_wh = 1000 * number, .started_s = NOW_S};
	int error;

	(void)snprintf(room.name, sizeof(room.name), "%d", 300 + number);
	error = ledger_room_add(ledger, &room);
	supply.room_id = room.id;
	if (error == 0)
		error = ledger_supply_add(ledger, &supply);
	life.point_id = supply.point_id;
	return error < 0 ? error : ledger_life_begin(ledger, &life);
}

static int keep_settled(const struct ledger_life *life, void *userdata)
{
	if (life->id <= ROOMS)
		((int64_t *)userdata)[life->id - 1] = life->settled_wh;
	return 0;
}

static int settle_all(struct ledger *ledger, int step)
{
	int64_t settled_wh[ROOMS] = {0};
	int error = ledger_lives_each(ledger, false, keep_settled, settled_wh);

	for (int64_t id = 1; error == 0 && id <= ROOMS; id++) {
		struct entry entry = {
			.kind = ENTRY_CHARGE,
			.account_id = id,
			.point_id = id,
			.life_id = id,
			.at_s = NOW_S + step,
			.at_trusted = true,
			.energy_wh = 10 * step + id,
			.from_wh = settled_wh[id - 1],
			.to_wh = settled_wh[id - 1] + 10 * step + id,
			.price_micro_per_kwh = 538000,
			.amount_nano = -538000 * (10 * step + id),
			.who = "settle",
		};

		error = ledger_entry_append(ledger, &entry);
	}
	return error;
}

/* Takes the order unless it is known; what is known is answered as a duplicate. */
static int take_order(struct ledger *ledger, int number)
{
	char text[32];
	struct ledger_order order = {.type = "CreditRegister",
				     .kid = "k1",
				     .result = "applied",
				     .day = 20260101,
				     .receipt = "{}"};
	struct entry entry = {
		.kind = ENTRY_RECHARGE, .at_s = NOW_S + number, .at_trusted = true, .who = "cloud"};
	int error;

	(void)snprintf(text, sizeof(text), "payload of %d", number);
	(void)snprintf(order.mrid, sizeof(order.mrid), "O-%d", number);
	(void)snprintf(entry.order, sizeof(entry.order), "O-%d", number);
	order.payload = text;
	order.payload_size = strlen(text);
	error = ledger_order_check(ledger, order.mrid, order.type, text, order.payload_size);
	if (error != 0)
		return error;
	order.account_id = entry.account_id = number % ROOMS + 1;
	order.amount_nano = entry.amount_nano = INT64_C(1000000000) * number;
	error = ledger_entry_append(ledger, &entry);
	order.entry_seq = entry.seq;
	if (error == 0)
		error = ledger_order_put(ledger, &order);
	return error < 0 ? error
			 : ledger_event_put(ledger, 0, "receipt", NOW_S + number, true, "{}", NULL);
}

static int step_rows(struct ledger *ledger, int step)
{
	struct ledger_relay relay = {.supply_id = 1, .at_s = NOW_S, .commanded = step % 2 + 1};
	struct ledger_outbox outbox;
	int error;

	if (step <= ROOMS)
		return commission(ledger, step);
	switch (step % 5) {
	case 0:
		return settle_all(ledger, step);
	case 1:
		error = take_order(ledger, step - 5);
		return error == -EEXIST ? 0 : error;
	case 2:
		return ledger_relay_set(ledger, &relay);
	case 3:
		error = ledger_outbox_get(ledger, &outbox);
		return error < 0 ? error
				 : ledger_outbox_acknowledge(ledger, outbox.epoch, outbox.last);
	default:
		return take_order(ledger, step);
	}
}

/* 0: acknowledged. */
static int run_step(struct ledger *ledger, int step)
{
	char feed[16];
	int error = ledger_begin(ledger);

	if (error < 0)
		return error;
	error = step_rows(ledger, step);
	(void)snprintf(feed, sizeof(feed), "%d", step);
	if (error == 0)
		error = ledger_cursor_set(ledger, "feed", feed);
	if (error == 0)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return error;
}

/* Runs from *done on, until an error; keeps *ledger NULL where it is closed. */
static int run_scenario(struct ledger **ledger, int *done)
{
	int error = *ledger ? 0 : open_ledger(ledger);

	while (error == 0 && *done < STEPS) {
		if (*done + 1 == REOPEN_AT) {
			*ledger = ledger_close(*ledger);
			error = open_ledger(ledger);
		}
		if (error == 0)
			error = run_step(*ledger, *done + 1);
		if (error == 0)
			++*done;
	}
	return error;
}

/* Where is the ledger? -1: in no state of the scenario. */
static int locate(struct ledger *ledger)
{
	struct ledger_failure failure;
	struct ledger_verdict verdict;
	struct state state;

	if (ledger_check(ledger, &failure) < 0 || read_state(ledger, &state) < 0)
		return -1;
	if (ledger_verify("/ledger.db", "crash", NULL, NULL, &verdict) < 0 || !verdict.ok)
		return -1;
	if (state.feed < 0 || state.feed > STEPS ||
	    memcmp(&state, &expected[state.feed], sizeof(state)) != 0)
		return -1;
	return (int)state.feed;
}

/* A full replay of every order the scenario ever took changes nothing (U3). */
static bool replay_changes_something(struct ledger *ledger)
{
	struct state before, after;

	if (read_state(ledger, &before) < 0 || ledger_begin(ledger) < 0)
		return true;
	for (int step = ROOMS + 1; step <= STEPS; step++)
		if (step % 5 == 4 && take_order(ledger, step) != -EEXIST) {
			ledger_rollback(ledger);
			return true;
		}
	return ledger_commit(ledger) < 0 || read_state(ledger, &after) < 0 ||
	       memcmp(&before, &after, sizeof(before)) != 0;
}

static void judge(struct outcome *outcome, struct ledger **ledger, int done)
{
	int at = locate(*ledger);

	if (at < 0)
		outcome->corrupt++;
	else if (at < done)
		outcome->lost++;
	else if (at > done + 1)
		outcome->doubled++;
	if (at < 0)
		return;
	done = at;
	if (run_scenario(ledger, &done) < 0 || locate(*ledger) != STEPS)
		outcome->corrupt++;
	else if (replay_changes_something(*ledger))
		outcome->doubled++;
}

static uint64_t undisturbed(bool count_reads)
{
	struct world *world = world_open(SEED);
	struct ledger *ledger = NULL;
	uint64_t operations;
	int done = 0;

	assert_int_equal(open_ledger(&ledger), 0);
	assert_int_equal(read_state(ledger, &expected[0]), 0);
	for (int step = 1; step <= STEPS; step++) {
		assert_int_equal(run_step(ledger, step), 0);
		assert_int_equal(read_state(ledger, &expected[step]), 0);
		assert_int_equal(expected[step].feed, step);
	}
	assert_true(expected[STEPS].totals.charged_wh > 0);
	assert_true(expected[STEPS].totals.balance_nano > 0);
	ledger = ledger_close(ledger);
	world = world_close(world);

	/* Once more as the runs below do it, to count its operations. */
	world = world_open(SEED);
	world_arm(world, FAULT_NONE, 0, count_reads);
	assert_int_equal(run_scenario(&ledger, &done), 0);
	ledger = ledger_close(ledger);
	operations = world_operations(world);
	assert_null(world_close(world));
	return operations;
}

static struct outcome cut_everywhere(uint64_t operations, uint64_t stride, bool lie)
{
	struct outcome outcome = {0};

	for (uint64_t n = 1; n <= operations; n += stride) {
		struct world *world = world_open(SEED + n);
		struct ledger *ledger = NULL;
		int done = 0;

		world_lie(world, lie);
		world_arm(world, FAULT_POWER, n, false);
		(void)run_scenario(&ledger, &done);
		ledger = ledger_close(ledger);
		world_power_on(world);
		/* Every other time the power fails again while the ledger recovers. */
		if (n / stride % 2 == 1) {
			world_arm(world, FAULT_POWER, n % 37 + 1, false);
			if (open_ledger(&ledger) == 0)
				ledger = ledger_close(ledger);
			world_power_on(world);
		}
		world_lie(world, false);
		outcome.runs++;
		if (open_ledger(&ledger) < 0)
			outcome.corrupt++;
		else
			judge(&outcome, &ledger, done);
		ledger = ledger_close(ledger);
		assert_null(world_close(world));
	}
	return outcome;
}

static void show(const char *what, const struct outcome *outcome)
{
	print_message("%s: %" PRIu64 " runs, %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64
		      " corrupt, %" PRIu64 " wrong balances (seed %" PRIu64 ")\n",
		      what, outcome->runs, outcome->lost, outcome->doubled, outcome->corrupt,
		      outcome->wrong, SEED);
}

static void d1_a_power_cut_at_any_operation_loses_and_doubles_nothing(void **state)
{
	struct outcome outcome;

	(void)state;
	outcome = cut_everywhere(undisturbed(false), STRIDE * divisor(), false);
	show("power cut", &outcome);
	assert_true(outcome.runs >= 100 / divisor());
	assert_int_equal(outcome.lost, 0);
	assert_int_equal(outcome.doubled, 0);
	assert_int_equal(outcome.corrupt, 0);
}

static void a_disk_that_lies_about_its_syncs_is_found_out(void **state)
{
	struct outcome outcome;

	(void)state;
	outcome = cut_everywhere(undisturbed(false), STRIDE * divisor(), true);
	show("power cut, lying disk", &outcome);
	assert_true(outcome.lost > 0);
	assert_true(outcome.corrupt > 0);
}

/* After an error: nothing but -EIO, then reopened and gone on with; the power cut at the end finds
 * what a failed sync left off the platter. */
static void recover(struct world *world, struct outcome *outcome, struct ledger **ledger, int *done)
{
	struct ledger_failure failure;
	int64_t balance_nano;
	int error = 0;

	if (*ledger && !ledger_failed(*ledger))
		outcome->corrupt++;
	if (*ledger && (ledger_balance_nano(*ledger, 1, &balance_nano) != -EIO ||
			ledger_begin(*ledger) != -EIO || ledger_failure_text(*ledger)[0] == '\0'))
		outcome->wrong++;
	/* While the disk is bad reopening may fail, and may be tried as often as one likes. */
	if (*ledger)
		error = ledger_reopen(*ledger, &failure);
	world_heal(world);
	if (*ledger && error < 0)
		error = ledger_reopen(*ledger, &failure);
	else if (!*ledger)
		error = open_ledger(ledger);
	if (error < 0) {
		outcome->corrupt++;
		return;
	}
	judge(outcome, ledger, *done);
	*done = STEPS;
}

static struct outcome fail_everywhere(enum fault fault, bool count_reads)
{
	uint64_t operations = undisturbed(count_reads);
	struct outcome outcome = {0};

	for (uint64_t n = 1; n <= operations; n += STRIDE * divisor()) {
		struct world *world = world_open(SEED + n);
		struct ledger *ledger = NULL;
		int done = 0;
		int error;

		world_arm(world, fault, n, count_reads);
		error = run_scenario(&ledger, &done);
		outcome.runs++;
		if (error < 0)
			recover(world, &outcome, &ledger, &done);
		/* Before a close could still mend it. */
		world_arm(world, FAULT_POWER, 1, false);
		ledger = ledger_close(ledger);
		world_power_on(world);
		if (open_ledger(&ledger) < 0)
			outcome.corrupt++;
		else if (locate(ledger) != STEPS)
			outcome.lost++;
		ledger = ledger_close(ledger);
		assert_null(world_close(world));
	}
	return outcome;
}

/* The commit whose sync failed is found in the log after all, moved into the file and answered: then it must
 * stay, though the log that is on the platter is older than the file. */
static void d1_a_log_whose_sync_failed_is_never_played_over_the_file_again(void **state)
{
	uint64_t operations = undisturbed(false);

	(void)state;
	for (uint64_t n = operations; n > operations - 60; n--) {
		struct world *world = world_open(SEED);
		struct ledger *ledger = NULL;
		struct ledger_failure failure;
		int done = 0, kept = STEPS;

		world_arm(world, FAULT_IO, n, false);
		if (run_scenario(&ledger, &done) < 0) {
			world_heal(world);
			assert_int_equal(
				ledger ? ledger_reopen(ledger, &failure) : open_ledger(&ledger), 0);
			kept = locate(ledger);
			assert_in_range(kept, done, done + 1);
		}
		world_arm(world, FAULT_POWER, 1, false);
		ledger = ledger_close(ledger);
		world_cut(world, TEARING_LOST);
		assert_int_equal(open_ledger(&ledger), 0);
		assert_int_equal(locate(ledger), kept);
		ledger = ledger_close(ledger);
		assert_null(world_close(world));
	}
}

static void check_failures(const char *what, enum fault fault, bool count_reads)
{
	struct outcome outcome = fail_everywhere(fault, count_reads);

	show(what, &outcome);
	assert_int_equal(outcome.lost, 0);
	assert_int_equal(outcome.doubled, 0);
	assert_int_equal(outcome.corrupt, 0);
	assert_int_equal(outcome.wrong, 0);
}

static void d1_one_io_error_anywhere_gives_no_wrong_balance_and_recovers(void **state)
{
	(void)state;
	check_failures("one I/O error, reads too", FAULT_IO_ONCE, true);
}

static void d1_a_disk_that_goes_bad_anywhere_gives_no_wrong_balance_and_recovers(void **state)
{
	(void)state;
	check_failures("bad disk", FAULT_IO, false);
}

static void d1_a_disk_that_fills_up_anywhere_gives_no_wrong_balance_and_recovers(void **state)
{
	(void)state;
	check_failures("full disk", FAULT_FULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d1_a_power_cut_at_any_operation_loses_and_doubles_nothing),
		cmocka_unit_test(a_disk_that_lies_about_its_syncs_is_found_out),
		cmocka_unit_test(d1_a_log_whose_sync_failed_is_never_played_over_the_file_again),
		cmocka_unit_test(d1_one_io_error_anywhere_gives_no_wrong_balance_and_recovers),
		cmocka_unit_test(
			d1_a_disk_that_goes_bad_anywhere_gives_no_wrong_balance_and_recovers),
		cmocka_unit_test(
			d1_a_disk_that_fills_up_anywhere_gives_no_wrong_balance_and_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
