/* ledger_checkpoint.h - what another card needs to know, told to the cloud as events.
 *
 * A checkpoint is a row of events of type "checkpoint": the sections of ledger_section.h, in parts, and at
 * last the head: how far the chain is, and for every section how many rows it has and their digest. A section
 * of state that did not change since the last checkpoint of this epoch is not told again; one of history
 * tells what is new. The first checkpoint of an epoch tells everything. Bytes and meaning: ledger.md.
 *
 * M3  It names every order and every receipt that was ever known.
 * M8  It carries the head of the chain and every balance.
 */
#pragma once

#include "concentrator/ledger.h"

#include <jansson.h>

#define LEDGER_CHECKPOINT_LANE 1

struct ledger_checkpoint {
	int64_t at_s;
	bool trusted;
	const json_t *given; /* {section: rows} of what only the station knows; borrowed */
};

struct ledger_checkpoint_told {
	int64_t number; /* from 1 in each epoch */
	int64_t entries;
	int64_t events; /* written by it */
	int64_t rows;   /* told by it */
};

/* Needs a transaction: everything in it is as of this moment. */
LEDGER_CHECKED int ledger_checkpoint_write(struct ledger *ledger,
					   const struct ledger_checkpoint *checkpoint,
					   struct ledger_checkpoint_told *ret);

/* M7: what an account had used from from_s on, before the restore that made this ledger: a charge of then,
 * of which seq is 0. */
struct ledger_charge;
typedef int (*ledger_use_fn)(const struct ledger_charge *use, void *userdata);
LEDGER_CHECKED int ledger_use_known_each(struct ledger *ledger, ledger_use_fn row, void *userdata);
