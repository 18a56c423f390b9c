/* history.c - why each charge, and what a month came to. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/account.h"
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

/* What all amounts include, and what was added to them. */
static void show_tax(const struct screen *out, const json_t *rows, unsigned digits)
{
	int64_t sum[2] = {0}, nano;
	static const char *const words[2] = {"included", "added"};
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		int64_t *to = &sum[strcmp(field_text(row, "kind"), "tax") == 0];

		if (field_nano(row, "tax_nano", &nano) && __builtin_add_overflow(*to, nano, to))
			return;
	}
	for (size_t n = 0; n < 2; n++) {
		char buf[FIGURE_SIZE], text[FIGURE_SIZE];
		json_t *total = NULL;

		if (sum[n] == 0)
			continue;
		(void)snprintf(text, sizeof(text), "%" PRId64, sum[n]);
		total = json_pack("{s:s}", "nano", text);
		screen_fact(out, "tax", TONE_PLAIN, "%s %s",
			    figure_exact(total, "nano", digits, buf), words[n]);
		json_decref(total);
	}
}

/* Which account of the name it is, where that is not plain. */
static void show_account(const struct screen *out, const json_t *data)
{
	char at[FIGURE_SIZE];
	int64_t before;

	if (field_count(data, "closed_s") != 0)
		screen_fact(out, "account", TONE_WARN, "%" PRId64 ", closed %s",
			    field_count(data, "account"), figure_field_time(data, "closed_s", at));
	if (field_int(data, "account_before", &before))
		screen_fact(out, "account", TONE_DIM,
			    "%" PRId64 ", since %s; one before it: --account %" PRId64,
			    field_count(data, "account"), figure_field_time(data, "opened_s", at),
			    before);
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
	if (exit_code == 0 && !session->manners.quiet) {
		show_account(out, data);
		show_tax(out, rows, digits);
	}
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
	int exit_code = account_option(call, args);

	if (exit_code == 0 && last != NULL) {
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
	{.title = "TAX IN IT", .right = true, .rare = true},
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
	table_cell(table, TONE_DIM, "%s", figure_tax(row, field_digits(row, "amount"), buf));
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

/* The rows of one part, from *next on. NULL without memory. */
static json_t *part_of(const json_t *rows, size_t *next)
{
	json_t *part = json_array();
	const json_t *first = json_array_get(rows, *next);

	for (; part != NULL && *next < json_array_size(rows); ++*next) {
		json_t *row = json_array_get(rows, *next);

		if (field_count(row, "part") != field_count(first, "part"))
			break;
		(void)json_array_append(part, row);
	}
	return part;
}

/* A table for each tenancy, and one more behind each closing. */
static int show_parts(struct session *session, const json_t *rows)
{
	size_t next = 0;
	int exit_code = 0;

	do {
		const char *tenancy = field_text(json_array_get(rows, next), "tenancy");
		json_t *part = part_of(rows, &next);

		if (part == NULL)
			return session_no_memory(session);
		if (*tenancy != '\0')
			screen_fact(&session->out, "tenancy", TONE_PLAIN, "%s", tenancy);
		else if (json_array_size(part) < json_array_size(rows))
			screen_fact(&session->out, "tenancy", TONE_PLAIN, "none");
		exit_code = listing_show(session, &statement, part);
		json_decref(part);
	} while (exit_code == 0 && next < json_array_size(rows));
	return exit_code;
}

static int show_statement(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const json_t *rows = field_rows(data, "rows");
	unsigned digits = field_digits(data, "opening");
	bool over = field_true(data, "over");
	char buf[FIGURE_SIZE];
	int exit_code;

	screen_say(out, TONE_BOLD, "room %s, %s%s", field_text(data, "room"),
		   field_text(data, "month"), over ? "" : ", not over yet");
	screen_end_line(out);
	show_account(out, data);
	screen_fact(out, "opening", TONE_BOLD, "%s",
		    figure_exact(data, "opening_nano", digits, buf));
	exit_code = show_parts(session, rows);
	show_tax(out, rows, digits);
	screen_fact(out, over ? "closing" : "so far", TONE_BOLD, "%s",
		    figure_exact(data, "closing_nano", digits, buf));
	/* What there is of each credit now says nothing about a month that is over. */
	if (!over)
		credits_show(out, data, digits);
	return exit_code;
}

static void csv_balance(FILE *file, const json_t *data, const char *kind, const char *time,
			const char *nano)
{
	unsigned digits = field_digits(data, "opening");
	char buf[FIGURE_SIZE], at[FIGURE_SIZE];

	(void)fprintf(file, "%s,%s,,,,%s,,,,,,,,\r\n", kind, figure_field_time(data, time, at),
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

	(void)fputs("kind,from,to,kwh,price,amount,tariff,order,who,why,m3,credit,tax_included,"
		    "tenancy\r\n",
		    file);
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
		(void)fprintf(file, ",%s,%s,%s,", figure_column(row, "energy_wh", true, number),
			      field_text(row, "credit"),
			      figure_tax(row, field_digits(row, "amount"), amount));
		csv_put(file, field_text(row, "tenancy"));
		(void)fputs("\r\n", file);
	}
	csv_balance(file, data, "closing balance", "to_s", "closing_nano");
	return fflush(file) == 0 ? 0
				 : session_problem(session, PROBLEM_FAILED, NULL,
						   "the output cannot be written");
}

int run_statement(struct call *call)
{
	struct session *session = call->session;
	json_t *args = json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "month",
				 call_get(call, "--month"));
	json_t *data = NULL;
	int exit_code = account_option(call, args);

	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	exit_code = session_ask(session, "statement", args, &data);
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
