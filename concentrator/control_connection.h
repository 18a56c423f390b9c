/* control_connection.h - the inside of the control server, for the control_*.c that it consists of. */
#pragma once

#include <sys/stat.h>

#include "concentrator/control_role.h"
#include "concentrator/control_server.h"

struct control_open_call;

struct control_connection {
	struct control_server *server;
	int fd;
	sd_event_source *io;
	sd_event_source *resume; /* looks at the connection in the next turn of the loop */
	struct control_peer peer;
	bool half_closed; /* the client sends no more but may still read */
	bool ending;      /* close when the output has left */
	bool dead;        /* close now */
	size_t call_count;
	struct control_open_call *calls; /* a list of those in flight */
	size_t input_len;
	char input[MESSAGE_SIZE_MAX];
	char *output;
	size_t output_len;
	size_t output_sent;
};

struct control_server {
	sd_event *event;
	sd_event_source *accept;
	int fd;
	int spare_fd;
	char *path; /* set once the socket is ours */
	dev_t device;
	ino_t inode;
	struct control_server_options options;
	struct control_roles roles;
	size_t connection_count;
	struct control_connection *connections[CONTROL_CLIENTS_MAX];
	bool complained;
	int64_t complained_us;
	unsigned complaints_left_out;
};

/* Serves a new client; takes fd, on error also. */
int control_connection_add(struct control_server *server, int fd, const struct control_peer *peer);

/* Cuts off its calls and frees it. */
void control_connection_close(struct control_connection *connection);

/* Tells the journal about a peer, but not more often than once a minute: strangers must not be able to fill it. */
void control_server_complain(struct control_server *server, const struct control_peer *peer,
			     const char *what);

/* Sends a line, or as much as the kernel takes, and keeps the rest; kills a connection that has too much. Never
 * frees it. */
void control_connection_queue(struct control_connection *connection, const char *line, size_t len);

/* Has the loop look at the connection in its next turn. */
void control_connection_wake(struct control_connection *connection);

/* One line of a client, without its newline. */
void control_call_line(struct control_connection *connection, const char *line, size_t len);

/* A problem about no request in particular. */
void control_call_refuse(struct control_connection *connection, enum problem problem,
			 const char *detail);

/* Cuts a call off from its connection; it lives until it is answered. */
void control_call_orphan(struct control_open_call *open_call);
