/* history.c - why each charge, and what a month came to. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/charge_table.h"
#include "concentrator/cli/credits.h"
#include "concentrator/cli/csv.h"
#include "concentrator/cli/day.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define LAST_MAX 100000

/* As people read it: the last at the bottom. */
static json_t *turned(const json_t *rows)
{
	json_t *array = json_array();

	for (size_t i = json_array_size(rows); array != NULL && i > 0; i--)
		(void)json_array_append(array, json_array_get(rows, i - 1));
	return array;
}

static int show_charges(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const json_t *pending = field_object(data, "pending");
	unsigned digits = field_digits(data, "balance");
	json_t *rows = turned(field_rows(data, "rows"));
	char energy[FIGURE_SIZE], amount[FIGURE_SIZE], volume[FIGURE_SIZE + 16] = "";
	int exit_code;

	if (rows == NULL)
		return session_no_memory(session);
	exit_code = listing_show(session, &charge_listing, rows);
	json_decref(rows);
	if (exit_code != 0 || session->manners.quiet)
		return exit_code;
	if (pending != NULL) {
		if (field_count(pending, "volume_l") != 0) {
			amount_format(field_count(pending, "volume_l"), -3, amount);
			(void)snprintf(volume, sizeof(volume), ", %s m3", amount);
		}
		screen_fact(out, "since then", TONE_PLAIN, "%s%s, %s, not in an entry yet",
			    figure_energy(pending, "energy_wh", energy), volume,
			    figure_exact(pending, "amount_nano", digits, amount));
	}
	screen_fact(out, "balance", TONE_BOLD, "%s",
		    figure_exact(data, "balance_nano", digits, amount));
	return 0;
}

int run_explain(struct call *call)
{
	struct session *session = call->session;
	const char *last = call_get(call, "--last");
	json_t *args = json_pack("{s:s}", "room", call_get(call, "ROOM"));
	json_t *data = NULL;
	int exit_code = 0;

	if (last != NULL) {
		char *end;
		long n = strtol(last, &end, 10);

		if (end == last || *end != '\0' || n < 1 || n > LAST_MAX)
			exit_code = session_problem(session, PROBLEM_USAGE, NULL,
						    "--last is 1 to %d, not %s", LAST_MAX, last);
		else
			(void)json_object_set_new(args, "last", json_integer(n));
	}
	if (exit_code == 0)
		exit_code = day_option(call, "--since", args, "since_s");
	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	exit_code = session_ask(session, "explain", args, &data);
	if (exit_code == 0)
		exit_code = session->manners.json ? session_json(session, data)
						  : show_charges(session, data);
	json_decref(data);
	return exit_code;
}

static const struct table_column statement_columns[] = {
	{.title = "KIND"},
	{.title = "FROM"},
	{.title = "TO", .drop = 2},
	{.title = "KWH", .right = true},
	{.title = "PRICE", .right = true},
	{.title = "AMOUNT", .right = true},
	{.title = "TARIFF OR ORDER", .drop = 1, .least = 8},
	{.title = "WHY", .drop = 3, .least = 10},
};

static void put_line(struct table *table, const json_t *row)
{
	int64_t used = 0;
	bool energy = field_used(row, "energy_wh", &used) && used != 0;
	char number[FIGURE_SIZE];
	char buf[FIGURE_SIZE];
	int64_t nano = 0;

	(void)field_nano(row, "amount_nano", &nano);
	const char *credit = field_text(row, "credit");

	table_row(table);
	table_cell(table, TONE_PLAIN, "%s%s%s", field_text(row, "kind"),
		   *credit == '\0' ? "" : ", ", credit);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "from_s", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "to_s", buf));
	table_cell(table, TONE_PLAIN, "%s",
		   energy ? figure_used(row, "energy_wh", "", number) : "");
	table_cell(table, TONE_PLAIN, "%s",
		   energy ? figure_price(row, "price_micro_per_kwh", buf) : "");
	table_cell(table, nano > 0 ? TONE_GOOD : TONE_PLAIN, "%s",
		   figure_exact(row, "amount_nano", field_digits(row, "amount"), buf));
	table_cell(table, TONE_PLAIN, "%s",
		   energy ? field_text(row, "tariff") : field_text(row, "order"));
	/* The reasons of many settlements are not one reason. */
	table_cell(table, TONE_PLAIN, "%s",
		   field_count(row, "entries") > 1 ? "" : field_text(row, "why"));
}

static const struct listing statement = {
	.columns = statement_columns,
	.count = sizeof(statement_columns) / sizeof(statement_columns[0]),
	.put = put_line,
	.name = "kind",
	.one = "line",
	.many = "lines",
};

static int show_statement(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	unsigned digits = field_digits(data, "opening");
	char buf[FIGURE_SIZE];
	int exit_code;

	screen_say(out, TONE_BOLD, "room %s, %s", field_text(data, "room"),
		   field_text(data, "month"));
	screen_end_line(out);
	screen_fact(out, "opening", TONE_BOLD, "%s",
		    figure_exact(data, "opening_nano", digits, buf));
	exit_code = listing_show(session, &statement, field_rows(data, "rows"));
	screen_fact(out, "closing", TONE_BOLD, "%s",
		    figure_exact(data, "closing_nano", digits, buf));
	credits_show(out, data, digits);
	return exit_code;
}

static void csv_balance(FILE *file, const json_t *data, const char *kind, const char *time,
			const char *nano)
{
	unsigned digits = field_digits(data, "opening");
	char buf[FIGURE_SIZE], at[FIGURE_SIZE];

	(void)fprintf(file, "%s,%s,,,,%s,,,,,\r\n", kind, figure_field_time(data, time, at),
		      figure_exact(data, nano, digits, buf));
}

static int write_csv(struct session *session, const json_t *data)
{
	static const char *const texts[] = {"tariff", "order", "who", "why"};
	FILE *file = session->out.file;
	char from[FIGURE_SIZE], to[FIGURE_SIZE], price[FIGURE_SIZE], amount[FIGURE_SIZE];
	char number[FIGURE_SIZE];
	const json_t *row;
	size_t i;

	(void)fputs("kind,from,to,kwh,price,amount,tariff,order,who,why,m3\r\n", file);
	csv_balance(file, data, "opening balance", "from_s", "opening_nano");
	json_array_foreach(field_rows(data, "rows"), i, row)
	{
		int64_t used = 0;
		bool energy = field_used(row, "energy_wh", &used) && used != 0;

		(void)fprintf(
			file, "%s,%s,%s,%s,%s,%s", field_text(row, "kind"),
			figure_field_time(row, "from_s", from), figure_field_time(row, "to_s", to),
			energy ? figure_column(row, "energy_wh", false, number) : "",
			energy ? figure_price(row, "price_micro_per_kwh", price) : "",
			figure_exact(row, "amount_nano", field_digits(row, "amount"), amount));
		for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
			(void)fputc(',', file);
			csv_put(file, field_text(row, texts[n]));
		}
		(void)fprintf(file, ",%s\r\n", figure_column(row, "energy_wh", true, number));
	}
	csv_balance(file, data, "closing balance", "to_s", "closing_nano");
	return fflush(file) == 0 ? 0
				 : session_problem(session, PROBLEM_FAILED, NULL,
						   "the output cannot be written");
}

int run_statement(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int exit_code = session_ask(session, "statement",
				    json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "month",
					      call_get(call, "--month")),
				    &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else if (call_has(call, "--csv"))
		exit_code = write_csv(session, data);
	else
		exit_code = show_statement(session, data);
	json_decref(data);
	return exit_code;
}
