/* ledger_snapshot.h - what the entries come to up to one of them, so that open need not add them all up.
 *
 * One row, replaced by each new one, in the transaction that the caller has open. It holds, in bytes that
 * ledger.md documents, with SHA-256 over all of them:
 *
 *   the last entry's seq and hash (the head of the chain), and when the snapshot was taken;
 *   the building's sums: energy by kind, money, local cash and up to which receipt that was added;
 *   of every account, closed ones too: id and balance;
 *   of every meter life, ended ones too: id and the energy of its entries;
 *   of the accounts that were given one: the position, bytes of the caller (where it stands in the blocks
 *   of its tariff), and a key of 32 bytes that says under which circumstances they are right.
 *
 * It is derived: nothing is lost with it. ledger_open() and ledger_reopen() believe it when its own hash is
 * right, the entry it stands on has that hash, and for every open account and life it and the entries behind
 * it come to what was written with the last entry. Else it is refused: ledger_snapshot_refusal() says why,
 * and everything is derived from the entries. ledger_verify() and ledger_check() hold it against them.
 *
 * M1, M2  A believed snapshot and the entries behind it give what all entries give.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/ledger_entry.h"

#define LEDGER_POSITION_MAX 256 /* bytes of an account's position */

struct ledger_snapshot_account {
	int64_t id;
	int64_t balance_nano;
};

struct ledger_snapshot_life {
	int64_t id;
	int64_t energy_wh; /* of its entries of all kinds (M2) */
};

struct ledger_position {
	int64_t account_id;
	uint32_t size; /* up to LEDGER_POSITION_MAX */
	const uint8_t *bytes;
};

/* A value in one piece of memory: its arrays lie behind it. */
struct ledger_snapshot {
	int64_t seq; /* of the last entry; 0: there was none */
	uint8_t head[32];
	int64_t at_s; /* Unix, by the clock of the time */
	struct ledger_totals totals;
	int64_t cash_id; /* receipts up to this row are in totals.cash_nano */
	uint8_t key[32]; /* of the positions */
	size_t account_count, life_count, position_count;
	const struct ledger_snapshot_account *accounts; /* by id, rising */
	const struct ledger_snapshot_life *lives;       /* by id, rising */
	const struct ledger_position *positions;        /* by account_id, rising */
	uint8_t sha256[32];
};

/* Needs a transaction; its entries count. positions are by account_id, rising. -EINVAL: they are not. */
LEDGER_CHECKED int ledger_snapshot_write(struct ledger *ledger, int64_t at_s,
					 const uint8_t key[static 32],
					 const struct ledger_position positions[], size_t count);
/* Free *ret with free(3). -ENODATA there is none; -EUCLEAN its bytes do not have its hash. Whether it
 * agrees with the entries is not asked. */
LEDGER_CHECKED int ledger_snapshot_read(struct ledger *ledger, struct ledger_snapshot **ret);
/* seq of the snapshot that the cache stands on, or the last one written: 0 none. */
int64_t ledger_snapshot_seq(const struct ledger *ledger);
/* Why the last open or reopen did not believe the snapshot; empty: it did, or there was none. */
const char *ledger_snapshot_refusal(const struct ledger *ledger);
