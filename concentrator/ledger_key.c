/* ledger_key.c - key sets by version; the highest is in force, the others stay for the record. */
#include "concentrator/ledger_key.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>

static int add_key(struct ledger *ledger, int64_t version, const struct ledger_key *key)
{
	QUERY query = query_begin(ledger, STATEMENT_KEY_ADD,
				  "INSERT INTO key(version, kid, public_key, use, from_s, to_s, "
				  "order_max_nano, room_day_max_nano, day_max_nano) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, version);
	query_text(&query, key->kid, LEDGER_ID_MAX);
	query_blob(&query, key->public_key, sizeof(key->public_key));
	query_text(&query, key->use, LEDGER_NAME_MAX);
	query_integer(&query, key->from_s);
	query_integer(&query, key->to_s);
	query_integer(&query, key->order_max_nano);
	query_integer(&query, key->room_day_max_nano);
	query_integer(&query, key->day_max_nano);
	return query_run(&query);
}

static int add_keyset(struct ledger *ledger, int64_t version, int64_t at_s)
{
	QUERY query = query_begin(ledger, STATEMENT_KEYSET_ADD,
				  "INSERT INTO keyset(version, accepted_s) VALUES (?, ?)");

	query_integer(&query, version);
	query_integer(&query, at_s);
	return query_run(&query);
}

int ledger_keyset_replace(struct ledger *ledger, int64_t version, const struct ledger_key keys[],
			  size_t count, int64_t at_s)
{
	int64_t current;
	int error;

	assert(ledger->in_transaction);
	if (count > LEDGER_KEYS_MAX)
		return -EINVAL;
	error = ledger_keyset_version(ledger, &current);
	if (error < 0)
		return error;
	if (version <= current)
		return version == current ? -EEXIST : -ESTALE;
	error = store_savepoint(ledger);
	if (error < 0)
		return error;
	error = add_keyset(ledger, version, at_s);
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_key(ledger, version, &keys[i]);
	/* Two keys of one kid are a wrong set, not a known one. */
	return store_savepoint_end(ledger, error == -EEXIST ? -EINVAL : error);
}

int ledger_keyset_known(struct ledger *ledger, int64_t version)
{
	QUERY query = query_begin(ledger, STATEMENT_KEYSET_KNOWN,
				  "SELECT 1 FROM keyset WHERE version = ?");

	query_integer(&query, version);
	return query_row(&query);
}

int ledger_keyset_version(struct ledger *ledger, int64_t *ret)
{
	QUERY query = query_begin(ledger, STATEMENT_KEYSET_VERSION,
				  "SELECT coalesce(max(version), 0) FROM keyset");
	int row = query_row(&query);

	if (row == 1)
		*ret = row_integer(&query, 0);
	return row < 0 ? row : 0;
}

int ledger_keys_each(struct ledger *ledger, ledger_key_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_KEY_EACH,
		"SELECT version, kid, public_key, use, from_s, to_s, order_max_nano, "
		"room_day_max_nano, day_max_nano FROM key "
		"WHERE version = (SELECT max(version) FROM keyset) ORDER BY kid");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		struct ledger_key key = {
			.from_s = row_integer(&query, 4),
			.to_s = row_integer(&query, 5),
			.order_max_nano = row_integer(&query, 6),
			.room_day_max_nano = row_integer(&query, 7),
			.day_max_nano = row_integer(&query, 8),
		};

		row_text(&query, 1, key.kid, sizeof(key.kid));
		row_hash(&query, 2, key.public_key);
		row_text(&query, 3, key.use, sizeof(key.use));
		stop = row(row_integer(&query, 0), &key, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
