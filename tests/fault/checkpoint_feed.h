/* checkpoint_feed.h - what a simulated cloud has of the box: the checkpoints that it told, put together.
 *
 * As the cloud's contract has it (concentrator/ledger.md): of a section of state the rows told last, of a
 * history all of the epoch. Only what was committed is ever heard.
 */
#pragma once

#include "concentrator/ledger.h"

#include <jansson.h>
#include <stdint.h>

struct checkpoint_feed {
	int64_t epoch;    /* the highest heard of */
	int64_t through;  /* the last event of it */
	json_t *head;     /* of the last whole checkpoint; NULL: none yet */
	json_t *sections; /* {name: rows} of it */
};

/* Fetches what is new. A failure ends the test. */
void checkpoint_feed_listen(struct checkpoint_feed *feed, struct ledger *ledger);
void checkpoint_feed_close(struct checkpoint_feed *feed);
