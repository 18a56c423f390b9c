/* control.h - the socket through which a test talks to the building (DIR/building.sock).
 *
 * Lines in, one line of JSON out for each, in order; several clients. Never blocks: the answer waits
 * in a buffer of the client's until the client reads, because the lines' pace must not suffer.
 */
#pragma once

#include <poll.h>
#include <stddef.h>

#include "tests/building/building.h"

enum { CONTROL_CLIENTS = 8, CONTROL_POLLS = 1 + CONTROL_CLIENTS };

struct control_client {
	int fd; /* -1: free */
	char in[1024];
	size_t in_n;
	char *out;
	size_t out_n, out_at;
};

struct control {
	int fd;
	char path[160];
	struct control_client clients[CONTROL_CLIENTS];
};

/* Listens. 0 or -errno (-EADDRINUSE: another building lives in this folder). */
int control_open(struct control *control, const char *path);
void control_close(struct control *control);

/* Fills CONTROL_POLLS entries, fd -1 where there is nothing to wait for. */
void control_prepare(const struct control *control, struct pollfd *polls);

/* Serves what poll() found. */
void control_serve(struct control *control, struct building *building, const struct pollfd *polls);
