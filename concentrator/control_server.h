/* control_server.h - the daemon's end of the control socket (control.md), on the daemon's event loop.
 *
 * Knows lines, limits and roles, and nothing of what the verbs do: the hub gives a table. Never blocks but
 * for the look-up of a peer's name. At most 32 clients; a line past 64 KiB ends its client with a problem,
 * one that does not read its answers is dropped, one that is idle is welcome. Not thread safe: all calls,
 * also the late answers, come from the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "concentrator/platform/message.h"

#define CONTROL_CLIENTS_MAX 32
#define CONTROL_CALLS_MAX   16 /* requests of one client in flight; more wait in the socket */
#define CONTROL_OUTPUT_MAX  (256 * 1024) /* answers of one client not yet read */
#define CONTROL_USER_SIZE   64

/* In rising order but for the messenger, which stands beside. */
enum control_role {
	CONTROL_STRANGER,
	CONTROL_MESSENGER,
	CONTROL_VIEWER,
	CONTROL_OPERATOR,
	CONTROL_ADMIN,
};

struct control_peer {
	uid_t uid;
	char user[CONTROL_USER_SIZE]; /* its name, or "uid:N" where it has none */
	enum control_role role;
};

/* One request. It is the handler's until answered with control_reply() or control_fail(), now or
 * later, exactly once; both end its life. It outlives its client and its server: an answer nobody waits
 * for is dropped. */
struct control_call {
	const char *verb;
	json_t *args; /* an object; the call's: json_incref() what shall live longer */
	struct control_peer peer;
	void *userdata; /* the handler's, for answers that come later; NULL at first */
};

/* 0: answered, or (CONTROL_LATER) will be. -errno: not answered, and the server answers with
 * problem_from_errno(). */
typedef int (*control_handler)(void *userdata, struct control_call *call);

enum control_flag {
	CONTROL_LATER = 1 << 0, /* the handler may return before it answers */
	CONTROL_AUDIT = 1 << 1, /* audit() is called first, and must succeed */
};

/* role: the least that may; CONTROL_MESSENGER: the messenger and admin only. args is checked as in
 * message_check_args() before the handler; "" takes none, NULL leaves it to the handler. List verbs name
 * "cursor?:s" themselves. */
struct control_verb {
	const char *name;
	enum control_role role;
	control_handler handler;
	unsigned flags; /* enum control_flag */
	const char *args;
};

struct control_server_options {
	const char *socket; /* path; made with mode 0666, the role decides */
	/* Names looked up once, at start; NULL or absent on the box: nobody has the role. */
	const char *viewer_group;
	const char *operator_group;
	const char *admin_group;
	const char *messenger_user;
	const struct control_verb *verbs; /* ends with a NULL name; borrowed */
	void *userdata;                   /* of handlers, audit, explain and role_of */
	int64_t priority;                 /* of the event sources */
	/* May be NULL. -errno refuses the call with problem_from_errno(). */
	int (*audit)(void *userdata, const struct control_call *call);
	/* May be NULL. What a handler's or audit()'s -errno stands for and what to do, in words; NULL: nothing
	 * better than strerror(3). Borrowed until the next call. */
	const char *(*explain)(void *userdata, int error);
	/* NULL: by credentials. Tests put their own here. */
	enum control_role (*role_of)(void *userdata, uid_t uid, gid_t gid, const gid_t *groups,
				     size_t count);
};

struct control_server;

/* Listens. A socket left over by a dead daemon is removed after proving that nobody answers it;
 * -EADDRINUSE: somebody does. -ENOTSOCK: the path is something else and is left alone. -ENAMETOOLONG,
 * other -errno of socket(2) and bind(2). */
int control_server_open(struct control_server **ret, sd_event *event,
			const struct control_server_options *options);

/* Drops all clients and removes the socket. Calls still open may be answered afterwards (dropped). */
struct control_server *control_server_close(struct control_server *server);

size_t control_server_clients(const struct control_server *server);

/* Is the client that asked still there? For work that is worth stopping. */
bool control_alive(const struct control_call *call);

/* Answers and ends the call. data (takes) may be NULL: {}. more may be NULL: the last page. A reply that does
 * not fit a line becomes a problem. */
void control_reply(struct control_call *call, json_t *data, const char *more);

/* Answers with a problem and ends the call. */
void control_fail(struct control_call *call, enum problem problem, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As control_fail() with rows of errors (takes, may be NULL). */
void control_fail_rows(struct control_call *call, enum problem problem, json_t *errors,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* May a peer of role use a verb that asks for wanted? */
bool control_role_reaches(enum control_role role, enum control_role wanted);

/* "viewer" */
const char *control_role_name(enum control_role role);
