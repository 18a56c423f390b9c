/* What a balance is made of, and the lines below it: spent in order, offered once, and kept through restarts. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_key.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_load.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define UNIT       INT64_C(1000000000)

static json_t *about(const char *room, bool dry_run)
{
	return json_pack("{s:s,s:s,s:b}", "room", room, "reason", "as agreed", "dry_run", dry_run);
}

static json_t *with(json_t *args, const char *name, json_t *value)
{
	json_object_set_new(args, name, value);
	return args;
}

static json_t *money(int64_t minor)
{
	return json_pack("{s:I,s:i,s:i}", "value", (json_int_t)minor, "multiplier", -2,
			 "monetaryUnit", 156);
}

static void done(struct site *site, const char *verb, json_t *args)
{
	struct site_answer answer = site_ask(site, verb, args);
	if (answer.problem != PROBLEM_NONE)
		fail_msg("%s: %s", verb, answer.detail);
	site_forget(&answer);
}

static void verify(struct site *site)
{
	struct ledger_verdict verdict;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

static int64_t nano(const json_t *row, const char *field)
{
	const char *text = json_string_value(json_object_get(row, field));
	assert_non_null(text);
	return strtoll(text, NULL, 10);
}

/* A figure of one credit, as room.show tells it. */
static int64_t credit(struct site *site, const char *room, const char *type, const char *field)
{
	struct site_answer answer = site_ask(site, "room.show", json_pack("{s:s}", "room", room));
	int64_t got = -1;
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer.data, "credits"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "type")), type) == 0)
			got = nano(row, field);
	}
	site_forget(&answer);
	return got;
}

static void run_for(struct site *site, int64_t us)
{
	played_run(&site->building, site->building.now_us + us);
}

static void restart(struct site *site)
{
	site_close(site);
	site_open(site);
	run_for(site, 2 * MINUTE_US);
}

static void a_subsidy_is_spent_before_what_is_paid(void **state)
{
	struct site *site = *state;
	site->config.policy.cash = true;
	site->config.policy.cash_day_max_minor = 100000;
	struct played_meter *meter = site_add_meter(site, 1000); /* 0.50 an hour */
	site_add_room(site, 101, 0, "sockets", true, 1);
	run_for(site, 2 * MINUTE_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 1000), "1"),
			    "applied");
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "r-2", "101", 100, "subsidy"), "2"),
		"applied");
	int64_t owed = 10 * UNIT + UNIT - site_room(site, "101")->settled_nano;
	assert_int_equal(credit(site, "101", "paid", "left_nano"), 10 * UNIT - owed);
	assert_int_equal(credit(site, "101", "subsidy", "left_nano"), UNIT);
	run_for(site, HOUR_US);
	int64_t left = credit(site, "101", "subsidy", "left_nano");
	assert_in_range(left, UNIT / 2 - UNIT / 20, UNIT / 2 + UNIT / 20);
	/* A start counts the same from the entries. */
	restart(site);
	assert_true(credit(site, "101", "subsidy", "left_nano") <= left);
	assert_int_equal(credit(site, "101", "paid", "left_nano"), 10 * UNIT - owed);
	run_for(site, 2 * HOUR_US);
	assert_int_equal(credit(site, "101", "subsidy", "left_nano"), 0);
	int64_t paid = credit(site, "101", "paid", "left_nano");
	assert_true(paid < 10 * UNIT - owed);
	assert_int_equal(paid, site_room(site, "101")->live_nano);

	/* By hand, with a dry run; the receipt is good once, and it is no cash. */
	meter->load_w = 0;
	run_for(site, 5 * MINUTE_US);
	json_t *grant = with(
		with(with(about("101", true), "amount", money(500)), "receipt", json_string("G-1")),
		"type", json_string("subsidy"));
	int64_t before = site_room(site, "101")->live_nano;
	assert_int_equal(site_ask_int(site, "credit.add", json_deep_copy(grant), "balance_nano"),
			 before + 5 * UNIT);
	assert_int_equal(site_room(site, "101")->live_nano, before);
	json_object_set_new(grant, "dry_run", json_false());
	done(site, "credit.add", json_deep_copy(grant));
	assert_int_equal(credit(site, "101", "subsidy", "left_nano"), 5 * UNIT);
	site_refused(site, "credit.add", grant, PROBLEM_CONFLICT);
	struct ledger_totals totals;
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_int_equal(totals.cash_nano, 0);

	/* The statement says which credit came. */
	struct site_answer statement = site_ask(
		site, "statement", json_pack("{s:s,s:s}", "room", "101", "month", "2026-01"));
	int subsidies = 0;
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(statement.data, "rows"), i, row)
	{
		subsidies += strcmp(json_string_value(json_object_get(row, "credit")), "subsidy") ==
			     0;
	}
	assert_int_equal(subsidies, 2);
	assert_int_equal(json_array_size(json_object_get(statement.data, "credits")), CREDIT_TYPES);
	site_forget(&statement);
	verify(site);
}

static void what_was_not_paid_for_ends_with_the_tenancy(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 0, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 0, "sockets", true, 1);
	run_for(site, 2 * MINUTE_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 1000), "1"),
			    "applied");
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "r-2", "101", 300, "subsidy"), "2"),
		"applied");
	done(site, "tenancy.begin", with(about("101", false), "tenancy", json_string("T-1")));
	/* A tenant who moves keeps each credit as what it is. */
	done(site, "tenancy.transfer", with(about("101", false), "to", json_string("102")));
	assert_int_equal(credit(site, "101", "paid", "left_nano"), 0);
	assert_int_equal(credit(site, "102", "paid", "left_nano"), 10 * UNIT);
	assert_int_equal(credit(site, "102", "subsidy", "left_nano"), 3 * UNIT);
	restart(site);
	struct site_answer dry = site_ask(site, "tenancy.end", about("102", true));
	assert_int_equal(site_int(&dry, "forfeited_nano"), 3 * UNIT);
	assert_int_equal(site_int(&dry, "amount_nano"), 10 * UNIT);
	site_forget(&dry);
	assert_int_equal(credit(site, "102", "subsidy", "left_nano"), 3 * UNIT);
	done(site, "tenancy.end", about("102", false));
	assert_int_equal(site_room(site, "102")->settled_nano, 0);
	assert_int_equal(credit(site, "102", "subsidy", "left_nano"), 0);
	assert_int_equal(credit(site, "102", "paid", "left_nano"), 0);
	verify(site);
}

static const char *emergency(struct site *site, const char *room)
{
	return emergency_state_name((enum emergency_state)site_room(site, room)->credit.emergency);
}

static void emergency_credit_is_had_once_until_it_is_repaid(void **state)
{
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 200;
	site->config.policy.emergency_at_minor = 50;
	struct played_meter *meter = site_add_meter(site, 1000); /* 0.50 an hour */
	site_add_room(site, 101, 100, "sockets", true, 1);
	run_for(site, 30 * MINUTE_US);
	site_refused(site, "credit.emergency", about("101", false), PROBLEM_REFUSED);
	run_for(site, HOUR_US);
	assert_int_equal(site_ask_int(site, "credit.emergency", about("101", true), "cutoff_nano"),
			 -2 * UNIT);
	assert_string_equal(emergency(site, "101"), "none");
	done(site, "credit.emergency", about("101", false));
	assert_string_equal(emergency(site, "101"), "active");
	site_refused(site, "credit.emergency", about("101", false), PROBLEM_REFUSED);
	assert_int_equal(credit(site, "101", "emergency", "left_nano"), 2 * UNIT);

	/* Past zero, and past a restart. */
	run_for(site, 2 * HOUR_US);
	restart(site);
	assert_true(meter->closed);
	assert_true(site_room(site, "101")->live_nano < 0);
	assert_true(credit(site, "101", "emergency", "used_nano") > 0);
	/* The end of it is announced anew, and cuts. */
	run_for(site, 4 * HOUR_US);
	assert_false(meter->closed);
	assert_string_equal(emergency(site, "101"), "spent");
	assert_in_range(-site_room(site, "101")->live_nano, 2 * UNIT, 2 * UNIT + UNIT / 20);

	/* Half of it repaid is not repaid. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 100), "1"),
			    "applied");
	run_for(site, 10 * MINUTE_US);
	assert_false(meter->closed);
	site_refused(site, "credit.emergency", about("101", false), PROBLEM_REFUSED);
	restart(site);
	assert_false(meter->closed);
	assert_string_equal(emergency(site, "101"), "spent");
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 130), "2"),
			    "applied");
	run_for(site, 10 * MINUTE_US);
	assert_true(meter->closed);
	assert_string_equal(emergency(site, "101"), "none");

	/* Then an order may ask for it, once. */
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "e-1", "101", 0, "emergency"), "3"),
		"applied");
	assert_string_equal(emergency(site, "101"), "active");
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "e-2", "101", 0, "emergency"), "4"),
		"rejected");
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "e-1", "101", 0, "emergency"), "4"),
		"duplicate");
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "e-3", "101", 5, "emergency"), "5"),
		"rejected");
	verify(site);
}

static void emergency_credit_may_come_by_itself(void **state)
{
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_AUTOMATIC;
	site->config.policy.emergency_minor = 100;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 50, "sockets", true, 1);
	run_for(site, 50 * MINUTE_US);
	assert_string_equal(emergency(site, "101"), "none");
	run_for(site, HOUR_US);
	assert_string_equal(emergency(site, "101"), "active");
	assert_true(meter->closed);
	run_for(site, 3 * HOUR_US);
	assert_string_equal(emergency(site, "101"), "spent");
	assert_false(meter->closed);
	run_for(site, HOUR_US);
	assert_string_equal(emergency(site, "101"), "spent");
}

static void a_room_may_have_an_overdraft_of_its_own(void **state)
{
	struct site *site = *state;
	site->config.policy.order_max_minor = 100000;
	site->config.policy.overdraft_minor = 100;
	struct played_meter *meters[2];
	for (int i = 0; i < 2; i++) {
		meters[i] = site_add_meter(site, 1000);
		site_add_room(site, 101 + i, 50, "sockets", true, 1);
	}
	run_for(site, 2 * MINUTE_US);
	site_refused(site, "credit.overdraft", with(about("102", false), "limit", money(-1)),
		     PROBLEM_USAGE);
	site_refused(site, "credit.overdraft", with(about("102", false), "limit", money(100001)),
		     PROBLEM_REFUSED);
	assert_int_equal(site_ask_int(site, "credit.overdraft",
				      with(about("102", true), "limit", money(0)), "cutoff_nano"),
			 0);
	assert_int_equal(site_room(site, "102")->credit.own_overdraft, false);
	done(site, "credit.overdraft", with(about("102", false), "limit", money(0)));
	restart(site);
	run_for(site, 2 * HOUR_US);
	assert_true(meters[0]->closed);
	assert_false(meters[1]->closed);
	assert_true(credit(site, "101", "overdraft", "used_nano") > 0);
	run_for(site, 2 * HOUR_US);
	assert_false(meters[0]->closed);
	/* A larger one brings the room back at once. */
	done(site, "credit.overdraft", with(about("101", false), "limit", money(200)));
	run_for(site, 5 * MINUTE_US);
	assert_true(meters[0]->closed);
	done(site, "credit.overdraft", about("102", false));
	run_for(site, 5 * MINUTE_US);
	assert_true(meters[1]->closed);
}

/* What reaches a cap is credited whole, a cent above it not at all: of one order, of a room's day, of the box's
 * day, by the configuration or by the key that signed; and the next day begins anew. */
static void each_cap_takes_what_reaches_it_and_nothing_above(void **state)
{
	static const struct {
		const char *sentence;
		int64_t order, room_day, day;             /* minor; of the configuration ... */
		int64_t key_order, key_room_day, key_day; /* ... and of the key */
		struct {
			const char *room;
			int64_t minor;
			bool fits;
		} orders[5];
	} cases[] = {
		{"one order", .order = 500, .orders = {{"101", 501, false}, {"101", 500, true}}},
		{"a room's day", .room_day = 500,
		 .orders = {{"101", 300, true},
			    {"101", 201, false},
			    {"101", 200, true},
			    {"101", 1, false},
			    {"102", 500, true}}},
		{"the box's day", .day = 500,
		 .orders = {{"101", 300, true},
			    {"102", 201, false},
			    {"102", 200, true},
			    {"101", 1, false}}},
		{"one order of a key", .key_order = 500,
		 .orders = {{"101", 501, false}, {"101", 500, true}}},
		{"a room's day of a key", .key_room_day = 500,
		 .orders = {{"101", 300, true},
			    {"101", 201, false},
			    {"101", 200, true},
			    {"102", 500, true}}},
		{"the box's day of a key", .key_day = 500,
		 .orders = {{"101", 300, true}, {"102", 201, false}, {"102", 200, true}}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t sum[2] = {0};
		print_message("%s\n", cases[i].sentence);
		if (i > 0) {
			assert_int_equal(site_teardown(state), 0);
			assert_int_equal(site_setup(state), 0);
		}
		struct site *site = *state;
		site->config.policy.order_max_minor = cases[i].order;
		site->config.policy.order_room_day_max_minor = cases[i].room_day;
		site->config.policy.order_day_max_minor = cases[i].day;
		struct ledger_key key = {.kid = "pay-1",
					 .use = "credit",
					 .to_s = INT64_MAX,
					 .order_max_nano = cases[i].key_order * (UNIT / 100),
					 .room_day_max_nano = cases[i].key_room_day * (UNIT / 100),
					 .day_max_nano = cases[i].key_day * (UNIT / 100)};
		size_t size = sizeof(key.public_key);
		assert_int_equal(EVP_PKEY_get_raw_public_key(site->key, key.public_key, &size), 1);
		assert_int_equal(ledger_begin(site->ledger), 0);
		assert_int_equal(ledger_keyset_replace(site->ledger, 2, &key, 1, START_S), 0);
		assert_int_equal(ledger_commit(site->ledger), 0);
		assert_int_equal(station_load_keys(site->building.station), 0);
		for (int room = 101; room <= 102; room++) {
			site_add_meter(site, 0);
			site_add_room(site, room, 0, "sockets", true, 1);
		}
		run_for(site, 2 * MINUTE_US);
		for (int n = 0; n < 5 && cases[i].orders[n].room != NULL; n++) {
			const char *room = cases[i].orders[n].room;
			int64_t minor = cases[i].orders[n].minor;
			char mrid[16];
			snprintf(mrid, sizeof(mrid), "c-%d", n);
			assert_string_equal(
				site_deliver(site, site_credit(site, mrid, room, minor), NULL),
				cases[i].orders[n].fits ? "applied" : "quarantined");
			if (cases[i].orders[n].fits)
				sum[room[2] - '1'] += minor * (UNIT / 100);
			assert_int_equal(site_room(site, "101")->settled_nano, sum[0]);
			assert_int_equal(site_room(site, "102")->settled_nano, sum[1]);
		}
		site_pass_days(site, 1);
		assert_string_equal(site_deliver(site, site_credit(site, "next", "101", 500), NULL),
				    "applied");
	}
}

static void limits_refuse_and_never_clip(void **state)
{
	struct site *site = *state;
	site->config.policy.balance_max_minor = 2000;
	site->config.policy.cash = true;
	site->config.policy.cash_day_max_minor = 1000000;
	site_add_meter(site, 0);
	site_add_room(site, 101, 1500, "sockets", true, 1);
	run_for(site, 2 * MINUTE_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 501), "1"),
			    "quarantined");
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 500), "2"),
			    "applied");
	json_t *cash = with(with(about("101", false), "amount", money(1)), "receipt",
			    json_string("C-1"));
	site_refused(site, "credit.add", json_deep_copy(cash), PROBLEM_REFUSED);
	json_object_set_new(cash, "amount", money(100001));
	site_refused(site, "credit.add", cash, PROBLEM_REFUSED);
	assert_int_equal(site_room(site, "101")->live_nano, 20 * UNIT);
}

struct notices {
	int64_t after;
	int money;
	int days;
	int64_t least_minor;
	int64_t least_days;
};

static int notice_row(const struct ledger_event *event, void *userdata)
{
	struct notices *notices = userdata;
	json_t *body = json_loads(event->body, 0, NULL);
	const json_t *at = json_object_get(body, "at"), *days = json_object_get(body, "days");
	if (strcmp(event->type, "notice") == 0 && json_is_object(at)) {
		notices->money++;
		notices->least_minor = json_integer_value(json_object_get(at, "value"));
	}
	if (strcmp(event->type, "notice") == 0 && json_is_integer(days)) {
		notices->days++;
		notices->least_days = json_integer_value(days);
	}
	notices->after = event->seq;
	json_decref(body);
	return 0;
}

static struct notices warnings(struct site *site, int64_t after)
{
	struct notices notices = {.after = after};
	assert_int_equal(ledger_events_each(site->ledger, after, -1, 1 << 20, notice_row, &notices),
			 0);
	return notices;
}

static void each_warning_level_is_told_once_and_again_after_a_recharge(void **state)
{
	struct site *site = *state;
	struct notices got;
	site->config.policy.warn_minor = (struct config_levels){.count = 2, .at = {4000, 3000}};
	site->config.policy.warn_days = (struct config_levels){.count = 2, .at = {3, 1}};
	struct played_meter *meter = site_add_meter(site, 1000); /* 12.00 a day */
	site_add_room(site, 101, 5000, "sockets", true, 1);
	run_for(site, 12 * HOUR_US);
	assert_int_equal(warnings(site, 0).money, 0);
	run_for(site, 12 * HOUR_US);
	got = warnings(site, 0);
	assert_int_equal(got.money, 1);
	assert_int_equal(got.least_minor, 4000);
	/* Told through a restart; then the next, in money and in days. */
	restart(site);
	run_for(site, 12 * HOUR_US);
	assert_int_equal(warnings(site, got.after).money, 0);
	run_for(site, 8 * HOUR_US);
	got = warnings(site, 0);
	assert_int_equal(got.money, 2);
	assert_int_equal(got.least_minor, 3000);
	assert_int_equal(got.days, 1);
	assert_int_equal(got.least_days, 3);
	/* A recharge above one of them, and the use goes on. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 500), NULL),
			    "applied");
	run_for(site, 12 * HOUR_US);
	assert_int_equal(warnings(site, got.after).money, 1);
	meter->load_w = 0;
}

struct ends {
	int count;
	int64_t earliest_s;
};

static int end_row(const struct ledger_event *event, void *userdata)
{
	struct ends *ends = userdata;
	json_t *body = json_loads(event->body, 0, NULL);
	const char *level = json_string_value(json_object_get(body, "level"));
	if (strcmp(event->type, "notice") == 0 && level != NULL &&
	    strcmp(level, "protected-end") == 0) {
		ends->count++;
		ends->earliest_s = json_integer_value(json_object_get(body, "earliest_s"));
	}
	json_decref(body);
	return 0;
}

/* More rooms than S7 lets go at once: they wait the night, are warned, and are cut when it has ended. */
static void a_cut_waits_for_protected_hours_to_end(void **state)
{
	struct site *site = *state;
	struct played_meter *meters[6];
	struct ends ends = {0};
	int closed = 0;
	site->config.policy.protected_warn_s = 1800;
	site->config.protect = (struct protect_rules){.extra_s = 3600,
						      .count = 1,
						      .rule = {{.first_day = INT64_MIN,
								.last_day = INT64_MAX,
								.weekdays = 0x7f,
								.hours_count = 1,
								.hours = {{20 * 60, 7 * 60}}}}};
	for (int i = 0; i < 6; i++) {
		meters[i] = site_add_meter(site, 1000);
		site_add_room(site, 101 + i, 100, "sockets", true, 1); /* two hours of it */
	}
	run_for(site, 7 * HOUR_US);
	for (int i = 0; i < 6; i++)
		closed += meters[i]->closed;
	assert_int_equal(closed, 6);
	struct site_answer shown = site_ask(site, "room.show", json_pack("{s:s}", "room", "101"));
	assert_string_equal(json_string_value(json_object_get(shown.data, "state")),
			    "cut held (protected hours)");
	assert_int_equal(site_int(&shown, "protected_s"), START_S + 8 * 3600);
	site_forget(&shown);
	/* It is used up past S1's cap for missing evidence; a restart changes nothing. */
	restart(site);
	assert_true(meters[0]->closed);
	assert_int_equal(site_room(site, "101")->money.hold, SUPPLY_HOLD_KEPT);
	run_for(site, 40 * MINUTE_US);
	assert_int_equal(ledger_events_each(site->ledger, 0, -1, 1 << 20, end_row, &ends), 0);
	assert_int_equal(ends.count, 6);
	assert_int_equal(ends.earliest_s, START_S + 8 * 3600);
	assert_true(meters[0]->closed);
	run_for(site, 40 * MINUTE_US);
	for (int i = 0; i < 6; i++)
		assert_false(meters[i]->closed);
	assert_int_equal(site->building.station->mass.held, MASS_CUT_NONE);
	/* It protects from the cut, and brings nobody back. */
	run_for(site, 13 * HOUR_US);
	assert_false(meters[0]->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_subsidy_is_spent_before_what_is_paid),
		CASE(what_was_not_paid_for_ends_with_the_tenancy),
		CASE(emergency_credit_is_had_once_until_it_is_repaid),
		CASE(emergency_credit_may_come_by_itself),
		CASE(a_room_may_have_an_overdraft_of_its_own),
		CASE(limits_refuse_and_never_clip),
		CASE(each_cap_takes_what_reaches_it_and_nothing_above),
		CASE(a_cut_waits_for_protected_hours_to_end),
		CASE(each_warning_level_is_told_once_and_again_after_a_recharge),
	};
	return cmocka_run_group_tests_name("station_credit", tests, NULL, NULL);
}
