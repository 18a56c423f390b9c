/* ledger_quarantine.h - readings that were not believed (M6), until someone or something decides. */
#pragma once

#include "concentrator/ledger.h"

enum ledger_quarantine_state {
	LEDGER_QUARANTINE_OPEN = 0,
	LEDGER_QUARANTINE_RETURNED, /* the register came back by itself */
	LEDGER_QUARANTINE_ACCEPTED, /* a person took the reading as true */
	LEDGER_QUARANTINE_REJECTED, /* or did not: the meter was exchanged */
};

struct ledger_quarantine {
	int64_t id; /* assigned */
	int64_t supply_id;
	int64_t life_id;
	char reason[LEDGER_TEXT_MAX + 1];
	int64_t baseline_wh; /* unwrapped, the last accepted register */
	int64_t reading_wh;  /* what was read */
	int64_t opened_s;
	bool opened_trusted;
	int64_t closed_s; /* 0: open */
	enum ledger_quarantine_state state;
	char decided_by[LEDGER_TEXT_MAX + 1];
};

typedef int (*ledger_quarantine_fn)(const struct ledger_quarantine *quarantine, void *userdata);

/* Needs a transaction. Fills quarantine->id. -EEXIST the supply has an open one. */
LEDGER_CHECKED int ledger_quarantine_open(struct ledger *ledger,
					  struct ledger_quarantine *quarantine);
/* Needs a transaction. Once only: -EALREADY it is closed. */
LEDGER_CHECKED int ledger_quarantine_close(struct ledger *ledger, int64_t id,
					   enum ledger_quarantine_state state,
					   const char *decided_by, int64_t at_s);
/* Newest first, older than before_id (0: from the newest). */
LEDGER_CHECKED int ledger_quarantines_tail(struct ledger *ledger, bool open_only, int64_t before_id,
					   int limit, ledger_quarantine_fn row, void *userdata);
LEDGER_CHECKED int ledger_quarantines_open_count(struct ledger *ledger, int64_t *ret);
