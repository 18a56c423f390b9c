/* control_client.h - the client's end of the control socket.
 *
 * Two faces over one connection, not to be mixed: control_call() blocks, for the CLI; send, process and
 * next never block, for a program with its own loop and several requests outstanding, matched by id.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "concentrator/platform/message.h"

struct control_client;

/* Connects. -ENOENT and -ECONNREFUSED: nobody listens, -EACCES, -ENAMETOOLONG, -EAGAIN: the daemon is not
 * accepting. */
int control_client_open(struct control_client **ret, const char *socket);
struct control_client *control_client_close(struct control_client *client);

/* Asks and waits, and follows `more` until the last page: data.rows holds the rows of all pages. args
 * (takes) may be NULL. timeout_ms is for the whole call. On every error ret_problem (required) is filled,
 * ready to print, also where the daemon never answered:
 * -EREMOTEIO: the daemon's own problem, -ETIMEDOUT, -ECONNRESET: it hung up, -EPROTO: it sent something
 * else, -EMSGSIZE: args too long for a line, -ENOMEM. After -ETIMEDOUT and -EPROTO close the client. Free with
 * message_problem_clear(). Blocks. */
int control_call(struct control_client *client, const char *verb, json_t *args, int64_t timeout_ms,
		 json_t **ret_data, struct message_problem *ret_problem);

/* The same for a single reply, for verbs whose pages are wanted one by one: `more` and data are in ret. A
 * problem is in ret->problem too. Free with message_reply_clear() on success and on error. */
int control_call_page(struct control_client *client, const char *verb, json_t *args,
		      int64_t timeout_ms, struct message_reply *ret);

/* What the loop shall watch: the descriptor, and EPOLLIN with EPOLLOUT while something waits to leave. */
int control_client_fd(const struct control_client *client);
uint32_t control_client_events(const struct control_client *client);

/* Queues a request; args (takes) may be NULL. -ENOBUFS: too much waits to leave, -EMSGSIZE, -ENOMEM. */
int control_client_send(struct control_client *client, const char *verb, json_t *args,
			int64_t *ret_id);

/* Moves bytes both ways, as far as it goes without blocking. -ECONNRESET: the daemon hung up (replies that
 * came before can still be taken); other -errno of the socket. Then close. */
int control_client_process(struct control_client *client);

/* The next reply that has come whole: 1 and ret set, 0: none, -EPROTO: not a reply (close), -ENOMEM. */
int control_client_next(struct control_client *client, struct message_reply *ret);
