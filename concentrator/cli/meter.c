/* meter.c - the meters: all of them, one in full, one read now. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/device.h"
#include "concentrator/cli/figure.h"

/* "A/17" names a device on a line, "305" and "305/ac" a room's; what follows the slash tells. */
static json_t *meter_args(struct call *call)
{
	const char *place = call_get(call, "ROOM");
	const char *circuit = call_get(call, "CIRCUIT");
	const char *slash = strrchr(place, '/');
	int head = slash != NULL ? (int)(slash - place) : (int)strlen(place);
	json_t *args;

	if (slash != NULL && circuit == NULL && slash[1] != '\0' && strlen(slash + 1) <= 3 &&
	    strspn(slash + 1, "0123456789") == strlen(slash + 1))
		return json_pack("{s:s%,s:I}", "line", place, head, "address",
				 (json_int_t)strtol(slash + 1, NULL, 10));
	args = json_pack("{s:s%}", "room", place, head);
	if (slash != NULL && circuit == NULL)
		circuit = slash + 1;
	if (circuit != NULL)
		(void)json_object_set_new(args, "circuit", json_string(circuit));
	return args;
}

/* "power_w" 312 is "312 W", "voltage_l1_mv" 231200 is "231.200 V". */
static void put_quantity(const struct screen *out, const char *name, json_int_t value)
{
	static const struct {
		const char *suffix;
		const char *unit;
		int multiplier;
	} units[] = {
		{"_wh", "kWh", -3}, {"_mv", "V", -3},   {"_ma", "A", -3}, {"_mhz", "Hz", -3},
		{"_w", "W", 0},     {"_var", "var", 0}, {"_ppm", "", -6}, {"_l", "m3", -3},
	};
	char text[AMOUNT_TEXT_MAX];
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t suffix = strlen(units[i].suffix);

		if (len <= suffix || strcmp(name + len - suffix, units[i].suffix) != 0)
			continue;
		amount_format(value, units[i].multiplier, text);
		screen_say(out, TONE_PLAIN, "  %-20.*s %14s %s", (int)(len - suffix), name, text,
			   units[i].unit);
		screen_end_line(out);
		return;
	}
	screen_say(out, TONE_PLAIN, "  %-20s %14" JSON_INTEGER_FORMAT, name, value);
	screen_end_line(out);
}

static void show_values(const struct screen *out, const char *place, const json_t *data)
{
	char turnaround[FIGURE_SIZE];
	const char *name;
	json_t *value;
	size_t i;

	screen_say(out, TONE_BOLD, "%s", place);
	screen_say(out, TONE_DIM, "  read now, turnaround %s ms",
		   figure_milli(field_count(data, "turnaround_us"), turnaround));
	screen_end_line(out);
	json_object_foreach(json_object_get(data, "values"), name, value)
		put_quantity(out, name, json_integer_value(value));
	if (json_array_size(field_rows(data, "raw")) == 0)
		return;
	screen_put(out, TONE_DIM, "  registers");
	json_array_foreach(field_rows(data, "raw"), i, value) screen_say(
		out, TONE_DIM, " %04" PRIx64, (uint64_t)json_integer_value(value) & 0xffff);
	screen_end_line(out);
}

int run_meter_read(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int exit_code = session_ask(session, "meter.read", meter_args(call), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else
		show_values(&session->out, call_get(call, "ROOM"), data);
	json_decref(data);
	return exit_code;
}

static int put_names(struct session *session, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		screen_say(&session->out, TONE_PLAIN, "%s/%" PRId64, field_text(row, "line"),
			   field_count(row, "address"));
		screen_end_line(&session->out);
	}
	return 0;
}

int run_meter_list(struct call *call)
{
	struct session *session = call->session;
	const char *line = call_get(call, "--line");
	json_t *data = NULL;
	int exit_code = session_ask(session, "meter.list",
				    line == NULL ? NULL : json_pack("{s:s}", "line", line), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else if (session->manners.quiet)
		exit_code = put_names(session, field_rows(data, "rows"));
	else
		exit_code = device_show_rows(session, field_rows(data, "rows"), true);
	json_decref(data);
	return exit_code;
}

static void show_point(const struct screen *out, const json_t *point)
{
	const char *quarantine = field_text(point, "quarantine");
	char energy[FIGURE_SIZE];
	char age[FIGURE_SIZE] = "";
	char channel[FIGURE_SIZE] = "";
	int64_t value;

	if (field_int(point, "age_s", &value))
		(void)figure_age(value, age);
	if (field_int(point, "channel", &value))
		(void)snprintf(channel, sizeof(channel), " channel %" PRId64, value);
	if (field_int(point, "relay", &value))
		(void)snprintf(channel + strlen(channel), sizeof(channel) - strlen(channel),
			       "%s relay %" PRId64, channel[0] != '\0' ? "," : "", value);
	screen_fact(out, "room", quarantine[0] != '\0' ? TONE_WARN : TONE_PLAIN,
		    "%s/%s%s: register %s%s%s%s%s%s%s%s", field_text(point, "room"),
		    field_text(point, "circuit"), channel,
		    figure_energy(point, "register_wh", energy), age[0] != '\0' ? ", " : "", age,
		    age[0] != '\0' ? " old" : "",
		    field_text(point, "serial")[0] != '\0' ? ", serial number " : "",
		    field_text(point, "serial"), quarantine[0] != '\0' ? ", in quarantine: " : "",
		    quarantine);
}

/* What the device does by itself, where it says so. */
static void show_mode(const struct screen *out, const json_t *point)
{
	const char *mode = field_text(point, "mode");
	const char *loss = field_text(point, "line_loss");
	const char *power = field_text(point, "power_on");
	bool minds = strcmp(mode, "prepaid") == 0 || strcmp(mode, "unknown") == 0 ||
		     strcmp(loss, "moves") == 0 || strcmp(power, "moves") == 0;

	if (mode[0] != '\0')
		screen_fact(out, "", minds ? TONE_WARN : TONE_PLAIN, "mode: %s", mode);
	if (loss[0] != '\0' || power[0] != '\0')
		screen_fact(out, "", minds ? TONE_WARN : TONE_PLAIN,
			    "relay on a silent line: %s; when power returns: %s",
			    loss[0] != '\0' ? loss : "not told",
			    power[0] != '\0' ? power : "not told");
}

static void show_meter(const struct screen *out, const json_t *data)
{
	const char *state = field_text(data, "state");
	const json_t *point;
	char age[FIGURE_SIZE];
	int64_t value;
	size_t i;

	screen_say(out, device_tone(state), "%s ", screen_mark(out, device_tone(state)));
	screen_say(out, TONE_BOLD, "%s/%" PRId64, field_text(data, "line"),
		   field_count(data, "address"));
	screen_say(out, TONE_PLAIN, "  %s %s (%s, confidence %s)", field_text(data, "vendor"),
		   field_text(data, "title"), field_text(data, "model"),
		   field_text(data, "confidence"));
	screen_end_line(out);
	if (field_int(data, "age_s", &value))
		screen_fact(out, "state", device_tone(state), "%s, last good answer %s ago", state,
			    figure_age(value, age));
	else
		screen_fact(out, "state", device_tone(state), "%s, never answered; its line is %s",
			    state, field_text(data, "line_state"));
	device_show_figures(out, data);
	json_array_foreach(field_rows(data, "points"), i, point)
	{
		show_point(out, point);
		show_mode(out, point);
	}
}

int run_meter_show(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int exit_code = session_ask(session, "meter.show", meter_args(call), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else
		show_meter(&session->out, data);
	json_decref(data);
	return exit_code;
}
