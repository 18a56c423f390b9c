/* tariff.c - what a kWh costs: shown, checked, put in force. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"
#include "concentrator/cli/tariff.h"

/* A tariff travels in one line of the control protocol. */
#define TARIFF_BYTES_MAX 32768

static const struct table_column tariff_columns[] = {
	{.title = "ID", .right = true},
	{.title = "NAME", .least = 10},
	{.title = "STATE"},
	{.title = "FROM"},
	{.title = "PRICE/KWH", .right = true},
	{.title = "BANDS", .right = true},
	{.title = "BLOCKS", .right = true},
};

#define RANGE_SIZE (2 * FIGURE_SIZE + 8)

/* "0.538", or "0.288 to 0.868" where it depends on time or use. */
static const char *price_range(const json_t *row, char buf[static RANGE_SIZE])
{
	char least[FIGURE_SIZE];
	char most[FIGURE_SIZE];

	(void)figure_price(row, "price_micro_per_kwh", least);
	(void)figure_price(row, "most_micro_per_kwh", most);
	if (json_equal(json_object_get(row, "price_micro_per_kwh"),
		       json_object_get(row, "most_micro_per_kwh")) ||
	    json_object_get(row, "most_micro_per_kwh") == NULL)
		(void)snprintf(buf, RANGE_SIZE, "%s", least);
	else
		(void)snprintf(buf, RANGE_SIZE, "%s to %s", least, most);
	return buf;
}

static void put_tariff(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	char buf[FIGURE_SIZE];
	char range[RANGE_SIZE];

	table_row(table);
	table_cell(table, TONE_DIM, "%" PRId64, field_count(row, "id"));
	table_cell(table, TONE_BOLD, "%s", field_text(row, "name"));
	table_cell(table,
		   strcmp(state, "current") == 0  ? TONE_GOOD
		   : strcmp(state, "staged") == 0 ? TONE_WARN
						  : TONE_DIM,
		   "%s", state);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "activation_s", buf));
	table_cell(table, TONE_PLAIN, "%s", price_range(row, range));
	table_cell(table, TONE_PLAIN, "%zu", json_array_size(json_object_get(row, "bands")));
	table_cell(table, TONE_PLAIN, "%zu", json_array_size(json_object_get(row, "edges_wh")) + 1);
}

/* What each band costs in each block, for a tariff that is not flat. */
static void say_bands(struct session *session, const json_t *data)
{
	const json_t *edges = json_object_get(data, "edges_wh");
	size_t blocks = json_array_size(edges) + 1;
	size_t index;
	json_t *band;

	if (json_array_size(json_object_get(data, "bands")) * blocks < 2)
		return;
	json_array_foreach(json_object_get(data, "bands"), index, band)
	{
		const char *name = field_text(band, "name");

		screen_say(&session->out, TONE_PLAIN, "  %s", *name != '\0' ? name : "all day");
		for (size_t i = 0; i < blocks; i++) {
			json_t *cell = json_pack(
				"{s:O}", "price",
				json_array_get(json_object_get(band, "price_micro_per_kwh"), i));
			char price[FIGURE_SIZE];
			json_int_t wh = json_integer_value(json_array_get(edges, i));

			screen_say(&session->out, TONE_PLAIN, "%s %s", i > 0 ? "," : ":",
				   figure_price(cell, "price", price));
			if (i + 1 < blocks && wh % 1000 == 0)
				screen_say(&session->out, TONE_DIM, " to %" PRId64 " kWh",
					   (int64_t)wh / 1000);
			else if (i + 1 < blocks)
				screen_say(&session->out, TONE_DIM, " to %" PRId64 " Wh",
					   (int64_t)wh);
			json_decref(cell);
		}
		screen_end_line(&session->out);
	}
}

/* What it costs by the day. */
static void say_standing(struct session *session, const json_t *data)
{
	static const char *const rows[][2] = {{"day_nano", "day"}, {"month_nano", "month"}};
	const json_t *standing = field_object(data, "standing");
	char amount[FIGURE_SIZE];
	int64_t nano;

	for (size_t i = 0; standing != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!field_nano(standing, rows[i][0], &nano) || nano == 0)
			continue;
		screen_say(&session->out, TONE_PLAIN, "  standing charge: %s per %s%s%s",
			   figure_exact(standing, rows[i][0], 0, amount), rows[i][1],
			   field_true(standing, "while_cut") ? "" : ", not while cut",
			   field_true(standing, "while_unread") ? "" : ", not while unread");
		screen_end_line(&session->out);
	}
}

static void say_allowance(struct session *session, const json_t *data)
{
	const json_t *allowance = field_object(data, "allowance");
	char energy[FIGURE_SIZE];

	if (allowance == NULL)
		return;
	screen_say(&session->out, TONE_PLAIN, "  free: %s per %s",
		   field_count(allowance, "energy_wh") > 0
			   ? figure_energy(allowance, "energy_wh", energy)
			   : figure_exact(allowance, "amount_nano", 0, energy),
		   field_true(allowance, "per_person") ? "person" : "room");
	screen_end_line(&session->out);
}

static void say_minimum(struct session *session, const json_t *data)
{
	char amount[FIGURE_SIZE];
	int64_t nano;

	if (!field_nano(data, "minimum_nano", &nano))
		return;
	screen_say(&session->out, TONE_PLAIN, "  minimum charge: %s",
		   figure_exact(data, "minimum_nano", 0, amount));
	screen_end_line(&session->out);
}

static void say_tax(struct session *session, const json_t *data)
{
	const json_t *tax = field_object(data, "tax");
	char rate[AMOUNT_TEXT_MAX];

	if (tax == NULL)
		return;
	amount_format(field_count(tax, "rate_ppm"), -4, rate);
	screen_say(&session->out, TONE_PLAIN, "  tax: %s %%, %s", rate,
		   field_true(tax, "added") ? "added" : "included");
	screen_end_line(&session->out);
}

static void say_water(struct session *session, const json_t *data)
{
	const json_t *water = field_object(data, "water");
	char price[FIGURE_SIZE];

	if (water == NULL)
		return;
	screen_say(&session->out, TONE_PLAIN, "  water: %s per m3",
		   figure_price(water, "price_micro_per_m3", price));
	screen_end_line(&session->out);
}

static const struct listing tariffs = {
	.verb = "tariff.show",
	.columns = tariff_columns,
	.count = sizeof(tariff_columns) / sizeof(tariff_columns[0]),
	.put = put_tariff,
	.name = "name",
	.one = "tariff",
	.many = "tariffs",
};

/* What holds when, as it is written: periods, weekdays and times, seasons, special days. */
static void say_times(struct session *session, const json_t *data)
{
	static const char *const asked[] = {"reset", "every", "carried-to", "move-in", "in-blocks"};
	json_t *sections = tariff_keys(field_text(data, "text"));
	const char *name, *key;
	json_t *section, *value;

	json_object_foreach(sections, name, section)
	{
		bool whole = strncmp(name, "days ", 5) == 0 || strncmp(name, "season ", 7) == 0 ||
			     strncmp(name, "special ", 8) == 0;
		bool begun = false;

		json_object_foreach(section, key, value)
		{
			bool wanted = whole;

			for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
				wanted = wanted || strcmp(key, asked[i]) == 0;
			if (!wanted)
				continue;
			if (!begun)
				screen_say(&session->out, TONE_PLAIN, "  %s:", name);
			screen_say(&session->out, TONE_PLAIN, "%s %s %s", begun ? "," : "", key,
				   json_string_value(value));
			begun = true;
		}
		if (begun)
			screen_end_line(&session->out);
	}
	json_decref(sections);
}

static void say_all(struct session *session, const json_t *data)
{
	say_bands(session, data);
	say_allowance(session, data);
	say_standing(session, data);
	say_minimum(session, data);
	say_tax(session, data);
	say_water(session, data);
	say_times(session, data);
}

/* Its text as it was applied, set off from what is told about it. */
static void say_text(struct session *session, const char *text)
{
	char *copy = strdup(text), *rest = NULL;

	for (char *line = copy == NULL ? NULL : strtok_r(copy, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		screen_say(&session->out, TONE_DIM, "    %s", line);
		screen_end_line(&session->out);
	}
	free(copy);
}

static int show_one(struct session *session, const json_t *row)
{
	char price[RANGE_SIZE], from[FIGURE_SIZE];

	if (session->manners.json)
		return session_json(session, row);
	screen_say(&session->out, TONE_BOLD, "tariff %" PRId64 " \"%s\", %s",
		   field_count(row, "id"), field_text(row, "name"), field_text(row, "state"));
	screen_say(&session->out, TONE_PLAIN, ": %s per kWh from %s", price_range(row, price),
		   figure_field_time(row, "activation_s", from));
	screen_end_line(&session->out);
	say_all(session, row);
	screen_say(&session->out, TONE_PLAIN, "  as it was applied:");
	screen_end_line(&session->out);
	say_text(session, field_text(row, "text"));
	return 0;
}

int run_tariff_show(struct call *call)
{
	struct session *session = call->session;
	const char *text = call_get(call, "ID");
	json_t *data = NULL;
	const json_t *row;
	size_t i;
	char *end;
	int exit_code;

	if (text == NULL)
		return listing_run(session, &tariffs, NULL);
	long long id = strtoll(text, &end, 10);
	if (end == text || *end != '\0')
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "%s: not the number of a tariff", text);
	exit_code = session_ask(session, tariffs.verb, NULL, &data);
	if (exit_code != 0)
		return exit_code;
	json_array_foreach(field_rows(data, "rows"), i, row) if (field_count(row, "id") == id)
	{
		exit_code = show_one(session, row);
		break;
	}
	if (i == json_array_size(field_rows(data, "rows")))
		exit_code = session_problem(
			session, PROBLEM_NOT_FOUND, NULL,
			"there is no tariff %lld; `prepay tariff show` lists them", id);
	json_decref(data);
	return exit_code;
}

int tariff_ask(struct call *call, const char *verb, json_t *args, json_t **ret_data)
{
	struct session *session = call->session;
	const char *file = call_get(call, "FILE");
	char *text = NULL;
	int exit_code = session_read(session, file, TARIFF_BYTES_MAX, &text);

	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	if (json_object_set_new(args, "text", json_string(text)) < 0) {
		free(text);
		json_decref(args);
		return session_problem(session, PROBLEM_USAGE, NULL, "%s: not UTF-8 text", file);
	}
	free(text);
	session->reading = strcmp(file, "-") == 0 ? "standard input" : file;
	exit_code = session_ask(session, verb, args, ret_data);
	session->reading = NULL;
	return exit_code;
}

/* Sends the file's text; what is wrong in it comes back by line. */
static int send_tariff(struct call *call, const char *verb, json_t *args, const char *done)
{
	struct session *session = call->session;
	json_t *data = NULL;
	char price[RANGE_SIZE];
	char from[FIGURE_SIZE];
	int exit_code = tariff_ask(call, verb, args, &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		screen_say(&session->out, TONE_PLAIN, "tariff \"%s\" %s: %s per kWh from %s",
			   field_text(data, "name"), done, price_range(data, price),
			   figure_field_time(data, "activation_s", from));
		screen_end_line(&session->out);
		say_all(session, data);
	}
	json_decref(data);
	return exit_code;
}

int run_tariff_check(struct call *call)
{
	return send_tariff(call, "tariff.check", json_object(), "is good");
}

int run_tariff_apply(struct call *call)
{
	json_t *args;

	if (!session_confirm(call->session, "Put the tariff of %s in force for all rooms?",
			     call_get(call, "FILE")))
		return problem_exit(PROBLEM_FAILED);
	args = json_pack("{s:s}", "reason", call_get(call, "--reason"));
	if (call_has(call, "--from-receipt"))
		(void)json_object_set_new(args, "from_receipt", json_true());
	return send_tariff(call, "tariff.apply", args, "is accepted");
}
