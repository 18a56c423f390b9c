/* ledger_order.c - orders, refused attempts and cash receipts.
 *
 * M3  mRID and receipt number are unique columns of tables whose rows cannot be deleted, so an id is
 *     known for ever, and the row is written in the transaction of its entry.
 */
#include "concentrator/ledger_order.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int digest_order(const char *type, const void *payload, size_t size, uint8_t ret[static 32])
{
	return chain_digest((const void *const[]){type, "\n", payload},
			    (const size_t[]){strlen(type), 1, size}, 3, ret);
}

static int check_digest(struct ledger *ledger, const char *mrid, const uint8_t sha256[static 32])
{
	QUERY query = query_begin(ledger, STATEMENT_ORDER_CHECK,
				  "SELECT sha256 FROM orders WHERE mrid = ?");
	uint8_t known[32];
	int row;

	query_text(&query, mrid, LEDGER_ID_MAX);
	row = query_row(&query);
	if (row <= 0)
		return row;
	row_hash(&query, 0, known);
	return memcmp(known, sha256, 32) == 0 ? -EEXIST : -EPROTO;
}

int ledger_order_check(struct ledger *ledger, const char *mrid, const char *type,
		       const void *payload, size_t payload_size)
{
	uint8_t sha256[32];
	int error = digest_order(type, payload, payload_size, sha256);

	return error < 0 ? error : check_digest(ledger, mrid, sha256);
}

int ledger_order_put(struct ledger *ledger, struct ledger_order *order)
{
	int error;

	assert(ledger->in_transaction);
	if (order->payload_size > LEDGER_PAYLOAD_MAX ||
	    order->signature_size > LEDGER_SIGNATURE_MAX)
		return -EINVAL;
	error = digest_order(order->type, order->payload, order->payload_size, order->sha256);
	if (error == 0)
		error = check_digest(ledger, order->mrid, order->sha256);
	if (error < 0)
		return error;
	QUERY query = query_begin(
		ledger, STATEMENT_ORDER_ADD,
		"INSERT INTO orders(mrid, type, kid, payload, signature, sha256, result, detail, "
		"receipt, "
		"account_id, amount_nano, entry_seq, day, received_s, received_trusted) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_text(&query, order->mrid, LEDGER_ID_MAX);
	query_text(&query, order->type, LEDGER_NAME_MAX);
	query_text(&query, order->kid, LEDGER_ID_MAX);
	query_blob(&query, order->payload, order->payload_size);
	query_blob(&query, order->signature, order->signature_size);
	query_blob(&query, order->sha256, sizeof(order->sha256));
	query_text(&query, order->result, LEDGER_NAME_MAX);
	query_text(&query, order->detail, LEDGER_TEXT_MAX);
	query_text_or_null(&query, order->receipt, LEDGER_RECEIPT_MAX);
	query_reference(&query, order->account_id);
	query_integer(&query, order->amount_nano);
	query_reference(&query, order->entry_seq);
	query_integer(&query, order->day);
	query_integer(&query, order->received_s);
	query_integer(&query, order->received_trusted);
	error = query_run(&query);
	if (error == 0)
		order->id = store_inserted(ledger);
	return error;
}

int ledger_order_resolve(struct ledger *ledger, const char *mrid, const char *result,
			 const char *detail, const char *receipt, int64_t account_id,
			 int64_t entry_seq)
{
	assert(ledger->in_transaction);
	if (strcmp(result, "quarantined") == 0)
		return -EINVAL;
	QUERY query = query_begin(
		ledger, STATEMENT_ORDER_RESOLVE,
		"UPDATE orders SET result = ?, detail = ?, receipt = ?, "
		"account_id = coalesce(?, account_id), entry_seq = ? WHERE mrid = ?");

	query_text(&query, result, LEDGER_NAME_MAX);
	query_text(&query, detail, LEDGER_TEXT_MAX);
	query_text_or_null(&query, receipt, LEDGER_RECEIPT_MAX);
	query_reference(&query, account_id);
	query_reference(&query, entry_seq);
	query_text(&query, mrid, LEDGER_ID_MAX);
	return query_change(&query);
}

#define ORDER_COLUMNS                                                                              \
	"id, mrid, type, kid, payload, signature, sha256, result, detail, receipt, account_id, "   \
	"amount_nano, entry_seq, day, received_s, received_trusted"

static int order_row(struct query *query, ledger_order_fn row, void *userdata)
{
	struct ledger_order order = {
		.id = row_integer(query, 0),
		.account_id = row_integer(query, 10),
		.amount_nano = row_integer(query, 11),
		.entry_seq = row_integer(query, 12),
		.day = row_integer(query, 13),
		.received_s = row_integer(query, 14),
		.received_trusted = row_integer(query, 15) != 0,
	};

	row_text(query, 1, order.mrid, sizeof(order.mrid));
	row_text(query, 2, order.type, sizeof(order.type));
	row_text(query, 3, order.kid, sizeof(order.kid));
	order.payload = row_borrow_blob(query, 4, &order.payload_size);
	order.signature = row_borrow_blob(query, 5, &order.signature_size);
	row_hash(query, 6, order.sha256);
	row_text(query, 7, order.result, sizeof(order.result));
	row_text(query, 8, order.detail, sizeof(order.detail));
	order.receipt = row_borrow_text(query, 9);
	if (order.receipt[0] == '\0')
		order.receipt = NULL;
	return row(&order, userdata);
}

int ledger_order_find(struct ledger *ledger, const char *mrid, ledger_order_fn row, void *userdata)
{
	QUERY query = query_begin(ledger, STATEMENT_ORDER_FIND,
				  "SELECT " ORDER_COLUMNS " FROM orders WHERE mrid = ?");
	int found;

	query_text(&query, mrid, LEDGER_ID_MAX);
	found = query_row(&query);
	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	return order_row(&query, row, userdata);
}

int ledger_orders_tail(struct ledger *ledger, int64_t account_id, int64_t before_id, int limit,
		       ledger_order_fn row, void *userdata)
{
	QUERY query = account_id == 0
			      ? query_begin(ledger, STATEMENT_ORDER_TAIL,
					    "SELECT " ORDER_COLUMNS " FROM orders WHERE id < ? "
					    "ORDER BY id DESC LIMIT ?")
			      : query_begin(ledger, STATEMENT_ORDER_TAIL_ACCOUNT,
					    "SELECT " ORDER_COLUMNS " FROM orders WHERE id < ? AND "
					    "account_id = ?3 ORDER BY id DESC LIMIT ?2");
	int more, stop;

	query_integer(&query, before_id > 0 ? before_id : INT64_MAX);
	query_integer(&query, limit);
	if (account_id != 0)
		query_integer(&query, account_id);
	while ((more = query_row(&query)) == 1) {
		stop = order_row(&query, row, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

static int single_sum(struct query *query, int64_t *ret_nano)
{
	int row = query_row(query);

	if (row == 1)
		*ret_nano = row_integer(query, 0);
	return row < 0 ? row : 0;
}

int ledger_orders_day_sum(struct ledger *ledger, int64_t account_id, int64_t day, int64_t *ret_nano)
{
	QUERY query =
		account_id == 0
			? query_begin(ledger, STATEMENT_ORDER_DAY,
				      "SELECT coalesce(sum(amount_nano), 0) FROM orders WHERE day "
				      "= ? AND "
				      "result = 'applied' AND amount_nano > 0")
			: query_begin(ledger, STATEMENT_ORDER_DAY_ACCOUNT,
				      "SELECT coalesce(sum(amount_nano), 0) FROM orders WHERE day "
				      "= ? AND "
				      "account_id = ? AND result = 'applied' AND amount_nano > 0");

	query_integer(&query, day);
	if (account_id != 0)
		query_integer(&query, account_id);
	return single_sum(&query, ret_nano);
}

static int count_refused(struct ledger *ledger, int64_t *ret)
{
	QUERY query = query_begin(ledger, STATEMENT_REFUSED_COUNT, "SELECT count(*) FROM refused");

	return single_sum(&query, ret);
}

int ledger_order_refuse(struct ledger *ledger, struct ledger_refused *refused)
{
	uint8_t sha256[32];
	int64_t kept = 0;
	int error;

	assert(ledger->in_transaction);
	if (refused->payload_size > LEDGER_PAYLOAD_MAX ||
	    refused->signature_size > LEDGER_SIGNATURE_MAX)
		return -EINVAL;
	error = count_refused(ledger, &kept);
	if (error < 0)
		return error;
	if (kept >= LEDGER_REFUSED_MAX)
		return -EDQUOT;
	error = chain_digest((const void *const[]){refused->mrid, "\n", refused->type, "\n",
						   refused->kid, "\n", refused->signature, "\n",
						   refused->payload},
			     (const size_t[]){strlen(refused->mrid), 1, strlen(refused->type), 1,
					      strlen(refused->kid), 1, refused->signature_size, 1,
					      refused->payload_size},
			     9, sha256);
	if (error < 0)
		return error;
	QUERY query = query_begin(
		ledger, STATEMENT_REFUSED_ADD,
		"INSERT INTO refused(mrid, type, kid, payload, signature, sha256, reason, "
		"received_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

	query_text(&query, refused->mrid, LEDGER_ID_MAX);
	query_text(&query, refused->type, LEDGER_NAME_MAX);
	query_text(&query, refused->kid, LEDGER_ID_MAX);
	query_blob(&query, refused->payload, refused->payload_size);
	query_blob(&query, refused->signature, refused->signature_size);
	query_blob(&query, sha256, sizeof(sha256));
	query_text(&query, refused->reason, LEDGER_TEXT_MAX);
	query_integer(&query, refused->received_s);
	error = query_run(&query);
	if (error == 0)
		refused->id = store_inserted(ledger);
	return error;
}

int ledger_refused_tail(struct ledger *ledger, int64_t before_id, int limit, ledger_refused_fn row,
			void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_REFUSED_TAIL,
		"SELECT id, mrid, type, kid, payload, signature, reason, received_s "
		"FROM refused WHERE id < ? ORDER BY id DESC LIMIT ?");
	int more, stop;

	query_integer(&query, before_id > 0 ? before_id : INT64_MAX);
	query_integer(&query, limit);
	while ((more = query_row(&query)) == 1) {
		struct ledger_refused refused = {
			.id = row_integer(&query, 0),
			.received_s = row_integer(&query, 7),
		};

		row_text(&query, 1, refused.mrid, sizeof(refused.mrid));
		row_text(&query, 2, refused.type, sizeof(refused.type));
		row_text(&query, 3, refused.kid, sizeof(refused.kid));
		refused.payload = row_borrow_blob(&query, 4, &refused.payload_size);
		refused.signature = row_borrow_blob(&query, 5, &refused.signature_size);
		row_text(&query, 6, refused.reason, sizeof(refused.reason));
		stop = row(&refused, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}

/* M3: a receipt from before a restore. 0 it is not; -EEXIST it is. */
static int check_cash_known(struct ledger *ledger, const char *receipt)
{
	QUERY query = query_begin(ledger, STATEMENT_CASH_KNOWN,
				  "SELECT 1 FROM cash_known WHERE receipt = ?");
	int row;

	query_text(&query, receipt, LEDGER_ID_MAX);
	row = query_row(&query);
	return row == 1 ? -EEXIST : row;
}

int ledger_cash_put(struct ledger *ledger, const struct ledger_cash *cash)
{
	int64_t cash_nano;
	int error;

	assert(ledger->in_transaction);
	error = check_cash_known(ledger, cash->receipt);
	if (error < 0)
		return error;
	if (__builtin_add_overflow(ledger->tally.totals.cash_nano, cash->amount_nano, &cash_nano))
		return -ERANGE;
	QUERY query = query_begin(
		ledger, STATEMENT_CASH_ADD,
		"INSERT INTO cash(receipt, account_id, amount_nano, entry_seq, day, at_s, "
		"uid, who) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

	query_text(&query, cash->receipt, LEDGER_ID_MAX);
	query_integer(&query, cash->account_id);
	query_integer(&query, cash->amount_nano);
	query_integer(&query, cash->entry_seq);
	query_integer(&query, cash->day);
	query_integer(&query, cash->at_s);
	query_integer(&query, cash->uid);
	query_text(&query, cash->who, LEDGER_TEXT_MAX);
	error = query_run(&query);
	if (error == 0)
		ledger->tally.totals.cash_nano = cash_nano;
	return error;
}

int ledger_cash_day_sum(struct ledger *ledger, int64_t day, int64_t *ret_nano)
{
	QUERY query = query_begin(
		ledger, STATEMENT_CASH_DAY,
		"SELECT coalesce(sum(amount_nano), 0) FROM (SELECT amount_nano, day "
		"FROM cash UNION ALL SELECT amount_nano, day FROM cash_known) "
		"WHERE day = ?");

	query_integer(&query, day);
	return single_sum(&query, ret_nano);
}
