/* A ledger opened from its snapshot is the one that all its entries make; a snapshot that is not true is
 * refused, by open and by verify, and everything is added up instead. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_snapshot_bytes.h"
#include "concentrator/ledger_verify.h"

#include <errno.h>

#define KEPT 20 /* entries in the snapshot; as many follow it */

static struct house_room first, second;

static const uint8_t key[32] = "circumstances";

static void append_some(struct house *house, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		char order[16];

		(void)snprintf(order, sizeof(order), "%s-%d", name, i);
		if (i % 4 == 0)
			house_recharge(house, &first, order, 10000000);
		else
			house_append(house, i % 2 ? house_charge(&first, 10 + i)
						  : house_charge(&second, 3));
	}
}

static void take_cash(struct house *house, const char *receipt, int64_t amount_nano)
{
	struct entry entry = house_credit(&second, "cash:", amount_nano);
	struct ledger_cash cash = {.account_id = second.room.account_id,
				   .amount_nano = amount_nano,
				   .day = 20260101,
				   .at_s = entry.at_s};

	(void)snprintf(cash.who, sizeof(cash.who), "%s", entry.who);
	entry.kind = ENTRY_CASH;
	(void)snprintf(entry.order, sizeof(entry.order), "cash:%s", receipt);
	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	(void)snprintf(cash.receipt, sizeof(cash.receipt), "%s", receipt);
	cash.entry_seq = entry.seq;
	assert_int_equal(ledger_cash_put(house->ledger, &cash), 0);
}

static void snapshot(struct house *house)
{
	const uint8_t blocks[3] = {1, 2, 3};
	const struct ledger_position positions[] = {
		{.account_id = first.room.account_id, .size = 3, .bytes = blocks},
		{.account_id = second.room.account_id, .size = 0},
	};

	assert_int_equal(ledger_snapshot_write(house->ledger, HOUSE_NOW_S, key, positions, 2), 0);
}

/* KEPT entries and a cash receipt, the snapshot, and as many more with a third room. */
static int set_up(void **state)
{
	static struct house house;
	struct house_room third;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &first, 1, 1000);
	house_room(&house, &second, 2, 5);
	append_some(&house, KEPT - 1, "A");
	take_cash(&house, "R-1", 7000000);
	snapshot(&house);
	append_some(&house, KEPT - 2, "B");
	take_cash(&house, "R-2", 5000000);
	house_room(&house, &third, 3, 77);
	house_append(&house, house_charge(&third, 40));
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

static void opened_from_the_snapshot_it_is_what_all_entries_say(void **state)
{
	struct house *house = *state;
	struct ledger_totals before, after;
	int64_t balances[2] = {house_balance(house, &first), house_balance(house, &second)};

	assert_int_equal(ledger_totals_get(house->ledger, 0, &before), 0);
	house_close(house);
	house_open(house);
	assert_int_equal(ledger_snapshot_seq(house->ledger), KEPT);
	assert_string_equal(ledger_snapshot_refusal(house->ledger), "");
	assert_int_equal(ledger_totals_get(house->ledger, 0, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.cash_nano, 12000000);
	assert_int_equal(house_balance(house, &first), balances[0]);
	assert_int_equal(house_balance(house, &second), balances[1]);
	assert_int_equal(ledger_check(house->ledger, &house->failure), 0);
	assert_int_equal(ledger_snapshot_seq(house->ledger), KEPT);
	assert_true(verify(house).ok);
}

static void what_follows_a_snapshot_is_really_all_that_is_read(void **state)
{
	struct house *house = *state;

	/* An old entry that was tampered with: open from the snapshot does not see it, verify does. */
	house_close(house);
	assert_int_equal(house_sql(house, "DROP TRIGGER entry_fixed; UPDATE entry SET amount_nano "
					  "= amount_nano + 1 WHERE seq = 3"),
			 SQLITE_OK);
	house_open(house);
	assert_string_equal(ledger_snapshot_refusal(house->ledger), "");
	assert_int_equal(verify(house).first_bad, 3);
	assert_int_equal(ledger_check(house->ledger, &house->failure), -EUCLEAN);
}

static void its_bytes_come_back(void **state)
{
	struct house *house = *state;
	struct ledger_snapshot *read;

	assert_int_equal(ledger_snapshot_read(house->ledger, &read), 0);
	assert_int_equal(read->seq, KEPT);
	assert_int_equal(read->at_s, HOUSE_NOW_S);
	assert_memory_equal(read->key, key, sizeof(key));
	assert_int_equal(read->totals.cash_nano, 7000000);
	assert_int_equal(read->account_count, 2);
	assert_int_equal(read->accounts[1].id, second.room.account_id);
	assert_int_equal(read->life_count, 2);
	assert_int_equal(read->position_count, 2);
	assert_int_equal(read->positions[0].account_id, first.room.account_id);
	assert_int_equal(read->positions[0].size, 3);
	assert_memory_equal(read->positions[0].bytes, "\1\2\3", 3);
	assert_int_equal(read->positions[1].size, 0);
	free(read);
}

static void positions_out_of_order_or_of_nobody_are_refused(void **state)
{
	struct house *house = *state;
	const struct ledger_position wrong[][2] = {
		{{.account_id = 2}, {.account_id = 1}},
		{{.account_id = 1}, {.account_id = 1}},
		{{.account_id = 1}, {.account_id = 99}},
		{{.account_id = 1}, {.account_id = 2, .size = LEDGER_POSITION_MAX + 1}},
	};

	assert_int_equal(ledger_begin(house->ledger), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			ledger_snapshot_write(house->ledger, HOUSE_NOW_S, key, wrong[i], 2),
			-EINVAL);
	ledger_rollback(house->ledger);
}

static void one_that_is_rolled_back_was_never_there(void **state)
{
	struct house *house = *state;

	assert_int_equal(ledger_begin(house->ledger), 0);
	snapshot(house);
	assert_int_equal(ledger_snapshot_seq(house->ledger), 2 * KEPT);
	ledger_rollback(house->ledger);
	assert_int_equal(ledger_snapshot_seq(house->ledger), KEPT);
	house_close(house);
	house_open(house);
	assert_int_equal(ledger_snapshot_seq(house->ledger), KEPT);
}

/* Puts a snapshot into the file as somebody could who knows how to hash it. */
static void forge(const struct house *house, const struct ledger_snapshot *snapshot)
{
	uint8_t *bytes, sha256[32];
	size_t size;
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(snapshot_encode(snapshot, &bytes, &size), 0);
	assert_int_equal(snapshot_hash(bytes, size, sha256), 0);
	assert_int_equal(sqlite3_open(house->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "UPDATE snapshot SET seq = ?, body = ?, sha256 = ?",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	(void)sqlite3_bind_int64(stmt, 1, snapshot->seq);
	(void)sqlite3_bind_blob(stmt, 2, bytes, (int)size, SQLITE_STATIC);
	(void)sqlite3_bind_blob(stmt, 3, sha256, 32, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	free(bytes);
}

/* Copies, so that they can be changed. */
struct forgery {
	struct ledger_snapshot snapshot;
	struct ledger_snapshot_account accounts[4];
	struct ledger_snapshot_life lives[4];
};

static void wrong_balance(struct forgery *forgery)
{
	forgery->accounts[0].balance_nano++;
}

static void missing_account(struct forgery *forgery)
{
	forgery->accounts[1].id = 7;
}

static void one_account_too_many(struct forgery *forgery)
{
	forgery->accounts[2] = (struct ledger_snapshot_account){.id = 3};
	forgery->accounts[3] = (struct ledger_snapshot_account){.id = 4};
	forgery->snapshot.account_count = 4;
}

static void wrong_life(struct forgery *forgery)
{
	forgery->lives[1].energy_wh += 2;
}

static void missing_life(struct forgery *forgery)
{
	forgery->lives[0].id = 9;
}

static void wrong_head(struct forgery *forgery)
{
	forgery->snapshot.head[31] ^= 1;
}

static void entry_of_the_future(struct forgery *forgery)
{
	forgery->snapshot.seq = forgery->snapshot.totals.entries = 2 * KEPT + 1;
}

static void wrong_sums(struct forgery *forgery)
{
	forgery->snapshot.totals.charged_wh -= 5;
}

static void a_snapshot_that_is_not_true_is_refused(void **state)
{
	static const struct {
		const char *what;
		void (*forge)(struct forgery *);
		const char *refusal; /* of open */
		const char *detail;  /* of verify */
	} cases[] = {
		{"a balance", wrong_balance, "account 1", "account 1"},
		{"an account that is not there", missing_account, "account 7", "account 7"},
		{"an account of the future", one_account_too_many, "account 4", NULL},
		{"the energy of a meter life", wrong_life, "meter life 2", "meter life 2"},
		{"a life that is not there", missing_life, "meter life 9", "meter life 9"},
		{"the hash of its entry", wrong_head, "another hash", "another hash"},
		{"an entry that is not there", entry_of_the_future, "not there", "not there"},
		{"the building's sums", wrong_sums, "building", "building"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct house *house;
		struct forgery forgery;
		struct ledger_snapshot *read;
		struct ledger_verdict verdict;
		int64_t balance;

		if (i > 0)
			(void)set_up(state);
		house = *state;
		balance = house_balance(house, &first);
		assert_int_equal(ledger_snapshot_read(house->ledger, &read), 0);
		house_close(house);
		forgery.snapshot = *read;
		memcpy(forgery.accounts, read->accounts, 2 * sizeof(forgery.accounts[0]));
		memcpy(forgery.lives, read->lives, 2 * sizeof(forgery.lives[0]));
		forgery.snapshot.accounts = forgery.accounts;
		forgery.snapshot.lives = forgery.lives;
		cases[i].forge(&forgery);
		forge(house, &forgery.snapshot);
		free(read);

		verdict = verify(house);
		if (cases[i].detail && (verdict.ok || !strstr(verdict.detail, cases[i].detail) ||
					!strstr(verdict.detail, "snapshot")))
			fail_msg("%s: ok %d, %s", cases[i].what, verdict.ok, verdict.detail);
		house_open(house);
		if (!strstr(ledger_snapshot_refusal(house->ledger), cases[i].refusal))
			fail_msg("%s: %s", cases[i].what, ledger_snapshot_refusal(house->ledger));
		assert_int_equal(ledger_snapshot_seq(house->ledger), 0);
		assert_int_equal(house_balance(house, &first), balance);
		assert_int_equal(ledger_begin(house->ledger), 0);
		snapshot(house);
		assert_int_equal(ledger_commit(house->ledger), 0);
		house_close(house);
		house_open(house);
		assert_string_equal(ledger_snapshot_refusal(house->ledger), "");
		assert_true(verify(house).ok);
		if (i + 1 < sizeof(cases) / sizeof(cases[0]))
			house_remove(house);
	}
}

static void bytes_without_their_hash_are_refused(void **state)
{
	struct house *house = *state;

	house_close(house);
	assert_int_equal(house_sql(house, "UPDATE snapshot SET sha256 = zeroblob(32)"), SQLITE_OK);
	house_open(house);
	assert_non_null(strstr(ledger_snapshot_refusal(house->ledger), "hash"));
	assert_int_equal(ledger_snapshot_seq(house->ledger), 0);
	assert_false(verify(house).ok);
	assert_int_equal(ledger_check(house->ledger, &house->failure), -EUCLEAN);
}

static void bytes_cut_anywhere_are_no_snapshot(void **state)
{
	struct house *house = *state;
	struct ledger_snapshot *read, *cut;
	uint8_t *bytes, sha256[32];
	size_t size;

	assert_int_equal(ledger_snapshot_read(house->ledger, &read), 0);
	assert_int_equal(snapshot_encode(read, &bytes, &size), 0);
	free(read);
	for (size_t length = 0; length <= size; length++) {
		uint8_t *piece = malloc(length + 1);

		assert_non_null(piece);
		memcpy(piece, bytes, length);
		assert_int_equal(snapshot_hash(piece, length, sha256), 0);
		assert_int_equal(snapshot_decode(piece, length, sha256, &cut),
				 length == size ? 0 : -EUCLEAN);
		if (length == size)
			free(cut);
		free(piece);
	}
	/* A count of its header that says too much, or is negative. */
	for (size_t at = 16; at < 16 + 14 * 8; at++) {
		bytes[at] ^= 0xff;
		assert_int_equal(snapshot_hash(bytes, size, sha256), 0);
		if (snapshot_decode(bytes, size, sha256, &cut) == 0)
			free(cut);
		bytes[at] ^= 0xff;
	}
	free(bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(opened_from_the_snapshot_it_is_what_all_entries_say),
		CASE(what_follows_a_snapshot_is_really_all_that_is_read),
		CASE(its_bytes_come_back),
		CASE(positions_out_of_order_or_of_nobody_are_refused),
		CASE(one_that_is_rolled_back_was_never_there),
		CASE(a_snapshot_that_is_not_true_is_refused),
		CASE(bytes_without_their_hash_are_refused),
		CASE(bytes_cut_anywhere_are_no_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
