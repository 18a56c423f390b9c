/* Verify cuts the entries into stretches that two threads prove: the first bad entry is the one that a single
 * walk from the first entry on would name, wherever the cuts are. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/ledger_store.h"
#include "concentrator/ledger_verify.h"

#define ENTRIES  6000 /* cut behind 1024, 2048, ... and behind the snapshot */
#define SNAPSHOT 3000
#define LOOSEN                                                                                     \
	"PRAGMA foreign_keys = OFF; DROP TRIGGER entry_fixed; DROP TRIGGER entry_kept; BEGIN; "

/* The first room has the odd entries and each tenth, the second the others. */
static int set_up(void **state)
{
	static struct house house;
	static const uint8_t key[32] = "none";
	struct house_room first, second;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &first, 1, 1000);
	house_room(&house, &second, 2, 5);
	for (int seq = 1; seq <= ENTRIES; seq++) {
		char order[16];

		(void)snprintf(order, sizeof(order), "O-%d", seq);
		if (seq % 10 == 0)
			house_recharge(&house, &first, order, 10000000);
		else
			house_append(&house,
				     seq % 2 ? house_charge(&first, 10) : house_charge(&second, 3));
		if (seq == SNAPSHOT)
			assert_int_equal(
				ledger_snapshot_write(house.ledger, HOUSE_NOW_S, key, NULL, 0), 0);
	}
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

/* The chain from an entry on, hashed again over what its entries say now. */
static void hash_anew(sqlite3 *db, int64_t from)
{
	sqlite3_stmt *read, *write;
	uint8_t previous[32] = {0};

	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT " ENTRY_COLUMNS
					    " FROM entry WHERE seq >= ? ORDER BY seq",
					    -1, &read, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "UPDATE entry SET previous = ?, hash = ? WHERE seq = ?",
					    -1, &write, NULL),
			 SQLITE_OK);
	(void)sqlite3_bind_int64(read, 1, from);
	while (sqlite3_step(read) == SQLITE_ROW) {
		struct entry entry;
		int64_t balance_nano;

		entry_from_row(read, &entry, &balance_nano);
		if (entry.seq > from)
			memcpy(entry.previous, previous, sizeof(previous));
		assert_int_equal(chain_hash(&entry, entry.hash), 0);
		(void)sqlite3_bind_blob(write, 1, entry.previous, 32, SQLITE_STATIC);
		(void)sqlite3_bind_blob(write, 2, entry.hash, 32, SQLITE_STATIC);
		(void)sqlite3_bind_int64(write, 3, entry.seq);
		assert_int_equal(sqlite3_step(write), SQLITE_DONE);
		(void)sqlite3_reset(write);
		memcpy(previous, entry.hash, sizeof(previous));
	}
	(void)sqlite3_finalize(read);
	(void)sqlite3_finalize(write);
}

/* What verify says of a copy in which sql was run. */
static struct ledger_verdict verify_with(const struct house *house, const char *sql,
					 int64_t hashed_from)
{
	char path[160], command[700];
	struct ledger_verdict verdict;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/copy.db", house->folder);
	(void)snprintf(command, sizeof(command), "rm -f '%s'* && cp '%s' '%s'", path, house->path,
		       path);
	assert_int_equal(system(command), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, LOOSEN, NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (hashed_from > 0)
		hash_anew(db, hashed_from);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(ledger_verify(path, NULL, NULL, NULL, &verdict), 0);
	return verdict;
}

static void a_sound_ledger_of_many_stretches_verifies(void **state)
{
	struct house *house = *state;
	struct ledger_verdict verdict = verify_with(house, "", 0);
	struct ledger_totals totals;
	struct ledger_meta meta;

	assert_string_equal(verdict.detail, "");
	assert_true(verdict.ok);
	assert_int_equal(verdict.entries, ENTRIES);
	house_open(house);
	ledger_meta_get(house->ledger, &meta);
	assert_memory_equal(verdict.head, meta.head, sizeof(meta.head));
	assert_int_equal(ledger_totals_get(house->ledger, 0, &totals), 0);
	assert_int_equal(verdict.balance_nano, totals.balance_nano);
	house_close(house);
	/* Hashed again over the same it is the same: what is wrong below is not the hashing. */
	verdict = verify_with(house, "", 1500);
	assert_true(verdict.ok);
	assert_memory_equal(verdict.head, meta.head, sizeof(meta.head));
}

static void an_entry_at_a_cut_is_named_as_any_other(void **state)
{
	static const int64_t seqs[] = {1,    1023, 1024, 1025, 2048, 2049, 2999,
				       3000, 3001, 4024, 4025, 5999, 6000};
	static const struct {
		const char *sql;
		const char *detail;
	} changes[] = {
		{"UPDATE entry SET amount_nano = amount_nano + 1", "hash"},
		{"UPDATE entry SET balance_nano = balance_nano - 1", "sum"},
		{"UPDATE entry SET hash = zeroblob(32)", "hash"},
		{"UPDATE entry SET previous = zeroblob(32)", "follow"},
		{"UPDATE entry SET seq = seq + 100000", "missing"},
	};

	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
		for (size_t k = 0; k < sizeof(changes) / sizeof(changes[0]); k++) {
			struct ledger_verdict verdict;
			char sql[160];

			(void)snprintf(sql, sizeof(sql), "%s WHERE seq = %d", changes[k].sql,
				       (int)seqs[i]);
			verdict = verify_with(*state, sql, 0);
			if (verdict.ok || verdict.first_bad != seqs[i] ||
			    !strstr(verdict.detail, changes[k].detail))
				fail_msg("%s: ok %d, first bad %lld, %s", sql, verdict.ok,
					 (long long)verdict.first_bad, verdict.detail);
		}
}

static void what_only_the_stretches_before_can_tell_is_found(void **state)
{
	static const struct {
		const char *what;
		const char *sql;
		int64_t hashed_from;
		int64_t first_bad;
		const char *detail;
	} cases[] = {
		{"two are wrong, far apart: the first",
		 "UPDATE entry SET why = 'x' WHERE seq IN (1500, 5000)", 0, 1500, "hash"},
		{"a hole over a cut", "DELETE FROM entry WHERE seq BETWEEN 2000 AND 2100", 0, 2000,
		 "missing"},
		{"all balances from a cut on are moved by as much",
		 "UPDATE entry SET balance_nano = balance_nano + 7 WHERE seq > 2048", 0, 2049,
		 "sum"},
		{"those of one account, from the midst of a stretch on",
		 "UPDATE entry SET balance_nano = balance_nano + 7 WHERE seq >= 4101 AND "
		 "account_id "
		 "= 2",
		 0, 4102, "sum"},
		{"registers are moved from a cut on, and the chain hashed anew",
		 "UPDATE entry SET from_wh = from_wh + 5, to_wh = to_wh + 5 WHERE life_id = 2 AND "
		 "seq > 2048",
		 2049, 2052, "settled"},
		{"a chain of its own from a cut on",
		 "UPDATE entry SET previous = zeroblob(32) WHERE seq = 2049", 2049, 2049, "follow"},
		{"a tariff that is not there", "UPDATE entry SET tariff_id = 99 WHERE seq = 3501",
		 3501, 3501, "tariff 99"},
		{"a point that is not there, of money",
		 "UPDATE entry SET point_id = 99 WHERE seq = 3510", 3510, 3510, "point 99"},
		{"a meter life that is not there", "UPDATE entry SET life_id = 99 WHERE seq = 3511",
		 3511, 3511, "life 99"},
		{"an account that is not there",
		 "UPDATE entry SET account_id = 99 WHERE seq = 3512", 3512, 3512, "account 99"},
		{"number 0 where nothing should be", "UPDATE entry SET refers = 0 WHERE seq = 1801",
		 0, 1801, "entry 0"},
		{"it refers to itself", "UPDATE entry SET refers = seq WHERE seq = 1801", 1801,
		 1801, "not before it"},
		{"two rooms too rich for one building",
		 "UPDATE entry SET amount_nano = 9000000000000000000 WHERE seq IN (3101, 5202);"
		 "UPDATE entry AS e SET balance_nano = (SELECT sum(amount_nano) FROM entry WHERE "
		 "account_id = e.account_id AND seq <= e.seq) WHERE seq BETWEEN 3101 AND 5300",
		 3101, 5202, "overflows"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ledger_verdict verdict = verify_with(*state, cases[i].sql,
							    cases[i].hashed_from);

		if (verdict.ok || verdict.first_bad != cases[i].first_bad ||
		    !strstr(verdict.detail, cases[i].detail))
			fail_msg("%s: ok %d, first bad %lld, %s", cases[i].what, verdict.ok,
				 (long long)verdict.first_bad, verdict.detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_ledger_of_many_stretches_verifies),
		cmocka_unit_test(an_entry_at_a_cut_is_named_as_any_other),
		cmocka_unit_test(what_only_the_stretches_before_can_tell_is_found),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
