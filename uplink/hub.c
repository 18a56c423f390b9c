/* hub.c - see hub.h */
#include "uplink/hub.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/control_client.h"

#define ASKS_MAX      8
#define RECONNECT_US  500000u
#define WATCH_LATE_US 1000000u /* how late a time-out may be noticed */

struct ask {
	bool open;
	int64_t id;
	int64_t deadline_us;
	hub_answered answered;
	void *user;
};

struct hub {
	sd_event *event;
	const char *socket;
	hub_changed changed;
	void *user;
	struct control_client *client;
	sd_event_source *io;
	sd_event_source *timer; /* connects again, and looks after deadlines */
	struct ask asks[ASKS_MAX];
};

static int arm(struct hub *hub, uint64_t after_us)
{
	int r = sd_event_source_set_time_relative(hub->timer, after_us);

	return r < 0 ? r : sd_event_source_set_enabled(hub->timer, SD_EVENT_ONESHOT);
}

static void watch(struct hub *hub)
{
	if (hub->io != NULL)
		(void)sd_event_source_set_io_events(hub->io, control_client_events(hub->client));
}

static void end_ask(struct ask *ask, const struct hub_answer *answer)
{
	struct ask ended = *ask;

	ask->open = false;
	ended.answered(ended.user, answer);
}

/* Closes the connection, answers what is open, and tries again a little later. */
static void lose(struct hub *hub, int error, const char *why, uint64_t again_us)
{
	hub->io = sd_event_source_disable_unref(hub->io);
	hub->client = control_client_close(hub->client);
	for (size_t i = 0; i < ASKS_MAX; i++)
		if (hub->asks[i].open)
			end_ask(&hub->asks[i], &(struct hub_answer){.error = error, .detail = why});
	(void)arm(hub, again_us);
	hub->changed(hub->user, false, why);
}

static void hand_out(struct hub *hub, struct message_reply *reply)
{
	for (size_t i = 0; i < ASKS_MAX; i++) {
		struct ask *ask = &hub->asks[i];

		if (!ask->open || ask->id != reply->id)
			continue;
		struct hub_answer answer = {.data = reply->data, .detail = ""};
		if (reply->data == NULL) {
			answer.error = -EREMOTEIO;
			answer.problem = reply->problem.problem;
			answer.detail = reply->problem.detail != NULL
						? reply->problem.detail
						: problem_title(reply->problem.problem);
		}
		end_ask(ask, &answer);
		return;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct hub *hub = user;
	struct message_reply reply;
	int ended = control_client_process(hub->client), r = 0;

	(void)source;
	(void)fd;
	(void)events;
	/* Answers that came before the end still count. */
	while (hub->client != NULL && (r = control_client_next(hub->client, &reply)) > 0) {
		hand_out(hub, &reply);
		message_reply_clear(&reply);
	}
	if (hub->client == NULL)
		return 0;
	if (r < 0)
		lose(hub, -ECONNRESET, "prepayd sent something that is not an answer",
		     RECONNECT_US);
	else if (ended < 0)
		lose(hub, -ECONNRESET, "prepayd closed the connection", RECONNECT_US);
	else
		watch(hub);
	return 0;
}

void hub_reconnect(struct hub *hub, int64_t after_us, const char *why)
{
	lose(hub, -ECONNRESET, why, (uint64_t)after_us);
}

static const char *why_no_connection(int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return "prepayd does not run";
	case -EACCES:
	case -EPERM:
		return "the control socket does not let us in";
	case -ENAMETOOLONG:
		return "the path of the control socket is too long";
	default:
		return "prepayd cannot be reached";
	}
}

static void try_connect(struct hub *hub)
{
	int r = control_client_open(&hub->client, hub->socket);

	if (r == 0)
		r = sd_event_add_io(hub->event, &hub->io, control_client_fd(hub->client),
				    control_client_events(hub->client), on_io, hub);
	if (r < 0) {
		lose(hub, r, why_no_connection(r), RECONNECT_US);
		return;
	}
	hub->changed(hub->user, true, "connected");
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *user)
{
	struct hub *hub = user;
	int64_t now_us = clock_boottime_us();

	(void)source;
	(void)at_us;
	(void)arm(hub, WATCH_LATE_US);
	if (hub->client == NULL) {
		try_connect(hub);
		return 0;
	}
	for (size_t i = 0; i < ASKS_MAX; i++) {
		if (hub->asks[i].open && hub->asks[i].deadline_us <= now_us) {
			lose(hub, -ETIMEDOUT, "prepayd does not answer", RECONNECT_US);
			break;
		}
	}
	return 0;
}

int hub_open(struct hub **ret, sd_event *event, const char *socket, hub_changed changed, void *user)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (hub == NULL)
		return -ENOMEM;
	hub->event = sd_event_ref(event);
	hub->socket = socket;
	hub->changed = changed;
	hub->user = user;
	int r = sd_event_add_time_relative(event, &hub->timer, CLOCK_BOOTTIME, 0, 10000, on_timer,
					   hub);
	if (r < 0) {
		(void)hub_close(hub);
		return r;
	}
	*ret = hub;
	return 0;
}

struct hub *hub_close(struct hub *hub)
{
	if (hub == NULL)
		return NULL;
	(void)sd_event_source_disable_unref(hub->io);
	(void)sd_event_source_disable_unref(hub->timer);
	(void)control_client_close(hub->client);
	(void)sd_event_unref(hub->event);
	free(hub);
	return NULL;
}

int hub_ask(struct hub *hub, const char *verb, json_t *args, int64_t timeout_us,
	    hub_answered answered, void *user)
{
	struct ask *ask = NULL;

	for (size_t i = 0; i < ASKS_MAX && ask == NULL; i++)
		if (!hub->asks[i].open)
			ask = &hub->asks[i];
	if (hub->client == NULL || ask == NULL) {
		json_decref(args);
		return hub->client == NULL ? -ENOTCONN : -EBUSY;
	}

	int64_t id;
	int r = control_client_send(hub->client, verb, args, &id);
	if (r < 0)
		return r;
	*ask = (struct ask){
		.open = true,
		.id = id,
		.deadline_us = clock_boottime_us() + timeout_us,
		.answered = answered,
		.user = user,
	};
	watch(hub);
	return 0;
}
