/* Verify holds every table of money and rights against the entries, and its rows against each other: a row that
 * was changed, taken out or added by hand is named with its table. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_credit.h"
#include "concentrator/ledger_dated.h"
#include "concentrator/ledger_debt.h"
#include "concentrator/ledger_freeze.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_tax.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/rules/dated.h"

#define DAY INT64_C(20454) /* 2026-01-01 */

static struct house_room first, second;

static int64_t add(struct house *house, enum entry_kind kind, int64_t amount_nano, uint32_t flags,
		   const char *order, const char *who, const char *why)
{
	struct entry entry = house_credit(&first, order, amount_nano);

	entry.kind = kind;
	entry.flags = flags;
	(void)snprintf(entry.who, sizeof(entry.who), "%s", who);
	(void)snprintf(entry.why, sizeof(entry.why), "%s", why);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	return entry.seq;
}

static void add_dated(struct house *house, enum dated_rule rule, int64_t day, int64_t seq)
{
	const struct ledger_dated dated = {.account_id = first.room.account_id,
					   .rule = (int32_t)rule,
					   .day = day,
					   .opened_s = HOUSE_NOW_S,
					   .entry_seq = seq,
					   .by = "prepayd"};

	assert_int_equal(ledger_dated_add(house->ledger, &dated), 0);
}

static void add_cash(struct house *house, const char *receipt, int64_t amount_nano)
{
	struct ledger_cash cash = {.account_id = first.room.account_id,
				   .amount_nano = amount_nano,
				   .day = 20260101,
				   .at_s = HOUSE_NOW_S + 60,
				   .who = "admin"};
	char order[80];

	(void)snprintf(order, sizeof(order), "cash:%s", receipt);
	cash.entry_seq = add(house, ENTRY_CASH, amount_nano, 0, order, "admin", "cash");
	(void)snprintf(cash.receipt, sizeof(cash.receipt), "%s", receipt);
	assert_int_equal(ledger_cash_put(house->ledger, &cash), 0);
}

static void add_waiting(struct house *house, const char *mrid)
{
	struct ledger_order order = {.type = "CreditRegister",
				     .kid = "k1",
				     .payload = "{}",
				     .payload_size = 2,
				     .signature = "s",
				     .signature_size = 1,
				     .result = "quarantined",
				     .detail = "wait",
				     .receipt = "{\"result\":\"quarantined\",\"detail\":\"wait\"}",
				     .amount_nano = 5};

	(void)snprintf(order.mrid, sizeof(order.mrid), "%s", mrid);
	assert_int_equal(ledger_order_put(house->ledger, &order), 0);
}

/* Two debts; of the first two days were taken, 30 each. */
static void add_debts(struct house *house)
{
	struct ledger_debt debt = {.account_id = first.room.account_id,
				   .name = "deposit",
				   .total_nano = 1000,
				   .from_s = HOUSE_NOW_S,
				   .owner = "admin",
				   .reason = "agreed",
				   .debt = {.way = DEBT_DAILY, .left_nano = 1000, .rate_nano = 30}};
	struct ledger_debt_payment payment = {
		.debt_id = 1, .nano = 100, .recharge = "O-1", .by = "O-1"};
	struct entry paid = house_credit(&first, "debt:1", -100);

	paid.kind = ENTRY_DEBT;
	assert_int_equal(ledger_debt_add(house->ledger, &debt), 0);
	for (int i = 1; i <= 2; i++) {
		(void)add(house, ENTRY_DEBT, -30, 0, "debt:1", "prepayd", "deposit: daily");
		assert_int_equal(ledger_debt_period_add(house->ledger, 1, DAY + i), 0);
	}
	debt.debt.left_nano = 940;
	assert_int_equal(ledger_debt_set(house->ledger, &debt), 0);
	/* The first recharge paid 100 of it. */
	paid.refers = 3;
	assert_int_equal(ledger_entry_append(house->ledger, &paid), 0);
	payment.entry_seq = paid.seq;
	assert_int_equal(ledger_debt_payment_add(house->ledger, &payment), 0);
	debt.debt.left_nano = 840;
	assert_int_equal(ledger_debt_set(house->ledger, &debt), 0);
	debt.debt.left_nano = 1000;
	assert_int_equal(ledger_debt_add(house->ledger, &debt), 0);
}

static void add_freeze(struct house *house, int64_t day)
{
	struct ledger_freeze freeze = {.supply_id = first.supply.id,
				       .day = day,
				       .at_s = (day + 1) * 86400,
				       .register_wh = first.life.settled_wh};

	assert_int_equal(
		ledger_balance_nano(house->ledger, first.room.account_id, &freeze.balance_nano), 0);
	assert_int_equal(ledger_freeze_put(house->ledger, &freeze), 0);
}

static void add_quarantine(struct house *house)
{
	struct ledger_quarantine quarantine = {.supply_id = first.supply.id,
					       .life_id = first.life.id,
					       .reason = "leap",
					       .baseline_wh = 1,
					       .reading_wh = 2,
					       .opened_s = HOUSE_NOW_S};

	assert_int_equal(ledger_quarantine_open(house->ledger, &quarantine), 0);
}

static void add_texts(struct house *house)
{
	struct ledger_tariff tariff = {.name = "flat",
				       .activation_s = HOUSE_NOW_S,
				       .text = "[tariff]\nname = flat\n",
				       .applied_by = "admin",
				       .applied_s = HOUSE_NOW_S};
	struct ledger_refused refused = {.mrid = "O-8",
					 .type = "CreditRegister",
					 .kid = "k1",
					 .payload = "{}",
					 .payload_size = 2,
					 .signature = "s",
					 .signature_size = 1,
					 .reason = "signature",
					 .received_s = HOUSE_NOW_S};

	assert_int_equal(ledger_tariff_add(house->ledger, &tariff), 0);
	assert_int_equal(ledger_order_refuse(house->ledger, &refused), 0);
	assert_int_equal(
		ledger_event_put(house->ledger, 0, "receipt", HOUSE_NOW_S, true, "{}", NULL), 0);
}

/* A little of everything. Entries 1 and 2 leave an allowance of 100 and a subsidy of 50 behind, which the charges
 * use up in part. */
static int set_up(void **state)
{
	static struct house house;
	struct ledger_credit credit = {.allowance_nano = 0};
	int64_t seq;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &first, 1, 1000);
	house_room(&house, &second, 2, 5);
	credit.account_id = first.room.account_id;
	seq = add(&house, ENTRY_ALLOWANCE, 100000000, ENTRY_OF_ALLOWANCE, "", "prepayd",
		  "allowance of 2026-01-01");
	add_dated(&house, DATED_ALLOWANCE, DAY, seq);
	(void)add(&house, ENTRY_RECHARGE, 50000000, ENTRY_OF_SUBSIDY, "subsidy:G-1", "admin",
		  "grant");
	house_recharge(&house, &first, "O-1", 7000000);
	add_freeze(&house, DAY);
	house_append(&house, house_charge(&first, 100)); /* 53,800,000 of the allowance */
	credit.through_seq = 4;
	credit.allowance_nano = 46200000;
	credit.subsidy_nano = 50000000;
	assert_int_equal(ledger_credit_set(house.ledger, &credit), 0);
	seq = add(&house, ENTRY_TAX, -3, 0, "", "prepayd", "tax");
	assert_int_equal(ledger_tax_add(house.ledger, first.room.account_id, seq, 17), 0);
	add_cash(&house, "R-1", 9000000);
	add_cash(&house, "R-2", 1000000);
	house_recharge(&house, &first, "O-2", 6000000);
	add_waiting(&house, "O-3");
	add_waiting(&house, "O-4");
	assert_int_equal(ledger_order_resolve(house.ledger, "O-4", "rejected", "no",
					      "{\"result\":\"rejected\"}", 0, 0),
			 0);
	seq = add(&house, ENTRY_STANDING, -2000, 0, "", "prepayd", "standing charge of 2026-01-01");
	add_dated(&house, DATED_STANDING, DAY, seq);
	seq = add(&house, ENTRY_MINIMUM, -1000, 0, "", "prepayd", "minimum charge to 2026-01-02");
	add_dated(&house, DATED_MINIMUM, DAY + 1, seq);
	seq = add(&house, ENTRY_FORFEIT, -1000, ENTRY_OF_ALLOWANCE, "", "prepayd",
		  "allowance left on 2026-01-03");
	add_dated(&house, DATED_EXPIRY, DAY + 2, seq);
	add_dated(&house, DATED_STANDING, DAY + 1, 0);
	add_debts(&house);
	add_freeze(&house, DAY + 1);
	add_freeze(&house, DAY + 2);
	add_quarantine(&house);
	add_texts(&house);
	assert_int_equal(ledger_commit(house.ledger), 0);
	house_close(&house);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

/* Of a copy from which the triggers of that table were taken, and in which sql was run. */
static struct ledger_verdict verify_with(const struct house *house, const char *table,
					 const char *sql)
{
	char path[160], text[700];
	struct ledger_verdict verdict;
	sqlite3 *db;
	sqlite3_stmt *stmt;

	(void)snprintf(path, sizeof(path), "%s/copy.db", house->folder);
	(void)snprintf(text, sizeof(text), "rm -f '%s'* && cp '%s' '%s'", path, house->path, path);
	assert_int_equal(system(text), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL),
			 SQLITE_OK);
	for (;;) {
		(void)snprintf(text, sizeof(text),
			       "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = "
			       "'trigger' AND tbl_name = '%s'",
			       table);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
		int code = sqlite3_step(stmt);

		if (code == SQLITE_ROW)
			(void)snprintf(text, sizeof(text), "%s",
				       (const char *)sqlite3_column_text(stmt, 0));
		(void)sqlite3_finalize(stmt);
		if (code != SQLITE_ROW)
			break;
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	}
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(ledger_verify(path, NULL, NULL, NULL, &verdict), 0);
	return verdict;
}

static void what_the_ledger_wrote_itself_is_sound(void **state)
{
	struct ledger_verdict verdict = verify_with(*state, "none", "");

	assert_string_equal(verdict.detail, "");
	assert_true(verdict.ok);
}

static void a_row_changed_taken_out_or_added_by_hand_is_named(void **state)
{
	static const struct {
		const char *table;
		const char *sql;
		const char *detail;
	} cases[] = {
		{"credit", "UPDATE credit SET allowance_nano = allowance_nano + 1",
		 "table credit, account 1"},
		{"credit", "UPDATE credit SET subsidy_nano = 0", "table credit, account 1"},
		{"credit", "UPDATE credit SET through_seq = 3", "table credit, account 1"},
		{"credit", "UPDATE credit SET through_seq = 1000",
		 "counts entry 1000, which is not there"},
		{"credit", "INSERT INTO credit VALUES (2, 0, 5, 0, NULL, 0, 0, 0, 0)",
		 "table credit, account 2"},
		{"credit", "UPDATE credit SET account_id = 2", "table credit, account 2"},
		{"debt", "UPDATE debt SET left_nano = 939 WHERE id = 1", "table debt, row 1"},
		{"debt", "UPDATE debt SET total_nano = 1001 WHERE id = 2", "table debt, row 2"},
		{"debt", "UPDATE debt SET left_nano = 999 WHERE id = 2", "table debt, row 2"},
		{"debt", "DELETE FROM debt WHERE id = 1", "debt"},
		{"debt", "UPDATE debt SET id = 7 WHERE id = 2", "table debt: row 2 is missing"},
		{"debt_period", "DELETE FROM debt_period WHERE period = 20455",
		 "table debt_period, debt 1"},
		{"debt_period", "INSERT INTO debt_period VALUES (9, 20460)", "table debt_period"},
		{"debt_payment", "UPDATE debt_payment SET nano = 99", "table debt_payment, row 1"},
		{"debt_payment", "UPDATE debt_payment SET debt_id = 2",
		 "table debt_payment, row 1"},
		{"dated", "UPDATE dated SET day = day + 1 WHERE rule = 4",
		 "table dated: the row of"},
		{"dated", "UPDATE dated SET rule = 2 WHERE rule = 4", "table dated: the row of"},
		{"dated", "UPDATE dated SET account_id = 2 WHERE rule = 2",
		 "table dated: the row of"},
		{"dated", "UPDATE dated SET entry_seq = NULL WHERE rule = 3",
		 "table dated: the row of"},
		{"dated", "UPDATE dated SET entry_seq = 5 WHERE entry_seq IS NULL",
		 "table dated: 1 rows more"},
		{"dated", "DELETE FROM dated WHERE rule = 2", "table dated"},
		{"dated", "DELETE FROM dated WHERE rule = 4", "table dated"},
		{"dated", "INSERT INTO dated VALUES (9, 1, 4, 20500, 0, NULL, 'x')",
		 "table dated: row 6 is missing"},
		{"orders", "UPDATE orders SET payload = x'7b' WHERE id = 1", "table orders, row 1"},
		{"orders", "UPDATE orders SET type = 'x' WHERE id = 3", "table orders, row 3"},
		{"orders", "UPDATE orders SET result = 'rejected' WHERE id = 3",
		 "table orders, row 3"},
		{"orders", "UPDATE orders SET result = 'applied' WHERE id = 3",
		 "table orders, row 3"},
		{"orders",
		 "UPDATE orders SET result = 'quarantined', receipt = "
		 "'{\"result\":\"quarantined\"}' WHERE id = 4",
		 "table orders, row 4: it was decided"},
		{"orders", "UPDATE orders SET entry_seq = 1 WHERE id = 3", "table orders"},
		{"orders", "UPDATE orders SET account_id = 2 WHERE id = 1",
		 "table orders: the row of entry 3"},
		{"orders", "UPDATE orders SET mrid = 'O-9' WHERE id = 2",
		 "table orders: the row of"},
		{"orders", "DELETE FROM orders WHERE id = 1", "table orders: row 1 is missing"},
		{"orders", "DELETE FROM orders WHERE id = 3", "table orders: row 3 is missing"},
		{"cash", "UPDATE cash SET amount_nano = amount_nano + 1 WHERE id = 1",
		 "table cash: the row of"},
		{"cash", "UPDATE cash SET receipt = 'R-9' WHERE id = 2", "table cash: the row of"},
		{"cash", "DELETE FROM cash WHERE id = 2", "table cash: the row of"},
		{"cash", "INSERT INTO cash VALUES (3, 'R-3', 1, 5, 3, 20260101, 0, 0, 'x')",
		 "table cash: 1 rows more"},
		{"orders", "UPDATE orders SET amount_nano = amount_nano + 1 WHERE id = 1",
		 "table orders: the row of entry 3"},
		{"orders", "UPDATE orders SET detail = 'x' WHERE id = 3", "table orders, row 3"},
		{"orders", "UPDATE orders SET receipt = receipt || 'x' WHERE id = 3",
		 "table orders, row 3: its receipt"},
		{"orders", "UPDATE orders SET receipt = '' WHERE id = 1",
		 "table orders, row 1: its receipt"},
		{"orders",
		 "UPDATE orders SET receipt = json_set(receipt, '$.mRID', 'O-7') WHERE id = 1",
		 "table orders, row 1: its receipt"},
		{"orders",
		 "UPDATE orders SET receipt = json_set(receipt, '$.ledgerSeq', 9) WHERE id = 1",
		 "table orders, row 1: its receipt"},
		{"refused", "UPDATE refused SET payload = x'7b'", "table refused, row 1"},
		{"refused", "UPDATE refused SET kid = 'k2'", "table refused, row 1"},
		{"tariff", "UPDATE tariff SET text = replace(text, 'flat', 'flap')",
		 "table tariff, row 1"},
		{"cash", "UPDATE cash SET at_s = at_s + 1 WHERE id = 1", "table cash: the row of"},
		{"cash", "UPDATE cash SET who = 'anna' WHERE id = 1", "table cash: the row of"},
		{"freeze", "UPDATE freeze SET register_wh = register_wh + 1 WHERE day = 20455",
		 "table freeze, supply 1, day 20455"},
		{"freeze", "UPDATE freeze SET at_s = 0 WHERE day = 20454",
		 "table freeze, supply 1, day 20454"},
		{"debt_payment", "UPDATE debt_payment SET recharge = 'O-2', by = 'O-2'",
		 "table debt_payment, row 1"},
		{"event", "UPDATE event SET epoch = 2", "table meta, row 1"},
		{"orders",
		 "PRAGMA ignore_check_constraints = ON; UPDATE orders SET received_trusted = 2",
		 "CHECK constraint failed in orders"},
		{"cash", "PRAGMA ignore_check_constraints = ON; UPDATE cash SET amount_nano = 0",
		 "table cash"},
		{"outbox", "PRAGMA ignore_check_constraints = ON; UPDATE outbox SET id = 2",
		 "CHECK constraint failed in outbox"},
		{"tax", "UPDATE tax SET account_id = 2", "table tax, entry 5"},
		{"band_register", "INSERT INTO band_register VALUES (1, 999, 1, 1, 0, 0, 0)",
		 "table band_register, meter life 1"},
		{"band_register", "INSERT INTO band_register VALUES (1, 9999999, 1, 1, 0, 0, 0)",
		 "table band_register, meter life 1"},
		{"freeze", "UPDATE freeze SET total_wh = 99 WHERE day = 20455",
		 "table freeze, supply 1, day 20455"},
		{"freeze", "UPDATE freeze SET balance_nano = 0 WHERE day = 20454",
		 "table freeze, supply 1, day 20454"},
		{"freeze", "UPDATE freeze SET energy_wh = 1 WHERE day = 20456",
		 "table freeze, supply 1, day 20456"},
		{"freeze", "UPDATE freeze SET entry_seq = 2 WHERE day = 20454",
		 "table freeze, supply 1, day 20454"},
		{"freeze", "DELETE FROM freeze WHERE day = 20455",
		 "table freeze, supply 1, day 20456"},
		{"quarantine", "UPDATE quarantine SET life_id = 2", "table quarantine, row 1"},
		{"quarantine", "UPDATE quarantine SET id = 2",
		 "table quarantine: row 1 is missing"},
		{"tenancy", "DELETE FROM tenancy WHERE id = 1", "table tenancy: row 1 is missing"},
		{"room", "UPDATE room SET id = 5 WHERE id = 2", "table account"},
		{"order_decided", "INSERT INTO order_decided VALUES (2, 3)",
		 "table orders, row 3: it was decided"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ledger_verdict verdict = verify_with(*state, cases[i].table, cases[i].sql);

		if (verdict.ok || verdict.first_bad != 0 ||
		    !strstr(verdict.detail, cases[i].detail))
			fail_msg("%s: ok %d, first bad %lld, %s", cases[i].sql, verdict.ok,
				 (long long)verdict.first_bad, verdict.detail);
	}
}

static void what_a_dated_entry_says_is_read_back(void **state)
{
	static const struct {
		enum dated_rule rule;
		int64_t day;
		const char *why;
	} cases[] = {
		{DATED_STANDING, DAY, "standing charge of 2026-01-01"},
		{DATED_MINIMUM, DAY + 58, "minimum charge to 2026-02-28"},
		{DATED_EXPIRY, DAY - 1, "allowance left on 2025-12-31"},
		{DATED_ALLOWANCE, 19782, "allowance of 2024-02-29"},
	};
	static const char *const others[] = {
		"",
		"standing charge of",
		"standing charge of 2026-02-30",
		"standing charge of 2026-1-1",
		"standing charge of  2026-01-01",
		"standing charge of 2026-01-01 and more",
		"standing charge of -026-01-01",
		"standing charge of 2026-13-01",
		"standing charge of 2026-00-00",
		"allowance left on 2025-12-3x",
		"allowance, end of the tenancy",
		"2026-01-01",
	};
	char why[ENTRY_TEXT_MAX + 1];
	enum dated_rule rule;
	int64_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ledger_dated_why(cases[i].rule, cases[i].day, why);
		assert_string_equal(why, cases[i].why);
		assert_true(ledger_dated_read_why(why, &rule, &day));
		assert_int_equal(rule, cases[i].rule);
		assert_int_equal(day, cases[i].day);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (ledger_dated_read_why(others[i], &rule, &day))
			fail_msg("\"%s\" is read as rule %d, day %lld", others[i], (int)rule,
				 (long long)day);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dated_entry_says_is_read_back),
		cmocka_unit_test(what_the_ledger_wrote_itself_is_sound),
		cmocka_unit_test(a_row_changed_taken_out_or_added_by_hand_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
