/* dated.c - charges by date: what is due, and what to do about missed days. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column columns[] = {
	{.title = "ROOM"},
	{.title = "RULE"},
	{.title = "FIRST"},
	{.title = "LAST"},
	{.title = "DAYS", .right = true},
	{.title = "AMOUNT", .right = true},
	{.title = "STATE"},
};

static void put_due(struct table *table, const json_t *row)
{
	bool held = field_true(row, "held");
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "rule"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "first"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "last"));
	if (json_is_integer(json_object_get(row, "days")))
		table_cell(table, TONE_PLAIN, "%" PRId64, field_count(row, "days"));
	else
		table_cell(table, TONE_BAD, "%s", "too many");
	table_cell(table, TONE_PLAIN, "%s",
		   figure_exact(row, "amount_nano", field_digits(row, "amount"), buf));
	table_cell(table, held ? TONE_BAD : TONE_DIM, "%s", held ? "held" : "due");
}

static const struct listing dues = {
	.verb = "dated.list",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put_due,
	.name = "room",
	.one = "room with charges due",
	.many = "rooms with charges due",
};

int run_dated_list(struct call *call)
{
	return listing_run(call->session, &dues, NULL);
}

static int decide(struct call *call, const char *verb, const char *done)
{
	return session_do(call->session, verb,
			  json_pack("{s:s}", "reason", call_get(call, "--reason")), "%s", done);
}

int run_dated_confirm(struct call *call)
{
	if (!session_confirm(call->session, "Charge all rooms for the days that were missed?"))
		return problem_exit(PROBLEM_FAILED);
	return decide(call, "dated.confirm", "the missed days are charged");
}

int run_dated_waive(struct call *call)
{
	if (!session_confirm(call->session, "Charge nobody for the days that were missed?"))
		return problem_exit(PROBLEM_FAILED);
	return decide(call, "dated.waive", "the missed days are charged to nobody");
}
