/* Tenants come and go: what closes closes at exactly zero, money moves and is never made, and a payment that is
 * still under way reaches nobody else. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_verify.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

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

static struct ledger_totals totals(struct site *site)
{
	struct ledger_totals got;
	assert_int_equal(ledger_totals_get(site->ledger, 0, &got), 0);
	return got;
}

static void verify(struct site *site)
{
	struct ledger_verdict verdict;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

/* Everything that the ledger holds, but who did what. */
static uint64_t all_of(struct site *site)
{
	static const char each[] =
		"SELECT 'SELECT * FROM ' || name || iif(name = 'event', ' WHERE type <> "
		"''audit''', "
		"'') FROM sqlite_schema WHERE type = 'table' AND name <> 'audit' AND name NOT LIKE "
		"'sqlite_%'";
	sqlite3 *db;
	sqlite3_stmt *tables, *rows;
	uint64_t hash = 14695981039346656037U;
	assert_int_equal(
		sqlite3_open_v2(ledger_path(site->ledger), &db, SQLITE_OPEN_READONLY, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, each, -1, &tables, NULL), SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *sql = (const char *)sqlite3_column_text(tables, 0);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
		while (sqlite3_step(rows) == SQLITE_ROW)
			for (int i = 0; i < sqlite3_column_count(rows); i++) {
				const uint8_t *bytes = sqlite3_column_blob(rows, i);
				for (int n = 0; n < sqlite3_column_bytes(rows, i); n++)
					hash = (hash ^ bytes[n]) * 1099511628211U;
				hash = (hash ^ 256) * 1099511628211U;
			}
		sqlite3_finalize(rows);
	}
	sqlite3_finalize(tables);
	sqlite3_close(db);
	return hash;
}

static void assert_audited(struct site *site, const char *verb, int64_t *count)
{
	sqlite3 *db;
	sqlite3_stmt *row;
	assert_int_equal(
		sqlite3_open_v2(ledger_path(site->ledger), &db, SQLITE_OPEN_READONLY, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT id, verb, who, why FROM audit ORDER BY id DESC "
					    "LIMIT 1",
					    -1, &row, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(row, 0), ++*count);
	assert_string_equal((const char *)sqlite3_column_text(row, 1), verb);
	assert_string_equal((const char *)sqlite3_column_text(row, 2), "li");
	assert_string_equal((const char *)sqlite3_column_text(row, 3), "as agreed");
	sqlite3_finalize(row);
	sqlite3_close(db);
}

static const char *args_of(const char *verb)
{
	const struct control_verb *known = station_verbs();
	while (known->name != NULL && strcmp(known->name, verb) != 0)
		known++;
	assert_non_null(known->args);
	return known->args;
}

/* Each refuses to be done without a reason, changes nothing when it is only tried, changes something when it is
 * done, and says who did it and why. */
static void every_verb_about_money_is_tried_first_reasoned_and_audited(void **state)
{
	struct site *site = *state;
	char detail[MESSAGE_DETAIL_SIZE];
	int64_t count = 0;
	site->config.policy.cash = true;
	site->config.policy.cash_day_max_minor = 1000000;
	site->config.policy.emergency = CONFIG_EMERGENCY_REQUEST;
	site->config.policy.emergency_minor = 300;
	site->config.policy.emergency_at_minor = 1000000;
	for (int room = 101; room <= 102; room++) {
		site_add_meter(site, 0);
		site_add_room(site, room, 0, "sockets", true, 1);
	}
	played_run(&site->building, 3 * MINUTE_US);
	for (int i = 0; i < 2; i++)
		assert_string_equal(site_deliver(site,
						 site_credit_of(site, i == 0 ? "q-1" : "q-2", "101",
								"T-1", 700),
						 NULL),
				    "quarantined");
	const struct {
		const char *verb;
		json_t *args; /* beside reason and dry_run */
	} rows[] = {
		{"tenancy.begin", json_pack("{s:s,s:s}", "room", "101", "tenancy", "T-1")},
		{"credit.accept", json_pack("{s:s}", "mRID", "q-1")},
		{"credit.reject", json_pack("{s:s}", "mRID", "q-2")},
		{"adjust", json_pack("{s:s,s:o}", "room", "101", "amount", money(250))},
		{"credit.add",
		 json_pack("{s:s,s:o,s:s}", "room", "101", "amount", money(99), "receipt", "K-1")},
		{"credit.overdraft", json_pack("{s:s,s:o}", "room", "101", "limit", money(500))},
		{"credit.emergency", json_pack("{s:s}", "room", "101")},
		{"debt.add", json_pack("{s:s,s:s,s:o,s:s}", "room", "101", "name", "fee", "amount",
				       money(300), "way", "at-once")},
		{"debt.forgive", json_pack("{s:i}", "id", 1)},
		{"tenancy.transfer", json_pack("{s:s,s:s}", "room", "101", "to", "102")},
		{"tenancy.end", json_pack("{s:s}", "room", "102")},
		{"tenancy.begin", json_pack("{s:s,s:s}", "room", "102", "tenancy", "T-2")},
		{"adjust", json_pack("{s:s,s:o}", "room", "102", "amount", money(-250))},
		{"write_off", json_pack("{s:s}", "room", "102")},
		{"meter.exchange", json_pack("{s:s,s:i}", "room", "102", "initial_wh", 0)},
		{"room.remove", json_pack("{s:s}", "room", "101")},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].verb);
		/* Alarms are told with the second. */
		played_run(&site->building, site->building.now_us + 2000000);
		assert_true(message_check_args(rows[i].args, args_of(rows[i].verb), detail) < 0);
		json_t *args = with(rows[i].args, "reason", json_string("as agreed"));
		json_t *dry = with(json_deep_copy(args), "dry_run", json_true());
		uint64_t before = all_of(site);
		struct site_answer tried = site_ask(site, rows[i].verb, dry);
		if (tried.problem != PROBLEM_NONE)
			fail_msg("%s", tried.detail);
		assert_true(all_of(site) == before);
		assert_audited(site, rows[i].verb, &count);
		struct site_answer done = site_ask(site, rows[i].verb, args);
		if (done.problem != PROBLEM_NONE)
			fail_msg("%s", done.detail);
		assert_true(all_of(site) != before);
		assert_audited(site, rows[i].verb, &count);
		/* What was tried is what was done. */
		if (json_object_get(done.data, "dry_run") != NULL) {
			assert_true(json_is_true(json_object_get(tried.data, "dry_run")));
			json_object_set_new(tried.data, "dry_run", json_false());
			assert_true(json_equal(tried.data, done.data));
		}
		site_forget(&tried);
		site_forget(&done);
	}
	verify(site);
}

static void move_in(struct site *site, const char *room, const char *tenancy)
{
	struct site_answer answer = site_ask(
		site, "tenancy.begin", with(about(room, false), "tenancy", json_string(tenancy)));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
}

/* S1: an hour of holding, in two runs of the daemon and with half a day between them. */
static void a_hold_counts_its_running_time_through_restarts(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site->config.policy.hold_max_s = 3600;
	site->config.policy.hold_max_minor = 100000;
	site->config.policy.hold_then = CONFIG_THEN_CUT;
	site_close(site);
	site_open(site);
	struct played_meter *meter = site_add_meter(site, 1000); /* two hours */
	site_add_room(site, 101, 100, "sockets", true, 1);
	played_run(building, 90 * MINUTE_US);
	building->trusted = false;
	played_run(building, 150 * MINUTE_US);
	assert_true(meter->closed);
	assert_int_equal(site_room(site, "101")->money.hold, SUPPLY_HOLD_CLOCK);
	site_close(site);
	building->now_us += 12 * HOUR_US;
	site_open(site);
	/* The half day did not count, ... */
	played_run(building, building->now_us + 15 * MINUTE_US);
	assert_true(meter->closed);
	assert_null(alarms_find(&building->station->alarms, ALARM_HOLD_SPENT, "101"));
	/* ... the half hour before it did. */
	played_run(building, building->now_us + 30 * MINUTE_US);
	assert_false(meter->closed);
}

static void a_tenancy_ends_at_exactly_zero(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 770);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	move_in(site, "101", "T-1");
	site_refused(site, "tenancy.begin",
		     with(about("101", false), "tenancy", json_string("T-2")), PROBLEM_CONFLICT);
	played_run(building, 3 * HOUR_US + 7 * MINUTE_US);

	struct ledger_totals before = totals(site);
	struct site_answer dry = site_ask(site, "tenancy.end", about("101", true));
	int64_t refund = site_int(&dry, "amount_nano"), rounded = site_int(&dry, "rounded_nano");
	site_forget(&dry);
	assert_int_equal(totals(site).entries, before.entries);
	assert_string_equal(site_room(site, "101")->record.tenancy, "T-1");
	assert_int_equal(site_ask_int(site, "tenancy.end", about("101", false), "amount_nano"),
			 refund);
	int64_t used_wh = played_register_wh(meter) - first_wh;
	assert_in_range(used_wh - totals(site).charged_wh, 0, 20);
	/* The price is 0.0005 a Wh: what is left of a cent is rounded, the rest is paid. */
	assert_int_equal(refund + rounded,
			 INT64_C(50000000000) - totals(site).charged_wh * PRICE_MICRO);
	assert_int_equal(refund % 10000000, 0);
	assert_in_range(rounded, 0, 9999999);
	assert_int_equal(totals(site).balance_nano, 0);
	site_refused(site, "tenancy.end", about("101", false), PROBLEM_CONFLICT);

	/* A payment of the old tenancy reaches nobody; the room is cut, what it used is nobody's. */
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "T-1", 2000), "1"),
		"quarantined");
	int64_t charged_wh = totals(site).charged_wh;
	played_run(building, 5 * HOUR_US);
	assert_false(meter->closed);
	site_close(site);
	site_open(site);
	played_run(building, 5 * HOUR_US + 5 * MINUTE_US);
	assert_true(site_room(site, "101")->record.vacant);
	assert_int_equal(site_room(site, "101")->live_nano, 0);

	move_in(site, "101", "T-2");
	assert_int_equal(site_room(site, "101")->settled_nano, 0);
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-2", "101", "T-1", 2000), "2"),
		"quarantined");
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-3", "101", "T-2", 2000), "3"),
		"applied");
	assert_int_equal(totals(site).charged_wh, charged_wh);
	assert_true(totals(site).house_wh > 0);
	assert_int_equal(totals(site).charged_wh + totals(site).house_wh,
			 played_register_wh(meter) - first_wh);
	assert_int_equal(totals(site).balance_nano, INT64_C(20000000000));
	verify(site);
}

static void a_final_reading_is_needed(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 770);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	move_in(site, "101", "T-1");
	played_run(building, HOUR_US);
	meter->dead = true;
	played_run(building, 2 * HOUR_US);
	site_refused(site, "tenancy.end", about("101", false), PROBLEM_REFUSED);
	assert_string_equal(site_room(site, "101")->record.tenancy, "T-1");
	assert_true(site_ask_int(site, "tenancy.end",
				 with(about("101", false), "last_reading", json_true()),
				 "amount_nano") > 0);
	assert_int_equal(totals(site).balance_nano, 0);
}

static void a_debt_is_carried_out_or_written_off(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site->config.policy.hold_max_s = 864000;
	site_add_meter(site, 770);
	site_add_room(site, 101, 100, "sockets", false, 1);
	site_add_meter(site, 770);
	site_add_room(site, 102, 100, "sockets", false, 1);
	move_in(site, "101", "T-1");
	site_refused(site, "write_off", about("102", false), PROBLEM_CONFLICT);
	played_run(building, 6 * HOUR_US + 3 * MINUTE_US);
	int64_t debt = site_ask_int(site, "tenancy.end", about("101", false), "amount_nano");
	assert_true(debt < -INT64_C(1000000000));
	assert_int_equal(debt % 10000000, 0);
	assert_int_equal(site_room(site, "101")->settled_nano, 0);
	int64_t given_up = site_ask_int(site, "write_off", about("102", true), "amount_nano");
	assert_true(site_room(site, "102")->live_nano < 0);
	assert_int_equal(site_ask_int(site, "write_off", about("102", false), "amount_nano"),
			 given_up);
	assert_int_equal(site_room(site, "102")->settled_nano, 0);
	assert_int_equal(totals(site).balance_nano, 0);
	assert_int_equal(totals(site).written_off_wh, 0);
	verify(site);
}

static json_t *to(const char *room, const char *other)
{
	return with(about(room, false), "to", json_string(other));
}

static void a_tenant_moves_with_the_balance(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 770);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 0, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 103, 100, "sockets", true, 1);
	site_refused(site, "tenancy.transfer", to("101", "102"), PROBLEM_CONFLICT);
	move_in(site, "101", "T-1");
	played_run(building, 2 * HOUR_US);
	site_refused(site, "tenancy.transfer", to("101", "103"), PROBLEM_CONFLICT);
	site_refused(site, "tenancy.transfer", to("101", "101"), PROBLEM_USAGE);
	site_refused(site, "tenancy.transfer", to("101", "9"), PROBLEM_NOT_FOUND);
	int64_t all = totals(site).balance_nano, charged = totals(site).charged_wh;
	int64_t moved = site_ask_int(site, "tenancy.transfer", to("101", "102"), "amount_nano");
	assert_int_equal(site_room(site, "101")->settled_nano, 0);
	assert_int_equal(site_room(site, "102")->settled_nano, moved);
	assert_string_equal(site_room(site, "101")->record.tenancy, "");
	assert_string_equal(site_room(site, "102")->record.tenancy, "T-1");
	assert_int_equal(totals(site).balance_nano,
			 all - (totals(site).charged_wh - charged) * PRICE_MICRO);
	assert_string_equal(site_deliver(site, site_credit_of(site, "r-1", "101", "T-1", 100), "1"),
			    "quarantined");
	assert_string_equal(site_deliver(site, site_credit_of(site, "r-2", "102", "T-1", 100), "2"),
			    "applied");
	move_in(site, "103", "T-3");
	site_refused(site, "tenancy.transfer", to("102", "103"), PROBLEM_CONFLICT);
	verify(site);
}

static void an_adjustment_names_what_it_corrects(void **state)
{
	struct site *site = *state;
	site->config.policy.order_max_minor = 100000;
	site_add_meter(site, 0);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	struct site_answer answer = site_ask(
		site, "adjust",
		with(with(about("101", false), "amount", money(-1234)), "refers", json_integer(1)));
	assert_int_equal(site_int(&answer, "amount_nano"), -INT64_C(12340000000));
	site_forget(&answer);
	assert_int_equal(site_room(site, "101")->settled_nano, INT64_C(37660000000));
	site_refused(site, "adjust",
		     with(with(about("102", false), "amount", money(1)), "refers", json_integer(1)),
		     PROBLEM_NOT_FOUND);
	site_refused(site, "adjust", with(about("101", false), "amount", money(0)), PROBLEM_USAGE);
	site_refused(site, "adjust", with(about("101", false), "amount", money(100001)),
		     PROBLEM_REFUSED);
	snprintf(site->config.cloud.url, sizeof(site->config.cloud.url), "https://cloud");
	site_refused(site, "tenancy.begin",
		     with(about("101", false), "tenancy", json_string("T-1")), PROBLEM_REFUSED);
	site->config.cloud.url[0] = '\0';
	verify(site);
}

static json_t *hold(const char *room, int64_t until_s)
{
	return json_pack("{s:s,s:s,s:I}", "room", room, "reason", "the reading is disputed",
			 "until_s", (json_int_t)until_s);
}

static json_t *release(const char *room)
{
	return json_pack("{s:s,s:s}", "room", room, "reason", "settled");
}

static size_t holds(struct site *site)
{
	struct site_answer answer = site_ask(site, "hold.list", NULL);
	size_t count = json_array_size(json_object_get(answer.data, "rows"));
	site_forget(&answer);
	return count;
}

static void a_dispute_keeps_the_supply_on_until_its_end(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 100, "sockets", true, 1); /* two hours of it */
	struct site_answer answer = site_ask(site, "hold.set", hold("101", START_S + 40 * 3600));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	site_refused(site, "hold.set", hold("101", START_S - 1), PROBLEM_USAGE);
	site_refused(site, "hold.set", hold("101", START_S + 367 * 86400), PROBLEM_USAGE);
	played_run(building, 30 * HOUR_US);
	/* Longer, and for more money, than the caps of a hold for lack of evidence. */
	assert_true(meter->closed);
	assert_true(site_room(site, "101")->live_nano < -INT64_C(12000000000));
	assert_int_equal(site_room(site, "101")->money.hold, SUPPLY_HOLD_KEPT);
	site_close(site);
	site_open(site);
	assert_int_equal(holds(site), 1);
	played_run(building, 39 * HOUR_US);
	assert_true(meter->closed);
	played_run(building, 41 * HOUR_US);
	assert_int_equal(holds(site), 0);
	assert_false(meter->closed);
	site_refused(site, "hold.release", release("101"), PROBLEM_CONFLICT);
}

static void a_hold_ends_with_its_tenancy(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 100, "sockets", true, 1);
	move_in(site, "101", "T-1");
	played_run(&site->building, 5 * MINUTE_US);
	struct site_answer set = site_ask(site, "hold.set", hold("101", START_S + 86400));
	site_forget(&set);
	(void)site_ask_int(site, "tenancy.end", about("101", true), "amount_nano");
	assert_int_equal(holds(site), 1);
	(void)site_ask_int(site, "tenancy.end", about("101", false), "amount_nano");
	assert_int_equal(holds(site), 0);
}

static void a_released_hold_lets_the_cut_come(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 100, "sockets", true, 1);
	for (int days = 1; days < 3; days++) {
		struct site_answer set = site_ask(site, "hold.set",
						  hold("101", START_S + days * 86400));
		site_forget(&set);
	}
	assert_int_equal(holds(site), 1);
	played_run(building, 5 * HOUR_US);
	assert_true(meter->closed);
	struct site_answer answer = site_ask(site, "hold.release", release("101"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	played_run(building, 6 * HOUR_US);
	assert_false(meter->closed);
	site_close(site);
	site_open(site);
	assert_int_equal(holds(site), 0);
}

static json_t *decide(const char *mrid, const char *room, bool dry_run)
{
	return json_pack("{s:s,s:s*,s:s,s:b}", "mRID", mrid, "room", room, "reason", "agreed",
			 "dry_run", dry_run);
}

static char *shown(struct site *site, const char *mrid, const char *field)
{
	static char text[64];
	struct site_answer answer = site_ask(site, "credit.show", json_pack("{s:s}", "mRID", mrid));
	json_t *receipt = json_object_get(answer.data, "receipt");
	assert_true(json_is_object(receipt));
	assert_string_equal(json_string_value(json_object_get(receipt, "result")),
			    json_string_value(json_object_get(answer.data, "result")));
	json_t *value = json_object_get(receipt, field);
	if (json_is_object(value))
		value = json_object_get(value, "value");
	snprintf(text, sizeof(text), "%s",
		 json_string_value(value) == NULL ? "" : json_string_value(value));
	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	site_forget(&answer);
	return text;
}

static void a_payment_under_way_at_the_move_out_is_decided_by_a_person(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 0, "sockets", true, 1);
	site_add_meter(site, 0);
	site_add_room(site, 102, 0, "sockets", true, 1);
	played_run(&site->building, 2 * MINUTE_US);
	move_in(site, "101", "T-1");
	(void)site_ask_int(site, "tenancy.end", about("101", false), "amount_nano");
	move_in(site, "102", "T-1");
	json_t *late = site_credit_of(site, "r-1", "101", "T-1", 2000);
	assert_string_equal(site_deliver(site, json_incref(late), "1"), "quarantined");
	assert_string_equal(site_deliver(site, site_credit_of(site, "r-2", "101", "T-1", 300), "2"),
			    "quarantined");
	assert_string_equal(shown(site, "r-1", "room"), "");

	/* Its own room has another tenant, or none: a person must name one. */
	site_refused(site, "credit.accept", decide("r-1", NULL, false), PROBLEM_REFUSED);
	site_refused(site, "credit.accept", decide("r-1", "9", false), PROBLEM_NOT_FOUND);
	site_refused(site, "credit.accept", decide("r-9", "102", false), PROBLEM_NOT_FOUND);
	assert_int_equal(
		site_ask_int(site, "credit.accept", decide("r-1", "102", true), "balance_nano"),
		INT64_C(20000000000));
	assert_int_equal(totals(site).balance_nano, 0);
	assert_int_equal(
		site_ask_int(site, "credit.accept", decide("r-1", "102", false), "balance_nano"),
		INT64_C(20000000000));
	assert_int_equal(site_room(site, "102")->settled_nano, INT64_C(20000000000));
	assert_string_equal(shown(site, "r-1", "room"), "102");
	assert_string_equal(shown(site, "r-1", "balance"), "2000");

	/* Once: by a person, by the feed, and over a restart. */
	site_refused(site, "credit.accept", decide("r-1", "102", false), PROBLEM_CONFLICT);
	site_refused(site, "credit.reject", decide("r-1", NULL, false), PROBLEM_CONFLICT);
	struct site_answer dry = site_ask(site, "credit.reject", decide("r-2", NULL, true));
	assert_int_equal(dry.problem, PROBLEM_NONE);
	site_forget(&dry);
	struct site_answer given_back = site_ask(site, "credit.reject", decide("r-2", NULL, false));
	assert_int_equal(given_back.problem, PROBLEM_NONE);
	site_forget(&given_back);
	site_refused(site, "credit.accept", decide("r-2", "102", false), PROBLEM_CONFLICT);
	site_close(site);
	site_open(site);
	assert_string_equal(site_deliver(site, late, "1"), "duplicate");
	assert_string_equal(site_deliver(site, site_credit_of(site, "r-2", "101", "T-1", 300), "2"),
			    "duplicate");
	assert_int_equal(totals(site).balance_nano, INT64_C(20000000000));

	/* It can be taken back like any other. */
	assert_string_equal(
		site_deliver(site, site_reversal(site, "r-3", "102", -2000, "r-1"), "3"),
		"quarantined");
	site_refused(site, "credit.accept", decide("r-3", "101", false), PROBLEM_REFUSED);
	assert_int_equal(
		site_ask_int(site, "credit.accept", decide("r-3", "102", false), "balance_nano"),
		0);
	verify(site);
}

static void an_older_key_set_replayed_is_a_duplicate(void **state)
{
	static const char none[] = "{\"v\":1,\"version\":%d,\"keys\":[]}";
	struct site *site = *state;
	struct order_keys *keys = &site->building.station->keys;
	size_t size = sizeof(keys->roots.root[0].key);
	keys->roots.count = 1;
	assert_int_equal(EVP_PKEY_get_raw_public_key(site->key, keys->roots.root[0].key, &size), 1);
	static const struct {
		int version;
		const char *result;
	} cases[] = {
		{2, "applied"},   {5, "applied"},  {2, "duplicate"},
		{5, "duplicate"}, {3, "rejected"}, {1, "duplicate"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char payload[64], mrid[16];
		snprintf(payload, sizeof(payload), none, cases[i].version);
		snprintf(mrid, sizeof(mrid), "keys-%d", cases[i].version);
		assert_string_equal(site_deliver(site,
						 site_signed(site, "KeysetOffer", mrid,
							     ORDER_KEYSET_PREFIX, payload),
						 NULL),
				    cases[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_verb_about_money_is_tried_first_reasoned_and_audited),
		CASE(a_hold_counts_its_running_time_through_restarts),
		CASE(a_tenancy_ends_at_exactly_zero),
		CASE(a_final_reading_is_needed),
		CASE(a_debt_is_carried_out_or_written_off),
		CASE(a_tenant_moves_with_the_balance),
		CASE(an_adjustment_names_what_it_corrects),
		CASE(a_dispute_keeps_the_supply_on_until_its_end),
		CASE(a_hold_ends_with_its_tenancy),
		CASE(a_released_hold_lets_the_cut_come),
		CASE(a_payment_under_way_at_the_move_out_is_decided_by_a_person),
		CASE(an_older_key_set_replayed_is_a_duplicate),
	};
	return cmocka_run_group_tests_name("station_tenancy", tests, NULL, NULL);
}
