/* ledger_order.h - what the cloud signed and what cash was taken, remembered for ever.
 *
 * M3  mRID is unique for ever, and so is a receipt number: there is no function that forgets one.
 *     Write the order in the transaction of its entry, its receipt event and the feed cursor.
 *
 * Two orders are the same when type and payload are, byte for byte: a new signature over the same
 * payload (a rotated key) is a duplicate, not another order. Attempts that are not taken (bad
 * signature, other bytes under a known id) are kept apart and never block the id.
 */
#pragma once

#include "concentrator/ledger.h"

#define LEDGER_PAYLOAD_MAX   16384
#define LEDGER_SIGNATURE_MAX 256
#define LEDGER_RECEIPT_MAX   1024
#define LEDGER_REFUSED_MAX   10000 /* attempts kept; beyond them only the alarm is left */

struct ledger_order {
	int64_t id; /* assigned; pages go by it */
	char mrid[LEDGER_ID_MAX + 1];
	char type[LEDGER_NAME_MAX + 1];
	char kid[LEDGER_ID_MAX + 1];
	const void *payload; /* the signed bytes as they came; borrowed */
	size_t payload_size;
	const void *signature; /* borrowed */
	size_t signature_size;
	char result[LEDGER_NAME_MAX +
		    1]; /* applied, quarantined, rejected, expired, unsupported ... */
	char detail[LEDGER_TEXT_MAX + 1];
	const char
		*receipt; /* JSON text that left, for the same answer again; NULL: none; borrowed */
	int64_t account_id;  /* 0: unknown */
	int64_t amount_nano; /* signed */
	int64_t entry_seq;   /* 0: none */
	int64_t day;         /* local date the caps count by, yyyymmdd */
	int64_t received_s;
	bool received_trusted;
	uint8_t sha256[32]; /* of type, a line feed and the payload; filled by the ledger */
};

/* An attempt that was not taken. */
struct ledger_refused {
	int64_t id; /* assigned */
	char mrid[LEDGER_ID_MAX + 1];
	char type[LEDGER_NAME_MAX + 1];
	char kid[LEDGER_ID_MAX + 1];
	const void *payload;
	size_t payload_size;
	const void *signature;
	size_t signature_size;
	char reason[LEDGER_TEXT_MAX + 1];
	int64_t received_s;
};

struct ledger_cash {
	char receipt[LEDGER_ID_MAX + 1];
	int64_t account_id;
	int64_t amount_nano; /* positive */
	int64_t entry_seq;
	int64_t day; /* local date, yyyymmdd */
	int64_t at_s;
	int64_t uid;
	char who[LEDGER_TEXT_MAX + 1];
};

/* Pointers in the row are valid during the call only. */
typedef int (*ledger_order_fn)(const struct ledger_order *order, void *userdata);
typedef int (*ledger_refused_fn)(const struct ledger_refused *refused, void *userdata);

/* Is this order new? 0 yes; -EEXIST the same order is here: answer its receipt again; -EPROTO the id
 * is here with other bytes: refuse, ledger_order_refuse(), alarm. */
LEDGER_CHECKED int ledger_order_check(struct ledger *ledger, const char *mrid, const char *type,
				      const void *payload, size_t payload_size);
/* Needs a transaction. Errors of ledger_order_check(); -ENOENT account or entry is not there. */
LEDGER_CHECKED int ledger_order_put(struct ledger *ledger, struct ledger_order *order);
/* Decides an order that is quarantined; nothing else of it changes and only once. account_id and
 * entry_seq 0: it was not credited. -ENOENT no such order; -EPERM it is not quarantined. result "quarantined" is refused (-EINVAL). */
LEDGER_CHECKED int ledger_order_resolve(struct ledger *ledger, const char *mrid, const char *result,
					const char *detail, const char *receipt, int64_t account_id,
					int64_t entry_seq);
/* -ENOENT never seen. */
LEDGER_CHECKED int ledger_order_find(struct ledger *ledger, const char *mrid, ledger_order_fn row,
				     void *userdata);
/* Newest first, older than before_id (0: from the newest); account_id 0: all. */
LEDGER_CHECKED int ledger_orders_tail(struct ledger *ledger, int64_t account_id, int64_t before_id,
				      int limit, ledger_order_fn row, void *userdata);
/* Positive amounts of orders applied on that local date; account_id 0: all of the box. */
LEDGER_CHECKED int ledger_orders_day_sum(struct ledger *ledger, int64_t account_id, int64_t day,
					 int64_t *ret_nano);

/* Needs a transaction. -EEXIST the very same bytes are kept; -EDQUOT LEDGER_REFUSED_MAX are kept. */
LEDGER_CHECKED int ledger_order_refuse(struct ledger *ledger, struct ledger_refused *refused);
LEDGER_CHECKED int ledger_refused_tail(struct ledger *ledger, int64_t before_id, int limit,
				       ledger_refused_fn row, void *userdata);

/* Needs a transaction. -EEXIST the receipt number was used before, by whomever. */
LEDGER_CHECKED int ledger_cash_put(struct ledger *ledger, const struct ledger_cash *cash);
LEDGER_CHECKED int ledger_cash_day_sum(struct ledger *ledger, int64_t day, int64_t *ret_nano);
