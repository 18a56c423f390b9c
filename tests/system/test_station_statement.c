/* What a month's paper says: each tenant's own rows, each charge in its month, and closed accounts too. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "concentrator/ledger_entry.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)
#define CENT       INT64_C(10000000)

static const char *text(const json_t *row, const char *name)
{
	const char *value = json_string_value(json_object_get(row, name));
	return value == NULL ? "(null)" : value;
}

static int64_t nano(const json_t *row, const char *name)
{
	int64_t value;
	assert_int_equal(message_parse_nano(json_object_get(row, name), &value), 0);
	return value;
}

static struct site_answer statement(struct site *site, const char *room, const char *month)
{
	struct site_answer answer = site_ask(site, "statement",
					     json_pack("{s:s,s:s}", "room", room, "month", month));
	const json_t *row;
	size_t i;
	int64_t sum;
	assert_non_null(answer.data);
	sum = site_int(&answer, "opening_nano");
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
		sum += nano(row, "amount_nano");
	assert_int_equal(sum, site_int(&answer, "closing_nano"));
	return answer;
}

/* The n-th row of a kind; NULL: there are fewer. */
static const json_t *row_of(const struct site_answer *answer, const char *kind, size_t n)
{
	const json_t *row;
	size_t i;
	json_array_foreach(json_object_get(answer->data, "rows"), i,
			   row) if (strcmp(text(row, "kind"), kind) == 0 && n-- == 0) return row;
	return NULL;
}

static void change(struct site *site, const char *verb, json_t *args)
{
	struct site_answer answer = site_ask(site, verb, args);
	assert_non_null(answer.data);
	site_forget(&answer);
}

static void each_tenant_has_rows_of_their_own(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 50000, "sockets", true, 1);
	change(site, "tenancy.begin",
	       json_pack("{s:s,s:s,s:s}", "room", "101", "tenancy", "T-1", "reason", "x"));
	played_run(building, 8 * HOUR_US);
	change(site, "tenancy.end", json_pack("{s:s,s:s}", "room", "101", "reason", "x"));
	change(site, "tenancy.begin",
	       json_pack("{s:s,s:s,s:s}", "room", "101", "tenancy", "T-2", "reason", "x"));
	site_deliver(site, site_credit_of(site, "r-1", "101", "T-2", 5000), "1");
	played_run(building, 16 * HOUR_US);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");

	struct site_answer answer = statement(site, "101", "2026-01");
	const json_t *first = row_of(&answer, "charge", 0), *second = row_of(&answer, "charge", 1);
	const json_t *closing = row_of(&answer, "closing", 0);
	assert_non_null(second);
	assert_null(row_of(&answer, "charge", 2));
	assert_string_equal(text(first, "tenancy"), "T-1");
	assert_string_equal(text(closing, "tenancy"), "T-1");
	assert_string_equal(text(second, "tenancy"), "T-2");
	assert_true(json_integer_value(json_object_get(second, "part")) >
		    json_integer_value(json_object_get(closing, "part")));
	/* Eight hours each. */
	assert_in_range(json_integer_value(json_object_get(first, "energy_wh")), 7980, 8020);
	assert_in_range(json_integer_value(json_object_get(second, "energy_wh")), 7980, 8020);
	site_forget(&answer);
}

static void a_minimum_and_its_tax_are_in_the_month_that_they_are_for(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	building->base_s += 29 * CALENDAR_DAY_S;
	played_run(building, MINUTE_US);
	site_add_meter(site, 1000);
	site_add_room(site, 101, 50000, "sockets", true, 1);
	site_tariff(site, "[tax]\nrate = 10\nis = added\n[minimum]\namount = 20\nevery = month 1\n"
			  "[standing]\nper-day = 1\n"
			  "[allowance]\nmoney = 5\nevery = month 1\n");
	site_pass_days(site, 2);
	played_run(building, building->now_us + HOUR_US);

	struct site_answer january = statement(site, "101", "2026-01");
	struct site_answer february = statement(site, "101", "2026-02");
	int64_t net = 0, tax = 0;
	for (size_t n = 0; n < 3; n++) {
		static const char *const kinds[] = {"charge", "standing", "minimum"};
		const json_t *row = row_of(&january, kinds[n], 0);
		assert_non_null(row);
		net += nano(row, "amount_nano");
	}
	for (size_t n = 0; row_of(&january, "tax", n) != NULL; n++)
		tax += nano(row_of(&january, "tax", n), "amount_nano");
	/* Two days at 1, and 20 in all for energy: all their tax is January's, to what was cut off. */
	assert_int_equal(net, -22 * 100 * CENT);
	assert_int_equal(tax, -22 * 10 * CENT);
	assert_null(row_of(&february, "minimum", 0));
	assert_null(row_of(&february, "tax", 0));
	assert_int_equal(nano(row_of(&february, "allowance", 0), "amount_nano"), 500 * CENT);
	assert_int_equal(site_int(&february, "opening_nano"), site_int(&january, "closing_nano"));
	site_forget(&january);
	site_forget(&february);
}

static void days_that_waited_are_in_their_own_month(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	building->base_s += 23 * CALENDAR_DAY_S; /* 2026-01-24 */
	played_run(building, MINUTE_US);
	for (int n = 0; n < 2; n++) {
		site_add_meter(site, 500);
		site_add_room(site, 101 + n, 50000, "sockets", true, 1);
	}
	site_tariff(site, "[tax]\nrate = 10\nis = added\n[standing]\nper-day = 1\n");
	site_pass_days(site, 1);
	site_close(site);
	building->now_us += 9 * DAY_US; /* 2026-02-03 */
	site_open(site);
	played_run(building, building->now_us + 5 * MINUTE_US);
	/* One room is charged for energy of February first, the other is not. */
	played_run(building, building->now_us + HOUR_US);
	(void)site_ask_int(site, "ledger.settle",
			   json_pack("{s:s,s:s}", "room", "102", "reason", "test"), "rooms");
	(void)site_ask_int(site, "dated.confirm", json_pack("{s:s}", "reason", "x"), "days");
	for (int n = 0; n < 2; n++) {
		const char *room = n == 0 ? "101" : "102";
		struct site_answer january = statement(site, room, "2026-01");
		struct site_answer february = statement(site, room, "2026-02");
		const json_t *days = row_of(&january, "standing", 0);
		assert_non_null(days);
		/* The 24th to the 31st, then two. */
		assert_int_equal(nano(days, "amount_nano"), -8 * 100 * CENT);
		assert_null(row_of(&january, "standing", 1));
		days = row_of(&february, "standing", 0);
		assert_non_null(days);
		assert_int_equal(nano(days, "amount_nano"), -2 * 100 * CENT);
		assert_null(row_of(&february, "standing", 1));
		assert_non_null(row_of(&january, "tax", 0));
		assert_non_null(row_of(&february, "tax", 0));
		assert_int_equal(site_int(&february, "opening_nano"),
				 site_int(&january, "closing_nano"));
		assert_int_equal(site_int(&february, "closing_nano"),
				 site_room(site, room)->settled_nano);
		site_forget(&january);
		site_forget(&february);
	}
}

static void credits_are_told_of_now_alone_and_no_future(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 100);
	site_add_room(site, 101, 7000, "sockets", true, 1);
	played_run(&site->building, HOUR_US);
	struct site_answer now = statement(site, "101", "2026-01");
	assert_true(json_is_array(json_object_get(now.data, "credits")));
	assert_true(json_is_false(json_object_get(now.data, "over")));
	site_forget(&now);
	struct site_answer past = statement(site, "101", "2020-01");
	assert_true(json_is_null(json_object_get(past.data, "credits")));
	assert_true(json_is_true(json_object_get(past.data, "over")));
	site_forget(&past);
	site_refused(site, "statement", json_pack("{s:s,s:s}", "room", "101", "month", "2026-02"),
		     PROBLEM_REFUSED);
}

static void a_room_that_was_removed_keeps_its_past(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 1500, "sockets", true, 1);
	int64_t old = site_room(site, "101")->record.account_id;
	played_run(building, 8 * HOUR_US);
	change(site, "room.remove",
	       json_pack("{s:s,s:s,s:b}", "room", "101", "reason", "x", "write_off", true));

	struct site_answer answer = statement(site, "101", "2026-01");
	assert_non_null(row_of(&answer, "charge", 0));
	assert_int_equal(json_integer_value(json_object_get(answer.data, "account")), old);
	assert_true(json_integer_value(json_object_get(answer.data, "closed_s")) > 0);
	site_forget(&answer);
	answer = site_ask(site, "explain", json_pack("{s:s}", "room", "101"));
	assert_true(json_array_size(json_object_get(answer.data, "rows")) > 0);
	assert_true(json_is_null(json_object_get(answer.data, "pending")));
	site_forget(&answer);
	answer = site_ask(site, "ledger.tail", json_pack("{s:s}", "room", "101"));
	assert_true(json_array_size(json_object_get(answer.data, "rows")) > 0);
	site_forget(&answer);
	answer = site_ask(site, "ledger.tail", NULL);
	const json_t *charge = row_of(&answer, "charge", 0);
	assert_string_equal(text(charge, "room"), "101");
	assert_string_equal(text(charge, "circuit"), "sockets");
	site_forget(&answer);
	site_refused(site, "statement", json_pack("{s:s,s:s}", "room", "199", "month", "2026-01"),
		     PROBLEM_NOT_FOUND);

	/* The name comes again: it means the new account, and tells of the old one. */
	site_add_room(site, 101, 2000, "sockets", true, 1);
	answer = statement(site, "101", "2026-01");
	assert_null(row_of(&answer, "charge", 0));
	assert_int_equal(json_integer_value(json_object_get(answer.data, "account_before")), old);
	site_forget(&answer);
	answer = site_ask(site, "statement",
			  json_pack("{s:s,s:I,s:s}", "room", "101", "account", (json_int_t)old,
				    "month", "2026-01"));
	assert_non_null(row_of(&answer, "charge", 0));
	site_forget(&answer);
	site_refused(site, "explain", json_pack("{s:s,s:i}", "room", "101", "account", 99),
		     PROBLEM_NOT_FOUND);
}

static void a_removed_room_is_refunded_or_its_debt_given_up(void **state)
{
	struct site *site = *state;
	static const struct {
		int opening_minor;
		const char *kind;
		const char *field;
	} cases[] = {{1500, "closing", "amount_nano"}, {-1500, "write-off", "given_up_nano"}};
	for (size_t i = 0; i < 2; i++) {
		site_add_meter(site, 0);
		site_add_room(site, 101 + (int)i, cases[i].opening_minor, "sockets", true, 1);
	}
	played_run(&site->building, 5 * MINUTE_US);
	for (size_t i = 0; i < 2; i++) {
		const char *room = i == 0 ? "101" : "102";
		assert_int_equal(site_ask_int(site, "room.remove",
					      json_pack("{s:s,s:s,s:b}", "room", room, "reason",
							"x", "write_off", true),
					      cases[i].field),
				 1500 * CENT);
		struct site_answer answer = site_ask(site, "ledger.tail",
						     json_pack("{s:s}", "room", room));
		const json_t *row = json_array_get(json_object_get(answer.data, "rows"), 0);
		assert_string_equal(text(row, "kind"), cases[i].kind);
		assert_int_equal(nano(row, "balance_nano"), 0);
		site_forget(&answer);
	}
}

static void the_audit_tells_every_act_by_page(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	for (int n = 0; n < 300; n++)
		change(site, n % 3 == 0 ? "ledger.settle" : "adjust",
		       n % 3 == 0 ? json_pack("{s:s}", "reason", "even")
				  : json_pack("{s:s,s:{s:i,s:i,s:i},s:s}", "room", "101", "amount",
					      "value", 1, "multiplier", -2, "monetaryUnit", 156,
					      "reason", "odd"));
	struct site_answer all = site_ask(site, "audit.list", json_pack("{s:i}", "n", 290));
	const json_t *rows = json_object_get(all.data, "rows"), *row;
	size_t i;
	int64_t id = 0;
	assert_int_equal(json_array_size(rows), 290);
	json_array_foreach(rows, i, row)
	{
		int64_t next = json_integer_value(json_object_get(row, "id"));
		assert_true(i == 0 || next == id - 1);
		id = next;
	}
	row = json_array_get(rows, 0);
	assert_string_equal(text(row, "verb"), "adjust");
	assert_string_equal(text(row, "who"), "li");
	assert_string_equal(text(row, "why"), "odd");
	assert_non_null(strstr(text(row, "what"), "101"));
	site_forget(&all);
	all = site_ask(site, "audit.list",
		       json_pack("{s:i,s:s}", "n", 1000, "verb", "ledger.settle"));
	assert_int_equal(json_array_size(json_object_get(all.data, "rows")), 100);
	site_forget(&all);
	all = site_ask(site, "audit.list", json_pack("{s:s}", "who", "nobody"));
	assert_int_equal(json_array_size(json_object_get(all.data, "rows")), 0);
	site_forget(&all);
}

static void a_tariff_whose_start_is_past_can_be_checked(void **state)
{
	struct site *site = *state;
	static const char past[] = "[tariff]\nname = p\nactivation = 2020-01-01 00:00\n"
				   "[energy]\nprice = 0.5\n";
	assert_true(site_ask_int(site, "tariff.check", json_pack("{s:s}", "text", past),
				 "activation_s") < START_S);
	site_refused(site, "tariff.apply", json_pack("{s:s,s:s}", "text", past, "reason", "x"),
		     PROBLEM_REFUSED);
}

static void a_backup_without_a_name_is_one_file(void **state)
{
	struct site *site = *state;
	char folder[96], file[160];
	snprintf(folder, sizeof(folder), "%s/copies", site->folder);
	snprintf(file, sizeof(file), "%s/ledger-1-%d.db", folder, LEDGER_SCHEMA);
	snprintf(site->config.store.backup, sizeof(site->config.store.backup), "%s", folder);
	struct site_answer answer = site_ask(site, "ledger.backup", NULL);
	assert_int_equal(answer.problem, PROBLEM_NOT_FOUND);
	assert_non_null(strstr(answer.detail, file));
	assert_non_null(strstr(answer.detail, "folder"));
	site_forget(&answer);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (int n = 0; n < 2; n++) {
		answer = site_ask(site, "ledger.backup", NULL);
		assert_int_equal(answer.problem, PROBLEM_NONE);
		assert_string_equal(text(answer.data, "file"), file);
		site_forget(&answer);
		played_run(&site->building, site->building.now_us + HOUR_US);
	}
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_tenant_has_rows_of_their_own),
		CASE(a_minimum_and_its_tax_are_in_the_month_that_they_are_for),
		CASE(days_that_waited_are_in_their_own_month),
		CASE(credits_are_told_of_now_alone_and_no_future),
		CASE(a_room_that_was_removed_keeps_its_past),
		CASE(the_audit_tells_every_act_by_page),
		CASE(a_tariff_whose_start_is_past_can_be_checked),
		CASE(a_backup_without_a_name_is_one_file),
		CASE(a_removed_room_is_refunded_or_its_debt_given_up),
	};
	return cmocka_run_group_tests_name("station_statement", tests, NULL, NULL);
}
