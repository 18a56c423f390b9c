/* uplink.c - the link to the cloud, in a line and in full. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/figure.h"

void uplink_say(const json_t *uplink, char *buf, size_t size)
{
	const char *detail = field_text(uplink, "detail");
	char when[FIGURE_SIZE];
	int64_t rtt;
	int64_t waiting = 0;
	const json_t *count;
	size_t lane;
	size_t len;

	if (!field_true(uplink, "configured")) {
		(void)snprintf(buf, size, "not configured");
		return;
	}
	len = (size_t)snprintf(buf, size, "%s", field_text(uplink, "state"));
	if (field_count(uplink, "last_good_s") > 0 && len < size)
		len += (size_t)snprintf(buf + len, size - len, ", last good %s",
					figure_field_time(uplink, "last_good_s", when));
	if (field_int(uplink, "rtt_ms", &rtt) && len < size)
		len += (size_t)snprintf(buf + len, size - len, ", round trip %" PRId64 " ms", rtt);
	json_array_foreach(field_rows(uplink, "waiting"), lane, count)
		waiting += json_integer_value(count);
	if (len < size)
		len += (size_t)snprintf(buf + len, size - len, ", %" PRId64 " event%s to send",
					waiting, waiting == 1 ? "" : "s");
	if (*detail != '\0' && len < size)
		(void)snprintf(buf + len, size - len, "; %s", detail);
}

enum tone uplink_tone(const json_t *uplink)
{
	if (!field_true(uplink, "configured"))
		return TONE_DIM;
	return strcmp(field_text(uplink, "state"), "online") == 0 ? TONE_PLAIN : TONE_WARN;
}

int run_uplink_status(struct call *call)
{
	struct session *session = call->session;
	const struct screen *out = &session->out;
	json_t *data = NULL;
	const json_t *count;
	size_t lane;
	char text[512];
	char buf[FIGURE_SIZE];
	char other[FIGURE_SIZE];
	int exit_code = session_ask(session, "uplink.status", NULL, &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
		json_decref(data);
		return exit_code;
	}
	uplink_say(data, text, sizeof(text));
	screen_fact(out, "cloud", uplink_tone(data), "%s", text);
	if (field_true(data, "configured")) {
		screen_fact(out, "last good", TONE_PLAIN, "%s",
			    figure_field_time(data, "last_good_s", buf));
		screen_fact(out, "http", TONE_PLAIN, "%" PRId64, field_count(data, "http"));
		screen_fact(out, "feed", TONE_PLAIN, "cursor %s", field_text(data, "feed_cursor"));
		json_array_foreach(field_rows(data, "waiting"), lane, count) screen_fact(
			out, lane == 0 ? "to send" : "", TONE_PLAIN,
			"lane %zu: %" JSON_INTEGER_FORMAT, lane, json_integer_value(count));
		if (field_count(data, "refused") > 0)
			screen_fact(out, "refused", TONE_BAD, "%" PRId64 " events by the cloud",
				    field_count(data, "refused"));
		screen_fact(out, "traffic", TONE_PLAIN, "%s up, %s down",
			    figure_bytes(field_count(data, "bytes_up"), buf),
			    figure_bytes(field_count(data, "bytes_down"), other));
	}
	json_decref(data);
	return 0;
}
