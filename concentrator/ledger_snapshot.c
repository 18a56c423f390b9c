/* ledger_snapshot.c - takes a snapshot, and reads it back.
 *
 * M1, M2  It is taken from the cache and, for the lives, from their last entries: from what the
 *         transaction that writes it has proven while appending.
 */
#include "concentrator/ledger_snapshot.h"

#include "concentrator/ledger_snapshot_bytes.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int gather_lives(struct ledger *ledger, struct ledger_snapshot_life **ret, size_t *ret_count)
{
	struct ledger_snapshot_life *lives = NULL;
	size_t count = 0;
	int row;
	QUERY query = query_begin(ledger, STATEMENT_LIFE_WAYS, LIFE_WAYS);

	while ((row = query_row(&query)) == 1) {
		if ((count & (count - 1)) == 0) {
			struct ledger_snapshot_life *more = reallocarray(
				lives, count == 0 ? 1 : 2 * count, sizeof(*lives));

			if (!more) {
				row = -ENOMEM;
				break;
			}
			lives = more;
		}
		lives[count++] = (struct ledger_snapshot_life){.id = row_integer(&query, 0),
							       .energy_wh = row_integer(&query, 1)};
	}
	if (row < 0) {
		free(lives);
		return row;
	}
	*ret = lives;
	*ret_count = count;
	return 0;
}

static int last_cash(struct ledger *ledger, int64_t *ret_id)
{
	QUERY query = query_begin(ledger, STATEMENT_CASH_LAST,
				  "SELECT coalesce(max(id), 0) FROM cash");
	int row = query_row(&query);

	if (row == 1)
		*ret_id = row_integer(&query, 0);
	return row < 0 ? row : 0;
}

static int put(struct ledger *ledger, const struct ledger_snapshot *snapshot)
{
	uint8_t *bytes, sha256[32];
	size_t size;
	int error = snapshot_encode(snapshot, &bytes, &size);

	if (error < 0)
		return error;
	error = snapshot_hash(bytes, size, sha256);
	if (error == 0) {
		QUERY query = query_begin(ledger, STATEMENT_SNAPSHOT_PUT,
					  "INSERT INTO snapshot(id, seq, body, sha256) VALUES (1, "
					  "?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = "
					  "excluded.seq, body = excluded.body, sha256 = "
					  "excluded.sha256");

		query_integer(&query, snapshot->seq);
		query_blob(&query, bytes, size);
		query_blob(&query, sha256, sizeof(sha256));
		error = query_run(&query);
	}
	free(bytes);
	return error;
}

int ledger_snapshot_write(struct ledger *ledger, int64_t at_s, const uint8_t key[static 32],
			  const struct ledger_position positions[], size_t count)
{
	const struct tally *tally = &ledger->tally;
	struct ledger_snapshot snapshot = {
		.seq = tally->totals.entries,
		.at_s = at_s,
		.totals = tally->totals,
		.account_count = tally->account_count,
		.position_count = count,
		.positions = positions,
	};
	struct ledger_snapshot_account *accounts;
	struct ledger_snapshot_life *lives = NULL;
	int error;

	assert(ledger->in_transaction);
	if (ledger->failed)
		return -EIO;
	for (size_t i = 0; i < count; i++)
		if (positions[i].size > LEDGER_POSITION_MAX ||
		    !store_account(ledger, positions[i].account_id) ||
		    (i > 0 && positions[i].account_id <= positions[i - 1].account_id))
			return -EINVAL;
	accounts = calloc(tally->account_count + 1, sizeof(*accounts));
	if (!accounts)
		return -ENOMEM;
	for (size_t i = 0; i < tally->account_count; i++)
		accounts[i] = (struct ledger_snapshot_account){
			.id = ledger->accounts[i].id,
			.balance_nano = ledger->accounts[i].balance_nano};
	snapshot.accounts = accounts;
	memcpy(snapshot.head, tally->head, sizeof(snapshot.head));
	memcpy(snapshot.key, key, sizeof(snapshot.key));
	error = last_cash(ledger, &snapshot.cash_id);
	if (error == 0)
		error = gather_lives(ledger, &lives, &snapshot.life_count);
	snapshot.lives = lives;
	if (error == 0)
		error = put(ledger, &snapshot);
	if (error == 0)
		ledger->tally.snapshot_seq = snapshot.seq;
	free(accounts);
	free(lives);
	return error;
}

int ledger_snapshot_read(struct ledger *ledger, struct ledger_snapshot **ret)
{
	uint8_t sha256[32];
	const void *bytes;
	size_t size;
	int row;
	QUERY query = query_begin(ledger, STATEMENT_SNAPSHOT_GET,
				  "SELECT body, sha256, seq FROM snapshot WHERE id = 1");

	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENODATA;
	bytes = row_borrow_blob(&query, 0, &size);
	row_hash(&query, 1, sha256);
	row = snapshot_decode(bytes, size, sha256, ret);
	if (row == 0 && (*ret)->seq != row_integer(&query, 2)) {
		free(*ret);
		row = -EUCLEAN;
	}
	return row;
}

int64_t ledger_snapshot_seq(const struct ledger *ledger)
{
	return ledger->tally.snapshot_seq;
}

const char *ledger_snapshot_refusal(const struct ledger *ledger)
{
	return ledger->snapshot_refusal;
}
