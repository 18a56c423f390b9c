/* ledger_section.h - the named parts of a checkpoint: what each is read with, and what it is put back with.
 *
 * Private to concentrator/ledger*.c. A section is a list of rows, a row a list of values in the order of
 * its columns. Sections of state are told whole when they changed; sections of history only grow, and
 * tell what is new. What a later version adds is a section of its own.
 *
 * M3  Orders and receipts are history: none that was ever known is left out.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/platform/digest.h"

#include <jansson.h>
#include <sqlite3.h>

enum section_kind {
	SECTION_STATE,
	SECTION_HISTORY, /* column 0 of collect is the place in the history; ?1 is where to go on */
	SECTION_GIVEN,   /* state that the station has in memory */
};

struct section {
	const char *name;
	enum section_kind kind;
	const char *columns; /* for people and for the check: "id,name,opened_s" */
	const char *collect; /* NULL: given */
	const char *seed;    /* one row; ?1 is the first column */
	bool late;           /* put back behind the opening entries, to which it refers */
};

/* In the order in which they must be put back. */
const struct section *section_list(size_t *ret_count);
/* NULL: there is none of that name. */
const struct section *section_find(const char *name);

/* A value of the current row, for JSON; NULL: no memory. Bytes are {"b64":"..."}. */
json_t *section_value(sqlite3_stmt *stmt, int column);
/* Binds a value of a row. -EINVAL: of no kind that a row has. */
LEDGER_CHECKED int section_bind(sqlite3_stmt *stmt, int parameter, const json_t *value);

/* What rows come to: SHA-256 over the digest before and the row as compact JSON, row after row. The
 * digest before the first row is 32 zero bytes. -ENOMEM. */
LEDGER_CHECKED int section_digest(uint8_t digest[static DIGEST_SIZE], const json_t *row);
