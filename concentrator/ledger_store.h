/* ledger_store.h - inside the ledger: the connection, its prepared statements, what is cached.
 *
 * Private to concentrator/ledger*.c. Every statement is prepared once per connection and kept in its
 * slot; a query is a statement in use, and ends with its scope.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_schema.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/rules/medium.h"

#include <sqlite3.h>
#include <sys/types.h>

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_SAVEPOINT,
	STATEMENT_SAVEPOINT_KEEP,
	STATEMENT_SAVEPOINT_UNDO,
	STATEMENT_BYTES,
	STATEMENT_META,
	STATEMENT_CURSOR_GET,
	STATEMENT_CURSOR_SET,
	STATEMENT_ROOM_ADD,
	STATEMENT_ROOM_FIND,
	STATEMENT_ROOM_CLOSE,
	STATEMENT_ROOM_EACH,
	STATEMENT_ACCOUNT_ADD,
	STATEMENT_ACCOUNT_FIND,
	STATEMENT_POINT_CIRCUIT,
	STATEMENT_ACCOUNT_CLOSE,
	STATEMENT_ACCOUNT_SUMS,
	STATEMENT_TENANCY_ADD,
	STATEMENT_TENANCY_BEGAN,
	STATEMENT_STAY_ADD,
	STATEMENT_STAY_USE_ADD,
	STATEMENT_STAY_USE_EACH,
	STATEMENT_UNREAD_ADD,
	STATEMENT_UNREAD_EACH,
	STATEMENT_TENANCY_END,
	STATEMENT_POINT_ADD,
	STATEMENT_POINT_CLOSE,
	STATEMENT_SUPPLY_ADD,
	STATEMENT_SUPPLY_CLOSE,
	STATEMENT_SUPPLY_EACH,
	STATEMENT_LIFE_ADD,
	STATEMENT_LIFE_END,
	STATEMENT_LIFE_END_ROOM,
	STATEMENT_LIFE_UNWRAP,
	STATEMENT_LIFE_BIND,
	STATEMENT_LIFE_MEDIUM,
	STATEMENT_LIFE_EACH,
	STATEMENT_LIFE_FIND,
	STATEMENT_LIFE_SUMS,
	STATEMENT_LIFE_WAYS,
	STATEMENT_ENTRY_ADD,
	STATEMENT_ENTRY_FIND,
	STATEMENT_ENTRY_TAIL,
	STATEMENT_ENTRY_TAIL_ACCOUNT,
	STATEMENT_ENTRY_LAST,
	STATEMENT_ENTRY_TOTALS,
	STATEMENT_ENTRY_TOTALS_WATER,
	STATEMENT_ENTRY_TOTALS_POINT,
	STATEMENT_FLOOR,
	STATEMENT_PERSONS_ADD,
	STATEMENT_PERSONS_LAST,
	STATEMENT_BANDS_SET,
	STATEMENT_BANDS_GET,
	STATEMENT_TAX_ADD,
	STATEMENT_TAX_REST,
	STATEMENT_DATED_ADD,
	STATEMENT_DATED_LAST,
	STATEMENT_ORDER_ADD,
	STATEMENT_ORDER_CHECK,
	STATEMENT_ORDER_RESOLVE,
	STATEMENT_ORDER_FIND,
	STATEMENT_ORDER_TAIL,
	STATEMENT_ORDER_TAIL_ACCOUNT,
	STATEMENT_ORDER_DAY,
	STATEMENT_ORDER_DAY_ACCOUNT,
	STATEMENT_REFUSED_ADD,
	STATEMENT_REFUSED_COUNT,
	STATEMENT_REFUSED_TAIL,
	STATEMENT_CASH_ADD,
	STATEMENT_CASH_KNOWN,
	STATEMENT_GRANT_KNOWN,
	STATEMENT_USE_KNOWN,
	STATEMENT_CASH_DAY,
	STATEMENT_CASH_SUM,
	STATEMENT_CASH_LAST,
	STATEMENT_SNAPSHOT_PUT,
	STATEMENT_SNAPSHOT_GET,
	STATEMENT_RESUME_ACCOUNTS,
	STATEMENT_RESUME_ENTRIES,
	STATEMENT_ACCOUNT_LAST,
	STATEMENT_ENTRY_HASH,
	STATEMENT_CHARGES_BACK,
	STATEMENT_CASH_SINCE,
	STATEMENT_EVENT_ADD,
	STATEMENT_EVENT_EACH,
	STATEMENT_EVENT_EACH_LANE,
	STATEMENT_EVENT_TAIL,
	STATEMENT_EVENT_WAITING,
	STATEMENT_EVENT_REFUSE,
	STATEMENT_OUTBOX_GET,
	STATEMENT_OUTBOX_SET,
	STATEMENT_EPOCH_SET,
	STATEMENT_AUDIT_ADD,
	STATEMENT_AUDIT_TAIL,
	STATEMENT_WISH_SET,
	STATEMENT_WISH_CLEAR,
	STATEMENT_WISH_EACH,
	STATEMENT_RELAY_SET,
	STATEMENT_RELAY_EACH,
	STATEMENT_MONEY_SET,
	STATEMENT_MONEY_EACH,
	STATEMENT_TARIFF_ADD,
	STATEMENT_TARIFF_EACH,
	STATEMENT_KEYSET_ADD,
	STATEMENT_KEYSET_VERSION,
	STATEMENT_KEYSET_KNOWN,
	STATEMENT_KEY_ADD,
	STATEMENT_KEY_EACH,
	STATEMENT_QUARANTINE_ADD,
	STATEMENT_QUARANTINE_CLOSE,
	STATEMENT_QUARANTINE_TAIL,
	STATEMENT_QUARANTINE_COUNT,
	STATEMENT_HOLD_ADD,
	STATEMENT_HOLD_END,
	STATEMENT_HOLD_EACH,
	STATEMENT_LIFE_FLOOR,
	STATEMENT_DEBT_ADD,
	STATEMENT_DEBT_SET,
	STATEMENT_DEBT_END,
	STATEMENT_DEBT_EACH,
	STATEMENT_DEBT_BACK,
	STATEMENT_DEBT_PAYMENT_ADD,
	STATEMENT_DEBT_PAYMENT_EACH,
	STATEMENT_DEBT_PERIOD_ADD,
	STATEMENT_DEBT_PERIOD_DONE,
	STATEMENT_CREDIT_SET,
	STATEMENT_CREDIT_EACH,
	STATEMENT_ENTRY_AFTER,
	STATEMENT_FREEZE_TOTAL,
	STATEMENT_FREEZE_BEFORE,
	STATEMENT_FREEZE_DROP,
	STATEMENT_FREEZE_ADD,
	STATEMENT_FREEZE_LAST,
	STATEMENT_FREEZE_TAIL,
	STATEMENT_COUNT
};

/* What a transaction may change of the cache, as one value: a rollback puts the saved one back. */
struct tally {
	struct ledger_totals totals;
	struct ledger_outbox outbox; /* waiting is right only while not stale */
	bool outbox_stale;
	uint8_t head[32];
	int64_t floor_s;
	int64_t snapshot_seq; /* 0: none */
	size_t account_count;
};

struct cached_account {
	int64_t id;
	int64_t balance_nano;
	int64_t saved_nano;
	bool closed;
	bool saved_closed;
};

#define COMMIT_TIMES 512

/* Which file it is, whatever its name says later. */
struct file_identity {
	dev_t device;
	ino_t inode; /* 0: not known */
	off_t size;
};

struct ledger {
	char *path;
	char *vfs; /* NULL: the system's */
	char *site;
	int64_t built_s;
	int64_t now_s;
	int64_t (*clock_us)(void);
	int lock_fd;               /* -1: none */
	struct file_identity file; /* the database as opened, and the log beside it */
	struct file_identity log;

	sqlite3 *db; /* NULL: closed after a failure */
	sqlite3_stmt *statements[STATEMENT_COUNT];
	bool in_transaction;
	bool failed;
	char failure[256];
	char snapshot_refusal[192]; /* empty: the last open believed it, or there was none */

	int64_t epoch;
	int64_t created_s;
	int schema;
	const struct ledger_step *steps;
	size_t step_count;
	struct tally tally;
	struct tally saved;
	struct cached_account *accounts; /* by id, rising */
	size_t accounts_allocated;

	int checkpoint_code; /* SQLite's, of the checkpoint behind the last commit */
	int64_t commits;
	int64_t commit_last_us;
	int64_t commit_max_us;
	int32_t commit_us[COMMIT_TIMES]; /* ring */
};

/* A statement in use. Bind in order, then run it or walk its rows. The first error sticks. */
struct query {
	struct ledger *ledger;
	sqlite3_stmt *stmt;
	int bound;
	int error;
};

#define QUERY __attribute__((cleanup(query_end))) struct query

/* sql is prepared in its slot the first time and must be the same literal each time. */
struct query query_begin(struct ledger *ledger, enum statement slot, const char *sql);
void query_integer(struct query *query, int64_t value);
/* An id or a time where 0 means NULL. */
void query_reference(struct query *query, int64_t id);
/* Borrowed until the query ends. -EINVAL longer than max or not UTF-8. */
void query_text(struct query *query, const char *text, size_t max);
/* An empty text is NULL. */
void query_text_or_null(struct query *query, const char *text, size_t max);
void query_blob(struct query *query, const void *bytes, size_t size);
/* 1 a row, 0 no more, -errno. */
LEDGER_CHECKED int query_row(struct query *query);
/* Runs a statement without rows. */
LEDGER_CHECKED int query_run(struct query *query);
/* As query_run(), and -ENOENT when no row was changed. */
LEDGER_CHECKED int query_change(struct query *query);
void query_end(struct query *query);

int64_t row_integer(const struct query *query, int column);
/* Copies what fits. */
void row_text(const struct query *query, int column, char *ret, size_t size);
/* Valid until the next row; "" and NULL bytes of size 0 for NULL. */
const char *row_borrow_text(const struct query *query, int column);
const void *row_borrow_blob(const struct query *query, int column, size_t *ret_size);
void row_hash(const struct query *query, int column, uint8_t ret[static 32]);

/* What SQLite said, as our errno; an I/O error or damage marks the store as failed (D1). */
int store_error(struct ledger *ledger, int code);
/* Of a connection without a ledger around it: the same classes. */
int store_errno(sqlite3 *db, int code);
void store_fail(struct ledger *ledger, const char *text);
/* Several statements as one: what fails between keep and undo has written nothing. */
LEDGER_CHECKED int store_savepoint(struct ledger *ledger);
/* error 0: keeps, else takes back; returns error or what went wrong on the way. */
LEDGER_CHECKED int store_savepoint_end(struct ledger *ledger, int error);
struct cached_account *store_account(struct ledger *ledger, int64_t account_id);
LEDGER_CHECKED int store_account_add(struct ledger *ledger, int64_t account_id, bool closed,
				     int64_t balance_nano);
int64_t store_inserted(const struct ledger *ledger);
/* Later than every trusted time seen. */
/* M7: of a life l and its last entry e, if any: no earlier than this was its energy used that is in no entry,
 * where the end of that entry is not known. */
#define LIFE_FLOOR_S                                                                               \
	"coalesce(nullif(e.from_s, 0), (SELECT not_before_s FROM life_floor WHERE life_id = "      \
	"l.id), 0)"

void store_seen(struct ledger *ledger, int64_t at_s, bool trusted);

/* Fills the cache from the tables, with the checks of M1 and M2 (ledger_derive.c). whole: from all entries,
 * whatever the snapshot says; else from it and the entries behind it. */
LEDGER_CHECKED int store_derive(struct ledger *ledger, bool whole,
				struct ledger_failure *ret_failure);
/* Accounts and sums from the snapshot (ledger_resume.c). 1 done; 0 there is none, or it is refused. */
LEDGER_CHECKED int store_resume(struct ledger *ledger);
/* Adds an entry's energy to its kind's sum. -EINVAL: energy of a kind that has none; -ERANGE. */
LEDGER_CHECKED int totals_add(struct ledger_totals *totals, enum entry_kind kind,
			      enum medium medium, int64_t energy_wh);
/* Opens a connection of the reading kind: read-only, small cache. */
LEDGER_CHECKED int store_open_reading(sqlite3 **ret, const char *path, const char *vfs);
/* As store_open_reading(), and SQLite's own checks see the CHECKs of the tables, which it does not even read where a
 * file is open for reading only. Nothing is written. A file that may not be written is opened as above. */
LEDGER_CHECKED int store_open_judging(sqlite3 **ret, const char *path, const char *vfs);
/* Every life's way from its first register to the last one settled. */
#define LIFE_WAYS                                                                                  \
	"SELECT id, coalesce((SELECT to_wh FROM entry WHERE life_id = l.id ORDER BY seq DESC "     \
	"LIMIT 1), first_wh) - first_wh, medium FROM life l ORDER BY id"
/* The energy by kind (CHARGE, HOUSE, QUARANTINE, WRITE_OFF), in one pass: GROUP BY would sort every
 * entry in memory. */
#define ENTRY_ENERGY_SUMS                                                                          \
	"sum(energy_wh) FILTER (WHERE kind = 5), sum(energy_wh) FILTER (WHERE kind = 6), "         \
	"sum(energy_wh) FILTER (WHERE kind = 7), sum(energy_wh) FILTER (WHERE kind = 8)"
void totals_from_row(const struct query *query, enum medium medium, struct ledger_totals *ret);
/* The columns of an entry and its balance, in the order that entry_from_row() reads. */
#define ENTRY_COLUMNS                                                                              \
	"seq, format, kind, account_id, point_id, life_id, at_s, at_trusted, at_us, boot, "        \
	"amount_nano, energy_wh, from_wh, to_wh, from_s, to_s, price_micro_per_kwh, tariff_id, "   \
	"flags, refers, order_id, who, why, balance_nano, previous, hash"
#define ENTRY_COLUMN_COUNT 26
void entry_from_row(sqlite3_stmt *stmt, struct entry *ret, int64_t *ret_balance_nano);
/* The same of a function that is given ENTRY_COLUMNS. */
void entry_from_values(sqlite3_value *const values[static ENTRY_COLUMN_COUNT], struct entry *ret,
		       int64_t *ret_balance_nano);
/* Remembers which files are open: the database and its log. A named VFS has none. */
void place_note(struct ledger *ledger);
/* Does the name of the database still lead to the file that is open, uncut? */
bool place_is_ours(const struct ledger *ledger);
/* As place_is_ours(), and the log too. -ENOENT gone, -ESTALE replaced, -EUCLEAN cut short: ret_failure
 * says so. */
LEDGER_CHECKED int place_check(const struct ledger *ledger, struct ledger_failure *ret_failure);
/* Brings an earlier backup of the ledger at path up to date (ledger_renew.c). -EEXIST file is something else;
 * -EUCLEAN what was added does not follow; nothing has changed then. */
LEDGER_CHECKED int backup_renew(const char *path, const char *file, int (*tick)(void *userdata),
				void *userdata);
/* Syncs and hashes what is there. */
LEDGER_CHECKED int backup_seal(const char *file, struct ledger_copy *ret);
/* Copies the ledger behind db to file, synced and renamed into place. */
LEDGER_CHECKED int backup_write(sqlite3 *db, const char *file, bool replace,
				struct ledger_copy *ret);
