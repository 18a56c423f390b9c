/* Debts beside the balance: what a recharge pays of them, once; what is taken by date, once; what ends them. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_verify.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define UNIT       INT64_C(1000000000)
#define DAY_US     (24 * HOUR_US)

static json_t *money(int64_t minor)
{
	return json_pack("{s:I,s:i,s:i}", "value", (json_int_t)minor, "multiplier", -2,
			 "monetaryUnit", 156);
}

static json_t *with(json_t *args, const char *name, json_t *value)
{
	json_object_set_new(args, name, value);
	return args;
}

static json_t *debt(int64_t minor, const char *way)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:s}", "room", "101", "name", "old rent", "reason",
			 "agreed", "amount", money(minor), "way", way);
}

static int64_t add(struct site *site, json_t *args)
{
	return site_ask_int(site, "debt.add", args, "id");
}

static int64_t field(struct site *site, int64_t id, const char *name)
{
	return site_ask_int(site, "debt.show", json_pack("{s:I}", "id", (json_int_t)id), name);
}

static void run_for(struct site *site, int64_t us)
{
	played_run(&site->building, site->building.now_us + us);
}

/* So much later by the clock; the meters stood still. */
static void later(struct site *site, int64_t us)
{
	site->building.base_s += us / 1000000;
	run_for(site, 3 * MINUTE_US);
}

static int64_t balance(struct site *site)
{
	return site_room(site, "101")->settled_nano;
}

struct sum {
	int64_t nano;
	int64_t id;
};

static int sum_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct sum *sum = userdata;
	char order[32];
	(void)balance_nano;
	snprintf(order, sizeof(order), "debt:%lld", (long long)sum->id);
	if (entry->kind == ENTRY_DEBT && strcmp(entry->order, order) == 0)
		sum->nano -= entry->amount_nano;
	return 0;
}

/* M1: what a debt has shrunk by is in entries. */
static int64_t in_entries(struct site *site, int64_t id)
{
	struct sum sum = {.id = id};
	assert_int_equal(ledger_entries_tail(site->ledger, 0, 0, 1 << 30, sum_row, &sum), 0);
	return sum.nano;
}

static void start(struct site *site, int opening_minor, int64_t load_w)
{
	site_add_meter(site, load_w);
	site_add_room(site, 101, opening_minor, "sockets", true, 1);
	run_for(site, 2 * MINUTE_US);
}

/* SMETS' vector, through the orders and a crash of each day: 2026-01-05 is a Monday. */
static void a_share_of_each_recharge_up_to_the_limit_of_the_week(void **state)
{
	static const int64_t expected[] = {1, 1, 1, 1, 1, 0, 0, 1};
	struct site *site = *state;
	char mrid[16];
	start(site, 0, 0);
	later(site, 4 * DAY_US + 12 * HOUR_US);
	int64_t id = add(site, with(with(debt(10000, "share"), "share_ppm", json_integer(100000)),
				    "week_max", money(500)));
	for (int i = 0; i < 8; i++) {
		int64_t before = balance(site);
		snprintf(mrid, sizeof(mrid), "r-%d", i);
		assert_string_equal(site_deliver(site, site_credit(site, mrid, "101", 1000), NULL),
				    "applied");
		assert_int_equal(balance(site) - before, (10 - expected[i]) * UNIT);
		site_close(site);
		site_open(site);
		/* Exactly once with its order. */
		assert_string_equal(site_deliver(site, site_credit(site, mrid, "101", 1000), NULL),
				    "duplicate");
		assert_int_equal(balance(site) - before, (10 - expected[i]) * UNIT);
		later(site, DAY_US);
	}
	assert_int_equal(field(site, id, "left_nano"), 94 * UNIT);
	assert_int_equal(in_entries(site, id), 6 * UNIT);
}

static int64_t split(struct site *site, const char *mrid, const char *name)
{
	struct site_answer answer = site_ask(site, "credit.show", json_pack("{s:s}", "mRID", mrid));
	const json_t *parts = json_object_get(json_object_get(answer.data, "receipt"), "split");
	const char *text = json_string_value(json_object_get(parts, name));
	assert_non_null(text);
	int64_t got = strtoll(text, NULL, 10);
	site_forget(&answer);
	return got;
}

/* City Power's fee, what was due, what is below zero, emergency credit, the balance: in that order. */
static void a_recharge_is_spent_in_its_order_and_the_receipt_says_so(void **state)
{
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 300;
	start(site, 100, 0);
	int64_t fee = add(site, with(debt(20000, "share"), "share_ppm", json_integer(500000)));
	int64_t due = add(site, debt(150, "at-once"));
	struct site_answer answer = site_ask(
		site, "adjust",
		with(json_pack("{s:s,s:s}", "room", "101", "reason", "x"), "amount", money(-600)));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	answer = site_ask(site, "credit.emergency",
			  json_pack("{s:s,s:s}", "room", "101", "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	assert_int_equal(balance(site), -5 * UNIT);

	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), NULL),
			    "applied");
	assert_int_equal(split(site, "r-1", "share_nano"), 10 * UNIT);
	assert_int_equal(split(site, "r-1", "due_nano"), UNIT + UNIT / 2);
	assert_int_equal(split(site, "r-1", "below_nano"), 2 * UNIT);
	assert_int_equal(split(site, "r-1", "emergency_nano"), 3 * UNIT);
	assert_int_equal(split(site, "r-1", "balance_nano"), 3 * UNIT + UNIT / 2);
	assert_int_equal(balance(site), 3 * UNIT + UNIT / 2);
	assert_int_equal(field(site, fee, "left_nano"), 190 * UNIT);
	assert_int_equal(field(site, due, "left_nano"), 0);
	site_refused(site, "debt.forgive",
		     json_pack("{s:I,s:s}", "id", (json_int_t)due, "reason", "x"),
		     PROBLEM_CONFLICT);
	/* A subsidy is not the tenant's to pay debts with. */
	assert_string_equal(
		site_deliver(site, site_credit_typed(site, "r-2", "101", 1000, "subsidy"), NULL),
		"applied");
	assert_int_equal(field(site, fee, "left_nano"), 190 * UNIT);
}

/* What a recharge can change. */
struct books {
	int64_t balance_nano;
	int64_t left_nano[2], due_nano[2], entries_nano[2];
	bool ended[2];
};

static struct books books_of(struct site *site, const int64_t ids[2])
{
	struct books books = {.balance_nano = balance(site)};
	for (int i = 0; i < 2; i++) {
		struct site_answer answer = site_ask(site, "debt.show",
						     json_pack("{s:I}", "id", (json_int_t)ids[i]));
		books.left_nano[i] = site_int(&answer, "left_nano");
		books.due_nano[i] = site_int(&answer, "due_nano");
		books.ended[i] = !json_is_null(json_object_get(answer.data, "ended_s"));
		site_forget(&answer);
		books.entries_nano[i] = in_entries(site, ids[i]);
	}
	return books;
}

static void assert_same(const struct books *a, const struct books *b)
{
	assert_int_equal(a->balance_nano, b->balance_nano);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(a->left_nano[i], b->left_nano[i]);
		assert_int_equal(a->due_nano[i], b->due_nano[i]);
		assert_int_equal(a->entries_nano[i], b->entries_nano[i]);
		assert_int_equal(a->ended[i], b->ended[i]);
	}
}

static void restart(struct site *site)
{
	site_close(site);
	site_open(site);
}

/* Half of each recharge up to 6 a week, and 1.50 that is due. */
static void add_two(struct site *site, int64_t ret_ids[2])
{
	ret_ids[0] = add(site, with(with(debt(20000, "share"), "share_ppm", json_integer(500000)),
				    "week_max", money(600)));
	ret_ids[1] = add(site, debt(150, "at-once"));
}

static void verify(struct site *site)
{
	struct ledger_verdict verdict;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

/* In every order in which the two can come, however often, and over restarts. */
static void a_recharge_taken_back_leaves_account_and_debts_as_if_it_had_not_been(void **state)
{
	struct site *site = *state;
	int64_t ids[2];
	start(site, 100, 0);
	add_two(site, ids);
	const struct books before = books_of(site, ids);
	/* It overtakes the recharge: a person decides about it. */
	assert_string_equal(
		site_deliver(site, site_reversal(site, "v-0", "101", -2000, "r-1"), NULL),
		"quarantined");
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), NULL),
			    "applied");
	struct books paid = books_of(site, ids);
	assert_int_equal(paid.balance_nano, before.balance_nano + 12 * UNIT + UNIT / 2);
	assert_int_equal(paid.left_nano[0], 194 * UNIT);
	assert_true(paid.ended[1]);
	restart(site);
	struct site_answer answer = site_ask(
		site, "credit.accept",
		json_pack("{s:s,s:s,s:b}", "mRID", "v-0", "reason", "x", "dry_run", 1));
	assert_int_equal(site_int(&answer, "balance_nano"), before.balance_nano);
	site_forget(&answer);
	struct books now = books_of(site, ids);
	assert_same(&now, &paid);
	answer = site_ask(site, "credit.accept",
			  json_pack("{s:s,s:s}", "mRID", "v-0", "reason", "x"));
	assert_int_equal(site_int(&answer, "balance_nano"), before.balance_nano);
	site_forget(&answer);
	now = books_of(site, ids);
	assert_same(&now, &before);
	assert_int_equal(split(site, "v-0", "share_nano"), -6 * UNIT);
	assert_int_equal(split(site, "v-0", "due_nano"), -UNIT - UNIT / 2);
	assert_int_equal(split(site, "v-0", "balance_nano"), -12 * UNIT - UNIT / 2);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(
			site_deliver(site, site_reversal(site, "v-0", "101", -2000, "r-1"), NULL),
			"duplicate");
		assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), NULL),
				    "duplicate");
		assert_string_equal(
			site_deliver(site, site_reversal(site, "v-1", "101", -1, "r-1"), NULL),
			i == 0 ? "quarantined" : "duplicate");
		restart(site);
		now = books_of(site, ids);
		assert_same(&now, &before);
	}
	/* The limit of the week is free again, and what was due is. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 2000), NULL),
			    "applied");
	now = books_of(site, ids);
	assert_same(&now, &paid);
	verify(site);
}

/* What of it is not taken back pays what a smaller recharge would have. */
static void a_part_taken_back_leaves_what_the_rest_would_have_paid(void **state)
{
	struct site *site = *state;
	int64_t ids[2];
	start(site, 100, 0);
	add_two(site, ids);
	const struct books before = books_of(site, ids);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), NULL),
			    "applied");
	/* Of 13.00 the share is the week's limit still; of 2.50 half, and 1.25 of what was due. */
	assert_string_equal(
		site_deliver(site, site_reversal(site, "v-1", "101", -700, "r-1"), NULL),
		"applied");
	struct books now = books_of(site, ids);
	assert_int_equal(now.left_nano[0], 194 * UNIT);
	assert_true(now.ended[1]);
	assert_int_equal(now.balance_nano, before.balance_nano + 5 * UNIT + UNIT / 2);
	restart(site);
	assert_string_equal(
		site_deliver(site, site_reversal(site, "v-2", "101", -1050, "r-1"), NULL),
		"applied");
	now = books_of(site, ids);
	assert_int_equal(now.left_nano[0], 200 * UNIT - UNIT * 5 / 4);
	assert_int_equal(now.left_nano[1], UNIT / 4);
	assert_int_equal(now.due_nano[1], UNIT / 4);
	assert_false(now.ended[1]);
	assert_int_equal(now.balance_nano, before.balance_nano);
	assert_string_equal(
		site_deliver(site, site_reversal(site, "v-3", "101", -250, "r-1"), NULL),
		"applied");
	now = books_of(site, ids);
	assert_same(&now, &before);
	verify(site);
}

/* Spent, and another recharge between: below zero by what was used, and no debt is shorter. */
static void a_recharge_that_was_spent_is_taken_back_all_the_same(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;
	int64_t ids[2];
	start(site, 100, 3000);
	add_two(site, ids);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 2000), NULL),
			    "applied");
	run_for(site, 6 * HOUR_US);
	site->building.meter[0].load_w = 0;
	/* Forgiven: what goes back of it is owed no more, but it is not the tenant's loss. */
	(void)site_ask_int(site, "debt.forgive",
			   json_pack("{s:I,s:s}", "id", (json_int_t)ids[0], "reason", "x"),
			   "left_nano");
	run_for(site, 5 * MINUTE_US);
	assert_string_equal(
		site_deliver(site, site_reversal(site, "v-1", "101", -2000, "r-1"), NULL),
		"applied");
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_true(totals.charged_wh > 17000);
	assert_int_equal(balance(site), UNIT - totals.charged_wh * PRICE_MICRO);
	assert_true(balance(site) < 0);
	struct books now = books_of(site, ids);
	assert_true(now.ended[0] && !now.ended[1]);
	assert_int_equal(now.left_nano[1], UNIT + UNIT / 2);
	assert_int_equal(now.entries_nano[0] + now.entries_nano[1], 0);
	verify(site);
}

static void by_date_it_is_taken_once_for_each_period(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	start(site, 10000, 0);
	int64_t daily = add(site, with(debt(1000, "daily"), "rate", money(100)));
	int64_t parts = add(site, with(debt(100, "instalments"), "instalments", json_integer(3)));
	int64_t gone = add(site, with(debt(1000, "weekly"), "rate", money(100)));
	(void)site_ask_int(
		site, "debt.forgive",
		json_pack("{s:I,s:s,s:b}", "id", (json_int_t)gone, "reason", "x", "dry_run", 1),
		"left_nano");
	assert_int_equal(field(site, gone, "left_nano"), 10 * UNIT);
	(void)site_ask_int(site, "debt.forgive",
			   json_pack("{s:I,s:s}", "id", (json_int_t)gone, "reason", "x"),
			   "left_nano");
	/* Nothing on the day on which it was made; then once a day, restarts or not. */
	later(site, 20 * HOUR_US);
	assert_int_equal(field(site, daily, "left_nano"), 10 * UNIT);
	later(site, 5 * HOUR_US);
	assert_int_equal(field(site, daily, "left_nano"), 9 * UNIT);
	for (int i = 0; i < 3; i++) {
		site_close(site);
		site_open(site);
		run_for(site, 10 * MINUTE_US);
	}
	assert_int_equal(field(site, daily, "left_nano"), 9 * UNIT);
	later(site, DAY_US);
	later(site, DAY_US);
	assert_int_equal(field(site, daily, "left_nano"), 7 * UNIT);
	/* A clock that goes back and forth; not known, it takes nothing. */
	building->base_s -= 86400;
	run_for(site, 10 * MINUTE_US);
	assert_int_equal(field(site, daily, "left_nano"), 7 * UNIT);
	building->base_s += 2 * 86400;
	run_for(site, 10 * MINUTE_US);
	assert_int_equal(field(site, daily, "left_nano"), 6 * UNIT);
	building->trusted = false;
	building->base_s += 86400;
	run_for(site, 10 * MINUTE_US);
	assert_int_equal(field(site, daily, "left_nano"), 6 * UNIT);
	building->trusted = true;
	/* A long way ahead: the periods between are not caught up. */
	building->base_s += 40 * INT64_C(86400);
	run_for(site, 10 * MINUTE_US);
	assert_int_equal(field(site, daily, "left_nano"), 5 * UNIT);
	assert_int_equal(field(site, parts, "left_nano"), UNIT - UNIT / 3);
	assert_int_equal(in_entries(site, daily), 5 * UNIT);
	assert_int_equal(in_entries(site, gone), 0);
}

/* The four bits, where they decide: exhausted, and in emergency credit. */
static void the_policy_bits_halt_and_accumulate(void **state)
{
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 1000;
	site->config.policy.hold_max_s = 864000;
	start(site, -100, 0);
	int64_t id = add(site, with(debt(1000, "daily"), "rate", money(100)));
	later(site, 25 * HOUR_US);
	assert_int_equal(field(site, id, "left_nano"), 10 * UNIT); /* halted */
	site->config.policy.debt_halted = false;
	later(site, DAY_US);
	assert_int_equal(field(site, id, "left_nano"), 9 * UNIT); /* taken, and owed */
	struct site_answer answer = site_ask(site, "credit.emergency",
					     json_pack("{s:s,s:s}", "room", "101", "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	later(site, DAY_US);
	assert_int_equal(field(site, id, "left_nano"), 9 * UNIT); /* accumulated */
	assert_int_equal(field(site, id, "due_nano"), UNIT);
	site->config.policy.debt_in_emergency = true;
	later(site, DAY_US);
	assert_int_equal(field(site, id, "left_nano"), 8 * UNIT);
	assert_int_equal(field(site, id, "due_nano"), UNIT);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 1000), NULL),
			    "applied");
	assert_int_equal(field(site, id, "left_nano"), 7 * UNIT);
	assert_int_equal(field(site, id, "due_nano"), 0);
	assert_int_equal(balance(site), 6 * UNIT);
}

static int64_t standings(struct site *site)
{
	struct site_answer answer = site_ask(
		site, "statement", json_pack("{s:s,s:s}", "room", "101", "month", "2026-01"));
	int64_t sum = 0;
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "kind")), "standing") == 0)
			sum -= strtoll(json_string_value(json_object_get(row, "amount_nano")), NULL,
				       10);
	}
	site_forget(&answer);
	return sum;
}

/* The same two bits for standing charges. */
static void a_standing_charge_halts_or_accumulates_too(void **state)
{
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 1000;
	site->config.policy.hold_max_s = 864000;
	site->config.policy.standing_halted = true;
	site->config.policy.standing_in_emergency = false;
	struct site_answer answer = site_ask(
		site, "tariff.apply",
		json_pack("{s:s,s:s}", "text",
			  "[tariff]\nname = t\nactivation = receipt\n[energy]\nprice = 0.5\n"
			  "[standing]\nper-day = 1\n[tax]\nrate = 10\nis = added\n",
			  "reason", "x"));
	if (answer.problem != PROBLEM_NONE)
		fail_msg("%s", answer.detail);
	site_forget(&answer);
	start(site, -100, 0);
	run_for(site, 25 * HOUR_US);
	assert_int_equal(standings(site), 0); /* halted */
	answer = site_ask(site, "credit.emergency",
			  json_pack("{s:s,s:s}", "room", "101", "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	run_for(site, DAY_US);
	assert_int_equal(standings(site), 0);
	assert_int_equal(balance(site), -UNIT);
	assert_int_equal(field(site, 1, "due_nano"),
			 UNIT + UNIT / 10); /* accumulated, with its tax */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 1000), NULL),
			    "applied");
	assert_int_equal(balance(site), 8 * UNIT - UNIT / 10);
	run_for(site, DAY_US);
	assert_int_equal(standings(site), UNIT); /* taken */
}

static void a_tenancy_that_ends_ends_its_debts(void **state)
{
	struct site *site = *state;
	struct ledger_verdict verdict;
	start(site, 0, 0);
	site_add_meter(site, 0);
	site_add_room(site, 102, 0, "sockets", true, 1);
	run_for(site, 2 * MINUTE_US);
	struct site_answer answer = site_ask(
		site, "tenancy.begin",
		json_pack("{s:s,s:s,s:s}", "room", "101", "tenancy", "T-1", "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	int64_t first = add(site, with(debt(400, "daily"), "rate", money(1)));
	int64_t second = add(site, with(debt(1000, "daily"), "rate", money(1)));
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "T-1", 1000), NULL),
		"applied");
	/* They go along with the tenant, and with the last of the money. */
	answer = site_ask(site, "tenancy.transfer",
			  json_pack("{s:s,s:s,s:s}", "room", "101", "to", "102", "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	json_t *end = json_pack("{s:s,s:s}", "room", "102", "reason", "x");
	answer = site_ask(site, "tenancy.end", with(json_deep_copy(end), "dry_run", json_true()));
	assert_int_equal(site_int(&answer, "debts_nano"), 4 * UNIT);
	site_forget(&answer);
	assert_int_equal(field(site, first, "left_nano"), 4 * UNIT);
	answer = site_ask(site, "tenancy.end", end);
	assert_int_equal(site_int(&answer, "debts_nano"), 4 * UNIT);
	assert_int_equal(site_int(&answer, "amount_nano"), 0);
	site_forget(&answer);
	assert_int_equal(field(site, first, "left_nano"), 0);
	assert_int_equal(field(site, second, "left_nano"), 4 * UNIT);
	assert_int_equal(in_entries(site, second), 6 * UNIT);
	assert_int_equal(site_room(site, "102")->settled_nano, 0);
	answer = site_ask(site, "debt.list", NULL);
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 0);
	site_forget(&answer);
	answer = site_ask(site, "debt.list", json_pack("{s:b}", "all", 1));
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 2);
	site_forget(&answer);
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

struct kinds {
	int64_t sum;
	int64_t rounding;
	int64_t forfeit;
	int64_t closing;
};

static int kinds_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct kinds *kinds = userdata;
	(void)balance_nano;
	kinds->sum += entry->amount_nano;
	kinds->rounding += entry->kind == ENTRY_ROUNDING ? entry->amount_nano : 0;
	kinds->forfeit += entry->kind == ENTRY_FORFEIT ? entry->amount_nano : 0;
	kinds->closing += entry->kind == ENTRY_CLOSING ? entry->amount_nano : 0;
	return 0;
}

/* Debts, emergency credit used, a subsidy left, a billionth: all of it named, and the sum is zero. */
static void an_account_closes_at_exactly_zero_whatever_it_holds(void **state)
{
	static const struct {
		int64_t adjust_minor; /* of 101, whose energy leaves parts of a cent */
		int64_t subsidy_minor;
		int64_t debt_minor;
		bool emergency;
	} cases[] = {
		{500, 300, 200, false},
		{500, 300, 100000, false},
		{-400, 0, 200, true},
		{0, 700, 0, false},
	};
	struct site *site = *state;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 1000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kinds before = {0}, kinds = {0};
		struct ledger_totals totals;
		char mrid[16];
		assert_int_equal(
			ledger_entries_tail(site->ledger, 0, 0, 1 << 30, kinds_row, &before), 0);
		start(site, 100, 777);
		run_for(site, 37 * MINUTE_US);
		if (cases[i].adjust_minor != 0) {
			struct site_answer answer = site_ask(
				site, "adjust",
				with(json_pack("{s:s,s:s}", "room", "101", "reason", "x"), "amount",
				     money(cases[i].adjust_minor)));
			assert_int_equal(answer.problem, PROBLEM_NONE);
			site_forget(&answer);
		}
		snprintf(mrid, sizeof(mrid), "s-%zu", i);
		if (cases[i].subsidy_minor != 0)
			assert_string_equal(
				site_deliver(site,
					     site_credit_typed(site, mrid, "101",
							       cases[i].subsidy_minor, "subsidy"),
					     NULL),
				"applied");
		if (cases[i].emergency)
			(void)site_ask_int(site, "credit.emergency",
					   json_pack("{s:s,s:s}", "room", "101", "reason", "x"),
					   "cutoff_nano");
		if (cases[i].debt_minor != 0)
			(void)add(site, debt(cases[i].debt_minor, "at-once"));
		json_t *args = json_pack("{s:s,s:s,s:b,s:b}", "room", "101", "reason", "x",
					 "write_off", 1, "dry_run", 1);
		struct site_answer dry = site_ask(site, "room.remove", json_deep_copy(args));
		assert_int_equal(dry.problem, PROBLEM_NONE);
		assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
		json_object_set_new(args, "dry_run", json_false());
		struct site_answer real = site_ask(site, "room.remove", args);
		assert_int_equal(real.problem, PROBLEM_NONE);
		assert_int_equal(site_int(&real, "amount_nano"), site_int(&dry, "amount_nano"));
		assert_int_equal(
			ledger_entries_tail(site->ledger, 0, 0, 1 << 30, kinds_row, &kinds), 0);
		kinds.rounding -= before.rounding;
		kinds.closing -= before.closing;
		kinds.forfeit -= before.forfeit;
		assert_int_equal(kinds.sum, 0);
		/* A debt that takes all leaves nothing to be rounded. */
		assert_int_equal(kinds.rounding != 0,
				 cases[i].debt_minor != 100000 &&
					 site_int(&real, "given_up_nano") == 0);
		assert_int_equal(site_int(&real, "rounded_nano") % 10000000,
				 site_int(&real, "rounded_nano"));
		assert_int_equal(site_int(&real, "amount_nano") % 10000000, 0);
		assert_int_equal(kinds.closing, -site_int(&real, "amount_nano"));
		assert_int_equal(kinds.forfeit, -site_int(&real, "forfeited_nano"));
		assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
		assert_int_equal(totals.balance_nano, 0);
		if (cases[i].debt_minor == 100000) {
			assert_int_equal(site_int(&real, "amount_nano"), 0);
			assert_true(site_int(&real, "debts_nano") > 990 * UNIT);
		}
		if (cases[i].emergency)
			assert_true(site_int(&real, "given_up_nano") > 0);
		site_forget(&dry);
		site_forget(&real);
		site->building.meters = 0;
		site_close(site);
		site_open(site);
	}
}

static void what_cannot_be_a_debt_is_refused(void **state)
{
	struct site *site = *state;
	site->config.policy.debt_max_minor = 2000;
	start(site, 0, 0);
	site_refused(site, "debt.add", debt(1000, "yearly"), PROBLEM_USAGE);
	site_refused(site, "debt.add", debt(0, "at-once"), PROBLEM_USAGE);
	site_refused(site, "debt.add", debt(1000, "daily"), PROBLEM_USAGE);
	site_refused(site, "debt.add", debt(1000, "share"), PROBLEM_USAGE);
	site_refused(site, "debt.add",
		     with(debt(1000, "share"), "share_ppm", json_integer(1000001)), PROBLEM_USAGE);
	site_refused(site, "debt.add",
		     with(debt(1000, "instalments"), "instalments", json_integer(1)),
		     PROBLEM_USAGE);
	site_refused(site, "debt.add", with(debt(1000, "at-once"), "week_max", money(1)),
		     PROBLEM_USAGE);
	site_refused(site, "debt.add", debt(2001, "at-once"), PROBLEM_REFUSED);
	assert_true(add(site, with(debt(1500, "at-once"), "dry_run", json_true())) > 0);
	assert_true(add(site, debt(1500, "at-once")) > 0);
	site_refused(site, "debt.add", debt(501, "at-once"), PROBLEM_REFUSED);
	site_refused(site, "debt.show", json_pack("{s:I}", "id", (json_int_t)99),
		     PROBLEM_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_share_of_each_recharge_up_to_the_limit_of_the_week),
		CASE(a_recharge_is_spent_in_its_order_and_the_receipt_says_so),
		CASE(a_recharge_taken_back_leaves_account_and_debts_as_if_it_had_not_been),
		CASE(a_part_taken_back_leaves_what_the_rest_would_have_paid),
		CASE(a_recharge_that_was_spent_is_taken_back_all_the_same),
		CASE(by_date_it_is_taken_once_for_each_period),
		CASE(the_policy_bits_halt_and_accumulate),
		CASE(a_standing_charge_halts_or_accumulates_too),
		CASE(a_tenancy_that_ends_ends_its_debts),
		CASE(an_account_closes_at_exactly_zero_whatever_it_holds),
		CASE(what_cannot_be_a_debt_is_refused),
	};
	return cmocka_run_group_tests_name("station_debt", tests, NULL, NULL);
}
