/* raw_ledger.h - the tables of a ledger on a disk of crash_vfs.h, past the ledger's own code.
 *
 * They are read through the ledger's own connection, between its transactions: opening another one for each
 * look would cost more than the look. A failure ends the test.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger;

/* Those of *ledger are read from now on, whichever it is then; NULL: none are. */
void raw_read(struct ledger *const *ledger);

/* The first column of the first row; 0: none. */
int64_t raw_number(const char *sql);

/* The same; false: the disk failed. */
bool raw_try(const char *sql, int64_t *ret);

/* Calls row for each row. */
typedef void (*raw_row_fn)(sqlite3_stmt *row, void *userdata);
void raw_each(const char *sql, raw_row_fn row, void *userdata);

/* A number that two ledgers with the same rows in all tables have in common, and hardly any others. */
uint64_t raw_digest(void);

/* Whatever the ledger keeps of its file in memory is read anew when it is wanted again. */
void raw_drop_cache(void);
