/* profile.c - a room's day in quarters of an hour. */
#include "concentrator/cli/handlers.h"

#include "concentrator/cli/csv.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

static const struct table_column columns[] = {
	{.title = "FROM"},
	{.title = "TO", .drop = 1},
	{.title = "CIRCUIT", .drop = 3, .least = 7},
	{.title = "KWH", .right = true},
	{.title = "REGISTER", .right = true, .drop = 2},
};

static void put(struct table *table, const json_t *row)
{
	char number[FIGURE_SIZE];
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "from_s", buf));
	table_cell(table, TONE_DIM, "%s", figure_field_time(row, "to_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "circuit"));
	table_cell(table, TONE_BOLD, "%s", figure_used(row, "energy_wh", FIGURE_UNKNOWN, number));
	table_cell(table, TONE_DIM, "%s", figure_used(row, "register_wh", FIGURE_UNKNOWN, number));
}

static const struct listing profile = {
	.verb = "profile",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put,
	.name = "from_s",
	.one = "quarter",
	.many = "quarters",
};

static int write_csv(struct session *session, const json_t *rows)
{
	FILE *file = session->out.file;
	char number[FIGURE_SIZE], at[FIGURE_SIZE];
	const json_t *row;
	size_t i;

	(void)fputs("from,to,circuit,kwh,register_kwh,m3,register_m3\r\n", file);
	json_array_foreach(rows, i, row)
	{
		(void)fprintf(file, "%s,", figure_field_time(row, "from_s", at));
		(void)fprintf(file, "%s,", figure_field_time(row, "to_s", at));
		csv_put(file, field_text(row, "circuit"));
		for (int water = 0; water <= 1; water++) {
			(void)fprintf(file, ",%s", figure_column(row, "energy_wh", water, number));
			(void)fprintf(file, ",%s",
				      figure_column(row, "register_wh", water, number));
		}
		(void)fputs("\r\n", file);
	}
	return fflush(file) == 0 ? 0
				 : session_problem(session, PROBLEM_FAILED, NULL,
						   "the output cannot be written");
}

int run_profile(struct call *call)
{
	struct session *session = call->session;
	json_t *args = json_pack("{s:s,s:s*,s:s*}", "room", call_get(call, "ROOM"), "day",
				 call_get(call, "--day"), "reason", call_get(call, "--reason"));
	json_t *data = NULL;
	int exit_code;

	if (!call_has(call, "--csv") || session->manners.json)
		return listing_run(session, &profile, args);
	exit_code = session_ask(session, "profile", args, &data);
	if (exit_code == 0)
		exit_code = write_csv(session, field_rows(data, "rows"));
	json_decref(data);
	return exit_code;
}
