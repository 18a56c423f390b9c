/* hub.h - prepayd, as the messenger sees it: asked over the control socket, from the event loop.
 *
 * Keeps one connection and opens it again when prepayd went away. Several requests may be open; each is
 * answered once, in any order, or ends with -ECONNRESET when the connection does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "concentrator/platform/problem.h"

struct hub;

struct hub_answer {
	int error; /* 0: data is set; -EREMOTEIO: prepayd's problem; -ECONNRESET; -ETIMEDOUT */
	enum problem problem; /* with -EREMOTEIO */
	const char *detail;   /* for people; "" without */
	const json_t *data;   /* borrowed until the callback returns */
};

typedef void (*hub_answered)(void *user, const struct hub_answer *answer);

/* connected: the socket is open (nothing said yet); else it was lost, and every open request has been
 * answered. why is for people. Both are called from the loop. */
typedef void (*hub_changed)(void *user, bool connected, const char *why);

/* Starts connecting from the loop. event and socket are borrowed. -ENOMEM. */
int hub_open(struct hub **ret, sd_event *event, const char *socket, hub_changed changed,
	     void *user);
struct hub *hub_close(struct hub *hub);

/* Drops the connection, as if prepayd had gone, and opens it again after that long. Every open request
 * ends first: no late answer can be taken for that of a new one. */
void hub_reconnect(struct hub *hub, int64_t after_us, const char *why);

/* args (takes) may be NULL. answered is never called before this returns. -ENOTCONN, -ENOMEM, -EMSGSIZE,
 * -EBUSY: too many requests are open. On error answered is not called. An answer that does not come within
 * timeout_us ends the connection, and so everything that is open. */
int hub_ask(struct hub *hub, const char *verb, json_t *args, int64_t timeout_us,
	    hub_answered answered, void *user);
