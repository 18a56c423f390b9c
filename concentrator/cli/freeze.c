/* freeze.c - what each circuit of a room stood at when days and months ended. */
#include "concentrator/cli/handlers.h"

#include "concentrator/cli/csv.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column columns[] = {
	{.title = "PERIOD"},
	{.title = "CIRCUIT", .drop = 3, .least = 7},
	{.title = "REGISTER", .right = true},
	{.title = "READ", .drop = 1},
	{.title = "KWH", .right = true},
	{.title = "SINCE", .drop = 2},
	{.title = "BALANCE", .right = true},
};

static void put(struct table *table, const json_t *row)
{
	char number[FIGURE_SIZE];
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "period"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "circuit"));
	table_cell(table, TONE_PLAIN, "%s",
		   figure_used(row, "register_wh", FIGURE_UNKNOWN, number));
	table_cell(table, TONE_DIM, "%s", figure_field_time(row, "read_s", buf));
	table_cell(table, TONE_BOLD, "%s", figure_used(row, "energy_wh", FIGURE_UNKNOWN, number));
	table_cell(table, TONE_DIM, "%s", figure_field_time(row, "from_s", buf));
	table_cell(table, TONE_PLAIN, "%s",
		   figure_exact(row, "balance_nano", field_digits(row, "balance"), buf));
}

static const struct listing freezes = {
	.verb = "freeze.list",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put,
	.name = "period",
	.one = "row",
	.many = "rows",
};

static int write_csv(struct session *session, const json_t *rows)
{
	FILE *file = session->out.file;
	char number[FIGURE_SIZE], at[FIGURE_SIZE];
	const json_t *row;
	size_t i;

	(void)fputs("period,circuit,register_kwh,read,kwh,since,balance,register_m3,m3\r\n", file);
	json_array_foreach(rows, i, row)
	{
		(void)fprintf(file, "%s,", field_text(row, "period"));
		csv_put(file, field_text(row, "circuit"));
		(void)fprintf(file, ",%s,", figure_column(row, "register_wh", false, number));
		(void)fprintf(file, "%s,", figure_field_time(row, "read_s", at));
		(void)fprintf(file, "%s,", figure_column(row, "energy_wh", false, number));
		(void)fprintf(file, "%s,", figure_field_time(row, "from_s", at));
		(void)fprintf(file, "%s,",
			      figure_exact(row, "balance_nano", field_digits(row, "balance"), at));
		(void)fprintf(file, "%s,", figure_column(row, "register_wh", true, number));
		(void)fprintf(file, "%s\r\n", figure_column(row, "energy_wh", true, number));
	}
	return fflush(file) == 0 ? 0
				 : session_problem(session, PROBLEM_FAILED, NULL,
						   "the output cannot be written");
}

int run_freeze_list(struct call *call)
{
	struct session *session = call->session;
	json_t *args = json_pack("{s:s,s:b}", "room", call_get(call, "ROOM"), "monthly",
				 call_has(call, "--months"));
	json_t *data = NULL;
	int exit_code;

	if (!call_has(call, "--csv") || session->manners.json)
		return listing_run(session, &freezes, args);
	exit_code = session_ask(session, "freeze.list", args, &data);
	if (exit_code == 0)
		exit_code = write_csv(session, field_rows(data, "rows"));
	json_decref(data);
	return exit_code;
}
