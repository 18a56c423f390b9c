/* ledger_rows.c - see ledger_rows.h.
 *
 * Each statement asks for a row that is wrong. Numbers of rows are given one behind the other and rows are never
 * deleted, so a number that is not there is a row that was taken out; only the last row of a table can go unseen
 * where no entry and no other row names it.
 */
#include "concentrator/ledger_rows.h"

#include "concentrator/ledger_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_PARTS 9

static const struct {
	const char *table;
	const char *newest; /* the youngest table that it asks, where that is another one */
	const char *sql; /* a word for the row's key, if it has not only a number, and the number */
	const char *wrong;
} questions[] = {
	{"meta", NULL,
	 "SELECT 'row', id FROM meta WHERE epoch < (SELECT max(epoch) FROM event) LIMIT 1",
	 "there are events of a later epoch"},
	{"tariff", NULL, "SELECT 'row', id FROM tariff WHERE digest(text) <> sha256 LIMIT 1",
	 "its text is not the one of its digest"},
	{"orders", NULL,
	 "SELECT 'row', id FROM orders WHERE length(payload) > 0 AND digest(type, char(10), "
	 "payload) <> sha256 LIMIT 1",
	 "its payload is not the one of its digest"},
	{"refused", NULL,
	 "SELECT 'row', id FROM refused WHERE digest(mrid, char(10), type, char(10), kid, "
	 "char(10), "
	 "signature, char(10), payload) <> sha256 LIMIT 1",
	 "it is not the one of its digest"},
	{"orders", NULL,
	 "SELECT 'row', id FROM orders WHERE receipt IS NOT NULL AND iif(json_valid(receipt), "
	 "json_extract(receipt, '$.result') <> result OR json_extract(receipt, '$.mRID') <> mrid "
	 "OR json_extract(receipt, '$.detail') <> detail OR json_extract(receipt, '$.ledgerSeq') "
	 "<> entry_seq, 1) LIMIT 1",
	 "its receipt says something else"},
	{"orders", NULL,
	 "SELECT 'row', id FROM orders WHERE (result = 'applied') < (entry_seq IS NOT NULL) LIMIT "
	 "1",
	 "it has an entry, but was not applied"},
	{"orders", "order_decided",
	 "SELECT 'row', o.id FROM order_decided d JOIN orders o ON o.id = d.order_id WHERE "
	 "o.result "
	 "= 'quarantined' LIMIT 1",
	 "it was decided, and waits for a decision"},
	{"tax", NULL,
	 "SELECT 'entry', t.entry_seq FROM tax t JOIN entry e ON e.seq = t.entry_seq WHERE "
	 "e.account_id <> t.account_id LIMIT 1",
	 "that entry is of another account"},
	{"quarantine", NULL,
	 "SELECT 'row', q.id FROM quarantine q JOIN life l ON l.id = q.life_id JOIN supply s ON "
	 "s.id "
	 "= q.supply_id WHERE l.point_id IS NOT s.point_id LIMIT 1",
	 "its meter is not one of its supply"},
	/* M2: what was used is the way of the registers. */
	{"freeze", NULL,
	 "SELECT 'supply ' || supply_id || ', day', day FROM freeze f WHERE total_wh <> (SELECT "
	 "coalesce(sum((SELECT to_wh FROM entry WHERE life_id = l.id AND seq <= f.entry_seq ORDER "
	 "BY seq DESC LIMIT 1) - l.first_wh), 0) FROM supply s JOIN life l ON l.point_id = "
	 "s.point_id WHERE s.id = f.supply_id) LIMIT 1",
	 "the entries come to another energy"},
	{"freeze", NULL,
	 "SELECT 'supply ' || supply_id || ', day', day FROM freeze f WHERE NOT EXISTS (SELECT 1 "
	 "FROM supply s JOIN life l ON l.point_id = s.point_id WHERE s.id = f.supply_id AND "
	 "coalesce((SELECT to_wh FROM entry WHERE life_id = l.id AND seq <= f.entry_seq ORDER BY "
	 "seq DESC LIMIT 1), l.first_wh) = f.register_wh) LIMIT 1",
	 "the entries come to another register"},
	/* Wherever in the world it is. */
	{"freeze", NULL,
	 "SELECT 'supply ' || supply_id || ', day', day FROM freeze WHERE at_s - (day + 1) * 86400 "
	 "NOT BETWEEN -57600 AND 57600 LIMIT 1",
	 "it ended at another time"},
	{"freeze", NULL,
	 "SELECT 'supply ' || supply_id || ', day', day FROM freeze f WHERE NOT EXISTS (SELECT 1 "
	 "FROM supply s JOIN account a ON a.room_id = s.room_id WHERE s.id = f.supply_id AND "
	 "coalesce((SELECT balance_nano FROM entry WHERE account_id = a.id AND seq <= f.entry_seq "
	 "ORDER BY seq DESC LIMIT 1), 0) = f.balance_nano) LIMIT 1",
	 "the entries come to another balance"},
	{"freeze", NULL,
	 "SELECT 'supply ' || supply_id || ', day', day FROM freeze f WHERE (from_s, energy_wh) <> "
	 "(SELECT at_s, f.total_wh - total_wh FROM freeze p WHERE p.monthly = f.monthly AND "
	 "p.supply_id = f.supply_id AND p.day < f.day ORDER BY p.day DESC LIMIT 1) LIMIT 1",
	 "it does not go on where the one before it ended"},
	{"band_register", NULL,
	 "SELECT 'meter life', life_id FROM band_register b JOIN life l ON l.id = b.life_id WHERE "
	 "settled_wh NOT BETWEEN first_wh AND coalesce((SELECT to_wh FROM entry WHERE life_id = "
	 "l.id ORDER BY seq DESC LIMIT 1), first_wh) LIMIT 1",
	 "they were read with a register that is not settled"},
	/* What was paid before there was such a table is one row for all entries of a recharge. */
	{"debt_payment", NULL,
	 "SELECT 'row', p.id FROM debt_payment p JOIN entry e ON e.seq = p.entry_seq WHERE e.kind "
	 "<> "
	 "15 OR e.order_id <> 'debt:' || p.debt_id OR p.nano <> iif(p.nano < 0, -e.amount_nano, "
	 "(SELECT -sum(amount_nano) FROM entry WHERE seq BETWEEN e.refers AND e.seq AND order_id = "
	 "e.order_id AND refers = e.refers)) LIMIT 1",
	 "its entries say otherwise"},
	{"debt_payment", NULL,
	 "SELECT 'row', p.id FROM debt_payment p JOIN entry e ON e.seq = p.entry_seq JOIN entry r "
	 "ON r.seq = e.refers WHERE p.nano > 0 AND r.order_id <> p.recharge LIMIT 1",
	 "its entry is of another recharge"},
};

/* Tables whose rows are numbered from 1 on, or behind a number, and never deleted. Those that a checkpoint
 * tells keep their numbers in a ledger made from it, without those that were closed. */
static const struct {
	const char *table;
	const char *id;
	int64_t before;
	bool told;
} numbered[] = {
	{"tenancy", "id", 0, true},
	{"tariff", "id", 0, true},
	{"hold", "id", 0, true},
	{"quarantine", "id", 0, true},
	{"persons", "id", 0, true},
	{"debt", "id", 0, true},
	{"orders", "id", 0, false},
	{"refused", "id", 0, false},
	{"cash", "id", 0, false},
	{"dated", "id", 0, false},
	{"order_decided", "id", 0, false},
	{"debt_payment", "id", 0, false},
	{"use_known", "id", 0, false},
	{"unread", "id", 0, false},
	{"stay_use", "id", 0, false},
	{"audit", "id", 0, false},
	{"event", "seq", 0, false},
	{"cash_known", "id", -1000000000, false},
	{"grant_known", "id", -1000000000, false},
};

/* digest(...): SHA-256 over texts and bytes, one behind the other. NULL where one is none. */
static void digest(sqlite3_context *context, int count, sqlite3_value **values)
{
	const void *parts[DIGEST_PARTS];
	size_t sizes[DIGEST_PARTS];
	uint8_t sha256[32];
	bool whole = true;

	for (int i = 0; i < count; i++) {
		parts[i] = sqlite3_value_blob(values[i]);
		sizes[i] = (size_t)sqlite3_value_bytes(values[i]);
		whole = whole && sqlite3_value_type(values[i]) != SQLITE_NULL;
	}
	if (!whole || chain_digest(parts, sizes, (size_t)count, sha256) < 0)
		sqlite3_result_null(context);
	else
		sqlite3_result_blob(context, sha256, sizeof(sha256), SQLITE_TRANSIENT);
}

/* By each number of parts that is asked for. */
static int add_digest(struct walk *walk)
{
	static const int counts[] = {1, 3, DIGEST_PARTS};
	int code = SQLITE_OK;

	for (size_t i = 0; code == SQLITE_OK && i < sizeof(counts) / sizeof(counts[0]); i++)
		code = sqlite3_create_function_v2(walk->db, "digest", counts[i],
						  SQLITE_UTF8 | SQLITE_DIRECTONLY |
							  SQLITE_DETERMINISTIC,
						  NULL, digest, NULL, NULL, NULL);
	return store_errno(walk->db, code);
}

static int ask(struct walk *walk, size_t number)
{
	const char *newest = questions[number].newest;
	sqlite3_stmt *stmt = NULL;
	bool there;
	int code, error;

	error = walk_has_table(walk, newest ? newest : questions[number].table, &there);
	if (error < 0 || !there)
		return error;
	code = sqlite3_prepare_v2(walk->db, questions[number].sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	error = store_errno(walk->db, code);
	if (code == SQLITE_ROW)
		(void)walk_bad(walk, 0, "table %s, %s %" PRId64 ": %s", questions[number].table,
			       (const char *)sqlite3_column_text(stmt, 0),
			       (int64_t)sqlite3_column_int64(stmt, 1), questions[number].wrong);
	(void)sqlite3_finalize(stmt);
	return error == 0 && walk_tick(walk) ? -ECANCELED : error;
}

/* The first number that is not there. */
static int name_gap(struct walk *walk, size_t number)
{
	char sql[256];
	int64_t gap;
	int error;

	(void)snprintf(sql, sizeof(sql),
		       "WITH t(n) AS (SELECT %s FROM %s) SELECT min(n) + 1 FROM (SELECT %" PRId64
		       " AS n UNION ALL SELECT n FROM t) x WHERE NOT EXISTS (SELECT 1 FROM t WHERE "
		       "n = x.n + 1)",
		       numbered[number].id, numbered[number].table, numbered[number].before);
	error = walk_integer(walk, sql, &gap);
	if (error < 0)
		return error;
	return walk_bad(walk, 0, "table %s: row %" PRId64 " is missing", numbered[number].table,
			gap);
}

static int look_for_gap(struct walk *walk, size_t number)
{
	char sql[160];
	int64_t missing;
	bool there;
	int error = walk_has_table(walk, numbered[number].table, &there);

	if (error < 0 || !there)
		return error;
	(void)snprintf(sql, sizeof(sql),
		       "SELECT coalesce(max(%s), %" PRId64 ") - %" PRId64 " - count(*) FROM %s",
		       numbered[number].id, numbered[number].before, numbered[number].before,
		       numbered[number].table);
	error = walk_integer(walk, sql, &missing);
	if (error == 0 && missing != 0)
		error = name_gap(walk, number);
	return error == 0 && walk_tick(walk) ? -ECANCELED : error;
}

int rows_check(struct walk *walk)
{
	int64_t restored = 0;
	int error = add_digest(walk);

	if (error == 0)
		error = walk_integer(walk, LEDGER_RESTORED, &restored);
	for (size_t i = 0;
	     error == 0 && walk->verdict->ok && i < sizeof(numbered) / sizeof(numbered[0]); i++)
		if (!numbered[i].told || restored == 0)
			error = look_for_gap(walk, i);
	for (size_t i = 0;
	     error == 0 && walk->verdict->ok && i < sizeof(questions) / sizeof(questions[0]); i++)
		error = ask(walk, i);
	return error;
}
