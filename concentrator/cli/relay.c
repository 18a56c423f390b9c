/* relay.c - a person's wishes about a room's relays, and lock-outs. */
#include "concentrator/cli/handlers.h"

#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/room_table.h"

/* ROOM or ROOM/CIRCUIT, and the reason. */
static json_t *relay_args(struct call *call)
{
	const char *place = call_get(call, "ROOM");
	const char *slash = strchr(place, '/');
	int head = slash != NULL ? (int)(slash - place) : (int)strlen(place);
	json_t *args = json_pack("{s:s%,s:s}", "room", place, head, "reason",
				 call_get(call, "--reason"));

	if (slash != NULL)
		(void)json_object_set_new(args, "circuit", json_string(slash + 1));
	return args;
}

void relay_show(struct session *session, const char *room, const json_t *supplies)
{
	const struct screen *out = &session->out;
	const json_t *supply;
	char age[FIGURE_SIZE];
	int64_t age_s;
	size_t i;

	json_array_foreach(supplies, i, supply)
	{
		const char *position = room_position_word(supply);
		const char *reason = field_text(supply, "reason");

		if (field_object(supply, "relay") == NULL)
			continue;
		screen_say(out, TONE_BOLD, "room %s %s", room, field_text(supply, "circuit"));
		screen_say(out, TONE_PLAIN, ": wished %s by %s%s%s%s; ",
			   field_text(supply, "wished"), field_text(supply, "layer"),
			   *reason != '\0' ? " (" : "", reason, *reason != '\0' ? ")" : "");
		screen_say(out, TONE_PLAIN, "now %s", position);
		if (field_int(supply, "position_age_s", &age_s))
			screen_say(out, TONE_PLAIN, ", read back %s ago", figure_age(age_s, age));
		else
			screen_put(out, TONE_WARN, ", position not read");
		screen_say(out, TONE_PLAIN, ", verified: %s", field_text(supply, "verified"));
		screen_end_line(out);
	}
}

/* The wish is kept when the answer comes; the relay follows, and is read back after that. */
static int wish(struct call *call, const char *verb, json_t *args)
{
	struct session *session = call->session;
	const char *place = call_get(call, "ROOM");
	int head = (int)strcspn(place, "/");
	char room[128];
	json_t *data = NULL;
	int exit_code = session_ask(session, verb, args, &data);

	if (exit_code != 0)
		return exit_code;
	(void)snprintf(room, sizeof(room), "%.*s", head, place);
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		relay_show(session, room, field_rows(data, "supplies"));
		screen_say(&session->out, TONE_DIM, "prepay room show %s tells when it is verified",
			   room);
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}

static int set_position(struct call *call, const char *position)
{
	json_t *args = relay_args(call);

	(void)json_object_set_new(args, "position", json_string(position));
	return wish(call, "relay.set", args);
}

int run_relay_on(struct call *call)
{
	return set_position(call, "on");
}

int run_relay_off(struct call *call)
{
	return set_position(call, "off");
}

int run_relay_auto(struct call *call)
{
	return set_position(call, "auto");
}

int run_relay_connect(struct call *call)
{
	if (!session_confirm(call->session,
			     "The relay closes and room %s is live. Has somebody looked?",
			     call_get(call, "ROOM")))
		return problem_exit(PROBLEM_FAILED);
	return wish(call, "relay.connect", relay_args(call));
}

int run_relay_lockout(struct call *call)
{
	int exit_code = wish(call, "relay.lockout", relay_args(call));

	if (exit_code == 0)
		session_warn(call->session,
			     "a relay is no isolator: switch off the breaker, lock it and "
			     "prove it dead before work");
	return exit_code;
}

int run_relay_release(struct call *call)
{
	if (!session_confirm(call->session,
			     "Room %s can become live. Is everybody clear of the wiring?",
			     call_get(call, "ROOM")))
		return problem_exit(PROBLEM_FAILED);
	return wish(call, "relay.release", relay_args(call));
}
