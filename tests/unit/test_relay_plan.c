/* Relay plan: S4, S5, S6, S8 against a relay of flesh and blood: one that may be slow, stuck, moved
 * by others, or deaf. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "concentrator/rules/relay_plan.h"
#include "tests/unit/random.h"

#define SECOND INT64_C(1000000)

static const struct relay_traits with_read_back = {
	.has_relay = true, .reads_back = true, .resolution_wh = 1};
static const struct relay_traits blind = {.has_relay = true, .resolution_wh = 10};

/* A relay, its room, and what the station sees of them. */
struct bench {
	struct relay_traits traits;
	struct relay_state state;
	struct relay_seen seen;
	enum relay_position actual;
	bool stuck; /* answers, but does not move */
	bool deaf;  /* does not answer commands */
	bool bypassed;
	bool key_waits; /* commanded to close, its key not pressed yet */
	int64_t load_w;
	int64_t register_wh;
	int64_t now_us;
	struct layers_verdict verdict;
	uint32_t events; /* since the last look */
	int opens, closes;
};

static struct bench bench(const struct relay_traits *traits, int64_t load_w)
{
	return (struct bench){.traits = *traits,
			      .actual = RELAY_CLOSED,
			      .load_w = load_w,
			      .register_wh = 1000,
			      .now_us = 1000 * SECOND,
			      .verdict = {SUPPLY_ON, LAYER_NOBODY}};
}

static void observe(struct bench *bench)
{
	bool flows = bench->actual == RELAY_CLOSED || bench->bypassed;

	if (bench->traits.reads_back) {
		bench->seen.position = bench->actual;
		bench->seen.position_us = bench->now_us;
	}
	bench->seen.load_known = true;
	bench->seen.load_w = flows ? bench->load_w : 0;
	bench->seen.load_us = bench->now_us;
	bench->seen.register_known = true;
	bench->seen.register_wh = bench->register_wh;
	bench->seen.register_us = bench->now_us;
}

static void act(struct bench *bench)
{
	struct relay_decision decision = relay_plan(&bench->state, &bench->traits, &bench->verdict,
						    &bench->seen, bench->now_us);

	bench->events |= decision.events;
	if (decision.command == RELAY_COMMAND_NONE)
		return;
	assert_true(decision.keep || bench->state.commanded != RELAY_UNKNOWN);
	if (decision.command == RELAY_COMMAND_OPEN)
		bench->opens++;
	else
		bench->closes++;
	/* Nothing more while it is on its way. */
	assert_int_equal(relay_plan(&bench->state, &bench->traits, &bench->verdict, &bench->seen,
				    bench->now_us)
				 .command,
			 RELAY_COMMAND_NONE);
	if (bench->traits.key && !bench->deaf)
		bench->key_waits = decision.command == RELAY_COMMAND_CLOSE;
	if (!bench->stuck && !bench->deaf && !bench->key_waits)
		bench->actual = decision.command == RELAY_COMMAND_OPEN ? RELAY_OPEN : RELAY_CLOSED;
	relay_plan_sent(&bench->state, bench->deaf ? -ETIMEDOUT : 0, bench->now_us);
}

/* A second at a time: look, decide, act. */
static void run(struct bench *bench, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		bench->now_us += SECOND;
		observe(bench);
		act(bench);
	}
}

static void wish(struct bench *bench, enum supply_wish wanted, enum layer layer)
{
	bench->verdict = (struct layers_verdict){wanted, layer};
	bench->events = 0;
	bench->opens = 0;
	bench->closes = 0;
}

static enum service_status status(const struct bench *bench)
{
	return relay_service_status(&bench->state, &bench->traits, &bench->verdict);
}

static void a_cut_under_load_is_verified_by_position_and_load(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	assert_int_equal(status(&room), SERVICE_CONNECTED);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 1);
	assert_int_equal(room.opens, 1);
	/* The first read-back is proof of the position. */
	run(&room, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_POSITION);
	assert_true(room.events & RELAY_EVENT_VERIFIED);
	assert_int_equal(status(&room), SERVICE_DISCONNECTED);
	room.events = 0;
	run(&room, 4);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
	assert_true(room.events & RELAY_EVENT_VERIFIED);
	room.events = 0;
	run(&room, 1000);
	assert_int_equal(room.events, 0);
	assert_int_equal(room.opens, 1);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 10);
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
	assert_int_equal(status(&room), SERVICE_CONNECTED);
	assert_int_equal(room.opens, 0);
}

static void without_load_the_position_is_all_there_is(void **state)
{
	struct bench room = bench(&with_read_back, 0);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 100);
	assert_int_equal(room.state.verify, RELAY_VERIFY_POSITION);
	assert_string_equal(relay_verify_text(room.state.verify), "position read, load unproven");
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 100);
	assert_int_equal(room.state.verify, RELAY_VERIFY_POSITION);
	room.load_w = 40;
	run(&room, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
}

static void a_blind_relay_is_verified_by_load_alone(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	run(&room, 5);
	assert_int_equal(room.opens + room.closes, 0);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	assert_string_equal(relay_verify_text(room.state.verify), "position unknown, load agrees");
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 10);
	assert_int_equal(room.opens, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 10);
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	/* Nobody at home: nothing can tell. */
	room.load_w = 0;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 40);
	assert_int_equal(room.opens, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_UNPROVEN);
	assert_true(room.events & RELAY_EVENT_UNPROVEN);
}

/* What the ledger keeps of a state: the rest is gone after a start. */
static struct relay_state kept(const struct relay_state *state)
{
	return (struct relay_state){
		.commanded = state->commanded, .proven = state->proven, .armed = state->armed};
}

static void a_blind_relay_killed_before_its_result_was_told_is_commanded_again(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 10);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 2); /* answered, and no load seen since */
	assert_int_equal(room.closes, 1);
	assert_false(room.events & RELAY_EVENT_VERIFIED);
	room.state = kept(&room.state);
	run(&room, 10);
	assert_int_equal(room.closes, 2);
	assert_int_equal(room.opens, 0);
	assert_true(room.events & RELAY_EVENT_VERIFIED);
	/* Told: a further start leaves it alone. */
	room.state = kept(&room.state);
	room.events = 0;
	run(&room, 100);
	assert_int_equal(room.closes, 2);
	assert_int_equal(room.opens, 0);
	assert_int_equal(room.events, 0);
}

static void a_stuck_relay_is_retried_at_60_120_180_seconds_then_alarmed(void **state)
{
	static const struct relay_traits *const kinds[] = {&with_read_back, &blind};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct bench room = bench(kinds[k], 500);
		int64_t began_us;
		int64_t at[8] = {0};
		int count = 0;

		run(&room, 5);
		room.stuck = true;
		wish(&room, SUPPLY_OFF, LAYER_MONEY);
		began_us = room.now_us + SECOND;
		for (int second = 0; second < 182; second++) {
			int before = room.opens;

			run(&room, 1);
			if (room.opens != before)
				at[count++] = (room.now_us - began_us) / SECOND;
			assert_false(room.events & RELAY_EVENT_WRONG);
		}
		assert_int_equal(count, 4);
		assert_int_equal(at[0], 0);
		assert_int_equal(at[1], 60);
		assert_int_equal(at[2], 120);
		assert_int_equal(at[3], 180);
		run(&room, 5);
		assert_true(room.events & RELAY_EVENT_WRONG);
		assert_int_equal(room.state.verify, RELAY_VERIFY_WRONG);
		assert_int_equal(status(&room),
				 k == 0 ? SERVICE_ARMED_FOR_DISCONNECT : SERVICE_DISCONNECTED);
		/* Opening is healing: it goes on, gently; when it works the alarm ends. */
		room.opens = 0;
		run(&room, 1800);
		assert_in_range(room.opens, 9, 11);
		room.stuck = false;
		run(&room, 200);
		assert_true(room.events & RELAY_EVENT_WRONG_OVER);
		assert_int_equal(room.actual, RELAY_OPEN);
	}
}

static void a_close_that_does_not_work_is_not_tried_for_ever(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 10);
	room.stuck = true;
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 3600);
	assert_int_equal(room.closes, 4);
	assert_true(room.events & RELAY_EVENT_WRONG);
	assert_false(room.events & RELAY_EVENT_ARMED);
}

static void a_command_that_finds_no_answer_is_sent_again(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 6);
	room.deaf = true;
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 15);
	assert_int_equal(room.closes, 4); /* at 0, 2, 6, 14 s */
	run(&room, 3600);
	room.deaf = false;
	run(&room, 61);
	assert_int_equal(room.actual, RELAY_CLOSED);
	run(&room, 5);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
}

static void a_relay_that_takes_its_time_is_not_wrong(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	room.stuck = true;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	for (int i = 0; i < 3; i++) {
		run(&room, 1);
		assert_int_not_equal(room.state.verify, RELAY_VERIFY_WRONG);
	}
	room.actual = RELAY_OPEN;
	run(&room, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
}

static void a_wish_that_turns_before_the_read_back_is_followed(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	act(&room);
	assert_int_equal(room.actual, RELAY_OPEN);
	room.verdict.wish = SUPPLY_ON;
	act(&room);
	assert_int_equal(room.actual, RELAY_CLOSED);
	run(&room, 10);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
	assert_int_equal(room.opens, 1);
	assert_int_equal(room.closes, 1);
}

static void a_cut_right_after_a_start_looks_first(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 1);
	assert_int_equal(room.opens, 0);
	run(&room, 1);
	assert_int_equal(room.opens, 1);

	/* Its position cannot be read: half a minute, then it is opened all the same. */
	room = bench(&with_read_back, 500);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	for (int i = 0; i < 30; i++, room.now_us += SECOND)
		act(&room);
	assert_int_equal(room.opens, 0);
	act(&room);
	assert_int_equal(room.opens, 1);

	/* A person does not wait. */
	room = bench(&with_read_back, 500);
	wish(&room, SUPPLY_OFF, LAYER_LOCKOUT);
	act(&room);
	assert_int_equal(room.opens, 1);
}

static void a_relay_found_open_waits_for_a_person(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 1);
	assert_true(relay_plan_doubts(&room.state));
	run(&room, 4);
	assert_false(relay_plan_doubts(&room.state));
	room.actual = RELAY_OPEN;
	run(&room, 1);
	assert_false(room.state.armed); /* one reading is none */
	assert_true(relay_plan_doubts(&room.state));
	run(&room, 1);
	assert_true(room.state.armed);
	assert_false(relay_plan_doubts(&room.state));
	assert_true(room.events & RELAY_EVENT_ARMED);
	assert_int_equal(status(&room), SERVICE_ARMED_FOR_CONNECT);
	run(&room, 100000);
	assert_int_equal(room.closes, 0);
	/* Neither a wish that comes and goes nor a restart closes it. */
	wish(&room, SUPPLY_OFF, LAYER_OPERATOR);
	run(&room, 100);
	wish(&room, SUPPLY_ON, LAYER_OPERATOR);
	run(&room, 100);
	room.state = (struct relay_state){.commanded = room.state.commanded,
					  .proven = room.state.proven,
					  .armed = room.state.armed};
	run(&room, 100);
	assert_int_equal(room.closes, 0);
	assert_true(relay_plan_confirm(&room.state));
	assert_false(relay_plan_confirm(&room.state));
	run(&room, 10);
	assert_int_equal(room.closes, 1);
	assert_int_equal(status(&room), SERVICE_CONNECTED);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
}

static void a_confirmed_relay_still_obeys_the_wish(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	room.actual = RELAY_OPEN;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 5);
	assert_true(room.state.armed);
	assert_true(relay_plan_confirm(&room.state));
	run(&room, 100);
	assert_int_equal(room.closes, 0);
	assert_int_equal(status(&room), SERVICE_DISCONNECTED);
}

static void a_relay_armed_and_then_closed_by_hand_is_connected(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	room.actual = RELAY_OPEN;
	run(&room, 5);
	assert_true(room.state.armed);
	room.actual = RELAY_CLOSED;
	run(&room, 5);
	assert_false(room.state.armed);
	assert_true(room.events & RELAY_EVENT_ARMED_OVER);
}

static void a_relay_closed_by_others_is_opened_again(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 500);
	assert_int_equal(room.opens, 1);
	room.actual = RELAY_CLOSED;
	run(&room, 3);
	assert_true(room.events & RELAY_EVENT_FOUND_CLOSED);
	assert_int_equal(room.opens, 2);
	assert_int_equal(room.actual, RELAY_OPEN);
}

static void energy_through_an_open_relay_alarms(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 10);
	room.bypassed = true;
	run(&room, 1);
	assert_true(room.events & RELAY_EVENT_THROUGH_OPEN);
	assert_int_equal(room.state.verify, RELAY_VERIFY_WRONG);
	room.bypassed = false;
	run(&room, 1);
	assert_true(room.events & RELAY_EVENT_THROUGH_OPEN_OVER);
	/* Too little load to see, but the register climbs. */
	room.events = 0;
	for (int i = 0; i < 9; i++) {
		room.register_wh++;
		run(&room, 60);
	}
	assert_false(room.events & RELAY_EVENT_THROUGH_OPEN);
	room.register_wh++;
	run(&room, 1);
	assert_true(room.events & RELAY_EVENT_THROUGH_OPEN);
}

static void a_cut_under_high_current_waits_where_it_may(void **state)
{
	static const struct {
		const char *sentence;
		enum layer layer;
		int64_t breaking_ma;
		int waits_s; /* -1: for ever */
		uint32_t event;
	} cases[] = {
		{"money: waits ten minutes at most", LAYER_MONEY, 20000, 600, RELAY_EVENT_DEFERRED},
		{"schedule: waits ten minutes at most", LAYER_SCHEDULE, 20000, 600,
		 RELAY_EVENT_DEFERRED},
		{"operator: at once", LAYER_OPERATOR, 20000, 0, 0},
		{"lock-out: at once", LAYER_LOCKOUT, 20000, 0, 0},
		{"safety: left to the breaker", LAYER_SAFETY, 20000, -1,
		 RELAY_EVENT_LEFT_TO_BREAKER},
		{"money without a rated breaking current: at once", LAYER_MONEY, 0, 0, 0},
		{"money under a current it may break: at once", LAYER_MONEY, 40000, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench room = bench(&with_read_back, 7000);
		int seconds = 0;

		print_message("%s\n", cases[i].sentence);
		room.traits.breaking_ma = cases[i].breaking_ma;
		room.seen.current_known = true;
		room.seen.current_ma = 30000;
		run(&room, 5);
		wish(&room, SUPPLY_OFF, cases[i].layer);
		run(&room, 1);
		assert_int_equal(room.events & (RELAY_EVENT_DEFERRED | RELAY_EVENT_LEFT_TO_BREAKER),
				 cases[i].event);
		for (; room.opens == 0 && seconds < 5000; seconds++)
			run(&room, 1);
		if (cases[i].waits_s >= 0) {
			assert_int_equal(seconds, cases[i].waits_s);
			continue;
		}
		assert_int_equal(room.opens, 0);
		room.seen.current_ma = 19000;
		run(&room, 1);
		assert_int_equal(room.opens, 1);
	}
}

static void a_start_moves_nothing(void **state)
{
	static const struct relay_traits *const kinds[] = {&with_read_back, &blind};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct bench room = bench(kinds[k], 500);

		/* Never commanded, closed. */
		run(&room, 100);
		assert_int_equal(room.opens + room.closes, 0);
		/* Cut by us before the restart; money not known yet. */
		wish(&room, SUPPLY_OFF, LAYER_MONEY);
		run(&room, 100);
		wish(&room, SUPPLY_HOLD, LAYER_MONEY);
		room.state = (struct relay_state){.commanded = RELAY_OPEN, .proven = true};
		run(&room, 100);
		assert_int_equal(room.opens + room.closes, 0);
		assert_false(room.events & RELAY_EVENT_VERIFIED);
		wish(&room, SUPPLY_OFF, LAYER_MONEY);
		run(&room, 100);
		assert_int_equal(room.opens + room.closes, 0);
		assert_false(room.events & RELAY_EVENT_VERIFIED);
	}
}

/* Killed between the commit and the wire, in either direction: the next start finishes the work. */
static void a_crash_between_commit_and_wire_is_finished(void **state)
{
	static const struct relay_traits *const kinds[] = {&with_read_back, &blind};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct bench room = bench(kinds[k], 500);

		room.state = (struct relay_state){.commanded = RELAY_OPEN};
		wish(&room, SUPPLY_OFF, LAYER_MONEY);
		run(&room, 10);
		assert_int_equal(room.opens, 1);
		assert_int_equal(room.actual, RELAY_OPEN);
		assert_false(room.events & (RELAY_EVENT_FOUND_CLOSED | RELAY_EVENT_THROUGH_OPEN));

		room.state = (struct relay_state){.commanded = RELAY_CLOSED};
		wish(&room, SUPPLY_ON, LAYER_NOBODY);
		run(&room, 10);
		assert_int_equal(room.closes, 1);
		assert_int_equal(room.actual, RELAY_CLOSED);
		assert_false(room.events & RELAY_EVENT_ARMED);
	}
}

static void a_supply_without_a_relay_has_no_contactor(void **state)
{
	struct bench room = bench(&(struct relay_traits){0}, 500);

	(void)state;
	wish(&room, SUPPLY_OFF, LAYER_LOCKOUT);
	run(&room, 100);
	assert_int_equal(room.opens, 0);
	assert_int_equal(status(&room), SERVICE_NO_CONTACTOR);
	assert_string_equal(service_status_name(status(&room)), "NoContactor");
}

static void contactors_are_turned_around(void **state)
{
	(void)state;
	assert_true(relay_coil(RELAY_NORMALLY_OPEN, RELAY_CLOSED));
	assert_false(relay_coil(RELAY_NORMALLY_OPEN, RELAY_OPEN));
	assert_false(relay_coil(RELAY_NORMALLY_CLOSED, RELAY_CLOSED));
	assert_true(relay_coil(RELAY_NORMALLY_CLOSED, RELAY_OPEN));
	for (int contact = 0; contact < 2; contact++)
		for (int coil = 0; coil < 2; coil++)
			assert_int_equal(relay_coil((enum relay_contact)contact,
						    relay_supply_position(
							    (enum relay_contact)contact, coil)),
					 coil);
}

/* Any history of wishes, hands, faults and restarts: never closed against S5, and in the end, left
 * in peace, the relay is where the wish wants it or a person is asked for. */
static void no_history_closes_what_we_did_not_open(void **state)
{
	struct random random = random_start("relays", 71);
	long rounds = random_rounds(500);
	long settled = 0;

	(void)state;
	for (long i = 0; i < rounds; i++) {
		struct bench room = bench(random_between(&random, 0, 3) ? &with_read_back : &blind,
					  random_between(&random, 0, 1) * 500);
		bool by_others = false;

		for (int k = 0; k < 60; k++) {
			int closes_before = room.closes;

			room.deaf = random_between(&random, 0, 5) == 0;
			room.stuck = random_between(&random, 0, 9) == 0;
			if (random_between(&random, 0, 9) == 0 && room.traits.reads_back &&
			    room.actual == RELAY_CLOSED && room.verdict.wish == SUPPLY_ON) {
				/* Let what we commanded settle first, then somebody opens it. */
				room.deaf = room.stuck = false;
				run(&room, 300);
				if (room.actual == RELAY_CLOSED) {
					room.actual = RELAY_OPEN;
					by_others = true;
				}
				closes_before = room.closes;
			}
			run(&room, (int)random_between(&random, 1, 100));
			if (by_others) {
				assert_int_equal(room.closes, closes_before);
				assert_int_equal(room.actual, RELAY_OPEN);
				if (random_between(&random, 0, 3) == 0 && room.state.armed) {
					assert_true(relay_plan_confirm(&room.state));
					by_others = false;
				}
			}
			if (random_between(&random, 0, 9) == 0)
				room.state = (struct relay_state){.commanded = room.state.commanded,
								  .proven = room.state.proven,
								  .armed = room.state.armed};
			room.verdict.wish = (enum supply_wish)random_between(&random, SUPPLY_ON,
									     SUPPLY_HOLD);
			room.verdict.layer = LAYER_MONEY;
		}
		room.deaf = room.stuck = false;
		room.load_w = 500;
		room.verdict.wish = SUPPLY_OFF;
		run(&room, 300);
		assert_int_equal(room.actual, RELAY_OPEN);
		room.verdict.wish = SUPPLY_ON;
		run(&room, 300);
		if (room.state.armed || by_others) {
			assert_int_equal(room.actual, RELAY_OPEN);
			assert_true(room.state.armed);
		} else {
			assert_int_equal(room.actual, RELAY_CLOSED);
			settled++;
		}
	}
	assert_true(settled > 0);
}

static void a_meter_that_switches_by_itself_is_taken_over_under_load(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	run(&room, 60);
	assert_int_equal(room.closes, 0);
	room.seen.own_us = room.now_us;
	run(&room, 2);
	assert_int_equal(room.closes, 1);
	run(&room, 1000);
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	assert_false(relay_plan_own(&room.state, &room.seen));
	assert_int_equal(room.events & (RELAY_EVENT_WRONG | RELAY_EVENT_UNPROVEN), 0);
	/* Its power was off: it may be back in its own mode. */
	room.seen.own_us = room.now_us;
	run(&room, 1000);
	assert_int_equal(room.closes, 2);
	assert_int_equal(room.events & RELAY_EVENT_WRONG, 0);
}

static void a_meter_that_switches_by_itself_is_not_closed_without_load(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	/* We closed it, and that is proven; then it was without power, and tripped by itself. */
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 60);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 60);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	room.closes = 0;
	room.actual = RELAY_OPEN;
	room.now_us += 3600 * SECOND;
	room.seen.own_us = room.now_us;
	run(&room, 1000);
	assert_int_equal(room.closes, 0);
	assert_int_equal(room.state.verify, RELAY_VERIFY_OWN);
	assert_string_equal(relay_verify_name(room.state.verify), "unproven");
	assert_true(relay_plan_own(&room.state, &room.seen));
	/* A person asks for it. */
	wish(&room, SUPPLY_ON, LAYER_OPERATOR);
	run(&room, 30);
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.actual, RELAY_CLOSED);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
}

static void a_load_that_was_read_before_closes_nothing(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	run(&room, 60);
	room.seen.own_us = room.now_us;
	/* Decides as often as it likes, on what was read back then. */
	for (int i = 0; i < 100; i++) {
		room.now_us += RELAY_SETTLE_US;
		act(&room);
	}
	assert_int_equal(room.closes, 0);
}

static void a_cut_meter_back_in_its_own_mode_is_opened_again(void **state)
{
	struct bench room = bench(&blind, 500);

	(void)state;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 600);
	assert_int_equal(room.opens, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_LOAD);
	room.actual = RELAY_CLOSED;
	room.deaf = true;
	room.seen.own_us = room.now_us;
	run(&room, 1);
	assert_int_equal(room.opens, 2);
	run(&room, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_OWN);
	room.deaf = false;
	run(&room, 120);
	assert_int_equal(room.actual, RELAY_OPEN);
	assert_int_not_equal(room.state.verify, RELAY_VERIFY_OWN);
	int opens = room.opens;
	run(&room, 1000);
	assert_int_equal(room.opens, opens);
}

static void a_meter_with_a_key_waits_for_a_person(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	room.traits.key = true;
	run(&room, 5);
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 60);
	assert_int_equal(room.actual, RELAY_OPEN);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 1000);
	/* Told once, no alarm, and armed is a state like another. */
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.events & (RELAY_EVENT_WRONG | RELAY_EVENT_ARMED), 0);
	assert_int_equal(room.state.verify, RELAY_VERIFY_KEY);
	assert_string_equal(relay_verify_name(room.state.verify), "unproven");
	assert_int_equal(status(&room), SERVICE_ARMED_FOR_CONNECT);
	/* The room runs out again: there is nothing to open; and is paid again. */
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 60);
	assert_int_equal(room.opens, 0);
	assert_int_equal(status(&room), SERVICE_DISCONNECTED);
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 60);
	assert_int_equal(room.closes, 1);
	assert_int_equal(status(&room), SERVICE_ARMED_FOR_CONNECT);
	assert_true(room.key_waits);
	room.actual = RELAY_CLOSED;
	run(&room, 10);
	assert_int_equal(room.state.verify, RELAY_VERIFIED);
	assert_true(room.events & RELAY_EVENT_VERIFIED);
	assert_int_equal(status(&room), SERVICE_CONNECTED);
	/* S5: what somebody opens afterwards is not armed by itself. */
	room.actual = RELAY_OPEN;
	room.events = 0;
	run(&room, 1000);
	assert_int_equal(room.closes, 1);
	assert_true(room.events & RELAY_EVENT_ARMED);
}

static void a_key_that_did_not_hear_the_command_is_told_again(void **state)
{
	struct bench room = bench(&with_read_back, 500);

	(void)state;
	room.traits.key = true;
	wish(&room, SUPPLY_OFF, LAYER_MONEY);
	run(&room, 60);
	room.deaf = true;
	wish(&room, SUPPLY_ON, LAYER_NOBODY);
	run(&room, 120);
	assert_true(room.closes > 1);
	assert_int_not_equal(room.state.verify, RELAY_VERIFY_KEY);
	room.deaf = false;
	run(&room, 120);
	assert_int_equal(room.state.verify, RELAY_VERIFY_KEY);
	/* A restart forgets that it was told: once more, and no oftener. */
	room.state = (struct relay_state){.commanded = room.state.commanded,
					  .proven = room.state.proven,
					  .armed = room.state.armed};
	room.closes = 0;
	run(&room, 1000);
	assert_int_equal(room.closes, 1);
	assert_int_equal(room.state.verify, RELAY_VERIFY_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_under_load_is_verified_by_position_and_load),
		cmocka_unit_test(without_load_the_position_is_all_there_is),
		cmocka_unit_test(a_blind_relay_is_verified_by_load_alone),
		cmocka_unit_test(
			a_blind_relay_killed_before_its_result_was_told_is_commanded_again),
		cmocka_unit_test(a_stuck_relay_is_retried_at_60_120_180_seconds_then_alarmed),
		cmocka_unit_test(a_close_that_does_not_work_is_not_tried_for_ever),
		cmocka_unit_test(a_command_that_finds_no_answer_is_sent_again),
		cmocka_unit_test(a_relay_that_takes_its_time_is_not_wrong),
		cmocka_unit_test(a_wish_that_turns_before_the_read_back_is_followed),
		cmocka_unit_test(a_cut_right_after_a_start_looks_first),
		cmocka_unit_test(a_relay_found_open_waits_for_a_person),
		cmocka_unit_test(a_confirmed_relay_still_obeys_the_wish),
		cmocka_unit_test(a_relay_armed_and_then_closed_by_hand_is_connected),
		cmocka_unit_test(a_relay_closed_by_others_is_opened_again),
		cmocka_unit_test(energy_through_an_open_relay_alarms),
		cmocka_unit_test(a_cut_under_high_current_waits_where_it_may),
		cmocka_unit_test(a_start_moves_nothing),
		cmocka_unit_test(a_crash_between_commit_and_wire_is_finished),
		cmocka_unit_test(a_supply_without_a_relay_has_no_contactor),
		cmocka_unit_test(contactors_are_turned_around),
		cmocka_unit_test(no_history_closes_what_we_did_not_open),
		cmocka_unit_test(a_meter_with_a_key_waits_for_a_person),
		cmocka_unit_test(a_key_that_did_not_hear_the_command_is_told_again),
		cmocka_unit_test(a_meter_that_switches_by_itself_is_taken_over_under_load),
		cmocka_unit_test(a_meter_that_switches_by_itself_is_not_closed_without_load),
		cmocka_unit_test(a_load_that_was_read_before_closes_nothing),
		cmocka_unit_test(a_cut_meter_back_in_its_own_mode_is_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
