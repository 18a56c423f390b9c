/* control_server.c - the listening socket and the clients' bytes; see control_server.h. What a line asks for and
 * how it is answered is control_call.c.
 *
 * A client may be found dead while its own lines are being handled, or in the middle of a late answer; it is
 * then only marked, and freed by the next turn of the loop at the latest, so that no function returns into
 * freed memory.
 */
#include "concentrator/control_connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"

#define BACKLOG          64
#define COMPLAINT_GAP_US (INT64_C(60) * 1000000)

/* Strangers must not be able to fill the journal. */
static void server_complain(struct control_server *server, const struct control_peer *peer,
			    const char *what)
{
	int64_t now_us = clock_boottime_us();

	if (server->complained && now_us - server->complained_us < COMPLAINT_GAP_US) {
		server->complaints_left_out++;
		return;
	}
	journal_log(LOG_WARNING, MESSAGE_ID_PEER_REFUSED, JOURNAL_FIELDS({"USER", peer->user}),
		    "control socket: %s %s (%u more since the last such line)", peer->user, what,
		    server->complaints_left_out);
	server->complained = true;
	server->complained_us = now_us;
	server->complaints_left_out = 0;
}

static size_t connection_waiting(const struct control_connection *connection)
{
	return connection->output_len - connection->output_sent;
}

static bool connection_is_full(const struct control_connection *connection)
{
	return connection->call_count >= CONTROL_CALLS_MAX;
}

static void connection_free(struct control_connection *connection)
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
		server_complain(connection->server, &connection->peer,
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
		connection_free(connection);
		return;
	}
	if (!connection->ending && !connection->half_closed && !connection_is_full(connection) &&
	    connection->input_len < sizeof(connection->input))
		events |= EPOLLIN;
	if (connection_waiting(connection) > 0)
		events |= EPOLLOUT;
	if (sd_event_source_set_io_events(connection->io, events) < 0)
		connection_free(connection);
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

/* One line for a peer that stays outside. A fresh socket always has room for it. */
static void server_turn_away(int fd, enum problem problem, const char *detail)
{
	char *line;
	size_t len;

	if (message_write_problem(MESSAGE_NO_ID, problem, detail, NULL, &line, &len) < 0)
		return;
	(void)send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(line);
}

static int server_identify(const struct control_server *server, int fd, struct control_peer *ret)
{
	struct control_credentials peer;
	int r = control_credentials_read(fd, &peer);

	if (r < 0)
		return r;
	ret->uid = peer.uid;
	control_user_name(peer.uid, ret->user);
	if (server->options.role_of != NULL)
		ret->role = server->options.role_of(server->options.userdata, peer.uid, peer.gid,
						    peer.groups, peer.group_count);
	else
		ret->role = control_roles_of(&server->roles, peer.uid, peer.gid, peer.groups,
					     peer.group_count);
	control_credentials_clear(&peer);
	return 0;
}

/* Takes fd. */
static int server_add_connection(struct control_server *server, int fd,
				 const struct control_peer *peer)
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
		connection_free(connection);
		return r;
	}
	server->connections[server->connection_count++] = connection;
	return 0;
}

/* Without a free descriptor the peer in the backlog would wake the loop for ever: the spare one is used to
 * send it away. */
static void server_shed(struct control_server *server)
{
	int fd;

	if (server->spare_fd < 0)
		return;
	(void)close(server->spare_fd);
	fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		(void)close(fd);
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int server_on_accept(sd_event_source *source, int listening, uint32_t events, void *userdata)
{
	struct control_server *server = userdata;
	struct control_peer peer = {.role = CONTROL_STRANGER};
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			server_shed(server);
		return 0;
	}
	if (server_identify(server, fd, &peer) < 0) {
		(void)close(fd);
		return 0;
	}
	if (peer.role == CONTROL_STRANGER) {
		server_complain(server, &peer, "has no role; refused");
		server_turn_away(fd, PROBLEM_NOT_AUTHORISED,
				 "you are in none of the groups of [control]");
		(void)close(fd);
		return 0;
	}
	if (server->connection_count == CONTROL_CLIENTS_MAX) {
		server_complain(server, &peer, "came when 32 clients were connected; refused");
		server_turn_away(fd, PROBLEM_REFUSED,
				 "32 clients are connected already; close one");
		(void)close(fd);
		return 0;
	}
	(void)server_add_connection(server, fd, &peer);
	return 0;
}

/* 0: nobody answers there, and what was left over is gone. */
static int server_remove_stale(const struct sockaddr_un *address)
{
	struct stat about;
	int fd;
	int r;

	if (lstat(address->sun_path, &about) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(about.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	(void)close(fd);
	/* Only a refusal proves it; a full backlog (EAGAIN) or a closed door (EACCES) does not. */
	if (r != -ECONNREFUSED)
		return r == -ENOENT ? 0 : -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int server_listen(struct control_server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat about;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	r = server_remove_stale(&address);
	if (r < 0)
		return r;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return -errno;
	if (bind(server->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	server->path = strdup(path);
	if (server->path == NULL) {
		(void)unlink(path);
		return -ENOMEM;
	}
	/* Everybody may knock; the role decides. Set before listen(2), so there is no other mode to meet. */
	if (stat(path, &about) < 0 || chmod(path, 0666) < 0 || listen(server->fd, BACKLOG) < 0)
		return -errno;
	server->device = about.st_dev;
	server->inode = about.st_ino;
	return 0;
}

int control_server_open(struct control_server **ret, sd_event *event,
			const struct control_server_options *options)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (server == NULL)
		return -ENOMEM;
	server->fd = -1;
	server->event = sd_event_ref(event);
	server->options = *options;
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control_roles_resolve(&server->roles, options);
	r = server_listen(server, options->socket);
	if (r >= 0)
		r = sd_event_add_io(event, &server->accept, server->fd, EPOLLIN, server_on_accept,
				    server);
	if (r >= 0)
		r = sd_event_source_set_priority(server->accept, options->priority);
	if (r < 0) {
		(void)control_server_close(server);
		return r;
	}
	*ret = server;
	return 0;
}

struct control_server *control_server_close(struct control_server *server)
{
	struct stat about;

	if (server == NULL)
		return NULL;
	while (server->connection_count > 0)
		connection_free(server->connections[0]);
	(void)sd_event_source_disable_unref(server->accept);
	if (server->fd >= 0)
		(void)close(server->fd);
	if (server->spare_fd >= 0)
		(void)close(server->spare_fd);
	/* Ours only: somebody may have put another there. */
	if (server->path != NULL && stat(server->path, &about) == 0 &&
	    about.st_dev == server->device && about.st_ino == server->inode)
		(void)unlink(server->path);
	(void)sd_event_unref(server->event);
	free(server->path);
	free(server);
	return NULL;
}

size_t control_server_clients(const struct control_server *server)
{
	return server->connection_count;
}
