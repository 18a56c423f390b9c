/* control.c - see control.h. */
#include "tests/building/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/building/command.h"

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	*ret_address = address;
	return 0;
}

/* A socket file that nobody listens on is left over from a killed process. */
static bool somebody_listens(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return yes;
}

int control_open(struct control *control, const char *path)
{
	struct sockaddr_un address;
	int r = address_of(path, &address);

	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i] = (struct control_client){.fd = -1};
	control->fd = -1;
	if (r < 0)
		return r;
	if (somebody_listens(&address))
		return -EADDRINUSE;
	(void)unlink(path);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0)
		return -errno;
	if (bind(control->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(control->fd, CONTROL_CLIENTS) < 0) {
		r = -errno;
		(void)close(control->fd);
		control->fd = -1;
		return r;
	}
	(void)snprintf(control->path, sizeof(control->path), "%s", path);
	return 0;
}

static void client_drop(struct control_client *client)
{
	(void)close(client->fd);
	free(client->out);
	*client = (struct control_client){.fd = -1};
}

void control_close(struct control *control)
{
	if (control->fd < 0)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			client_drop(&control->clients[i]);
	(void)unlink(control->path);
	(void)close(control->fd);
	control->fd = -1;
}

void control_prepare(const struct control *control, struct pollfd *polls)
{
	polls[0] = (struct pollfd){.fd = control->fd, .events = POLLIN};
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		const struct control_client *client = &control->clients[i];

		polls[1 + i] = (struct pollfd){.fd = client->fd,
					       .events = client->out ? POLLOUT : POLLIN};
	}
}

static void accept_one(struct control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd < 0) {
			control->clients[i].fd = fd;
			return;
		}
	(void)close(fd);
}

static void flush_out(struct control_client *client)
{
	while (client->out && client->out_at < client->out_n) {
		ssize_t n = send(client->fd, client->out + client->out_at,
				 client->out_n - client->out_at, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			client_drop(client);
			return;
		}
		client->out_at += (size_t)n;
	}
	free(client->out);
	client->out = NULL;
}

/* Runs the lines that are there, one at a time: the next waits until its answer has left. */
static void run_lines(struct control_client *client, struct building *building)
{
	char *end;

	while (client->fd >= 0 && !client->out && (end = memchr(client->in, '\n', client->in_n))) {
		size_t used = (size_t)(end - client->in) + 1;
		json_t *answer;

		*end = '\0';
		answer = command_run(building, client->in);
		client->out = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
		json_decref(answer);
		client->in_n -= used;
		memmove(client->in, client->in + used, client->in_n);
		if (!client->out) {
			client_drop(client);
			return;
		}
		client->out_n = strlen(client->out);
		client->out[client->out_n++] = '\n'; /* in the place of the closing zero */
		client->out_at = 0;
		flush_out(client);
	}
}

static void serve_one(struct control_client *client, struct building *building)
{
	if (client->out) {
		flush_out(client);
	} else {
		size_t room = sizeof(client->in) - client->in_n;
		ssize_t n = recv(client->fd, client->in + client->in_n, room, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) { /* gone, or a line longer than the buffer */
			client_drop(client);
			return;
		}
		client->in_n += (size_t)n;
	}
	run_lines(client, building);
}

void control_serve(struct control *control, struct building *building, const struct pollfd *polls)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (polls[1 + i].revents && control->clients[i].fd >= 0)
			serve_one(&control->clients[i], building);
	if (polls[0].revents)
		accept_one(control);
}
