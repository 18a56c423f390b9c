/* The register guard's written answers, one per case, and what people do about them: whatever is decided,
 * every Wh of every meter life is charged, set aside or written off (M2), and the balance follows. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_meter.h"

#define CASE(name)   cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define MODULUS_WH   INT64_C(1000000000)
#define OPENING_NANO INT64_C(10000000000000)

enum answer {
	CHARGED,     /* believed: the room pays */
	NOT_USED,    /* ignored: nobody notices */
	ALARMED,     /* not used, and a person is told */
	QUARANTINED, /* not charged, the baseline stays, a person is told and decides */
};

/* What a person does then. */
enum decision { NOTHING, ACCEPT_CHARGE, ACCEPT_ASIDE, ACCEPT_ROLLED_OVER, REJECT, EXCHANGE };

static const struct register_case {
	const char *sentence;
	int64_t start_wh; /* 0: as site_add_meter() */
	int64_t jump_wh;  /* the register moves by that */
	int64_t gap_h;    /* and nobody could read it for so long before */
	int glitches;     /* only that many answers show it */
	int garbage;      /* that many answers are no number */
	bool modulus;     /* the register wraps at MODULUS_WH */
	bool no_load;     /* after the jump */
	enum answer answer;
	const char *reason;
	enum decision decision;
	/* Wh that the decision brings, beside what was used in the ordinary way */
	int64_t charged_wh, aside_wh, given_up_wh;
	bool renewed; /* a new life begins */
} cases[] = {
	{.sentence = "a zero, once: back by itself, not charged",
	 .jump_wh = -1234560,
	 .glitches = 1,
	 .answer = NOT_USED},
	{.sentence = "a torn word, once (its high half is one too many): back by itself",
	 .jump_wh = 655360,
	 .glitches = 1,
	 .answer = NOT_USED},
	{.sentence = "a zero that stays, rejected: the life ends, a new one begins at zero",
	 .jump_wh = -1234560,
	 .answer = QUARANTINED,
	 .reason = "fall",
	 .decision = REJECT,
	 .renewed = true},
	{.sentence = "a reset, declared as an exchange: the same, by its name",
	 .jump_wh = -1234560,
	 .answer = QUARANTINED,
	 .reason = "fall",
	 .decision = EXCHANGE,
	 .renewed = true},
	{.sentence = "backward by 5 kWh, rejected: no negative energy, the life begins anew",
	 .jump_wh = -5000,
	 .answer = QUARANTINED,
	 .reason = "fall",
	 .decision = REJECT,
	 .renewed = true},
	{.sentence = "a leap of 500 kWh, accepted: the room pays",
	 .jump_wh = 500000,
	 .answer = QUARANTINED,
	 .reason = "leap",
	 .decision = ACCEPT_CHARGE,
	 .charged_wh = 500000},
	{.sentence = "a leap, accepted and set aside: nobody pays",
	 .jump_wh = 500000,
	 .answer = QUARANTINED,
	 .reason = "leap",
	 .decision = ACCEPT_ASIDE,
	 .aside_wh = 500000},
	{.sentence = "a leap, rejected: written off, with what was used meanwhile",
	 .jump_wh = 500000,
	 .no_load = true,
	 .answer = QUARANTINED,
	 .reason = "leap",
	 .decision = REJECT,
	 .given_up_wh = 500000},
	{.sentence = "no number (NaN), thrice: not used, alarmed", .garbage = 3, .answer = ALARMED},
	{.sentence = "rollover near the register's end: believed, charged",
	 .start_wh = MODULUS_WH - 300,
	 .jump_wh = -MODULUS_WH,
	 .modulus = true,
	 .answer = CHARGED},
	{.sentence = "a rollover too far to believe, accepted as one: the room pays",
	 .start_wh = MODULUS_WH - 20300,
	 .jump_wh = 20000 - MODULUS_WH,
	 .modulus = true,
	 .answer = QUARANTINED,
	 .reason = "fall",
	 .decision = ACCEPT_ROLLED_OVER,
	 .charged_wh = 20000},
	{.sentence = "a gap of a month and a day's worth of energy: believed, charged",
	 .jump_wh = 100000,
	 .gap_h = 720,
	 .answer = CHARGED,
	 .charged_wh = 100000},
	{.sentence = "a gap of a month and more than a day's worth: a person accepts",
	 .jump_wh = 900000,
	 .gap_h = 720,
	 .answer = QUARANTINED,
	 .reason = "leap",
	 .decision = ACCEPT_CHARGE,
	 .charged_wh = 900000},
};

static struct ledger_totals totals(struct site *site)
{
	struct ledger_totals got;
	assert_int_equal(ledger_totals_get(site->ledger, 0, &got), 0);
	return got;
}

static int64_t open_count(struct site *site)
{
	int64_t open = 0;
	assert_int_equal(ledger_quarantines_open_count(site->ledger, &open), 0);
	return open;
}

static json_t *reason(bool dry_run)
{
	return json_pack("{s:s,s:b}", "reason", "looked at it", "dry_run", dry_run);
}

static json_t *decision_args(const struct register_case *now, bool dry_run)
{
	json_t *args = reason(dry_run);
	if (now->decision == EXCHANGE) {
		json_object_update_new(args, json_pack("{s:s,s:I,s:s}", "room", "101", "initial_wh",
						       (json_int_t)0, "serial", "S-2"));
		return args;
	}
	json_object_set_new(args, "id", json_integer(1));
	if (now->decision != REJECT)
		json_object_update_new(
			args, json_pack("{s:s,s:b}", "as",
					now->decision == ACCEPT_ASIDE ? "aside" : "charge",
					"rolled_over", now->decision == ACCEPT_ROLLED_OVER));
	return args;
}

static void decide(struct site *site, const struct register_case *now)
{
	const char *verb = now->decision == EXCHANGE ? "meter.exchange"
			   : now->decision == REJECT ? "quarantine.reject"
						     : "quarantine.accept";
	struct ledger_totals before = totals(site);
	struct station_room *room = site_room(site, "101");
	const struct station_supply was = *room->supplies[0];
	struct site_answer dry = site_ask(site, verb, decision_args(now, true));
	int64_t energy_wh = site_int(&dry, "energy_wh"), amount = site_int(&dry, "amount_nano"),
		balance = site_int(&dry, "balance_nano");
	site_forget(&dry);
	assert_int_equal(totals(site).entries, before.entries);
	assert_memory_equal(&was, room->supplies[0], sizeof(was));
	assert_int_equal(open_count(site), 1);

	struct site_answer real = site_ask(site, verb, decision_args(now, false));
	assert_int_equal(site_int(&real, "energy_wh"), energy_wh);
	assert_int_equal(site_int(&real, "amount_nano"), amount);
	assert_int_equal(site_int(&real, "balance_nano"), balance);
	assert_int_equal(site_int(&real, "life_ended"), now->renewed);
	site_forget(&real);
	assert_int_equal(room->settled_nano, balance);
	assert_int_equal(open_count(site), 0);
	assert_null(alarms_find(&site->building.station->alarms, ALARM_REGISTER_QUARANTINED,
				"101 sockets"));
	if (now->decision != EXCHANGE)
		site_refused(site, verb, decision_args(now, false), PROBLEM_CONFLICT);
}

static void verify(struct site *site)
{
	struct ledger_verdict verdict;
	struct ledger_failure failure;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
	assert_int_equal(ledger_check(site->ledger, &failure), 0);
}

/* The model played here does not tell where its register ends. */
static void set_modulus(struct site *site, const struct register_case *now)
{
	site_room(site, "101")->supplies[0]->limits.modulus_wh = now->modulus ? MODULUS_WH : 0;
}

static void run_case(struct site *site, const struct register_case *now)
{
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 600);
	if (now->start_wh != 0)
		meter->energy_uwh = now->start_wh * 1000000;
	site_add_room(site, 101, 1000000, "sockets", true, 1);
	set_modulus(site, now);
	int64_t used_wh = -played_register_wh(meter);
	played_run(building, 30 * MINUTE_US + 10 * 1000000);
	if (now->gap_h > 0) {
		site_close(site);
		building->now_us += now->gap_h * HOUR_US;
		building->moved_us = building->now_us;
		site_open(site);
	}
	used_wh += played_register_wh(meter);
	if (now->glitches > 0) {
		meter->glitch_count = now->glitches;
		meter->glitch_raw = (uint32_t)((played_register_wh(meter) + now->jump_wh) / 10);
	} else if (now->jump_wh == -1234560) {
		meter->energy_uwh = 0;
	} else {
		meter->energy_uwh += now->jump_wh * 1000000;
	}
	for (int i = 0; i < now->garbage; i++)
		station_implausible(building->station, site_room(site, "101")->supplies[0],
				    "energy_import");
	assert_int_equal(
		alarms_find(&building->station->alarms, ALARM_METER_SILENT, "101 sockets") != NULL,
		now->answer == ALARMED);
	if (now->no_load)
		meter->load_w = 0;
	used_wh -= played_register_wh(meter);
	played_run(building, building->now_us + 30 * MINUTE_US);

	bool quarantined = now->answer == QUARANTINED;
	assert_int_equal(open_count(site), quarantined);
	assert_int_equal(alarms_find(&building->station->alarms, ALARM_REGISTER_QUARANTINED,
				     "101 sockets") != NULL,
			 quarantined);
	if (quarantined) {
		struct site_answer shown = site_ask(site, "quarantine.show",
						    json_pack("{s:i}", "id", 1));
		assert_string_equal(json_string_value(json_object_get(shown.data, "reason")),
				    now->reason);
		site_forget(&shown);
		/* The supply goes on, and a restart forgets nothing. */
		assert_true(meter->closed);
		site_close(site);
		site_open(site);
		set_modulus(site, now);
		played_run(building, building->now_us + 3 * MINUTE_US);
		decide(site, now);
	}
	played_run(building, building->now_us + 30 * MINUTE_US);
	meter->load_w = 0;
	played_run(building, building->now_us + 3 * MINUTE_US);
	assert_int_equal(open_count(site), 0);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");

	used_wh += played_register_wh(meter);
	struct ledger_totals got = totals(site);
	/* A decision reaches back to the last reading believed: a step of the register or two. */
	assert_in_range(got.quarantined_wh, now->aside_wh,
			now->aside_wh > 0 ? now->aside_wh + 20 : 0);
	assert_in_range(got.written_off_wh, now->given_up_wh,
			now->given_up_wh > 0 ? now->given_up_wh + 20 : 0);
	int64_t moved_wh = used_wh + now->charged_wh + now->aside_wh + now->given_up_wh;
	int64_t sum_wh = got.charged_wh + got.quarantined_wh + got.written_off_wh;
	/* What a new life's register counted before it began is nobody's. */
	assert_in_range(sum_wh, moved_wh - (now->renewed ? 350 : 0), moved_wh);
	assert_int_equal(got.balance_nano, OPENING_NANO - got.charged_wh * PRICE_MICRO);
	verify(site);
}

static void every_case_has_one_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *site;
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(site_setup(&site), 0);
		run_case(site, &cases[i]);
		assert_int_equal(site_teardown(&site), 0);
	}
}

static json_t *exchange(int64_t final_wh, int64_t initial_wh)
{
	json_t *args = reason(false);
	json_object_update_new(args, json_pack("{s:s,s:I,s:s}", "room", "101", "initial_wh",
					       (json_int_t)initial_wh, "serial", "S-2"));
	if (final_wh >= 0)
		json_object_set_new(args, "final_wh", json_integer(final_wh));
	return args;
}

static void an_exchange_charges_to_the_final_register(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 600);
	site_refused(site, "meter.exchange", exchange(-1, 0), PROBLEM_NOT_FOUND);
	site_add_room(site, 101, 1000000, "sockets", true, 1);
	site_refused(site, "meter.exchange", exchange(-1, 0), PROBLEM_REFUSED);
	int64_t first_wh = played_register_wh(meter);
	played_run(building, HOUR_US);
	int64_t believed_wh = site_room(site, "101")->supplies[0]->guard.accepted.wh;

	/* The old meter is taken off; for two hours nobody answers. */
	meter->dead = true;
	played_run(building, 3 * HOUR_US);
	site_refused(site, "meter.exchange", exchange(believed_wh - 10, 0), PROBLEM_REFUSED);
	site_refused(site, "meter.exchange", exchange(believed_wh + 50000, 0), PROBLEM_REFUSED);
	assert_int_equal(site_ask_int(site, "meter.exchange", exchange(believed_wh + 1200, 77000),
				      "energy_wh"),
			 1200);
	assert_int_equal(site_room(site, "101")->settled_nano,
			 OPENING_NANO - (believed_wh + 1200 - first_wh) * PRICE_MICRO);
	assert_string_equal(site_room(site, "101")->supplies[0]->life.serial, "S-2");

	/* The new one was on for a while before anybody said so, and is believed. */
	meter->energy_uwh = INT64_C(77250) * 1000000;
	meter->dead = false;
	played_run(building, 4 * HOUR_US);
	site_close(site);
	site_open(site);
	played_run(building, 5 * HOUR_US);
	assert_int_equal(open_count(site), 0);
	meter->load_w = 0;
	played_run(building, 5 * HOUR_US + 3 * MINUTE_US);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");
	assert_int_equal(totals(site).charged_wh,
			 believed_wh + 1200 - first_wh + played_register_wh(meter) - 77000);
	verify(site);
}

static void what_the_meter_shows_no_more_is_not_accepted(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 600);
	site_add_room(site, 101, 1000000, "sockets", true, 1);
	played_run(building, HOUR_US);
	meter->energy_uwh += INT64_C(4000000) * 1000000;
	played_run(building, 2 * HOUR_US);
	assert_int_equal(open_count(site), 1);
	/* Not back to where it was believed, so that it does not end by itself. */
	meter->energy_uwh -= INT64_C(1000000) * 1000000;
	played_run(building, 3 * HOUR_US);
	assert_int_equal(open_count(site), 1);
	site_refused(site, "quarantine.accept",
		     json_pack("{s:i,s:s,s:s}", "id", 1, "as", "charge", "reason", "test"),
		     PROBLEM_REFUSED);
	assert_int_equal(open_count(site), 1);
	assert_int_equal(totals(site).quarantined_wh, 0);
	/* What it moved since it was believed is nobody's. */
	assert_in_range(site_ask_int(site, "quarantine.reject",
				     json_pack("{s:i,s:s}", "id", 1, "reason", "test"),
				     "energy_wh"),
			3000000, 3001300);
	assert_int_equal(open_count(site), 0);
	verify(site);
}

static void a_register_that_does_not_follow_the_power_is_told(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	const struct alarms *alarms = &building->station->alarms;
	struct played_meter *meter = site_add_meter(site, 600);
	site_add_room(site, 101, 1000000, "sockets", true, 1);
	played_run(building, HOUR_US);
	assert_null(alarms_find(alarms, ALARM_REGISTER_FROZEN, "101 sockets"));
	int64_t live = site_room(site, "101")->live_nano;
	meter->frozen = true;
	played_run(building, 2 * HOUR_US);
	assert_non_null(alarms_find(alarms, ALARM_REGISTER_FROZEN, "101 sockets"));
	assert_in_range(live - site_room(site, "101")->live_nano, 0, 20 * PRICE_MICRO);
	assert_true(meter->closed);
	meter->frozen = false;
	played_run(building, 2 * HOUR_US + 5 * MINUTE_US);
	assert_null(alarms_find(alarms, ALARM_REGISTER_FROZEN, "101 sockets"));

	live = site_room(site, "101")->live_nano;
	meter->backward = true;
	played_run(building, 3 * HOUR_US);
	assert_non_null(alarms_find(alarms, ALARM_REVERSE_ENERGY, "101 sockets"));
	assert_null(alarms_find(alarms, ALARM_REGISTER_FROZEN, "101 sockets"));
	assert_in_range(live - site_room(site, "101")->live_nano, 0, 20 * PRICE_MICRO);
	meter->backward = false;
	meter->load_w = 0; /* an idle register stands still, and rightly */
	played_run(building, 6 * HOUR_US);
	assert_null(alarms_find(alarms, ALARM_REVERSE_ENERGY, "101 sockets"));
	assert_null(alarms_find(alarms, ALARM_REGISTER_FROZEN, "101 sockets"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_one_answer),
		CASE(an_exchange_charges_to_the_final_register),
		CASE(what_the_meter_shows_no_more_is_not_accepted),
		CASE(a_register_that_does_not_follow_the_power_is_told),
	};
	return cmocka_run_group_tests_name("station_register", tests, NULL, NULL);
}
