#include "tests/fault/raw_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/ledger_store.h"

static struct ledger *const *place;

void raw_read(struct ledger *const *ledger)
{
	place = ledger;
}

static sqlite3 *connection(void)
{
	assert_non_null(place);
	assert_non_null(*place);
	return (*place)->db;
}

static void each(sqlite3 *db, const char *sql, raw_row_fn row, void *userdata)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		row(stmt, userdata);
	if (sqlite3_finalize(stmt) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

void raw_each(const char *sql, raw_row_fn row, void *userdata)
{
	each(connection(), sql, row, userdata);
}

struct first {
	bool seen;
	int64_t number;
};

static void take_first(sqlite3_stmt *row, void *userdata)
{
	struct first *first = userdata;

	if (!first->seen)
		first->number = sqlite3_column_int64(row, 0);
	first->seen = true;
}

int64_t raw_number(const char *sql)
{
	struct first first = {0};

	raw_each(sql, take_first, &first);
	return first.number;
}

bool raw_try(const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	bool read = sqlite3_prepare_v2(connection(), sql, -1, &stmt, NULL) == SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_ROW;

	if (read)
		*ret = sqlite3_column_int64(stmt, 0);
	return sqlite3_finalize(stmt) == SQLITE_OK && read;
}

struct digest {
	sqlite3 *db;
	uint64_t value;
};

static void stir(struct digest *digest, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	/* FNV-1a by words, with what is above carried down. */
	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t word = size - at;

		memcpy(&word, bytes + at, size - at < sizeof(word) ? size - at : sizeof(word));
		digest->value = (digest->value ^ word) * UINT64_C(0x100000001b3);
		digest->value ^= digest->value >> 29;
	}
}

static void stir_row(sqlite3_stmt *row, void *userdata)
{
	for (int i = 0; i < sqlite3_column_count(row); i++) {
		int type = sqlite3_column_type(row, i);
		int64_t number = sqlite3_column_int64(row, i);

		stir(userdata, &type, sizeof(type));
		if (type == SQLITE_INTEGER)
			stir(userdata, &number, sizeof(number));
		else
			stir(userdata, sqlite3_column_blob(row, i),
			     (size_t)sqlite3_column_bytes(row, i));
	}
}

static void stir_table(sqlite3_stmt *row, void *userdata)
{
	struct digest *digest = userdata;
	const char *name = (const char *)sqlite3_column_text(row, 0);
	char sql[128];

	stir(digest, name, strlen(name));
	(void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", name);
	each(digest->db, sql, stir_row, digest);
}

uint64_t raw_digest(void)
{
	struct digest digest = {.db = connection(), .value = UINT64_C(0xcbf29ce484222325)};

	each(digest.db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
	     stir_table, &digest);
	return digest.value;
}

void raw_drop_cache(void)
{
	if (connection() != NULL)
		(void)sqlite3_db_release_memory(connection());
}
