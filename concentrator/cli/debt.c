/* debt.c - what tenants owe beside their balance, and how it is recovered. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/change.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define PERCENT_DIGITS 4 /* parts per million */

static const struct table_column columns[] = {
	{.title = "DEBT", .right = true},
	{.title = "ROOM"},
	{.title = "FOR", .least = 8},
	{.title = "TOTAL", .right = true, .drop = 2},
	{.title = "LEFT", .right = true},
	{.title = "DUE", .right = true, .drop = 3},
	{.title = "HOW"},
	{.title = "ENDED BY", .drop = 1},
};

/* "10 % of a recharge, at most 5.00 a week"; "daily 0.50" */
static const char *say_way(const json_t *row, unsigned digits, char *buf, size_t size)
{
	const char *way = field_text(row, "way");
	char share[AMOUNT_TEXT_MAX], amount[FIGURE_SIZE];
	int64_t nano = 0;

	if (strcmp(way, "share") == 0) {
		amount_format_price(field_count(row, "share_ppm") * 100, share);
		(void)field_nano(row, "week_max_nano", &nano);
		(void)snprintf(buf, size, "%s %% of a recharge%s%s%s", share,
			       nano > 0 ? ", at most " : "",
			       nano > 0 ? figure_exact(row, "week_max_nano", digits, amount) : "",
			       nano > 0 ? " a week" : "");
	} else if (field_nano(row, "rate_nano", &nano) && nano > 0) {
		(void)snprintf(buf, size, "%s %s", way,
			       figure_exact(row, "rate_nano", digits, amount));
	} else {
		(void)snprintf(buf, size, "%s", way);
	}
	return buf;
}

static void put_debt(struct table *table, const json_t *row)
{
	unsigned digits = field_digits(row, "total");
	char buf[FIGURE_SIZE], way[160];

	table_row(table);
	table_cell(table, TONE_DIM, "%" PRId64, field_count(row, "id"));
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "name"));
	table_cell(table, TONE_PLAIN, "%s", figure_exact(row, "total_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", figure_exact(row, "left_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", figure_exact(row, "due_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", say_way(row, digits, way, sizeof(way)));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "ended_by"));
}

static const struct listing debts = {
	.verb = "debt.list",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put_debt,
	.name = "id",
	.one = "debt",
	.many = "debts",
};

int run_debt_list(struct call *call)
{
	return listing_run(call->session, &debts,
			   json_pack("{s:s*,s:o*}", "room", call_get(call, "--room"), "all",
				     call_has(call, "--all") ? json_true() : NULL));
}

static void say_debt(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	unsigned digits = field_digits(data, "total");
	char buf[FIGURE_SIZE], way[160];

	if (field_count(data, "id") > 0)
		screen_fact(out, "debt", TONE_BOLD, "%" PRId64, field_count(data, "id"));
	screen_fact(out, "room", TONE_PLAIN, "%s", field_text(data, "room"));
	screen_fact(out, "for", TONE_PLAIN, "%s", field_text(data, "name"));
	screen_fact(out, "total", TONE_PLAIN, "%s", figure_exact(data, "total_nano", digits, buf));
	screen_fact(out, "left", TONE_BOLD, "%s", figure_exact(data, "left_nano", digits, buf));
	screen_fact(out, "due", TONE_PLAIN, "%s", figure_exact(data, "due_nano", digits, buf));
	screen_fact(out, "how", TONE_PLAIN, "%s", say_way(data, digits, way, sizeof(way)));
	screen_fact(out, "since", TONE_PLAIN, "%s, by %s: %s",
		    figure_field_time(data, "from_s", buf), field_text(data, "owner"),
		    field_text(data, "reason"));
	if (*field_text(data, "ended_by") != '\0')
		screen_fact(out, "ended", TONE_PLAIN, "%s, by %s",
			    figure_field_time(data, "ended_s", buf), field_text(data, "ended_by"));
}

/* The id of a debt, or an exit code. */
static int read_id(struct call *call, int64_t *ret)
{
	const char *text = call_get(call, "ID");
	char *end;
	long long id = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || id < 1)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "ID is the number of a debt, not %s", text);
	*ret = id;
	return 0;
}

int run_debt_show(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int64_t id;
	int exit_code = read_id(call, &id);

	if (exit_code == 0)
		exit_code = session_ask(session, "debt.show",
					json_pack("{s:I}", "id", (json_int_t)id), &data);
	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else
		say_debt(session, data);
	json_decref(data);
	return exit_code;
}

int run_debt_forgive(struct call *call)
{
	const struct change change = {
		.verb = "debt.forgive", .question = "Forgive what is left?", .say = say_debt};
	int64_t id;
	int exit_code = read_id(call, &id);

	if (exit_code != 0)
		return exit_code;
	return change_run(
		call, &change,
		json_pack("{s:I,s:s}", "id", (json_int_t)id, "reason", call_get(call, "--reason")));
}

/* An amount as the protocol has it; the room's balance says how many decimals there are. */
static int put_amount(struct call *call, const json_t *room, const char *name, const char *field,
		      json_t *args)
{
	const char *typed = call_get(call, name);
	unsigned digits = field_digits(room, "balance");
	int64_t minor;
	int r = amount_parse(typed, digits, &minor);

	if (r < 0 || minor == 0)
		return session_problem(call->session, PROBLEM_USAGE, NULL, "%s %s: %s", name, typed,
				       r == -EDOM     ? "more decimals than the currency has"
				       : r == -ERANGE ? "too large"
						      : "not an amount above zero, such as 5.00");
	(void)json_object_set_new(
		args, field,
		json_pack("{s:I,s:i,s:O*}", "value", (json_int_t)minor, "multiplier", -(int)digits,
			  "monetaryUnit",
			  json_object_get(field_object(room, "balance"), "monetaryUnit")));
	return 0;
}

static int put_way(struct call *call, const json_t *room, json_t *args)
{
	static const struct {
		const char *option;
		const char *way;
		const char *field; /* an amount; NULL: something else */
	} ways[] = {
		{"--share", "share", NULL},
		{"--daily", "daily", "rate"},
		{"--weekly", "weekly", "rate"},
		{"--monthly", "monthly", "rate"},
		{"--instalments", "instalments", NULL},
	};
	const char *way = "at-once";
	int given = 0, exit_code = 0;
	int64_t number;

	for (size_t i = 0; exit_code == 0 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *typed = call_get(call, ways[i].option);

		if (typed == NULL)
			continue;
		given++;
		way = ways[i].way;
		if (ways[i].field != NULL) {
			exit_code = put_amount(call, room, ways[i].option, ways[i].field, args);
		} else if (amount_parse(typed, strcmp(way, "share") == 0 ? PERCENT_DIGITS : 0,
					&number) < 0) {
			exit_code = session_problem(call->session, PROBLEM_USAGE, NULL,
						    "%s %s: not a number", ways[i].option, typed);
		} else {
			(void)json_object_set_new(
				args, strcmp(way, "share") == 0 ? "share_ppm" : "instalments",
				json_integer(number));
		}
	}
	if (exit_code == 0 && given > 1)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "one of --share, --daily, --weekly, --monthly and "
				       "--instalments; none: all of it from the next recharge");
	if (exit_code == 0 && call_has(call, "--week-max"))
		exit_code = put_amount(call, room, "--week-max", "week_max", args);
	(void)json_object_set_new(args, "way", json_string(way));
	return exit_code;
}

int run_debt_add(struct call *call)
{
	const struct change change = {
		.verb = "debt.add", .question = "Add this debt?", .say = say_debt};
	struct session *session = call->session;
	json_t *args = json_pack("{s:s,s:s,s:s}", "room", call_get(call, "ROOM"), "name",
				 call_get(call, "--for"), "reason", call_get(call, "--reason"));
	json_t *room = NULL;
	int exit_code = args == NULL
				? session_no_memory(session)
				: session_ask(session, "room.show",
					      json_pack("{s:s}", "room", call_get(call, "ROOM")),
					      &room);

	if (exit_code == 0)
		exit_code = put_amount(call, room, "AMOUNT", "amount", args);
	if (exit_code == 0)
		exit_code = put_way(call, room, args);
	json_decref(room);
	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	return change_run(call, &change, args);
}
