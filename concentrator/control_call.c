/* control_call.c - one request on the control socket, from its line to its answer; see control_server.h. */
#include "concentrator/control_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_SIZE 2048

/* Two parties may hold a call: the server while the handler runs, and whoever has to answer. */
struct control_open_call {
	struct control_call call;              /* first: what the handler sees */
	struct control_connection *connection; /* NULL: gone */
	struct control_open_call *previous;
	struct control_open_call *next;
	struct message_request request;
	bool answered;
	bool handling; /* the handler has not returned */
};

static struct control_open_call *call_of(struct control_call *call)
{
	return (struct control_open_call *)call;
}

static void call_free(struct control_open_call *call)
{
	message_request_clear(&call->request);
	free(call);
}

void control_call_orphan(struct control_open_call *call)
{
	struct control_connection *connection = call->connection;

	if (call->previous != NULL)
		call->previous->next = call->next;
	else
		connection->calls = call->next;
	if (call->next != NULL)
		call->next->previous = call->previous;
	call->connection = NULL;
	connection->call_count--;
}

bool control_alive(const struct control_call *call)
{
	const struct control_open_call *open_call = (const struct control_open_call *)call;

	return open_call->connection != NULL && !open_call->connection->dead;
}

/* Queues a problem; rows that do not fit are left out from the end. */
static void connection_send_problem(struct control_connection *connection, int64_t id,
				    enum problem problem, const char *detail, json_t *errors)
{
	char *line = NULL;
	size_t len = 0;
	int r = message_write_problem(id, problem, detail, errors, &line, &len);

	while (r == -EMSGSIZE && json_array_size(errors) > 0) {
		size_t keep = json_array_size(errors) / 2;

		while (json_array_size(errors) > keep)
			(void)json_array_remove(errors, json_array_size(errors) - 1);
		r = message_write_problem(id, problem, detail, errors, &line, &len);
	}
	if (r < 0) {
		/* Without memory for a line the client is better off with a closed socket than waiting. */
		connection->dead = true;
		control_connection_wake(connection);
		return;
	}
	control_connection_queue(connection, line, len);
	free(line);
}

void control_call_refuse(struct control_connection *connection, enum problem problem,
			 const char *detail)
{
	connection_send_problem(connection, MESSAGE_NO_ID, problem, detail, NULL);
}

/* Ends the life of an answered call, unless its handler still runs. */
static void call_end(struct control_open_call *call)
{
	struct control_connection *connection = call->connection;

	call->answered = true;
	if (connection != NULL)
		control_call_orphan(call);
	if (!call->handling)
		call_free(call);
}

void control_reply(struct control_call *call, json_t *data, const char *more)
{
	struct control_open_call *open_call = call_of(call);
	char *line = NULL;
	size_t len = 0;
	int r;

	assert(!open_call->answered);
	if (!control_alive(call)) {
		json_decref(data);
		call_end(open_call);
		return;
	}
	r = message_write_reply(open_call->request.id, data, more, &line, &len);
	json_decref(data);
	if (r < 0) {
		control_fail(call, PROBLEM_FAILED,
			     r == -EMSGSIZE ? "the answer does not fit one line of 64 KiB"
					    : "no memory for the answer");
		return;
	}
	control_connection_queue(open_call->connection, line, len);
	free(line);
	call_end(open_call);
}

static void call_fail(struct control_open_call *call, enum problem problem, json_t *errors,
		      const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void call_fail(struct control_open_call *call, enum problem problem, json_t *errors,
		      const char *format, va_list args)
{
	char detail[DETAIL_SIZE];

	assert(!call->answered);
	(void)vsnprintf(detail, sizeof(detail), format, args);
	if (control_alive(&call->call))
		connection_send_problem(call->connection, call->request.id, problem, detail,
					errors);
	json_decref(errors);
	call_end(call);
}

void control_fail(struct control_call *call, enum problem problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	call_fail(call_of(call), problem, NULL, format, args);
	va_end(args);
}

void control_fail_rows(struct control_call *call, enum problem problem, json_t *errors,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	call_fail(call_of(call), problem, errors, format, args);
	va_end(args);
}

static const struct control_verb *verb_find(const struct control_verb *verbs, const char *name)
{
	for (; verbs->name != NULL; verbs++) {
		if (strcmp(verbs->name, name) == 0)
			return verbs;
	}
	return NULL;
}

static const char *call_explain(const struct control_server_options *options, int error)
{
	const char *text = options->explain == NULL ? NULL
						    : options->explain(options->userdata, error);

	return text == NULL ? strerror(-error) : text;
}

/* Calls the handler, or answers why not. */
static void call_dispatch(struct control_open_call *call,
			  const struct control_server_options *options)
{
	struct control_call *public = &call->call;
	const struct control_verb *verb = verb_find(options->verbs, public->verb);
	char detail[MESSAGE_DETAIL_SIZE];
	int r;

	if (verb == NULL) {
		control_fail(public, PROBLEM_USAGE, "unknown verb `%s`", public->verb);
		return;
	}
	if (!control_role_reaches(public->peer.role, verb->role)) {
		control_fail(public, PROBLEM_NOT_AUTHORISED, "`%s` is for %s; %s is %s", verb->name,
			     control_role_name(verb->role), public->peer.user,
			     control_role_name(public->peer.role));
		return;
	}
	if (verb->args != NULL && message_check_args(public->args, verb->args, detail) < 0) {
		control_fail(public, PROBLEM_USAGE, "%s: %s", verb->name, detail);
		return;
	}
	if ((verb->flags & CONTROL_AUDIT) != 0 && options->audit != NULL) {
		r = options->audit(options->userdata, public);
		if (r < 0) {
			control_fail(public, problem_from_errno(r),
				     "`%s` is not done, since it cannot be written down: %s",
				     verb->name, call_explain(options, r));
			return;
		}
	}
	r = verb->handler(options->userdata, public);
	if (call->answered)
		return;
	if (r < 0)
		control_fail(public, problem_from_errno(r), "%s: %s", verb->name,
			     call_explain(options, r));
	else if ((verb->flags & CONTROL_LATER) == 0)
		control_fail(public, PROBLEM_FAILED, "%s gave no answer", verb->name);
}

void control_call_line(struct control_connection *connection, const char *line, size_t len)
{
	struct control_open_call *call = calloc(1, sizeof(*call));
	char detail[MESSAGE_DETAIL_SIZE];
	int r;

	if (call == NULL) {
		control_call_refuse(connection, PROBLEM_FAILED, "out of memory");
		return;
	}
	r = message_parse_request(line, len, &call->request, detail);
	if (r < 0) {
		connection_send_problem(connection, call->request.id, problem_from_errno(r), detail,
					NULL);
		call_free(call);
		return;
	}
	call->call = (struct control_call){
		.verb = call->request.verb, .args = call->request.args, .peer = connection->peer};
	call->connection = connection;
	call->next = connection->calls;
	if (call->next != NULL)
		call->next->previous = call;
	connection->calls = call;
	connection->call_count++;

	call->handling = true;
	call_dispatch(call, &connection->server->options);
	call->handling = false;
	if (call->answered)
		call_free(call);
}
