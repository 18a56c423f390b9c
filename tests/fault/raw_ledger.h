/* raw_ledger.h - the tables of a ledger on a disk of crash_vfs.h, past the ledger's own code.
 *
 * The first call opens a connection, which raw_close() closes. A failure ends the test.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

/* The first column of the first row; 0: none. */
int64_t raw_number(const char *sql);

/* Calls row for each row. */
typedef void (*raw_row_fn)(sqlite3_stmt *row, void *userdata);
void raw_each(const char *sql, raw_row_fn row, void *userdata);

/* A number that two ledgers with the same rows in all tables have in common, and hardly any others. */
uint64_t raw_digest(void);

void raw_close(void);
/* The power has failed: the connection is nothing any more. */
void raw_forget(void);
