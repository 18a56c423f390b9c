/* control_connection.c - the bytes of one client, both ways; see control_connection.h.
 *
 * A client may be found dead while its own lines are being handled, or in the middle of a late answer; it is
 * then only marked, and freed by the next turn of the loop at the latest, so that no function returns into
 * freed memory.
 */
#include "concentrator/control_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t connection_waiting(const struct control_connection *connection)
{
	return connection->output_len - connection->output_sent;
}

static bool connection_is_full(const struct control_connection *connection)
{
	return connection->call_count >= CONTROL_CALLS_MAX;
}

void control_connection_close(struct control_connection *connection)
{
	struct control_server *server = connection->server;

	while (connection->calls != NULL)
		control_call_orphan(connection->calls);
	for (size_t i = 0; i < server->connection_count; i++) {
		if (server->connections[i] != connection)
			continue;
		server->connections[i] = server->connections[--server->connection_count];
		break;
	}
	(void)sd_event_source_disable_unref(connection->io);
	(void)sd_event_source_disable_unref(connection->resume);
	(void)close(connection->fd);
	free(connection->output);
	free(connection);
}

void control_connection_wake(struct control_connection *connection)
{
	if (sd_event_source_set_enabled(connection->resume, SD_EVENT_ONESHOT) < 0)
		connection->dead = true;
}

static void connection_kill(struct control_connection *connection)
{
	connection->dead = true;
	control_connection_wake(connection);
}

static void connection_write(struct control_connection *connection)
{
	while (connection_waiting(connection) > 0) {
		ssize_t len = send(connection->fd, connection->output + connection->output_sent,
				   connection_waiting(connection), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return;
		if (len < 0) {
			connection_kill(connection);
			return;
		}
		connection->output_sent += (size_t)len;
	}
	free(connection->output);
	connection->output = NULL;
	connection->output_len = 0;
	connection->output_sent = 0;
}

void control_connection_queue(struct control_connection *connection, const char *line, size_t len)
{
	size_t waiting = connection_waiting(connection);
	char *output;

	if (connection->dead)
		return;
	if (waiting + len > CONTROL_OUTPUT_MAX) {
		control_server_complain(connection->server, &connection->peer,
					"does not read its answers; dropped");
		connection_kill(connection);
		return;
	}
	if (waiting > 0)
		memmove(connection->output, connection->output + connection->output_sent, waiting);
	connection->output_len = waiting;
	connection->output_sent = 0;
	output = realloc(connection->output, waiting + len);
	if (output == NULL) {
		connection_kill(connection);
		return;
	}
	memcpy(output + waiting, line, len);
	connection->output = output;
	connection->output_len = waiting + len;
	connection_write(connection);
	/* The next turn asks the kernel for EPOLLOUT, takes the lines that waited for a call to end, or closes what
	 * is at its end. */
	control_connection_wake(connection);
}

/* Handles the lines that have come whole, as far as calls may be open. */
static void connection_handle_lines(struct control_connection *connection)
{
	size_t done = 0;

	while (!connection->dead && !connection->ending && !connection_is_full(connection)) {
		const char *line = connection->input + done;
		const char *newline = memchr(line, '\n', connection->input_len - done);

		if (newline == NULL)
			break;
		control_call_line(connection, line, (size_t)(newline - line));
		done += (size_t)(newline - line) + 1;
	}
	connection->input_len -= done;
	memmove(connection->input, connection->input + done, connection->input_len);
	if (!connection->dead && !connection->ending && !connection_is_full(connection) &&
	    connection->input_len == sizeof(connection->input)) {
		control_call_refuse(connection, PROBLEM_USAGE, "a line has at most 65536 bytes");
		connection->ending = true;
	}
}

static void connection_read(struct control_connection *connection)
{
	ssize_t len = recv(connection->fd, connection->input + connection->input_len,
			   sizeof(connection->input) - connection->input_len, MSG_DONTWAIT);

	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (len < 0)
		connection->dead = true;
	else if (len == 0)
		connection->half_closed = true;
	else
		connection->input_len += (size_t)len;
}

/* Brings the connection to rest: frees it at its end, else says what to wait for. */
static void connection_settle(struct control_connection *connection)
{
	bool finished = connection->ending ||
			(connection->half_closed && connection->call_count == 0 &&
			 memchr(connection->input, '\n', connection->input_len) == NULL);
	uint32_t events = 0;

	if (connection->dead || (finished && connection_waiting(connection) == 0)) {
		control_connection_close(connection);
		return;
	}
	if (!connection->ending && !connection->half_closed && !connection_is_full(connection) &&
	    connection->input_len < sizeof(connection->input))
		events |= EPOLLIN;
	if (connection_waiting(connection) > 0)
		events |= EPOLLOUT;
	if (sd_event_source_set_io_events(connection->io, events) < 0)
		control_connection_close(connection);
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct control_connection *connection = userdata;

	(void)source;
	(void)fd;
	if ((events & EPOLLOUT) != 0)
		connection_write(connection);
	if ((events & EPOLLIN) != 0) {
		connection_read(connection);
		connection_handle_lines(connection);
	}
	/* Gone both ways: nobody can be answered any more. */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 &&
	    ((events & EPOLLIN) == 0 || connection->half_closed))
		connection->dead = true;
	connection_settle(connection);
	return 0;
}

static int connection_on_resume(sd_event_source *source, void *userdata)
{
	struct control_connection *connection = userdata;

	(void)source;
	connection_handle_lines(connection);
	connection_settle(connection);
	return 0;
}

int control_connection_add(struct control_server *server, int fd, const struct control_peer *peer)
{
	struct control_connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (connection == NULL) {
		(void)close(fd);
		return -ENOMEM;
	}
	connection->server = server;
	connection->fd = fd;
	connection->peer = *peer;
	r = sd_event_add_io(server->event, &connection->io, fd, EPOLLIN, connection_on_io,
			    connection);
	if (r >= 0)
		r = sd_event_source_set_priority(connection->io, server->options.priority);
	if (r >= 0)
		r = sd_event_add_defer(server->event, &connection->resume, connection_on_resume,
				       connection);
	if (r >= 0)
		r = sd_event_source_set_priority(connection->resume, server->options.priority);
	if (r >= 0)
		r = sd_event_source_set_enabled(connection->resume, SD_EVENT_OFF);
	if (r < 0) {
		control_connection_close(connection);
		return r;
	}
	server->connections[server->connection_count++] = connection;
	return 0;
}
