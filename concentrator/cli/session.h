/* session.h - one run of the CLI: where it prints, how it asks the daemon, how it tells problems.
 *
 * Every function that may fail for the user's eyes prints the problem itself and returns the exit code
 * (problem.h); 0 is success. With --json a problem is a JSON object on the error output, else sentences:
 * what, where, what to do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/cli/screen.h"
#include "concentrator/cli/verb.h"
#include "concentrator/platform/control_client.h"

#define SESSION_PATH_SIZE 256
#define SESSION_SITE_SIZE 64

/* For verbs that work through the whole ledger or wait for a meter, unless --timeout says otherwise. */
#define SESSION_LONG_MS 600000

struct session {
	struct manners manners; /* of the line in hand */
	struct screen out;
	struct screen error;
	bool interactive; /* lines are typed at our prompt */
	bool login;       /* the user has this program instead of a shell: no files of the box */
	bool settled;     /* socket is known */
	char socket[SESSION_PATH_SIZE];
	char site[SESSION_SITE_SIZE];  /* for the prompt; "" while unknown */
	struct control_client *client; /* NULL: not connected */
	const char *reading;           /* the file that errors are about; NULL: none */
	json_t *warnings;              /* of the line in hand; NULL: none */
};

/* Ends what a run holds. */
void session_close(struct session *session);

/* Finds the socket and the building's zone in the configuration; before the first question. */
int session_settle(struct session *session);

/* Asks the daemon and waits; args (takes) may be NULL; ret_data holds the rows of all pages and is the
 * caller's to json_decref(). Connects when needed. */
int session_ask(struct session *session, const char *verb, json_t *args, json_t **ret_data);

/* The same, but hands the problem out instead of printing it; 0 or -errno of control_call(). Free with
 * message_problem_clear(). */
int session_try(struct session *session, const char *verb, json_t *args, json_t **ret_data,
		struct message_problem *ret_problem);

/* Asks for page after page and hands each one's data on, so that no more than one is in memory. What page
 * returns other than 0 ends it and is returned. args (takes) may be NULL. */
int session_each(struct session *session, const char *verb, json_t *args,
		 int (*page)(const json_t *data, void *userdata), void *userdata);

/* Asks, and prints the sentence unless --quiet, or the answer with --json. For verbs whose answer is that it
 * is done. */
int session_do(struct session *session, const char *verb, json_t *args, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Prints a problem, and returns its exit code. errors (borrowed, may be NULL) is an array of rows that are
 * listed below the detail. */
int session_problem(struct session *session, enum problem problem, const json_t *errors,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a problem that was received. */
int session_tell(struct session *session, const struct message_problem *problem);
int session_no_memory(struct session *session);

/* Something the reader should know beside the answer: in "warnings", or a line on the error output. */
void session_warn(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints {"v":1,"data":...,"warnings":[...]}; data is borrowed. Returns the exit code. */
int session_json(struct session *session, const json_t *data);

/* Asks yes or no where a person can answer; true without asking after --yes and where nobody sits. */
bool session_confirm(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The whole of a file, or of standard input for "-", as text the caller frees. At most max bytes; a NUL byte
 * is refused. In a login session files are refused. */
int session_read(struct session *session, const char *file, size_t max, char **ret);

/* Is somebody there to answer a question? */
bool session_has_person(const struct session *session);
