/* Verify names the first entry that is wrong, backup copies what was committed, and both run in the
 * reader's thread beside a loop that goes on writing. */
#include "tests/unit/ledger_house.h"

#include "concentrator/reader.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

static struct house_room room;

/* Entries 1, 4, 7 ...: recharges; the others charges of 10 Wh; 30 in all, and one of another room. */
static int set_up(void **state)
{
	static struct house house;
	struct house_room other;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &room, 1, 1000);
	house_room(&house, &other, 2, 5);
	for (int i = 0; i < 30; i++) {
		char order[16];

		(void)snprintf(order, sizeof(order), "O-%d", i);
		if (i % 3 == 0)
			house_recharge(&house, &room, order, 10000000);
		else
			house_append(&house, house_charge(&room, 10));
	}
	house_append(&house, house_charge(&other, 7));
	assert_int_equal(ledger_commit(house.ledger), 0);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	house_remove(*state);
	return 0;
}

static struct ledger_verdict verify(const struct house *house)
{
	struct ledger_verdict verdict;

	assert_int_equal(ledger_verify(house->path, NULL, NULL, NULL, &verdict), 0);
	return verdict;
}

static void a_sound_ledger_verifies_to_its_head_and_total(void **state)
{
	struct house *house = *state;
	struct ledger_verdict verdict = verify(house);
	struct ledger_totals totals;
	struct ledger_meta meta;

	assert_string_equal(verdict.detail, "");
	assert_true(verdict.ok);
	assert_int_equal(verdict.entries, 31);
	assert_int_equal(verdict.first_bad, 0);
	ledger_meta_get(house->ledger, &meta);
	assert_memory_equal(verdict.head, meta.head, 32);
	assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
	assert_int_equal(verdict.balance_nano, totals.balance_nano);
	assert_int_equal(totals.charged_wh, 207);
}

static void the_first_bad_entry_is_named(void **state)
{
	static const struct {
		const char *what;
		const char *sql;
		int64_t first_bad;
		const char *detail;
	} cases[] = {
		{"an amount was changed",
		 "UPDATE entry SET amount_nano = amount_nano + 1 WHERE seq = 13", 13, "hash"},
		{"two were changed: the first is named",
		 "UPDATE entry SET why = 'x' WHERE seq IN (9, 20)", 9, "hash"},
		{"one was taken out", "DELETE FROM entry WHERE seq = 12", 12, "missing"},
		{"the last was taken out and its successor renumbered",
		 "DELETE FROM entry WHERE seq = 30; UPDATE entry SET seq = 30 WHERE seq = 31", 30,
		 "follow"},
		{"a kept balance was changed",
		 "UPDATE entry SET balance_nano = balance_nano + 1 WHERE seq = 5", 5, "sum"},
		{"a format was changed", "UPDATE entry SET format = 2 WHERE seq = 6", 6, "format"},
		{"the account of an entry was changed",
		 "UPDATE entry SET account_id = 2 WHERE seq = 8", 8, "hash"},
		{"the meter life began elsewhere", "UPDATE life SET first_wh = 999 WHERE id = 1", 2,
		 "settled"},
		{"words behind the end of a text",
		 "UPDATE entry SET why = why || char(0) || 'x' WHERE seq = 7", 7, "field"},
		{"a boot id too long", "UPDATE entry SET boot = boot || 'x' WHERE seq = 10", 10,
		 "field"},
		{"an empty order", "UPDATE entry SET order_id = '' WHERE seq = 8", 8, "field"},
		{"neither trusted nor not",
		 "PRAGMA ignore_check_constraints = ON; UPDATE entry SET at_trusted = 2 WHERE seq "
		 "= 11",
		 11, "field"},
		{"the site and more", "UPDATE meta SET site = site || char(0) || 'x'", 0, "site"},
		{"another site", "UPDATE meta SET site = 'S-0002'", 0, "site"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct house *house;
		struct ledger_verdict verdict;
		char sql[512];

		if (i > 0)
			(void)set_up(state);
		house = *state;
		house_close(house);
		(void)snprintf(sql, sizeof(sql),
			       "PRAGMA foreign_keys = OFF; DROP TRIGGER entry_fixed; DROP TRIGGER "
			       "entry_kept;"
			       "DROP TRIGGER life_fixed; DROP TRIGGER meta_fixed; %s",
			       cases[i].sql);
		assert_int_equal(house_sql(house, sql), SQLITE_OK);
		verdict = verify(house);
		if (verdict.ok || verdict.first_bad != cases[i].first_bad ||
		    !strstr(verdict.detail, cases[i].detail))
			fail_msg("%s: ok %d, first bad %lld, %s", cases[i].what, verdict.ok,
				 (long long)verdict.first_bad, verdict.detail);
		if (i + 1 < sizeof(cases) / sizeof(cases[0]))
			house_remove(house);
	}
}

static void a_reference_to_nothing_and_a_damaged_page_are_found(void **state)
{
	struct house *house = *state;
	struct ledger_verdict verdict;
	uint8_t noise[4096];
	FILE *file;

	house_close(house);
	assert_int_equal(house_sql(house, "PRAGMA foreign_keys = OFF;"
					  "INSERT INTO money VALUES (99,0,0,0,0,0,0,0,0,0,0,0,0)"),
			 SQLITE_OK);
	verdict = verify(house);
	assert_false(verdict.ok);
	assert_non_null(strstr(verdict.detail, "money"));

	memset(noise, 0xa5, sizeof(noise));
	file = fopen(house->path, "r+");
	assert_non_null(file);
	for (long page = 1; page < 12; page++) {
		assert_int_equal(fseek(file, page * 4096, SEEK_SET), 0);
		assert_int_equal(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(ledger_verify(house->path, NULL, NULL, NULL, &verdict), 0);
	assert_false(verdict.ok);
	assert_non_null(strstr(verdict.detail, "damaged"));
}

/* The index keeps what a row said before it was put right again. */
static void an_index_that_does_not_hold_its_entries_is_found(void **state)
{
	static const struct {
		const char *index;
		const char *change;
		const char *back;
	} cases[] = {
		{"entry_account", "balance_nano = balance_nano + 1 WHERE seq = 5",
		 "balance_nano = balance_nano - 1 WHERE seq = 5"},
		{"entry_life", "to_s = to_s + 1 WHERE seq = 5", "to_s = to_s - 1 WHERE seq = 5"},
		{"entry_order", "order_id = 'O-x' WHERE seq = 4", "order_id = 'O-3' WHERE seq = 4"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct house *house;
		struct ledger_verdict verdict;
		char sql[512];

		if (i > 0)
			(void)set_up(state);
		house = *state;
		house_close(house);
		/* Built from the wrong row, then hidden while the row is put right. */
		(void)snprintf(sql, sizeof(sql),
			       "DROP TRIGGER entry_fixed; UPDATE entry SET %s; CREATE TABLE kept "
			       "AS SELECT * FROM sqlite_schema WHERE name = '%s'; PRAGMA "
			       "writable_schema = ON; DELETE FROM sqlite_schema WHERE name = '%s'",
			       cases[i].change, cases[i].index, cases[i].index);
		assert_int_equal(house_sql(house, sql), SQLITE_OK);
		(void)snprintf(sql, sizeof(sql),
			       "UPDATE entry SET %s; PRAGMA writable_schema = ON; INSERT INTO "
			       "sqlite_schema SELECT * FROM kept",
			       cases[i].back);
		assert_int_equal(house_sql(house, sql), SQLITE_OK);
		assert_int_equal(house_sql(house, "DROP TABLE kept"), SQLITE_OK);
		verdict = verify(house);
		if (verdict.ok || verdict.first_bad != 0 || !strstr(verdict.detail, cases[i].index))
			fail_msg("%s: ok %d, %s", cases[i].index, verdict.ok, verdict.detail);
		if (i + 1 < sizeof(cases) / sizeof(cases[0]))
			house_remove(house);
	}
}

static void more_entries_than_a_page_verify(void **state)
{
	struct house *house = *state;
	struct ledger_verdict verdict;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(ledger_begin(house->ledger), 0);
		for (int k = 0; k < 500; k++)
			house_append(house, house_charge(&room, 1));
		assert_int_equal(ledger_commit(house->ledger), 0);
	}
	verdict = verify(house);
	assert_true(verdict.ok);
	assert_int_equal(verdict.entries, 5031);
}

static void a_backup_is_a_ledger_and_never_replaces_a_file(void **state)
{
	struct house *house = *state;
	char file[160];
	struct ledger_copy copy;
	struct ledger_verdict verdict;
	struct ledger_settings settings = house->settings;
	struct ledger *restored = NULL;
	struct stat status;
	int64_t balance;

	(void)snprintf(file, sizeof(file), "%s/backup.db", house->folder);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_size, copy.bytes);
	assert_int_equal(status.st_mode & 07, 0);
	assert_int_equal(ledger_verify(file, NULL, NULL, NULL, &verdict), 0);
	assert_true(verdict.ok);
	assert_int_equal(verdict.entries, 31);
	settings.path = file;
	assert_int_equal(ledger_open(&restored, &settings, &house->failure), 0);
	assert_int_equal(ledger_balance_nano(restored, room.room.account_id, &balance), 0);
	assert_int_equal(balance, house_balance(house, &room));
	restored = ledger_close(restored);
	(void)snprintf(file, sizeof(file), "%s/no/folder/backup.db", house->folder);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), -ENOENT);
}

/* The rows of a table, hashed by their text, whatever pages they are on. */
static char *dump(const char *path, const char *table)
{
	char sql[256];
	static char text[2][65536];
	static int turn;
	char *at = text[turn = !turn];
	sqlite3 *db;
	sqlite3_stmt *stmt;

	*at = '\0';
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	for (char *end = at; sqlite3_step(stmt) == SQLITE_ROW && end < at + 60000;)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const void *bytes = sqlite3_column_blob(stmt, i);
			int size = sqlite3_column_bytes(stmt, i);

			for (int k = 0; k < size && k < 64; k++)
				end += sprintf(end, "%02x", ((const uint8_t *)bytes)[k]);
			end += sprintf(end, "|");
		}
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return text[turn];
}

static void an_earlier_backup_is_brought_up_to_date(void **state)
{
	static const char *const tables[] = {"entry",  "room",   "account", "life",
					     "cursor", "orders", "event",   "sqlite_schema"};
	struct house *house = *state;
	char file[160];
	struct ledger_copy copy;
	struct ledger_verdict verdict;
	struct house_room third;

	(void)snprintf(file, sizeof(file), "%s/backup.db", house->folder);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	/* Nothing new is nothing to do. */
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(ledger_begin(house->ledger), 0);
	house_room(house, &third, 3, 50);
	house_append(house, house_charge(&third, 4));
	house_append(house, house_charge(&room, 6));
	assert_int_equal(ledger_cursor_set(house->ledger, "feed", "17"), 0);
	assert_int_equal(
		ledger_tenancy_set(house->ledger, room.room.account_id, "T-9", HOUSE_NOW_S + 5), 0);
	assert_int_equal(
		ledger_event_put(house->ledger, 0, "receipt", HOUSE_NOW_S, true, "{}", NULL), 0);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(ledger_verify(file, NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
	assert_int_equal(verdict.entries, 33);
	for (size_t i = 0; i + 1 < sizeof(tables) / sizeof(tables[0]); i++)
		assert_string_equal(dump(file, tables[i]), dump(house->path, tables[i]));
	assert_string_equal(
		dump(file, "(SELECT name, sql FROM sqlite_schema ORDER BY name)"),
		dump(house->path, "(SELECT name, sql FROM sqlite_schema ORDER BY name)"));
}

static void one_that_is_ended_in_the_middle_leaves_the_backup_whole(void **state)
{
	struct house *house = *state;
	char file[160];
	struct ledger_copy copy, after;
	struct ledger_verdict verdict;
	atomic_bool cancel = true;

	(void)snprintf(file, sizeof(file), "%s/backup.db", house->folder);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(ledger_begin(house->ledger), 0);
	for (int i = 0; i < 2000; i++)
		house_append(house, house_charge(&room, 1));
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, &cancel, &after), -ECANCELED);
	assert_int_equal(ledger_verify(file, NULL, NULL, NULL, &verdict), 0);
	assert_true(verdict.ok);
	assert_int_equal(verdict.entries, 31);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &after), 0);
	assert_int_equal(ledger_verify(file, NULL, NULL, NULL, &verdict), 0);
	assert_int_equal(verdict.entries, 2031);
}

static void what_is_no_earlier_backup_is_left_as_it_is(void **state)
{
	struct house *house = *state;
	struct house other;
	char file[160];
	struct ledger_copy copy;
	sqlite3 *db;
	FILE *text;

	/* The ledger itself, by another name. */
	(void)snprintf(file, sizeof(file), "%s/link.db", house->folder);
	assert_int_equal(ledger_backup(house->path, NULL, house->path, NULL, NULL, &copy), -EEXIST);
	assert_int_equal(symlink(house->path, file), 0);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), -EEXIST);
	assert_true(verify(house).ok);
	/* Some other file. */
	(void)snprintf(file, sizeof(file), "%s/backup.db", house->folder);
	text = fopen(file, "w");
	assert_non_null(text);
	(void)fputs("minutes of a meeting, longer than the head of a database would have to be, so "
		    "that there is something to look at and to say no to",
		    text);
	assert_int_equal(fclose(text), 0);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), -EEXIST);
	assert_int_equal(unlink(file), 0);
	/* Another site's backup. */
	house_make(&other);
	other.settings.site = "S-0002";
	house_open(&other);
	assert_int_equal(ledger_backup(other.path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), -EEXIST);
	house_remove(&other);
	assert_int_equal(unlink(file), 0);
	/* One whose last entry is not ours: what would be added does not follow it. */
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), 0);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "PRAGMA recursive_triggers = ON; CREATE TEMP TABLE g AS SELECT "
			     "sql FROM sqlite_schema WHERE name = 'entry_fixed'; DROP TRIGGER "
			     "entry_fixed; UPDATE entry SET hash = zeroblob(32) WHERE seq = "
			     "31; PRAGMA writable_schema = ON; INSERT INTO sqlite_schema "
			     "SELECT 'trigger', 'entry_fixed', 'entry', 0, sql FROM g",
			     NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(ledger_backup(house->path, NULL, file, NULL, NULL, &copy), -EEXIST);
}

static void wait_for(struct reader *reader, struct reader_job *ret)
{
	struct pollfd fd = {.fd = reader_fd(reader), .events = POLLIN};

	assert_int_equal(poll(&fd, 1, 60000), 1);
	assert_int_equal(reader_take(reader, ret), 0);
}

static void the_reader_answers_in_order_while_the_loop_goes_on_writing(void **state)
{
	struct house *house = *state;
	struct reader *reader;
	struct reader_job job = {.kind = READER_VERIFY, .token = 1}, done;
	struct pollfd fd;

	assert_int_equal(
		reader_open(&reader, ledger_path(house->ledger), ledger_vfs(house->ledger)), 0);
	assert_int_equal(reader_take(reader, &done), -EAGAIN);
	assert_int_equal(reader_submit(reader, &job), 0);
	job.kind = READER_BACKUP;
	job.token = 2;
	(void)snprintf(job.file, sizeof(job.file), "%s/backup.db", house->folder);
	assert_int_equal(reader_submit(reader, &job), 0);
	job.token = 3;
	assert_int_equal(reader_submit(reader, &job), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(ledger_begin(house->ledger), 0);
		house_append(house, house_charge(&room, 1));
		assert_int_equal(ledger_commit(house->ledger), 0);
	}
	wait_for(reader, &done);
	assert_int_equal(done.token, 1);
	assert_int_equal(done.result, 0);
	assert_true(done.verdict.ok);
	assert_true(done.verdict.entries >= 31);
	wait_for(reader, &done);
	assert_int_equal(done.token, 2);
	assert_int_equal(done.result, 0);
	wait_for(reader, &done);
	assert_int_equal(done.token, 3);
	assert_int_equal(done.result, 0);
	fd = (struct pollfd){.fd = reader_fd(reader), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_int_equal(reader_stuck_us(reader, 1000), 0);
	reader = reader_close(reader);
	assert_null(reader);
}

static void the_reader_is_full_at_its_limit_and_closes_in_the_middle_of_work(void **state)
{
	struct house *house = *state;
	struct reader *reader;
	struct reader_job job = {.kind = READER_VERIFY};

	assert_int_equal(reader_open(&reader, house->path, NULL), 0);
	for (int i = 0; i < READER_QUEUE_MAX; i++)
		assert_int_equal(reader_submit(reader, &job), 0);
	assert_int_equal(reader_submit(reader, &job), -EBUSY);
	assert_int_equal(reader_stuck_us(reader, 1000), 0);
	reader = reader_close(reader);
	assert_null(reader);
}

static void a_cancelled_verify_says_so(void **state)
{
	struct house *house = *state;
	atomic_bool cancel = true;
	atomic_ullong progress = 0;
	struct ledger_verdict verdict;

	assert_int_equal(ledger_verify(house->path, NULL, &progress, &cancel, &verdict),
			 -ECANCELED);
	assert_true(progress > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_sound_ledger_verifies_to_its_head_and_total),
		CASE(the_first_bad_entry_is_named),
		CASE(a_reference_to_nothing_and_a_damaged_page_are_found),
		CASE(an_index_that_does_not_hold_its_entries_is_found),
		CASE(more_entries_than_a_page_verify),
		CASE(a_backup_is_a_ledger_and_never_replaces_a_file),
		CASE(an_earlier_backup_is_brought_up_to_date),
		CASE(one_that_is_ended_in_the_middle_leaves_the_backup_whole),
		CASE(what_is_no_earlier_backup_is_left_as_it_is),
		CASE(the_reader_answers_in_order_while_the_loop_goes_on_writing),
		CASE(the_reader_is_full_at_its_limit_and_closes_in_the_middle_of_work),
		CASE(a_cancelled_verify_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
