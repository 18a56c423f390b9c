/* verbs_audit.c - who did what, when and why, from the ledger's audit. */
#include "concentrator/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_event.h"
#include "concentrator/station_state.h"

#define AUDIT_DEFAULT 20

struct audits {
	const char *who;  /* NULL: anybody */
	const char *verb; /* NULL: any */
	json_t *rows;
	size_t bytes;
	int64_t wanted;
	int64_t last; /* id of the last one that was looked at; 0: none */
};

static int audit_row(const struct ledger_audit *audit, void *userdata)
{
	struct audits *audits = userdata;
	json_t *row;
	if ((audits->who != NULL && strcmp(audits->who, audit->who) != 0) ||
	    (audits->verb != NULL && strcmp(audits->verb, audit->verb) != 0)) {
		audits->last = audit->id;
		return 0;
	}
	row = json_pack("{s:I,s:I,s:b,s:I,s:s,s:s,s:s,s:s}", "id", (json_int_t)audit->id, "at_s",
			(json_int_t)audit->at_s, "trusted", audit->trusted, "uid",
			(json_int_t)audit->uid, "who", audit->who, "verb", audit->verb, "what",
			audit->what, "why", audit->why);
	if (audits->wanted == 0 || json_array_size(audits->rows) == MESSAGE_ROWS_MAX ||
	    !verbs_fits(row, &audits->bytes, audits->rows)) {
		json_decref(row);
		return 1;
	}
	json_array_append_new(audits->rows, row);
	audits->wanted--;
	audits->last = audit->id;
	return 0;
}

/* The cursor is ID.REST: older than ID, REST of them still wanted. */
int verb_audit_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *cursor = message_arg_string(call->args, "cursor");
	int64_t before = 0;
	struct audits audits = {.who = message_arg_string(call->args, "who"),
				.verb = message_arg_string(call->args, "verb"),
				.wanted = message_arg_int64(call->args, "n", AUDIT_DEFAULT)};
	char more[48];
	if ((cursor != NULL &&
	     sscanf(cursor, "%19" SCNd64 ".%19" SCNd64, &before, &audits.wanted) != 2) ||
	    before < 0 || audits.wanted < 1) {
		control_fail(call, PROBLEM_USAGE, "n is at least 1, cursor one that was given out");
		return 0;
	}
	audits.rows = json_array();
	int r = ledger_audits_tail(station->ledger, before, INT32_MAX, audit_row, &audits);
	if (r < 0) {
		json_decref(audits.rows);
		return r;
	}
	snprintf(more, sizeof(more), "%" PRId64 ".%" PRId64, audits.last, audits.wanted);
	control_reply(call, json_pack("{s:o}", "rows", audits.rows),
		      r == 1 && audits.wanted > 0 ? more : NULL);
	return 0;
}
