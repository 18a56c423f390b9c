/* meter.c - one meter read now, and the lines with their devices. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

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

static enum tone state_tone(const char *state)
{
	if (strcmp(state, "ok") == 0 || strcmp(state, "alive") == 0)
		return TONE_GOOD;
	return strcmp(state, "silent") == 0 ? TONE_WARN : TONE_BAD;
}

static const struct table_column line_columns[] = {
	{.title = "LINE"},
	{.title = "STATE"},
	{.title = "PORT", .least = 8, .drop = 3},
	{.title = "BAUD", .right = true, .drop = 4},
	{.title = "METERS", .right = true},
	{.title = "ALIVE", .right = true},
	{.title = "POLLS/S", .right = true},
	{.title = "WIRE", .right = true},
	{.title = "TIMEOUTS", .right = true},
	{.title = "GARBLED", .right = true, .drop = 1},
	{.title = "EXCEPTIONS", .right = true, .drop = 2},
};

static void put_line(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	int64_t meters = field_count(row, "meters");
	int64_t alive = field_count(row, "alive");
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "line"));
	table_cell(table, state_tone(state), "%s", state);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "port"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "baud"));
	table_cell(table, TONE_PLAIN, "%" PRId64, meters);
	table_cell(table, alive < meters ? TONE_WARN : TONE_PLAIN, "%" PRId64, alive);
	table_cell(table, TONE_PLAIN, "%s",
		   figure_milli(field_count(row, "polls_per_s_milli"), buf));
	table_cell(table, TONE_PLAIN, "%s %%",
		   figure_milli(field_count(row, "share_ppm") / 10, buf));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "timeouts"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "garbled"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "exceptions"));
}

static void remark_lines(const json_t *rows, char *buf, size_t size)
{
	size_t faulty = json_array_size(rows) - listing_matches(rows, "state", "ok");
	const json_t *row;
	int64_t silent = 0;
	size_t len = 0;
	size_t i;

	json_array_foreach(rows, i, row)
		silent += field_count(row, "meters") - field_count(row, "alive");
	if (faulty > 0)
		len = (size_t)snprintf(buf, size, ", %zu not ok", faulty);
	if (silent > 0)
		(void)snprintf(buf + len, size - len, ", %" PRId64 " meter%s silent", silent,
			       silent == 1 ? "" : "s");
}

static const struct listing lines = {
	.verb = "line.list",
	.columns = line_columns,
	.count = sizeof(line_columns) / sizeof(line_columns[0]),
	.put = put_line,
	.name = "line",
	.one = "line",
	.many = "lines",
	.remark = remark_lines,
};

int run_line_list(struct call *call)
{
	return listing_run(call->session, &lines, NULL);
}

static const struct table_column device_columns[] = {
	{.title = "ADDRESS", .right = true},
	{.title = "STATE"},
	{.title = "MODEL", .least = 12},
	{.title = "ROOMS", .least = 8},
	{.title = "AGE", .right = true},
	{.title = "POLLS", .right = true, .drop = 3},
	{.title = "TIMEOUTS", .right = true},
	{.title = "GARBLED", .right = true, .drop = 1},
	{.title = "EXCEPTIONS", .right = true, .drop = 2},
	{.title = "TURNAROUND", .right = true},
};

static void put_device(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	char rooms[256] = "";
	char buf[FIGURE_SIZE];
	size_t len = 0;
	const json_t *room;
	int64_t value;
	size_t i;

	json_array_foreach(field_rows(row, "rooms"), i, room)
	{
		const char *name = json_string_value(room);

		if (name != NULL && len < sizeof(rooms))
			len += (size_t)snprintf(rooms + len, sizeof(rooms) - len, "%s%s",
						i > 0 ? " " : "", name);
	}
	table_row(table);
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "address"));
	table_cell(table, state_tone(state), "%s", state);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "model"));
	table_cell(table, TONE_PLAIN, "%s", rooms);
	if (field_int(row, "age_s", &value))
		table_cell(table, TONE_PLAIN, "%s%s", figure_age(value, buf),
			   strcmp(state, "alive") == 0 ? "" : " ago");
	else
		table_cell(table, TONE_WARN, "never");
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "polls"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "timeouts"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "garbled"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "exceptions"));
	if (field_int(row, "turnaround_us", &value))
		table_cell(table, TONE_PLAIN, "%s ms", figure_milli(value, buf));
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
}

static void remark_devices(const json_t *rows, char *buf, size_t size)
{
	size_t silent = json_array_size(rows) - listing_matches(rows, "state", "alive");

	if (silent > 0)
		(void)snprintf(buf, size, ", %zu silent or dead", silent);
}

static const struct listing devices = {
	.columns = device_columns,
	.count = sizeof(device_columns) / sizeof(device_columns[0]),
	.put = put_device,
	.name = "address",
	.one = "device",
	.many = "devices",
	.remark = remark_devices,
};

int run_line_show(struct call *call)
{
	struct session *session = call->session;
	const struct screen *out = &session->out;
	char polls[FIGURE_SIZE];
	char share[FIGURE_SIZE];
	json_t *data = NULL;
	int exit_code = session_ask(session, "line.show",
				    json_pack("{s:s}", "line", call_get(call, "LINE")), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
		json_decref(data);
		return exit_code;
	}
	screen_say(out, state_tone(field_text(data, "state")), "%s ",
		   screen_mark(out, state_tone(field_text(data, "state"))));
	screen_say(out, TONE_BOLD, "line %s", field_text(data, "line"));
	screen_say(out, TONE_PLAIN, "  %s, %s, %" PRId64 " baud, %s polls/s, %s %% of the wire",
		   field_text(data, "state"), field_text(data, "port"), field_count(data, "baud"),
		   figure_milli(field_count(data, "polls_per_s_milli"), polls),
		   figure_milli(field_count(data, "share_ppm") / 10, share));
	screen_end_line(out);
	exit_code = listing_show(session, &devices, field_rows(data, "devices"));
	json_decref(data);
	return exit_code;
}
