/* ledger_account.h - the accounts that rooms have, or had: names for the past, also of what is closed. */
#pragma once

#include "concentrator/ledger_room.h"

struct ledger_account {
	int64_t id;
	char room[LEDGER_NAME_MAX + 1];
	int64_t opened_s;
	int64_t closed_s; /* 0: open */
};

/* The account of that id (0: any) and room name (empty: any); the newest of them. -ENOENT none. Reads. */
LEDGER_CHECKED int ledger_account_find(struct ledger *ledger, int64_t account_id, const char *room,
				       struct ledger_account *ret);
/* The newest account of that room name that is older than another; -ENOENT none. Reads. */
LEDGER_CHECKED int ledger_account_before(struct ledger *ledger, int64_t account_id,
					 const char *room, struct ledger_account *ret);
/* The circuit of a point. -ENOENT none. Reads. */
LEDGER_CHECKED int ledger_point_circuit(struct ledger *ledger, int64_t point_id,
					char ret[static LEDGER_NAME_MAX + 1]);
