/* ledger_running.h - inside verify: where accounts and meter lives stand while their entries are walked. */
#pragma once

#include "concentrator/ledger_numbered.h"

/* What an account's or a meter life's entries have come to. They grow while a walk goes on; entries name only what
 * was there before them. */
struct running {
	int64_t id;
	int64_t value;    /* nano, or the register in Wh or litres */
	int64_t first;    /* where it began: 0, or the first register */
	int64_t start;    /* where it stood before the stretch */
	int64_t point_id; /* of a meter life */
	enum medium medium;
	bool known; /* start and value: not before the first entry of a stretch that knows nothing */
};

/* NULL: it is not there. rows are struct running. */
struct running *running_find(const struct numbered *rows, int64_t id);
/* What the entries of one account or life have come to; 0: it has none. */
int64_t running_total(const struct numbered *rows, int64_t id);
/* Adds the rows that are there now. sql: id, first value, point, medium, as numbered_load() wants it. */
LEDGER_CHECKED int running_load(struct walk *walk, struct numbered *rows, bool known,
				const char *sql);
