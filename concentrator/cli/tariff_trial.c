/* tariff_trial.c - a dry run: what a month that is past would have cost under another tariff. */
#include "concentrator/cli/handlers.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/csv.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"
#include "concentrator/cli/tariff.h"

static const struct table_column trial_columns[] = {
	{.title = "ROOM", .least = 8},
	{.title = "KWH", .right = true},
	{.title = "CHARGED", .right = true},
	{.title = "WITH THIS TARIFF", .right = true},
	{.title = "DIFFERENCE", .right = true},
	{.title = "KWH SHARED OUT", .right = true, .drop = 1},
};

static void put_figures(struct table *table, const json_t *row, const char *name)
{
	unsigned digits = field_digits(row, "charged");
	char number[AMOUNT_TEXT_MAX];
	char buf[FIGURE_SIZE];
	int64_t more_nano = 0;

	(void)field_nano(row, "difference_nano", &more_nano);
	table_row(table);
	table_cell(table, TONE_BOLD, "%s", name);
	amount_format(field_count(row, "energy_wh"), -3, number);
	table_cell(table, TONE_PLAIN, "%s", number);
	table_cell(table, TONE_PLAIN, "%s", figure_nano(row, "charged_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", figure_nano(row, "trial_nano", digits, buf));
	table_cell(table, more_nano > 0 ? TONE_WARN : TONE_GOOD, "%s",
		   figure_nano(row, "difference_nano", digits, buf));
	amount_format(field_count(row, "shared_wh"), -3, number);
	table_cell(table, TONE_DIM, "%s", number);
}

static void put_row(struct table *table, const json_t *row)
{
	put_figures(table, row, field_text(row, "room"));
}

static const struct listing rooms = {
	.columns = trial_columns,
	.count = sizeof(trial_columns) / sizeof(trial_columns[0]),
	.put = put_row,
	.name = "room",
	.one = "room",
	.many = "rooms",
};

static int show(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const json_t *total = field_object(data, "total");
	unsigned digits = field_digits(total, "charged");
	char charged[FIGURE_SIZE], trial[FIGURE_SIZE], more[FIGURE_SIZE], shared[FIGURE_SIZE];
	int exit_code;

	if (!session->manners.quiet) {
		screen_say(out, TONE_BOLD, "%s, as if tariff \"%s\" had been in force",
			   field_text(data, "month"), field_text(data, "name"));
		screen_end_line(out);
	}
	exit_code = listing_show(session, &rooms, field_rows(data, "rows"));
	if (exit_code != 0 || session->manners.quiet)
		return exit_code;
	screen_fact(out, "charged", TONE_PLAIN, "%s",
		    figure_exact(total, "charged_nano", digits, charged));
	screen_fact(out, "under it", TONE_BOLD, "%s (difference %s)",
		    figure_exact(total, "trial_nano", digits, trial),
		    figure_exact(total, "difference_nano", digits, more));
	if (field_count(total, "shared_wh") != 0)
		screen_fact(out, "shared out", TONE_DIM,
			    "%s by time: no reading was kept where this tariff changes its price",
			    figure_energy(total, "shared_wh", shared));
	return 0;
}

static int write_csv(struct session *session, const json_t *data)
{
	FILE *file = session->out.file;
	const json_t *row;
	size_t i;

	(void)fputs("room,kwh,charged,trial,difference,kwh_shared\r\n", file);
	json_array_foreach(field_rows(data, "rows"), i, row)
	{
		unsigned digits = field_digits(row, "charged");
		char energy[AMOUNT_TEXT_MAX], shared[AMOUNT_TEXT_MAX];
		char charged[FIGURE_SIZE], trial[FIGURE_SIZE], more[FIGURE_SIZE];

		csv_put(file, field_text(row, "room"));
		amount_format(field_count(row, "energy_wh"), -3, energy);
		amount_format(field_count(row, "shared_wh"), -3, shared);
		(void)fprintf(file, ",%s,%s,%s,%s,%s\r\n", energy,
			      figure_exact(row, "charged_nano", digits, charged),
			      figure_exact(row, "trial_nano", digits, trial),
			      figure_exact(row, "difference_nano", digits, more), shared);
	}
	return fflush(file) == 0 ? 0
				 : session_problem(session, PROBLEM_FAILED, NULL,
						   "the output cannot be written");
}

int run_tariff_trial(struct call *call)
{
	struct session *session = call->session;
	const char *month = call_get(call, "--month");
	json_t *args = json_object();
	json_t *data = NULL;
	int exit_code;

	if (month != NULL)
		(void)json_object_set_new(args, "month", json_string(month));
	exit_code = tariff_ask(call, "tariff.trial", args, &data);
	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else if (call_has(call, "--csv"))
		exit_code = write_csv(session, data);
	else
		exit_code = show(session, data);
	json_decref(data);
	return exit_code;
}
