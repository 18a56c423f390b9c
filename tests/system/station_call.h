/* station_call.h - asks a station as a client of the control protocol would, without a socket.
 *
 * The arguments are held against the verb's list, the audit comes first, an answer must fit a line: as
 * control_call.c does it, whose place station_call.c takes when it is linked.
 */
#pragma once

#include <jansson.h>

#include "concentrator/platform/problem.h"
#include "tests/system/station_site.h"

struct site_answer {
	enum problem problem; /* PROBLEM_NONE: data */
	char detail[512];
	json_t *data; /* all pages' rows together; site_forget() frees it */
};

/* args (takes) may be NULL. Fails the test when there is no answer. */
struct site_answer site_ask(struct site *site, const char *verb, json_t *args);
void site_forget(struct site_answer *answer);

/* Asks, expects data, and returns the number or nano amount of a field. */
int64_t site_ask_int(struct site *site, const char *verb, json_t *args, const char *field);
int64_t site_int(const struct site_answer *answer, const char *field);
/* Asks and expects that problem. */
void site_refused(struct site *site, const char *verb, json_t *args, enum problem problem);
