/* alarm.c - what wants a person: alarms, readings in quarantine, cuts that are held. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column alarm_columns[] = {
	{.title = "ID", .right = true},
	{.title = "SEVERITY"},
	{.title = "SINCE"},
	{.title = "ABOUT", .least = 8},
	{.title = "ALARM", .least = 10},
	{.title = "CLEARED", .drop = 2},
	{.title = "SEEN BY", .drop = 1, .least = 6},
	{.title = "DETAIL", .least = 16},
};

static void put_alarm(struct table *table, const json_t *row)
{
	const char *severity = field_text(row, "severity");
	bool cleared = field_count(row, "cleared_s") > 0;
	enum tone tone = cleared                             ? TONE_DIM
			 : strcmp(severity, "critical") == 0 ? TONE_BAD
							     : TONE_WARN;
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "id"));
	table_cell(table, tone, "%s", severity);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "since_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "subject"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "kind"));
	table_cell(table, TONE_DIM, "%s", figure_field_time(row, "cleared_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "acknowledged_by"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "detail"));
}

static void remark_alarms(const json_t *rows, char *buf, size_t size)
{
	size_t critical = listing_matches(rows, "severity", "critical");

	if (critical > 0)
		(void)snprintf(buf, size, ", %zu critical", critical);
}

static const struct listing alarms = {
	.verb = "alarm.list",
	.columns = alarm_columns,
	.count = sizeof(alarm_columns) / sizeof(alarm_columns[0]),
	.put = put_alarm,
	.name = "id",
	.one = "alarm",
	.many = "alarms",
	.remark = remark_alarms,
};

int run_alarm_list(struct call *call)
{
	json_t *args = json_object();

	if (call_has(call, "--all"))
		(void)json_object_set_new(args, "all", json_true());
	return listing_run(call->session, &alarms, args);
}

int run_alarm_ack(struct call *call)
{
	const char *text = call_get(call, "ID");
	char *end;
	long long id = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || id < 1)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "ID is the number that prepay alarm list shows, not %s",
				       text);
	return session_do(
		call->session, "alarm.acknowledge",
		json_pack("{s:I,s:s}", "id", (json_int_t)id, "reason", call_get(call, "--reason")),
		"alarm %lld acknowledged", id);
}

static const struct table_column quarantine_columns[] = {
	{.title = "ID", .right = true},
	{.title = "ROOM"},
	{.title = "CIRCUIT", .least = 7},
	{.title = "STATE"},
	{.title = "SINCE"},
	{.title = "LAST GOOD", .right = true},
	{.title = "READ", .right = true},
	{.title = "PENDING", .right = true, .drop = 2},
	{.title = "CLOSED", .drop = 3},
	{.title = "REASON", .least = 12, .drop = 1},
};

static void put_quarantine(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "id"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "circuit"));
	table_cell(table, strcmp(state, "open") == 0 ? TONE_WARN : TONE_DIM, "%s", state);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "opened_s", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_energy(row, "baseline_wh", buf));
	table_cell(table, TONE_WARN, "%s", figure_energy(row, "reading_wh", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_energy(row, "pending_wh", buf));
	table_cell(table, TONE_DIM, "%s", figure_field_time(row, "closed_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "reason"));
}

static void remark_quarantine(const json_t *rows, char *buf, size_t size)
{
	(void)snprintf(buf, size, " in quarantine, %zu open",
		       listing_matches(rows, "state", "open"));
}

static const struct listing quarantine = {
	.verb = "quarantine.list",
	.columns = quarantine_columns,
	.count = sizeof(quarantine_columns) / sizeof(quarantine_columns[0]),
	.put = put_quarantine,
	.name = "id",
	.one = "reading",
	.many = "readings",
	.remark = remark_quarantine,
};

int run_quarantine_list(struct call *call)
{
	return listing_run(call->session, &quarantine,
			   json_pack("{s:b}", "open", call_has(call, "--all") ? 0 : 1));
}

static const struct table_column cut_columns[] = {
	{.title = "ROOM"},
	{.title = "BALANCE", .right = true},
	{.title = "DUE"},
};

static void put_cut(struct table *table, const json_t *row)
{
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_BAD, "%s", figure_amount(row, "balance", "balance_nano", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "due_s", buf));
}

static const struct listing cuts = {
	.columns = cut_columns,
	.count = sizeof(cut_columns) / sizeof(cut_columns[0]),
	.put = put_cut,
	.name = "room",
	.one = "room due for a cut",
	.many = "rooms due for a cut",
};

int run_cuts_list(struct call *call)
{
	struct session *session = call->session;
	const struct screen *out = &session->out;
	char buf[FIGURE_SIZE];
	json_t *data = NULL;
	int exit_code = session_ask(session, "cuts.list", NULL, &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else {
		if (field_true(data, "held")) {
			screen_say(out, TONE_BAD, "%s HELD", screen_mark(out, TONE_BAD));
			screen_say(out, TONE_PLAIN, " since %s: %s",
				   figure_field_time(data, "since_s", buf),
				   field_text(data, "reason"));
			screen_end_line(out);
			screen_put(
				out, TONE_PLAIN,
				"Look at the rooms below; prepay cuts confirm lets them be cut.");
			screen_end_line(out);
		}
		exit_code = listing_show(session, &cuts, field_rows(data, "rows"));
	}
	json_decref(data);
	return exit_code;
}

int run_cuts_confirm(struct call *call)
{
	if (!session_confirm(call->session, "Let the held cuts go ahead?"))
		return problem_exit(PROBLEM_FAILED);
	return session_do(call->session, "cuts.confirm",
			  json_pack("{s:s}", "reason", call_get(call, "--reason")),
			  "the held cuts go ahead");
}
