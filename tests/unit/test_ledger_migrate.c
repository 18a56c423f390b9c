/* Migrations: a ledger of every released schema opens, a backup comes first, old rows stay as they
 * were, and a step that fails leaves the ledger where it was. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_debt.h"
#include "concentrator/ledger_schema.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_verify.h"

#include <errno.h>

#define FIXTURE_FREEZES      9 /* the first schema that has them */
#define FIXTURE_HEAD_ENTRIES 6

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 262144);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 262143, file) > 0);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* The ledger of the story as that schema wrote it. */
static void write_fixture(struct house *house, int schema)
{
	char path[512], *sql;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/ledger-%d.sql", LEDGER_FIXTURES, schema);
	sql = read_text(path);
	assert_int_equal(sqlite3_open(house->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	/* Its freezes were added by hand behind the first entry, with the balance of before it. */
	if (schema >= FIXTURE_FREEZES)
		assert_int_equal(
			sqlite3_exec(db,
				     "CREATE TEMP TABLE f AS SELECT * FROM freeze; DELETE FROM "
				     "freeze; UPDATE f SET entry_seq = 0; INSERT INTO freeze "
				     "SELECT * FROM f",
				     NULL, NULL, NULL),
			SQLITE_OK);
	(void)sqlite3_close(db);
	free(sql);
}

static int set_up(void **state)
{
	static struct house house;

	house_make(&house);
	write_fixture(&house, LEDGER_SCHEMA);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

/* Balances from the story in the fixture's head, at 0.538 a kWh. */
static void check_story(struct house *house)
{
	struct ledger_totals totals;
	struct ledger_verdict verdict;
	int64_t balance;
	char feed[8];

	assert_int_equal(ledger_balance_nano(house->ledger, 1, &balance), 0);
	assert_int_equal(balance, INT64_C(100000000000) - 2 * INT64_C(1484880000));
	assert_int_equal(ledger_balance_nano(house->ledger, 2, &balance), 0);
	assert_int_equal(balance, INT64_C(50000000000) - INT64_C(1484880000));
	assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
	assert_int_equal(totals.entries, FIXTURE_HEAD_ENTRIES);
	assert_int_equal(totals.charged_wh, 3 * 2760);
	assert_int_equal(ledger_cursor_get(house->ledger, "feed", feed, sizeof(feed)), 0);
	assert_string_equal(feed, "3");
	assert_int_equal(ledger_order_check(house->ledger, "O-1", "CreditRegister", "{\"v\":1}", 7),
			 -EEXIST);
	assert_int_equal(ledger_verify(house->path, NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
	assert_int_equal(verdict.entries, FIXTURE_HEAD_ENTRIES);
}

static void a_ledger_of_every_schema_opens(void **state)
{
	struct house *house = *state;
	struct ledger_verdict verdict;
	struct ledger_meta meta;

	for (int schema = 1; schema <= LEDGER_SCHEMA; schema++) {
		char backup[160];

		house_remove(house);
		house_make(house);
		write_fixture(house, schema);
		/* As a backup may be, before it is taken forward. */
		assert_int_equal(ledger_verify(house->path, NULL, NULL, NULL, &verdict), 0);
		assert_string_equal(verdict.detail, "");
		house_open(house);
		check_story(house);
		ledger_meta_get(house->ledger, &meta);
		assert_int_equal(meta.schema, LEDGER_SCHEMA);
		assert_string_equal(ledger_snapshot_refusal(house->ledger), "");
		assert_int_equal(ledger_snapshot_seq(house->ledger),
				 schema == 1 ? 0 : FIXTURE_HEAD_ENTRIES);
		(void)snprintf(backup, sizeof(backup), "%s.schema-%d.bak", house->path, schema);
		assert_int_equal(access(backup, F_OK), schema < LEDGER_SCHEMA ? 0 : -1);
	}
}

static int keep_payment(const struct ledger_debt_payment *payment, void *userdata)
{
	*(struct ledger_debt_payment *)userdata = *payment;
	return 0;
}

static int keep_room(const struct ledger_room *room, void *userdata)
{
	((struct ledger_room *)userdata)[room->account_id - 1] = *room;
	return 0;
}

/* M7: charges of the second in which a tenancy began were settled before it. */
static void a_tenancy_of_before_begins_behind_the_charges_of_its_second(void **state)
{
	struct house *house = *state;
	struct ledger_room rooms[2] = {0};

	house_remove(house);
	house_make(house);
	write_fixture(house, 13);
	/* Entries 2 and 6 of account 1, and 4 of account 2, are from 1767225720. */
	assert_int_equal(house_sql(house,
				   "UPDATE tenancy SET from_s = 1767225720 WHERE account_id = 1;"
				   "UPDATE tenancy SET from_s = 1767225719 WHERE account_id = 2"),
			 SQLITE_OK);
	house_open(house);
	assert_int_equal(ledger_rooms_each(house->ledger, false, keep_room, rooms), 0);
	assert_int_equal(rooms[0].after_seq, 6);
	assert_int_equal(rooms[1].after_seq, 3);
}

/* A debt of 100, half of each recharge, and one of 120 that paid 60 of it before payments were kept. */
static void what_recharges_paid_of_debts_is_found_in_the_entries(void **state)
{
#define ENTRY                                                                                      \
	"INSERT INTO entry(seq, format, kind, account_id, at_s, at_trusted, at_us, boot, "         \
	"amount_nano, energy_wh, from_wh, to_wh, from_s, to_s, price_micro_per_kwh, flags, "       \
	"refers, order_id, who, why, balance_nano, previous, hash) SELECT "
	struct house *house = *state;
	struct ledger_debt_payment payment = {0};

	house_remove(house);
	house_make(house);
	write_fixture(house, 11);
	assert_int_equal(
		house_sql(
			house,
			"INSERT INTO debt VALUES (1, 1, 'fee', 1, 100, 500000, 0, 0, 1767225600, "
			"0, 'li', 'x', 40, 0, 2922, 60, NULL, NULL);" ENTRY
			"7, 1, 2, 1, 1767225660, 1, 0, '', 120, 0, 0, 0, 0, 0, 0, 0, NULL, 'O-9', "
			"'cloud', '', balance_nano + 120, (SELECT hash FROM entry WHERE seq = 6), "
			"zeroblob(32) FROM entry WHERE account_id = 1 ORDER BY seq DESC LIMIT "
			"1;" ENTRY
			"8, 1, 15, 1, 1767225660, 1, 0, '', -60, 0, 0, 0, 0, 0, 0, 0, 7, 'debt:1', "
			"'cloud', '', balance_nano - 60, zeroblob(32), randomblob(32) FROM entry "
			"WHERE seq = 7"),
		SQLITE_OK);
#undef ENTRY
	house_open(house);
	assert_int_equal(ledger_debt_payments_each(house->ledger, "O-9", keep_payment, &payment),
			 0);
	assert_string_equal(payment.by, "O-9");
	assert_int_equal(payment.debt_id, 1);
	assert_int_equal(payment.nano, 60);
	assert_int_equal(payment.entry_seq, 8);
	/* 2026-01-01 is in the week of Monday the 29th. */
	assert_int_equal(payment.week, debt_week(calendar_day_number(2025, 12, 29)));
	house_close(house);

	static const struct {
		const char *sentence, *sql;
		int code;
	} rows[] = {
		{"a debt does not grow by itself", "UPDATE debt SET left_nano = 41",
		 SQLITE_CONSTRAINT_TRIGGER},
		{"no more is given back than was paid",
		 "INSERT INTO debt_payment VALUES (9, 'O-9', 'V-1', 1, -61, 0, NULL)",
		 SQLITE_CONSTRAINT_TRIGGER},
		{"what a recharge paid is its own",
		 "INSERT INTO debt_payment VALUES (9, 'O-9', 'V-1', 1, 5, 0, NULL)",
		 SQLITE_CONSTRAINT_CHECK},
		{"a part is given back",
		 "INSERT INTO debt_payment VALUES (2, 'O-9', 'V-1', 1, -10, 0, NULL)", SQLITE_OK},
		{"once by one order",
		 "INSERT INTO debt_payment VALUES (3, 'O-9', 'V-1', 1, -1, 0, NULL)",
		 SQLITE_CONSTRAINT_UNIQUE},
		{"it grows by no more", "UPDATE debt SET left_nano = 51",
		 SQLITE_CONSTRAINT_TRIGGER},
		{"it grows by that", "UPDATE debt SET left_nano = 50", SQLITE_OK},
		{"paid", "UPDATE debt SET left_nano = 0, ended_s = 1, ended_by = 'paid'",
		 SQLITE_OK},
		{"what is ended is not opened by a hand",
		 "UPDATE debt SET ended_s = NULL, ended_by = NULL", SQLITE_CONSTRAINT_TRIGGER},
		{"what was paid is open again when it grows",
		 "UPDATE debt SET left_nano = 50, ended_s = NULL, ended_by = NULL", SQLITE_OK},
		{"forgiven", "UPDATE debt SET ended_s = 1, ended_by = 'li'", SQLITE_OK},
		{"what was forgiven stays forgiven",
		 "INSERT INTO debt_payment VALUES (3, 'O-9', 'V-2', 1, -10, 0, NULL); UPDATE debt "
		 "SET left_nano = 60, ended_s = NULL, ended_by = NULL",
		 SQLITE_CONSTRAINT_TRIGGER},
		{"and grows all the same", "UPDATE debt SET left_nano = 60", SQLITE_OK},
		{"payments are kept", "DELETE FROM debt_payment", SQLITE_CONSTRAINT_TRIGGER},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].sentence);
		assert_int_equal(house_sql(house, rows[i].sql), rows[i].code);
	}
}

/* The built-in steps and one more. */
static void add_step(struct house *house, struct ledger_step steps[static LEDGER_SCHEMA + 1],
		     const char *sql)
{
	size_t count;
	const struct ledger_step *built_in = schema_steps(&count);

	assert_int_equal(count, LEDGER_SCHEMA);
	memcpy(steps, built_in, count * sizeof(*steps));
	steps[count] = (struct ledger_step){.number = (int)count + 1, .sql = sql};
	house->settings.steps = steps;
	house->settings.step_count = count + 1;
}

static void a_step_is_taken_once_after_a_backup(void **state)
{
	struct house *house = *state;
	struct ledger_step steps[LEDGER_SCHEMA + 1];
	struct ledger_settings old;
	struct ledger_meta meta;
	char backup[160];

	add_step(house, steps,
		 "ALTER TABLE room ADD COLUMN floor INTEGER; CREATE TABLE visit(id INTEGER PRIMARY "
		 "KEY) STRICT");
	(void)snprintf(backup, sizeof(backup), "%s.schema-%d.bak", house->path, LEDGER_SCHEMA);
	house_open(house);
	check_story(house);
	ledger_meta_get(house->ledger, &meta);
	assert_int_equal(meta.schema, LEDGER_SCHEMA + 1);
	house_close(house);
	assert_int_equal(
		house_sql(house, "INSERT INTO visit(id) SELECT floor FROM room WHERE id = 1"),
		SQLITE_OK);

	assert_int_equal(access(backup, F_OK), 0);
	assert_int_equal(unlink(backup), 0);
	house_open(house);
	assert_int_equal(access(backup, F_OK), -1);
	house_close(house);

	old = house->settings;
	old.steps = NULL;
	assert_int_equal(ledger_open(&house->ledger, &old, &house->failure), -EPROTONOSUPPORT);
}

static void the_backup_is_the_ledger_before_the_step(void **state)
{
	struct house *house = *state;
	struct ledger_step steps[LEDGER_SCHEMA + 1];
	struct ledger_meta meta;
	char backup[160];

	add_step(house, steps, "CREATE TABLE visit(id INTEGER PRIMARY KEY) STRICT");
	house_open(house);
	house_close(house);
	(void)snprintf(backup, sizeof(backup), "%s.schema-%d.bak", house->path, LEDGER_SCHEMA);
	assert_int_equal(rename(backup, house->path), 0);
	house->settings.steps = NULL;
	house_open(house);
	ledger_meta_get(house->ledger, &meta);
	assert_int_equal(meta.schema, LEDGER_SCHEMA);
	check_story(house);
}

static void a_step_that_fails_leaves_the_ledger_as_it_was(void **state)
{
	struct house *house = *state;
	struct ledger_step steps[LEDGER_SCHEMA + 1];

	add_step(house, steps,
		 "CREATE TABLE visit(id INTEGER PRIMARY KEY) STRICT; DELETE FROM entry");
	assert_true(ledger_open(&house->ledger, &house->settings, &house->failure) < 0);
	assert_non_null(strstr(house->failure.text, "entries are kept"));
	house->settings.steps = NULL;
	house_open(house);
	check_story(house);
	house_close(house);
	assert_int_not_equal(house_sql(house, "SELECT * FROM visit"), SQLITE_OK);
}

static void no_step_is_taken_without_a_backup(void **state)
{
	struct house *house = *state;
	struct ledger_step steps[LEDGER_SCHEMA + 1];
	char folder[160];

	/* A folder stands where the backup must go. */
	(void)snprintf(folder, sizeof(folder), "mkdir -p '%s.schema-%d.bak/x'", house->path,
		       LEDGER_SCHEMA);
	assert_int_equal(system(folder), 0);
	add_step(house, steps, "CREATE TABLE visit(id INTEGER PRIMARY KEY) STRICT");
	assert_true(ledger_open(&house->ledger, &house->settings, &house->failure) < 0);
	assert_non_null(strstr(house->failure.text, "backup"));
	house->settings.steps = NULL;
	house_open(house);
	check_story(house);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_ledger_of_every_schema_opens),
		CASE(a_tenancy_of_before_begins_behind_the_charges_of_its_second),
		CASE(what_recharges_paid_of_debts_is_found_in_the_entries),
		CASE(a_step_is_taken_once_after_a_backup),
		CASE(the_backup_is_the_ledger_before_the_step),
		CASE(a_step_that_fails_leaves_the_ledger_as_it_was),
		CASE(no_step_is_taken_without_a_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
