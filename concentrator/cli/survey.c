/* survey.c - the scan and the test of a line: started, watched, and told at the end. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define WAIT_MS       1000
#define ADVICE_INDENT 4
#define ADVICE_WIDTH  76
#define PROGRESS_SIZE 160
#define ADDRESS_MAX   247

/* "17", "1-32": adds first and last. False: it is neither. */
static bool put_addresses(json_t *args, const char *text)
{
	char *end;
	long first = strtol(text, &end, 10);
	long last = first;

	if (end == text || *text < '0' || *text > '9')
		return false;
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtol(end + 1, &end, 10);
	if (*end != '\0' || first < 1 || last < first || last > ADDRESS_MAX)
		return false;
	(void)json_object_set_new(args, "first", json_integer(first));
	(void)json_object_set_new(args, "last", json_integer(last));
	return true;
}

/* The arguments that scan and test share; NULL: the problem is told. */
static json_t *survey_args(struct call *call)
{
	const char *addresses = call_get(call, "--addresses");
	json_t *args = json_pack("{s:s}", "line", call_get(call, "LINE"));

	if (addresses == NULL || put_addresses(args, addresses))
		return args;
	json_decref(args);
	(void)session_problem(call->session, PROBLEM_USAGE, NULL,
			      "--addresses %s: write one address or a range, such as 1-32; "
			      "addresses go from 1 to %d",
			      addresses, ADDRESS_MAX);
	return NULL;
}

static void show_progress(const struct session *session, const json_t *data)
{
	int64_t done = field_count(data, "done");
	int64_t total = field_count(data, "total");
	char line[PROGRESS_SIZE];
	char left[FIGURE_SIZE];
	int64_t value;
	size_t len;

	if (!session->error.terminal || session->manners.quiet || session->manners.json)
		return;
	len = (size_t)snprintf(line, sizeof(line),
			       "%3" PRId64 " %%, %" PRId64 " of %" PRId64 " asked",
			       total > 0 ? done * 100 / total : 0, done, total);
	if (field_int(data, "found", &value))
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", %" PRId64 " found",
					value);
	if (field_int(data, "remaining_s", &value))
		(void)snprintf(line + len, sizeof(line) - len, ", about %s left (Ctrl-C ends it)",
			       figure_duration(value, left));
	(void)fprintf(session->error.file, "\r\033[K%s", line);
	(void)fflush(session->error.file);
}

static void end_progress(const struct session *session)
{
	if (session->error.terminal && !session->manners.quiet && !session->manners.json)
		(void)fprintf(session->error.file, "\r\033[K");
}

/* Starts it and waits for its end. Takes args. */
static int watch(struct session *session, const char *verb, const char *line, json_t *args,
		 json_t **ret_data)
{
	json_t *data = NULL;
	int exit_code = session_ask(session, verb, args, &data);

	while (exit_code == 0 && strcmp(field_text(data, "state"), "running") == 0) {
		show_progress(session, data);
		json_decref(data);
		data = NULL;
		exit_code = session_ask(session, "line.survey",
					json_pack("{s:s,s:i}", "line", line, "wait_ms", WAIT_MS),
					&data);
	}
	end_progress(session);
	*ret_data = data;
	return exit_code;
}

/* What did not come to its end is told, with what was found by then. */
static int judge_end(struct session *session, const json_t *data)
{
	const char *state = field_text(data, "state");

	if (strcmp(state, "done") == 0)
		return 0;
	return session_problem(session, PROBLEM_FAILED, NULL, "the %s of line %s was %s: %s",
			       field_text(data, "kind"), field_text(data, "line"),
			       strcmp(state, "cancelled") == 0 ? "cancelled" : "cut short",
			       field_text(data, "detail"));
}

static const struct table_column scan_columns[] = {
	{.title = "ADDRESS", .right = true},
	{.title = "SETTINGS"},
	{.title = "MODEL", .least = 12},
	{.title = "SURE"},
	{.title = "SERIAL", .right = true, .drop = 1},
	{.title = "MAY ALSO BE", .least = 10, .drop = 2},
};

static void join(const json_t *texts, const char *between, char *buf, size_t size)
{
	const json_t *text;
	size_t len = 0;
	size_t i;

	buf[0] = '\0';
	json_array_foreach(texts, i, text)
	{
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", i > 0 ? between : "",
						json_string_value(text));
	}
}

static enum tone sure_tone(const char *sure)
{
	if (strcmp(sure, "sure") == 0 || strcmp(sure, "likely") == 0)
		return TONE_GOOD;
	return TONE_WARN;
}

static void put_found(struct table *table, const json_t *row)
{
	const char *sure = field_true(row, "clash") ? "clash" : field_text(row, "sure");
	const char *model = field_text(row, "model");
	char others[256];
	int64_t serial;

	join(field_rows(row, "others"), ", ", others, sizeof(others));
	table_row(table);
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "address"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "settings"));
	table_cell(table, TONE_PLAIN, "%s", model[0] != '\0' ? model : FIGURE_UNKNOWN);
	table_cell(table, sure_tone(sure), "%s", sure);
	if (field_int(row, "serial", &serial))
		table_cell(table, TONE_PLAIN, "%" PRId64, serial);
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
	table_cell(table, TONE_DIM, "%s", others);
}

static const struct listing found = {
	.columns = scan_columns,
	.count = sizeof(scan_columns) / sizeof(scan_columns[0]),
	.put = put_found,
	.name = "address",
	.one = "device that is not commissioned",
	.many = "devices that are not commissioned",
};

/* What must be looked at before the rows are imported. */
static void warn_about(struct session *session, const json_t *row, const char *own)
{
	const char *sure = field_text(row, "sure");
	const char *settings = field_text(row, "settings");
	int64_t address = field_count(row, "address");
	char others[256];

	join(field_rows(row, "others"), ", ", others, sizeof(others));
	if (field_true(row, "clash"))
		session_warn(session,
			     "address %" PRId64
			     " never answers whole: two devices with this address, "
			     "or a bad joint",
			     address);
	else if (strcmp(sure, "unknown") == 0)
		session_warn(session,
			     "address %" PRId64 " answers, but as no model that prepay knows: look "
			     "at the device",
			     address);
	else if (strcmp(sure, "weak") == 0)
		session_warn(session,
			     "address %" PRId64 " is named on weak evidence: %s%s%s; look at the "
			     "device before money depends on it",
			     address, field_text(row, "model"), others[0] != '\0' ? ", or " : "",
			     others);
	if (strcmp(settings, own) != 0)
		session_warn(session,
			     "address %" PRId64
			     " answers at %s, and the line has %s: make them the "
			     "same first",
			     address, settings, own);
	if (strcmp(field_text(row, "kind"), "relay") == 0)
		session_warn(session,
			     "address %" PRId64 " is a relay board, and no row of its own: name it "
			     "in the column relay as %s@%" PRId64 "/CHANNEL",
			     address, field_text(row, "model"), address);
}

/* A row for each channel. Nobody is cut because of a scan: that is for a person to change. What no wire
 * tells (the breaker) is given, or left empty for the import to ask for. */
static void print_rows(const struct screen *out, const json_t *row, const char *line,
		       const char *breaker)
{
	const char *sure = field_text(row, "sure");
	const char *mark = strcmp(sure, "sure") == 0 || strcmp(sure, "likely") == 0 ? "new"
										    : "check";
	int64_t address = field_count(row, "address");
	int64_t channels = field_count(row, "channels");

	if (strcmp(field_text(row, "kind"), "relay") == 0 || field_true(row, "clash") ||
	    field_text(row, "model")[0] == '\0')
		return;
	for (int64_t channel = 1; channel <= channels; channel++) {
		char suffix[FIGURE_SIZE] = "";

		if (channels > 1)
			(void)snprintf(suffix, sizeof(suffix), "-%" PRId64, channel);
		(void)fprintf(out->file,
			      "%s-%s-%" PRId64 "%s,sockets,%s,%" PRId64 ",%s,%" PRId64
			      ",%s,no,%s\n",
			      mark, line, address, suffix, line, address, field_text(row, "model"),
			      channel, field_true(row, "relay") ? "meter" : "", breaker);
	}
}

static void print_csv(const struct screen *out, const json_t *rows, const char *line,
		      const char *breaker)
{
	const json_t *row;
	size_t i;

	(void)fprintf(out->file,
		      "room,circuit,line,address,model,channel,relay,may_cut,breaker_a\n");
	json_array_foreach(rows, i, row) print_rows(out, row, line, breaker);
}

int run_line_scan(struct call *call)
{
	struct session *session = call->session;
	const char *line = call_get(call, "LINE");
	const char *settings = call_get(call, "--settings");
	const char *breaker = call_get(call, "--breaker");
	json_t *args = survey_args(call);
	json_t *data = NULL;
	const json_t *row;
	int exit_code;
	size_t i;

	if (args == NULL)
		return problem_exit(PROBLEM_USAGE);
	if (settings != NULL)
		(void)json_object_set_new(args, "settings", json_string(settings));
	if (call_has(call, "--disturb"))
		(void)json_object_set_new(args, "disturb", json_true());
	exit_code = watch(session, "line.scan", line, args, &data);
	if (exit_code != 0)
		return exit_code;
	json_array_foreach(field_rows(data, "rows"), i, row)
		warn_about(session, row, field_text(data, "settings"));
	if (session->manners.json)
		exit_code = session_json(session, data);
	else if (call_has(call, "--csv"))
		print_csv(&session->out, field_rows(data, "rows"), line,
			  breaker != NULL ? breaker : "");
	else
		exit_code = listing_show(session, &found, field_rows(data, "rows"));
	if (exit_code == 0)
		exit_code = judge_end(session, data);
	json_decref(data);
	return exit_code;
}

static enum tone grade_tone(const char *grade)
{
	if (strcmp(grade, "good") == 0)
		return TONE_GOOD;
	return strcmp(grade, "watch") == 0 ? TONE_WARN : TONE_BAD;
}

/* Whole words to lines of ADVICE_WIDTH, or less where the screen is narrower. */
static void put_wrapped(const struct screen *out, const char *text)
{
	size_t width = out->width > ADVICE_INDENT + 20 && out->width < ADVICE_WIDTH ? out->width
										    : ADVICE_WIDTH;
	size_t room = width - ADVICE_INDENT;

	while (*text != '\0') {
		size_t len = strlen(text);

		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = room;
		}
		screen_say(out, TONE_PLAIN, "%*s%.*s", ADVICE_INDENT, "", (int)len, text);
		screen_end_line(out);
		text += len;
		text += strspn(text, " ");
	}
}

static void show_finding(const struct screen *out, const json_t *finding)
{
	enum tone tone = grade_tone(field_text(finding, "grade"));
	int64_t address;
	int64_t of = field_count(finding, "of");
	int64_t count = field_count(finding, "count");

	screen_say(out, tone, "%s ", screen_mark(out, tone));
	if (field_int(finding, "address", &address))
		screen_say(out, TONE_BOLD, "address %" PRId64 ": ", address);
	screen_say(out, TONE_BOLD, "%s", field_text(finding, "text"));
	if (of > 0)
		screen_say(out, TONE_PLAIN, " (%" PRId64 " of %" PRId64 " requests)", count, of);
	else if (count > 0)
		screen_say(out, TONE_PLAIN, " (%" PRId64 " bytes in two seconds)", count);
	screen_end_line(out);
	put_wrapped(out, field_text(finding, "advice"));
}

static const struct table_column test_columns[] = {
	{.title = "ADDRESS", .right = true},  {.title = "ROOMS", .least = 8, .drop = 1},
	{.title = "GOOD", .right = true},     {.title = "REFUSED", .right = true},
	{.title = "TIMEOUTS", .right = true}, {.title = "CRC", .right = true},
	{.title = "GARBLED", .right = true},  {.title = "FASTEST", .right = true},
	{.title = "SLOWEST", .right = true},
};

static void put_ms(struct table *table, const json_t *row, const char *name)
{
	char buf[FIGURE_SIZE];
	int64_t value;

	if (field_int(row, name, &value))
		table_cell(table, TONE_PLAIN, "%s ms", figure_milli(value, buf));
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
}

static void put_tested(struct table *table, const json_t *row)
{
	static const char *const counts[] = {"good", "exceptions", "timeouts", "crc_errors",
					     "garbled"};
	char rooms[256];

	join(field_rows(row, "rooms"), " ", rooms, sizeof(rooms));
	table_row(table);
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "address"));
	table_cell(table, TONE_PLAIN, "%s", rooms);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, counts[i]));
	put_ms(table, row, "fastest_us");
	put_ms(table, row, "slowest_us");
}

static const struct listing tested = {
	.columns = test_columns,
	.count = sizeof(test_columns) / sizeof(test_columns[0]),
	.put = put_tested,
	.name = "address",
	.one = "device",
	.many = "devices",
};

static int show_test(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const char *grade = field_text(data, "grade");
	const json_t *finding;
	size_t i;

	screen_say(out, grade_tone(grade), "%s ", screen_mark(out, grade_tone(grade)));
	screen_say(out, TONE_BOLD, "line %s: %s", field_text(data, "line"),
		   strcmp(grade, "good") == 0    ? "good, nothing found"
		   : strcmp(grade, "watch") == 0 ? "usable, but look at this"
						 : "not fit for use");
	screen_end_line(out);
	json_array_foreach(field_rows(data, "findings"), i, finding) show_finding(out, finding);
	return listing_show(session, &tested, field_rows(data, "rows"));
}

int run_line_test(struct call *call)
{
	struct session *session = call->session;
	const char *rounds = call_get(call, "--rounds");
	json_t *args = survey_args(call);
	json_t *data = NULL;
	int exit_code;

	if (args == NULL)
		return problem_exit(PROBLEM_USAGE);
	if (rounds != NULL)
		(void)json_object_set_new(args, "rounds", json_integer(strtoll(rounds, NULL, 10)));
	exit_code = watch(session, "line.test", call_get(call, "LINE"), args, &data);
	if (exit_code != 0)
		return exit_code;
	exit_code = session->manners.json ? session_json(session, data) : show_test(session, data);
	if (exit_code == 0)
		exit_code = judge_end(session, data);
	if (exit_code == 0 && strcmp(field_text(data, "grade"), "bad") == 0)
		exit_code = problem_exit(PROBLEM_DEGRADED);
	json_decref(data);
	return exit_code;
}

int run_line_cancel(struct call *call)
{
	const char *line = call_get(call, "LINE");

	return session_do(call->session, "line.cancel", json_pack("{s:s}", "line", line),
			  "line %s: cancelled", line);
}
