/* ledger_entry.c - appends entries, and answers from them.
 *
 * M1  The balance in memory changes with the row, in the same call, and goes back with the transaction.
 * M2  The first register of an entry is the last of the one before it in the same meter life.
 * M5  INSERT is the only statement here that writes; the triggers of the table refuse the others.
 * M8  The hash is computed here from the head of the chain.
 */
#include "concentrator/ledger_entry.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int totals_add(struct ledger_totals *totals, enum entry_kind kind, enum medium medium,
	       int64_t energy_wh)
{
	bool water = medium == MEDIUM_WATER;
	int64_t *sum;

	switch (kind) {
	case ENTRY_CHARGE:
		sum = water ? &totals->charged_l : &totals->charged_wh;
		break;
	case ENTRY_HOUSE:
		sum = water ? &totals->house_l : &totals->house_wh;
		break;
	case ENTRY_QUARANTINE:
		sum = water ? &totals->quarantined_l : &totals->quarantined_wh;
		break;
	case ENTRY_WRITE_OFF:
		sum = water ? &totals->written_off_l : &totals->written_off_wh;
		break;
	case ENTRY_OPENING:
	case ENTRY_RECHARGE:
	case ENTRY_REVERSAL:
	case ENTRY_CASH:
	case ENTRY_ADJUSTMENT:
	case ENTRY_ROUNDING:
	case ENTRY_CLOSING:
	case ENTRY_STANDING:
	case ENTRY_TAX:
	case ENTRY_FORFEIT:
	case ENTRY_DEBT:
	case ENTRY_ALLOWANCE:
	case ENTRY_MINIMUM:
	case ENTRY_KIND_END:
	default:
		return energy_wh == 0 ? 0 : -EINVAL;
	}
	return __builtin_add_overflow(*sum, energy_wh, sum) ? -ERANGE : 0;
}

void totals_from_row(const struct query *query, enum medium medium, struct ledger_totals *ret)
{
	if (medium == MEDIUM_WATER) {
		ret->charged_l = row_integer(query, 0);
		ret->house_l = row_integer(query, 1);
		ret->quarantined_l = row_integer(query, 2);
		ret->written_off_l = row_integer(query, 3);
	} else {
		ret->charged_wh = row_integer(query, 0);
		ret->house_wh = row_integer(query, 1);
		ret->quarantined_wh = row_integer(query, 2);
		ret->written_off_wh = row_integer(query, 3);
	}
}

/* M2 for one entry about to be appended. */
static int check_energy(struct ledger *ledger, const struct entry *entry, enum medium *ret_medium)
{
	int64_t to_wh;
	int row;

	*ret_medium = MEDIUM_ELECTRICITY;
	if (entry->energy_wh < 0)
		return -EINVAL;
	if (entry->life_id == 0)
		return entry->energy_wh == 0 && entry->from_wh == entry->to_wh ? 0 : -EINVAL;
	if (__builtin_add_overflow(entry->from_wh, entry->energy_wh, &to_wh))
		return -ERANGE;
	if (to_wh != entry->to_wh)
		return -EINVAL;
	QUERY life = query_begin(
		ledger, STATEMENT_LIFE_FIND,
		"SELECT point_id, coalesce((SELECT to_wh FROM entry WHERE life_id = l.id "
		"ORDER BY seq DESC LIMIT 1), first_wh), medium FROM life l WHERE id = ?");

	query_integer(&life, entry->life_id);
	row = query_row(&life);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	if (row_integer(&life, 0) != entry->point_id || row_integer(&life, 1) != entry->from_wh)
		return -EINVAL;
	*ret_medium = (enum medium)row_integer(&life, 2);
	return 0;
}

/* M3: a subsidy whose receipt was used before a restore. 0 it is not; -EEXIST it is. */
static int check_grant(struct ledger *ledger, const struct entry *entry)
{
	int row;

	if (entry->kind != ENTRY_RECHARGE || strncmp(entry->order, "subsidy:", 8) != 0)
		return 0;
	QUERY query = query_begin(ledger, STATEMENT_GRANT_KNOWN,
				  "SELECT 1 FROM grant_known WHERE order_id = ?");

	query_text(&query, entry->order, ENTRY_ORDER_MAX);
	row = query_row(&query);
	return row == 1 ? -EEXIST : row;
}

static int insert(struct ledger *ledger, const struct entry *entry, int64_t balance_nano)
{
	QUERY query = query_begin(ledger, STATEMENT_ENTRY_ADD,
				  "INSERT INTO entry(" ENTRY_COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
				  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_integer(&query, entry->seq);
	query_integer(&query, entry->format);
	query_integer(&query, entry->kind);
	query_integer(&query, entry->account_id);
	query_reference(&query, entry->point_id);
	query_reference(&query, entry->life_id);
	query_integer(&query, entry->at_s);
	query_integer(&query, entry->at_trusted);
	query_integer(&query, entry->at_us);
	query_text(&query, entry->boot, BOOT_ID_LEN);
	query_integer(&query, entry->amount_nano);
	query_integer(&query, entry->energy_wh);
	query_integer(&query, entry->from_wh);
	query_integer(&query, entry->to_wh);
	query_integer(&query, entry->from_s);
	query_integer(&query, entry->to_s);
	query_integer(&query, entry->price_micro_per_kwh);
	query_reference(&query, entry->tariff_id);
	query_integer(&query, entry->flags);
	query_reference(&query, entry->refers);
	query_text_or_null(&query, entry->order, ENTRY_ORDER_MAX);
	query_text(&query, entry->who, ENTRY_TEXT_MAX);
	query_text(&query, entry->why, ENTRY_TEXT_MAX);
	query_integer(&query, balance_nano);
	query_blob(&query, entry->previous, sizeof(entry->previous));
	query_blob(&query, entry->hash, sizeof(entry->hash));
	return query_run(&query);
}

int ledger_entry_append(struct ledger *ledger, struct entry *entry)
{
	struct ledger_totals totals = ledger->tally.totals;
	struct cached_account *account;
	struct entry next = *entry;
	enum medium medium;
	int64_t balance_nano;
	int error;

	assert(ledger->in_transaction);
	if (ledger->failed)
		return -EIO;
	account = store_account(ledger, entry->account_id);
	if (!account)
		return -ENOENT;
	if (account->closed)
		return -EPERM;
	if (entry->kind < ENTRY_OPENING || entry->kind >= ENTRY_KIND_END)
		return -EINVAL;
	error = check_energy(ledger, entry, &medium);
	if (error == 0)
		error = check_grant(ledger, entry);
	if (error == 0)
		error = totals_add(&totals, entry->kind, medium, entry->energy_wh);
	if (error < 0)
		return error;
	if (__builtin_add_overflow(account->balance_nano, entry->amount_nano, &balance_nano) ||
	    __builtin_add_overflow(totals.balance_nano, entry->amount_nano, &totals.balance_nano))
		return -ERANGE;

	next.seq = ++totals.entries;
	next.format = ENTRY_FORMAT;
	memcpy(next.previous, ledger->tally.head, sizeof(next.previous));
	error = chain_hash(&next, next.hash);
	if (error == 0)
		error = insert(ledger, &next, balance_nano);
	if (error < 0)
		return error;

	account->balance_nano = balance_nano;
	ledger->tally.totals = totals;
	memcpy(ledger->tally.head, next.hash, sizeof(next.hash));
	store_seen(ledger, next.at_s, next.at_trusted);
	*entry = next;
	return 0;
}

int ledger_balance_nano(struct ledger *ledger, int64_t account_id, int64_t *ret)
{
	const struct cached_account *account;

	if (ledger->failed)
		return -EIO;
	account = store_account(ledger, account_id);
	if (!account)
		return -ENOENT;
	*ret = account->balance_nano;
	return 0;
}

int ledger_totals_get(struct ledger *ledger, int64_t point_id, struct ledger_totals *ret)
{
	struct ledger_totals totals = {.entries = ledger->tally.totals.entries};
	int row;

	if (ledger->failed)
		return -EIO;
	if (point_id == 0) {
		*ret = ledger->tally.totals;
		return 0;
	}
	QUERY query = query_begin(ledger, STATEMENT_ENTRY_TOTALS_POINT,
				  "SELECT " ENTRY_ENERGY_SUMS ", max(l.medium) FROM life l JOIN "
				  "entry e ON e.life_id = l.id WHERE l.point_id = ?");

	query_integer(&query, point_id);
	row = query_row(&query);
	if (row < 0)
		return row;
	totals_from_row(&query, (enum medium)row_integer(&query, 4), &totals);
	*ret = totals;
	return 0;
}

static void copy_text(sqlite3_value *value, char *ret, size_t size)
{
	const unsigned char *text = sqlite3_value_text(value);
	size_t length = text ? strnlen((const char *)text, size - 1) : 0;

	if (length > 0)
		memcpy(ret, text, length);
	ret[length] = '\0';
}

static void copy_hash(sqlite3_value *value, uint8_t ret[static 32])
{
	const void *bytes = sqlite3_value_blob(value);

	if (bytes && sqlite3_value_bytes(value) == 32)
		memcpy(ret, bytes, 32);
	else
		memset(ret, 0, 32);
}

void entry_from_values(sqlite3_value *const values[static ENTRY_COLUMN_COUNT], struct entry *ret,
		       int64_t *ret_balance_nano)
{
	ret->seq = sqlite3_value_int64(values[0]);
	ret->format = sqlite3_value_int(values[1]);
	ret->kind = (enum entry_kind)sqlite3_value_int(values[2]);
	ret->account_id = sqlite3_value_int64(values[3]);
	ret->point_id = sqlite3_value_int64(values[4]);
	ret->life_id = sqlite3_value_int64(values[5]);
	ret->at_s = sqlite3_value_int64(values[6]);
	ret->at_trusted = sqlite3_value_int(values[7]) != 0;
	ret->at_us = sqlite3_value_int64(values[8]);
	copy_text(values[9], ret->boot, sizeof(ret->boot));
	ret->amount_nano = sqlite3_value_int64(values[10]);
	ret->energy_wh = sqlite3_value_int64(values[11]);
	ret->from_wh = sqlite3_value_int64(values[12]);
	ret->to_wh = sqlite3_value_int64(values[13]);
	ret->from_s = sqlite3_value_int64(values[14]);
	ret->to_s = sqlite3_value_int64(values[15]);
	ret->price_micro_per_kwh = sqlite3_value_int64(values[16]);
	ret->tariff_id = sqlite3_value_int64(values[17]);
	ret->flags = (uint32_t)sqlite3_value_int64(values[18]);
	ret->refers = sqlite3_value_int64(values[19]);
	copy_text(values[20], ret->order, sizeof(ret->order));
	copy_text(values[21], ret->who, sizeof(ret->who));
	copy_text(values[22], ret->why, sizeof(ret->why));
	*ret_balance_nano = sqlite3_value_int64(values[23]);
	copy_hash(values[24], ret->previous);
	copy_hash(values[25], ret->hash);
}

void entry_from_row(sqlite3_stmt *stmt, struct entry *ret, int64_t *ret_balance_nano)
{
	sqlite3_value *values[ENTRY_COLUMN_COUNT];

	for (int i = 0; i < ENTRY_COLUMN_COUNT; i++)
		values[i] = sqlite3_column_value(stmt, i);
	entry_from_values(values, ret, ret_balance_nano);
}

static int walk(struct query *query, ledger_entry_fn fn, void *userdata)
{
	struct entry entry;
	int64_t balance_nano;
	int row, stop;

	while ((row = query_row(query)) == 1) {
		entry_from_row(query->stmt, &entry, &balance_nano);
		stop = fn(&entry, balance_nano, userdata);
		if (stop != 0)
			return stop;
	}
	return row;
}

int ledger_entries_tail(struct ledger *ledger, int64_t account_id, int64_t before_seq, int limit,
			ledger_entry_fn row, void *userdata)
{
	QUERY query = account_id == 0
			      ? query_begin(ledger, STATEMENT_ENTRY_TAIL,
					    "SELECT " ENTRY_COLUMNS " FROM entry WHERE seq < ? "
					    "ORDER BY seq DESC LIMIT ?")
			      : query_begin(ledger, STATEMENT_ENTRY_TAIL_ACCOUNT,
					    "SELECT " ENTRY_COLUMNS " FROM entry WHERE seq < ? AND "
					    "account_id = ?3 ORDER BY seq DESC LIMIT ?2");

	query_integer(&query, before_seq > 0 ? before_seq : INT64_MAX);
	query_integer(&query, limit);
	if (account_id != 0)
		query_integer(&query, account_id);
	return walk(&query, row, userdata);
}

int ledger_entries_after(struct ledger *ledger, int64_t account_id, int64_t after_seq,
			 ledger_entry_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_ENTRY_AFTER,
				  "SELECT " ENTRY_COLUMNS " FROM entry WHERE account_id = ? AND "
				  "seq > ? ORDER BY seq");

	query_integer(&query, account_id);
	query_integer(&query, after_seq);
	return walk(&query, row, userdata);
}

int ledger_entry_find(struct ledger *ledger, int64_t seq, ledger_entry_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_ENTRY_FIND,
				  "SELECT " ENTRY_COLUMNS " FROM entry WHERE seq = ?");
	struct entry entry;
	int64_t balance_nano;
	int found;

	query_integer(&query, seq);
	found = query_row(&query);
	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	entry_from_row(query.stmt, &entry, &balance_nano);
	return row(&entry, balance_nano, userdata);
}

int ledger_charges_back(struct ledger *ledger, int64_t after_seq, ledger_charge_fn row,
			void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_CHARGES_BACK,
		"SELECT seq, account_id, at_s, at_trusted, from_s, energy_wh, flags "
		"FROM entry WHERE seq > ? AND kind = 5 AND NOT EXISTS (SELECT 1 FROM life WHERE "
		"id = entry.life_id AND medium <> 0) ORDER BY seq DESC");
	int more, stop;

	query_integer(&query, after_seq);
	while ((more = query_row(&query)) == 1) {
		const struct ledger_charge charge = {
			.seq = row_integer(&query, 0),
			.account_id = row_integer(&query, 1),
			.at_s = row_integer(&query, 2),
			.at_trusted = row_integer(&query, 3) != 0,
			.from_s = row_integer(&query, 4),
			.energy_wh = row_integer(&query, 5),
			.flags = (uint32_t)row_integer(&query, 6),
		};

		stop = row(&charge, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
