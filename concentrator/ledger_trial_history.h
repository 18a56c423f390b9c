/* ledger_trial_history.h - on which days a room was cut, or read by nobody, for a trial of a tariff that exempts
 * such days.
 *
 * Cuts follow from the notices told to the cloud, reads from the freezes of the days; of a day of which neither
 * is kept the room counts as supplied and read. Runs in the reader's thread.
 */
#pragma once

#include "concentrator/ledger_reading.h"
#include "concentrator/rules/trial.h"

struct trial_cut {
	int64_t at_s;
	int64_t order; /* of those of one second */
	bool cut;      /* or restored */
	char room[LEDGER_NAME_MAX + 1];
};

struct ledger_trial_history {
	struct reading *reading;
	sqlite3_stmt *freeze;
	size_t cut_count, cut_room;
	struct trial_cut *cuts; /* by room, then time */
	/* Of the room at hand. */
	const char *room;
	int64_t room_id;
	bool cut_now;
	int error; /* of a look at the past; the answer was a guess */
};

/* Reads what the tariff needs. Free with history_close(), also after an error. */
LEDGER_CHECKED int history_open(struct ledger_trial_history *ret, struct reading *reading,
				const struct trial_terms *terms);
void history_close(struct ledger_trial_history *history);
/* What is asked next is about this room, whose name is borrowed. cut_now: it is cut today. */
void history_room(struct ledger_trial_history *history, const char *room, int64_t room_id,
		  bool cut_now);
/* As the rules ask; borrows history. */
struct trial_history history_asked(struct ledger_trial_history *history);
