/* control_server.c - the listening socket: who may come in; see control_server.h. The clients' bytes are
 * control_connection.c, what a line asks for and how it is answered is control_call.c. */
#include "concentrator/control_connection.h"

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

void control_server_complain(struct control_server *server, const struct control_peer *peer,
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
		control_server_complain(server, &peer, "has no role; refused");
		server_turn_away(fd, PROBLEM_NOT_AUTHORISED,
				 "you are in none of the groups of [control]");
		(void)close(fd);
		return 0;
	}
	if (server->connection_count == CONTROL_CLIENTS_MAX) {
		control_server_complain(server, &peer,
					"came when 32 clients were connected; refused");
		server_turn_away(fd, PROBLEM_REFUSED,
				 "32 clients are connected already; close one");
		(void)close(fd);
		return 0;
	}
	(void)control_connection_add(server, fd, &peer);
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
		control_connection_close(server->connections[0]);
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
