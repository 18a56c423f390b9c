/* line.c - the RS-485 lines: how well each goes, and every device on one. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/device.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column line_columns[] = {
	{.title = "LINE"},
	{.title = "STATE"},
	{.title = "PORT", .least = 8, .drop = 6},
	{.title = "BAUD", .right = true, .drop = 7},
	{.title = "METERS", .right = true},
	{.title = "ALIVE", .right = true},
	{.title = "POLLS/S", .right = true},
	{.title = "WIRE", .right = true},
	{.title = "QUALITY", .right = true},
	{.title = "P50", .right = true, .drop = 5},
	{.title = "P99", .right = true, .drop = 4},
	{.title = "TIMEOUTS", .right = true},
	{.title = "CRC", .right = true},
	{.title = "GARBLED", .right = true, .drop = 2},
	{.title = "EXCEPTIONS", .right = true, .drop = 3},
	{.title = "STRAY", .right = true, .drop = 1},
};

static void put_line(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	int64_t meters = field_count(row, "meters");
	int64_t alive = field_count(row, "alive");
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "line"));
	table_cell(table, device_tone(state), "%s", state);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "port"));
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "baud"));
	table_cell(table, TONE_PLAIN, "%" PRId64, meters);
	table_cell(table, alive < meters ? TONE_WARN : TONE_PLAIN, "%" PRId64, alive);
	table_cell(table, TONE_PLAIN, "%s",
		   figure_milli(field_count(row, "polls_per_s_milli"), buf));
	table_cell(table, TONE_PLAIN, "%s %%",
		   figure_milli(field_count(row, "share_ppm") / 10, buf));
	device_put_hour(table, row);
	table_cell(table, TONE_PLAIN, "%" PRId64,
		   field_count(field_object(row, "hour"), "stray_bytes"));
}

static void remark_lines(const json_t *rows, char *buf, size_t size)
{
	size_t faulty = json_array_size(rows) - listing_matches(rows, "state", "ok");
	const json_t *row;
	int64_t silent = 0;
	size_t len = 0;
	size_t i;

	json_array_foreach(rows, i, row) silent += field_count(row, "meters") -
						   field_count(row, "alive") -
						   field_count(row, "unknown");
	if (faulty > 0)
		len = (size_t)snprintf(buf, size, ", %zu not ok", faulty);
	if (silent > 0)
		len += (size_t)snprintf(buf + len, size - len, ", %" PRId64 " meter%s silent",
					silent, silent == 1 ? "" : "s");
	(void)snprintf(buf + len, size - len, "; quality, turnaround and errors of the last hour");
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

static void show_line(const struct screen *out, const json_t *data)
{
	enum tone tone = device_tone(field_text(data, "state"));
	char polls[FIGURE_SIZE];
	char share[FIGURE_SIZE];

	screen_say(out, tone, "%s ", screen_mark(out, tone));
	screen_say(out, TONE_BOLD, "line %s", field_text(data, "line"));
	screen_say(out, TONE_PLAIN, "  %s, %s, %" PRId64 " baud, %s polls/s, %s %% of the wire",
		   field_text(data, "state"), field_text(data, "port"), field_count(data, "baud"),
		   figure_milli(field_count(data, "polls_per_s_milli"), polls),
		   figure_milli(field_count(data, "share_ppm") / 10, share));
	screen_end_line(out);
	device_show_figures(out, data);
	screen_fact(out, "stray", TONE_PLAIN,
		    "%" PRId64 " bytes that nobody asked for in the last hour, %" PRId64
		    " since the start",
		    field_count(field_object(data, "hour"), "stray_bytes"),
		    field_count(data, "stray_bytes"));
}

int run_line_show(struct call *call)
{
	struct session *session = call->session;
	const char *line = call_get(call, "LINE");
	json_t *data = NULL;
	json_t *devices = NULL;
	int exit_code = session_ask(session, "line.show", json_pack("{s:s}", "line", line), &data);

	if (exit_code != 0)
		return exit_code;
	exit_code = session_ask(session, "meter.list", json_pack("{s:s}", "line", line), &devices);
	if (exit_code == 0)
		(void)json_object_set(data, "devices", json_object_get(devices, "rows"));
	json_decref(devices);
	if (exit_code == 0 && session->manners.json) {
		exit_code = session_json(session, data);
	} else if (exit_code == 0) {
		show_line(&session->out, data);
		exit_code = device_show_rows(session, field_rows(data, "devices"), false);
	}
	json_decref(data);
	return exit_code;
}
