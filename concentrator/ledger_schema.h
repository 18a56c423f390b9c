/* ledger_schema.h - the steps that bring a ledger file to the shape this program writes.
 *
 * Steps go forward only, one file of concentrator/migrations/ each, each in one transaction with its
 * number in user_version. Rows that are there are never rewritten. A step may add; what it must not
 * break is a ledger that stopped between two steps.
 */
#pragma once

#include "concentrator/ledger.h"

#include <sqlite3.h>

#define LEDGER_APPLICATION_ID 0x50727079 /* "Prpy" at offset 68 of the file */

struct ledger_step {
	int number; /* from 1, without a gap */
	const char *sql;
};

/* The built-in ones; LEDGER_SCHEMA of them. */
const struct ledger_step *schema_steps(size_t *ret_count);

/* Is the file ours, and of which schema? Reads only. 0 is an empty database: a ledger to be made.
 * -EMEDIUMTYPE no ledger; -EPROTONOSUPPORT newer than newest; -EIO, -EBUSY. */
LEDGER_CHECKED int schema_read(sqlite3 *db, const char *path, int newest, int *ret_schema,
			       struct ledger_failure *ret_failure);
/* Runs the steps behind schema. The first also writes meta: site and creation time. */
LEDGER_CHECKED int schema_migrate(sqlite3 *db, const char *path, const char *site, int64_t now_s,
				  int schema, const struct ledger_step steps[], size_t count,
				  struct ledger_failure *ret_failure);
