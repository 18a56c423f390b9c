/* control_client.c - see control_client.h.
 *
 * One buffer each way. The blocking face is the other one with poll(2) around it, so there is one way of
 * moving bytes.
 */
#include "concentrator/platform/control_client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "concentrator/platform/clock.h"

#define OUTPUT_MAX    (1024 * 1024)
#define USEC_PER_MSEC INT64_C(1000)

struct control_client {
	int fd;
	int64_t last_id;
	bool hung_up;
	size_t input_len;
	size_t scanned; /* of the input: no newline in there */
	char input[MESSAGE_SIZE_MAX];
	char *output;
	size_t output_len;
	size_t output_sent;
};

int control_client_open(struct control_client **ret, const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control_client *client;
	int r;

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return -ENOMEM;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		(void)control_client_close(client);
		return r;
	}
	*ret = client;
	return 0;
}

struct control_client *control_client_close(struct control_client *client)
{
	if (client == NULL)
		return NULL;
	if (client->fd >= 0)
		(void)close(client->fd);
	free(client->output);
	free(client);
	return NULL;
}

int control_client_fd(const struct control_client *client)
{
	return client->fd;
}

uint32_t control_client_events(const struct control_client *client)
{
	return client->output_sent < client->output_len ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

static int client_queue(struct control_client *client, const char *line, size_t len)
{
	size_t waiting = client->output_len - client->output_sent;
	char *output;

	if (waiting + len > OUTPUT_MAX)
		return -ENOBUFS;
	if (waiting > 0)
		memmove(client->output, client->output + client->output_sent, waiting);
	client->output_len = waiting;
	client->output_sent = 0;
	output = realloc(client->output, waiting + len);
	if (output == NULL)
		return -ENOMEM;
	memcpy(output + waiting, line, len);
	client->output = output;
	client->output_len = waiting + len;
	return 0;
}

int control_client_send(struct control_client *client, const char *verb, json_t *args,
			int64_t *ret_id)
{
	int64_t id = client->last_id + 1;
	char *line = NULL;
	size_t len = 0;
	int r = message_write_request(id, verb, args, &line, &len);

	json_decref(args);
	if (r < 0)
		return r;
	r = client_queue(client, line, len);
	free(line);
	if (r < 0)
		return r;
	client->last_id = id;
	*ret_id = id;
	return 0;
}

static int client_write(struct control_client *client)
{
	while (client->output_sent < client->output_len) {
		ssize_t len = send(client->fd, client->output + client->output_sent,
				   client->output_len - client->output_sent, MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return 0;
		/* What the daemon said last may still be read. */
		if (len < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			client->output_sent = client->output_len;
			return 0;
		}
		if (len < 0)
			return -errno;
		client->output_sent += (size_t)len;
	}
	return 0;
}

static int client_read(struct control_client *client)
{
	while (client->input_len < sizeof(client->input)) {
		ssize_t len = recv(client->fd, client->input + client->input_len,
				   sizeof(client->input) - client->input_len, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len == 0 || (len < 0 && errno == ECONNRESET)) {
			client->hung_up = true;
			return -ECONNRESET;
		}
		if (len < 0)
			return -errno;
		client->input_len += (size_t)len;
	}
	return 0;
}

int control_client_process(struct control_client *client)
{
	int r = client_write(client);

	return r < 0 ? r : client_read(client);
}

int control_client_next(struct control_client *client, struct message_reply *ret)
{
	const char *newline = memchr(client->input + client->scanned, '\n',
				     client->input_len - client->scanned);
	size_t len;
	int r;

	if (newline == NULL) {
		client->scanned = client->input_len;
		return client->input_len == sizeof(client->input) ? -EPROTO : 0;
	}
	len = (size_t)(newline - client->input);
	r = message_parse_reply(client->input, len, ret);
	client->input_len -= len + 1;
	memmove(client->input, newline + 1, client->input_len);
	client->scanned = 0;
	return r < 0 ? r : 1;
}

/* Waits until deadline_us for a byte either way. */
static int client_wait(struct control_client *client, int64_t deadline_us)
{
	for (;;) {
		int64_t left_us = deadline_us - clock_boottime_us();
		/* poll(2) and epoll(7) share the values of IN and OUT. */
		struct pollfd watched = {.fd = client->fd,
					 .events = (short)control_client_events(client)};
		int r;

		if (left_us <= 0)
			return -ETIMEDOUT;
		r = poll(&watched, 1, (int)((left_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

/* The reply to id. One without an id is about the connection, and so about this request too. */
static int client_await(struct control_client *client, int64_t id, int64_t deadline_us,
			struct message_reply *ret)
{
	for (;;) {
		int r = control_client_next(client, ret);

		if (r < 0)
			return r;
		if (r > 0 && (ret->id == id || ret->id == MESSAGE_NO_ID))
			return 0;
		if (r > 0) {
			message_reply_clear(ret);
			continue;
		}
		if (client->hung_up)
			return -ECONNRESET;
		r = client_wait(client, deadline_us);
		if (r < 0)
			return r;
		r = control_client_process(client);
		if (r < 0 && r != -ECONNRESET)
			return r;
	}
}

static void client_explain(struct message_problem *problem, int error)
{
	static const struct {
		int error;
		enum problem problem;
		const char *detail;
	} rows[] = {
		{-ETIMEDOUT, PROBLEM_TIME_OUT, "prepayd did not answer in time"},
		{-ECONNRESET, PROBLEM_NO_DAEMON, "prepayd hung up"},
		{-EPROTO, PROBLEM_FAILED, "prepayd sent something that is no reply"},
		{-EMSGSIZE, PROBLEM_USAGE, "the request is too long; split it"},
		{-ENOBUFS, PROBLEM_FAILED, "too many requests wait to leave"},
		{-ENOMEM, PROBLEM_FAILED, "out of memory"},
	};
	const char *detail = strerror(-error);

	problem->problem = PROBLEM_FAILED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].error == error) {
			problem->problem = rows[i].problem;
			detail = rows[i].detail;
		}
	}
	problem->detail = strdup(detail);
}

int control_call_page(struct control_client *client, const char *verb, json_t *args,
		      int64_t timeout_ms, struct message_reply *ret)
{
	int64_t deadline_us = clock_boottime_us() + timeout_ms * USEC_PER_MSEC;
	int64_t id;
	int r;

	*ret = (struct message_reply){.id = MESSAGE_NO_ID};
	r = control_client_send(client, verb, args, &id);
	if (r == 0)
		r = client_write(client);
	if (r == 0)
		r = client_await(client, id, deadline_us, ret);
	if (r < 0) {
		client_explain(&ret->problem, r);
		return r;
	}
	return ret->problem.problem == PROBLEM_NONE ? 0 : -EREMOTEIO;
}

/* args with the cursor of the next page. */
static json_t *page_args(const json_t *args, const char *cursor)
{
	json_t *next = args == NULL ? json_object() : json_copy((json_t *)(uintptr_t)args);
	json_t *value = cursor == NULL ? NULL : json_string(cursor);

	if (next != NULL && value != NULL && json_object_set(next, "cursor", value) < 0) {
		json_decref(next);
		next = NULL;
	}
	if (cursor != NULL && value == NULL) {
		json_decref(next);
		next = NULL;
	}
	json_decref(value);
	return next;
}

/* Adds the rows of a page to those before it. */
static int page_join(json_t **whole, json_t *page)
{
	json_t *rows = json_object_get(*whole, "rows");
	json_t *more = json_object_get(page, "rows");

	if (*whole == NULL) {
		*whole = json_incref(page);
		return 0;
	}
	if (!json_is_array(rows) || !json_is_array(more))
		return -EPROTO;
	return json_array_extend(rows, more) < 0 ? -ENOMEM : 0;
}

int control_call(struct control_client *client, const char *verb, json_t *args, int64_t timeout_ms,
		 json_t **ret_data, struct message_problem *ret_problem)
{
	int64_t deadline_us = clock_boottime_us() + timeout_ms * USEC_PER_MSEC;
	json_t *whole = NULL;
	char *cursor = NULL;
	int r;

	*ret_problem = (struct message_problem){.problem = PROBLEM_NONE};
	do {
		struct message_reply reply;
		json_t *sent = page_args(args, cursor);
		int64_t left_ms = (deadline_us - clock_boottime_us()) / USEC_PER_MSEC;

		free(cursor);
		cursor = NULL;
		if (sent == NULL) {
			r = -ENOMEM;
			client_explain(ret_problem, r);
			break;
		}
		r = control_call_page(client, verb, sent, left_ms > 0 ? left_ms : 0, &reply);
		if (r < 0) {
			*ret_problem = reply.problem;
			reply.problem = (struct message_problem){.problem = PROBLEM_NONE};
		} else {
			r = page_join(&whole, reply.data);
			if (r < 0)
				client_explain(ret_problem, r);
			cursor = reply.more;
			reply.more = NULL;
		}
		message_reply_clear(&reply);
	} while (r == 0 && cursor != NULL);
	free(cursor);
	json_decref(args);
	if (r < 0) {
		json_decref(whole);
		return r;
	}
	*ret_data = whole;
	return 0;
}
