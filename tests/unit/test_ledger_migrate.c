/* Migrations: a ledger of every released schema opens, a backup comes first, old rows stay as they
 * were, and a step that fails leaves the ledger where it was. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_schema.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_verify.h"

#include <errno.h>

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
	struct ledger_meta meta;

	for (int schema = 1; schema <= LEDGER_SCHEMA; schema++) {
		char backup[160];

		house_remove(house);
		house_make(house);
		write_fixture(house, schema);
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

/* The built-in steps and one more. */
static void add_step(struct house *house, struct ledger_step steps[static 16], const char *sql)
{
	size_t count;
	const struct ledger_step *built_in = schema_steps(&count);

	assert_true(count < 16);
	memcpy(steps, built_in, count * sizeof(*steps));
	steps[count] = (struct ledger_step){.number = (int)count + 1, .sql = sql};
	house->settings.steps = steps;
	house->settings.step_count = count + 1;
}

static void a_step_is_taken_once_after_a_backup(void **state)
{
	struct house *house = *state;
	struct ledger_step steps[16];
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
	struct ledger_step steps[16];
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
	struct ledger_step steps[16];

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
	struct ledger_step steps[16];
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
		CASE(a_step_is_taken_once_after_a_backup),
		CASE(the_backup_is_the_ledger_before_the_step),
		CASE(a_step_that_fails_leaves_the_ledger_as_it_was),
		CASE(no_step_is_taken_without_a_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
