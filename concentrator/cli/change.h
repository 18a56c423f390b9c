/* change.h - a change of money or tenancy: seen first, confirmed by a person, then made. */
#pragma once

#include "concentrator/cli/session.h"

struct change {
	const char *verb;     /* of the control protocol; takes dry_run */
	const char *question; /* asked of a person who has seen what it comes to */
	void (*say)(struct session *session, const json_t *data); /* the answer, dry or real */
};

/* args (takes). With --dry-run the answer is shown and nothing changes. Returns the exit code. */
int change_run(struct call *call, const struct change *change, json_t *args);
